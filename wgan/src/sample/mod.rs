//! Samples from a trained generator, and the pictures that can be made of them.

mod classes;
mod digits;
mod folder;
mod interpolation;
mod neighbours;
mod onnx;
mod walk;

use std::path::{Path, PathBuf};

use autograd::{Device, Shape, Stream, Tensor};
use nn::files::excerpt;
use nn::{Checkpoint, in_batches};

use crate::config::{Config, Options, Trained};
use crate::data::{Class, MOST_CLASSES, is_image};
use crate::error::cannot_use;
use crate::game::GENERATOR;
use crate::game::models::Generator;
use crate::machine::memory;
use crate::run::RunFolder;
use crate::run::metadata::{METADATA_KEY, Metadata, check_computed, check_finite};
use crate::{Error, Result, data, npy};

pub use classes::{SHOWN_OF_EACH, classes, in_rows};
pub use digits::digits;
pub use folder::folder;
pub use interpolation::interpolation;
pub use neighbours::neighbours;
pub use onnx::as_onnx;
pub use walk::walk;

/// Samples made together, and shown in one picture of a run. The number never changes, because the last bits of a sample
/// depend on it; nor is it larger, because memory grows with it.
pub fn batch(sample: &Shape) -> usize {
    if is_image(sample) { 64 } else { 512 }
}

/// Samples that are handed on together, if all need not be held: whole batches.
const PART: usize = 512;

/// Samples of which a file may be made: that of more would take all memory.
pub const MOST_SAMPLES: usize = 100_000;

/// A trained generator.
pub struct Sampler {
    /// The file that its weights are in.
    file: PathBuf,
    generator: Generator,
    metadata: Metadata,
    trained: Trained,
    /// The number of the only class to be drawn, if there is one.
    class: Option<usize>,
    /// The only noise that samples are made of, `[N, latent]`, if it is given.
    given: Option<Tensor>,
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
        // The settings are no more than a claim. Only what the file itself holds may decide how much memory is taken.
        let claimed = Generator::size(&trained.networks, &trained.sample, metadata.classes.len()).weights;
        let held = nn::checkpoint::count(weights, GENERATOR)? as u64;
        if claimed != held {
            let problem = format!("by its settings the generator has {claimed} weights, but it holds {held}");
            return Err(Error::damaged(weights, problem));
        }
        // A checkpoint holds more.
        Sampler::rebuild(weights, metadata, trained, GENERATOR, Checkpoint::load_part)
    }

    /// The generator in a file of weights that tells nothing of itself, as PyTorch's `state_dict` of one; what it is made of is
    /// said by these settings. If there is a tensor `classes.weight`, each of its rows stands for a class.
    ///
    /// # Errors
    /// If a setting is not possible or has no effect, or the file cannot be used.
    pub fn load_plain(weights: &Path, settings: &Options) -> Result<Self> {
        if nn::checkpoint::metadata(weights, METADATA_KEY)?.is_some() {
            let problem = "it tells itself what it is made of; name it by --checkpoint";
            return Err(Error::damaged(weights, problem));
        }
        let trained = Trained::typed(settings)?;
        let count =
            nn::checkpoint::shape(weights, "classes.weight")?.map_or(0, |shape| shape.first().copied().unwrap_or(0));
        if count > MOST_CLASSES {
            let problem = format!("it tells {count} classes apart, but {MOST_CLASSES} are the most that are possible");
            return Err(Error::damaged(weights, problem));
        }
        let classes = (0..count).map(|number| Class { name: number.to_string(), count: 1 }).collect();
        let metadata = Metadata::of_others(settings.clone(), classes);
        Sampler::rebuild(weights, metadata, trained, "", Checkpoint::load)
    }

    /// The generator whose tensors' names begin with `prefix`.
    fn rebuild(
        weights: &Path,
        metadata: Metadata,
        trained: Trained,
        prefix: &str,
        load: fn(&Checkpoint, &Path) -> Result<(), nn::Error>,
    ) -> Result<Self> {
        let (Trained { sample, networks, .. }, classes) = (&trained, metadata.classes.len());
        let size = Generator::size(networks, sample, classes);
        // The weights, and what the layers compute of a batch.
        let bytes = 4 * (size.weights + batch(sample) as u64 * size.values / 2);
        memory::check(bytes, "drawing samples", "use a machine with more")?;
        let generator = Generator::new(networks, sample, classes, 0); // its first weights are replaced
        let loaded = Checkpoint::new().with(prefix, generator.state());
        load(&loaded, weights)?;
        check_finite(weights, &loaded)?;
        let file = weights.to_owned();
        Ok(Sampler { file, generator, metadata, trained, class: None, given: None, device: Device::cpu() })
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

    /// The same, to make as many samples as there are rows in this file of noise, an `.npy` array `[N, latent]`.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Data`] if it is no such file.
    pub fn of_noise(self, file: &Path) -> Result<Self> {
        let latent = self.generator.latent().count();
        let noise = npy::read(file, MOST_SAMPLES * latent)?;
        let problem = match noise.shape()[..] {
            [0, _] => "it holds no rows".to_owned(),
            [_, columns] if columns == latent => match noise.data().iter().position(|x| !x.is_finite()) {
                None => return Ok(Sampler { given: Some(noise), ..self }),
                Some(place) => format!("row {} holds a number that is not finite", place / latent),
            },
            _ => {
                let shape = excerpt(&noise.shape().to_string());
                format!("its shape is {shape}, but the generator takes rows of {latent} numbers")
            }
        };
        Err(cannot_use(&file.display().to_string())(problem))
    }

    /// The rows of the noise that it was given, if it was.
    pub fn given(&self) -> Option<usize> {
        self.given.as_ref().map(|noise| noise.shape()[0])
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
    ///
    /// # Errors
    /// If the device fails, or less was given.
    pub fn noise(&self, count: usize, seed: u64) -> Result<Tensor> {
        let latent = self.generator.latent().count();
        if let Some(given) = &self.given {
            return Ok(Tensor::new(
                [count, latent],
                given.data().iter().take(count * latent).copied().collect::<Vec<_>>(),
            )?);
        }
        let (stream, batch) = (Stream::new(seed, NOISE), batch(&self.trained.sample));
        let mut program = self.device.compile(|tape| [self.generator.noise(tape, stream, batch)])?;
        let mut noise = Vec::new();
        for part in 0..count.div_ceil(batch) {
            noise.extend_from_slice(program.at(part as u64).run(&[])?[0].data());
        }
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
