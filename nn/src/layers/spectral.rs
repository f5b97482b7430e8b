//! Spectral normalisation: a weight divided by its largest singular value.

use autograd::{Tape, Var, Variable};

use crate::{Init, Mode, Rng};

/// What a norm is at least, so that a weight of zeros can be divided by it.
const EPSILON: f64 = 1e-12;

/// Steps of power iteration on a first weight, as in PyTorch.
const FIRST_STEPS: usize = 15;

/// The weight of a layer, as it is or spectrally normalised (Miyato et al. 2018, arXiv 1802.05957, algorithm 1): W/σ(W) with
/// W `[out, …]` taken as a matrix of `out` rows.
///
/// The largest singular value σ is found by power iteration, one step for each training pass:
/// `u ← Wv/‖Wv‖`, `v ← Wᵀu/‖Wᵀu‖`, `σ = uᵀWv`. Since v is kept from pass to pass and W changes slowly, one step is enough.
/// u and v are constants to the derivative, so that ∂σ/∂W = uvᵀ. In evaluation both stay as they are. Names, shapes and order
/// of the steps are those of PyTorch's `torch.nn.utils.parametrizations.spectral_norm`.
pub(super) struct Weight {
    variable: Variable,
    /// u `[out]` and v `[in]`.
    vectors: Option<[Variable; 2]>,
}

impl Weight {
    pub(super) fn plain(variable: Variable) -> Self {
        Weight { variable, vectors: None }
    }

    /// With normalisation; `rng` draws the first u and v.
    #[track_caller]
    pub(super) fn spectral(self, rng: &mut Rng) -> Self {
        let (name, value) = (self.variable.name(), self.variable.read().expect("a first weight is in host memory"));
        let [layer, part] = name.rsplit_once('.').map_or(["", name], |(layer, part)| [layer, part]);
        let within = format!("{layer}.parametrizations.{part}").trim_start_matches('.').to_owned();

        let tape = Tape::new();
        let matrix = as_matrix(tape.constant(&value)); // [out, in]
        let mut draw = |extent: usize| Init::Normal { std: 1.0 }.weight(&[1, extent].into(), rng);
        let [u, v] = [0, 1].map(|axis| draw(matrix.shape()[axis]));
        let first = [u, v].map(|vector| unit(tape.constant(&vector)));
        let [u, v] = (0..FIRST_STEPS).fold(first, |[_, v], _| step(matrix, v));
        let vector = |name: &str, value: Var| {
            let value = value.reshape([value.shape().count()]).value().cast();
            Variable::new(format!("{within}.0.{name}"), value)
        };
        let vectors = Some([vector("_u", u), vector("_v", v)]);
        Weight { variable: Variable::new(format!("{within}.original"), value), vectors }
    }

    /// The weight as the layer uses it.
    #[track_caller]
    pub(super) fn read<'t>(&self, tape: &'t Tape, mode: Mode) -> Var<'t> {
        let weight = tape.variable(&self.variable);
        let Some(vectors) = &self.vectors else { return weight };
        let matrix = as_matrix(weight); // [out, in]
        let row = |vector: &Variable| tape.variable(vector).reshape([1, vector.shape()[0]]);
        let [u, v] = match mode {
            Mode::Eval => vectors.each_ref().map(row), // [1, out], [1, in]
            Mode::Train => {
                let next = step(matrix.detach(), row(&vectors[1]));
                for (vector, next) in vectors.iter().zip(next) {
                    tape.assign(vector, next.reshape(vector.shape()));
                }
                next
            }
        };
        let sigma = (u.detach() * v.detach().matmul_transposed(matrix)).sum();
        weight / sigma.maximum(EPSILON)
    }

    pub(super) fn variable(&self) -> Variable {
        self.variable.clone()
    }

    /// u and v, if the weight is normalised.
    pub(super) fn buffers(&self) -> Vec<Variable> {
        self.vectors.iter().flatten().cloned().collect()
    }
}

/// `[out, …]` → `[out, in]`
#[track_caller]
fn as_matrix(weight: Var) -> Var {
    let shape = weight.shape();
    weight.reshape([shape[0], shape[1..].iter().product()])
}

/// A step of power iteration: u `[1, out]` and v `[1, in]` of the v before.
#[track_caller]
fn step<'t>(matrix: Var<'t>, v: Var<'t>) -> [Var<'t>; 2] {
    let u = unit(v.matmul_transposed(matrix));
    [u, unit(u.matmul(matrix))]
}

/// x/‖x‖.
#[track_caller]
fn unit(x: Var) -> Var {
    x / x.square().sum().sqrt().maximum(EPSILON)
}
