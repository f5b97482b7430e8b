//! Lengths in figures, in pixels.

/// Around a panel.
pub const EDGE: f64 = 8.0;
/// The size of text, and of titles.
pub const TEXT: f64 = 14.0;
pub const TITLE: f64 = 16.0;
/// The heights of a line of each kind.
pub const TITLE_ROW: f64 = 26.0;
pub const LEGEND_ROW: f64 = 20.0;
pub const LABEL_ROW: f64 = 21.0;
/// From one mark of an axis to the next, at least.
pub const ROOM_ABOVE: f64 = 36.0;
pub const ROOM_BESIDE: f64 = 60.0;
pub const TICK: f64 = 4.0;
/// A swatch of the legend with the space before its name, and the space between names.
pub const SWATCH: f64 = 22.0;
pub const BETWEEN: f64 = 18.0;
/// The widths of lines.
pub const LINE: f64 = 2.5;
pub const BROAD: f64 = 8.0;
pub const THIN: f64 = 1.0;
/// Diameters.
pub const DOT: f64 = 7.0;
pub const RING: f64 = 12.0;
pub const SPECK: f64 = 3.0;
