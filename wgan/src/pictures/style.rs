//! The pictures' common look: one font, and the colours of Okabe and Ito ("Color universal design", 2008), which people
//! with any colour vision can tell apart.

use std::sync::Once;

use plotters::style::{FontStyle, RGBColor, register_font as register};

/// For the first of several curves, and for what is measured.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
/// For the second, or what goes wrong.
pub const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// For the third.
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// For the fourth, and for real samples.
pub const ORANGE: RGBColor = RGBColor(230, 159, 0);
/// For the fifth.
pub const PURPLE: RGBColor = RGBColor(204, 121, 167);
/// For the sixth.
pub const SKY: RGBColor = RGBColor(86, 180, 233);
/// For text, axes and what is known.
pub const INK: RGBColor = RGBColor(50, 50, 50);
/// For what stays in the background.
pub const FAINT: RGBColor = RGBColor(228, 228, 228);

/// The name under which `plotters` knows the embedded font.
pub const FONT: &str = "sans-serif";

/// Makes the embedded font known, so that no font of the system is needed.
pub fn register_font() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = include_bytes!("../../fonts/DejaVuSans-Latin.ttf");
        assert!(register(FONT, FontStyle::Normal, font).is_ok(), "the embedded font is valid");
    });
}

/// The colour mixed with white: 0 is white, 1 the colour itself. Unlike transparency, overlapping lines do not add up.
pub fn tint(RGBColor(r, g, b): RGBColor, share: f64) -> RGBColor {
    let mix = |x: u8| (255.0 - share * (255.0 - f64::from(x))).round() as u8;
    RGBColor(mix(r), mix(g), mix(b))
}
