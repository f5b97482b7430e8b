//! A critic that nothing holds: its loss runs off to −∞. One that a sigmoid holds comes to rest, but has no slope left.

use autograd::Tensor;

use super::{Check, CriticTraining, Experiment, Outcome, Size, gaussian, lipschitz_toy, mean, normal, toy};
use crate::Result;
use crate::config::{Config, Lipschitz, Options};
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, VERMILION};

/// The same problem without a constraint, with bounded scores, and with bounded slopes.
pub const EXPERIMENT: Experiment = Experiment {
    name: "unconstrained",
    summary: "without a constraint the loss runs off to −∞; behind a sigmoid it stops, and so does the slope",
    run,
};

/// Real samples are N(6, 1), generated ones N(0, 1).
const W: f64 = 6.0;

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(1500, 3000);
    let free = trained(&toy(Options { lipschitz: Some(Lipschitz::None), ..Options::default() })?, updates)?;
    // (1 + tanh x)/2 is the sigmoid of 2x.
    let bounded = trained(&toy(Options { lipschitz: Some(Lipschitz::Bounded), ..Options::default() })?, updates)?;
    let held = trained(&lipschitz_toy(Options::default())?, updates)?;

    let rises = free.tenths().windows(2).filter(|pair| pair[1] > pair[0]).count();
    let gap_by_slope = held.last() / mean(&held.slopes);
    let table = vec![
        Check::near("no constraint: tenths of the training in which the gap rose", rises as f64, 9.0, 0.0),
        Check::at_least("no constraint: gap at the end", free.last(), 100.0 * W),
        Check::near("sigmoid: gap at the end", bounded.last() / 2.0, 1.0, 0.01),
        Check::near("sigmoid: slope at generated samples", mean(&bounded.slopes) / 2.0, 0.0, 0.02),
        Check::near("slopes held by a penalty: gap by the slope, at the end", gap_by_slope, W, 0.2),
        Check::near("slopes held by a penalty: slope at generated samples", mean(&held.slopes), 1.0, 0.1),
    ];
    let sentence = format!(
        "Without a constraint the gap was {:.0} after {updates} updates and went on growing, for a distance of {W}; behind \
         a sigmoid it stops at 1, whatever the distance, and leaves a generator no slope; where a penalty holds the slopes \
         at {:.2}, the gap by the slope is {gap_by_slope:.2}.",
        free.last(),
        mean(&held.slopes)
    );
    Ok(Outcome { table, figure: figure(&free, &bounded, &held), sentence })
}

/// What became of a critic.
struct Trained {
    gaps: Vec<f64>,
    /// At generated samples.
    slopes: Vec<f64>,
    /// At the places of `grid`, from that of the first.
    scores: Vec<f64>,
}

fn trained(config: &Config, updates: u64) -> Result<Trained> {
    let mut training = CriticTraining::new(config, 1, normal(W, 1.0), normal(0.0, 1.0))?;
    let gaps = training.run(updates)?.iter().map(|estimate| estimate.wasserstein).collect();
    let scores = training.scores(&Tensor::from_fn([GRID, 1], |i| grid(i) as f32))?;
    let scores = scores.iter().map(|score| score - scores[0]).collect();
    Ok(Trained { gaps, slopes: training.slopes(&gaussian::quantiles(1000, 0.0, 1.0))?, scores })
}

impl Trained {
    /// The mean gap in each tenth of the training.
    fn tenths(&self) -> Vec<f64> {
        self.gaps.chunks(self.gaps.len() / 10).map(mean).collect()
    }

    /// The mean gap in the last tenth.
    fn last(&self) -> f64 {
        self.tenths()[9]
    }
}

const GRID: usize = 261;

/// Places from −3 to 10.
fn grid(i: usize) -> f64 {
    i as f64 * 0.05 - 3.0
}

fn figure(free: &Trained, bounded: &Trained, held: &Trained) -> Figure {
    let over_time = |trained: &Trained, scale: f64| {
        (1..).zip(&trained.gaps).map(|(i, gap)| (f64::from(i), gap * scale)).collect::<Vec<_>>()
    };
    let gaps = Panel::new("The gap", "updates of the critic", "gap")
        .x_log()
        .y_log()
        .y_range(0.05, 2.0 * free.last())
        .level("W", INK, W)
        .line("no constraint", VERMILION, over_time(free, 1.0))
        .line("sigmoid", PURPLE, over_time(bounded, 0.5))
        .line("slope ≤ 1", BLUE, over_time(held, 1.0));
    let places = || (0..GRID).map(grid);
    let bell = |mean: f64| places().map(move |x| (x, 4.0 * gaussian::density(x - mean)));
    let critics = Panel::new("The two that come to rest", "x", "D(x) − D(−3)")
        .x_range(-3.0, 9.0)
        .y_range(0.0, 13.0)
        .area("generated", GREEN, bell(0.0))
        .area("real", ORANGE, bell(W))
        .line("", PURPLE, places().zip(bounded.scores.iter().map(|score| score / 2.0)))
        .line("", BLUE, places().zip(held.scores.iter().copied()));
    Figure::new(2, vec![gaps, critics])
}
