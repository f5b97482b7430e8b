//! The font of all figures, embedded, so that none of the system is needed.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// The embedded font where a reader of an SVG file has it, or one of much the same widths.
pub const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";
/// The height of a capital as a share of the font's size: half of it below its middle, a text is level with what is beside.
pub const CAPITAL: f64 = 0.73;

pub static FACE: LazyLock<Face> = LazyLock::new(|| {
    Face::parse(include_bytes!("../../fonts/DejaVuSans-Latin.ttf"), 0).expect("the embedded font is valid")
});

/// The shapes of a text's letters, each with its place from the left, in units of the font's size.
pub fn glyphs(text: &str) -> impl Iterator<Item = (GlyphId, f64)> {
    text.chars().scan(0.0, |end, letter| {
        let (glyph, start) = (FACE.glyph_index(letter).unwrap_or_default(), *end);
        *end += advance(glyph);
        Some((glyph, start))
    })
}

/// The width of a text of this size.
pub fn width(text: &str, size: f64) -> f64 {
    size * glyphs(text).last().map_or(0.0, |(glyph, start)| start + advance(glyph))
}

/// The size, up to `size`, in which a text fits into `room`.
pub fn fitting(text: &str, size: f64, room: f64) -> f64 {
    size * (room / width(text, size)).min(1.0)
}

fn advance(glyph: GlyphId) -> f64 {
    f64::from(FACE.glyph_hor_advance(glyph).unwrap_or(0)) / f64::from(FACE.units_per_em())
}
