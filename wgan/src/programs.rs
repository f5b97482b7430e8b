//! A training as compiled programs: fixed graphs that run over and over.
//!
//! One iteration generates samples, updates the critic `critic_steps` times, and updates the generator once. What passes
//! between the programs are Variables: the networks' weights, the optimisers' averages, the data, and the generated
//! samples that an iteration's critic updates share.

use autograd::compile::Flops;
use autograd::{Compiled, Device, NonFinite, Profile, Shape, Stream, Tape, Tensor, Var, Variable};
use nn::optim::{Adam, Epsilon, RmsProp, Sgd};
use nn::{Checkpoint, Optimizer, clip};

use crate::Result;
use crate::config::{Config, Lipschitz, Optimizer as Rule};
use crate::data::{Batches, Dataset, Resident};
use crate::models::{Critic, Generator};
use crate::objective::{CriticTerms, critic_terms, generator_loss, gradient_norms, interpolates};

/// The networks, and the programs that train them on a device.
pub struct Programs {
    critic: Critic,
    generator: Generator,
    /// The generator whose weights follow those of the one in training.
    average: Option<Generator>,
    critic_rule: Box<dyn Optimizer>,
    generator_rule: Box<dyn Optimizer>,
    generate: Compiled<0>,
    update_critic: Compiled<4>,
    /// The critic's slope, where its update does not measure it.
    measure_slope: Option<Compiled<1>>,
    update_generator: Compiled<1>,
    /// For each update of the critic in an iteration, the rows of the generated samples that it takes.
    fake_rows: Vec<Tensor>,
}

/// The scalars of an iteration, those of the critic from its last update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// What the critic minimises.
    pub critic: f32,
    /// The estimate of the distance.
    pub wasserstein: f32,
    /// The penalty with its weight.
    pub penalty: f32,
    /// The critic's mean slope at the penalty's points.
    pub slope: f32,
    /// What the generator minimises.
    pub generator: f32,
}

impl Losses {
    /// Whether all of them are finite.
    pub fn are_finite(&self) -> bool {
        let Losses { critic, wasserstein, penalty, slope, generator } = *self;
        [critic, wasserstein, penalty, slope, generator].iter().all(|x| x.is_finite())
    }
}

/// The names of the critic programs' inputs: which samples to take.
const REAL_ROWS: &str = "real rows";
const FAKE_ROWS: &str = "fake rows";

impl Programs {
    /// Draws the first weights and compiles the programs.
    ///
    /// # Errors
    /// If the device cannot take them.
    pub fn compile(config: &Config, data: &Dataset, device: &Device) -> Result<Self> {
        let critic = Critic::new(config, data.shape());
        let generator = Generator::new(config, data.shape());
        let average = (config.average > 0.0).then(|| Generator::new(config, data.shape()));
        let critic_rule = optimizer(config, critic.parameters());
        let generator_rule = optimizer(config, generator.parameters());
        let (batch, updates) = (config.batch, config.critic_steps as usize);
        let stream = |name| Stream::new(config.seed, name);
        let pools = Pools::new(data, updates * batch);

        // No layer couples the samples of a batch, so one pass makes them for all of the critic's updates.
        let generate = device.compile(|tape| {
            tape.assign(&pools.fake, generator.samples(tape, stream("fakes"), updates * batch));
            []
        })?;
        let update_critic = device.compile(|tape| {
            let [real, fake] = pools.batches(tape, batch);
            let mixes = tape.uniform(stream("mixes"), [2, batch]);
            let terms = update_critic(config, &critic, &*critic_rule, real, fake, mixes);
            [terms.loss, terms.wasserstein, terms.penalty, terms.slope.unwrap_or(tape.scalar(0.0))]
        })?;
        let measure_slope = match config.lipschitz.is_penalty() {
            true => None,
            false => Some(device.compile(|tape| {
                let [real, fake] = pools.batches(tape, batch);
                let points = interpolates(real, fake, tape.uniform(stream("mixes"), [1, batch]));
                [gradient_norms(|x| critic.scores(x), points).mean()]
            })?),
        };
        let update_generator = device.compile(|tape| {
            let fake = generator.samples(tape, stream("generator noise"), batch);
            let loss = generator_loss(config, |x| critic.scores(x), fake);
            let weights = generator_rule.update(loss, tape.scalar(config.lr));
            // θ̄ ← a·θ̄ + (1 − a)·θ: the players circle around their equilibrium, and the mean of a circle lies nearer to it
            // than any of its points (Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN training").
            let followers = average.iter().flat_map(Generator::parameters);
            for (follower, weight) in followers.zip(weights) {
                tape.assign(&follower, tape.variable(&follower) * config.average + weight * (1.0 - config.average));
            }
            [loss]
        })?;
        let rows = |i: usize| Tensor::from_fn([batch], |row| (i * batch + row) as f32);
        let fake_rows = (0..updates).map(rows).collect();
        Ok(Programs {
            critic,
            generator,
            average,
            critic_rule,
            generator_rule,
            generate,
            update_critic,
            measure_slope,
            update_generator,
            fake_rows,
        })
    }

