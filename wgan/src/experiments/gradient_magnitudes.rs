//! What a generator is told by a critic that gets better and better: Arjovsky and Bottou 2017 (arXiv 1701.04862, figure 2)
//! beside the Wasserstein objective, between two distributions that hardly overlap.

use autograd::{Device, Stream, Tensor};

use super::outcome::number;
use super::{Check, CriticTraining, Experiment, Outcome, Size, normal, toy};
use crate::Result;
use crate::config::{Config, Lipschitz, Objective, Options};
use crate::objective::generator_loss;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, Panel, VERMILION};

/// The generator's gradient against the critic's updates, for four objectives.
pub const EXPERIMENT: Experiment = Experiment {
    name: "gradient-magnitudes",
    summary: "what a good critic tells a generator: next to nothing in a standard GAN, a steady pull in a WGAN",
    run,
};

/// The generated samples are N(0, 0.1²), real ones N(3, 0.1²).
const DISTANCE: f64 = 3.0;
const DEVIATION: f64 = 0.1;
const LAMBDA: f64 = 10.0;
const CLIP: f64 = 0.1;
const DIM: usize = 32;

fn run(size: Size) -> Result<Outcome> {
    let updates: &[u64] = size.pick(&[0, 10, 100, 2000], &[0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]);
    let curve = |objective, lipschitz| pulls(&config(objective, lipschitz)?, updates);
    let standard = curve(Objective::Standard, Lipschitz::None)?;
    let non_saturating = curve(Objective::NonSaturating, Lipschitz::None)?;
    let clipped = curve(Objective::Wasserstein, Lipschitz::Clip)?;
    let penalised = curve(Objective::Wasserstein, Lipschitz::Lp)?;

    // ‖D(x) − D(y)‖ ≤ K·‖x − y‖ for three hidden layers of clipped weights.
    let bound =
        [(1, DIM), (DIM, DIM), (DIM, DIM), (DIM, 1)].map(|(i, o)| CLIP * ((i * o) as f64).sqrt()).iter().product();
    // Where D is sure, σ(D) is e^D: the pull falls with the discriminator's loss.
    let known = 1.0 + DISTANCE / (2.0 * LAMBDA);
    let table = vec![
        Check::at_most("standard GAN: last pull by the largest", last(&standard) / largest(&standard), 1e-3),
        Check::told("non-saturating: last pull", last(&non_saturating)),
        Check::at_least("non-saturating: last pull by the first", last(&non_saturating) / non_saturating[0].1, 1.0),
        Check::at_most("clipped WGAN: last pull", last(&clipped), bound),
        Check::at_least("clipped WGAN: last pull by the largest", last(&clipped) / largest(&clipped), 0.5),
        Check::near("WGAN-LP: last pull", last(&penalised), known, 0.05),
    ];
    let panel = Panel::new("", "updates of the critic, plus 1", "pull on the generated samples")
        .x_log()
        .y_log()
        .y_range(1e-6, 10.0)
        .level("the Wasserstein distance's own slope", INK, 1.0)
        .line("WGAN-LP", BLUE, shifted(&penalised))
        .line("WGAN, clipped", GREEN, shifted(&clipped))
        .line("GAN, non-saturating", ORANGE, shifted(&non_saturating))
        .line("GAN", VERMILION, shifted(&standard));
    let sentence = format!(
        "Once the discriminator is sure, the standard GAN's pull is {} of its largest; the non-saturating one has grown \
         {:.0}-fold, to {:.1}; under a Lipschitz critic the pull settles, at {:.2} with a penalty, at {:.2} with clipping. The \
         distance's own slope is 1.",
        number(last(&standard) / largest(&standard)),
        last(&non_saturating) / non_saturating[0].1,
        last(&non_saturating),
        last(&penalised),
        last(&clipped)
    );
    Ok(Outcome { table, figure: Figure::new(1, vec![panel]), sentence })
}

fn config(objective: Objective, lipschitz: Lipschitz) -> Result<Config> {
    toy(Options {
        objective: Some(objective),
        lipschitz: Some(lipschitz),
        lambda: lipschitz.is_penalty().then_some(LAMBDA),
        clip: (lipschitz == Lipschitz::Clip).then_some(CLIP),
        dim: Some(DIM),
        batch: Some(64),
        lr: Some(1e-3),
        ..Options::default()
    })
}

/// After each number of updates, the slope of the generator's loss by a shift of all its samples.
fn pulls(config: &Config, updates: &[u64]) -> Result<Vec<(f64, f64)>> {
    let mut training = CriticTraining::new(config, 1, normal(DISTANCE, DEVIATION), normal(0.0, DEVIATION))?;
    let mut pull = Device::cpu().compile(|tape| {
        let shift = tape.input("shift", [1, 1]);
        let fake = tape.normal(Stream::new(1, "fake"), [1000, 1]) * DEVIATION + shift;
        let loss = generator_loss(config, |x| training.critic().scores(x), fake);
        [tape.grad(loss, &[shift])[0].abs()]
    })?;
    let mut done = 0;
    updates
        .iter()
        .map(|&count| {
            training.run(count - done)?;
            done = count;
            Ok((count as f64, f64::from(pull.at(0).run(&[("shift", &Tensor::zeros([1, 1]))])?[0].item())))
        })
        .collect()
}

fn last(curve: &[(f64, f64)]) -> f64 {
    curve.last().map_or(f64::NAN, |point| point.1)
}

fn largest(curve: &[(f64, f64)]) -> f64 {
    curve.iter().map(|point| point.1).fold(0.0, f64::max)
}

/// By one, since a logarithm begins there.
fn shifted(curve: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    curve.iter().map(|&(updates, pull)| (updates + 1.0, pull))
}
