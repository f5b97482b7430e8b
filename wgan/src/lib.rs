//! Wasserstein GANs: the data, the configuration, the training and what a run leaves behind.
//!
//! In the order in which a run passes through them:
//!
//! - [`cli`]: the command line
//! - [`config`]: what was asked for, resolved to a value for every setting
//! - [`data`]: embedded digits, IDX files, 2-D toys, batches
//! - [`run_folder`]: where the files of a run are
//! - [`models`], [`objective`]: the networks and the losses
//! - [`programs`]: both as compiled programs
//! - [`train`]: the training
//! - [`metrics`], [`progress`], [`interrupt`]: what is told while it runs, and how it is stopped
//! - [`checkpoint`]: what a checkpoint says about itself
//! - [`sample`]: samples from a trained generator
//! - [`pictures`]: grids of images, curves, contours
//! - [`npy`]: files of numbers

pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod data;
mod error;
pub mod interrupt;
pub mod metrics;
pub mod models;
pub mod npy;
pub mod objective;
pub mod pictures;
pub mod programs;
pub mod progress;
pub mod run_folder;
pub mod sample;
pub mod train;

pub use error::{Error, Result};
