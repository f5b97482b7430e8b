//! Decoding a PNG or JPEG image, and scaling it.

use std::cell::Cell;
use std::fmt::Display;
use std::io::Cursor;
use std::panic;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use nn::files::excerpt;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::ColourMode;
use crate::figure::SOFTWARE;

/// An image as it is stored.
pub struct Raster {
    width: usize,
    height: usize,
    /// Row by row, for each pixel grey, grey and opacity, the three colours, or these and opacity.
    bytes: Vec<u8>,
    /// How the camera was held, 1 to 8.
    orientation: u32,
    /// The largest colour value of an image of 16 bits.
    pub largest: Option<u16>,
    /// Whether this program made it.
    pub is_ours: bool,
    /// Held by a large image, so that no two are in memory.
    _alone: Option<MutexGuard<'static, ()>>,
}

/// More pixels than cameras have, but for a few. Every one is shrunk to 256×256 or less anyway; but a file of a megabyte can
/// ask for gigabytes. Of 16 bits there may be half as many.
const MOST_PIXELS: usize = 1 << 26;

/// From here on images are decoded one at a time, on however many threads.
const LARGE: usize = 1 << 23;

/// The image in a file.
///
/// # Errors
/// Why it cannot be used.
pub fn decode(file: &[u8]) -> Result<Raster, String> {
    let decoded = quietly(|| match file {
        [0x89, b'P', b'N', b'G', ..] => decode_png(file),
        [0xff, 0xd8, ..] => decode_jpeg(file),
        [] => Err("the file is empty".to_owned()),
        _ => Err(match other_format(file) {
            Some(name) => format!("this is a {name} image; convert it to PNG or JPEG"),
            None => "this is neither a PNG nor a JPEG image".to_owned(),
        }),
    });
    decoded.unwrap_or_else(|| Err("the decoder fails on it; save it once more with another program".to_owned()))
}

/// What files of other kinds begin with.
fn other_format(file: &[u8]) -> Option<&'static str> {
    match file {
        [b'G', b'I', b'F', b'8', ..] => Some("GIF"),
        [b'B', b'M', ..] => Some("BMP"),
        [b'I', b'I', b'*', 0, ..] | [b'M', b'M', 0, b'*', ..] => Some("TIFF"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("WebP"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("HEIC or AVIF"),
        _ => None,
    }
}

thread_local! {
    static IS_DECODING: Cell<bool> = const { Cell::new(false) };
}

/// What `decode` gives, or None if it panics, of which nothing is printed: decoders are other people's, files anybody's.
fn quietly<T>(decode: impl FnOnce() -> T + panic::UnwindSafe) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_DECODING.get() {
                usual(panic)
            }
        }));
    });
    IS_DECODING.set(true);
    let decoded = panic::catch_unwind(decode);
    IS_DECODING.set(false);
    decoded.ok()
}

/// What to say of an image that its decoder finds at fault.
fn damaged(what: &str, error: &impl Display) -> String {
    format!("the {what} ({})", excerpt(error.to_string().trim()))
}

fn decode_png(file: &[u8]) -> Result<Raster, String> {
    let damaged = |error: png::DecodingError| damaged("PNG image is damaged or cut off", &error);
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let info = reader.info();
    let (width, height) = (info.width as usize, info.height as usize);
    let deep = info.bit_depth == png::BitDepth::Sixteen;
    let _alone = check_size(width, height, if deep { MOST_PIXELS / 2 } else { MOST_PIXELS })?;
    if info.palette.as_ref().is_some_and(|palette| !palette.len().is_multiple_of(3)) {
        return Err("the PNG image is damaged (its palette ends within a colour)".to_owned());
    }
    let orientation = info.exif_metadata.as_deref().map_or(1, orientation);
    let is_ours = info.utf8_text.iter().any(|text| {
        text.keyword == SOFTWARE && text.get_text().is_ok_and(|text| text.split(' ').next() == Some("wgan"))
    });
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("it is too large")?];
    let frame = reader.next_frame(&mut bytes).map_err(damaged)?;
    let mut largest = None;
    if deep {
        let values = bytes.as_chunks::<2>().0;
        let channels = frame.color_type.samples();
        let colours = channels - usize::from(channels.is_multiple_of(2)); // but not opacity
        let colour_values = values.chunks(channels).flat_map(|pixel| &pixel[..colours]);
        largest = colour_values.map(|&value| u16::from_be_bytes(value)).max();
        bytes = values.iter().map(|value| value[0]).collect();
    }
    Ok(Raster { width, height, bytes, orientation, largest, is_ours, _alone })
}

