//! A training as compiled programs: fixed graphs that run over and over.
//!
//! One iteration updates the critic in rounds and then the generator once. A round generates samples, all at once unless
//! batch norm couples them, and updates the critic `critic_steps` times; how many rounds there are is the schedule's. What passes between the programs are
//! Variables: the networks' weights, the optimisers' averages, the data, and the generated samples of a round.

use std::ops::Range;

use autograd::compile::Flops;
use autograd::{Compiled, Device, Pending, Profile, Program, Shape, Stream, Tape, Tensor, Var, Variable};
use nn::{Checkpoint, Mode, Optimizer};

use super::models::{Critic, Generator};
use super::networks::Norm;
use super::objective::{CriticTerms, generator_loss, slopes_between};
use super::schedule::{CriticSchedule, Schedule, most_rounds, rounds};
use super::update::{follow, update_critic};
use super::{GENERATOR, Game};
use crate::Result;
use crate::data::{Batches, Dataset, Resident};

/// The networks, and the programs that train them on a device.
pub struct Programs {
    critic: Critic,
    generator: Generator,
    /// The generator whose weights follow those of the one in training.
    average: Option<Generator>,
    critic_rule: Box<dyn Optimizer>,
    generator_rule: Box<dyn Optimizer>,
    schedule: Schedule,
    generate: Compiled<0>,
    update_critic: Compiled<4>,
    /// The critic's slope, where its update does not measure it.
    measure_slope: Option<Compiled<1>>,
    update_generator: Compiled<1>,
    /// This rank's part of each batch.
    part: Range<usize>,
    /// For each update of the critic between two passes of the generator, the rows of the generated samples that it takes.
    fake_rows: Vec<Tensor>,
    /// Whether generated samples are of the classes of real ones.
    conditional: bool,
}

/// The names of the critic programs' inputs: which samples to take.
const REAL_ROWS: &str = "real rows";
const FAKE_ROWS: &str = "fake rows";

impl Programs {
    /// Draws the first weights and compiles the programs. On a device among ranks they take this rank's part of each batch and of
    /// the random numbers for it, and the losses and gradients are the means of all ranks'.
    ///
    /// # Errors
    /// If the device cannot take them, or the ranks cannot share a batch equally.
    pub fn compile(game: &Game, data: &Dataset, device: &Device) -> Result<Self> {
        let Game { objective, schedule, batch: whole, .. } = *game;
        let part = game.part(device.rank())?;
        let batch = part.len();
        let (sample, classes) = (data.shape(), data.classes().len());
        let (critic, generator) = (game.critic(sample, classes), game.generator(sample, classes));
        let average = (game.average > 0.0).then(|| game.generator(sample, classes));
        let critic_rule = game.rule.optimizer(critic.parameters());
        let generator_rule = game.rule.optimizer(generator.parameters());
        let batches = match game.networks.generator_norm {
            Norm::Batch => 1,
            // No layer couples the samples of a batch: one pass makes them for all of a round's updates.
            Norm::None | Norm::Layer => schedule.critic_steps as usize,
        };
        let stream = |name| Stream::new(game.seed, name);
        let pools = Pools::new(data, batches * batch, game.flip.then(|| stream("flips")));

        let generate = device.compile(|tape| {
            let classes = pools.classes(tape, batches * batch);
            let noise = generator.noise(tape, stream("fakes"), batches * whole);
            let latent = noise.shape()[1];
            let own = noise.reshape([batches, whole, latent]).own_part(1).reshape([batches * batch, latent]);
            tape.assign(&pools.fake, generator.training_samples(own, classes));
            []
        })?;
        let update_critic = device.compile(|tape| {
            let (pairs, classes) = pools.pairs(tape, batch);
            let mixes = tape.uniform(stream("mixes"), [2, whole]).own_part(1);
            update_critic(game, &critic, &*critic_rule, pairs, classes, mixes).into_array().map(Var::all_mean)
        })?;
        let measure_slope = match objective.lipschitz.lambda() {
            Some(_) => None, // the penalty measures it
            None => Some(device.compile(|tape| {
                let (pairs, classes) = pools.pairs(tape, batch);
                let mix = tape.uniform(stream("mixes"), [1, whole]).own_part(1);
                [slopes_between(critic.given(classes, Mode::Eval), pairs, mix).mean().all_mean()]
            })?),
        };
        let update_generator = device.compile(|tape| {
            let classes = pools.classes(tape, batch);
            let noise = generator.noise(tape, stream("generator noise"), whole).own_part(0);
            let fake = generator.training_samples(noise, classes);
            let loss = generator_loss(&objective, critic.given(classes, Mode::Eval), fake);
            let weights = generator_rule.update(loss, tape.scalar(game.lr));
            let tracked = generator.buffers().into_iter().map(|buffer| tape.variable(&buffer));
            follow(average.iter().flat_map(Generator::state), weights.into_iter().chain(tracked), game.average);
            [loss.all_mean()]
        })?;
        let rows = |i: usize| Tensor::from_fn([batch], |row| (i * batch + row) as f32);
        let fake_rows = (0..batches).map(rows).collect();
        Ok(Programs {
            critic,
            generator,
            average,
            critic_rule,
            generator_rule,
            schedule,
            generate,
            update_critic,
            measure_slope,
            update_generator,
            part,
            fake_rows,
            conditional: classes > 0,
        })
    }

