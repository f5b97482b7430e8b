//! The operations, one place each: what an operation means, its shape rule, its derivative.
//!
//! Elementwise operations are short blocks in `elementwise`; every other operation is a file. The set is closed under
//! differentiation: each rule ([`Operation::vjp`]) takes Vars, returns Vars, and so can be differentiated again.

/// The shape and the value of an operation that hands its first input on.
macro_rules! identity {
    () => {
        fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
            Ok(inputs[0].clone())
        }

        fn value(&self, inputs: &[&Tensor<f64>], _: &Shape) -> Tensor<f64> {
            inputs[0].clone()
        }
    };
}

mod axes;
mod broadcast;
mod collective;
mod composed;
mod concat;
mod conv;
mod custom;
mod elementwise;
mod gather;
mod lookup;
mod matmul;
mod pad;
mod permute;
mod reduce;
mod reshape;
mod slice;
mod sources;
mod windows;

use std::fmt;

pub use broadcast::Broadcast;
pub use collective::AllMean;
pub use concat::Concat;
pub use conv::{Conv, Conv2d, Conv2dFilter, Conv2dInput, ConvSizes};
pub use custom::{Barrier, Checkpoint, Custom};
pub use elementwise::Elementwise;
pub use gather::{Gather, ScatterAdd};
pub use lookup::{ByteTable, Lookup};
pub use matmul::{MatMul, ProductSizes};
pub use pad::Pad;
pub use permute::Permute;
pub use reduce::{Max, Sum};
pub use reshape::Reshape;
pub use slice::Slice;
pub use sources::{Assign, Constant, Detach, Random};

use crate::tape::Var;
use crate::{Shape, Tensor, Variable};

/// The whole contract of an operation: what it is called, which shapes it takes, what it computes, how it is
/// differentiated.
pub trait Operation {
    /// Its name in printed tapes and error messages.
    fn name(&self) -> &'static str;

    /// The shape of the result, or the reason why these inputs do not fit.
    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String>;

    /// The value, in naive loops: the specification that every device is tested against.
    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64>;

    /// Whether a derivative with respect to this input exists at all. Masks and indices have none: absent, not zero.
    fn differentiable(&self, _input: usize) -> bool {
        true
    }

    /// The vector-Jacobian product: the gradient with respect to `x[input]`, given the gradient `g` with respect to
    /// the result `y`. Left out where there is none, or where [`vjps`](Operation::vjps) gives it.
    fn vjp<'t>(&self, input: usize, _g: Var<'t>, _x: &[Var<'t>], _y: Var<'t>) -> Var<'t> {
        unreachable!("{}: no gradient with respect to input {input} alone", self.name())
    }

    /// The gradients with respect to all inputs, of an operation whose rule makes them together, so that none is recorded
    /// twice; of others none.
    fn vjps<'t>(&self, _g: Var<'t>, _x: &[Var<'t>], _y: Var<'t>) -> Vec<Option<Var<'t>>> {
        Vec::new()
    }

    /// On which side of each of its kinks the operation is evaluated. A finite difference between two points is
    /// meaningful only where this agrees.
    fn branches(&self, _inputs: &[&Tensor<f64>]) -> Vec<i64> {
        Vec::new()
    }
}

/// A recorded operation: a leaf of the computation, or a function of earlier nodes. Two are equal if they compute the same
/// of equal inputs, bit for bit: 0 and −0 are two constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A named value given at every run.
    Input(String),
    /// A value frozen into the program.
    Constant(Constant),
    /// Persistent state, as it was when the program started.
    Variable(Variable),
    /// Random numbers.
    Random(Random),
    /// The new value of a Variable, committed when the program ends.
    Assign(Assign),
    /// The identity without a derivative.
    Detach(Detach),
    /// The identity with a derivative of the user's own.
    Custom(Custom),
    /// The result of a part that is recorded once more for its derivative.
    Checkpoint(Checkpoint),
    /// The identity, computed after something else.
    Barrier(Barrier),
    /// The mean over all ranks.
    AllMean(AllMean),
    /// A scalar function of each element.
    Elementwise(Elementwise),
    /// Repeats values along axes.
    Broadcast(Broadcast),
    /// Sum over axes.
    Sum(Sum),
    /// Largest value over axes.
    Max(Max),
    /// The same elements under another shape.
    Reshape(Reshape),
    /// Axes in another order.
    Permute(Permute),
    /// A box cut out.
    Slice(Slice),
    /// A border of zeros.
    Pad(Pad),
    /// Tensors joined along an axis.
    Concat(Concat),
    /// Rows picked by index.
    Gather(Gather),
    /// Rows of a table of bytes picked by index.
    Lookup(Lookup),
    /// Rows added up by index.
    ScatterAdd(ScatterAdd),
    /// Matrix product.
    MatMul(MatMul),
    /// Convolution.
    Conv2d(Conv2d),
    /// Its gradient with respect to the input: transposed convolution.
    Conv2dInput(Conv2dInput),
    /// Its gradient with respect to the filters.
    Conv2dFilter(Conv2dFilter),
}

