//! A panel of a figure: axes with lines, points, bars and areas between them, or an image; and where all of it goes.

use super::Picture;
use super::axis::{Axis, Ruler, Tick};
use super::colour::{Colour, PAPER, tint};
use super::drawing::Brush::{self, Dashes, Fill, Line};
use super::drawing::{Anchor, Drawing, Element, Point, Rect};
use super::layout::{
    BETWEEN, BROAD, DOT, EDGE, LABEL_ROW, LEGEND_ROW, LINE, RING, ROOM_ABOVE, ROOM_BESIDE, SPECK, SWATCH, TEXT, THIN,
    TICK, TITLE, TITLE_ROW,
};
use super::plot::{Form, Mark, Plot};
use super::{font, levels};
use crate::numbers::extent;

/// For what is known, beside what is measured.
const DASHED: Brush = Dashes(1.75);
/// Where a line is interrupted.
const GAP: Point = (f64::NAN, f64::NAN);

/// A pair of axes with marks between them, or pictures.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Its name among the panels of a figure, if there are several.
    pub(super) letter: String,
    title: String,
    note: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) marks: Vec<Mark>,
    isometric: bool,
    /// Each with its name.
    images: Vec<(String, Picture)>,
}

impl Panel {
    /// An empty panel.
    pub fn new(title: &str, x: impl Into<Axis>, y: impl Into<Axis>) -> Self {
        Panel { title: title.to_owned(), x: x.into(), y: y.into(), ..Panel::default() }
    }

    /// A picture, as large as it fits, without axes.
    pub fn image(title: &str, image: Picture) -> Self {
        Panel::images(title, [(String::new(), image)])
    }

    /// Pictures side by side, each as large as its share of the width lets it be, below its name.
    pub fn images(title: &str, images: impl IntoIterator<Item = (String, Picture)>) -> Self {
        Panel { images: images.into_iter().collect(), ..Panel::new(title, "", "") }
    }

    /// What was measured or chosen, behind the title: it may differ from one drawing to the next.
    pub fn note(self, note: impl Into<String>) -> Self {
        Panel { note: note.into(), ..self }
    }

    /// Makes a unit of x as long as one of y.
    pub fn isometric(self) -> Self {
        Panel { isometric: true, ..self }
    }

