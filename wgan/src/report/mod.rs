//! What is told of a run: a page of its own, and events for TensorBoard.

pub mod page;
pub mod tensorboard;
