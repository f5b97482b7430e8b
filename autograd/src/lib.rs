//! Tape-based reverse-mode automatic differentiation of any order, with a compiler and a CPU backend.
//!
//! In the order in which a computation passes through them:
//!
//! - [`Shape`], [`Tensor`], [`Error`]: extents, host data, what can go wrong.
//! - [`Tape`] and [`Var`]: user code records operations; [`Variable`]s are the state that outlives a program.
//! - [`ops`]: the operations, each with its shape rule, its specification and its derivative.
//! - `grad`, `functional`: [`Tape::grad`] appends derivatives to the same tape; `jvp`, `hvp`, `jacobian`, `hessian`.
//! - `interpret`: [`Var::value`] and [`Tape::interpret`], the reference interpreter.
//! - [`compile`]: from a tape to a [`compile::Plan`]; [`Device`], [`Program`], [`Compiled`]: running it.
//! - `cpu`: the CPU's kernels.
//! - [`GradCheck`]: derivatives against finite differences, at orders 1 and 2.

pub mod compile;
#[doc(hidden)] // public for the benchmarks
pub mod cpu;
mod device;
mod error;
mod functional;
mod grad;
mod gradcheck;
mod interpret;
pub mod ops;
pub mod philox;
mod program;
mod shape;
mod tape;
mod tensor;
mod variable;

pub use device::{Backend, Device, Executable};
pub use error::Error;
pub use gradcheck::{Entry, GradCheck, Report};
pub use interpret::Feed;
pub use philox::Stream;
pub use program::{Compiled, NonFinite, Program};
pub use shape::Shape;
pub use tape::{Node, NodeId, Tape, Var};
pub use tensor::{Element, Tensor};
pub use variable::{Storage, Variable};
