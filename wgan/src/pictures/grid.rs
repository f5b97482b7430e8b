//! Images side by side.

use autograd::Tensor;

use crate::figure::{BLUE, Colour, Picture};

/// Images of no more pixels along a side are drawn at twice their size.
const SMALL: usize = 32;
/// Pixels between two images, and around all.
const GAP: usize = 2;
/// Pixels between two groups of images.
const WIDE_GAP: usize = 14;
/// The grey between images: dark, so that it does not outshine digits on black.
const BETWEEN: u8 = 64;

/// The images, grey `[N, 1, height, width]` or coloured `[N, 3, height, width]`, 0 black to 1 white, in rows of √N.
///
/// ```
/// use autograd::Tensor;
/// let picture = wgan::pictures::grid(&Tensor::full([64, 1, 28, 28], 0.5));
/// assert!(picture.encode().starts_with(b"\x89PNG"));
/// ```
///
/// # Panics
/// If the tensor is of another shape.
pub fn grid(images: &Tensor) -> Picture {
    let count = images.shape()[0];
    rows(images, count.isqrt() + usize::from(count.isqrt().pow(2) < count))
}

/// The same in rows of `across`. Numbers that are none show as the grey between images, so that places can be empty.
///
/// # Panics
/// If the tensor is of another shape.
pub fn rows(images: &Tensor, across: usize) -> Picture {
    sheet(images, across, across, None)
}

/// Each image by itself, as large as it is, without a border.
///
/// # Panics
/// If the tensor is of another shape.
pub fn single(images: &Tensor) -> Vec<Picture> {
    let [_, channels @ (1 | 3), height, width] = images.shape()[..] else {
        panic!("images need shape [N, 1 or 3, height, width], not {}", images.shape());
    };
    let pixels = height * width;
    let colour =
        |image: &[f32], pixel| [0, 1, 2].map(|channel| byte(image[channel.min(channels - 1) * pixels + pixel]));
    let picture =
        |image: &[f32]| Picture::of_pixels(width, height, (0..pixels).flat_map(|pixel| colour(image, pixel)).collect());
    images.data().chunks_exact(channels * pixels).map(picture).collect()
}

/// Groups of `size` images, `across` of them in a row; the first image of each is framed.
///
/// # Panics
/// If the tensor is of another shape.
pub fn groups(images: &Tensor, size: usize, across: usize) -> Picture {
    sheet(images, size * across, size, Some(BLUE))
}

/// The images in rows of `across`, a wide gap after every `group` of them, whose first one may have a frame.
fn sheet(images: &Tensor, across: usize, group: usize, frame: Option<Colour>) -> Picture {
    let [count, channels @ (1 | 3), height, width] = images.shape()[..] else {
        panic!("images need shape [N, 1 or 3, height, width], not {}", images.shape());
    };
    let scale = if height.max(width) <= SMALL { 2 } else { 1 };
    let (pixels, [wide, high]) = (height * width, [width, height].map(|side| side * scale));
    // The upper left pixel of a place.
    let corner =
        |row: usize, column: usize| [GAP + column * (wide + GAP) + column / group * WIDE_GAP, GAP + row * (high + GAP)];
    let ([last, _], [_, bottom]) = (corner(0, across - 1), corner(count.div_ceil(across), 0));
    let right = last + wide + GAP;
    let mut picture = Picture::of_pixels(right, bottom, vec![BETWEEN; right * bottom * 3]);
    for (place, image) in images.data().chunks_exact(channels * pixels).enumerate() {
        let (row, column) = (place / across, place % across);
        let [x, y] = corner(row, column);
        if let Some(Colour { rgb, .. }) = frame.filter(|_| column.is_multiple_of(group)) {
            picture.fill([x - GAP, y - GAP], [wide, high].map(|side| side + 2 * GAP), |_, _| Some(rgb));
        }
        let colour = |x: usize, y: usize| {
            let pixel = y / scale * width + x / scale;
            let values = [0, 1, 2].map(|channel| image[channel.min(channels - 1) * pixels + pixel]);
            values.iter().all(|value| !value.is_nan()).then(|| values.map(byte))
        };
        picture.fill([x, y], [wide, high], colour);
    }
    picture
}

