//! How fast training is.
//!
//! - [`Configuration`]: the trainings that are measured
//! - [`step`]: the time of an iteration
//! - [`Example`]: the same of two of `nn/examples`
//! - [`dump`]: what an iteration computes, for `compare.py`, which trains the same networks with PyTorch
//! - [`peak`]: what the processor can do at most, beside which `cargo bench` puts single kernels
//! - [`ranks`]: what several processes send each other
//!
//! Single kernels and the compiler are measured by `cargo bench`.

mod configuration;
pub mod dump;
mod examples;
mod memory;
pub mod peak;
pub mod ranks;
pub mod step;

pub use configuration::Configuration;
pub use examples::Example;