    /// A line through the points. Where one is infinite or NaN, the line is broken.
    pub fn line(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Line, &[(colour, Line(LINE))], points)
    }

    /// A line in the background.
    pub fn thin_line(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Line, &[(colour, Line(THIN))], points)
    }

    /// A broad, faint line: one that another line may lie on without hiding it.
    pub fn broad_line(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Line, &[(tint(colour, 0.5), Line(BROAD))], points)
    }

    /// The band between a lower and an upper value at each x, from left to right: how far several curves spread.
    pub fn band(self, name: &str, colour: Colour, bounds: impl IntoIterator<Item = (f64, [f64; 2])>) -> Self {
        let bounds: Vec<_> = bounds.into_iter().collect();
        let edge = |i: usize| bounds.iter().map(move |(x, bounds)| (*x, bounds[i]));
        let outline: Vec<_> = edge(0).chain(edge(1).rev()).collect();
        self.mark(name, Form::Outline, &[(tint(colour, 0.22), Fill)], outline)
    }

    /// A dashed line: what is known, beside what is measured.
    pub fn dashed(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Line, &[(colour, DASHED)], points)
    }

    /// A disc at each of the points.
    pub fn dots(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Dots, &[(PAPER, Line(DOT + 2.0)), (colour, Line(DOT))], points)
    }

    /// A ring about each of the points: one that a line leaves out, or that a disc shares with another.
    pub fn rings(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Dots, &[(colour, Line(RING)), (PAPER, Line(DOT))], points)
    }

    /// A small disc at each of many points.
    pub fn specks(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Dots, &[(colour, Line(SPECK))], points)
    }

    /// A bar at each of the points, as wide as `width` units of x.
    pub fn bars(self, name: &str, colour: Colour, width: f64, points: impl IntoIterator<Item = Point>) -> Self {
        let tops = points.into_iter().flat_map(|(x, y)| [(x - width / 2.0, y), (x + width / 2.0, y), GAP]);
        self.mark(name, Form::Top, &[(colour, Fill)], tops)
    }

    /// The area between the points and the x-axis.
    pub fn area(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Top, &[(tint(colour, 0.28), Fill), (colour, Line(1.25))], points)
    }

    /// The density of values in as many bins from `low` to `high`.
    pub fn histogram(self, name: &str, colour: Colour, values: &[f64], low: f64, high: f64, bins: usize) -> Self {
        let width = (high - low) / bins as f64;
        let mut counts = vec![0; bins];
        for bin in values.iter().map(|x| ((x - low) / width).floor()).filter(|bin| (0.0..bins as f64).contains(bin)) {
            counts[bin as usize] += 1;
        }
        let density = |i: usize| f64::from(counts[i]) / (values.len() as f64 * width);
        let step = |i| [i, i + 1].map(|edge| (low + edge as f64 * width, density(i)));
        self.area(name, colour, (0..bins).flat_map(step))
    }

    /// What a closed line encloses, in front of all that is behind.
    pub fn ridge(self, name: &str, colour: Colour, points: impl IntoIterator<Item = Point>) -> Self {
        self.mark(name, Form::Outline, &[(PAPER, Fill), (tint(colour, 0.28), Fill), (colour, Line(1.25))], points)
    }

    /// Level lines at as many values between the lowest and the highest of those on a grid over all that is shown, in rows of
    /// `across`, the lowest row first. What is higher is darker.
    ///
    /// # Panics
    /// If the panel was not told what its axes show.
    pub fn levels(mut self, name: &str, colour: Colour, values: &[f64], across: usize, count: usize) -> Self {
        let [(left, right), (bottom, top)] = [&self.x, &self.y].map(|axis| axis.range.expect("a range"));
        let (low, high) = extent(values.iter().copied().filter(|x| x.is_finite()));
        let count = if low < high { count } else { 0 }; // a flat field has none
        for i in 1..=count {
            let outlines = levels::outlines(values, across, low + (high - low) * i as f64 / (count + 1) as f64);
            let points = outlines.into_iter().flat_map(|outline| outline.into_iter().chain([GAP]));
            let points = points.map(|(x, y)| (left + x * (right - left), bottom + y * (top - bottom)));
            let layers = [(tint(colour, 0.03), Fill), (tint(colour, 0.4), Line(1.25))];
            self = self.mark(if i == 1 { name } else { "" }, Form::Outline, &layers, points);
        }
        self
    }

    /// A horizontal dashed line.
    pub fn level(self, name: &str, colour: Colour, y: f64) -> Self {
        self.mark(name, Form::Level, &[(colour, DASHED)], [(f64::NAN, y)])
    }

    /// A vertical dashed line.
    pub fn vertical(self, name: &str, colour: Colour, x: f64) -> Self {
        self.mark(name, Form::Vertical, &[(colour, DASHED)], [(x, f64::NAN)])
    }

    fn mark(
        mut self,
        name: &str,
        form: Form,
        layers: &[(Colour, Brush)],
        points: impl IntoIterator<Item = Point>,
    ) -> Self {
        let (name, layers, points) = (name.to_owned(), layers.to_vec(), points.into_iter().collect());
        self.y.from_zero |= form == Form::Top;
        self.marks.push(Mark { name, form, layers, points });
        self
    }

    /// The height of title and legend.
    pub(super) fn head(&self, width: f64) -> f64 {
        let rows = self.legend(width).last().map_or(0.0, |(_, (_, row))| row + 1.0);
        self.title_row() + rows * LEGEND_ROW + EDGE
    }

    fn title_row(&self) -> f64 {
        if [&self.letter, &self.title, &self.note].iter().all(|text| text.is_empty()) { 0.0 } else { TITLE_ROW }
    }

    /// The height of what is written below the plot.
    fn foot(&self) -> f64 {
        if self.x.title().is_empty() { LABEL_ROW } else { 2.0 * LABEL_ROW }
    }

    /// The width of what is written beside the plot; `height` is that of the plot and its foot.
    pub(super) fn gutter(&self, height: f64) -> f64 {
        let ruler = self.y_ruler(height - self.foot());
        let widest = ruler.ticks.iter().map(|tick| font::width(&tick.text, TEXT)).fold(0.0, f64::max);
        widest + 3.0 * TICK + if self.y.title().is_empty() { 0.0 } else { LABEL_ROW }
    }

    /// How far the last mark's text reaches beyond the plot, which has about this width.
    fn overhang(&self, width: f64) -> f64 {
        let reach = |tick: &Tick| font::width(&tick.text, TEXT) / 2.0 - (1.0 - tick.place) * width;
        self.x_ruler(width).ticks.iter().map(reach).fold(EDGE, f64::max)
    }

    fn x_ruler(&self, width: f64) -> Ruler {
        self.x.ruler(self.values(|point| point.0), width / ROOM_BESIDE)
    }

    fn y_ruler(&self, height: f64) -> Ruler {
        self.y.ruler(self.values(|point| point.1), height / ROOM_ABOVE)
    }

    /// Draws it in `place`; `head` is the height of title and legend, `gutter` the width of what is written beside the plot.
    pub(super) fn draw(&self, drawing: &mut Drawing, place: Rect, head: f64, gutter: f64) {
        let Rect { left, top, right, bottom } = place;
        let line = top + TITLE_ROW / 2.0;
        let letter = if self.letter.is_empty() { 0.0 } else { font::width(&self.letter, TITLE) + SWATCH / 2.0 };
        drawing.bold(&self.letter, TITLE, (left, line));
        let title = format!("{} {}", self.title, self.note);
        let size = font::fitting(title.trim(), TITLE, right - left - letter);
        drawing.text(title.trim(), size, Anchor::Left, (left + letter, line));
        for (mark, (x, row)) in self.legend(place.width()) {
            mark.draw_entry(drawing, (left + x, top + self.title_row() + (row + 0.5) * LEGEND_ROW));
        }
        let top = top + head;
        if !self.images.is_empty() {
            return self.draw_images(drawing, Rect { top, ..place });
        }
        let plot = Rect {
            left: left + gutter,
            top,
            right: right - self.overhang(right - left - gutter),
            bottom: bottom - self.foot(),
        };
        let plot = if self.isometric { self.with_equal_units(plot) } else { plot };
        let (x, y) = (self.x_ruler(plot.width()), self.y_ruler(plot.height()));
        Plot { place: plot, x, y, panel: self }.draw(drawing, left);
    }

    fn draw_images(&self, drawing: &mut Drawing, Rect { mut left, top, right, bottom }: Rect) {
        let (gaps, are_named) = (self.images.len() - 1, self.images.iter().any(|(name, _)| !name.is_empty()));
        let width = (right - left - gaps as f64 * BETWEEN) / self.images.len() as f64;
        let below = top + if are_named { LABEL_ROW } else { 0.0 };
        for (name, picture) in &self.images {
            let place = fitted(picture, Rect { left, top: below, right: left + width, bottom });
            let size = font::fitting(name, TEXT, place.width());
            drawing.text(name, size, Anchor::Left, (left, top + LABEL_ROW / 2.0));
            drawing.elements.push(Element::Image { picture: picture.clone(), place });
            left = place.right + BETWEEN;
        }
    }

    /// The largest plot there, from the lower left, in which units of both axes are equally long.
    fn with_equal_units(&self, place: Rect) -> Rect {
        let unit = |ruler: Ruler, length: f64| (ruler.place(1.0) - ruler.place(0.0)) * length;
        let (width, height) = (place.width(), place.height());
        let (unit_x, unit_y) = (unit(self.x_ruler(width), width), unit(self.y_ruler(height), height));
        let (across, up) = (width * (unit_y / unit_x).min(1.0), height * (unit_x / unit_y).min(1.0));
        Rect { right: place.left + across, top: place.bottom - up, ..place }
    }

    /// What is written in the panel whatever the numbers are: the title, the axes, the legend.
    pub(super) fn texts(&self) -> String {
        let fixed = [&self.title, &self.x.label, &self.y.label].into_iter().chain(&self.x.names);
        let all = fixed.chain(self.marks.iter().map(|mark| &mark.name)).filter(|text| !text.is_empty());
        all.map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// The named marks, each with its place from the left and its row of the legend.
    fn legend(&self, width: f64) -> Vec<(&Mark, (f64, f64))> {
        let (mut x, mut row) = (0.0, 0.0);
        let mut placed = |mark: &Mark| {
            let extent = SWATCH + font::width(&mark.name, TEXT);
            if x > 0.0 && x + extent > width {
                (x, row) = (0.0, row + 1.0);
            }
            let place = (x, row);
            x += extent + BETWEEN;
            place
        };
        self.marks.iter().filter(|mark| !mark.name.is_empty()).map(|mark| (mark, placed(mark))).collect()
    }

    /// All values along an axis that its range must hold.
    fn values(&self, axis: impl Fn(&(f64, f64)) -> f64) -> impl Iterator<Item = f64> {
        self.marks.iter().flat_map(|mark| &mark.points).map(axis)
    }
}

