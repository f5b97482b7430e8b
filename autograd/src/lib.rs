//! Automatic differentiation of any order, with a compiler and kernels for the CPU.
//!
//! Code *records* a computation on a [`Tape`] by computing with [`Var`]s; nothing has a value until it is asked for.
//! [`Tape::grad`] appends the derivative to the same tape as ordinary operations. So a gradient is a Var like any other: it
//! can be part of a loss, and be differentiated again.
//!
//! ```
//! use autograd::Tape;
//!
//! let tape = Tape::new();
//! let x = tape.scalar(3.0);
//! let slope = tape.grad(x * x * x, &[x])[0]; //          3x²
//! let curvature = tape.grad(slope, &[x])[0]; //          6x
//! assert_eq!([slope, curvature].map(|var| var.value().item()), [27.0, 18.0]);
//! ```
//!
//! [`Device::compile`] makes a program of what a closure records, the update of [`Variable`]s included. It is run as often as
//! one likes, on other inputs and without allocating. Here is gradient descent on a function *and* on its slope:
//!
//! ```
//! use autograd::{Device, Tensor, Variable};
//!
//! let x = Variable::new("x", Tensor::scalar(2.0));
//! let mut step = Device::cpu().compile(|tape| {
//!     let at = tape.variable(&x);
//!     let height = at.square();
//!     let slope = tape.grad(height, &[at])[0]; //                  2x
//!     let loss = height + slope.square(); //                       5x²
//!     let gradient = tape.grad(loss, &[at])[0]; //                 10x, a gradient of a gradient in it
//!     tape.assign(&x, at - gradient * 0.05);
//!     [loss]
//! })?;
//! assert_eq!(step.run(&[])?[0].item(), 20.0);
//! assert_eq!(x.read()?.item(), 1.0);
//! # Ok::<(), autograd::Error>(())
//! ```
//!
//! The operations are methods of [`Var`]; `+ - * /` work too, between Vars of one tape and with numbers. Mistakes in what is
//! recorded, such as shapes that do not fit, panic at the line that made them. What depends on the world, such as a
//! missing input, is an [`Error`].
//!
//! # What there is
//!
//! In the order in which a computation passes through it:
//!
//! - [`Shape`], [`Tensor`], [`Error`]: extents, host data, what can go wrong.
//! - [`Tape`] and [`Var`]: user code records operations; [`Variable`]s are the state that outlives a program.
//! - [`ops`]: the operations, each with its shape rule, its specification and its derivative.
//! - [`philox`]: random numbers without state; a [`Stream`] names a sequence of them.
//! - `grad`, `functional`: [`Tape::grad`] and [`Tape::try_grad`]; [`vjp`](Tape::vjp), [`jvp`](Tape::jvp),
//!   [`hvp`](Tape::hvp), [`jacobian`](Tape::jacobian), [`hessian`](Tape::hessian).
//! - `interpret`: [`Var::value`] and [`Tape::interpret`], the reference interpreter.
//! - [`GradCheck`]: derivatives against finite differences, at orders 1 and 2.
//! - [`compile`]: from a tape to a [`compile::Plan`].
//! - [`Communicator`]: how ranks that compute together reach each other.
//! - [`Device`], [`Program`], [`Compiled`]: running it; [`Backend`] and [`Executable`] are what a device implements.
//! - [`Profile`], `describe`: where the time and the memory of programs go ([`Program::describe`]).
//! - [`Diagram`]: a tape as a picture; [`Device::passes`]: what each pass of the compiler makes of it, likewise.
//! - `cpu`: the CPU's kernels.

mod communicator;
pub mod compile;
mod cpu;
mod describe;
mod device;
mod diagram;
mod error;
mod functional;
mod grad;
mod gradcheck;
mod interpret;
pub mod ops;
pub mod philox;
mod profile;
mod program;
mod shape;
mod tape;
mod tensor;
mod variable;

pub use communicator::{Alone, Communicator, Rank, ThreadRank};
pub use compile::Pass;
pub use device::{Arrival, Backend, Device, Executable};
pub use diagram::Diagram;
pub use error::Error;
pub use grad::Vars;
pub use gradcheck::{Entry, GradCheck, Report};
pub use interpret::Feed;
pub use ops::ByteTable;
pub use philox::Stream;
pub use profile::{Group, Profile};
pub use program::{Compiled, NonFinite, Pending, Program};
pub use shape::{Axis, Shape};
pub use tape::{Node, NodeId, Tape, Var};
pub use tensor::{Element, Tensor};
pub use variable::{Held, Locked, Locks, Storage, Variable};
