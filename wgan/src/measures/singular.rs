//! Singular values, for small matrices: simplicity comes before speed.

/// A matrix.
pub type Rows = Vec<Vec<f64>>;

/// Rotations through all pairs of rows. Convergence is quadratic in the end; 6 to 10 are usual.
const MOST_SWEEPS: usize = 50;

/// Turns the rows of a matrix, two at a time, until all are at right angles: by Jacobi's method in its one-sided form
/// (Hestenes 1958, "Inversion of matrices by biorthogonalization and related results"). Their lengths are then the matrix's
/// singular values; the rows of a symmetric matrix without negative eigenvalues become its eigenvectors, each as long as its
/// eigenvalue.
pub fn make_orthogonal(rows: &mut Rows) {
    for _ in 0..MOST_SWEEPS {
        let before = rows.clone();
        for q in 1..rows.len() {
            let (above, rest) = rows.split_at_mut(q);
            above.iter_mut().for_each(|row| make_pair_orthogonal(row, &mut rest[0]));
        }
        if *rows == before {
            break;
        }
    }
}

fn make_pair_orthogonal(a: &mut [f64], b: &mut [f64]) {
    let (aa, ab, bb) = (dot(a, a), dot(a, b), dot(b, b));
    if ab.abs() <= a.len() as f64 * f64::EPSILON * aa.sqrt() * bb.sqrt() {
        return; // as nearly as rounding lets them be
    }
    let tau = (bb - aa) / (2.0 * ab);
    let tangent = tau.signum() / (tau.abs() + tau.hypot(1.0)); // the smaller root of t² + 2τt = 1
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for (x, y) in a.iter_mut().zip(b) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

pub fn norm(row: &[f64]) -> f64 {
    dot(row, row).sqrt()
}

#[cfg(test)]
mod tests {
    use nn::Rng;
    use rand::RngExt;

    use super::*;

    fn matrix(n: usize, element: impl FnMut((usize, usize)) -> f64) -> Rows {
        let places = (0..n * n).map(|i| (i / n, i % n));
        places.map(element).collect::<Vec<_>>().chunks(n).map(<[f64]>::to_vec).collect()
    }

    /// The second difference matrix of n points has the eigenvalues 2 − 2·cos(kπ/(n + 1)).
    #[test]
    fn eigenvalues_of_the_second_difference_are_known() {
        let n = 40;
        let mut rows = matrix(n, |(i, j)| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        make_orthogonal(&mut rows);
        let mut values: Vec<f64> = rows.iter().map(|row| norm(row)).collect();
        values.sort_by(f64::total_cmp);
        for (k, value) in values.iter().enumerate() {
            let expected = 2.0 - 2.0 * ((k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64).cos();
            assert!((value - expected).abs() < 1e-12, "{value}, not {expected}");
        }
    }

    /// A symmetric matrix is the sum of λ·vvᵀ over its eigenvectors, here λv = r and so λ·vvᵀ = rrᵀ/‖r‖.
    #[test]
    fn values_and_vectors_make_up_the_matrix() {
        let mut rng = Rng::new(0, "matrix");
        let a = matrix(30, |_| rng.random::<f64>() - 0.5);
        let symmetric = matrix(30, |(i, j)| dot(&a[i], &a[j]));
        let mut rows = symmetric.clone();
        make_orthogonal(&mut rows);
        for i in 0..30 {
            for j in 0..30 {
                let sum: f64 = rows.iter().map(|row| row[i] * row[j] / norm(row)).sum();
                assert!((sum - symmetric[i][j]).abs() < 1e-12);
                assert!(i == j || dot(&rows[i], &rows[j]).abs() < 1e-12 * norm(&rows[i]) * norm(&rows[j]));
            }
        }
    }

    /// Of a matrix that is not symmetric, a rotation times diag(3, 1, 0) times another.
    #[test]
    fn singular_values_are_the_lengths_of_rows() {
        let (s, c) = 0.4f64.sin_cos();
        let mut rows = vec![vec![3.0 * c * c, 3.0 * c * s, -s], vec![3.0 * s * c, 3.0 * s * s, c], vec![0.0, 0.0, 0.0]];
        make_orthogonal(&mut rows);
        let mut lengths: Vec<f64> = rows.iter().map(|row| norm(row)).collect();
        lengths.sort_by(f64::total_cmp);
        assert!(lengths.iter().zip([0.0, 1.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-14), "{lengths:?}");
    }
}