fn decode_jpeg(file: &[u8]) -> Result<Raster, String> {
    let damaged = |error: DecodeErrors| damaged("JPEG image is damaged, cut off, or of a rare kind", &error);
    let options = DecoderOptions::default().set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(file), options);
    // Not strictly: some cameras leave bytes between segments, which the strict decoder takes for damage.
    decoder.decode_headers().map_err(damaged)?;
    // What is cut off would be grey otherwise.
    decoder.set_options(options.set_strict_mode(true));
    let (width, height) = decoder.dimensions().ok_or("the JPEG image has no size")?;
    let _alone = check_size(width, height, MOST_PIXELS)?;
    let orientation = decoder.exif().map_or(1, |exif| orientation(exif));
    let bytes = decoder.decode().map_err(damaged)?;
    Ok(Raster { width, height, bytes, orientation, largest: None, is_ours: false, _alone })
}

/// How the camera was held, by what it says in EXIF.
fn orientation(exif: &[u8]) -> u32 {
    let read = exif::Reader::new().continue_on_error(true).read_raw(exif.to_vec());
    let exif = read.or_else(|error| error.distill_partial_result(|_| {}));
    let field = |exif: exif::Exif| exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0);
    exif.ok().and_then(field).filter(|orientation| (1..=8).contains(orientation)).unwrap_or(1)
}

/// Refuses an image of more pixels than `most`, before there is memory for it; a large one is decoded alone.
fn check_size(width: usize, height: usize, most: usize) -> Result<Option<MutexGuard<'static, ()>>, String> {
    static ALONE: Mutex<()> = Mutex::new(());
    let (pixels, millions) = (width.saturating_mul(height), most / 1_000_000);
    match pixels {
        0 => Err(format!("{width}×{height} pixels are none")),
        _ if pixels > most => Err(format!(
            "{width}×{height} pixels are more than {millions} million: make it smaller, as it will be anyway"
        )),
        LARGE.. => Ok(Some(ALONE.lock().unwrap_or_else(PoisonError::into_inner))),
        _ => Ok(None),
    }
}

impl Raster {
    /// The length of its shorter side.
    pub fn side(&self) -> usize {
        self.width.min(self.height)
    }

    /// Whether the camera was held upright, so that rows are seen as columns.
    fn is_sideways(&self) -> bool {
        self.orientation >= 5
    }

