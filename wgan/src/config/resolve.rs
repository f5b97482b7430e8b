//! What the settings mean together. Each is asked for where it has a meaning.

use autograd::Shape;

use super::choices::{ArchName, DatasetName, LipschitzName, ObjectiveName, OptimizerName};
use super::settings::{Options, Resolver};
use crate::data::{Source, Toy};
use crate::game::networks::{Arch, Networks, Norm};
use crate::game::objective::{Lipschitz, Loss, Objective, Penalty, PenaltyPoints, Slope};
use crate::game::{Game, Rule, Schedule, resnet_draws};
use crate::{Error, Result};

/// What a trained generator is rebuilt from, wherever its data lie.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The name of what it has learned.
    pub dataset: DatasetName,
    /// The shape of a sample.
    pub sample: Shape,
    /// The networks.
    pub networks: Networks,
    /// Whether they tell classes apart.
    pub conditional: bool,
}

impl Trained {
    /// What was trained with these settings.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for a value that is not possible.
    pub fn new(settings: &Options) -> Result<Self> {
        Trained::asked(&Resolver::new(settings.clone())?)
    }

    /// The same, of settings that a person typed.
    ///
    /// # Errors
    /// Also [`Error::Flag`] for one that would change nothing.
    pub fn typed(flags: &Options) -> Result<Self> {
        let ask = Resolver::new(flags.clone())?;
        let trained = Trained::asked(&ask)?;
        ask.reject_idle(flags)?;
        Ok(trained)
    }

    fn asked(ask: &Resolver) -> Result<Self> {
        let (dataset, sample, conditional) = (ask.dataset(), ask.sample_shape(), conditional(ask));
        Ok(Trained { dataset, sample, networks: networks(ask)?, conditional })
    }
}

const NOT_EMBEDDED: &str = "it is not embedded, so --data-dir must name its folder";

pub fn data(ask: &Resolver) -> Result<Source> {
    let dataset = ask.dataset();
    let missing = |reason| move || Error::impossible("dataset", dataset, reason);
    let in_file = |dimensions| {
        let missing = missing("--data-file must name the file that they are in");
        Ok(Source::Points { file: ask.data_file().ok_or_else(missing)?.into(), dimensions })
    };
    let published = |folder: String| Source::Idx { name: dataset.to_string(), folder: folder.into() };
    match dataset {
        DatasetName::Mnist => Ok(ask.data_dir().map_or(Source::Digits, published)),
        DatasetName::FashionMnist => ask.data_dir().ok_or_else(missing(NOT_EMBEDDED)).map(published),
        DatasetName::Cifar10 => {
            Ok(Source::Cifar10 { folder: ask.data_dir().ok_or_else(missing(NOT_EMBEDDED))?.into() })
        }
        DatasetName::EightGaussians => Ok(Source::Toy(Toy::EightGaussians)),
        DatasetName::TwentyFiveGaussians => Ok(Source::Toy(Toy::TwentyFiveGaussians)),
        DatasetName::Swissroll => Ok(Source::Toy(Toy::Swissroll)),
        DatasetName::Images => Ok(Source::Images {
            folder: ask.data_dir().ok_or_else(missing("--data-dir must name the folder that they are in"))?.into(),
            size: ask.size(),
            colour: ask.colour(),
            skip_bad: ask.skip_bad(),
        }),
        DatasetName::Points => in_file(2),
        DatasetName::Numbers => in_file(1),
    }
}

/// Whether classes are told apart, where there are any.
pub fn conditional(ask: &Resolver) -> bool {
    let asked = match ask.dataset() {
        DatasetName::Mnist | DatasetName::FashionMnist | DatasetName::Cifar10 => ask.conditional(),
        DatasetName::Images | DatasetName::EightGaussians | DatasetName::TwentyFiveGaussians => ask.conditional(),
        DatasetName::Swissroll | DatasetName::Points | DatasetName::Numbers => None,
    };
    asked.unwrap_or(false)
}

