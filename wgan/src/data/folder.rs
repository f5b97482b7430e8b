//! A folder of IDX files, raw or gzipped, under the names that MNIST and Fashion-MNIST are published with.

use std::path::Path;
use std::{fs, io};

use super::{Dataset, idx};
use crate::{Error, Result};

const NAMES: [&str; 2] = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"];

/// The training images in `folder`; `name` is the data set's.
///
/// # Errors
/// [`Error::NoImages`] if the folder holds no file of a known name, [`Error::Idx`] if the file cannot be used.
pub fn load(name: &str, folder: &Path) -> Result<Dataset> {
    for path in NAMES.map(|name| folder.join(name)) {
        match fs::read(&path) {
            Ok(bytes) => return parse(name, &path.display().to_string(), &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Read { path, source }),
        }
    }
    Err(Error::NoImages { folder: folder.to_owned(), looked_for: NAMES.join(" and ") })
}

fn parse(name: &str, file: &str, bytes: &[u8]) -> Result<Dataset> {
    let images = idx::images(file, bytes)?;
    if (images.height, images.width) != (28, 28) {
        let problem = format!("images of {}×{} pixels, but the networks need 28×28", images.height, images.width);
        return Err(Error::Idx { file: file.to_owned(), problem });
    }
    Ok(Dataset::from_images(name, images))
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
        let data = load("fashion-mnist", folder.path()).unwrap();
        assert_eq!((data.name(), data.len()), ("fashion-mnist", 1));
        assert!(data.samples(0..1).data().iter().all(|&x| x == 1.0));
    }

    #[test]
    fn images_of_another_size_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let tiny = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 7];
        fs::write(folder.path().join("train-images-idx3-ubyte"), tiny).unwrap();
        let error = load("mnist", folder.path()).err().unwrap().to_string();
        assert!(error.ends_with("images of 1×2 pixels, but the networks need 28×28"), "{error}");
    }

    #[test]
    fn an_empty_folder_names_what_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let error = load("mnist", folder.path()).err().unwrap().to_string();
        assert!(error.ends_with("looked for train-images-idx3-ubyte and train-images-idx3-ubyte.gz"), "{error}");
    }
}
