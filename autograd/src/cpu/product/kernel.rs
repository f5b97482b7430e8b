//! The inner loops of products: a tile of C stays in vector registers while A's numbers are broadcast one by one, each to
//! a row of the tile, and B's rows are read as vectors.

use pulp::Simd;

use super::super::simd::prefetch;
use super::super::{Shared, with_vectors};

/// Rows of a tile, at most: with AVX-512, 14 rows of two vectors fill 28 of the 32 registers.
const MOST_ROWS: usize = 14;
/// Vectors of a row, at most: two share a broadcast number.
const VECTORS: usize = 2;
/// Rows of B ahead of the one in use that are called into the cache while they are packed: they are too far apart for
/// a processor to guess them. In this time a tile multiplies for as long as a number is on its way from memory.
const AHEAD: usize = 16;

/// The rows and columns of a tile, at most, and the numbers of a vector.
pub fn tile() -> [usize; 3] {
    struct Size;
    impl pulp::WithSimd for Size {
        type Output = [usize; 3];
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> [usize; 3] {
            [most_rows::<S>(), VECTORS * S::F32_LANES, S::F32_LANES]
        }
    }
    with_vectors(Size)
}

/// Rows of a tile, at most: besides their sums, a row of B and a number of A are in registers.
const fn most_rows<S: Simd>() -> usize {
    let rows = (S::REGISTER_COUNT - VECTORS - 1) / VECTORS;
    if rows < MOST_ROWS { rows } else { MOST_ROWS }
}

/// Columns of a product, as many as a tile has, `c[i, j] = Σ a[i, p] · b[p, j]`. The terms are added up in order, from zero.
/// Both operands are packed, so that they are read from front to back.
pub struct Panel<'a> {
    pub rows: usize,
    /// Rows of a tile; the last may have fewer.
    pub height: usize,
    /// Whole vectors, at most as many as a tile has.
    pub columns: usize,
    pub terms: usize,
    /// From the first row on.
    pub a: &'a [f32],
    /// The step in A from tile to tile.
    pub a_tile: usize,
    /// The steps in A from row to row of a tile and from term to term.
    pub a_strides: [usize; 2],
    /// From the first column on.
    pub b: &'a [f32],
    /// The step in B from term to term.
    pub b_row: usize,
    /// Where the first tile packs B's rows one after the other, for the others to read.
    pub packed: Option<&'a mut [f32]>,
}

impl Panel<'_> {
    /// Computes the panel, or adds its finished sums to what is there: its first element is C's element `start`, its rows are `c_row`
    /// apart.
    ///
    /// # Safety
    /// Nothing else may access the panel's elements of C meanwhile.
    pub unsafe fn run(self, c: Shared, start: usize, c_row: usize, accumulate: bool) {
        let reach = start + (self.rows - 1) * c_row + self.columns;
        with_vectors(Multiply { panel: self, c: c.pointer(start..reach), c_row, accumulate });
    }
}

/// A panel and the place of its result, which is in range and which nothing else accesses.
struct Multiply<'a> {
    panel: Panel<'a>,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
}

/// A tile of a panel.
struct Tile<'a> {
    terms: usize,
    a: &'a [f32],
    a_strides: [usize; 2],
    b: &'a [f32],
    b_row: usize,
    packed: Option<&'a mut [f32]>,
    c: *mut f32,
    c_row: usize,
    accumulate: bool,
}

impl pulp::WithSimd for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Multiply { panel, c, c_row, accumulate } = self;
        let Panel { rows, height, columns, terms, a, a_tile, a_strides, b, b_row, mut packed } = panel;
        for (tile, first) in (0..rows).step_by(height).enumerate() {
            let (b, b_row, packed) = match &mut packed {
                Some(packed) if tile > 0 => (&**packed, columns, None),
                packed => (b, b_row, packed.as_deref_mut().filter(|_| rows > height)),
            };
            let (a, c) = (&a[tile * a_tile..], c.wrapping_add(first * c_row));
            let tile = Tile { terms, a, a_strides, b, b_row, packed, c, c_row, accumulate };
            /// Monomorphises the loop for the number of rows and vectors.
            macro_rules! for_rows {
                ($($rows:literal)*) => {
                    match (height.min(rows - first), columns / S::F32_LANES) {
                        // SAFETY: rows of the panel.
                        $(($rows, 1) => unsafe { tile.run::<S, $rows, 1>(simd) },)*
                        // SAFETY: as above.
                        $(($rows, VECTORS) => unsafe { tile.run::<S, $rows, VECTORS>(simd) },)*
                        (rows, vectors) => unreachable!("{rows} rows of {vectors} vectors"),
                    }
                };
            }
            for_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
        }
    }
}

