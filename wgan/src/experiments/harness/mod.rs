//! What the experiments share: trainings small enough for one, measures of known distributions, and the form of a result.

mod critic;
mod findings;
mod gan;
pub mod gaussian;
pub mod histograms;

pub use critic::{
    CriticTraining, Distribution, clipped_slope, lipschitz_toy, mlp, moved, normal, normal_around, point, points_of,
    standard_toy, toy,
};
pub use findings::Known::{AtLeast, AtMost, Near, Open};
pub use findings::{Check, Findings, Known, check, number};
pub use gan::{GanTraining, digit_distance, digits};

use std::borrow::Borrow;

use autograd::{Device, Tape, Tensor, Var};

use crate::Result;
use crate::config::Config;
use crate::game::{Game, Rule};

/// What the trainings of all experiments begin with, whatever the default run has come to: Adam with the decays of WGAN-GP's
/// published code, fast, as small networks bear it.
fn base() -> Game {
    Game { rule: Rule::Adam { beta1: 0.5, beta2: 0.9, epsilon: 1e-8 }, lr: 1e-3, ..Config::default().game }
}

/// A curve to be drawn: its points from left to right.
pub type Polyline = Vec<(f64, f64)>;

/// Runs a computation once, and returns its result.
///
/// # Errors
/// If the device cannot take it, or fails.
pub fn computed(record: impl for<'t> FnOnce(&'t Tape) -> Var<'t>) -> Result<Tensor> {
    Ok(Device::cpu().compile(|tape| [record(tape)])?.run(&[])?[0].clone())
}

/// The mean of some numbers.
pub fn mean(values: impl IntoIterator<Item = impl Borrow<f64>>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0.0), |(sum, count), x| (sum + x.borrow(), count + 1.0));
    sum / count
}

/// The places from `low` to `high`, so many to a unit, where a curve is drawn.
pub fn places(low: f64, high: f64, per_unit: f64) -> impl Iterator<Item = f64> + Clone {
    (0..=((high - low) * per_unit) as u32).map(move |i| f64::from(i) / per_unit + low)
}

/// The values as points to be drawn: the first one at x = 0, the next at x = 1, and so on.
pub fn numbered(values: impl IntoIterator<Item = impl Borrow<f64>>) -> impl Iterator<Item = (f64, f64)> {
    values.into_iter().enumerate().map(|(i, x)| (i as f64, *x.borrow()))
}

/// The points of the plane in `[N, 2]`.
pub fn plane(points: &[f32]) -> impl Iterator<Item = (f64, f64)> {
    points.chunks(2).map(|point| (f64::from(point[0]), f64::from(point[1])))
}