/// The largest place there for an image, at whole multiples of its size where it is small.
fn fitted(image: &Picture, Rect { left, top, right, bottom }: Rect) -> Rect {
    let (width, height) = (image.width as f64, image.height as f64);
    let factor = ((right - left) / width).min((bottom - top) / height);
    let factor = if factor > 1.0 { factor.floor() } else { factor };
    Rect { left, top, right: left + width * factor, bottom: top + height * factor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{BLUE, Figure};

    #[test]
    fn a_histogram_is_a_density() {
        let panel = Panel::new("", "", "").histogram("", BLUE, &[0.1, 0.2, 0.7, 9.0], 0.0, 1.0, 2);
        assert_eq!(panel.marks[0].points, [(0.0, 1.0), (0.5, 1.0), (0.5, 0.5), (1.0, 0.5)]);
    }

    #[test]
    fn a_band_is_closed_by_its_upper_edge() {
        let panel = Panel::new("", "", "").band("", BLUE, [(0.0, [1.0, 2.0]), (1.0, [0.0, 3.0])]);
        assert_eq!(panel.marks[0].points, [(0.0, 1.0), (1.0, 0.0), (1.0, 3.0), (0.0, 2.0)]);
    }

    #[test]
    fn images_keep_their_proportions() {
        let picture = |width, height| Picture::of_pixels(width, height, vec![7; width * height * 3]);
        let place = |right, bottom| Rect { left: 0.0, top: 5.0, right, bottom };
        assert_eq!(fitted(&picture(10, 20), place(1000.0, 105.0)), place(50.0, 105.0));
        assert_eq!(fitted(&picture(100, 100), place(50.0, 205.0)), place(50.0, 55.0));
        let svg = Figure::new(1, vec![Panel::image("seven", picture(2, 2))]).svg();
        assert!(svg.contains("data:image/png;base64,iVBOR") && svg.trim_end().ends_with("</svg>"));
    }

    /// Two squares in a row of 800 − 16 pixels, whose height lets them be 100 pixels wide.
    #[test]
    fn images_side_by_side_are_below_their_names() {
        let square = || Picture::of_pixels(100, 100, vec![0; 30_000]);
        let panel = Panel::images("", [("<a>".to_owned(), square()), ("b".to_owned(), square())]);
        let svg = Figure::new(1, vec![panel]).panel_height(100 + 24 + 21).svg();
        assert!(svg.contains("<image x=\"8\" y=\"37\" width=\"100\" height=\"100\""), "{svg}");
        assert!(svg.contains("<image x=\"126\" y=\"37\""), "{svg}");
        assert!(svg.contains("translate(8 26.5)") && svg.contains(">&lt;a&gt;</text>"), "{svg}");
    }
}
