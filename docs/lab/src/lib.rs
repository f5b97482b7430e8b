//! The laboratory of the guide, as WebAssembly: what its two pages compute. `docs/lab/build` makes the pages, which draw what
//! is computed here and hand on what is typed.
//!
//! - [`learned`]: what is to be learned: the program's toys, two lines, points drawn by hand
//! - [`situation`]: all settings of a training as an address, by the names of the program's flags
//! - [`training`]: a training, step by step, and what is seen of it
//! - [`expression`]: a formula in x and y, recorded on a tape
//! - [`recorded`]: a tape you can see: a formula, its derivatives, and what the compiler makes of them
//! - `browser`: the pages' view of all this

#[cfg(target_arch = "wasm32")]
mod browser;
pub mod expression;
pub mod learned;
pub mod recorded;
pub mod situation;
pub mod training;
