//! The same gap under two constraints: |D| ≤ 1 makes it twice the total variation, slopes of at most 1 the Wasserstein
//! distance. Between U(0, 1) and U(θ, 1 + θ) the first is min(θ, 1), the second θ.

use super::prelude::*;

pub const SUMMARY: &str =
    "bounded scores measure total variation, which is stuck at 1; bounded slopes measure the distance";

/// What a critic finds at one θ.
struct Found {
    theta: f64,
    gap: f64,
    /// Of the gap, by θ: what the generator's update would follow.
    slope: f64,
}

pub fn run(size: Size) -> Result<Findings> {
    let thetas: &[f64] = size.pick(&[0.5, 2.0], &[0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0]);
    let updates = size.pick(1500, 4000);
    let find_all =
        |game, scale| thetas.iter().map(|&theta| find(&game, theta, updates, scale)).collect::<Result<Vec<_>>>();
    // The gap between scores of −1 and 1 is twice the total variation.
    let (variations, distances) = (find_all(toy(Lipschitz::Bounded), 0.5)?, find_all(lipschitz_toy(), 1.0)?);
    let mut table = Vec::new();
    for (variation, distance) in variations.iter().zip(&distances) {
        let theta = variation.theta;
        table.push(check(format!("θ = {theta}: |D| ≤ 1, gap/2"), variation.gap, Near(theta.min(1.0), 0.05)));
        table.push(check(format!("θ = {theta}: slope ≤ 1, gap"), distance.gap, Near(theta, 0.08)));
        if theta > 1.0 {
            table.push(check(format!("θ = {theta}: |D| ≤ 1, slope by θ"), variation.slope, Near(0.0, 0.1)));
            table.push(check(format!("θ = {theta}: slope ≤ 1, slope by θ"), distance.slope, Near(1.0, 0.1)));
        }
    }
    let sentence = "Bounded scores measure the total variation: once nothing overlaps it is 1, with no slope to follow; \
        bounded slopes measure how far the samples have to go.";
    let gaps = |found: &[Found]| found.iter().map(|found| (found.theta, found.gap)).collect::<Polyline>();
    let slopes = |found: &[Found]| found.iter().map(|found| (found.theta, found.slope)).collect::<Polyline>();
    let theta = axis("θ").range(0.0, 3.1);
    let gaps = Panel::new("The gap", theta.clone(), "distance")
        .dashed("known", INK, [(0.0, 0.0), (3.1, 3.1)])
        .dashed("", INK, [(0.0, 0.0), (1.0, 1.0), (3.1, 1.0)])
        .rings("|D| ≤ 1, halved", VERMILION, gaps(&variations))
        .dots("slope ≤ 1", BLUE, gaps(&distances));
    let slopes = Panel::new("What a generator could follow", theta, "slope by θ")
        .dashed("known", INK, [(0.0, 1.0), (3.1, 1.0)])
        .dashed("", INK, [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (3.1, 0.0)])
        .rings("|D| ≤ 1, halved", VERMILION, slopes(&variations))
        .dots("slope ≤ 1", BLUE, slopes(&distances));
    Ok(Findings { table, figure: Figure::new(2, vec![gaps, slopes]), sentence: sentence.to_owned() })
}

/// The gap is multiplied by `scale`.
fn find(game: &Game, theta: f64, updates: u64, scale: f64) -> Result<Found> {
    let critic = CriticTraining::trained(game, uniform(0.0), uniform(theta), updates)?;
    let points = |low: f64| Tensor::from_fn([1000, 1], |i| (low + (i as f64 + 0.5) / 1000.0) as f32);
    let (gap, slope) = (critic.gap(&points(0.0), &points(theta))?, critic.pull(&points(theta))?);
    Ok(Found { theta, gap: scale * gap, slope: scale * slope })
}

/// U(low, low + 1).
fn uniform(low: f64) -> impl Distribution {
    move |tape, noise, batch| tape.uniform(noise, [batch, 1]) + low
}
