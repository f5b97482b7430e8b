//! Activations: nonlinear functions of each element.

use autograd::Var;

use crate::{Mode, Module};

/// A function applied to each element.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Mode, Module, layers::Activation};
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::new([2], vec![-1.0, 3.0])?);
/// assert_eq!(Activation::Relu.forward(x, Mode::Eval).value().data(), [0.0, 3.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, elsewhere this slope times `x`.
    LeakyRelu(f64),
    /// The hyperbolic tangent, into (−1, 1).
    Tanh,
    /// `1/(1 + e⁻ˣ)`, into (0, 1).
    Sigmoid,
    /// `ln(1 + eˣ)`, a smooth ReLU.
    Softplus,
    /// `x·Φ(x)`, a smooth ReLU.
    Gelu,
    /// `x·sigmoid(x)`, another one.
    Silu,
}

impl Module for Activation {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.tape().within("Activation", || match *self {
            Activation::Relu => x.relu(),
            Activation::LeakyRelu(slope) => x.leaky_relu(slope),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softplus => x.softplus(),
            Activation::Gelu => x.gelu(),
            Activation::Silu => x.silu(),
        })
    }
}
