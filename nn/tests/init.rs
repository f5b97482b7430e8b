//! First weights follow their distributions: mean, deviation and bounds of 20,000 draws against the formulas.

use autograd::Shape;
use nn::{Init, Rng};

/// A convolution's weight [out, in, kernel, kernel]: fan-in 40·25 = 1000, fan-out 20·25 = 500.
fn shape() -> Shape {
    [20, 40, 5, 5].into()
}

const FAN_IN: f64 = 1000.0;
const FAN_OUT: f64 = 500.0;

fn draw(init: Init) -> Vec<f64> {
    init.weight(&shape(), &mut Rng::new(1, "weights")).data().iter().map(|&x| f64::from(x)).collect()
}

/// Mean and deviation within five standard errors; for a normal the deviation's relative error is 1/√(2n), for a
/// uniform distribution it is smaller.
#[track_caller]
fn assert_deviation(values: &[f64], mean: f64, std: f64) {
    let n = values.len() as f64;
    let found_mean = values.iter().sum::<f64>() / n;
    let found_std = (values.iter().map(|x| (x - found_mean).powi(2)).sum::<f64>() / n).sqrt();
    assert!((found_mean - mean).abs() < 5.0 * std / n.sqrt(), "mean {found_mean}, expected {mean}");
    assert!((found_std / std - 1.0).abs() < 5.0 / (2.0 * n).sqrt(), "deviation {found_std}, expected {std}");
}

/// All within the bounds, and some within a thousandth of each.
#[track_caller]
fn assert_fills(values: &[f64], low: f64, high: f64) {
    let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(min, max), &x| (min.min(x), max.max(x)));
    let margin = (high - low) / 1000.0;
    let rounding = (high - low) * f64::from(f32::EPSILON);
    assert!((low - rounding..low + margin).contains(&min), "smallest {min}, expected {low}");
    assert!((high - margin..=high + rounding).contains(&max), "largest {max}, expected {high}");
}

#[track_caller]
fn assert_uniform(init: Init, low: f64, high: f64) {
    let values = draw(init);
    assert_fills(&values, low, high);
    assert_deviation(&values, (low + high) / 2.0, (high - low) / 12f64.sqrt());
}

/// A normal's kurtosis is 3, with standard error √(24/n); a uniform distribution's would be 1.8.
#[track_caller]
fn assert_normal(init: Init, std: f64) {
    let values = draw(init);
    assert_deviation(&values, 0.0, std);
    let n = values.len() as f64;
    let kurtosis = values.iter().map(|x| (x / std).powi(4)).sum::<f64>() / n;
    assert!((kurtosis - 3.0).abs() < 5.0 * (96.0 / n).sqrt(), "kurtosis {kurtosis}");
}

#[test]
fn constants_are_constant() {
    assert!(draw(Init::Zeros).iter().all(|&x| x == 0.0));
    assert!(draw(Init::Constant(0.5)).iter().all(|&x| x == 0.5));
}

#[test]
fn plain_distributions_take_their_own_numbers() {
    assert_uniform(Init::Uniform { low: -0.5, high: 1.5 }, -0.5, 1.5);
    assert_normal(Init::Normal { std: 0.02 }, 0.02);
}

#[test]
fn pytorchs_default_is_bounded_by_the_fan_in() {
    assert_uniform(Init::FanIn, -1.0 / FAN_IN.sqrt(), 1.0 / FAN_IN.sqrt());
}

#[test]
fn xavier_looks_both_ways() {
    let bound = (6.0 / (FAN_IN + FAN_OUT)).sqrt();
    assert_uniform(Init::XavierUniform { gain: 1.0 }, -bound, bound);
    assert_normal(Init::XavierNormal { gain: 2.0 }, 2.0 * (2.0 / (FAN_IN + FAN_OUT)).sqrt());
}

#[test]
fn kaiming_keeps_the_variance_of_what_comes_in() {
    let bound = (6.0 / FAN_IN).sqrt();
    assert_uniform(Init::KaimingUniform { gain: 2f64.sqrt() }, -bound, bound);
    assert_normal(Init::KaimingNormal { gain: 2f64.sqrt() }, (2.0 / FAN_IN).sqrt());
}

#[test]
fn biases_start_at_zero_except_under_pytorchs_default() {
    let bias = |init: Init| -> Vec<f64> {
        init.bias(20_000, &shape(), &mut Rng::new(1, "bias")).data().iter().map(|&x| f64::from(x)).collect()
    };
    assert!(bias(Init::KaimingNormal { gain: 1.0 }).iter().all(|&x| x == 0.0));
    assert_fills(&bias(Init::FanIn), -1.0 / FAN_IN.sqrt(), 1.0 / FAN_IN.sqrt());
}

#[test]
fn a_seed_gives_the_same_weights_again_and_another_seed_others() {
    let first = |seed| Init::FanIn.weight(&shape(), &mut Rng::new(seed, "weights"));
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
}
