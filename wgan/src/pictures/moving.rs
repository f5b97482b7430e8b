//! Moving pictures: animated PNGs, which browsers play and everything else shows still.

use crate::figure::{Picture, SOFTWARE};

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

/// The animated PNG of some pictures' files, which plays for ever; None without any. Files that cannot be read, or are of
/// another size than the first, are left out.
///
/// ```
/// use wgan::pictures::{Pace, grid, moving};
/// let pictures = [0.0, 0.5, 1.0].map(|shade| grid(&autograd::Tensor::full([1, 1, 28, 28], shade)).encode());
/// assert!(moving(&pictures, Pace::PROGRESS).is_some_and(|png| png.starts_with(b"\x89PNG")));
/// ```
pub fn moving(pngs: &[Vec<u8>], pace: Pace) -> Option<Vec<u8>> {
    let mut frames: Vec<Picture> = pngs.iter().filter_map(|png| Picture::decode(png)).collect();
    let size = frames.first().map(|first| (first.width, first.height))?;
    frames.retain(|frame| (frame.width, frame.height) == size);
    let mut bytes = Vec::new();
    encode(&frames, pace, &mut bytes).expect("writing to memory cannot fail");
    Some(bytes)
}

fn encode(frames: &[Picture], pace: Pace, bytes: &mut Vec<u8>) -> Result<(), png::EncodingError> {
    let mut encoder = png::Encoder::new(bytes, frames[0].width as u32, frames[0].height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_animated(frames.len() as u32, 0)?;
    encoder.set_frame_delay(pace.each.0, pace.each.1)?;
    encoder.add_itxt_chunk(SOFTWARE.to_owned(), "wgan".to_owned())?;
    let mut writer = encoder.write_header()?;
    for (i, frame) in frames.iter().enumerate() {
        if i + 1 == frames.len() {
            writer.set_frame_delay(pace.last.0, pace.last.1)?;
        }
        writer.write_image_data(&frame.pixels)?;
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

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
