//! The same gap under two constraints: |D| ≤ 1 makes it twice the total variation, slopes of at most 1 the Wasserstein
//! distance. Between U(0, 1) and U(θ, 1 + θ) the first is min(θ, 1), the second θ.

use autograd::Tensor;

use super::harness::{CriticTraining, Distribution, Findings, Near, check, lipschitz_toy, toy};
use super::{Experiment, Size};
use crate::Result;
use crate::figure::{BLUE, Figure, INK, Panel, VERMILION};
use crate::objective::Lipschitz;
use crate::programs::Game;

/// Gap and slope by θ, for both constraints.
pub const EXPERIMENT: Experiment = Experiment {
    name: "tv-or-w",
    summary: "bounded scores measure total variation, which is stuck at 1; bounded slopes measure the distance",
    run,
};

/// What both critics find at one θ.
struct Measured {
    theta: f64,
    variation: Found,
    distance: Found,
}

struct Found {
    gap: f64,
    /// Of the gap, by θ: what the generator's update would follow.
    slope: f64,
}

fn run(size: Size) -> Result<Findings> {
    let thetas: &[f64] = size.pick(&[0.5, 2.0], &[0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0]);
    let updates = size.pick(1500, 4000);
    let (mut table, mut measured) = (Vec::new(), Vec::new());
    for &theta in thetas {
        // The gap between scores of −1 and 1 is twice the total variation.
        let variation = find(&toy(Lipschitz::Bounded), theta, updates, 0.5)?;
        let distance = find(&lipschitz_toy(), theta, updates, 1.0)?;
        table.push(check(format!("θ = {theta}: |D| ≤ 1, gap/2"), variation.gap, Near(theta.min(1.0), 0.05)));
        table.push(check(format!("θ = {theta}: slope ≤ 1, gap"), distance.gap, Near(theta, 0.08)));
        if theta > 1.0 {
            table.push(check(format!("θ = {theta}: |D| ≤ 1, slope by θ"), variation.slope, Near(0.0, 0.1)));
            table.push(check(format!("θ = {theta}: slope ≤ 1, slope by θ"), distance.slope, Near(1.0, 0.1)));
        }
        measured.push(Measured { theta, variation, distance });
    }
    let sentence = "Bounded scores measure the total variation: once nothing overlaps it is 1, with no slope to follow; \
        bounded slopes measure how far the samples have to go.";
    let dots = |value: fn(&Measured) -> f64| measured.iter().map(move |found| (found.theta, value(found)));
    let gaps = Panel::new("The gap", "θ", "distance")
        .x_range(0.0, 3.1)
        .dashed("known", INK, [(0.0, 0.0), (3.1, 3.1)])
        .dashed("", INK, [(0.0, 0.0), (1.0, 1.0), (3.1, 1.0)])
        .dots("slope ≤ 1", BLUE, dots(|found| found.distance.gap))
        .dots("|D| ≤ 1, halved", VERMILION, dots(|found| found.variation.gap));
    let slopes = Panel::new("What a generator could follow", "θ", "slope by θ")
        .x_range(0.0, 3.1)
        .dashed("known", INK, [(0.0, 1.0), (3.1, 1.0)])
        .dashed("", INK, [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (3.1, 0.0)])
        .dots("slope ≤ 1", BLUE, dots(|found| found.distance.slope))
        .dots("|D| ≤ 1, halved", VERMILION, dots(|found| found.variation.slope));
    Ok(Findings { table, figure: Figure::new(2, vec![gaps, slopes]), sentence: sentence.to_owned() })
}

/// The gap is multiplied by `scale`.
fn find(game: &Game, theta: f64, updates: u64, scale: f64) -> Result<Found> {
    let critic = CriticTraining::trained(game, uniform(0.0), uniform(theta), updates)?;
    let points = |low: f64| Tensor::from_fn([1000, 1], |i| (low + (i as f64 + 0.5) / 1000.0) as f32);
    let (gap, slope) = (critic.gap(&points(0.0), &points(theta))?, critic.pull(&points(theta))?);
    Ok(Found { gap: scale * gap, slope: scale * slope })
}

/// U(low, low + 1).
fn uniform(low: f64) -> impl Distribution {
    move |tape, noise, batch| tape.uniform(noise, [batch, 1]) + low
}
