//! The part of the line or of the plane that a picture shows.

use std::ops::Range;

use autograd::Tensor;

/// An interval, or a square: as long along each axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    centre: Vec<f64>,
    /// From the centre to an edge.
    reach: f64,
}

/// What figure 1 (a) of WGAN-GP (arXiv 1704.00028) shows, for points of about unit scale: from −3 to 3.
const REACH: f64 = 3.0;
/// Points whose middle is no farther from 0 lie about the middle of that.
const OFF_CENTRE: f64 = 0.5;
/// The share of the points on either side that may lie outside.
const FAR_OUT: f64 = 0.005;

impl Window {
    /// The window that suits points `[N, 1]` or `[N, 2]`: from −3 to 3 if most lie in there, about its middle and some of
    /// them beyond 1, otherwise around most of them.
    ///
    /// ```
    /// use autograd::Tensor;
    /// use wgan::pictures::Window;
    /// let points = |scale: f32| Tensor::from_fn([100, 1], |i| scale * (i as f32 - 49.5));
    /// assert_eq!(Window::around(&points(0.04)).range(0), -3.0..3.0);
    /// assert_eq!(Window::around(&points(2.0)).range(0), -148.5..148.5);
    /// ```
    pub fn around(points: &Tensor) -> Self {
        let dimensions = points.shape()[1];
        let extents: Vec<[f64; 2]> = (0..dimensions).map(|axis| extent(points, axis)).collect();
        let farthest = extents.iter().flatten().fold(0.0, |farthest: f64, x| farthest.max(x.abs()));
        let centre: Vec<f64> = extents.iter().map(|[low, high]| (low + high) / 2.0).collect();
        let in_the_middle = centre.iter().all(|x| x.abs() <= OFF_CENTRE);
        if (1.0..=REACH).contains(&farthest) && in_the_middle || points.data().is_empty() {
            return Window { centre: vec![0.0; dimensions], reach: REACH };
        }
        let longest = extents.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
        Window { centre, reach: (0.75 * longest).max(1e-3 * farthest).max(1e-6) }
    }

    /// What it shows along an axis.
    pub fn range(&self, axis: usize) -> Range<f64> {
        self.centre[axis] - self.reach..self.centre[axis] + self.reach
    }

    /// `resolution` points along each axis, from edge to edge, the first axis running fastest: `[resolution, 1]` or
    /// `[resolution², 2]`.
    ///
    /// ```
    /// use autograd::Tensor;
    /// use wgan::pictures::Window;
    /// let corners = Window::around(&Tensor::zeros([0, 2])).points(2);
    /// assert_eq!(corners.data(), [-3.0, -3.0, 3.0, -3.0, -3.0, 3.0, 3.0, 3.0]);
    /// ```
    pub fn points(&self, resolution: usize) -> Tensor {
        let dimensions = self.centre.len();
        let coordinate = |axis: usize, i: usize| {
            let Range { start, end } = self.range(axis);
            (start + (end - start) * i as f64 / (resolution - 1) as f64) as f32
        };
        Tensor::from_fn([resolution.pow(dimensions as u32), dimensions], |i| {
            let (point, axis) = (i / dimensions, i % dimensions);
            coordinate(axis, point / resolution.pow(axis as u32) % resolution)
        })
    }
}

/// From where to where most of the points lie along an axis.
fn extent(points: &Tensor, axis: usize) -> [f64; 2] {
    let along = points.data().iter().skip(axis).step_by(points.shape()[1]);
    let mut sorted: Vec<f64> = along.map(|&x| f64::from(x)).collect();
    sorted.sort_by(f64::total_cmp);
    let out = (sorted.len() as f64 * FAR_OUT) as usize;
    match sorted.get(out..sorted.len() - out) {
        Some([low, .., high]) => [*low, *high],
        Some([only]) => [*only; 2],
        _ => [0.0; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_unit_scale_are_shown_as_in_the_paper() {
        let points = Tensor::new([3, 2], vec![-1.9, 0.0, 1.4, 0.3, 0.1, 0.2]).unwrap();
        let window = Window::around(&points);
        assert_eq!((window.range(0), window.range(1)), (-3.0..3.0, -3.0..3.0));
    }

    #[test]
    fn points_on_one_side_are_shown_by_themselves() {
        let points = Tensor::from_fn([3, 1], |i| 1.0 + 0.5 * i as f32);
        assert_eq!(Window::around(&points).range(0), 0.75..2.25);
    }

    #[test]
    fn other_points_are_shown_whole_but_for_a_few() {
        // x from 100 to 110, y from −1 to 1, and one point in 400 far away.
        let points = Tensor::from_fn([400, 2], |i| match (i / 2, i % 2) {
            (399, _) => 1e9,
            (point, 0) => 100.0 + 10.0 * (point as f32 / 398.0),
            (point, _) => {
                if point % 2 == 0 {
                    -1.0
                } else {
                    1.0
                }
            }
        });
        let window = Window::around(&points);
        let close = |range: Range<f64>, low: f64, high: f64| (range.start - low).hypot(range.end - high) < 0.2;
        assert!(close(window.range(0), 97.5, 112.5) && close(window.range(1), -7.5, 7.5), "{window:?}");
    }

    #[test]
    fn equal_points_have_a_window_too() {
        for x in [0.0, 7.0, -1e-9] {
            let Range { start, end } = Window::around(&Tensor::full([5, 1], x)).range(0);
            assert!(start < x && x < end, "{x}: {start} {end}");
        }
    }
}
