//! What is measured beside the training, on real samples that it never sees: the estimate of the distance, how the
//! critic's slopes are distributed, how large the networks' gradients are. A critic that has learned its training data by
//! heart tells them from generated ones better than it tells others, so the two estimates drift apart.
//!
//! Measuring has programs of its own, which write to no Variable, and random numbers of its own: it changes no bit of the
//! training.

use autograd::{Compiled, Device, Stream, Tape, Tensor, Var, Variable};
use nn::Mode;

use super::histogram::Histogram;
use super::metrics::Measurement;
use crate::Result;
use crate::data::{Dataset, Resident};
use crate::game::models::Generator;
use crate::game::objective::{Lipschitz, critic_terms, generator_loss, slopes_between};
use crate::game::{Game, Programs};

/// Steps between two measurements: often enough for a curve, seldom enough to cost no more than a fiftieth of the time.
pub const EVERY: u64 = 50;

/// The programs that measure. Each takes a part of the held-out samples, as large as a batch, so that measuring needs no
/// more memory than training.
pub struct Monitor {
    /// The estimate, and the slopes `[part]`.
    estimate_and_slopes: Compiled<2>,
    /// The norms of the critic's and of the generator's gradient.
    gradients: Compiled<2>,
    /// The rows of the held-out samples in each part.
    parts: Vec<Tensor>,
    /// How many parts a measurement takes, one measurement those after the other's.
    taken: u64,
    /// The weights to be compared with the bound of clipping, and the bound.
    clipped: Option<(Vec<Variable>, f32)>,
}

/// The name of the programs' input: which of the held-out samples to take.
const ROWS: &str = "held-out rows";

impl Monitor {
    /// Compiles the programs; None if `data` holds no samples out.
    ///
    /// # Errors
    /// If the device cannot take them.
    pub fn compile(game: &Game, data: &Dataset, programs: &Programs, device: &Device) -> Result<Option<Self>> {
        let held_out = data.held_out();
        if held_out.is_empty() {
            return Ok(None);
        }
        let parts = held_out.len().div_ceil(game.batch);
        let size = held_out.len() / parts;
        let rows = |part: usize| Tensor::from_fn([size], |i| (held_out.start + part * size + i) as f32);

        let (objective, critic_norm, pool) = (&game.objective, game.networks.critic_norm, data.resident());
        let (critic, generator) = (programs.critic(), programs.generator_in_training());
        let given = Given { pool: &pool, generator, seed: game.seed, size };
        let estimate_and_slopes = device.compile(|tape| {
            let ([real, fake, mixes], classes) = given.on(tape);
            let scores = critic.given(classes, Mode::Eval);
            let terms = critic_terms(objective, critic_norm, &scores, real, fake, mixes);
            [terms.wasserstein, slopes_between(scores, [real, fake], mixes.slice(0, 0..1))]
        })?;
        let gradients = device.compile(|tape| {
            let ([real, fake, mixes], classes) = given.on(tape);
            let scores = critic.given(classes, Mode::Eval);
            let critic_loss = critic_terms(objective, critic_norm, &scores, real, fake, mixes).loss;
            let generator_loss = generator_loss(objective, scores, fake);
            [norm(critic_loss, &critic.parameters()), norm(generator_loss, &generator.parameters())]
        })?;
        let clipped = match objective.lipschitz {
            Lipschitz::Clip { c } => Some((critic.parameters(), c as f32)),
            Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. } => None,
            Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => None,
        };
        // No more samples than an iteration takes: measuring stays cheap where iterations are.
        let taken = game.schedule.critic_steps.min(parts as u64);
        Ok(Some(Monitor { estimate_and_slopes, gradients, parts: (0..parts).map(rows).collect(), taken, clipped }))
    }

    /// Measures the networks as they are after `step` updates of the generator.
    ///
    /// # Errors
    /// If the device fails.
    pub fn measure(&mut self, step: u64) -> Result<Measurement> {
        let (mut gaps, mut slopes) = (0.0, Vec::new());
        let first = step / EVERY * self.taken;
        for number in first..first + self.taken {
            let [gap, part_slopes] = self.estimate_and_slopes.at(number).run(&[(ROWS, part(&self.parts, number))])?;
            gaps += f64::from(gap.item());
            slopes.extend_from_slice(part_slopes.data());
        }
        let gradients = self.gradients.at(first).run(&[(ROWS, part(&self.parts, first))])?;
        let [critic_gradient, generator_gradient] = gradients.map(Tensor::item);
        Ok(Measurement {
            held_out: (gaps / self.taken as f64) as f32,
            critic_gradient,
            generator_gradient,
            at_bound: self.clipped.as_ref().map(|(weights, bound)| at_bound(weights, *bound)).transpose()?,
            slopes: Histogram::of(&slopes),
        })
    }
}

/// What both programs begin with.
struct Given<'a> {
    pool: &'a Resident,
    generator: &'a Generator,
    seed: u64,
    /// Samples in a part.
    size: usize,
}

impl Given<'_> {
    /// Real samples, generated ones, and where between both the slopes are measured, `[2, size]`; with the classes of both, if
    /// these are told apart.
    fn on<'t>(&self, tape: &'t Tape) -> ([Var<'t>; 3], Option<Var<'t>>) {
        let &Given { pool, generator, seed, size } = self;
        let stream = |name| Stream::new(seed, name);
        let (rows, mixes) = (tape.input(ROWS, [size]), tape.uniform(stream("held-out mixes"), [2, size]));
        let (real, classes) = (pool.pick(rows), pool.classes(rows));
        ([real, generator.samples(tape, stream("held-out noise"), size, classes), mixes], classes)
    }
}

