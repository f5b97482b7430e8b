//! Distances between histograms: those that look at the ratio of entries, bin by bin, and the one that knows how far apart
//! bins are.

/// The Kullback-Leibler divergence Σ p·ln(p/q) in nats; infinite where q is empty and p is not.
pub fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q).ln()).sum()
}

/// The Jensen-Shannon divergence ½·KL(P‖M) + ½·KL(Q‖M), where M = ½(P + Q): from 0 to ln 2.
pub fn js(p: &[f64], q: &[f64]) -> f64 {
    let m: Vec<f64> = p.iter().zip(q).map(|(p, q)| (p + q) / 2.0).collect();
    kl(p, &m) / 2.0 + kl(q, &m) / 2.0
}

/// The mean of both KL divergences, half of Jeffreys' divergence: what some texts call JS.
pub fn jeffreys_mean(p: &[f64], q: &[f64]) -> f64 {
    kl(p, q) / 2.0 + kl(q, p) / 2.0
}

/// The total variation distance ½·Σ |p − q|: from 0 to 1.
pub fn tv(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

/// The Wasserstein distance, in widths of a bin: the area between the cumulative distributions.
pub fn w1(p: &[f64], q: &[f64]) -> f64 {
    let ahead = p.iter().zip(q).scan(0.0, |ahead, (p, q)| {
        *ahead += p - q;
        Some(f64::abs(*ahead))
    });
    ahead.sum()
}
