//! Every constraint on one problem whose answer is known, and on one that is learned.

use super::prelude::*;

pub const SUMMARY: &str =
    "all Lipschitz constraints side by side: what they estimate, how steep they are, what is learned";

const fn difference(kind: Penalty, lambda: f64) -> Lipschitz {
    Lipschitz::Penalty { kind, lambda, slope: Slope::OfDifference }
}

/// Constraints, and the gap between point masses at distance 1 that they end at.
const GAPS: [(&str, Lipschitz, Known); 12] = [
    // −s + λ(s − 1)² is smallest at s = 1 + 1/2λ.
    ("gp", Lipschitz::penalty(Penalty::TwoSided, 10.0), Near(1.05, 0.021)),
    ("gp", Lipschitz::penalty(Penalty::TwoSided, 0.1), Near(6.0, 0.12)),
    ("lp", Lipschitz::penalty(Penalty::Lp, 10.0), Near(1.05, 0.021)),
    ("pairs", Lipschitz::Pairs { lambda: 10.0 }, Near(1.05, 0.021)),
    // The same, but a critic that starts leaning the wrong way is held there, at −0.95.
    ("difference", difference(Penalty::TwoSided, 10.0), AtMost(1.1)),
    // −s + λ·max(s, 1) is smallest at s = 1 if λ > 1, and nowhere if λ < 1.
    ("gp-one-sided", Lipschitz::penalty(Penalty::OneSided, 2.0), Near(1.0, 0.02)),
    ("gp-one-sided", Lipschitz::penalty(Penalty::OneSided, 0.5), AtLeast(10.0)),
    // Two points on the segment seldom have its ends between them, so there nothing holds the slope.
    ("difference-one-sided", difference(Penalty::OneSided, 2.0), AtLeast(1.02)),
    // c⁴·√(2·32)·32·32·√32 for c = 0.03
    ("clip", Lipschitz::Clip { c: 0.03 }, AtMost(0.037_6)),
    ("spectral", Lipschitz::Spectral, AtMost(1.001)),
    ("bounded", Lipschitz::Bounded, Near(2.0, 0.04)),
    ("none", Lipschitz::None, AtLeast(10.0)),
];

/// The constraints that a generator is trained with, each with its learning rate, the bounded one last.
const LEARNED: [(&str, Lipschitz, f64); 8] = [
    ("gp", Lipschitz::penalty(Penalty::TwoSided, 0.1), 1e-3),
    ("lp", Lipschitz::penalty(Penalty::Lp, 0.1), 1e-3),
    ("gp-one-sided", Lipschitz::penalty(Penalty::OneSided, 10.0), 1e-3),
    ("difference", difference(Penalty::TwoSided, 0.1), 1e-3),
    ("pairs", Lipschitz::Pairs { lambda: 10.0 }, 1e-3),
    ("spectral", Lipschitz::Spectral, 1e-3),
    ("clip", Lipschitz::Clip { c: 0.03 }, 5e-4),
    ("bounded", Lipschitz::Bounded, 1e-3),
];

