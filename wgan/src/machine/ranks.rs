//! The processes that train together: those that `mpirun` has started.

use std::sync::Arc;

use autograd::{Alone, Communicator};

use crate::Result;

/// How the rank that this process is reaches the others; the only one, if it was not started as one of several.
///
/// # Errors
/// If it was, and the program is built without MPI.
pub fn connect() -> Result<Arc<dyn Communicator>> {
    match started_with() {
        Some(others) => open(&others),
        None => Ok(Arc::new(Alone)),
    }
}

/// What says that this process is one of several: a variable that Open MPI sets, or MPICH and those that follow it.
fn started_with() -> Option<String> {
    let count = |name| std::env::var(name).ok().filter(|count| count != "1");
    ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].into_iter().find_map(count)
}

#[cfg(feature = "mpi")]
fn open(_: &str) -> Result<Arc<dyn Communicator>> {
    Ok(Arc::new(super::mpi::Mpi::start()?))
}

#[cfg(not(feature = "mpi"))]
fn open(count: &str) -> Result<Arc<dyn Communicator>> {
    let reason = "this wgan is built without MPI, and they would not know of each other; build with: cargo build --release -p \
                  wgan --features mpi";
    Err(crate::Error::Ranks(format!("{count} processes were started to train together, but {reason}")))
}

/// Ends all ranks at once, this one too.
pub fn abort(code: u8) -> ! {
    #[cfg(feature = "mpi")]
    super::mpi::abort(code);
    #[cfg(not(feature = "mpi"))]
    std::process::exit(code.into())
}
