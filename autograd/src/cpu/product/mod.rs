//! Matrix products, C = A·B or C += A·B, of operands with any strides, so that a transpose costs nothing.
//!
//! - `panels` cuts a product of any size into tasks, for operands that lie as the kernel wants them.
//! - `kernel` is the inner loop.
//! - `library` is the portable default, where the processor has no vectors that the kernel knows.
//! - `few` computes products with a side of a few numbers only, such as a critic's last layer.

mod few;
pub(super) mod kernel;
mod library;
mod panels;

use few::Few;

use crate::ops::ProductSizes;

/// Where an operand's element (item, row, column) lies: at `batch · item + row · i + column · j`.
#[derive(Debug, Clone, Copy)]
pub struct Strides {
    /// From one matrix of a batch to the next; 0 shares one matrix.
    pub batch: usize,
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub column: usize,
}

/// A batch of products C `[batch, m, n]` = A `[batch, m, k]` · B `[batch, k, n]`; C is row-major.
#[derive(Debug, Clone, Copy)]
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

/// How products of some size are computed.
#[derive(Debug, Clone, Copy)]
enum Method {
    /// By the kernel of this crate.
    Panels,
    /// By the crate `matrixmultiply`.
    Matrixmultiply,
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
    /// If a slice is too short for its strides.
    pub fn run(&self, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
        let [.., vector] = kernel::tile();
        let method = if vector > 1 { Method::Panels } else { Method::Matrixmultiply };
        self.run_by(method, a, b, c, accumulate);
    }

    fn run_by(&self, method: Method, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
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
            return few.run(a, b, c, accumulate);
        }
        match method {
            Method::Panels => panels::multiply(*self, a, b, c, accumulate),
            Method::Matrixmultiply => library::multiply(*self, a, b, c, accumulate),
        }
    }

    /// Cᵀ = Bᵀ·Aᵀ.
    fn transposed(&self) -> Product {
        let Product { batch, m, n, k, a, b } = *self;
        Product { batch, m: n, n: m, k, a: b.transposed(), b: a.transposed() }
    }
}

impl Strides {
    fn transposed(self) -> Strides {
        Strides { row: self.column, column: self.row, ..self }
    }

    /// The position of the last element of a batch of `rows × columns` matrices.
    fn reach(&self, batch: usize, rows: usize, columns: usize) -> usize {
        (batch - 1) * self.batch + (rows - 1) * self.row + (columns - 1) * self.column
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    const METHODS: [Method; 2] = [Method::Panels, Method::Matrixmultiply];

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
        for (method, accumulate) in METHODS.into_iter().flat_map(|method| [(method, false), (method, true)]) {
            let mut c = if accumulate { before.clone() } else { vec![f32::NAN; before.len()] };
            product.run_by(method, &x, &y, &mut c, accumulate);
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
                assert!(error <= 1e-6 * magnitude, "{product:?} by {method:?}, accumulate {accumulate}: {i}, {j}");
            }
        }
    }

    #[test]
    fn small_products() {
        for ([m, n, k], [a, b]) in
            [([15, 5, 3], [0, 0]), ([5, 6, 2], [0, 1]), ([2, 5, 16], [1, 0]), ([3, 3, 2], [2, 2])]
        {
            check(Product { batch: 2, m, n, k, a: layouts(m, k)[a], b: layouts(k, n)[b] });
        }
    }

    #[test]
    fn sizes_around_the_panels_in_every_layout() {
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
            [17, 33, 1024],
            [6, 40, 1100],
            [40, 6, 1100],
            [15, 33, 2600],
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
        let sizes = [
            [300, 200, 100],
            [64, 784, 512],
            [700, 30, 40],
            [2, 900, 300],
            [900, 1, 300],
            [10, 20, 9000],
            [1, 1, 90_000],
        ];
        for [m, n, k] in sizes {
            for b in layouts(k, n) {
                let product = Product { batch: 1, m, n, k, a: layouts(m, k)[0], b };
                let (x, y) = (operand(1, product.a, 1, m, k), operand(2, b, 1, k, n));
                for method in METHODS {
                    same_bits_on_any_number_of_threads(|| {
                        let mut c = vec![0.0; m * n];
                        product.run_by(method, &x, &y, &mut c, false);
                        c
                    });
                }
            }
        }
    }

    /// By each method, xᵀx of these rows of n numbers, added to C.
    fn gram(x: &[f32], n: usize, mut check: impl FnMut(&str, &[f32])) {
        let k = x.len() / n;
        let [b, a] = [Strides { batch: 0, row: n, column: 1 }, Strides { batch: 0, row: 1, column: n }];
        for method in METHODS {
            for start in [0.0, 1.0] {
                let mut c = vec![start; n * n];
                Product { batch: 1, m: n, n, k, a, b }.run_by(method, x, x, &mut c, true);
                c.iter_mut().for_each(|c| *c -= start);
                check(&format!("{n} columns by {method:?}, added to {start}"), &c);
            }
        }
    }

    /// PyTorch is within 2·10⁻⁷ of the largest for 40,000 rows, 3·10⁻⁷ for 262,144. In one chain the error is a hundred
    /// times as large.
    #[test]
    fn long_sums_keep_their_digits() {
        for (n, k, tolerance) in [(6, 40_000, 6e-7), (40, 40_000, 6e-7), (3, 262_144, 9e-7), (8, 262_144, 9e-7)] {
            let x = numbers(1, k * n);
            let exact = |i: usize, j: usize| x.chunks(n).map(|x| f64::from(x[i]) * f64::from(x[j])).sum::<f64>();
            let exact: Vec<f64> = (0..n * n).map(|element| exact(element / n, element % n)).collect();
            let largest = exact.iter().copied().fold(0.0, f64::max);
            gram(&x, n, |how, found| {
                for (&found, exact) in found.iter().zip(&exact) {
                    let error = (f64::from(found) - exact).abs() / largest;
                    assert!(error <= tolerance, "{k} rows of {how}: {error:.1e}");
                }
            });
        }
    }

    /// 20,000 terms of 5·10⁻⁸, each less than half a unit in the last place of the 1 that they are added to.
    #[test]
    fn what_a_sum_is_added_to_comes_last() {
        for n in [2, 6, 40] {
            let x = vec![5e-8_f32.sqrt(); 20_000 * n];
            gram(&x, n, |how, found| {
                for found in found {
                    assert!((found - 1e-3).abs() <= f32::EPSILON / 2.0, "{how}: {found}");
                }
            });
        }
    }

    proptest! {
        #[test]
        fn any_product(batch in 0..3_usize, m in 0..70_usize, n in 0..70_usize, k in 0..50_usize, a in 0..3, b in 0..3) {
            check(Product { batch, m, n, k, a: layouts(m, k)[a as usize], b: layouts(k, n)[b as usize] });
        }
    }
}
