//! What critic and generator are made of, as a person chooses it. [`models`](super::models) makes them.

/// What critic and generator are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Networks {
    /// Their layers.
    pub arch: Arch,
    /// What normalises the generator's hidden layers.
    pub generator_norm: Norm,
    /// What normalises the critic's hidden layers but the first.
    pub critic_norm: Norm,
}

/// The layers of both networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arch {
    /// Convolutions of stride 2 in the critic; for images.
    Dcgan {
        /// Channels of the first convolution.
        dim: usize,
        /// The generator's layers.
        generator: GeneratorArch,
    },
    /// Convolutions of stride 2, and a hidden layer behind them; for images.
    Infogan {
        /// Channels of the first convolution.
        dim: usize,
    },
    /// Residual blocks in both networks; for images.
    Resnet {
        /// Channels of all hidden layers.
        dim: usize,
    },
    /// Three hidden layers of equal width.
    Mlp {
        /// Units of the hidden layers.
        dim: usize,
    },
    /// The smallest networks that draw digits: critic 784-128-32-1, generator 10-32-128-784.
    MlpSmall,
}

/// The generator beside the DCGAN's critic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeneratorArch {
    /// The critic's mirror image, of transposed convolutions.
    Dcgan,
    /// Three hidden layers of 10·dim units, which is about as many weights.
    Mlp,
}

/// What normalises hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Nothing.
    None,
    /// Layer norm: each sample by its own mean and variance.
    Layer,
    /// Batch norm: each channel by the batch's mean and variance.
    Batch,
}
