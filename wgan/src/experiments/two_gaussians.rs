//! The best discriminator and the best critic between two Gaussians on a line: arXiv 1701.07875, figure 2.

use std::f64::consts::PI;

use autograd::Tensor;

use super::gaussian::quantiles;
use super::{Check, CriticTraining, Experiment, Outcome, Size, gaussian, lipschitz_toy, mean, normal, toy};
use crate::Result;
use crate::config::{Objective, Options};
use crate::measures::wasserstein_1d;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, Panel, VERMILION};

/// Means −3 and 3, then equal means with deviations 1 and 2.
pub const EXPERIMENT: Experiment = Experiment {
    name: "two-gaussians",
    summary: "between two Gaussians the best discriminator saturates, the best critic is a straight line",
    run,
};

/// Real samples are N(3, 1), generated ones N(−3, 1).
const MEAN: f64 = 3.0;
/// Points of each sample.
const POINTS: usize = 2000;
const PLACES: usize = 241;

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(1500, 6000);
    let (real, fake) = (quantiles(POINTS, MEAN, 1.0), quantiles(POINTS, -MEAN, 1.0));
    let standard = toy(Options { objective: Some(Objective::Standard), ..Options::default() })?;
    let mut discriminator = CriticTraining::new(&standard, 1, normal(MEAN, 1.0), normal(-MEAN, 1.0))?;
    discriminator.run(updates)?;
    let mut critic =
        CriticTraining::new(&lipschitz_toy(Options::default())?, 1, normal(MEAN, 1.0), normal(-MEAN, 1.0))?;
    critic.run(updates)?;
    let probability = |points: &Tensor| Ok(discriminator.scores(points)?.into_iter().map(sigmoid).collect::<Vec<_>>());
    // p/(p + q) for these densities: the logarithm of p/q is 2μx.
    let best = |x: f64| sigmoid(2.0 * MEAN * x);
    let both = [real.data(), fake.data()].concat();
    let errors = probability(&Tensor::new([both.len(), 1], both.clone())?)?;
    let errors: Vec<f64> = errors.iter().zip(&both).map(|(d, &x)| (d - best(f64::from(x))).abs()).collect();
    let slope = slope_at(&fake, |points| probability(points))?;

    let mut wide = CriticTraining::new(&lipschitz_toy(Options::default())?, 1, normal(0.0, 1.0), normal(0.0, 2.0))?;
    wide.run(updates)?;
    let (narrow_points, wide_points) = (quantiles(POINTS, 0.0, 1.0), quantiles(POINTS, 0.0, 2.0));

    let known = (2.0 / PI).sqrt();
    // Steeper by the penalty's bias, a critic measures as many times the distance.
    let [gap, wide_gap] = [scaled_gap(&critic, &real, &fake)?, scaled_gap(&wide, &narrow_points, &wide_points)?];
    let table = vec![
        Check::near("means −3 and 3: distance, by sorting", wasserstein_1d(real.data(), fake.data()), 2.0 * MEAN, 1e-5),
        Check::near("means −3 and 3: the critic's gap by its slope", gap, 2.0 * MEAN, 0.1),
        Check::near("slope at generated samples: critic", mean(&critic.slopes(&fake)?), 1.0, 0.1),
        Check::near("slope at generated samples: discriminator", slope, 0.0, 0.02),
        Check::near("discriminator: mean error against p/(p + q)", mean(&errors), 0.0, 0.01),
        Check::near(
            "deviations 1 and 2: distance, by sorting",
            wasserstein_1d(narrow_points.data(), wide_points.data()),
            known,
            0.002,
        ),
        Check::near("deviations 1 and 2: the critic's gap by its slope", wide_gap, known, 0.05),
    ];
    let sentence = format!(
        "The discriminator is sure of all generated samples, and its slope there is {slope:.3}; the critic is a straight \
         line whose slope leads from anywhere to the real samples, and its gap by its slope is {gap:.2}, for a distance of \
         {}.",
        2.0 * MEAN
    );
    let grid = Tensor::from_fn([PLACES, 1], |i| place(i) as f32);
    let curves = [probability(&grid)?, critic.scores(&grid)?, wide.scores(&grid)?];
    Ok(Outcome { table, figure: figure(&curves), sentence })
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The gap divided by the mean slope at both samples.
fn scaled_gap(critic: &CriticTraining, real: &Tensor, fake: &Tensor) -> Result<f64> {
    let slopes = [critic.slopes(real)?, critic.slopes(fake)?].concat();
    Ok(critic.gap(real, fake)? / mean(&slopes))
}

/// The mean slope of a function at these points.
fn slope_at(points: &Tensor, values: impl Fn(&Tensor) -> Result<Vec<f64>>) -> Result<f64> {
    const STEP: f32 = 0.01;
    let moved = |by: f32| values(&Tensor::from_fn(points.shape().clone(), |i| points.data()[i] + by));
    let (ahead, behind) = (moved(STEP)?, moved(-STEP)?);
    let slopes: Vec<f64> = ahead.iter().zip(&behind).map(|(a, b)| (a - b).abs() / (2.0 * f64::from(STEP))).collect();
    Ok(mean(&slopes))
}

/// From −6 to 6.
fn place(i: usize) -> f64 {
    i as f64 / 20.0 - 6.0
}

fn figure([discriminator, critic, wide]: &[Vec<f64>; 3]) -> Figure {
    let curve = |values: &[f64], value: &dyn Fn(f64) -> f64| {
        (0..PLACES).map(place).zip(values.iter().map(|&y| value(y))).collect::<Vec<_>>()
    };
    let bell = |mean: f64, deviation: f64| {
        (0..PLACES).map(place).map(move |x| (x, gaussian::density((x - mean) / deviation) / deviation))
    };
    // The critic's scores from 0 to 1 between the means.
    let at = |x: f64| critic[((x + 6.0) * 20.0).round() as usize];
    let (low, high) = (at(-MEAN), at(MEAN));
    let apart = Panel::new("Means −3 and 3", "x", "density; D(x)")
        .x_range(-6.0, 6.0)
        .y_range(-0.55, 1.55)
        .area("generated", GREEN, bell(-MEAN, 1.0))
        .area("real", ORANGE, bell(MEAN, 1.0))
        .line("discriminator", VERMILION, curve(discriminator, &|y| y))
        .line("critic ÷ W", BLUE, curve(critic, &|y| (y - low) / (high - low)));
    let top = wide.iter().copied().fold(f64::MIN, f64::max);
    let nested = Panel::new("Deviations 1 and 2", "x", "density; D(x) − max D")
        .x_range(-6.0, 6.0)
        .y_range(-4.0, 0.6)
        .area("generated", GREEN, bell(0.0, 2.0))
        .area("real", ORANGE, bell(0.0, 1.0))
        .dashed("−|x|", INK, [(-4.0, -4.0), (0.0, 0.0), (4.0, -4.0)])
        .line("critic", BLUE, curve(wide, &|y| y - top));
    Figure::new(2, vec![apart, nested])
}
