//! The experiments: small demonstrations of what the theory says, each measured beside its known answer.
//!
//! An experiment is one file with one constant [`Experiment`]; [`ALL`] lists them. Each runs in two sizes: quick, as the
//! tests do, and full, whose figures are worth looking at.

mod ablations;
mod clip_sweep;
mod critic_steps;
mod gradient_magnitudes;
pub mod harness;
mod histogram_js;
mod labels;
mod lipschitz_constant;
mod loss_and_quality;
mod negative_loss;
mod parallel_lines;
mod penalties;
mod rank_generators;
mod transport;
mod tv_or_w;
mod two_gaussians;
mod unconstrained;
mod uniform_to_normal;

use std::path::Path;

use nn::files::write_whole;

use crate::Result;
use crate::error::cannot_write;
use harness::Findings;

/// A demonstration that can be run by name.
#[derive(Clone, Copy, Debug)]
pub struct Experiment {
    /// As on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    run: fn(Size) -> Result<Findings>,
}

/// How much an experiment computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A few seconds.
    Quick,
    /// Less than three minutes on two cores.
    Full,
}

impl Size {
    /// The value for this size.
    pub fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Size::Quick => quick,
            Size::Full => full,
        }
    }
}

/// All experiments, in the order in which they tell their story.
pub const ALL: [Experiment; 17] = [
    uniform_to_normal::EXPERIMENT,
    histogram_js::EXPERIMENT,
    parallel_lines::EXPERIMENT,
    negative_loss::EXPERIMENT,
    labels::EXPERIMENT,
    unconstrained::EXPERIMENT,
    two_gaussians::EXPERIMENT,
    tv_or_w::EXPERIMENT,
    transport::EXPERIMENT,
    rank_generators::EXPERIMENT,
    gradient_magnitudes::EXPERIMENT,
    lipschitz_constant::EXPERIMENT,
    penalties::EXPERIMENT,
    critic_steps::EXPERIMENT,
    clip_sweep::EXPERIMENT,
    loss_and_quality::EXPERIMENT,
    ablations::EXPERIMENT,
];

impl Experiment {
    /// The experiment of this name.
    ///
    /// ```
    /// assert!(wgan::experiments::Experiment::named("parallel-lines").is_some());
    /// ```
    pub fn named(name: &str) -> Option<Experiment> {
        ALL.into_iter().find(|experiment| experiment.name == name)
    }

    /// Runs it. The same size gives the same numbers.
    ///
    /// # Errors
    /// If the device fails.
    pub fn run(&self, size: Size) -> Result<Findings> {
        (self.run)(size)
    }

    /// How it is run from the command line.
    pub fn command(&self, size: Size) -> String {
        format!("wgan experiment {}{}", self.name, size.pick(" --quick", ""))
    }

    /// Runs it and leaves the result in `folder`: `table.txt`, `figure.png` and `figure.svg`.
    ///
    /// # Errors
    /// As [`Experiment::run`], and if a file cannot be written.
    pub fn run_in(&self, folder: &Path, size: Size) -> Result<Findings> {
        // First, so that nobody waits for numbers that have nowhere to go.
        std::fs::create_dir_all(folder).map_err(cannot_write(folder))?;
        let findings = self.run(size)?;
        write_whole(&folder.join("table.txt"), findings.to_string().as_bytes())?;
        let picture = findings.figure.picture().made_by(self.command(size));
        write_whole(&folder.join("figure.png"), &picture.encode())?;
        write_whole(&folder.join("figure.svg"), findings.figure.svg().as_bytes())?;
        Ok(findings)
    }
}
