//! Spectral normalisation: a weight divided by its largest singular value.

use autograd::{Tape, Tensor, Var, Variable};

use crate::{Init, Mode, Rng};

/// What a norm is at least, so that a weight of zeros can be divided by it.
const EPSILON: f64 = 1e-12;

/// The weight of a layer, as it is or spectrally normalised (Miyato et al. 2018, arXiv 1802.05957, algorithm 1): W/σ(W) with
/// W `[out, …]` taken as a matrix of `out` rows.
///
/// The largest singular value σ is found by power iteration, one step for each training pass:
/// `v ← Wᵀu/‖Wᵀu‖`, `u ← Wv/‖Wv‖`, `σ = uᵀWv`. Since u is kept from pass to pass and W changes slowly, one step is enough.
/// u and v are constants to the derivative, so that ∂σ/∂W = uvᵀ. In evaluation u stays as it is.
pub(super) struct Weight {
    variable: Variable,
    /// u as a row, `[1, out]`.
    left: Option<Variable>,
}

impl Weight {
    pub(super) fn plain(variable: Variable) -> Self {
        Weight { variable, left: None }
    }

    /// With normalisation; `rng` draws the first u.
    #[track_caller]
    pub(super) fn spectral(self, rng: &mut Rng) -> Self {
        let drawn = Init::Normal { std: 1.0 }.weight(&[1, self.variable.shape()[0]].into(), rng);
        let norm = drawn.data().iter().map(|x| x * x).sum::<f32>().sqrt();
        let unit = Tensor::from_fn(drawn.shape(), |i| drawn.data()[i] / norm);
        let left = Variable::new(format!("{}_u", self.variable.name()), unit);
        Weight { left: Some(left), ..self }
    }

    /// The weight as the layer uses it.
    #[track_caller]
    pub(super) fn read<'t>(&self, tape: &'t Tape, mode: Mode) -> Var<'t> {
        let weight = tape.variable(&self.variable);
        let Some(left) = &self.left else { return weight };
        let outputs = self.variable.shape()[0];
        let matrix = weight.reshape([outputs, self.variable.shape().count() / outputs]); // [out, in]
        let fixed = matrix.detach();
        let u = tape.variable(left); //                         [1, out]
        let v = unit(u.matmul(fixed)); //                       [1, in]
        let u = match mode {
            Mode::Train => tape.assign(left, unit(v.matmul_transposed(fixed))),
            Mode::Eval => u,
        };
        let sigma = (u.detach() * v.detach().matmul_transposed(matrix)).sum();
        weight / sigma.maximum(EPSILON)
    }

    pub(super) fn variable(&self) -> Variable {
        self.variable.clone()
    }

    /// u, if the weight is normalised.
    pub(super) fn buffer(&self) -> Option<Variable> {
        self.left.clone()
    }
}

/// x/‖x‖.
#[track_caller]
fn unit(x: Var) -> Var {
    x / x.square().sum().sqrt().maximum(EPSILON)
}
