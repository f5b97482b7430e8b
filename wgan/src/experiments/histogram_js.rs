//! The Jensen-Shannon divergence between histograms as a loss: it works on a line, for distributions that overlap. In
//! 784 dimensions it says nothing, not even of two samples from one source.

use std::collections::HashMap;

use autograd::{Device, Tape, Tensor, Var, Variable};
use nn::Optimizer;
use nn::optim::Sgd;

use super::histograms::{jeffreys_mean, js, kl, tv, w1};
use super::{Check, Experiment, Outcome, Size, gaussian};
use crate::Result;
use crate::config::Config;
use crate::data::Dataset;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, Panel, VERMILION};

/// Known values, a training on a line, and digits.
pub const EXPERIMENT: Experiment = Experiment {
    name: "histogram-js",
    summary: "Jensen-Shannon of histograms: a loss for the line, and hopeless for images",
    run,
};

/// Where the generator starts, N(0, 1), and what it is to become: N(2, ½²), or N(12, ½²), which it has nothing in common with.
const NEAR: f64 = 2.0;
const FAR: f64 = 12.0;

fn run(size: Size) -> Result<Outcome> {
    let (p, q) = ([0.1, 0.9], [0.0, 1.0]); // on the points 0 and 1
    let steps = size.pick(300, 1000);
    let near = learn(NEAR, Loss::JensenShannon, steps)?;
    let far = learn(FAR, Loss::JensenShannon, steps)?;
    let by_distance = learn(FAR, Loss::Wasserstein, steps)?;
    let digits = halves_of_digits()?;
    let (all, full) = digits[digits.len() - 1];
    let end = |path: &[f64]| path[path.len() - 1];

    let table = vec![
        Check::near("{.1, .9} and {0, 1}: Jensen-Shannon", js(&p, &q), 0.03597, 5e-6),
        Check::near("{.1, .9} and {0, 1}: total variation", tv(&p, &q), 0.1, 1e-12),
        Check::near("{.1, .9} and {0, 1}: Wasserstein", w1(&p, &q), 0.1, 1e-12),
        Check::near("{.1, .9} and {0, 1}: KL one way", kl(&p, &q), f64::INFINITY, 0.0),
        Check::near("{.1, .9} and {0, 1}: KL the other way", kl(&q, &p), -(0.9f64.ln()), 1e-12),
        Check::near("{.1, .9} and {0, 1}: ½KL + ½KL", jeffreys_mean(&p, &q), f64::INFINITY, 0.0),
        Check::near(format!("JS as a loss, target at {NEAR}: mean learned"), end(&near), NEAR, 0.1),
        Check::near(format!("JS as a loss, target at {FAR}: mean learned"), end(&far), 0.0, 0.1),
        Check::near(format!("W as a loss, target at {FAR}: mean learned"), end(&by_distance), FAR, 0.1),
        Check::near("bins for 784 black or white pixels, log₁₀", all as f64 * 2f64.log10(), 236.0, 0.1),
        Check::near("JS of two halves of the digits, 1 pixel", digits[0].1, 0.0, 1e-3),
        Check::near("JS of two halves of the digits, all pixels", full, 2f64.ln(), 0.01),
    ];
    let sentence = format!(
        "Where histograms overlap, JS teaches a generator; where they do not, it has no slope and the generator stays. By \
         all {all} pixels two halves of the same digits are {:.0} % of the way to having nothing in common.",
        100.0 * full / 2f64.ln()
    );
    Ok(Outcome { table, figure: figure(&near, &far, &by_distance, &digits), sentence })
}

#[derive(Clone, Copy, PartialEq)]
enum Loss {
    JensenShannon,
    Wasserstein,
}

/// The quantiles of N(0, 1), in order: noise without chance.
const NOISE: usize = 256;
const BINS: usize = 90;

