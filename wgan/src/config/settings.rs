//! Every setting of a training, declared once: its help text, its name and type, what it is unless given, which values it can
//! have, and what to say where it has no meaning. What the settings mean together is [`resolve`](super::resolve)'s.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{self, Path};

use autograd::Shape;
use clap::builder::RangedU64ValueParser;
use clap::{Args, value_parser};
use nn::files::excerpt;
use serde::{Deserialize, Serialize};

use super::choices::{ArchName, DatasetName, LipschitzName, ObjectiveName, OptimizerName, Preset};
use super::resolve::conditional;
use crate::data::{ColourMode, is_image};
use crate::error::{did_you_mean, read_text};
use crate::game::networks::{GeneratorArch, Norm};
use crate::game::objective::{LossForm, PenaltyPoints, Sign};
use crate::game::{CriticSchedule, MOST_CRITIC_STEPS};
use crate::machine::backend::BackendName;
use crate::{Error, Result};

/// Whether a setting decides what is computed, says where things are, or may be changed by a resume.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Decides what is computed. Two runs that agree in these have the same bits after as many steps.
    Decides,
    /// Says where other settings and the data are.
    Locates,
    /// How long a run goes on, where and how fast it is computed, and what it reports: a resume may change it.
    Accompanies,
}

/// Makes of the declarations: the [`Options`], and a method of the [`Resolver`] for each. Of a setting, `default` is its value
/// if none is given (one without is an Option), `check` says which values are possible, `idle` what to say if its flag was
/// typed but nothing asked for it, `role` is its [`Role`].
///
/// A group of settings begins with its heading in the help, and what stands behind `as` is what the help calls a value: N is
/// a whole number, X any number.
macro_rules! settings {
    ($(
        [$heading:expr]
        $(
            $(#[$attribute:meta])*
            $name:ident: $type:ty $(as $value:ident)? {
                $(default: $default:expr,)?
                $(check: $check:expr,)?
                $(idle: $idle:expr,)?
                $(role: $role:ident,)?
            }
        )*
    )*) => {
        /// The settings as a person gives them, by flags or in a file, both under the same names: each may be left out.
        #[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        pub struct Options {
            $($(
                $(#[$attribute])*
                #[arg(long, help_heading = $heading, value_parser = settings!(@parser $type $(, $value)?))]
                $(#[arg(value_name = stringify!($value), allow_negative_numbers = stringify!($value) == "X")])?
                pub $name: Option<$type>,
            )*)*
        }

        impl Options {
            /// These settings, and where they are silent the `other` ones.
            pub fn or(&self, other: &Options) -> Self {
                Options { $($($name: self.$name.clone().or_else(|| other.$name.clone()),)*)* }
            }

            /// Those that are something else than `role`.
            pub(super) fn without(&self, role: Role) -> Self {
                let mut others = self.clone();
                $($(if [$(Role::$role,)? Role::Decides][0] == role { others.$name = None; })*)*
                others
            }

            /// Whether each value that is given can be one at all.
            pub(super) fn check(&self) -> Result<()> {
                $($($(if let Some(value) = &self.$name {
                    let possible: Check<$type> = $check;
                    possible(value).map_err(|(shown, reason)| Error::impossible(&kebab(stringify!($name)), shown, &reason))?;
                })?)*)*
                Ok(())
            }
        }

        impl Resolver {
            $($(settings! { @ask $name $type { $($default)? } })*)*

            /// A flag typed in vain is a misunderstanding; a line of a file may wait for other flags.
            pub(super) fn reject_idle(&self, flags: &Options) -> Result<()> {
                $($($(if flags.$name.is_some() && self.used.borrow().$name.is_none() {
                    let reason: fn(&Resolver) -> &'static str = $idle;
                    return Err(Error::flag(&kebab(stringify!($name)), reason(self)));
                })?)*)*
                Ok(())
            }
        }
    };
    (@parser $type:ty, N) => { whole::<$type>() };
    (@parser $type:ty $(, $value:ident)?) => { value_parser!($type) };
    (@ask $name:ident $type:ty { $default:expr }) => {
        pub(super) fn $name(&self) -> $type {
            let default: fn(&Resolver) -> $type = $default;
            let value = self.given.$name.clone().unwrap_or_else(|| default(self));
            self.used.borrow_mut().$name = Some(value.clone());
            value
        }
    };
    (@ask $name:ident $type:ty {}) => {
        pub(super) fn $name(&self) -> Option<$type> {
            let value = self.given.$name.clone();
            self.used.borrow_mut().$name = value.clone();
            value
        }
    };
}

/// Settings, to be asked for by their names: `resolver.batch()` is the value given, or else the default, and is noted as asked
/// for. A setting is asked for where it has a meaning, and nowhere else. So those that were never asked for have no effect:
/// they are not written to `config.toml`, and their flags are refused.
pub struct Resolver {
    given: Options,
    used: RefCell<Options>,
}

/// Of a value that is not possible: how it is shown, and why.
type Checked = std::result::Result<(), (String, String)>;
type Check<T> = fn(&T) -> Checked;

// A default may ask for settings that have a meaning everywhere: preset, dataset, arch, objective, lipschitz, optimizer.
//
// Those of `light` are WGAN-GP's on images (arXiv 1704.00028, algorithm 1), made light enough for two cores: small networks,
// which bear a larger learning rate, small batches, fewer critic steps, and samples drawn with averaged weights, which are
// steadier than those of any one step. Its penalty has little weight: the gradient of a heavy one, taken at as many points as
// a batch has samples, is noisier than that of the distance, and drowns it. README compares them with others by what they draw
// in the same time. Those of `wgan`
// and `wgan-gp` are the papers' experiments: arXiv 1701.07875, algorithm 1 and published code, and arXiv 1704.00028,
// algorithm 1 and published code.
settings! {
    [None]
    /// Where the defaults of all other settings come from [default: light]
    preset: Preset as NAME { default: |_| Preset::Light, role: Locates, }

    ["Data"]
    /// What to learn [default: mnist]
    dataset: DatasetName as NAME { default: |_| DatasetName::Mnist, }
    /// Folder with train-images-idx3-ubyte, raw or .gz, or torchvision's root; for cifar10 with data_batch_1.bin and so on, for
    /// images with PNG and JPEG files
    data_dir: String as DIR { check: |path| names_something(path), idle: |_| "only images are in a folder", role: Locates, }
    /// Text file of points or numbers, one on each line, of about unit scale
    data_file: String as FILE {
        check: |path| names_something(path),
        idle: |_| "only points and numbers are in a file",
        role: Locates,
    }
    /// Height and width that images are cut and scaled to [default: 32]
    size: usize as N { default: |_| 32, check: |n| within(8..=256, *n), idle: |_| "it is for --dataset images", }
    /// What images are made of [default: rgb]
    colour: ColourMode as NAME { default: |_| ColourMode::Rgb, idle: |_| "it is for --dataset images", }
    /// Go on without the images that cannot be used
    #[arg(num_args = 0, default_missing_value = "true")]
    #[serde(skip_serializing_if = "is_off")] // as runs before it wrote nothing
    skip_bad: bool { default: |_| false, idle: |_| "it is for --dataset images", }
    /// Tell classes apart, of which `wgan sample --class` then asks for one: digits, labels in IDX files, folders of images, or
    /// Gaussians
    #[arg(num_args = 0, default_missing_value = "true")]
    #[serde(skip_serializing_if = "is_off")]
    conditional: bool { idle: |_| "these points have no classes", }
    /// Mirror the images that the critic learns from left to right, each time with probability 1/2
    #[arg(num_args = 0, default_missing_value = "true")]
    #[serde(skip_serializing_if = "is_off")]
    flip: bool { idle: |_| "points have no left and right", }

    ["Networks"]
    /// The networks [default: infogan for images, but dcgan for --conditional and --preset; resnet for cifar10; mlp for points]
    arch: ArchName as NAME {
        default: |ask| match ask.dataset() {
            // A projection critic's classes share its last hidden layer, and InfoGAN's is too narrow for them.
            DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Images => match ask.preset() {
                Preset::Light if !conditional(ask) => ArchName::Infogan,
                Preset::Light | Preset::Wgan | Preset::WganGp => ArchName::Dcgan,
            },
            DatasetName::Cifar10 => ArchName::Resnet,
            DatasetName::EightGaussians | DatasetName::TwentyFiveGaussians | DatasetName::Swissroll => ArchName::Mlp,
            DatasetName::Points | DatasetName::Numbers => ArchName::Mlp,
        },
    }
    /// Width: channels of dcgan's and infogan's first layer and of resnet's hidden ones, units of mlp's hidden layers [default:
    /// 16, 512]
    dim: usize as N {
        default: |ask| match (ask.arch(), ask.preset()) {
            (ArchName::Dcgan | ArchName::Infogan | ArchName::Resnet, Preset::Light) => 16,
            (ArchName::Dcgan | ArchName::Infogan, Preset::Wgan | Preset::WganGp) => 64,
            (ArchName::Resnet, Preset::Wgan | Preset::WganGp) => 128,
            (ArchName::Mlp | ArchName::MlpSmall, _) => 512,
        },
        check: |n| within(1..=1024, *n), // beyond, a slip of the finger would take all memory
        idle: |_| "the networks of mlp-small have fixed widths",
    }
    /// The generator beside dcgan's critic [default: dcgan]
    generator: GeneratorArch as NAME {
        default: |_| GeneratorArch::Dcgan,
        idle: |_| "it is a choice beside the critic of dcgan",
    }
    /// What normalises the generator's hidden layers [default: none; resnet batch]
    generator_norm: Norm as NAME {
        default: |ask| match (ask.preset(), ask.arch()) {
            (_, ArchName::Resnet) => Norm::Batch,
            (Preset::Wgan, _) if ask.for_images() => Norm::Batch,
            (Preset::Light | Preset::Wgan | Preset::WganGp, _) => Norm::None,
        },
    }
    /// What normalises the critic's hidden layers but the first; batch only where there is no penalty [default: none;
    /// resnet layer, but for --lipschitz spectral and --preset]
    critic_norm: Norm as NAME {
        // The published code of WGAN has batch norm in the critic, too, which a penalty would not bear; that of WGAN-GP leaves
        // the residual critic without.
        default: |ask| match (ask.preset(), ask.arch()) {
            (Preset::Light, ArchName::Resnet) if ask.lipschitz() != LipschitzName::Spectral => Norm::Layer,
            (Preset::Wgan, _) if ask.for_images() && ask.clips() => Norm::Batch,
            (Preset::Light | Preset::Wgan | Preset::WganGp, _) => Norm::None,
        },
    }

    ["Objective"]
    /// What critic and generator play for [default: wasserstein]
    objective: ObjectiveName as NAME { default: |_| ObjectiveName::Wasserstein, }
    /// How the Wasserstein loss is written; the updates are the same [default: difference]
    loss_form: LossForm as NAME { default: |_| LossForm::Difference, idle: |_| "it is a form of the Wasserstein loss", }
    /// What keeps the critic Lipschitz [default: gp; none for the standard GAN]
    lipschitz: LipschitzName as NAME {
        // The standard GAN's discriminator may be as steep as it likes.
        default: |ask| match (ask.preset(), ask.objective()) {
            (Preset::Wgan, _) => LipschitzName::Clip,
            (Preset::Light | Preset::WganGp, ObjectiveName::Wasserstein) => LipschitzName::Gp,
            (Preset::Light | Preset::WganGp, ObjectiveName::Standard | ObjectiveName::NonSaturating) => LipschitzName::None,
        },
    }
    /// Weight of the penalty [default: 10; for points 0.1 under gp, lp and difference]
    lambda: f64 as X {
        // Small on the plane, as in WGAN-GP's published code (the paper has 10 everywhere), except for the penalties that
        // would let the gap run off, or be far from the distance, under a small one.
        default: |ask| match ask.lipschitz() {
            LipschitzName::Gp | LipschitzName::Lp | LipschitzName::Difference if !ask.for_images() => 0.1,
            LipschitzName::Gp | LipschitzName::Lp | LipschitzName::Difference => 10.0,
            LipschitzName::GpOneSided | LipschitzName::DifferenceOneSided | LipschitzName::Pairs => 10.0,
            LipschitzName::Clip | LipschitzName::Spectral | LipschitzName::Bounded | LipschitzName::None => 10.0,
        },
        check: positive,
        idle: |_| "there is no penalty to be weighted",
    }
    /// Bound of the weights under --lipschitz clip [default: 0.01]
    clip: f64 as X { default: |_| 0.01, check: positive, idle: |_| "weights are clipped under --lipschitz clip alone", }
    /// Where the penalty measures the slope [default: segment]
    penalty_points: PenaltyPoints as NAME {
        default: |_| PenaltyPoints::Segment,
        idle: |ask| match ask.lipschitz() {
            LipschitzName::Pairs => "pairs compares the samples themselves",
            LipschitzName::Clip | LipschitzName::Spectral | LipschitzName::Bounded | LipschitzName::None
            | LipschitzName::Gp | LipschitzName::GpOneSided | LipschitzName::Lp // which have it, so they are not asked
            | LipschitzName::Difference | LipschitzName::DifferenceOneSided => "there is no penalty",
        },
    }
    /// Which samples the critic scores high [default: real-high]
    sign: Sign as NAME { default: |_| Sign::RealHigh, }
    /// Updates of the critic per update of the generator [default: 3; 5 for mlp, and for --preset]
    critic_steps: u64 as N {
        default: |ask| match (ask.arch(), ask.preset()) {
            (ArchName::Dcgan | ArchName::Infogan | ArchName::Resnet, Preset::Light) => 3,
            (ArchName::Dcgan | ArchName::Infogan | ArchName::Resnet, Preset::Wgan | Preset::WganGp) => 5,
            (ArchName::Mlp | ArchName::MlpSmall, _) => 5,
        },
        check: |n| within(1..=MOST_CRITIC_STEPS, *n),
    }
    /// How often the critic is updated for each update of the generator [default: constant]
    critic_schedule: CriticSchedule as NAME {
        default: |ask| match ask.preset() {
            Preset::Wgan => CriticSchedule::Original,
            Preset::Light | Preset::WganGp => CriticSchedule::Constant,
        },
    }

    ["Optimizer"]
    /// The rule of the updates [default: adam; rmsprop under --lipschitz clip]
    optimizer: OptimizerName as NAME {
        // arXiv 1701.07875, algorithm 1
        default: |ask| if ask.clips() { OptimizerName::Rmsprop } else { OptimizerName::Adam },
    }
    /// Learning rate [default: adam 1e-4 (infogan 2e-3, dcgan and resnet 1e-3, but for --preset), rmsprop 5e-5, sgd 1e-3]
    lr: f64 as X {
        default: |ask| match (ask.optimizer(), ask.arch(), ask.preset()) {
            (OptimizerName::Adam, ArchName::Infogan, Preset::Light) => 2e-3,
            (OptimizerName::Adam, ArchName::Dcgan | ArchName::Resnet, Preset::Light) => 1e-3,
            (OptimizerName::Adam, ArchName::Resnet, Preset::Wgan | Preset::WganGp) => 2e-4,
            (OptimizerName::Adam, ArchName::Dcgan | ArchName::Infogan | ArchName::Mlp | ArchName::MlpSmall, _) => 1e-4,
            (OptimizerName::Rmsprop, ..) => 5e-5,
            (OptimizerName::Sgd, ..) => 1e-3,
        },
        check: positive,
    }
    /// Decay of adam's mean of gradients [default: 0.5; 0 for infogan under --preset light, for resnet under the others]
    beta1: f64 as X {
        default: |ask| match (ask.arch(), ask.preset()) {
            (ArchName::Infogan, Preset::Light) | (ArchName::Resnet, Preset::Wgan | Preset::WganGp) => 0.0,
            (ArchName::Dcgan | ArchName::Infogan | ArchName::Resnet | ArchName::Mlp | ArchName::MlpSmall, _) => 0.5,
        },
        check: fraction,
        idle: |_| "it belongs to adam",
    }
    /// Decay of adam's mean of squared gradients [default: 0.9]
    beta2: f64 as X { default: |_| 0.9, check: fraction, idle: |_| "it belongs to adam", }
    /// Decay of rmsprop's mean of squared gradients [default: 0.99]
    decay: f64 as X { default: |_| 0.99, check: fraction, idle: |_| "it belongs to rmsprop", }
    /// Momentum of sgd [default: 0]
    momentum: f64 as X { default: |_| 0.0, check: fraction, idle: |_| "it belongs to sgd", }
    /// What adam and rmsprop add to the root they divide by [default: 1e-8]
    epsilon: f64 as X { default: |_| 1e-8, check: positive, idle: |_| "sgd divides by nothing", }
    /// Decay of the moving average of the generator's weights that samples are drawn with; 0 for none [default: 0.995,
    /// but 0 for --preset]
    average: f64 as X {
        default: |ask| match ask.preset() {
            Preset::Light => 0.995,
            Preset::Wgan | Preset::WganGp => 0.0,
        },
        check: fraction,
    }

    ["Run"]
    /// Samples per update [default: 32 images (mlp 50) or 256 points, but for --preset]
    batch: usize as N {
        default: |ask| match (ask.preset(), ask.arch()) {
            (Preset::Wgan, _) => 64,
            (Preset::Light | Preset::WganGp, _) if !ask.for_images() => 256,
            (Preset::Light, ArchName::Dcgan | ArchName::Infogan | ArchName::Resnet) => 32,
            (Preset::WganGp, ArchName::Resnet) => 64,
            (Preset::Light | Preset::WganGp, _) => 50,
        },
        check: at_least_one,
    }
    /// Updates of the generator in all [default: 3500; infogan 6000, but for --preset]
    steps: u64 as N {
        default: |ask| match (ask.arch(), ask.preset()) {
            (ArchName::Infogan, Preset::Light) => 6000,
            _ => 3500,
        },
        check: at_least_one,
        role: Accompanies,
    }
    /// Start of all random numbers; the same seed gives the same bits [default: 0]
    seed: u64 as N { default: |_| 0, }
    /// What to compute on: cpu, opencl or opencl:PLATFORM:DEVICE as `wgan devices` lists them [default: cpu]
    backend: BackendName as NAME { role: Accompanies, }
    /// Threads to compute on [default: one per core]
    threads: usize as N {
        check: |n| within(1..=256, *n),
        idle: |_| "an OpenCL device has threads of its own",
        role: Accompanies,
    }
    /// Steps between pictures of samples [default: 500]
    sample_every: u64 as N { default: |_| 500, check: at_least_one, role: Accompanies, }
    /// Steps between checkpoints [default: 500]
    checkpoint_every: u64 as N { default: |_| 500, check: at_least_one, role: Accompanies, }
    /// Steps between measurements of the samples, which keep the best weights in best.safetensors [default: at the end alone]
    eval_every: u64 as N { check: at_least_one, role: Accompanies, }
    /// Write events.tfevents as well, for TensorBoard
    #[arg(num_args = 0, default_missing_value = "true")]
    tensorboard: bool { default: |_| false, role: Accompanies, }
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
            let message = error.message();
            let problem = if message.starts_with("unknown field") {
                unknown_key(&text[span])
            } else if let Some((_, expected)) =
                message.split_once(", expected ").filter(|_| message.starts_with("invalid "))
            {
                of_another_type(&text, span, expected)
            } else {
                excerpt(&message.replace('\n', ", "))
            };
            Error::ConfigFile { path: path.to_owned(), line, problem }
        })
    }

    /// The names of all settings, as in flags and files.
    pub fn names() -> Vec<String> {
        let command = Options::augment_args(clap::Command::new(""));
        command.get_arguments().filter_map(|argument| argument.get_long()).map(str::to_owned).collect()
    }

    /// The settings that were given, by name.
    pub fn given(&self) -> toml::Table {
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
}

