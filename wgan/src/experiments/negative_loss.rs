//! Can a Wasserstein loss be negative? The distance cannot; its estimate is, while the critic is behind. A critic learns
//! N(0, 1) from N(−3, 1), then the generated samples jump to the other side.

use autograd::{Shape, Tensor, Variable};

use super::{
    Check, CriticTraining, Experiment, Outcome, Size, gaussian, lipschitz_toy, mean, normal, normal_around, scores,
};
use crate::Result;
use crate::config::{Config, Options};
use crate::measures::wasserstein_1d;
use crate::models::Critic;
use crate::pictures::{BLUE, Figure, GREEN, INK, Panel, VERMILION, tint};

/// The estimate over a training, and that of untrained critics.
pub const EXPERIMENT: Experiment = Experiment {
    name: "negative-loss",
    summary: "an estimate below 0 says that the critic is behind, not on which side the samples are",
    run,
};

/// The distance between N(0, 1) and N(±3, 1).
const W: f64 = 3.0;
/// Before the jump, and after it.
const UPDATES: u64 = 250;

fn run(size: Size) -> Result<Outcome> {
    let [real, left, right] = [0.0, -W, W].map(|mean| gaussian::quantiles(1000, mean, 1.0));
    let place = Variable::new("mean of the generated samples", Tensor::scalar(-W));
    let mut training = CriticTraining::new(&config(0)?, 1, normal(0.0, 1.0), normal_around(&place))?;
    let mut estimates = training.run(UPDATES)?;
    let before = training.gap(&real, &left)?;
    let after = training.gap(&real, &right)?;
    place.write(&Tensor::scalar(W))?;
    estimates.extend(training.run(UPDATES)?);
    let recovered = training.gap(&real, &right)?;
    let scores = [training.scores(&real)?, training.scores(&right)?].map(|scores| mean(&scores));

    let behind = estimates[UPDATES as usize..].iter().filter(|estimate| estimate.wasserstein < 0.0).count();
    let untrained = untrained_gaps(size.pick(100, 400), &real, &left)?;
    let negative = untrained.iter().filter(|&&gap| gap < 0.0).count() as f64 / untrained.len() as f64;
    let table = vec![
        Check::near("distance of the samples, by sorting", wasserstein_1d(real.data(), right.data()), W, 1e-5),
        Check::near("estimate, critic trained", before, W, 0.15),
        Check::at_most("estimate, right after the jump", after, 0.0),
        Check::at_least("estimate by −D, the same moment", -after, 0.0),
        Check::near("estimate, critic trained again", recovered, W, 0.15),
        Check::near("mean D(fake) − mean D(real), the same moment", scores[1] - scores[0], -recovered, 1e-4),
        Check::told("updates after the jump with a negative estimate", behind as f64),
        Check::near("share of untrained critics whose estimate is negative", negative, 0.5, 0.15),
    ];
    let sentence = format!(
        "The distance was {W} all the time, on either side; the estimate was negative for {behind} updates after the \
         jump, while −D would have done better, and for {:.0} % of all untrained critics.",
        100.0 * negative
    );
    let estimates = estimates.iter().map(|estimate| estimate.wasserstein).collect::<Vec<_>>();
    Ok(Outcome { table, figure: figure(&estimates, &untrained), sentence })
}

fn config(seed: u64) -> Result<Config> {
    lipschitz_toy(Options { seed: Some(seed), ..Options::default() })
}

/// The gaps of critics as they are drawn.
fn untrained_gaps(count: u64, real: &Tensor, fake: &Tensor) -> Result<Vec<f64>> {
    let gap = |seed| {
        let critic = Critic::new(&config(seed)?, &Shape::from([1]));
        Ok(mean(&scores(&critic, real)?) - mean(&scores(&critic, fake)?))
    };
    (0..count).map(gap).collect()
}

fn figure(estimates: &[f64], untrained: &[f64]) -> Figure {
    let jump = UPDATES as f64;
    let over_time = |sign: f64| (0..).zip(estimates).map(move |(i, estimate)| (f64::from(i), sign * estimate));
    let training = Panel::new("A training", "updates of the critic", "distance")
        .x_range(0.0, estimates.len() as f64)
        .y_range(-3.9, 3.9)
        .vertical("samples jump", GREEN, jump)
        .line("estimate", BLUE, over_time(1.0))
        .line("mean D(fake) − mean D(real)", tint(VERMILION, 0.6), over_time(-1.0))
        .level("W", INK, W);
    let reach = untrained.iter().fold(0.0f64, |reach, gap| reach.max(gap.abs()));
    let critics = Panel::new("Untrained critics", "estimate", "density")
        .histogram("estimates of critics as they are drawn", BLUE, untrained, -reach, reach, 20)
        .vertical("", INK, 0.0);
    Figure::new(2, vec![training, critics])
}
