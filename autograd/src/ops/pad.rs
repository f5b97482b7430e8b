//! A border of zeros around a tensor. Its derivative cuts the border off ([`slice`](super::slice)).

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// A border of zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Zeros added before the first index of each axis.
    pub before: Vec<usize>,
    /// Zeros added after the last index of each axis.
    pub after: Vec<usize>,
}

impl Operation for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        if self.before.len() != inputs[0].rank() || self.after.len() != inputs[0].rank() {
            return Err(format!("borders {:?} and {:?} have another number of axes", self.before, self.after));
        }
        let borders = self.before.iter().zip(&self.after);
        let extent =
            |(&n, (before, after)): (&usize, (&usize, &usize))| n.saturating_add(*before).saturating_add(*after);
        Ok(inputs[0].iter().zip(borders).map(extent).collect::<Vec<_>>().into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let mut result = Tensor::zeros(shape);
        let strides = shape.strides();
        let corner = shape.flat_index(&self.before);
        for (&value, target) in inputs[0].data().iter().zip(super::offsets(inputs[0].shape(), corner, &strides)) {
            result.data_mut()[target] = value;
        }
        result
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.slice_box(&self.before, x[0].shape())
    }
}

impl<'t> Var<'t> {
    /// Adds zeros before and after each axis.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let x = tape.constant(&autograd::Tensor::new([1, 2], vec![1.0, 2.0])?);
    /// assert_eq!(x.pad(&[0, 1], &[1, 0]).value().data(), [0.0, 1.0, 2.0, 0.0, 0.0, 0.0]); // [2, 3]
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn pad(self, before: &[usize], after: &[usize]) -> Var<'t> {
        self.tape().record(Op::Pad(Pad { before: before.to_vec(), after: after.to_vec() }), &[self])
    }
}
