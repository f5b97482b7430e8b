//! The pictures of a run: grids of images, curves of the metrics, points on the line or the plane with the critic's scores.

mod curves;
mod grid;
mod moving;
mod points;
mod window;

use autograd::Tensor;

use crate::figure::Picture;
pub use curves::{Chart, charts, curves, span};
pub use grid::{grid, groups, rows};
pub use moving::moving;
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

/// At most this many of the items, evenly chosen, the first and the last among them.
pub fn evenly<T: Clone>(items: &[T], most: usize) -> Vec<T> {
    match items.len() {
        count if count <= most => items.to_vec(),
        count => (0..most).map(|i| items[i * (count - 1) / (most - 1)].clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_choice_keeps_both_ends() {
        let items: Vec<i32> = (0..1001).collect();
        assert_eq!(evenly(&items, 5), [0, 250, 500, 750, 1000]);
        assert_eq!((evenly(&items, 1001), evenly(&items[..3], 400)), (items.clone(), vec![0, 1, 2]));
        assert!(evenly::<i32>(&[], 2).is_empty());
    }
}
