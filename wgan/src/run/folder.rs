//! The folder of a run: where each of its files is, and which of them a fresh start or a resume removes.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{Config, Names, ObjectiveName, Options};
use crate::error::{cannot_read, cannot_write};
use crate::numbers::evenly;
use crate::{Error, Result};
use nn::files::{PARTIAL, write_whole};

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// What keeps other trainings out, as long as it is open.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes a fresh folder for a training below `runs`, numbered after the last one there: `001-mnist-gp`.
    ///
    /// # Errors
    /// [`Error::Write`] if it cannot be made.
    pub fn numbered(runs: &Path, config: &Config) -> Result<Self> {
        make_folders(runs)?;
        let mut number = last_number(runs)? + 1;
        loop {
            let path =
                runs.join(format!("{number:03}-{}-{}", config.names.dataset, distinguishing_name(&config.names)));
            match fs::create_dir(&path) {
                Ok(()) => return RunFolder { path, _lock: None }.claimed(),
                // Another run took the number just now.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(cannot_write(&path)(error)),
            }
        }
    }

    /// Makes the folder at `path` for a training. If it is not empty, `force` removes the files of the run in it, and
    /// nothing else. A run that ended before its first checkpoint, alone in its folder, is started again without.
    ///
    /// # Errors
    /// [`Error::FolderNotEmpty`] without `force`, [`Error::FolderInUse`], or [`Error::Write`].
    pub fn at(path: &Path, force: bool) -> Result<Self> {
        make_folders(path)?;
        let empty = list(path)?.is_empty();
        if !(empty || force || RunFolder::is_stillborn(path)?) {
            return Err(Error::FolderNotEmpty(path.to_owned()));
        }
        let folder = RunFolder { path: path.to_owned(), _lock: None }.claimed()?;
        if !empty {
            folder.remove_run()?;
        }
        Ok(folder)
    }

    /// The folder of a run that left a checkpoint.
    ///
    /// # Errors
    /// [`Error::NoCheckpoint`] if there is none.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = RunFolder { path: path.to_owned(), _lock: None };
        if !folder.checkpoint().is_file() {
            return Err(Error::NoCheckpoint(folder.path));
        }
        Ok(folder)
    }

    /// The folder, kept for a training of this process, with a place for samples: two at once would spoil each other's files.
    ///
    /// # Errors
    /// [`Error::FolderInUse`] if another training has it.
    pub fn claimed(self) -> Result<Self> {
        make_folders(&self.samples())?;
        // Where the system lets nobody open or lock a folder, nobody is kept out.
        let Ok(lock) = File::open(&self.path) else { return Ok(self) };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::FolderInUse(self.path)),
            Err(TryLockError::Error(_)) | Ok(()) => {
                self.sweep()?;
                Ok(RunFolder { _lock: Some(lock), ..self })
            }
        }
    }

    /// Whether `path` is the folder of a run that ended before its first checkpoint, and holds nothing else.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn is_stillborn(path: &Path) -> Result<bool> {
        let folder = RunFolder { path: path.to_owned(), _lock: None };
        if !folder.config().is_file() || folder.checkpoint().exists() {
            return Ok(false);
        }
        let ours = [&folder.files()[..], &[folder.samples()]].concat();
        let is_ours = |name: &String| ours.contains(&path.join(name.strip_suffix(PARTIAL).unwrap_or(name)));
        Ok(list(path)?.iter().all(is_ours))
    }

    /// Removes what processes have left that were killed while they wrote a file.
    fn sweep(&self) -> Result<()> {
        for file in self.files() {
            let mut partial = file.into_os_string();
            partial.push(PARTIAL);
            remove(partial.as_ref())?;
        }
        let samples = list(&self.samples())?;
        for name in samples.iter().filter(|name| name.strip_suffix(PARTIAL).and_then(sample_step).is_some()) {
            remove(&self.samples().join(name))?;
        }
        Ok(())
    }

    /// Whether the file at `path` is, or would be, one that a run leaves, and the run is there.
    pub fn is_of_a_run(path: &Path) -> bool {
        let is_of = |folder: &Path| {
            let folder = RunFolder { path: folder.to_owned(), _lock: None };
            let is_sample = || {
                let name = path.file_name().and_then(OsStr::to_str);
                path.parent() == Some(&folder.samples()) && name.and_then(sample_step).is_some()
            };
            let is_run = folder.checkpoint().is_file() || folder.metrics().is_file();
            is_run && (folder.files().iter().any(|file| file == path) || is_sample())
        };
        path.ancestors().skip(1).take(2).any(is_of)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The picture of the samples after `step` updates, as `samples/step-000500.png`.
    pub fn sample(&self, step: u64) -> PathBuf {
        self.samples().join(sample_name(step))
    }

    /// The pictures of samples so far, each with its step, as PNG files; at most this many, evenly chosen.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn pictures(&self, most: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let read = |step| {
            let path = self.sample(step);
            fs::read(&path).map(|png| (step, png)).map_err(cannot_read(&path))
        };
        evenly(&self.drawn()?, most).into_iter().map(read).collect()
    }

    /// Where the picture of the latest samples is, if there is one.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn latest_picture(&self) -> Result<Option<PathBuf>> {
        Ok(self.drawn()?.last().map(|&step| self.sample(step)))
    }

    /// The steps after which samples were drawn.
    fn drawn(&self) -> Result<Vec<u64>> {
        // Whoever measures a run need not have kept its pictures.
        let names = if self.samples().is_dir() { list(&self.samples())? } else { Vec::new() };
        let mut steps: Vec<u64> = names.iter().filter_map(|name| sample_step(name)).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Writes `config.toml`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write_config(&self, config: &Config) -> Result<()> {
        Ok(write_whole(&self.config(), config.to_toml().as_bytes())?)
    }

    /// The configuration in `config.toml`.
    ///
    /// # Errors
    /// As [`Options::read`] and [`Config::resolve`].
    pub fn read_config(&self) -> Result<Config> {
        Config::resolve(&Options::default(), &Options::read(&self.config())?)
    }

    /// Removes the samples drawn after `step`, as a resumed run will draw them again.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn remove_samples_after(&self, step: u64) -> Result<()> {
        for name in list(&self.samples())? {
            if sample_step(&name).is_some_and(|sample| sample > step) {
                remove(&self.samples().join(name))?;
            }
        }
        Ok(())
    }

    fn samples(&self) -> PathBuf {
        self.path.join(SAMPLES)
    }

    fn remove_run(&self) -> Result<()> {
        self.files().iter().try_for_each(|file| remove(file))?;
        self.remove_samples_after(0)
    }
}

