//! Draws README's picture of `nn/examples/hamiltonian.rs`, a pendulum learned by its energy and by its motion:
//!
//! ```text
//! cargo run --release -p tests --example orbit -- docs/images/orbit.png
//! ```

#[path = "../../nn/examples/hamiltonian.rs"]
#[expect(dead_code, reason = "its main function")]
mod hamiltonian;

use hamiltonian::{BY_ENERGY, BY_MOTION, START, SWING, energy_of, learned, orbit};
use wgan::figure::{BLUE, Figure, INK, ORANGE, Panel};

/// States of the pendulum learned by its energy, and of the one learned by its motion.
fn figure([by_energy, by_motion]: [&[[f64; 2]]; 2]) -> Figure {
    let angles = (-150..=150).map(|i| START * f64::from(i) / 150.0);
    let exact = |q: f64| (2.0 * (q.cos() - START.cos())).max(0.0).sqrt();
    let there = angles.clone().map(|q| (q, exact(q)));
    let and_back = angles.rev().map(|q| (q, -exact(q)));
    let states = |orbit: &[[f64; 2]]| orbit.iter().map(|&[q, p]| (q, p)).collect::<Vec<_>>();
    let energies = |orbit: &[[f64; 2]]| {
        let at = |(i, state): (usize, &[f64; 2])| (i as f64 / SWING as f64, energy_of(*state));
        orbit.iter().enumerate().map(at).collect::<Vec<_>>()
    };
    let phases = Panel::new("A hundred swings of a learned pendulum", "angle", "speed")
        .thin_line("learned by its motion", ORANGE, states(by_motion))
        .thin_line("by its energy", BLUE, states(by_energy))
        .dashed("exact", INK, there.chain(and_back));
    let kept = Panel::new("Its energy", "swings", "energy")
        .thin_line("learned by its motion", ORANGE, energies(by_motion))
        .thin_line("by its energy", BLUE, energies(by_energy))
        .level("exact", INK, energy_of([START, 0.0]));
    Figure::new(2, vec![phases, kept])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("where to? name a PNG file")?;
    let swung = |motion, outputs| orbit(motion, &learned(motion, outputs, 500, 5000)?, 100 * SWING);
    let figure = figure([&swung(BY_ENERGY, 1)?, &swung(BY_MOTION, 2)?]);
    Ok(std::fs::write(path, figure.picture().made_by("cargo run -p tests --example orbit").encode())?)
}

/// The texts of a PNG file lie in it as they are.
#[test]
fn the_published_picture_is_drawn_as_today() {
    let published = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/orbit.png")).expect("a file");
    let texts = figure([&[], &[]]).texts();
    let found = published.windows(texts.len()).any(|bytes| bytes == texts.as_bytes());
    assert!(found, "docs/images/orbit.png is out of date: run .ci/pictures");
}