    /// The same without measuring the slope where no penalty does: as little as a training needs.
    pub fn without_slope(self) -> Self {
        Programs { measure_slope: None, ..self }
    }

    /// Runs the iteration of this number, counted from 0: updates the critic and then the generator, and measures the critic's
    /// slope if its update did not.
    ///
    /// # Errors
    /// If the device fails, or a value is not finite where that [is refused](Programs::refuse_non_finite).
    pub fn iterate(&mut self, iteration: u64, batches: &mut Batches) -> Result<Losses> {
        let losses = self.start(iteration, batches, &mut |_| true)?;
        losses.expect("nothing stops it").wait()
    }

    /// Starts what [`iterate`](Programs::iterate) does, without waiting for a device that works beside the host. The next
    /// iteration can be started before these losses are there.
    ///
    /// Before each update, `go_on` is asked, with the number of the critic's updates done. If it says no, the iteration is
    /// left as it is and the result is None.
    ///
    /// # Errors
    /// As [`iterate`](Programs::iterate).
    pub fn start(
        &mut self,
        iteration: u64,
        batches: &mut Batches,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Option<PendingLosses>> {
        let Schedule { critic_steps, kind } = self.schedule;
        let (mut number, mut before) = (0, f32::INFINITY);
        for round in 0..rounds(kind, iteration) {
            let mut sum = 0.0;
            for i in 0..critic_steps {
                // Numbers are never given twice, and follow from the iteration's alone, so that a resumed run goes on with
                // them: some are left out where a schedule stops early.
                number = (iteration * most_rounds(kind) + round) * critic_steps + i;
                if !go_on(round * critic_steps + i) {
                    return Ok(None);
                }
                self.start_critic_update(number, batches)?;
                if kind == CriticSchedule::Converge {
                    sum += scalars::<4>(self.update_critic.results()?)?[0];
                }
            }
            if kind == CriticSchedule::Converge && sum >= before {
                break;
            }
            before = sum;
        }
        self.start_generator_update(iteration, number, batches).map(Some)
    }

    /// The critic's update of this number, with fresh generated samples where those at hand are used up.
    fn start_critic_update(&mut self, number: u64, batches: &mut Batches) -> Result<()> {
        let at_once = self.at_once();
        if number.is_multiple_of(at_once) {
            let rows = self.rows_for_classes(number..number + at_once, batches);
            self.generate.at(number / at_once).start(&inputs(&rows))?;
        }
        let fake_rows = &self.fake_rows[(number % at_once) as usize];
        let real_rows = own_rows(batches, number, &self.part);
        Ok(self.update_critic.at(number).start(&[(REAL_ROWS, &real_rows), (FAKE_ROWS, fake_rows)])?)
    }

    /// The generator's update of this number after the critic's last one, and the critic's slope if its update did not measure
    /// it.
    fn start_generator_update(&mut self, iteration: u64, critic: u64, batches: &mut Batches) -> Result<PendingLosses> {
        let terms = self.update_critic.results()?;
        let rows = self.rows_for_classes(critic..critic + 1, batches); // those that the critic has just seen
        self.update_generator.at(iteration).start(&inputs(&rows))?;
        let mut losses = PendingLosses { critic: terms, slope: None, generator: self.update_generator.results()? };
        if let Some(measure_slope) = &mut self.measure_slope {
            let fake_rows = &self.fake_rows[critic as usize % self.fake_rows.len()];
            let real_rows = own_rows(batches, critic, &self.part);
            measure_slope.at(critic).start(&[(REAL_ROWS, &real_rows), (FAKE_ROWS, fake_rows)])?;
            losses.slope = Some(measure_slope.results()?);
        }
        Ok(losses)
    }

    /// The critic's update of this number, counted from 0 over all iterations, by itself: as an
    /// [iteration](Programs::iterate) makes it. Samples are generated for [`at_once`](Programs::at_once) updates, the first of
    /// which has a number that this divides.
    ///
    /// # Errors
    /// If the device fails.
    pub fn iterate_critic(&mut self, number: u64, batches: &mut Batches) -> Result<CriticTerms<f32>> {
        self.start_critic_update(number, batches)?;
        Ok(CriticTerms::from_array(scalars(self.update_critic.results()?)?))
    }

    /// The generator's update of this number by itself, after the critic's last one, whose number is `critic`: what an iteration
    /// ends with.
    ///
    /// # Errors
    /// If the device fails.
    pub fn iterate_generator(&mut self, iteration: u64, critic: u64, batches: &mut Batches) -> Result<Losses> {
        self.start_generator_update(iteration, critic, batches)?.wait()
    }

    /// For how many updates of the critic samples are generated at once.
    pub fn at_once(&self) -> u64 {
        self.fake_rows.len() as u64
    }

    /// The real samples of these batches, if samples are to be generated of their classes: so each has that of the real one that
    /// it is paired with.
    fn rows_for_classes(&self, numbers: Range<u64>, batches: &mut Batches) -> Option<Tensor> {
        let rows =
            || numbers.flat_map(|number| own_rows(batches, number, &self.part).into_data()).collect::<Vec<f32>>();
        self.conditional.then(rows).map(|rows| Tensor::new([rows.len()], rows).expect("a list"))
    }

    /// All that is compiled.
    fn programs(&mut self) -> impl Iterator<Item = &mut Program> {
        let always: [&mut Program; 3] = [&mut self.generate, &mut self.update_critic, &mut self.update_generator];
        always.into_iter().chain(self.measure_slope.iter_mut().map(|program| &mut **program))
    }

    /// From now on, refuses an iteration in which a value is infinite or NaN; see [`Program::refuse_non_finite`].
    pub fn refuse_non_finite(&mut self) {
        self.programs().for_each(Program::refuse_non_finite);
    }

    /// From now on, measures the time that every kernel takes.
    pub fn start_profile(&mut self) {
        self.programs().for_each(Program::start_profile);
    }

    /// The time that every kernel has taken since [`start_profile`](Programs::start_profile).
    ///
    /// # Errors
    /// If the device fails.
    pub fn profile(&mut self) -> Result<Profile> {
        let mut all = Profile::default();
        for program in self.programs() {
            all.extend([program.profile()?]);
        }
        Ok(all)
    }

    /// The floating-point operations of an iteration with one round, but for those of [measuring the slope](Programs::without_slope).
    pub fn flops(&self) -> Flops {
        let critic_steps = self.schedule.critic_steps;
        let passes = critic_steps / self.fake_rows.len() as u64;
        let round = self.generate.plan().flops() * passes + self.update_critic.plan().flops() * critic_steps;
        round + self.update_generator.plan().flops()
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

    /// Whether all that a training changes is fit for use: networks, and the optimisers' averages, whose infinity would
    /// stop it without a loss to tell.
    ///
    /// # Errors
    /// If the device fails.
    pub fn are_finite(&self) -> Result<bool> {
        Ok(self.checkpoint().first_non_finite()?.is_none())
    }

    /// Everything that a training changes.
    pub fn checkpoint(&self) -> Checkpoint {
        let in_training = self.average.iter().flat_map(|_| self.generator.state());
        Checkpoint::new()
            .with("critic.", self.critic.state())
            .with(GENERATOR, self.generator().state())
            .with("generator in training.", in_training)
            .with("critic optimizer.", self.critic_rule.state())
            .with("generator optimizer.", self.generator_rule.state())
    }
}

/// The scalars that an iteration ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Those of the critic's last update.
    pub critic: CriticTerms<f32>,
    /// What the generator minimises.
    pub generator: f32,
}

impl Losses {
    /// Whether all of them are finite.
    pub fn are_finite(&self) -> bool {
        self.generator.is_finite() && self.critic.into_array().iter().all(|x| x.is_finite())
    }
}

/// The losses of an iteration that the device may still be computing.
pub struct PendingLosses {
    critic: Pending,
    /// Where the critic's update does not measure it.
    slope: Option<Pending>,
    generator: Pending,
}

impl PendingLosses {
    /// Waits for them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wait(self) -> Result<Losses> {
        let mut critic = CriticTerms::from_array(scalars(self.critic)?);
        if let Some(measured) = self.slope {
            [critic.slope] = scalars(measured)?;
        }
        let [generator] = scalars(self.generator)?;
        Ok(Losses { critic, generator })
    }
}

