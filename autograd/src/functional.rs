//! Derivatives built on the reverse pass: Jacobian-vector and Hessian-vector products, whole Jacobians and Hessians.
//!
//! Where a value does not depend on an input, its derivative here is filled in with zeros: a linear function has a
//! Hessian, and it is zero. (Loops, not closures: a closure would hide the caller's line from what it records.)

use crate::Tensor;
use crate::grad::Vars;
use crate::tape::{Tape, Var};

impl Tape {
    /// The Jacobian-vector product `Σᵢ ∂y/∂xᵢ · vᵢ`, of `y`'s shape, by two vector-Jacobian products: `u ↦ uᵀJ` is
    /// linear in u, and its derivative along v is `Jv` (Townsend 2017, "A new trick for calculating Jacobian vector
    /// products").
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![3.0, 5.0])?);
    /// let v = tape.constant(&Tensor::new([2], vec![1.0, 10.0])?);
    /// assert_eq!(tape.jvp(x.square(), &[x], &[v]).value().data(), [6.0, 100.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If there is not one direction, of its shape, for each of `xs`.
    #[track_caller]
    pub fn jvp<'t>(&'t self, y: Var<'t>, xs: &[Var<'t>], vs: &[Var<'t>]) -> Var<'t> {
        let u = self.constant(&Tensor::<f64>::zeros(y.shape())); // any u does, the product does not depend on it
        let pulled = self.vjp(y, u, xs);
        self.or_zeros(self.pull_back(&self.along("jvp", &pulled, xs, vs), &[u], false)[0], u)
    }

    /// The Hessian-vector product `∇²y · v` for a scalar `y` of several inputs, each part of its input's shape: the gradient of
    /// `Σ ∂y/∂xᵢ · vᵢ` with the directions vᵢ held fixed, whatever they were computed of.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![3.0, 5.0])?);
    /// let v = tape.constant(&Tensor::new([2], vec![1.0, 10.0])?);
    /// let y = (x * x * x).sum(); // its Hessian is diag(6x)
    /// assert_eq!(tape.hvp(y, &[x], &[v])[0].value().data(), [18.0, 300.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `y` is not a scalar, or there is not one direction, of its shape, for each of `xs`.
    #[track_caller]
    pub fn hvp<'t, X: Vars<'t> + ?Sized>(&'t self, y: Var<'t>, xs: &X, vs: &[Var<'t>]) -> X::Each<Var<'t>> {
        let xs = xs.as_ref();
        let slopes = self.try_grad(y, xs);
        let products = self.pull_back(&self.along("hvp", &slopes, xs, vs), xs, false);
        let mut filled = Vec::with_capacity(xs.len());
        for (product, &x) in products.into_iter().zip(xs) {
            filled.push(self.or_zeros(product, x));
        }
        X::each(filled)
    }

    /// The slopes there are, each with the direction along its input.
    #[track_caller]
    fn along<'t>(
        &'t self,
        name: &str,
        slopes: &[Option<Var<'t>>],
        xs: &[Var<'t>],
        vs: &[Var<'t>],
    ) -> Vec<(Var<'t>, Var<'t>)> {
        if xs.len() != vs.len() {
            self.refuse(&format!("{name}: {} inputs, but {} directions", xs.len(), vs.len()));
        }
        for (x, v) in xs.iter().zip(vs) {
            if x.shape() != v.shape() {
                // A direction that merely broadcasts would silently give another product.
                self.refuse(&format!("{name}: the input is {x:?}, the direction along it {v:?}"));
            }
        }
        slopes.iter().zip(vs).filter_map(|(slope, &v)| Some(((*slope)?, v))).collect()
    }

    /// The Jacobian ∂y/∂x: one row for each element of `y`, one column for each of `x`.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![3.0, 5.0])?);
    /// let jacobian = tape.jacobian(x.square(), x).value();
    /// assert_eq!(jacobian, Tensor::new([2, 2], vec![6.0, 0.0, 0.0, 10.0])?);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn jacobian<'t>(&'t self, y: Var<'t>, x: Var<'t>) -> Var<'t> {
        let (rows, columns) = (y.shape().count(), x.shape().count());
        if rows == 0 {
            return self.zeros([0, columns]);
        }
        let mut jacobian = Vec::with_capacity(rows);
        for i in 0..rows {
            let unit = self.constant(&Tensor::<f64>::from_fn(y.shape(), |j| f64::from(u8::from(i == j))));
            jacobian.push(match self.vjp(y, unit, &[x])[0] {
                Some(row) => row.reshape([1, columns]),
                None => self.zeros([1, columns]),
            });
        }
        self.concat(&jacobian, 0)
    }

    /// The Hessian of the scalar `y`: the Jacobian of its gradient, one row and one column for each element of `x`.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![3.0, 5.0])?);
    /// let product = x.slice(0, 0..1) * x.slice(0, 1..2); // x₀·x₁
    /// assert_eq!(tape.hessian(product.sum(), x).value().data(), [0.0, 1.0, 1.0, 0.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `y` is not a scalar.
    #[track_caller]
    pub fn hessian<'t>(&'t self, y: Var<'t>, x: Var<'t>) -> Var<'t> {
        self.jacobian(self.or_zeros(self.try_grad(y, &[x])[0], x), x)
    }

    /// A gradient with respect to `x`, or the zeros that it stands for where it is absent.
    #[track_caller]
    fn or_zeros<'t>(&'t self, gradient: Option<Var<'t>>, x: Var<'t>) -> Var<'t> {
        match gradient {
            Some(gradient) => gradient,
            None => self.zeros(x.shape()),
        }
    }
}
