//! How much a critic has to learn between two steps of the generator: the estimate beside the exact distance, and where
//! the generator ends.

use super::prelude::*;
use crate::game::{CriticSchedule, Schedule};
use crate::numbers::extent;

pub const SUMMARY: &str =
    "how good the critic's estimate is after one, a few or many updates per update of the generator";

/// Points of either kind between which the exact distance is computed.
const POINTS: usize = 256;
/// Updates of the critic, by number or to convergence.
const CHOICES: [(&str, u64, CriticSchedule); 5] = [
    ("1", 1, CriticSchedule::Constant),
    ("2", 2, CriticSchedule::Constant),
    ("5", 5, CriticSchedule::Constant),
    ("20", 20, CriticSchedule::Constant),
    ("to convergence", 5, CriticSchedule::Converge),
];

/// Trainings with one of these choices, one for each seed.
struct Course {
    name: &'static str,
    /// The gap divided by the slope.
    estimate: Spread,
    /// The exact distance, by optimal assignment, and its last value, the mean over the seeds.
    exact: Spread,
    end: f64,
    /// The mean of |estimate − W| of each seed.
    errors: Vec<f64>,
}

impl Course {
    fn error(&self) -> f64 {
        mean(&self.errors)
    }
}

/// Curves of several seeds over updates of the generator: at each place their mean, the least and the greatest.
struct Spread(Vec<(f64, [f64; 3])>);

impl Spread {
    fn of(curves: &[Polyline]) -> Self {
        let at = |i: usize| {
            let values = || curves.iter().map(move |curve| curve[i].1);
            let (low, high) = extent(values());
            (curves[0][i].0, [mean(values()), low, high])
        };
        Spread((0..curves[0].len()).map(at).collect())
    }

    fn mean(&self) -> impl Iterator<Item = (f64, f64)> {
        self.0.iter().map(|&(x, [mean, ..])| (x, mean))
    }

    fn bounds(&self) -> impl Iterator<Item = (f64, [f64; 2])> {
        self.0.iter().map(|&(x, [_, low, high])| (x, [low, high]))
    }
}

pub fn run(size: Size) -> Result<Findings> {
    let (every, measurements, seeds) = size.pick((10, 4, 2), (20, 20, 5));
    let courses = CHOICES.iter().map(|(name, steps, kind)| course(name, *steps, *kind, every, measurements, seeds));
    let courses = courses.collect::<Result<Vec<_>>>()?;
    let [one, _, _, twenty, converged] = &courses[..] else { unreachable!("there are five") };
    let mut table = Vec::new();
    for course in &courses {
        table.push(check(format!("critic steps {}: mean error of the estimate", course.name), course.error(), Open));
    }
    for Course { name, end, .. } in &courses {
        table.push(check(format!("critic steps {name}: W at the end"), *end, Open));
    }
    table.push(check("error with 20 steps by that with 1", twenty.error() / one.error(), AtMost(0.7)));
    table.push(check("error at convergence by that with 1", converged.error() / one.error(), AtMost(0.7)));
    let updates = every * measurements;
    let [(error_1, end_1), (error_20, end_20), (error, end)] =
        [one, twenty, converged].map(|course| (course.error(), course.end));
    let sentence = format!(
        "Over {seeds} seeds, with one update of the critic its estimate is off by {error_1:.2} on average, with 20 by \
         {error_20:.2}, at convergence by {error:.2}; after {updates} updates of the generator the samples are {end_1:.2}, \
         {end_20:.2} and {end:.2} from the real ones."
    );
    Ok(Findings { table, figure: figure(&courses), sentence })
}

fn course(
    name: &'static str,
    critic_steps: u64,
    kind: CriticSchedule,
    every: u64,
    times: u64,
    seeds: u64,
) -> Result<Course> {
    let (mut estimates, mut exacts) = (Vec::new(), Vec::new());
    for seed in 0..seeds {
        let (schedule, toy) = (Schedule { critic_steps, kind }, toy(Lipschitz::penalty(Penalty::Lp, 10.0)));
        let game = Game { networks: mlp(64), schedule, batch: POINTS, average: 0.0, seed, ..toy };
        let mut training = GanTraining::new(&game, &Source::Toy(Toy::EightGaussians))?;
        let real = training.real(POINTS);
        let [estimate, exact] = training.course(every, times, |training, losses| {
            // The estimate of one batch is noisy, and so is the distance between two samples: both are taken on the way.
            let estimates =
                losses.iter().map(|losses| f64::from(losses.critic.wasserstein / losses.critic.slope.max(1e-3)));
            Ok([mean(estimates), wasserstein(real.data(), training.samples(POINTS)?.data(), 2)])
        })?;
        estimates.push(estimate);
        exacts.push(exact);
    }
    let off = |(estimate, exact): (&(f64, f64), &(f64, f64))| (estimate.1 - exact.1).abs();
    let errors = estimates.iter().zip(&exacts).map(|(estimate, exact)| mean(estimate.iter().zip(exact).map(off)));
    let errors = errors.collect();
    let end = mean(exacts.iter().map(|exact| exact[exact.len() - 1].1));
    Ok(Course { name, end, errors, estimate: Spread::of(&estimates), exact: Spread::of(&exacts) })
}

fn figure(courses: &[Course]) -> Figure {
    let colours = [VERMILION, ORANGE, GREEN, BLUE, PURPLE];
    let over_time = |title: &str, y| Panel::new(title, "updates of the generator", axis(y).range(0.0, 1.75));
    let estimate = |i: usize| {
        over_time(&format!("Critic steps: {}", courses[i].name), "distance")
            .band("all seeds", INK, courses[i].exact.bounds())
            .band("", colours[i], courses[i].estimate.bounds())
            .dashed("exact", INK, courses[i].exact.mean())
            .line("estimate", colours[i], courses[i].estimate.mean())
    };
    let mut result = over_time("Result, by critic steps", "exact distance");
    for (course, colour) in courses.iter().zip(colours) {
        result = result.band("", colour, course.exact.bounds());
    }
    for (course, colour) in courses.iter().zip(colours) {
        result = result.line(course.name, colour, course.exact.mean());
    }
    let steps = axis("critic steps").names(&["1", "2", "5", "20", "conv."]);
    let each = courses.iter().enumerate().flat_map(|(i, course)| course.errors.iter().map(move |x| (i as f64, *x)));
    let errors = Panel::new("Error of the estimate", steps, "mean error")
        .bars("mean", tint(BLUE, 0.5), 0.6, numbered(courses.iter().map(Course::error)))
        .dots("each seed", BLUE, each);
    Figure::new(2, vec![estimate(0), estimate(3), result, errors])
}
