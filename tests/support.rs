//! What several test files need: numbers, devices, small critics, the gradient penalty, what a panic says and where.
#![allow(dead_code, reason = "each test file includes this module and uses a part of it")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use autograd::ops::{Conv, Op};
use autograd::{Communicator, Device, Error, Feed, Node, Rank, Shape, Stream, Tape, Tensor, Var};

/// Central differences with h = 1e-5 in f64 are good to about 1e-9 for values and slopes of order 1.
pub const TOLERANCE: f64 = 1e-7;

/// Numbers uniform in [−1, 1), different for every name, always the same.
pub fn draw(name: &str, shape: impl Into<Shape>) -> Tensor<f64> {
    let stream = Stream::new(0, name);
    Tensor::from_fn(shape, |i| 2.0 * f64::from(stream.uniform(0, i)) - 1.0)
}

/// The constant of these numbers on a tape.
pub fn vector<const N: usize>(tape: &Tape, values: [f64; N]) -> Var<'_> {
    tape.constant(&Tensor::<f64>::from_fn([N], |i| values[i]))
}

/// Asserts that two tensors have one shape and differ nowhere by more than `tolerance` (absolute up to 1, then
/// relative).
#[track_caller]
pub fn assert_close(a: &Tensor<f64>, b: &Tensor<f64>, tolerance: f64) {
    assert_eq!(a.shape(), b.shape());
    for (i, (a, b)) in a.data().iter().zip(b.data()).enumerate() {
        let error = (a - b).abs() / a.abs().max(b.abs()).max(1.0);
        assert!(error <= tolerance, "element {i}: {a} and {b} differ by {error:.1e}, allowed are {tolerance:.0e}");
    }
}

/// Every device: the CPU on one thread, alone and as one of two ranks, on several threads and, with the feature `opencl`, the best that OpenCL finds, once by
/// the kernels for what it is and once by those for a GPU.
pub fn devices() -> Vec<Device> {
    [cpus().to_vec(), opencl_devices()].concat()
}

/// The devices for one of many programs that are alike: OpenCL, whose driver compiles every kernel for a tenth of a second,
/// takes some, by either kind of kernels in turn.
pub fn devices_for(seed: u64) -> Vec<Device> {
    const EVERY: u64 = 50;
    let opencl = if seed.is_multiple_of(EVERY) { opencl_devices() } else { Vec::new() };
    let turn = (seed / EVERY) as usize % opencl.len().max(1);
    cpus().into_iter().chain(opencl.into_iter().nth(turn)).collect()
}

fn cpus() -> [Device; 3] {
    let [one, three] = [1, 3].map(|threads| Device::cpu_with_threads(threads).expect("threads"));
    [one.among(Arc::new(Mirror)), one, three]
}

/// A rank whose only fellow has the same values, so that means over both are the values themselves.
struct Mirror;

impl Communicator for Mirror {
    fn rank(&self) -> Rank {
        Rank { index: 0, count: 2 }
    }

    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(vec![bytes.to_vec(); 2])
    }
}

/// The same for all tests, which build the same kernels.
#[cfg(feature = "opencl")]
fn opencl_devices() -> Vec<Device> {
    use std::sync::LazyLock;

    use opencl::{Choice, Facts, Kind, OpenCl};
    static DEVICES: LazyLock<Vec<Device>> = LazyLock::new(|| {
        let like_a_gpu = |facts: &mut Facts| (facts.kind, facts.compute_units) = (Kind::Gpu, 64);
        let open = |adjust: &dyn Fn(&mut Facts)| OpenCl::open_with(Choice::Best, adjust).expect("an OpenCL driver");
        vec![Device::new(open(&|_| ())), Device::new(open(&like_a_gpu))]
    });
    DEVICES.clone()
}

#[cfg(not(feature = "opencl"))]
fn opencl_devices() -> Vec<Device> {
    Vec::new()
}

/// A value for each input that a tape declares, uniform in [−1, 1).
pub fn draw_inputs(tape: &Tape) -> Vec<(String, Tensor)> {
    let nodes = tape.nodes();
    let input = |node: &Node| match &node.op {
        Op::Input(name) => Some((name.clone(), draw(name, &node.shape).cast())),
        _ => None,
    };
    nodes.iter().filter_map(input).collect()
}

/// What the interpreter computes in f32.
pub fn interpret(tape: &Tape, outputs: &[Var], inputs: &[(&str, &Tensor)], step: u64) -> Vec<Tensor> {
    tape.interpret::<f32>(outputs, Feed { inputs, step }).expect("every input is given")
}

/// Names and references, as programs take them.
pub fn by_name(inputs: &[(String, Tensor)]) -> Vec<(&str, &Tensor)> {
    inputs.iter().map(|(name, value)| (name.as_str(), value)).collect()
}

