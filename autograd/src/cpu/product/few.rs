//! Products with a side of a few numbers, such as a critic's last layer: a few matrix-vector products.

use std::ops::Range;

use pulp::Simd;

use super::super::pairwise::{BLOCK, sum_blocks};
use super::super::scratch::with_scratch;
use super::super::{Shared, for_each_tile, with_vectors};
use super::{Product, Strides};

/// A C with at most this many rows or columns is a few matrix-vector products.
const FEW: usize = 4;

/// A product with a side of a few numbers, seen as a matrix `[many, k]` times a few vectors of k numbers. The matrix
/// is A and the vectors are B's columns, or, all transposed, the matrix is Bᵀ and the vectors are A's rows.
pub struct Few {
    batch: usize,
    many: usize,
    few: usize,
    k: usize,
    transposed: bool,
    /// Where the matrix's elements (i, p) lie: one of `row` and `column` is 1.
    matrix: Strides,
    /// Where the vectors' elements (j, p) lie.
    vectors: Strides,
    /// Where C's elements (i, j) lie.
    c: Strides,
}

impl Few {
    /// Rows of the matrix in a tile of work.
    const TILE: usize = 256;
    /// Terms of a block: chains are shorter, as four terms or more are added up side by side.
    const TERMS: usize = 4 * BLOCK;

    /// This view of a product, where it pays.
    pub fn of(product: &Product) -> Option<Few> {
        let transposed = product.n > FEW;
        let Product { batch, m, n, k, a, b } = if transposed { product.transposed() } else { *product };
        let c = Strides { batch: m * n, row: n, column: 1 };
        let c = if transposed { Strides { row: 1, column: m, ..c } } else { c };
        let pays = n <= FEW && k >= 16 && (a.row == 1 || a.column == 1);
        pays.then_some(Few { batch, many: m, few: n, k, transposed, matrix: a, vectors: b.transposed(), c })
    }

    pub fn run(&self, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let (matrix, vectors) = if self.transposed { (b, a) } else { (a, b) };
        let c = Shared::new(c);
        let tiles = self.many.div_ceil(Self::TILE);
        for_each_tile(self.batch * tiles, self.batch * self.many * self.few * self.k, |tile| {
            let (item, i) = (tile / tiles, tile % tiles * Self::TILE);
            let rows = Self::TILE.min(self.many - i);
            let matrix = &matrix[item * self.matrix.batch + i * self.matrix.row..];
            let vectors = &vectors[item * self.vectors.batch..];
            with_scratch(self.few * (self.k + rows), |scratch| {
                let (packed, results) = scratch.split_at_mut(self.few * self.k);
                for (j, packed) in packed.chunks_exact_mut(self.k).enumerate() {
                    for (p, packed) in packed.iter_mut().enumerate() {
                        *packed = vectors[j * self.vectors.row + p * self.vectors.column];
                    }
                }
                let (blocks, vectors) = (self.k.div_ceil(Self::TERMS), &*packed);
                sum_blocks(0..blocks, rows * self.few * self.k, results, false, &|block, results, accumulate| {
                    let terms = block * Self::TERMS..self.k.min((block + 1) * Self::TERMS);
                    let tile = FewTile { view: self, rows, terms, matrix, vectors, results, accumulate };
                    with_vectors(tile);
                });
                for (j, results) in results.chunks_exact(rows).enumerate() {
                    for (row, &result) in results.iter().enumerate() {
                        let position = item * self.c.batch + (i + row) * self.c.row + j * self.c.column;
                        // SAFETY: every element of C belongs to one tile.
                        let c = unsafe { c.element(position) };
                        *c = if accumulate { *c + result } else { result };
                    }
                }
            });
        });
    }
}

/// `results[j][i]` (+)= some terms of row i of the matrix · vector j.
struct FewTile<'a> {
    view: &'a Few,
    rows: usize,
    terms: Range<usize>,
    matrix: &'a [f32],
    /// `[few, k]`.
    vectors: &'a [f32],
    /// `[few, rows]`.
    results: &'a mut [f32],
    accumulate: bool,
}

