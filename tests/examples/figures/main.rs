//! Draws the guide's figures, each from the engine itself or from the formula that its chapter explains:
//!
//! ```text
//! cargo run --release -p tests --example figures
//! ```
//!
//! They are SVG files in `docs/images`. The same code gives the same bytes on every machine, so a test compares them: what
//! depends on a library's rounding (exp, sin) is computed by the crate `libm`, or shown in a few digits.

mod constraints;
mod differences;
mod graphs;
mod plan;
mod tiles;

use std::path::PathBuf;

/// What draws a figure, as the text of an SVG file.
type Draw = fn() -> String;

/// All figures by name. They take a second together, for the tests draw them.
const ALL: [(&str, Draw); 11] = [
    ("tape", graphs::tape),
    ("slopes", graphs::slopes),
    ("second-pass", graphs::second_pass),
    ("finite-differences", differences::figure),
    ("prune", graphs::prune),
    ("simplify", graphs::simplify),
    ("fuse", graphs::fuse),
    ("plan", graphs::plan),
    ("plan-and-price", plan::figure),
    ("constraints", constraints::figure),
    ("tiles", tiles::figure),
];

fn published(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/images/{name}.svg"))
}

fn main() -> std::io::Result<()> {
    ALL.iter().try_for_each(|(name, figure)| std::fs::write(published(name), figure()))
}

#[test]
fn the_published_figures_are_drawn_as_today() {
    for (name, figure) in ALL {
        let published = std::fs::read_to_string(published(name)).unwrap_or_default();
        assert!(published == figure(), "docs/images/{name}.svg is out of date: cargo run -p tests --example figures");
    }
}

/// A figure that nobody sees is left over.
#[test]
fn every_figure_is_shown_in_the_guide() {
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let chapters = std::fs::read_dir(docs).expect("the guide").map(|entry| entry.expect("an entry").path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let guide: String = chapters.map(|path| std::fs::read_to_string(path).expect("a chapter")).collect();
    for (name, _) in ALL {
        assert!(guide.contains(&format!("](images/{name}.svg)")), "no chapter shows {name}.svg");
    }
}
