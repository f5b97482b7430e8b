//! Derivatives built on the reverse pass: Jacobian-vector and Hessian-vector products, whole Jacobians and Hessians.
//!
//! Where a value does not depend on an input, its derivative here is filled in with zeros: a linear function has a
//! Hessian, and it is zero.

use crate::tape::{Tape, Var};
use crate::{Shape, Tensor};

impl Tape {
    /// The Jacobian-vector product `Σᵢ ∂y/∂xᵢ · vᵢ`, of `y`'s shape, by two vector-Jacobian products: `u ↦ uᵀJ` is
    /// linear in u, and its derivative along v is `Jv` (Townsend 2017, "A new trick for calculating Jacobian vector
    /// products").
    #[track_caller]
    pub fn jvp<'t>(&'t self, y: Var<'t>, xs: &[Var<'t>], vs: &[Var<'t>]) -> Var<'t> {
        assert!(xs.len() == vs.len(), "jvp: {} inputs, but {} directions", xs.len(), vs.len());
        let u = self.constant(&Tensor::<f64>::zeros(y.shape())); // any u does, the product does not depend on it
        let pulled = self.vjp(y, u, xs);
        let terms = pulled.iter().zip(vs).filter_map(|(pulled, &v)| pulled.map(|pulled| (pulled * v).sum()));
        let along = terms.reduce(|sum, term| sum + term).and_then(|along| self.try_grad(along, &[u])[0]);
        along.unwrap_or_else(|| self.zeros(y.shape()))
    }

    /// The Hessian-vector product `∇²y · v`, of `x`'s shape, for a scalar `y`: the gradient of `∇y·v`.
    #[track_caller]
    pub fn hvp<'t>(&'t self, y: Var<'t>, x: Var<'t>, v: Var<'t>) -> Var<'t> {
        let slope = self.try_grad(y, &[x])[0];
        let curvature = slope.and_then(|slope| self.try_grad((slope * v).sum(), &[x])[0]);
        curvature.unwrap_or_else(|| self.zeros(x.shape()))
    }

    /// The Jacobian ∂y/∂x: one row for each element of `y`, one column for each of `x`.
    #[track_caller]
    pub fn jacobian<'t>(&'t self, y: Var<'t>, x: Var<'t>) -> Var<'t> {
        let (rows, columns) = (y.shape().count(), x.shape().count());
        let row = |i: usize| {
            let unit = Tensor::<f64>::from_fn(y.shape(), |j| f64::from(u8::from(i == j)));
            let row = self.vjp(y, self.constant(&unit), &[x])[0];
            row.unwrap_or_else(|| self.zeros(x.shape())).reshape([1, columns])
        };
        match rows {
            0 => self.zeros(Shape::from([0, columns])),
            _ => self.concat(&(0..rows).map(row).collect::<Vec<_>>(), 0),
        }
    }

    /// The Hessian of the scalar `y`: the Jacobian of its gradient, square.
    #[track_caller]
    pub fn hessian<'t>(&'t self, y: Var<'t>, x: Var<'t>) -> Var<'t> {
        let gradient = self.try_grad(y, &[x])[0];
        self.jacobian(gradient.unwrap_or_else(|| self.zeros(x.shape())), x)
    }
}
