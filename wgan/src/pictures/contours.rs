//! The plane: the critic's level lines with real and generated points, after figure 1 (a) of WGAN-GP (arXiv 1704.00028).

use std::ops::Range;

use autograd::Tensor;
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::number;
use super::style::{BLUE, FONT, INK, ORANGE};
use super::{Area, Drawn, Picture, Points, Window};

/// Number of level lines.
const LEVELS: f64 = 16.0;
/// Numbers beside an axis, about.
const LABELS: usize = 7;

/// Draws the plane.
///
/// # Panics
/// If the scores are not those of a square grid.
pub fn draw(points: &Points) -> Picture {
    Picture::drawn(640, 640, |area| draw_on(points, area))
}

fn draw_on(points: &Points, area: &Area) -> Drawn {
    let (x, y) = (points.window.range(0), points.window.range(1));
    let left = 44 + 16 * longest_label(&y);
    let mut chart = ChartBuilder::on(area)
        .margin_top(64)
        .margin_right(36)
        .margin_bottom(16)
        .set_label_area_size(LabelAreaPosition::Left, left)
        .set_label_area_size(LabelAreaPosition::Bottom, 56)
        .build_cartesian_2d(x, y)?;
    let plane = chart.plotting_area().strip_coord_spec();
    if let Some(scores) = points.scores {
        draw_field(&plane, &Field::new(scores))?;
    }
    let label = (FONT, 24).into_font().color(&INK);
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(INK.stroke_width(2))
        .x_labels(LABELS)
        .y_labels(LABELS)
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&|y| number(*y))
        .label_style(label)
        .draw()?;
    let mut left = left;
    for (samples, name, colour) in [(points.real, "real", ORANGE), (Some(points.generated), "generated", BLUE)] {
        let Some(samples) = samples else { continue };
        chart.draw_series(inside(points.window, samples).map(|point| Circle::new(point, 6, WHITE.filled())))?;
        chart.draw_series(inside(points.window, samples).map(|point| Circle::new(point, 4, colour.filled())))?;
        let beside = (FONT, 28).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Circle::new((left + 8, 34), 8, colour.filled()))?;
        area.draw_text(name, &beside, (left + 28, 34))?;
        left += 160;
    }
    Ok(())
}

/// The letters of the longest number beside an axis.
fn longest_label(range: &Range<f64>) -> i32 {
    let marks = RangedCoordf64::from(range.clone()).key_points(LABELS);
    marks.into_iter().map(|mark| number(mark).chars().count() as i32).max().unwrap_or(0)
}

/// The points that the window holds.
fn inside(window: &Window, points: &Tensor) -> impl Iterator<Item = (f64, f64)> {
    let (along, up) = (window.range(0), window.range(1));
    let points = points.data().chunks_exact(2).map(|point| (f64::from(point[0]), f64::from(point[1])));
    points.filter(move |(x, y)| along.contains(x) && up.contains(y))
}

/// Scores on the square, in units of the distance between two level lines: 0 at the lowest, [`LEVELS`] at the highest.
struct Field {
    resolution: usize,
    levels: Vec<f64>,
}

impl Field {
    fn new(scores: &Tensor) -> Self {
        let scores = scores.data();
        let resolution = scores.len().isqrt();
        assert!(resolution >= 2 && resolution * resolution == scores.len(), "{} scores make no square", scores.len());
        let (low, high) = scores.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        let spacing = (f64::from(high) - f64::from(low)).max(f64::MIN_POSITIVE) / LEVELS;
        Field { resolution, levels: scores.iter().map(|&x| (f64::from(x) - f64::from(low)) / spacing).collect() }
    }

    /// The level at a place of the square, (0, 0) its lower left and (1, 1) its upper right corner; bilinear.
    fn at(&self, x: f64, y: f64) -> f64 {
        let cell = |u: f64| {
            let position = u.clamp(0.0, 1.0) * (self.resolution - 1) as f64;
            let index = (position as usize).min(self.resolution - 2);
            (index, position - index as f64)
        };
        let ((column, right), (row, up)) = (cell(x), cell(y));
        let level = |row: usize, column: usize| self.levels[row * self.resolution + column];
        let along = |row| level(row, column) * (1.0 - right) + level(row, column + 1) * right;
        along(row) * (1.0 - up) + along(row + 1) * up
    }
}

