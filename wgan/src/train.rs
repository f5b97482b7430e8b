//! The training.

use crate::config::{Config, Options};
use crate::data::Dataset;
use crate::run_folder::RunFolder;
use crate::{Error, Result};

/// How a training ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were done.
    Finished,
    /// Ctrl-C stopped it after this step; the checkpoint is written.
    Interrupted {
        /// Updates of the generator done.
        step: u64,
    },
}

/// Trains from the start and leaves the run's files in `folder`.
///
/// # Errors
/// If a file cannot be written or a loss becomes non-finite.
pub fn start(_config: &Config, _data: &Dataset, _folder: &RunFolder) -> Result<Outcome> {
    Err(Error::Training("training is not there yet".to_owned()))
}

/// Goes on with the run in `folder` from its checkpoint, with the settings in `changes` in place of its own.
///
/// # Errors
/// As [`start`], and if the checkpoint cannot be used.
pub fn resume(_folder: &RunFolder, _changes: &Options) -> Result<Outcome> {
    Err(Error::Training("training is not there yet".to_owned()))
}
