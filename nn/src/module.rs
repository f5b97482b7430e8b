//! What a layer is: a function recorded on a tape, with Variables that are trained or tracked.

use autograd::{Var, Variable};

use crate::layers::{Activation, Linear};
use crate::{Init, Rng};

/// Whether a network is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch norm normalises by the batch and updates its running statistics, dropout drops.
    Train,
    /// Batch norm normalises by its running statistics, and nothing is dropped: each sample's result is its own.
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

    /// Records the same function with other values for its [`parameters`](Module::parameters), such as those after a step of
    /// training, through which one can differentiate. (PyTorch's `functional_call`.)
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// use nn::{Init, Mode, Module, Rng, layers::Linear};
    /// let layer = Linear::new("0", 2, 1, Init::Constant(1.0), &mut Rng::new(0, "weights"));
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    ///
    /// // How much a step of gradient descent helps, as a function of its length.
    /// let weights: Vec<_> = layer.parameters().iter().map(|weight| tape.variable(weight)).collect();
    /// let gradients = tape.grad(layer.forward(x, Mode::Train).square().sum(), &weights);
    /// let length = tape.scalar(0.001);
    /// let after: Vec<_> = weights.iter().zip(&gradients).map(|(&weight, &gradient)| weight - length * gradient).collect();
    /// let loss = layer.forward_with(&after, x, Mode::Train).square().sum();
    /// assert!(tape.grad(loss, &[length])[0].value().item() < 0.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// Each sample may have weights of its own, which makes the gradient of each sample by itself one gradient (PyTorch and JAX
    /// take `vmap` of `grad`): give `x` an axis of extent 1 after the first one, and the weights the batch as their first. Layers
    /// that are products and elementwise functions take this as it is; for a convolution one takes the gradients of the samples
    /// one after the other, which unrolls the batch.
    ///
    /// ```
    /// # use autograd::{Tape, Tensor};
    /// # use nn::{Init, Mode, Module, Rng, layers::Linear};
    /// let layer = Linear::new("0", 2, 1, Init::Constant(1.0), &mut Rng::new(0, "weights"));
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 1, 2], vec![1.0, 2.0, 3.0, 4.0])?); // [B, 1, in]
    /// let own = [&[2, 1, 2][..], &[2, 1, 1]]; //                                     [B, out, in] and [B, 1, out]
    /// let weights = layer.parameters().iter().zip(own).map(|(v, own)| tape.variable(v).broadcast_to(own)).collect::<Vec<_>>();
    /// let losses = layer.forward_with(&weights, x, Mode::Train).square(); //         (x₁ + x₂)²
    /// let slopes = tape.grad(losses.sum(), &weights); //                             2·(x₁ + x₂)·x, of each sample
    /// assert_eq!(slopes[0].value().data(), [6.0, 12.0, 42.0, 56.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is not one value, of its shape, for each parameter.
    #[track_caller]
    fn forward_with<'t>(&self, parameters: &[Var<'t>], x: Var<'t>, mode: Mode) -> Var<'t> {
        x.tape().bound(&self.parameters(), parameters, || self.forward(x, mode))
    }

    /// The modules that this one is made of: their parameters and buffers are its own.
    ///
    /// ```
    /// use autograd::Var;
    /// use nn::{Init, Mode, Module, Rng, layers::{Activation, Linear}};
    ///
    /// /// A layer around which its input is led as well.
    /// struct Residual {
    ///     first: Linear,
    ///     second: Linear,
    /// }
    ///
    /// impl Module for Residual {
    ///     fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
    ///         x + self.second.forward(self.first.forward(x, mode).gelu(), mode)
    ///     }
    ///
    ///     fn children(&self) -> Vec<&dyn Module> {
    ///         vec![&self.first, &self.second]
    ///     }
    /// }
    ///
    /// let rng = &mut Rng::new(0, "weights");
    /// let [first, second] = ["0", "1"].map(|name| Linear::new(name, 8, 8, Init::FanIn, rng));
    /// assert_eq!(Residual { first, second }.parameters().len(), 4);
    /// ```
    fn children(&self) -> Vec<&dyn Module> {
        Vec::new()
    }

    /// What is trained, in PyTorch's order.
    fn parameters(&self) -> Vec<Variable> {
        self.children().iter().flat_map(|child| child.parameters()).collect()
    }

    /// What is tracked, not trained: batch norm's running statistics.
    fn buffers(&self) -> Vec<Variable> {
        self.children().iter().flat_map(|child| child.buffers()).collect()
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

    /// A multilayer perceptron: linear layers between these widths, with an activation between two of them. They are named by
    /// their place, `0`, `2`, `4` ….
    ///
    /// ```
    /// use nn::layers::Activation;
    /// use nn::{Init, Module, Rng, Sequential};
    /// let critic = Sequential::mlp(&[784, 128, 1], Activation::Relu, Init::FanIn, &mut Rng::new(1, "weights"));
    /// let names: Vec<_> = critic.parameters().iter().map(|v| v.name().to_owned()).collect();
    /// assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
    /// ```
    #[track_caller]
    pub fn mlp(widths: &[usize], activation: Activation, init: Init, rng: &mut Rng) -> Self {
        let mut layers = Sequential::new();
        for (i, width) in widths.windows(2).enumerate() {
            layers = if i > 0 { layers.add(activation) } else { layers };
            layers = layers.add(Linear::new(&(2 * i).to_string(), width[0], width[1], init, rng));
        }
        layers
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

    fn children(&self) -> Vec<&dyn Module> {
        self.0.iter().map(|module| &**module).collect()
    }
}
