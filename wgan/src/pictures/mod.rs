//! The pictures of a run: grids of images, curves of the metrics, points on the line or the plane with the critic's scores.

mod curves;
mod grid;
mod moving;
mod points;
mod window;

use autograd::Tensor;

use crate::figure::Picture;
pub use curves::{Chart, charts, curves, span};
pub use grid::{grid, groups, rows, single};
pub use moving::{Pace, moving};
pub use points::Points;
pub use window::Window;

impl Picture {
    /// A picture of samples alone: a grid of images `[N, channels, height, width]`, or points `[N, 1]` or `[N, 2]`.
    pub fn of_samples(samples: &Tensor) -> Self {
        match samples.shape().rank() {
            2 => Points { window: &Window::around(samples), scores: None, real: None, generated: samples }.draw(),
            _ => grid(samples),
        }
    }
}