impl Picture {
    /// Gives the pixels of a rectangle the colours of their places in it.
    fn fill(
        &mut self,
        [left, top]: [usize; 2],
        [width, height]: [usize; 2],
        colour: impl Fn(usize, usize) -> Option<[u8; 3]>,
    ) {
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            if let Some(colour) = colour(x, y) {
                let first = ((top + y) * self.width + left + x) * 3;
                self.pixels[first..first + 3].copy_from_slice(&colour);
            }
        }
    }
}

fn byte(x: f32) -> u8 {
    (x * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(picture: &Picture, x: usize, y: usize) -> [u8; 3] {
        let first = (y * picture.width + x) * 3;
        picture.pixels[first..first + 3].try_into().unwrap()
    }

    #[test]
    fn every_image_has_its_place() {
        // Five images of 1×2 pixels: three columns, two rows, one place empty.
        let images = Tensor::from_fn([5, 1, 1, 2], |i| i as f32 / 10.0);
        let picture = grid(&images);
        assert_eq!((picture.width, picture.height), (3 * (2 * 2 + 2) + 2, 2 * (2 + 2) + 2));
        let grey = |x: usize, y: usize| colour(&picture, x, y)[0];
        assert_eq!([grey(2, 2), grey(3, 3), grey(4, 2), grey(5, 3)], [0, 0, 26, 26]);
        assert_eq!([grey(1, 1), grey(6, 2), grey(7, 3)], [BETWEEN; 3]);
        assert_eq!(grey(8, 2), 51);
        assert_eq!(grey(2, 6), 153);
        assert_eq!(grey(14, 6), BETWEEN);
    }

    #[test]
    fn groups_are_apart_and_their_first_images_framed() {
        // Two groups of two images of one pixel, side by side.
        let picture = groups(&Tensor::from_fn([4, 1, 1, 1], |i| i as f32 / 5.0), 2, 2);
        assert_eq!((picture.width, picture.height), (2 + 4 * 4 + WIDE_GAP, 6));
        let second = 2 + 2 * 4 + WIDE_GAP; // where the second group begins
        assert_eq!([0, 4, second - 1, second + 2].map(|x| colour(&picture, x, 2)), [BLUE.rgb; 4]);
        assert_eq!([2, 6, second, second + 4].map(|x| colour(&picture, x, 3)[0]), [0, 51, 102, 153]);
        assert_eq!([8, 12, second - 3].map(|x| colour(&picture, x, 2)), [[BETWEEN; 3]; 3]);
    }

    #[test]
    fn a_place_can_be_empty() {
        let picture = rows(&Tensor::new([2, 1, 1, 1], vec![f32::NAN, 1.0]).unwrap(), 1);
        assert_eq!((picture.width, picture.height), (6, 10));
        assert_eq!([2, 6].map(|y| colour(&picture, 2, y)), [[BETWEEN; 3], [255; 3]]);
    }

    #[test]
    fn coloured_images_have_their_channels_one_after_the_other() {
        // Two images of 1×2 pixels: red and green, then blue and grey.
        let channels = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.2], [0.0, 0.2], [1.0, 0.2]].concat();
        let picture = grid(&Tensor::new([2, 3, 1, 2], channels).unwrap());
        let colours = [2, 4, 8, 10].map(|x| colour(&picture, x, 2));
        assert_eq!(colours, [[255, 0, 0], [0, 255, 0], [0, 0, 255], [51; 3]]);
    }

    #[test]
    fn a_single_image_has_its_own_pixels_and_no_others() {
        let grey = single(&Tensor::new([2, 1, 1, 2], vec![0.0, 1.0, 0.2, 0.4]).unwrap());
        assert_eq!((grey.len(), grey[0].width, grey[0].height), (2, 2, 1));
        assert_eq!([&grey[0].pixels[..], &grey[1].pixels], [[0, 0, 0, 255, 255, 255], [51, 51, 51, 102, 102, 102]]);
        let coloured = single(&Tensor::new([1, 3, 1, 2], vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]).unwrap());
        assert_eq!(coloured[0].pixels, [0, 102, 204, 51, 153, 255]);
    }

    #[test]
    fn large_images_are_not_enlarged() {
        let sides = [32, 33].map(|side| grid(&Tensor::zeros([1, 1, side, side])).width);
        assert_eq!(sides, [2 * 32 + 2 * GAP, 33 + 2 * GAP]);
    }

    #[test]
    fn values_beyond_the_range_are_cut_off() {
        assert_eq!([byte(-1.0), byte(0.5), byte(2.0)], [0, 128, 255]);
    }
}
