//! Tensors joined along an axis. The derivative with respect to each is the slice it became.

use super::{Op, Operation};
use crate::tape::{Tape, Var};
use crate::{Axis, Shape, Tensor};

/// Tensors joined along an axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis along which they follow each other.
    pub axis: usize,
    /// Where each begins.
    pub starts: Vec<usize>,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let first = inputs[0];
        if self.axis >= first.rank() {
            return Err(format!("there is no axis {}", self.axis));
        }
        let same =
            |shape: &&Shape| shape.rank() == first.rank() && shape.without(&[self.axis]) == first.without(&[self.axis]);
        if !inputs.iter().all(same) {
            return Err(format!("the shapes differ beyond axis {}", self.axis));
        }
        let mut extents = first.to_vec();
        extents[self.axis] = inputs.iter().fold(0, |sum: usize, shape| sum.saturating_add(shape[self.axis]));
        Ok(extents.into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let mut result = Tensor::zeros(shape);
        let strides = shape.strides();
        for (input, start) in inputs.iter().zip(&self.starts) {
            let corner = start * strides[self.axis];
            for (&value, target) in input.data().iter().zip(super::offsets(input.shape(), corner, &strides)) {
                result.data_mut()[target] = value;
            }
        }
        result
    }

    fn vjp<'t>(&self, input: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let start = self.starts[input];
        g.slice(self.axis, start..start + x[input].shape()[self.axis])
    }
}

impl Tape {
    /// Joins values along an axis; their other extents must be equal.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let (real, fake) = (tape.zeros([64, 784]), tape.zeros([32, 784]));
    /// assert_eq!(tape.concat(&[real, fake], 0).shape(), [96, 784].into());
    /// ```
    ///
    /// # Panics
    /// If there are no values, or their shapes do not fit.
    #[track_caller]
    pub fn concat<'t>(&'t self, values: &[Var<'t>], axis: impl Axis) -> Var<'t> {
        let Some(first) = values.first() else { self.refuse("concat: there is nothing to join") };
        let axis = first.axis("concat", axis);
        let (mut starts, mut end) = (Vec::with_capacity(values.len()), 0_usize);
        for value in values {
            starts.push(end);
            let extent = value.shape().get(axis).copied().unwrap_or(0); // a missing axis is refused below
            end = end.saturating_add(extent);
        }
        self.record(Op::Concat(Concat { axis, starts }), values)
    }

    /// Joins values of one shape along a new axis.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let (x, y) = (tape.zeros([64, 3]), tape.zeros([64, 3]));
    /// assert_eq!(tape.stack(&[x, y], 1).shape(), [64, 2, 3].into());
    /// ```
    ///
    /// # Panics
    /// If there are no values, or their shapes differ.
    #[track_caller]
    pub fn stack<'t>(&'t self, values: &[Var<'t>], axis: impl Axis) -> Var<'t> {
        let mut layers = Vec::with_capacity(values.len());
        for value in values {
            layers.push(value.expand_dims(&[axis]));
        }
        self.concat(&layers, axis)
    }
}