    /// The largest square in the middle, scaled to the size asked for: `[colours, size, size]`. Each of its pixels is the mean
    /// of those that it covers, in the parts in which it covers them.
    pub fn square(&self, size: usize, colour: ColourMode) -> Vec<u8> {
        let side = self.side();
        let mut corner = [(self.width - side) / 2, (self.height - side) / 2];
        if self.is_sideways() {
            corner.reverse();
        }
        let cells = (0..size).flat_map(|row| (0..size).map(move |column| [column, row]));
        let pixels: Vec<[u8; 3]> = cells.map(|cell| self.mean(corner, side, size, cell)).collect();
        match colour {
            ColourMode::Grey => pixels.into_iter().map(luma).collect(),
            ColourMode::Rgb => (0..3).flat_map(|channel| pixels.iter().map(move |pixel| pixel[channel])).collect(),
        }
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

    /// The red, green and blue of a pixel, which is stored elsewhere if the camera was turned (EXIF 2.32, section 4.6.5,
    /// Orientation).
    fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let (x, y) = if self.is_sideways() { (y, x) } else { (x, y) };
        let x = if matches!(self.orientation, 2 | 3 | 7 | 8) { self.width - 1 - x } else { x };
        let y = if matches!(self.orientation, 3 | 4 | 6 | 7) { self.height - 1 - y } else { y };
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

    fn square(file: &[u8], size: usize, colour: ColourMode) -> Vec<u8> {
        decode(file).unwrap().square(size, colour)
    }

    #[test]
    fn pixels_are_means_of_what_they_cover() {
        // Three pixels to two: the middle one is shared.
        assert_eq!(overlaps(0, 2, 3).collect::<Vec<_>>(), [(0, 2), (1, 1)]);
        assert_eq!(overlaps(1, 2, 3).collect::<Vec<_>>(), [(1, 1), (2, 2)]);
        let grey = encode(3, 3, png::ColorType::Grayscale, &[0, 30, 90, 0, 30, 90, 0, 30, 90]);
        assert_eq!(square(&grey, 2, ColourMode::Grey), [10, 70, 10, 70]);
        assert_eq!(square(&grey, 3, ColourMode::Grey), [0, 30, 90, 0, 30, 90, 0, 30, 90]);
        assert_eq!(square(&grey, 1, ColourMode::Rgb), [40; 3]);
    }

    #[test]
    fn the_middle_is_cut_out() {
        let wide = encode(6, 2, png::ColorType::Grayscale, &[9, 9, 1, 2, 9, 9, 9, 9, 3, 4, 9, 9]);
        assert_eq!(square(&wide, 2, ColourMode::Grey), [1, 2, 3, 4]);
        let tall = encode(1, 5, png::ColorType::Grayscale, &[9, 9, 7, 9, 9]);
        assert_eq!(square(&tall, 1, ColourMode::Grey), [7]);
    }

    /// Grey is 0.299·red + 0.587·green + 0.114·blue (ITU-R BT.601).
    #[test]
    fn colours_come_one_after_the_other_and_opacity_lies_on_white() {
        let colours = encode(2, 2, png::ColorType::Rgb, &[255, 0, 0, 0, 255, 0, 0, 0, 255, 100, 110, 120]);
        assert_eq!(square(&colours, 2, ColourMode::Rgb), [255, 0, 0, 100, 0, 255, 0, 110, 0, 0, 255, 120]);
        assert_eq!(square(&colours, 2, ColourMode::Grey), [76, 150, 29, 108]);
        let glass = encode(1, 1, png::ColorType::Rgba, &[200, 100, 0, 51]);
        assert_eq!(square(&glass, 1, ColourMode::Rgb), [244, 224, 204]);
        let clear = encode(1, 1, png::ColorType::GrayscaleAlpha, &[0, 0]);
        assert_eq!(square(&clear, 1, ColourMode::Grey), [255]);
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
            near(&square(file, 2, ColourMode::Rgb), &[255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]);
        }
        near(&square(GREY, 2, ColourMode::Grey), &[0, 200, 0, 200]);
    }

