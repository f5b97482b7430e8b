//! The metrics over the steps: the Wasserstein estimate, the losses, the slope.

use plotters::style::RGBColor;

use super::style::{BLUE, GREEN, INK, VERMILION, tint};
use super::{Figure, Panel, Picture};
use crate::metrics::Row;

/// One line of a panel.
struct Curve {
    name: &'static str,
    colour: RGBColor,
    value: fn(&Row) -> f32,
}

/// Three panels above each other: raw values faint, their moving average over a fiftieth of the run on top.
///
/// ```
/// use wgan::metrics::Row;
/// let row = |step| Row {
///     step, seconds: 0.0, critic_loss: -1.0, wasserstein: 1.0, penalty: 0.1, slope: 1.0, generator_loss: 0.5,
///     smoothed: 1.0, measured: None,
/// };
/// let picture = wgan::pictures::curves(&[row(1), row(2)]);
/// assert!(picture.encode().starts_with(b"\x89PNG"));
/// ```
pub fn curves(rows: &[Row]) -> Picture {
    let panels = [
        vec![Curve { name: "Wasserstein estimate", colour: BLUE, value: |row| row.wasserstein }],
        vec![
            Curve { name: "critic loss", colour: VERMILION, value: |row| row.critic_loss },
            Curve { name: "generator loss", colour: GREEN, value: |row| row.generator_loss },
        ],
        vec![Curve { name: "slope of the critic", colour: BLUE, value: |row| row.slope }],
    ];
    let last = panels.len() - 1;
    let targets = [None, None, Some(1.0)];
    let panels = panels.iter().zip(targets).enumerate();
    let panels = panels.map(|(i, (curves, target))| panel(rows, curves, target, i == last)).collect();
    Figure::new(1, panels).panel_height(280).picture()
}

fn panel(rows: &[Row], curves: &[Curve], target: Option<f64>, last: bool) -> Panel {
    let raw: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| points(rows, curve)).collect();
    let smooth: Vec<Vec<(f64, f64)>> = raw.iter().map(|points| moving_average(points, rows.len() / 50)).collect();
    let (low, high) = range(&raw, &smooth, target);
    let steps = rows.first().map_or(0.0, |row| row.step as f64)..rows.last().map_or(1.0, |row| row.step as f64 + 1e-9);
    let label = if last { "updates of the generator" } else { "" };
    let mut panel = Panel::new("", label, "").x_range(steps.start, steps.end).y_range(low, high);
    if let Some(target) = target {
        panel = panel.level("", INK, target);
    }
    for (points, curve) in raw.into_iter().zip(curves) {
        panel = panel.thin_line("", tint(curve.colour, 0.35), points);
    }
    for (points, curve) in smooth.iter().zip(curves) {
        panel = panel.line(curve.name, curve.colour, thinned(points));
    }
    panel
}

/// The finite values of a curve.
fn points(rows: &[Row], curve: &Curve) -> Vec<(f64, f64)> {
    let points = rows.iter().map(|row| (row.step as f64, f64::from((curve.value)(row))));
    points.filter(|point| point.1.is_finite()).collect()
}

/// Every value replaced by the mean of those up to `reach` before and after it.
fn moving_average(points: &[(f64, f64)], reach: usize) -> Vec<(f64, f64)> {
    let mut sums = vec![0.0];
    sums.extend(points.iter().scan(0.0, |sum, point| {
        *sum += point.1;
        Some(*sum)
    }));
    let average = |(i, point): (usize, &(f64, f64))| {
        let window = i.saturating_sub(reach)..(i + reach + 1).min(points.len());
        (point.0, (sums[window.end] - sums[window.start]) / window.len() as f64)
    };
    points.iter().enumerate().map(average).collect()
}

/// At most a few hundred of the points, evenly chosen, the last among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let stride = points.len().div_ceil(400).max(1);
    let offset = points.len().saturating_sub(1) % stride;
    points.iter().copied().skip(offset).step_by(stride).collect()
}

/// What the panel shows: all of the averages and of the target, and all but the wildest hundredth of the raw values.
fn range(raw: &[Vec<(f64, f64)>], smooth: &[Vec<(f64, f64)>], target: Option<f64>) -> (f64, f64) {
    let mut values: Vec<f64> = raw.iter().flatten().map(|point| point.1).collect();
    values.sort_by(f64::total_cmp);
    let wild = values.len() / 200;
    let usual = &values[wild..values.len() - wild];
    let shown = usual.iter().copied().chain(smooth.iter().flatten().map(|point| point.1)).chain(target);
    let (low, high) = shown.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
    if low > high {
        return (0.0, 1.0);
    }
    // A constant is shown in the middle.
    let margin = 0.06 * (high - low).max(1e-3 * high.abs().max(1e-3));
    (low - margin, high + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_of_a_line_is_the_line_and_of_a_spike_its_share() {
        let line: Vec<(f64, f64)> = (0..9).map(|i| (f64::from(i), 2.0 * f64::from(i))).collect();
        assert_eq!(moving_average(&line, 3)[3..6], line[3..6]);
        let spike = [(1.0, 0.0), (2.0, 3.0), (3.0, 0.0)];
        assert_eq!(moving_average(&spike, 1), [(1.0, 1.5), (2.0, 1.0), (3.0, 1.5)]);
        assert_eq!(moving_average(&spike, 0), spike);
    }

    #[test]
    fn thinning_keeps_the_last_point() {
        let points: Vec<(f64, f64)> = (0..1001).map(|i| (f64::from(i), 0.0)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= 400 && thin.first().unwrap().0 < 3.0 && thin.last() == points.last());
        assert_eq!(thinned(&points[..3]), points[..3]);
        assert_eq!(thinned(&[]), []);
    }

    #[test]
    fn the_range_leaves_out_wild_values_alone() {
        let mut points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), f64::from(i % 10))).collect();
        points[7].1 = 1e9;
        let (low, high) = range(&[points], &[], Some(12.0));
        assert!((low, high) == (0.0 - 0.72, 12.0 + 0.72), "{low} {high}");
    }

    #[test]
    fn runs_without_rows_or_finite_values_are_drawn() {
        let row = Row {
            step: 1,
            seconds: 0.0,
            critic_loss: f32::NEG_INFINITY,
            wasserstein: 0.0,
            penalty: 0.0,
            slope: f32::NAN,
            generator_loss: 1e30,
            smoothed: f32::NAN,
            measured: None,
        };
        let rows = [row.clone(), Row { step: 2, ..row }];
        for rows in [&[][..], &rows[..1], &rows] {
            assert_eq!(curves(rows).width, 800);
        }
    }
}
