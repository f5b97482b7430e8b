//! Figures: panels of lines, points, bars, areas and images, described once and drawn as pixels or as SVG.
//!
//! All lengths inside are in half pixels: pixels are drawn at twice their size, then averaged.

use plotters::prelude::{DrawingBackend, IntoDrawingArea, RGBColor, SVGBackend, WHITE};

use super::Picture;
use super::axis::{Axis, Ruler, Scale, Tick};
use super::canvas::{Anchor, Canvas, IN_MEMORY, Place};
use super::style::{self, FAINT, INK};

/// A picture made of panels in rows.
///
/// ```
/// use wgan::pictures::{BLUE, Figure, ORANGE, Panel};
/// let curve = (0..100).map(|i| f64::from(i) / 10.0).map(|x| (x, x.sin()));
/// let panel = Panel::new("A wave", "time / s", "height / m").line("sine", BLUE, curve).dots("start", ORANGE, [(0.0, 0.0)]);
/// let figure = Figure::new(1, vec![panel]);
/// assert!(figure.picture().encode().starts_with(b"\x89PNG"));
/// assert!(figure.svg().starts_with("<svg"));
/// ```
#[derive(Clone, Debug)]
pub struct Figure {
    columns: usize,
    panels: Vec<Panel>,
    width: usize,
    panel_height: usize,
}

/// A pair of axes with marks between them, or images.
#[derive(Clone, Debug)]
pub struct Panel {
    title: String,
    x: Axis,
    y: Axis,
    marks: Vec<Mark>,
    isometric: bool,
    image: Option<Picture>,
}

/// What is drawn for one list of numbers; without a name it is not in the legend.
#[derive(Clone, Debug)]
struct Mark {
    name: String,
    colour: RGBColor,
    points: Vec<(f64, f64)>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
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

/// Pixels: a figure fits the column of a README.
const WIDTH: usize = 800;

/// The embedded font where a reader has it, or one of the same widths.
const SVG_FONT: &str = "font-family=\"DejaVu Sans, Verdana, sans-serif\"";

// Half pixels.
const EDGE: i32 = 16;
const TEXT: u32 = 28;
const TITLE: u32 = 33;
const TITLE_ROW: i32 = 50;
const LEGEND_ROW: i32 = 40;
const LABEL_ROW: i32 = 42;
const TICK: i32 = 8;
const LINE: u32 = 5;
const DOT: i32 = 7;
const SPECK: i32 = 3;
/// From one mark of an axis to the next, at least.
const ROOM_ABOVE: i32 = 75;
const ROOM_BESIDE: i32 = 120;
/// Between a swatch of the legend and its name, and between names.
const SWATCH: i32 = 44;
const BETWEEN: i32 = 36;

impl Figure {
    /// Panels from left to right, as many in a row.
    pub fn new(columns: usize, panels: Vec<Panel>) -> Self {
        let panel_height = if columns == 1 { 420 } else { 320 };
        Figure { columns, panels, width: WIDTH, panel_height }
    }

    /// The height of each panel in pixels, its title, legend and labels included.
    pub fn panel_height(self, panel_height: usize) -> Self {
        Figure { panel_height, ..self }
    }

    /// As pixels.
    pub fn picture(&self) -> Picture {
        Picture::drawn(self.width, self.height(), |area| {
            self.draw(&mut Canvas::pixels(area));
            Ok(())
        })
    }

    /// As the text of an SVG file.
    pub fn svg(&self) -> String {
        style::register_font();
        let (width, height) = (2 * self.width, 2 * self.height());
        let mut text = String::new();
        let area = SVGBackend::with_string(&mut text, (width as u32, height as u32)).into_drawing_area();
        area.fill(&WHITE).expect(IN_MEMORY);
        let mut canvas = Canvas::svg(&area);
        self.draw(&mut canvas);
        let images = canvas.into_images();
        area.present().expect(IN_MEMORY);
        drop(area);
        let doubled = format!("width=\"{width}\" height=\"{height}\"");
        let shown = format!("width=\"{}\" height=\"{}\"", width / 2, height / 2);
        let font = format!("font-family=\"{}\"", style::FONT);
        text.replacen(&doubled, &shown, 1).replace(&font, SVG_FONT).replace("</svg>", &format!("{images}</svg>"))
    }

    fn height(&self) -> usize {
        self.panels.len().div_ceil(self.columns) * self.panel_height
    }

