//! A drawing as pixels, by `tiny-skia`.

use tiny_skia::{
    Color, FillRule, FilterQuality, IntSize, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, PixmapPaint,
    Stroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::Picture;
use super::colour::{Colour, INK};
use super::drawing::{Anchor, Brush, DASHES, Drawing, Element, Point};
use super::font::{self, CAPITAL, FACE};

/// What is drawn upon so far.
struct Canvas {
    pixels: Pixmap,
    /// What of the next elements shows; all of them without one.
    mask: Option<Mask>,
}

impl Drawing {
    /// The drawing on white.
    pub fn pixels(&self) -> Picture {
        let mut pixels = Pixmap::new(self.width as u32, self.height as u32).expect("a drawing has a size");
        pixels.fill(Color::WHITE);
        let mut canvas = Canvas { pixels, mask: None };
        self.elements.iter().for_each(|element| canvas.draw(element));
        let rgb = canvas.pixels.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]).copied().collect();
        Picture::of_pixels(self.width as usize, self.height as usize, rgb)
    }
}

impl Canvas {
    fn draw(&mut self, element: &Element) {
        match element {
            Element::Path { lines, colour, brush } => {
                let Some(path) = path(lines) else { return };
                match *brush {
                    Brush::Fill => self.fill(&path, *colour, FillRule::EvenOdd),
                    Brush::Line(width) => {
                        self.stroke(&path, *colour, Stroke { line_cap: LineCap::Round, ..stroke(width) });
                    }
                    Brush::Dashes(width) => {
                        let dash = StrokeDash::new(DASHES.map(|length| length as f32).to_vec(), 0.0);
                        self.stroke(&path, *colour, Stroke { dash, ..stroke(width) });
                    }
                }
            }
            Element::Text { text, at, anchor, size, bold } => {
                let Some(outlines) = outlines(text) else { return };
                let width = font::width(text, *size);
                let start = match anchor {
                    Anchor::Left => 0.0,
                    Anchor::Right => -width,
                    Anchor::Centre | Anchor::Upwards => -width / 2.0,
                };
                let turn = if *anchor == Anchor::Upwards { -90.0 } else { 0.0 };
                let scale = (*size / f64::from(FACE.units_per_em())) as f32;
                let place = Transform::from_scale(scale, -scale)
                    .post_translate(start as f32, (size * CAPITAL / 2.0) as f32)
                    .post_rotate(turn)
                    .post_translate(at.0 as f32, at.1 as f32);
                let Some(outlines) = outlines.transform(place) else { return };
                self.fill(&outlines, INK, FillRule::Winding);
                if *bold {
                    self.stroke(&outlines, INK, stroke(size / 20.0));
                }
            }
            Element::Image { picture, place } => {
                let (width, height) = (picture.width as u32, picture.height as u32);
                let rgba = picture.pixels.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
                let size = IntSize::from_wh(width, height).expect("a picture has a size");
                let image = Pixmap::from_vec(rgba, size).expect("four bytes a pixel");
                let scale = [place.width() / f64::from(width), place.height() / f64::from(height)].map(|x| x as f32);
                let place =
                    Transform::from_scale(scale[0], scale[1]).post_translate(place.left as f32, place.top as f32);
                // Enlarged pixels are squares, as in an SVG file; of an image made smaller, all of them count.
                let quality = if scale[0] < 1.0 { FilterQuality::Bilinear } else { FilterQuality::Nearest };
                let paint = PixmapPaint { quality, ..PixmapPaint::default() };
                self.pixels.draw_pixmap(0, 0, image.as_ref(), &paint, place, self.mask.as_ref());
            }
            Element::Clipped { elements, window } => {
                let mut mask = Mask::new(self.pixels.width(), self.pixels.height()).expect("the drawing's size");
                if let Some(window) = path(&[window.corners()]) {
                    mask.fill_path(&window, FillRule::Winding, true, Transform::identity());
                }
                self.mask = Some(mask);
                elements.iter().for_each(|element| self.draw(element));
                self.mask = None;
            }
        }
    }

    fn fill(&mut self, path: &Path, colour: Colour, rule: FillRule) {
        self.pixels.fill_path(path, &paint(colour), rule, Transform::identity(), self.mask.as_ref());
    }

    fn stroke(&mut self, path: &Path, colour: Colour, stroke: Stroke) {
        self.pixels.stroke_path(path, &paint(colour), &stroke, Transform::identity(), self.mask.as_ref());
    }
}

fn paint(Colour { rgb: [red, green, blue], opacity }: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * opacity).round() as u8);
    paint
}

fn stroke(width: f64) -> Stroke {
    Stroke { width: width as f32, line_join: LineJoin::Round, ..Stroke::default() }
}

fn path(lines: &[Vec<Point>]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let (x, y) = line[0];
        path.move_to(x as f32, y as f32);
        // Once more where there is but one, for the sake of its disc.
        for &(x, y) in &line[usize::from(line.len() > 1)..] {
            path.line_to(x as f32, y as f32);
        }
    }
    path.finish()
}

/// The outlines of a text's letters, in units of the font, upwards from the line they stand on.
fn outlines(text: &str) -> Option<Path> {
    let mut outlines = Outlines { path: PathBuilder::new(), start: 0.0 };
    for (glyph, start) in font::glyphs(text) {
        outlines.start = (start * f64::from(FACE.units_per_em())) as f32;
        FACE.outline_glyph(glyph, &mut outlines);
    }
    outlines.path.finish()
}

struct Outlines {
    path: PathBuilder,
    /// Where the present letter begins.
    start: f32,
}

impl OutlineBuilder for Outlines {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.start + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.start + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.start + x1, y1, self.start + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(self.start + x1, y1, self.start + x2, y2, self.start + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawing::Rect;
    use super::*;
    use crate::figure::BLUE;

    /// The share of each pixel of a row that is covered with blue, in tenths.
    fn row(drawing: &Drawing, y: usize) -> Vec<u8> {
        let picture = drawing.pixels();
        let red = (0..picture.width).map(|x| picture.pixels[(y * picture.width + x) * 3]);
        red.map(|red| ((255 - red) as f64 / 25.5).round() as u8).collect()
    }

    fn drawing(draw: impl FnOnce(&mut Drawing)) -> Drawing {
        let mut drawing = Drawing::new(12.0, 6.0);
        draw(&mut drawing);
        drawing
    }

    #[test]
    fn a_line_of_one_point_is_a_disc() {
        let disc = drawing(|drawing| drawing.line([(6.0, 3.0)], BLUE, 4.0));
        assert_eq!(row(&disc, 2)[3..9], [0, 9, 10, 10, 9, 0]);
        assert_eq!(row(&disc, 0), [0; 12]);
    }

    #[test]
    fn what_is_clipped_ends_at_the_window() {
        let window = Rect { left: 2.0, top: 0.0, right: 5.5, bottom: 6.0 };
        let line =
            drawing(|drawing| drawing.clipped(window, |drawing| drawing.line([(0.0, 3.0), (12.0, 3.0)], BLUE, 2.0)));
        assert_eq!(row(&line, 3), [0, 0, 10, 10, 10, 5, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn areas_within_areas_are_left_out() {
        let square = |left, right| Rect { left, top: left, right, bottom: 6.0 - left }.corners();
        let ring = drawing(|drawing| drawing.path(vec![square(0.0, 12.0), square(2.0, 10.0)], BLUE, Brush::Fill));
        assert_eq!(row(&ring, 3), [10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 10, 10]);
        assert_eq!(row(&ring, 1), [10; 12]);
    }
}