    /// Runs the iteration of this number, counted from 0, and measures the critic's slope if its update did not.
    ///
    /// # Errors
    /// If the device fails.
    pub fn iterate(&mut self, iteration: u64, batches: &mut Batches) -> Result<Losses> {
        let losses = self.update(iteration, batches)?;
        let slope = match &mut self.measure_slope {
            None => losses.slope,
            Some(measure_slope) => {
                let last = self.fake_rows.len() - 1;
                let step = iteration * self.fake_rows.len() as u64 + last as u64;
                let inputs = [(REAL_ROWS, &batches.rows(step)), (FAKE_ROWS, &self.fake_rows[last])];
                measure_slope.at(step).run(&inputs)?[0].item()
            }
        };
        Ok(Losses { slope, ..losses })
    }

    /// What of an iteration changes the networks. The slope is 0 where no penalty measures it.
    ///
    /// # Errors
    /// If the device fails.
    pub fn update(&mut self, iteration: u64, batches: &mut Batches) -> Result<Losses> {
        let updates = self.fake_rows.len() as u64;
        self.generate.at(iteration).run(&[])?;
        let [mut critic, mut wasserstein, mut penalty, mut slope] = [0.0; 4];
        for (i, fake_rows) in self.fake_rows.iter().enumerate() {
            let step = iteration * updates + i as u64;
            let inputs = [(REAL_ROWS, &batches.rows(step)), (FAKE_ROWS, fake_rows)];
            let update = self.update_critic.at(step).run(&inputs)?;
            [critic, wasserstein, penalty, slope] = update.map(Tensor::item);
        }
        let generator = self.update_generator.at(iteration).run(&[])?[0].item();
        Ok(Losses { critic, wasserstein, penalty, slope, generator })
    }

    /// From now on, measures the time that every kernel takes.
    pub fn start_profile(&mut self) {
        self.generate.start_profile();
        self.update_critic.start_profile();
        self.measure_slope.iter_mut().for_each(Compiled::start_profile);
        self.update_generator.start_profile();
    }

    /// The time that every kernel has taken since [`start_profile`](Programs::start_profile).
    ///
    /// # Errors
    /// If the device fails.
    pub fn profile(&mut self) -> Result<Profile> {
        let mut profile = self.generate.profile()?;
        profile.extend([self.update_critic.profile()?, self.update_generator.profile()?]);
        if let Some(measure_slope) = &mut self.measure_slope {
            profile.extend([measure_slope.profile()?]);
        }
        Ok(profile)
    }

    /// The floating-point operations of what [`update`](Programs::update) runs.
    pub fn flops(&self) -> Flops {
        let update_critic = self.update_critic.plan().flops() * self.fake_rows.len() as u64;
        self.generate.plan().flops() + update_critic + self.update_generator.plan().flops()
    }

