//! The data: embedded digits, folders of IDX files, 2-D toys, and the batches drawn from them.

mod batches;
mod folder;
mod idx;
mod mnist;
mod toys;

use autograd::Shape;
use nn::Rng;

pub use batches::Batches;

use crate::config::{Config, DatasetName};
use crate::{Error, Result};

/// A finite set of real samples of one shape: images in [0, 1] as `[1, height, width]`, or points as `[2]`.
pub struct Dataset {
    name: String,
    shape: Shape,
    samples: Vec<f32>,
}

impl Dataset {
    /// The samples that `samples` holds one after the other.
    ///
    /// # Panics
    /// If the elements do not make whole samples of `shape`.
    pub fn new(name: &str, shape: impl Into<Shape>, samples: Vec<f32>) -> Self {
        let shape = shape.into();
        assert!(samples.len().is_multiple_of(shape.count()), "{} elements, samples of {shape}", samples.len());
        Dataset { name: name.to_owned(), shape, samples }
    }

    /// Loads the data set that `config` names.
    ///
    /// # Errors
    /// If its files cannot be read, do not hold images of 28×28 pixels, or hold fewer samples than a batch.
    pub fn load(config: &Config) -> Result<Self> {
        let rng = &mut Rng::new(config.seed, "toy");
        let data = match (config.dataset, &config.data_dir) {
            (DatasetName::EightGaussians, _) => toys::eight_gaussians(rng),
            (DatasetName::TwentyFiveGaussians, _) => toys::twenty_five_gaussians(rng),
            (DatasetName::Swissroll, _) => toys::swissroll(rng),
            (name, Some(data_dir)) => folder::load(&name.to_string(), data_dir.as_ref())?,
            (_, None) => mnist::load()?,
        };
        if data.len() < config.batch {
            let reason = format!("{} has only {} samples", data.name, data.len());
            return Err(Error::Setting { name: "batch", value: config.batch.to_string(), reason });
        }
        Ok(data)
    }

    /// Bytes become numbers in [0, 1], once.
    fn from_images(name: &str, images: idx::Images) -> Self {
        let samples = images.pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        Dataset::new(name, [1, images.height, images.width], samples)
    }

    /// The data set's name, as in `--dataset`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len() / self.shape.count()
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// All samples one after the other.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The sample at `index`, counted from 0.
    pub fn sample(&self, index: usize) -> &[f32] {
        let count = self.shape.count();
        &self.samples[index * count..][..count]
    }
}
