//! A critic that nothing holds: its loss runs off to −∞. One that a sigmoid holds comes to rest, but has no slope left.

use super::prelude::*;

pub const SUMMARY: &str =
    "without a constraint the loss runs off to −∞; behind a sigmoid it stops, and so does the slope";

/// Real samples are N(6, 1), generated ones N(0, 1).
const W: f64 = 6.0;

/// What became of a critic.
struct Trained {
    /// Over updates, from 1.
    gaps: Polyline,
    /// The mean gap in each tenth of the training, and in the last.
    tenths: Vec<f64>,
    last: f64,
    /// The mean slope at generated samples.
    slope: f64,
    /// The scores along the line, from that of the first place.
    scores: Polyline,
}

pub fn run(size: Size) -> Result<Findings> {
    let updates = size.pick(1500, 3000);
    let free = trained(&toy(Lipschitz::None), updates, 1.0)?;
    // (1 + tanh x)/2 is the sigmoid of 2x.
    let bounded = trained(&toy(Lipschitz::Bounded), updates, 0.5)?;
    let held = trained(&lipschitz_toy(), updates, 1.0)?;

    let rises = free.tenths.windows(2).filter(|pair| pair[1] > pair[0]).count();
    let gap_by_slope = held.last / held.slope;
    let table = vec![
        check("no constraint: tenths of the training in which the gap rose", rises as f64, Near(9.0, 0.0)),
        check("no constraint: gap at the end", free.last, AtLeast(100.0 * W)),
        check("sigmoid: gap at the end", bounded.last, Near(1.0, 0.01)),
        check("sigmoid: slope at generated samples", bounded.slope, Near(0.0, 0.02)),
        check("slopes held by a penalty: gap by the slope, at the end", gap_by_slope, Near(W, 0.2)),
        check("slopes held by a penalty: slope at generated samples", held.slope, Near(1.0, 0.1)),
    ];
    let sentence = format!(
        "Without a constraint the gap was {:.0} after {updates} updates and went on growing, for a distance of {W}; behind \
         a sigmoid it stops at 1, whatever the distance, and leaves a generator no slope; where a penalty holds the slopes \
         at {:.2}, the gap by the slope is {gap_by_slope:.2}.",
        free.last, held.slope
    );
    let gap = axis("gap").log().range(0.05, 2.0 * free.last);
    let gaps = Panel::new("The gap", axis("updates of the critic").log(), gap)
        .level("W", INK, W)
        .broad_line("no constraint", VERMILION, free.gaps)
        .line("sigmoid", PURPLE, bounded.gaps)
        .line("slope ≤ 1", BLUE, held.gaps);
    let bell = |mean: f64| places(-3.0, 10.0, 20.0).map(move |x| (x, 4.0 * gaussian::density(x - mean)));
    let (x, score) = (axis("x").range(-3.0, 9.0), axis("D(x) − D(−3)").range(0.0, 13.0));
    let critics = Panel::new("The two that come to rest", x, score)
        .area("4 × density of generated", GREEN, bell(0.0))
        .area("of real", ORANGE, bell(W))
        .line("D, sigmoid", PURPLE, bounded.scores)
        .line("D, slope ≤ 1", BLUE, held.scores);
    Ok(Findings { table, figure: Figure::new(2, vec![gaps, critics]), sentence })
}

/// The scores are multiplied by `scale`.
fn trained(game: &Game, updates: u64, scale: f64) -> Result<Trained> {
    let mut training = CriticTraining::new(game, normal(W, 1.0), normal(0.0, 1.0))?;
    let gaps: Vec<f64> = training.run(updates)?.iter().map(|terms| scale * terms.wasserstein).collect();
    let tenths: Vec<f64> = gaps.chunks(gaps.len() / 10).map(mean).collect();
    let slope = scale * mean(training.slopes(&gaussian::quantiles(1000, 0.0, 1.0))?);
    let scores = training.curve(-3.0, 10.0, 20.0)?;
    let first = scores[0].1;
    Ok(Trained {
        gaps: (1..).map(f64::from).zip(gaps).collect(),
        last: tenths[9],
        tenths,
        slope,
        scores: scores.into_iter().map(|(x, score)| (x, scale * (score - first))).collect(),
    })
}
