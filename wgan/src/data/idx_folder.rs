//! A folder of IDX files, raw or gzipped, under the names that MNIST and its kin are found with: as they are published, as
//! mirrors rename them, and where torchvision puts them.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::{Dataset, idx, images};
use crate::error::{cannot_read, cannot_use, nearest};
use crate::{Error, Result};

/// One of the two parts of a published data set: the names that files call it by, the usual one first.
pub type Part = &'static [&'static str];
pub const TRAIN: Part = &["train"];
pub const TEST: Part = &["t10k", "test"];

/// In place of a data set's name, where any will do.
pub const ANY: &str = "";

/// What a file holds of each sample.
struct Contents {
    name: &'static str,
    /// What the names of such files end in, the usual one first.
    ends: &'static [&'static str],
}

const IMAGES: Contents = Contents { name: "images", ends: &["images-idx3-ubyte", "images.idx3-ubyte"] };
const LABELS: Contents =
    Contents { name: "labels", ends: &["labels-idx1-ubyte", "labels.idx1-ubyte", "labels-idx2-int"] };

/// The images of a part in `folder`, with the class of each if `classes`; `name` is the data set's.
///
/// # Errors
/// [`Error::NoData`] if the folder holds no file of a known name, [`Error::Data`] if a file cannot be used.
pub fn load(name: &str, folder: &Path, part: Part, classes: bool) -> Result<Dataset> {
    if !classes {
        return Ok(Dataset::from_images(name, images(name, folder, part)?));
    }
    let (images, labels) = images_and_labels(name, folder, part)?;
    Ok(Dataset::from_images(name, images).labelled_by(&labels))
}

/// The images of a part, and the label of each.
///
/// # Errors
/// As [`load`], and if there are not as many.
pub fn images_and_labels(name: &str, folder: &Path, part: Part) -> Result<(idx::Images, Vec<u8>)> {
    let (images, labels) = (images(name, folder, part)?, labels(name, folder, part)?);
    let count = images.pixels.len() / (28 * 28);
    if count != labels.len() {
        let problem = format!("{count} images, but {} labels", labels.len());
        return Err(cannot_use(&folder.display().to_string())(problem));
    }
    Ok((images, labels))
}

/// The images of a part.
///
/// # Errors
/// As [`load`].
fn images(name: &str, folder: &Path, part: Part) -> Result<idx::Images> {
    let (path, source) = open(name, folder, part, &IMAGES)?;
    let file = path.display().to_string();
    let mut images = idx::images(&file, source)?;
    if (images.height, images.width) != (28, 28) {
        let problem = format!("images of {}×{} pixels, but the networks need 28×28", images.height, images.width);
        return Err(cannot_use(&file)(problem));
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
fn labels(name: &str, folder: &Path, part: Part) -> Result<Vec<u8>> {
    let (path, source) = open(name, folder, part, &LABELS)?;
    idx::labels(&path.display().to_string(), source)
}

/// Whether the folder holds images of a part.
pub fn has_images(name: &str, folder: &Path, part: Part) -> bool {
    places(name, folder).iter().any(|place| !files(place, part, &IMAGES).is_empty())
}

/// Where torchvision puts pieces of clothing.
const FASHION: &str = "FashionMNIST/raw";

/// Where files may be below the folder that was named, which may be torchvision's root.
fn places(name: &str, folder: &Path) -> Vec<PathBuf> {
    const DIGITS: &[&str] = &["MNIST/raw", "EMNIST/raw", "QMNIST/raw", "KMNIST/raw"];
    let digits = if name == "fashion-mnist" { &[] } else { DIGITS };
    let clothing: &[&str] = if name == "mnist" { &[] } else { &[FASHION] };
    // EMNIST's own archive unpacks to "gzip".
    let below = [&["raw", "gzip"], digits, clothing].concat();
    [folder.to_owned()].into_iter().chain(below.iter().map(|place| folder.join(place))).collect()
}

/// The file of a part in the first place that holds one.
fn open(name: &str, folder: &Path, part: Part, contents: &Contents) -> Result<(PathBuf, BufReader<File>)> {
    for place in places(name, folder) {
        let mut files = files(&place, part, contents);
        if files.len() > 1 {
            let names = files.iter().map(|file| file_name(file)).collect::<Vec<_>>().join(", ");
            let problem = format!("holds several sets of images or labels ({names}): name a folder with one of them");
            return Err(Error::NoData { folder: place, problem });
        }
        if let Some(path) = files.pop() {
            let file = File::open(&path).map_err(cannot_read(&path))?;
            return Ok((path, BufReader::new(file)));
        }
    }
    Err(Error::NoData { folder: folder.to_owned(), problem: missing(name, folder, part, contents) })
}

/// The files of a part in `place`, of one that is there raw and gzipped only the raw one.
fn files(place: &Path, part: Part, contents: &Contents) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for name in names_in(place).into_iter().filter(|name| is_of(name, part, contents)) {
        // Some archives unpack to a folder of the file's name.
        let paths = [place.join(&name), place.join(&name).join(&name)];
        let set = name.trim_end_matches(".gz").replace(".idx", "-idx");
        files.extend(paths.into_iter().find(|path| path.is_file()).map(|path| (set, path.as_os_str().len(), path)));
    }
    // The raw one has the shorter name, and so comes first in its set.
    files.sort();
    files.dedup_by(|later, first| later.0 == first.0);
    files.into_iter().map(|(_, _, path)| path).collect()
}

/// Whether a file's name is one of these: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`,
/// `emnist-letters-test-images-idx3-ubyte`, `qmnist-train-labels-idx2-int`.
fn is_of(name: &str, part: Part, contents: &Contents) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let beginning = contents.ends.iter().find_map(|end| name.strip_suffix(end)?.strip_suffix('-'));
    let Some(beginning) = beginning else { return false };
    let (set, named_part) = beginning.rsplit_once('-').unwrap_or(("", beginning));
    part.contains(&named_part) && (["", "qmnist", "kmnist"].contains(&set) || set.starts_with("emnist"))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names of what lies in a folder; none if it cannot be read.
fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| file_name(&entry.path())).collect()
}

