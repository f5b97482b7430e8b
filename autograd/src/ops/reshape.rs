//! The same elements, in the same order, under another shape.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Axis, Shape, Tensor};

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

    /// The same elements with new axes of extent 1 at these places of the result: after a reduction over them, what NumPy's
    /// `keepdims` would have left.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let x = tape.zeros([64, 10]);
    /// let shares = x / x.sum_axes(&[-1]).expand_dims(&[-1]); // [64, 10] / [64, 1]
    /// assert_eq!(shares.shape(), [64, 10].into());
    /// ```
    #[doc(alias = "keep_dims")]
    #[doc(alias = "keepdim")]
    #[doc(alias = "unsqueeze")]
    #[track_caller]
    pub fn expand_dims<A: Axis>(self, axes: &[A]) -> Var<'t> {
        let mut extents = self.shape().to_vec();
        let expanded = Shape::from(vec![1; extents.len() + axes.len()]);
        for axis in self.tape().axes("expand_dims", axes, &expanded) {
            extents.insert(axis, 1);
        }
        self.reshape(extents)
    }
}
