//! A box cut out of a tensor. Its derivative pads the box with zeros ([`pad`](super::pad)), whose derivative cuts.

use std::ops::Range;

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Axis, Shape, Tensor};

/// A box cut out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first index taken along each axis.
    pub start: Vec<usize>,
    /// The number of indices taken along each axis.
    pub shape: Shape,
}

impl Operation for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let rank = inputs[0].rank();
        let fits = |axis: usize| {
            let end = self.start[axis].checked_add(self.shape[axis]);
            end.is_some_and(|end| end <= inputs[0][axis])
        };
        match self.start.len() == rank && self.shape.rank() == rank && (0..rank).all(fits) {
            true => Ok(self.shape.clone()),
            false => Err(format!("the box {} at {:?} is not inside", self.shape, self.start)),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let whole = inputs[0].shape();
        super::strided(inputs[0], shape, whole.flat_index(&self.start), &whole.strides())
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let after = |axis: usize| x[0].shape()[axis] - self.start[axis] - self.shape[axis];
        g.pad(&self.start, &(0..self.start.len()).map(after).collect::<Vec<_>>())
    }
}

impl<'t> Var<'t> {
    /// The indices `range` along one axis.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let x = tape.constant(&autograd::Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.slice(1, 1..3).value().data(), [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn slice(self, axis: impl Axis, range: Range<usize>) -> Var<'t> {
        let (axis, mut shape) = (self.axis("slice", axis), self.shape().to_vec());
        if range.start > range.end {
            self.tape().refuse(&format!("slice: the range {range:?} runs backwards"));
        }
        let mut start = vec![0; shape.len()];
        (start[axis], shape[axis]) = (range.start, range.len());
        self.tape().record(Op::Slice(Slice { start, shape: shape.into() }), &[self])
    }

    /// The box of shape `shape` whose first corner is `start`.
    #[track_caller]
    pub fn slice_box(self, start: &[usize], shape: impl Into<Shape>) -> Var<'t> {
        self.tape().record(Op::Slice(Slice { start: start.to_vec(), shape: shape.into() }), &[self])
    }
}
