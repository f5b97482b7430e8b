//! The loss written with labels, mean(label · score), beside the difference of means, under both signs: it is the same
//! training. And the trap of that form: a generator that takes the label of generated samples for its own.

use autograd::{Device, Stream, Tape, Tensor, Variable};
use nn::losses::wasserstein;

use super::outcome::number;
use super::{Check, CriticTraining, Experiment, Outcome, Size, lipschitz_toy, normal, normal_around};
use crate::Result;
use crate::config::{LossForm, Options, Sign};
use crate::objective::generator_loss;
use crate::pictures::{BLUE, Figure, INK, Panel, SKY, VERMILION};
use crate::programs::optimizer;

/// Worked numbers, equal trainings, and the trap.
pub const EXPERIMENT: Experiment = Experiment {
    name: "labels",
    summary: "losses written with labels of ±1 train the same critic, and the label a generator must take",
    run,
};

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(200, 1000);
    let [difference, labels] =
        [LossForm::Difference, LossForm::Labels].map(|form| trained(form, Sign::RealHigh, updates));
    let (difference, labels) = (difference?, labels?);
    let mirrored = trained(LossForm::Labels, Sign::RealLow, updates)?;
    let rounds = size.pick(150, 300);
    let (right, wrong) = (play(1.0, rounds)?, play(-1.0, rounds)?);
    let end = |path: &[f64]| path[path.len() - 1];

    let table = vec![
        // Real samples bear the label 1, generated ones −1.
        Check::near("labels 1 and −1, scores real 20, fake 50", loss(1.0, &[20.0]) + loss(-1.0, &[50.0]), -30.0, 0.0),
        Check::near("labels 1 and −1, scores real 10, fake 50", loss(1.0, &[10.0]) + loss(-1.0, &[50.0]), -40.0, 0.0),
        Check::near("label −1, score 0.5", loss(-1.0, &[0.5]), -0.5, 1e-6),
        Check::near("label −1, score 0.8", loss(-1.0, &[0.8]), -0.8, 1e-6),
        Check::near("label −1, score 1", loss(-1.0, &[1.0]), -1.0, 1e-6),
        Check::near(
            format!("labels against difference, {updates} updates: largest difference of scores"),
            furthest(&labels.scores, &difference.scores, 1.0),
            0.0,
            1e-4,
        ),
        Check::near(
            "real high against real low: largest sum of scores",
            furthest(&labels.scores, &mirrored.scores, -1.0),
            0.0,
            1e-4,
        ),
        Check::near("generator with the label of real samples: its mean", end(&right), REAL, 0.3),
        Check::at_most("generator with the label of generated samples: its mean", end(&wrong), START - 1.0),
    ];
    let sentence = format!(
        "Labels and differences train the same critic, either way up; a generator with the label of real samples reached \
         {:.2}, with that of generated samples both players pulled the same way and it went to {}.",
        end(&right),
        number(end(&wrong))
    );
    Ok(Outcome { table, figure: figure(&difference, &labels, &mirrored, &right, &wrong), sentence })
}

/// The loss of scores that all bear one label.
fn loss(label: f64, scores: &[f64]) -> f64 {
    let tape = Tape::new();
    let vector = |values: Vec<f64>| tape.constant(&Tensor::<f64>::from_fn([scores.len()], |i| values[i]));
    wasserstein(vector(vec![label; scores.len()]), vector(scores.to_vec())).value().item()
}

/// A critic after training.
struct Trained {
    /// At `PLACES` places.
    scores: Vec<f64>,
}

const PLACES: usize = 121;

/// From −6 to 6.
fn place(i: usize) -> f64 {
    i as f64 / 10.0 - 6.0
}

/// A critic of N(2, 1) against N(−2, 1). One that scores real samples low starts as the mirror image.
fn trained(loss_form: LossForm, sign: Sign, updates: u64) -> Result<Trained> {
    let form = Options { loss_form: Some(loss_form), sign: Some(sign), ..Options::default() };
    let mut training = CriticTraining::new(&lipschitz_toy(form)?, 1, normal(2.0, 1.0), normal(-2.0, 1.0))?;
    if sign == Sign::RealLow {
        negate_last_layer(&training.critic().parameters())?;
    }
    training.run(updates)?;
    Ok(Trained { scores: training.scores(&Tensor::from_fn([PLACES, 1], |i| place(i) as f32))? })
}

fn negate_last_layer(parameters: &[Variable]) -> Result<()> {
    for parameter in &parameters[parameters.len() - 2..] {
        let value = parameter.read()?;
        parameter.write(&Tensor::from_fn(value.shape().clone(), |i| -value.data()[i]))?;
    }
    Ok(())
}

/// The largest difference between `a` and `sign · b`.
fn furthest(a: &[f64], b: &[f64], sign: f64) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max)
}

/// Real samples are N(2, 1), generated ones N(b, 1); b starts here.
const REAL: f64 = 2.0;
const START: f64 = 0.0;

/// The generator's b after each of its updates, of which each follows five of the critic. Its loss is multiplied by `turn`:
/// −1 stands for the label of generated samples.
fn play(turn: f64, rounds: u64) -> Result<Vec<f64>> {
    let config = lipschitz_toy(Options { loss_form: Some(LossForm::Labels), ..Options::default() })?;
    let b = Variable::new("b", Tensor::scalar(START));
    let made = normal_around(&b);
    let mut critic = CriticTraining::new(&config, 1, normal(REAL, 1.0), &made)?;
    let rule = optimizer(&config, vec![b.clone()]);
    let mut update = Device::cpu().compile(|tape| {
        let fake = made(tape, Stream::new(config.seed, "generator noise"), config.batch);
        let loss = generator_loss(&config, |x| critic.critic().scores(x), fake) * turn;
        [rule.update(loss, tape.scalar(0.02))[0]]
    })?;
    (0..rounds)
        .map(|round| {
            critic.run(config.critic_steps)?;
            Ok(f64::from(update.at(round).run(&[])?[0].item()))
        })
        .collect()
}

fn figure(difference: &Trained, labels: &Trained, mirrored: &Trained, right: &[f64], wrong: &[f64]) -> Figure {
    let curve = |trained: &Trained| (0..PLACES).map(place).zip(trained.scores.iter().copied()).collect::<Vec<_>>();
    let critics = Panel::new("The same critic", "x", "score")
        .x_range(-6.0, 6.0)
        .line("difference", SKY, curve(difference))
        .dashed("labels, real high", BLUE, curve(labels))
        .dashed("labels, real low", VERMILION, curve(mirrored));
    let over_time = |path: &[f64]| (0..).zip(path).map(|(i, &b)| (f64::from(i), b)).collect::<Vec<_>>();
    let generators = Panel::new("The label a generator takes", "updates of the generator", "its mean")
        .x_range(0.0, right.len() as f64)
        .level("mean of real samples", INK, REAL)
        .line("label of real", BLUE, over_time(right))
        .line("label of generated", VERMILION, over_time(wrong));
    Figure::new(2, vec![critics, generators])
}
