//! Which operands sums by way of points may take.
//!
//! A result's rounding error comes from all of its tile: it is up to about 10⁻⁶ · Σ max |g| · max |w| over the channels, where
//! the maxima are those of a channel's pixels and taps in the tile. That of plain sums is in proportion to the result's own
//! terms. The two are alike while numbers that lie together are of similar size. But a pixel of 10⁸ would leave errors of 10
//! in neighbours that it does not touch, infinity would make them NaN, and large numbers overflow at the points.

use rayon::prelude::*;

use super::super::super::vectorised;

/// A number is small if it is by this power of 2 smaller than the largest of its image.
const SMALL: u32 = 10;
/// The largest number, as a power of 2: sums of products of two such stay finite at all points.
const LARGEST: u32 = 40;

/// Whether each of these images has numbers of similar size, all finite: at most one of 16 is small, and no more than three
/// of four are zero, as behind a ReLU, if not all.
pub fn is_even(x: &[f32], image: usize) -> bool {
    x.par_chunks(image).all(|image| {
        // Magnitudes are in the order of their bits; infinity and NaN come last.
        let magnitude = |x: &f32| x.abs().to_bits();
        let power = |power: u32| power << (f32::MANTISSA_DIGITS - 1);
        let [largest, below, zeros] = vectorised(
            #[inline(always)]
            || {
                let largest = image.iter().map(magnitude).fold(0, u32::max);
                let limit = largest.saturating_sub(power(SMALL));
                image.iter().map(magnitude).fold([largest, 0, 0], |[largest, below, zeros], x| {
                    [largest, below + u32::from(x < limit), zeros + u32::from(x == 0)]
                })
            },
        );
        let [below, zeros] = [below, zeros].map(|count| count as usize);
        largest == 0
            || largest < power(127 + LARGEST) && 16 * (below - zeros) <= image.len() && 4 * zeros <= 3 * image.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::numbers;

    #[test]
    fn small_images_of_all_kinds() {
        let ordinary = numbers(1, 400);
        assert!(is_even(&ordinary, 100));
        let with = |change: &dyn Fn(usize, f32) -> f32| {
            let x: Vec<f32> = ordinary.iter().enumerate().map(|(i, &x)| change(i, x)).collect();
            is_even(&x, 100)
        };
        // Behind a ReLU, an image of zeros, images of different size.
        assert!(with(&|_, x| x.max(0.0)));
        assert!(with(&|i, x| if i < 100 { 0.0 } else { x }));
        assert!(with(&|i, x| if i < 100 { 1e8 * x } else { x }));
        // One number that does not fit, a row of them, few numbers among zeros.
        for odd in [1e8, -1e8, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
            assert!(!with(&|i, x| if i == 203 { odd } else { x }), "{odd}");
        }
        assert!(!with(&|i, x| if i % 100 < 20 { 1e5 * x } else { x }));
        assert!(!with(&|i, x| if i % 100 < 20 { 1e-5 * x } else { x }));
        assert!(!with(&|i, x| if i % 10 == 0 { x } else { 0.0 }));
        // At the points it would overflow.
        assert!(!with(&|_, x| 1e30 * x));
    }
}
