//! How much a critic has to learn between two steps of the generator: the estimate beside the exact distance, and where
//! the generator ends.

use super::harness::{AtMost, Findings, GanTraining, Open, check, mean, mlp, toy};
use super::{Experiment, Size};
use crate::Result;
use crate::data::{Source, Toy};
use crate::figure::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, VERMILION};
use crate::measures::wasserstein;
use crate::objective::{Lipschitz, Penalty};
use crate::programs::{CriticSchedule, Game, Schedule};

/// Trainings that differ in the critic's updates alone.
pub const EXPERIMENT: Experiment = Experiment {
    name: "critic-steps",
    summary: "how good the critic's estimate is after one, a few or many updates per update of the generator",
    run,
};

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

/// A training with one of them. Curves are over updates of the generator.
struct Course {
    name: &'static str,
    /// The gap divided by the slope.
    estimate: Vec<(f64, f64)>,
    /// By optimal assignment, and at the end.
    exact: Vec<(f64, f64)>,
    end: f64,
    /// The mean of |estimate − W|.
    error: f64,
}

fn run(size: Size) -> Result<Findings> {
    let (every, measurements) = size.pick((10, 4), (20, 20));
    let mut courses = Vec::new();
    for (name, critic_steps, kind) in CHOICES {
        let (schedule, toy) = (Schedule { critic_steps, kind }, toy(Lipschitz::penalty(Penalty::Lp, 10.0)));
        let game = Game { networks: mlp(64), schedule, batch: POINTS, average: 0.0, ..toy };
        courses.push(course(name, &game, every, measurements)?);
    }
    let [one, _, _, twenty, converged] = &courses[..] else { unreachable!("there are five") };
    let mut table = Vec::new();
    for Course { name, error, .. } in &courses {
        table.push(check(format!("critic steps {name}: mean error of the estimate"), *error, Open));
    }
    for Course { name, end, .. } in &courses {
        table.push(check(format!("critic steps {name}: W at the end"), *end, Open));
    }
    table.push(check("error with 20 steps by that with 1", twenty.error / one.error, AtMost(0.7)));
    table.push(check("error at convergence by that with 1", converged.error / one.error, AtMost(0.7)));
    let sentence = format!(
        "With one update of the critic its estimate is off by {:.2} on average, with 20 by {:.2}, at convergence by {:.2}; \
         after {} updates of the generator the samples are {:.2}, {:.2} and {:.2} from the real ones.",
        one.error,
        twenty.error,
        converged.error,
        every * measurements,
        one.end,
        twenty.end,
        converged.end
    );
    Ok(Findings { table, figure: figure(&courses), sentence })
}

fn course(name: &'static str, game: &Game, every: u64, measurements: u64) -> Result<Course> {
    let mut training = GanTraining::new(game, &Source::Toy(Toy::EightGaussians))?;
    let real = training.real(POINTS);
    let course = training.course(every, measurements, |training, losses| {
        // The estimate of one batch is noisy, and so is the distance between two samples: both are taken on the way.
        let late = losses[losses.len() / 2..].iter().map(|losses| losses.critic);
        let estimate = mean(late.map(|critic| f64::from(critic.wasserstein / critic.slope.max(1e-3))));
        Ok((estimate, wasserstein(real.data(), training.samples(POINTS)?.data(), 2)))
    })?;
    let error = mean(course.iter().map(|(_, (estimate, exact))| (estimate - exact).abs()));
    let (estimate, exact): (Vec<_>, Vec<_>) =
        course.into_iter().map(|(step, (estimate, exact))| ((step, estimate), (step, exact))).unzip();
    Ok(Course { name, end: exact[exact.len() - 1].1, estimate, exact, error })
}

fn figure(courses: &[Course]) -> Figure {
    let colours = [VERMILION, ORANGE, GREEN, BLUE, PURPLE];
    let over_time = |title: &str, y| Panel::new(title, "updates of the generator", y).y_range(0.0, 1.75);
    let estimate = |i: usize| {
        over_time(&format!("Critic steps: {}", courses[i].name), "distance")
            .dashed("exact", INK, courses[i].exact.iter().copied())
            .line("estimate", colours[i], courses[i].estimate.iter().copied())
    };
    let mut result = over_time("Result, by critic steps", "exact distance");
    for (course, colour) in courses.iter().zip(colours) {
        result = result.line(course.name, colour, course.exact.iter().copied());
    }
    let errors = Panel::new("Error of the estimate", "critic steps", "mean error")
        .x_names(&["1", "2", "5", "20", "conv."])
        .bars("", BLUE, 0.6, (0..).map(f64::from).zip(courses.iter().map(|course| course.error)));
    Figure::new(2, vec![estimate(0), estimate(3), result, errors])
}
