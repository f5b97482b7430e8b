//! The configuration of a training: what a person gave, on top of the preset for the data set, constraint and optimiser
//! chosen, on top of the defaults.

mod choices;
mod options;
mod presets;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{self, Path};

use autograd::Shape;
use serde::{Deserialize, Serialize};

pub use choices::{
    Arch, Colour, CriticSchedule, DatasetName, GeneratorArch, Lipschitz, LossForm, Norm, Objective, Optimizer,
    PenaltyPoints, Preset, Sign,
};
pub use options::Options;

use crate::backend::Backend;
use crate::{Error, Result};

/// Everything that decides what a training computes, and how often it reports. The fields are [`Options`]' own, each
/// with a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where the defaults of the other settings come from.
    pub preset: Preset,

    /// What is learned.
    pub dataset: DatasetName,
    /// Where its files are; the embedded digits need none. A string, because TOML holds no other paths.
    pub data_dir: Option<String>,
    /// The file that points are in.
    pub data_file: Option<String>,
    /// Height and width of images from a folder.
    pub size: usize,
    /// What these images are made of.
    pub colour: Colour,
    /// Whether images that cannot be used are left out. Written down only where it is so, as runs before it did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_bad: bool,

    /// The networks.
    pub arch: Arch,
    /// Channels of the first convolution, or units of the hidden layers.
    pub dim: usize,
    /// The generator beside dcgan's critic.
    pub generator: GeneratorArch,
    /// What normalises the generator's hidden layers.
    pub generator_norm: Norm,
    /// What normalises the critic's hidden layers but the first.
    pub critic_norm: Norm,

    /// What critic and generator play for.
    pub objective: Objective,
    /// How the Wasserstein loss is written.
    pub loss_form: LossForm,
    /// What keeps the critic Lipschitz.
    pub lipschitz: Lipschitz,
    /// λ, the penalty's weight.
    pub lambda: f64,
    /// c, the bound of clipped weights.
    pub clip: f64,
    /// Where the penalty measures the slope.
    pub penalty_points: PenaltyPoints,
    /// Which samples the critic scores high.
    pub sign: Sign,
    /// Updates of the critic per update of the generator.
    pub critic_steps: u64,
    /// How often the critic is updated for each update of the generator.
    pub critic_schedule: CriticSchedule,

    /// The rule of the updates.
    pub optimizer: Optimizer,
    /// Learning rate.
    pub lr: f64,
    /// Adam's β₁.
    pub beta1: f64,
    /// Adam's β₂.
    pub beta2: f64,
    /// RMSProp's decay of the mean square.
    pub decay: f64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// ε of Adam and RMSProp.
    pub epsilon: f64,
    /// Decay of the moving average of the generator's weights that samples are drawn with; 0 for none.
    pub average: f64,

    /// Samples per update.
    pub batch: usize,
    /// Updates of the generator in all.
    pub steps: u64,
    /// Start of all random numbers.
    pub seed: u64,
    /// What to compute on; the CPU if absent.
    pub backend: Option<Backend>,
    /// Threads to compute on; as many as there are cores if absent.
    pub threads: Option<usize>,
    /// Steps between pictures of samples.
    pub sample_every: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Whether to write events for TensorBoard.
    pub tensorboard: bool,
}

/// The settings that no step depends on: how long a run goes on, where and how fast, and what it reports.
const SCHEDULE: [&str; 6] = ["steps", "backend", "threads", "sample-every", "checkpoint-every", "tensorboard"];

/// Beyond these a number is a slip of the finger that would take all memory.
const LARGEST_DIM: u64 = 1024;
const SIZES: RangeInclusive<usize> = 8..=256;
pub(crate) const MOST_CRITIC_STEPS: u64 = 1000;
const MOST_THREADS: u64 = 256;

