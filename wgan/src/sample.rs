//! Samples from a trained generator.

use std::path::Path;

use autograd::{Device, Shape, Stream, Tensor};
use nn::Checkpoint;

use crate::Result;
use crate::checkpoint::Metadata;
use crate::config::DatasetName;
use crate::models::Generator;

/// Samples made together, and shown in one picture of a run. Always as many, because the last bits of a sample depend on
/// it; and no more, because memory grows with it.
pub fn batch(dataset: DatasetName) -> usize {
    if dataset.is_images() { 64 } else { 512 }
}

/// Draws samples from the generator in a file of weights: images as `[count, 1, 28, 28]` in [0, 1], or points as
/// `[count, 2]`. With the run's own seed the first are those of its pictures.
///
/// # Errors
/// If the file cannot be used.
pub fn draw(weights: &Path, count: usize, seed: u64) -> Result<Tensor> {
    let config = Metadata::read(weights)?.config();
    let shape = config.dataset.sample_shape();
    let generator = Generator::new(&config, &shape);
    Checkpoint::new().with("generator.", generator.state()).load_part(weights)?; // of a checkpoint, too
    let (noise, batch) = (Stream::new(seed, "samples"), batch(config.dataset));
    let mut generate = Device::cpu().compile(|tape| [generator.samples(tape, noise, batch)])?;
    let mut samples = Vec::with_capacity(count * shape.count());
    for part in 0..count.div_ceil(batch) {
        samples.extend_from_slice(generate.at(part as u64).run(&[])?[0].data());
    }
    samples.truncate(count * shape.count());
    Ok(Tensor::new(Shape::from([&[count], &*shape].concat()), samples)?)
}
