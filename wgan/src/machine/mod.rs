//! The machine that a training runs on: what it computes with, how much memory it has, the signals that it sends.

pub mod backend;
pub mod browser;
pub mod interrupt;
pub mod memory;
