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
//! use wgan::game::Programs;
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
//! In the order in which a run passes through it; each uses what stands above it, and nothing below (tests and examples
//! may).
//!
//! - [`Error`]; [`output`], [`numbers`], [`npy`]: what is printed; numbers as people read them; files of numbers
//! - [`onnx`]: recorded computations as ONNX models
//! - [`figure`]: panels with axes, whatever they show, as pixels or SVG
//! - [`data`]: what is learned from: embedded digits, IDX files, CIFAR-10 and their download, images, points, 2-D toys; batches
//! - [`game`]: the networks ([`game::models`]), what they play for ([`game::objective`]), and both as compiled programs
//! - [`machine`]: what it computes on, how much memory there is, signals
//! - [`config`]: what is asked for, and what it means
//! - [`run`]: a run while it goes on: its folder, metrics, measurements on the way, warnings, progress
//! - [`pictures`]: what is drawn of it: grids of images, points, curves
//! - [`measures`], [`classifier`], [`sample`], [`eval`]: samples of a trained generator, and how good they are
//! - [`report`]: what is told of it: a page, events for TensorBoard; [`compare`]: runs side by side
//! - [`train`]: the training: the loop that drives all of these
//! - [`experiments`]: demonstrations of the theory, each measured beside its known answer
//! - [`cli`]: the command line

pub mod classifier;
pub mod cli;
pub mod compare;
pub mod config;
pub mod data;
mod error;
pub mod eval;
pub mod experiments;
pub mod figure;
pub mod game;
pub mod machine;
pub mod measures;
pub mod npy;
pub mod numbers;
pub mod onnx;
pub mod output;
pub mod pictures;
pub mod report;
pub mod run;
pub mod sample;
pub mod train;

pub use error::{Error, Result};
