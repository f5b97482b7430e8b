//! The Laplacian pyramid of an image: what it shows at each scale, apart from the coarser ones (Burt and Adelson 1983, "The
//! Laplacian pyramid as a compact image code").

/// One channel of an image, or of what it shows at one scale, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub height: usize,
    pub width: usize,
    pub pixels: Vec<f32>,
}

/// The binomial filter [1, 4, 6, 4, 1] / 16, the same along both axes.
const FILTER: [f32; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];

/// The pyramid of `levels` levels whose finest is as large as the image. With G₀ the image and Gᵢ₊₁ the half of Gᵢ, level i is
/// Gᵢ less what Gᵢ₊₁, enlarged, says of it; the coarsest is its G itself.
pub fn laplacian(image: Plane, levels: usize) -> Vec<Plane> {
    let (mut finer, mut pyramid) = (image, Vec::with_capacity(levels));
    for _ in 1..levels {
        let coarser = halved(&finer);
        let guess = enlarged(&coarser, finer.height, finer.width);
        finer.pixels.iter_mut().zip(guess.pixels).for_each(|(pixel, guess)| *pixel -= guess);
        pyramid.push(std::mem::replace(&mut finer, coarser));
    }
    pyramid.push(finer);
    pyramid
}

/// Every second pixel of every second row of the filtered image; of an odd number of rows or columns first and last are kept.
fn halved(image: &Plane) -> Plane {
    let rows = along_rows(image, image.width.div_ceil(2), |row, x| filtered(row, 2 * x));
    let columns = along_rows(&transposed(&rows), image.height.div_ceil(2), |column, y| filtered(column, 2 * y));
    transposed(&columns)
}

/// Zeros are put between the pixels and the filter, four times as strong, fills the gaps.
fn enlarged(image: &Plane, height: usize, width: usize) -> Plane {
    let spread = |size: usize| {
        move |line: &[f32], place: usize| {
            let between = |i: usize| if i.is_multiple_of(2) { 2.0 * line[i / 2] } else { 0.0 };
            filter(size, place, between)
        }
    };
    let rows = along_rows(image, width, spread(width));
    transposed(&along_rows(&transposed(&rows), height, spread(height)))
}

fn filtered(line: &[f32], place: usize) -> f32 {
    filter(line.len(), place, |i| line[i])
}

/// The filter at a place of a line of `size` values, which goes on beyond its ends as in a mirror: 2, 1, 0, 1, 2 …
fn filter(size: usize, place: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mirrored = |i: isize| {
        let last = size as isize - 1;
        (if i > last { 2 * last - i } else { i.abs() }).clamp(0, last) as usize
    };
    FILTER.iter().zip(-2..).map(|(weight, offset)| weight * value(mirrored(place as isize + offset))).sum()
}

/// Each row made anew, `width` long, out of the old one and the place in the new one.
fn along_rows(image: &Plane, width: usize, pixel: impl Fn(&[f32], usize) -> f32) -> Plane {
    let rows = image.pixels.chunks_exact(image.width);
    let pixels = rows.flat_map(|row| (0..width).map(|x| pixel(row, x)).collect::<Vec<_>>()).collect();
    Plane { height: image.height, width, pixels }
}

fn transposed(image: &Plane) -> Plane {
    let pixel = |i: usize| image.pixels[i % image.height * image.width + i / image.height];
    Plane { height: image.width, width: image.height, pixels: (0..image.pixels.len()).map(pixel).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(height: usize, width: usize, pixel: impl Fn(usize, usize) -> f32) -> Plane {
        Plane { height, width, pixels: (0..height * width).map(|i| pixel(i / width, i % width)).collect() }
    }

    #[test]
    fn a_constant_is_seen_at_the_coarsest_level_alone() {
        for (height, width) in [(28, 28), (27, 30), (8, 5)] {
            let pyramid = laplacian(plane(height, width, |_, _| 0.75), 2);
            assert_eq!((pyramid[0].height, pyramid[0].width), (height, width));
            assert_eq!((pyramid[1].height, pyramid[1].width), (height.div_ceil(2), width.div_ceil(2)));
            assert!(pyramid[0].pixels.iter().all(|&x| x == 0.0), "{pyramid:?}");
            assert!(pyramid[1].pixels.iter().all(|&x| x == 0.75), "{pyramid:?}");
        }
    }

    /// The filter keeps a slope: halved it is twice as steep, and enlarged again the same, but for the mirrored borders.
    #[test]
    fn a_slope_is_seen_at_the_coarsest_level_alone() {
        let pyramid = laplacian(plane(24, 32, |y, x| 3.0 * y as f32 - x as f32), 2);
        let inside = |i: &usize| (4..20).contains(&(i / 32)) && (4..28).contains(&(i % 32));
        assert!((0..24 * 32).filter(inside).all(|i| pyramid[0].pixels[i].abs() < 1e-5));
        assert!((pyramid[1].pixels[5 * 16 + 7] - (3.0 * 10.0 - 14.0)).abs() < 1e-5);
    }

    /// The filter's own squares: of a single bright pixel the half shows 0.375², and the enlarged one takes
    /// 0.375²·(2·0.375)² off it there, as of the other coarse pixels two away 0.0625·0.375 and 0.0625² are seen.
    #[test]
    fn a_single_pixel_leaves_the_filter() {
        let pyramid = laplacian(plane(16, 16, |y, x| f32::from(u8::from((y, x) == (8, 8)))), 2);
        assert_eq!(pyramid[1].pixels[4 * 8 + 4], 0.375 * 0.375);
        assert_eq!(pyramid[1].pixels[4 * 8 + 5], 0.375 * 0.0625);
        assert_eq!(pyramid[1].pixels[5 * 8 + 6], 0.0);
        let line = 0.75 * 0.375 + 2.0 * 0.125 * 0.0625; // along one axis, of the enlarged half
        assert!((pyramid[0].pixels[8 * 16 + 8] - (1.0 - line * line)).abs() < 1e-6);
    }
}