    fn draw<DB: DrawingBackend>(&self, canvas: &mut Canvas<DB>) {
        let (width, height) = (2 * (self.width / self.columns) as i32, 2 * self.panel_height as i32);
        let (inner_width, inner_height) = (width - 2 * EDGE, height - 2 * EDGE);
        // The axes of one row are level, those of one column flush.
        let heads = self.panels.chunks(self.columns);
        let heads: Vec<i32> =
            heads.map(|row| largest(row.iter().map(|panel| panel.head(canvas, inner_width)))).collect();
        let gutter = |column: usize| {
            let panels =
                self.panels.iter().zip((0..).map(|i| heads[i / self.columns])).skip(column).step_by(self.columns);
            largest(panels.map(|(panel, head)| panel.gutter(canvas, inner_height - head)))
        };
        let gutters: Vec<i32> = (0..self.columns).map(gutter).collect();
        for (i, panel) in self.panels.iter().enumerate() {
            let (row, column) = (i / self.columns, i % self.columns);
            let (left, top) = (column as i32 * width + EDGE, row as i32 * height + EDGE);
            let corners = [(left, top), (left + inner_width, top + inner_height)];
            panel.draw(canvas, corners, heads[row], gutters[column]);
        }
    }
}

fn largest(lengths: impl Iterator<Item = i32>) -> i32 {
    lengths.max().unwrap_or(0)
}

impl Panel {
    /// An empty panel; names and units of its axes.
    pub fn new(title: &str, x: &str, y: &str) -> Self {
        let axis = |label: &str| Axis { label: label.to_owned(), ..Axis::default() };
        Panel { title: title.to_owned(), x: axis(x), y: axis(y), marks: Vec::new(), isometric: false, image: None }
    }

    /// A picture, as large as it fits, without axes.
    pub fn image(title: &str, image: Picture) -> Self {
        Panel { image: Some(image), ..Panel::new(title, "", "") }
    }

    /// What the x-axis shows.
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x.range = Some((low, high));
        self
    }

