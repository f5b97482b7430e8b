//! Samples from a trained generator.

use std::path::Path;

use autograd::{Device, Stream, Tensor};
use nn::Checkpoint;

use crate::Result;
use crate::checkpoint::Metadata;
use crate::models::Generator;

/// Draws samples from the generator in a file of weights: images as [count, 1, 28, 28] in [0, 1], or points as
/// [count, 2].
///
/// # Errors
/// If the file cannot be used.
pub fn draw(weights: &Path, count: usize, seed: u64) -> Result<Tensor> {
    let config = Metadata::read(weights)?.config;
    let generator = Generator::new(&config, &config.dataset.sample_shape());
    Checkpoint::new().with("generator.", generator.parameters()).load_part(weights)?; // of a checkpoint, too
    let mut program = Device::cpu().compile(|tape| [generator.samples(tape, Stream::new(seed, "samples"), count)])?;
    Ok(program.run(&[])?[0].clone())
}
