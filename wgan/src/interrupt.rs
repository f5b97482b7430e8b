//! Ctrl-C: the first one asks the training to stop after its step, the second one ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// The exit code of a process ended by Ctrl-C, by the shell's convention: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Takes Ctrl-C over, for the rest of the process.
///
/// # Errors
/// [`Error::Training`] if the operating system refuses.
pub fn install() -> Result<()> {
    let handler = || {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(EXIT_CODE.into());
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Training(format!("cannot watch for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
