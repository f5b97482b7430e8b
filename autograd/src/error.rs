//! Errors that depend on the world: data of the wrong shape, missing inputs, devices. Mistakes in the recorded
//! program itself (two shapes that do not fit) panic at the caller's line instead.

use crate::{NonFinite, Shape};

/// What can go wrong when a program is fed, compiled or replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A tensor was given another number of elements than its shape holds.
    #[error("a tensor of shape {shape} holds {expected} elements, but {found} were given")]
    ElementCount {
        /// The shape asked for.
        shape: Shape,
        /// The number of elements it holds.
        expected: usize,
        /// The number of elements given.
        found: usize,
    },
    /// A program reads an input that the caller did not give.
    #[error("input {name:?} of shape {shape} was not given")]
    MissingInput {
        /// The input's name.
        name: String,
        /// The shape it was declared with.
        shape: Shape,
    },
    /// The caller gave an input that the program does not have.
    #[error("there is no input {name:?}; the program reads {known}")]
    UnknownInput {
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A tensor given for an input or a variable has another shape than the one declared.
    #[error("{name:?} has shape {expected}, but the tensor given for it has shape {found}")]
    WrongShape {
        /// The input's or variable's name.
        name: String,
        /// The shape declared.
        expected: Shape,
        /// The shape given.
        found: Shape,
    },
    /// A program that draws random numbers was run again without being told another step.
    #[error(
        "this program draws random numbers, and has drawn those of step {step}: give each run its step, as in program.at(step).run(…)"
    )]
    SameStep {
        /// The step of the last run.
        step: u64,
    },
    /// A run would have made a value infinite or NaN, and such runs are [refused](crate::Program::refuse_non_finite).
    #[error("a value is infinite or NaN, first in {0}")]
    NonFinite(NonFinite),
    /// The same, but found by another rank in its part of the data.
    #[error("a value is infinite or NaN on another rank")]
    NonFiniteElsewhere,
    /// A device could not do what was asked of it.
    #[error("{device}: {reason}")]
    Device {
        /// The device's name.
        device: String,
        /// What happened, as a sentence.
        reason: String,
    },
}
