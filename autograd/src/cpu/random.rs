//! Fast fillers for the random numbers that [`crate::philox`] specifies.

use std::f64::consts::{LN_2, SQRT_2, TAU};

use super::{for_each_chunk, vectorised};
use crate::philox::{Stream, unit};

/// Blocks of four words computed side by side, as many as the widest vector register has words.
const LANES: usize = 16;
/// Elements of one tile of work.
const TILE: usize = 1 << 13;

/// Fills `y` with the step's uniform numbers, the very bits of [`Stream::uniform`].
pub fn fill_uniform(stream: Stream, step: u64, y: &mut [f32]) {
    fill(
        stream,
        step,
        y,
        #[inline(always)]
        |words| words.map(|lane| lane.map(unit)),
    );
}

/// Fills `y` with the step's normal numbers, within 4 ulp of [`Stream::normal`].
pub fn fill_normal(stream: Stream, step: u64, y: &mut [f32]) {
    fill(
        stream,
        step,
        y,
        #[inline(always)]
        |words| {
            let [even, odd] = normal_pairs(&words[0], &words[1]);
            let [even_too, odd_too] = normal_pairs(&words[2], &words[3]);
            [even, odd, even_too, odd_too]
        },
    );
}

/// Fills `y` with numbers made from blocks of words: `numbers` maps the four words of [`LANES`] blocks to their elements.
fn fill(
    stream: Stream,
    step: u64,
    y: &mut [f32],
    numbers: impl Fn(&[[u32; LANES]; 4]) -> [[f32; LANES]; 4] + Copy + Sync,
) {
    let work = 4 * y.len(); // ten rounds and a mapping: each element costs some multiply-adds
    for_each_chunk(y, TILE, work, |index, tile| {
        vectorised(
            #[inline(always)]
            || {
                for (group, elements) in tile.chunks_mut(4 * LANES).enumerate() {
                    let first_block = (index * (TILE / 4) + group * LANES) as u32;
                    let mut words = [[0; LANES]; 4];
                    for lane in 0..LANES {
                        let block = stream.block(step, first_block.wrapping_add(lane as u32));
                        for (word, lanes) in block.into_iter().zip(&mut words) {
                            lanes[lane] = word;
                        }
                    }
                    let values = numbers(&words);
                    for (element, value) in elements.iter_mut().enumerate() {
                        *value = values[element % 4][element / 4];
                    }
                }
            },
        )
    });
}

/// Box and Muller's pairs, as [`Stream::normal`] defines them, with polynomials in place of the library's functions.
#[inline(always)]
fn normal_pairs(first: &[u32; LANES], second: &[u32; LANES]) -> [[f32; LANES]; 2] {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    for lane in 0..LANES {
        let radius = (-2.0 * ln(f64::from((first[lane] >> 8) as i32 + 1) / f64::from(1 << 24))).sqrt();
        let (cos, sin) = cos_sin_of_turn((second[lane] >> 8) as i32);
        even[lane] = (radius * cos) as f32;
        odd[lane] = (radius * sin) as f32;
    }
    [even, odd]
}

/// ln x for x in (0, 1], to 1e-10: x = 2ᵉ m with m in [√½, √2), and ln m = 2 artanh s with s = (m − 1) / (m + 1).
#[inline(always)]
fn ln(x: f64) -> f64 {
    const SQRT_HALF: i64 = (SQRT_2 / 2.0).to_bits() as i64;
    let bits = x.to_bits() as i64;
    let exponent = (bits - SQRT_HALF) >> 52;
    let m = f64::from_bits((bits - (exponent << 52)) as u64);
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let series = 1.0 + s2 * (1.0 / 3.0 + s2 * (1.0 / 5.0 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0 + s2 / 11.0))));
    f64::from(exponent as i32) * LN_2 + 2.0 * s * series
}

/// cos 2πu and sin 2πu of u = `turn` / 2²⁴, to 1e-10: Taylor's series within an eighth of a turn of the nearest quarter.
#[inline(always)]
fn cos_sin_of_turn(turn: i32) -> (f64, f64) {
    let quarters = (turn + (1 << 21)) >> 22;
    let x = TAU / f64::from(1 << 24) * f64::from(turn - (quarters << 22));
    let x2 = x * x;
    let cos = 1.0 - x2 / 2.0 * (1.0 - x2 / 12.0 * (1.0 - x2 / 30.0 * (1.0 - x2 / 56.0 * (1.0 - x2 / 90.0))));
    let sin = x * (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0 * (1.0 - x2 / 72.0 * (1.0 - x2 / 110.0)))));
    let (cos, sin) = if quarters & 1 == 0 { (cos, sin) } else { (-sin, cos) };
    if quarters & 2 == 0 { (cos, sin) } else { (-cos, -sin) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::same_bits_on_any_number_of_threads;

    #[test]
    fn uniforms_are_the_specified_bits() {
        let stream = Stream::new(9, "u");
        for len in [0, 1, 5, 64, 1000, 40_001] {
            let mut y = vec![-1.0; len];
            fill_uniform(stream, 1 << 33, &mut y);
            assert!(y.iter().enumerate().all(|(i, &value)| value == stream.uniform(1 << 33, i)), "{len}");
        }
    }

    #[test]
    fn normals_are_within_4_ulp_of_the_specification() {
        let stream = Stream::new(9, "n");
        let mut y = vec![0.0; 300_003];
        fill_normal(stream, 5, &mut y);
        for (i, &value) in y.iter().enumerate() {
            assert_within_4_ulp(value, stream.normal(5, i));
        }
    }

    /// Words that no short run of the generator meets: u₁ = 1, the smallest u₁, and every eighth of a turn.
    #[test]
    fn normals_hold_at_the_ends_of_their_range() {
        for eighth in 0..8_u32 {
            for first in [0, u32::MAX, u32::MAX - 256, 1 << 31] {
                let second = eighth << 29;
                let [even, odd] = normal_pairs(&[first; LANES], &[second; LANES]);
                let radius = (-2.0 * ((f64::from(first >> 8) + 1.0) / f64::from(1 << 24)).ln()).sqrt();
                let angle = TAU * f64::from(eighth) / 8.0;
                let clean = |x: f64| if x.abs() < 1e-15 { 0.0 } else { x };
                assert_within_4_ulp(even[0], (radius * clean(angle.cos())) as f32);
                assert_within_4_ulp(odd[0], (radius * clean(angle.sin())) as f32);
            }
        }
    }

    #[test]
    fn threads_do_not_change_the_numbers() {
        same_bits_on_any_number_of_threads(|| {
            let mut y = vec![0.0; 100_000];
            fill_normal(Stream::new(3, "n"), 0, &mut y);
            y
        });
    }

    fn assert_within_4_ulp(value: f32, expected: f32) {
        let ulp = f32::from_bits(expected.abs().to_bits() + 1) - expected.abs();
        assert!((value - expected).abs() <= 4.0 * ulp, "{value:e} against {expected:e}");
    }
}
