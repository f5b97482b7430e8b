//! The guide as documentation tests: every Rust block in it is compiled and run.
//!
//! ```text
//! cargo test -p tests --doc
//! ```

#[doc = include_str!("../docs/1-a-tape.md")]
pub mod a_tape {}

#[doc = include_str!("../docs/2-the-chain-rule.md")]
pub mod the_chain_rule {}

#[doc = include_str!("../docs/3-gradients-of-gradients.md")]
pub mod gradients_of_gradients {}
