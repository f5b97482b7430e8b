//! Whether the loss tells how good the samples are: the Wasserstein estimate, and a standard GAN's estimate of the
//! Jensen-Shannon divergence, beside a measure of digits that no training sees (arXiv 1701.07875, figures 3 and 4).

use super::outcome::number;
use super::{Check, DigitDistance, Experiment, GanTraining, Outcome, Size, mean};
use crate::Result;
use crate::config::{Config, Norm, Objective, Options};
use crate::pictures::{BLUE, Figure, Panel, Picture, VERMILION};

/// Two trainings on digits, their losses beside the quality of their samples.
pub const EXPERIMENT: Experiment = Experiment {
    name: "loss-and-quality",
    summary: "how closely the loss follows the quality of digits: the Wasserstein estimate, and a standard GAN's",
    run,
};

/// Digits between which the distance is measured.
const DIGITS: usize = 500;

/// A training, measured every so often.
struct Course {
    /// Updates of the generator, what the critic's loss says, how far the digits are from real ones.
    points: Vec<[f64; 3]>,
    /// Some of the digits, early, later, at the end.
    grids: Vec<(u64, Picture)>,
}

fn run(size: Size) -> Result<Outcome> {
    let (every, measurements) = size.pick((25, 10), (25, 24));
    let wasserstein = course(Objective::Wasserstein, every, measurements)?;
    let standard = course(Objective::NonSaturating, every, measurements)?;
    let correlation = |course: &Course| {
        let [losses, distances] = [1, 2].map(|i| course.points.iter().map(|point| point[i]).collect::<Vec<f64>>());
        pearson(&losses, &distances)
    };
    let correlations = [&wasserstein, &standard].map(correlation);
    let divergences: Vec<f64> = standard.points.iter().map(|point| point[1]).collect();
    let stuck = divergences.iter().filter(|&&divergence| 2f64.ln() - divergence < 0.01).count();
    let table = vec![
        Check::at_least("WGAN-GP: correlation of estimate and Fréchet distance", correlations[0], size.pick(0.5, 0.8)),
        Check::told("GAN: correlation of JS estimate and Fréchet distance", correlations[1]),
        Check::at_most("GAN: largest JS estimate", divergences.iter().copied().fold(0.0, f64::max), 2f64.ln()),
        Check::told(format!("GAN: JS estimates of {measurements} within 0.01 of ln 2"), stuck as f64),
        Check::told("WGAN-GP: Fréchet distance at the end", wasserstein.points[measurements as usize - 1][2]),
        Check::told("GAN: Fréchet distance at the end", standard.points[measurements as usize - 1][2]),
    ];
    let sentence = format!(
        "The Wasserstein estimate falls as the digits improve: its correlation with the Fréchet distance is {}. That of the \
         standard GAN's estimate of the Jensen-Shannon divergence is {}; {stuck} of {measurements} times the discriminator \
         told nearly all samples apart, and the estimate was at ln 2, whatever they looked like.",
        number(correlations[0]),
        number(correlations[1])
    );
    Ok(Outcome { table, figure: figure(wasserstein, standard, correlations), sentence })
}

/// Each objective as its papers have it: WGAN-GP, and DCGAN with batch norm in both networks and one update of each.
fn config(objective: Objective) -> Result<Config> {
    let wasserstein = objective == Objective::Wasserstein;
    let norm = Some(if wasserstein { Norm::None } else { Norm::Batch });
    let options = Options {
        objective: Some(objective),
        critic_steps: Some(if wasserstein { 5 } else { 1 }),
        critic_norm: norm,
        generator_norm: norm,
        dim: Some(8),
        batch: Some(50),
        lr: Some(1e-3),
        average: Some(0.0),
        ..Options::default()
    };
    Config::resolve(&options, &Options::default())
}

fn course(objective: Objective, every: u64, measurements: u64) -> Result<Course> {
    let mut training = GanTraining::new(&config(objective)?)?;
    let distance = DigitDistance::to(&training.real(DIGITS))?;
    let mut course = Course { points: Vec::new(), grids: Vec::new() };
    for i in 1..=measurements {
        let losses = training.run(every)?;
        let late = &losses[losses.len() / 2..];
        let told: Vec<f64> = late
            .iter()
            .map(|losses| match objective {
                Objective::Wasserstein => f64::from(losses.wasserstein),
                _ => 2f64.ln() - f64::from(losses.critic) / 2.0, // of the best discriminator: 2 ln 2 − 2 JS
            })
            .collect();
        course.points.push([(i * every) as f64, mean(&told), distance.from(&training.samples(DIGITS)?)?]);
        if [1, measurements / 4, measurements].contains(&i) {
            course.grids.push((i * every, Picture::of_samples(&training.samples(64)?)));
        }
    }
    Ok(course)
}

/// Pearson's correlation.
fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let (mean_x, mean_y) = (mean(x), mean(y));
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| f(x - mean_x, y - mean_y)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

fn figure(wasserstein: Course, standard: Course, correlations: [f64; 2]) -> Figure {
    let line = |course: &Course, i: usize| course.points.iter().map(|point| (point[0], point[i])).collect::<Vec<_>>();
    let scatter = |course: &Course| course.points.iter().map(|point| (point[2], point[1])).collect::<Vec<_>>();
    let step = "updates of the generator";
    let mut panels = vec![
        Panel::new("WGAN-GP: estimate", step, "").line("", BLUE, line(&wasserstein, 1)),
        Panel::new("WGAN-GP: Fréchet distance", step, "").y_log().line("", BLUE, line(&wasserstein, 2)),
        Panel::new("WGAN-GP: correlation", "Fréchet distance", "estimate")
            .note(format!("{:.2}", correlations[0]))
            .x_log()
            .dots("", BLUE, scatter(&wasserstein)),
    ];
    let grids = |course: Course, panels: &mut Vec<Panel>| {
        for (step, grid) in course.grids {
            panels.push(Panel::image("after", grid).note(step.to_string()));
        }
    };
    grids(wasserstein, &mut panels);
    panels.extend([
        Panel::new("GAN: JS estimate", step, "").line("", VERMILION, line(&standard, 1)),
        Panel::new("GAN: Fréchet distance", step, "").y_log().line("", VERMILION, line(&standard, 2)),
        Panel::new("GAN: correlation", "Fréchet distance", "JS estimate")
            .note(format!("{:.2}", correlations[1]))
            .x_log()
            .dots("", VERMILION, scatter(&standard)),
    ]);
    grids(standard, &mut panels);
    Figure::new(3, panels).panel_height(260)
}
