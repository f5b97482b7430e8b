//! Samples from a trained generator, and the pictures that can be made of them.

mod classes;
mod digits;
mod folder;
mod interpolation;
mod neighbours;
mod walk;

use std::path::{Path, PathBuf};

use autograd::{Device, Shape, Stream, Tensor};
use nn::files::excerpt;
use nn::{Checkpoint, in_batches};

use crate::config::{Config, Options, Trained};
use crate::data::{Class, is_image};
use crate::game::GENERATOR;
use crate::game::models::Generator;
use crate::machine::memory;
use crate::run::RunFolder;
use crate::run::metadata::{Metadata, check_computed, check_finite};
use crate::{Error, Result, data};

pub use classes::{SHOWN_OF_EACH, classes, in_rows};
pub use digits::digits;
pub use folder::folder;
pub use interpolation::interpolation;
pub use neighbours::neighbours;
pub use walk::walk;

/// Samples made together, and shown in one picture of a run. The number never changes, because the last bits of a sample
/// depend on it; nor is it larger, because memory grows with it.
pub fn batch(sample: &Shape) -> usize {
    if is_image(sample) { 64 } else { 512 }
}

/// Samples that are handed on together, if all need not be held: whole batches.
const PART: usize = 512;

/// A trained generator.
pub struct Sampler {
    /// The file that its weights are in.
    file: PathBuf,
    generator: Generator,
    metadata: Metadata,
    trained: Trained,
    /// The number of the only class to be drawn, if there is one.
    class: Option<usize>,
    device: Device,
}

/// The name of the noise that samples are made of.
pub const NOISE: &str = "samples";

impl Sampler {
    /// The generator in a file of weights: a run's `generator.safetensors` or `checkpoint.safetensors`.
    ///
    /// # Errors
    /// If the file cannot be used.
    pub fn load(weights: &Path) -> Result<Self> {
        let metadata = Metadata::read(weights)?;
        let trained = metadata.trained()?;
        let (Trained { sample, networks, .. }, classes) = (&trained, metadata.classes.len());
        // The settings are no more than a claim. Only what the file itself holds may decide how much memory is taken.
        let size = Generator::size(networks, sample, classes);
        let (claimed, held) = (size.weights, nn::checkpoint::count(weights, GENERATOR)? as u64);
        if claimed != held {
            let problem = format!("by its settings the generator has {claimed} weights, but it holds {held}");
            return Err(Error::damaged(weights, problem));
        }
        // The weights, and what the layers compute of a batch.
        let bytes = 4 * (size.weights + batch(sample) as u64 * size.values / 2);
        memory::check(bytes, "drawing samples", "use a machine with more")?;
        let generator = Generator::new(networks, sample, classes, 0); // its first weights are replaced
        let loaded = Checkpoint::new().with(GENERATOR, generator.state());
        loaded.load_part(weights)?; // of a checkpoint, too
        check_finite(weights, &loaded)?;
        Ok(Sampler { file: weights.to_owned(), generator, metadata, trained, class: None, device: Device::cpu() })
    }

    /// The same, to be computed on this device.
    pub fn on(self, device: &Device) -> Self {
        Sampler { device: device.clone(), ..self }
    }

    /// The same, to draw samples of the class of this name alone.
    ///
    /// # Errors
    /// [`Error::Setting`] if it has not learned such a class, [`Error::Flag`] if it has learned none.
    pub fn of_class(self, name: &str) -> Result<Self> {
        if self.classes().is_empty() {
            return Err(Error::flag("class", "the run was trained without --conditional"));
        }
        let class = data::classes::number(self.classes(), name);
        let class = class.map_err(|reason| Error::impossible("class", excerpt(name), &reason))?;
        Ok(Sampler { class: Some(class), ..self })
    }

    /// The classes that it tells apart; none if it does not.
    pub fn classes(&self) -> &[Class] {
        &self.metadata.classes
    }

    /// What it is made of, and what it has learned.
    pub fn trained(&self) -> &Trained {
        &self.trained
    }

