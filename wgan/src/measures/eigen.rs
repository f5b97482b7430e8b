//! Symmetric matrices: eigenvalues, eigenvectors, square roots. Small ones, so that simplicity comes before speed.

/// A square matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    n: usize,
    elements: Vec<f64>,
}

/// Rotations through all pairs of axes. Convergence is quadratic in the end; 6 to 10 are usual.
const MOST_SWEEPS: usize = 50;

impl Matrix {
    /// The n×n matrix of these elements.
    pub fn from_fn(n: usize, mut element: impl FnMut(usize, usize) -> f64) -> Self {
        Matrix { n, elements: (0..n * n).map(|i| element(i / n, i % n)).collect() }
    }

    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.elements[row * self.n + column]
    }

    pub fn trace(&self) -> f64 {
        (0..self.n).map(|i| self.at(i, i)).sum()
    }

    pub fn times(&self, other: &Matrix) -> Matrix {
        Matrix::from_fn(self.n, |i, j| (0..self.n).map(|k| self.at(i, k) * other.at(k, j)).sum())
    }

    /// The square root of a symmetric matrix without negative eigenvalues; what rounding made negative counts as 0.
    pub fn sqrt(&self) -> Matrix {
        let (values, vectors) = self.eigen();
        let roots: Vec<f64> = values.iter().map(|value| value.max(0.0).sqrt()).collect();
        Matrix::from_fn(self.n, |i, j| (0..self.n).map(|k| vectors.at(k, i) * roots[k] * vectors.at(k, j)).sum())
    }

    /// The eigenvalues of a symmetric matrix, in no order, and its eigenvectors as rows, by Jacobi's method: rotations,
    /// each of which makes one element beside the diagonal zero (Golub and Van Loan 2013, "Matrix Computations", section
    /// 8.5.3).
    pub fn eigen(&self) -> (Vec<f64>, Matrix) {
        let n = self.n;
        let mut matrix = self.clone();
        let mut vectors = Matrix::from_fn(n, |i, j| f64::from(u8::from(i == j)));
        for _ in 0..MOST_SWEEPS {
            let before = matrix.clone();
            for p in 0..n {
                for q in p + 1..n {
                    if let Some(rotation) = matrix.rotation(p, q) {
                        matrix.rotate_rows(p, q, rotation);
                        matrix.rotate_columns(p, q, rotation);
                        vectors.rotate_rows(p, q, rotation);
                    }
                }
            }
            if matrix == before {
                break;
            }
        }
        ((0..n).map(|i| matrix.at(i, i)).collect(), vectors)
    }

    /// Cosine and sine of the rotation that makes the element (p, q) zero; None if it is negligible already.
    fn rotation(&self, p: usize, q: usize) -> Option<(f64, f64)> {
        let (a, b, c) = (self.at(p, p), self.at(p, q), self.at(q, q));
        if b.abs() <= f64::EPSILON * (a.abs() * c.abs()).sqrt() || b.abs() < f64::MIN_POSITIVE {
            return None;
        }
        let tau = (c - a) / (2.0 * b);
        let tangent = tau.signum() / (tau.abs() + tau.hypot(1.0)); // the smaller root of t² + 2τt = 1
        let cosine = 1.0 / tangent.hypot(1.0);
        Some((cosine, tangent * cosine))
    }

    fn rotate_rows(&mut self, p: usize, q: usize, (cosine, sine): (f64, f64)) {
        for k in 0..self.n {
            let (x, y) = (self.at(p, k), self.at(q, k));
            self.elements[p * self.n + k] = cosine * x - sine * y;
            self.elements[q * self.n + k] = sine * x + cosine * y;
        }
    }

    fn rotate_columns(&mut self, p: usize, q: usize, (cosine, sine): (f64, f64)) {
        for k in 0..self.n {
            let (x, y) = (self.at(k, p), self.at(k, q));
            self.elements[k * self.n + p] = cosine * x - sine * y;
            self.elements[k * self.n + q] = sine * x + cosine * y;
        }
    }
}

#[cfg(test)]
mod tests {
    use nn::Rng;
    use rand::RngExt;

    use super::*;

    fn assert_close(a: &Matrix, b: &Matrix, tolerance: f64) {
        let far = a.elements.iter().zip(&b.elements).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(far <= tolerance, "{far} apart");
    }

    /// A·Aᵀ of random numbers: symmetric, without negative eigenvalues.
    fn covariance(n: usize) -> Matrix {
        let mut rng = Rng::new(0, "matrix");
        let a = Matrix::from_fn(n, |_, _| rng.random::<f64>() - 0.5);
        let transposed = Matrix::from_fn(n, |i, j| a.at(j, i));
        a.times(&transposed)
    }

    /// The second difference matrix of n points has the eigenvalues 2 − 2·cos(kπ/(n + 1)).
    #[test]
    fn eigenvalues_of_the_second_difference_are_known() {
        let n = 40;
        let matrix = Matrix::from_fn(n, |i, j| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let (mut values, _) = matrix.eigen();
        values.sort_by(f64::total_cmp);
        for (k, value) in values.iter().enumerate() {
            let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{value}, not {expected}");
        }
    }

    #[test]
    fn values_and_vectors_make_up_the_matrix() {
        let matrix = covariance(30);
        let (values, vectors) = matrix.eigen();
        let product = |i: usize, j: usize| (0..30).map(|k| vectors.at(k, i) * values[k] * vectors.at(k, j)).sum();
        assert_close(&Matrix::from_fn(30, product), &matrix, 1e-12);
    }

    #[test]
    fn a_square_root_squared_is_the_matrix() {
        let matrix = covariance(20);
        let root = matrix.sqrt();
        assert_close(&root.times(&root), &matrix, 1e-12);
    }

    #[test]
    fn singular_and_diagonal_matrices_have_roots_too() {
        let ones = Matrix::from_fn(4, |_, _| 1.0);
        assert_close(&ones.sqrt(), &Matrix::from_fn(4, |_, _| 0.5), 1e-14);
        let diagonal = Matrix::from_fn(3, |i, j| if i == j { (i * i) as f64 } else { 0.0 });
        assert_close(&diagonal.sqrt(), &Matrix::from_fn(3, |i, j| if i == j { i as f64 } else { 0.0 }), 0.0);
    }
}
