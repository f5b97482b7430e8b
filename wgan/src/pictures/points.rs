//! Points on the line or on the plane, real and generated, and the critic's scores.

use autograd::Tensor;

use super::style::{BLUE, INK, ORANGE};
use super::{Figure, Panel, Picture, Window, contours};

/// What is drawn; what is absent is left out.
#[derive(Clone, Copy)]
pub struct Points<'a> {
    /// The part that is shown.
    pub window: &'a Window,
    /// The critic's scores at [`Window::points`]: `[resolution]` on the line, `[resolution²]` on the plane.
    pub scores: Option<&'a Tensor>,
    /// Real points `[N, 1]` or `[N, 2]`.
    pub real: Option<&'a Tensor>,
    /// Generated points, likewise.
    pub generated: &'a Tensor,
}

/// Bars of a histogram.
const BINS: usize = 60;

impl Points<'_> {
    /// Draws densities above the curve of the scores on the line, points and level lines on the plane.
    ///
    /// # Panics
    /// If the scores are not those of a square grid.
    pub fn draw(&self) -> Picture {
        match self.generated.shape()[1] {
            1 => self.line(),
            _ => contours::draw(self),
        }
    }

    fn line(&self) -> Picture {
        let range = self.window.range(0);
        let panel = |y: &str| Panel::new("", "", y).x_range(range.start, range.end);
        let mut densities = panel("density");
        for (points, name, colour) in [(self.real, "real", ORANGE), (Some(self.generated), "generated", BLUE)] {
            let Some(points) = points else { continue };
            let values: Vec<f64> = points.data().iter().map(|&x| f64::from(x)).collect();
            densities = densities.histogram(name, colour, &values, range.start, range.end, BINS);
        }
        let scores = self.scores.map(|scores| {
            let places = self.window.points(scores.data().len());
            let curve = places.data().iter().zip(scores.data()).map(|(&x, &score)| (f64::from(x), f64::from(score)));
            panel("critic's score").line("", INK, curve)
        });
        let panels: Vec<Panel> = [densities].into_iter().chain(scores).collect();
        Figure::new(1, panels).panel_height(300).picture()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_a_panel_for_the_scores_if_there_are_any() {
        let points = Tensor::from_fn([100, 1], |i| i as f32 / 50.0);
        let window = Window::around(&points);
        let scores = Tensor::from_fn([128], |i| (i as f32).sin());
        let alone = Points { window: &window, scores: None, real: None, generated: &points };
        let whole = Points { scores: Some(&scores), real: Some(&points), ..alone };
        assert_eq!((alone.draw().height, whole.draw().height), (300, 600));
    }
}
