//! Tape-based reverse-mode automatic differentiation of any order.
mod error;
mod shape;
mod tensor;

pub use error::Error;
pub use shape::Shape;
pub use tensor::{Element, Tensor};
