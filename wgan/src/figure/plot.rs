//! The rectangle between a panel's axes.

use super::axis::{Axis, Ruler, Tick};
use super::colour::{INK, tint};
use super::drawing::{Anchor, Drawing, Point, Rect};
use super::layout::{LABEL_ROW, TEXT, THIN, TICK};
use super::mark::{Mark, Shape};
use super::{Panel, font};

/// The rectangle between the axes, and where their marks are.
pub struct Plot<'a> {
    pub place: Rect,
    x: Ruler,
    y: Ruler,
    columns: Vec<Tick>,
    rows: Vec<Tick>,
    panel: &'a Panel,
}

/// Places are no farther away than so many times the plot's size, which is far enough for a line to leave it as it should.
const FAR: f64 = 20.0;

impl<'a> Plot<'a> {
    pub fn new(panel: &'a Panel, place: Rect) -> Self {
        let (x, columns) = panel.x_axis(place.width());
        let (y, rows) = panel.y_axis(place.height());
        Plot { place, x, y, columns, rows, panel }
    }

    /// Where a share of the axis' length is.
    fn column(&self, share: f64) -> f64 {
        self.place.left + share.clamp(-FAR, FAR) * self.place.width()
    }

    fn row(&self, share: f64) -> f64 {
        self.place.bottom - share.clamp(-FAR, FAR) * self.place.height()
    }

    /// The place of a point; not finite if it has none.
    pub fn at(&self, (x, y): Point) -> Point {
        let share = |share: f64| if share.is_finite() { share } else { f64::NAN };
        (self.column(share(self.x.place(x))), self.row(share(self.y.place(y))))
    }

    /// The lines of a mark: through its points, from the axis to them, or across the plot.
    pub fn lines(&self, mark: &Mark) -> Vec<Vec<Point>> {
        let Rect { left, top, right, bottom } = self.place;
        let places: Vec<Point> = mark.points.iter().map(|&point| self.at(point)).collect();
        let is_gap = |place: &Point| !(place.0.is_finite() && place.1.is_finite());
        let lines = places.split(is_gap).filter(|line| !line.is_empty());
        match mark.shape {
            Shape::Bars(width) => {
                let bar = |&(x, y): &Point| [x - width / 2.0, x + width / 2.0].map(|x| self.at((x, y)));
                let bars = mark.points.iter().map(bar).filter(|bar| !bar.iter().any(is_gap));
                bars.map(|[(left, top), (right, _)]| Rect { left, top, right, bottom: self.floor() }.corners())
                    .collect()
            }
            Shape::Area => {
                let ends = |line: &[Point]| [line[0], line[line.len() - 1]].map(|(x, _)| [(x, self.floor())]);
                lines.map(|line| [&ends(line)[0], line, &ends(line)[1]].concat()).collect()
            }
            Shape::Level => places.iter().map(|&(_, y)| vec![(left, y), (right, y)]).collect(),
            Shape::Vertical => places.iter().map(|&(x, _)| vec![(x, bottom), (x, top)]).collect(),
            _ => lines.map(<[_]>::to_vec).collect(),
        }
    }

    /// Where bars stand: at 0, or at the end of the axis that is nearer to it.
    fn floor(&self) -> f64 {
        self.row(self.y.place(0.0).clamp(0.0, 1.0))
    }

    /// Draws the grid, the marks and the axes; `edge` is where the panel starts.
    pub fn draw(&self, drawing: &mut Drawing, edge: f64) {
        let Rect { left, top, right, bottom } = self.place;
        for tick in self.rows.iter().filter(|tick| !tick.text.is_empty()) {
            let row = sharp(self.row(tick.place));
            drawing.line([(left, row), (right, row)], tint(INK, 0.12), THIN);
        }
        self.panel.marks.iter().for_each(|mark| mark.draw(drawing, self));
        let (left, bottom) = (sharp(left), sharp(bottom));
        drawing.line([(left, top), (left, bottom), (right, bottom)], INK, THIN);
        let length = |tick: &Tick| if tick.text.is_empty() { TICK / 2.0 } else { TICK };
        for tick in &self.columns {
            let column = sharp(self.column(tick.place));
            drawing.line([(column, bottom), (column, bottom + length(tick))], INK, THIN);
            drawing.text(&tick.text, TEXT, Anchor::Centre, (column, bottom + LABEL_ROW / 2.0 + 3.0));
        }
        for tick in &self.rows {
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
