//! Batches in shuffled epochs. Which samples a batch holds depends on the seed and the batch's number alone, so a
//! resumed run goes on exactly where it stopped.

use autograd::Tensor;
use nn::Rng;
use rand::seq::SliceRandom;

/// An endless sequence of batches: every epoch is a new order of the whole data set, cut into batches that may span
/// the end of an epoch.
///
/// ```
/// let mut batches = wgan::data::Batches::new(4, 2, 7); // of 4 samples, 2 at a time
/// let mut epoch = [batches.rows(0).into_data(), batches.rows(1).into_data()].concat();
/// epoch.sort_by(f32::total_cmp);
/// assert_eq!(epoch, [0.0, 1.0, 2.0, 3.0]);
/// ```
pub struct Batches {
    count: usize,
    size: usize,
    seed: u64,
    epoch: u64,
    order: Vec<usize>,
}

impl Batches {
    /// Batches of `size` out of `count` samples, in the order that `seed` gives.
    ///
    /// # Panics
    /// If there are no samples.
    pub fn new(count: usize, size: usize, seed: u64) -> Self {
        assert!(count > 0, "batches of an empty data set");
        Batches { count, size, seed, epoch: 0, order: order(count, seed, 0) }
    }

    /// The samples' indices in the batch of the given number, counted from 0 over all epochs: `[size]`.
    pub fn rows(&mut self, number: u64) -> Tensor {
        let first = number * self.size as u64;
        Tensor::from_fn([self.size], |i| {
            let position = first + i as u64; // in the endless sequence
            let (epoch, place) = (position / self.count as u64, position % self.count as u64);
            if epoch != self.epoch {
                self.order = order(self.count, self.seed, epoch);
                self.epoch = epoch;
            }
            self.order[place as usize] as f32
        })
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

    #[test]
    fn every_epoch_holds_every_sample_once_in_an_order_of_its_own() {
        let mut batches = Batches::new(12, 4, 1);
        let epochs: Vec<Vec<f32>> =
            (0..2).map(|epoch| (0..3).flat_map(|i| batches.rows(epoch * 3 + i).into_data()).collect()).collect();
        assert_ne!(epochs[0], epochs[1]);
        for mut epoch in epochs {
            epoch.sort_by(f32::total_cmp);
            assert!(epoch.iter().copied().eq((0..12).map(|i| i as f32)));
        }
    }

    #[test]
    fn a_batch_depends_on_its_number_alone() {
        let mut forwards = Batches::new(10, 4, 1);
        let sequence: Vec<Tensor> = (0..9).map(|number| forwards.rows(number)).collect();
        // Batch 2 spans the end of the first epoch: positions 8 to 11 of 10.
        for number in (0..9).rev() {
            assert_eq!(Batches::new(10, 4, 1).rows(number as u64), sequence[number]);
            assert_eq!(forwards.rows(number as u64), sequence[number]);
        }
        assert_ne!(Batches::new(10, 4, 2).rows(0), sequence[0]);
    }
}