    /// What the y-axis shows; what is beyond is cut off.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y.range = Some((low, high));
        self
    }

    /// Makes the x-axis logarithmic.
    pub fn x_log(mut self) -> Self {
        self.x.scale = Scale::Logarithmic;
        self
    }

    /// Makes the y-axis logarithmic.
    pub fn y_log(mut self) -> Self {
        self.y.scale = Scale::Logarithmic;
        self
    }

    /// Makes a unit of x as long as one of y.
    pub fn isometric(mut self) -> Self {
        self.isometric = true;
        self
    }

    /// Puts names in the place of the x-axis' numbers 0, 1, 2 …
    pub fn x_names(mut self, names: &[&str]) -> Self {
        self.x.names = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// A line through the points. Where one is infinite or NaN, the line is broken.
    pub fn line(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Line)
    }

    /// A line in the background.
    pub fn thin_line(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Thin)
    }

    /// A dashed line: what is known, beside what is measured.
    pub fn dashed(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Dashed)
    }

    /// A disc at each of the points.
    pub fn dots(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Dots)
    }

    /// A small disc at each of many points.
    pub fn specks(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Specks)
    }

    /// A bar at each of the points, as wide as `width` units of x.
    pub fn bars(self, name: &str, colour: RGBColor, width: f64, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Bars(width))
    }

    /// The area between the points and the x-axis.
    pub fn area(self, name: &str, colour: RGBColor, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        self.mark(name, colour, points, Shape::Area)
    }

    /// The density of values in as many bins from `low` to `high`.
    pub fn histogram(self, name: &str, colour: RGBColor, values: &[f64], low: f64, high: f64, bins: usize) -> Self {
        let width = (high - low) / bins as f64;
        let mut counts = vec![0; bins];
        for bin in values.iter().map(|x| ((x - low) / width).floor()).filter(|bin| (0.0..bins as f64).contains(bin)) {
            counts[bin as usize] += 1;
        }
        let density = |count: i32| f64::from(count) / (values.len() as f64 * width);
        let steps = counts
            .into_iter()
            .enumerate()
            .flat_map(|(i, count)| [i, i + 1].map(|edge| (low + edge as f64 * width, density(count))));
        self.area(name, colour, steps)
    }

    /// A horizontal dashed line.
    pub fn level(self, name: &str, colour: RGBColor, y: f64) -> Self {
        self.mark(name, colour, [(f64::NAN, y)], Shape::Level)
    }

    /// A vertical dashed line.
    pub fn vertical(self, name: &str, colour: RGBColor, x: f64) -> Self {
        self.mark(name, colour, [(x, f64::NAN)], Shape::Vertical)
    }

    fn mark(
        mut self,
        name: &str,
        colour: RGBColor,
        points: impl IntoIterator<Item = (f64, f64)>,
        shape: Shape,
    ) -> Self {
        let points = points.into_iter().collect();
        self.y.from_zero |= matches!(shape, Shape::Bars(_) | Shape::Area);
        self.marks.push(Mark { name: name.to_owned(), colour, points, shape });
        self
    }

    /// The height of title and legend.
    fn head<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, width: i32) -> i32 {
        let rows = self.legend(canvas, width).last().map_or(0, |(_, (_, row))| row + 1);
        self.title_row() + rows * LEGEND_ROW + EDGE
    }

    fn title_row(&self) -> i32 {
        if self.title.is_empty() { 0 } else { TITLE_ROW }
    }

    /// The height of what is written below the plot.
    fn foot(&self) -> i32 {
        if self.x.label.is_empty() { LABEL_ROW } else { 2 * LABEL_ROW }
    }

    /// The width of what is written beside the plot; `height` is that of the plot and its foot.
    fn gutter<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, height: i32) -> i32 {
        let (_, ticks) = self.y_axis(height - self.foot());
        let widest = largest(ticks.iter().map(|tick| canvas.width(&tick.text, TEXT)));
        widest + 3 * TICK + if self.y.label.is_empty() { 0 } else { LABEL_ROW }
    }

    fn x_axis(&self, width: i32) -> (Ruler, Vec<Tick>) {
        let edges = self.marks.iter().filter_map(|mark| match mark.shape {
            Shape::Bars(width) => Some(mark.points.iter().flat_map(move |(x, _)| [x - width / 2.0, x + width / 2.0])),
            _ => None,
        });
        let ruler = self.x.ruler(self.values(|point| point.0).chain(edges.flatten()));
        let ticks = self.x.ticks(&ruler, (width / ROOM_BESIDE).max(2) as usize);
        (ruler, ticks)
    }

    fn y_axis(&self, height: i32) -> (Ruler, Vec<Tick>) {
        let ruler = self.y.ruler(self.values(|point| point.1));
        let ticks = self.y.ticks(&ruler, (height / ROOM_ABOVE).max(2) as usize);
        (ruler, ticks)
    }

    /// `head` is the height of title and legend, `gutter` the width of what is written beside the plot.
    fn draw<DB: DrawingBackend>(
        &self,
        canvas: &mut Canvas<DB>,
        [(left, top), (right, bottom)]: [Place; 2],
        head: i32,
        gutter: i32,
    ) {
        canvas.text(&self.title, TITLE, Anchor::Left, (left, top + TITLE_ROW / 2));
        if let Some(image) = &self.image {
            return canvas.image(fitted(image, [(left, top + head), (right, bottom)]), image);
        }
        for (mark, (x, row)) in self.legend(canvas, right - left) {
            mark.draw_entry(canvas, (left + x, top + self.title_row() + row * LEGEND_ROW + LEGEND_ROW / 2));
        }
        let mut corners = [(left + gutter, top + head), (right - EDGE, bottom - self.foot())];
        if self.isometric {
            corners = self.with_equal_units(corners);
        }
        let plot = Plot::new(self, corners);
        plot.draw_grid(canvas);
        for mark in &self.marks {
            plot.draw_mark(canvas, mark);
        }
        plot.draw_axes(canvas, left);
    }

    /// The largest plot between the corners, from the left, in which units of both axes are equally long.
    fn with_equal_units(&self, [(left, top), (right, bottom)]: [Place; 2]) -> [Place; 2] {
        let (width, height) = (f64::from(right - left), f64::from(bottom - top));
        let unit = |ruler: Ruler, length: f64| (ruler.place(1.0) - ruler.place(0.0)) * length;
        let (unit_x, unit_y) = (unit(self.x_axis(1).0, width), unit(self.y_axis(1).0, height));
        let shrunk = |length: f64, by: f64| (length * by.min(1.0)) as i32;
        [(left, bottom - shrunk(height, unit_x / unit_y)), (left + shrunk(width, unit_y / unit_x), bottom)]
    }

    /// The named marks, each with its place from the left and its row of the legend.
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, width: i32) -> Vec<(&Mark, (i32, i32))> {
        let (mut x, mut row) = (0, 0);
        let named = self.marks.iter().filter(|mark| !mark.name.is_empty());
        named
            .map(|mark| {
                let extent = SWATCH + canvas.width(&mark.name, TEXT);
                if x > 0 && x + extent > width {
                    (x, row) = (0, row + 1);
                }
                let place = (x, row);
                x += extent + BETWEEN;
                (mark, place)
            })
            .collect()
    }

    /// All values along an axis that its range must hold.
    fn values(&self, axis: impl Fn(&(f64, f64)) -> f64) -> impl Iterator<Item = f64> {
        self.marks.iter().flat_map(|mark| &mark.points).map(axis)
    }
}

