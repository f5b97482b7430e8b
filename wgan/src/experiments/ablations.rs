//! How much each objective forgives: generators with batch norm, without it, and without convolutions, under WGAN-GP and
//! under the standard GAN (as in Arjovsky, Chintala & Bottou 2017, arXiv 1701.07875, figures 5 to 7, there with clipping).

use super::prelude::*;
use crate::game::networks::{Arch, GeneratorArch, Networks, Norm};

pub const SUMMARY: &str =
    "generators with and without batch norm, or without convolutions, under WGAN-GP and the standard GAN";

const GENERATORS: [(&str, GeneratorArch, Norm); 3] = [
    ("batch norm", GeneratorArch::Dcgan, Norm::Batch),
    ("no batch norm", GeneratorArch::Dcgan, Norm::None),
    ("MLP", GeneratorArch::Mlp, Norm::None),
];
const LOSSES: [(&str, Loss); 2] = [("WGAN-GP", Loss::Wasserstein(LossForm::Difference)), ("GAN", Loss::NonSaturating)];
/// Digits of either kind between which the distance is taken.
const DIGITS: usize = 500;
/// Samples that vary by less than this share of what digits do are nearly one picture.
const ALIKE: f64 = 0.1;

pub fn run(size: Size) -> Result<Findings> {
    let updates = size.pick(10, 1800);
    let (mut table, mut panels, mut distances, mut alike) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (loss_name, loss) in LOSSES {
        for (generator_name, generator, generator_norm) in GENERATORS {
            let name = format!("{loss_name}, {generator_name}");
            let mut game = digits(loss);
            let arch = Arch::Dcgan { dim: 8, generator };
            game.networks = Networks { arch, generator_norm, ..game.networks };
            let mut training = GanTraining::new(&game, &Source::Digits)?;
            training.run(updates)?;
            let (real, samples) = (training.real(DIGITS), training.samples(DIGITS)?);
            let (distance, spread) = (digit_distance(&real, &samples)?, variance(&samples) / variance(&real));
            table.push(check(format!("Fréchet distance of {name}"), distance, Open));
            table.push(check(format!("spread of {name} by that of digits"), spread, Open));
            let grid = Picture::of_samples(&training.samples(64)?);
            panels.push(Panel::images(&name, [(format!("Fréchet distance {distance:.0}"), grid)]));
            distances.push(distance);
            if spread < ALIKE {
                alike.push(name);
            }
        }
    }
    let (wgan, gan) = distances.split_at(GENERATORS.len());
    // What the papers' figures show takes training to come out.
    if size == Size::Full {
        for i in [1, 2] {
            table.push(check(format!("GAN by WGAN-GP, {}", GENERATORS[i].0), gan[i] / wgan[i], AtLeast(2.0)));
        }
    }
    let listed = |distances: &[f64]| distances.iter().map(|x| format!("{x:.0}")).collect::<Vec<_>>().join(", ");
    let (wgan, gan) = (listed(wgan), listed(gan));
    let alike = match alike.len() {
        0 => String::new(),
        6 => " The samples of each hardly differ from each other.".to_owned(),
        _ => format!(" The samples of {} hardly differ from each other.", alike.join(" and of ")),
    };
    let sentence = format!(
        "After {updates} updates the Fréchet distances with batch norm, without it and without convolutions are {wgan} under \
         WGAN-GP, and {gan} under the GAN.{alike}"
    );
    Ok(Findings { table, figure: Figure::new(3, panels).panel_height(320), sentence })
}

/// The variance of a pixel over the images, summed over all pixels.
fn variance(images: &Tensor) -> f64 {
    let pixels = images.shape().count() / images.shape()[0];
    let variance_of = |pixel| {
        let values = || images.data().iter().skip(pixel).step_by(pixels).map(|&x| f64::from(x));
        let centre = mean(values());
        mean(values().map(|x| (x - centre).powi(2)))
    };
    (0..pixels).map(variance_of).sum()
}
