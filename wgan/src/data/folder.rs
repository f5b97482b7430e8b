//! A folder of IDX files, raw or gzipped, under the names that MNIST and Fashion-MNIST are published with.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{Dataset, idx};
use crate::{Error, Result};

/// The two parts of a published data set, by the names that their files start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
}

/// The images of a part in `folder`; `name` is the data set's.
///
/// # Errors
/// [`Error::NoData`] if the folder holds no file of a known name, [`Error::Data`] if the file cannot be used.
pub fn load(name: &str, folder: &Path, part: Part) -> Result<Dataset> {
    Ok(Dataset::from_images(name, images(folder, part)?))
}

/// The images of a part.
///
/// # Errors
/// As [`load`].
pub fn images(folder: &Path, part: Part) -> Result<idx::Images> {
    let (file, bytes) = read(folder, part, "images")?;
    let images = idx::images(&file, &bytes)?;
    if (images.height, images.width) != (28, 28) {
        let problem = format!("images of {}×{} pixels, but the networks need 28×28", images.height, images.width);
        return Err(Error::Data { file, problem });
    }
    Ok(images)
}

/// The labels of a part.
///
/// # Errors
/// As [`load`].
pub fn labels(folder: &Path, part: Part) -> Result<Vec<u8>> {
    let (file, bytes) = read(folder, part, "labels")?;
    idx::labels(&file, &bytes)
}

/// Whether the folder holds images of a part.
pub fn has_images(folder: &Path, part: Part) -> bool {
    names(folder, part, "images").iter().any(|path| path.exists())
}

/// Where a part's images or labels may be.
fn names(folder: &Path, part: Part, what: &str) -> [PathBuf; 2] {
    let start = if part == Part::Train { "train" } else { "t10k" };
    let format = if what == "images" { "idx3" } else { "idx1" };
    ["", ".gz"].map(|end| folder.join(format!("{start}-{what}-{format}-ubyte{end}")))
}

/// The name and the bytes of the first of these files that is there.
fn read(folder: &Path, part: Part, what: &'static str) -> Result<(String, Vec<u8>)> {
    let paths = names(folder, part, what);
    for path in &paths {
        match fs::read(path) {
            Ok(bytes) => return Ok((path.display().to_string(), bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Read { path: path.clone(), source }),
        }
    }
    let looked_for =
        paths.map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).join(" and ");
    Err(Error::NoData { folder: folder.to_owned(), what, looked_for })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image of 28×28 pixels, all 255.
    fn white() -> Vec<u8> {
        [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28][..], &[255; 784]].concat()
    }

    #[test]
    fn images_are_found_under_their_published_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train-images-idx3-ubyte"), white()).unwrap();
        let data = load("fashion-mnist", folder.path(), Part::Train).unwrap();
        assert_eq!((data.name(), data.len()), ("fashion-mnist", 1));
        assert!(data.samples(0..1).data().iter().all(|&x| x == 1.0));
    }

    #[test]
    fn images_of_another_size_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let tiny = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 7];
        fs::write(folder.path().join("train-images-idx3-ubyte"), tiny).unwrap();
        let error = load("mnist", folder.path(), Part::Train).err().unwrap().to_string();
        assert!(error.ends_with("images of 1×2 pixels, but the networks need 28×28"), "{error}");
    }

    #[test]
    fn an_empty_folder_names_what_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let error = load("mnist", folder.path(), Part::Train).err().unwrap().to_string();
        assert!(error.ends_with("looked for train-images-idx3-ubyte and train-images-idx3-ubyte.gz"), "{error}");
    }
}
