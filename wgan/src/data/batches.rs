//! Batches in shuffled epochs. Which samples a batch holds depends on the seed and the batch's number alone, so a
//! resumed run goes on exactly where it stopped.

use autograd::{Shape, Tensor};
use nn::Rng;
use rand::seq::SliceRandom;

use super::Dataset;

/// An endless sequence of batches: every epoch is a new order of the whole data set, cut into batches that may span
/// the end of an epoch.
///
/// ```
/// use wgan::data::{Batches, Dataset};
/// let data = Dataset::new("numbers", [1], vec![0.0, 1.0, 2.0, 3.0]);
/// let mut batches = Batches::new(&data, 2, 7);
/// let mut epoch = [batches.at(0).into_data(), batches.at(1).into_data()].concat();
/// epoch.sort_by(f32::total_cmp);
/// assert_eq!(epoch, [0.0, 1.0, 2.0, 3.0]);
/// ```
pub struct Batches<'a> {
    data: &'a Dataset,
    size: usize,
    seed: u64,
    epoch: u64,
    order: Vec<usize>,
}

impl<'a> Batches<'a> {
    /// Batches of `size` samples of `data`, in the order that `seed` gives.
    ///
    /// # Panics
    /// If the data set is empty.
    pub fn new(data: &'a Dataset, size: usize, seed: u64) -> Self {
        assert!(!data.is_empty(), "batches of an empty data set");
        Batches { data, size, seed, epoch: 0, order: order(data.len(), seed, 0) }
    }

    /// The batch of the given number, counted from 0 over all epochs: `[size, …shape of a sample]`.
    pub fn at(&mut self, number: u64) -> Tensor {
        let extents = [&[self.size], &self.data.shape()[..]].concat();
        let mut batch = Vec::with_capacity(Shape::from(extents.clone()).count());
        let first = number * self.size as u64;
        for position in first..first + self.size as u64 {
            batch.extend_from_slice(self.data.sample(self.index(position)));
        }
        Tensor::new(extents, batch).expect("a batch holds as many samples as its shape says")
    }

    /// The sample at a position of the endless sequence.
    fn index(&mut self, position: u64) -> usize {
        let count = self.data.len() as u64;
        let epoch = position / count;
        if epoch != self.epoch {
            self.order = order(self.data.len(), self.seed, epoch);
            self.epoch = epoch;
        }
        self.order[(position % count) as usize]
    }
}

fn order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut Rng::new(seed, "shuffle").at(epoch));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Dataset {
        Dataset::new("numbers", [1], (0..count).map(|i| i as f32).collect())
    }

    #[test]
    fn every_epoch_holds_every_sample_once_in_an_order_of_its_own() {
        let data = numbers(12);
        let mut batches = Batches::new(&data, 4, 1);
        let epochs: Vec<Vec<f32>> =
            (0..2).map(|epoch| (0..3).flat_map(|i| batches.at(epoch * 3 + i).into_data()).collect()).collect();
        assert_ne!(epochs[0], epochs[1]);
        for mut epoch in epochs {
            epoch.sort_by(f32::total_cmp);
            assert_eq!(epoch, data.samples());
        }
    }

    #[test]
    fn a_batch_depends_on_its_number_alone() {
        let data = numbers(10);
        let mut forwards = Batches::new(&data, 4, 1);
        let sequence: Vec<Tensor> = (0..9).map(|number| forwards.at(number)).collect();
        // Batch 2 spans the end of the first epoch: positions 8 to 11 of 10.
        for number in (0..9).rev() {
            assert_eq!(Batches::new(&data, 4, 1).at(number as u64), sequence[number]);
            assert_eq!(forwards.at(number as u64), sequence[number]);
        }
        assert_ne!(Batches::new(&data, 4, 2).at(0), sequence[0]);
    }

    #[test]
    fn a_batch_keeps_samples_whole() {
        let data = Dataset::new("pairs", [2], (0..10).flat_map(|i| [i as f32, -(i as f32)]).collect());
        let batch = Batches::new(&data, 3, 0).at(0);
        assert_eq!(&batch.shape()[..], [3, 2]);
        assert!(batch.data().chunks(2).all(|pair| pair[0] == -pair[1]));
    }
}
