//! Writing files so that a crash leaves either the old one or the new one, and quoting them in messages.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// What the name of a file ends in until all of it is written.
pub const PARTIAL: &str = ".partial";

/// Writes `bytes` to a file beside `path`, named `{path}.partial`, and renames it, so that nobody ever sees half of
/// them. What an earlier writer left there when it was killed is removed. What is no plain file (a pipe, a terminal) is
/// written to directly.
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
        _ => create_new(&beside(path)).and_then(|_| fs::remove_file(beside(path))),
    };
    tried.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// `{path}.partial`
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(PARTIAL);
    beside.into()
}

/// A file that was not there before: what a link of its name leads to is not written to.
fn create_new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create_new(path),
    }
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let write = || {
        let mut file = create_new(&beside)?;
        file.write_all(bytes)?;
        // Renaming before the bytes are on the disk could leave an empty file after a power failure.
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// A piece of a file, or what a library says of one, as a message can hold it: on one line, without characters that would
/// move a terminal's cursor or hide others, and of bounded length. Of a long text the beginning and the end are left.
///
/// ```
/// assert_eq!(nn::files::excerpt("0.5;\u{1b}[2J"), "0.5;\\u{1b}[2J");
/// let long = nn::files::excerpt(&"9".repeat(1 << 20));
/// assert_eq!(long, format!("{}…{}", "9".repeat(200), "9".repeat(60)));
/// ```
pub fn excerpt(text: &str) -> String {
    const BEGINNING: usize = 200;
    const END: usize = 60;
    let place = |character: usize| text.char_indices().nth(character).map(|(place, _)| place);
    // Beyond this many characters there is something to leave out.
    let Some(_) = place(BEGINNING + END) else { return visible(text) };
    let beginning = place(BEGINNING).expect("there are more");
    let (end, _) = text.char_indices().rev().nth(END - 1).expect("there are more");
    format!("{}…{}", visible(&text[..beginning]), visible(&text[end..]))
}

/// A line with whatever cannot be seen escaped, as in a Rust literal: control characters, line separators, marks that change
/// the direction of writing.
///
/// ```
/// assert_eq!(nn::files::visible("cafe\u{301}.png\r\n"), "cafe\u{301}.png\\r\\n");
/// ```
pub fn visible(line: &str) -> String {
    let moves =
        |c| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = |c: char| if c.is_control() || moves(c) { c.escape_debug().to_string() } else { c.to_string() };
    line.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_can_be_seen() {
        assert_eq!(excerpt("größer \"a\" \\ 'b' 数"), "größer \"a\" \\ 'b' 数");
        assert_eq!(excerpt("a\r\n\tb\0"), r"a\r\n\tb\0");
        assert_eq!(excerpt("\u{1b}[31m \u{9b}\u{7f}"), r"\u{1b}[31m \u{9b}\u{7f}");
        assert_eq!(excerpt("\u{202e}\u{200f}\u{2028}\u{2066}\u{61c}"), r"\u{202e}\u{200f}\u{2028}\u{2066}\u{61c}");
        let whole = "数".repeat(260);
        assert_eq!(excerpt(&whole), whole);
        let cut = excerpt(&format!("{whole}!"));
        assert_eq!(cut, format!("{}…{}!", "数".repeat(200), "数".repeat(59)));
    }

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

    #[cfg(unix)]
    #[test]
    fn what_a_link_beside_it_leads_to_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("numbers"), folder.path().join("other"));
        fs::write(&other, "mine").unwrap();
        for write in [|path: &Path| write_whole(path, b"one"), check_writable] {
            std::os::unix::fs::symlink(&other, beside(&path)).unwrap();
            write(&path).unwrap();
            assert!(!beside(&path).exists());
        }
        assert_eq!((fs::read(&path).unwrap(), fs::read(&other).unwrap()), (b"one".to_vec(), b"mine".to_vec()));
    }

    #[test]
    fn what_a_killed_writer_left_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers");
        fs::write(beside(&path), "a longer text, but not the whole").unwrap();
        write_whole(&path, b"one").unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"one".to_vec(), 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let error = write_whole(Path::new("/dev/full"), b"something").unwrap_err();
        assert_eq!(error.to_string(), "cannot write /dev/full: No space left on device (os error 28)");
    }
}
