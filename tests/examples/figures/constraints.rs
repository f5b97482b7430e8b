//! Chapter 7: what each penalty asks for a slope, where the loss is then smallest, and what the critic looks like.

use wgan::figure::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, SKY, VERMILION, axis};

/// Generated samples are at 0, real ones at W.
const W: f64 = 1.0;
/// Of the squared penalties, small enough for its bias to be seen; of the one-sided one, above W.
const SQUARED: f64 = 1.0;
const ONE_SIDED: f64 = 2.0;

pub fn figure() -> String {
    let two_sided = |s: f64| SQUARED * (s - 1.0) * (s - 1.0);
    let lp = |s: f64| SQUARED * (s - 1.0).max(0.0) * (s - 1.0).max(0.0);
    // λ·max(s, 1), less the λ that it always costs.
    let one_sided = |s: f64| ONE_SIDED * (s - 1.0).max(0.0);
    let over =
        |value: &dyn Fn(f64) -> f64| (0..=60).map(|i| f64::from(i) / 20.0).map(|s| (s, value(s))).collect::<Vec<_>>();
    let slope = || axis("slope s of the critic").range(0.0, 3.0);
    let prices = Panel::new("What a slope costs", slope(), axis("penalty").range(-0.1, 3.0))
        .broad_line("gp, λ = 1", BLUE, over(&two_sided))
        .line("lp, λ = 1", ORANGE, over(&lp))
        .line("one-sided, λ = 2, less λ", GREEN, over(&one_sided));
    let loss = |penalty: fn(f64) -> f64| move |s: f64| penalty(s) - s * W;
    let losses = Panel::new("What a critic of that slope loses", slope(), axis("penalty − s·W").range(-2.0, 1.5))
        .broad_line("none", VERMILION, over(&loss(|_| 0.0)))
        .broad_line("gp", BLUE, over(&loss(two_sided)))
        .line("lp", ORANGE, over(&loss(lp)))
        .line("one-sided", GREEN, over(&loss(one_sided)))
        .dots("the least", INK, [(1.0 + W / (2.0 * SQUARED), -W - W * W / (4.0 * SQUARED)), (1.0, -W)]);
    let x = || axis("x").range(-0.5, 1.5);
    let straight = |s: f64| [(-0.5, -0.5 * s), (1.5, 1.5 * s)];
    // c⁴ times the roots of the numbers of weights: 1 · 32, 32 · 32 twice, 32 · 1, for c = 0.03.
    let clipped = 0.03f64.powi(4) * 32.0 * 32.0 * 32.0;
    let critics = Panel::new("The critics they leave", x(), axis("D(x) − D(0)").range(-0.9, 2.2))
        .vertical("generated at 0, real at 1", INK, 0.0)
        .vertical("", INK, W)
        .line("gp, lp", BLUE, straight(1.0 + W / (2.0 * SQUARED)))
        .line("one-sided", GREEN, straight(1.0))
        .line("clip, c = 0.03", PURPLE, straight(clipped));
    let bound = Panel::new("… and the ones without a slope", x(), axis("D(x) − D(0)").range(-0.9, 2.2))
        .vertical("generated at 0, real at 1", INK, 0.0)
        .vertical("", INK, W)
        .line("bounded", SKY, [(-0.5, 0.0), (0.48, 0.0), (0.52, 2.0), (1.5, 2.0)])
        .line("none", VERMILION, [(-0.05, -1.0), (0.0, 0.0), (0.1, 2.5)]);
    Figure::new(2, vec![prices, losses, critics, bound]).svg()
}
