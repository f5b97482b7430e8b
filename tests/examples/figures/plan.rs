//! Chapter 6: a best plan between generated and real numbers, and the price that earns as much as it costs.

use wgan::experiments::harness::{gaussian, mean};
use wgan::figure::{BLUE, Figure, GREEN, INK, ORANGE, Panel, axis, tint};

/// Grains of either kind.
const GRAINS: usize = 24;

pub fn figure() -> String {
    let quantiles = |count, centre, deviation| -> Vec<f64> {
        gaussian::quantiles(count, centre, deviation).data().iter().map(|&x| f64::from(x)).collect()
    };
    // Both in order: the k-th smallest goes to the k-th smallest.
    let generated = quantiles(GRAINS, 0.0, 0.6);
    let real = [quantiles(GRAINS / 2, -2.0, 0.4), quantiles(GRAINS / 2, 2.0, 0.4)].concat();
    let cost = mean(generated.iter().zip(&real).map(|(from, to)| (from - to).abs()));
    // All grains move away from 0, so the best price rises by 1 a unit that way.
    let price = |x: &f64| x.abs();
    let [high, low] = [&real, &generated].map(|grains| mean(grains.iter().map(price)));
    assert!((high - low - cost).abs() < 1e-6, "a price that earns {} beside a plan that costs {cost}", high - low);

    let x = || axis("x").range(-3.2, 3.2);
    let at = |grains: &[f64], height: fn(&f64) -> f64| grains.iter().map(|x| (*x, height(x))).collect::<Vec<_>>();
    let ways = generated.iter().zip(&real).flat_map(|(from, to)| [(*from, 1.0), (*to, 0.0), (f64::NAN, f64::NAN)]);
    let plan = Panel::new(
        &format!("A plan: the mean length of its ways is {cost:.2}"),
        x(),
        axis("").names(&["real", "generated"]).range(-0.2, 1.2),
    )
    .thin_line("who goes where", tint(INK, 0.6), ways)
    .dots("", GREEN, at(&generated, |_| 1.0))
    .dots("", ORANGE, at(&real, |_| 0.0));
    let prices =
        Panel::new(&format!("A price: its means are {:.2} apart", high - low), x(), axis("price f").range(-0.3, 3.3))
            .line("f, of slope 1", BLUE, [(-3.2, 3.2), (0.0, 0.0), (3.2, 3.2)])
            .dots("generated", GREEN, at(&generated, |x| x.abs()))
            .dots("real", ORANGE, at(&real, |x| x.abs()))
            .level("mean price of either", INK, high)
            .level("", INK, low);
    Figure::new(2, vec![plan, prices]).svg()
}
