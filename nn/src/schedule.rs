//! Learning rates that change: factors of a rate, as functions of the step, to be multiplied with each other. The learning rate
//! of an [`Optimizer`](crate::Optimizer) is then an input of the program:
//!
//! ```
//! use nn::schedule::{cosine, warmup};
//! let rate = |step: u64| 1e-3 * warmup(step, 100) * cosine(step, 10_000);
//! assert_eq!(rate(0), 1e-5);
//! assert!((rate(5_000) - 0.5e-3).abs() < 1e-9);
//! // step.run(&[("learning rate", &Tensor::scalar(rate(n))), …])
//! ```

use std::f64::consts::PI;

/// Rises in `steps` equal parts to 1, where it stays: 1/steps, 2/steps … (Goyal et al. 2017, section 2.2).
pub fn warmup(step: u64, steps: u64) -> f64 {
    ((step + 1) as f64 / steps.max(1) as f64).min(1.0)
}

/// Falls as half a cosine from 1 at step 0 to 0 at step `steps`, where it stays (Loshchilov and Hutter 2017, equation 5;
/// PyTorch's `CosineAnnealingLR` within its first `T_max` steps).
pub fn cosine(step: u64, steps: u64) -> f64 {
    let part = (step as f64 / steps.max(1) as f64).min(1.0);
    0.5 * (1.0 + (PI * part).cos())
}

/// Falls in a straight line from 1 at step 0 to 0 at step `steps`, where it stays.
pub fn linear(step: u64, steps: u64) -> f64 {
    1.0 - (step as f64 / steps.max(1) as f64).min(1.0)
}

/// Is multiplied by `gamma` after every `every` steps (PyTorch's `StepLR`; with 1, `ExponentialLR`).
pub fn decay(step: u64, every: u64, gamma: f64) -> f64 {
    gamma.powf((step / every.max(1)) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PyTorch 2.15's schedulers give of the rate 1.
    #[test]
    fn schedules_are_pytorchs() {
        let of = |schedule: &dyn Fn(u64) -> f64, expected: &[f64]| {
            for (step, expected) in expected.iter().enumerate() {
                assert!((schedule(step as u64) - expected).abs() < 1e-12, "step {step}");
            }
        };
        let cosine_of_ten = [1.0, 0.9755282581475768, 0.9045084971874737, 0.7938926261462366, 0.6545084971874737, 0.5];
        of(&|step| cosine(step, 10), &cosine_of_ten);
        assert!(cosine(10, 10).abs() < 1e-12 && cosine(25, 10).abs() < 1e-12);
        of(&|step| decay(step, 3, 0.1), &[1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.01]);
        of(&|step| decay(step, 1, 0.9), &[1.0, 0.9, 0.81, 0.729]);
        of(&|step| warmup(step, 4), &[0.25, 0.5, 0.75, 1.0, 1.0]);
        of(&|step| linear(step, 4), &[1.0, 0.75, 0.5, 0.25, 0.0, 0.0]);
    }
}
