//! Samples of each class.

use std::iter::repeat_n;

use super::Sampler;
use crate::Result;
use crate::figure::Picture;
use crate::pictures::rows;

/// Samples of a class that make a good picture.
pub const SHOWN_OF_EACH: usize = 10;

/// At least `count` samples, a row for each class.
///
/// # Errors
/// If the device fails; as [`Sampler::draw`].
pub fn classes(sampler: &Sampler, count: usize, seed: u64) -> Result<Picture> {
    let across = count.div_ceil(sampler.classes().len());
    let classes = in_rows(sampler.classes().len(), across);
    Ok(rows(&sampler.samples_of(&sampler.noise(classes.len(), seed)?, &classes)?, across))
}

/// The numbers of so many classes, each as often as it is shown in its row.
pub fn in_rows(classes: usize, across: usize) -> Vec<usize> {
    (0..classes).flat_map(|class| repeat_n(class, across)).collect()
}
