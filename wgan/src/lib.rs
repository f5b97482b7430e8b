//! Wasserstein GANs: the data, the configuration, the training and what a run leaves behind.
//!
//! This is the library behind the program `wgan`, which most people run rather than call: `cargo run -p wgan --release`
//! learns to draw digits, `--help` says what else it does. The guide in the folder `docs` explains the theory from the
//! beginning.
//!
//! What the program does, without its files: one iteration, that is five updates of the critic and one of the generator.
//!
//! ```
//! use autograd::Device;
//! use wgan::config::{Config, DatasetName, Options};
//! use wgan::data::Batches;
//! use wgan::programs::Programs;
//!
//! let flags = Options { dataset: Some(DatasetName::EightGaussians), dim: Some(16), ..Options::default() };
//! let config = Config::resolve(&flags, &Options::default())?;
//! let data = config.load_data()?;
//! let mut batches = Batches::new(data.len(), config.game.batch, config.game.seed);
//! let mut programs = Programs::compile(&config.game, &data, &Device::cpu())?;
//! let losses = programs.iterate(0, &mut batches)?;
//! assert!(losses.are_finite());
//! # Ok::<(), wgan::Error>(())
//! ```
//!
//! # What there is
//!
//! In the order in which a run passes through it:
//!
//! - [`cli`]: the command line
//! - [`config`]: what was asked for, and what it means
//! - [`data`]: embedded digits, IDX files and their download, images, points, 2-D toys, batches
//! - [`run_folder`]: where the files of a run are
//! - [`networks`], [`objective`]: which networks there are, and the losses
//! - [`models`]: the networks themselves
//! - [`backend`]: what it computes on
//! - [`memory`]: how much of it they take, before they take it
//! - [`programs`]: both as compiled programs
//! - [`train`]: the training
//! - [`monitor`], [`histogram`]: what is measured beside it on held-out samples
//! - [`metrics`], [`warnings`], [`progress`], [`interrupt`]: what is told while it runs, and how it is stopped
//! - [`report`], [`tensorboard`]: the page of a run; its numbers for TensorBoard
//! - [`checkpoint`]: what a checkpoint says about itself
//! - [`sample`]: samples from a trained generator
//! - [`classifier`]: a network that tells digits apart
//! - [`measures`], [`eval`]: how good samples are
//! - [`figure`]: panels with axes, as pixels or SVG
//! - [`pictures`]: those of a run: grids of images, curves, level lines
//! - [`numbers`]: numbers and times as people read them
//! - [`npy`]: files of numbers
//! - [`output`]: what is printed
//! - [`experiments`]: demonstrations of the theory, each measured beside its known answer

pub mod backend;
pub mod checkpoint;
pub mod classifier;
pub mod cli;
pub mod config;
pub mod data;
mod error;
pub mod eval;
pub mod experiments;
pub mod figure;
pub mod histogram;
pub mod interrupt;
pub mod measures;
pub mod memory;
pub mod metrics;
pub mod models;
pub mod monitor;
pub mod networks;
pub mod npy;
pub mod numbers;
pub mod objective;
pub mod output;
pub mod pictures;
pub mod programs;
pub mod progress;
pub mod report;
pub mod run_folder;
pub mod sample;
pub mod tensorboard;
pub mod train;
pub mod warnings;

pub use error::{Error, Result};
