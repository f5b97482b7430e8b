//! A surface to draw on, the same for both kinds of files: pixels and SVG. Places are in pixels from the upper left.

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{FONT, INK};
use super::{Picture, data_uri};

/// Why errors are not handled.
pub const IN_MEMORY: &str = "drawing into memory cannot fail";

/// A place on the canvas.
pub type Place = (i32, i32);

/// Where a `plotters` backend draws.
pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    kind: Kind,
    /// The images of an SVG file.
    images: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pixels,
    Svg,
}

/// Which point of a text its place names.
#[derive(Clone, Copy)]
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

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    pub fn pixels(area: &'a DrawingArea<DB, Shift>) -> Self {
        Canvas { area, kind: Kind::Pixels, images: String::new() }
    }

    pub fn svg(area: &'a DrawingArea<DB, Shift>) -> Self {
        Canvas { area, kind: Kind::Svg, images: String::new() }
    }

    /// The elements of an SVG file that `plotters` knows nothing of.
    pub fn into_images(self) -> String {
        self.images
    }

    fn draw<E>(&self, element: E)
    where
        for<'e> &'e E: PointCollection<'e, Place>,
        E: Drawable<DB>,
    {
        assert!(self.area.draw(&element).is_ok(), "{IN_MEMORY}");
    }

    pub fn line(&self, points: &[Place], colour: RGBColor, width: u32) {
        if self.kind == Kind::Svg {
            return self.draw(PathElement::new(points.to_vec(), colour.stroke_width(width)));
        }
        // Piece by piece with round joints: the bitmap's thick lines have spikes where they turn.
        for ends in points.windows(2) {
            self.draw(PathElement::new(ends.to_vec(), colour.stroke_width(width)));
        }
        for &point in points.iter().filter(|_| width > 2) {
            self.disc(point, width as i32 / 2, colour);
        }
    }

    pub fn disc(&self, centre: Place, radius: i32, colour: RGBColor) {
        self.draw(Circle::new(centre, radius, colour.filled()));
    }

    pub fn rectangle(&self, corners: [Place; 2], colour: RGBColor) {
        self.draw(Rectangle::new(corners, colour.filled()));
    }

    /// An area of a colour that what is below shines through.
    pub fn glaze(&self, corners: &[Place], colour: RGBColor, opacity: f64) {
        self.draw(Polygon::new(corners.to_vec(), colour.mix(opacity)));
    }

    pub fn text(&self, text: &str, size: u32, anchor: Anchor, at: Place) {
        let horizontal = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Right => HPos::Right,
            Anchor::Centre | Anchor::Upwards => HPos::Center,
        };
        let upwards = matches!(anchor, Anchor::Upwards);
        let turn = if upwards { FontTransform::Rotate270 } else { FontTransform::None };
        let font = (FONT, size).into_font().transform(turn).color(&INK);
        // The bitmap's centre allows for letters that reach below the line.
        let at = if self.kind == Kind::Pixels && !upwards { (at.0, at.1 + 3) } else { at };
        self.draw(Text::new(text.to_owned(), at, font.pos(Pos::new(horizontal, VPos::Center))));
    }

    /// The width of a text.
    pub fn width(&self, text: &str, size: u32) -> i32 {
        let extent = self.area.estimate_text_size(text, &(FONT, size).into_font().color(&INK));
        extent.map_or(0, |extent| extent.0 as i32)
    }

    /// A picture between two corners, its pixels as squares.
    pub fn image(&mut self, [(left, top), (right, bottom)]: [Place; 2], picture: &Picture) {
        let (width, height) = (right - left, bottom - top);
        match self.kind {
            Kind::Svg => {
                let address = data_uri(&picture.encode());
                self.images += &format!(
                    "<image x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" \
                     style=\"image-rendering:pixelated\" href=\"{address}\"/>\n"
                );
            }
            Kind::Pixels => {
                let source = |i: i32, extent: i32, pixels: usize| i as usize * pixels / extent as usize;
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let (row, column) = (source(y, height, picture.height), source(x, width, picture.width));
                    let at = (row * picture.width + column) * 3;
                    let colour = RGBColor(picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]);
                    assert!(self.area.draw_pixel((left + x, top + y), &colour).is_ok(), "{IN_MEMORY}");
                }
            }
        }
    }
}
