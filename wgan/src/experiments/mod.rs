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
mod page;
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
    /// The chapter of the guide that explains it.
    pub chapter: u32,
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

/// The page of an experiment in its folder.
pub const PAGE: &str = "report.html";

/// All experiments, in the order in which they tell their story.
pub const ALL: [Experiment; 18] = [
    experiment("uniform-to-normal", 6, uniform_to_normal::SUMMARY, uniform_to_normal::run),
    experiment("histogram-js", 6, histogram_js::SUMMARY, histogram_js::run),
    experiment("parallel-lines", 6, parallel_lines::SUMMARY, parallel_lines::run),
    experiment("negative-loss", 6, negative_loss::SUMMARY, negative_loss::run),
    experiment("labels", 6, labels::SUMMARY, labels::run),
    experiment("unconstrained", 7, unconstrained::SUMMARY, unconstrained::run),
    experiment("two-gaussians", 6, two_gaussians::SUMMARY, two_gaussians::run),
    experiment("tv-or-w", 7, tv_or_w::SUMMARY, tv_or_w::run),
    experiment("transport", 6, transport::SUMMARY, transport::run),
    experiment("what-is-minimised", 6, what_is_minimised::SUMMARY, what_is_minimised::run),
    experiment("rank-generators", 9, rank_generators::SUMMARY, rank_generators::run),
    experiment("gradient-magnitudes", 8, gradient_magnitudes::SUMMARY, gradient_magnitudes::run),
    experiment("lipschitz-constant", 7, lipschitz_constant::SUMMARY, lipschitz_constant::run),
    experiment("penalties", 7, penalties::SUMMARY, penalties::run),
    experiment("critic-steps", 8, critic_steps::SUMMARY, critic_steps::run),
    experiment("clip-sweep", 7, clip_sweep::SUMMARY, clip_sweep::run),
    experiment("loss-and-quality", 9, loss_and_quality::SUMMARY, loss_and_quality::run),
    experiment("ablations", 8, ablations::SUMMARY, ablations::run),
];

const fn experiment(
    name: &'static str,
    chapter: u32,
    summary: &'static str,
    run: fn(Size) -> Result<Findings>,
) -> Experiment {
    Experiment { name, chapter, summary, run }
}

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

    /// The title of the guide's chapter that explains it.
    pub fn chapter_title(&self) -> &'static str {
        const FROM_6: [&str; 4] = ["The Wasserstein distance", "Lipschitz critics", "Training a WGAN", "Reading a run"];
        FROM_6[self.chapter as usize - 6]
    }

    /// How it is run from the command line.
    pub fn command(&self, size: Size) -> String {
        format!("wgan experiment {}{}", self.name, size.pick(" --quick", ""))
    }

    /// Runs it and leaves the result in `folder`: `table.txt`, `figure.png`, `figure.svg`, and all of it as a page, [`PAGE`].
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
        write_whole(&folder.join(PAGE), page::page(self, size, &findings).as_bytes())?;
        Ok(findings)
    }
}