pub fn run(size: Size) -> Result<Findings> {
    let mut table = Vec::new();
    for (name, lipschitz, known) in GAPS {
        let game = Game { batch: 16, ..toy(lipschitz) };
        let terms = CriticTraining::new(&game, point(1.0), point(0.0))?.settled(size.pick(600, 2000))?;
        table.push(check(format!("{}: gap", with_number(name, lipschitz)), terms.wasserstein, known));
    }
    // Between these, λ must exceed 2.6 in the middle and 6.1 where a batch has its last points (chapter 7 of the guide).
    for (lambda, known) in [(3.0, AtLeast(10.0)), (10.0, Near(3.0, 0.15))] {
        let updates = size.pick(1500, 3000);
        let game = toy(Lipschitz::penalty(Penalty::OneSided, lambda));
        let terms = CriticTraining::new(&game, normal(3.0, 1.0), normal(0.0, 1.0))?.settled(updates)?;
        let what = format!("gp-one-sided, λ = {lambda}, N(0, 1) and N(3, 1): gap");
        table.push(check(what, terms.wasserstein, known));
    }
    for (name, lipschitz, known) in [
        ("gp", Lipschitz::penalty(Penalty::TwoSided, 10.0), Near(1.0, 0.05)),
        ("lp", Lipschitz::penalty(Penalty::Lp, 10.0), AtMost(0.9)),
    ] {
        let game = Game { batch: 16, ..toy(lipschitz) };
        let updates = size.pick(300, 1000);
        let terms = CriticTraining::new(&game, normal(0.0, 1.0), normal(0.0, 1.0))?.settled(updates)?;
        table.push(check(format!("{}, P = Q: slope", with_number(name, lipschitz)), terms.slope, known));
    }

    let mixture = Toy::EightGaussians.mixture().expect("it is one");
    let updates = size.pick(20, 1500);
    let (mut samples, mut slopes, mut covered) = (Vec::new(), Vec::new(), Vec::new());
    for (i, (name, lipschitz, lr)) in LEARNED.into_iter().enumerate() {
        let game = Game { networks: mlp(64), lr, batch: 64, ..toy(lipschitz) };
        let mut training = GanTraining::new(&game, &Source::Toy(Toy::EightGaussians))?;
        training.run(updates)?;
        let (fake, real) = (training.samples(500)?, training.real(500));
        let (coverage, name) = (Coverage::of(fake.data(), &mixture), with_number(name, lipschitz));
        table.push(check(format!("{name}: modes covered of 8"), coverage.covered as f64, Open));
        table.push(check(format!("{name}: share of samples within 3σ"), coverage.high_quality, Open));
        covered.push(coverage.covered);
        // One legend for a row, and one scale for all.
        let named = |name| if i % 4 == 0 { name } else { "" };
        let panel = Panel::new(&name, axis("x").range(-2.0, 2.0), axis("y").range(-2.0, 2.0));
        let panel = panel.specks(named("made"), BLUE, plane(fake.data()));
        samples.push(panel.specks(named("real"), ORANGE, plane(real.data())));
        let [low, high] = SLOPES;
        let panel = Panel::new("", axis("slope").log().range(low, high), axis("share").range(0.0, 1.0));
        slopes.push(panel.area("", BLUE, shares(&training.slopes()?)).vertical(named("slope 1"), INK, 1.0));
    }
    // Four constraints in a row, the slopes below the samples.
    let rows = samples.chunks(4).zip(slopes.chunks(4)).flat_map(|(samples, slopes)| [samples, slopes].concat());
    let figure = Figure::new(4, rows.collect()).panel_height(240);
    let (bounded, others) = covered.split_last().expect("there are eight");
    let all_eight = others.iter().filter(|&&covered| covered == 8).count();
    let sentence = format!(
        "Squared penalties overestimate the distance by the known bias, the one-sided one does not if its λ is large enough, \
         spectral normalisation does not exceed it, clipping has a scale of its own, and a bounded critic finds twice the \
         total variation. After {updates} updates the bounded critic's generator covers {bounded} of eight modes, and \
         {all_eight} of the other {} cover all.",
        others.len()
    );
    Ok(Findings { table, figure, sentence })
}

/// From where to where slopes are counted: those beyond count at the ends.
const SLOPES: [f64; 2] = [1e-3, 10.0];

/// The share of the slopes in each of a number of bins, whose edges are powers of one ratio, as the outline of a histogram.
fn shares(slopes: &[f64]) -> Polyline {
    const BINS: usize = 16; // four to a decade
    let [low, high] = SLOPES.map(f64::ln);
    let mut shares = [0.0; BINS];
    for slope in slopes {
        let bin = ((slope.ln() - low) / (high - low) * BINS as f64).clamp(0.0, BINS as f64 - 1.0);
        shares[bin as usize] += 1.0 / slopes.len() as f64;
    }
    let edge = |i: usize| (low + (high - low) * i as f64 / BINS as f64).exp();
    (0..BINS).flat_map(|i| [(edge(i), shares[i]), (edge(i + 1), shares[i])]).collect()
}

/// A constraint's name, with the number that goes with it.
fn with_number(name: &str, lipschitz: Lipschitz) -> String {
    match lipschitz {
        Lipschitz::Clip { c } => format!("{name}, c = {c}"),
        Lipschitz::Penalty { lambda, .. } | Lipschitz::Pairs { lambda } => format!("{name}, λ = {lambda}"),
        Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => name.to_owned(),
    }
}
