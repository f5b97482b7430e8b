//! Figures: panels in rows, described once and drawn as pixels or as SVG.

use plotters::prelude::{DrawingBackend, IntoDrawingArea, SVGBackend, WHITE};

use super::canvas::{Canvas, IN_MEMORY};
use super::layout::EDGE;
use super::{DESCRIPTION, Panel, Picture, style};

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

/// Pixels: a figure fits the column of a README.
const WIDTH: usize = 800;

/// The embedded font where a reader has it, or one of the same widths.
const SVG_FONT: &str = "font-family=\"DejaVu Sans, Verdana, sans-serif\"";

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
        let mut picture = Picture::drawn(self.width, self.height(), |area| {
            self.draw(&mut Canvas::pixels(area));
            Ok(())
        });
        picture.texts.push((DESCRIPTION, self.texts()));
        picture
    }

    /// What is written in it whatever the numbers are, a line for each panel: a published figure with other texts is older
    /// than the program.
    pub fn texts(&self) -> String {
        self.panels.iter().map(Panel::texts).collect::<Vec<_>>().join("\n")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pictures::{BLUE, ORANGE};

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
    fn the_texts_are_all_that_is_written_but_for_what_was_measured() {
        let panel =
            Panel::new("A wave", "time / s", "").x_names(&["now", "then"]).line("sine", BLUE, []).dots("", BLUE, []);
        let panels = vec![panel, Panel::new("", "", ""), Panel::new("after", "", "").note("25")];
        assert_eq!(Figure::new(2, panels).texts(), "A wave; time / s; now; then; sine\n\nafter");
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
}
