//! Broadcasting: repeats values along new axes and axes of extent 1 (NumPy's rule), as a node of its own.
//!
//! Because it is explicit, its derivative, a sum, is too, and no other rule has to undo a broadcast.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// Repeats a value to a larger shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broadcast {
    /// The result's shape.
    pub shape: Shape,
}

impl Broadcast {
    /// The stride of the input along each axis of the result: 0 where it is repeated.
    pub fn strides(&self, input: &Shape) -> Vec<usize> {
        let added = self.shape.rank() - input.rank();
        let own = input.strides();
        let stride = |axis: usize| match axis.checked_sub(added) {
            Some(i) if input[i] == self.shape[axis] => own[i],
            _ => 0,
        };
        (0..self.shape.rank()).map(stride).collect()
    }
}

impl Operation for Broadcast {
    fn name(&self) -> &'static str {
        "broadcast"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        match inputs[0].broadcast(&self.shape) {
            Some(shape) if shape == self.shape => Ok(shape),
            _ => Err(format!("it does not broadcast to {}", self.shape)),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        super::strided(inputs[0], shape, 0, &self.strides(inputs[0].shape()))
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let input = x[0].shape();
        let added = self.shape.rank() - input.rank();
        let repeated = |&axis: &usize| self.shape[axis] != 1 && (axis < added || input[axis - added] == 1);
        g.sum_axes(&(0..self.shape.rank()).filter(repeated).collect::<Vec<_>>()).reshape(input)
    }
}

impl<'t> Var<'t> {
    /// Repeats the value to `shape` by NumPy's rule; itself if it has that shape already. Arithmetic does so by itself.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let row = tape.constant(&autograd::Tensor::new([2], vec![1.0, 2.0])?);
    /// assert_eq!(row.broadcast_to([2, 2]).value().data(), [1.0, 2.0, 1.0, 2.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Var<'t> {
        let shape = shape.into();
        match self.shape() == shape {
            true => self,
            false => self.tape().record(Op::Broadcast(Broadcast { shape }), &[self]),
        }
    }
}
