//! A drawing: lines, areas, words and images, from the back to the front; and the text of an SVG file that shows them.
//! Places and lengths are in pixels, from the upper left.

use super::colour::{Colour, INK, PAPER};
use super::font::{self, CAPITAL};
use super::{Picture, data_uri};

/// A place.
pub type Point = (f64, f64);

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names of its edges")]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// What is drawn, on paper of some size. Figures with axes are made of panels; this is for others.
///
/// ```
/// use wgan::figure::{Anchor, Brush, Drawing, INK, Rect, SKY, tint};
/// let mut drawing = Drawing::new(200.0, 100.0);
/// let field = Rect { left: 20.0, top: 20.0, right: 180.0, bottom: 80.0 };
/// drawing.path(vec![field.corners()], tint(SKY, 0.3), Brush::Fill);
/// drawing.line([(20.0, 80.0), (180.0, 20.0)], INK, 1.0);
/// drawing.text("a field", 14.0, Anchor::Centre, (100.0, 50.0));
/// assert!(drawing.svg("a field and its diagonal").starts_with("<svg"));
/// ```
#[derive(Debug)]
pub struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) elements: Vec<Element>,
}

/// A part of a drawing.
#[derive(Debug)]
pub enum Element {
    /// Lines, or what they enclose together. A line of a single point is a disc.
    Path { lines: Vec<Vec<Point>>, colour: Colour, brush: Brush },
    /// Words.
    Text { text: String, at: Point, anchor: Anchor, size: f64, bold: bool },
    /// A picture, its pixels as squares.
    Image { picture: Picture, place: Rect },
    /// The parts of elements that lie in a rectangle.
    Clipped { elements: Vec<Element>, window: Rect },
}

/// How a path is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Brush {
    /// As an area.
    Fill,
    /// As lines as wide, with round ends.
    Line(f64),
    /// As dashed lines as wide.
    Dashes(f64),
}

/// The length of a dash, and of the gap behind it.
pub const DASHES: [f64; 2] = [7.0, 4.5];

/// Which point of a text its place names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    /// The middle of its left edge.
    Left,
    /// The middle of its right edge.
    Right,
    /// Its centre.
    Centre,
    /// Its centre, the text running upwards.
    Upwards,
}

impl Rect {
    /// From left to right.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// With so much more on each side.
    pub fn widened(&self, by: f64) -> Rect {
        Rect { left: self.left - by, top: self.top - by, right: self.right + by, bottom: self.bottom + by }
    }

    /// Whether a place is in it.
    pub fn holds(&self, (x, y): Point) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// Its outline, from the lower left over the top.
    pub fn corners(&self) -> Vec<Point> {
        let Rect { left, top, right, bottom } = *self;
        vec![(left, bottom), (left, top), (right, top), (right, bottom)]
    }
}

impl Drawing {
    /// Empty paper, so many pixels wide and high.
    pub fn new(width: f64, height: f64) -> Self {
        Drawing { width, height, elements: Vec::new() }
    }

    /// Lines, or what they enclose together. A line of a single point is a disc.
    pub fn path(&mut self, lines: Vec<Vec<Point>>, colour: Colour, brush: Brush) {
        self.elements.push(Element::Path { lines, colour, brush });
    }

    /// A line through points, as wide.
    pub fn line(&mut self, line: impl Into<Vec<Point>>, colour: Colour, width: f64) {
        self.path(vec![line.into()], colour, Brush::Line(width));
    }

    /// Words of a size.
    pub fn text(&mut self, text: &str, size: f64, anchor: Anchor, at: Point) {
        self.words(text, size, anchor, at, false);
    }

    /// Bold words that begin at a place.
    pub fn bold(&mut self, text: &str, size: f64, at: Point) {
        self.words(text, size, Anchor::Left, at, true);
    }

    fn words(&mut self, text: &str, size: f64, anchor: Anchor, at: Point, bold: bool) {
        if !text.is_empty() {
            self.elements.push(Element::Text { text: text.to_owned(), at, anchor, size, bold });
        }
    }

    /// Of what `draw` draws, the parts in `window`.
    pub fn clipped(&mut self, window: Rect, draw: impl FnOnce(&mut Drawing)) {
        let outside = std::mem::take(&mut self.elements);
        draw(self);
        let elements = std::mem::replace(&mut self.elements, outside);
        self.elements.push(Element::Clipped { elements, window });
    }

    /// The text of an SVG file. Within a page, what is drawn in ink takes the colour of the page's text, and the page can
    /// give elements of the class `paper` that of its background.
    pub fn svg(&self, description: &str) -> String {
        let Drawing { width, height, elements } = self;
        let (ink, label, family) = (hexadecimal(INK), escape(description), font::FAMILY);
        let paper = Rect { left: 0.0, top: 0.0, right: *width, bottom: *height }.corners();
        let paper = Element::Path { lines: vec![paper], colour: PAPER, brush: Brush::Fill }.svg();
        let elements: String = elements.iter().map(Element::svg).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\" color=\"{ink}\" fill=\"none\" \
             stroke-linejoin=\"round\" font-family=\"{family}\">\n{paper}{elements}</svg>\n"
        )
    }
}

