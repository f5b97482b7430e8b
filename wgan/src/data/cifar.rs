//! CIFAR-10's binary files: records of a label and of 32×32 pixels, all of their reds, then the greens and the blues, each row by
//! row. <https://www.cs.toronto.edu/~kriz/cifar.html>

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use autograd::Shape;
use flate2::bufread::GzDecoder;
use nn::files::write_whole;

use super::{Dataset, idx_folder};
use crate::error::{cannot_read, cannot_use, cannot_write, read_text};
use crate::{Error, Result};

/// The files of images to train on, and of those to test on.
pub const TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];
pub const TEST: [&str; 1] = ["test_batch.bin"];
/// The file of the classes' names.
const NAMES: &str = "batches.meta.txt";

/// What the files are published in.
pub const ARCHIVE: &str = "cifar-10-binary.tar.gz";
/// Where that has them.
const UNPACKED: &str = "cifar-10-batches-bin";

/// Bytes of an image.
const IMAGE: usize = 3 * 32 * 32;
const RECORD: usize = 1 + IMAGE;
/// As many as each of the published files has.
const MOST_RECORDS: usize = 10_000;
const CLASSES: u8 = 10;

/// The images of these files in `folder`, with the class of each if `classes`.
///
/// # Errors
/// [`Error::NoData`] if one is missing, [`Error::Data`] if one cannot be used.
pub fn load(folder: &Path, files: &[&str], classes: bool) -> Result<Dataset> {
    let (pixels, labels) = images_and_labels(folder, files)?;
    let data = Dataset::from_bytes("cifar10", Shape::from([3, 32, 32]), pixels);
    Ok(if classes { data.labelled(class_names(folder)?, labels) } else { data })
}

/// What the classes are called, a line each.
fn class_names(folder: &Path) -> Result<Vec<String>> {
    let path = find(folder, NAMES)?;
    let text = read_text(&path)?;
    let names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    if names.len() != usize::from(CLASSES) {
        let problem = format!("{} names, but there are {CLASSES} classes", names.len());
        return Err(cannot_use(&path.display().to_string())(problem));
    }
    Ok(names)
}

/// Whether the folder holds images to test on.
pub fn has_test(folder: &Path) -> bool {
    find(folder, TEST[0]).is_ok()
}

/// The bytes of the images one after the other, and the label of each.
///
/// # Errors
/// As [`load`].
fn images_and_labels(folder: &Path, files: &[&str]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        let path = find(folder, file)?;
        let bytes = File::open(&path).and_then(records).map_err(cannot_read(&path))?;
        check(&bytes).map_err(cannot_use(&path.display().to_string()))?;
        for record in bytes.chunks_exact(RECORD) {
            labels.push(record[0]);
            pixels.extend(&record[1..]);
        }
    }
    Ok((pixels, labels))
}

/// The bytes of a file, of which no more are taken than it should have, and one.
fn records(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take((MOST_RECORDS * RECORD) as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file holds whole records, each with a label that there is.
fn check(bytes: &[u8]) -> Result<(), String> {
    let count = bytes.len() / RECORD;
    if bytes.len() > MOST_RECORDS * RECORD {
        return Err(format!("it goes on after {MOST_RECORDS} images, so it is something else than a file of CIFAR-10"));
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
        let length = bytes.len();
        return Err(format!(
            "its {length} bytes are no whole images of {RECORD}: it is cut off, or no file of CIFAR-10"
        ));
    }
    match (0..count).find(|image| bytes[image * RECORD] >= CLASSES) {
        Some(image) => {
            let label = bytes[image * RECORD];
            Err(format!("image {} has the label {label}, but the classes are 0 to 9: is it CIFAR-10?", image + 1))
        }
        None => Ok(()),
    }
}

/// Where a file is: in the folder, or in the one below that the archive unpacks to.
fn find(folder: &Path, file: &str) -> Result<PathBuf> {
    let places = [folder.join(file), folder.join(UNPACKED).join(file)];
    places.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let problem = idx_folder::no_folder(folder).unwrap_or_else(|| {
            let advice = if folder.join(ARCHIVE).is_file() {
                format!("unpack {ARCHIVE}")
            } else if folder.join("data_batch_1").is_file() || folder.join("cifar-10-batches-py").is_dir() {
                "those for Python are another format".to_owned()
            } else {
                "`wgan data download cifar10` fetches it".to_owned()
            };
            format!("holds no {file}: looked there and in {UNPACKED}; {advice}")
        });
        Error::NoData { folder: folder.to_owned(), problem }
    })
}

