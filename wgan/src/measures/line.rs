//! The Wasserstein distance on the line, exactly: there the optimal transport keeps the order.

use autograd::Element;

/// The Wasserstein-1 distance between the empirical distributions of two samples of numbers, of any sizes: the integral
/// of |F⁻¹ − G⁻¹| over (0, 1), F⁻¹ and G⁻¹ being their quantile functions (Villani 2003, "Topics in Optimal
/// Transportation", theorem 2.18 and remarks 2.19). It takes as long as sorting them. NaN if one of the numbers is.
///
/// ```
/// use wgan::measures::wasserstein_1d;
/// assert_eq!(wasserstein_1d(&[0.0, 1.0, 3.0], &[5.0, 8.0, 6.0]), 5.0);
/// assert_eq!(wasserstein_1d(&[0.0f32], &[-1.0, 0.0, 4.0, 5.0]), 2.5); // a quarter of the mass goes to each
/// ```
///
/// # Panics
/// If a sample is empty.
pub fn wasserstein_1d<T: Element>(a: &[T], b: &[T]) -> f64 {
    between_sorted(&sorted(a), &sorted(b))
}

/// The same of samples that are sorted already.
pub(super) fn between_sorted<T: Element>(a: &[T], b: &[T]) -> f64 {
    assert!(!a.is_empty() && !b.is_empty(), "the distance to an empty sample");
    // Both quantile functions are steps. In units of 1 / (a.len()·b.len()), those of a are b.len() wide and vice versa.
    let (mut i, mut j, mut at, mut sum) = (0, 0, 0, 0.0);
    while i < a.len() && j < b.len() {
        let (end_a, end_b) = ((i + 1) * b.len(), (j + 1) * a.len());
        let end = end_a.min(end_b);
        sum += (end - at) as f64 * (a[i].into() - b[j].into()).abs();
        i += usize::from(end == end_a);
        j += usize::from(end == end_b);
        at = end;
    }
    sum / at as f64
}

fn sorted<T: Element>(sample: &[T]) -> Vec<f64> {
    let mut sample: Vec<f64> = sample.iter().map(|&x| x.into()).collect();
    sample.sort_unstable_by(f64::total_cmp);
    sample
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use nn::Rng;
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;

    fn normals(count: usize, mean: f64, deviation: f64, name: &str) -> Vec<f64> {
        let mut rng = Rng::new(0, name);
        (0..count).map(|_| mean + deviation * rng.sample::<f64, _>(StandardNormal)).collect()
    }

    #[test]
    fn equal_samples_have_no_distance_and_shifted_ones_their_shift() {
        let a = normals(100, 0.0, 1.0, "a");
        let shifted: Vec<f64> = a.iter().rev().map(|x| x + 3.0).collect();
        assert_eq!(wasserstein_1d(&a, &a), 0.0);
        assert!((wasserstein_1d(&a, &shifted) - 3.0).abs() < 1e-12);
    }

    /// A sample of which every number is there twice is the same distribution.
    #[test]
    fn sizes_do_not_matter_but_shares() {
        let (a, b) = (normals(30, 0.0, 1.0, "a"), normals(35, 1.0, 2.0, "b"));
        let distance = wasserstein_1d(&a, &b);
        assert!((wasserstein_1d(&a.repeat(2), &b) - distance).abs() < 1e-12);
        assert!((wasserstein_1d(&b.repeat(3), &a.repeat(7)) - distance).abs() < 1e-12);
        assert_eq!(wasserstein_1d(&[0.0, 1.0], &[0.0, 0.0, 1.0]), 1.0 / 6.0);
    }

    /// Between Gaussians the monotone map is affine: |μ₁ − μ₂| for equal deviations, and for equal means
    /// |σ₁ − σ₂|·E|N(0, 1)| = √(2/π) for deviations 1 and 2.
    #[test]
    fn gaussians_are_as_far_apart_as_mathematics_says() {
        let (a, b) = (normals(100_000, 0.0, 1.0, "a"), normals(80_000, 2.0, 1.0, "b"));
        assert!((wasserstein_1d(&a, &b) - 2.0).abs() < 0.02);
        let wide = normals(80_000, 0.0, 2.0, "wide");
        assert!((wasserstein_1d(&a, &wide) - (2.0 / PI).sqrt()).abs() < 0.02);
    }

    #[test]
    fn what_is_no_number_makes_the_distance_none() {
        assert!(wasserstein_1d(&[0.0, f64::NAN], &[0.0, 1.0]).is_nan());
    }
}
