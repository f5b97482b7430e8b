//! Where values come from and where they leave the differentiable world: constants, random numbers, assignment to
//! Variables, detachment.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Stream, Tensor, Variable};

/// A value frozen into the program. Equal to others of the same bits.
#[derive(Clone, Debug)]
pub struct Constant(Arc<Tensor<f64>>);

impl Constant {
    pub(crate) fn new(value: Tensor<f64>) -> Self {
        Constant(Arc::new(value))
    }

    /// The value.
    pub fn tensor(&self) -> &Tensor<f64> {
        &self.0
    }

    /// The value of a constant with one element.
    pub fn scalar(&self) -> Option<f64> {
        (self.0.data().len() == 1).then(|| self.0.item())
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        let [these, those] = [self, other].map(|constant| constant.0.data().iter().map(|value| value.to_bits()));
        Arc::ptr_eq(&self.0, &other.0) || self.0.shape() == other.0.shape() && these.eq(those)
    }
}

impl Eq for Constant {}

impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.shape().hash(state);
        self.0.data().iter().for_each(|value| state.write_u64(value.to_bits()));
    }
}

impl fmt::Display for Constant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scalar() {
            Some(value) => write!(f, "{value}"),
            None => write!(f, "tensor"),
        }
    }
}

/// Random numbers as a pure function of (stream, step, element): see [`philox`](crate::philox).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Random {
    /// Uniform on [0, 1).
    Uniform(Stream),
    /// Normal with mean 0 and variance 1.
    Normal(Stream),
}

impl Random {
    /// The tensor drawn at a step.
    pub fn value(self, shape: &Shape, step: u64) -> Tensor<f64> {
        let element = |i| match self {
            Random::Uniform(stream) => stream.uniform(step, i),
            Random::Normal(stream) => stream.normal(step, i),
        };
        Tensor::from_fn(shape, |i| f64::from(element(i)))
    }
}

impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Random::Uniform(_) => write!(f, "uniform"),
            Random::Normal(_) => write!(f, "normal"),
        }
    }
}

/// Hands a value to a Variable: the identity, with an effect when the program ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assign(pub Variable);

impl Operation for Assign {
    fn name(&self) -> &'static str {
        "assign"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        match inputs[0] == self.0.shape() {
            true => Ok(inputs[0].clone()),
            false => Err(format!("{:?} has shape {}", self.0.name(), self.0.shape())),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], _: &Shape) -> Tensor<f64> {
        inputs[0].clone()
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, _: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g
    }
}

/// The identity, through which no derivative flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Detach;

impl Operation for Detach {
    fn name(&self) -> &'static str {
        "detach"
    }

    identity! {}

    fn differentiable(&self, _: usize) -> bool {
        false
    }
}

impl<'t> Var<'t> {
    /// The same value, through which no derivative flows.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let x = tape.scalar(3.0);
    /// let slope = tape.grad(x.detach() * x, &[x])[0]; // of 3·x, not of x²
    /// assert_eq!(slope.value().item(), 3.0);
    /// ```
    #[track_caller]
    pub fn detach(self) -> Var<'t> {
        self.tape().record(Op::Detach(Detach), &[self])
    }
}
