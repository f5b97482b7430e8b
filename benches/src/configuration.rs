//! The trainings that are measured.

use std::fmt;

use clap::ValueEnum;
use wgan::Result;
use wgan::config::{ArchName, Config, DatasetName, LipschitzName, Options, Preset};

/// The published experiments, by their data, networks and constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Configuration {
    /// WGAN-GP on points: two networks of 3×512 units, batches of 256
    ToyGp,
    /// WGAN on digits: two networks of 3×512 units, batches of 64
    MnistMlpClip,
    /// WGAN-GP on digits: two networks of three convolutions, 64 channels in the widest, batches of 50
    MnistDcganGp,
    /// WGAN on digits, with the same networks
    MnistDcganClip,
    /// What `wgan` does unless told otherwise: WGAN-GP on digits, InfoGAN's networks of 16 channels, batches of 32, 3 updates of
    /// the critic
    Light,
    /// The same with residual networks of 16 channels, batches of 32
    LightResnet,
}

impl Configuration {
    /// The settings of `wgan train` that make it.
    ///
    /// # Errors
    /// If there are no threads.
    pub fn config(self, threads: usize) -> Result<Config> {
        let options = match self {
            Configuration::ToyGp => {
                Options { dataset: Some(DatasetName::EightGaussians), lambda: Some(10.0), ..Options::default() }
            }
            Configuration::MnistMlpClip => Options {
                arch: Some(ArchName::Mlp),
                lipschitz: Some(LipschitzName::Clip),
                batch: Some(64),
                ..Options::default()
            },
            Configuration::MnistDcganGp => Options { preset: Some(Preset::WganGp), ..Options::default() },
            Configuration::MnistDcganClip => {
                Options { preset: Some(Preset::WganGp), lipschitz: Some(LipschitzName::Clip), ..Options::default() }
            }
            Configuration::Light => Options::default(),
            Configuration::LightResnet => Options { arch: Some(ArchName::Resnet), ..Options::default() },
        };
        // The published experiments average no weights, and what is compared with them does not.
        Config::resolve(&Options { threads: Some(threads), average: Some(0.0), ..options }, &Options::default())
    }
}

/// The name on the command line.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().expect("no configuration is hidden").get_name())
    }
}

#[cfg(test)]
mod tests {
    use autograd::Device;
    use wgan::game::Programs;

    use super::*;

    /// GFLOP of an iteration, counted from the layers' shapes after pruning. A hidden layer of the toy multiplies a
    /// batch by 512×512 numbers, 2·256·512² = 0.134 GFLOP: 10 such products for the fakes, 5·(12 + 8) for the critic (real and
    /// fake there and back, then the penalty, whose second pass through the activations is zero), 10 for the generator. An image
    /// takes 1.305 MFLOP in light's critic and 1.337 in its generator: 96 there for the fakes, 3·(3·64 + 4·32) passes for the critic, 5
    /// of 32 for the generator, less what nobody needs, the gradient of the pixels and of the noise.
    #[test]
    fn an_iteration_takes_the_operations_counted_by_hand() {
        let counted = [
            (Configuration::ToyGp, 16.2, 16.2),
            (Configuration::MnistMlpClip, 4.3, 4.3),
            (Configuration::MnistDcganGp, 141.0, 102.0),
            (Configuration::MnistDcganClip, 94.0, 68.0),
            (Configuration::Light, 1.57, 1.43),
        ];
        for (configuration, dense, unpadded) in counted {
            let config = configuration.config(1).unwrap();
            let programs = Programs::compile(&config.game, &config.load_data().unwrap(), &Device::cpu()).unwrap();
            let found = programs.flops();
            for (what, found, counted) in [("dense", found.dense, dense), ("unpadded", found.unpadded, unpadded)] {
                let ratio = found as f64 / (1e9 * counted);
                assert!((0.99..1.01).contains(&ratio), "{configuration}: {found} {what}, by hand {counted}e9");
            }
        }
    }
}