/// A part of the rows of the batch of this number.
fn own_rows(batches: &mut Batches, number: u64, part: &Range<usize>) -> Tensor {
    Tensor::new([part.len()], batches.rows(number).data()[part.clone()].to_vec()).expect("a list")
}

/// The inputs of a program that may take rows of real samples.
fn inputs(rows: &Option<Tensor>) -> Vec<(&'static str, &Tensor)> {
    rows.iter().map(|rows| (REAL_ROWS, rows)).collect()
}

/// The values of a program whose results are scalars.
fn scalars<const N: usize>(pending: Pending) -> Result<[f32; N]> {
    let values = pending.wait()?;
    Ok(std::array::from_fn(|i| values[i].item()))
}

/// The samples that batches are taken from, on the device.
struct Pools {
    real: Resident,
    /// What decides which real images are mirrored, if any are.
    flips: Option<Stream>,
    fake: Variable,
}

impl Pools {
    fn new(data: &Dataset, fakes: usize, flips: Option<Stream>) -> Self {
        let shape = Shape::from([&[fakes], &**data.shape()].concat());
        Pools { real: data.resident(), flips, fake: Variable::new("fakes", Tensor::zeros(shape)) }
    }

    /// A batch of real and one of generated samples, by the rows given at every run, and the classes that they share in pairs if
    /// there are any.
    fn pairs<'t>(&self, tape: &'t Tape, batch: usize) -> ([Var<'t>; 2], Option<Var<'t>>) {
        let [real, fake] = [REAL_ROWS, FAKE_ROWS].map(|rows| tape.input(rows, [batch]));
        let (images, classes) = (self.real.pick(real), self.real.classes(real));
        let images = self.flips.map_or(images, |flips| flipped(images, flips));
        ([images, tape.variable(&self.fake).gather_rows(fake)], classes)
    }

    /// The classes of samples to be generated, if there are any: those of real ones, by the rows given at every run.
    fn classes<'t>(&self, tape: &'t Tape, count: usize) -> Option<Var<'t>> {
        self.real.has_classes().then(|| tape.input(REAL_ROWS, [count])).and_then(|rows| self.real.classes(rows))
    }
}

