//! The 2-D distributions of WGAN-GP's toy experiments (arXiv 1704.00028, section 3.1 and figure 1 (a)), with the widths and
//! scales of its published code. Each data set is a fixed draw, so that runs can be repeated.

use std::f64::consts::{PI, TAU};

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::{Dataset, Toy};

/// Points in a data set.
const COUNT: usize = 100_000;

/// Equally likely, round Gaussians on the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Their means.
    pub centres: Vec<[f64; 2]>,
    /// Their standard deviation along each axis.
    pub deviation: f64,
}

impl Toy {
    /// What it is, if it is a mixture.
    pub fn mixture(self) -> Option<Mixture> {
        let (centres, deviation, scale): (Vec<[f64; 2]>, f64, f64) = match self {
            // Eight Gaussians on a circle of radius 2.
            Toy::EightGaussians => {
                let angles = (0..8).map(|i| TAU * f64::from(i) / 8.0);
                (angles.map(|angle| [2.0 * angle.cos(), 2.0 * angle.sin()]).collect(), 0.02, 1.414)
            }
            // 25 Gaussians on the grid 2·{−2, …, 2}².
            Toy::TwentyFiveGaussians => {
                let axis = [-4.0, -2.0, 0.0, 2.0, 4.0];
                (axis.iter().flat_map(|&y| axis.map(|x| [x, y])).collect(), 0.05, 2.828)
            }
            Toy::Swissroll => return None,
        };
        let centres = centres.iter().map(|centre| centre.map(|x| x / scale)).collect();
        Some(Mixture { centres, deviation: deviation / scale })
    }

    /// A data set drawn from it; with the component of a mixture that each point is of, if `classes`.
    pub fn draw(self, rng: &mut impl Rng, classes: bool) -> Dataset {
        let name = match self {
            Toy::EightGaussians => "8gaussians",
            Toy::TwentyFiveGaussians => "25gaussians",
            Toy::Swissroll => "swissroll",
        };
        let mixture = self.mixture();
        let point = |_| match &mixture {
            Some(mixture) => mixture.point(rng),
            None => (0, on_swissroll(rng)),
        };
        let (components, points): (Vec<usize>, Vec<[f64; 2]>) = (0..COUNT).map(point).unzip();
        let data = Dataset::new(name, [2], points.iter().flatten().map(|&x| x as f32).collect());
        match mixture.filter(|_| classes) {
            Some(Mixture { centres, .. }) => {
                let labels = components.iter().map(|&component| component as u8).collect();
                data.labelled((0..centres.len()).map(|i| i.to_string()), labels)
            }
            None => data,
        }
    }
}

impl Mixture {
    /// A point, and the component that it is of.
    pub fn point(&self, rng: &mut impl Rng) -> (usize, [f64; 2]) {
        let component = rng.random_range(..self.centres.len());
        (component, self.centres[component].map(|x| x + self.deviation * normal(rng)))
    }
}

/// A point of the Swiss roll seen from the side: t·(cos t, sin t) with t uniform on [1.5π, 4.5π], noise of σ 0.25, divided
/// by 7.5.
fn on_swissroll(rng: &mut impl Rng) -> [f64; 2] {
    let t = 1.5 * PI * (1.0 + 2.0 * rng.random::<f64>());
    [t * t.cos(), t * t.sin()].map(|x| (x + 0.25 * normal(rng)) / 7.5)
}

fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

#[cfg(test)]
mod tests {
    use autograd::Tensor;

    use super::*;

    /// All points: `[COUNT, 2]`.
    fn all(data: &Dataset) -> Tensor {
        data.samples(0..data.len())
    }

    /// Mean and standard deviation of a list.
    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, variance.sqrt())
    }

    /// The offsets of all points from the nearest of `centres`, and the number of points nearest to each.
    fn offsets(data: &Dataset, centres: &[[f64; 2]]) -> (Vec<f64>, Vec<usize>) {
        let mut counts = vec![0; centres.len()];
        let mut offsets = Vec::new();
        for point in all(data).data().chunks(2) {
            let point = [f64::from(point[0]), f64::from(point[1])];
            let distance = |c: &[f64; 2]| (point[0] - c[0]).hypot(point[1] - c[1]);
            let nearest = (0..centres.len()).min_by(|&a, &b| distance(&centres[a]).total_cmp(&distance(&centres[b])));
            counts[nearest.unwrap()] += 1;
            let centre = centres[nearest.unwrap()];
            offsets.extend([point[0] - centre[0], point[1] - centre[1]]);
        }
        (offsets, counts)
    }

    #[test]
    fn eight_gaussians_have_their_centres_and_width() {
        let data = Toy::EightGaussians.draw(&mut nn::Rng::new(0, "toy"), false);
        let centres: Vec<_> = (0..8)
            .map(|i| (2.0 / 1.414, TAU * f64::from(i) / 8.0))
            .map(|(radius, angle)| [radius * angle.cos(), radius * angle.sin()])
            .collect();
        let (offsets, counts) = offsets(&data, &centres);
        let (mean, deviation) = moments(&offsets);
        assert!(mean.abs() < 1e-3 && (deviation - 0.02 / 1.414).abs() < 2e-4, "{mean} {deviation}");
        // 12,500 each, with a standard deviation of 105.
        assert!(counts.iter().all(|count| count.abs_diff(12_500) < 600), "{counts:?}");
    }

    #[test]
    fn twenty_five_gaussians_have_their_centres_and_width() {
        let data = Toy::TwentyFiveGaussians.draw(&mut nn::Rng::new(0, "toy"), false);
        let axis = [-4.0, -2.0, 0.0, 2.0, 4.0].map(|x| x / 2.828);
        let centres: Vec<_> = axis.iter().flat_map(|&y| axis.map(|x| [x, y])).collect();
        let (offsets, counts) = offsets(&data, &centres);
        let (mean, deviation) = moments(&offsets);
        assert!(mean.abs() < 1e-3 && (deviation - 0.05 / 2.828).abs() < 2e-4, "{mean} {deviation}");
        // 4,000 each, with a standard deviation of 62.
        assert!(counts.iter().all(|count| count.abs_diff(4_000) < 400), "{counts:?}");
    }

    #[test]
    fn the_swiss_roll_is_a_spiral_with_noise() {
        let data = Toy::Swissroll.draw(&mut nn::Rng::new(0, "toy"), false);
        // On the noiseless spiral the angle of a point is its radius (times 7.5) up to whole turns.
        let points = all(&data);
        let residuals: Vec<f64> = points
            .data()
            .chunks(2)
            .map(|p| {
                let [x, y] = [f64::from(p[0]) * 7.5, f64::from(p[1]) * 7.5];
                let turns = (x.hypot(y) - y.atan2(x)) / TAU;
                (turns - turns.round()) * TAU
            })
            .collect();
        let (mean, deviation) = moments(&residuals);
        // Noise moves the radius by σ = 0.25 and the angle by 0.25 / t, at most 0.053: together between 0.25 and 0.26.
        assert!(mean.abs() < 0.01 && (deviation - 0.252).abs() < 0.006, "{mean} {deviation}");
        let radii: Vec<f64> = points.data().chunks(2).map(|p| f64::from(p[0].hypot(p[1])) * 7.5).collect();
        assert!(radii.iter().all(|r| (3.0..16.0).contains(r)));
    }

    #[test]
    fn a_seed_gives_the_same_points_again() {
        let draw = |seed| all(&Toy::EightGaussians.draw(&mut nn::Rng::new(seed, "toy"), false));
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
