//! A folder of IDX files, raw or gzipped, under the names that MNIST and its kin are found with: as they are published, as
//! mirrors rename them, and where torchvision puts them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::{Dataset, idx, images};
use crate::config::nearest;
use crate::error::cannot_read;
use crate::{Error, Result};

/// The two parts of a published data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
}

/// In place of a data set's name, where any will do.
pub const ANY: &str = "";

/// What a file holds of each sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Images,
    Labels,
}

/// The images of a part in `folder`; `name` is the data set's.
///
/// # Errors
/// [`Error::NoData`] if the folder holds no file of a known name, [`Error::Data`] if the file cannot be used.
pub fn load(name: &str, folder: &Path, part: Part) -> Result<Dataset> {
    Ok(Dataset::from_images(name, images(name, folder, part)?))
}

/// The images of a part.
///
/// # Errors
/// As [`load`].
pub fn images(name: &str, folder: &Path, part: Part) -> Result<idx::Images> {
    let path = find(name, folder, part, What::Images)?;
    let file = path.display().to_string();
    let mut images = idx::images(&file, open(&path)?)?;
    if (images.height, images.width) != (28, 28) {
        let problem = format!("images of {}×{} pixels, but the networks need 28×28", images.height, images.width);
        return Err(Error::Data { file, problem });
    }
    if file_name(&path).starts_with("emnist-") {
        images.pixels.chunks_exact_mut(28 * 28).for_each(turn_upright);
    }
    Ok(images)
}

/// EMNIST's images are stored column by column.
fn turn_upright(image: &mut [u8]) {
    for row in 0..28 {
        for column in 0..row {
            image.swap(28 * row + column, 28 * column + row);
        }
    }
}

/// The labels of a part.
///
/// # Errors
/// As [`load`].
pub fn labels(name: &str, folder: &Path, part: Part) -> Result<Vec<u8>> {
    let path = find(name, folder, part, What::Labels)?;
    idx::labels(&path.display().to_string(), open(&path)?)
}

/// Whether the folder holds images of a part.
pub fn has_images(name: &str, folder: &Path, part: Part) -> bool {
    places(name, folder).iter().any(|place| !named(place, part, What::Images).is_empty())
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).map_err(cannot_read(path))?))
}

/// Where torchvision puts pieces of clothing.
const FASHION: &str = "FashionMNIST/raw";

/// Where files may be below the folder that was named, which may be torchvision's root.
fn places(name: &str, folder: &Path) -> Vec<PathBuf> {
    const DIGITS: [&str; 4] = ["MNIST/raw", "EMNIST/raw", "QMNIST/raw", "KMNIST/raw"];
    let below = match name {
        "mnist" => DIGITS.to_vec(),
        "fashion-mnist" => vec![FASHION],
        _ => [&DIGITS[..], &[FASHION]].concat(),
    };
    // EMNIST's own archive unpacks to "gzip".
    let places = [folder.to_owned(), folder.join("raw"), folder.join("gzip")].into_iter();
    places.chain(below.iter().map(|place| folder.join(place))).collect()
}

/// The file of a part in the first place that holds one.
fn find(name: &str, folder: &Path, part: Part, what: What) -> Result<PathBuf> {
    for place in places(name, folder) {
        let files = named(&place, part, what);
        match &files[..] {
            [] => {}
            [file] => return Ok(file.clone()),
            _ => {
                let names = files.iter().map(|file| file_name(file)).collect::<Vec<_>>().join(", ");
                let problem =
                    format!("holds several sets of images or labels ({names}): name a folder with one of them");
                return Err(Error::NoData { folder: place, problem });
            }
        }
    }
    Err(Error::NoData { folder: folder.to_owned(), problem: missing(name, folder, part, what) })
}

/// The files of a part in `place`, of one that is there raw and gzipped only the raw one.
fn named(place: &Path, part: Part, what: What) -> Vec<PathBuf> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.map(|entry| file_name(&entry.path())).filter(|name| is_of(name, part, what));
    // Some archives unpack to a folder of the file's name.
    let file = |name: &String| [place.join(name), place.join(name).join(name)].into_iter().find(|path| path.is_file());
    let files = names.filter_map(|name| Some((name.trim_end_matches(".gz").replace(".idx", "-idx"), file(&name)?)));
    let mut sets: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (set, path) in files {
        let shortest = sets.entry(set).or_insert_with(|| path.clone());
        if path.as_os_str().len() < shortest.as_os_str().len() {
            *shortest = path;
        }
    }
    sets.into_values().collect()
}

