//! A whole training, of generator and critic, small enough for an experiment.

use autograd::{Device, Stream, Tensor};

use super::critic::slopes;
use crate::Result;
use crate::classifier::{Classified, Classifier};
use crate::config::Config;
use crate::data::{Batches, Dataset, Source};
use crate::measures::Moments;
use crate::models::Critic;
use crate::networks::{Arch, GeneratorArch, Networks, Norm};
use crate::objective::{Lipschitz, Loss, Objective, Penalty, interpolates};
use crate::programs::{Game, Losses, Programs, Schedule};

/// A small training on digits, each loss as its papers have it: WGAN-GP, and DCGAN with batch norm in both networks and one
/// update of each.
pub fn digits(loss: Loss) -> Game {
    let (norm, critic_steps, lipschitz) = match loss {
        Loss::Wasserstein(_) => (Norm::None, 5, Lipschitz::penalty(Penalty::TwoSided, 10.0)),
        Loss::Standard | Loss::NonSaturating => (Norm::Batch, 1, Lipschitz::None),
    };
    let game = Config::default().game;
    let arch = Arch::Dcgan { dim: 8, generator: GeneratorArch::Dcgan };
    Game {
        networks: Networks { arch, generator_norm: norm, critic_norm: norm },
        objective: Objective { loss, lipschitz, ..game.objective },
        schedule: Schedule { critic_steps, ..game.schedule },
        average: 0.0,
        ..game
    }
}

/// Both players in training on a data set.
pub struct GanTraining {
    seed: u64,
    data: Dataset,
    batches: Batches,
    programs: Programs,
    iteration: u64,
}

impl GanTraining {
    /// New networks.
    ///
    /// # Errors
    /// If the data set cannot be read or the device cannot take the programs.
    pub fn new(game: &Game, source: &Source) -> Result<Self> {
        let data = Dataset::load(source, game.batch, game.seed)?;
        let programs = Programs::compile(game, &data, &Device::cpu())?;
        let batches = Batches::new(data.len(), game.batch, game.seed);
        Ok(GanTraining { seed: game.seed, data, batches, programs, iteration: 0 })
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

    /// Runs `every` iterations so many `times`, measuring after each: the iterations so far, and what `measure` makes of the
    /// training and its last losses.
    ///
    /// # Errors
    /// If the device fails.
    pub fn course<T>(
        &mut self,
        every: u64,
        times: u64,
        mut measure: impl FnMut(&Self, &[Losses]) -> Result<T>,
    ) -> Result<Vec<(f64, T)>> {
        let mut measured = || {
            let losses = self.run(every)?;
            Ok((self.iteration as f64, measure(self, &losses)?))
        };
        (0..times).map(|_| measured()).collect()
    }

    /// Iterations so far.
    pub fn iteration(&self) -> u64 {
        self.iteration
    }

    /// Samples of the generator, always of the same noise.
    ///
    /// # Errors
    /// If the device fails.
    pub fn samples(&self, count: usize) -> Result<Tensor> {
        let (generator, noise) = (self.programs.generator(), Stream::new(self.seed, "samples"));
        let mut generate = Device::cpu().compile(|tape| [generator.samples(tape, noise, count)])?;
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
        let mut mix = Device::cpu().compile(|tape| {
            let mix = tape.uniform(Stream::new(self.seed, "mix"), [POINTS]);
            [interpolates(tape.constant(&real), tape.constant(&fake), mix)]
        })?;
        slopes(self.critic(), mix.run(&[])?[0])
    }
}

/// How far digits `[N, 1, 28, 28]` are from others: the Fréchet distance between what a classifier sees in either.
///
/// # Errors
/// If the device fails.
pub fn digit_distance(real: &Tensor, generated: &Tensor) -> Result<f64> {
    let classifier = Classifier::of_digits()?;
    let [real, generated] = [real, generated].map(|digits| classifier.classify(digits));
    let moments = |seen: Classified| Moments::of(seen.features.data(), Classifier::FEATURES);
    Ok(moments(generated?).frechet_distance(&moments(real?)))
}
