//! A whole training, of generator and critic, small enough for an experiment.

use autograd::{Device, Stream, Tensor};

use super::critic::slopes;
use super::{Polyline, computed};
use crate::classifier::Classifier;
use crate::data::{Batches, Dataset, Source};
use crate::game::models::Critic;
use crate::game::networks::{Arch, GeneratorArch, Networks, Norm};
use crate::game::objective::{Lipschitz, Loss, Objective, Penalty, interpolates};
use crate::game::{Game, Losses, Programs, Schedule};
use crate::{Error, Result};

/// A small training on digits, each loss as its papers have it: WGAN-GP, and DCGAN with batch norm in both networks and one
/// update of each.
pub fn digits(loss: Loss) -> Game {
    let (norm, critic_steps, lipschitz) = match loss {
        Loss::Wasserstein(_) => (Norm::None, 5, Lipschitz::penalty(Penalty::TwoSided, 10.0)),
        Loss::Standard | Loss::NonSaturating => (Norm::Batch, 1, Lipschitz::None),
    };
    let game = super::base();
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
    /// Iterations so far.
    pub iteration: u64,
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

    /// Runs `iterations` iterations, each of some updates of the critic and one of the generator.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&mut self, iterations: u64) -> Result<Vec<Losses>> {
        let numbers = self.iteration..self.iteration + iterations;
        self.iteration = numbers.end;
        numbers.map(|iteration| self.programs.iterate(iteration, &mut self.batches)).collect()
    }

    /// Runs `every` iterations so many `times` and measures after each: a curve over the iterations for each number that
    /// `measure` gives of the training and of the losses in the later half of these iterations.
    ///
    /// # Errors
    /// If the device fails.
    pub fn course<const N: usize>(
        &mut self,
        every: u64,
        times: u64,
        mut measure: impl FnMut(&Self, &[Losses]) -> Result<[f64; N]>,
    ) -> Result<[Polyline; N]> {
        let mut curves = [const { Vec::new() }; N];
        for _ in 0..times {
            let losses = self.run(every)?;
            let measured = measure(self, &losses[losses.len() / 2..])?;
            let points = measured.map(|number| (self.iteration as f64, number));
            curves.iter_mut().zip(points).for_each(|(curve, point)| curve.push(point));
        }
        Ok(curves)
    }

    /// Samples of the generator, always of the same noise.
    ///
    /// # Errors
    /// If the device fails.
    pub fn samples(&self, count: usize) -> Result<Tensor> {
        computed(|tape| self.programs.generator().samples(tape, Stream::new(self.seed, "samples"), count, None))
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
        let between = computed(|tape| {
            let mix = tape.uniform(Stream::new(self.seed, "mix"), [POINTS]);
            interpolates(tape.constant(&real), tape.constant(&fake), mix)
        })?;
        slopes(self.critic(), &between)
    }
}

/// How far digits `[N, 1, 28, 28]` are from others: the Fréchet distance between what a classifier sees in either.
///
/// # Errors
/// If the device fails.
pub fn digit_distance(real: &Tensor, generated: &Tensor) -> Result<f64> {
    let classifier = Classifier::of_digits()?;
    let moments = |digits| Ok::<_, Error>(classifier.classify(digits)?.moments());
    Ok(moments(generated)?.frechet_distance(&moments(real)?))
}