impl Resolver {
    /// Nothing is asked for yet.
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that can be none.
    pub fn new(given: Options) -> Result<Self> {
        given.check()?;
        Ok(Resolver { given: given.with_absolute_paths(), used: RefCell::default() })
    }

    /// The settings that were asked for, with their values.
    pub fn into_used(self) -> Options {
        self.used.into_inner()
    }

    /// The shape of one sample: of an image `[channels, height, width]`, of a point its numbers.
    pub fn sample_shape(&self) -> Shape {
        match self.dataset() {
            DatasetName::Mnist | DatasetName::FashionMnist => Shape::from([1, 28, 28]),
            DatasetName::Cifar10 => Shape::from([3, 32, 32]),
            DatasetName::Images => Shape::from([self.colour().channels(), self.size(), self.size()]),
            DatasetName::EightGaussians | DatasetName::TwentyFiveGaussians => Shape::from([2]),
            DatasetName::Swissroll | DatasetName::Points => Shape::from([2]),
            DatasetName::Numbers => Shape::from([1]),
        }
    }

    /// Whether the samples are images, not points.
    pub fn for_images(&self) -> bool {
        is_image(&self.sample_shape())
    }

    /// Whether the critic is kept Lipschitz as in the WGAN paper, whose other settings go with it.
    fn clips(&self) -> bool {
        match self.lipschitz() {
            LipschitzName::Clip => true,
            LipschitzName::Gp | LipschitzName::GpOneSided | LipschitzName::Lp | LipschitzName::Pairs => false,
            LipschitzName::Difference | LipschitzName::DifferenceOneSided => false,
            LipschitzName::Spectral | LipschitzName::Bounded | LipschitzName::None => false,
        }
    }
}

