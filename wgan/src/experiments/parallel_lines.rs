//! Two parallel segments in the plane, (0, y) and (θ, y) with y ~ U(0, 1): arXiv 1701.07875, example 1 and figure 1.

use super::harness::histograms::{js, kl, tv, w1};
use super::prelude::*;

pub const SUMMARY: &str = "two parallel lines: only the Wasserstein distance says how far apart they are";

/// λ of the critic's penalty.
const LAMBDA: f64 = 10.0;
/// Histograms along x: bins of a tenth, from −1.05 to 1.05.
const BINS: usize = 21;
const WIDTH: f64 = 0.1;

pub fn run(size: Size) -> Result<Findings> {
    let thetas: &[f64] = size.pick(&[-1.0, 0.5], &[-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    let (p, q) = (segment(0.0), segment(0.5));
    let mut table = vec![
        check("θ = 0.5: total variation", tv(&p, &q), Near(1.0, 0.0)),
        check("θ = 0.5: KL(P‖Q)", kl(&p, &q), Near(f64::INFINITY, 0.0)),
        check("θ = 0.5: KL(Q‖P)", kl(&q, &p), Near(f64::INFINITY, 0.0)),
        check("θ = 0.5: Jensen-Shannon", js(&p, &q), Near(2f64.ln(), 1e-12)),
        check("θ = 0.5: Wasserstein", w1(&p, &q) * WIDTH, Near(0.5, 1e-12)),
        check("θ = 0.5: slope of total variation", slope(tv), Near(0.0, 1e-12)),
        check("θ = 0.5: slope of Jensen-Shannon", slope(js), Near(0.0, 1e-12)),
        check("θ = 0.5: slope of Wasserstein", slope(w1) * WIDTH, Near(1.0, 1e-9)),
    ];
    let (mut gaps, mut slopes) = (Vec::new(), Vec::new());
    for &theta in thetas {
        let game = Game { batch: 64, lr: 5e-4, ..toy(Lipschitz::penalty(Penalty::Lp, LAMBDA)) };
        let critic = CriticTraining::trained(&game, line(0.0), line(theta), size.pick(2000, 4000))?;
        // An lp critic settles where its slope is 1 + |θ|/2λ.
        let known = 1.0 + theta.abs() / (2.0 * LAMBDA);
        let gap = critic.gap(&points(0.0), &points(theta))?;
        table.push(check(format!("θ = {theta}: the critic's gap"), gap, Near(theta.abs() * known, 0.02)));
        gaps.push((theta, gap));
        if theta != 0.0 {
            let slope = critic.pull(&points(theta))?;
            table.push(check(format!("θ = {theta}: slope of the gap"), slope, Near(theta.signum() * known, 0.05)));
            slopes.push((theta, slope));
        }
    }
    let sentence = "Total variation and Jensen-Shannon are the same at every θ ≠ 0 and KL is infinite, so none tells a \
        generator where to go; the Wasserstein distance falls with |θ|, and a trained critic finds both it and its slope.";
    let apart = [-1.05, -1e-9, f64::NAN, 1e-9, 1.05]; // without θ = 0
    let constant = |height: f64| apart.map(|theta| (theta, height));
    let (alone, tv_and_js) = ("the same lines: all are 0", [(0.0, 1.0), (0.0, 2f64.ln())]);
    let theta = axis("θ").range(-1.05, 1.05);
    let distances = Panel::new("Distance (KL is infinite)", theta.clone(), axis("distance").range(0.0, 1.15))
        .line("TV", ORANGE, constant(1.0))
        .line("JS", GREEN, constant(2f64.ln()))
        .line("Wasserstein", BLUE, [(-1.05, 1.05), (0.0, 0.0), (1.05, 1.05)])
        .dots("critic", VERMILION, gaps.into_iter().filter(|gap| gap.0 != 0.0))
        .rings("", ORANGE, [tv_and_js[0]])
        .rings("", GREEN, [tv_and_js[1]])
        .dots(alone, INK, [(0.0, 0.0)]);
    let slopes = Panel::new("What a generator could follow", theta, axis("slope by θ").range(-1.25, 1.25))
        .line("TV and JS", GREEN, constant(0.0))
        .line("Wasserstein", BLUE, apart.map(|theta| (theta, theta.signum())))
        .rings("", GREEN, [(0.0, 0.0)])
        .rings("", BLUE, [(0.0, -1.0), (0.0, 1.0)])
        .dots("critic", VERMILION, slopes);
    Ok(Findings { table, figure: Figure::new(2, vec![distances, slopes]), sentence: sentence.to_owned() })
}

/// Samples (x, y), y ~ U(0, 1).
fn line(x: f64) -> impl Distribution {
    move |tape, noise, batch| tape.concat(&[tape.zeros([batch, 1]) + x, tape.uniform(noise, [batch, 1])], 1)
}

/// Evenly spread points of that line, `[100, 2]`.
fn points(x: f64) -> Tensor {
    Tensor::from_fn([100, 2], |i| if i % 2 == 0 { x as f32 } else { (i / 2) as f32 / 99.0 })
}

/// The line at x as a histogram along x. Along y both lines are the same.
fn segment(x: f64) -> [f64; BINS] {
    let mut bins = [0.0; BINS];
    bins[((x + 1.0) * 10.0).round() as usize] = 1.0;
    bins
}

/// The change of a distance by θ, at θ = 0.5.
fn slope(distance: fn(&[f64], &[f64]) -> f64) -> f64 {
    let at = |theta| distance(&segment(0.0), &segment(theta));
    (at(0.6) - at(0.4)) / 0.2
}