impl Element {
    fn svg(&self) -> String {
        match self {
            Element::Path { lines, colour, brush } => {
                let places: String = lines.iter().map(|line| places(line)).collect();
                let (fill, stroke, [dash, gap]) = (paint("fill", *colour), paint("stroke", *colour), DASHES);
                let style = match brush {
                    Brush::Fill => format!("{fill} fill-rule=\"evenodd\""),
                    Brush::Line(width) => format!("{stroke} stroke-width=\"{width}\" stroke-linecap=\"round\""),
                    Brush::Dashes(width) => {
                        format!("{stroke} stroke-width=\"{width}\" stroke-dasharray=\"{dash} {gap}\"")
                    }
                };
                format!("<path {style} d=\"{places}\"/>\n")
            }
            Element::Text { text, at: (x, y), anchor, size, bold } => {
                let (anchor, turn) = match anchor {
                    Anchor::Left => ("start", ""),
                    Anchor::Right => ("end", ""),
                    Anchor::Centre => ("middle", ""),
                    Anchor::Upwards => ("middle", " rotate(-90)"),
                };
                let weight = if *bold { " font-weight=\"bold\"" } else { "" };
                let (text, fill) = (escape(text), paint("fill", INK));
                let [x, y, size, down] = [*x, *y, *size, size * CAPITAL / 2.0].map(short);
                format!(
                    "<text {fill} transform=\"translate({x} {y}){turn}\" y=\"{down}\" font-size=\"{size}\"{weight} \
                     text-anchor=\"{anchor}\">{text}</text>\n"
                )
            }
            Element::Image { picture, place } => {
                let (place, address) = (frame(place), data_uri(&picture.encode()));
                format!(
                    "<image {place} preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" href=\"{address}\"/>\n"
                )
            }
            // An SVG within shows nothing beyond its frame, and needs no name, which another figure of a page might have, too.
            Element::Clipped { elements, window } => {
                let [left, top, width, height] = [window.left, window.top, window.width(), window.height()].map(short);
                let (frame, elements) = (frame(window), elements.iter().map(Element::svg).collect::<String>());
                format!("<svg {frame} viewBox=\"{left} {top} {width} {height}\">\n{elements}</svg>\n")
            }
        }
    }
}

/// The attribute for a colour.
fn paint(attribute: &str, colour: Colour) -> String {
    let value = if colour.rgb == INK.rgb { "currentColor".to_owned() } else { hexadecimal(colour) };
    let class = if colour.rgb == PAPER.rgb { " class=\"paper\"" } else { "" };
    let opacity = match colour.opacity {
        1.0 => String::new(),
        opacity => format!(" {attribute}-opacity=\"{opacity}\""),
    };
    format!("{attribute}=\"{value}\"{opacity}{class}")
}

fn hexadecimal(Colour { rgb: [red, green, blue], .. }: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// A line of a path.
fn places(line: &[Point]) -> String {
    let places: Vec<String> = line.iter().map(|&(x, y)| format!("{} {}", short(x), short(y))).collect();
    let end = if line.len() == 1 { "h0" } else { "" };
    format!("M{}{end}", places.join("L"))
}

fn frame(place: &Rect) -> String {
    let [x, y, width, height] = [place.left, place.top, place.width(), place.height()].map(short);
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

/// Tenths of a pixel are as much as anybody sees.
fn short(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// A text as XML and HTML show it, within an element or an attribute.
pub fn escape(text: &str) -> String {
    let entities = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    entities.iter().fold(text.to_owned(), |text, (letter, entity)| text.replace(*letter, entity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{BLUE, tint};

    #[test]
    fn what_xml_would_read_is_escaped() {
        assert_eq!(escape(r#"<a b='c' d="e">&"#), "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;");
    }

    /// A page's own colours replace those of text and background; what is of a colour keeps it.
    #[test]
    fn ink_and_paper_are_the_pages() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.line([(1.0, 2.0), (3.04, 4.0)], tint(INK, 0.5), 1.0);
        drawing.line([(5.0, 5.0)], BLUE, 4.0);
        drawing.text("λ < 1", 8.0, Anchor::Left, (0.0, 0.0));
        let svg = drawing.svg("");
        assert!(svg.contains("<path fill=\"#ffffff\" class=\"paper\""), "{svg}");
        assert!(svg.contains("stroke=\"currentColor\" stroke-opacity=\"0.5\" stroke-width=\"1\""), "{svg}");
        assert!(
            svg.contains("d=\"M1 2L3 4\"") && svg.contains("stroke=\"#0072b2\"") && svg.contains("d=\"M5 5h0\""),
            "{svg}"
        );
        assert!(svg.contains(">λ &lt; 1</text>"), "{svg}");
    }
}
