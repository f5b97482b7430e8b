//! Pictures: figures of any kind, and those of a run: grids of images, curves of the metrics, points on the line or the
//! plane with the critic's scores.

mod axis;
mod canvas;
mod contours;
mod curves;
mod figure;
mod grid;
mod layout;
mod lines;
mod mark;
mod moving;
mod panel;
mod plot;
mod points;
mod style;
mod window;

use autograd::Tensor;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, WHITE};

pub use curves::{Chart, Curve, MOST_POINTS, charts, curves};
pub use figure::Figure;
pub use grid::{grid, groups, rows};
pub use moving::moving;
pub use panel::Panel;
pub use points::Points;
pub use style::{BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, SKY, VERMILION, tint};
pub use window::Window;

/// An opaque picture in memory.
#[derive(Clone, Debug)]
pub struct Picture {
    width: usize,
    height: usize,
    /// Rows from the top, red, green and blue of each pixel.
    pixels: Vec<u8>,
    /// What is written in it, and the command that makes it; its file keeps them beside the pixels.
    texts: Vec<(&'static str, String)>,
}

/// The keyword of a PNG file's text that says what is written in the picture.
pub const DESCRIPTION: &str = "Description";
/// The keyword of the text that says which command makes the picture.
pub const SOFTWARE: &str = "Software";

/// Where `plotters` draws to.
type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Picture {
    /// A picture of samples alone: a grid of images `[N, channels, height, width]`, or points `[N, 1]` or `[N, 2]`.
    pub fn of_samples(samples: &Tensor) -> Self {
        match samples.shape().rank() {
            2 => Points { window: &Window::around(samples), scores: None, real: None, generated: samples }.draw(),
            _ => grid(samples),
        }
    }

    /// The picture, knowing the command that makes it.
    pub fn made_by(mut self, command: impl Into<String>) -> Self {
        self.texts.push((SOFTWARE, command.into()));
        self
    }

    /// The bytes of a PNG file. Its texts are what is written in the picture ([`DESCRIPTION`]) and the command that makes it
    /// ([`SOFTWARE`]), or the program alone where the command is not known.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Pictures of this program can be told from others, and nobody learns from them by mistake.
        let unknown = [(SOFTWARE, "wgan".to_owned())];
        let software = if self.texts.iter().any(|(keyword, _)| *keyword == SOFTWARE) { &[][..] } else { &unknown };
        for (keyword, text) in self.texts.iter().chain(software) {
            encoder.add_itxt_chunk((*keyword).to_owned(), text.clone()).expect("the keywords are valid");
        }
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&self.pixels));
        written.expect("writing to memory cannot fail");
        bytes
    }

    fn of_pixels(width: usize, height: usize, pixels: Vec<u8>) -> Self {
        Picture { width, height, pixels, texts: Vec::new() }
    }

    /// What `draw` draws on white at twice the size, then halved: lines, discs and letters get smooth edges.
    fn drawn(width: usize, height: usize, draw: impl FnOnce(&Area) -> Drawn) -> Self {
        style::register_font();
        let mut pixels = vec![0; 4 * width * height * 3];
        let area = BitMapBackend::with_buffer(&mut pixels, (2 * width as u32, 2 * height as u32)).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| draw(&area)).and_then(|()| Ok(area.present()?));
        drawn.expect("drawing into memory cannot fail");
        drop(area);
        Picture::of_pixels(width, height, halved(&pixels, width, height))
    }
}

/// A PNG file as the address of an image, for pages and pictures that hold it themselves.
pub fn data_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png))
}

/// At most this many of the items, evenly chosen, the first and the last among them.
pub fn evenly<T: Clone>(items: &[T], most: usize) -> Vec<T> {
    match items.len() {
        count if count <= most => items.to_vec(),
        count => (0..most).map(|i| items[i * (count - 1) / (most - 1)].clone()).collect(),
    }
}

/// A picture of half the size: every pixel the mean of four.
fn halved(pixels: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mean = |x: usize, y: usize, channel: usize| {
        let at = |x: usize, y: usize| u32::from(pixels[(y * 2 * width + x) * 3 + channel]);
        let sum = at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1);
        ((sum + 2) / 4) as u8
    };
    let place = |i: usize| (i / 3 % width, i / 3 / width, i % 3);
    (0..width * height * 3).map(place).map(|(x, y, channel)| mean(x, y, channel)).collect()
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
    fn an_even_choice_keeps_both_ends() {
        let items: Vec<i32> = (0..1001).collect();
        assert_eq!(evenly(&items, 5), [0, 250, 500, 750, 1000]);
        assert_eq!((evenly(&items, 1001), evenly(&items[..3], 400)), (items.clone(), vec![0, 1, 2]));
        assert!(evenly::<i32>(&[], 2).is_empty());
    }

    #[test]
    fn halving_averages_squares_of_four_pixels() {
        let mut pixels = vec![0; 4 * 2 * 3];
        pixels[0] = 100;
        pixels[4 * 3] = 100;
        pixels[2 * 3 + 1] = 200;
        assert_eq!(halved(&pixels, 2, 1), [50, 0, 0, 0, 50, 0]);
    }
}
