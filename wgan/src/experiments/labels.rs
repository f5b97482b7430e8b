//! The loss written with labels, mean(label · score), beside the difference of means, under both signs: it is the same
//! training. And the trap of that form: a generator that takes the label of generated samples for its own.

use nn::losses::wasserstein;

use super::prelude::*;

pub const SUMMARY: &str = "losses written with labels of ±1 train the same critic, and the label a generator must take";

/// The game's real samples are N(2, 1), its generated ones N(b, 1); b starts at START.
const REAL: f64 = 2.0;
const START: f64 = 0.0;

pub fn run(size: Size) -> Result<Findings> {
    let updates = size.pick(200, 1000);
    let difference = trained(LossForm::Difference, Sign::RealHigh, updates)?;
    let labels = trained(LossForm::Labels, Sign::RealHigh, updates)?;
    let mirrored = trained(LossForm::Labels, Sign::RealLow, updates)?;
    let (unlike, unmirrored) = (furthest(&labels, &difference, 1.0), furthest(&labels, &mirrored, -1.0));
    let rounds = size.pick(150, 300);
    let (right, wrong) = (play(1.0, rounds)?, play(-1.0, rounds)?);
    let [reached, lost] = [&right, &wrong].map(|path| path[path.len() - 1]);

    let same = Near(0.0, 1e-4);
    let table = vec![
        // Real samples bear the label 1, generated ones −1.
        check("labels 1 and −1, scores real 20, fake 50", loss(1.0, 20.0) + loss(-1.0, 50.0), Near(-30.0, 0.0)),
        check("labels 1 and −1, scores real 10, fake 50", loss(1.0, 10.0) + loss(-1.0, 50.0), Near(-40.0, 0.0)),
        check("label −1, score 0.5", loss(-1.0, 0.5), Near(-0.5, 1e-6)),
        check("label −1, score 0.8", loss(-1.0, 0.8), Near(-0.8, 1e-6)),
        check("label −1, score 1", loss(-1.0, 1.0), Near(-1.0, 1e-6)),
        check(format!("labels against difference, {updates} updates: largest difference of scores"), unlike, same),
        check("real high against real low: largest sum of scores", unmirrored, same),
        check("generator with the label of real samples: its mean", reached, Near(REAL, 0.3)),
        check("generator with the label of generated samples: its mean", lost, AtMost(START - 1.0)),
    ];
    let sentence = format!(
        "Labels and differences train the same critic, either way up; a generator with the label of real samples reached \
         {reached:.2}, with that of generated samples both players pulled the same way and it went to {}.",
        number(lost)
    );
    let critics = Panel::new("The same critic", axis("x").range(-6.0, 6.0), "score")
        .broad_line("difference", SKY, difference)
        .line("labels, real high", BLUE, labels)
        .line("labels, real low", VERMILION, mirrored);
    let updates = axis("updates of the generator").range(0.0, rounds as f64);
    let generators = Panel::new("The label a generator takes", updates, "mean of its samples")
        .level("mean of real samples", INK, REAL)
        .line("label of real", BLUE, numbered(&right))
        .line("label of generated", VERMILION, numbered(&wrong));
    Ok(Findings { table, figure: Figure::new(2, vec![critics, generators]), sentence })
}

/// The loss of one score with its label.
fn loss(label: f64, score: f64) -> f64 {
    let tape = Tape::new();
    wasserstein(tape.scalar(label).reshape([1]), tape.scalar(score).reshape([1])).value().item()
}

/// The scores of a critic of N(2, 1) against N(−2, 1), along the line. One that scores real samples low starts as the mirror
/// image.
fn trained(loss_form: LossForm, sign: Sign, updates: u64) -> Result<Polyline> {
    let mut game = lipschitz_toy();
    (game.objective.loss, game.objective.sign) = (Loss::Wasserstein(loss_form), sign);
    let mut training = CriticTraining::new(&game, normal(2.0, 1.0), normal(-2.0, 1.0))?;
    if sign == Sign::RealLow {
        let parameters = training.critic.parameters();
        for parameter in &parameters[parameters.len() - 2..] {
            let value = parameter.read()?;
            parameter.write(&Tensor::from_fn(value.shape(), |i| -value.data()[i]))?;
        }
    }
    training.run(updates)?;
    training.curve(-6.0, 6.0, 10.0)
}

/// The largest difference between the scores of `a` and `sign` times those of `b`.
fn furthest(a: &[(f64, f64)], b: &[(f64, f64)], sign: f64) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a.1 - sign * b.1).abs()).fold(0.0, f64::max)
}

/// The generator's b after each of its updates, of which each follows five of the critic. Its loss is multiplied by `turn`:
/// −1 stands for the label of generated samples.
fn play(turn: f64, rounds: u64) -> Result<Vec<f64>> {
    let mut game = lipschitz_toy();
    game.objective.loss = Loss::Wasserstein(LossForm::Labels);
    let b = Variable::new("b", Tensor::scalar(START));
    let made = normal_around(&b);
    let mut critic = CriticTraining::new(&game, normal(REAL, 1.0), &made)?;
    let rule = game.rule.optimizer(vec![b.clone()]);
    let mut update = Device::cpu().compile(|tape| {
        let fake = made(tape, Stream::new(game.seed, "generator noise"), game.batch);
        let loss = generator_loss(&game.objective, |x| critic.critic.scores(x), fake) * turn;
        [rule.update(loss, tape.scalar(0.02))[0]]
    })?;
    let round = |round| {
        critic.run(game.schedule.critic_steps)?;
        Ok(f64::from(update.at(round).run(&[])?[0].item()))
    };
    (0..rounds).map(round).collect()
}