impl Tile<'_> {
    /// # Safety
    /// C must be valid for the tile's rows, and nothing else may access them.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "with bounds known to the compiler the sums stay in registers")]
    unsafe fn run<S: Simd, const ROWS: usize, const VECTORS: usize>(self, simd: S) {
        assert!(ROWS <= most_rows::<S>(), "{ROWS} rows are more than fit the registers");
        let columns = VECTORS * S::F32_LANES;
        let Tile { terms, a, a_strides: [a_row, a_column], b, b_row, mut packed, c, c_row, accumulate } = self;
        assert!((ROWS - 1) * a_row + (terms - 1) * a_column < a.len(), "A has {} elements", a.len());
        assert!((terms - 1) * b_row + columns <= b.len(), "B has {} elements", b.len());
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
        for p in 0..terms {
            // SAFETY: the tile's part of row p, which B holds as asserted.
            let row = unsafe { b.cast::<[S::f32s; VECTORS]>().read() };
            if let Some(packed) = &mut packed {
                prefetch(b.wrapping_add(AHEAD * b_row));
                S::as_mut_simd_f32s(&mut packed[p * columns..][..columns]).0.copy_from_slice(&row);
            }
            for i in 0..ROWS {
                // SAFETY: element (i, p), which A holds as asserted.
                let number = simd.splat_f32s(unsafe { *a.wrapping_add(i * a_row) });
                for v in 0..VECTORS {
                    sums[i][v] = simd.mul_add_e_f32s(number, row[v], sums[i][v]);
                }
            }
            (a, b) = (a.wrapping_add(a_column), b.wrapping_add(b_row));
        }
        if accumulate {
            for i in 0..ROWS {
                // SAFETY: row i of the tile.
                let before = unsafe { c.add(i * c_row).cast::<[S::f32s; VECTORS]>().read() };
                for v in 0..VECTORS {
                    sums[i][v] = simd.add_f32s(before[v], sums[i][v]);
                }
            }
        }
        for i in 0..ROWS {
            // SAFETY: row i of the tile.
            unsafe { c.add(i * c_row).cast::<[S::f32s; VECTORS]>().write(sums[i]) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd;
    use crate::cpu::testing::numbers;

    /// Compares panels with naive loops: every number of rows and vectors, all steps different.
    fn check<S: Simd>(simd: S) {
        let (terms, c_row) = (5, VECTORS * S::F32_LANES + 3);
        for (rows, vectors) in (1..=2 * MOST_ROWS + 1).flat_map(|rows| [(rows, 1), (rows, VECTORS)]) {
            let (columns, height) = (vectors * S::F32_LANES, most_rows::<S>().min(rows));
            let (a_strides, b_row) = ([2, 2 * height + 3], columns + 1);
            let a_tile = terms * a_strides[1] + 7;
            let (a, b) = (numbers(1, rows.div_ceil(height) * a_tile), numbers(2, terms * b_row));
            let mut c = numbers(3, rows * c_row);
            let before = c.clone();
            let mut packed = vec![f32::NAN; terms * columns];
            let packed = Some(&mut *packed);
            let panel = Panel { rows, height, columns, terms, a: &a, a_tile, a_strides, b: &b, b_row, packed };
            simd.vectorize(Multiply { panel, c: c.as_mut_ptr(), c_row, accumulate: true });
            for (position, (&found, before)) in c.iter().zip(before).enumerate() {
                let (i, j) = (position / c_row, position % c_row);
                let a = |p: usize| a[i / height * a_tile + i % height * a_strides[0] + p * a_strides[1]];
                let sum: f32 = (0..terms).map(|p| a(p) * b[p * b_row + j.min(columns)]).sum();
                let expected = before + if j < columns { sum } else { 0.0 };
                assert!((found - expected).abs() <= 2e-6, "{rows} rows, {columns} columns: {i}, {j}");
            }
        }
    }

    #[test]
    fn every_instruction_set_computes_every_size() {
        struct Check;
        impl pulp::WithSimd for Check {
            type Output = ();
            fn with_simd<S: Simd>(self, simd: S) {
                check(simd);
            }
        }
        simd::available().for_each(|(_, arch)| arch.dispatch(Check));
    }
}
