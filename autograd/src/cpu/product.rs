//! Matrix products, C = A·B or C += A·B, of operands with any strides, so that a transpose costs nothing.
//!
//! The product itself is a library's: `gemm` where the processor has AVX-512, else `matrixmultiply`; the environment
//! variable `AUTOGRAD_PRODUCT` forces one of them. Both run on one thread here, tile by tile of C. Products with a side
//! of a few numbers only, such as a critic's last layer, have kernels of their own.

use std::sync::OnceLock;

use pulp::Simd;

use super::scratch::with_scratch;
use super::transpose::transpose;
use super::{Shared, for_each_chunk, for_each_tile};
use crate::Error;
use crate::ops::ProductSizes;

/// Columns of a tile of C. Wide and high tiles spare the libraries the repacking of A and B; more tiles than threads
/// keep all threads busy. Measured, like all numbers here, on two cores with AVX-512.
const TILE_COLUMNS: usize = 128;
/// Rows of a tile of C that shares its row of tiles with others.
const TILE_ROWS: usize = 512;
/// Rows of a tile of a C that is hardly wider than a tile.
const NARROW_TILE_ROWS: usize = 128;
/// A C with at most this many rows or columns is a few matrix-vector products.
const FEW: usize = 4;

/// Where an operand's element (item, row, column) lies: at `batch · item + row · i + column · j`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Strides {
    /// From one matrix of a batch to the next; 0 shares one matrix.
    pub batch: usize,
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub column: usize,
}

/// A batch of products C `[batch, m, n]` = A `[batch, m, k]` · B `[batch, k, n]`; C is row-major.
///
/// ```
/// use autograd::cpu::product::{Product, Strides};
/// let row_major = Strides { batch: 0, row: 2, column: 1 };
/// let transposed = Strides { batch: 0, row: 1, column: 2 };
/// let product = Product { batch: 1, m: 2, n: 2, k: 2, a: row_major, b: transposed };
/// let mut c = [0.0; 4];
/// product.run(&[1.0, 2.0, 3.0, 4.0], &[1.0, 0.0, 10.0, 1.0], &mut c, false);
/// assert_eq!(c, [1.0, 12.0, 3.0, 34.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Product {
    /// Number of products.
    pub batch: usize,
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Where A's elements lie.
    pub a: Strides,
    /// Where B's elements lie.
    pub b: Strides,
}

/// The library that multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// The crate `gemm`.
    Gemm,
    /// The crate `matrixmultiply`.
    Matrixmultiply,
}

impl Library {
    /// The library for this processor, or the one that the environment variable `AUTOGRAD_PRODUCT` names.
    ///
    /// # Errors
    /// If the variable names neither.
    pub fn chosen() -> Result<Library, Error> {
        static CHOSEN: OnceLock<Result<Library, Error>> = OnceLock::new();
        CHOSEN.get_or_init(|| Library::named(std::env::var_os("AUTOGRAD_PRODUCT").as_deref())).clone()
    }

    fn named(name: Option<&std::ffi::OsStr>) -> Result<Library, Error> {
        match name.map(|name| name.to_string_lossy()).as_deref() {
            Some("gemm") => Ok(Library::Gemm),
            Some("matrixmultiply") => Ok(Library::Matrixmultiply),
            None | Some("") => Ok(if has_avx512() { Library::Gemm } else { Library::Matrixmultiply }),
            Some(other) => Err(Error::Device {
                device: "CPU".into(),
                reason: format!(
                    "the environment variable AUTOGRAD_PRODUCT is {other:?}; set it to gemm or matrixmultiply, or unset it"
                ),
            }),
        }
    }
}

fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

impl Product {
    /// A product of contiguous operands, each stored as it is used or transposed, which only exchanges its strides.
    pub fn contiguous(sizes: ProductSizes, transpose_a: bool, transpose_b: bool) -> Self {
        let ProductSizes { batch, m, n, k } = sizes;
        let strides = |transposed: bool, rows: usize, columns: usize| match transposed {
            false => Strides { batch: rows * columns, row: columns, column: 1 },
            true => Strides { batch: rows * columns, row: 1, column: rows },
        };
        Product { batch, m, n, k, a: strides(transpose_a, m, k), b: strides(transpose_b, k, n) }
    }

    /// Computes C = A·B, or C += A·B if `accumulate`.
    ///
    /// # Panics
    /// If a slice is too short for its strides, or `AUTOGRAD_PRODUCT` names no library (see [`Library::chosen`]).
    pub fn run(&self, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        self.run_with(Library::chosen().unwrap_or_else(|error| panic!("{error}")), a, b, c, accumulate);
    }

