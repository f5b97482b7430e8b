//! Rows picked by index, and its transpose: rows added up by index. Each is the other's derivative.
//!
//! Indices are ordinary values, exact in f32 up to 2²⁴. Picking a row that does not exist gives NaN, which the
//! program's check for non-finite values traces to here; adding to a row that does not exist does nothing. An index between
//! two rows is a mistake: it is refused where it is known when it is recorded, picks NaN, and adds NaN to the row below it.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Axis, Shape, Tensor};

/// Larger whole numbers are not all exact in f32.
const LARGEST_INDEX: usize = 1 << 24;

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
    (index >= 0.0 && index < rows as f64 && index.fract() == 0.0).then_some(index as usize)
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
            let index = inputs[1].data()[i / width];
            if let Some(row) = row(index.floor(), self.rows) {
                let value = if index.fract() == 0.0 { value } else { f64::NAN };
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
        indices.check_indices("gather_rows");
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
        indices.check_indices("scatter_add_rows");
        self.tape().record(Op::ScatterAdd(ScatterAdd { rows }), &[self, indices])
    }

    /// The elements that `index` names along one axis: with axis 1 of a matrix, `y[i, k] = x[i, index[i, k]]`. The index has the
    /// value's extents along all other axes. An index that names no element gives NaN.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// let index = tape.constant(&Tensor::new([2, 1], vec![2.0, 0.0])?);
    /// assert_eq!(x.gather(1, index).value().data(), [3.0, 4.0]); // [2, 1]
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[doc(alias = "take_along_axis")]
    #[track_caller]
    pub fn gather(self, axis: impl Axis, index: Var<'t>) -> Var<'t> {
        index.check_indices("gather");
        let (axis, shape, picked) = (self.axis("gather", axis), self.shape(), index.shape());
        if picked.rank() != shape.rank() || picked.without(&[axis]) != shape.without(&[axis]) {
            self.tape().refuse(&format!(
                "gather: the index {picked} may differ from the value {shape} along axis {axis} only"
            ));
        }
        if shape.count() > LARGEST_INDEX {
            self.tape().refuse(&format!("gather: a value of shape {shape} has more elements than f32 can count, 2²⁴"));
        }
        let strides = shape.strides();
        let mut element = index * strides[axis] as f64;
        for other in (0..shape.rank()).filter(|&other| other != axis) {
            element = element + index.positions(other) * strides[other] as f64;
        }
        let element = index.is_index(shape[axis]).select(element, f64::NAN);
        self.reshape([shape.count(), 1]).gather_rows(element.reshape([picked.count()])).reshape(picked)
    }

    /// A row of the unit matrix for each class number: `[…]` → `[…, classes]`. A number that is no class gives NaN.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let classes = tape.constant(&Tensor::new([2], vec![2.0, 0.0])?);
    /// assert_eq!(classes.one_hot(3).value().data(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]); // [2, 3]
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn one_hot(self, classes: usize) -> Var<'t> {
        self.check_indices("one_hot");
        let number = self.expand_dims(&[-1]);
        number.is_index(classes).select(number.eq(self.tape().arange(classes)), f64::NAN)
    }

    /// 1 where the value is a whole number from 0 to `count` − 1, else 0.
    #[track_caller]
    fn is_index(self, count: usize) -> Var<'t> {
        self.ge(0.0) * self.lt(count as f64) * self.eq(self.floor())
    }

    /// Refuses indices that are known to be no whole numbers.
    #[track_caller]
    pub(super) fn check_indices(self, name: &str) {
        let nodes = self.tape().nodes();
        let mut id = self.id();
        while let Op::Reshape(_) | Op::Broadcast(_) = nodes[id].op {
            id = nodes[id].inputs[0];
        }
        let wrong = match &nodes[id].op {
            Op::Constant(constant) => constant.tensor().data().iter().copied().find(|index| index.fract() != 0.0),
            _ => None,
        };
        drop(nodes);
        if let Some(index) = wrong {
            self.tape().refuse(&format!("{name}: an index must be a whole number, not {index}"));
        }
    }
}
