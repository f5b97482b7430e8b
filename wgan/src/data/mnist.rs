//! The first 10,000 training images of MNIST, part of the program. Their licence lies beside them, in `data/mnist`.

use super::{Dataset, idx};
use crate::Result;

const IMAGES: &[u8] = include_bytes!("../../data/mnist/mnist-train-10000-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../data/mnist/mnist-train-10000-labels-idx1-ubyte.gz");

/// The embedded images, with the class of each if `classes`.
///
/// # Errors
/// None that is known: the data are fixed when the program is built.
pub fn load(classes: bool) -> Result<Dataset> {
    let (images, labels) = images_and_labels()?;
    let data = Dataset::from_images("mnist", images);
    Ok(if classes { data.labelled_by(&labels) } else { data })
}

/// The embedded images, and the digit that each shows.
///
/// # Errors
/// As [`load`].
pub fn images_and_labels() -> Result<(idx::Images, Vec<u8>)> {
    let name = "the embedded MNIST subset";
    Ok((idx::images(name, IMAGES)?, idx::labels(name, LABELS)?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sha2::{Digest, Sha256};

    use super::*;

    fn sha256(gzipped: &[u8]) -> String {
        let mut raw = Vec::new();
        idx::decompressed(gzipped).unwrap().read_to_end(&mut raw).unwrap();
        let digest = Sha256::digest(raw);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_embedded_files_are_the_ones_their_readme_names() {
        assert_eq!(sha256(IMAGES), "2889698e6bc3614913e76901316712919d1998fc2b44512451bfe65bc1e668b1");
        assert_eq!(sha256(LABELS), "651e38e2ac0632f5113ec18f1df4977117f953197819034009971a6675a0df78");
        let readme = include_str!("../../data/mnist/README.md");
        assert!(readme.contains(&sha256(IMAGES)) && readme.contains(&sha256(LABELS)));
    }

    #[test]
    fn images_are_scaled_to_the_unit_interval() {
        let digits = load(false).unwrap();
        assert_eq!((digits.len(), &digits.shape()[..]), (10_000, &[1, 28, 28][..]));
        let (low, high) =
            digits.samples(0..10_000).data().iter().fold((1f32, 0f32), |(low, high), &x| (low.min(x), high.max(x)));
        assert_eq!((low, high), (0.0, 1.0));
    }
}
