//! Colours: those of Okabe and Ito ("Color universal design", 2008), which people with any colour vision can tell apart.

/// A colour, through which what is below may shine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    /// Red, green and blue.
    pub rgb: [u8; 3],
    /// From 0, invisible, to 1.
    pub opacity: f64,
}

/// For the first of several curves, and for what is measured.
pub const BLUE: Colour = Colour::opaque([0, 114, 178]);
/// For the second, or what goes wrong.
pub const VERMILION: Colour = Colour::opaque([213, 94, 0]);
/// For the third.
pub const GREEN: Colour = Colour::opaque([0, 158, 115]);
/// For the fourth, and for real samples.
pub const ORANGE: Colour = Colour::opaque([230, 159, 0]);
/// For the fifth.
pub const PURPLE: Colour = Colour::opaque([204, 121, 167]);
/// For the sixth.
pub const SKY: Colour = Colour::opaque([86, 180, 233]);
/// For text, axes and what is known; on a page, that of its text.
pub const INK: Colour = Colour::opaque([50, 50, 50]);
/// What is drawn upon; on a page, that of its background.
pub const PAPER: Colour = Colour::opaque([255, 255, 255]);

impl Colour {
    const fn opaque(rgb: [u8; 3]) -> Self {
        Colour { rgb, opacity: 1.0 }
    }
}

/// The colour with a share of its opacity.
pub const fn tint(colour: Colour, share: f64) -> Colour {
    Colour { opacity: share * colour.opacity, ..colour }
}