impl Config {
    /// The configuration that `flags` and `file` ask for: a flag goes before the file, the file before the preset, the
    /// preset before the default.
    ///
    /// ```
    /// use wgan::config::{Config, Lipschitz, Optimizer, Options};
    /// let flags = Options { lipschitz: Some(Lipschitz::Clip), ..Options::default() };
    /// let config = Config::resolve(&flags, &Options::default())?;
    /// assert_eq!((config.optimizer, config.lr), (Optimizer::Rmsprop, 5e-5));
    /// # Ok::<(), wgan::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that is not possible, [`Error::Flag`] for a flag that would change nothing.
    pub fn resolve(flags: &Options, file: &Options) -> Result<Self> {
        // A layer may choose what the next one depends on, so each is looked up under all that is known before it.
        let mut preset = Options::default();
        let config = |preset: &Options| Config::default().with(preset).with(file).with(flags);
        for layer in presets::LAYERS {
            preset = preset.or(&layer(&config(&preset)));
        }
        let config = config(&preset).with_absolute_paths();
        config.validate()?;
        config.reject_idle(flags)?;
        Ok(config)
    }

    /// These settings with all that `options` gives put in their place.
    pub fn with(&self, options: &Options) -> Self {
        let mut settings = self.table();
        settings.extend(options.given());
        settings.try_into().expect("Options and Config have the same fields")
    }

    /// These settings with the data set in this folder or file.
    ///
    /// # Errors
    /// [`Error::Flag`] if the data set is in none, [`Error::Setting`] if it needs one and gets none.
    pub fn with_data(&self, data_dir: Option<String>, data_file: Option<String>) -> Result<Self> {
        let changes = Options { data_dir, data_file, ..Options::default() };
        let config = self.with(&changes).with_absolute_paths();
        config.validate()?;
        config.reject_idle(&changes)?;
        Ok(config)
    }

    /// The configuration of a run that is resumed with `changes`: they may ask for more steps or other reports, but for
    /// nothing that the steps done so far depended on.
    ///
    /// # Errors
    /// [`Error::Flag`] for any other change, [`Error::Setting`] for a value that is not possible.
    pub fn resumed(&self, changes: &Options) -> Result<Self> {
        if let Some((flag, _)) = changes.given().into_iter().find(|(flag, _)| !SCHEDULE.contains(&flag.as_str())) {
            let reason = "a resumed run keeps all settings but steps, backend, threads and reports";
            return Err(Error::Flag { flag, reason: reason.to_owned() });
        }
        let config = self.with(changes);
        config.validate()?;
        config.reject_idle(changes)?;
        Ok(config)
    }

    /// The shape of one sample: of an image `[channels, height, width]`, of a point its numbers.
    pub fn sample_shape(&self) -> Shape {
        match self.dataset {
            DatasetName::Images => Shape::from([self.colour.channels(), self.size, self.size]),
            DatasetName::Numbers => Shape::from([1]),
            dataset if dataset.is_images() => Shape::from([1, 28, 28]),
            _ => Shape::from([2]),
        }
    }

    /// The settings as a TOML file, without those that have no effect.
    pub fn to_toml(&self) -> String {
        toml::to_string(&self.effective()).expect("a table of plain values is TOML")
    }

    /// Whether the gap between the critic's mean scores is meant to be the Wasserstein distance, not what a discriminator
    /// makes of its logits, nor what a bounded critic makes of the total variation.
    pub fn estimates_a_distance(&self) -> bool {
        self.objective == Objective::Wasserstein && self.lipschitz != Lipschitz::Bounded
    }

    /// The shortest command line for these settings, as `wgan train --dataset 8gaussians --seed 3`.
    pub fn command_line(&self) -> String {
        let mut given = self.effective();
        for name in self.effective().keys() {
            let mut fewer = given.clone();
            fewer.remove(name);
            let options: Options = fewer.clone().try_into().expect("Options and Config have the same fields");
            let same = |config: Config| config.effective() == self.effective();
            if Config::resolve(&options, &Options::default()).is_ok_and(same) {
                given = fewer;
            }
        }
        let flag = |(name, value): (&String, &toml::Value)| match value {
            toml::Value::Boolean(_) => format!(" --{name}"),
            toml::Value::String(text) => format!(" --{name} {}", quoted(text)),
            number => format!(" --{name} {number}"),
        };
        given.iter().map(flag).fold("wgan train".to_owned(), |command, flag| command + &flag)
    }

