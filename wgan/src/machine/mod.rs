//! The machine that a training runs on: what it computes with, how much memory it has, the signals that it sends,
//! the processes that train together.

pub mod backend;
pub mod browser;
pub mod interrupt;
pub mod memory;
#[cfg(feature = "mpi")]
mod mpi;
pub mod ranks;
