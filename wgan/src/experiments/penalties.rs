//! Every constraint on one problem whose answer is known, and on one that is learned.

use autograd::Tensor;

use super::{Check, CriticTraining, Estimate, Experiment, GanTraining, Outcome, Sampler, Size, mean, normal, toy};
use crate::Result;
use crate::config::{Config, DatasetName, Lipschitz, Options};
use crate::data::Mixture;
use crate::measures::Coverage;
use crate::pictures::{BLUE, Figure, INK, ORANGE, Panel};

/// All constraints side by side.
pub const EXPERIMENT: Experiment = Experiment {
    name: "penalties",
    summary: "all Lipschitz constraints side by side: what they estimate, how steep they are, what is learned",
    run,
};

/// What is known of the gap between point masses at distance 1, and why.
enum Known {
    Near(f64),
    AtMost(f64),
    AtLeast(f64),
}

/// Constraints with a λ (or c, or nothing), and the gap they end at.
fn answers() -> Vec<(Lipschitz, f64, Known)> {
    use Known::{AtLeast, AtMost, Near};
    vec![
        // −s + λ(s − 1)² is smallest at s = 1 + 1/2λ.
        (Lipschitz::Gp, 10.0, Near(1.05)),
        (Lipschitz::Gp, 0.1, Near(6.0)),
        (Lipschitz::Lp, 10.0, Near(1.05)),
        (Lipschitz::Pairs, 10.0, Near(1.05)),
        // The same, but a critic that starts leaning the wrong way is held there, at −0.95.
        (Lipschitz::Difference, 10.0, AtMost(1.1)),
        // −s + λ·max(s, 1) is smallest at s = 1 if λ > 1, and nowhere if λ < 1.
        (Lipschitz::GpOneSided, 2.0, Near(1.0)),
        (Lipschitz::GpOneSided, 0.5, AtLeast(10.0)),
        // Two points on the segment seldom have its ends between them, so there nothing holds the slope.
        (Lipschitz::DifferenceOneSided, 2.0, AtLeast(1.02)),
        // c⁴·√(2·32)·32·32·√32 for c = 0.03
        (Lipschitz::Clip, 0.03, AtMost(0.037_6)),
        (Lipschitz::Spectral, 0.0, AtMost(1.001)),
        (Lipschitz::Bounded, 0.0, Near(2.0)),
        (Lipschitz::None, 0.0, AtLeast(10.0)),
    ]
}

fn run(size: Size) -> Result<Outcome> {
    let mut table = Vec::new();
    for (lipschitz, strength, known) in answers() {
        let config = small(lipschitz, strength)?;
        let gap = point_masses(&config, size.pick(600, 2000))?;
        let what = format!("{}: gap", name(lipschitz, &config));
        table.push(match known {
            Known::Near(answer) => Check::near(what, gap, answer, 0.02 * answer),
            Known::AtMost(bound) => Check::at_most(what, gap, bound),
            Known::AtLeast(bound) => Check::at_least(what, gap, bound),
        });
    }
    // Between these, λ must exceed 2.6 in the middle and 6.1 where a batch has its last points (chapter 7 of the guide).
    for (lambda, known) in [(3.0, None), (10.0, Some(3.0))] {
        let gap = gaussians(lambda, size.pick(1500, 3000))?;
        let what = format!("gp-one-sided, λ = {lambda}, N(0, 1) and N(3, 1): gap");
        table.push(known.map_or_else(|| Check::at_least(&what, gap, 10.0), |w| Check::near(&what, gap, w, 0.05 * w)));
    }
    for (lipschitz, flat) in [(Lipschitz::Gp, false), (Lipschitz::Lp, true)] {
        let slope = slope_without_distance(lipschitz, size.pick(300, 1000))?;
        let what = format!("{lipschitz}, λ = 10, P = Q: slope");
        table.push(if flat { Check::at_most(what, slope, 0.9) } else { Check::near(what, slope, 1.0, 0.05) });
    }

    let mixture = Mixture::of(DatasetName::EightGaussians).expect("it is a mixture");
    let updates = size.pick(20, 1500);
    let (mut panels, mut covered): (Vec<[Panel; 2]>, Vec<usize>) = Default::default();
    for lipschitz in LEARNED {
        let config = learned(lipschitz)?;
        let mut training = GanTraining::new(&config)?;
        training.run(updates)?;
        let (fake, real) = (training.samples(500)?, training.real(500));
        let (coverage, name) = (Coverage::of(fake.data(), &mixture), name(lipschitz, &config));
        table.push(Check::told(format!("{name}: modes covered of 8"), coverage.covered as f64));
        table.push(Check::told(format!("{name}: share of samples within 3σ"), coverage.high_quality));
        covered.push(coverage.covered);
        panels.push([scatter(&name, &real, &fake), slopes(&training.slopes()?)]);
    }
    // Four constraints in a row, the slopes below the samples.
    let rows = panels.chunks(4).flat_map(|four| [0, 1].map(|i| four.iter().map(move |pair| pair[i].clone())));
    let figure = Figure::new(4, rows.flatten().collect()).panel_height(220);
    let (bounded, others) = covered.split_last().expect("there are eight");
    let sentence = format!(
        "Squared penalties overestimate the distance by the known bias, the one-sided one does not if its λ is large enough, \
         spectral normalisation does not exceed it, clipping has a scale of its own, and a bounded critic finds twice the \
         total variation. After {updates} updates the bounded critic's generator covers {bounded} of eight modes, and {} of \
         the other {} cover all.",
        others.iter().filter(|&&covered| covered == 8).count(),
        others.len()
    );
    Ok(Outcome { table, figure, sentence })
}

