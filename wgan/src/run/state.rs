//! Where a run stands: `state.json`.

use nn::files::write_whole;
use serde::{Deserialize, Serialize};

use super::RunFolder;
use crate::Result;
use crate::error::read_text;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It goes on, or was killed.
    Training,
    /// All steps are done.
    Finished,
    /// It was stopped, and can be resumed.
    Stopped,
    /// It ended by this error.
    Failed(String),
}

impl State {
    /// Where the run in a folder stands, if it says so.
    pub fn read(folder: &RunFolder) -> Option<Self> {
        serde_json::from_str(&read_text(&folder.state()).ok()?).ok()
    }

    /// Writes it down.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn write(&self, folder: &RunFolder) -> Result<()> {
        let json = serde_json::to_string(self).expect("an enum of texts is JSON");
        Ok(write_whole(&folder.state(), format!("{json}\n").as_bytes())?)
    }
}