    /// EXIF data that say how the camera was held: the header of a TIFF file and one entry.
    fn exif(orientation: u8) -> Vec<u8> {
        let entry = [1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        [&b"II*\0\x08\0\0\0"[..], &entry].concat()
    }

    /// The same scene, 1 2 3 above 4 5 6, stored as each orientation says it is (EXIF 2.32, table of tag 274: where the first
    /// row and the first column lie).
    #[test]
    fn an_image_is_turned_as_the_camera_was_held() {
        let stored: [(u32, u32, [u8; 6]); 8] = [
            (3, 2, [1, 2, 3, 4, 5, 6]),
            (3, 2, [3, 2, 1, 6, 5, 4]),
            (3, 2, [6, 5, 4, 3, 2, 1]),
            (3, 2, [4, 5, 6, 1, 2, 3]),
            (2, 3, [1, 4, 2, 5, 3, 6]),
            (2, 3, [3, 6, 2, 5, 1, 4]),
            (2, 3, [6, 3, 5, 2, 4, 1]),
            (2, 3, [4, 1, 5, 2, 6, 3]),
        ];
        for (orientation, (width, height, pixels)) in (1..).zip(stored) {
            let mut info = png::Info::with_size(width, height);
            info.color_type = png::ColorType::Grayscale;
            info.bit_depth = png::BitDepth::Eight;
            info.exif_metadata = Some(exif(orientation).into());
            let mut file = Vec::new();
            let encoder = png::Encoder::with_info(&mut file, info).unwrap();
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
            assert_eq!(square(&file, 2, ColourMode::Grey), [1, 2, 4, 5], "{orientation}");
        }
    }

    #[test]
    fn a_jpeg_image_is_turned_too() {
        for (orientation, expected) in [
            (1, [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255]),
            (6, [0, 255, 255, 0, 0, 0, 255, 255, 255, 0, 255, 0]),
        ] {
            let exif = exif(orientation);
            let segment = [&[0xff, 0xe1, 0, 8 + exif.len() as u8][..], b"Exif\0\0", &exif].concat();
            let file = [&JPEG[..2], &segment, &JPEG[2..]].concat();
            near(&square(&file, 2, ColourMode::Rgb), &expected);
        }
    }

    #[test]
    fn bytes_between_the_segments_of_a_jpeg_image_are_no_damage() {
        for (file, fill) in
            [(JPEG, &[0xff; 5][..]), (JPEG, &[0; 5]), (PROGRESSIVE, b"filled"), (GREY, &[0xff, 0, 0xff])]
        {
            // Before the first table, and before the last segment.
            let table = file.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
            let end = file.len() - 2;
            let filled = [&file[..table], fill, &file[table..end], &[0xff; 7], &file[end..]].concat();
            assert_eq!(square(&filled, 2, ColourMode::Rgb), square(file, 2, ColourMode::Rgb));
        }
    }

    /// On an indexed image whose palette ends within a colour, `png` 0.18.1 panics.
    #[test]
    fn a_decoder_that_panics_is_told() {
        let file = "89504e470d0a1a0a0000000d4948445200000008000000080803000000f3d14eb900000005504c544561616161614ae8b0a50000000\
                    c49444154789c6360a00e0000004800012eb83c7e0000000049454e44ae426082";
        let file: Vec<u8> =
            (0..file.len()).step_by(2).map(|i| u8::from_str_radix(&file[i..i + 2], 16).unwrap()).collect();
        let problem = decode(&file).err().unwrap();
        assert!(problem.contains("palette"), "{problem}");
        assert_eq!(quietly(|| -> u8 { panic!("as a decoder may") }), None);
        assert_eq!(quietly(|| 1), Some(1));
    }

    #[test]
    fn more_pixels_than_cameras_have_are_refused_before_memory_is_taken() {
        let mut png = encode(40, 40, png::ColorType::Grayscale, &[0; 1600]);
        png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let checksum = {
            let mut crc = flate2::Crc::new();
            crc.update(&png[12..29]);
            crc.sum()
        };
        png[29..33].copy_from_slice(&checksum.to_be_bytes());
        let expected = "65536×65536 pixels are more than 67 million: make it smaller, as it will be anyway";
        assert_eq!(decode(&png).err().unwrap(), expected);
    }

    #[test]
    fn the_largest_value_of_16_bits_is_told() {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, 2, 1);
        encoder.set_color(png::ColorType::GrayscaleAlpha);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 255, 255, 15, 255, 255, 255]).unwrap();
        assert_eq!(decode(&file).unwrap().largest, Some(0x0fff));
        assert_eq!(square(&file, 1, ColourMode::Grey), [1]);
    }

    #[test]
    fn pictures_of_this_program_are_known() {
        let picture = crate::figure::Picture::of_samples(&autograd::Tensor::zeros([4, 1, 8, 8]));
        assert!(decode(&picture.encode()).unwrap().is_ours);
        assert!(!decode(&encode(1, 1, png::ColorType::Grayscale, &[0])).unwrap().is_ours);
    }

    #[test]
    fn small_images_are_enlarged() {
        let small = encode(2, 3, png::ColorType::Grayscale, &[9, 9, 10, 20, 9, 9]);
        assert_eq!(square(&small, 4, ColourMode::Grey), [9, 9, 9, 9, 9, 9, 9, 9, 10, 10, 20, 20, 10, 10, 20, 20]);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let problem = |file: &[u8]| decode(file).err().unwrap();
        assert_eq!(problem(b"GIF89a"), "this is a GIF image; convert it to PNG or JPEG");
        assert_eq!(problem(b"RIFF....WEBPVP8 "), "this is a WebP image; convert it to PNG or JPEG");
        assert_eq!(problem(b"hello"), "this is neither a PNG nor a JPEG image");
        assert_eq!(problem(b""), "the file is empty");
        let png = encode(40, 40, png::ColorType::Grayscale, &std::array::from_fn::<u8, 1600, _>(|i| (i * i) as u8));
        for file in [&png, JPEG, PROGRESSIVE, GREY] {
            for length in [file.len() / 3, file.len() / 2, file.len() * 9 / 10] {
                let problem = problem(&file[..length]);
                assert!(problem.contains("image is damaged"), "{length} of {}: {problem}", file.len());
            }
        }
    }
}
