//! Which axes are meant: counted from either end, each there, none twice.

use crate::tape::{Tape, Var};
use crate::{Axis, Shape};

impl Tape {
    /// This axis of a shape.
    #[track_caller]
    pub(super) fn axis(&self, name: &str, axis: impl Axis, shape: &Shape) -> usize {
        match axis.among(shape.rank()) {
            Some(axis) => axis,
            None => self.refuse(&format!("{name}: there is no axis {axis} in shape {shape}")),
        }
    }

    /// These axes of a shape, in ascending order.
    #[track_caller]
    pub(super) fn axes<A: Axis>(&self, name: &str, axes: &[A], shape: &Shape) -> Vec<usize> {
        let mut sorted = Vec::with_capacity(axes.len());
        for &axis in axes {
            sorted.push(self.axis(name, axis, shape));
        }
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            self.refuse(&format!("{name}: axis {} is named twice", pair[0]));
        }
        sorted
    }
}

impl<'t> Var<'t> {
    /// These axes of the value, in ascending order.
    #[track_caller]
    pub(super) fn axes<A: Axis>(self, name: &str, axes: &[A]) -> Vec<usize> {
        self.tape().axes(name, axes, &self.shape())
    }

    /// This axis of the value.
    #[track_caller]
    pub(super) fn axis(self, name: &str, axis: impl Axis) -> usize {
        self.tape().axis(name, axis, &self.shape())
    }
}
