//! Writing files so that a crash leaves either the old one or the new one.

use std::fs;
use std::path::Path;

use nn::checkpoint;

use crate::{Error, Result};

/// Writes `bytes` to a file beside `path` and renames it, so that nobody ever sees half of them. What is no plain file
/// (a pipe, a terminal) is written to directly.
///
/// # Errors
/// [`Error::Write`] if the disk is full, the folder does not exist or may not be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let special = path.metadata().is_ok_and(|existing| !existing.is_file());
    let written = if special { fs::write(path, bytes) } else { checkpoint::write_whole(path, bytes) };
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_whole(Path::new("no/such/folder/file"), b"").unwrap_err();
        assert_eq!(error.to_string(), "cannot write no/such/folder/file: No such file or directory (os error 2)");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let error = write_whole(Path::new("/dev/full"), b"something").unwrap_err();
        assert_eq!(error.to_string(), "cannot write /dev/full: No space left on device (os error 28)");
    }
}
