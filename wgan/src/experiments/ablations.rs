//! How much each objective forgives: generators with batch norm, without it, and without convolutions, under WGAN-GP and
//! under the standard GAN (as in Arjovsky, Chintala & Bottou 2017, arXiv 1701.07875, figures 5 to 7, there with clipping).

use super::{Check, DigitDistance, Experiment, GanTraining, Outcome, Size};
use crate::Result;
use crate::config::{Config, GeneratorArch, Norm, Objective, Options};
use crate::pictures::{Figure, Panel, Picture};

/// Six trainings on digits.
pub const EXPERIMENT: Experiment = Experiment {
    name: "ablations",
    summary: "generators with and without batch norm, or without convolutions, under WGAN-GP and the standard GAN",
    run,
};

const GENERATORS: [(&str, GeneratorArch, Norm); 3] = [
    ("batch norm", GeneratorArch::Dcgan, Norm::Batch),
    ("no batch norm", GeneratorArch::Dcgan, Norm::None),
    ("MLP", GeneratorArch::Mlp, Norm::None),
];
const OBJECTIVES: [(&str, Objective); 2] = [("WGAN-GP", Objective::Wasserstein), ("GAN", Objective::NonSaturating)];
/// Digits of either kind between which the distance is taken.
const DIGITS: usize = 500;

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(10, 1800);
    let (mut table, mut panels, mut distances) = (Vec::new(), Vec::new(), Vec::new());
    for (objective_name, objective) in OBJECTIVES {
        for (generator_name, generator, norm) in GENERATORS {
            let name = format!("{objective_name}, {generator_name}");
            let (distance, grid) = trained(&config(objective, generator, norm)?, updates)?;
            table.push(Check::told(format!("Fréchet distance of {name}"), distance));
            panels.push(Panel::image(&format!("{name}: {distance:.0}"), grid));
            distances.push(distance);
        }
    }
    // What the papers' figures show takes training to come out.
    if size == Size::Full {
        for (i, (generator, ..)) in GENERATORS.into_iter().enumerate().skip(1) {
            let ratio = distances[GENERATORS.len() + i] / distances[i];
            table.push(Check::at_least(format!("GAN by WGAN-GP, {generator}"), ratio, 2.0));
        }
    }
    let sentence = size.pick(
        "Ten updates teach no generator anything; at full size they part.",
        "With batch norm both objectives learn digits; without it, or without convolutions, the GAN collapses to one \
         picture, while WGAN-GP goes on learning.",
    );
    Ok(Outcome { table, figure: Figure::new(3, panels).panel_height(300), sentence: sentence.to_owned() })
}

/// Each objective as its papers have it, but for the generator: WGAN-GP, and DCGAN with batch norm in the critic and one
/// update of each.
fn config(objective: Objective, generator: GeneratorArch, generator_norm: Norm) -> Result<Config> {
    let wasserstein = objective == Objective::Wasserstein;
    let options = Options {
        objective: Some(objective),
        generator: Some(generator),
        generator_norm: Some(generator_norm),
        critic_norm: Some(if wasserstein { Norm::None } else { Norm::Batch }),
        critic_steps: Some(if wasserstein { 5 } else { 1 }),
        dim: Some(8),
        lr: Some(1e-3),
        average: Some(0.0),
        ..Options::default()
    };
    Config::resolve(&options, &Options::default())
}

fn trained(config: &Config, updates: u64) -> Result<(f64, Picture)> {
    let mut training = GanTraining::new(config)?;
    training.run(updates)?;
    let distance = DigitDistance::to(&training.real(DIGITS))?.from(&training.samples(DIGITS)?)?;
    Ok((distance, Picture::of_samples(&training.samples(64)?)))
}