    /// Runs an iteration, interpreting every program before it runs, and returns the first operation that makes a
    /// value infinite or NaN.
    ///
    /// # Errors
    /// If the device fails.
    pub fn first_non_finite(&mut self, iteration: u64, batches: &mut Batches) -> Result<Option<NonFinite>> {
        let updates = self.fake_rows.len() as u64;
        let found = self.generate.at(iteration).first_non_finite(&[])?;
        self.generate.run(&[])?;
        if found.is_some() {
            return Ok(found);
        }
        for (i, fake_rows) in self.fake_rows.iter().enumerate() {
            let step = iteration * updates + i as u64;
            let inputs = [(REAL_ROWS, &batches.rows(step)), (FAKE_ROWS, fake_rows)];
            let found = self.update_critic.at(step).first_non_finite(&inputs)?;
            self.update_critic.run(&inputs)?;
            if found.is_some() {
                return Ok(found);
            }
            let last = i + 1 == self.fake_rows.len();
            if let Some(measure_slope) = self.measure_slope.as_mut().filter(|_| last)
                && let Some(found) = measure_slope.at(step).first_non_finite(&inputs)?
            {
                return Ok(Some(found));
            }
        }
        Ok(self.update_generator.at(iteration).first_non_finite(&[])?)
    }

    /// The critic, to be used in further programs.
    pub fn critic(&self) -> &Critic {
        &self.critic
    }

    /// The generator in training, likewise.
    pub fn generator_in_training(&self) -> &Generator {
        &self.generator
    }

    /// The generator that samples are drawn with, likewise.
    pub fn generator(&self) -> &Generator {
        self.average.as_ref().unwrap_or(&self.generator)
    }

    /// Whether both networks are fit for use.
    ///
    /// # Errors
    /// If the device fails.
    pub fn weights_are_finite(&self) -> Result<bool> {
        for weights in self.critic.parameters().iter().chain(&self.generator.parameters()) {
            if !weights.read()?.data().iter().all(|x| x.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Everything that a training changes.
    pub fn checkpoint(&self) -> Checkpoint {
        let in_training = self.average.iter().flat_map(|_| self.generator.parameters());
        Checkpoint::new()
            .with("critic.", self.critic.parameters())
            .with("generator.", self.generator().parameters())
            .with("generator in training.", in_training)
            .with("critic optimizer.", self.critic_rule.state())
            .with("generator optimizer.", self.generator_rule.state())
    }
}

/// Records an update of the critic on a batch of real and one of generated samples; see [`critic_terms`].
#[track_caller]
pub fn update_critic<'t>(
    config: &Config,
    critic: &Critic,
    rule: &dyn Optimizer,
    real: Var<'t>,
    fake: Var<'t>,
    mixes: Var<'t>,
) -> CriticTerms<'t> {
    let terms = critic_terms(config, |x| critic.scores(x), real, fake, mixes);
    let mut weights = rule.step(&rule.gradients(terms.loss), real.tape().scalar(config.lr));
    if config.lipschitz == Lipschitz::Clip {
        weights = clip::by_value(&weights, config.clip); // after the update (arXiv 1701.07875, algorithm 1)
    }
    rule.assign(&weights);
    terms
}

/// The samples that batches are taken from, on the device.
struct Pools {
    real: Resident,
    fake: Variable,
}

impl Pools {
    fn new(data: &Dataset, fakes: usize) -> Self {
        let shape = Shape::from([&[fakes], &**data.shape()].concat());
        Pools { real: data.resident(), fake: Variable::new("fakes", Tensor::zeros(shape)) }
    }

    /// A batch of real and one of generated samples, by the rows given at every run.
    fn batches<'t>(&self, tape: &'t Tape, batch: usize) -> [Var<'t>; 2] {
        let [real, fake] = [REAL_ROWS, FAKE_ROWS].map(|rows| tape.input(rows, [batch]));
        [self.real.pick(real), tape.variable(&self.fake).gather_rows(fake)]
    }
}

/// The rule that `config` names.
pub fn optimizer(config: &Config, parameters: Vec<Variable>) -> Box<dyn Optimizer> {
    match config.optimizer {
        Rule::Adam => Box::new(Adam::new(parameters).betas(config.beta1, config.beta2).epsilon(config.epsilon)),
        Rule::Rmsprop => {
            Box::new(RmsProp::new(parameters).alpha(config.decay).epsilon(Epsilon::OutsideRoot(config.epsilon)))
        }
        Rule::Sgd if config.momentum == 0.0 => Box::new(Sgd::new(parameters)),
        Rule::Sgd => Box::new(Sgd::new(parameters).momentum(config.momentum)),
    }
}