/// The mean of a generator a·z + b that learns N(target, ½²), after every step.
fn learn(target: f64, loss: Loss, steps: usize) -> Result<Vec<f64>> {
    let z = gaussian::quantiles(NOISE, 0.0, 1.0);
    let [a, b] = [1.0, 0.0].map(|start| Variable::new("parameter", Tensor::scalar(start)));
    let rule = Sgd::new(vec![a.clone(), b.clone()]);
    let mut update = Device::cpu().compile(|tape| {
        let z = tape.constant(&z);
        let real = z * 0.5 + target;
        let fake = z * tape.variable(&a) + tape.variable(&b);
        let (loss, rate) = match loss {
            Loss::JensenShannon => (soft_js(soft_histogram(tape, real), soft_histogram(tape, fake)), 0.5),
            // Both are in order, and stay so while a > 0: the k-th smallest goes to the k-th smallest.
            Loss::Wasserstein => ((real - fake).abs().mean(), 0.05),
        };
        [rule.update(loss, tape.scalar(rate))[1]]
    })?;
    (0..steps).map(|_| Ok(f64::from(update.run(&[])?[0].item()))).collect()
}

/// A histogram that values `[N, 1]` can be moved by: each adds a bell of the width of a bin, `[BINS]`.
fn soft_histogram<'t>(tape: &'t Tape, values: Var<'t>) -> Var<'t> {
    let (low, width) = (-4.0, 0.2);
    let centres = tape.constant(&Tensor::<f64>::from_fn([1, BINS], |i| low + (i as f64 + 0.5) * width));
    let bells = ((values - centres) / width).square() * -0.5; // [N, BINS]
    let counts = bells.exp().sum_axes(&[0]);
    counts / counts.sum()
}

fn soft_js<'t>(p: Var<'t>, q: Var<'t>) -> Var<'t> {
    let m = (p + q) / 2.0;
    let kl = |p: Var<'t>| (p * ((p + 1e-12).ln() - (m + 1e-12).ln())).sum();
    (kl(p) + kl(q)) / 2.0
}

/// How far apart two halves of the digits are by JS, as black or white pixels, for growing numbers of pixels.
fn halves_of_digits() -> Result<Vec<(usize, f64)>> {
    let data = Dataset::load(&Config::default())?;
    let pixels = data.shape().count();
    let images: Vec<Vec<bool>> = data
        .samples(0..data.len())
        .data()
        .chunks(pixels)
        .map(|image| image.iter().map(|&x| x > 0.5).collect())
        .collect();
    let share = |pixel: usize| images.iter().filter(|image| image[pixel]).count() as f64 / images.len() as f64;
    // Those first that are black as often as white.
    let mut order: Vec<(f64, usize)> = (0..pixels).map(|pixel| ((share(pixel) - 0.5).abs(), pixel)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let distance = |count: usize| {
        let mut bins: HashMap<Vec<bool>, [f64; 2]> = HashMap::new();
        for (i, image) in images.iter().enumerate() {
            let key = order[..count].iter().map(|&(_, pixel)| image[pixel]).collect();
            // In pairs: two sources of digits alternate.
            bins.entry(key).or_default()[i / 2 % 2] += 2.0 / images.len() as f64;
        }
        let (p, q): (Vec<f64>, Vec<f64>) = bins.values().map(|&[p, q]| (p, q)).unzip();
        js(&p, &q)
    };
    Ok([1, 2, 4, 8, 16, 32, 64, 128, 256, pixels].map(|count| (count, distance(count))).to_vec())
}

fn figure(near: &[f64], far: &[f64], by_distance: &[f64], digits: &[(usize, f64)]) -> Figure {
    let over_time = |path: &[f64]| (0..).zip(path).map(|(i, &x)| (f64::from(i), x)).collect::<Vec<_>>();
    let learning = Panel::new("A generator on the line", "updates", "its mean")
        .x_range(0.0, near.len() as f64)
        .level("targets", INK, NEAR)
        .level("", INK, FAR)
        .line("JS, near", GREEN, over_time(near))
        .line("JS, far", VERMILION, over_time(far))
        .line("W, far", BLUE, over_time(by_distance));
    let digits = digits.iter().map(|&(count, distance)| (count as f64, distance));
    let halves = Panel::new("Two halves of the same digits", "black or white pixels looked at", "JS / nats")
        .x_log()
        .y_range(0.0, 0.75)
        .level("ln 2: nothing in common", INK, 2f64.ln())
        .line("", ORANGE, digits.clone())
        .dots("JS", ORANGE, digits);
    Figure::new(2, vec![learning, halves])
}
