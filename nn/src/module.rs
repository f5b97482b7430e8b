//! What a layer is: a function recorded on a tape, with Variables that are trained or tracked.

use autograd::{Var, Variable};

/// Whether a network is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm normalises by the batch and updates its running statistics.
    Train,
    /// Batch norm normalises by its running statistics: each sample's result is its own.
    Eval,
}

/// A layer or a network. It records itself on the tape of its input and reads its Variables there, so the same module
/// serves any number of programs.
///
/// A layer of one's own says what it computes and what is trained:
///
/// ```
/// use autograd::{Tape, Tensor, Var, Variable};
/// use nn::{Mode, Module};
///
/// /// `[B, features]` → the same, each feature multiplied by a gain.
/// struct Gain(Variable);
///
/// impl Module for Gain {
///     fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
///         x * x.tape().variable(&self.0)
///     }
///
///     fn parameters(&self) -> Vec<Variable> {
///         vec![self.0.clone()]
///     }
/// }
///
/// let layer = Gain(Variable::new("gain", Tensor::new([2], vec![1.0, 10.0])?));
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
/// assert_eq!(layer.forward(x, Mode::Train).value().data(), [1.0, 20.0, 3.0, 40.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
pub trait Module {
    /// Records the layer's function of `x`.
    ///
    /// # Panics
    /// If the shape of `x` does not fit. To lead back to the user's line also from within other modules, which call through
    /// `dyn`, record [`within`](autograd::Tape::within) a part that names the layer, as the layers here and [`Sequential`] do.
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t>;

    /// What is trained, in PyTorch's order.
    fn parameters(&self) -> Vec<Variable> {
        Vec::new()
    }

    /// What is tracked, not trained: batch norm's running statistics.
    fn buffers(&self) -> Vec<Variable> {
        Vec::new()
    }

    /// All that has to be saved: parameters, then buffers.
    fn state(&self) -> Vec<Variable> {
        [self.parameters(), self.buffers()].concat()
    }
}

/// Modules applied one after another. Where one refuses its input, the panic is raised at the line that records the whole and
/// says which: `Sequential 2: Linear "2.weight": matmul: inner extents …`, counted from 0.
///
/// Each layer has its name from its own constructor; PyTorch's `Sequential` would count all of them, activations too:
///
/// ```
/// use nn::layers::{Activation, Linear};
/// use nn::{Init, Module, Rng, Sequential};
/// let mut rng = Rng::new(1, "weights");
/// let critic = Sequential::new()
///     .add(Linear::new("0", 784, 128, Init::FanIn, &mut rng))
///     .add(Activation::LeakyRelu(0.2))
///     .add(Linear::new("2", 128, 1, Init::FanIn, &mut rng));
/// let names: Vec<_> = critic.parameters().iter().map(|v| v.name().to_owned()).collect();
/// assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
/// ```
#[derive(Default)]
pub struct Sequential(Vec<Box<dyn Module>>);

impl Sequential {
    /// No modules yet: the identity.
    pub fn new() -> Self {
        Sequential::default()
    }

    /// With `module` applied after the others.
    #[expect(clippy::should_implement_trait, reason = "it appends, it does not add up")]
    pub fn add(mut self, module: impl Module + 'static) -> Self {
        self.0.push(Box::new(module));
        self
    }
}

impl Module for Sequential {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let mut y = x;
        for (i, module) in self.0.iter().enumerate() {
            y = x.tape().within(&format!("Sequential {i}"), || module.forward(y, mode));
        }
        y
    }

    fn parameters(&self) -> Vec<Variable> {
        self.0.iter().flat_map(|module| module.parameters()).collect()
    }

    fn buffers(&self) -> Vec<Variable> {
        self.0.iter().flat_map(|module| module.buffers()).collect()
    }
}
