//! What can go wrong with files.

use std::path::PathBuf;

use autograd::Shape;

use crate::files::excerpt;

/// Why Variables could not be saved or loaded. Nothing is half done: a file that failed to be written is not there, and
/// Variables whose file does not fit keep their values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file can't be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is truncated, damaged or something else.
    #[error("{} is not a whole safetensors file: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file's bytes are not those that were written.
    #[error("{} is damaged: its bytes do not have the checksum that was written with them; take a copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file holds other tensors than asked for.
    #[error("{} is of another model: {}", path.display(), name_differences(missing, unexpected))]
    Names {
        /// The file.
        path: PathBuf,
        /// What was asked for and is not there.
        missing: Vec<String>,
        /// What is there and was not asked for.
        unexpected: Vec<String>,
    },
    /// A tensor in the file has another shape than its Variable.
    #[error("{}: tensor \"{}\" has shape {} in the file, but {expected} in the model", path.display(), excerpt(name), excerpt(&found.to_string()))]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The Variable's shape.
        expected: Shape,
        /// The shape in the file.
        found: Shape,
    },
    /// A tensor in the file does not hold f32 numbers.
    #[error("{}: tensor \"{}\" holds {found} numbers; only F32 can be loaded", path.display(), excerpt(name))]
    Type {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// The element type in the file.
        found: String,
    },
    /// A Variable can't be read or written.
    #[error(transparent)]
    Variable(#[from] autograd::Error),
}

/// "it lacks "a"; it has besides "b", "c"".
fn name_differences(missing: &[String], unexpected: &[String]) -> String {
    const MOST: usize = 8;
    let list = |what: &str, names: &[String]| {
        let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("\"{}\"", excerpt(name))).collect();
        let more = if names.len() > MOST { format!(" and {} more", names.len() - MOST) } else { String::new() };
        (!names.is_empty()).then(|| format!("it {what} {}{more}", shown.join(", ")))
    };
    let parts = [list("lacks", missing), list("has besides", unexpected)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
