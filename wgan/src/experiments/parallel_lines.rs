//! Two parallel segments in the plane, (0, y) and (θ, y) with y ~ U(0, 1): arXiv 1701.07875, example 1 and figure 1.

use autograd::Tensor;

use super::histograms::{js, kl, tv, w1};
use super::{Check, CriticTraining, Experiment, Outcome, Sampler, Size, toy};
use crate::Result;
use crate::config::{Config, Lipschitz, Options};
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, Panel, VERMILION};

/// Both segments at distance θ, under every distance there is a name for.
pub const EXPERIMENT: Experiment = Experiment {
    name: "parallel-lines",
    summary: "two parallel lines: only the Wasserstein distance says how far apart they are",
    run,
};

const BATCH: usize = 64;
/// λ of the critic's penalty.
const LAMBDA: f64 = 10.0;
/// Histograms along x: bins of a tenth, from −1.05 to 1.05.
const BINS: usize = 21;
const WIDTH: f64 = 0.1;

fn run(size: Size) -> Result<Outcome> {
    let thetas: &[f64] = size.pick(&[-1.0, 0.5], &[-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
    let critics = thetas.iter().map(|&theta| trained(theta, size.pick(2000, 4000))).collect::<Result<Vec<_>>>()?;

    let (p, q) = (segment(0.0), segment(0.5));
    let mut table = vec![
        Check::near("θ = 0.5: total variation", tv(&p, &q), 1.0, 0.0),
        Check::near("θ = 0.5: KL(P‖Q)", kl(&p, &q), f64::INFINITY, 0.0),
        Check::near("θ = 0.5: KL(Q‖P)", kl(&q, &p), f64::INFINITY, 0.0),
        Check::near("θ = 0.5: Jensen-Shannon", js(&p, &q), 2f64.ln(), 1e-12),
        Check::near("θ = 0.5: Wasserstein", w1(&p, &q) * WIDTH, 0.5, 1e-12),
        Check::near("θ = 0.5: slope of total variation", slope(tv), 0.0, 1e-12),
        Check::near("θ = 0.5: slope of Jensen-Shannon", slope(js), 0.0, 1e-12),
        Check::near("θ = 0.5: slope of Wasserstein", slope(w1) * WIDTH, 1.0, 1e-9),
    ];
    for critic in &critics {
        let theta = critic.theta;
        // An lp critic settles where its slope is 1 + |θ|/2λ.
        let biased = |w: f64| w + w * w / (2.0 * LAMBDA);
        table.push(Check::near(format!("θ = {theta}: the critic's gap"), critic.gap, biased(theta.abs()), 0.02));
        if theta != 0.0 {
            let known = theta.signum() * (1.0 + theta.abs() / (2.0 * LAMBDA));
            table.push(Check::near(format!("θ = {theta}: slope of the gap"), critic.slope, known, 0.05));
        }
    }
    let sentence = "Total variation and Jensen-Shannon are the same at every θ ≠ 0 and KL is infinite, so none tells a \
        generator where to go; the Wasserstein distance falls with |θ|, and a trained critic finds both it and its slope.";
    Ok(Outcome { table, figure: figure(&critics), sentence: sentence.to_owned() })
}

/// What a critic between the lines at 0 and θ finds.
struct Trained {
    theta: f64,
    gap: f64,
    /// Of the gap, by θ: what the generator's update would follow.
    slope: f64,
}

fn trained(theta: f64, updates: u64) -> Result<Trained> {
    let mut training = CriticTraining::new(&config()?, 2, line(0.0), line(theta))?;
    training.run(updates)?;
    let gap = training.gap(&points(0.0), &points(theta))?;
    let slope = training.pull(&points(theta))?;
    Ok(Trained { theta, gap, slope })
}

/// Samples (x, y), y ~ U(0, 1).
fn line(x: f64) -> impl Sampler {
    move |tape, noise, batch| tape.concat(&[tape.zeros([batch, 1]) + x, tape.uniform(noise, [batch, 1])], 1)
}

/// Evenly spread points of that line, `[100, 2]`.
fn points(x: f64) -> Tensor {
    Tensor::from_fn([100, 2], |i| if i % 2 == 0 { x as f32 } else { (i / 2) as f32 / 99.0 })
}

fn config() -> Result<Config> {
    toy(Options {
        batch: Some(BATCH),
        lipschitz: Some(Lipschitz::Lp),
        lambda: Some(LAMBDA),
        lr: Some(5e-4),
        ..Options::default()
    })
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

fn figure(critics: &[Trained]) -> Figure {
    let apart = [-1.05, -1e-9, f64::NAN, 1e-9, 1.05]; // with a gap at 0
    let constant = |height: f64| apart.map(|theta| (theta, height));
    let distances = Panel::new("Distance (KL is infinite)", "θ", "distance")
        .x_range(-1.05, 1.05)
        .y_range(0.0, 1.15)
        .line("TV", ORANGE, constant(1.0))
        .line("JS", GREEN, constant(2f64.ln()))
        .line("Wasserstein", BLUE, [(-1.05, 1.05), (0.0, 0.0), (1.05, 1.05)])
        .dots("critic", VERMILION, critics.iter().map(|critic| (critic.theta, critic.gap)));
    let slopes = Panel::new("What a generator could follow", "θ", "slope by θ")
        .x_range(-1.05, 1.05)
        .y_range(-1.25, 1.25)
        .level("", INK, 0.0)
        .line("TV and JS", GREEN, constant(0.0))
        .line("Wasserstein", BLUE, apart.map(|theta| (theta, theta.signum())))
        .dots(
            "critic",
            VERMILION,
            critics.iter().filter(|critic| critic.theta != 0.0).map(|critic| (critic.theta, critic.slope)),
        );
    Figure::new(2, vec![distances, slopes])
}
