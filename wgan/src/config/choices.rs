//! The names of choices, as in flags and files, and what `--help` says of each. A choice that carries settings of its own is
//! a name here, which [`resolve`](super::resolve) turns into a sum type of its domain; any other is that of its domain.

use std::fmt;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use nn::files::excerpt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::data::ColourMode;
use crate::data::download::Published;
use crate::error::did_you_mean;
use crate::game::CriticSchedule;
use crate::game::networks::{GeneratorArch, Norm};
use crate::game::objective::{LossForm, PenaltyPoints, Sign};

/// Gives each variant of an enum its name and its help. With `pub enum`, declares the enum as well.
macro_rules! choices {
    () => {};
    (
        $(#[$about:meta])* pub enum $choice:ident { $($(#[doc = $help:literal])+ $variant:ident = $name:literal,)+ }
        $($rest:tt)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $choice { $($(#[doc = $help])+ $variant,)+ }
        choices! { $choice { $($(#[doc = $help])+ $variant = $name,)+ } $($rest)* }
    };
    ($choice:ident { $($(#[doc = $help:literal])+ $variant:ident = $name:literal,)+ } $($rest:tt)*) => {
        impl ValueEnum for $choice {
            fn value_variants<'a>() -> &'a [Self] {
                &[$($choice::$variant),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(match self {
                    $($choice::$variant => PossibleValue::new($name).help(concat!($($help),+).trim_start()),)+
                })
            }
        }

        impl fmt::Display for $choice {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&name(self))
            }
        }

        impl Serialize for $choice {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $choice {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        choices! { $($rest)* }
    };
}

choices! {
    /// Whose settings are the defaults.
    pub enum Preset {
        /// WGAN-GP with networks light enough for two cores, and averaged weights
        Light = "light",
        /// The WGAN paper: clipping, RMSProp, batches of 64, the original schedule of critic steps, and for images a DCGAN of
        /// 64 channels with batch norm
        Wgan = "wgan",
        /// The WGAN-GP paper: gradient penalty, Adam with a learning rate of 1e-4, and for images a DCGAN of 64 channels, or
        /// resnet of 128 with 2e-4
        WganGp = "wgan-gp",
    }

    /// What is learned.
    pub enum DatasetName {
        /// Handwritten digits: 10,000 embedded ones, or all of them with --data-dir
        Mnist = "mnist",
        /// Pieces of clothing, from the files in --data-dir
        FashionMnist = "fashion-mnist",
        /// Photographs of ten kinds of things, 32×32 pixels, from the binary files in --data-dir
        Cifar10 = "cifar10",
        /// Eight narrow Gaussians on a circle
        EightGaussians = "8gaussians",
        /// 25 narrow Gaussians on a grid
        TwentyFiveGaussians = "25gaussians",
        /// A spiral with noise
        Swissroll = "swissroll",
        /// The PNG and JPEG images in --data-dir
        Images = "images",
        /// Points of the plane, from --data-file
        Points = "points",
        /// Single numbers, from --data-file
        Numbers = "numbers",
    }

    Published {
        /// Handwritten digits: 60,000, and 10,000 to test on
        Mnist = "mnist",
        /// Pieces of clothing: as many
        FashionMnist = "fashion-mnist",
        /// Photographs of ten kinds of things: 50,000, and 10,000 to test on
        Cifar10 = "cifar10",
    }

    ColourMode {
        /// Brightness alone
        Grey = "grey",
        /// Red, green and blue
        Rgb = "rgb",
    }

    /// The networks.
    pub enum ArchName {
        /// Convolutions of stride 2 in the critic, transposed ones in the generator; for images
        Dcgan = "dcgan",
        /// Smaller convolutions of stride 2, and a hidden layer that sees all they make: InfoGAN's for digits; for images
        Infogan = "infogan",
        /// Residual blocks of two convolutions, WGAN-GP's for 32×32 pixels; for images
        Resnet = "resnet",
        /// Three hidden layers of equal width in both networks
        Mlp = "mlp",
        /// The smallest networks that draw digits: critic 784-128-32-1, generator 10-32-128-784
        MlpSmall = "mlp-small",
    }

    GeneratorArch {
        /// The critic's mirror image, of transposed convolutions
        Dcgan = "dcgan",
        /// Three hidden layers of 10·dim units, which is about as many weights
        Mlp = "mlp",
    }

    Norm {
        /// Nothing
        None = "none",
        /// Layer norm: each sample by its own mean and variance
        Layer = "layer",
        /// Batch norm: each channel by the batch's mean and variance
        Batch = "batch",
    }

    /// What critic and generator play for.
    pub enum ObjectiveName {
        /// The critic widens the gap between its mean scores of real and of generated samples, the generator closes it
        Wasserstein = "wasserstein",
        /// The standard GAN: the critic tells real from generated, σ(D) being the probability of real; the generator lowers
        /// ln(1 − σ(D)), whose slope vanishes as the critic becomes sure
        Standard = "standard",
        /// As standard, but the generator lowers −ln σ(D)
        NonSaturating = "non-saturating",
    }

    LossForm {
        /// mean D(generated) − mean D(real)
        Difference = "difference",
        /// mean(label · D), labels −1 and +1; the generator takes the label of real samples for its own
        Labels = "labels",
    }

    /// What keeps the critic's slope bounded.
    pub enum LipschitzName {
        /// Weights clipped to [−c, c] after every update of the critic (WGAN)
        Clip = "clip",
        /// The penalty λ·(‖∇‖ − 1)² (WGAN-GP)
        Gp = "gp",
        /// The penalty λ·max(‖∇‖, 1)
        GpOneSided = "gp-one-sided",
        /// The penalty λ·max(‖∇‖ − 1, 0)² (WGAN-LP)
        Lp = "lp",
        /// As gp, with the slope between two points in place of the gradient
        Difference = "difference",
        /// As gp-one-sided, with the slope between two points
        DifferenceOneSided = "difference-one-sided",
        /// The penalty λ·max(|D(x) − D(x′)| − ‖x − x′‖, 0)² on pairs of a real and a generated sample
        Pairs = "pairs",
        /// Every weight matrix divided by its largest singular value (spectral normalisation)
        Spectral = "spectral",
        /// Scores within ±1 by a tanh: what is estimated is then twice the total variation, no Wasserstein distance
        Bounded = "bounded",
        /// Nothing: the loss runs off, as a demonstration
        None = "none",
    }

    PenaltyPoints {
        /// At random points between real and generated samples
        Segment = "segment",
        /// At real samples
        Real = "real",
        /// At generated samples
        Fake = "fake",
        /// At real and generated samples
        Both = "both",
    }

    Sign {
        /// Real samples, as in the papers
        RealHigh = "real-high",
        /// Generated samples
        RealLow = "real-low",
    }

    CriticSchedule {
        /// --critic-steps times
        Constant = "constant",
        /// 20 times as often for the first 25 updates of the generator and for every 500th (WGAN: 100 in place of 5)
        Original = "original",
        /// To convergence: in rounds of --critic-steps, until the critic's mean loss in a round is no lower than in the one
        /// before, at most 20 rounds
        Converge = "converge",
    }

    /// The rule by which weights are updated.
    pub enum OptimizerName {
        /// Steps divided by a running root mean square of the gradient
        Rmsprop = "rmsprop",
        /// As rmsprop, with a running mean of the gradient itself, both corrected for their start
        Adam = "adam",
        /// Plain steps against the gradient, with momentum if asked for
        Sgd = "sgd",
    }
}

/// The name of a choice, as in flags and files.
pub fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().expect("no choice is skipped").get_name().to_owned()
}

/// All choices by their names, each with what `--help` says of it.
pub fn all<T: ValueEnum>() -> Vec<(String, String)> {
    let help = |value: PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    T::value_variants()
        .iter()
        .map(|choice| (name(choice), choice.to_possible_value().map(help).unwrap_or_default()))
        .collect()
}

/// The choice of the given name, or a sentence that says which there are.
fn parse<T: ValueEnum>(given: &str) -> Result<T, String> {
    T::from_str(given, false).map_err(|_| {
        let names: Vec<String> = T::value_variants().iter().map(name).collect();
        let hint = did_you_mean(given, &names);
        format!("\"{}\" is not one of {}{hint}", excerpt(given), names.join(", "))
    })
}
