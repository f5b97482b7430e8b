//! Tensors joined along an axis. The derivative with respect to each is the slice it became.

use super::{Op, Operation};
use crate::tape::{Tape, Var};
use crate::{Shape, Tensor};

/// Tensors joined along an axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis along which they follow each other.
    pub axis: usize,
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
        extents[self.axis] = inputs.iter().map(|shape| shape[self.axis]).sum();
        Ok(extents.into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let mut result = Tensor::zeros(shape);
        let strides = shape.strides();
        let mut start = 0;
        for input in inputs {
            let corner = start * strides[self.axis];
            for (&value, target) in input.data().iter().zip(super::offsets(input.shape(), corner, &strides)) {
                result.data_mut()[target] = value;
            }
            start += input.shape()[self.axis];
        }
        result
    }

    fn vjp<'t>(&self, input: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let (start, extent) = {
            let nodes = g.tape().nodes(); // no shape is cloned: there may be many inputs
            let extent = |x: &Var| nodes[x.id()].shape[self.axis];
            (x[..input].iter().map(extent).sum::<usize>(), extent(&x[input]))
        };
        g.slice(self.axis, start..start + extent)
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
    pub fn concat<'t>(&'t self, values: &[Var<'t>], axis: usize) -> Var<'t> {
        if values.is_empty() {
            self.refuse("concat: there is nothing to join");
        }
        self.record(Op::Concat(Concat { axis }), values)
    }
}
