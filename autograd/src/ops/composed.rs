//! Functions composed of the operations: they need no rule of their own.

use crate::tape::Var;

/// What keeps √ differentiable at 0 in [`Var::norm_rows`]: it is added inside the root.
const NORM_GUARD: f64 = 1e-12;

impl<'t> Var<'t> {
    /// The Euclidean norm of each row: everything but the first axis is one vector. `[N, …]` → `[N]`.
    ///
    /// `√(Σx² + 1e-12)`: without the guard the gradient at a zero row would be NaN (0/0).
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 2], vec![3.0, 4.0, 0.0, 0.0])?);
    /// let norms = x.norm_rows();
    /// assert!((norms.value().data()[0] - 5.0).abs() < 1e-12);
    /// assert_eq!(tape.grad(norms.sum(), &[x])[0].value().data()[2..], [0.0, 0.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn norm_rows(self) -> Var<'t> {
        let axes: Vec<usize> = (1..self.shape().rank()).collect();
        (self.square().sum_axes(&axes) + NORM_GUARD).sqrt()
    }

    /// `ln Σ eˣ` over one axis, which disappears. The maximum is taken out first, so that nothing overflows.
    #[track_caller]
    pub fn logsumexp(self, axis: usize) -> Var<'t> {
        // The result does not depend on what is taken out, so no derivative flows through it. Infinity cannot be taken out.
        let max = self.detach().max_axes(&[axis]).clamp(f32::MIN.into(), f32::MAX.into());
        (self - max.restore_axes(&[axis], &self.shape())).exp().sum_axes(&[axis]).ln() + max
    }

    /// `x − ln Σ eˣ` along one axis.
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Var<'t> {
        self - self.logsumexp(axis).restore_axes(&[axis], &self.shape())
    }

    /// `eˣ / Σ eˣ` along one axis.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Var<'t> {
        self.log_softmax(axis).exp()
    }

    /// `(x − mean) / √(variance + ε)` with mean and biased variance over the given axes (ascending). Over all but the
    /// first axis this is layer normalisation (Ba et al. 2016, eq. 4), over all but the channel's batch normalisation
    /// (Ioffe and Szegedy 2015, algorithm 1); gain and bias are the layer's.
    #[track_caller]
    pub fn normalize(self, axes: &[usize], epsilon: f64) -> Var<'t> {
        let (mean, variance) = self.moments(axes);
        let deviation = (variance + epsilon).sqrt().restore_axes(axes, &self.shape());
        (self - mean.restore_axes(axes, &self.shape())) / deviation
    }

    /// Mean and biased variance over the given axes (ascending), which disappear.
    #[track_caller]
    pub fn moments(self, axes: &[usize]) -> (Var<'t>, Var<'t>) {
        let mean = self.mean_axes(axes);
        let variance = (self - mean.restore_axes(axes, &self.shape())).square().mean_axes(axes);
        (mean, variance)
    }
}
