//! The machine that a training runs on: what it computes with, how much memory it has, the signals that it sends,
//! the processes that train together.

pub mod backend;
#[cfg(not(target_family = "wasm"))]
pub mod browser;
#[cfg_attr(target_family = "wasm", allow(dead_code, unused_imports))] // where there are no signals
pub mod interrupt;
pub mod memory;
#[cfg(feature = "mpi")]
mod mpi;
pub mod ranks;
