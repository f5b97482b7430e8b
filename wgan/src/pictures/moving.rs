//! Moving pictures: animated PNGs, which browsers play and everything else shows still.

use std::io::Cursor;

use crate::figure::SOFTWARE;

/// How long pictures are shown, in seconds, as fractions.
#[derive(Clone, Copy)]
pub struct Pace {
    /// Each but the last.
    pub each: (u16, u16),
    /// The last.
    pub last: (u16, u16),
}

impl Pace {
    /// Of a training's samples over time: four a second, and the last stays longer.
    pub const PROGRESS: Self = Pace { each: (1, 4), last: (2, 1) };
}

/// The animated PNG of some PNG files, which plays for ever; None without any. Files that cannot be read, or are of
/// another kind than the first, are left out.
///
/// ```
/// use wgan::pictures::{Pace, grid, moving};
/// let pictures = [0.0, 0.5, 1.0].map(|shade| grid(&autograd::Tensor::full([1, 1, 28, 28], shade)).encode());
/// assert!(moving(&pictures, Pace::PROGRESS).is_some_and(|png| png.starts_with(b"\x89PNG")));
/// ```
pub fn moving(pngs: &[Vec<u8>], pace: Pace) -> Option<Vec<u8>> {
    let frames: Vec<_> = pngs.iter().filter_map(|png| decode(png).ok()).collect();
    let (kind, _) = frames.first()?;
    let pixels: Vec<&[u8]> = frames.iter().filter(|frame| frame.0 == *kind).map(|frame| &frame.1[..]).collect();
    let mut bytes = Vec::new();
    encode(kind, &pixels, pace, &mut bytes).expect("writing to memory cannot fail");
    Some(bytes)
}

/// The size and the kind of a picture, and its pixels.
fn decode(png: &[u8]) -> Result<(png::OutputInfo, Vec<u8>), png::DecodingError> {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().ok_or(png::DecodingError::LimitsExceeded)?];
    Ok((reader.next_frame(&mut pixels)?, pixels))
}

fn encode(info: &png::OutputInfo, frames: &[&[u8]], pace: Pace, bytes: &mut Vec<u8>) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(bytes, info.width, info.height);
    encoder.set_color(info.color_type);
    encoder.set_depth(info.bit_depth);
    encoder.set_animated(frames.len() as u32, 0)?;
    encoder.set_frame_delay(pace.each.0, pace.each.1)?;
    encoder.add_itxt_chunk(SOFTWARE.to_owned(), "wgan".to_owned())?;
    let mut writer = encoder.write_header()?;
    for (i, pixels) in frames.iter().enumerate() {
        if i + 1 == frames.len() {
            writer.set_frame_delay(pace.last.0, pace.last.1)?;
        }
        writer.write_image_data(pixels)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Picture;

    fn png(width: usize, shade: u8) -> Vec<u8> {
        Picture::of_pixels(width, 1, vec![shade; 3 * width]).encode()
    }

    #[test]
    fn every_picture_is_a_frame() {
        let pictures = [png(2, 10), png(2, 20), png(3, 99), b"no PNG".to_vec(), png(2, 30)];
        let bytes = moving(&pictures, Pace::PROGRESS).unwrap();
        let mut reader = png::Decoder::new(Cursor::new(&bytes)).read_info().unwrap();
        let control = reader.info().animation_control.unwrap();
        assert_eq!((control.num_frames, control.num_plays), (3, 0));
        for (shade, delay) in [(10, (1, 4)), (20, (1, 4)), (30, (2, 1))] {
            let mut pixels = [0; 6];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels, [shade; 6]);
            let frame = reader.info().frame_control.unwrap();
            assert_eq!((frame.delay_num, frame.delay_den), delay);
        }
    }

    #[test]
    fn no_picture_makes_none() {
        assert!(moving(&[], Pace::PROGRESS).is_none() && moving(&[b"no PNG".to_vec()], Pace::PROGRESS).is_none());
    }
}
