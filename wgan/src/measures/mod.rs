//! Measures of how far samples are from the real ones, none of which a training ever sees.
//!
//! - [`wasserstein_1d`], [`wasserstein`], [`sliced_wasserstein`]: distances between samples, the first two exact
//! - [`optimal_assignment`]: the cheapest way to pair rows with columns
//! - [`Coverage`]: the modes of a mixture that points cover
//! - [`Moments`]: means and covariances, and the Fréchet distance between them
//! - [`SlicedPatches`]: details of images, at each scale by itself
//! - [`Manifold`]: where samples are dense; precision and recall follow from it
//! - [`thumbnails`]: what images are compared by where no classifier knows them
//! - [`classifier_score`]: whether every sample is clearly of one class, and all classes are there
//! - [`nearest_neighbours`]: the training samples nearest to generated ones

mod assignment;
mod frechet;
mod line;
mod manifold;
mod modes;
mod neighbours;
mod patches;
mod pyramid;
mod score;
mod singular;
mod sliced;
mod sort;
mod thumbnails;

use std::slice::ChunksExact;

pub use assignment::{Assignment, euclidean_costs, optimal_assignment, wasserstein};
pub use frechet::Moments;
pub use line::wasserstein_1d;
pub use manifold::Manifold;
pub use modes::Coverage;
pub use neighbours::{Neighbour, nearest_neighbours};
pub use patches::{Patches, SlicedPatches};
pub use score::classifier_score;
pub use sliced::sliced_wasserstein;
pub use thumbnails::thumbnails;

/// The points of a sample, whose numbers lie one after the other.
fn points<T>(sample: &[T], dimension: usize) -> ChunksExact<'_, T> {
    assert!(sample.len().is_multiple_of(dimension), "{} numbers, {dimension} a point", sample.len());
    sample.chunks_exact(dimension)
}