/// Bands between the levels from white to grey, and a line on each level.
fn draw_field(plane: &Area, field: &Field) -> Drawn {
    let (width, height) = plane.dim_in_pixel();
    let (pixel_x, pixel_y) = (1.0 / f64::from(width), 1.0 / f64::from(height));
    for row in 0..height {
        for column in 0..width {
            let (x, y) = ((f64::from(column) + 0.5) * pixel_x, 1.0 - (f64::from(row) + 0.5) * pixel_y);
            let level = field.at(x, y);
            let change_x = field.at(x + pixel_x, y) - field.at(x - pixel_x, y);
            let change_y = field.at(x, y + pixel_y) - field.at(x, y - pixel_y);
            let per_pixel = change_x.hypot(change_y) / 2.0;
            // The distance to the nearest level line in pixels, as far as the field is straight.
            let nearest = level.round().clamp(1.0, LEVELS - 1.0);
            let distance = (level - nearest).abs() / per_pixel.max(1e-9);
            let line = (1.8 - distance).clamp(0.0, 1.0);
            plane.draw_pixel((column as i32, row as i32), &colour(level.floor() / LEVELS, line))?;
        }
    }
    Ok(())
}

/// The colour of a band, `height` from 0 to 1, under a level line of the given opacity.
fn colour(height: f64, line: f64) -> RGBColor {
    let (low, high) = ([252.0, 252.0, 250.0], [176.0, 186.0, 196.0]);
    let channel = |i: usize| {
        let band = low[i] + height.clamp(0.0, 1.0) * (high[i] - low[i]);
        (band * (1.0 - 0.45 * line)).round() as u8
    };
    RGBColor(channel(0), channel(1), channel(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From −3 to 3.
    fn paper() -> Window {
        Window::around(&Tensor::zeros([0, 2]))
    }

    #[test]
    fn a_plane_is_interpolated_exactly() {
        let points = paper().points(5);
        let scores = Tensor::from_fn([25], |i| points.data()[2 * i] + 2.0 * points.data()[2 * i + 1]);
        let field = Field::new(&scores);
        // x + 2y runs from −9 to 9; at (0.25, 0.75) of the square x = −1.5 and y = 1.5.
        let expected = (1.5 + 9.0) / 18.0 * LEVELS;
        assert!((field.at(0.25, 0.75) - expected).abs() < 1e-6);
        assert_eq!((field.at(0.0, 0.0), field.at(1.0, 1.0)), (0.0, LEVELS));
    }

    #[test]
    fn level_lines_are_darker_than_the_bands_between() {
        // Levels 0 to 16 from left to right: a line at every sixteenth of the width.
        let scores = Tensor::from_fn([81 * 81], |i| (i % 81) as f32);
        let generated = &Tensor::zeros([0, 2]);
        let picture = draw(&Points { window: &paper(), scores: Some(&scores), real: None, generated });
        let (left, right) = (38.0, 622.0);
        let darkest = |place: f64| {
            let x = (left + place / LEVELS * (right - left)).round() as usize;
            (x - 1..=x + 1).map(|x| picture.pixels[(320 * picture.width + x) * 3]).min().unwrap()
        };
        for level in 1..16 {
            let (line, band) = (darkest(f64::from(level)), darkest(f64::from(level) + 0.5));
            assert!(line + 50 < band, "level {level}: {line} {band}");
        }
    }

    #[test]
    fn flat_fields_and_points_outside_are_drawn() {
        let (scores, points) = (Tensor::full([4], 7.0), Tensor::full([3, 2], 1e9));
        let points = Points { window: &paper(), scores: Some(&scores), real: Some(&points), generated: &points };
        assert_eq!(draw(&points).width, 640);
    }
}
