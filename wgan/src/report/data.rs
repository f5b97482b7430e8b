//! What the page's script draws, as JSON.

use serde::Serialize;

use crate::config::{Config, Objective};
use crate::metrics::Row;
use crate::pictures::{self, data_uri, evenly};

const MOST_POINTS: usize = 400;
/// Ridges in the picture of the slopes.
const MOST_RIDGES: usize = 24;

/// What to look for in each of [`charts`](pictures::charts), in their order.
fn meanings(config: &Config) -> [String; 4] {
    let estimate = match config.estimates_a_distance() {
        true => "It falls as the samples get better.",
        false => "This is no distance: it grows with how sure the critic is.",
    };
    let best = match config.objective {
        Objective::Wasserstein => "0",
        Objective::Standard | Objective::NonSaturating => "ln 4 = 1.39", // of a discriminator that cannot tell
    };
    let judged = match (config.estimates_a_distance(), config.average > 0.0) {
        (false, _) => "",
        (true, false) => " Divided by it, the estimate is nearer to the generator’s distance.",
        (true, true) => {
            " Divided by it, the estimate is nearer to the distance of the generator in training; samples and measures are \
             those of its averaged weights."
        }
    };
    let wanted = if config.lipschitz.is_penalty() { "; the penalty wants it to be 1" } else { "" };
    [
        format!("{estimate} Where it stays well below on held-out samples, the critic knows its data by heart."),
        format!(
            "The critic’s rises towards {best} as the samples get better. The generator’s drifts, and means little."
        ),
        format!("How steep the critic is{wanted}.{judged}"),
        "How strongly a batch moves each network. A generator whose gradient sinks to nothing no longer learns."
            .to_owned(),
    ]
}

/// Everything that is drawn.
#[derive(Serialize)]
pub struct Data {
    /// The first and the last.
    steps: [u64; 2],
    charts: Vec<Chart>,
    slopes: Slopes,
    samples: Vec<Sample>,
}

#[derive(Serialize)]
struct Chart {
    name: &'static str,
    meaning: String,
    range: [f64; 2],
    target: Option<f64>,
    logarithmic: bool,
    curves: Vec<Curve>,
}

#[derive(Serialize)]
struct Curve {
    name: &'static str,
    colour: String,
    raw: Points,
    smooth: Points,
}

type Points = Vec<[f64; 2]>;

#[derive(Serialize)]
struct Slopes {
    /// What the picture's width shows.
    high: f64,
    target: Option<f64>,
    ridges: Vec<Ridge>,
}

/// The histogram of a step.
#[derive(Clone, Serialize)]
struct Ridge {
    step: u64,
    high: f64,
    counts: Vec<u32>,
}

#[derive(Serialize)]
struct Sample {
    step: u64,
    png: String,
}

impl Data {
    /// The data of a run with these rows, and these pictures as PNG files, each with its step.
    pub fn new(config: &Config, rows: &[Row], pictures: &[(u64, Vec<u8>)]) -> Self {
        let charts = pictures::charts(config, rows).into_iter().zip(meanings(config));
        let charts = charts.map(|(chart, meaning)| Chart::new(chart, meaning));
        let ends = [rows.first(), rows.last()];
        Data {
            steps: ends.map(|row| row.map_or(0, |row| row.step)),
            charts: charts.collect(),
            slopes: Slopes::new(config, rows),
            samples: pictures.iter().map(|(step, png)| Sample { step: *step, png: data_uri(png) }).collect(),
        }
    }

    /// JSON that can stand within a `<script>`.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string(self).expect("numbers and strings are JSON");
        json.replace('<', "\\u003c")
    }
}

impl Chart {
    fn new(chart: pictures::Chart, meaning: String) -> Self {
        let (low, high) = chart.range();
        let pictures::Chart { name, curves, target, logarithmic } = chart;
        let curve = |curve: pictures::Curve| Curve {
            name: curve.name,
            colour: hexadecimal(curve.colour),
            raw: evenly(&curve.raw, MOST_POINTS).into_iter().map(short).collect(),
            smooth: curve.smooth.into_iter().map(short).collect(),
        };
        Chart {
            name,
            meaning,
            range: [low, high],
            target,
            logarithmic,
            curves: curves.into_iter().map(curve).collect(),
        }
    }
}

impl Slopes {
    fn new(config: &Config, rows: &[Row]) -> Self {
        let measured = rows.iter().filter_map(|row| Some((row.step, &row.measured.as_deref()?.slopes)));
        let ridge = |(step, slopes): (u64, &crate::histogram::Histogram)| {
            // The few largest would take up most of the width.
            (slopes.quantile(0.99), Ridge { step, high: slopes.high().into(), counts: slopes.counts().to_vec() })
        };
        let ridges: Vec<(f64, Ridge)> = measured.map(ridge).collect();
        let shown = evenly(&ridges, MOST_RIDGES);
        let target = config.lipschitz.is_penalty().then_some(1.0);
        let high = shown.iter().map(|(high, _)| *high).chain(target).filter(|high| high.is_finite());
        Slopes {
            high: 1.05 * high.fold(0.0, f64::max),
            target,
            ridges: shown.into_iter().map(|(_, ridge)| ridge).collect(),
        }
    }
}

/// Five digits are more than a screen shows.
fn short((step, value): (f64, f64)) -> [f64; 2] {
    [step, format!("{value:.4e}").parse().expect("a formatted number is one")]
}

fn hexadecimal(pictures::Colour { rgb: [red, green, blue], .. }: pictures::Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
