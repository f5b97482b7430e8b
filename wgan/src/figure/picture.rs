//! Pictures as pixels, and the PNG files they become.

use std::io::Cursor;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// An opaque picture in memory.
#[derive(Clone, Debug)]
pub struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Rows from the top, red, green and blue of each pixel.
    pub(crate) pixels: Vec<u8>,
    /// What is written in it, and the command that makes it, or the program alone where that is not known; its file keeps
    /// them beside the pixels.
    pub(super) description: Option<String>,
    pub(super) software: String,
}

/// The keyword of a PNG file's text that says what is written in the picture.
pub const DESCRIPTION: &str = "Description";
/// The keyword of the text that says which command makes the picture.
pub const SOFTWARE: &str = "Software";

impl Picture {
    /// The picture, knowing the command that makes it.
    pub fn made_by(self, command: impl Into<String>) -> Self {
        Picture { software: command.into(), ..self }
    }

    /// The bytes of a PNG file. Its texts are what is written in the picture ([`DESCRIPTION`]) and the command that makes it
    /// ([`SOFTWARE`]), or the program alone where the command is not known.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Pictures of this program can be told from others, and nobody learns from them by mistake.
        let description = self.description.iter().map(|text| (DESCRIPTION, text));
        for (keyword, text) in description.chain([(SOFTWARE, &self.software)]) {
            encoder.add_itxt_chunk(keyword.to_owned(), text.clone()).expect("the keywords are valid");
        }
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&self.pixels));
        written.expect("writing to memory cannot fail");
        bytes
    }

    /// The picture in a PNG file that [`encode`](Picture::encode) made; None if it is another.
    pub fn decode(png: &[u8]) -> Option<Self> {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info().ok()?;
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        // The size is a claim; compressed, a picture is a thousandth of it at least.
        let bytes =
            reader.output_buffer_size().filter(|&bytes| bytes == 3 * width * height && bytes / 2000 < png.len())?;
        let mut pixels = vec![0; bytes];
        let frame = reader.next_frame(&mut pixels).ok()?;
        (frame.color_type == png::ColorType::Rgb).then(|| Picture::of_pixels(width, height, pixels))
    }

    /// A picture of these pixels: rows from the top, red, green and blue of each.
    pub(crate) fn of_pixels(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        Picture { width, height, pixels, description: None, software: env!("CARGO_PKG_NAME").to_owned() }
    }
}

/// A PNG file as the address of an image, for pages and pictures that hold it themselves.
pub fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoded_picture_has_its_size_pixels_and_texts() {
        let picture = Picture::of_pixels(2, 1, vec![1, 2, 3, 4, 5, 6]).made_by("wgan –");
        let encoded = picture.encode();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&encoded)).read_info().unwrap();
        let mut pixels = [0; 6];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height, pixels), (2, 1, [1, 2, 3, 4, 5, 6]));
        let text = &reader.info().utf8_text[0];
        assert_eq!((text.keyword.as_str(), text.get_text().unwrap().as_str()), (SOFTWARE, "wgan –"));
    }

    #[test]
    fn what_was_encoded_is_decoded_and_nothing_else() {
        let picture = Picture::of_pixels(3, 2, (0..18).collect());
        let png = picture.encode();
        let decoded = Picture::decode(&png).unwrap();
        assert_eq!((decoded.width, decoded.height, &decoded.pixels), (3, 2, &picture.pixels));
        assert!(Picture::decode(&Picture::of_pixels(2000, 1000, vec![0; 6_000_000]).encode()).is_some());
        let vast = [&png[..16], &[0, 1, 0, 0, 0, 1, 0, 0], &png[24..]].concat(); // 65536 × 65536, it claims
        assert!([&b"no PNG"[..], &png[..png.len() / 2], &vast].iter().all(|bytes| Picture::decode(bytes).is_none()));
    }
}
