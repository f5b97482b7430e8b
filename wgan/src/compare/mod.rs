//! Runs side by side: a row for each group of those that differ in the seed alone, with what tells it from the others.

mod picture;
mod spread;
mod table;

use std::path::{Path, PathBuf};

use crate::config::{Config, Options, in_common};
use crate::eval::{Evaluation, Measure};
use crate::run::metadata::Metadata;
use crate::run::quality::Quality;
use crate::run::{RunFolder, State, metrics};
use crate::{Error, Result};
use spread::Spread;

/// Trainings on the same data, whose samples were measured alike.
pub struct Compared {
    /// The command line of the settings that all have in common.
    command: String,
    /// The best first.
    groups: Vec<Group>,
}

/// Runs that differ in the seed alone.
struct Group {
    /// The flags that tell it from the others.
    flags: String,
    runs: Vec<Run>,
}

/// A run that has ended.
struct Run {
    folder: RunFolder,
    config: Config,
    evaluation: Evaluation,
    /// Those of [`Evaluation::measures`] that stand in the table.
    measures: Vec<Measure>,
    /// Time that the training took.
    seconds: f64,
    /// What was measured on the way, and the time that the training had taken then.
    quality: Quality,
    times: Vec<f64>,
}

impl Compared {
    /// The runs in some folders.
    ///
    /// ```no_run
    /// use wgan::compare::Compared;
    /// print!("{}", Compared::read(&["runs/001-mnist-gp".into(), "runs/002-mnist-gp".into()])?);
    /// # Ok::<(), wgan::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Incomparable`] if one goes on, is not measured, has learned other data, was measured otherwise or is there
    /// twice; or if its files cannot be read.
    pub fn read(folders: &[PathBuf]) -> Result<Self> {
        let mut runs: Vec<Run> = Vec::new();
        for folder in folders {
            let run = Run::read(folder)?;
            if let Some(problem) = runs.iter().find_map(|other| run.problem_beside(other)) {
                return Err(Error::Incomparable { run: folder.clone(), problem });
            }
            runs.push(run);
        }
        let names = |run: &Run| run.measures.iter().map(|measure| measure.name.clone()).collect::<Vec<_>>();
        let names: Vec<_> = runs.iter().map(names).collect();
        let is_common = |measure: &Measure| names.iter().all(|names| names.contains(&measure.name));
        for run in &mut runs {
            run.measures.retain(|measure| !measure.is_detail && is_common(measure));
        }
        let (command, flags) = in_common(&runs.iter().map(|run| &run.config).collect::<Vec<_>>());
        let mut groups: Vec<Group> = Vec::new();
        for (run, flags) in runs.into_iter().zip(flags) {
            match groups.iter_mut().find(|group| group.runs[0].settings() == run.settings()) {
                Some(group) => group.runs.push(run),
                None => groups.push(Group { flags, runs: vec![run] }),
            }
        }
        groups.sort_by(|a, b| a.measured(0).mean.total_cmp(&b.measured(0).mean));
        Ok(Compared { command, groups })
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.groups.iter().flat_map(|group| &group.runs)
    }

    /// The measures of any of the runs.
    fn measures(&self) -> &[Measure] {
        &self.groups[0].runs[0].measures
    }

    /// What real samples get by one of the measures.
    fn real(&self, measure: usize) -> Spread {
        Spread::of(self.runs().map(|run| run.measures[measure].values[1]))
    }
}

impl Group {
    /// What generated samples get by one of the measures.
    fn measured(&self, measure: usize) -> Spread {
        Spread::of(self.runs.iter().map(|run| run.measures[measure].values[0]))
    }
}

impl Run {
    fn read(path: &Path) -> Result<Self> {
        let refused = |problem: String| Error::Incomparable { run: path.to_owned(), problem };
        let folder = RunFolder::open(path)?;
        if State::read(&folder) == Some(State::Training) {
            let resume = format!("go on with it: wgan train --resume {}", path.display());
            return Err(refused(format!("it goes on, or was killed; wait for its end, or {resume}")));
        }
        let step = Metadata::read(&folder.generator())?.step;
        let evaluation = Evaluation::read(&folder.evaluation()).ok().filter(|evaluation| evaluation.step == step);
        let measure = format!("wgan eval --run {}", path.display());
        let not_measured =
            || refused(format!("its samples after step {step} are not measured; measure them with: {measure}"));
        let evaluation = evaluation.ok_or_else(not_measured)?;
        if evaluation.classifier().is_some_and(|by| by.md5.is_none()) {
            return Err(refused(format!("an earlier version measured it; measure it again with: {measure}")));
        }
        let rows = metrics::read(&folder.metrics())?;
        let seconds = |step| rows.iter().rfind(|row| row.step <= step).map_or(0.0, |row| row.seconds);
        let quality = Quality::read(&folder.quality(), step)?;
        Ok(Run {
            config: folder.read_config()?,
            measures: evaluation.measures(),
            seconds: seconds(step),
            times: quality.rows.iter().map(|row| seconds(row.step)).collect(),
            quality,
            evaluation,
            folder,
        })
    }

    /// What decides its results, but for the seed.
    fn settings(&self) -> (Options, u64) {
        (Options { seed: None, ..self.config.essentials() }, self.evaluation.step)
    }

    /// Why it cannot stand in one table with another, if so.
    fn problem_beside(&self, other: &Run) -> Option<String> {
        let name = other.folder.path().display();
        if self.config.data != other.config.data {
            return Some(format!("its data are not those of {name}, so measures of both say nothing of each other"));
        }
        let [ours, theirs] = [self, other].map(|run| run.evaluation.classifier().map(|by| &by.md5));
        if ours != theirs {
            return Some(format!(
                "another classifier measured it than {name}; measure both by the same one with wgan eval"
            ));
        }
        let [ours, theirs] = [self, other].map(|run| run.evaluation.samples());
        if ours != theirs {
            let told = |[generated, real]: [usize; 2]| format!("of {generated} samples beside {real} real ones");
            let (ours, theirs) = (told(ours), told(theirs));
            return Some(format!(
                "its measures are {ours}, those of {name} {theirs}; measure both alike with wgan eval"
            ));
        }
        let is_repeated = self.settings() == other.settings() && self.config.game.seed == other.config.game.seed;
        is_repeated.then(|| format!("it is {name} again, of the same settings and the same seed"))
    }
}
