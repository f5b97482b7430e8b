//! The layers: those with weights, then those without.

mod activation;
mod conv;
mod linear;
mod norm;
mod shape;
mod spectral;

pub use activation::Activation;
pub use conv::{Conv2d, ConvTranspose2d};
pub use linear::Linear;
pub use norm::{BatchNorm, LayerNorm};
pub use shape::{Flatten, Reshape};

use autograd::{Shape, Variable};

use crate::{Init, Rng};

/// The weight and the bias that linear and convolutional layers start with.
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
