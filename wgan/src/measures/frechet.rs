//! The Fréchet distance between the Gaussians that two samples look like.

use autograd::Element;

use super::points;
use super::singular::{Rows, dot, make_orthogonal, norm};

/// Mean and covariance of a sample of vectors.
///
/// ```
/// use wgan::measures::Moments;
/// let left = Moments::of(&[0.0, 0.0, 0.0, 2.0, 1.0, 1.0, -1.0, 1.0], 2);
/// let right = Moments::of(&[3.0, 4.0, 3.0, 6.0, 4.0, 5.0, 2.0, 5.0], 2); // shifted by (3, 4)
/// assert!((left.frechet_distance(&right) - 25.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Moments {
    mean: Vec<f64>,
    covariance: Rows,
}

impl Moments {
    /// The moments of vectors of `dimension` numbers that lie one after the other. The covariance is the unbiased one.
    ///
    /// # Panics
    /// If there are fewer than two vectors, or the numbers make no whole ones.
    pub fn of<T: Element>(vectors: &[T], dimension: usize) -> Self {
        let vectors = points(vectors, dimension);
        let count = vectors.len();
        assert!(count >= 2, "the covariance of {count} vectors");
        let mut mean = vec![0.0; dimension];
        for vector in vectors.clone() {
            mean.iter_mut().zip(vector).for_each(|(mean, &x)| *mean += x.into() / count as f64);
        }
        let mut covariance = vec![vec![0.0; dimension]; dimension];
        for vector in vectors {
            let centred: Vec<f64> = vector.iter().zip(&mean).map(|(&x, mean)| x.into() - mean).collect();
            for (sums, x) in covariance.iter_mut().zip(&centred) {
                sums.iter_mut().zip(&centred).for_each(|(sum, y)| *sum += x * y);
            }
        }
        covariance.iter_mut().flatten().for_each(|sum| *sum /= (count - 1) as f64);
        Moments { mean, covariance }
    }

    /// `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2·(Σ₁Σ₂)^½)`: the squared Wasserstein-2 distance between Gaussians with these moments
    /// (Dowson and Landau 1982, "The Fréchet distance between multivariate normal distributions", eq. 4; the measure of
    /// Heusel et al. 2017, arXiv 1706.08500, on another network's features).
    ///
    /// # Panics
    /// If the vectors are of different dimensions.
    pub fn frechet_distance(&self, other: &Moments) -> f64 {
        let dimension = self.mean.len();
        assert!(other.mean.len() == dimension, "vectors of {dimension} and of {} numbers", other.mean.len());
        let means: f64 = self.mean.iter().zip(&other.mean).map(|(a, b)| (a - b).powi(2)).sum();
        let trace = |covariance: &Rows| (0..dimension).map(|i| covariance[i][i]).sum::<f64>();
        // With Σ₁ = FᵀF and Σ₂ = GᵀG, Σ₁Σ₂ has the eigenvalues of (FGᵀ)(FGᵀ)ᵀ, which are the squares of FGᵀ's singular values.
        let [f, g] = [self, other].map(|moments| factor(&moments.covariance));
        let mut product: Rows = f.iter().map(|row| g.iter().map(|column| dot(row, column)).collect()).collect();
        make_orthogonal(&mut product);
        let shared: f64 = product.iter().map(|row| norm(row)).sum();
        (means + trace(&self.covariance) + trace(&other.covariance) - 2.0 * shared).max(0.0)
    }
}

/// A matrix F with FᵀF = C, for a covariance C: the eigenvectors of C as rows, each as long as the root of its eigenvalue.
fn factor(covariance: &Rows) -> Rows {
    let mut rows = covariance.clone();
    make_orthogonal(&mut rows); // the eigenvectors, each as long as its eigenvalue
    for row in &mut rows {
        let root = norm(row).sqrt();
        row.iter_mut().for_each(|x| *x = if root > 0.0 { *x / root } else { 0.0 });
    }
    rows
}

#[cfg(test)]
mod tests {
    use nn::Rng;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;

    fn normals(count: usize, name: &str) -> Vec<f64> {
        let mut rng = Rng::new(0, name);
        (0..count).map(|_| rng.sample(StandardNormal)).collect()
    }

    #[test]
    fn equal_samples_have_no_distance() {
        let sample = Moments::of(&normals(500 * 20, "a"), 20);
        assert!(sample.frechet_distance(&sample) < 1e-12);
    }