    fn run_with(&self, library: Library, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let Product { batch, m, n, k, .. } = *self;
        assert_eq!(c.len(), batch * m * n, "C of {self:?}");
        if c.is_empty() {
            return;
        }
        if k == 0 {
            if !accumulate {
                c.fill(0.0);
            }
            return;
        }
        assert!(self.a.reach(batch, m, k) < a.len(), "A of {self:?} has {} elements", a.len());
        assert!(self.b.reach(batch, k, n) < b.len(), "B of {self:?} has {} elements", b.len());
        if let Some(few) = Few::of(self) {
            few.run(a, b, c, accumulate);
        } else if self.b.row == 1 && self.b.column > 1 && m > FEW {
            self.run_transposing_b(library, a, b, c, accumulate);
        } else {
            self.run_tiles(library, a, b, c, accumulate);
        }
    }

    /// Cuts C into tiles, each a product of its own.
    fn run_tiles(&self, library: Library, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let Product { batch, m, n, k, .. } = *self;
        let c = Shared::new(c);
        let rows = if n > TILE_COLUMNS { TILE_ROWS } else { NARROW_TILE_ROWS };
        let (down, across) = (m.div_ceil(rows), n.div_ceil(TILE_COLUMNS));
        for_each_tile(batch * down * across, batch * m * n * k, |tile| {
            let (item, i, j) = (tile / across / down, tile / across % down * rows, tile % across * TILE_COLUMNS);
            let sizes = [rows.min(m - i), TILE_COLUMNS.min(n - j)];
            let a = &a[item * self.a.batch + i * self.a.row..];
            let b = &b[item * self.b.batch + j * self.b.column..];
            // SAFETY: `run_with` has checked that A and B reach as far as their strides do, and no two tiles overlap.
            unsafe { self.multiply_tile(library, sizes, a, b, c.pointer((item * m + i) * n + j), accumulate) };
        });
    }

    /// One tile of C, by the library.
    ///
    /// # Safety
    /// `a` and `b` must begin at the tile's first row and column and hold all of it, and nothing else may access the
    /// tile of C at `c` meanwhile.
    unsafe fn multiply_tile(
        &self,
        library: Library,
        [m, n]: [usize; 2],
        a: &[f32],
        b: &[f32],
        c: *mut f32,
        accumulate: bool,
    ) {
        let Product {
            k,
            a: Strides { row: a_row, column: a_column, .. },
            b: Strides { row: b_row, column: b_column, .. },
            ..
        } = *self;
        let [a_row, a_column, b_row, b_column, c_row] =
            [a_row, a_column, b_row, b_column, self.n].map(|stride| stride as isize);
        let (a, b, beta) = (a.as_ptr(), b.as_ptr(), f32::from(accumulate));
        match library {
            // SAFETY: as the caller promises.
            Library::Matrixmultiply => unsafe {
                matrixmultiply::sgemm(m, k, n, 1.0, a, a_row, a_column, b, b_row, b_column, beta, c, c_row, 1);
            },
            // SAFETY: as the caller promises.
            Library::Gemm => unsafe {
                let serial = gemm::Parallelism::None;
                gemm::gemm(
                    m, n, k, c, 1, c_row, accumulate, a, a_column, a_row, b, b_column, b_row, beta, 1.0, false, false,
                    false, serial,
                );
            },
        }
    }

    /// The libraries take long to pack a B whose columns are contiguous, and do it again for every tile of a column of
    /// tiles, so B is made row-major first.
    fn run_transposing_b(&self, library: Library, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let Product { batch, n, k, .. } = *self;
        let matrices = if self.b.batch == 0 { 1 } else { batch };
        let strip = if matrices == 1 { k.min(64) } else { k }; // rows
        with_scratch(matrices * k * n, |row_major| {
            for_each_chunk(row_major, strip * n, matrices * k * n, |index, rows| {
                let (item, p) = (index * strip / k, index * strip % k);
                let b = &b[item * self.b.batch + p..];
                transpose([n, rows.len() / n], b, self.b.column, rows, n);
            });
            let b = Strides { batch: if matrices == 1 { 0 } else { k * n }, row: n, column: 1 };
            Product { b, ..*self }.run_tiles(library, a, row_major, c, accumulate);
        });
    }
}

impl Strides {
    /// The position of the last element of a batch of `rows × columns` matrices.
    fn reach(&self, batch: usize, rows: usize, columns: usize) -> usize {
        (batch - 1) * self.batch + (rows - 1) * self.row + (columns - 1) * self.column
    }
}

