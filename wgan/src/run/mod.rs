//! A run while it goes on: its folder, its numbers, what is measured and seen on the way.

mod folder;
pub mod histogram;
pub mod metadata;
pub mod metrics;
pub mod monitor;
pub mod progress;
pub mod quality;
mod state;
pub mod warnings;

pub use folder::RunFolder;
pub use state::State;
