//! The settings that are one of a few names. The names are `clap`'s; files and `Display` use the same.

use std::fmt;

use clap::ValueEnum;
use nn::files::excerpt;
use serde::{Deserialize, Serialize};

use super::nearest;

/// Whose settings are the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Preset {
    /// WGAN-GP with networks light enough for two cores, and averaged weights
    Light,
    /// The WGAN paper: clipping, RMSProp, batches of 64, the original schedule of critic steps, and for images a DCGAN of 64
    /// channels with batch norm
    Wgan,
    /// The WGAN-GP paper: gradient penalty, Adam with a learning rate of 1e-4, and for images a DCGAN of 64 channels
    WganGp,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DatasetName {
    /// Handwritten digits: 10,000 embedded ones, or all of them with --data-dir
    Mnist,
    /// Pieces of clothing, from the files in --data-dir
    FashionMnist,
    /// Eight narrow Gaussians on a circle
    #[value(name = "8gaussians")]
    EightGaussians,
    /// 25 narrow Gaussians on a grid
    #[value(name = "25gaussians")]
    TwentyFiveGaussians,
    /// A spiral with noise
    Swissroll,
    /// The PNG and JPEG images in --data-dir
    Images,
    /// Points of the plane, from --data-file
    Points,
    /// Single numbers, from --data-file
    Numbers,
}

impl DatasetName {
    /// Whether the samples are images, not points.
    pub fn is_images(self) -> bool {
        matches!(self, DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Images)
    }

    /// Whether the samples are read from one file.
    pub fn is_file(self) -> bool {
        matches!(self, DatasetName::Points | DatasetName::Numbers)
    }
}

/// What images are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Colour {
    /// Brightness alone
    Grey,
    /// Red, green and blue
    Rgb,
}

impl Colour {
    /// Numbers for each pixel.
    pub fn channels(self) -> usize {
        match self {
            Colour::Grey => 1,
            Colour::Rgb => 3,
        }
    }
}

/// The networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Arch {
    /// Convolutions of stride 2 in the critic, transposed ones in the generator; for images
    Dcgan,
    /// Three hidden layers of equal width in both networks
    Mlp,
    /// The smallest networks that draw digits: critic 784-128-32-1, generator 10-32-128-784
    MlpSmall,
}

/// The generator beside the critic of --arch dcgan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum GeneratorArch {
    /// The critic's mirror image, of transposed convolutions
    Dcgan,
    /// Three hidden layers of 10·dim units, which is about as many weights
    Mlp,
}

/// What normalises hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Norm {
    /// Nothing
    None,
    /// Layer norm: each sample by its own mean and variance
    Layer,
    /// Batch norm: each channel by the batch's mean and variance
    Batch,
}

/// What critic and generator play for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Objective {
    /// The critic widens the gap between its mean scores of real and of generated samples, the generator closes it
    Wasserstein,
    /// The standard GAN: the critic tells real from generated, σ(D) being the probability of real; the generator lowers
    /// ln(1 − σ(D)), whose slope vanishes as the critic becomes sure
    Standard,
    /// As standard, but the generator lowers −ln σ(D)
    NonSaturating,
}

/// How the Wasserstein loss is written; the updates are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum LossForm {
    /// mean D(generated) − mean D(real)
    Difference,
    /// mean(label · D), labels −1 and +1; the generator takes the label of real samples for its own
    Labels,
}

/// What keeps the critic's slope bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Lipschitz {
    /// Weights clipped to [−c, c] after every update of the critic (WGAN)
    Clip,
    /// The penalty λ·(‖∇‖ − 1)² (WGAN-GP)
    Gp,
    /// The penalty λ·max(‖∇‖, 1)
    GpOneSided,
    /// The penalty λ·max(‖∇‖ − 1, 0)² (WGAN-LP)
    Lp,
    /// As gp, with the slope between two points in place of the gradient
    Difference,
    /// As gp-one-sided, with the slope between two points
    DifferenceOneSided,
    /// The penalty λ·max(|D(x) − D(x′)| − ‖x − x′‖, 0)² on pairs of a real and a generated sample
    Pairs,
    /// Every weight matrix divided by its largest singular value (spectral normalisation)
    Spectral,
    /// Scores within ±1 by a tanh: what is estimated is then twice the total variation, no Wasserstein distance
    Bounded,
    /// Nothing: the loss runs off, as a demonstration
    None,
}

impl Lipschitz {
    /// Whether a term weighted by λ is added to the critic's loss.
    pub fn is_penalty(self) -> bool {
        !matches!(self, Lipschitz::Clip | Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None)
    }

    /// Whether the slope is taken between two points.
    pub fn is_difference(self) -> bool {
        matches!(self, Lipschitz::Difference | Lipschitz::DifferenceOneSided)
    }
}

/// Where the penalty measures the slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum PenaltyPoints {
    /// At random points between real and generated samples
    Segment,
    /// At real samples
    Real,
    /// At generated samples
    Fake,
    /// At real and generated samples
    Both,
}

/// Which samples the critic scores high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Sign {
    /// Real samples, as in the papers
    RealHigh,
    /// Generated samples
    RealLow,
}

/// How often the critic is updated for each update of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CriticSchedule {
    /// --critic-steps times
    Constant,
    /// 20 times as often for the first 25 updates of the generator and for every 500th (WGAN: 100 in place of 5)
    Original,
    /// To convergence: in rounds of --critic-steps, until the critic's mean loss in a round is no lower than in the one
    /// before, at most 20 rounds
    Converge,
}

/// The rule by which weights are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Optimizer {
    /// Steps divided by a running root mean square of the gradient
    Rmsprop,
    /// As rmsprop, with a running mean of the gradient itself, both corrected for their start
    Adam,
    /// Plain steps against the gradient, with momentum if asked for
    Sgd,
}

/// The name of a choice, as in flags and files.
fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().expect("no choice is skipped").get_name().to_owned()
}

/// The choice of the given name, or a sentence that says which there are.
fn parse<T: ValueEnum>(given: &str) -> Result<T, String> {
    T::from_str(given, false).map_err(|_| {
        let names: Vec<String> = T::value_variants().iter().map(name).collect();
        let hint = nearest(given, &names).map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
        format!("\"{}\" is not one of {}{hint}", excerpt(given), names.join(", "))
    })
}

macro_rules! named {
    ($($choice:ty),*) => {$(
        impl fmt::Display for $choice {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&name(self))
            }
        }

        impl From<$choice> for String {
            fn from(choice: $choice) -> String {
                name(&choice)
            }
        }

        impl TryFrom<String> for $choice {
            type Error = String;

            fn try_from(given: String) -> Result<Self, String> {
                parse(&given)
            }
        }
    )*};
}

named!(
    Preset,
    DatasetName,
    Colour,
    Arch,
    GeneratorArch,
    Norm,
    Objective,
    LossForm,
    Lipschitz,
    PenaltyPoints,
    Sign,
    CriticSchedule,
    Optimizer
);
