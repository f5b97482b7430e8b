//! The distance from both sides: plans that move a density onto a curve, and a critic. P is N(0, I) on the plane, Q uniform
//! on the circle of radius R. The best plan moves every point along its radius, since f(x) = |‖x‖ − R|, which no step of
//! length d changes by more than d, earns just what that costs: W = E|‖x‖ − R|.

use std::f64::consts::{PI, TAU};

use nn::Rng;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::prelude::*;

pub const SUMMARY: &str = "the distance as the cheapest plan, as the best assignment of samples, and as a critic's gap";

const RADIUS: f64 = 2.0;
/// E|‖x‖ − R| for a Rayleigh-distributed ‖x‖: √(π/2)·(1 − 2·erf(R/√2)) + R, here for R = 2.
const W: f64 = 0.860_738;
/// E‖x − y‖ for independent x and y, the mean of Rice's distribution: √(π/2)·₁F₁(−½; 1; −R²/2) (Rice 1945).
const INDEPENDENT: f64 = 2.272_39;

type Point = [f64; 2];

pub fn run(size: Size) -> Result<Findings> {
    let count = size.pick(20_000, 200_000);
    // The largest difference between a distribution and that of a sample: 1.63/√n in one case of a hundred (Kolmogorov).
    let chance = 1.63 / (count as f64).sqrt();
    // Pairs drawn from a joint distribution: each x from the density, y so that it lies on the curve.
    let independent = draw("coupling", count, |rng| (on_plane(rng), on_circle(rng.random::<f64>() * TAU)));
    let radial = draw("coupling", count, |rng| on_radius(on_plane(rng)));
    let cost = |plan: &[(Point, Point)]| mean(plan.iter().map(|(x, y)| distance(x, y)));
    let (independent_cost, radial_cost) = (cost(&independent), cost(&radial));
    // ‖x‖ is to have the distribution 1 − exp(−r²/2), and angles are to be uniform.
    let error_of_radii = largest_error(radial.iter().map(|(x, _)| 1.0 - (-(x[0] * x[0] + x[1] * x[1]) / 2.0).exp()));
    let error_of_angles = largest_error(radial.iter().map(|(_, y)| (y[1].atan2(y[0]) + PI) / TAU));

    let pairs = size.pick(250, 800);
    let from = draw("samples of the density", pairs, on_plane);
    let to = draw("samples of the curve", pairs, |rng| on_circle(rng.random::<f64>() * TAU));
    let costs: Vec<f64> = from.iter().flat_map(|x| to.iter().map(|y| distance(x, y))).collect();
    let assignment = optimal_assignment(&costs);
    let assigned = assignment.cost / pairs as f64;

    let game = Game { networks: mlp(64), ..lipschitz_toy() };
    let critic = CriticTraining::trained(&game, density, curve, size.pick(2000, 5000))?;
    let (real, fake): (Vec<_>, Vec<_>) = radial[..10_000].iter().copied().unzip();
    let (real, fake) = (tensor(&real), tensor(&fake));
    let (gap, slope) = (critic.gap(&real, &fake)?, mean(critic.slopes(&real)?));
    // What a 1-Lipschitz critic can earn on the samples is at most what the best assignment costs.
    let (high, low) = (critic.scores(&tensor(&from))?, critic.scores(&tensor(&to))?);
    let rises = high.iter().flat_map(|x| low.iter().map(move |y| (x - y).abs()));
    let steepest = rises.zip(&costs).map(|(rise, distance)| rise / distance).fold(0.0, f64::max);
    let earned = (mean(&high) - mean(&low)) / steepest;

    let table = vec![
        check("plan: x and y independent", independent_cost, Near(INDEPENDENT, 0.02)),
        check("plan: along the radius", radial_cost, Near(W, 0.02)),
        check("its marginal on the density: largest error of P(‖x‖ ≤ r)", error_of_radii, Near(0.0, chance)),
        check("its marginal on the curve: largest error of P(angle ≤ α)", error_of_angles, Near(0.0, chance)),
        check("critic: gap", gap, Near(W, 0.05)),
        check("critic: mean slope", slope, Near(1.0, 0.1)),
        check(format!("best assignment of {pairs} samples"), assigned, Near(W, size.pick(0.2, 0.1))),
        check("critic on these samples: gap by its largest slope", earned, AtMost(assigned)),
    ];
    let sentence = format!(
        "No plan costs less than the distance, {W:.3}, and no critic of slope 1 earns more. On {count} pairs drawn at random \
         the best plan costs {radial_cost:.3} and one that ignores where it starts {independent_cost:.3}; the critic earns \
         {gap:.3}. The best assignment of {pairs} samples of either side costs {assigned:.3}, on average more than the \
         distance: samples miss each other."
    );
    let some: Vec<_> = (0..250).map(|i| (from[i].into(), to[assignment.columns[i]].into())).collect();
    let interrupted = (f64::NAN, f64::NAN);
    let plane = Panel::new("The best assignment of samples", "x", "y")
        .isometric()
        .thin_line("who goes where", tint(INK, 0.5), some.iter().flat_map(|&(from, to)| [from, to, interrupted]))
        .specks("density", BLUE, some.iter().map(|pair| pair.0))
        .specks("curve", ORANGE, some.iter().map(|pair| pair.1));
    let ways = axis("").names(&["any plan", "best plan", "samples", "critic"]);
    let distances = Panel::new("Distance", ways, "distance")
        .bars("", BLUE, 0.6, numbered([independent_cost, radial_cost, assigned, gap]))
        .level("W, by formula", INK, W);
    Ok(Findings { table, figure: Figure::new(2, vec![plane, distances]).panel_height(360), sentence })
}

