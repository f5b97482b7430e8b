//! The same elements, in the same order, under another shape.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// The same elements under another shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The result's shape.
    pub shape: Shape,
}

impl Operation for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        match inputs[0].count() == self.shape.count() {
            true => Ok(self.shape.clone()),
            false => Err(format!("{} elements do not fill {}", inputs[0].count(), self.shape)),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        inputs[0].clone().reshape(shape).expect("the same number of elements")
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.reshape(x[0].shape())
    }
}

impl<'t> Var<'t> {
    /// The same elements in row-major order under another shape; itself if it has that shape already.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Var<'t> {
        let shape = shape.into();
        match self.shape() == shape {
            true => self,
            false => self.tape().record(Op::Reshape(Reshape { shape }), &[self]),
        }
    }
}