/// Images `[B, channels, height, width]`, of which a stream mirrors each with probability 1/2.
fn flipped(images: Var, stream: Stream) -> Var {
    let (tape, shape) = (images.tape(), images.shape());
    let (batch, width) = (shape[0], shape[3]);
    // A matrix with ones from corner to corner puts the last column first.
    let mirror = (tape.arange(width) * -1.0 + (width - 1) as f64).one_hot(width);
    let mirrored = images.reshape([shape.count() / width, width]).matmul(mirror).reshape(&shape);
    tape.uniform(stream, [batch * tape.rank().count, 1, 1, 1]).own_part(0).lt(0.5).select(mirrored, images)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::config::{ArchName, Config, DatasetName, LipschitzName, Options, Preset};

    fn toy(options: Options) -> (Programs, Batches) {
        let toy = Options {
            dataset: Some(DatasetName::EightGaussians),
            dim: Some(32),
            batch: Some(64),
            lr: Some(1e-3),
            ..Options::default()
        };
        let config = Config::resolve(&options.or(&toy), &Options::default()).unwrap();
        let data = config.load_data().unwrap();
        let programs = Programs::compile(&config.game, &data, &Device::cpu_with_threads(1).unwrap()).unwrap();
        (programs, Batches::new(data.len(), config.game.batch, config.game.seed))
    }

    /// What is known beforehand, beside what the compiled programs take.
    #[test]
    fn the_memory_of_a_training_is_known_beforehand() {
        let images = Options { dataset: Some(DatasetName::Images), size: Some(64), ..Options::default() };
        let cases = [
            Options::default(),
            Options { arch: Some(ArchName::Mlp), lipschitz: Some(LipschitzName::Clip), ..Options::default() },
            Options { dataset: Some(DatasetName::Swissroll), ..Options::default() },
            Options { conditional: Some(true), ..Options::default() },
            Options { preset: Some(Preset::Wgan), dim: Some(8), ..images.clone() },
            Options { dim: Some(8), batch: Some(8), ..images.clone() },
            Options { arch: Some(ArchName::Resnet), dim: Some(8), batch: Some(8), ..images },
        ];
        for options in cases {
            let data_dir = options.dataset.map(|_| ".".to_owned()).filter(|_| options.size.is_some());
            let config = Config::resolve(&Options { data_dir, ..options }, &Options::default()).unwrap();
            let Game { schedule, batch, .. } = config.game;
            let (sample, count) = (config.sample.clone(), 2 * batch);
            let data = Dataset::new("data", sample.clone(), vec![0.0; count * sample.count()]);
            let of_ten = |data: Dataset| data.labelled((0..10).map(|i| i.to_string()), vec![0; count]);
            let data = if config.conditional { of_ten(data) } else { data };
            let mut programs = Programs::compile(&config.game, &data, &Device::cpu()).unwrap();
            let arenas: usize = programs.programs().map(|program| program.plan().arena).sum();
            let numbers =
                arenas + programs.checkpoint().count() + schedule.critic_steps as usize * batch * sample.count();
            let share = config.game.memory(&config.sample, data.classes().len()) as f64 / (4 * numbers) as f64;
            assert!((0.8..1.5).contains(&share), "{share} of {numbers} numbers: {config:?}");
        }
    }

    /// An untrained critic gets on for more than a round; at its best it no longer does.
    #[test]
    fn a_critic_trained_to_convergence_knows_more_than_one_of_five_updates() {
        let first = |schedule| {
            let (mut programs, mut batches) = toy(Options { critic_schedule: Some(schedule), ..Options::default() });
            let mut last = 0;
            let mut count = |update| {
                last = update;
                true
            };
            let losses = programs.start(0, &mut batches, &mut count).unwrap().unwrap().wait().unwrap();
            (losses.critic.loss, last)
        };
        let (constant, converged) = (first(CriticSchedule::Constant), first(CriticSchedule::Converge));
        assert_eq!(constant.1, 4);
        assert!(converged.1 > 4 && converged.1 % 5 == 4 && converged.1 < 100, "{converged:?}");
        assert!(converged.0 < constant.0, "{converged:?}, {constant:?}");
    }

    /// With u from power iteration every matrix has norm 1, and ReLU stretches nothing.
    #[test]
    fn a_spectrally_normalised_critic_has_slopes_of_at_most_one() {
        for conditional in [false, true] {
            let conditional = Some(conditional);
            let options = Options { lipschitz: Some(LipschitzName::Spectral), conditional, ..Options::default() };
            let (mut programs, mut batches) = toy(Options { lr: Some(1e-2), ..options });
            for iteration in 0..30 {
                let slope = programs.iterate(iteration, &mut batches).unwrap().critic.slope;
                assert!(iteration < 10 || (0.01..1.001).contains(&slope), "{slope} at {iteration}");
            }
        }
    }

    /// The losses reach the weights of every layer, within blocks and around them.
    #[test]
    fn residual_networks_learn_under_each_constraint() {
        for lipschitz in LipschitzName::value_variants() {
            let options = Options {
                dataset: Some(DatasetName::Images),
                data_dir: Some(".".to_owned()),
                size: Some(16),
                arch: Some(ArchName::Resnet),
                dim: Some(2),
                batch: Some(4),
                critic_steps: Some(1),
                lipschitz: Some(*lipschitz),
                ..Options::default()
            };
            let game = Config::resolve(&options, &Options::default()).unwrap().game;
            let data = Dataset::new("data", [3, 16, 16], (0..8 * 768).map(|i| (i * 7 % 11) as f32 / 10.0).collect());
            let mut programs = Programs::compile(&game, &data, &Device::cpu()).unwrap();
            let parameters = [programs.critic.parameters(), programs.generator.parameters()].concat();
            let weights: Vec<_> = parameters.into_iter().filter(|weight| weight.shape().rank() > 1).collect();
            let before: Vec<Tensor> = weights.iter().map(|weight| weight.read().unwrap()).collect();
            let mut batches = Batches::new(data.len(), game.batch, game.seed);
            let losses = programs.iterate(0, &mut batches).unwrap();
            assert!(losses.are_finite() && programs.are_finite().unwrap(), "{lipschitz}: {losses:?}");
            for (weight, before) in weights.iter().zip(before) {
                assert_ne!(weight.read().unwrap(), before, "{lipschitz}: {}", weight.name());
            }
        }
    }

    /// About half of them, others at the next step, and all of each.
    #[test]
    fn images_are_mirrored_at_random() {
        let images = Tensor::from_fn([1000, 2, 1, 3], |i| i as f32);
        let mut program =
            Device::cpu().compile(|tape| [flipped(tape.constant(&images), Stream::new(0, "flips"))]).unwrap();
        let mut mirrored = |step| {
            let [flipped] = program.at(step).run(&[]).unwrap();
            let (before, _) = images.data().as_chunks::<6>();
            let (after, _) = flipped.data().as_chunks::<6>();
            let is_mirrored = |(&[a, b, c, d, e, f], &after): (&[f32; 6], &[f32; 6])| match after {
                same if same == [a, b, c, d, e, f] => false,
                mirrored if mirrored == [c, b, a, f, e, d] => true,
                other => panic!("{other:?}"),
            };
            before.iter().zip(after).map(is_mirrored).collect::<Vec<bool>>()
        };
        let [first, second] = [0, 1].map(&mut mirrored);
        let count = first.iter().filter(|&&is| is).count();
        assert!(count.abs_diff(500) < 80 && first != second, "{count}"); // a standard deviation is 16
    }

    /// The statistics that samples are drawn with follow those of the batches, in the averaged generator as well.
    #[test]
    fn batch_norms_statistics_follow_and_are_saved() {
        let (mut programs, mut batches) = toy(Options { generator_norm: Some(Norm::Batch), ..Options::default() });
        let read = |programs: &Programs| programs.generator().buffers()[0].read().unwrap();
        let before = read(&programs);
        programs.iterate(0, &mut batches).unwrap();
        assert_ne!(read(&programs), before);
    }
}
