//! The experiments: small demonstrations of what the theory says, each measured beside its known answer.
//!
//! An experiment is one file with a line that says what it shows and a function that runs it; [`ALL`] lists them. Each runs
//! in two sizes: quick, as the tests do, and full, whose figures are worth looking at.

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
mod what_is_minimised;

use std::path::Path;

use nn::files::write_whole;

use crate::Result;
use crate::error::cannot_write;
use harness::Findings;

/// The names that nearly every experiment uses, so that its own file begins with what is peculiar to it: tables, trainings
/// and known distributions (`check`, `Near`, `CriticTraining`, `normal` …) from the harness, panels and colours (`Panel`,
/// `axis` …) from `figure`, distances from `measures`, constraints (`Lipschitz`, `Penalty` …) from `game::objective`.
mod prelude {
    pub use autograd::{Device, Shape, Stream, Tape, Tensor, Var, Variable};

    pub use super::Size;
    pub use super::harness::*;
    pub use crate::Result;
    pub use crate::data::{Dataset, Source, Toy};
    pub use crate::figure::*;
    pub use crate::game::Game;
    pub use crate::game::objective::*;
    pub use crate::measures::*;
}

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
pub const ALL: [Experiment; 18] = [
    Experiment { name: "uniform-to-normal", summary: uniform_to_normal::SUMMARY, run: uniform_to_normal::run },
    Experiment { name: "histogram-js", summary: histogram_js::SUMMARY, run: histogram_js::run },
    Experiment { name: "parallel-lines", summary: parallel_lines::SUMMARY, run: parallel_lines::run },
    Experiment { name: "negative-loss", summary: negative_loss::SUMMARY, run: negative_loss::run },
    Experiment { name: "labels", summary: labels::SUMMARY, run: labels::run },
    Experiment { name: "unconstrained", summary: unconstrained::SUMMARY, run: unconstrained::run },
    Experiment { name: "two-gaussians", summary: two_gaussians::SUMMARY, run: two_gaussians::run },
    Experiment { name: "tv-or-w", summary: tv_or_w::SUMMARY, run: tv_or_w::run },
    Experiment { name: "transport", summary: transport::SUMMARY, run: transport::run },
    Experiment { name: "what-is-minimised", summary: what_is_minimised::SUMMARY, run: what_is_minimised::run },
    Experiment { name: "rank-generators", summary: rank_generators::SUMMARY, run: rank_generators::run },
    Experiment { name: "gradient-magnitudes", summary: gradient_magnitudes::SUMMARY, run: gradient_magnitudes::run },
    Experiment { name: "lipschitz-constant", summary: lipschitz_constant::SUMMARY, run: lipschitz_constant::run },
    Experiment { name: "penalties", summary: penalties::SUMMARY, run: penalties::run },
    Experiment { name: "critic-steps", summary: critic_steps::SUMMARY, run: critic_steps::run },
    Experiment { name: "clip-sweep", summary: clip_sweep::SUMMARY, run: clip_sweep::run },
    Experiment { name: "loss-and-quality", summary: loss_and_quality::SUMMARY, run: loss_and_quality::run },
    Experiment { name: "ablations", summary: ablations::SUMMARY, run: ablations::run },
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
