//! A small critic, trained on two fixed distributions, with the same objective and the same update as in every training.

use autograd::{Compiled, Device, Shape, Stream, Tape, Tensor, Var, Variable};

use crate::Result;
use crate::config::{Config, DatasetName, Lipschitz, Options};
use crate::models::Critic;
use crate::programs::{optimizer, update_critic};

/// The settings of a small critic of points, with `options` on top: three hidden layers of 32 units.
///
/// # Errors
/// As [`Config::resolve`].
pub fn toy(options: Options) -> Result<Config> {
    let small = Options {
        // The name stands for points of any kind: the experiments bring their own.
        dataset: Some(DatasetName::EightGaussians),
        dim: Some(32),
        batch: Some(256),
        critic_steps: Some(5),
        lr: Some(1e-3),
        ..Options::default()
    };
    Config::resolve(&options, &small)
}

/// Those of one that is held to slopes of at most 1 by a penalty: one-sided, since on a line the two-sided one may be
/// trapped where the slope has the wrong sign, and heavy (λ = 100), so that it costs little bias.
///
/// # Errors
/// As [`Config::resolve`].
pub fn lipschitz_toy(options: Options) -> Result<Config> {
    toy(Options { lipschitz: Some(Lipschitz::Lp), lambda: options.lambda.or(Some(100.0)), ..options })
}

/// Records a batch, `[batch, features]`, from the random numbers of a stream.
pub trait Sampler: for<'t> Fn(&'t Tape, Stream, usize) -> Var<'t> {}

impl<F: for<'t> Fn(&'t Tape, Stream, usize) -> Var<'t>> Sampler for F {}

/// Numbers from N(μ, σ²).
pub fn normal(mean: f64, deviation: f64) -> impl Sampler {
    move |tape, noise, batch| tape.normal(noise, [batch, 1]) * deviation + mean
}

/// Numbers from N(μ, 1), μ being read at every update.
pub fn normal_around(mean: &Variable) -> impl Sampler {
    move |tape, noise, batch| tape.normal(noise, [batch, 1]) + tape.variable(mean)
}

/// Rows of a pool `[N, features]`, drawn with replacement.
pub fn rows_of(pool: Tensor) -> impl Sampler {
    let rows = pool.shape()[0] as f64;
    move |tape, noise, batch| tape.constant(&pool).gather_rows(tape.uniform(noise, [batch]) * rows)
}

/// What a critic finds in one update: before it, that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What the critic minimises.
    pub loss: f64,
    /// The gap between the mean scores.
    pub wasserstein: f64,
    /// The penalty with its weight.
    pub penalty: f64,
    /// The mean slope at the penalty's points; 0 where no penalty measures it.
    pub slope: f64,
}

/// A critic in training.
pub struct CriticTraining {
    critic: Critic,
    update: Compiled<4>,
    step: u64,
}

impl CriticTraining {
    /// A new critic for points of `features` dimensions, between real and generated ones.
    ///
    /// ```
    /// use wgan::config::Options;
    /// use wgan::experiments::{CriticTraining, lipschitz_toy, normal};
    /// let mut training = CriticTraining::new(&lipschitz_toy(Options::default())?, 1, normal(3.0, 1.0), normal(0.0, 1.0))?;
    /// let estimates = training.run(200)?;
    /// assert!((estimates[199].wasserstein - 3.0).abs() < 0.3); // |μ₁ − μ₂| = 3
    /// # Ok::<(), wgan::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the device cannot take it.
    pub fn new(config: &Config, features: usize, real: impl Sampler, fake: impl Sampler) -> Result<Self> {
        CriticTraining::of_samples(config, &Shape::from([features]), real, fake)
    }

    /// A new critic for samples of any shape.
    ///
    /// # Errors
    /// If the device cannot take it.
    pub fn of_samples(config: &Config, sample: &Shape, real: impl Sampler, fake: impl Sampler) -> Result<Self> {
        let critic = Critic::new(config, sample);
        let rule = optimizer(config, critic.parameters());
        let (batch, stream) = (config.batch, |name| Stream::new(config.seed, name));
        let update = Device::cpu().compile(|tape| {
            let (real, fake) = (real(tape, stream("real"), batch), fake(tape, stream("fake"), batch));
            let mixes = tape.uniform(stream("mixes"), [2, batch]);
            let terms = update_critic(config, &critic, &*rule, real, fake, mixes);
            [terms.loss, terms.wasserstein, terms.penalty, terms.slope.unwrap_or(tape.scalar(0.0))]
        })?;
        Ok(CriticTraining { critic, update, step: 0 })
    }

    /// Updates the critic so many times, each with fresh random numbers.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&mut self, updates: u64) -> Result<Vec<Estimate>> {
        let steps = self.step..self.step + updates;
        self.step = steps.end;
        steps
            .map(|step| {
                let numbers = self.update.at(step).run(&[])?.map(|number| f64::from(number.item()));
                let [loss, wasserstein, penalty, slope] = numbers;
                Ok(Estimate { loss, wasserstein, penalty, slope })
            })
            .collect()
    }

    /// The critic, to be used in further programs.
    pub fn critic(&self) -> &Critic {
        &self.critic
    }

    /// The critic's scores of points `[N, features]`.
    ///
    /// # Errors
    /// If the device fails.
    pub fn scores(&self, points: &Tensor) -> Result<Vec<f64>> {
        scores(&self.critic, points)
    }

    /// The critic's slopes ‖∇D‖ at points `[N, features]`.
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
        let features = fake.shape()[1];
        let moved = |by: f32| {
            Tensor::from_fn(fake.shape().clone(), |i| fake.data()[i] + if i % features == 0 { by } else { 0.0 })
        };
        let [ahead, behind] = [self.scores(&moved(STEP))?, self.scores(&moved(-STEP))?];
        Ok((mean(&behind) - mean(&ahead)) / (2.0 * f64::from(STEP)))
    }

    /// The gap between the mean scores of two samples, real minus fake.
    ///
    /// # Errors
    /// If the device fails.
    pub fn gap(&self, real: &Tensor, fake: &Tensor) -> Result<f64> {
        Ok(mean(&self.scores(real)?) - mean(&self.scores(fake)?))
    }
}

/// A critic's scores of points `[N, features]`.
///
/// # Errors
/// If the device fails.
pub fn scores(critic: &Critic, points: &Tensor) -> Result<Vec<f64>> {
    let mut program = Device::cpu().compile(|tape| [critic.scores(tape.constant(points))])?;
    Ok(program.run(&[])?[0].data().iter().map(|&score| f64::from(score)).collect())
}

/// A critic's slopes ‖∇D‖ at points `[N, …]`. Nothing differentiates these roots, so none has the guard at 0 that those of a
/// penalty have, and a flat critic's slope is 0.
///
/// # Errors
/// If the device fails.
pub fn slopes(critic: &Critic, points: &Tensor) -> Result<Vec<f64>> {
    let features: Vec<usize> = (1..points.shape().rank()).collect();
    let mut program = Device::cpu().compile(|tape| {
        let points = tape.constant(points);
        [tape.grad(critic.scores(points).sum(), &[points])[0].square().sum_axes(&features)]
    })?;
    Ok(program.run(&[])?[0].data().iter().map(|&square| f64::from(square).sqrt()).collect())
}

/// The mean of some numbers.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