/// Declares the files of a run: a method that tells where each is, and the list of all but the samples.
macro_rules! files {
    ($($(#[$what:meta])* $name:ident: $file:literal,)*) => {
        impl RunFolder {
            $($(#[$what])* pub fn $name(&self) -> PathBuf {
                self.path.join($file)
            })*

            /// The checkpoint comes first: once it is removed, nobody takes what is left for a run.
            fn files(&self) -> Vec<PathBuf> {
                vec![$(self.$name()),*]
            }
        }
    };
}

files! {
    /// Everything needed to go on.
    checkpoint: "checkpoint.safetensors",
    /// The result.
    generator: "generator.safetensors",
    /// Everything needed to repeat the run.
    config: "config.toml",
    /// A row for each step.
    metrics: "metrics.csv",
    /// The metrics, drawn.
    curves: "curves.png",
    /// The metrics for TensorBoard, which looks for the second half of the name, if asked for.
    events: "events.tfevents",
    /// All of it on one page.
    report: "report.html",
    /// Whether the run goes on, and how it has ended.
    state: "state.json",
    /// The samples as a moving picture, once the run has ended.
    moving_picture: "progress.png",
    /// The measures of its samples, once the run is finished.
    evaluation: "eval.json",
    /// For images, samples beside the nearest training images.
    neighbours: "neighbours.png",
    /// The measures of its samples on the way, if asked for.
    quality: "quality.csv",
    /// The weights of the best of them.
    best: "best.safetensors",
}

/// What sets a run apart from others on the same data: its constraint, unless its objective is another.
fn distinguishing_name(names: &Names) -> String {
    match names.objective {
        ObjectiveName::Wasserstein => names.lipschitz.to_string(),
        ObjectiveName::Standard | ObjectiveName::NonSaturating => names.objective.to_string(),
    }
}

fn make_folders(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(cannot_write(path))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path)(error)),
        _ => Ok(()),
    }
}

/// The names in a folder. Those that are no text get a sign in it that makes them none of ours.
fn list(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(cannot_read(folder))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    names.collect::<io::Result<_>>().map_err(cannot_read(folder))
}

/// The highest number that a folder in `runs` starts with, 0 if there is none.
fn last_number(runs: &Path) -> Result<u64> {
    let number = |name: &String| name.split_once('-')?.0.parse::<u32>().ok();
    Ok(list(runs)?.iter().filter_map(number).max().unwrap_or(0).into())
}

const SAMPLES: &str = "samples";

fn sample_name(step: u64) -> String {
    format!("step-{step:06}.png")
}

