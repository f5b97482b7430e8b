//! Images with the class of each: what a classifier learns from.

use std::path::Path;

use super::folder::{self, ANY, Part};
use super::{idx, mnist, shuffle};
use crate::{Error, Result};

/// Of a data set without a test set, as many images are held out.
const HELD_OUT: usize = 1000;

/// Images of 28×28 pixels, each of one of ten classes.
pub struct Labelled {
    images: Vec<[u8; Labelled::PIXELS]>,
    labels: Vec<u8>,
}

/// What a classifier is trained on, and what it is tested on.
pub struct Split {
    /// To be learned.
    pub training: Labelled,
    /// Never to be seen in training.
    pub held_out: Labelled,
}

impl Labelled {
    /// The number of classes.
    pub const CLASSES: usize = 10;
    /// Pixels of an image.
    pub const PIXELS: usize = 28 * 28;

    fn new(name: &str, images: &idx::Images, labels: Vec<u8>) -> Result<Self> {
        let problem = |problem| Error::Data { file: name.to_owned(), problem };
        let (images, _) = images.pixels.as_chunks();
        if images.len() != labels.len() {
            return Err(problem(format!("{} images, but {} labels", images.len(), labels.len())));
        }
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= Labelled::CLASSES) {
            return Err(problem(format!("there is a label {label}, but the classes are 0 to 9")));
        }
        Ok(Labelled { images: images.to_vec(), labels })
    }

    /// The embedded digits in their order.
    pub(crate) fn embedded() -> Result<Self> {
        let (images, labels) = mnist::images_and_labels()?;
        Labelled::new("mnist", &images, labels)
    }

    fn shuffled(mut self, seed: u64) -> Self {
        shuffle(&mut self.images, 1, seed);
        shuffle(&mut self.labels, 1, seed);
        self
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The pixels of the image at `index`, row by row, 0 black to 255 white.
    pub fn image(&self, index: usize) -> &[u8; Labelled::PIXELS] {
        &self.images[index]
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }
}

impl Split {
    /// The embedded digits, of which 1000 are held out, chosen by the seed.
    ///
    /// # Errors
    /// None that is known: the data are fixed when the program is built.
    pub fn embedded(seed: u64) -> Result<Self> {
        Ok(Split::last(Labelled::embedded()?.shuffled(seed)))
    }

    /// The training images in a folder, and its test images; without any, 1000 are held out, chosen by the seed.
    ///
    /// # Errors
    /// If files are missing or cannot be used, or there are too few images.
    pub fn read(folder: &Path, seed: u64) -> Result<Self> {
        let part = |part| {
            let (images, labels) = (folder::images(ANY, folder, part)?, folder::labels(ANY, folder, part)?);
            Labelled::new(&folder.display().to_string(), &images, labels)
        };
        let training = part(Part::Train)?;
        if folder::has_images(ANY, folder, Part::Test) {
            return Ok(Split { training, held_out: part(Part::Test)? });
        }
        if training.len() <= HELD_OUT {
            let reason = format!("it has {} images, of which {HELD_OUT} would be held out", training.len());
            return Err(Error::Setting { name: "data-dir".to_owned(), value: folder.display().to_string(), reason });
        }
        Ok(Split::last(training.shuffled(seed)))
    }

    /// The last images held out.
    pub(crate) fn last(Labelled { mut images, mut labels }: Labelled) -> Self {
        let training = images.len() - HELD_OUT;
        let held_out = Labelled { images: images.split_off(training), labels: labels.split_off(training) };
        Split { training: Labelled { images, labels }, held_out }
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

    fn error(folder: &Path) -> String {
        Split::read(folder, 0).err().unwrap().to_string()
    }

    #[test]
    fn a_thousand_embedded_digits_are_held_out_by_the_seed() {
        let [first, again, other] = [0, 0, 1].map(|seed| Split::embedded(seed).unwrap());
        assert_eq!((first.training.len(), first.held_out.len()), (9000, 1000));
        assert_eq!(first.held_out.labels(), again.held_out.labels());
        assert_ne!(first.held_out.labels(), other.held_out.labels());
        // Each image keeps its label: of all there are as many as before.
        let all = Labelled::embedded().unwrap();
        let known =
            |image: &[u8; Labelled::PIXELS]| (0..all.len()).find(|&i| all.image(i) == image).map(|i| all.labels()[i]);
        for i in 0..20 {
            assert_eq!(known(first.held_out.image(i)), Some(first.held_out.labels()[i]));
        }
    }

    #[test]
    fn a_folder_with_a_test_set_holds_that_out() {
        let folder = tempfile::tempdir().unwrap();
        write_part(folder.path(), "train", &[7, 3]);
        assert!(error(folder.path()).contains("it has 2 images, of which 1000 would be held out"));
        write_part(folder.path(), "t10k", &[1]);
        let Split { training, held_out } = Split::read(folder.path(), 0).unwrap();
        assert_eq!((training.labels(), training.image(1)), (&[7, 3][..], &[1; Labelled::PIXELS]));
        assert_eq!((held_out.labels(), held_out.is_empty()), (&[1][..], false));
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