impl Op {
    /// The operation's rules.
    ///
    /// # Panics
    /// For leaves, which have none: they are recorded and interpreted by the tape itself.
    #[track_caller]
    pub fn operation(&self) -> &dyn Operation {
        match self {
            Op::Input(_) | Op::Constant(_) | Op::Variable(_) | Op::Random(_) => panic!("{self}: a leaf has no rules"),
            Op::Assign(op) => op,
            Op::Detach(op) => op,
            Op::Custom(op) => op,
            Op::Checkpoint(op) => op,
            Op::Barrier(op) => op,
            Op::AllMean(op) => op,
            Op::Elementwise(op) => op,
            Op::Broadcast(op) => op,
            Op::Sum(op) => op,
            Op::Max(op) => op,
            Op::Reshape(op) => op,
            Op::Permute(op) => op,
            Op::Slice(op) => op,
            Op::Pad(op) => op,
            Op::Concat(op) => op,
            Op::Gather(op) => op,
            Op::Lookup(op) => op,
            Op::ScatterAdd(op) => op,
            Op::MatMul(op) => op,
            Op::Conv2d(op) => op,
            Op::Conv2dInput(op) => op,
            Op::Conv2dFilter(op) => op,
        }
    }
}

/// The operation and its constants, without its inputs: `sum axes=[1]`.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Input(name) => write!(f, "input {name:?}"),
            Op::Constant(constant) => write!(f, "constant {constant}"),
            Op::Variable(variable) => write!(f, "variable {:?}", variable.name()),
            Op::Random(random) => write!(f, "{random}"),
            Op::Assign(assign) => write!(f, "assign {:?}", assign.0.name()),
            Op::Elementwise(op) => write!(f, "{op}"),
            Op::Sum(Sum { axes }) => write!(f, "sum axes={axes:?}"),
            Op::Max(Max { axes }) => write!(f, "max axes={axes:?}"),
            Op::Permute(Permute { order }) => write!(f, "permute order={order:?}"),
            Op::Slice(Slice { start, .. }) => write!(f, "slice start={start:?}"),
            Op::Pad(Pad { before, after }) => write!(f, "pad before={before:?} after={after:?}"),
            Op::Concat(Concat { axis, .. }) => write!(f, "concat axis={axis}"),
            Op::MatMul(MatMul { transpose_a, transpose_b }) => {
                let flag = |transposed: &bool| if *transposed { "ᵀ" } else { "" };
                write!(f, "matmul a{}·b{}", flag(transpose_a), flag(transpose_b))
            }
            Op::Conv2d(Conv2d(conv)) => write!(f, "conv2d {conv}"),
            Op::Conv2dInput(Conv2dInput { conv, .. }) => write!(f, "conv2d_input {conv}"),
            Op::Conv2dFilter(Conv2dFilter { conv, .. }) => write!(f, "conv2d_filter {conv}"),
            other => write!(f, "{}", other.operation().name()),
        }
    }
}

/// Flat offsets of a strided view's elements, in the view's row-major order.
fn offsets(shape: &Shape, start: usize, strides: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let own = shape.strides();
    let axes: Vec<[usize; 3]> = (0..shape.rank()).map(|axis| [own[axis], shape[axis], strides[axis]]).collect();
    (0..shape.count())
        .map(move |i| start + axes.iter().map(|&[own, extent, stride]| i / own % extent * stride).sum::<usize>())
}

/// The tensor of the given shape that reads `x` through strides.
fn strided(x: &Tensor<f64>, shape: &Shape, start: usize, strides: &[usize]) -> Tensor<f64> {
    let mut offsets = offsets(shape, start, strides);
    Tensor::from_fn(shape, |_| x.data()[offsets.next().expect("one offset for each element")])
}
