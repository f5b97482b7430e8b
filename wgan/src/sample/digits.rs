//! Samples sorted by what a classifier takes them for.

use autograd::Tensor;

use super::Sampler;
use crate::Result;
use crate::classifier::Classifier;
use crate::data::Labelled;
use crate::figure::Picture;
use crate::pictures::rows;

/// Samples drawn for each place of the sheet: a class that has a hundredth of them still fills half its row.
const CANDIDATES: usize = 5;

/// At least `count` samples, a row for each class with the first ones of it. Places stay empty where a class is rare.
///
/// # Errors
/// If the device fails.
pub fn digits(sampler: &Sampler, classifier: &Classifier, count: usize, seed: u64) -> Result<Picture> {
    let across = count.div_ceil(Labelled::CLASSES);
    let samples = sampler.draw(CANDIDATES * Labelled::CLASSES * across, seed)?;
    let classes = classifier.classify(&samples)?.classes();
    let images: Vec<&[f32]> = samples.data().chunks_exact(Labelled::PIXELS).collect();
    let empty = [f32::NAN; Labelled::PIXELS];
    let row = |class: usize| {
        let of_class = images.iter().zip(&classes).filter(move |(_, other)| **other == class).map(|(image, _)| *image);
        of_class.chain(std::iter::repeat(&empty[..])).take(across)
    };
    let sorted: Vec<f32> = (0..Labelled::CLASSES).flat_map(row).flatten().copied().collect();
    let shape = [Labelled::CLASSES * across, 1, 28, 28];
    Ok(rows(&Tensor::new(shape, sorted)?, across))
}
