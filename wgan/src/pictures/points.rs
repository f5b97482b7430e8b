//! Points on the line or on the plane, real and generated, and the critic's scores: after figure 1 (a) of WGAN-GP
//! (arXiv 1704.00028).

use autograd::Tensor;

use super::Window;
use crate::figure::{BLUE, Colour, Figure, INK, ORANGE, Panel, Picture, axis};
use crate::numbers::number;

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
/// Level lines of the scores.
const LEVELS: usize = 15;

impl Points<'_> {
    /// Draws densities above the curve of the scores on the line, points and level lines on the plane.
    ///
    /// # Panics
    /// If the scores are not those of a square grid.
    pub fn draw(&self) -> Picture {
        let figure = match self.generated.shape()[1] {
            1 => self.line(),
            _ => self.plane(),
        };
        figure.picture()
    }

    fn line(&self) -> Figure {
        let range = self.window.range(0);
        let panel = |title: &str, y: &str| Panel::new(title, axis("x").range(range.start, range.end), y);
        let mut densities = panel("Samples", "density");
        for (points, name, colour) in self.samples() {
            densities = densities.histogram(name, colour, &points, range.start, range.end, BINS);
        }
        let scores = self.scores.map(|scores| {
            let places = numbers(&self.window.points(scores.data().len()));
            panel("Critic", "score").line("", INK, places.into_iter().zip(numbers(scores)))
        });
        Figure::new(1, [densities].into_iter().chain(scores).collect()).panel_height(300)
    }

    fn plane(&self) -> Figure {
        let [x, y] = [0, 1].map(|i| self.window.range(i)).map(|range| axis("").range(range.start, range.end));
        let mut panel = Panel::new("", x, y).isometric();
        if let Some(scores) = self.scores.map(numbers) {
            let across = scores.len().isqrt();
            assert!(across >= 2 && across * across == scores.len(), "{} scores make no square", scores.len());
            let [low, high] = [f64::min, f64::max].map(|choose| scores.iter().copied().fold(f64::NAN, choose));
            let name = format!("critic's score, {} to {} (dark)", number(low, 3), number(high, 3));
            panel = panel.levels(&name, INK, &scores, across, LEVELS);
        }
        for (points, name, colour) in self.samples() {
            panel = panel.dots(name, colour, points.chunks_exact(2).map(|point| (point[0], point[1])));
        }
        Figure::new(1, vec![panel]).width(640).panel_height(640)
    }

    fn samples(&self) -> impl Iterator<Item = (Vec<f64>, &'static str, Colour)> {
        let real = self.real.map(|points| (numbers(points), "real", ORANGE));
        real.into_iter().chain([(numbers(self.generated), "generated", BLUE)])
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.cast().into_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From −3 to 3.
    fn paper() -> Window {
        Window::around(&Tensor::zeros([0, 2]))
    }

    #[test]
    fn the_line_has_a_panel_for_the_scores_if_there_are_any() {
        let points = Tensor::from_fn([100, 1], |i| i as f32 / 50.0);
        let window = Window::around(&points);
        let scores = Tensor::from_fn([128], |i| (i as f32).sin());
        let alone = Points { window: &window, scores: None, real: None, generated: &points };
        let whole = Points { scores: Some(&scores), real: Some(&points), ..alone };
        assert_eq!((alone.draw().height, whole.draw().height), (300, 600));
    }

    #[test]
    fn higher_scores_are_darker_with_lines_between() {
        // Levels 0 to 16 from left to right: a line at every sixteenth of the width.
        let scores = Tensor::from_fn([81 * 81], |i| (i % 81) as f32);
        let picture =
            Points { window: &paper(), scores: Some(&scores), real: None, generated: &Tensor::zeros([0, 2]) }.draw();
        let row: Vec<u8> = (0..picture.width).map(|x| picture.pixels[(320 * picture.width + x) * 3]).collect();
        // Beyond the axis and its marks, as far as it is not white.
        let plot: Vec<u8> = row.into_iter().skip_while(|&grey| grey > 100).skip(2).collect();
        let plot = &plot[..plot.iter().rposition(|&grey| grey < 250).unwrap()];
        let is_line = |i: &usize| {
            plot[*i] < plot[i - 1] && plot[*i] < plot[i + 1] && plot[i - 1].max(plot[i + 1]) > plot[*i] + 20
        };
        let lines = (1..plot.len() - 1).filter(is_line).count();
        assert_eq!(lines, LEVELS, "{plot:?}");
        assert!(plot[plot.len() - 8] + 60 < plot[8], "{plot:?}");
    }

    #[test]
    fn flat_fields_and_points_outside_are_drawn() {
        let (scores, points) = (Tensor::full([4], 7.0), Tensor::full([3, 2], 1e9));
        let points = Points { window: &paper(), scores: Some(&scores), real: Some(&points), generated: &points };
        assert_eq!(points.draw().width, 640);
    }
}
