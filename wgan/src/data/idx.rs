//! The IDX format of MNIST: a magic number, the extents as big-endian u32, then one byte per pixel or label.
//! <http://yann.lecun.com/exdb/mnist/>

use std::io::Read;

use byteorder::{BigEndian, ReadBytesExt};
use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// Unsigned bytes in three dimensions: images.
const IMAGES: u32 = 0x0803;
/// Unsigned bytes in one dimension: labels.
const LABELS: u32 = 0x0801;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Grey images of one size.
#[derive(Debug, PartialEq)]
pub struct Images {
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// All images one after the other, row by row, 0 black to 255 white.
    pub pixels: Vec<u8>,
}

/// Parses the images in `bytes`, raw or gzipped; `file` is their name in errors.
///
/// # Errors
/// [`Error::Data`] if they are truncated, corrupt, something else than images, or followed by more.
pub fn images(file: &str, bytes: &[u8]) -> Result<Images> {
    parse_images(bytes).map_err(|problem| Error::Data { file: file.to_owned(), problem })
}

/// Parses the labels in `bytes`, likewise.
///
/// # Errors
/// [`Error::Data`] if they are truncated, corrupt, something else than labels, or followed by more.
pub fn labels(file: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    parse_labels(bytes).map_err(|problem| Error::Data { file: file.to_owned(), problem })
}

/// The bytes themselves, decompressed if they start as gzip does.
pub fn decompress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes.to_vec());
    }
    let mut raw = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut raw)?;
    Ok(raw)
}

fn parse_images(bytes: &[u8]) -> Result<Images, String> {
    let raw = raw(bytes)?;
    let mut rest = raw.as_slice();
    check_magic(word(&mut rest)?, IMAGES)?;
    let [count, height, width] = [word(&mut rest)?, word(&mut rest)?, word(&mut rest)?].map(|extent| extent as usize);
    let expected = count.checked_mul(height).and_then(|product| product.checked_mul(width));
    check_size(rest, expected, &format!("{count} images of {height}×{width} pixels"))?;
    Ok(Images { height, width, pixels: rest.to_vec() })
}

fn parse_labels(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let raw = raw(bytes)?;
    let mut rest = raw.as_slice();
    check_magic(word(&mut rest)?, LABELS)?;
    let count = word(&mut rest)? as usize;
    check_size(rest, Some(count), &format!("{count} labels"))?;
    Ok(rest.to_vec())
}

fn raw(bytes: &[u8]) -> Result<Vec<u8>, String> {
    decompress(bytes).map_err(|error| format!("the gzip data is corrupt or cut off ({error})"))
}

/// Whether the file is of the kind that is needed.
fn check_magic(found: u32, needed: u32) -> Result<(), String> {
    let name = |magic| if magic == IMAGES { "images" } else { "labels" };
    match found {
        _ if found == needed => Ok(()),
        IMAGES | LABELS => Err(format!("these are {}, but {} are needed", name(found), name(needed))),
        _ => {
            let kind = name(needed);
            Err(format!("not an IDX file of {kind}: the magic number is {found:#010x}, not {needed:#010x}"))
        }
    }
}

/// The next number of the header.
fn word(rest: &mut &[u8]) -> Result<u32, String> {
    rest.read_u32::<BigEndian>().map_err(|_| "the file ends within its header".to_owned())
}

/// Whether what follows the header is all that it promises; None stands for more than any file can hold.
fn check_size(rest: &[u8], expected: Option<usize>, promised: &str) -> Result<(), String> {
    if expected == Some(rest.len()) {
        return Ok(());
    }
    let goes_on = expected.is_some_and(|count| count < rest.len());
    let relation = if goes_on { "goes on after" } else { "is cut off within" };
    Err(format!("the file {relation} its {promised}, {} bytes", rest.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Two images of 1×3 pixels.
    fn two_images() -> Vec<u8> {
        let mut file = Vec::new();
        for word in [IMAGES, 2, 1, 3] {
            file.extend(word.to_be_bytes());
        }
        file.extend([0, 1, 2, 253, 254, 255]);
        file
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        images("digits", bytes).unwrap_err().to_string()
    }

    #[test]
    fn raw_and_gzipped_files_hold_the_same_images() {
        let expected = Images { height: 1, width: 3, pixels: vec![0, 1, 2, 253, 254, 255] };
        assert_eq!(images("digits", &two_images()).unwrap(), expected);
        assert_eq!(images("digits", &gzipped(&two_images())).unwrap(), expected);
    }

    #[test]
    fn every_truncation_is_an_error() {
        let file = two_images();
        assert_eq!(error(&file[..10]), "digits: the file ends within its header");
        assert_eq!(error(&file[..21]), "digits: the file is cut off within its 2 images of 1×3 pixels, 5 bytes");
        for length in 0..file.len() {
            assert!(images("digits", &file[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn truncated_or_corrupt_gzip_is_an_error() {
        let file = gzipped(&two_images());
        for length in 2..file.len() {
            assert!(
                error(&file[..length]).starts_with("digits: the gzip data is corrupt or cut off"),
                "{length} bytes"
            );
        }
        let mut flipped = file.clone();
        let checksum = file.len() - 8;
        flipped[checksum] ^= 1;
        assert!(error(&flipped).starts_with("digits: the gzip data is corrupt or cut off"));
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        let mut file = two_images();
        file.push(0);
        assert_eq!(error(&file), "digits: the file goes on after its 2 images of 1×3 pixels, 7 bytes");
    }

    #[test]
    fn labels_and_other_files_are_told_apart() {
        let mut labels = two_images();
        labels[3] = 0x01;
        assert_eq!(error(&labels), "digits: these are labels, but images are needed");
        assert_eq!(
            error(b"\x89PNG and so on"),
            "digits: not an IDX file of images: the magic number is 0x89504e47, not 0x00000803"
        );
    }

    #[test]
    fn labels_are_read_whole_or_not_at_all() {
        let mut file = [LABELS, 3].map(u32::to_be_bytes).concat();
        file.extend([7, 0, 9]);
        assert_eq!(labels("digits", &gzipped(&file)).unwrap(), [7, 0, 9]);
        let error = |bytes: &[u8]| labels("digits", bytes).unwrap_err().to_string();
        assert_eq!(error(&file[..10]), "digits: the file is cut off within its 3 labels, 2 bytes");
        assert_eq!(error(&two_images()), "digits: these are images, but labels are needed");
    }

    #[test]
    fn extents_that_overflow_are_an_error() {
        let mut file = two_images();
        file[4..16].fill(0xff);
        assert!(error(&file).contains("is cut off within"));
    }
}
