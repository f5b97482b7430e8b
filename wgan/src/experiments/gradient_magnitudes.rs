//! What a generator is told by a critic that gets better and better: Arjovsky and Bottou 2017 (arXiv 1701.04862, figure 2)
//! beside the Wasserstein objective, between two distributions that hardly overlap.

use super::prelude::*;

pub const SUMMARY: &str =
    "what a good critic tells a generator: next to nothing in a standard GAN, a steady pull in a WGAN";

/// The generated samples are N(0, 0.1²), real ones N(3, 0.1²).
const DISTANCE: f64 = 3.0;
const DEVIATION: f64 = 0.1;
const LAMBDA: f64 = 10.0;
const CLIP: f64 = 0.1;

pub fn run(size: Size) -> Result<Findings> {
    let updates: &[u64] = size.pick(&[0, 10, 100, 2000], &[0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]);
    let standard = pulls(standard_toy(Loss::Standard), updates)?;
    let non_saturating = pulls(standard_toy(Loss::NonSaturating), updates)?;
    let clipped = pulls(toy(Lipschitz::Clip { c: CLIP }), updates)?;
    let penalised = pulls(toy(Lipschitz::penalty(Penalty::Lp, LAMBDA)), updates)?;
    let last = |pulls: &[f64]| pulls[pulls.len() - 1];
    let last_by_largest = |pulls: &[f64]| last(pulls) / pulls.iter().copied().fold(0.0, f64::max);
    let (last_clipped, last_penalised) = (last(&clipped), last(&penalised));
    let (last_non_saturating, growth) = (last(&non_saturating), last(&non_saturating) / non_saturating[0]);

    let table = vec![
        // Where D is sure, σ(D) is e^D: the pull falls with the discriminator's loss.
        check("standard GAN: last pull by the largest", last_by_largest(&standard), AtMost(1e-3)),
        check("non-saturating: last pull", last_non_saturating, Open),
        check("non-saturating: last pull by the first", growth, AtLeast(1.0)),
        check("clipped WGAN: last pull", last_clipped, AtMost(clipped_slope(1, 32, CLIP))),
        check("clipped WGAN: last pull by the largest", last_by_largest(&clipped), AtLeast(0.5)),
        check("WGAN-LP: last pull", last_penalised, Near(1.0 + DISTANCE / (2.0 * LAMBDA), 0.05)),
    ];
    let sentence = format!(
        "Once the discriminator is sure, the standard GAN's pull is {} of its largest; the non-saturating one has grown \
         {growth:.0}-fold, to {last_non_saturating:.1}; under a Lipschitz critic the pull settles, at {last_penalised:.2} \
         with a penalty, at {last_clipped:.2} with clipping. The distance's own slope is 1.",
        number(last_by_largest(&standard))
    );
    // By one, since a logarithm begins there.
    let curve = |pulls: Vec<f64>| updates.iter().map(|&updates| updates as f64 + 1.0).zip(pulls);
    let pull = axis("pull").log().range(1e-6, 10.0);
    let panel = Panel::new("What the generated samples feel", axis("updates of the critic, plus 1").log(), pull)
        .level("the Wasserstein distance's own slope", INK, 1.0)
        .line("WGAN-LP", BLUE, curve(penalised))
        .line("WGAN, clipped", GREEN, curve(clipped))
        .line("GAN, non-saturating", ORANGE, curve(non_saturating))
        .line("GAN", VERMILION, curve(standard));
    Ok(Findings { table, figure: Figure::new(1, vec![panel]), sentence })
}

/// After each number of updates, the slope of the generator's loss by a shift of all its samples.
fn pulls(game: Game, updates: &[u64]) -> Result<Vec<f64>> {
    let game = Game { batch: 64, ..game };
    let mut training = CriticTraining::new(&game, normal(DISTANCE, DEVIATION), normal(0.0, DEVIATION))?;
    let mut pull = Device::cpu().compile(|tape| {
        let shift = tape.input("shift", [1, 1]);
        let fake = tape.normal(Stream::new(1, "fake"), [1000, 1]) * DEVIATION + shift;
        let loss = generator_loss(&game.objective, |x| training.critic.scores(x), fake);
        [tape.grad(loss, &[shift])[0].abs()]
    })?;
    let mut done = 0;
    let mut pull_after = |count| {
        training.run(count - done)?;
        done = count;
        Ok(f64::from(pull.at(0).run(&[("shift", &Tensor::zeros([1, 1]))])?[0].item()))
    };
    updates.iter().map(|&count| pull_after(count)).collect()
}
