//! The Jensen-Shannon divergence between histograms as a loss: it works on a line, for distributions that overlap. In
//! 784 dimensions it says nothing, not even of two samples from one source.

use std::collections::HashMap;

use nn::Optimizer;
use nn::optim::Sgd;

use super::harness::histograms::{jeffreys_mean, js, kl, tv, w1};
use super::prelude::*;

pub const SUMMARY: &str = "Jensen-Shannon of histograms: a loss for the line, and hopeless for images";

/// Where the generator starts, N(0, 1), and what it is to become: N(2, ½²), or N(12, ½²), which it has nothing in common with.
const NEAR: f64 = 2.0;
const FAR: f64 = 12.0;

pub fn run(size: Size) -> Result<Findings> {
    let (p, q) = ([0.1, 0.9], [0.0, 1.0]); // on the points 0 and 1
    let steps = size.pick(300, 1000);
    let near = learn(NEAR, 0.5, steps, soft_js)?;
    let far = learn(FAR, 0.5, steps, soft_js)?;
    // Both are in order, and stay so while a > 0: the k-th smallest goes to the k-th smallest.
    let by_distance = learn(FAR, 0.05, steps, |real, fake| (real - fake).abs().mean())?;
    let digits = halves_of_digits()?;
    let (all, full) = digits[digits.len() - 1];
    let end = |path: &[f64]| path[path.len() - 1];

    let table = vec![
        check("{.1, .9} and {0, 1}: Jensen-Shannon", js(&p, &q), Near(0.03597, 5e-6)),
        check("{.1, .9} and {0, 1}: total variation", tv(&p, &q), Near(0.1, 1e-12)),
        check("{.1, .9} and {0, 1}: Wasserstein", w1(&p, &q), Near(0.1, 1e-12)),
        check("{.1, .9} and {0, 1}: KL one way", kl(&p, &q), Near(f64::INFINITY, 0.0)),
        check("{.1, .9} and {0, 1}: KL the other way", kl(&q, &p), Near(-(0.9f64.ln()), 1e-12)),
        check("{.1, .9} and {0, 1}: ½KL + ½KL", jeffreys_mean(&p, &q), Near(f64::INFINITY, 0.0)),
        check(format!("JS as a loss, target at {NEAR}: mean learned"), end(&near), Near(NEAR, 0.1)),
        check(format!("JS as a loss, target at {FAR}: mean learned"), end(&far), Near(0.0, 0.1)),
        check(format!("W as a loss, target at {FAR}: mean learned"), end(&by_distance), Near(FAR, 0.1)),
        check("bins for 784 black or white pixels, log₁₀", all * 2f64.log10(), Near(236.0, 0.1)),
        check("JS of two halves of the digits, 1 pixel", digits[0].1, Near(0.0, 1e-3)),
        check("JS of two halves of the digits, all pixels", full, Near(2f64.ln(), 0.01)),
    ];
    let sentence = format!(
        "Where histograms overlap, JS teaches a generator; where they do not, it has no slope and the generator stays. By \
         all {all} pixels two halves of the same digits are {:.0} % of the way to having nothing in common.",
        100.0 * full / 2f64.ln()
    );
    let learning =
        Panel::new("A generator on the line", axis("updates").range(0.0, steps as f64), "mean of its samples")
            .level("targets: 2 and 12", INK, NEAR)
            .level("", INK, FAR)
            .line("W, to 12", BLUE, numbered(&by_distance))
            .line("JS, to 2", GREEN, numbered(&near))
            .line("JS, to 12", VERMILION, numbered(&far));
    let (pixels, nats) = (axis("black or white pixels looked at").log(), axis("JS / nats").range(0.0, 0.75));
    let halves = Panel::new("Two halves of the same digits", pixels, nats)
        .level("ln 2: nothing in common", INK, 2f64.ln())
        .line("", ORANGE, digits.clone())
        .dots("JS", ORANGE, digits);
    Ok(Findings { table, figure: Figure::new(2, vec![learning, halves]), sentence })
}

/// The mean of a generator a·z + b that learns N(target, ½²), after every step. `loss` is one of real and generated samples,
/// both `[NOISE, 1]`, in order: the quantiles of N(0, 1) are noise without chance.
fn learn(target: f64, rate: f64, steps: usize, loss: impl for<'t> Fn(Var<'t>, Var<'t>) -> Var<'t>) -> Result<Vec<f64>> {
    const NOISE: usize = 256;
    let z = gaussian::quantiles(NOISE, 0.0, 1.0);
    let [a, b] = [1.0, 0.0].map(|start| Variable::new("parameter", Tensor::scalar(start)));
    let rule = Sgd::new(vec![a.clone(), b.clone()]);
    let mut update = Device::cpu().compile(|tape| {
        let z = tape.constant(&z);
        let loss = loss(z * 0.5 + target, z * tape.variable(&a) + tape.variable(&b));
        [rule.update(loss, tape.scalar(rate))[1]]
    })?;
    (0..steps).map(|_| Ok(f64::from(update.run(&[])?[0].item()))).collect()
}

/// Their Jensen-Shannon divergence as [`soft_histogram`]s.
fn soft_js<'t>(real: Var<'t>, fake: Var<'t>) -> Var<'t> {
    let (p, q) = (soft_histogram(real), soft_histogram(fake));
    let m = (p + q) / 2.0;
    let kl = |p: Var<'t>| (p * ((p + 1e-12).ln() - (m + 1e-12).ln())).sum();
    (kl(p) + kl(q)) / 2.0
}

/// A histogram that values `[N, 1]` can be moved by: each adds a bell of the width of a bin, `[BINS]`.
fn soft_histogram(values: Var<'_>) -> Var<'_> {
    const BINS: usize = 90;
    let (low, width) = (-4.0, 0.2);
    let centres = Tensor::<f64>::from_fn([1, BINS], |i| low + (i as f64 + 0.5) * width);
    let bells = ((values - values.tape().constant(&centres)) / width).square() * -0.5; // [N, BINS]
    let counts = bells.exp().sum_axes(&[0]);
    counts / counts.sum()
}

/// How far apart two halves of the digits are by JS, as black or white pixels, for growing numbers of pixels.
fn halves_of_digits() -> Result<Polyline> {
    let data = Dataset::load(&Source::Digits, 1, 0)?;
    let (samples, pixels) = (data.samples(0..data.len()), data.shape().count());
    let images = samples.data().chunks(pixels).map(|image| image.iter().map(|&x| x > 0.5).collect());
    let images: Vec<Vec<bool>> = images.collect();
    // Those first that are black as often as white.
    let black = |pixel: usize| images.iter().filter(|image| image[pixel]).count();
    let mut order: Vec<usize> = (0..pixels).collect();
    order.sort_by_cached_key(|&pixel| (2 * black(pixel)).abs_diff(images.len()));
    let distance = |count: usize| {
        let mut bins: HashMap<Vec<bool>, [f64; 2]> = HashMap::new();
        for (i, image) in images.iter().enumerate() {
            let key = order[..count].iter().map(|&pixel| image[pixel]).collect();
            // In pairs: two sources of digits alternate.
            bins.entry(key).or_default()[i / 2 % 2] += 2.0 / images.len() as f64;
        }
        let (p, q): (Vec<f64>, Vec<f64>) = bins.values().map(|&[p, q]| (p, q)).unzip();
        js(&p, &q)
    };
    Ok([1, 2, 4, 8, 16, 32, 64, 128, 256, pixels].map(|count| (count as f64, distance(count))).to_vec())
}
