//! Ctrl-C: the first one asks the training to stop after its step, a later one ends the process.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// The exit code of a process ended by Ctrl-C, by the shell's convention: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

/// One interrupt may arrive twice at once: `timeout`, for one, signals a process and then its whole group.
const ECHO: Duration = Duration::from_secs(1);

static REQUESTED: OnceLock<Instant> = OnceLock::new();

/// Takes Ctrl-C over, for the rest of the process.
///
/// # Errors
/// [`Error::Training`] if the operating system refuses.
pub fn install() -> Result<()> {
    let handler = || {
        if REQUESTED.get_or_init(Instant::now).elapsed() > ECHO {
            std::process::exit(EXIT_CODE.into());
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Training(format!("cannot watch for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.get().is_some()
}
