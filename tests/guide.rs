//! The README and the guide as documentation tests: every Rust block in them is compiled and run.
//!
//! ```text
//! cargo test -p tests --doc
//! ```

#[doc = include_str!("../README.md")]
pub mod readme {}

#[doc = include_str!("../docs/1-a-tape.md")]
pub mod a_tape {}

#[doc = include_str!("../docs/2-the-chain-rule.md")]
pub mod the_chain_rule {}

#[doc = include_str!("../docs/3-gradients-of-gradients.md")]
pub mod gradients_of_gradients {}

#[doc = include_str!("../docs/4-checking-gradients.md")]
pub mod checking_gradients {}

#[doc = include_str!("../docs/5-from-tape-to-program.md")]
pub mod from_tape_to_program {}

#[doc = include_str!("../docs/6-the-wasserstein-distance.md")]
pub mod the_wasserstein_distance {}

#[doc = include_str!("../docs/7-lipschitz-critics.md")]
pub mod lipschitz_critics {}

#[doc = include_str!("../docs/8-training-a-wgan.md")]
pub mod training_a_wgan {}

#[doc = include_str!("../docs/9-reading-a-run.md")]
pub mod reading_a_run {}

#[doc = include_str!("../docs/10-kernels.md")]
pub mod kernels {}

#[doc = include_str!("../docs/11-adding-an-operation.md")]
pub mod adding_an_operation {}

#[doc = include_str!("../docs/13-the-engine-by-itself.md")]
pub mod the_engine_by_itself {}

#[doc = include_str!("../docs/cheat-sheet.md")]
pub mod cheat_sheet {}
