//! What is set when nobody sets it: defaults for all, and on top what suits the data set, the constraint and the
//! optimiser. The numbers are those of the papers where they give any.

use super::{Arch, Config, DatasetName, Lipschitz, Optimizer, Options, PenaltyPoints, Sign};

/// The settings of WGAN-GP on images (arXiv 1704.00028, algorithm 1), with networks light enough for two cores, which bear
/// a larger learning rate, and samples drawn with averaged weights, which are steadier than those of any one step.
impl Default for Config {
    fn default() -> Self {
        Config {
            dataset: DatasetName::Mnist,
            data_dir: None,
            arch: Arch::Dcgan,
            dim: 16,
            lipschitz: Lipschitz::Gp,
            lambda: 10.0,
            clip: 0.01,
            penalty_points: PenaltyPoints::Segment,
            sign: Sign::RealHigh,
            critic_steps: 5,
            optimizer: Optimizer::Adam,
            lr: 5e-4,
            beta1: 0.5,
            beta2: 0.9,
            decay: 0.99,
            momentum: 0.0,
            epsilon: 1e-8,
            average: 0.995,
            batch: 50,
            steps: 3000,
            seed: 0,
            threads: None,
            sample_every: 500,
            checkpoint_every: 500,
        }
    }
}

/// The presets in order; each adds to the ones before it what suits the configuration so far.
pub const LAYERS: [fn(&Config, Options) -> Options; 4] = [dataset, arch, lipschitz, optimizer];

/// The networks and batches of WGAN-GP's 2-D experiments (its published code).
fn dataset(config: &Config, preset: Options) -> Options {
    if config.dataset.is_images() {
        return preset;
    }
    Options { arch: Some(Arch::Mlp), batch: Some(256), ..preset }
}

fn arch(config: &Config, preset: Options) -> Options {
    let dim = match config.arch {
        Arch::Dcgan => 16,
        Arch::Mlp | Arch::MlpSmall => 512,
    };
    Options { dim: Some(dim), ..preset }
}

/// λ is small on the plane, except for the one-sided penalty, whose gap runs off under a small one. Clipping goes with
/// RMSProp (arXiv 1701.07875, algorithm 1).
fn lipschitz(config: &Config, preset: Options) -> Options {
    let lambda = match config.lipschitz {
        Lipschitz::Gp | Lipschitz::Lp | Lipschitz::Difference if !config.dataset.is_images() => 0.1,
        _ => 10.0,
    };
    let optimizer = if config.lipschitz == Lipschitz::Clip { Optimizer::Rmsprop } else { Optimizer::Adam };
    Options { lambda: Some(lambda), optimizer: Some(optimizer), ..preset }
}

fn optimizer(config: &Config, preset: Options) -> Options {
    let lr = match config.optimizer {
        Optimizer::Adam if config.arch == Arch::Dcgan => 5e-4,
        Optimizer::Adam => 1e-4,
        Optimizer::Rmsprop => 5e-5,
        Optimizer::Sgd => 1e-3,
    };
    Options { lr: Some(lr), ..preset }
}
