//! Whether the loss tells how good the samples are: the Wasserstein estimate, and a standard GAN's estimate of the
//! Jensen-Shannon divergence, beside a measure of digits that no training sees (arXiv 1701.07875, figures 3 and 4).

use super::prelude::*;
use crate::game::Losses;
use crate::run::quality::pearson;

pub const SUMMARY: &str =
    "how closely the loss follows the quality of digits: the Wasserstein estimate, and a standard GAN's";

/// Digits between which the distance is measured.
const DIGITS: usize = 500;

/// A training, measured every so often. Curves are over updates of the generator.
struct Course {
    /// What the critic's loss says.
    estimates: Polyline,
    /// How far the digits are from real ones.
    distances: Polyline,
    /// Both at the same time, the distance first; and Pearson's correlation between them.
    pairs: Polyline,
    correlation: f64,
    /// Some of the digits, early, later, at the end, each with the number of updates.
    grids: Vec<(String, Picture)>,
}

pub fn run(size: Size) -> Result<Findings> {
    let (every, measurements) = size.pick((25, 10), (25, 24));
    let wasserstein = course(Loss::Wasserstein(LossForm::Difference), every, measurements, |losses| {
        losses.critic.wasserstein.into()
    })?;
    // The best discriminator's loss is 2 ln 2 − 2 JS.
    let divergence = |losses: &Losses| 2f64.ln() - f64::from(losses.critic.loss) / 2.0;
    let standard = course(Loss::NonSaturating, every, measurements, divergence)?;
    let divergences = || standard.estimates.iter().map(|point| point.1);
    let stuck = divergences().filter(|divergence| 2f64.ln() - divergence < 0.01).count();
    let close = AtLeast(size.pick(0.5, 0.8));
    let end = |course: &Course| course.distances[course.distances.len() - 1].1;
    let table = vec![
        check("WGAN-GP: correlation of estimate and Fréchet distance", wasserstein.correlation, close),
        check("GAN: correlation of JS estimate and Fréchet distance", standard.correlation, Open),
        check("GAN: largest JS estimate", divergences().fold(0.0, f64::max), AtMost(2f64.ln())),
        check(format!("GAN: JS estimates of {measurements} within 0.01 of ln 2"), stuck as f64, Open),
        check("WGAN-GP: Fréchet distance at the end", end(&wasserstein), Open),
        check("GAN: Fréchet distance at the end", end(&standard), Open),
    ];
    let sentence = format!(
        "The Wasserstein estimate falls as the digits improve: its correlation with the Fréchet distance is {}. That of the \
         standard GAN's estimate of the Jensen-Shannon divergence is {}; {stuck} of {measurements} times the discriminator \
         told nearly all samples apart, and the estimate was at ln 2, whatever they looked like.",
        number(wasserstein.correlation),
        number(standard.correlation)
    );
    // Each training is a column.
    let wasserstein = panels("WGAN-GP", "estimate of W", BLUE, wasserstein);
    let standard = panels("GAN", "estimate of JS", VERMILION, standard);
    let panels = wasserstein.into_iter().zip(standard).flat_map(<[Panel; 2]>::from).collect();
    Ok(Findings { table, figure: Figure::new(2, panels).panel_height(240), sentence })
}

/// `estimate` is what a step's losses say of the distance or the divergence.
fn course(loss: Loss, every: u64, measurements: u64, estimate: impl Fn(&Losses) -> f64) -> Result<Course> {
    let mut training = GanTraining::new(&Game { batch: 50, ..digits(loss) }, &Source::Digits)?;
    let (real, mut grids) = (training.real(DIGITS), Vec::new());
    let [estimates, distances] = training.course(every, measurements, |training, losses| {
        let step = training.iteration;
        if [1, measurements / 4, measurements].map(|i| i * every).contains(&step) {
            grids.push((format!("after {step}"), Picture::of_samples(&training.samples(16)?)));
        }
        Ok([mean(losses.iter().map(&estimate)), digit_distance(&real, &training.samples(DIGITS)?)?])
    })?;
    let pairs: Polyline =
        distances.iter().zip(&estimates).map(|(distance, estimate)| (distance.1, estimate.1)).collect();
    Ok(Course { estimates, distances, correlation: pearson(&pairs), pairs, grids })
}

/// Curves and digits of one training, one below the other.
fn panels(name: &str, estimate: &str, colour: Colour, course: Course) -> [Panel; 4] {
    let over_time = |what: &str, quantity| Panel::new(&format!("{name}: {what}"), "updates of the generator", quantity);
    let distance = || axis("Fréchet distance");
    [
        over_time("what the loss says", axis(estimate)).line("", colour, course.estimates),
        over_time("how far the digits are", distance().log()).line("", colour, course.distances),
        Panel::new(&format!("{name}: one by the other, correlation"), distance(), estimate)
            .note(format!("{:.2}", course.correlation))
            .dots("", colour, course.pairs),
        Panel::images(&format!("{name}: its digits, by updates"), course.grids),
    ]
}
