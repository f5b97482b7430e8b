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
        x.reshape([&x.shape()[..1], &self.0].concat())
    }
}

/// Makes each sample a vector: `[B, …]` → `[B, count]`.
pub struct Flatten;

impl Module for Flatten {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        let shape = x.shape();
        x.reshape([shape[0], shape[1..].iter().product()])
    }
}

/// Keeps the upper left corner of images: `[B, C, H, W]` → `[B, C, height, width]`. The DCGAN for 28×28 images cuts 8×8
/// to 7×7 so (Gulrajani et al. 2017, in their published code).
///
/// ```
/// use autograd::{Shape, Tape};
/// use nn::{Mode, Module, layers::Crop};
/// let tape = Tape::new();
/// let y = Crop { height: 7, width: 7 }.forward(tape.input("x", [50, 128, 8, 8]), Mode::Eval);
/// assert_eq!(y.shape(), Shape::from([50, 128, 7, 7]));
/// ```
pub struct Crop {
    /// Rows kept.
    pub height: usize,
    /// Columns kept.
    pub width: usize,
}

impl Module for Crop {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.slice(2, 0..self.height).slice(3, 0..self.width)
    }
}
