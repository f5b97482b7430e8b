//! A folder of images, PNG or JPEG, of any sizes: each is cut to a square about its centre and made smaller, so that all
//! have one shape.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use autograd::Shape;
use rayon::prelude::*;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Dataset;
use crate::config::Colour;
use crate::error::cannot_read;
use crate::{Error, Result};

/// The images in `folder` and the folders in it, as `[colours, size, size]`. What is transparent lies on white.
///
/// # Errors
/// [`Error::NoData`] if there is none, [`Error::Data`] for one that cannot be used.
pub fn load(folder: &Path, size: usize, colour: Colour) -> Result<Dataset> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    if files.is_empty() {
        let looked_for = "files whose names end in .png, .jpg or .jpeg".to_owned();
        return Err(Error::NoData { folder: folder.to_owned(), what: "images", looked_for });
    }
    files.sort(); // folders list their files in any order
    let mut bytes = Vec::with_capacity(files.len() * colour.channels() * size * size);
    // Parts, so that the first error in the order of the names ends it, and soon.
    for part in files.chunks(256) {
        let samples: Vec<Result<Vec<u8>>> = part.par_iter().map(|file| sample(file, size, colour)).collect();
        for sample in samples {
            bytes.extend(sample?);
        }
    }
    Ok(Dataset::from_bytes(&folder.display().to_string(), Shape::from([colour.channels(), size, size]), bytes))
}

/// Adds the images in a folder and in those below it. Names that begin with a dot are hidden; links to folders, which
/// could lead in a circle, are not followed.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = cannot_read(folder);
    for entry in fs::read_dir(folder).map_err(&unreadable)? {
        let entry = entry.map_err(&unreadable)?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type().map_err(&unreadable)?.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(is_image) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_image(extension: &std::ffi::OsStr) -> bool {
    ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The bytes of a file's image, one colour after the other.
fn sample(path: &Path, size: usize, colour: Colour) -> Result<Vec<u8>> {
    let file = fs::read(path).map_err(cannot_read(path))?;
    let sample = decode(&file).and_then(|raster| raster.square(size, colour));
    sample.map_err(|problem| Error::Data { file: path.display().to_string(), problem })
}

/// An image as it is stored.
struct Raster {
    width: usize,
    height: usize,
    /// Row by row, for each pixel grey, grey and opacity, the three colours, or these and opacity.
    bytes: Vec<u8>,
}

/// More pixels than any camera takes: a header that promises them is damaged.
const MOST_PIXELS: usize = 1 << 28;

fn decode(file: &[u8]) -> Result<Raster, String> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => decode_png(file),
        [0xff, 0xd8, ..] => decode_jpeg(file),
        _ => Err("this is neither a PNG nor a JPEG image".to_owned()),
    }
}

fn decode_png(file: &[u8]) -> Result<Raster, String> {
    let damaged = |error: png::DecodingError| format!("the PNG image is damaged or cut off ({error})");
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = reader.info().size();
    check_size(width as usize, height as usize)?;
    let mut bytes = vec![0; reader.output_buffer_size().expect("the size is checked")];
    reader.next_frame(&mut bytes).map_err(damaged)?;
    Ok(Raster { width: width as usize, height: height as usize, bytes })
}

fn decode_jpeg(file: &[u8]) -> Result<Raster, String> {
    let damaged = |error| format!("the JPEG image is damaged or cut off ({error})");
    let options = DecoderOptions::default().set_strict_mode(true); // what is cut off would be grey otherwise
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(file), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    check_size(width, height)?;
    let bytes = decoder.decode().map_err(damaged)?;
    Ok(Raster { width, height, bytes })
}

fn check_size(width: usize, height: usize) -> Result<(), String> {
    match width.checked_mul(height) {
        Some(1..=MOST_PIXELS) => Ok(()),
        _ => Err(format!("{width}×{height} pixels are not possible")),
    }
}

