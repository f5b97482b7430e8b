//! The best discriminator and the best critic between two Gaussians on a line: arXiv 1701.07875, figure 2.

use std::f64::consts::PI;

use super::harness::gaussian::{density, quantiles};
use super::prelude::*;

pub const SUMMARY: &str = "between two Gaussians the best discriminator saturates, the best critic is a straight line";

/// Real samples are N(3, 1), generated ones N(−3, 1).
const MEAN: f64 = 3.0;
/// How many points each sample has.
const POINTS: usize = 2000;

pub fn run(size: Size) -> Result<Findings> {
    let updates = size.pick(1500, 6000);
    let (real, fake) = (quantiles(POINTS, MEAN, 1.0), quantiles(POINTS, -MEAN, 1.0));
    let trained = |game: Game| CriticTraining::trained(&game, normal(MEAN, 1.0), normal(-MEAN, 1.0), updates);
    let (discriminator, critic) = (trained(standard_toy(Loss::Standard))?, trained(lipschitz_toy())?);
    // p/(p + q) for these densities: the logarithm of p/q is 2μx.
    let best = |x: f32| sigmoid(2.0 * MEAN * f64::from(x));
    let mut errors = Vec::new();
    for points in [&real, &fake] {
        let probabilities = probabilities(&discriminator, points)?;
        errors.extend(probabilities.iter().zip(points.data()).map(|(d, &x)| (d - best(x)).abs()));
    }
    let slope = probability_slope(&discriminator, &fake)?;

    let wide = CriticTraining::trained(&lipschitz_toy(), normal(0.0, 1.0), normal(0.0, 2.0), updates)?;
    let (narrow_points, wide_points) = (quantiles(POINTS, 0.0, 1.0), quantiles(POINTS, 0.0, 2.0));
    let known = (2.0 / PI).sqrt();
    // Steeper by the penalty's bias, a critic measures as many times the distance.
    let [gap, wide_gap] = [scaled_gap(&critic, &real, &fake)?, scaled_gap(&wide, &narrow_points, &wide_points)?];
    let (distance, sorted) = (2.0 * MEAN, wasserstein_1d(real.data(), fake.data()));
    let wide_sorted = wasserstein_1d(narrow_points.data(), wide_points.data());
    let table = vec![
        check("means −3 and 3: distance, by sorting", sorted, Near(distance, 1e-5)),
        check("means −3 and 3: the critic's gap by its slope", gap, Near(distance, 0.1)),
        check("slope at generated samples: critic", mean(critic.slopes(&fake)?), Near(1.0, 0.1)),
        check("slope at generated samples: discriminator", slope, Near(0.0, 0.02)),
        check("discriminator: mean error against p/(p + q)", mean(&errors), Near(0.0, 0.01)),
        check("deviations 1 and 2: distance, by sorting", wide_sorted, Near(known, 0.002)),
        check("deviations 1 and 2: the critic's gap by its slope", wide_gap, Near(known, 0.05)),
    ];
    let sentence = format!(
        "The discriminator is sure of all generated samples, and its slope there is {slope:.3}; the critic is a straight \
         line whose slope leads from anywhere to the real samples, and its gap by its slope is {gap:.2}, for a distance of \
         {distance}."
    );
    let bell = |mean: f64, deviation: f64| {
        places(-6.0, 6.0, 20.0).map(move |x| (x, density((x - mean) / deviation) / deviation))
    };
    let scores = |critic: &CriticTraining| critic.curve(-6.0, 6.0, 20.0);
    let (discriminator, critic, wide) = (scores(&discriminator)?, scores(&critic)?, scores(&wide)?);
    // The critic's scores from 0 to 1 between the means.
    let at = |x: f64| critic[((x + 6.0) * 20.0).round() as usize].1;
    let (low, high) = (at(-MEAN), at(MEAN));
    let x = axis("x").range(-6.0, 6.0);
    let apart = Panel::new("Means −3 and 3", x.clone(), axis("density, or D(x)").range(-0.55, 1.55))
        .area("generated", GREEN, bell(-MEAN, 1.0))
        .area("real", ORANGE, bell(MEAN, 1.0))
        .line("discriminator", VERMILION, discriminator.into_iter().map(|(x, score)| (x, sigmoid(score))))
        .line("critic ÷ W", BLUE, critic.iter().map(|(x, score)| (*x, (score - low) / (high - low))));
    let top = wide.iter().map(|point| point.1).fold(f64::MIN, f64::max);
    let nested = Panel::new("Deviations 1 and 2", x, axis("density, or D(x) − max D").range(-4.0, 0.6))
        .area("generated", GREEN, bell(0.0, 2.0))
        .area("real", ORANGE, bell(0.0, 1.0))
        .broad_line("critic", BLUE, wide.iter().map(|(x, score)| (*x, score - top)))
        .dashed("−|x|", INK, [(-4.0, -4.0), (0.0, 0.0), (4.0, -4.0)]);
    Ok(Findings { table, figure: Figure::new(2, vec![apart, nested]), sentence })
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The gap divided by the mean slope at both samples.
fn scaled_gap(critic: &CriticTraining, real: &Tensor, fake: &Tensor) -> Result<f64> {
    let slopes = [critic.slopes(real)?, critic.slopes(fake)?].concat();
    Ok(critic.gap(real, fake)? / mean(slopes))
}

/// The probabilities that a discriminator gives points of being real.
fn probabilities(discriminator: &CriticTraining, points: &Tensor) -> Result<Vec<f64>> {
    Ok(discriminator.scores(points)?.into_iter().map(sigmoid).collect())
}

/// Their mean slope at these points.
fn probability_slope(discriminator: &CriticTraining, points: &Tensor) -> Result<f64> {
    const STEP: f32 = 0.01;
    let [ahead, behind] = [STEP, -STEP].map(|by| probabilities(discriminator, &moved(points, by)));
    Ok(mean(ahead?.iter().zip(behind?).map(|(a, b)| (a - b).abs() / (2.0 * f64::from(STEP)))))
}
