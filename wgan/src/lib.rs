//! Wasserstein GANs: the data, the configuration, the training and what a run leaves behind.
//!
//! In the order in which a run passes through them:
//!
//! - [`cli`]: the command line
//! - [`config`]: what was asked for, resolved to a value for every setting
//! - [`data`]: embedded digits, IDX files, 2-D toys, batches
//! - [`random`]: named streams of random numbers for the host

pub mod cli;
pub mod config;
pub mod data;
mod error;
pub mod random;

pub use error::{Error, Result};
