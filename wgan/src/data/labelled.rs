//! Images with the class of each: what a classifier learns from.

use std::path::Path;

use super::idx_folder::{self, ANY, Part, TEST, TRAIN};
use super::{idx, mnist, shuffle};
use crate::error::cannot_use;
use crate::{Error, Result};

/// Images held out of a data set without a test set.
const HELD_OUT: usize = 1000;

/// An image of 28×28 pixels and its class.
pub struct Labelled {
    /// Row by row, 0 black to 255 white.
    pub pixels: [u8; Labelled::PIXELS],
    /// One of ten, counted from 0.
    pub label: u8,
}

/// What a classifier is trained on, and what it is tested on.
pub struct Split {
    /// To be learned.
    pub training: Vec<Labelled>,
    /// Never to be seen in training.
    pub held_out: Vec<Labelled>,
}

impl Labelled {
    /// The number of classes.
    pub const CLASSES: usize = 10;
    /// Pixels of an image.
    pub const PIXELS: usize = 28 * 28;

    /// The embedded digits in their order.
    pub(crate) fn embedded() -> Result<Vec<Self>> {
        Labelled::all("mnist", &mnist::images_and_labels()?)
    }

    fn all(name: &str, (images, labels): &(idx::Images, Vec<u8>)) -> Result<Vec<Self>> {
        let (images, _) = images.pixels.as_chunks();
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= Labelled::CLASSES) {
            return Err(cannot_use(name)(format!("there is a label {label}, but the classes are 0 to 9")));
        }
        Ok(images.iter().zip(labels).map(|(&pixels, &label)| Labelled { pixels, label }).collect())
    }
}

impl Split {
    /// The embedded digits, of which 1000 are held out, chosen by the seed.
    ///
    /// # Errors
    /// None that is known: the data are fixed when the program is built.
    pub fn embedded(seed: u64) -> Result<Self> {
        Ok(Split::shuffled(Labelled::embedded()?, seed))
    }

    /// The training images in a folder, and its test images; without any, 1000 are held out, chosen by the seed.
    ///
    /// # Errors
    /// If files are missing or cannot be used, or there are too few images.
    pub fn read(folder: &Path, seed: u64) -> Result<Self> {
        let name = folder.display().to_string();
        let read = |part: Part| Labelled::all(&name, &idx_folder::images_and_labels(ANY, folder, part)?);
        let training = read(TRAIN)?;
        if idx_folder::has_images(ANY, folder, TEST) {
            return Ok(Split { training, held_out: read(TEST)? });
        }
        if training.len() <= HELD_OUT {
            let reason = format!("it has {} images, of which {HELD_OUT} would be held out", training.len());
            return Err(Error::impossible("data-dir", name, &reason));
        }
        Ok(Split::shuffled(training, seed))
    }

    fn shuffled(mut images: Vec<Labelled>, seed: u64) -> Self {
        shuffle(&mut images, 1, seed);
        Split::last(images)
    }

    /// The last images held out.
    pub(crate) fn last(mut images: Vec<Labelled>) -> Self {
        let held_out = images.split_off(images.len() - HELD_OUT);
        Split { training: images, held_out }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The IDX files of a part with these labels, each image as grey as its place.
    fn write_part(folder: &Path, part: &str, labels: &[u8]) {
        let count = labels.len() as u32;
        let images = [0x0803, count, 28, 28].map(u32::to_be_bytes).concat();
        let pixels = (0..labels.len()).flat_map(|i| [i as u8; Labelled::PIXELS]);
        fs::write(
            folder.join(format!("{part}-images-idx3-ubyte")),
            images.into_iter().chain(pixels).collect::<Vec<_>>(),
        )
        .unwrap();
        let header = [0x0801, count].map(u32::to_be_bytes).concat();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), [&header, labels].concat()).unwrap();
    }

    fn labels(images: &[Labelled]) -> Vec<u8> {
        images.iter().map(|image| image.label).collect()
    }

    fn error(folder: &Path) -> String {
        Split::read(folder, 0).err().unwrap().to_string()
    }

    #[test]
    fn a_thousand_embedded_digits_are_held_out_by_the_seed() {
        let [first, again, other] = [0, 0, 1].map(|seed| Split::embedded(seed).unwrap());
        assert_eq!((first.training.len(), first.held_out.len()), (9000, 1000));
        assert_eq!(labels(&first.held_out), labels(&again.held_out));
        assert_ne!(labels(&first.held_out), labels(&other.held_out));
        // Each image keeps its label: of all there are as many as before.
        let all = Labelled::embedded().unwrap();
        for image in &first.held_out[..20] {
            let known = all.iter().find(|known| known.pixels == image.pixels);
            assert_eq!(known.map(|known| known.label), Some(image.label));
        }
    }

    #[test]
    fn a_folder_with_a_test_set_holds_that_out() {
        let folder = tempfile::tempdir().unwrap();
        write_part(folder.path(), "train", &[7, 3]);
        assert!(error(folder.path()).contains("it has 2 images, of which 1000 would be held out"));
        write_part(folder.path(), "t10k", &[1]);
        let Split { training, held_out } = Split::read(folder.path(), 0).unwrap();
        assert_eq!((labels(&training), training[1].pixels), (vec![7, 3], [1; Labelled::PIXELS]));
        assert_eq!(labels(&held_out), [1]);
    }

    #[test]
    fn files_that_do_not_fit_together_are_told() {
        let folder = tempfile::tempdir().unwrap();
        write_part(folder.path(), "train", &[7, 10]);
        assert!(error(folder.path()).ends_with("there is a label 10, but the classes are 0 to 9"));
        write_part(folder.path(), "train", &[7, 3, 5]);
        let labels = folder.path().join("train-labels-idx1-ubyte");
        fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 7]).unwrap();
        assert!(error(folder.path()).ends_with("3 images, but 1 labels"));
        fs::remove_file(labels).unwrap();
        assert!(error(folder.path()).contains("holds no file of labels: looked for train-labels-idx1-ubyte"));
    }
}
