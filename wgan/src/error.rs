//! What can go wrong, each as one sentence for the person at the command line.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The result of anything that depends on files, settings or the run of a training.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error the user can act on. Its `Display` is one sentence: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting, from wherever it came, has a value it cannot have.
    #[error("{name} = {value} is not possible: {reason}")]
    Setting {
        /// The setting's name, as in flags and files.
        name: String,
        /// The value it was given.
        value: String,
        /// What would be possible instead.
        reason: String,
    },
    /// A flag was given that changes nothing, or nothing it may change.
    #[error("--{flag} has no place here: {reason}")]
    Flag {
        /// The flag without its dashes.
        flag: String,
        /// Why not.
        reason: String,
    },
    /// A configuration file that does not hold settings.
    #[error("{}, line {line}: {problem}", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with that line.
        problem: String,
    },
    /// A file of images, labels or points that cannot be used.
    #[error("{file}: {problem}")]
    Data {
        /// The file's name.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A data folder without the files it should hold.
    #[error("{} {problem}", folder.display())]
    NoData {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it, and what may have been meant.
        problem: String,
    },
    /// The machine has too little memory.
    #[error("{what} takes about {}, but this machine has {} to give; {advice}", size(*needed), size(*available))]
    Memory {
        /// What takes it.
        what: String,
        /// How many bytes it takes.
        needed: u64,
        /// How many there are.
        available: u64,
        /// What to do.
        advice: &'static str,
    },
    /// A file that could not be fetched.
    #[error("{address}: {problem}")]
    Download {
        /// Where it was looked for.
        address: String,
        /// What went wrong, and what to do.
        problem: String,
    },
    /// A new run would overwrite what a folder holds.
    #[error("{} is not empty: name another folder, go on with --resume, or overwrite with --force", .0.display())]
    FolderNotEmpty(PathBuf),
    /// Another training writes to a folder.
    #[error("{} is in use by another training: wait for its end, or name another folder", .0.display())]
    FolderInUse(PathBuf),
    /// A folder that should hold a run with a checkpoint holds none.
    #[error("{} holds no checkpoint.safetensors: it is not the folder of a run, or the run ended before its first checkpoint and can be started again with --out", .0.display())]
    NoCheckpoint(PathBuf),
    /// A file of a run's folder that does not hold what a run writes.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A run that cannot be compared with others.
    #[error("{} cannot be compared: {problem}", run.display())]
    Incomparable {
        /// Its folder.
        run: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A page that no program shows.
    #[error("there is no program to show {} with: open it in a browser", .0.display())]
    Browser(PathBuf),
    /// A file of weights that does not hold what it should.
    #[error(transparent)]
    Weights(nn::Error),
    /// A program could not be compiled or run.
    #[error(transparent)]
    Engine(#[from] autograd::Error),
    /// Processes that were to train together, and cannot.
    #[error("{0}")]
    Ranks(String),
    /// The operating system does not let a program watch for Ctrl-C.
    #[error("cannot watch for Ctrl-C: {0}")]
    Signals(String),
    /// What was to be told could not be printed.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// A training, or what was made with trained weights, came to numbers that are infinite or NaN.
    #[error("{0}")]
    NotFinite(String),
    /// A computation that cannot be written in another format.
    #[error("{0}")]
    Export(String),
    /// Experiments whose measurements miss the known answer, by their names.
    #[error("measurements miss the known answer in {}", .0.join(", "))]
    Missed(Vec<&'static str>),
}

/// What happened to a file is told in one way, whoever read or wrote it.
impl From<nn::Error> for Error {
    fn from(error: nn::Error) -> Self {
        match error {
            nn::Error::Read { path, source } => Error::Read { path, source },
            nn::Error::Write { path, source } => Error::Write { path, source },
            nn::Error::Variable(error) => Error::Engine(error),
            error @ (nn::Error::Malformed { .. } | nn::Error::Damaged { .. }) => Error::Weights(error),
            error @ (nn::Error::Misfit { .. } | nn::Error::Type { .. }) => Error::Weights(error),
        }
    }
}

impl Error {
    /// The error that a setting has a value which is not possible.
    pub fn impossible(setting: &str, value: impl Display, reason: &str) -> Self {
        Error::Setting { name: setting.to_owned(), value: value.to_string(), reason: reason.to_owned() }
    }

    /// A flag, without its dashes, that has no place.
    pub fn flag(flag: &str, reason: &str) -> Self {
        Error::Flag { flag: flag.to_owned(), reason: reason.to_owned() }
    }

    /// A file of a run that does not hold what it should.
    pub fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Error::Damaged { path: path.to_owned(), problem: problem.into() }
    }

    /// The process's exit code: 2 where the input was wrong, 1 where the run failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            // As of a process that is ended by SIGPIPE: 128 + 13.
            Error::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 141,
            Error::Write { .. } | Error::Output(_) | Error::Download { .. } | Error::Browser(_) => 1,
            Error::Engine(_) | Error::NotFinite(_) | Error::Missed(_) | Error::Signals(_) | Error::Export(_) => 1,
            Error::Ranks(_) => 2,
            Error::Setting { .. } | Error::Flag { .. } | Error::ConfigFile { .. } | Error::Memory { .. } => 2,
            Error::Data { .. }
            | Error::NoData { .. }
            | Error::Damaged { .. }
            | Error::Incomparable { .. }
            | Error::Read { .. }
            | Error::Weights(_) => 2,
            Error::FolderNotEmpty(_) | Error::FolderInUse(_) | Error::NoCheckpoint(_) => 2,
        }
    }
}

/// A number of bytes as a person says it.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes => format!("{:.0} MB", bytes / 1e6),
    }
}

/// What to say if the file or folder at `path` cannot be read.
pub(crate) fn cannot_read(path: &Path) -> impl Fn(io::Error) -> Error {
    |source| Error::Read { path: path.to_owned(), source }
}

/// What to say if the file or folder at `path` cannot be written.
pub(crate) fn cannot_write(path: &Path) -> impl Fn(io::Error) -> Error {
    |source| Error::Write { path: path.to_owned(), source }
}

/// The name most like the given one, if it is alike at all; by clap's own measure and threshold.
pub(crate) fn nearest<'a>(given: &str, names: &'a [String]) -> Option<&'a String> {
    let alike = names.iter().map(|name| (strsim::jaro(given, name), name)).filter(|(likeness, _)| *likeness > 0.7);
    alike.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// A question after the name that is most like the given one, if any is alike, to follow a sentence.
pub(crate) fn did_you_mean(given: &str, names: &[String]) -> String {
    nearest(given, names).map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

/// What to say if the file of this name holds something that cannot be used.
pub(crate) fn cannot_use(file: &str) -> impl Fn(String) -> Error {
    |problem| Error::Data { file: file.to_owned(), problem }
}

/// The text of a file of settings or measures, which is short: of a file that goes on for ever, no more is taken.
///
/// # Errors
/// [`Error::Read`], or [`Error::Damaged`] if it is too long.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    const LONGEST: u64 = 1 << 20;
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    // A text that is cut within a character is too long as well.
    if read.as_ref().map_or(text.len() as u64, |&length| length as u64) > LONGEST {
        return Err(Error::damaged(path, "it is longer than 1 MB, so it is something else"));
    }
    read.map(|_| text).map_err(cannot_read(path))
}