/// Whether a file's name is one of these: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`,
/// `emnist-letters-test-images-idx3-ubyte`, `qmnist-train-labels-idx2-int`.
fn is_of(name: &str, part: Part, what: What) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let ends: &[&str] = match what {
        What::Images => &["-images-idx3-ubyte", "-images.idx3-ubyte"],
        What::Labels => &["-labels-idx1-ubyte", "-labels.idx1-ubyte", "-labels-idx2-int"],
    };
    let Some(start) = ends.iter().find_map(|end| name.strip_suffix(end)) else { return false };
    let (set, of) = start.rsplit_once('-').map_or(("", start), |(set, of)| (set, of));
    let known = set.is_empty() || set.starts_with("emnist") || set == "qmnist" || set == "kmnist";
    known && if part == Part::Train { of == "train" } else { of == "t10k" || of == "test" }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a folder without the files lacks, and what may have been meant.
fn missing(name: &str, folder: &Path, part: Part, what: What) -> String {
    if let Some(problem) = no_folder(folder) {
        return problem;
    }
    let (start, end) = (
        if part == Part::Train { "train" } else { "t10k" },
        match what {
            What::Images => "images-idx3-ubyte",
            What::Labels => "labels-idx1-ubyte",
        },
    );
    let what = if what == What::Images { "images" } else { "labels" };
    let meant =
        if images::are_in(folder, 2) { "; to learn the PNG and JPEG images in it, add --dataset images" } else { "" };
    let below = if name == "fashion-mnist" { FASHION } else { "MNIST/raw" };
    format!("holds no file of {what}: looked for {start}-{end}, raw or .gz, there and in {below}{meant}")
}

