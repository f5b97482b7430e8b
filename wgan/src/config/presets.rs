//! What is set when nobody sets it: defaults for all, and on top what suits the data set, the constraint and the
//! optimiser. The numbers are those of the papers where they give any.

use super::{
    Arch, Colour, Config, CriticSchedule, DatasetName, GeneratorArch, Lipschitz, LossForm, Norm, Objective, Optimizer,
    Options, PenaltyPoints, Preset, Sign,
};

/// The settings of WGAN-GP on images (arXiv 1704.00028, algorithm 1), made light enough for two cores: small networks, which
/// bear a larger learning rate, small batches, fewer critic steps, and samples drawn with averaged weights, which are
/// steadier than those of any one step. README compares them with others by what they draw in the same time.
impl Default for Config {
    fn default() -> Self {
        Config {
            preset: Preset::Light,
            dataset: DatasetName::Mnist,
            data_dir: None,
            data_file: None,
            size: 32,
            colour: Colour::Rgb,
            skip_bad: false,
            arch: Arch::Dcgan,
            dim: 16,
            generator: GeneratorArch::Dcgan,
            generator_norm: Norm::None,
            critic_norm: Norm::None,
            objective: Objective::Wasserstein,
            loss_form: LossForm::Difference,
            lipschitz: Lipschitz::Gp,
            lambda: 10.0,
            clip: 0.01,
            penalty_points: PenaltyPoints::Segment,
            sign: Sign::RealHigh,
            critic_steps: 3,
            critic_schedule: CriticSchedule::Constant,
            optimizer: Optimizer::Adam,
            lr: 1e-3,
            beta1: 0.5,
            beta2: 0.9,
            decay: 0.99,
            momentum: 0.0,
            epsilon: 1e-8,
            average: 0.995,
            batch: 32,
            steps: 3500,
            seed: 0,
            backend: None,
            threads: None,
            sample_every: 500,
            checkpoint_every: 500,
            tensorboard: false,
        }
    }
}

/// What suits the configuration so far, in order: a layer has its say where none before it has spoken.
pub const LAYERS: [fn(&Config) -> Options; 6] = [paper, dataset, arch, objective, lipschitz, optimizer];

/// What the papers' experiments have in common, whatever they learn: arXiv 1701.07875, algorithm 1 and published code, and
/// arXiv 1704.00028, algorithm 1. Neither averages weights.
fn paper(config: &Config) -> Options {
    match config.preset {
        Preset::Light => Options::default(),
        Preset::Wgan => Options {
            lipschitz: Some(Lipschitz::Clip),
            critic_schedule: Some(CriticSchedule::Original),
            generator_norm: config.dataset.is_images().then_some(Norm::Batch),
            batch: Some(64),
            average: Some(0.0),
            ..Options::default()
        },
        Preset::WganGp => Options { average: Some(0.0), ..Options::default() },
    }
}

/// The networks and batches of WGAN-GP's 2-D experiments (its published code).
fn dataset(config: &Config) -> Options {
    match config.dataset.is_images() {
        true => Options::default(),
        false => Options { arch: Some(Arch::Mlp), batch: Some(256), ..Options::default() },
    }
}

fn arch(config: &Config) -> Options {
    let (dim, batch, critic_steps) = match config.arch {
        Arch::Dcgan if config.preset == Preset::Light => (16, 32, 3),
        Arch::Dcgan => (64, 50, 5),
        Arch::Mlp | Arch::MlpSmall => (512, 50, 5),
    };
    Options { dim: Some(dim), batch: Some(batch), critic_steps: Some(critic_steps), ..Options::default() }
}

/// The standard GAN's discriminator may be as steep as it likes.
fn objective(config: &Config) -> Options {
    let lipschitz = match config.objective {
        Objective::Wasserstein => Lipschitz::Gp,
        Objective::Standard | Objective::NonSaturating => Lipschitz::None,
    };
    Options { lipschitz: Some(lipschitz), ..Options::default() }
}

/// λ is small on the plane, as in WGAN-GP's published code (the paper has 10 everywhere), except for the penalties that
/// would let the gap run off, or be far from the distance, under a small one. Clipping goes with RMSProp (arXiv 1701.07875,
/// algorithm 1).
fn lipschitz(config: &Config) -> Options {
    let lambda = match config.lipschitz {
        Lipschitz::Gp | Lipschitz::Lp | Lipschitz::Difference if !config.dataset.is_images() => 0.1,
        _ => 10.0,
    };
    let clipped = config.lipschitz == Lipschitz::Clip;
    let optimizer = if clipped { Optimizer::Rmsprop } else { Optimizer::Adam };
    // The published code of WGAN has batch norm in the critic, too, which a penalty would not bear.
    let critic_norm = clipped && config.preset == Preset::Wgan && config.dataset.is_images();
    Options {
        lambda: Some(lambda),
        optimizer: Some(optimizer),
        critic_norm: critic_norm.then_some(Norm::Batch),
        ..Options::default()
    }
}

fn optimizer(config: &Config) -> Options {
    let lr = match config.optimizer {
        Optimizer::Adam if config.arch == Arch::Dcgan && config.preset == Preset::Light => 1e-3,
        Optimizer::Adam => 1e-4,
        Optimizer::Rmsprop => 5e-5,
        Optimizer::Sgd => 1e-3,
    };
    Options { lr: Some(lr), ..Options::default() }
}