impl Raster {
    /// The largest square in the middle, made as small as asked for: `[colours, size, size]`. Each of its pixels is the mean
    /// of those that it covers, in the parts in which it covers them.
    fn square(&self, size: usize, colour: Colour) -> Result<Vec<u8>, String> {
        let side = self.width.min(self.height);
        if side < size {
            let (width, height) = (self.width, self.height);
            return Err(format!("{width}×{height} pixels are too few for --size {size}"));
        }
        let corner = [(self.width - side) / 2, (self.height - side) / 2];
        let cells = (0..size).flat_map(|row| (0..size).map(move |column| [column, row]));
        let pixels: Vec<[u8; 3]> = cells.map(|cell| self.mean(corner, side, size, cell)).collect();
        Ok(match colour {
            Colour::Grey => pixels.into_iter().map(luma).collect(),
            Colour::Rgb => (0..3).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel])).collect(),
        })
    }

    /// The mean colour of a cell, if the square of `side` pixels at `corner` is cut into `size` times `size` of them.
    fn mean(&self, corner: [usize; 2], side: usize, size: usize, cell: [usize; 2]) -> [u8; 3] {
        let mut sums = [0; 3];
        for (y, tall) in overlaps(cell[1], size, side) {
            for (x, wide) in overlaps(cell[0], size, side) {
                let pixel = self.pixel(corner[0] + x, corner[1] + y);
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += tall * wide * u64::from(value));
            }
        }
        let area = (side * side) as u64; // in units of 1/size² of a pixel
        sums.map(|sum| ((sum + area / 2) / area) as u8)
    }

    /// A pixel's red, green and blue.
    fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let count = self.bytes.len() / (self.width * self.height);
        match self.bytes[(y * self.width + x) * count..][..count] {
            [grey] => [grey; 3],
            [grey, opacity] => on_white([grey; 3], opacity),
            [red, green, blue] => [red, green, blue],
            [red, green, blue, opacity] => on_white([red, green, blue], opacity),
            _ => unreachable!("a pixel has 1 to 4 bytes"),
        }
    }
}

fn on_white(colour: [u8; 3], opacity: u8) -> [u8; 3] {
    let opacity = u32::from(opacity);
    colour.map(|value| ((u32::from(value) * opacity + 255 * (255 - opacity) + 127) / 255) as u8)
}