/// Unpacks the archive in `folder`: what belongs to the data set, whatever else it may hold.
///
/// # Errors
/// [`Error::Data`] if it is no archive, and if a file cannot be written.
pub fn unpack(folder: &Path) -> Result<()> {
    let (path, place) = (folder.join(ARCHIVE), folder.join(UNPACKED));
    let file = File::open(&path).map_err(cannot_read(&path))?;
    let unusable =
        |error: io::Error| cannot_use(&path.display().to_string())(format!("it cannot be unpacked ({error})"));
    fs::create_dir_all(&place).map_err(cannot_write(&place))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    for entry in archive.entries().map_err(unusable)? {
        let mut entry = entry.map_err(unusable)?;
        let found = entry.path().map_err(unusable)?.file_name().unwrap_or_default().to_owned();
        let ours = TRAIN.into_iter().chain(TEST).chain([NAMES]).find(|&name| found == *name);
        if let Some(name) = ours.filter(|_| entry.header().entry_type().is_file()) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(unusable)?;
            write_whole(&place.join(name), &bytes)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::data::tests::folder;

    /// A file of images, each of one colour and with this label.
    fn file(images: &[(u8, [u8; 3])]) -> Vec<u8> {
        let record = |&(label, rgb): &(u8, [u8; 3])| [vec![label], rgb.map(|x| [x; 1024]).concat()].concat();
        images.iter().flat_map(record).collect()
    }

    /// A folder with one image in each file, of the label and the red of the file's number.
    fn five(place: &str) -> tempfile::TempDir {
        let numbered: Vec<_> =
            (1..).zip(TRAIN).map(|(i, name)| (format!("{place}{name}"), file(&[(i, [i, 0, 255])]))).collect();
        folder(&numbered.iter().map(|(name, bytes)| (&**name, &**bytes)).collect::<Vec<_>>())
    }

    fn error(folder: &Path) -> String {
        load(folder, &TRAIN, false).err().unwrap().to_string().replace(&folder.display().to_string(), "[folder]")
    }

    #[test]
    fn images_and_labels_are_read_in_order() {
        for place in ["", "cifar-10-batches-bin/"] {
            let folder = five(place);
            let data = load(folder.path(), &TRAIN, false).unwrap();
            assert_eq!((data.name(), data.len(), &data.shape()[..]), ("cifar10", 5, &[3, 32, 32][..]));
            let third = data.samples(2..3).into_data();
            let colours = [3.0 / 255.0, 0.0, 1.0].map(|x| [x; 1024]).concat();
            assert_eq!(third, colours);
            assert_eq!(images_and_labels(folder.path(), &TRAIN).unwrap().1, [1, 2, 3, 4, 5]);
            assert!(!has_test(folder.path()));
            fs::write(folder.path().join(place).join(TEST[0]), file(&[(9, [7; 3])])).unwrap();
            assert!(has_test(folder.path()) && load(folder.path(), &TEST, false).unwrap().len() == 1);
        }
    }

    #[test]
    fn classes_have_their_names() {
        let (folder, names) = (five(""), "airplane automobile bird cat deer dog frog horse ship truck");
        fs::write(folder.path().join(NAMES), names.replace(' ', "\n") + "\n\n").unwrap();
        let data = load(folder.path(), &TRAIN, true).unwrap();
        assert!(data.classes().iter().map(|class| &class.name).eq(names.split(' ')));
        assert_eq!(data.classes().iter().map(|class| class.count).collect::<Vec<_>>(), [0, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
        fs::write(folder.path().join(NAMES), "airplane\n").unwrap();
        let error = load(folder.path(), &TRAIN, true).err().unwrap().to_string();
        assert!(error.ends_with("batches.meta.txt: 1 names, but there are 10 classes"), "{error}");
    }

    #[test]
    fn files_that_are_no_whole_images_are_told_of() {
        let folder = five("");
        let told = |bytes: &[u8]| {
            fs::write(folder.path().join(TRAIN[1]), bytes).unwrap();
            error(folder.path())
        };
        let whole = file(&[(1, [0; 3]), (2, [0; 3])]);
        let cut = "bytes are no whole images of 3073: it is cut off, or no file of CIFAR-10";
        assert_eq!(told(&whole[..6145]), format!("[folder]/data_batch_2.bin: its 6145 {cut}"));
        assert_eq!(told(b""), format!("[folder]/data_batch_2.bin: its 0 {cut}"));
        let wrong = "image 2 has the label 200, but the classes are 0 to 9: is it CIFAR-10?";
        assert_eq!(told(&file(&[(1, [0; 3]), (200, [0; 3])])), format!("[folder]/data_batch_2.bin: {wrong}"));
        let long = "it goes on after 10000 images, so it is something else than a file of CIFAR-10";
        assert_eq!(told(&vec![0; 10_000 * RECORD + 7]), format!("[folder]/data_batch_2.bin: {long}"));
    }

    #[test]
    fn a_missing_file_is_told_with_what_may_help() {
        let folder = five("");
        fs::remove_file(folder.path().join(TRAIN[4])).unwrap();
        let missing = "[folder] holds no data_batch_5.bin: looked there and in cifar-10-batches-bin";
        assert_eq!(error(folder.path()), format!("{missing}; `wgan data download cifar10` fetches it"));
        fs::write(folder.path().join("data_batch_1"), "").unwrap();
        assert_eq!(error(folder.path()), format!("{missing}; those for Python are another format"));
        fs::write(folder.path().join(ARCHIVE), "").unwrap();
        assert_eq!(error(folder.path()), format!("{missing}; unpack cifar-10-binary.tar.gz"));
        assert!(error(&folder.path().join("elsewhere")).ends_with("does not exist"));
    }

    /// The files of these names in an archive.
    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes()); // set_path refuses ".."
            header.set_cksum();
            archive.append(&header, *bytes).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn of_an_archive_the_files_of_the_data_set_are_unpacked() {
        let image = file(&[(1, [0; 3])]);
        let files = [
            ("cifar-10-batches-bin/data_batch_1.bin", &image[..]),
            ("cifar-10-batches-bin/batches.meta.txt", b"airplane\n"),
            ("cifar-10-batches-bin/readme.html", b"<html>"),
            ("../../test_batch.bin", &image),
        ];
        let packed = archive(&files);
        let folder = folder(&[(ARCHIVE, &packed)]);
        unpack(folder.path()).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(folder.path().join(UNPACKED)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["batches.meta.txt", "data_batch_1.bin", "test_batch.bin"]);
        assert_eq!(fs::read(folder.path().join(UNPACKED).join("data_batch_1.bin")).unwrap(), image);
        for damaged in [&packed[..packed.len() / 2], b"no archive"] {
            fs::write(folder.path().join(ARCHIVE), damaged).unwrap();
            let error = unpack(folder.path()).unwrap_err().to_string();
            assert!(error.contains("cifar-10-binary.tar.gz: it cannot be unpacked ("), "{error}");
        }
    }
}