/// Asserts that two f32 results have one shape, are NaN or infinite in the same places, and differ nowhere by more than
/// `tolerance` times the largest element (or 1, if that is larger).
#[track_caller]
pub fn assert_agree(found: &Tensor, expected: &Tensor, tolerance: f32, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let finite = expected.data().iter().filter(|value| value.is_finite());
    let scale = finite.fold(1f32, |scale, value| scale.max(value.abs()));
    for (i, (a, b)) in found.data().iter().zip(expected.data()).enumerate() {
        let agree = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * scale;
        assert!(agree, "{what}: element {i} of {} is {a}, not {b} (tolerance {tolerance:.0e}·{scale})", found.shape());
    }
}

/// A nonlinearity.
pub type Activation = for<'t> fn(Var<'t>) -> Var<'t>;

/// A small critic to be differentiated: parameter shapes, and the score of each sample of a batch.
#[derive(Clone)]
pub struct Critic {
    pub parameters: Vec<Shape>,
    pub sample: Shape,
    pub score: for<'t> fn(&[Var<'t>], Var<'t>, Activation) -> Var<'t>,
    pub activation: Activation,
}

impl Critic {
    /// Three linear layers, 3 → 5 → 4 → 1.
    pub fn mlp(activation: Activation) -> Self {
        let layer = |(inputs, outputs): (usize, usize)| [Shape::from([outputs, inputs]), Shape::from([outputs])];
        let parameters = [(3, 5), (5, 4), (4, 1)].into_iter().flat_map(layer).collect();
        Critic { parameters, sample: [3].into(), score: mlp, activation }
    }

    /// The DCGAN critic in small: 7×7 images, convolutions 5×5 with stride 2 and padding 2 to 4×4 and 2×2, and a
    /// linear layer.
    pub fn dcgan(activation: Activation) -> Self {
        let shapes: [&[usize]; 6] = [&[2, 1, 5, 5], &[2], &[3, 2, 5, 5], &[3], &[1, 12], &[1]];
        let parameters = shapes.into_iter().map(Shape::from).collect();
        Critic { parameters, sample: [1, 7, 7].into(), score: dcgan, activation }
    }

    /// The score of each sample of `x`: [B, …] → [B].
    pub fn scores<'t>(&self, parameters: &[Var<'t>], x: Var<'t>) -> Var<'t> {
        (self.score)(parameters, x, self.activation)
    }

    /// Weights and biases in [−1, 1).
    pub fn draw_parameters(&self) -> Vec<Tensor<f64>> {
        let parameters = self.parameters.iter().enumerate();
        parameters.map(|(i, shape)| draw(&format!("parameter {i}"), shape)).collect()
    }

    /// `count` samples with features in [−1, 1).
    pub fn draw_batch(&self, count: usize) -> Tensor<f64> {
        draw("batch", [&[count], &*self.sample].concat())
    }
}

fn mlp<'t>(parameters: &[Var<'t>], x: Var<'t>, activation: Activation) -> Var<'t> {
    let mut h = x;
    for (i, layer) in parameters.chunks(2).enumerate() {
        h = if i == 0 { h } else { activation(h) };
        h = h.matmul_transposed(layer[0]) + layer[1]; // [B, out]
    }
    h.reshape([x.shape()[0]])
}

fn dcgan<'t>(parameters: &[Var<'t>], x: Var<'t>, activation: Activation) -> Var<'t> {
    let (batch, halved) = (x.shape()[0], Conv::square(2, 2));
    let convolution =
        |x: Var<'t>, w: Var<'t>, b: Var<'t>| activation(x.conv2d(w, halved) + b.reshape([b.shape().count(), 1, 1]));
    let &[w0, b0, w1, b1, w2, b2] = parameters else { panic!("six parameters") };
    let h = convolution(convolution(x, w0, b0), w1, b1).reshape([batch, 12]);
    (h.matmul_transposed(w2) + b2).reshape([batch])
}

/// λ·mean (‖∇f‖ − 1)² over the samples of `x`, λ = 10 (Gulrajani et al. 2017, equation 3).
pub fn penalty<'t>(scores: Var<'t>, x: Var<'t>) -> Var<'t> {
    let slope = x.tape().grad(scores.sum(), &[x])[0];
    (slope.norm_rows() - 1.0).square().mean() * LAMBDA
}

/// The weight of [`penalty`].
pub const LAMBDA: f64 = 10.0;

/// What a panic says, and where.
#[derive(Debug, Clone, Default)]
pub struct Panic {
    pub message: String,
    pub file: String,
    pub line: u32,
}

/// The panic that `f` ends in.
///
/// # Panics
/// If it doesn't.
#[track_caller]
pub fn panic_of<T>(f: impl FnOnce() -> T) -> Panic {
    thread_local!(static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            usual(info);
            let payload = info.payload();
            let formatted = payload.downcast_ref::<String>().map(String::as_str);
            let message = formatted.or(payload.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned();
            let (file, line) = info.location().map(|at| (at.file().to_owned(), at.line())).unwrap_or_default();
            LAST.set(Some(Panic { message, file, line }));
        }));
    });
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "this should have panicked");
    LAST.take().expect("the hook has run")
}
