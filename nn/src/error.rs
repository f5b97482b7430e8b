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
    #[error("{} is of another model; what it has | what is expected: {}", path.display(), side_by_side(differences))]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// A tensor in the file does not hold floating-point numbers of 32 or 16 bits.
    #[error("{}: tensor \"{}\" holds {found} numbers; only F32, F16 and BF16 can be loaded", path.display(), excerpt(name))]
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

/// A tensor's name and shape in a file, and those of what is expected in its place; None for nothing.
pub type Difference = [Option<(String, Shape)>; 2];

/// `"0.weight" [512, 784] | "0.weight" [512, 128], nothing | "1.bias" [3]`
fn side_by_side(differences: &[Difference]) -> String {
    const MOST: usize = 8;
    let side = |tensor: &Option<(String, Shape)>| match tensor {
        Some((name, shape)) => format!("\"{}\" {}", short(name), short(&shape.to_string())),
        None => "nothing".to_owned(),
    };
    let row = |[found, expected]: &Difference| format!("{} | {}", side(found), side(expected));
    let mut rows: Vec<String> = differences.iter().take(MOST).map(row).collect();
    if differences.len() > MOST {
        rows.push(format!("and {} more", differences.len() - MOST));
    }
    rows.join(", ")
}

/// As an excerpt, but shorter: there are many.
fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let text = excerpt(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
