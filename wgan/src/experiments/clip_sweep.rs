//! The first WGAN's constant c over decades: how fast a generator learns, and when it fails.

use super::prelude::*;

pub const SUMMARY: &str =
    "weights clipped to ±c, for six c over three decades: how steep the critic is, and what is learned";

const BOUNDS: [f64; 6] = [0.001, 0.003, 0.01, 0.03, 0.1, 1.0];
const DIM: usize = 64;
const POINTS: usize = 512;

/// A training with one c.
struct Course {
    clip: f64,
    /// The largest slope of the critic that was seen.
    slope: f64,
    /// The sliced Wasserstein distance of the samples to real ones, by updates of the generator.
    distances: Polyline,
    /// The mean of these distances over the last third of the training.
    end: f64,
    /// The critic's weights at the end, in units of c.
    weights: Vec<f64>,
}

pub fn run(size: Size) -> Result<Findings> {
    let (every, measurements) = size.pick((20, 3), (50, 30));
    let courses = BOUNDS.iter().map(|&clip| course(clip, every, measurements)).collect::<Result<Vec<_>>>()?;
    let [smallest, .., largest] = &courses[..] else { unreachable!("there are six") };
    let mut table = Vec::new();
    for course in &courses {
        let name = format!("c = {}", course.clip);
        table.push(check(format!("{name}: largest slope"), course.slope, AtMost(steepest(course))));
        table.push(check(format!("{name}: distance at the end"), course.end, Open));
    }
    if size == Size::Full {
        let best = courses[2].end;
        table.push(check("distance with c = 0.001 by that with 0.01", smallest.end / best, AtLeast(2.0)));
        table.push(check("distance with c = 1 by that with 0.01", largest.end / best, AtLeast(2.0)));
    }
    let nearest = courses.iter().min_by(|a, b| a.end.total_cmp(&b.end)).expect("there are six");
    let updates = every * measurements;
    let [(best, _, best_end), (low, low_slope, low_end), (high, high_slope, high_end)] =
        [nearest, smallest, largest].map(|course| (course.clip, number(course.slope), course.end));
    let sentence = format!(
        "After {updates} updates of the generator the samples of c = {best} are nearest, at {best_end:.2}. Those of c = \
         {low}, whose critic was nowhere seen steeper than {low_slope}, are at {low_end:.2}; those of c = {high}, whose \
         critic was as steep as {high_slope}, at {high_end:.2}."
    );
    Ok(Findings { table, figure: figure(&courses), sentence })
}

fn course(clip: f64, every: u64, measurements: u64) -> Result<Course> {
    let game = Game { networks: mlp(DIM), batch: 64, lr: 5e-4, average: 0.0, ..toy(Lipschitz::Clip { c: clip }) };
    let mut training = GanTraining::new(&game, &Source::Toy(Toy::EightGaussians))?;
    let (real, mut slope) = (training.real(POINTS), 0.0);
    let [distances] = training.course(every, measurements, |training, _| {
        slope = training.slopes()?.into_iter().fold(slope, f64::max);
        Ok([sliced_wasserstein(real.data(), training.samples(POINTS)?.data(), 2)])
    })?;
    let end = mean(distances[distances.len() * 2 / 3..].iter().map(|point| point.1));
    let mut weights = Vec::new();
    for parameter in training.critic().parameters() {
        weights.extend(parameter.read()?.data().iter().map(|&w| f64::from(w) / clip));
    }
    Ok(Course { clip, slope, distances, end, weights })
}

/// The largest slope that the critic can have.
fn steepest(course: &Course) -> f64 {
    clipped_slope(2, DIM, course.clip)
}

fn figure(courses: &[Course]) -> Figure {
    let distance = || axis("sliced W").log();
    let mut distances = Panel::new("Samples", "updates of the generator", distance());
    let mut weights = Panel::new("Weights at the end", axis("weight ÷ c").range(-1.0, 1.0), "density");
    for (course, colour) in courses.iter().zip([INK, PURPLE, BLUE, GREEN, ORANGE, VERMILION]) {
        let name = format!("c = {}", course.clip);
        distances = distances.line(&name, colour, course.distances.iter().copied());
        if [0.01, 1.0].contains(&course.clip) {
            weights = weights.histogram(&name, colour, &course.weights, -1.001, 1.001, 41);
        }
    }
    let by_clip = |value: fn(&Course) -> f64| courses.iter().map(move |course| (course.clip, value(course)));
    let (bounds, slopes) = (by_clip(steepest), by_clip(|course| course.slope));
    let panel = |title, quantity: Axis| Panel::new(title, axis("c").log(), quantity);
    let ends = panel("Samples, by c", distance()).dots("mean over the last third", BLUE, by_clip(|course| course.end));
    let slopes =
        panel("The critic", axis("slope").log()).dashed("bound", INK, bounds).dots("largest seen", BLUE, slopes);
    Figure::new(2, vec![distances, ends, slopes, weights])
}
