//! Axes in another order; a transpose is the permutation of two.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Axis, Shape, Tensor};

/// Axes in another order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permute {
    /// For each axis of the result, the input's axis it was.
    pub order: Vec<usize>,
}

impl Operation for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        match sorted.into_iter().eq(0..inputs[0].rank()) {
            true => Ok(self.order.iter().map(|&axis| inputs[0][axis]).collect::<Vec<_>>().into()),
            false => Err(format!("{:?} is not an order of its {} axes", self.order, inputs[0].rank())),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let own = inputs[0].shape().strides();
        super::strided(inputs[0], shape, 0, &self.order.iter().map(|&axis| own[axis]).collect::<Vec<_>>())
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, _: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let mut inverse = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        g.permute(&inverse)
    }
}

impl<'t> Var<'t> {
    /// Axes in another order: axis `i` of the result is axis `order[i]` of this value.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let images = tape.zeros([64, 3, 28, 30]);
    /// assert_eq!(images.permute(&[0, 2, 3, 1]).shape(), [64, 28, 30, 3].into()); // channels last
    /// ```
    #[track_caller]
    pub fn permute<A: Axis>(self, order: &[A]) -> Var<'t> {
        let mut axes = Vec::with_capacity(order.len());
        for &axis in order {
            axes.push(self.axis("permute", axis));
        }
        self.tape().record(Op::Permute(Permute { order: axes }), &[self])
    }

    /// The last two axes exchanged.
    #[track_caller]
    pub fn transpose(self) -> Var<'t> {
        let rank = self.shape().rank();
        if rank < 2 {
            self.tape().refuse(&format!("transpose: needs two axes, the value has shape {}", self.shape()));
        }
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(rank - 2, rank - 1);
        self.permute(&order)
    }
}
