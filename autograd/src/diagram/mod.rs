//! A tape as a picture: a box for each node, lines to the nodes that it reads, as SVG.

mod layout;
pub(crate) mod memory;

use std::fmt::Write;

use self::layout::{Item, Layout};
use crate::interpret::Interpreter;
use crate::{Error, Feed, Node, NodeId, Tape, Tensor};

/// A graph to be drawn: what [`Tape::diagram`] makes of a tape, and [`Device::passes`](crate::Device::passes) of what the
/// compiler's passes do to it.
///
/// ```
/// use autograd::{Feed, Tape};
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x * x * x;
/// let forward = tape.nodes().len();
/// let slope = tape.grad(y, &[x])[0];
/// let nodes = tape.nodes().len();
/// let drawn = tape
///     .diagram()
///     .part("forward", 0..forward)
///     .part("reverse pass", forward..nodes)
///     .values(&tape, Feed::default())?
///     .note(slope.id(), "dy/dx")
///     .svg("x³ and its slope");
/// assert!(drawn.starts_with("<svg") && drawn.contains(">= 27</text>"));
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Diagram {
    boxes: Vec<Block>,
    parts: Vec<String>,
}

/// A box.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// The first is set in bold.
    pub lines: Vec<String>,
    /// The boxes it reads, all earlier ones.
    pub reads: Vec<usize>,
    /// The part it belongs to, by its position.
    pub part: Option<usize>,
    pub is_pale: bool,
}

impl Tape {
    /// The tape as a graph: a box for each node, with its number, its operation and its shape, unless that is a scalar's.
    pub fn diagram(&self) -> Diagram {
        Diagram::of(&self.nodes())
    }
}

impl Diagram {
    pub(crate) fn of(nodes: &[Node]) -> Self {
        let block = |(id, node): (NodeId, &Node)| {
            let shape = (node.shape.rank() > 0).then(|| node.shape.to_string());
            let lines = [format!("%{id} {}", node.op)].into_iter().chain(shape).collect();
            Block { lines, reads: node.inputs.clone(), ..Block::default() }
        };
        Diagram::new(nodes.iter().enumerate().map(block).collect())
    }

    pub(crate) fn new(boxes: Vec<Block>) -> Self {
        Diagram { boxes, parts: Vec::new() }
    }

    /// Gives these nodes a colour of their own, which a legend explains.
    pub fn part(mut self, name: &str, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        nodes.into_iter().for_each(|id| self.boxes[id].part = Some(self.parts.len()));
        self.parts.push(name.to_owned());
        self
    }

    /// Draws these nodes so that they stand back behind the others.
    pub fn pale(mut self, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        nodes.into_iter().for_each(|id| self.boxes[id].is_pale = true);
        self
    }

    /// A further line in a node's box.
    pub fn note(mut self, node: NodeId, text: impl Into<String>) -> Self {
        self.boxes[node].lines.push(text.into());
        self
    }

    /// Notes each node's value, as the reference interpreter computes it in f64: `= 27`.
    ///
    /// # Errors
    /// As [`Tape::interpret`].
    pub fn values(mut self, tape: &Tape, feed: Feed<f64>) -> Result<Self, Error> {
        let nodes = tape.nodes();
        let mut interpreter = Interpreter::new(&nodes, feed)?;
        interpreter.run(&(0..nodes.len()).collect::<Vec<_>>())?;
        for (id, block) in self.boxes.iter_mut().enumerate() {
            block.lines.push(format!("= {}", shown(interpreter.value(id))));
        }
        Ok(self)
    }

    /// The picture: SVG that stands alone or within a page, whose text colour it takes. `description` is what it shows, for
    /// those who don't see it.
    pub fn svg(&self, description: &str) -> String {
        let width = |block: &Block| block.lines.iter().map(|line| text_width(line)).fold(0.0, f64::max) + 2.0 * PADDING;
        let item = |block: &Block| Item {
            width: width(block),
            height: LINE * block.lines.len() as f64 + PADDING,
            reads: block.reads.clone(),
        };
        let items: Vec<Item> = self.boxes.iter().map(item).collect();
        let Layout { places, wires, width, height } = layout::place(&items);
        let mut drawn = Drawing::default();
        let mut legend = 0.0;
        for (part, name) in self.parts.iter().enumerate() {
            legend += drawn.legend(legend, part, name);
        }
        let top = if self.parts.is_empty() { 0.0 } else { LEGEND };
        for wire in &wires {
            let Block { part, is_pale, .. } = self.boxes[wire.reader];
            let points: Vec<[f64; 2]> = wire.points.iter().map(|[x, y]| [*x, y + top]).collect();
            drawn.wire(&points, part, is_pale);
        }
        for ((block, item), [x, y]) in self.boxes.iter().zip(&items).zip(places) {
            drawn.rectangle([x - item.width / 2.0, y + top], [item.width, item.height], block.part, block.is_pale);
            for (number, line) in block.lines.iter().enumerate() {
                let baseline = y + top + LINE * (number as f64 + 1.0);
                drawn.text([x, baseline], "middle", line, number == 0, block.is_pale);
            }
        }
        drawn.svg(description, [width.max(legend), height + top])
    }
}

/// Height of a line of text, room around it, width of a letter.
const LINE: f64 = 15.0;
const PADDING: f64 = 7.0;
const LETTER: f64 = 7.25;
/// Height of the legend.
const LEGEND: f64 = 26.0;

/// Colours of parts: those of Okabe and Ito ("Color universal design", 2008), which people with any colour vision can tell
/// apart.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9"];

/// Shapes, as SVG.
#[derive(Default)]
struct Drawing(String);

