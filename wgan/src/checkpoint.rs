//! What a checkpoint says about itself, beside its tensors.

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::{Error, Result};

/// The key of the metadata in a safetensors file. One key with ordered JSON, because a map of several would be written
/// in another order every time.
pub const METADATA_KEY: &str = "wgan";

/// The version of the layout that this program writes and reads.
const FORMAT: u32 = 1;

/// What is needed to rebuild the networks and to go on, beside the weights and the optimiser's state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    format: u32,
    /// Updates of the generator so far.
    pub step: u64,
    /// The settings of the run. All random numbers follow from its seed and the step.
    pub config: Config,
}

impl Metadata {
    /// The metadata of a run after `step` updates.
    pub fn new(step: u64, config: Config) -> Self {
        Metadata { format: FORMAT, step, config }
    }

    /// One line of JSON, the same for the same metadata.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a struct of plain values is JSON")
    }

    /// The metadata in a line of JSON; `path` is the file it comes from.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is none, or that of another version.
    pub fn from_json(json: &str, path: &std::path::Path) -> Result<Self> {
        let damaged = |problem| Error::Damaged { path: path.to_owned(), problem };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| damaged(format!("its metadata cannot be read ({error})"));
        let version: Version = serde_json::from_str(json).map_err(unreadable)?;
        if version.format != FORMAT {
            let found = version.format;
            return Err(damaged(format!("it has format {found}, but this program reads format {FORMAT}")));
        }
        serde_json::from_str(json).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn metadata_read_back_and_are_written_in_one_order() {
        let metadata = Metadata::new(1500, Config { seed: u64::MAX >> 1, lr: 0.1 + 0.2, ..Config::default() });
        let json = metadata.to_json();
        assert!(json.starts_with(r#"{"format":1,"step":1500,"config":{"dataset":"mnist","#), "{json}");
        assert_eq!(Metadata::from_json(&json, Path::new("checkpoint")).unwrap(), metadata);
    }

    #[test]
    fn other_versions_and_other_texts_are_told() {
        let problem = |json| Metadata::from_json(json, Path::new("checkpoint")).unwrap_err().to_string();
        let newer = r#"{"format":2,"more":true}"#;
        assert_eq!(problem(newer), "checkpoint: it has format 2, but this program reads format 1");
        assert!(problem("{}").starts_with("checkpoint: its metadata cannot be read (missing field"));
    }
}
