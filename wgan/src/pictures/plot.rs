//! The rectangle between a panel's axes.

use plotters::prelude::{DrawingBackend, WHITE};

use super::Panel;
use super::axis::{Ruler, Tick};
use super::canvas::{Anchor, Canvas, Place};
use super::layout::{DOT, LABEL_ROW, SPECK, TEXT, TICK};
use super::lines::{dashes, inside, pieces, thinned};
use super::mark::{Mark, OPACITY, Shape};
use super::style::{FAINT, INK};

/// The rectangle between the axes.
pub struct Plot<'a> {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
    x: Ruler,
    y: Ruler,
    columns: Vec<Tick>,
    rows: Vec<Tick>,
    panel: &'a Panel,
}

impl<'a> Plot<'a> {
    pub fn new(panel: &'a Panel, [(left, top), (right, bottom)]: [Place; 2]) -> Self {
        let (x, columns) = panel.x_axis(right - left);
        let (y, rows) = panel.y_axis(bottom - top);
        Plot { left, top, right, bottom, x, y, columns, rows, panel }
    }

    fn column(&self, place: f64) -> i32 {
        self.left + (place * f64::from(self.right - self.left)).round() as i32
    }

    fn row(&self, place: f64) -> i32 {
        self.bottom - (place * f64::from(self.bottom - self.top)).round() as i32
    }

    pub fn draw_grid<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) {
        for row in self.rows.iter().map(|tick| self.row(tick.place)) {
            canvas.line(&[(self.left, row), (self.right, row)], FAINT, 2);
        }
    }

    /// `edge` is where the panel starts.
    pub fn draw_axes<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, edge: i32) {
        canvas.line(&[(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)], INK, 2);
        for tick in &self.columns {
            let column = self.column(tick.place);
            canvas.line(&[(column, self.bottom), (column, self.bottom + TICK)], INK, 2);
            canvas.text(&tick.text, TEXT, Anchor::Centre, (column, self.bottom + LABEL_ROW / 2 + 6));
        }
        for tick in &self.rows {
            let row = self.row(tick.place);
            canvas.line(&[(self.left - TICK, row), (self.left, row)], INK, 2);
            canvas.text(&tick.text, TEXT, Anchor::Right, (self.left - 2 * TICK, row));
        }
        let (middle, centre) = ((self.left + self.right) / 2, (self.top + self.bottom) / 2);
        canvas.text(&self.panel.x.label, TEXT, Anchor::Centre, (middle, self.bottom + LABEL_ROW * 3 / 2));
        canvas.text(&self.panel.y.label, TEXT, Anchor::Upwards, (edge + LABEL_ROW / 2 - 4, centre));
    }

    pub fn draw_mark<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, mark: &Mark) {
        let places = || mark.points.iter().map(|&(x, y)| (self.x.place(x), self.y.place(y)));
        let at = |(x, y): (f64, f64)| (self.column(x), self.row(y));
        match mark.shape {
            Shape::Line | Shape::Thin => {
                let pieces = pieces(places());
                pieces.iter().for_each(|piece| canvas.line(&thinned(piece, at), mark.colour, mark.stroke()));
            }
            Shape::Dashed => {
                let lines = pieces(places()).into_iter().flat_map(|piece| dashes(&thinned(&piece, at)));
                lines.for_each(|dash| canvas.line(&dash, mark.colour, mark.stroke()));
            }
            Shape::Dots => {
                for place in places().filter(inside) {
                    canvas.disc(at(place), DOT + 2, WHITE);
                    canvas.disc(at(place), DOT, mark.colour);
                }
            }
            Shape::Specks => places().filter(inside).for_each(|place| canvas.disc(at(place), SPECK, mark.colour)),
            Shape::Bars(width) => {
                for &(x, y) in mark.points.iter().filter(|point| point.1.is_finite()) {
                    let [left, right] = [-0.5, 0.5].map(|side| self.column(self.x.place(x + side * width)));
                    let top = self.row(self.y.place(y).clamp(0.0, 1.0));
                    canvas.rectangle([(left, top), (right, self.floor())], mark.colour);
                }
            }
            Shape::Area => {
                let places: Vec<_> = places().map(|(x, y)| at((x.clamp(0.0, 1.0), y.clamp(0.0, 1.0)))).collect();
                let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
                let outline = [&[(first.0, self.floor())], &places[..], &[(last.0, self.floor())]].concat();
                canvas.glaze(&outline, mark.colour, OPACITY);
                canvas.line(&places, mark.colour, mark.stroke());
            }
            Shape::Level | Shape::Vertical => {
                let (x, y) = mark.points[0];
                let ends = match mark.shape {
                    Shape::Level => [0.0, 1.0].map(|x| at((x, self.y.place(y)))),
                    _ => [0.0, 1.0].map(|y| at((self.x.place(x), y))),
                };
                dashes(&ends).iter().for_each(|dash| canvas.line(dash, mark.colour, mark.stroke()));
            }
        }
    }

    /// Where bars stand: at 0, or at the end of the axis that is nearer to it.
    fn floor(&self) -> i32 {
        let zero = self.y.place(0.0);
        self.row(if zero.is_nan() { 0.0 } else { zero.clamp(0.0, 1.0) })
    }
}
