//! A whole training, of generator and critic, small enough for an experiment.

use autograd::{Device, Stream, Tensor};

use super::slopes;
use crate::Result;
use crate::classifier::Classifier;
use crate::config::Config;
use crate::data::{Batches, Dataset};
use crate::measures::Moments;
use crate::models::Critic;
use crate::objective::interpolates;
use crate::programs::{Losses, Programs};

/// Both players in training on a data set.
pub struct GanTraining {
    seed: u64,
    data: Dataset,
    batches: Batches,
    programs: Programs,
    device: Device,
    iteration: u64,
}

impl GanTraining {
    /// New networks.
    ///
    /// # Errors
    /// If the data set cannot be read or the device cannot take the programs.
    pub fn new(config: &Config) -> Result<Self> {
        let (data, device) = (Dataset::load(config)?, Device::cpu());
        let programs = Programs::compile(config, &data, &device)?;
        let batches = Batches::new(data.len(), config.batch, config.seed);
        Ok(GanTraining { seed: config.seed, data, batches, programs, device, iteration: 0 })
    }

    /// Runs so many iterations, each of some updates of the critic and one of the generator.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&mut self, iterations: u64) -> Result<Vec<Losses>> {
        let numbers = self.iteration..self.iteration + iterations;
        self.iteration = numbers.end;
        numbers.map(|iteration| self.programs.iterate(iteration, &mut self.batches)).collect()
    }

    /// Samples of the generator, always of the same noise.
    ///
    /// # Errors
    /// If the device fails.
    pub fn samples(&self, count: usize) -> Result<Tensor> {
        let (generator, noise) = (self.programs.generator(), Stream::new(self.seed, "samples"));
        let mut generate = self.device.compile(|tape| [generator.samples(tape, noise, count)])?;
        Ok(generate.run(&[])?[0].clone())
    }

    /// Real samples, those first that the training never sees.
    pub fn real(&self, count: usize) -> Tensor {
        let start = self.data.held_out().end - count;
        self.data.samples(start..start + count)
    }

    /// The critic.
    pub fn critic(&self) -> &Critic {
        self.programs.critic()
    }

    /// The critic's slopes ‖∇D‖ at random points between real and generated samples.
    ///
    /// # Errors
    /// If the device fails.
    pub fn slopes(&self) -> Result<Vec<f64>> {
        const POINTS: usize = 500;
        let (real, fake) = (self.real(POINTS), self.samples(POINTS)?);
        let mut mix = self.device.compile(|tape| {
            let mix = tape.uniform(Stream::new(self.seed, "mix"), [POINTS]);
            [interpolates(tape.constant(&real), tape.constant(&fake), mix)]
        })?;
        slopes(self.programs.critic(), mix.run(&[])?[0])
    }
}

/// How far generated digits are from real ones: the Fréchet distance between what a classifier sees in either.
pub struct DigitDistance {
    classifier: Classifier,
    real: Moments,
}

impl DigitDistance {
    /// The distance to these digits, `[N, 1, 28, 28]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn to(digits: &Tensor) -> Result<Self> {
        let classifier = Classifier::of_digits()?;
        let real = moments(&classifier, digits)?;
        Ok(DigitDistance { classifier, real })
    }

    /// The distance from these digits.
    ///
    /// # Errors
    /// If the device fails.
    pub fn from(&self, digits: &Tensor) -> Result<f64> {
        Ok(moments(&self.classifier, digits)?.frechet_distance(&self.real))
    }
}

fn moments(classifier: &Classifier, digits: &Tensor) -> Result<Moments> {
    Ok(Moments::of(classifier.classify(digits)?.features.data(), Classifier::FEATURES))
}