/// 500 for `step-000500.png`.
fn sample_step(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.strip_suffix(".png")?.parse().ok()?;
    (sample_name(step) == name).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_numbered_after_the_last_one() {
        let runs = tempfile::tempdir().unwrap();
        let name = || {
            let folder = RunFolder::numbered(&runs.path().join("runs"), &Config::default()).unwrap();
            folder.path().file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!([name(), name()], ["001-mnist-gp", "002-mnist-gp"]);
        fs::create_dir(runs.path().join("runs/041-swissroll-clip")).unwrap();
        assert_eq!(name(), "042-mnist-gp");
        fs::create_dir(runs.path().join("runs/18446744073709551615-of-somebody-else")).unwrap();
        assert_eq!(name(), "043-mnist-gp");
    }

    #[test]
    fn a_run_is_overwritten_by_force_alone_and_other_files_never() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let folder = RunFolder::at(&path, false).unwrap();
        let ours = [
            folder.checkpoint(),
            folder.metrics(),
            folder.report(),
            folder.state(),
            folder.moving_picture(),
            folder.events(),
            folder.evaluation(),
            folder.sample(500),
        ];
        for file in ours.iter().chain([&path.join("notes.txt")]) {
            fs::write(file, "").unwrap();
        }
        let error = RunFolder::at(&path, false).unwrap_err().to_string();
        assert!(error.contains("--resume") && error.contains("--force"), "{error}");
        #[cfg(unix)]
        assert!(matches!(RunFolder::at(&path, true), Err(Error::FolderInUse(_))));
        assert!(folder.checkpoint().exists());
        drop(folder);
        RunFolder::at(&path, true).unwrap();
        assert!(!ours.iter().any(|file| file.exists()));
        assert!(path.join("notes.txt").exists());
    }

    #[test]
    fn a_run_without_a_checkpoint_may_start_again_unless_there_is_more() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let folder = RunFolder::at(&path, false).unwrap();
        folder.write_config(&Config::default()).unwrap();
        for file in [folder.metrics(), folder.sample(500), path.join("checkpoint.safetensors.partial")] {
            fs::write(file, "").unwrap();
        }
        let sample = folder.sample(500);
        drop(folder);
        fs::write(path.join("notes.txt"), "").unwrap();
        assert!(matches!(RunFolder::at(&path, false), Err(Error::FolderNotEmpty(_))));
        fs::remove_file(path.join("notes.txt")).unwrap();
        let again = RunFolder::at(&path, false).unwrap();
        assert!(!sample.exists() && !again.metrics().exists() && !path.join("checkpoint.safetensors.partial").exists());
    }

    #[test]
    fn half_written_files_are_swept_up_and_others_left() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(parent.path(), false).unwrap();
        let ours = ["checkpoint.safetensors.partial", "report.html.partial", "samples/step-000500.png.partial"];
        let others = ["my.txt.partial", "samples/face.png.partial"];
        ours.iter().chain(&others).for_each(|name| fs::write(parent.path().join(name), "").unwrap());
        drop(folder);
        RunFolder { path: parent.path().to_owned(), _lock: None }.claimed().unwrap();
        assert!(!ours.iter().any(|name| parent.path().join(name).exists()));
        assert!(others.iter().all(|name| parent.path().join(name).exists()));
    }

    #[test]
    fn a_resume_removes_the_samples_past_its_checkpoint() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(parent.path(), false).unwrap();
        for step in [500, 1000, 1_000_500] {
            fs::write(folder.sample(step), "").unwrap();
        }
        for foreign in ["step-by-step.png", "step-7.png"] {
            fs::write(folder.samples().join(foreign), "").unwrap();
        }
        folder.remove_samples_after(500).unwrap();
        let mut left = list(&folder.samples()).unwrap();
        left.sort();
        assert_eq!(left, ["step-000500.png", "step-7.png", "step-by-step.png"]);
    }

    #[test]
    fn pictures_are_read_in_the_order_of_their_steps() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(parent.path(), false).unwrap();
        for step in [1_000_500, 500, 1000, 2000] {
            fs::write(folder.sample(step), step.to_string()).unwrap();
        }
        fs::write(folder.samples().join("step-7.png"), "of somebody else").unwrap();
        let pictures = |most| folder.pictures(most).unwrap();
        assert_eq!(pictures(2), [(500, b"500".to_vec()), (1_000_500, b"1000500".to_vec())]);
        assert!(pictures(9).into_iter().map(|(step, _)| step).eq([500, 1000, 2000, 1_000_500]));
        assert_eq!(folder.latest_picture().unwrap(), Some(folder.sample(1_000_500)));
    }

    #[test]
    fn a_folder_without_a_checkpoint_cannot_be_opened() {
        let parent = tempfile::tempdir().unwrap();
        let error = RunFolder::open(parent.path()).unwrap_err().to_string();
        assert!(error.contains("holds no checkpoint.safetensors"), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = RunFolder::at(&file.path().join("run"), false).unwrap_err().to_string();
        assert!(error.starts_with("cannot write") && error.contains("Not a directory"), "{error}");
    }

    #[test]
    fn the_written_configuration_can_be_read() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::at(parent.path(), false).unwrap();
        folder.write_config(&Config::default()).unwrap();
        assert_eq!(folder.read_config().unwrap(), Config::default());
    }
}
