//! The game: two networks, what each of them plays for, and the programs that let them play.

pub mod models;
pub mod networks;
pub mod objective;
mod programs;
mod resnet;
mod schedule;
mod update;

use std::ops::Range;

use autograd::{Rank, Shape};

pub use programs::{Losses, PendingLosses, Programs};
pub use resnet::resnet_draws;
pub use schedule::{CriticSchedule, MOST_CRITIC_STEPS, Schedule};
pub use update::{Rule, follow, update_critic};

use models::{Critic, Generator};
use networks::Networks;
use objective::Objective;

use crate::{Error, Result};

/// What the names of the generator's tensors begin with, in a checkpoint and in the file of a generator alone.
pub const GENERATOR: &str = "generator.";

/// What critic and generator are, what they play for, and how they learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game {
    /// What they are made of.
    pub networks: Networks,
    /// What they play for.
    pub objective: Objective,
    /// How often the critic is updated.
    pub schedule: Schedule,
    /// The rule of the updates.
    pub rule: Rule,
    /// Learning rate.
    pub lr: f64,
    /// Decay of the moving average of the generator's weights that samples are drawn with; 0 for none.
    pub average: f64,
    /// Samples per update.
    pub batch: usize,
    /// Whether real images are mirrored left to right, each update each with probability 1/2.
    pub flip: bool,
    /// Start of all random numbers.
    pub seed: u64,
}

impl Game {
    /// A critic before training, of samples of this shape and as many classes, 0 if they are not told apart.
    pub fn critic(&self, sample: &Shape, classes: usize) -> Critic {
        Critic::new(&self.networks, &self.objective.lipschitz, sample, classes, self.seed)
    }

    /// A generator before training, likewise.
    pub fn generator(&self, sample: &Shape, classes: usize) -> Generator {
        Generator::new(&self.networks, sample, classes, self.seed)
    }

    /// Which rows of every batch are a rank's.
    ///
    /// # Errors
    /// If the ranks cannot share a batch equally.
    pub fn part(&self, rank: Rank) -> Result<Range<usize>> {
        let (batch, count) = (self.batch, rank.count);
        if !batch.is_multiple_of(count) {
            let reason = format!("{count} ranks cannot share it equally; make it a multiple of their number");
            return Err(Error::impossible("batch", batch, &reason));
        }
        Ok(rank.part(batch))
    }

    /// Bytes that playing it takes, known before any are taken: of the networks, of what their optimisers keep, and of what
    /// the programs compute at once. The data set comes on top.
    pub fn memory(&self, sample: &Shape, classes: usize) -> u64 {
        let Game { networks, objective, schedule, batch, .. } = self;
        let (critic, generator) = (Critic::size(networks, sample, classes), Generator::size(networks, sample, classes));
        // Beside the weights: the optimiser's averages, and the gradient.
        let copies = 2 + match self.rule {
            Rule::Adam { .. } => 2,
            Rule::RmsProp { .. } => 1,
            Rule::Sgd { momentum } => u64::from(momentum > 0.0),
        };
        let averaged = u64::from(self.average > 0.0);
        let weights = copies * critic.weights + (copies + averaged) * generator.weights;
        // A gradient needs the values of all layers again; a penalty's gradient those of the first gradient, too.
        let passes = objective.lipschitz.lambda().map_or(2, |_| 4);
        let pools = schedule.critic_steps * *batch as u64 * sample.count() as u64;
        let values = *batch as u64 * (passes * critic.values + 2 * generator.values);
        4 * (weights + pools + values)
    }
}
