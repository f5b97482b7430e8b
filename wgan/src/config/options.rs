//! The settings of a training as a person gives them, by flags or in a file: every one may be left out.

use std::path::Path;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use nn::files::excerpt;
use serde::{Deserialize, Serialize};

use super::choices::{
    Arch, Colour, CriticSchedule, DatasetName, GeneratorArch, Lipschitz, LossForm, Norm, Objective, Optimizer,
    PenaltyPoints, Preset, Sign,
};
use super::nearest;
use crate::backend::Backend;
use crate::error::read_text;
use crate::{Error, Result};

/// A whole number that a TOML file can hold.
fn whole<T: TryFrom<u64>>() -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(..=i64::MAX as u64)
}

/// One declaration per setting: a flag of the command line and a key of the file, both under the same name.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Where the defaults of all other settings come from [default: light]
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,

    /// What to learn [default: mnist]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub dataset: Option<DatasetName>,
    /// Folder with train-images-idx3-ubyte, raw or .gz, or torchvision's root; for images, with PNG and JPEG files
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub data_dir: Option<String>,
    /// Text file of points or numbers, one on each line, of about unit scale
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub data_file: Option<String>,
    /// Height and width that images are cut and scaled to [default: 32]
    #[arg(long, value_name = "N", help_heading = "Data", value_parser = whole::<usize>())]
    pub size: Option<usize>,
    /// What images are made of [default: rgb]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    pub colour: Option<Colour>,
    /// Go on without the images that cannot be used
    #[arg(long, help_heading = "Data", num_args = 0, default_missing_value = "true")]
    pub skip_bad: Option<bool>,

    /// The networks [default: dcgan for images, mlp for points]
    #[arg(long, value_name = "NAME", help_heading = "Networks")]
    pub arch: Option<Arch>,
    /// Width: channels of dcgan's first layer, units of mlp's hidden layers [default: 16, 512]
    #[arg(long, value_name = "N", help_heading = "Networks", value_parser = whole::<usize>())]
    pub dim: Option<usize>,
    /// The generator beside dcgan's critic [default: dcgan]
    #[arg(long, value_name = "NAME", help_heading = "Networks")]
    pub generator: Option<GeneratorArch>,
    /// What normalises the generator's hidden layers [default: none]
    #[arg(long, value_name = "NAME", help_heading = "Networks")]
    pub generator_norm: Option<Norm>,
    /// What normalises the critic's hidden layers but the first; batch only where there is no penalty [default: none]
    #[arg(long, value_name = "NAME", help_heading = "Networks")]
    pub critic_norm: Option<Norm>,

    /// What critic and generator play for [default: wasserstein]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub objective: Option<Objective>,
    /// How the Wasserstein loss is written; the updates are the same [default: difference]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub loss_form: Option<LossForm>,
    /// What keeps the critic Lipschitz [default: gp; none for the standard GAN]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub lipschitz: Option<Lipschitz>,
    /// Weight of the penalty [default: 10; for points 0.1 under gp, lp and difference]
    #[arg(long, value_name = "X", help_heading = "Objective", allow_negative_numbers = true)]
    pub lambda: Option<f64>,
    /// Bound of the weights under --lipschitz clip [default: 0.01]
    #[arg(long, value_name = "X", help_heading = "Objective", allow_negative_numbers = true)]
    pub clip: Option<f64>,
    /// Where the penalty measures the slope [default: segment]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub penalty_points: Option<PenaltyPoints>,
    /// Which samples the critic scores high [default: real-high]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub sign: Option<Sign>,
    /// Updates of the critic per update of the generator [default: 3; 5 for mlp, and for --preset]
    #[arg(long, value_name = "N", help_heading = "Objective", value_parser = whole::<u64>())]
    pub critic_steps: Option<u64>,
    /// How often the critic is updated for each update of the generator [default: constant]
    #[arg(long, value_name = "NAME", help_heading = "Objective")]
    pub critic_schedule: Option<CriticSchedule>,

    /// The rule of the updates [default: adam; rmsprop under --lipschitz clip]
    #[arg(long, value_name = "NAME", help_heading = "Optimizer")]
    pub optimizer: Option<Optimizer>,
    /// Learning rate [default: adam 1e-4 (dcgan 1e-3, but for --preset), rmsprop 5e-5, sgd 1e-3]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Decay of adam's mean of gradients [default: 0.5]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub beta1: Option<f64>,
    /// Decay of adam's mean of squared gradients [default: 0.9]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub beta2: Option<f64>,
    /// Decay of rmsprop's mean of squared gradients [default: 0.99]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub decay: Option<f64>,
    /// Momentum of sgd [default: 0]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub momentum: Option<f64>,
    /// What adam and rmsprop add to the root they divide by [default: 1e-8]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub epsilon: Option<f64>,
    /// Decay of the moving average of the generator's weights that samples are drawn with; 0 for none [default: 0.995,
    /// but 0 for --preset]
    #[arg(long, value_name = "X", help_heading = "Optimizer", allow_negative_numbers = true)]
    pub average: Option<f64>,

    /// Samples per update [default: 32 images (mlp 50) or 256 points, but for --preset]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<usize>())]
    pub batch: Option<usize>,
    /// Updates of the generator in all [default: 3500]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<u64>())]
    pub steps: Option<u64>,
    /// Start of all random numbers; the same seed gives the same bits [default: 0]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<u64>())]
    pub seed: Option<u64>,
    /// What to compute on: cpu, opencl or opencl:PLATFORM:DEVICE as `wgan devices` lists them [default: cpu]
    #[arg(long, value_name = "NAME", help_heading = "Run")]
    pub backend: Option<Backend>,
    /// Threads to compute on [default: one per core]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<usize>())]
    pub threads: Option<usize>,
    /// Steps between pictures of samples [default: 500]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<u64>())]
    pub sample_every: Option<u64>,
    /// Steps between checkpoints [default: 500]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = whole::<u64>())]
    pub checkpoint_every: Option<u64>,
    /// Write events.tfevents as well, for TensorBoard
    #[arg(long, help_heading = "Run", num_args = 0, default_missing_value = "true")]
    pub tensorboard: Option<bool>,
}

impl Options {
    /// The settings in a TOML file.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::ConfigFile`] with the line that is no setting.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        // A table holds the numbers of TOML, of 63 bits and a sign; the settings alone would take larger ones.
        let settings = toml::from_str::<toml::Table>(&text).and_then(|_| toml::from_str(&text));
        settings.map_err(|error| {
            let span = error.span().unwrap_or_default();
            let line = text[..span.start].matches('\n').count() + 1;
            let problem = if error.message().starts_with("unknown field") {
                unknown_key(&text[span])
            } else {
                excerpt(&error.message().replace('\n', ", "))
            };
            Error::ConfigFile { path: path.to_owned(), line, problem }
        })
    }

    /// The names of all settings, as in flags and files.
    pub fn names() -> Vec<String> {
        let command = Options::augment_args(clap::Command::new(""));
        command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect()
    }

    /// These settings, and where they are silent the `other` ones.
    pub fn or(&self, other: &Options) -> Self {
        let mut settings = other.given();
        settings.extend(self.given());
        settings.try_into().expect("these came from Options")
    }

    /// The settings that were given, by name.
    pub fn given(&self) -> toml::Table {
        toml::Table::try_from(self).expect("numbers, strings and names make TOML")
    }
}

fn unknown_key(key: &str) -> String {
    let hint = nearest(key, &Options::names()).map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
    format!("unknown key \"{}\"{hint}", excerpt(key))
}
