//! Normalisation: by the batch, and by each sample alone.

use autograd::{Shape, Tensor, Var, Variable};

use super::part;
use crate::{Mode, Module};

/// What both layers add to the variance if not told otherwise.
const EPSILON: f64 = 1e-5;

/// Batch normalisation (Ioffe and Szegedy 2015, algorithm 1) of `[B, C]` or `[B, C, H, W]`, each channel by itself:
/// `y = (x − mean) / √(variance + ε) · weight + bias`, `weight` and `bias` `[C]`.
///
/// In training, mean and variance are the batch's, the variance biased (÷ n). Running statistics follow them as
/// `running ← (1 − momentum)·running + momentum·batch`, with the *unbiased* variance (÷ (n − 1)), as in PyTorch; in
/// evaluation they take the batch's place. Momentum (0.1 if not set) is the speed of that average; it has nothing to do
/// with ε, which guards the root.
///
/// The running statistics are assigned by the program that trains, and a program may assign a Variable once: record a
/// training pass through the layer once in each program. Among ranks a batch is what all of them have of it.
///
/// PyTorch's third buffer, `num_batches_tracked`, is not kept: only an average without momentum would read it, and
/// PyTorch loads a file without it.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Mode, Module, layers::BatchNorm};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::new([2, 1], vec![3.0, 7.0])?); // mean 5, deviation 2
/// let y = BatchNorm::new("0", 1).epsilon(0.0).forward(x, Mode::Train);
/// assert_eq!(y.value().data(), [-1.0, 1.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
pub struct BatchNorm {
    weight: Variable,
    bias: Variable,
    running_mean: Variable,
    running_var: Variable,
    tracks: bool,
    momentum: f64,
    epsilon: f64,
}

impl BatchNorm {
    /// A layer for `channels` channels, whose Variables are `{name}.weight`, `.bias`, `.running_mean`, `.running_var`.
    pub fn new(name: &str, channels: usize) -> Self {
        let variable = |part, value| Variable::new(format!("{name}.{part}"), Tensor::full([channels], value));
        BatchNorm {
            weight: variable("weight", 1.0),
            bias: variable("bias", 0.0),
            running_mean: variable("running_mean", 0.0),
            running_var: variable("running_var", 1.0),
            tracks: true,
            momentum: 0.1,
            epsilon: EPSILON,
        }
    }

    /// The layer without running statistics: it always normalises by the batch, in evaluation too, and a program may record
    /// it any number of times. PyTorch's `track_running_stats=False`.
    pub fn without_tracking(self) -> Self {
        BatchNorm { tracks: false, ..self }
    }

    /// The share of a batch in the running statistics; 0.1 if not set.
    pub fn momentum(self, momentum: f64) -> Self {
        BatchNorm { momentum, ..self }
    }

    /// What is added to the variance; 10⁻⁵ if not set.
    pub fn epsilon(self, epsilon: f64) -> Self {
        BatchNorm { epsilon, ..self }
    }

    /// Mean and biased variance of a batch over the given axes: of all ranks' parts of it.
    #[track_caller]
    fn moments<'t>(x: Var<'t>, axes: &[usize]) -> (Var<'t>, Var<'t>) {
        let mean = x.mean_axes(axes).all_mean();
        let variance = (x - mean.restore_axes(axes, &x.shape())).square().mean_axes(axes).all_mean();
        (mean, variance)
    }

    /// Moves the running statistics towards those of a batch with `count` values in each channel.
    #[track_caller]
    fn track(&self, mean: Var, variance: Var, count: usize) {
        if count <= 1 {
            mean.tape().refuse("more than one value per channel is needed to train");
        }
        let unbiased = variance * (count as f64 / (count - 1) as f64);
        for (running, batch) in [(&self.running_mean, mean), (&self.running_var, unbiased)] {
            let tape = batch.tape();
            tape.assign(running, tape.variable(running) * (1.0 - self.momentum) + batch * self.momentum);
        }
    }
}

impl Module for BatchNorm {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let (tape, shape) = (x.tape(), x.shape());
        tape.within(&part("BatchNorm", &self.weight), || {
            let channels = self.weight.shape();
            if shape.rank() < 2 || shape[1..2] != **channels {
                tape.refuse(&format!(
                    "the second axis holds the channels, whose shape is {channels}, but the input is {shape}"
                ));
            }
            let axes: Vec<usize> = (0..shape.rank()).filter(|&axis| axis != 1).collect(); // all but the channel's
            let (mean, variance) = match (mode, self.tracks) {
                (Mode::Eval, true) => (tape.variable(&self.running_mean), tape.variable(&self.running_var)),
                (_, false) => Self::moments(x, &axes), // [C], [C]
                (Mode::Train, true) => {
                    let (mean, variance) = Self::moments(x, &axes);
                    self.track(mean, variance, tape.rank().count * shape.without(&[1]).count());
                    (mean, variance)
                }
            };
            let scale = tape.variable(&self.weight) / (variance + self.epsilon).sqrt(); // [C]
            let to_channels = |value: Var<'t>| value.restore_axes(&axes, &shape);
            (x - to_channels(mean)) * to_channels(scale) + to_channels(tape.variable(&self.bias))
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        vec![self.weight.clone(), self.bias.clone()]
    }

    fn buffers(&self) -> Vec<Variable> {
        if self.tracks { vec![self.running_mean.clone(), self.running_var.clone()] } else { Vec::new() }
    }
}

/// Layer normalisation (Ba et al. 2016, eq. 4) over the last axes: each sample is normalised by its own mean and biased
/// variance, then multiplied by `weight` and shifted by `bias`, both of the shape of those axes. Since samples do not
/// mix, a critic under a gradient penalty may use it.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Mode, Module, layers::LayerNorm};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::new([2, 2], vec![3.0, 7.0, 0.0, 1.0])?);
/// let y = LayerNorm::new("0", [2]).epsilon(0.0).forward(x, Mode::Train);
/// assert_eq!(y.value().data(), [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
pub struct LayerNorm {
    weight: Variable,
    bias: Variable,
    epsilon: f64,
}

impl LayerNorm {
    /// A layer that normalises over the last axes, of extents `shape`; its Variables are `{name}.weight` and
    /// `{name}.bias`.
    pub fn new(name: &str, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        let variable = |part, value| Variable::new(format!("{name}.{part}"), Tensor::full(&shape, value));
        LayerNorm { weight: variable("weight", 1.0), bias: variable("bias", 0.0), epsilon: EPSILON }
    }

    /// What is added to the variance; 10⁻⁵ if not set.
    pub fn epsilon(self, epsilon: f64) -> Self {
        LayerNorm { epsilon, ..self }
    }
}

impl Module for LayerNorm {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        let (tape, shape, own) = (x.tape(), x.shape(), self.weight.shape());
        tape.within(&part("LayerNorm", &self.weight), || {
            if !shape.ends_with(own) {
                tape.refuse(&format!("it is for shapes ending in {own}, not {shape}"));
            }
            let axes: Vec<usize> = (shape.rank() - own.rank()..shape.rank()).collect();
            x.normalize(&axes, self.epsilon) * tape.variable(&self.weight) + tape.variable(&self.bias)
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        vec![self.weight.clone(), self.bias.clone()]
    }
}
