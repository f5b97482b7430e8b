//! The standard normal distribution N(0, 1).

use std::f64::consts::PI;

use autograd::Tensor;

/// Its density φ.
pub fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * PI).sqrt()
}

/// Its cumulative distribution Φ = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …) (Abramowitz and Stegun, 26.2.11).
pub fn cumulative(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return f64::from(x > 0.0);
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + density(x) * sum
}

/// Φ⁻¹: the value that a share `p` of the distribution is below, by Newton's method. From 0 it comes nearer from one side,
/// since Φ is bent the same way all along.
pub fn quantile(p: f64) -> f64 {
    let mut x = 0.0;
    for _ in 0..100 {
        let step = (p - cumulative(x)) / density(x);
        x += step;
        if step.abs() < 1e-9 {
            break;
        }
    }
    x
}

/// A sample of N(μ, σ²) without chance, in order: its quantiles in the middle of each of `count` equal shares, `[count, 1]`.
pub fn quantiles(count: usize, mean: f64, deviation: f64) -> Tensor {
    Tensor::from_fn([count, 1], |i| (mean + deviation * quantile((i as f64 + 0.5) / count as f64)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ(1) = 0.8413447461, Φ(−3) = 0.0013498980 (Abramowitz and Stegun, table 26.1).
    #[test]
    fn the_distribution_is_the_tabulated_one() {
        for (x, p) in [(0.0, 0.5), (1.0, 0.841_344_746_1), (-3.0, 0.001_349_898_0), (9.0, 1.0)] {
            assert!((cumulative(x) - p).abs() < 1e-10, "{x}");
        }
        for p in [1e-6, 0.01, 0.5, 0.9, 1.0 - 1e-6] {
            assert!((cumulative(quantile(p)) - p).abs() < 1e-12, "{p}");
        }
    }
}
