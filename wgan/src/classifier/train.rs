//! The classifier's training.

use autograd::{ByteTable, Device, Tensor};
use nn::losses::cross_entropy;
use nn::{Optimizer, Rng, optim::Adam};
use rand::RngExt;

use super::Classifier;
use crate::data::{Batches, Labelled, Split};
use crate::run::progress::Progress;
use crate::{Error, Result};

const BATCH: usize = 100;
/// Of the first step; it falls to 0 along a line.
const LEARNING_RATE: f64 = 2e-3;
/// Images are moved by up to as many pixels along each axis, so that a few thousand look like many more.
const SHIFT: usize = 2;
/// Images are 28 pixels wide and high.
const SIDE: usize = 28;

/// Trains a classifier for this many updates of its weights, telling its progress. Beside it comes its accuracy: the share of
/// held-out images whose class it tells.
///
/// # Errors
/// If the loss becomes infinite or NaN, or the device fails.
pub fn train(data: &Split, steps: u64, seed: u64) -> Result<(Classifier, f64)> {
    let classifier = Classifier::new(seed);
    let adam = Adam::new(classifier.parameters());
    let mut update = Device::cpu().compile(|tape| {
        let images = tape.input("images", [BATCH, 1, SIDE, SIDE]);
        let labels = tape.input("labels", [BATCH]);
        let loss = cross_entropy(classifier.logits(classifier.features(images)), labels);
        adam.update(loss, tape.input("learning rate", []));
        [loss]
    })?;
    let (mut batches, shifts) = (Batches::new(data.training.len(), BATCH, seed), Rng::new(seed, "shifts"));
    let mut progress = Progress::new(0, steps);
    for step in 0..steps {
        let (images, labels) = batch(&data.training, &batches.rows(step), &mut shifts.at(step))?;
        let learning_rate = Tensor::scalar(LEARNING_RATE * (1.0 - step as f64 / steps as f64));
        let inputs = [("images", &images), ("labels", &labels), ("learning rate", &learning_rate)];
        let loss = update.run(&inputs)?[0].item();
        if !loss.is_finite() {
            return Err(Error::NotFinite(format!("the classifier's loss is no longer finite at step {}", step + 1)));
        }
        progress.show(step + 1, &format!("loss {loss:.3}"));
    }
    progress.finish();
    let accuracy = classifier.accuracy(&data.held_out)?;
    Ok((classifier, accuracy))
}

/// The images `[BATCH, 1, 28, 28]` of these rows, each moved at random, and their labels `[BATCH]`.
fn batch(data: &[Labelled], rows: &Tensor, rng: &mut Rng) -> Result<(Tensor, Tensor)> {
    let rows: Vec<usize> = rows.data().iter().map(|&row| row as usize).collect();
    let mut shift = || rng.random_range(0..=2 * SHIFT);
    let images = rows.iter().flat_map(|&row| shifted(&data[row].pixels, [shift(), shift()])).collect();
    let labels = rows.iter().map(|&row| f32::from(data[row].label)).collect();
    Ok((Tensor::new([BATCH, 1, SIDE, SIDE], images)?, Tensor::new([BATCH], labels)?))
}

/// The image in [0, 1], moved down and right by as many pixels less [`SHIFT`]; what comes into view is black.
fn shifted(image: &[u8; Labelled::PIXELS], [down, right]: [usize; 2]) -> [f32; Labelled::PIXELS] {
    std::array::from_fn(|i| {
        let (row, column) = ((i / SIDE + SHIFT).checked_sub(down), (i % SIDE + SHIFT).checked_sub(right));
        match (row, column) {
            (Some(row), Some(column)) if row < SIDE && column < SIDE => ByteTable::number(image[row * SIDE + column]),
            _ => 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_image_is_the_same_elsewhere() {
        let mut image = [0; Labelled::PIXELS];
        image[10 * SIDE + 20] = 255;
        for (shift, place) in [([2, 2], Some((10, 20))), ([0, 4], Some((8, 22))), ([4, 0], Some((12, 18)))] {
            let lit = shifted(&image, shift).iter().position(|&x| x == 1.0);
            assert_eq!(lit.map(|i| (i / SIDE, i % SIDE)), place, "{shift:?}");
        }
        image = [0; Labelled::PIXELS];
        image[0] = 255;
        assert!(shifted(&image, [1, 2]).iter().all(|&x| x == 0.0)); // moved out of view
    }

    /// A guess is right one time in ten.
    #[test]
    fn a_short_training_learns_something() {
        let (classifier, accuracy) = train(&Split::embedded(0).unwrap(), 60, 1).unwrap();
        assert!(accuracy > 0.7, "{accuracy}");
        assert!(
            classifier.parameters().iter().all(|weights| weights.read().unwrap().data().iter().all(|x| x.is_finite()))
        );
    }
}