/// What is wrong with a path that is no folder, or one that holds nothing; None for any other.
pub fn no_folder(path: &Path) -> Option<String> {
    if path.exists() && !path.is_dir() {
        return Some("is a file: name the folder that it is in".to_owned());
    }
    if !path.exists() {
        let parent = path.parent()?;
        let siblings: Vec<String> =
            fs::read_dir(parent).into_iter().flatten().flatten().map(|entry| file_name(&entry.path())).collect();
        let meant = nearest(&file_name(path), &siblings)
            .map_or_else(String::new, |name| format!("; did you mean {}?", parent.join(name).display()));
        return Some(format!("does not exist{meant}"));
    }
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    is_empty.then(|| "is empty: name the folder that the data are in".to_owned())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// One image of 28×28 pixels, all of them the same.
    fn plain(grey: u8) -> Vec<u8> {
        [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28][..], &[grey; 784]].concat()
    }

    /// A folder with these files.
    pub fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn error(folder: &Path) -> String {
        load("mnist", folder, Part::Train).err().unwrap().to_string()
    }

    #[test]
    fn images_are_found_under_the_names_that_they_are_found_with() {
        for (name, file) in [
            ("mnist", "train-images-idx3-ubyte"),
            ("mnist", "train-images.idx3-ubyte"),
            ("mnist", "train-images-idx3-ubyte/train-images-idx3-ubyte"),
            ("mnist", "emnist-letters-train-images-idx3-ubyte"),
            ("mnist", "qmnist-train-images-idx3-ubyte"),
            ("mnist", "raw/train-images-idx3-ubyte"),
            ("mnist", "MNIST/raw/train-images-idx3-ubyte"),
            ("mnist", "EMNIST/raw/emnist-digits-train-images-idx3-ubyte"),
            ("mnist", "QMNIST/raw/qmnist-train-images-idx3-ubyte"),
            ("mnist", "gzip/emnist-letters-train-images-idx3-ubyte"),
            ("mnist", "KMNIST/raw/train-images-idx3-ubyte"),
            ("fashion-mnist", "train-images-idx3-ubyte"),
            ("fashion-mnist", "FashionMNIST/raw/train-images-idx3-ubyte"),
        ] {
            let folder = folder(&[(file, &plain(255)), ("MNIST/raw/t10k-images-idx3-ubyte", &plain(0))]);
            let data = load(name, folder.path(), Part::Train).unwrap();
            assert_eq!((data.name(), data.len()), (name, 1), "{file}");
            assert!(data.samples(0..1).data().iter().all(|&x| x == 1.0), "{file}");
        }
        for (file, part, what) in [
            ("t10k-labels.idx1-ubyte.gz", Part::Test, What::Labels),
            ("emnist-byclass-test-images-idx3-ubyte.gz", Part::Test, What::Images),
            ("qmnist-test-labels-idx2-int.gz", Part::Test, What::Labels),
        ] {
            assert!(is_of(file, part, what), "{file}");
        }
        assert!(!is_of("my-own-train-images-idx3-ubyte", Part::Train, What::Images));
    }

    #[test]
    fn of_two_data_sets_in_one_root_each_is_found() {
        let files = ["MNIST/raw/train-images-idx3-ubyte", "FashionMNIST/raw/train-images-idx3-ubyte"];
        let folder = folder(&[(files[0], &plain(0)), (files[1], &plain(255))]);
        let grey = |name| load(name, folder.path(), Part::Train).unwrap().samples(0..1).data()[0];
        assert_eq!((grey("mnist"), grey("fashion-mnist")), (0.0, 1.0));
    }

    #[test]
    fn the_raw_one_of_two_is_taken_and_of_two_sets_neither() {
        let name = "emnist-letters-train-images-idx3-ubyte";
        let folder = folder(&[(name, &plain(255)), (&format!("{name}.gz"), b"not even gzip")]);
        fs::write(folder.path().join("emnist-letters-train-images.idx3-ubyte.gz"), "likewise").unwrap();
        assert_eq!(load("mnist", folder.path(), Part::Train).unwrap().len(), 1);
        fs::write(folder.path().join("emnist-digits-train-images-idx3-ubyte"), plain(0)).unwrap();
        let error = error(folder.path());
        assert!(error.contains("several sets of images") && error.contains("emnist-digits-train"), "{error}");
    }

    #[test]
    fn letters_of_emnist_are_turned_upright() {
        let mut file = plain(0);
        file[16 + 3] = 255; // stored: row 0, column 3
        let folder = folder(&[("emnist-letters-train-images-idx3-ubyte", &file)]);
        let pixels = images("mnist", folder.path(), Part::Train).unwrap().pixels;
        assert_eq!((pixels[3 * 28], pixels.iter().filter(|&&x| x == 255).count()), (255, 1));
    }

    #[test]
    fn images_of_another_size_are_an_error() {
        let folder = folder(&[("train-images-idx3-ubyte", &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 7])]);
        let error = error(folder.path());
        assert!(error.ends_with("images of 1×2 pixels, but the networks need 28×28"), "{error}");
    }

    #[test]
    fn a_folder_without_them_is_told_with_what_may_have_been_meant() {
        let place = folder(&[("data/notes.txt", b""), ("photos/a/cat.jpg", b""), ("photos/dog.PNG", b"")]);
        let told = |name: &str| error(&place.path().join(name));
        let looked_for = "looked for train-images-idx3-ubyte, raw or .gz, there and in MNIST/raw";
        assert!(told("data").ends_with(looked_for), "{}", told("data"));
        let clothing = load("fashion-mnist", &place.path().join("data"), Part::Train).err().unwrap().to_string();
        assert!(clothing.ends_with(" and in FashionMNIST/raw"), "{clothing}");
        assert!(told("photos").ends_with("; to learn the PNG and JPEG images in it, add --dataset images"));
        assert!(told("data/notes.txt").ends_with("notes.txt is a file: name the folder that it is in"));
        let meant = place.path().join("photos").display().to_string();
        assert!(told("photo").ends_with(&format!("photo does not exist; did you mean {meant}?")), "{}", told("photo"));
        fs::create_dir(place.path().join("empty")).unwrap();
        assert!(told("empty").ends_with("empty is empty: name the folder that the data are in"));
    }
}
