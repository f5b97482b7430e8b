//! Polynomials at points: the matrices of the Toom-Cook algorithm.

/// The most points used: four results of three taps.
pub const POINTS: usize = 6;

/// The points, so ordered that a transform with fewer uses the first ones. Between 0 and ∞ come the points that keep the
/// rounding error small (Barabasz et al., 2020, table 1).
const FINITE: [f64; POINTS - 1] = [0.0, 1.0, -1.0, 0.5, -2.0];
/// Where the point ∞ comes in this order. A polynomial's value there is its leading coefficient.
const INFINITY: usize = 1;

/// A matrix that takes pixels along an axis to points: `[points, pixels]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Matrix {
    /// V: the pixels are a polynomial's coefficients, the points get its values.
    Evaluate { points: usize, pixels: usize },
    /// V⁻ᵀ of as many points as pixels, and zeros at further points.
    Interpolate { points: usize, pixels: usize },
}

impl Matrix {
    /// Its rows and columns.
    pub fn size(self) -> [usize; 2] {
        match self {
            Matrix::Evaluate { points, pixels } | Matrix::Interpolate { points, pixels } => [points, pixels],
        }
    }
}

/// V: row p is (1, p, p², …).
pub const fn evaluate<const N: usize, const M: usize>() -> [[f32; M]; N] {
    let mut matrix = [[0.0; M]; N];
    let mut row = 0;
    while row < N {
        if row == INFINITY {
            matrix[row][M - 1] = 1.0;
        } else {
            let mut power = 1.0;
            let mut i = 0;
            while i < M {
                matrix[row][i] = power as f32;
                power *= FINITE[finite(row)];
                i += 1;
            }
        }
        row += 1;
    }
    matrix
}

/// V⁻ᵀ of the first M points: row p holds the coefficients of the polynomial that is 1 at p and 0 at the other points.
/// For a finite p that is Lagrange's Π (x − q) / (p − q) over the other finite points q; for ∞ it is Π (x − q) over all
/// of them.
pub const fn interpolate<const N: usize, const M: usize>() -> [[f32; M]; N] {
    let mut matrix = [[0.0; M]; N];
    let mut row = 0;
    while row < M {
        let mut polynomial = [0.0; M];
        polynomial[0] = 1.0;
        let mut value = 1.0; // at p
        let mut other = 0;
        while other < M {
            if other != row && other != INFINITY {
                let q = FINITE[finite(other)];
                // polynomial *= x − q
                let mut i = M - 1;
                while i > 0 {
                    polynomial[i] = polynomial[i - 1] - q * polynomial[i];
                    i -= 1;
                }
                polynomial[0] *= -q;
                if row != INFINITY {
                    value *= FINITE[finite(row)] - q;
                }
            }
            other += 1;
        }
        let mut i = 0;
        while i < M {
            matrix[row][i] = (polynomial[i] / value) as f32;
            i += 1;
        }
        row += 1;
    }
    matrix
}

/// The position of a point among the finite ones.
const fn finite(point: usize) -> usize {
    if point < INFINITY { point } else { point - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ d[i + k] · y[i] · w[k] = Σ (V⁻ᵀ d) (V y) (V w), for y and w that may have further points.
    fn check<const N: usize, const RESULTS: usize, const TAPS: usize>() {
        const { assert!(N == RESULTS + TAPS - 1) };
        let times = |row: &[f32], x: &[f32]| row.iter().zip(x).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        let (d, y, w) =
            (&[3.0, -1.0, 4.0, 1.0, -5.0, 9.0][..N], &[2.0, 7.0, -1.0, 8.0][..RESULTS], &[-2.0, 6.0, 5.0][..TAPS]);
        let direct: f32 = (0..RESULTS).flat_map(|i| (0..TAPS).map(move |k| d[i + k] * y[i] * w[k])).sum();
        let (b, a, g) = (interpolate::<POINTS, N>(), evaluate::<POINTS, RESULTS>(), evaluate::<POINTS, TAPS>());
        let form: f64 = (0..POINTS).map(|p| times(&b[p], d) * times(&a[p], y) * times(&g[p], w)).sum();
        assert!((form - f64::from(direct)).abs() < 1e-4, "{form}, not {direct}");
    }

    #[test]
    fn the_form_is_a_sum_over_points() {
        check::<6, 4, 3>();
        check::<5, 3, 3>();
        check::<5, 4, 2>();
        check::<4, 3, 2>();
        check::<4, 2, 3>();
        check::<3, 2, 2>();
        check::<3, 1, 3>();
        check::<2, 1, 2>();
    }

    #[test]
    fn fewer_points_are_the_first_ones() {
        let (six, four) = (evaluate::<6, 3>(), evaluate::<4, 3>());
        assert_eq!(six[..4], four);
        assert_eq!(four, [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [1.0, -1.0, 1.0]]);
    }
}
