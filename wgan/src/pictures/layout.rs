//! Lengths in figures, in half pixels: pixels are drawn at twice their size, then averaged.

/// Around a panel.
pub const EDGE: i32 = 16;
/// The size of text, and of titles.
pub const TEXT: u32 = 28;
pub const TITLE: u32 = 33;
/// The heights of a line of each kind.
pub const TITLE_ROW: i32 = 50;
pub const LEGEND_ROW: i32 = 40;
pub const LABEL_ROW: i32 = 42;
/// From one mark of an axis to the next, at least.
pub const ROOM_ABOVE: i32 = 75;
pub const ROOM_BESIDE: i32 = 120;
pub const TICK: i32 = 8;
/// A swatch of the legend with the space before its name, and the space between names.
pub const SWATCH: i32 = 44;
pub const BETWEEN: i32 = 36;
/// The width of a line.
pub const LINE: u32 = 5;
/// Radii.
pub const DOT: i32 = 7;
pub const SPECK: i32 = 3;
