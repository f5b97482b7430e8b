//! Samples of a mixture of Gaussians: which of them it covers, and how many points belong to one.

use crate::data::Mixture;

/// The most standard deviations that a point of high quality lies from its mode.
const REACH: f64 = 3.0;

/// How a sample is spread over the modes of a mixture. A point within 3σ of its nearest mode is *of high quality*, and a
/// mode that has such a point is *covered* (the measures of Srivastava et al. 2017, arXiv 1705.07761, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Modes that are covered.
    pub covered: usize,
    /// Modes of the mixture.
    pub modes: usize,
    /// The share of points of high quality. Of the mixture itself it is 1 − e^(−9/2) = 0.989.
    pub high_quality: f64,
}

impl Coverage {
    /// The coverage by points of the plane, two numbers each, that lie one after the other.
    ///
    /// ```
    /// use wgan::{data::Mixture, measures::Coverage};
    /// let mixture = Mixture { centres: vec![[0.0, 0.0], [5.0, 0.0]], deviation: 0.1 };
    /// let coverage = Coverage::of(&[0.2, 0.2, 4.0, 0.0], &mixture);
    /// assert_eq!(coverage, Coverage { covered: 1, modes: 2, high_quality: 0.5 });
    /// ```
    ///
    /// # Panics
    /// If there are no points or no modes.
    pub fn of(points: &[f32], mixture: &Mixture) -> Self {
        let mut owned = vec![0usize; mixture.centres.len()];
        for point in points.chunks_exact(2) {
            let (mode, distance) = nearest([point[0].into(), point[1].into()], &mixture.centres);
            owned[mode] += usize::from(distance <= REACH * mixture.deviation);
        }
        Coverage {
            covered: owned.iter().filter(|&&count| count > 0).count(),
            modes: owned.len(),
            high_quality: owned.iter().sum::<usize>() as f64 / (points.len() / 2) as f64,
        }
    }
}

/// The index of the centre nearest to a point, and its distance.
fn nearest([x, y]: [f64; 2], centres: &[[f64; 2]]) -> (usize, f64) {
    let distances = centres.iter().map(|centre| (x - centre[0]).hypot(y - centre[1])).enumerate();
    distances.min_by(|a, b| a.1.total_cmp(&b.1)).expect("a mixture has modes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Source, Toy};

    /// The distance of a round Gaussian's point from its mean has the distribution 1 − e^(−r²/2σ²).
    #[test]
    fn the_toys_themselves_cover_all_modes_in_high_quality() {
        for (toy, modes) in [(Toy::EightGaussians, 8), (Toy::TwentyFiveGaussians, 25)] {
            let data = Dataset::load(&Source::Toy(toy), 1, 0).unwrap();
            let coverage = Coverage::of(data.samples(0..data.len()).data(), &toy.mixture().unwrap());
            assert_eq!((coverage.covered, coverage.modes), (modes, modes));
            assert!((coverage.high_quality - (1.0 - (-4.5f64).exp())).abs() < 0.002, "{coverage:?}");
        }
        assert!(Toy::Swissroll.mixture().is_none());
    }

    #[test]
    fn a_point_far_from_all_modes_covers_none() {
        let mixture = Mixture { centres: vec![[0.0, 0.0], [1.0, 0.0]], deviation: 0.1 };
        let far = Coverage::of(&[0.5, 0.0, f32::NAN, 0.0], &mixture);
        assert_eq!(far, Coverage { covered: 0, modes: 2, high_quality: 0.0 });
        let collapsed = Coverage::of(&[1.1, 0.1, 0.9, 0.1, 1.0, -0.29], &mixture);
        assert_eq!(collapsed, Coverage { covered: 1, modes: 2, high_quality: 1.0 });
    }
}
