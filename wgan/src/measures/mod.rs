//! Measures of how far samples are from the real ones, none of which a training ever sees.
//!
//! - [`wasserstein_1d`], [`wasserstein`], [`sliced_wasserstein`]: distances between samples, the first two exact
//! - [`optimal_assignment`]: the cheapest way to pair rows with columns

mod assignment;
mod line;
mod sliced;

pub use assignment::{Assignment, optimal_assignment, wasserstein};
pub use line::wasserstein_1d;
pub use sliced::sliced_wasserstein;
