//! Where samples are dense, from which precision and recall follow: whether generated samples look like real ones, and whether
//! all kinds of real ones are generated (Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing
//! generative models", arXiv 1904.06991).

use autograd::Tensor;
use rayon::prelude::*;

use super::neighbours::squared_distance;

/// The region that samples fill: about each of them a ball that reaches its third nearest neighbour among the others.
///
/// With Φr and Φg the features of as many real and generated samples, and f(φ, Φ) = 1 if there is a φ' in Φ with
/// ‖φ − φ'‖ ≤ ‖φ' − NN₃(φ', Φ)‖, else 0 (eq. 1), precision is the mean of f(φg, Φr) over Φg, and recall that of f(φr, Φg) over
/// Φr (eq. 2).
///
/// ```
/// use autograd::Tensor;
/// use wgan::measures::Manifold;
/// let line = |from: f32| Tensor::from_fn([10, 1], move |i| from + i as f32);
/// let two_modes = Tensor::new([20, 1], [line(0.0).into_data(), line(100.0).into_data()].concat())?;
/// let one_mode = line(0.5);
/// let (real, generated) = (Manifold::of(two_modes), Manifold::of(one_mode));
/// assert_eq!(real.share_of(&generated), 1.0); // precision
/// assert_eq!(generated.share_of(&real), 0.5); // recall
/// # Ok::<(), wgan::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Manifold {
    /// `[N, dimension]`
    features: Tensor,
    /// The square of each ball's radius.
    radii: Vec<f32>,
}

impl Manifold {
    /// Which neighbour a ball reaches: the paper's choice.
    const K: usize = 3;
    /// The fewest samples: each needs as many neighbours.
    pub const LEAST: usize = Self::K + 1;

    /// That of samples with these features, `[N, dimension]`.
    ///
    /// # Panics
    /// If there are fewer than [`LEAST`](Manifold::LEAST).
    pub fn of(features: Tensor) -> Self {
        let count = features.shape()[0];
        assert!(count >= Self::LEAST, "{count} samples have too few neighbours");
        let vectors = || features.data().par_chunks_exact(features.shape()[1]);
        let radius = |vector: &[f32]| {
            let all = features.data().chunks_exact(vector.len());
            let mut distances: Vec<f32> = all.map(|other| squared_distance(vector, other)).collect();
            // The nearest of all is the sample itself.
            *distances.select_nth_unstable_by(Self::K, f32::total_cmp).1
        };
        let radii = vectors().map(radius).collect();
        Manifold { features, radii }
    }

    /// How many samples it is of.
    #[allow(clippy::len_without_is_empty, reason = "there are always some")]
    pub fn len(&self) -> usize {
        self.radii.len()
    }

    /// The share of `others` that lie within.
    ///
    /// # Panics
    /// If their features are of another dimension.
    pub fn share_of(&self, others: &Manifold) -> f64 {
        let dimension = self.features.shape()[1];
        assert_eq!(others.features.shape()[1], dimension, "features of different dimensions");
        let holds = |vector: &&[f32]| {
            let balls = self.features.data().chunks_exact(dimension).zip(&self.radii);
            balls.into_iter().any(|(centre, &radius)| squared_distance(vector, centre) <= radius)
        };
        let within = others.features.data().par_chunks_exact(dimension).filter(holds).count();
        within as f64 / others.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(places: impl IntoIterator<Item = f32>) -> Manifold {
        let places: Vec<f32> = places.into_iter().collect();
        Manifold::of(Tensor::new([places.len(), 1], places).unwrap())
    }

    fn steps(from: f32, step: f32) -> impl Iterator<Item = f32> {
        (0..10).map(move |i| from + step * i as f32)
    }

    #[test]
    fn a_set_fills_its_own_region() {
        let set = line(steps(0.0, 1.0));
        assert_eq!(set.share_of(&set), 1.0);
    }

    #[test]
    fn what_lies_elsewhere_is_neither_precise_nor_recalled() {
        let (a, b) = (line(steps(0.0, 1.0)), line(steps(100.0, 1.0)));
        assert_eq!((a.share_of(&b), b.share_of(&a)), (0.0, 0.0));
    }

    /// A generator that makes the one mode of two, and noise half of the time.
    #[test]
    fn half_of_the_samples_and_half_of_the_modes() {
        let real = line(steps(0.0, 1.0).chain(steps(1000.0, 1.0)));
        let generated = line(steps(0.25, 1.0).chain(steps(-500.0, 1.0)));
        assert_eq!((real.share_of(&generated), generated.share_of(&real)), (0.5, 0.5));
    }

    /// Of 0, 1, 3, 7, 15 the third nearest neighbours are 7, 6, 4, 7, 14 away.
    #[test]
    fn balls_reach_the_third_neighbour() {
        let set = line([0.0, 1.0, 3.0, 7.0, 15.0]);
        assert_eq!(set.radii, [7.0f32, 6.0, 4.0, 7.0, 14.0].map(|radius| radius * radius));
        assert_eq!(set.share_of(&line([-7.0, -7.1, 29.0, 29.1])), 0.5);
    }

    /// Copies have balls without extent, and lie in those of each other alone.
    #[test]
    fn copies_of_one_sample_are_one_point() {
        let (real, collapsed) = (line(steps(0.0, 1.0)), line([4.0; 10]));
        assert_eq!((real.share_of(&collapsed), collapsed.share_of(&real)), (1.0, 0.1));
    }
}
