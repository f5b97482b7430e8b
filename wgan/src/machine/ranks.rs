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
        Some(count) => open(count),
        None => Ok(Arc::new(Alone)),
    }
}

/// How many processes were started together, if this is one of several: a variable of Open MPI says so, or one of MPICH and
/// those that follow it.
fn started_with() -> Option<usize> {
    number_of(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]).filter(|&count| count > 1)
}

/// How many ranks of so many share this machine, as far as it is known.
pub fn on_this_machine(count: usize) -> usize {
    number_of(["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"]).map_or(count, |here| here.clamp(1, count))
}

/// The number in the first of these variables that holds one.
fn number_of(names: [&str; 2]) -> Option<usize> {
    names.into_iter().find_map(|name| std::env::var(name).ok()?.parse().ok())
}

#[cfg(feature = "mpi")]
fn open(_: usize) -> Result<Arc<dyn Communicator>> {
    Ok(Arc::new(super::mpi::Mpi::start()?))
}

#[cfg(not(feature = "mpi"))]
fn open(count: usize) -> Result<Arc<dyn Communicator>> {
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
