//! What the page draws: the curves of the metrics, and how the critic's slopes are distributed over time.

use crate::config::Config;
use crate::figure::{BLUE, Figure, INK, Panel, axis};
use crate::game::objective::Loss;
use crate::numbers::{evenly, number};
use crate::pictures::{Chart, charts, span};
use crate::run::histogram::Histogram;
use crate::run::metrics::Row;
use crate::run::quality::Quality;

/// Pixels, where the page has room for them; it shrinks and enlarges figures.
const WIDTH: usize = 480;
/// Ridges in the picture of the slopes.
const MOST_RIDGES: usize = 24;
/// Height of the highest ridge, where the next one is at 1.
const OVERLAP: f64 = 2.5;

/// Each of the run's charts, with what to look for; `unmeasured` stands where there is nothing to draw.
pub fn curves(config: &Config, rows: &[Row], quality: &Quality, unmeasured: &str) -> String {
    let figure = |(chart, meaning): (Chart, String)| {
        let name = chart.name;
        let drawn = if chart.curves.iter().all(|curve| curve.smooth.is_empty()) {
            format!("<strong>{name}</strong>\n{unmeasured}\n")
        } else {
            svg(with_latest(chart).panel(span(rows), "updates of the generator"), 300)
        };
        format!("<figure>\n{drawn}<figcaption>{meaning}</figcaption>\n</figure>\n")
    };
    charts(config, rows, quality).into_iter().zip(meanings(config, quality)).map(figure).collect()
}

/// A ridge for each of some steps, the latest in front.
pub fn slopes(config: &Config, rows: &[Row], unmeasured: &str) -> String {
    let measured = rows.iter().filter_map(|row| Some((row.step, &row.measured.as_deref()?.slopes)));
    let shown: Vec<(u64, &Histogram)> = evenly(&measured.collect::<Vec<_>>(), MOST_RIDGES);
    if shown.is_empty() {
        return unmeasured.to_owned();
    }
    let target = config.game.objective.lipschitz.lambda().map(|_| 1.0);
    // The few largest would take up most of the width.
    let usual = shown.iter().map(|(_, slopes)| slopes.quantile(0.99)).chain(target).filter(|x| x.is_finite());
    let high = match 1.05 * usual.fold(0.0, f64::max) {
        0.0 => 1.0,
        high => high,
    };
    let (highest, stride) = (shown.len() as f64 - 1.0, shown.len().div_ceil(10));
    let name = |(i, (step, _)): (usize, &(u64, _))| if i % stride == 0 { step.to_string() } else { String::new() };
    let names: Vec<String> = shown.iter().rev().enumerate().map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let norms = axis("norm of the critic's gradient").range(0.0, high);
    let steps = axis("updates of the generator").range(-0.2, highest + OVERLAP + 0.2).names(&names);
    let mut panel = Panel::new("", norms, steps);
    for (i, (_, slopes)) in shown.iter().enumerate() {
        let ground = highest - i as f64;
        let most = slopes.counts().iter().copied().max().unwrap_or(0).max(1);
        let tops = slopes.counts().iter().enumerate().map(|(bin, &count)| {
            let [left, right] = slopes.bin(bin);
            ((left + right) / 2.0, ground + OVERLAP * f64::from(count) / f64::from(most))
        });
        let end = f64::from(slopes.high());
        let ends = [(0.0, ground), (end, ground), (end.max(high), ground)];
        panel = panel.ridge("", BLUE, ends[..1].iter().copied().chain(tops).chain(ends[1..].iter().copied()));
    }
    if let Some(target) = target {
        panel = panel.vertical("what the penalty wants", INK, target);
    }
    svg(panel, 520)
}

fn svg(panel: Panel, height: usize) -> String {
    Figure::new(1, vec![panel]).width(WIDTH).panel_height(height).svg()
}

/// The chart with its latest values: each is appended to its curve's name, that of a curve without one to the name before.
fn with_latest(mut chart: Chart) -> Chart {
    let mut latest: Vec<String> = Vec::new();
    for curve in chart.curves.iter_mut().rev() {
        latest.extend(curve.smooth.last().map(|point| number(point.1, 3)));
        if !curve.name.is_empty() {
            latest.reverse();
            curve.name = format!("{} {}", curve.name, latest.join(" and "));
            latest.clear();
        }
    }
    chart
}

/// What to look for in each of [`charts`], in their order.
fn meanings(config: &Config, quality: &Quality) -> Vec<String> {
    let objective = &config.game.objective;
    let estimate = match objective.estimates_a_distance() {
        true => "It falls as the samples get better.",
        false => "This is no distance: it grows with how sure the critic is.",
    };
    let best = match objective.loss {
        Loss::Wasserstein(_) => "0",
        Loss::Standard | Loss::NonSaturating => "ln 4 = 1.39", // of a discriminator that cannot tell
    };
    let judged = match (objective.estimates_a_distance(), config.game.average > 0.0) {
        (false, _) => "",
        (true, false) => " Divided by it, the estimate is nearer to the generator’s distance.",
        (true, true) => {
            " Divided by it, the estimate is nearer to the distance of the generator in training; samples and measures are \
             those of its averaged weights."
        }
    };
    let wanted = objective.lipschitz.lambda().map_or("", |_| "; the penalty wants it to be 1");
    let judgement = quality.correlation().map_or_else(String::new, |correlation| {
        format!(
            " Its correlation with the {} is {correlation:.2}.",
            if objective.estimates_a_distance() { "estimate" } else { "gap" }
        )
    });
    let best_samples =
        quality.best().map_or_else(String::new, |best| format!(" The best are those of step {}.", best.step));
    let quality = (!quality.rows.is_empty())
        .then(|| format!("How far the samples are from real ones, the less the better.{best_samples}{judgement}"));
    let losses = format!(
        "The critic’s rises towards {best} as the samples get better. The generator’s drifts, and means little."
    );
    let distance =
        format!("{estimate} Where it stays well below on held-out samples, the critic knows its data by heart.");
    let slope = format!("How steep the critic is{wanted}.{judged}");
    let gradients =
        "How strongly a batch moves each network. A generator whose gradient sinks to nothing no longer learns."
            .to_owned();
    [Some(distance), quality, Some(losses), Some(slope), Some(gradients)].into_iter().flatten().collect()
}
