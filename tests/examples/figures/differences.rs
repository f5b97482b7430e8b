//! Chapter 4: how wrong a slope comes out that is measured by a difference, over the step.

use wgan::figure::{BLUE, Figure, GREEN, INK, ORANGE, Panel, axis};

pub fn figure() -> String {
    let steps: Vec<f64> = (0..=128).map(|i| libm::exp10(-f64::from(i) / 8.0)).collect(); // 1 to 10⁻¹⁶
    let slope = libm::exp(1.0);
    let errors =
        |measured: &dyn Fn(f64) -> f64| steps.iter().map(|&h| (h, (measured(h) - slope).abs())).collect::<Vec<_>>();
    let one_sided = |h: f64| (libm::exp(1.0 + h) - slope) / h;
    let central = |h: f64| (libm::exp(1.0 + h) - libm::exp(1.0 - h)) / (2.0 * h);
    let in_f32 = |h: f64| {
        let h = h as f32;
        f64::from((libm::expf(1.0 + h) - libm::expf(1.0 - h)) / (2.0 * h))
    };
    let formula = |range: [f64; 2], error: &dyn Fn(f64) -> f64| range.map(|h| (h, error(h)));
    let panel = Panel::new(
        "How wrong a measured slope of eˣ at 1 is",
        axis("step h").log().range(1e-16, 1.0),
        axis("error").log().range(1e-13, 10.0),
    )
    .line("(f(x + h) − f(x)) / h", ORANGE, errors(&one_sided))
    .line("(f(x + h) − f(x − h)) / 2h", BLUE, errors(&central))
    .line("the same in f32", GREEN, errors(&in_f32))
    .dashed("h²/6 · f‴ and ε/h · f", INK, formula([1e-6, 1.0], &|h| h * h / 6.0 * slope))
    .dashed("", INK, formula([1e-16, 1e-3], &|h| f64::EPSILON / 2.0 / h * slope));
    Figure::new(1, vec![panel]).svg()
}
