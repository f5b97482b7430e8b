//! Linear layers.

use autograd::{Var, Variable};

use super::spectral::Weight;
use super::{part, weight_and_bias};
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
    weight: Weight,
    bias: Option<Variable>,
}

impl Linear {
    /// A layer whose Variables are `{name}.weight` and `{name}.bias`.
    #[track_caller]
    pub fn new(name: &str, inputs: usize, outputs: usize, init: Init, rng: &mut Rng) -> Self {
        let (weight, bias) = weight_and_bias(name, [outputs, inputs], outputs, init, rng);
        Linear { weight: Weight::plain(weight), bias }
    }

    /// The layer with its weight divided by its largest singular value (arXiv 1802.05957), so that without its bias it
    /// stretches no vector. A training pass brings the buffers `_u` and `_v` of `{name}.parametrizations.weight.0`, which `rng`
    /// draws first, one step nearer to the singular vectors; a program may record one such pass. The weight itself is called
    /// `{name}.parametrizations.weight.original`.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// use nn::{Init, Mode, Module, Rng, layers::Linear};
    /// let rng = &mut Rng::new(0, "weights");
    /// let layer = Linear::new("0", 1, 1, Init::Constant(-5.0), rng).without_bias().spectral(rng);
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([1, 1], vec![3.0])?);
    /// assert_eq!(layer.forward(x, Mode::Train).value().data(), [-3.0]); // −5 has the largest singular value 5
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn spectral(self, rng: &mut Rng) -> Self {
        Linear { weight: self.weight.spectral(rng), ..self }
    }

    /// The layer without its bias.
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }
}

impl Module for Linear {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let tape = x.tape();
        tape.within(&part("Linear", &self.weight.variable()), || {
            let y = x.matmul_transposed(self.weight.read(tape, mode)); // [B, out]
            match &self.bias {
                Some(bias) => y + tape.variable(bias),
                None => y,
            }
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        [self.weight.variable()].into_iter().chain(self.bias.clone()).collect()
    }

    fn buffers(&self) -> Vec<Variable> {
        self.weight.buffers()
    }
}