/// A product with a side of a [`FEW`] numbers, seen as a matrix `[many, k]` times a few vectors of k numbers. The matrix
/// is A and the vectors are B's columns, or, all transposed, the matrix is Bᵀ and the vectors are A's rows.
struct Few {
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

    /// This view of a product, where it pays.
    fn of(&Product { batch, m, n, k, a, b }: &Product) -> Option<Few> {
        let few = if n <= FEW {
            let vectors = Strides { batch: b.batch, row: b.column, column: b.row };
            Few {
                batch,
                many: m,
                few: n,
                k,
                transposed: false,
                matrix: a,
                vectors,
                c: Strides { batch: m * n, row: n, column: 1 },
            }
        } else {
            let matrix = Strides { batch: b.batch, row: b.column, column: b.row };
            Few {
                batch,
                many: n,
                few: m,
                k,
                transposed: true,
                matrix,
                vectors: a,
                c: Strides { batch: m * n, row: 1, column: n },
            }
        };
        let pays = few.few <= FEW && k >= 16 && (few.matrix.row == 1 || few.matrix.column == 1);
        pays.then_some(few)
    }

    fn run(&self, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let (matrix, vectors) = if self.transposed { (b, a) } else { (a, b) };
        let c = Shared::new(c);
        let tiles = self.many.div_ceil(Self::TILE);
        for_each_tile(self.batch * tiles, self.batch * self.many * self.few * self.k, |tile| {
            let (item, i) = (tile / tiles, tile % tiles * Self::TILE);
            let rows = Self::TILE.min(self.many - i);
            let matrix = &matrix[item * self.matrix.batch + i * self.matrix.row..];
            let vectors = &vectors[item * self.vectors.batch..];
            let mut results = [[0.0; Self::TILE]; FEW];
            with_scratch(self.few * self.k, |packed| {
                for (j, packed) in packed.chunks_exact_mut(self.k).enumerate() {
                    for (p, packed) in packed.iter_mut().enumerate() {
                        *packed = vectors[j * self.vectors.row + p * self.vectors.column];
                    }
                }
                let tile = FewTile { view: self, rows, matrix, vectors: packed, results: &mut results };
                pulp::Arch::new().dispatch(tile);
            });
            for (j, results) in results[..self.few].iter().enumerate() {
                for (row, &result) in results[..rows].iter().enumerate() {
                    let position = item * self.c.batch + (i + row) * self.c.row + j * self.c.column;
                    // SAFETY: every element of C belongs to one tile.
                    let c = unsafe { c.element(position) };
                    *c = if accumulate { *c + result } else { result };
                }
            }
        });
    }
}

