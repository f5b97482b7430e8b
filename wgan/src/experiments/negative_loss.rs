//! Can a Wasserstein loss be negative? The distance cannot; its estimate is, while the critic is behind. A critic learns
//! N(0, 1) from N(−3, 1), then the generated samples jump to the other side.

use super::prelude::*;

pub const SUMMARY: &str = "an estimate below 0 says that the critic is behind, not on which side the samples are";

/// The distance between N(0, 1) and N(±3, 1).
const W: f64 = 3.0;
/// How often the critic is updated before the jump, and again after it.
const UPDATES: u64 = 250;

pub fn run(size: Size) -> Result<Findings> {
    let [real, left, right] = [0.0, -W, W].map(|mean| gaussian::quantiles(1000, mean, 1.0));
    let place = Variable::new("mean of the generated samples", Tensor::scalar(-W));
    let mut training = CriticTraining::new(&lipschitz_toy(), normal(0.0, 1.0), normal_around(&place))?;
    let mut terms = training.run(UPDATES)?;
    let before = training.gap(&real, &left)?;
    let after = training.gap(&real, &right)?;
    place.write(&Tensor::scalar(W))?;
    terms.extend(training.run(UPDATES)?);
    let recovered = training.gap(&real, &right)?;
    let reversed = mean(training.scores(&right)?) - mean(training.scores(&real)?);
    let estimates: Vec<f64> = terms.iter().map(|terms| terms.wasserstein).collect();
    let behind = estimates[UPDATES as usize..].iter().filter(|&&estimate| estimate < 0.0).count();

    let untrained = |seed| {
        let game = Game { seed, ..lipschitz_toy() };
        CriticTraining::new(&game, normal(0.0, 1.0), normal(-W, 1.0))?.gap(&real, &left)
    };
    let untrained = (0..size.pick(100, 400)).map(untrained).collect::<Result<Vec<f64>>>()?;
    let negative = untrained.iter().filter(|&&gap| gap < 0.0).count() as f64 / untrained.len() as f64;
    let table = vec![
        check("distance of the samples, by sorting", wasserstein_1d(real.data(), right.data()), Near(W, 1e-5)),
        check("estimate, critic trained", before, Near(W, 0.15)),
        check("estimate, right after the jump", after, AtMost(0.0)),
        check("estimate by −D, the same moment", -after, AtLeast(0.0)),
        check("estimate, critic trained again", recovered, Near(W, 0.15)),
        check("mean D(fake) − mean D(real), the same moment", reversed, Near(-recovered, 1e-4)),
        check("updates after the jump with a negative estimate", behind as f64, Open),
        check("share of untrained critics whose estimate is negative", negative, Near(0.5, 0.15)),
    ];
    let sentence = format!(
        "The distance was {W} all the time, on either side; the estimate was negative for {behind} updates after the \
         jump, while −D would have done better, and for {:.0} % of all untrained critics.",
        100.0 * negative
    );
    let updates = axis("updates of the critic").range(0.0, estimates.len() as f64);
    let training = Panel::new("A training", updates, axis("estimate").range(-3.9, 3.9))
        .vertical("samples jump", GREEN, UPDATES as f64)
        .line("estimate", BLUE, numbered(&estimates))
        .line("mean D(fake) − mean D(real)", tint(VERMILION, 0.6), numbered(&estimates).map(|(i, x)| (i, -x)))
        .level("W", INK, W);
    let reach = untrained.iter().fold(0.0f64, |reach, gap| reach.max(gap.abs()));
    let critics = Panel::new("Untrained critics", "estimate", "density")
        .histogram("estimates of critics as they are drawn", BLUE, &untrained, -reach, reach, 20)
        .vertical("0", INK, 0.0);
    Ok(Findings { table, figure: Figure::new(2, vec![training, critics]), sentence })
}
