//! Linear layers.

use autograd::{Var, Variable};

use super::weight_and_bias;
use crate::{Init, Mode, Module, Rng};

/// `y = x·Wᵀ + b`: `[B, in]` → `[B, out]`, with `weight` `[out, in]` and `bias` `[out]`.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Init, Mode, Module, Rng, layers::Linear};
/// let layer = Linear::new("0", 3, 2, Init::Constant(1.0), &mut Rng::new(0, "weights"));
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::new([1, 3], vec![1.0, 2.0, 3.0])?); // [1, 3]
/// assert_eq!(layer.forward(x, Mode::Eval).value().data(), [6.0, 6.0]); // [1, 2]
/// # Ok::<(), autograd::Error>(())
/// ```
pub struct Linear {
    weight: Variable,
    bias: Option<Variable>,
}

impl Linear {
    /// A layer whose Variables are `{name}.weight` and `{name}.bias`.
    pub fn new(name: &str, inputs: usize, outputs: usize, init: Init, rng: &mut Rng) -> Self {
        let (weight, bias) = weight_and_bias(name, [outputs, inputs], outputs, init, rng);
        Linear { weight, bias }
    }

    /// The layer without its bias.
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }
}

impl Module for Linear {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        let tape = x.tape();
        let y = x.matmul_transposed(tape.variable(&self.weight)); // [B, out]
        match &self.bias {
            Some(bias) => y + tape.variable(bias),
            None => y,
        }
    }

    fn parameters(&self) -> Vec<Variable> {
        [self.weight.clone()].into_iter().chain(self.bias.clone()).collect()
    }
}