    #[track_caller]
    fn assert_factor(covariance: &Rows, tolerance: f64) {
        let rows = factor(covariance);
        for (i, expected) in covariance.iter().enumerate() {
            for (j, expected) in expected.iter().enumerate() {
                let product: f64 = rows.iter().map(|row| row[i] * row[j]).sum();
                assert!((product - expected).abs() <= tolerance, "{product}, not {expected}, at {i}, {j}");
            }
        }
    }

    #[test]
    fn a_factor_squared_is_the_matrix() {
        assert_factor(&Moments::of(&normals(500 * 20, "a"), 20).covariance, 1e-12);
    }

    #[test]
    fn singular_and_diagonal_matrices_have_factors_too() {
        assert_factor(&vec![vec![1.0; 4]; 4], 1e-14);
        assert_factor(&vec![vec![1e-30; 4]; 4], 1e-44); // what rounding leaves of no spread at all
        let diagonal = |i: usize| (0..3).map(|j| if i == j { (i * i) as f64 } else { 0.0 }).collect();
        assert_factor(&(0..3).map(diagonal).collect(), 1e-14);
    }

    /// Along one axis: (μ₁ − μ₂)² + (σ₁ − σ₂)². The four points ±a, ±a have the unbiased variance 4a²/3.
    #[test]
    fn on_the_line_it_is_the_difference_of_means_and_deviations() {
        let narrow = Moments::of(&[1.0, -1.0, 1.0, -1.0], 1);
        let wide = Moments::of(&[8.0, 2.0, 8.0, 2.0], 1);
        let expected = 25.0 + (4.0f64 / 3.0).sqrt().mul_add(-1.0, 12f64.sqrt()).powi(2);
        assert!((narrow.frechet_distance(&wide) - expected).abs() < 1e-12);
    }

    /// For covariances that commute: Σᵢ(√λᵢ − √κᵢ)² with their eigenvalues λ and κ. Both are rotated by the same angle.
    #[test]
    fn for_commuting_covariances_it_is_known() {
        let (sine, cosine) = 0.7f64.sin_cos();
        let cross = |a: f64, b: f64| {
            let points = [[a, 0.0], [-a, 0.0], [0.0, b], [0.0, -b]]; // variances 2a²/3 and 2b²/3
            Moments::of(&points.map(|[x, y]| [cosine * x - sine * y, sine * x + cosine * y]).concat(), 2)
        };
        let distance = cross(1.0, 5.0).frechet_distance(&cross(4.0, 3.0));
        assert!((distance - 2.0 / 3.0 * (9.0 + 4.0)).abs() < 1e-12, "{distance}");
    }

    /// That of 2×2 covariances has a closed form: tr(Σ₁Σ₂)^½ = √(tr(Σ₁Σ₂) + 2·√(det Σ₁·det Σ₂)).
    #[test]
    fn for_covariances_that_do_not_commute_it_agrees_with_the_closed_form() {
        let skew = |name, shear: f64| {
            let points: Vec<f64> = normals(40, name).chunks(2).flat_map(|p| [p[0], p[1] + shear * p[0]]).collect();
            Moments::of(&points, 2)
        };
        let (a, b) = (skew("a", 2.0), skew("b", -1.0));
        let det = |m: &Rows| m[0][0] * m[1][1] - m[0][1] * m[1][0];
        let trace = |m: &Rows| m[0][0] + m[1][1];
        let (p, q) = (&a.covariance, &b.covariance);
        let trace_of_product: f64 = (0..2).map(|i| dot(&p[i], &q[i])).sum(); // of symmetric matrices
        let shared = (trace_of_product + 2.0 * (det(p) * det(q)).sqrt()).sqrt();
        let means: f64 = a.mean.iter().zip(&b.mean).map(|(x, y)| (x - y).powi(2)).sum();
        let expected = means + trace(p) + trace(q) - 2.0 * shared;
        assert!((a.frechet_distance(&b) - expected).abs() < 1e-12 && (b.frechet_distance(&a) - expected).abs() < 1e-12);
    }

    /// Fewer vectors than dimensions: a covariance without an inverse.
    #[test]
    fn singular_covariances_are_no_obstacle() {
        let few = normals(3 * 10, "few");
        let shifted: Vec<f64> = few.iter().map(|x| x + 2.0).collect();
        let distance = Moments::of(&few, 10).frechet_distance(&Moments::of(&shifted, 10));
        assert!((distance - 40.0).abs() < 1e-6, "{distance}");
    }
}
