//! Layers that only rearrange: what comes between images and vectors.

use autograd::{Shape, Var};

use crate::{Mode, Module};

/// Gives each sample another shape: `[B, …]` → `[B, shape]`.
///
/// ```
/// use autograd::{Shape, Tape};
/// use nn::{Mode, Module, layers::{Flatten, Reshape}};
/// let tape = Tape::new();
/// let images = Reshape::new([256, 4, 4]).forward(tape.input("x", [50, 4096]), Mode::Eval);
/// assert_eq!(images.shape(), Shape::from([50, 256, 4, 4]));
/// assert_eq!(Flatten.forward(images, Mode::Eval).shape(), Shape::from([50, 4096]));
/// ```
pub struct Reshape(Shape);

impl Reshape {
    /// Each sample gets the shape `shape`.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Reshape(shape.into())
    }
}

impl Module for Reshape {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.tape().within("Reshape", || x.reshape([&[batch(x)][..], &self.0].concat()))
    }
}

/// Makes each sample a vector: `[B, …]` → `[B, count]`.
pub struct Flatten;

impl Module for Flatten {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.tape().within("Flatten", || {
            let batch = batch(x);
            x.reshape([batch, x.shape()[1..].iter().product()])
        })
    }
}

/// The extent of the first axis.
fn batch(x: Var) -> usize {
    match *x.shape() {
        [batch, ..] => batch,
        [] => x.tape().refuse("a scalar has no batch axis"),
    }
}
