//! Random numbers without state: Philox 4x32-10, a counter-based generator (Salmon, Moraes, Dror and Shaw, "Parallel
//! random numbers: as easy as 1, 2, 3", SC 2011, section 3.2).
//!
//! A number is a function of (seed, stream, step, element): nothing needs saving, any element can be computed alone,
//! and every device draws the same. This file is the specification; the devices' own kernels are held against it.

use std::f64::consts::TAU;

/// One block of four random words: ten rounds of Philox.
///
/// ```
/// use autograd::philox::philox4x32;
/// assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// ```
#[inline(always)]
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    // The multipliers and the Weyl increments of the key schedule, from the paper's reference code.
    const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const INCREMENTS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    let ([mut a, mut b, mut c, mut d], [mut left, mut right]) = (counter, key);
    for _round in 0..10 {
        let (high_a, low_a) = wide_multiply(MULTIPLIERS[0], a);
        let (high_c, low_c) = wide_multiply(MULTIPLIERS[1], c);
        [a, b, c, d] = [high_c ^ b ^ left, low_c, high_a ^ d ^ right, low_a];
        (left, right) = (left.wrapping_add(INCREMENTS[0]), right.wrapping_add(INCREMENTS[1]));
    }
    [a, b, c, d]
}

/// The high and the low word of a 32 × 32 bit product.
#[inline(always)]
fn wide_multiply(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

/// The number by which a stream is known: the 32-bit FNV-1a hash of its name.
///
/// ```
/// assert_eq!(autograd::philox::stream_id("a"), 0xe40c292c);
/// ```
pub fn stream_id(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A word's 24 high bits as a number in [0, 1): every value is exact in f32.
#[inline(always)]
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

/// A named stream of random numbers.
///
/// ```
/// use autograd::philox::Stream;
/// let noise = Stream::new(42, "noise");
/// assert_eq!(noise.uniform(7, 1000), noise.uniform(7, 1000)); // a function of (seed, stream, step, element)
/// assert_ne!(noise.normal(7, 1000), noise.normal(8, 1000));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    key: [u32; 2],
    id: u32,
}

impl Stream {
    /// The stream of this name under this seed.
    pub fn new(seed: u64, name: &str) -> Self {
        Stream { key: [seed as u32, (seed >> 32) as u32], id: stream_id(name) }
    }

    /// Philox's key: the seed's low and high word.
    pub fn key(self) -> [u32; 2] {
        self.key
    }

    /// The number by which the stream is known; see [`stream_id`].
    pub fn id(self) -> u32 {
        self.id
    }

    /// Four words: the elements `4 block .. 4 block + 4` of a step.
    #[inline(always)]
    pub fn block(self, step: u64, block: u32) -> [u32; 4] {
        philox4x32([block, self.id, step as u32, (step >> 32) as u32], self.key)
    }

    /// The element's number, uniform in [0, 1).
    pub fn uniform(self, step: u64, element: usize) -> f32 {
        unit(self.block(step, (element / 4) as u32)[element % 4])
    }

    /// The element's standard normal number, by Box and Muller's method ("A note on the generation of random normal
    /// deviates", 1958): two words give u₁ in (0, 1] and u₂ in [0, 1), and from them a pair of elements,
    /// √(−2 ln u₁) · cos 2πu₂ and √(−2 ln u₁) · sin 2πu₂. Computed in f64, rounded once.
    pub fn normal(self, step: u64, element: usize) -> f32 {
        let words = self.block(step, (element / 4) as u32);
        let pair = element % 4 / 2;
        let u1 = (f64::from(words[2 * pair] >> 8) + 1.0) / f64::from(1 << 24);
        let (cos, sin) = cos_sin_of_turn(f64::from(unit(words[2 * pair + 1])));
        let direction = if element.is_multiple_of(2) { cos } else { sin };
        ((-2.0 * u1.ln()).sqrt() * direction) as f32
    }
}

/// cos 2πu and sin 2πu. The nearest quarter turn is taken off first, which is exact, so a quarter turn gives exactly
/// 0 and ±1 and no value loses digits near a zero.
fn cos_sin_of_turn(u: f64) -> (f64, f64) {
    let quarters = (4.0 * u).round();
    let (sin, cos) = (TAU * (u - quarters / 4.0)).sin_cos();
    match quarters as u32 % 4 {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with the reference implementation (Random123, `kat_vectors`).
    #[test]
    fn philox_gives_the_published_answers() {
        let answers = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], // digits of π
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, expected) in answers {
            assert_eq!(philox4x32(counter, key), expected);
        }
    }

    /// The test vectors of the FNV specification (draft-eastlake-fnv, appendix C).
    #[test]
    fn stream_ids_are_fnv_1a() {
        assert_eq!(stream_id(""), 0x811c9dc5);
        assert_eq!(stream_id("foobar"), 0xbf9cf968);
    }

    #[test]
    fn uniforms_fill_the_half_open_interval() {
        assert_eq!(unit(0), 0.0);
        assert_eq!(unit(u32::MAX), 1.0 - 1.0 / (1 << 24) as f32);
    }

    #[test]
    fn quarter_turns_are_exact() {
        assert_eq!(cos_sin_of_turn(0.0), (1.0, 0.0));
        assert_eq!(cos_sin_of_turn(0.25), (0.0, 1.0));
        assert_eq!(cos_sin_of_turn(0.5), (-1.0, 0.0));
        assert_eq!(cos_sin_of_turn(0.75), (0.0, -1.0));
        for i in 0..100 {
            let u = f64::from(i) / 100.0;
            let (cos, sin) = cos_sin_of_turn(u);
            assert!((cos - (TAU * u).cos()).abs() < 1e-15 && (sin - (TAU * u).sin()).abs() < 1e-15);
        }
    }

    /// Mean, variance and kurtosis of 40,000 draws, each within five standard errors.
    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let (stream, count) = (Stream::new(1, "test"), 40_000);
        let moment = |power| (0..count).map(|i| f64::from(stream.normal(3, i)).powi(power)).sum::<f64>() / count as f64;
        assert!(moment(1).abs() < 5.0 * (1.0 / count as f64).sqrt());
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / count as f64).sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / count as f64).sqrt());
    }

    #[test]
    fn seeds_streams_and_steps_give_different_numbers() {
        let base = Stream::new(1, "noise").block(0, 0);
        assert_ne!(base, Stream::new(2, "noise").block(0, 0));
        assert_ne!(base, Stream::new(1 | 1 << 32, "noise").block(0, 0));
        assert_ne!(base, Stream::new(1, "data").block(0, 0));
        assert_ne!(base, Stream::new(1, "noise").block(1 << 32, 0));
        assert_ne!(base, Stream::new(1, "noise").block(0, 1));
    }
}