/// `results[j][i]` = row i of the matrix · vector j.
struct FewTile<'a> {
    view: &'a Few,
    rows: usize,
    matrix: &'a [f32],
    /// `[few, k]`.
    vectors: &'a [f32],
    results: &'a mut [[f32; Few::TILE]; FEW],
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
        let FewTile { view, rows, matrix, vectors, results } = self;
        let vectors: [&[f32]; N] = std::array::from_fn(|j| &vectors[j * view.k..][..view.k]);
        if view.matrix.column == 1 {
            for i in 0..rows {
                let dots = dots::<S, N>(simd, &matrix[i * view.matrix.row..][..view.k], vectors);
                (0..N).for_each(|j| results[j][i] = dots[j]);
            }
        } else {
            // Four columns at a time, so that the results are read and written less often.
            for p in (0..view.k).step_by(4) {
                // Behind the last column: itself, times zero.
                let columns: [&[f32]; 4] =
                    std::array::from_fn(|q| &matrix[(p + q).min(view.k - 1) * view.matrix.column..][..rows]);
                for (results, vector) in results.iter_mut().zip(vectors) {
                    let factors: [f32; 4] = std::array::from_fn(|q| vector.get(p + q).copied().unwrap_or(0.0));
                    add_scaled(&mut results[..rows], columns, factors);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// Row-major, column-major, and spread out with gaps.
    fn layouts(rows: usize, columns: usize) -> [Strides; 3] {
        [
            Strides { batch: rows * columns, row: columns, column: 1 },
            Strides { batch: rows * columns, row: 1, column: rows },
            Strides { batch: 2 * rows * columns + 5, row: 2 * columns + 1, column: 2 },
        ]
    }

    fn operand(seed: u64, strides: Strides, batch: usize, rows: usize, columns: usize) -> Vec<f32> {
        let empty = batch * rows * columns == 0;
        numbers(seed, if empty { 0 } else { strides.reach(batch, rows, columns) + 1 })
    }

    /// C's definition in f64, with the sum of the terms' magnitudes, which scales the rounding error.
    fn check(product: Product) {
        let Product { batch, m, n, k, a, b } = product;
        let (x, y) = (operand(1, a, batch, m, k), operand(2, b, batch, k, n));
        let before = numbers(3, batch * m * n);
        for library in [Library::Gemm, Library::Matrixmultiply] {
            for accumulate in [false, true] {
                let mut c = if accumulate { before.clone() } else { vec![f32::NAN; before.len()] };
                product.run_with(library, &x, &y, &mut c, accumulate);
                for (element, &found) in c.iter().enumerate() {
                    let (item, i, j) = (element / n / m, element / n % m, element % n);
                    let term = |p: usize| {
                        let a = x[item * a.batch + i * a.row + p * a.column];
                        f64::from(a) * f64::from(y[item * b.batch + p * b.row + j * b.column])
                    };
                    let start = if accumulate { f64::from(before[element]) } else { 0.0 };
                    let expected = start + (0..k).map(term).sum::<f64>();
                    let magnitude = start.abs() + (0..k).map(|p| term(p).abs()).sum::<f64>();
                    let error = (f64::from(found) - expected).abs();
                    assert!(error <= 1e-6 * magnitude, "{library:?} {product:?} accumulate {accumulate}: {i}, {j}");
                }
            }
        }
    }

    #[test]
    fn sizes_around_the_tiles_in_every_layout() {
        let sizes = [
            [1, 1, 1],
            [1, 7, 20],
            [7, 1, 20],
            [4, 33, 17],
            [33, 4, 17],
            [3, 600, 40],
            [600, 2, 70],
            [9, 9, 9],
            [5, 5, 100],
            [17, 130, 33],
            [130, 20, 65],
            [129, 257, 3],
            [513, 129, 5],
            [64, 128, 1],
        ];
        for [m, n, k] in sizes {
            for a in layouts(m, k) {
                for b in layouts(k, n) {
                    check(Product { batch: 1, m, n, k, a, b });
                }
            }
        }
    }

    #[test]
    fn batches_and_shared_operands() {
        for [m, n, k] in [[6, 10, 11], [3, 20, 30], [40, 10, 9]] {
            for (a, b) in layouts(m, k).into_iter().zip(layouts(k, n)) {
                check(Product { batch: 3, m, n, k, a, b });
                check(Product { batch: 3, m, n, k, a: Strides { batch: 0, ..a }, b });
                check(Product { batch: 3, m, n, k, a, b: Strides { batch: 0, ..b } });
            }
        }
    }

    #[test]
    fn empty_products() {
        for [batch, m, n, k] in [[1, 3, 4, 0], [1, 0, 4, 3], [1, 3, 0, 4], [0, 2, 2, 2]] {
            check(Product { batch, m, n, k, a: layouts(m, k)[0], b: layouts(k, n)[0] });
        }
    }

    #[test]
    fn threads_do_not_change_the_product() {
        for [m, n, k] in [[300, 200, 100], [64, 784, 512], [700, 30, 40], [2, 900, 300], [900, 1, 300]] {
            for b in layouts(k, n) {
                let product = Product { batch: 1, m, n, k, a: layouts(m, k)[0], b };
                let (x, y) = (operand(1, product.a, 1, m, k), operand(2, b, 1, k, n));
                same_bits_on_any_number_of_threads(|| {
                    let mut c = vec![0.0; m * n];
                    product.run(&x, &y, &mut c, false);
                    c
                });
            }
        }
    }

    #[test]
    fn the_environment_variable_names_the_library() {
        assert_eq!(Library::named(Some("gemm".as_ref())), Ok(Library::Gemm));
        assert_eq!(Library::named(Some("matrixmultiply".as_ref())), Ok(Library::Matrixmultiply));
        assert!(Library::named(None).is_ok());
        let error = Library::named(Some("mkl".as_ref())).unwrap_err().to_string();
        assert!(error.contains("AUTOGRAD_PRODUCT") && error.contains("\"mkl\""), "{error}");
    }

    proptest! {
        #[test]
        fn any_product(batch in 0..3_usize, m in 0..70_usize, n in 0..70_usize, k in 0..50_usize, a in 0..3, b in 0..3) {
            check(Product { batch, m, n, k, a: layouts(m, k)[a as usize], b: layouts(k, n)[b as usize] });
        }
    }
}
