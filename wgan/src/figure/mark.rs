//! What a panel draws for one list of numbers.

use super::colour::{Colour, PAPER, tint};
use super::drawing::{Anchor, Brush, Drawing, Point, Rect};
use super::layout::{DOT, LINE, SPECK, SWATCH, TEXT, THIN};

/// What is drawn for one list of numbers; without a name it is not in the legend.
#[derive(Clone, Debug)]
pub struct Mark {
    pub name: String,
    pub colour: Colour,
    pub points: Vec<Point>,
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
    /// The area between the points and the axis, filled.
    Bars,
    /// The area between the points and the axis, under a line.
    Area,
    /// What the points enclose, in front of all that is behind.
    Ridge,
    /// What the points enclose, a little darker than what is around it.
    Plateau,
    /// A dashed line over the whole width, at the height of the point.
    Level,
    /// A dashed line over the whole height.
    Vertical,
}

impl Mark {
    /// Its line of the legend: a swatch, then the name.
    pub fn draw_entry(&self, drawing: &mut Drawing, (x, y): Point) {
        let swatch = Rect { left: x, top: y - 5.0, right: x + SWATCH - 6.0, bottom: y + 5.0 };
        let outline = match self.shape {
            Shape::Dots | Shape::Specks => vec![((swatch.left + swatch.right) / 2.0, y)],
            Shape::Bars | Shape::Area | Shape::Ridge | Shape::Plateau => swatch.corners(),
            Shape::Line | Shape::Thin | Shape::Dashed | Shape::Level | Shape::Vertical => {
                vec![(swatch.left, y), (swatch.right, y)]
            }
        };
        self.draw(drawing, vec![outline]);
        drawing.text(&self.name, TEXT, Anchor::Left, (x + SWATCH, y));
    }

    /// Draws lines, areas or dots, each of a single point, as this mark does.
    pub fn draw(&self, drawing: &mut Drawing, lines: Vec<Vec<Point>>) {
        let colour = self.colour;
        let layers = match self.shape {
            Shape::Line => vec![(colour, Brush::Line(LINE))],
            Shape::Thin => vec![(colour, Brush::Line(THIN))],
            Shape::Dashed | Shape::Level | Shape::Vertical => vec![(colour, Brush::Dashes(1.75))],
            Shape::Specks => vec![(colour, Brush::Line(SPECK))],
            Shape::Dots => vec![(PAPER, Brush::Line(DOT + 2.0)), (colour, Brush::Line(DOT))],
            Shape::Bars => vec![(colour, Brush::Fill)],
            Shape::Area => vec![(tint(colour, 0.28), Brush::Fill), (colour, Brush::Line(1.25))],
            Shape::Ridge => vec![(PAPER, Brush::Fill), (tint(colour, 0.28), Brush::Fill), (colour, Brush::Line(1.25))],
            Shape::Plateau => vec![(tint(colour, 0.03), Brush::Fill), (tint(colour, 0.4), Brush::Line(1.25))],
        };
        // A dot has its edge to itself, so that those it covers are told from it.
        let groups =
            if self.shape == Shape::Dots { lines.into_iter().map(|dot| vec![dot]).collect() } else { vec![lines] };
        for group in groups {
            layers.iter().for_each(|&(colour, brush)| drawing.path(group.clone(), colour, brush));
        }
    }
}
