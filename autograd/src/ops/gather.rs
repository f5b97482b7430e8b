//! Rows picked by index, and its transpose: rows added up by index. Each is the other's derivative.
//!
//! Indices are ordinary values, exact in f32 up to 2²⁴. Picking a row that does not exist gives NaN, which the
//! program's check for non-finite values traces to here; adding to a row that does not exist does nothing.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// Rows picked by index: `y[k, …] = x[indices[k], …]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather;

/// Rows added up by index: `y[indices[k], …] += x[k, …]`, starting from zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// The number of rows of the result.
    pub rows: usize,
}

/// The row an index names, if it is one of `rows`.
pub(crate) fn row(index: f64, rows: usize) -> Option<usize> {
    (index >= 0.0 && index < rows as f64).then_some(index as usize)
}

fn check(values: &Shape, indices: &Shape) -> Result<(), String> {
    match (values.rank(), indices.rank()) {
        (1.., 1) => Ok(()),
        _ => Err("it takes values with rows and a vector of indices".into()),
    }
}

impl Operation for Gather {
    fn name(&self) -> &'static str {
        "gather_rows"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        check(inputs[0], inputs[1])?;
        let mut extents = inputs[0].to_vec();
        extents[0] = inputs[1][0];
        Ok(extents.into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let (x, indices) = (inputs[0], inputs[1]);
        let width = shape.without(&[0]).count();
        Tensor::from_fn(shape, |i| match row(indices.data()[i / width], x.shape()[0]) {
            Some(row) => x.data()[row * width + i % width],
            None => f64::NAN,
        })
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.scatter_add_rows(x[1], x[0].shape()[0])
    }
}

impl Operation for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add_rows"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        check(inputs[0], inputs[1])?;
        if inputs[0][0] != inputs[1][0] {
            return Err("there must be one index for each row".into());
        }
        let mut extents = inputs[0].to_vec();
        extents[0] = self.rows;
        Ok(extents.into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let width = shape.without(&[0]).count();
        let mut result = Tensor::zeros(shape);
        for (i, &value) in inputs[0].data().iter().enumerate() {
            if let Some(row) = row(inputs[1].data()[i / width], self.rows) {
                result.data_mut()[row * width + i % width] += value;
            }
        }
        result
    }

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.gather_rows(x[1])
    }
}

impl<'t> Var<'t> {
    /// The rows (indices of the first axis) that `indices` names, in its order.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// let indices = tape.constant(&Tensor::new([2], vec![2.0, 0.0])?);
    /// assert_eq!(x.gather_rows(indices).value().data(), [5.0, 6.0, 1.0, 2.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn gather_rows(self, indices: Var<'t>) -> Var<'t> {
        self.tape().record(Op::Gather(Gather), &[self, indices])
    }

    /// A tensor of `rows` rows, each the sum of the rows of this value whose index is its own.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([3, 1], vec![1.0, 2.0, 4.0])?);
    /// let indices = tape.constant(&Tensor::new([3], vec![1.0, 0.0, 1.0])?);
    /// assert_eq!(x.scatter_add_rows(indices, 3).value().data(), [2.0, 5.0, 0.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn scatter_add_rows(self, indices: Var<'t>, rows: usize) -> Var<'t> {
        self.tape().record(Op::ScatterAdd(ScatterAdd { rows }), &[self, indices])
    }
}
