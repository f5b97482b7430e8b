//! The first WGAN's constant c over decades: how fast a generator learns, and when it fails.

use super::outcome::number;
use super::{Check, Experiment, GanTraining, Outcome, Size, mean, toy};
use crate::Result;
use crate::config::{Config, Lipschitz, Options};
use crate::measures::sliced_wasserstein;
use crate::pictures::{BLUE, Colour, Figure, GREEN, INK, ORANGE, PURPLE, Panel, VERMILION};

/// Trainings that differ in the bound of the critic's weights alone.
pub const EXPERIMENT: Experiment = Experiment {
    name: "clip-sweep",
    summary: "weights clipped to ±c, for six c over three decades: how steep the critic is, and what is learned",
    run,
};

const BOUNDS: [f64; 6] = [0.001, 0.003, 0.01, 0.03, 0.1, 1.0];
const COLOURS: [Colour; 6] = [INK, PURPLE, BLUE, GREEN, ORANGE, VERMILION];
const DIM: usize = 64;
const POINTS: usize = 512;

/// A training with one c.
struct Course {
    clip: f64,
    /// The sliced Wasserstein distance of the samples to real ones, by updates of the generator.
    distances: Vec<(f64, f64)>,
    /// The largest slope of the critic that was seen.
    slope: f64,
    /// The critic's weights at the end, in units of c.
    weights: Vec<f64>,
}

fn run(size: Size) -> Result<Outcome> {
    let (every, measurements) = size.pick((20, 3), (50, 30));
    let courses = BOUNDS.iter().map(|&clip| course(clip, every, measurements)).collect::<Result<Vec<_>>>()?;
    let mut table = Vec::new();
    for course in &courses {
        let what = format!("c = {}: largest slope", course.clip);
        table.push(Check::at_most(what, course.slope, bound(course.clip)));
        table.push(Check::told(format!("c = {}: distance at the end", course.clip), end(course)));
    }
    if size == Size::Full {
        let [smallest, best, largest] = [0, 2, 5].map(|i| end(&courses[i]));
        table.push(Check::at_least("distance with c = 0.001 by that with 0.01", smallest / best, 2.0));
        table.push(Check::at_least("distance with c = 1 by that with 0.01", largest / best, 2.0));
    }
    let nearest = courses.iter().min_by(|a, b| end(a).total_cmp(&end(b))).expect("there are six");
    let [smallest, largest] = [&courses[0], &courses[courses.len() - 1]];
    let sentence = format!(
        "After {} updates of the generator the samples of c = {} are nearest, at {:.2}. Those of c = {}, whose critic was \
         nowhere seen steeper than {}, are at {:.2}; those of c = {}, whose critic was as steep as {}, at {:.2}.",
        every * measurements,
        nearest.clip,
        end(nearest),
        smallest.clip,
        number(smallest.slope),
        end(smallest),
        largest.clip,
        number(largest.slope),
        end(largest)
    );
    Ok(Outcome { table, figure: figure(&courses), sentence })
}

/// ∏ c·√(in·out) over the layers (2, dim), (dim, dim), (dim, dim), (dim, 1).
fn bound(clip: f64) -> f64 {
    let layers = [(2, DIM), (DIM, DIM), (DIM, DIM), (DIM, 1)];
    layers.map(|(inputs, outputs)| clip * ((inputs * outputs) as f64).sqrt()).iter().product()
}

fn config(clip: f64) -> Result<Config> {
    toy(Options {
        lipschitz: Some(Lipschitz::Clip),
        clip: Some(clip),
        critic_steps: Some(5),
        dim: Some(DIM),
        batch: Some(64),
        lr: Some(5e-4),
        average: Some(0.0),
        ..Options::default()
    })
}

fn course(clip: f64, every: u64, measurements: u64) -> Result<Course> {
    let mut training = GanTraining::new(&config(clip)?)?;
    let real = training.real(POINTS);
    let mut course = Course { clip, distances: Vec::new(), slope: 0.0, weights: Vec::new() };
    for i in 1..=measurements {
        training.run(every)?;
        course.slope = training.slopes()?.into_iter().fold(course.slope, f64::max);
        let distance = sliced_wasserstein(real.data(), training.samples(POINTS)?.data(), 2);
        course.distances.push(((i * every) as f64, distance));
    }
    for parameter in training.critic().parameters() {
        course.weights.extend(parameter.read()?.data().iter().map(|&w| f64::from(w) / clip));
    }
    Ok(course)
}

/// The mean distance over the last third.
fn end(course: &Course) -> f64 {
    let late = &course.distances[course.distances.len() * 2 / 3..];
    mean(&late.iter().map(|point| point.1).collect::<Vec<_>>())
}

fn figure(courses: &[Course]) -> Figure {
    let mut distances = Panel::new("Samples", "updates of the generator", "sliced Wasserstein distance").y_log();
    let mut weights = Panel::new("Weights at the end", "weight ÷ c", "density").x_range(-1.0, 1.0);
    for (course, colour) in courses.iter().zip(COLOURS) {
        distances = distances.line(&format!("c = {}", course.clip), colour, course.distances.iter().copied());
        if [0.01, 1.0].contains(&course.clip) {
            weights = weights.histogram(&format!("c = {}", course.clip), colour, &course.weights, -1.001, 1.001, 41);
        }
    }
    let ends = Panel::new("Distance over the last third", "c", "").x_log().y_log().dots(
        "",
        BLUE,
        courses.iter().map(|course| (course.clip, end(course))),
    );
    let slopes = Panel::new("Slope", "c", "")
        .x_log()
        .y_log()
        .dashed("bound", INK, courses.iter().map(|course| (course.clip, bound(course.clip))))
        .dots("largest seen", BLUE, courses.iter().map(|course| (course.clip, course.slope)));
    Figure::new(2, vec![distances, ends, slopes, weights])
}