/// The part of this number, in a circle.
fn part(parts: &[Tensor], number: u64) -> &Tensor {
    &parts[(number % parts.len() as u64) as usize]
}

/// The Euclidean norm of the gradient of `loss` with respect to all of the weights together.
fn norm<'t>(loss: Var<'t>, weights: &[Variable]) -> Var<'t> {
    let tape = loss.tape();
    let weights: Vec<Var> = weights.iter().map(|weight| tape.variable(weight)).collect();
    let gradients: Vec<Var> = tape.try_grad(loss, &weights).into_iter().flatten().collect();
    nn::clip::global_norm(&gradients)
}

/// The share of the weights that lie on the bound they are clipped to.
fn at_bound(weights: &[Variable], bound: f32) -> Result<f32> {
    let (mut on_it, mut all) = (0, 0);
    for weight in weights {
        let weight = weight.read()?;
        on_it += weight.data().iter().filter(|x| x.abs() >= bound).count();
        all += weight.data().len();
    }
    Ok(on_it as f32 / all as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::data::{Batches, Source, Toy};
    use crate::game::Schedule;
    use crate::game::networks::{Arch, Networks};
    use crate::game::objective::{Objective, Penalty};
    use crate::run::histogram::BINS;

    fn game(lipschitz: Lipschitz) -> Game {
        let Game { objective, schedule, networks, .. } = Config::default().game;
        Game {
            objective: Objective { lipschitz, ..objective },
            schedule: Schedule { critic_steps: 2, ..schedule },
            networks: Networks { arch: Arch::Mlp { dim: 2 }, ..networks },
            batch: 16,
            ..Config::default().game
        }
    }

    fn data() -> Dataset {
        Dataset::load(&Source::Toy(Toy::EightGaussians), 16, 0).unwrap()
    }

    fn write(variable: &Variable, numbers: &[f32]) {
        variable.write(&Tensor::new(variable.shape(), numbers.to_vec()).unwrap()).unwrap();
    }

    /// D(x, y) = x + 2y, in layers of two units whose biases keep them above ReLU's kink, and G = (3, 4) always:
    /// the gap is mean(x + 2y) − 11 over the held-out points, and all slopes are √5. Of the generator's weights only the
    /// last bias has a gradient, −(1, 2), for all units before it are 0.
    #[test]
    fn networks_that_are_known_have_the_measures_worked_out_by_hand() {
        let (game, data) = (game(Lipschitz::penalty(Penalty::TwoSided, 0.5)), data());
        let device = Device::cpu_with_threads(1).unwrap();
        let programs = Programs::compile(&game, &data, &device).unwrap();
        let critic = programs.critic().parameters();
        for layer in 0..3 {
            write(&critic[2 * layer], &[1.0, 0.0, 0.0, 1.0]);
            write(&critic[2 * layer + 1], &[100.0, 100.0]);
        }
        write(&critic[6], &[1.0, 2.0]);
        write(&critic[7], &[-900.0]);
        let generator = programs.generator_in_training().parameters();
        for parameter in &generator {
            write(parameter, &vec![0.0; parameter.shape().count()]);
        }
        write(&generator[7], &[3.0, 4.0]);

        let mut monitor = Monitor::compile(&game, &data, &programs, &device).unwrap().unwrap();
        // 500 points make 32 parts of 15. Each measurement takes the next two of them, the one at step 17·50 the third and
        // the fourth of the second round.
        let measured = monitor.measure(17 * EVERY).unwrap();
        let first = data.held_out().start + 2 * 15;
        let taken = data.samples(first..first + 30);
        let mean = taken.data().chunks(2).map(|point| f64::from(point[0] + 2.0 * point[1])).sum::<f64>() / 30.0;
        assert!((f64::from(measured.held_out) - (mean - 11.0)).abs() < 1e-3, "{measured:?} {mean}");
        assert!((measured.slopes.high() - 5f32.sqrt()).abs() < 1e-5, "{measured:?}");
        assert_eq!((measured.slopes.counts()[BINS - 1], measured.slopes.total()), (30, 30));
        assert!((measured.generator_gradient - 5f32.sqrt()).abs() < 1e-5, "{measured:?}");
        assert!(measured.critic_gradient > 0.0 && measured.at_bound.is_none(), "{measured:?}");
    }

    #[test]
    fn the_share_of_clipped_weights_is_counted() {
        let [a, b] = [vec![0.01, -0.01, 0.005], vec![0.0]].map(|numbers| {
            let variable = Variable::new("w", Tensor::zeros([numbers.len()]));
            write(&variable, &numbers);
            variable
        });
        assert_eq!(at_bound(&[a, b], 0.01).unwrap(), 0.5);
    }

    #[test]
    fn measuring_changes_no_bit_of_the_training() {
        let clip = Lipschitz::Clip { c: 0.01 };
        for lipschitz in [Lipschitz::penalty(Penalty::TwoSided, 0.1), clip] {
            let (game, data) = (game(lipschitz), data());
            let device = Device::cpu_with_threads(1).unwrap();
            let train = |measure: bool| {
                let mut programs = Programs::compile(&game, &data, &device).unwrap();
                let mut monitor = Monitor::compile(&game, &data, &programs, &device).unwrap().unwrap();
                let mut batches = Batches::new(data.len(), game.batch, game.seed);
                let measured = |step| {
                    let losses = programs.iterate(step, &mut batches).unwrap();
                    let measurement = measure.then(|| monitor.measure(step).unwrap());
                    assert!(measurement.is_none_or(|m| m.at_bound.is_some() == (lipschitz == clip)));
                    losses
                };
                (0..4).map(measured).collect::<Vec<_>>()
            };
            assert_eq!(train(true), train(false));
        }
    }
}
