//! Images side by side.

use autograd::Tensor;

use super::Picture;

/// Pixels of the picture per pixel of an image.
const SCALE: usize = 2;
/// Pixels between two images, and around all.
const GAP: usize = 2;
/// The grey between images: dark, so that it does not outshine digits on black.
const BETWEEN: u8 = 64;

/// The images `[N, 1, height, width]`, 0 black to 1 white, in rows of √N.
///
/// ```
/// use autograd::Tensor;
/// let picture = wgan::pictures::grid(&Tensor::full([64, 1, 28, 28], 0.5));
/// assert!(picture.encode().starts_with(b"\x89PNG"));
/// ```
///
/// # Panics
/// If the tensor is of another rank.
pub fn grid(images: &Tensor) -> Picture {
    let [count, 1, rows, columns] = images.shape()[..] else {
        panic!("images need shape [N, 1, height, width], not {}", images.shape());
    };
    let across = count.isqrt() + usize::from(count.isqrt().pow(2) < count);
    let down = count.div_ceil(across);
    let (cell_width, cell_height) = (columns * SCALE + GAP, rows * SCALE + GAP);
    let (width, height) = (across * cell_width + GAP, down * cell_height + GAP);

    let grey = |x: usize, y: usize| {
        let (x, y) = (x.checked_sub(GAP)?, y.checked_sub(GAP)?);
        let (column, row) = (x % cell_width / SCALE, y % cell_height / SCALE);
        let image = y / cell_height * across + x / cell_width;
        let inside = image < count && column < columns && row < rows;
        inside.then(|| byte(images.data()[(image * rows + row) * columns + column]))
    };
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [grey(x, y).unwrap_or(BETWEEN); 3])).collect();
    Picture { width, height, pixels }
}

fn byte(x: f32) -> u8 {
    (x * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_its_place() {
        // Five images of 1×2 pixels: three columns, two rows, one place empty.
        let images = Tensor::from_fn([5, 1, 1, 2], |i| i as f32 / 10.0);
        let picture = grid(&images);
        assert_eq!((picture.width, picture.height), (3 * (2 * 2 + 2) + 2, 2 * (2 + 2) + 2));
        let grey = |x: usize, y: usize| picture.pixels[(y * picture.width + x) * 3];
        assert_eq!([grey(2, 2), grey(3, 3), grey(4, 2), grey(5, 3)], [0, 0, 26, 26]);
        assert_eq!([grey(1, 1), grey(6, 2), grey(7, 3)], [BETWEEN; 3]);
        assert_eq!(grey(8, 2), 51);
        assert_eq!(grey(2, 6), 153);
        assert_eq!(grey(14, 6), BETWEEN);
    }

    #[test]
    fn values_beyond_the_range_are_cut_off() {
        assert_eq!([byte(-1.0), byte(0.5), byte(2.0), byte(f32::NAN)], [0, 128, 255, 0]);
    }
}