/// How bright a colour is (ITU-R BT.601).
fn luma(colour: [u8; 3]) -> u8 {
    let [red, green, blue] = colour.map(u32::from);
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

/// If `side` pixels are cut into `size` equal cells: the pixels that a cell covers, and how much of each, in units of
/// 1/`size` of a pixel.
fn overlaps(cell: usize, size: usize, side: usize) -> impl Iterator<Item = (usize, u64)> {
    let (low, high) = (cell * side, (cell + 1) * side);
    let covered = move |pixel: usize| high.min((pixel + 1) * size) - low.max(pixel * size);
    (low / size..high.div_ceil(size)).map(move |pixel| (pixel, covered(pixel) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(width: u32, height: u32, colour: png::ColorType, bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.write_header().unwrap().write_image_data(bytes).unwrap();
        file
    }

    fn square(file: &[u8], size: usize, colour: Colour) -> Vec<u8> {
        decode(file).unwrap().square(size, colour).unwrap()
    }

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        // Three pixels to two: the middle one is shared.
        assert_eq!(overlaps(0, 2, 3).collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        assert_eq!(overlaps(1, 2, 3).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
        let grey = encode(3, 3, png::ColorType::Grayscale, &[0, 30, 90, 0, 30, 90, 0, 30, 90]);
        assert_eq!(square(&grey, 2, Colour::Grey), [10, 70, 10, 70]);
        assert_eq!(square(&grey, 3, Colour::Grey), [0, 30, 90, 0, 30, 90, 0, 30, 90]);
        assert_eq!(square(&grey, 1, Colour::Rgb), [40; 3]);
    }

    #[test]
    fn the_middle_is_cut_out() {
        let wide = encode(6, 2, png::ColorType::Grayscale, &[9, 9, 1, 2, 9, 9, 9, 9, 3, 4, 9, 9]);
        assert_eq!(square(&wide, 2, Colour::Grey), [1, 2, 3, 4]);
        let tall = encode(1, 5, png::ColorType::Grayscale, &[9, 9, 7, 9, 9]);
        assert_eq!(square(&tall, 1, Colour::Grey), [7]);
    }

    /// Grey is 0.299·red + 0.587·green + 0.114·blue (ITU-R BT.601).
    #[test]
    fn colours_come_one_after_the_other_and_opacity_lies_on_white() {
        let colours = encode(2, 2, png::ColorType::Rgb, &[255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 110, 120]);
        assert_eq!(square(&colours, 2, Colour::Rgb), [255, 0, 0, 100, 0, 255, 0, 110, 0, 0, 255, 120]);
        assert_eq!(square(&colours, 2, Colour::Grey), [76, 150, 29, 108]);
        let glass = encode(1, 1, png::ColorType::Rgba, &[200, 100, 0, 51]);
        assert_eq!(square(&glass, 1, Colour::Rgb), [244, 224, 204]);
        let clear = encode(1, 1, png::ColorType::GrayscaleAlpha, &[0, 0]);
        assert_eq!(square(&clear, 1, Colour::Grey), [255]);
    }

    /// Encoded by another program: red in the upper left quarter, green beside it, blue below, white in the last.
    const JPEG: &[u8] = include_bytes!("../../tests/images/quarters.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../../tests/images/quarters-progressive.jpg");
    const GREY: &[u8] = include_bytes!("../../tests/images/halves-grey.jpg");

    fn near(found: &[u8], expected: &[u8]) {
        assert_eq!(found.len(), expected.len());
        let apart = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(3), "{found:?}, not {expected:?}");
    }

    #[test]
    fn jpeg_images_are_read_too() {
        for file in [JPEG, PROGRESSIVE] {
            near(&square(file, 2, Colour::Rgb), &[255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]);
        }
        near(&square(GREY, 2, Colour::Grey), &[0, 200, 0, 200]);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let problem = |file: &[u8]| decode(file).and_then(|raster| raster.square(4, Colour::Rgb)).unwrap_err();
        assert_eq!(problem(b"GIF89a"), "this is neither a PNG nor a JPEG image");
        let small = encode(4, 3, png::ColorType::Grayscale, &[0; 12]);
        assert_eq!(problem(&small), "4×3 pixels are too few for --size 4");
        let png = encode(40, 40, png::ColorType::Grayscale, &std::array::from_fn::<u8, 1600, _>(|i| (i * i) as u8));
        for file in [&png, JPEG, PROGRESSIVE, GREY] {
            for length in [file.len() / 3, file.len() / 2, file.len() * 9 / 10] {
                let problem = problem(&file[..length]);
                assert!(problem.contains("image is damaged or cut off"), "{length} of {}: {problem}", file.len());
            }
        }
        let mut huge = png;
        huge[16..24].copy_from_slice(&[0x10; 8]);
        assert!(problem(&huge).contains("is damaged") || problem(&huge).contains("are not possible"));
    }

    #[test]
    fn folders_are_searched_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, grey| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, encode(1, 1, png::ColorType::Grayscale, &[grey])).unwrap();
        };
        let error = |folder: &Path| load(folder, 1, Colour::Grey).err().unwrap().to_string();
        write("notes.txt", 0);
        write(".hidden.png", 0);
        let expected = "holds no images: looked for files whose names end in .png, .jpg or .jpeg";
        assert!(error(folder.path()).ends_with(expected));
        write("c.PNG", 30);
        write("b/z.jpeg", 20); // its bytes say what it is
        write("a.png", 10);
        let data = load(folder.path(), 1, Colour::Grey).unwrap();
        assert_eq!((data.len(), &data.shape()[..]), (3, &[1, 1, 1][..]));
        assert_eq!(data.samples(0..3).data(), [10.0, 20.0, 30.0].map(|grey: f32| grey / 255.0));
        fs::write(folder.path().join("b/y.png"), "no image").unwrap();
        assert!(error(folder.path()).ends_with("b/y.png: this is neither a PNG nor a JPEG image"));
        assert!(error(&folder.path().join("nowhere")).starts_with("cannot read "));
    }
}
