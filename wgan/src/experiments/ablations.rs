//! How much each objective forgives: generators with batch norm, without it, and without convolutions, under WGAN-GP and
//! under the standard GAN (as in Arjovsky, Chintala & Bottou 2017, arXiv 1701.07875, figures 5 to 7, there with clipping).

use autograd::Tensor;

use super::{Check, DigitDistance, Experiment, GanTraining, Outcome, Size, mean};
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
/// Samples that vary by less than this share of what digits do are nearly one picture.
const ALIKE: f64 = 0.1;

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(10, 1800);
    let (mut table, mut panels, mut distances, mut alike) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (objective_name, objective) in OBJECTIVES {
        for (generator_name, generator, norm) in GENERATORS {
            let name = format!("{objective_name}, {generator_name}");
            let Trained { distance, spread, grid } = trained(&config(objective, generator, norm)?, updates)?;
            table.push(Check::told(format!("Fréchet distance of {name}"), distance));
            table.push(Check::told(format!("spread of {name} by that of digits"), spread));
            if spread < ALIKE {
                alike.push(name.clone());
            }
            panels.push(Panel::image(&format!("{name}:"), grid).note(format!("{distance:.0}")));
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
    let [wgan, gan] = [0, 3].map(|i| [0, 1, 2].map(|j| format!("{:.0}", distances[i + j])).join(", "));
    let alike = match alike.len() {
        0 => String::new(),
        6 => " The samples of each hardly differ from each other.".to_owned(),
        _ => format!(" The samples of {} hardly differ from each other.", alike.join(" and of ")),
    };
    let sentence = format!(
        "After {updates} updates the Fréchet distances with batch norm, without it and without convolutions are {wgan} under \
         WGAN-GP, and {gan} under the GAN.{alike}"
    );
    Ok(Outcome { table, figure: Figure::new(3, panels).panel_height(300), sentence })
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

/// What became of a generator.
struct Trained {
    /// The Fréchet distance of its samples from real digits.
    distance: f64,
    /// The variance of its samples, by that of real digits.
    spread: f64,
    grid: Picture,
}

fn trained(config: &Config, updates: u64) -> Result<Trained> {
    let mut training = GanTraining::new(config)?;
    training.run(updates)?;
    let (real, samples) = (training.real(DIGITS), training.samples(DIGITS)?);
    Ok(Trained {
        distance: DigitDistance::to(&real)?.from(&samples)?,
        spread: variance(&samples) / variance(&real),
        grid: Picture::of_samples(&training.samples(64)?),
    })
}

/// The variance of a pixel over the images, summed over all pixels.
fn variance(images: &Tensor) -> f64 {
    let (count, pixels) = (images.shape()[0], images.shape().count() / images.shape()[0]);
    let of_pixel = |pixel: usize| {
        let values: Vec<f64> = (0..count).map(|image| f64::from(images.data()[image * pixels + pixel])).collect();
        let mean = mean(&values);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64
    };
    (0..pixels).map(of_pixel).sum()
}
