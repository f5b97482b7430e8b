//! A small critic, trained on two fixed distributions, with the same objective and the same update as in every training.

use autograd::{Compiled, Device, Shape, Stream, Tape, Tensor, Var, Variable};

use super::{Polyline, computed, mean, places};
use crate::Result;
use crate::game::models::Critic;
use crate::game::networks::{Arch, Networks, Norm};
use crate::game::objective::{CriticTerms, Lipschitz, Loss, Objective, Penalty};
use crate::game::{Game, Rule, Schedule, update_critic};

/// A small critic of points under a constraint, with the rule of updates that its paper has.
pub fn toy(lipschitz: Lipschitz) -> Game {
    let game = super::base();
    Game {
        networks: mlp(32),
        objective: Objective { lipschitz, ..game.objective },
        schedule: Schedule { critic_steps: 5, ..game.schedule },
        rule: match lipschitz {
            Lipschitz::Clip { .. } => Rule::RmsProp { decay: 0.99, epsilon: 1e-8 },
            Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. } => game.rule,
            Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => game.rule,
        },
        batch: 256,
        ..game
    }
}

/// One that is held to slopes of at most 1 by a penalty: one-sided, since on a line the two-sided one may be trapped where
/// the slope has the wrong sign, and heavy, so that it costs little bias.
pub fn lipschitz_toy() -> Game {
    toy(Lipschitz::penalty(Penalty::Lp, 100.0))
}

/// A discriminator of points in a standard GAN, which nothing holds.
pub fn standard_toy(loss: Loss) -> Game {
    let game = toy(Lipschitz::None);
    Game { objective: Objective { loss, ..game.objective }, ..game }
}

/// Three hidden layers of `dim` units.
pub fn mlp(dim: usize) -> Networks {
    Networks { arch: Arch::Mlp { dim }, generator_norm: Norm::None, critic_norm: Norm::None }
}

/// The largest slope that a critic of points `[inputs]` with weights clipped to ±c may have: ∏ c·√(in·out) over its layers,
/// since no matrix stretches a vector by more than the root of the sum of its squares.
pub fn clipped_slope(inputs: usize, dim: usize, clip: f64) -> f64 {
    let layers = [(inputs, dim), (dim, dim), (dim, dim), (dim, 1)];
    layers.map(|(inputs, outputs)| clip * ((inputs * outputs) as f64).sqrt()).iter().product()
}

/// Records a batch, `[batch, features]`, from the random numbers of a stream.
pub trait Distribution: for<'t> Fn(&'t Tape, Stream, usize) -> Var<'t> {}

impl<F: for<'t> Fn(&'t Tape, Stream, usize) -> Var<'t>> Distribution for F {}

/// Always the point (x, 0) of the plane, where a gradient that points the wrong way can turn around.
pub fn point(x: f64) -> impl Distribution {
    move |tape, _, batch| tape.concat(&[tape.zeros([batch, 1]) + x, tape.zeros([batch, 1])], 1)
}

/// Numbers from N(μ, σ²).
pub fn normal(mean: f64, deviation: f64) -> impl Distribution {
    move |tape, noise, batch| tape.normal(noise, [batch, 1]) * deviation + mean
}

/// Numbers from N(μ, 1), μ being read at every update.
pub fn normal_around(mean: &Variable) -> impl Distribution {
    move |tape, noise, batch| tape.normal(noise, [batch, 1]) + tape.variable(mean)
}

/// Points of a pool `[N, features]`, drawn with replacement.
pub fn points_of(pool: Tensor) -> impl Distribution {
    let points = pool.shape()[0] as f64;
    move |tape, noise, batch| tape.constant(&pool).gather_rows((tape.uniform(noise, [batch]) * points).floor())
}

/// A critic in training.
pub struct CriticTraining {
    /// What is trained, to be used in further programs.
    pub critic: Critic,
    update: Compiled<4>,
    step: u64,
}

impl CriticTraining {
    /// A new critic between real and generated samples.
    ///
    /// # Errors
    /// If the device cannot take it.
    pub fn new(game: &Game, real: impl Distribution, fake: impl Distribution) -> Result<Self> {
        let (batch, stream) = (game.batch, |name| Stream::new(game.seed, name));
        let sample = Shape::from(&real(&Tape::new(), stream("real"), 1).shape()[1..]);
        let critic = game.critic(&sample, 0);
        let rule = game.rule.optimizer(critic.parameters());
        let update = Device::cpu().compile(|tape| {
            let (real, fake) = (real(tape, stream("real"), batch), fake(tape, stream("fake"), batch));
            let mixes = tape.uniform(stream("mixes"), [2, batch]);
            update_critic(game, &critic, &*rule, [real, fake], None, mixes).into_array()
        })?;
        Ok(CriticTraining { critic, update, step: 0 })
    }

