//! What a panel draws for one list of numbers.

use super::colour::{Colour, PAPER, tint};
use super::drawing::{Anchor, Brush, Drawing, Point, Rect};
use super::layout::{DOT, LINE, SPECK, SWATCH, TEXT, THIN};
use super::plot::Plot;

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
    /// From the axis up, as wide as this many units of x.
    Bars(f64),
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
    /// Draws it in a plot.
    pub fn draw(&self, drawing: &mut Drawing, plot: &Plot) {
        // Dots are whole or absent; of lines, what is within; half of one along the edge is not lost.
        let window = plot.place.widened(LINE / 2.0);
        match self.shape {
            Shape::Dots | Shape::Specks => {
                let within = self.points.iter().map(|&point| plot.at(point)).filter(|&place| window.holds(place));
                self.draw_shape(drawing, within.map(|place| vec![place]).collect());
            }
            _ => drawing.clipped(window, |drawing| self.draw_shape(drawing, plot.lines(self))),
        }
    }

    /// Its line of the legend: a swatch, then the name.
    pub fn draw_entry(&self, drawing: &mut Drawing, (x, y): Point) {
        let swatch = Rect { left: x, top: y - 5.0, right: x + SWATCH - 6.0, bottom: y + 5.0 };
        let outline = match self.shape {
            Shape::Dots | Shape::Specks => vec![((swatch.left + swatch.right) / 2.0, y)],
            Shape::Bars(_) | Shape::Area | Shape::Ridge | Shape::Plateau => swatch.corners(),
            Shape::Line | Shape::Thin | Shape::Dashed | Shape::Level | Shape::Vertical => {
                vec![(swatch.left, y), (swatch.right, y)]
            }
        };
        self.draw_shape(drawing, vec![outline]);
        drawing.text(&self.name, TEXT, Anchor::Left, (x + SWATCH, y));
    }

    fn draw_shape(&self, drawing: &mut Drawing, lines: Vec<Vec<Point>>) {
        let colour = self.colour;
        match self.shape {
            Shape::Line => drawing.path(lines, colour, Brush::Line(LINE)),
            Shape::Thin => drawing.path(lines, colour, Brush::Line(THIN)),
            Shape::Dashed | Shape::Level | Shape::Vertical => drawing.path(lines, colour, Brush::Dashes(1.75)),
            Shape::Specks => drawing.path(lines, colour, Brush::Line(SPECK)),
            Shape::Dots => {
                for dot in lines {
                    drawing.path(vec![dot.clone()], PAPER, Brush::Line(DOT + 2.0));
                    drawing.path(vec![dot], colour, Brush::Line(DOT));
                }
            }
            Shape::Bars(_) => drawing.path(lines, colour, Brush::Fill),
            Shape::Area | Shape::Ridge | Shape::Plateau => {
                let (inside, edge) = if self.shape == Shape::Plateau { (0.03, 0.4) } else { (0.28, 1.0) };
                if self.shape == Shape::Ridge {
                    drawing.path(lines.clone(), PAPER, Brush::Fill);
                }
                drawing.path(lines.clone(), tint(colour, inside), Brush::Fill);
                drawing.path(lines, tint(colour, edge), Brush::Line(1.25));
            }
        }
    }
}
