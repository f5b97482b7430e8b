//! Neural networks on top of [`autograd`]: layers, initialisers, losses, optimisers, checkpoints.
//!
//! A [`Module`] records what it computes on a tape and keeps its weights in Variables. An [`Optimizer`] records the
//! gradients of a loss and the new weights. So a whole training step is one program, compiled once:
//!
//! ```
//! use autograd::{Device, Tensor};
//! use nn::layers::{Activation, Linear};
//! use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, losses, optim::Adam};
//!
//! let rng = &mut Rng::new(1, "weights");
//! let model = Sequential::new()
//!     .add(Linear::new("0", 1, 16, Init::FanIn, rng))
//!     .add(Activation::Tanh)
//!     .add(Linear::new("2", 16, 1, Init::FanIn, rng));
//! let adam = Adam::new(model.parameters());
//!
//! let mut step = Device::cpu().compile(|tape| {
//!     let (x, y) = (tape.input("x", [64, 1]), tape.input("y", [64, 1])); // [samples, features]
//!     let loss = losses::mse(model.forward(x, Mode::Train), y);
//!     adam.update(loss, tape.scalar(1e-2));
//!     [loss]
//! })?;
//!
//! let x = Tensor::from_fn([64, 1], |i| i as f32 / 32.0 - 1.0);
//! let y = Tensor::from_fn([64, 1], |i| (3.0 * x.data()[i]).sin());
//! let mut loss = f32::INFINITY;
//! for _ in 0..300 {
//!     loss = step.run(&[("x", &x), ("y", &y)])?[0].item();
//! }
//! assert!(loss < 0.01); // it has learned a sine
//! # Ok::<(), autograd::Error>(())
//! ```
//!
//! Names, layouts, defaults and formulas are PyTorch's, so that weights can be exchanged with it.
//!
//! # What there is
//!
//! In the order in which a training program uses it:
//!
//! - [`Rng`]: randomness on the host, for first weights and shuffling.
//! - [`Init`]: what a layer's weights are before training.
//! - [`Module`], [`Mode`], [`Sequential`]: what a layer is, and layers in a row.
//! - [`layers`]: linear, convolutions, embeddings, normalisation, activations, pooling, dropout, shapes.
//! - [`losses`]: what is made small.
//! - [`clip`]: gradients or weights held within bounds.
//! - [`optim`]: [`Optimizer`], with SGD, RMSProp, Adam and AdamW.
//! - [`schedule`]: learning rates that change.
//! - [`in_batches`]: what a trained model makes of any number of samples.
//! - [`checkpoint`]: Variables saved and loaded as safetensors.
//! - [`files`]: files that are never half written.
//! - [`Error`]: what can go wrong with files.

pub mod checkpoint;
pub mod clip;
mod error;
pub mod files;
mod in_batches;
mod init;
pub mod layers;
pub mod losses;
mod module;
pub mod optim;
mod rng;
pub mod schedule;

pub use checkpoint::Checkpoint;
pub use error::{Difference, Error};
pub use in_batches::in_batches;
pub use init::Init;
pub use module::{Mode, Module, Sequential};
pub use optim::Optimizer;
pub use rng::Rng;