/// The largest place between the corners for an image, at whole multiples of its size where it is small.
fn fitted(image: &Picture, [(left, top), (right, bottom)]: [Place; 2]) -> [Place; 2] {
    let (width, height) = (f64::from(right - left), f64::from(bottom - top));
    let factor = (width / image.width as f64).min(height / image.height as f64);
    let factor = if factor > 2.0 { factor.floor() } else { factor };
    let extent = |pixels: usize| (pixels as f64 * factor) as i32;
    [(left, top), (left + extent(image.width), top + extent(image.height))]
}

impl Mark {
    /// Its line of the legend: a swatch, then the name.
    fn draw_entry<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, (x, y): Place) {
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

    fn stroke(&self) -> u32 {
        match self.shape {
            Shape::Thin => 2,
            Shape::Area | Shape::Level | Shape::Vertical => 3,
            Shape::Dashed => 4,
            _ => LINE,
        }
    }
}

/// Of areas.
const OPACITY: f64 = 0.25;

/// The rectangle between the axes.
struct Plot<'a> {
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
    fn new(panel: &'a Panel, [(left, top), (right, bottom)]: [Place; 2]) -> Self {
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

    fn draw_grid<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) {
        for row in self.rows.iter().map(|tick| self.row(tick.place)) {
            canvas.line(&[(self.left, row), (self.right, row)], FAINT, 2);
        }
    }

    /// `edge` is where the panel starts.
    fn draw_axes<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, edge: i32) {
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

    fn draw_mark<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, mark: &Mark) {
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

/// Whether a place is within the plot, but for rounding.
fn inside((x, y): &(f64, f64)) -> bool {
    [x, y].iter().all(|u| (-1e-6..=1.000_001).contains(*u))
}

/// The parts of a line that lie inside the plot and have no gap.
fn pieces(places: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let places: Vec<_> = places.collect();
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    for ends in places.windows(2) {
        let Some([from, to]) = clipped([ends[0], ends[1]]) else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The part of a segment inside the unit square (Liang and Barsky 1984).
fn clipped([from, to]: [(f64, f64); 2]) -> Option<[(f64, f64); 2]> {
    let (run, rise) = (to.0 - from.0, to.1 - from.1);
    if !(run.is_finite() && rise.is_finite()) {
        return None;
    }
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (way, room) in [(-run, from.0), (run, 1.0 - from.0), (-rise, from.1), (rise, 1.0 - from.1)] {
        if way == 0.0 && room < 0.0 {
            return None;
        } else if way < 0.0 {
            enter = enter.max(room / way);
        } else if way > 0.0 {
            leave = leave.min(room / way);
        }
    }
    let at = |t: f64| {
        if t == 0.0 {
            from
        } else if t == 1.0 {
            to
        } else {
            (from.0 + t * run, from.1 + t * rise)
        }
    };
    (enter <= leave).then(|| [at(enter), at(leave)])
}

/// The points of a line on the canvas, without those that cannot be told from the one before.
fn thinned(piece: &[(f64, f64)], at: impl Fn((f64, f64)) -> Place) -> Vec<Place> {
    let mut places: Vec<Place> = piece.iter().map(|&place| at(place)).collect();
    places.dedup();
    places
}

/// A line cut into dashes.
fn dashes(points: &[Place]) -> Vec<[Place; 2]> {
    const DASH: f64 = 14.0;
    const GAP: f64 = 9.0;
    let mut dashes = Vec::new();
    let mut done = 0.0; // of the present dash and its gap
    for ends in points.windows(2) {
        let [(x, y), (to_x, to_y)] = [ends[0], ends[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (to_x - x).hypot(to_y - y);
        let at = |t: f64| ((x + (to_x - x) * t / length).round() as i32, (y + (to_y - y) * t / length).round() as i32);
        let mut t = 0.0;
        while t < length {
            let drawing = done < DASH - 1e-6;
            let next = (t + if drawing { DASH } else { DASH + GAP } - done).min(length);
            if drawing {
                dashes.push([at(t), at(next)]);
            }
            done += next - t;
            if done > DASH + GAP - 1e-6 {
                done = 0.0;
            }
            t = next;
        }
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{BLUE, ORANGE};

    #[test]
    fn a_line_is_cut_where_it_leaves_the_plot() {
        assert_eq!(clipped([(-1.0, 0.5), (2.0, 0.5)]), Some([(0.0, 0.5), (1.0, 0.5)]));
        assert_eq!(clipped([(0.25, 0.5), (0.75, 0.5)]), Some([(0.25, 0.5), (0.75, 0.5)]));
        assert_eq!(clipped([(0.0, 2.0), (1.0, 1.5)]), None);
        assert_eq!(clipped([(0.0, f64::NAN), (1.0, 0.5)]), None);
        let broken = [(0.0, 0.0), (0.5, 0.5), (0.6, f64::INFINITY), (0.7, 0.5), (1.0, 0.5)];
        assert_eq!(pieces(broken.into_iter()).len(), 2);
    }

    #[test]
    fn dashes_run_on_around_corners() {
        let straight: i32 = dashes(&[(0, 0), (230, 0)]).iter().map(|[from, to]| to.0 - from.0).sum();
        assert_eq!(straight, 140);
        let bent = dashes(&[(0, 0), (7, 0), (7, 223)]);
        assert_eq!(bent[..3], [[(0, 0), (7, 0)], [(7, 0), (7, 7)], [(7, 16), (7, 30)]]);
    }

    #[test]
    fn a_histogram_is_a_density() {
        let panel = Panel::new("", "", "").histogram("", BLUE, &[0.1, 0.2, 0.7, 9.0], 0.0, 1.0, 2);
        assert_eq!(panel.marks[0].points, [(0.0, 1.0), (0.5, 1.0), (0.5, 0.5), (1.0, 0.5)]);
    }

    /// Every pixel of a bar has its colour, and there is one of twice the height.
    #[test]
    fn bars_stand_on_the_axis_in_proportion() {
        let bars = [(0.0, 1.0), (1.0, 2.0)];
        let picture = Figure::new(1, vec![Panel::new("", "", "").bars("", BLUE, 0.8, bars)]).picture();
        let is_blue = |pixel: &[u8]| (pixel[0], pixel[1], pixel[2]) == (BLUE.0, BLUE.1, BLUE.2);
        let column =
            |x: usize| (0..420).filter(|y| is_blue(&picture.pixels[(y * WIDTH + x) * 3..][..3])).count() as i32;
        assert!((column(600) - 2 * column(200)).abs() <= 2 && column(200) > 100, "{} {}", column(200), column(600));
    }

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let wild = [(0.0, f64::NAN), (1.0, f64::INFINITY), (2.0, -1.0)];
        let panel = |panel: Panel| {
            panel.line("a <name>", BLUE, wild).dots("", ORANGE, wild).area("", BLUE, wild).bars("", BLUE, 1.0, wild)
        };
        let panels = vec![panel(Panel::new("", "", "")), panel(Panel::new("", "", "").y_log()), Panel::new("", "", "")];
        let figure = Figure::new(2, panels);
        assert_eq!(figure.picture().height, 640);
        let svg = figure.svg();
        assert!(svg.contains("a &lt;name&gt;") && svg.contains("width=\"800\" height=\"640\""));
    }

    #[test]
    fn images_keep_their_proportions() {
        let picture = |width, height| Picture { width, height, pixels: vec![7; width * height * 3] };
        assert_eq!(fitted(&picture(10, 20), [(5, 5), (1005, 105)]), [(5, 5), (55, 105)]);
        assert_eq!(fitted(&picture(100, 100), [(0, 0), (150, 200)]), [(0, 0), (150, 150)]);
        let svg = Figure::new(1, vec![Panel::image("seven", picture(2, 2))]).svg();
        assert!(svg.contains("data:image/png;base64,iVBOR") && svg.trim_end().ends_with("</svg>"));
    }
}