    /// A critic after `updates` updates.
    ///
    /// # Errors
    /// If the device cannot take it, or fails.
    pub fn trained(game: &Game, real: impl Distribution, fake: impl Distribution, updates: u64) -> Result<Self> {
        let mut training = CriticTraining::new(game, real, fake)?;
        training.run(updates)?;
        Ok(training)
    }

    /// Trains for `updates` further updates: the mean of what the critic finds in the last 50 of them.
    ///
    /// ```
    /// use wgan::experiments::harness::{CriticTraining, normal, toy};
    /// use wgan::game::objective::{Lipschitz, Penalty};
    /// let game = toy(Lipschitz::penalty(Penalty::Lp, 10.0));
    /// let terms = CriticTraining::new(&game, normal(1.0, 0.0), normal(0.0, 0.0))?.settled(400)?;
    /// assert!((terms.slope - 1.05).abs() < 0.03); // 1 + W/2λ, between point masses at distance W = 1
    /// # Ok::<(), wgan::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the device fails.
    pub fn settled(&mut self, updates: u64) -> Result<CriticTerms<f64>> {
        const LAST: usize = 50;
        let terms = self.run(updates)?;
        let last = terms[terms.len() - LAST..].iter().map(|terms| terms.into_array());
        Ok(CriticTerms::from_array([0, 1, 2, 3].map(|i| mean(last.clone().map(|terms| terms[i])))))
    }

    /// Updates the critic `updates` times, each with fresh random numbers: what it found before each update.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&mut self, updates: u64) -> Result<Vec<CriticTerms<f64>>> {
        let steps = self.step..self.step + updates;
        self.step = steps.end;
        let update = |step| {
            let numbers = self.update.at(step).run(&[])?.map(|number| f64::from(number.item()));
            Ok(CriticTerms::from_array(numbers))
        };
        steps.map(update).collect()
    }

    /// The critic's scores of points `[N, …]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn scores(&self, points: &Tensor) -> Result<Vec<f64>> {
        Ok(computed(|tape| self.critic.scores(tape.constant(points)))?.cast().into_data())
    }

    /// The critic's scores along the line from `low` to `high`, `per_unit` of them to a unit: points to be drawn.
    ///
    /// # Errors
    /// If the device fails.
    pub fn curve(&self, low: f64, high: f64, per_unit: f64) -> Result<Polyline> {
        let x: Vec<f64> = places(low, high, per_unit).collect();
        let scores = self.scores(&Tensor::from_fn([x.len(), 1], |i| x[i] as f32))?;
        Ok(x.into_iter().zip(scores).collect())
    }

    /// The critic's slopes ‖∇D‖ at points `[N, …]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn slopes(&self, points: &Tensor) -> Result<Vec<f64>> {
        slopes(&self.critic, points)
    }

    /// How the gap changes while the generated samples move along the first axis: what a generator's update would follow.
    ///
    /// # Errors
    /// If the device fails.
    pub fn pull(&self, fake: &Tensor) -> Result<f64> {
        const STEP: f32 = 0.01;
        let [ahead, behind] = [STEP, -STEP].map(|by| self.scores(&moved(fake, by)));
        Ok((mean(behind?) - mean(ahead?)) / (2.0 * f64::from(STEP)))
    }

    /// The gap between the mean scores of two samples, real minus fake.
    ///
    /// # Errors
    /// If the device fails.
    pub fn gap(&self, real: &Tensor, fake: &Tensor) -> Result<f64> {
        Ok(mean(self.scores(real)?) - mean(self.scores(fake)?))
    }
}

/// Points `[N, features]` moved along the first axis.
pub fn moved(points: &Tensor, by: f32) -> Tensor {
    let features = points.shape()[1];
    Tensor::from_fn(points.shape(), |i| points.data()[i] + if i % features == 0 { by } else { 0.0 })
}

/// A critic's slopes ‖∇D‖ at points `[N, …]`. Nothing differentiates these roots, so none has the guard at 0 that those of a
/// penalty have, and a flat critic's slope is 0.
///
/// # Errors
/// If the device fails.
pub fn slopes(critic: &Critic, points: &Tensor) -> Result<Vec<f64>> {
    let features: Vec<usize> = (1..points.shape().rank()).collect();
    let squares = computed(|tape| {
        let points = tape.constant(points);
        tape.grad(critic.scores(points).sum(), &[points])[0].square().sum_axes(&features)
    })?;
    Ok(squares.data().iter().map(|&square| f64::from(square).sqrt()).collect())
}