/// Those that a generator is trained with, the bounded one last.
const LEARNED: [Lipschitz; 8] = [
    Lipschitz::Gp,
    Lipschitz::Lp,
    Lipschitz::GpOneSided,
    Lipschitz::Difference,
    Lipschitz::Pairs,
    Lipschitz::Spectral,
    Lipschitz::Clip,
    Lipschitz::Bounded,
];

/// The point (x, 0) of the plane, where a gradient that points the wrong way can turn around.
fn point(x: f64) -> impl Sampler {
    move |tape, _, batch| tape.concat(&[tape.zeros([batch, 1]) + x, tape.zeros([batch, 1])], 1)
}

fn small(lipschitz: Lipschitz, strength: f64) -> Result<Config> {
    toy(Options {
        lipschitz: Some(lipschitz),
        lambda: lipschitz.is_penalty().then_some(strength),
        clip: (lipschitz == Lipschitz::Clip).then_some(strength),
        dim: Some(32),
        batch: Some(16),
        lr: Some(1e-3),
        ..Options::default()
    })
}

/// With the number that goes with it.
fn name(lipschitz: Lipschitz, config: &Config) -> String {
    match lipschitz {
        Lipschitz::Clip => format!("{lipschitz}, c = {}", config.clip),
        _ if lipschitz.is_penalty() => format!("{lipschitz}, λ = {}", config.lambda),
        _ => lipschitz.to_string(),
    }
}

/// The gap that a critic ends at between (1, 0) and (0, 0).
fn point_masses(config: &Config, updates: u64) -> Result<f64> {
    let mut training = CriticTraining::new(config, 2, point(1.0), point(0.0))?;
    Ok(late(&training.run(updates)?, |estimate| estimate.wasserstein))
}

/// The gap that a critic under the one-sided penalty ends at between N(3, 1) and N(0, 1), whose distance is 3.
fn gaussians(lambda: f64, updates: u64) -> Result<f64> {
    let options = Options { lipschitz: Some(Lipschitz::GpOneSided), lambda: Some(lambda), ..Options::default() };
    let mut training = CriticTraining::new(&toy(options)?, 1, normal(3.0, 1.0), normal(0.0, 1.0))?;
    Ok(late(&training.run(updates)?, |estimate| estimate.wasserstein))
}

/// The slope that a critic ends at where real and generated samples are of one distribution.
fn slope_without_distance(lipschitz: Lipschitz, updates: u64) -> Result<f64> {
    let mut training = CriticTraining::new(&small(lipschitz, 10.0)?, 1, normal(0.0, 1.0), normal(0.0, 1.0))?;
    Ok(late(&training.run(updates)?, |estimate| estimate.slope))
}

/// The mean of the last estimates.
fn late(estimates: &[Estimate], value: fn(&Estimate) -> f64) -> f64 {
    mean(&estimates[estimates.len() - 50..].iter().map(value).collect::<Vec<_>>())
}

fn learned(lipschitz: Lipschitz) -> Result<Config> {
    toy(Options {
        lipschitz: Some(lipschitz),
        clip: (lipschitz == Lipschitz::Clip).then_some(0.03),
        lr: Some(if lipschitz == Lipschitz::Clip { 5e-4 } else { 1e-3 }),
        critic_steps: Some(5),
        dim: Some(64),
        batch: Some(64),
        ..Options::default()
    })
}

fn scatter(title: &str, real: &Tensor, fake: &Tensor) -> Panel {
    let points = |samples: &Tensor| {
        samples.data().chunks(2).map(|point| (f64::from(point[0]), f64::from(point[1]))).collect::<Vec<_>>()
    };
    Panel::new(title, "", "").x_range(-2.0, 2.0).y_range(-2.0, 2.0).specks("", BLUE, points(fake)).specks(
        "",
        ORANGE,
        points(real),
    )
}

fn slopes(slopes: &[f64]) -> Panel {
    Panel::new("", "slope", "").x_range(0.0, 3.0).histogram("", BLUE, slopes, 0.0, 3.0, 30).vertical("", INK, 1.0)
}
