//! Neural networks on top of [`autograd`]: layers, initialisers, losses, optimisers, checkpoints.
//!
//! In the order in which a training program uses them:
//!
//! - [`Rng`]: randomness on the host, for first weights and shuffling.
//! - [`Init`]: what a layer's weights are before training.
//! - [`Module`], [`Mode`], [`Sequential`]: what a layer is, and layers in a row.
//! - [`layers`]: linear, convolutions, normalisation, activations, shapes.
//! - [`losses`]: what is made small.
//! - [`clip`]: gradients or weights held within bounds.
//! - [`optim`]: [`Optimizer`], with SGD, RMSProp and Adam.
//! - [`checkpoint`]: Variables saved and loaded as safetensors.
//! - [`files`]: files that are never half written.
//! - [`Error`]: what can go wrong with files.
//!
//! Names, layouts, defaults and formulas are PyTorch's, so that weights can be exchanged with it.
//!
//! A training step is recorded once, on one tape, the update included:
//!
//! ```
//! use autograd::Tape;
//! use nn::layers::{Activation, Linear};
//! use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, losses, optim::Adam};
//!
//! let mut rng = Rng::new(1, "weights");
//! let model = Sequential::new()
//!     .add(Linear::new("0", 2, 16, Init::FanIn, &mut rng))
//!     .add(Activation::Relu)
//!     .add(Linear::new("2", 16, 1, Init::FanIn, &mut rng));
//! let adam = Adam::new(model.parameters());
//!
//! let tape = Tape::new();
//! let x = tape.input("x", [64, 2]);
//! let y = tape.input("y", [64, 1]);
//! let learning_rate = tape.input("learning rate", []);
//! let loss = losses::mse(model.forward(x, Mode::Train), y);
//! adam.update(loss, learning_rate);
//! ```

pub mod checkpoint;
pub mod clip;
mod error;
pub mod files;
mod init;
pub mod layers;
pub mod losses;
mod module;
pub mod optim;
mod rng;

pub use checkpoint::Checkpoint;
pub use error::Error;
pub use init::Init;
pub use module::{Mode, Module, Sequential};
pub use optim::Optimizer;
pub use rng::Rng;
