//! Signals that end a run: Ctrl-C, and what a system sends before it shuts down or when a terminal closes (SIGTERM, SIGHUP).
//!
//! Within a training's steps the first asks it to stop after its step, the second to leave the step undone, a third ends the
//! process. Elsewhere there is nothing to be lost, and the first ends it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::output::say;
use crate::{Error, Result};

/// The exit code of a process ended by Ctrl-C, by the shell's convention: 128 + SIGINT.
pub const EXIT_CODE: u8 = 130;

/// One signal may arrive twice at once: `timeout`, for one, signals a process and then its whole group.
const ECHO: Duration = Duration::from_secs(1);

/// Signals so far, and when the last one came.
static SIGNALS: Mutex<(u32, Option<Instant>)> = Mutex::new((0, None));

/// The step that is under way; 0 between steps.
static STEP: AtomicU64 = AtomicU64::new(0);

/// Whether another rank decides what becomes of a signal, which reaches all of them.
static FOLLOWS: AtomicBool = AtomicBool::new(false);

/// From now on, leaves it to the first rank to stop.
pub fn follow() {
    FOLLOWS.store(true, Ordering::Relaxed);
}

/// Takes the signals over, for the rest of the process, but for SIGHUP where it was started to ignore it, as by `nohup`.
///
/// # Errors
/// [`Error::Signals`] if the operating system refuses.
pub fn install() -> Result<()> {
    let stays = ignores_hangup();
    #[cfg(not(target_family = "wasm"))]
    ctrlc::set_handler(handle).map_err(|error| Error::Signals(error.to_string()))?;
    if stays {
        ignore_hangup();
    }
    Ok(())
}

/// Says that a step is under way, counted from 1.
pub fn enter_step(step: u64) {
    STEP.store(step, Ordering::Relaxed);
}

/// Says that none is, and that the process may end at any time.
pub fn leave_steps() {
    STEP.store(0, Ordering::Relaxed);
}

/// Whether to stop after this step.
pub fn requested() -> bool {
    count() >= 1
}

/// Whether to stop within this step.
pub fn insisted() -> bool {
    count() >= 2
}

/// For how long the last signal has been there, if one came.
pub fn waiting() -> Option<Duration> {
    let (_, last) = *SIGNALS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    last.map(|last| last.elapsed())
}

fn count() -> u32 {
    SIGNALS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0
}

fn handle() {
    if FOLLOWS.load(Ordering::Relaxed) {
        return;
    }
    let count = {
        let (count, last) = &mut *SIGNALS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.is_some_and(|last| last.elapsed() < ECHO) {
            return;
        }
        *last = Some(Instant::now());
        *count += 1;
        *count
    };
    let step = STEP.load(Ordering::Relaxed);
    let answer = match (count, step) {
        (_, 0) => "stopped; what was written before is whole".to_owned(),
        (1, _) => format!("finishing step {step}, which may take a while; again to stop now"),
        (2, _) => format!("leaving step {step} undone, if it takes long; again to stop without saving"),
        _ => "stopped without saving; the last checkpoint is kept".to_owned(),
    };
    say(&format!("\n{answer}")); // on a line of its own, below the bar
    if step == 0 || count > 2 {
        std::process::exit(EXIT_CODE.into());
    }
}

/// Whether the process was started to go on when its terminal closes.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action this only writes down the present one, of which all zeros is a value.
    let action = unsafe {
        libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

#[cfg(unix)]
fn ignore_hangup() {
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
}

#[cfg(not(unix))]
fn ignores_hangup() -> bool {
    false
}

#[cfg(not(unix))]
fn ignore_hangup() {}
