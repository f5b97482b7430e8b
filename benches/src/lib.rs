//! How fast training is.
//!
//! - [`Configuration`]: the four trainings that are measured
//! - [`step`]: the time of an iteration
//! - [`dump`]: what an iteration computes, for `compare.py`, which trains the same networks with PyTorch
//!
//! Single kernels and the compiler are measured by `cargo bench`.

mod configuration;
pub mod dump;
mod memory;
pub mod step;

pub use configuration::Configuration;
