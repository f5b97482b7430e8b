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

    /// `√x` whose slope at 0 is taken to be 0, where that of [`sqrt`](Var::sqrt) is infinite: what a length, the root of a sum
    /// of squares, needs where it may be 0 and is differentiated. It costs no more.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let x = tape.zeros([3]);
    /// let length = x.square().sum().safe_sqrt();
    /// assert_eq!(tape.grad(length, &[x])[0].value().data(), [0.0; 3]); // with sqrt: NaN, 0 · ∞
    /// ```
    #[track_caller]
    pub fn safe_sqrt(self) -> Var<'t> {
        self.select(self.sqrt(), self.detach())
    }

    /// `ln Σ eˣ` over one axis, which disappears. The maximum is taken out first, so that nothing overflows.
    #[track_caller]
    pub fn logsumexp(self, axis: usize) -> Var<'t> {
        let max = self.finite_max(axis);
        (self - max.restore_axes(&[axis], &self.shape())).exp().sum_axes(&[axis]).ln() + max
    }

    /// `x − ln Σ eˣ` along one axis: `s − ln Σ eˢ` for the distances s from the maximum, which are small where the result is.
    /// The difference of `x` and [`logsumexp`](Var::logsumexp) would cancel all digits of large `x`.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![1e8, 1e8])?);
    /// assert_eq!(x.log_softmax(0).value().data(), [-2f64.ln(); 2]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn log_softmax(self, axis: usize) -> Var<'t> {
        let below = self - self.finite_max(axis).restore_axes(&[axis], &self.shape());
        below - below.exp().sum_axes(&[axis]).ln().restore_axes(&[axis], &self.shape())
    }

    /// `eˣ / Σ eˣ` along one axis. The maximum is taken out first.
    #[track_caller]
    pub fn softmax(self, axis: usize) -> Var<'t> {
        let powers = (self - self.finite_max(axis).restore_axes(&[axis], &self.shape())).exp();
        powers / powers.sum_axes(&[axis]).restore_axes(&[axis], &self.shape())
    }

    /// What is taken out of the exponents above: the maximum over an axis. Their results do not depend on it, so no derivative
    /// flows through it. Infinity cannot be taken out.
    #[track_caller]
    fn finite_max(self, axis: usize) -> Var<'t> {
        self.detach().max_axes(&[axis]).clamp(f32::MIN.into(), f32::MAX.into())
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