impl pulp::WithSimd for FewTile<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.view.few {
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            3 => self.run::<S, 3>(simd),
            _ => self.run::<S, FEW>(simd),
        }
    }
}

impl FewTile<'_> {
    #[inline(always)]
    fn run<S: Simd, const N: usize>(self, simd: S) {
        let FewTile { view, rows, terms, matrix, vectors, results, accumulate } = self;
        let vectors: [&[f32]; N] = std::array::from_fn(|j| &vectors[j * view.k..][terms.clone()]);
        let matrix = &matrix[terms.start * view.matrix.column..];
        if !accumulate {
            results.fill(0.0);
        }
        if view.matrix.column == 1 {
            for i in 0..rows {
                let dots = dots::<S, N>(simd, &matrix[i * view.matrix.row..][..terms.len()], vectors);
                (0..N).for_each(|j| results[j * rows + i] += dots[j]);
            }
        } else {
            for first in (0..terms.len()).step_by(BLOCK) {
                let mut sums = [[0.0; Few::TILE]; N];
                // Four columns at a time, so that the sums are read and written less often.
                for p in (first..terms.len().min(first + BLOCK)).step_by(4) {
                    let columns: [&[f32]; 4] = std::array::from_fn(|q| match p + q < terms.len() {
                        true => &matrix[(p + q) * view.matrix.column..][..rows],
                        false => &[0.0; Few::TILE][..rows], // behind the last column
                    });
                    for (sums, vector) in sums.iter_mut().zip(vectors) {
                        let factors: [f32; 4] = std::array::from_fn(|q| vector.get(p + q).copied().unwrap_or(0.0));
                        add_scaled(&mut sums[..rows], columns, factors);
                    }
                }
                for (results, sums) in results.chunks_exact_mut(rows).zip(&sums) {
                    results.iter_mut().zip(sums).for_each(|(result, sum)| *result += sum);
                }
            }
        }
    }
}

/// `sum += Σ factors[q] · columns[q]`.
#[inline(always)]
fn add_scaled(sum: &mut [f32], [a, b, c, d]: [&[f32]; 4], factors: [f32; 4]) {
    let len = sum.len();
    let (a, b, c, d) = (&a[..len], &b[..len], &c[..len], &d[..len]);
    for i in 0..len {
        sum[i] += (factors[0] * a[i] + factors[1] * b[i]) + (factors[2] * c[i] + factors[3] * d[i]);
    }
}

/// The dot products of one row with a few vectors.
#[inline(always)]
fn dots<S: Simd, const N: usize>(simd: S, row: &[f32], vectors: [&[f32]; N]) -> [f32; N] {
    /// Sums side by side for each vector: an addition takes as long as several additions take to start.
    const CHAINS: usize = 4;
    let (row, row_rest) = S::as_simd_f32s(row);
    let vectors = vectors.map(|vector| S::as_simd_f32s(vector));
    let mut sums = [[simd.splat_f32s(0.0); CHAINS]; N];
    let whole = row.len() / CHAINS * CHAINS;
    for p in (0..whole).step_by(CHAINS) {
        for chain in 0..CHAINS {
            for j in 0..N {
                sums[j][chain] = simd.mul_add_e_f32s(row[p + chain], vectors[j].0[p + chain], sums[j][chain]);
            }
        }
    }
    for (p, &numbers) in row.iter().enumerate().skip(whole) {
        for j in 0..N {
            sums[j][0] = simd.mul_add_e_f32s(numbers, vectors[j].0[p], sums[j][0]);
        }
    }
    let mut dots = [0.0; N];
    for j in 0..N {
        let [a, b, c, d] = sums[j];
        dots[j] = simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d)));
        for (a, b) in row_rest.iter().zip(vectors[j].1) {
            dots[j] += a * b;
        }
    }
    dots
}
