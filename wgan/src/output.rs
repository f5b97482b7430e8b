//! Standard output: what a command was asked to tell.

use std::io::{ErrorKind, Write, stdout};

use crate::{Error, Result};

/// Prints a line of what a command was asked for.
///
/// # Errors
/// [`Error::Output`]: a command whose answer reached nobody has not done what it was asked for.
pub fn tell(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}

/// Prints text as it is, likewise.
///
/// # Errors
/// As [`tell`].
pub fn print(text: &str) -> Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)
}

/// Prints the last line of what has left its results in files, which somebody who has stopped reading need not see.
///
/// # Errors
/// As [`tell`], but for a reader that has gone.
pub fn tell_the_end(line: &str) -> Result<()> {
    match tell(line) {
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}
