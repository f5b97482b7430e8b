//! How much a critic has to learn between two steps of the generator: the estimate beside the exact distance, and where
//! the generator ends.

use super::{Check, Experiment, GanTraining, Outcome, Size, mean, toy};
use crate::Result;
use crate::config::{Config, CriticSchedule, Lipschitz, Options};
use crate::measures::wasserstein;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, VERMILION};

/// Trainings that differ in the critic's updates alone.
pub const EXPERIMENT: Experiment = Experiment {
    name: "critic-steps",
    summary: "how good the critic's estimate is after one, a few or many updates per update of the generator",
    run,
};

/// Points of either kind between which the exact distance is computed.
const POINTS: usize = 256;

/// What was measured after some updates of the generator.
struct Point {
    step: u64,
    /// The gap divided by the slope.
    estimate: f64,
    /// By optimal assignment.
    exact: f64,
}

/// Updates of the critic, by number or to convergence.
const CHOICES: [(&str, u64, CriticSchedule); 5] = [
    ("1", 1, CriticSchedule::Constant),
    ("2", 2, CriticSchedule::Constant),
    ("5", 5, CriticSchedule::Constant),
    ("20", 20, CriticSchedule::Constant),
    ("to convergence", 5, CriticSchedule::Converge),
];

fn run(size: Size) -> Result<Outcome> {
    let (every, measurements) = size.pick((10, 4), (20, 20));
    let of = |(_, steps, schedule)| course(&config(steps, schedule)?, every, measurements);
    let courses = CHOICES.into_iter().map(of).collect::<Result<Vec<_>>>()?;
    let errors: Vec<f64> = courses.iter().map(|course| error(course)).collect();
    let mut table = Vec::new();
    for ((name, ..), error) in CHOICES.iter().zip(&errors) {
        table.push(Check::told(format!("critic steps {name}: mean error of the estimate"), *error));
    }
    let ends: Vec<f64> = courses.iter().map(|course| course[course.len() - 1].exact).collect();
    for ((name, ..), end) in CHOICES.iter().zip(&ends) {
        table.push(Check::told(format!("critic steps {name}: W at the end"), *end));
    }
    table.push(Check::at_most("error with 20 steps by that with 1", errors[3] / errors[0], 0.7));
    table.push(Check::at_most("error at convergence by that with 1", errors[4] / errors[0], 0.7));
    let sentence = format!(
        "With one update of the critic its estimate is off by {:.2} on average, with 20 by {:.2}, at convergence by {:.2}; \
         after {} updates of the generator the samples are {:.2}, {:.2} and {:.2} from the real ones.",
        errors[0],
        errors[3],
        errors[4],
        every * measurements,
        ends[0],
        ends[3],
        ends[4]
    );
    Ok(Outcome { table, figure: figure(&courses, &errors), sentence })
}

fn config(critic_steps: u64, schedule: CriticSchedule) -> Result<Config> {
    toy(Options {
        lipschitz: Some(Lipschitz::Lp),
        lambda: Some(10.0),
        critic_steps: Some(critic_steps),
        critic_schedule: Some(schedule),
        dim: Some(64),
        batch: Some(POINTS),
        lr: Some(1e-3),
        average: Some(0.0),
        ..Options::default()
    })
}

fn course(config: &Config, every: u64, measurements: u64) -> Result<Vec<Point>> {
    let mut training = GanTraining::new(config)?;
    let real = training.real(POINTS);
    let mut course = Vec::new();
    for i in 1..=measurements {
        // The estimate of one batch is noisy, and so is the distance between two samples: both are taken on the way.
        let losses = training.run(every)?;
        let late = &losses[losses.len() / 2..];
        let estimates: Vec<f64> = late.iter().map(|it| f64::from(it.wasserstein / it.slope.max(1e-3))).collect();
        let exact = wasserstein(real.data(), training.samples(POINTS)?.data(), 2);
        course.push(Point { step: i * every, estimate: mean(&estimates), exact });
    }
    Ok(course)
}

/// The mean of |estimate − W|.
fn error(course: &[Point]) -> f64 {
    mean(&course.iter().map(|point| (point.estimate - point.exact).abs()).collect::<Vec<_>>())
}

fn figure(courses: &[Vec<Point>], errors: &[f64]) -> Figure {
    let colours = [VERMILION, ORANGE, GREEN, BLUE, PURPLE];
    let names = CHOICES.map(|(name, ..)| name);
    let line = |course: &[Point], value: fn(&Point) -> f64| {
        course.iter().map(|point| (point.step as f64, value(point))).collect::<Vec<_>>()
    };
    let mut panels: Vec<Panel> = [0, 3]
        .map(|i| {
            Panel::new(&format!("Critic steps: {}", names[i]), "updates of the generator", "distance")
                .y_range(0.0, 1.75)
                .dashed("exact", INK, line(&courses[i], |point| point.exact))
                .line("estimate", colours[i], line(&courses[i], |point| point.estimate))
        })
        .into();
    let mut result = Panel::new("Result, by critic steps", "updates of the generator", "exact distance");
    for ((name, colour), course) in names.iter().zip(colours).zip(courses) {
        result = result.line(name, colour, line(course, |point| point.exact));
    }
    panels.push(result.y_range(0.0, 1.75));
    let bars = errors.iter().enumerate().map(|(i, &error)| (i as f64, error));
    let short = ["1", "2", "5", "20", "conv."];
    panels.push(
        Panel::new("Error of the estimate", "critic steps", "mean error").x_names(&short).bars("", BLUE, 0.6, bars),
    );
    Figure::new(2, panels)
}