    /// The settings that it was trained with, and the data set in the folder `data_dir`, or where the run had it.
    ///
    /// # Errors
    /// As [`Metadata::config_with_data`], or if the run's `config.toml` cannot be read.
    pub fn config_with_data(&self, data_dir: Option<String>, run: Option<&RunFolder>) -> Result<Config> {
        let run_config = run.map(RunFolder::read_config).transpose()?;
        let Options { data_dir: run_dir, data_file, .. } = run_config.map(|run| run.used().clone()).unwrap_or_default();
        self.metadata.config_with_data(data_dir.or(run_dir), data_file)
    }

    /// Updates of the generator.
    pub fn step(&self) -> u64 {
        self.metadata.step
    }

    /// Samples of any number: `[count, …]`, images in [0, 1]. With the run's own seed the first are those of its
    /// pictures.
    ///
    /// # Errors
    /// [`Error::Memory`] for too many samples, [`Error::Damaged`] if they are not finite, or if the device fails.
    pub fn draw(&self, count: usize, seed: u64) -> Result<Tensor> {
        // The samples, what they are collected from, and the picture or file that is made of them.
        let bytes = 3 * 4 * count as u64 * self.trained.sample.count() as u64;
        memory::check(bytes, &format!("holding {count} samples"), "ask for fewer")?;
        self.samples_of(&self.noise(count, seed)?, &self.classes_of(count, seed))
    }

    /// The same, a few at a time: whoever looks at each only once need not hold all.
    ///
    /// # Errors
    /// If the device fails; as [`draw`](Sampler::draw) for each part.
    pub fn draw_in_parts(&self, count: usize, seed: u64) -> Result<impl Iterator<Item = Result<Tensor>>> {
        let (noise, latent) = (self.noise(count, seed)?, self.generator.latent().count());
        let (classes, rows) = (self.classes_of(count, seed), PART.min(count));
        let part = move |first: usize| {
            let rows = first..count.min(first + rows);
            let numbers = noise.data()[rows.start * latent..rows.end * latent].to_vec();
            let classes = classes.get(rows.clone()).unwrap_or_default();
            self.samples_of(&Tensor::new([rows.len(), latent], numbers)?, classes)
        };
        Ok((0..count).step_by(rows).map(part))
    }

    /// The numbers of the classes that [`draw`](Sampler::draw) makes samples of, one for each; none if it tells none apart.
    pub fn classes_of(&self, count: usize, seed: u64) -> Vec<usize> {
        match self.class {
            Some(class) => vec![class; count],
            None => data::classes::drawn(self.classes(), count, seed),
        }
    }

    /// The noise that [`draw`](Sampler::draw) makes samples of, `[count, latent]`.
    fn noise(&self, count: usize, seed: u64) -> Result<Tensor> {
        let (stream, batch) = (Stream::new(seed, NOISE), batch(&self.trained.sample));
        let mut program = self.device.compile(|tape| [self.generator.noise(tape, stream, batch)])?;
        let mut noise = Vec::new();
        for part in 0..count.div_ceil(batch) {
            noise.extend_from_slice(program.at(part as u64).run(&[])?[0].data());
        }
        let latent = self.generator.latent().count();
        noise.truncate(count * latent);
        Ok(Tensor::new([count, latent], noise)?)
    }

    /// The samples made of noise, `[count, latent]`, each of the class of this number if classes are told apart.
    fn samples_of(&self, noise: &Tensor, classes: &[usize]) -> Result<Tensor> {
        let (batch, latent) = (batch(&self.trained.sample), noise.shape()[1]);
        let samples = if self.classes().is_empty() {
            in_batches(&self.device, batch, noise, |noise| [self.generator.samples_of(noise, None)])?
        } else {
            // The class of each behind its noise.
            let rows = noise.data().chunks_exact(latent).zip(classes);
            let both = rows.flat_map(|(noise, &class)| noise.iter().copied().chain([class as f32])).collect();
            let both = Tensor::new([classes.len(), latent + 1], both)?;
            in_batches(&self.device, batch, &both, |both| {
                let classes = both.slice(1, latent..latent + 1).reshape([batch]);
                [self.generator.samples_of(both.slice(1, 0..latent), Some(classes))]
            })?
        };
        let [samples] = samples;
        check_computed(&self.file, "samples", &samples)?;
        Ok(samples)
    }
}