    /// The settings that decide what a step computes. Two runs that agree in these have the same bits after as many
    /// steps, wherever their data lie.
    pub fn essentials(&self) -> Options {
        let mut settings = self.effective();
        settings.retain(|name, _| !["preset", "data-dir", "data-file"].contains(&name) && !SCHEDULE.contains(&name));
        settings.try_into().expect("Options and Config have the same fields")
    }

    /// The settings that have an effect.
    fn effective(&self) -> toml::Table {
        let mut settings = self.table();
        settings.retain(|name, _| self.idle(name).is_none());
        settings
    }

    fn table(&self) -> toml::Table {
        toml::Table::try_from(self).expect("numbers, strings and names make TOML")
    }

    /// So that the run can be repeated from another folder.
    fn with_absolute_paths(mut self) -> Self {
        let absolute = |path: &String| path::absolute(Path::new(path)).ok()?.into_os_string().into_string().ok();
        for path in [&mut self.data_dir, &mut self.data_file].into_iter().flatten() {
            *path = absolute(path).unwrap_or_else(|| path.clone());
        }
        self
    }

    fn validate(&self) -> Result<()> {
        self.validate_values()?;
        for (name, path) in [("data-dir", &self.data_dir), ("data-file", &self.data_file)] {
            check(name, "\"\"", path.as_deref() != Some(""), "it is the name of nothing")?;
        }
        let (has_data, reason) = match self.dataset {
            DatasetName::FashionMnist => {
                (self.data_dir.is_some(), "it is not embedded, so --data-dir must name its folder")
            }
            DatasetName::Images => (self.data_dir.is_some(), "--data-dir must name the folder that they are in"),
            dataset => {
                (!dataset.is_file() || self.data_file.is_some(), "--data-file must name the file that they are in")
            }
        };
        check("dataset", self.dataset, has_data, reason)
    }

    /// Whether each value is possible, and possible beside the others; wherever the data lie.
    ///
    /// # Errors
    /// [`Error::Setting`] for one that is not.
    pub fn validate_values(&self) -> Result<()> {
        let positive = |name, x: f64| {
            check(name, x, x > 0.0, "it must be greater than 0")?;
            check(name, x, (x as f32).is_normal(), "32 bits hold numbers from 1e-37 to 3e38")
        };
        let fraction = |name, x: f64| check(name, x, (0.0..1.0).contains(&x), "it must be at least 0 and less than 1");
        let at_least_one = |name, n: u64| check(name, n, n >= 1, "it must be at least 1");
        let up_to = |name, n, most| check(name, n, (1..=most).contains(&n), &format!("it must be from 1 to {most}"));
        positive("lambda", self.lambda)?;
        positive("clip", self.clip)?;
        positive("lr", self.lr)?;
        positive("epsilon", self.epsilon)?;
        fraction("beta1", self.beta1)?;
        fraction("beta2", self.beta2)?;
        fraction("decay", self.decay)?;
        fraction("momentum", self.momentum)?;
        fraction("average", self.average)?;
        up_to("dim", self.dim as u64, LARGEST_DIM)?;
        check("size", self.size, SIZES.contains(&self.size), "it must be from 8 to 256")?;
        up_to("critic-steps", self.critic_steps, MOST_CRITIC_STEPS)?;
        at_least_one("batch", self.batch as u64)?;
        at_least_one("steps", self.steps)?;
        up_to("threads", self.threads.unwrap_or(1) as u64, MOST_THREADS)?;
        at_least_one("sample-every", self.sample_every)?;
        at_least_one("checkpoint-every", self.checkpoint_every)?;
        let fits = self.dataset.is_images() || self.arch == Arch::Mlp;
        check("arch", self.arch, fits, "the samples are points, which need mlp")?;
        let on_segment = !self.lipschitz.is_difference() || self.penalty_points == PenaltyPoints::Segment;
        check("penalty-points", self.penalty_points, on_segment, "difference needs two points on a segment")?;
        let norms = [self.generator_norm, self.critic_norm];
        let enough = self.batch > 1 || !norms.contains(&Norm::Batch);
        check("batch", self.batch, enough, "batch norm needs at least 2 samples")?;
        let unmixed = self.critic_norm != Norm::Batch || !self.lipschitz.is_penalty();
        let reason = "the penalty is for each sample's own slope, which batch norm mixes with others; take layer";
        check("critic-norm", self.critic_norm, unmixed, reason)?;
        let unbounded = self.critic_norm == Norm::None || self.lipschitz != Lipschitz::Spectral;
        check("critic-norm", self.critic_norm, unbounded, "it would undo the bound of spectral normalisation")
    }

