//! Writing files so that a crash leaves either the old one or the new one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Writes `bytes` to a file beside `path`, named `{path}.partial`, and renames it, so that nobody ever sees half of
/// them. What is no plain file (a pipe, a terminal) is written to directly.
///
/// # Errors
/// [`Error::Write`] if the disk is full, or the folder does not exist or may not be written. No partial file is left.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = match path.metadata() {
        Ok(existing) if !existing.is_file() => fs::write(path, bytes),
        _ => write_beside(path, bytes),
    };
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Whether [`write_whole`] could write a file at `path`, as far as that can be told before there is something to write:
/// nobody should wait for numbers that have nowhere to go.
///
/// # Errors
/// [`Error::Write`] if the folder does not exist or may not be written.
pub fn check_writable(path: &Path) -> Result<(), Error> {
    let tried = match path.metadata() {
        Ok(existing) if existing.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(existing) if !existing.is_file() => Ok(()),
        _ => File::create(beside(path)).and_then(|_| fs::remove_file(beside(path))),
    };
    tried.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// `{path}.partial`
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    beside.into()
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let write = || {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        // Renaming before the bytes are on the disk could leave an empty file after a power failure.
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
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
        let path = Path::new("no/such/folder/file");
        for error in [write_whole(path, b"").unwrap_err(), check_writable(path).unwrap_err()] {
            assert_eq!(error.to_string(), "cannot write no/such/folder/file: No such file or directory (os error 2)");
        }
    }

    #[test]
    fn a_check_leaves_everything_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        check_writable(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write_whole(&path, b"one").unwrap();
        check_writable(&path).unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"one".to_vec(), 1));
        assert!(check_writable(folder.path()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let error = write_whole(Path::new("/dev/full"), b"something").unwrap_err();
        assert_eq!(error.to_string(), "cannot write /dev/full: No space left on device (os error 28)");
    }
}
