//! The IDX format of MNIST: a magic number, the extents as big-endian u32, then one byte per pixel or label.
//! <http://yann.lecun.com/exdb/mnist/>

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use super::check_count;
use crate::Result;
use crate::error::cannot_use;

/// Unsigned bytes in three dimensions: images.
const IMAGES: u32 = 0x0803;
/// Unsigned bytes in one dimension: labels.
const LABELS: u32 = 0x0801;
/// Integers of 32 bits in two dimensions: labels of QMNIST, of which a row's first is the class.
const LABEL_ROWS: u32 = 0x0c02;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// QMNIST has 8 numbers for each label.
const MOST_COLUMNS: usize = 64;

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

/// Reads the images in `source`, raw or gzipped, of which no more than the header promises; `file` is their name in errors.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) if they are truncated, corrupt, something else than images, too many, or followed by
/// more.
pub fn images(file: &str, source: impl BufRead) -> Result<Images> {
    read_images(source).map_err(cannot_use(file))
}

/// Reads the labels in `source`, likewise.
///
/// # Errors
/// As [`images`].
pub fn labels(file: &str, source: impl BufRead) -> Result<Vec<u8>> {
    read_labels(source).map_err(cannot_use(file))
}

/// The bytes themselves, decompressed if they start as gzip does.
pub fn decompressed<'a>(mut source: impl BufRead + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let is_gzip = source.fill_buf()?.starts_with(&GZIP_MAGIC);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(source)) } else { Box::new(source) })
}

fn read_images(source: impl BufRead) -> Result<Images, String> {
    let (mut source, _) = open(source, &[IMAGES])?;
    let [count, height, width] = words(&mut source)?.map(|word| word as usize);
    check_count(count)?;
    let promised = format!("{count} images of {height}×{width} pixels");
    let size = count.checked_mul(height).and_then(|product| product.checked_mul(width));
    let size = size.ok_or_else(|| format!("no file holds {promised}"))?;
    Ok(Images { height, width, pixels: rest(source, size, &promised)? })
}

fn read_labels(source: impl BufRead) -> Result<Vec<u8>, String> {
    let (mut source, magic) = open(source, &[LABELS, LABEL_ROWS])?;
    let [count] = words(&mut source)?.map(|word| word as usize);
    check_count(count)?;
    if magic == LABELS {
        return rest(source, count, &format!("{count} labels"));
    }
    let [columns] = words(&mut source)?.map(|word| word as usize);
    if !(1..=MOST_COLUMNS).contains(&columns) {
        return Err(format!("{columns} numbers for each label are not possible"));
    }
    let rows = rest(source, 4 * count * columns, &format!("{count} labels of {columns} numbers"))?;
    let classes = rows.as_chunks().0.iter().step_by(columns).map(|&word| u32::from_be_bytes(word));
    classes.map(|class| u8::try_from(class).map_err(|_| format!("there is a label {class}"))).collect()
}

/// The next numbers of the header.
fn words<const COUNT: usize>(source: &mut impl Read) -> Result<[u32; COUNT], String> {
    let mut words = [[0; 4]; COUNT];
    match source.read_exact(words.as_flattened_mut()) {
        Ok(()) => Ok(words.map(u32::from_be_bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err("the file ends within its header".to_owned()),
        Err(error) => Err(unreadable(error)),
    }
}

/// What follows a file's magic number, which must be one of those needed, of which the first is the usual one.
fn open<'a>(source: impl BufRead + 'a, needed: &[u32]) -> Result<(Box<dyn Read + 'a>, u32), String> {
    let mut source = decompressed(source).map_err(unreadable)?;
    let [found] = words(&mut source)?;
    let kind = |magic| if magic == IMAGES { "images" } else { "labels" };
    let (usual, needed_kind) = (needed[0], kind(needed[0]));
    match found {
        _ if needed.contains(&found) => Ok((source, found)),
        IMAGES | LABELS => Err(format!("these are {}, but {needed_kind} are needed", kind(found))),
        _ => Err(format!("not an IDX file of {needed_kind}: the magic number is {found:#010x}, not {usual:#010x}")),
    }
}

/// What follows the header, which is as long as it promises. Memory grows with what is there, not with the promise.
fn rest(source: impl Read, size: usize, promised: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    source.take(size as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() {
        found if found > size => Err(format!("the file goes on after its {promised}")),
        found if found < size => Err(format!("the file is cut off within its {promised}, {found} bytes")),
        _ => Ok(bytes),
    }
}

fn unreadable(error: io::Error) -> String {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    match error.kind() {
        UnexpectedEof | InvalidData | InvalidInput => format!("the gzip data is corrupt or cut off ({error})"),
        _ => format!("it cannot be read ({error})"),
    }
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
        assert_eq!(images("digits", &two_images()[..]).unwrap(), expected);
        assert_eq!(images("digits", &gzipped(&two_images())[..]).unwrap(), expected);
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
            let error = error(&file[..length]);
            let told = ["digits: the gzip data is corrupt or cut off", "digits: the file ends within its header"];
            assert!(told.iter().any(|told| error.starts_with(told)), "{length} bytes: {error}");
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
        assert_eq!(error(&file), "digits: the file goes on after its 2 images of 1×3 pixels");
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
        assert_eq!(labels("digits", &gzipped(&file)[..]).unwrap(), [7, 0, 9]);
        let error = |bytes: &[u8]| labels("digits", bytes).unwrap_err().to_string();
        assert_eq!(error(&file[..10]), "digits: the file is cut off within its 3 labels, 2 bytes");
        assert_eq!(error(&two_images()), "digits: these are images, but labels are needed");
    }

    #[test]
    fn extents_that_overflow_are_an_error() {
        let mut file = two_images();
        file[4..16].fill(0xff);
        assert!(error(&file).contains("no more than 16777216 can be told apart"));
        file[4..8].copy_from_slice(&[0, 0, 0, 9]);
        let promised = "9 images of 4294967295×4294967295 pixels";
        let told = error(&file);
        assert!(told.ends_with(&format!("no file holds {promised}")) || told.contains("is cut off within"), "{told}");
    }

    /// Gzip makes a thousandth of zeros.
    #[test]
    fn a_file_that_goes_on_for_ever_is_read_no_further_than_its_header_promises() {
        let endless = || io::BufReader::new(io::Cursor::new(two_images()).chain(io::repeat(0)));
        assert!(images("digits", endless()).unwrap_err().to_string().contains("goes on after"));
        let file = gzipped(&[&two_images()[..], &[0; 1 << 24]].concat());
        assert!(error(&file).contains("goes on after"));
    }

    /// QMNIST's labels are rows of eight numbers.
    #[test]
    fn the_first_number_of_a_row_is_its_label() {
        let rows = [[7, 0, 0, 1, 2, 3, 4, 5], [2, 1, 9, 9, 9, 9, 9, 9]].map(|row| row.map(u32::to_be_bytes).concat());
        let file = [[LABEL_ROWS, 2, 8].map(u32::to_be_bytes).concat(), rows.concat()].concat();
        assert_eq!(labels("digits", &file[..]).unwrap(), [7, 2]);
    }
}