    /// Why the setting has no effect beside the others, if it has none.
    fn idle(&self, name: &str) -> Option<&'static str> {
        let (effective, reason) = match name {
            "data-dir" => (self.dataset.is_images(), "only images are in a folder"),
            "data-file" => (self.dataset.is_file(), "only points and numbers are in a file"),
            "size" | "colour" | "skip-bad" => (self.dataset == DatasetName::Images, "it is for --dataset images"),
            "dim" => (self.arch != Arch::MlpSmall, "the networks of mlp-small have fixed widths"),
            "generator" => (self.arch == Arch::Dcgan, "it is a choice beside the critic of dcgan"),
            "loss-form" => (self.objective == Objective::Wasserstein, "it is a form of the Wasserstein loss"),
            "lambda" => (self.lipschitz.is_penalty(), "there is no penalty to be weighted"),
            "penalty-points" if self.lipschitz == Lipschitz::Pairs => (false, "pairs compares the samples themselves"),
            "penalty-points" => (self.lipschitz.is_penalty(), "there is no penalty"),
            "threads" => (!matches!(self.backend, Some(Backend::OpenCl(_))), "an OpenCL device has threads of its own"),
            "clip" => (self.lipschitz == Lipschitz::Clip, "weights are clipped under --lipschitz clip alone"),
            "beta1" | "beta2" => (self.optimizer == Optimizer::Adam, "it belongs to adam"),
            "decay" => (self.optimizer == Optimizer::Rmsprop, "it belongs to rmsprop"),
            "momentum" => (self.optimizer == Optimizer::Sgd, "it belongs to sgd"),
            "epsilon" => (self.optimizer != Optimizer::Sgd, "sgd divides by nothing"),
            _ => (true, ""),
        };
        (!effective).then_some(reason)
    }

    /// A flag typed in vain is a misunderstanding; a line of a file may wait for other flags.
    fn reject_idle(&self, flags: &Options) -> Result<()> {
        let idle = flags.given().into_iter().find_map(|(flag, _)| self.idle(&flag).map(|reason| (flag, reason)));
        idle.map_or(Ok(()), |(flag, reason)| Err(Error::Flag { flag, reason: reason.to_owned() }))
    }
}

fn check(name: &'static str, value: impl Display, possible: bool, reason: &str) -> Result<()> {
    if possible { Ok(()) } else { Err(Error::Setting { name, value: value.to_string(), reason: reason.to_owned() }) }
}

/// A word as a shell takes it: in quotes if need be.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The name most like the given one, if it is alike at all; by clap's own measure and threshold.
pub(crate) fn nearest<'a>(given: &str, names: &'a [String]) -> Option<&'a String> {
    let alike = names.iter().map(|name| (strsim::jaro(given, name), name)).filter(|(likeness, _)| *likeness > 0.7);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