/// What a folder without the files lacks, and what may have been meant.
fn missing(name: &str, folder: &Path, part: Part, contents: &Contents) -> String {
    if let Some(problem) = no_folder(folder) {
        return problem;
    }
    let (kind, file) = (contents.name, format!("{}-{}", part[0], contents.ends[0]));
    let meant =
        if images::are_in(folder, 2) { "; to learn the PNG and JPEG images in it, add --dataset images" } else { "" };
    // Of a named data set, only a training that tells classes apart wants labels.
    let why = if kind == LABELS.name && name != ANY { ", which --conditional needs" } else { "" };
    let below = if name == "fashion-mnist" { FASHION } else { "MNIST/raw" };
    format!("holds no file of {kind}{why}: looked for {file}, raw or .gz, there and in {below}{meant}")
}

/// What is wrong with a path that is no folder, or one that holds nothing; None for any other.
pub fn no_folder(path: &Path) -> Option<String> {
    if path.is_dir() {
        let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        return is_empty.then(|| "is empty: name the folder that the data are in".to_owned());
    }
    if path.exists() {
        return Some("is a file: name the folder that it is in".to_owned());
    }
    let parent = path.parent()?;
    let meant = nearest(&file_name(path), &names_in(parent))
        .map_or_else(String::new, |name| format!("; did you mean {}?", parent.join(name).display()));
    Some(format!("does not exist{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::folder;

    /// One image of 28×28 pixels, all of them the same.
    fn plain(grey: u8) -> Vec<u8> {
        [&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28][..], &[grey; 784]].concat()
    }

    fn error(folder: &Path) -> String {
        load("mnist", folder, TRAIN, false).err().unwrap().to_string()
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
            let data = load(name, folder.path(), TRAIN, false).unwrap();
            assert_eq!((data.name(), data.len()), (name, 1), "{file}");
            assert!(data.samples(0..1).data().iter().all(|&x| x == 1.0), "{file}");
        }
        for (file, part, contents) in [
            ("t10k-labels.idx1-ubyte.gz", TEST, &LABELS),
            ("emnist-byclass-test-images-idx3-ubyte.gz", TEST, &IMAGES),
            ("qmnist-test-labels-idx2-int.gz", TEST, &LABELS),
        ] {
            assert!(is_of(file, part, contents), "{file}");
        }
        assert!(!is_of("my-own-train-images-idx3-ubyte", TRAIN, &IMAGES));
    }

    #[test]
    fn of_two_data_sets_in_one_root_each_is_found() {
        let files = ["MNIST/raw/train-images-idx3-ubyte", "FashionMNIST/raw/train-images-idx3-ubyte"];
        let folder = folder(&[(files[0], &plain(0)), (files[1], &plain(255))]);
        let grey = |name| load(name, folder.path(), TRAIN, false).unwrap().samples(0..1).data()[0];
        assert_eq!((grey("mnist"), grey("fashion-mnist")), (0.0, 1.0));
    }

    #[test]
    fn the_raw_one_of_two_is_taken_and_of_two_sets_neither() {
        let name = "emnist-letters-train-images-idx3-ubyte";
        let folder = folder(&[(name, &plain(255)), (&format!("{name}.gz"), b"not even gzip")]);
        fs::write(folder.path().join("emnist-letters-train-images.idx3-ubyte.gz"), "likewise").unwrap();
        assert_eq!(load("mnist", folder.path(), TRAIN, false).unwrap().len(), 1);
        fs::write(folder.path().join("emnist-digits-train-images-idx3-ubyte"), plain(0)).unwrap();
        let error = error(folder.path());
        assert!(error.contains("several sets of images") && error.contains("emnist-digits-train"), "{error}");
    }

    #[test]
    fn letters_of_emnist_are_turned_upright() {
        let mut file = plain(0);
        file[16 + 3] = 255; // stored: row 0, column 3
        let folder = folder(&[("emnist-letters-train-images-idx3-ubyte", &file)]);
        let pixels = images("mnist", folder.path(), TRAIN).unwrap().pixels;
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
        let clothing = load("fashion-mnist", &place.path().join("data"), TRAIN, false).err().unwrap().to_string();
        assert!(clothing.ends_with(" and in FashionMNIST/raw"), "{clothing}");
        assert!(told("photos").ends_with("; to learn the PNG and JPEG images in it, add --dataset images"));
        assert!(told("data/notes.txt").ends_with("notes.txt is a file: name the folder that it is in"));
        let meant = place.path().join("photos").display().to_string();
        assert!(told("photo").ends_with(&format!("photo does not exist; did you mean {meant}?")), "{}", told("photo"));
        fs::create_dir(place.path().join("empty")).unwrap();
        assert!(told("empty").ends_with("empty is empty: name the folder that the data are in"));
    }
}
