//! The layers: those with weights ([`Linear`], [`Conv2d`], [`ConvTranspose2d`], [`Embedding`], [`BatchNorm`], [`LayerNorm`]),
//! then those without ([`Activation`], [`Pool2d`], [`Upsample`], [`Dropout`], [`Flatten`], [`Reshape`]), and what other layers
//! are put into ([`Residual`]).
//!
//! The first axis of what they take and give is the batch. A layer with weights has a name, under which they are saved, an
//! initialiser ([`Init`]) and a generator of random numbers for it; what is rarely wanted is set by methods:
//!
//! ```
//! use autograd::ops::Conv;
//! use nn::{Init, Module, Rng, layers::Conv2d};
//! let rng = &mut Rng::new(0, "weights");
//! let layer = Conv2d::new("0", 3, 16, 5, Conv::square(2, 2), Init::FanIn, rng).without_bias(); // stride 2, padding 2
//! assert_eq!(layer.parameters()[0].name(), "0.weight");
//! assert_eq!(layer.parameters()[0].shape().to_string(), "[16, 3, 5, 5]"); // [filters, channels, height, width]
//! ```

mod activation;
mod conv;
mod dropout;
mod embedding;
mod linear;
mod norm;
mod pool;
mod residual;
mod shape;
mod spectral;
mod upsample;

pub use activation::Activation;
pub use conv::{Conv2d, ConvTranspose2d};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use linear::Linear;
pub use norm::{BatchNorm, LayerNorm};
pub use pool::Pool2d;
pub use residual::Residual;
pub use shape::{Flatten, Reshape};
pub use upsample::Upsample;

use autograd::{Shape, Variable};

use crate::{Init, Rng};

/// What a layer is called where recording it is refused: its type and what it is named by.
fn part(layer: &str, named: &Variable) -> String {
    format!("{layer} {:?}", named.name())
}

/// The weight and the bias that linear and convolutional layers start with.
#[track_caller]
fn weight_and_bias(
    name: &str,
    weight: impl Into<Shape>,
    outputs: usize,
    init: Init,
    rng: &mut Rng,
) -> (Variable, Option<Variable>) {
    let shape = weight.into();
    let weight = Variable::new(format!("{name}.weight"), init.weight(&shape, rng));
    let bias = Variable::new(format!("{name}.bias"), init.bias(outputs, &shape, rng));
    (weight, Some(bias))
}
