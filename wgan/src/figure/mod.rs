//! Figures: panels with axes in rows, described once and drawn as pixels or as SVG. Whatever they show; the pictures of a
//! run are made of them elsewhere.

mod axis;
mod colour;
mod drawing;
mod font;
mod layout;
mod levels;
mod panel;
mod picture;
mod pixels;
mod plot;

pub use axis::{Axis, axis};
pub use colour::{BLUE, Colour, GREEN, INK, ORANGE, PAPER, PURPLE, SKY, VERMILION, tint};
pub use drawing::{Anchor, Brush, Drawing, Point, Rect, escape};
pub use levels::outlines;
pub use panel::Panel;
pub use picture::{DESCRIPTION, Picture, SOFTWARE, data_uri};

use layout::EDGE;

/// Panels in rows.
///
/// ```
/// use wgan::figure::{BLUE, Figure, ORANGE, Panel};
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

/// Pixels: a figure fits the column of a README.
const WIDTH: usize = 800;

impl Figure {
    /// Panels from left to right, `columns` to a row.
    pub fn new(columns: usize, mut panels: Vec<Panel>) -> Self {
        if panels.len() > 1 {
            panels.iter_mut().zip('a'..='z').for_each(|(panel, letter)| panel.letter = letter.to_string());
        }
        let panel_height = if columns == 1 { 420 } else { 320 };
        Figure { columns, panels, width: WIDTH, panel_height }
    }

    /// The width of all panels of a row together in pixels.
    pub fn width(self, width: usize) -> Self {
        Figure { width, ..self }
    }

    /// The height of each panel in pixels, its title, legend and labels included.
    pub fn panel_height(self, panel_height: usize) -> Self {
        Figure { panel_height, ..self }
    }

    /// As pixels.
    pub fn picture(&self) -> Picture {
        Picture { description: Some(self.texts()), ..self.drawing().pixels() }
    }

    /// What is written in it whatever the numbers are, a line for each panel: a published figure with other texts is older
    /// than the program.
    pub fn texts(&self) -> String {
        self.panels.iter().map(Panel::texts).collect::<Vec<_>>().join("\n")
    }

    /// As the text of an SVG file, or of an element of a page: that can style it by the classes `ink` and `paper`.
    pub fn svg(&self) -> String {
        self.drawing().svg(&self.texts())
    }

    fn drawing(&self) -> Drawing {
        let rows = self.panels.len().div_ceil(self.columns);
        let (width, height) = ((self.width / self.columns) as f64, self.panel_height as f64);
        let (inner_width, inner_height) = (width - 2.0 * EDGE, height - 2.0 * EDGE);
        let panels = || self.panels.iter().enumerate().map(|(i, panel)| (i / self.columns, i % self.columns, panel));
        // The axes of one row are level, those of one column flush.
        let (mut heads, mut gutters) = (vec![0.0f64; rows], vec![0.0f64; self.columns]);
        for (row, _, panel) in panels() {
            heads[row] = heads[row].max(panel.head(inner_width));
        }
        for (row, column, panel) in panels() {
            gutters[column] = gutters[column].max(panel.gutter(inner_height - heads[row]));
        }
        let mut drawing = Drawing::new(self.width as f64, rows as f64 * height);
        for (row, column, panel) in panels() {
            let (left, top) = (column as f64 * width + EDGE, row as f64 * height + EDGE);
            let place = Rect { left, top, right: left + inner_width, bottom: top + inner_height };
            panel.draw(&mut drawing, place, heads[row], gutters[column]);
        }
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel of a bar has its colour, and there is one of twice the height.
    #[test]
    fn bars_stand_on_the_axis_in_proportion() {
        let bars = [(0.0, 1.0), (1.0, 2.0)];
        let picture = Figure::new(1, vec![Panel::new("", "", "").bars("", BLUE, 0.8, bars)]).picture();
        let is_blue = |pixel: &[u8]| pixel == BLUE.rgb;
        let column =
            |x: usize| (0..420).filter(|y| is_blue(&picture.pixels[(y * WIDTH + x) * 3..][..3])).count() as i32;
        assert!((column(600) - 2 * column(200)).abs() <= 2 && column(200) > 100, "{} {}", column(200), column(600));
    }

    #[test]
    fn the_texts_are_all_that_is_written_but_for_what_was_measured() {
        let panel = Panel::new("A wave", axis("time / s").names(&["now", "then"]), "").line("sine", BLUE, []).dots(
            "",
            BLUE,
            [],
        );
        let panels = vec![panel, Panel::new("", "", ""), Panel::new("after", "", "").note("25")];
        assert_eq!(Figure::new(2, panels).texts(), "A wave; time / s; now; then; sine\n\nafter");
    }

    #[test]
    fn what_cannot_be_shown_is_left_out() {
        let wild = [(0.0, f64::NAN), (1.0, f64::INFINITY), (2.0, -1.0)];
        let panel = |panel: Panel| {
            panel.line("a <name>", BLUE, wild).dots("", ORANGE, wild).area("", BLUE, wild).bars("", BLUE, 1.0, wild)
        };
        let panels =
            vec![panel(Panel::new("", "", "")), panel(Panel::new("", "", axis("").log())), Panel::new("", "", "")];
        let figure = Figure::new(2, panels);
        assert_eq!(figure.picture().height, 640);
        let svg = figure.svg();
        assert!(svg.contains("a &lt;name&gt;") && svg.contains("width=\"800\" height=\"640\""));
    }
}
