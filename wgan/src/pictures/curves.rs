//! The metrics over the steps: the Wasserstein estimate, the quality of the samples, the losses, the slopes, the gradients.

use crate::config::Config;
use crate::figure::{BLUE, Colour, Figure, GREEN, INK, ORANGE, Panel, SKY, VERMILION, axis, tint};
use crate::numbers::{evenly, extent};
use crate::run::metrics::Row;
use crate::run::quality::Quality;

/// Curves that are drawn over each other.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What they have in common.
    pub name: &'static str,
    /// What is measured, for the axis.
    pub quantity: &'static str,
    /// Each in its colour.
    pub curves: Vec<Curve>,
    /// A value to hold them against, with its name in the legend: where a constraint wants them to be, or what real samples get.
    pub target: Option<(&'static str, f64)>,
    /// Whether they are drawn on a logarithmic scale.
    pub logarithmic: bool,
}

/// A number of the metrics over the steps.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What the number is; empty for one more curve under the last name.
    pub name: String,
    /// The colour of its line.
    pub colour: Colour,
    /// Steps and finite values, as measured.
    pub raw: Vec<(f64, f64)>,
    /// The moving average over a fiftieth of them, at few hundred steps.
    pub smooth: Vec<(f64, f64)>,
}

/// Points that a line is drawn through.
const MOST_POINTS: usize = 400;

/// The charts of a run; one of the quality of its samples if that was measured.
///
/// ```
/// use wgan::{config::Config, game::{Losses, objective::CriticTerms}, run::{metrics::Row, quality::Quality}};
/// let critic = CriticTerms { loss: -1.0, wasserstein: 1.0, penalty: 0.1, slope: 1.0 };
/// let losses = Losses { critic, generator: 0.5 };
/// let row = |step| Row { step, seconds: 0.0, losses, smoothed: 1.0, measured: None };
/// let charts = wgan::pictures::charts(&Config::default(), &[row(1), row(2)], &Quality::default());
/// assert_eq!(charts[0].curves[0].raw, [(1.0, 1.0), (2.0, 1.0)]);
/// ```
pub fn charts(config: &Config, rows: &[Row], quality: &Quality) -> Vec<Chart> {
    let curve = |name: &str, colour, value: fn(&Row) -> Option<f32>| {
        Curve::of(name, colour, rows.iter().filter_map(|row| Some((row.step, f64::from(value(row)?)))))
    };
    let (name, quantity, estimate) = match config.game.objective.estimates_a_distance() {
        true => ("Wasserstein distance", "distance", "estimate of the distance"),
        false => ("Gap", "score", "gap between mean scores"),
    };
    let estimate = vec![
        curve(estimate, BLUE, |row| Some(row.losses.critic.wasserstein)),
        curve("on held-out samples", ORANGE, |row| Some(row.measured.as_deref()?.held_out)),
    ];
    let losses = vec![
        curve("critic loss", VERMILION, |row| Some(row.losses.critic.loss)),
        curve("generator loss", GREEN, |row| Some(row.losses.generator)),
    ];
    let slopes = vec![
        curve("mean slope of the critic", BLUE, |row| Some(row.losses.critic.slope)),
        curve("nine tenths lie between", SKY, |row| Some(row.measured.as_deref()?.slopes.quantile(0.05) as f32)),
        curve("", SKY, |row| Some(row.measured.as_deref()?.slopes.quantile(0.95) as f32)),
    ];
    let gradients = vec![
        curve("gradient of the critic", VERMILION, |row| Some(row.measured.as_deref()?.critic_gradient)),
        curve("of the generator", GREEN, |row| Some(row.measured.as_deref()?.generator_gradient)),
    ];
    let chart = |name, quantity, curves| Chart { name, quantity, curves, target: None, logarithmic: false };
    let judgements = quality.rows.iter().map(|row| (row.step, row.judgement()));
    let quality = quality.names.first().filter(|_| !quality.rows.is_empty()).map(|name| {
        let judgement = vec![Curve::of(name, GREEN, judgements)];
        let target = quality.real().map(|real| ("real samples", real));
        Chart { target, logarithmic: true, ..chart("Quality", "distance", judgement) }
    });
    let losses = chart("Losses", "loss", losses);
    [Some(chart(name, quantity, estimate)), quality, Some(losses)]
        .into_iter()
        .flatten()
        .chain([
            Chart {
                target: config.game.objective.lipschitz.lambda().map(|_| ("", 1.0)),
                ..chart("Slope", "norm", slopes)
            },
            Chart { logarithmic: true, ..chart("Gradients", "norm", gradients) },
        ])
        .collect()
}

/// The charts above each other: raw values faint, their moving averages on top.
pub fn curves(config: &Config, rows: &[Row], quality: &Quality) -> Figure {
    let charts = charts(config, rows, quality);
    let last = charts.len() - 1;
    let label = |i| if i == last { "updates of the generator" } else { "" };
    let panels = charts.iter().enumerate().map(|(i, chart)| chart.panel(span(rows), label(i)));
    Figure::new(1, panels.collect()).panel_height(280)
}