pub fn game(ask: &Resolver) -> Result<Game> {
    let (networks, objective, batch) = (networks(ask)?, objective(ask)?, ask.batch());
    let Networks { generator_norm, critic_norm, .. } = networks;
    if batch == 1 && [generator_norm, critic_norm].contains(&Norm::Batch) {
        return Err(Error::impossible("batch", batch, "batch norm needs at least 2 samples"));
    }
    let clash = match (objective.lipschitz, critic_norm) {
        (Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. }, Norm::Batch) => {
            Some("the penalty is for each sample's own slope, which batch norm mixes with others; take layer")
        }
        (Lipschitz::Spectral, Norm::Layer | Norm::Batch) => Some("it would undo the bound of spectral normalisation"),
        (Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. }, Norm::None | Norm::Layer)
        | (Lipschitz::Spectral, Norm::None)
        | (Lipschitz::Clip { .. } | Lipschitz::Bounded | Lipschitz::None, _) => None,
    };
    if let Some(reason) = clash {
        return Err(Error::impossible("critic-norm", critic_norm, reason));
    }
    let schedule = Schedule { critic_steps: ask.critic_steps(), kind: ask.critic_schedule() };
    let (rule, lr, average) = (rule(ask), ask.lr(), ask.average());
    let flip = ask.for_images() && ask.flip() == Some(true);
    Ok(Game { networks, objective, schedule, rule, lr, average, batch, flip, seed: ask.seed() })
}

fn networks(ask: &Resolver) -> Result<Networks> {
    let arch = ask.arch();
    if arch != ArchName::Mlp && !ask.for_images() {
        return Err(Error::impossible("arch", arch, "the samples are points, which need mlp"));
    }
    let arch = match arch {
        ArchName::Dcgan => Arch::Dcgan { dim: ask.dim(), generator: ask.generator() },
        ArchName::Infogan => Arch::Infogan { dim: ask.dim() },
        ArchName::Resnet => {
            let size = ask.sample_shape()[1];
            if !resnet_draws(size) {
                let reason = format!(
                    "it draws images of 16, 20, 24 or 28 pixels, or of 2, 4 or 8 times as many, but these have {size}"
                );
                return Err(Error::impossible("arch", arch, &reason));
            }
            Arch::Resnet { dim: ask.dim() }
        }
        ArchName::Mlp => Arch::Mlp { dim: ask.dim() },
        ArchName::MlpSmall => Arch::MlpSmall,
    };
    Ok(Networks { arch, generator_norm: ask.generator_norm(), critic_norm: ask.critic_norm() })
}

fn objective(ask: &Resolver) -> Result<Objective> {
    let loss = match ask.objective() {
        ObjectiveName::Wasserstein => Loss::Wasserstein(ask.loss_form()),
        ObjectiveName::Standard => Loss::Standard,
        ObjectiveName::NonSaturating => Loss::NonSaturating,
    };
    Ok(Objective { loss, sign: ask.sign(), lipschitz: lipschitz(ask)? })
}

fn lipschitz(ask: &Resolver) -> Result<Lipschitz> {
    let gradient_penalty =
        |kind| Ok(Lipschitz::Penalty { kind, lambda: ask.lambda(), slope: Slope::OfGradient(ask.penalty_points()) });
    let difference_penalty = |kind| match ask.penalty_points() {
        PenaltyPoints::Segment => Ok(Lipschitz::Penalty { kind, lambda: ask.lambda(), slope: Slope::OfDifference }),
        points @ (PenaltyPoints::Real | PenaltyPoints::Fake | PenaltyPoints::Both) => {
            Err(Error::impossible("penalty-points", points, "difference needs two points on a segment"))
        }
    };
    match ask.lipschitz() {
        LipschitzName::Clip => Ok(Lipschitz::Clip { c: ask.clip() }),
        LipschitzName::Gp => gradient_penalty(Penalty::TwoSided),
        LipschitzName::GpOneSided => gradient_penalty(Penalty::OneSided),
        LipschitzName::Lp => gradient_penalty(Penalty::Lp),
        LipschitzName::Difference => difference_penalty(Penalty::TwoSided),
        LipschitzName::DifferenceOneSided => difference_penalty(Penalty::OneSided),
        LipschitzName::Pairs => Ok(Lipschitz::Pairs { lambda: ask.lambda() }),
        LipschitzName::Spectral => Ok(Lipschitz::Spectral),
        LipschitzName::Bounded => Ok(Lipschitz::Bounded),
        LipschitzName::None => Ok(Lipschitz::None),
    }
}

fn rule(ask: &Resolver) -> Rule {
    match ask.optimizer() {
        OptimizerName::Adam => Rule::Adam { beta1: ask.beta1(), beta2: ask.beta2(), epsilon: ask.epsilon() },
        OptimizerName::Rmsprop => Rule::RmsProp { decay: ask.decay(), epsilon: ask.epsilon() },
        OptimizerName::Sgd => Rule::Sgd { momentum: ask.momentum() },
    }
}
