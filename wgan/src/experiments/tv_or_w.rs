//! The same gap under two constraints: |D| ≤ 1 makes it twice the total variation, slopes of at most 1 the Wasserstein
//! distance. Between U(0, 1) and U(θ, 1 + θ) the first is min(θ, 1), the second θ.

use autograd::Tensor;

use super::{Check, CriticTraining, Experiment, Outcome, Sampler, Size, lipschitz_toy, toy};
use crate::Result;
use crate::config::{Config, Lipschitz, Options};
use crate::pictures::{BLUE, Figure, INK, Panel, VERMILION};

/// Gap and slope by θ, for both constraints.
pub const EXPERIMENT: Experiment = Experiment {
    name: "tv-or-w",
    summary: "bounded scores measure total variation, which is stuck at 1; bounded slopes measure the distance",
    run,
};

fn run(size: Size) -> Result<Outcome> {
    let thetas: &[f64] = size.pick(&[0.5, 2.0], &[0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0]);
    let updates = size.pick(1500, 4000);
    let bounded = toy(Options { lipschitz: Some(Lipschitz::Bounded), ..Options::default() })?;
    let held = lipschitz_toy(Options::default())?;
    let measured = |config: &Config, gap_of_one: f64| {
        thetas.iter().map(|&theta| measure(config, theta, updates, gap_of_one)).collect::<Result<Vec<_>>>()
    };
    let (variation, distance) = (measured(&bounded, 2.0)?, measured(&held, 1.0)?);

    let mut table = Vec::new();
    for (i, &theta) in thetas.iter().enumerate() {
        table.push(Check::near(format!("θ = {theta}: |D| ≤ 1, gap/2"), variation[i].gap, theta.min(1.0), 0.05));
        table.push(Check::near(format!("θ = {theta}: slope ≤ 1, gap"), distance[i].gap, theta, 0.08));
        if theta > 1.0 {
            table.push(Check::near(format!("θ = {theta}: |D| ≤ 1, slope by θ"), variation[i].slope, 0.0, 0.1));
            table.push(Check::near(format!("θ = {theta}: slope ≤ 1, slope by θ"), distance[i].slope, 1.0, 0.1));
        }
    }
    let sentence = "Bounded scores measure the total variation: once nothing overlaps it is 1, with no slope to follow; \
        bounded slopes measure how far the samples have to go.";
    Ok(Outcome { table, figure: figure(thetas, &variation, &distance), sentence: sentence.to_owned() })
}

/// What a critic finds at one θ.
struct Measured {
    gap: f64,
    slope: f64,
}

fn measure(config: &Config, theta: f64, updates: u64, gap_of_one: f64) -> Result<Measured> {
    let mut training = CriticTraining::new(config, 1, uniform(0.0), uniform(theta))?;
    training.run(updates)?;
    let points = |low: f64| Tensor::from_fn([1000, 1], |i| (low + (i as f64 + 0.5) / 1000.0) as f32);
    let gap = training.gap(&points(0.0), &points(theta))? / gap_of_one;
    Ok(Measured { gap, slope: training.pull(&points(theta))? / gap_of_one })
}

/// U(low, low + 1).
fn uniform(low: f64) -> impl Sampler {
    move |tape, noise, batch| tape.uniform(noise, [batch, 1]) + low
}

fn figure(thetas: &[f64], variation: &[Measured], distance: &[Measured]) -> Figure {
    let dots = |measured: &[Measured], value: fn(&Measured) -> f64| {
        thetas.iter().copied().zip(measured.iter().map(value)).collect::<Vec<_>>()
    };
    let gaps = Panel::new("The gap", "θ", "distance")
        .x_range(0.0, 3.1)
        .dashed("known", INK, [(0.0, 0.0), (3.1, 3.1)])
        .dashed("", INK, [(0.0, 0.0), (1.0, 1.0), (3.1, 1.0)])
        .dots("slope ≤ 1", BLUE, dots(distance, |measured| measured.gap))
        .dots("|D| ≤ 1, halved", VERMILION, dots(variation, |measured| measured.gap));
    let slopes = Panel::new("What a generator could follow", "θ", "slope by θ")
        .x_range(0.0, 3.1)
        .dashed("known", INK, [(0.0, 1.0), (3.1, 1.0)])
        .dashed("", INK, [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (3.1, 0.0)])
        .dots("slope ≤ 1", BLUE, dots(distance, |measured| measured.slope))
        .dots("|D| ≤ 1, halved", VERMILION, dots(variation, |measured| measured.slope));
    Figure::new(2, vec![gaps, slopes])
}