/// The first and the last step, around a single one of them.
pub fn span(rows: &[Row]) -> (f64, f64) {
    match [rows.first(), rows.last()].map(|row| row.map_or(0.0, |row| row.step as f64)) {
        [first, last] if first < last => (first, last),
        [only, _] => (only - 1.0, only + 1.0),
    }
}

impl Curve {
    /// The curve of the finite ones of these values, each with its step.
    fn of(name: &str, colour: Colour, values: impl Iterator<Item = (u64, f64)>) -> Self {
        let points = values.map(|(step, value)| (step as f64, value));
        let raw: Vec<(f64, f64)> = points.filter(|point| point.1.is_finite()).collect();
        let smooth = evenly(&moving_average(&raw, raw.len() / 50), MOST_POINTS);
        Curve { name: name.to_owned(), colour, raw, smooth }
    }
}

impl Chart {
    /// The chart of these steps, and what is written below them.
    pub fn panel(&self, (start, end): (f64, f64), steps: &str) -> Panel {
        let (low, high) = self.range();
        let quantity = axis(self.quantity).range(low, high);
        let quantity = if self.logarithmic { quantity.log() } else { quantity };
        let mut panel = Panel::new(self.name, axis(steps).range(start, end), quantity);
        if let Some((name, target)) = self.target {
            panel = panel.level(name, INK, target);
        }
        for curve in &self.curves {
            panel = panel.thin_line("", tint(curve.colour, 0.35), evenly(&curve.raw, MOST_POINTS));
        }
        for curve in &self.curves {
            let points = curve.smooth.iter().copied();
            panel = match curve.smooth.len() {
                1 => panel.dots(&curve.name, curve.colour, points),
                _ => panel.line(&curve.name, curve.colour, points),
            };
        }
        panel
    }

    /// What is shown: all of the averages and of the target, and all but the wildest hundredth of the raw values.
    fn range(&self) -> (f64, f64) {
        let mut values: Vec<f64> = self.curves.iter().flat_map(|curve| &curve.raw).map(|point| point.1).collect();
        values.sort_by(f64::total_cmp);
        let wild = values.len() / 200;
        let usual = &values[wild..values.len() - wild];
        let smooth = self.curves.iter().flat_map(|curve| &curve.smooth).map(|point| point.1);
        let shown = usual.iter().copied().chain(smooth).chain(self.target.map(|(_, target)| target));
        let shown = shown.filter(|&x| !self.logarithmic || x > 0.0);
        let (low, high) = extent(shown);
        if low > high {
            return (0.1, 1.0);
        }
        if self.logarithmic {
            return (low / 1.1, high * 1.1);
        }
        // A constant is shown in the middle, between numbers that can be told apart.
        let margin = 0.06 * (high - low).max(1e-2 * high.abs().max(1e-3));
        (low - margin, high + margin)
    }
}

/// Every value replaced by the mean of those up to `reach` before and after it.
fn moving_average(points: &[(f64, f64)], reach: usize) -> Vec<(f64, f64)> {
    let mut sums = vec![0.0];
    for (i, point) in points.iter().enumerate() {
        sums.push(sums[i] + point.1);
    }
    let average = |(i, point): (usize, &(f64, f64))| {
        let window = i.saturating_sub(reach)..(i + reach + 1).min(points.len());
        (point.0, (sums[window.end] - sums[window.start]) / window.len() as f64)
    };
    points.iter().enumerate().map(average).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Losses;
    use crate::game::objective::CriticTerms;

    #[test]
    fn the_average_of_a_line_is_the_line_and_of_a_spike_its_share() {
        let line: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        assert_eq!(moving_average(&line, 3)[3..6], line[3..6]);
        let spike = [(1.0, 0.0), (2.0, 3.0), (3.0, 0.0)];
        assert_eq!(moving_average(&spike, 1), [(1.0, 1.5), (2.0, 1.0), (3.0, 1.5)]);
        assert_eq!(moving_average(&spike, 0), spike);
    }

    #[test]
    fn the_range_leaves_out_wild_values_alone() {
        let mut points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        points[7].1 = 1e9;
        let curve = Curve { name: String::new(), colour: BLUE, raw: points, smooth: Vec::new() };
        let chart = Chart { name: "", quantity: "", curves: vec![curve], target: Some(("", 12.0)), logarithmic: false };
        assert_eq!(chart.range(), (0.0 - 0.72, 12.0 + 0.72));
        assert_eq!(Chart { logarithmic: true, ..chart }.range(), (1.0 / 1.1, 12.0 * 1.1));
    }

    #[test]
    fn runs_without_rows_or_finite_values_are_drawn() {
        let row = Row {
            step: 1,
            seconds: 0.0,
            losses: Losses {
                critic: CriticTerms { loss: f32::NEG_INFINITY, wasserstein: 0.0, penalty: 0.0, slope: f32::NAN },
                generator: 1e30,
            },
            smoothed: f32::NAN,
            measured: None,
        };
        let rows = [row.clone(), Row { step: 2, ..row }];
        for rows in [&[][..], &rows[..1], &rows] {
            assert_eq!(curves(&Config::default(), rows, &Quality::default()).picture().width, 800);
        }
    }
}
