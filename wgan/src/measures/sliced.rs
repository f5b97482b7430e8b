//! The sliced Wasserstein distance: a cheap one in any dimension.

use autograd::Element;
use nn::Rng;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::{points, wasserstein_1d};

/// Directions averaged over: with other 512 the mean varies by one or two per cent.
const DIRECTIONS: u64 = 512;

/// The mean, over 512 fixed random directions, of the Wasserstein-1 distance between the projections of two samples on
/// them (Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures", definition 7, with p = 1). The
/// points, of `dimension` numbers each, lie one after the other; the samples may be of different sizes.
///
/// It is at most the Wasserstein distance itself, and 0 for equal distributions alone. A shift by v comes out as
/// |v|·E|θ₁| for a random unit vector θ: 2/π·|v| on the plane.
///
/// ```
/// use wgan::measures::sliced_wasserstein;
/// let distance = sliced_wasserstein(&[0.0, 0.0, 1.0, 0.0], &[0.0, 5.0, 1.0, 5.0], 2);
/// assert!((distance / 5.0 - 2.0 / std::f64::consts::PI).abs() < 0.02);
/// ```
///
/// # Panics
/// If a sample is empty or its numbers make no whole points.
pub fn sliced_wasserstein<T: Element>(a: &[T], b: &[T], dimension: usize) -> f64 {
    let directions = Rng::new(0, "directions");
    let distance = |i| {
        let direction = unit_vector(dimension, &mut directions.at(i));
        wasserstein_1d(&projected(a, &direction), &projected(b, &direction))
    };
    (0..DIRECTIONS).map(distance).sum::<f64>() / DIRECTIONS as f64
}

/// Normal in each coordinate is uniform in direction.
pub(super) fn unit_vector(dimension: usize, rng: &mut Rng) -> Vec<f64> {
    let vector: Vec<f64> = (0..dimension).map(|_| rng.sample(StandardNormal)).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    vector.iter().map(|x| x / norm).collect()
}

fn projected<T: Element>(sample: &[T], direction: &[f64]) -> Vec<f64> {
    let dot = |point: &[T]| point.iter().zip(direction).map(|(&x, y)| x.into() * y).sum();
    points(sample, direction.len()).map(dot).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(count: usize, name: &str) -> Vec<f32> {
        let mut rng = Rng::new(0, name);
        (0..count).map(|_| rng.sample(StandardNormal)).collect()
    }

    /// E|θ₁| on the sphere in d dimensions is Γ(d/2) / (√π·Γ((d + 1)/2)): 1, 2/π, 1/2, 4/(3π).
    #[test]
    fn a_shift_comes_out_as_its_mean_projection() {
        let expected = [1.0, 2.0 / std::f64::consts::PI, 0.5, 4.0 / (3.0 * std::f64::consts::PI)];
        for (dimension, expected) in (1..).zip(expected) {
            let a = normals(50 * dimension, "a");
            let shifted: Vec<f32> =
                a.iter().enumerate().map(|(i, x)| x + 3.0 * f32::from(i % dimension == 0)).collect();
            let distance = sliced_wasserstein(&a, &shifted, dimension) / 3.0;
            assert!((distance - expected).abs() < 0.03, "{dimension} dimensions: {distance}, not {expected}");
        }
    }

    #[test]
    fn it_is_zero_for_equal_samples_in_any_order() {
        let a = normals(20, "a");
        let reversed: Vec<f32> = a.chunks(2).rev().flatten().copied().collect();
        assert!(sliced_wasserstein(&a, &reversed, 2) < 1e-12);
    }

    #[test]
    fn it_is_at_most_the_exact_distance() {
        let (a, b) = (normals(60, "a"), normals(60, "b"));
        for dimension in [1, 2, 3, 5] {
            let [sliced, exact] = [sliced_wasserstein(&a, &b, dimension), super::super::wasserstein(&a, &b, dimension)];
            assert!(sliced > 0.0 && sliced <= exact + 1e-12, "{sliced} > {exact} in {dimension} dimensions");
        }
    }
}
