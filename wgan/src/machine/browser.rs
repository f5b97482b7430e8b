//! The program that shows pages.

use std::path::Path;

use crate::{Error, Result};

/// Shows a page, and does not wait for it to be closed.
///
/// # Errors
/// If the system knows no program that shows it.
pub fn open(page: &Path) -> Result<()> {
    open::that_detached(page).map_err(|_| Error::Browser(page.to_owned()))
}
