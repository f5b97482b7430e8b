//! The rectangle between a panel's axes, and the marks in it.

use super::axis::{Axis, Ruler, Tick};
use super::colour::{Colour, INK, tint};
use super::drawing::{Anchor, Brush, Drawing, Point, Rect};
use super::layout::{LABEL_ROW, LINE, SWATCH, TEXT, THIN, TICK};
use super::{Panel, font};

/// What is drawn for one list of numbers; without a name it is not in the legend.
#[derive(Clone, Debug)]
pub struct Mark {
    pub name: String,
    pub form: Form,
    /// The colours and brushes it is drawn with, one over the other.
    pub layers: Vec<(Colour, Brush)>,
    pub points: Vec<Point>,
}

/// What the points of a mark are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Dots,
    Line,
    /// The outline of an area.
    Outline,
    /// The upper edge of an area that stands on the axis.
    Top,
    /// A line over the whole width, at the height of the point.
    Level,
    /// A line over the whole height.
    Vertical,
}

impl Mark {
    /// Its line of the legend: a swatch, then the name.
    pub fn draw_entry(&self, drawing: &mut Drawing, (x, y): Point) {
        let swatch = Rect { left: x, top: y - 5.0, right: x + SWATCH - 6.0, bottom: y + 5.0 };
        let middle = (swatch.left + swatch.right) / 2.0;
        let lines = match self.form {
            // A speck alone is easily missed.
            Form::Dots if self.layers.len() == 1 => [-5.0, 0.0, 5.0].map(|by| vec![(middle + by, y)]).to_vec(),
            Form::Dots => vec![vec![(middle, y)]],
            Form::Outline | Form::Top => vec![[swatch.corners(), swatch.corners()[..1].to_vec()].concat()],
            Form::Line | Form::Level | Form::Vertical => vec![vec![(swatch.left, y), (swatch.right, y)]],
        };
        self.draw(drawing, lines);
        drawing.text(&self.name, TEXT, Anchor::Left, (x + SWATCH, y));
    }

    fn draw(&self, drawing: &mut Drawing, lines: Vec<Vec<Point>>) {
        for &(colour, brush) in &self.layers {
            drawing.path(lines.clone(), colour, brush);
        }
    }
}

/// The rectangle between the axes, and where their marks are.
pub struct Plot<'a> {
    pub place: Rect,
    pub x: Ruler,
    pub y: Ruler,
    pub panel: &'a Panel,
}

/// Places are no farther away than so many times the plot's size, which is far enough for a line to leave it as it should.
const FAR: f64 = 20.0;

impl Plot<'_> {
    /// Where a share of the axis' length is.
    fn column(&self, share: f64) -> f64 {
        self.place.left + share.clamp(-FAR, FAR) * self.place.width()
    }

    fn row(&self, share: f64) -> f64 {
        self.place.bottom - share.clamp(-FAR, FAR) * self.place.height()
    }

    /// The place of a point; not finite if it has none.
    fn at(&self, (x, y): Point) -> Point {
        let share = |share: f64| if share.is_finite() { share } else { f64::NAN };
        (self.column(share(self.x.place(x))), self.row(share(self.y.place(y))))
    }

    /// Draws a mark. Dots are whole or absent; of lines and areas, what is within; half of a line along the edge is not lost.
    fn draw_mark(&self, drawing: &mut Drawing, mark: &Mark) {
        let (window, Rect { left, top, right, bottom }) = (self.place.widened(LINE / 2.0), self.place);
        let places: Vec<Point> = mark.points.iter().map(|&point| self.at(point)).collect();
        let lines = places.split(|(x, y)| !(x.is_finite() && y.is_finite())).filter(|line| !line.is_empty());
        let lines = match mark.form {
            Form::Dots => {
                let dots = places.iter().filter(|&&place| window.holds(place)).map(|&dot| vec![dot]);
                // Those that have an edge are drawn one after the other, so that it shows where they overlap.
                return match mark.layers.len() {
                    1 => mark.draw(drawing, dots.collect()),
                    _ => dots.for_each(|dot| mark.draw(drawing, vec![dot])),
                };
            }
            Form::Line | Form::Outline => lines.map(<[_]>::to_vec).collect(),
            Form::Top => {
                let below = |(x, _): Point| [(x, self.floor())];
                lines.map(|line| [&below(line[0]), line, &below(line[line.len() - 1])].concat()).collect()
            }
            Form::Level => places.iter().map(|&(_, y)| vec![(left, y), (right, y)]).collect(),
            Form::Vertical => places.iter().map(|&(x, _)| vec![(x, bottom), (x, top)]).collect(),
        };
        drawing.clipped(window, |drawing| mark.draw(drawing, lines));
    }

    /// Where bars stand: at 0, or at the end of the axis that is nearer to it.
    fn floor(&self) -> f64 {
        self.row(self.y.place(0.0).clamp(0.0, 1.0))
    }

    /// Draws the grid, the marks and the axes; `edge` is where the panel starts.
    pub fn draw(&self, drawing: &mut Drawing, edge: f64) {
        let Rect { left, top, right, bottom } = self.place;
        for tick in self.y.ticks.iter().filter(|tick| !tick.text.is_empty()) {
            let row = sharp(self.row(tick.place));
            drawing.line([(left, row), (right, row)], tint(INK, 0.12), THIN);
        }
        self.panel.marks.iter().for_each(|mark| self.draw_mark(drawing, mark));
        let (left, bottom) = (sharp(left), sharp(bottom));
        drawing.line([(left, top), (left, bottom), (right, bottom)], INK, THIN);
        let length = |tick: &Tick| if tick.text.is_empty() { TICK / 2.0 } else { TICK };
        for tick in &self.x.ticks {
            let column = sharp(self.column(tick.place));
            drawing.line([(column, bottom), (column, bottom + length(tick))], INK, THIN);
            drawing.text(&tick.text, TEXT, Anchor::Centre, (column, bottom + LABEL_ROW / 2.0 + 3.0));
        }
        for tick in &self.y.ticks {
            let row = sharp(self.row(tick.place));
            drawing.line([(left - length(tick), row), (left, row)], INK, THIN);
            drawing.text(&tick.text, TEXT, Anchor::Right, (left - 2.0 * TICK, row));
        }
        let (middle, centre) = ((left + right) / 2.0, (top + bottom) / 2.0);
        let label = |axis: &Axis, room: f64| (axis.title(), font::fitting(&axis.title(), TEXT, room + LABEL_ROW));
        let (text, size) = label(&self.panel.x, self.place.width());
        drawing.text(&text, size, Anchor::Centre, (middle, bottom + LABEL_ROW * 1.5));
        let (text, size) = label(&self.panel.y, self.place.height());
        drawing.text(&text, size, Anchor::Upwards, (edge + LABEL_ROW / 2.0 - 2.0, centre));
    }
}

/// Where a line of one pixel fills pixels.
fn sharp(x: f64) -> f64 {
    x.floor() + 0.5
}
