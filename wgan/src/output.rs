//! What is printed: on standard output what a command was asked to tell, on standard error what it has to say besides.
//!
//! The name of a file may hold what would move a terminal's cursor, so it is here that texts are made visible.

use std::io::{ErrorKind, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// Whether nothing is printed.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on, prints nothing, or what it is asked to.
pub fn be_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Prints a line of what a command was asked for.
///
/// # Errors
/// [`Error::Output`]: a command whose answer reached nobody has not done what it was asked for.
pub fn tell(line: &str) -> Result<()> {
    print(&format!("{line}\n"))
}

/// Prints lines, likewise.
///
/// # Errors
/// As [`tell`].
pub fn print(text: &str) -> Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(visible(text).as_bytes()).and_then(|()| stdout.flush()).map_err(Error::Output)
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

/// Says something on standard error, which need not find a reader.
pub fn say(lines: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        let _ = writeln!(stderr(), "{}", visible(lines));
    }
}

/// The lines with whatever cannot be seen in them escaped.
pub fn visible(lines: &str) -> String {
    lines.split('\n').map(nn::files::visible).collect::<Vec<_>>().join("\n")
}