/// As the flag is written: `penalty-points` for `penalty_points`.
fn kebab(name: &str) -> String {
    name.replace('_', "-")
}

/// A whole number that a TOML file can hold.
fn whole<T: TryFrom<u64>>() -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(..=i64::MAX as u64)
}

fn is_off(setting: &Option<bool>) -> bool {
    *setting != Some(true)
}

fn unless(possible: bool, value: impl Display, reason: &str) -> Checked {
    if possible { Ok(()) } else { Err((value.to_string(), reason.to_owned())) }
}

fn positive(x: &f64) -> Checked {
    unless(*x > 0.0, x, "it must be greater than 0")?;
    unless((*x as f32).is_normal(), x, "32 bits hold numbers from 1e-37 to 3e38")
}

fn fraction(x: &f64) -> Checked {
    unless((0.0..1.0).contains(x), x, "it must be at least 0 and less than 1")
}

fn at_least_one<T: PartialOrd + From<u8> + Display>(n: &T) -> Checked {
    unless(*n >= T::from(1), n, "it must be at least 1")
}

fn within<T: PartialOrd + Display>(range: RangeInclusive<T>, n: T) -> Checked {
    let reason = format!("it must be from {} to {}", range.start(), range.end());
    unless(range.contains(&n), n, &reason)
}

fn names_something(path: &str) -> Checked {
    unless(!path.is_empty(), "\"\"", "it is the name of nothing")
}

/// What is wrong with the value at `span`, which is none of the type that is `expected` in the program's own words.
fn of_another_type(text: &str, span: Range<usize>, expected: &str) -> String {
    let line = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
    let key = text[line..span.start].split('=').next().unwrap_or_default().trim();
    let needed = match expected {
        "usize" | "u64" => "a whole number, 0 or more",
        "f64" => "a number",
        "a boolean" => "true or false",
        _ => "a text in quotes",
    };
    format!("{} = {} is not possible: it must be {needed}", excerpt(key), excerpt(&text[span]))
}

fn unknown_key(key: &str) -> String {
    let hint = did_you_mean(key, &Options::names());
    format!("unknown key \"{}\"{hint}", excerpt(key))
}
