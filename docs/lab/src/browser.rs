//! What the pages call. A number or a list of numbers is handed on as such, anything else as JSON.

use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::learned::MOST_DRAWN;
use crate::situation::{PRESETS, Situation, choices};
use crate::training::{CANVAS, Training};

/// The choices of the settings, the presets, and what may be drawn by hand: so many points, into a window of half this side.
#[wasm_bindgen]
pub fn offers() -> String {
    let presets = PRESETS.iter().map(|preset| json!([preset.name, preset.address, preset.claim]));
    let presets = presets.collect::<Vec<_>>();
    json!({ "choices": choices(), "presets": presets, "most-drawn": MOST_DRAWN, "canvas": CANVAS }).to_string()
}

/// The tape of a formula: see [`recorded`](crate::recorded::recorded).
///
/// # Errors
/// What cannot be read or differentiated.
#[wasm_bindgen]
pub fn recorded(formula: &str, x: f64, y: f64, by: &str) -> Result<String, String> {
    Ok(crate::recorded::recorded(formula, [x, y], by)?.to_string())
}

/// What the compiler makes of it: see [`compiled`](crate::recorded::compiled).
///
/// # Errors
/// As [`recorded`].
#[wasm_bindgen]
pub fn compiled(formula: &str, by: &str) -> Result<String, String> {
    Ok(crate::recorded::compiled(formula, by)?.to_string())
}

/// A training and its situation.
#[wasm_bindgen]
pub struct Lab {
    used: String,
    command: Option<String>,
    training: Training,
}

#[wasm_bindgen]
impl Lab {
    /// What an address asks for.
    ///
    /// # Errors
    /// The program's sentence, if a setting is not possible.
    #[wasm_bindgen(constructor)]
    pub fn new(address: &str) -> Result<Lab, String> {
        let situation = Situation::parse(address)?;
        let (used, command) = (situation.used().to_string(), situation.command());
        Ok(Lab { used, command, training: Training::new(situation)? })
    }

    /// The settings that have an effect.
    pub fn used(&self) -> String {
        self.used.clone()
    }

    /// The command that does the same, if there is one.
    pub fn command(&self) -> Option<String> {
        self.command.clone()
    }

    /// The next update in turn.
    ///
    /// # Errors
    /// If numbers are no longer finite.
    pub fn step(&mut self) -> Result<(), String> {
        self.training.step()
    }

    /// An update of the critic.
    ///
    /// # Errors
    /// As [`step`](Lab::step).
    pub fn step_critic(&mut self) -> Result<(), String> {
        self.training.step_critic()
    }

    /// An update of the generator.
    ///
    /// # Errors
    /// As [`step`](Lab::step).
    pub fn step_generator(&mut self) -> Result<(), String> {
        self.training.step_generator()
    }

    /// Half of the window's side.
    pub fn reach(&self) -> f64 {
        self.training.reach()
    }

    /// Real points: x, y.
    pub fn real(&self) -> Vec<f32> {
        self.training.real()
    }

    /// Generated points: x, y, and their pull.
    ///
    /// # Errors
    /// If the device fails.
    pub fn points(&mut self) -> Result<Vec<f32>, String> {
        self.training.points()
    }

    /// The critic's level lines: level, number of places, places.
    ///
    /// # Errors
    /// If the device fails.
    pub fn contours(&mut self) -> Result<Vec<f32>, String> {
        self.training.contours()
    }

    /// Step, estimate, slope.
    pub fn curves(&self) -> Vec<f32> {
        self.training.curves()
    }

    /// Step, exact distance.
    pub fn distances(&self) -> Vec<f32> {
        self.training.distances()
    }

    /// The numbers of now.
    pub fn summary(&self) -> String {
        self.training.summary().to_string()
    }
}
