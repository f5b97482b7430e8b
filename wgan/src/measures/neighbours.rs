//! Nearest neighbours among the training samples: whether a generator has learned or memorised.

use autograd::Tensor;
use rayon::prelude::*;

use crate::data::Dataset;

/// A training sample near a generated one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place in the data set.
    pub index: usize,
    /// Its Euclidean distance, over all numbers of the sample.
    pub distance: f32,
}

/// Training samples that are looked through at a time.
const PART: usize = 1000;

/// For each of `samples`, `[N, …shape of a sample]`, the `count` training samples nearest to it, the nearest first.
/// Where several are equally near, the first ones.
///
/// ```
/// use autograd::Tensor;
/// use wgan::{data::Dataset, measures::nearest_neighbours};
/// let data = Dataset::new("points", [2], vec![0.0, 0.0, 9.0, 9.0, 1.0, 0.0]);
/// let neighbours = nearest_neighbours(&Tensor::new([1, 2], vec![0.9, 0.0])?, &data, 2);
/// assert_eq!(neighbours[0].iter().map(|neighbour| neighbour.index).collect::<Vec<_>>(), [2, 0]);
/// # Ok::<(), wgan::Error>(())
/// ```
pub fn nearest_neighbours(samples: &Tensor, data: &Dataset, count: usize) -> Vec<Vec<Neighbour>> {
    let size = data.shape().count();
    let mut neighbours = vec![Vec::with_capacity(count + 1); samples.data().len() / size];
    for first in (0..data.len()).step_by(PART) {
        let part = data.samples(first..data.len().min(first + PART));
        samples.data().par_chunks_exact(size).zip(&mut neighbours).for_each(|(sample, nearest)| {
            for (index, real) in (first..).zip(part.data().chunks_exact(size)) {
                insert(nearest, Neighbour { index, distance: squared_distance(sample, real) }, count);
            }
        });
    }
    neighbours.iter_mut().flatten().for_each(|neighbour| neighbour.distance = neighbour.distance.sqrt());
    neighbours
}

/// Puts a neighbour in its place among the nearest so far.
fn insert(nearest: &mut Vec<Neighbour>, neighbour: Neighbour, count: usize) {
    let place = nearest.partition_point(|other| other.distance <= neighbour.distance);
    if place < count {
        nearest.insert(place, neighbour);
        nearest.truncate(count);
    }
}

pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16; // sums side by side, as a processor adds them up
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (x, y))| *sum += (x - y).powi(2));
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_first_of_all_sorted_by_distance() {
        // More than one part, and many points equally far.
        let data = Dataset::new("points", [1], (0..2500).map(|i| (i * 7 % 50) as f32).collect());
        let samples = Tensor::new([3, 1], vec![0.2, 31.0, 100.0]).unwrap();
        let found = nearest_neighbours(&samples, &data, 60);
        for (sample, found) in samples.data().iter().zip(found) {
            let distance = |index: usize| (sample - (index * 7 % 50) as f32).abs();
            let mut indices: Vec<usize> = (0..2500).collect();
            indices.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            assert!(found.iter().map(|neighbour| neighbour.index).eq(indices[..60].iter().copied()));
            assert!(found.iter().all(|neighbour| (neighbour.distance - distance(neighbour.index)).abs() < 1e-5));
        }
    }

    #[test]
    fn a_training_sample_is_its_own_nearest_neighbour() {
        let data = Dataset::new("points", [2], (0..40).map(|i| (i * i % 17) as f32 + i as f32 / 64.0).collect());
        for (index, nearest) in nearest_neighbours(&data.samples(0..20), &data, 1).iter().enumerate() {
            assert_eq!(nearest[0], Neighbour { index, distance: 0.0 });
        }
    }

    #[test]
    fn there_are_no_more_than_the_data_holds() {
        let data = Dataset::new("points", [1], vec![3.0, 1.0]);
        assert_eq!(nearest_neighbours(&Tensor::zeros([1, 1]), &data, 5)[0].len(), 2);
    }
}