/// The largest difference between the distribution of these numbers and U(0, 1).
fn largest_error(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len() as f64;
    let error = |(i, x): (usize, &f64)| (x - i as f64 / count).abs().max((x - (i + 1) as f64 / count).abs());
    sorted.iter().enumerate().map(error).fold(0.0, f64::max)
}

/// Draws `count` points, or pairs of points, with the random numbers of a stream.
fn draw<T>(stream: &str, count: usize, mut sample: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    let rng = &mut Rng::new(0, stream);
    (0..count).map(|_| sample(rng)).collect()
}

fn on_plane(rng: &mut Rng) -> Point {
    [rng.sample(StandardNormal), rng.sample(StandardNormal)]
}

/// A point, and the point of the circle that lies on its radius.
fn on_radius(x: Point) -> (Point, Point) {
    (x, on_circle(x[1].atan2(x[0])))
}

fn on_circle(angle: f64) -> Point {
    [RADIUS * angle.cos(), RADIUS * angle.sin()]
}

fn distance(x: &Point, y: &Point) -> f64 {
    (x[0] - y[0]).hypot(x[1] - y[1])
}

fn tensor(points: &[Point]) -> Tensor {
    Tensor::from_fn([points.len(), 2], |i| points[i / 2][i % 2] as f32)
}

fn density(tape: &Tape, noise: Stream, batch: usize) -> Var<'_> {
    tape.normal(noise, [batch, 2])
}

fn curve(tape: &Tape, noise: Stream, batch: usize) -> Var<'_> {
    let angle = tape.uniform(noise, [batch, 1]) * TAU;
    tape.concat(&[angle.cos(), angle.sin()], 1) * RADIUS
}

#[cfg(test)]
mod tests {
    use super::super::harness::gaussian::cumulative;
    use super::*;

    /// The first by its formula, erf(R/√2) being 2Φ(R) − 1; the second by the series of ₁F₁, (a)ₙ/(1)ₙ·xⁿ/n!.
    #[test]
    fn the_known_distances_are_those_of_their_formulas() {
        let erf = 2.0 * cumulative(RADIUS) - 1.0;
        assert!(((PI / 2.0).sqrt() * (1.0 - 2.0 * erf) + RADIUS - W).abs() < 1e-6);
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 0..50 {
            let n = f64::from(n);
            term *= (n - 0.5) / (n + 1.0).powi(2) * -(RADIUS * RADIUS / 2.0);
            sum += term;
        }
        assert!(((PI / 2.0).sqrt() * sum - INDEPENDENT).abs() < 1e-5);
    }
}