impl Drawing {
    fn rectangle(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], part: Option<usize>, is_pale: bool) {
        self.line(format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="4" fill="{0}" fill-opacity="0.14" stroke="{0}"{1}/>"#,
            colour(part),
            opacity(is_pale),
        ));
    }

    /// An entry of the legend, from `x` on; its width.
    fn legend(&mut self, x: f64, part: usize, name: &str) -> f64 {
        self.rectangle([x, 0.0], [12.0, 12.0], Some(part), false);
        self.text([x + 18.0, 10.5], "start", name, false, false);
        text_width(name) + 18.0 + 20.0
    }

    /// A small circle.
    fn mark(&mut self, [x, y]: [f64; 2], is_full: bool) {
        let fill = if is_full { "currentColor" } else { "none" };
        self.line(format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="2.5" fill="{fill}" stroke="currentColor"/>"#));
    }

    /// Vertical where it passes a layer, else a curve; with a tip at its end.
    fn wire(&mut self, points: &[[f64; 2]], part: Option<usize>, is_pale: bool) {
        let mut path = format!("M{:.1} {:.1}", points[0][0], points[0][1]);
        for pair in points.windows(2) {
            let ([x, y], [to_x, to_y]) = (pair[0], pair[1]);
            match x == to_x {
                true => write!(path, "V{to_y:.1}"),
                false => {
                    let middle = (y + to_y) / 2.0;
                    write!(path, "C{x:.1} {middle:.1} {to_x:.1} {middle:.1} {to_x:.1} {to_y:.1}")
                }
            }
            .expect("text");
        }
        self.line(format!(
            r#"<path d="{path}m-3.5 -6l3.5 6l3.5 -6" fill="none" stroke="{}" stroke-opacity="0.8"{}/>"#,
            colour(part),
            opacity(is_pale),
        ));
    }

    fn text(&mut self, [x, y]: [f64; 2], anchor: &str, text: &str, is_bold: bool, is_pale: bool) {
        let weight = if is_bold { r#" font-weight="600""# } else { "" };
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.line(format!(
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="currentColor"{weight}{}>{text}</text>"#,
            opacity(is_pale),
        ));
    }

    fn line(&mut self, element: String) {
        self.0 += &element;
        self.0.push('\n');
    }

    /// Text is dark on a light page and light on a dark one.
    fn svg(&self, description: &str, [width, height]: [f64; 2]) -> String {
        let [width, height] = [width, height].map(|size| size.ceil() + 4.0);
        let description = description.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\" role=\"img\" aria-label=\"{description}\" \
             width=\"{width}\" height=\"{height}\" viewBox=\"-2 -2 {width} {height}\" font-size=\"12\" \
             font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n\
             <style>svg.diagram:root{{color:#222}}@media (prefers-color-scheme:dark){{svg.diagram:root{{color:#ddd}}}}\
             </style>\n{}</svg>\n",
            self.0
        )
    }
}

fn colour(part: Option<usize>) -> &'static str {
    part.map_or("currentColor", |part| COLOURS[part % COLOURS.len()])
}

fn opacity(is_pale: bool) -> &'static str {
    if is_pale { r#" opacity="0.3""# } else { "" }
}

fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * LETTER
}

/// The numbers of a value, to four digits; of many the first ones.
fn shown(value: &Tensor<f64>) -> String {
    let digits = |x: f64| {
        let rounded: f64 = format!("{x:.3e}").parse().expect("a number just printed");
        let is_plain = rounded == 0.0 || !rounded.is_finite() || (1e-4..1e6).contains(&rounded.abs());
        if is_plain { rounded.to_string() } else { format!("{rounded:e}") }
    };
    let numbers: Vec<String> = value.data().iter().take(4).map(|&x| digits(x)).collect();
    match value.data().len() {
        1 => numbers[0].clone(),
        ..=4 => numbers.join(" "),
        _ => numbers.join(" ") + " …",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of a picture, in order.
    fn texts(svg: &str) -> Vec<&str> {
        svg.lines().filter_map(|line| line.strip_suffix("</text>")?.rsplit_once('>')).map(|(_, text)| text).collect()
    }

    #[test]
    fn a_box_says_what_a_node_is_and_what_its_value_is() {
        let tape = Tape::new();
        let x = tape.input("x", [2]);
        let y = (x * x).sum();
        let inputs = [("x", &Tensor::new([2], vec![1.0 / 3.0, 2e7]).unwrap())];
        let diagram = tape.diagram().values(&tape, Feed { inputs: &inputs, step: 0 }).unwrap().note(y.id(), "a < b");
        let svg = diagram.svg("");
        let expected = [
            r#"%0 input "x""#,
            "[2]",
            "= 0.3333 2e7",
            "%1 mul",
            "[2]",
            "= 0.1111 4e14",
            "%2 sum axes=[0]",
            "= 4e14",
            "a &lt; b",
        ];
        assert_eq!(texts(&svg), expected);
        assert_eq!(svg.matches("<path").count(), 3, "x is read twice");
    }

    #[test]
    fn parts_have_a_legend_and_a_colour_each() {
        let tape = Tape::new();
        let x = tape.scalar(2.0);
        x.exp();
        let svg = tape.diagram().part("forward", [0]).part("behind", [1]).pale([1]).svg("a \"picture\"");
        assert_eq!(texts(&svg)[..2], ["forward", "behind"]);
        assert_eq!(svg.matches(COLOURS[0]).count(), 4, "legend and box, filled and framed");
        assert_eq!(svg.matches(COLOURS[1]).count(), 5, "and the line to it");
        assert_eq!(svg.matches(r#"opacity="0.3""#).count(), 3, "box, line and text of one node");
        assert!(svg.contains(r#"aria-label="a &quot;picture&quot;""#));
    }
}
