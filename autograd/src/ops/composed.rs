//! Functions composed of the operations: they need no rule of their own.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::tape::{Tape, Var};
use crate::{Axis, Tensor};

/// What keeps √ differentiable at 0 in [`Var::norm_rows`]: it is added inside the root.
const NORM_GUARD: f64 = 1e-12;

impl Tape {
    /// 0, 1, 2 … `count` − 1.
    #[track_caller]
    pub fn arange(&self, count: usize) -> Var<'_> {
        self.constant(&Tensor::<f64>::from_fn([count], |i| i as f64))
    }
}

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
    pub fn logsumexp(self, axis: impl Axis) -> Var<'t> {
        let axis = self.axis("logsumexp", axis);
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
    pub fn log_softmax(self, axis: impl Axis) -> Var<'t> {
        let axis = self.axis("log_softmax", axis);
        let below = self - self.finite_max(axis).restore_axes(&[axis], &self.shape());
        below - below.exp().sum_axes(&[axis]).ln().restore_axes(&[axis], &self.shape())
    }

    /// `eˣ / Σ eˣ` along one axis. The maximum is taken out first.
    #[track_caller]
    pub fn softmax(self, axis: impl Axis) -> Var<'t> {
        let axis = self.axis("softmax", axis);
        let powers = (self - self.finite_max(axis).restore_axes(&[axis], &self.shape())).exp();
        powers / powers.sum_axes(&[axis]).restore_axes(&[axis], &self.shape())
    }

    /// What is taken out of the exponents above: the maximum over an axis. Their results do not depend on it, so no derivative
    /// flows through it. Infinity cannot be taken out.
    #[track_caller]
    fn finite_max(self, axis: usize) -> Var<'t> {
        self.detach().max_axes(&[axis]).finite()
    }

    /// The nearest number that is finite in f32.
    #[track_caller]
    pub(super) fn finite(self) -> Var<'t> {
        self.clamp(f32::MIN.into(), f32::MAX.into())
    }

    /// `(x − mean) / √(variance + ε)` with mean and biased variance over the given axes. Over all but the
    /// first axis this is layer normalisation (Ba et al. 2016, eq. 4), over all but the channel's batch normalisation
    /// (Ioffe and Szegedy 2015, algorithm 1); gain and bias are the layer's.
    #[track_caller]
    pub fn normalize<A: Axis>(self, axes: &[A], epsilon: f64) -> Var<'t> {
        let (mean, variance) = self.moments(axes);
        let deviation = (variance + epsilon).sqrt().restore_axes(axes, &self.shape());
        (self - mean.restore_axes(axes, &self.shape())) / deviation
    }

    /// Mean and biased variance over the given axes, which disappear.
    #[track_caller]
    pub fn moments<A: Axis>(self, axes: &[A]) -> (Var<'t>, Var<'t>) {
        let mean = self.mean_axes(axes);
        let variance = (self - mean.restore_axes(axes, &self.shape())).square().mean_axes(axes);
        (mean, variance)
    }

    /// The tangent, of radians.
    #[track_caller]
    pub fn tan(self) -> Var<'t> {
        self.sin() / self.cos()
    }

    /// The angle in (−π/2, π/2) whose tangent this is.
    #[track_caller]
    pub fn atan(self) -> Var<'t> {
        self.atan2(1.0)
    }

    /// `x·Φ(x)` with the normal distribution function Φ (Hendrycks and Gimpel 2016): a smooth ReLU.
    #[track_caller]
    pub fn gelu(self) -> Var<'t> {
        self * (self * -FRAC_1_SQRT_2).erfc() * 0.5
    }

    /// `x·sigmoid(x)`, also called swish (Elfwing et al. 2017): a smooth ReLU.
    #[track_caller]
    pub fn silu(self) -> Var<'t> {
        self * self.sigmoid()
    }

    /// Product of all elements.
    #[track_caller]
    pub fn prod(self) -> Var<'t> {
        self.reshape([self.shape().count()]).prod_axes(&[0])
    }

    /// Product over the given axes, which disappear from the shape. Halves are multiplied with each other, so that no gradient is
    /// divided by a factor, which may be 0.
    #[track_caller]
    pub fn prod_axes<A: Axis>(self, axes: &[A]) -> Var<'t> {
        let mut product = self;
        for axis in self.axes("prod", axes).into_iter().rev() {
            let shape = product.shape().without(&[axis]);
            let mut over = self.tape().scalar(1.0).broadcast_to(product.shape().keepdims(&[axis]));
            while product.shape()[axis] > 0 {
                let (extent, half) = (product.shape()[axis], product.shape()[axis] / 2);
                if extent % 2 == 1 {
                    over = over * product.slice(axis, extent - 1..extent);
                }
                product = product.slice(axis, 0..half) * product.slice(axis, half..2 * half);
            }
            product = over.reshape(shape);
        }
        product
    }

    /// Sums of the elements up to each one along an axis, itself included. They are doubled in reach again and again, which takes
    /// log₂ n passes.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([4], vec![1.0, 2.0, 3.0, 4.0])?);
    /// assert_eq!(x.cumsum(0).value().data(), [1.0, 3.0, 6.0, 10.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn cumsum(self, axis: impl Axis) -> Var<'t> {
        let (axis, shape) = (self.axis("cumsum", axis), self.shape());
        let (mut sums, mut reach) = (self, 1);
        let (mut before, after) = (vec![0; shape.rank()], vec![0; shape.rank()]);
        while reach < shape[axis] {
            before[axis] = reach;
            sums = sums + sums.slice(axis, 0..shape[axis] - reach).pad(&before, &after);
            reach *= 2;
        }
        sums
    }

    /// Where along an axis, which disappears, the largest element is: the first one, if several are equal. NaN is the largest. It
    /// has no derivative.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2, 3], vec![1.0, 5.0, 2.0, 7.0, 0.0, 7.0])?);
    /// assert_eq!(x.argmax(-1).value().data(), [1.0, 0.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn argmax(self, axis: impl Axis) -> Var<'t> {
        let (axis, shape) = (self.axis("argmax", axis), self.shape());
        if shape[axis] == 0 {
            self.tape().refuse(&format!("argmax: there is no element along axis {axis} of shape {shape}"));
        }
        let largest = self.eq(self.max_axes(&[axis]).restore_axes(&[axis], &shape)).maximum(self.ne(self));
        largest.select(self.positions(axis), f64::INFINITY).min_axes(&[axis])
    }

    /// Where along an axis the smallest element is; see [`argmax`](Var::argmax).
    #[track_caller]
    pub fn argmin(self, axis: impl Axis) -> Var<'t> {
        (-self).argmax(axis)
    }

    /// The numbers of the elements along an axis, whose extents along the others are 1.
    #[track_caller]
    pub(super) fn positions(self, axis: usize) -> Var<'t> {
        let (extent, mut shape) = (self.shape()[axis], vec![1; self.shape().rank()]);
        shape[axis] = extent;
        self.tape().arange(extent).reshape(shape)
    }
}
