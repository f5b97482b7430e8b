//! What a panel draws for one list of numbers.

use plotters::prelude::{DrawingBackend, RGBColor};

use super::canvas::{Anchor, Canvas, Place};
use super::layout::{DOT, LINE, SPECK, SWATCH, TEXT};
use super::lines::dashes;

/// What is drawn for one list of numbers; without a name it is not in the legend.
#[derive(Clone, Debug)]
pub struct Mark {
    pub name: String,
    pub colour: RGBColor,
    pub points: Vec<(f64, f64)>,
    pub shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    Line,
    Thin,
    Dashed,
    Dots,
    /// Small ones.
    Specks,
    /// From the axis up, as wide as this many units of x.
    Bars(f64),
    /// The area between the points and the axis, under a line.
    Area,
    /// A dashed line over the whole width, at the height of the point.
    Level,
    /// A dashed line over the whole height.
    Vertical,
}

/// Of areas.
pub const OPACITY: f64 = 0.25;

impl Mark {
    /// Its line of the legend: a swatch, then the name.
    pub fn draw_entry<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, (x, y): Place) {
        let end = x + SWATCH - 12;
        match self.shape {
            Shape::Line | Shape::Thin => canvas.line(&[(x, y), (end, y)], self.colour, self.stroke()),
            Shape::Dashed | Shape::Level | Shape::Vertical => {
                dashes(&[(x, y), (end, y)]).iter().for_each(|dash| canvas.line(dash, self.colour, self.stroke()));
            }
            Shape::Dots => canvas.disc(((x + end) / 2, y), DOT, self.colour),
            Shape::Specks => canvas.disc(((x + end) / 2, y), SPECK, self.colour),
            Shape::Bars(_) => canvas.rectangle([(x + 4, y - 9), (end - 4, y + 9)], self.colour),
            Shape::Area => {
                canvas.glaze(&[(x, y - 9), (end, y - 9), (end, y + 9), (x, y + 9)], self.colour, OPACITY);
                canvas.line(&[(x, y - 9), (end, y - 9)], self.colour, self.stroke());
            }
        }
        canvas.text(&self.name, TEXT, Anchor::Left, (x + SWATCH, y));
    }

    pub fn stroke(&self) -> u32 {
        match self.shape {
            Shape::Thin => 2,
            Shape::Area | Shape::Level | Shape::Vertical => 3,
            Shape::Dashed => 4,
            _ => LINE,
        }
    }
}
