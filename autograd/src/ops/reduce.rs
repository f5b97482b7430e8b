//! Reductions over axes: sum and max, and what follows from them. The reduced axes disappear from the shape.

use super::{Broadcast, Op, Operation};
use crate::tape::Var;
use crate::{Axis, Shape, Tensor};

/// Sum over axes, from 0 on: a sum of nothing, or of −0 alone, is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sum {
    /// The axes summed over, ascending.
    pub axes: Vec<usize>,
}

/// Largest value over axes. Where several are equal, each takes an equal share of the gradient. NaN wins, 0 is larger
/// than −0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Max {
    /// The axes searched, ascending.
    pub axes: Vec<usize>,
}

fn reduced_shape(axes: &[usize], input: &Shape) -> Result<Shape, String> {
    match axes.iter().find(|&&axis| axis >= input.rank()) {
        Some(axis) => Err(format!("there is no axis {axis}")),
        None if axes.windows(2).any(|pair| pair[0] >= pair[1]) => Err("the axes must ascend".into()),
        None => Ok(input.without(axes)),
    }
}

/// For each element of a tensor of this shape, the flat index of the result's element that it is reduced to.
fn targets(shape: &Shape, axes: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let restore = Broadcast { shape: shape.clone() };
    super::offsets(shape, 0, &restore.strides(&shape.keepdims(axes)))
}

/// Folds every element of `x` into the element of the result it belongs to.
fn fold(x: &Tensor<f64>, axes: &[usize], start: f64, f: impl Fn(f64, f64) -> f64) -> Tensor<f64> {
    let mut result = Tensor::full(x.shape().without(axes), start);
    for (&value, target) in x.data().iter().zip(targets(x.shape(), axes)) {
        let slot = &mut result.data_mut()[target];
        *slot = f(*slot, value);
    }
    result
}

impl Operation for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        reduced_shape(&self.axes, inputs[0])
    }

    fn value(&self, inputs: &[&Tensor<f64>], _: &Shape) -> Tensor<f64> {
        fold(inputs[0], &self.axes, 0.0, |sum, x| sum + x)
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.restore_axes(&self.axes, &x[0].shape())
    }
}

impl Operation for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        reduced_shape(&self.axes, inputs[0])
    }

    fn value(&self, inputs: &[&Tensor<f64>], _: &Shape) -> Tensor<f64> {
        let larger =
            |max: f64, x: f64| if x.is_nan() || x > max || (x == max && max.is_sign_negative()) { x } else { max };
        fold(inputs[0], &self.axes, f64::NEG_INFINITY, larger)
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, x: &[Var<'t>], y: Var<'t>) -> Var<'t> {
        let shape = x[0].shape();
        let winners = x[0].eq(y.restore_axes(&self.axes, &shape));
        let shares = g / winners.sum_axes(&self.axes);
        winners.select(shares.restore_axes(&self.axes, &shape), 0.0)
    }

    fn branches(&self, inputs: &[&Tensor<f64>]) -> Vec<i64> {
        let (x, shape) = (inputs[0], inputs[0].shape());
        let max = self.value(inputs, &shape.without(&self.axes));
        x.data().iter().zip(targets(shape, &self.axes)).map(|(&x, i)| i64::from(x == max.data()[i])).collect()
    }
}

impl<'t> Var<'t> {
    /// Sum of all elements.
    #[track_caller]
    pub fn sum(self) -> Var<'t> {
        self.sum_axes(&self.all_axes())
    }

    /// Sum over the given axes, which disappear from the shape ([`expand_dims`](Var::expand_dims) puts them back with the
    /// extent 1, [`restore_axes`](Var::restore_axes) with their own).
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(x.sum_axes(&[1]).value().data(), [6.0, 15.0]); //      of each row, [2]
    /// assert_eq!(x.sum_axes(&[0]).value().data(), [5.0, 7.0, 9.0]); //  of each column, [3]
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn sum_axes<A: Axis>(self, axes: &[A]) -> Var<'t> {
        if axes.is_empty() {
            return self;
        }
        self.tape().record(Op::Sum(Sum { axes: self.axes("sum", axes) }), &[self])
    }

    /// Mean of all elements.
    #[track_caller]
    pub fn mean(self) -> Var<'t> {
        self.mean_axes(&self.all_axes())
    }

    /// Mean over the given axes, which disappear from the shape.
    #[track_caller]
    pub fn mean_axes<A: Axis>(self, axes: &[A]) -> Var<'t> {
        let sum = self.sum_axes(axes);
        sum * (sum.shape().count() as f64 / self.shape().count() as f64)
    }

    /// Largest of all elements.
    #[track_caller]
    pub fn max(self) -> Var<'t> {
        self.max_axes(&self.all_axes())
    }

    /// Largest value over the given axes, which disappear from the shape.
    #[track_caller]
    pub fn max_axes<A: Axis>(self, axes: &[A]) -> Var<'t> {
        if axes.is_empty() {
            return self;
        }
        self.tape().record(Op::Max(Max { axes: self.axes("max", axes) }), &[self])
    }

    /// Smallest of all elements.
    #[track_caller]
    pub fn min(self) -> Var<'t> {
        -(-self).max()
    }

    /// Smallest value over the given axes, which disappear from the shape.
    #[track_caller]
    pub fn min_axes<A: Axis>(self, axes: &[A]) -> Var<'t> {
        -(-self).max_axes(axes)
    }

    /// Repeats a reduction's result along the axes it was reduced over: back to the shape `full`.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 2], vec![1.0, 3.0, 4.0, 8.0])?);
    /// let centred = x - x.mean_axes(&[1]).restore_axes(&[1], &x.shape());
    /// assert_eq!(centred.value().data(), [-1.0, 1.0, -2.0, 2.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn restore_axes<A: Axis>(self, axes: &[A], full: &Shape) -> Var<'t> {
        let axes = self.tape().axes("restore_axes", axes, full);
        self.reshape(full.keepdims(&axes)).broadcast_to(full)
    }

    fn all_axes(self) -> Vec<usize> {
        (0..self.shape().rank()).collect()
    }
}
