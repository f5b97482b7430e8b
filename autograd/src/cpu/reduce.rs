//! Sum and maximum along the middle axis of a contiguous `[outer, reduced, inner]` array.
//!
//! Both run on one fixed tree: the rows of a leaf are combined in order, leaves are combined pairwise. That keeps the
//! rounding error of a sum of n numbers near log n instead of n (Higham, "The accuracy of floating point summation",
//! 1993), and it makes the result independent of the number of threads.

use std::ops::Add;

use super::pairwise::join;
use super::scratch::with_scratch;
use super::{for_each_chunk, vectorised};

/// Numbers combined side by side where one long row becomes one number.
const LANES: usize = 64;
/// Numbers of rows that are combined several at a time, at most.
pub const SHORT: usize = 32;
/// Numbers in a leaf of the tree, at most (a single row may be longer).
const LEAF: usize = 1 << 12;

/// `y[o, i] = Σᵣ x[o, r, i]`; an empty sum is 0.
pub fn sum(outer: usize, reduced: usize, inner: usize, x: &[f32], y: &mut [f32]) {
    reduce([outer, reduced, inner], x, y, 0.0, f32::add);
}

/// `y[o, i] = maxᵣ x[o, r, i]`; one NaN makes the maximum NaN, and an empty maximum is −∞.
pub fn max(outer: usize, reduced: usize, inner: usize, x: &[f32], y: &mut [f32]) {
    reduce([outer, reduced, inner], x, y, f32::NEG_INFINITY, larger);
}

/// The larger number, or a NaN where there is one (`f32::max` would drop it). Of 0 and −0 it is 0, whichever comes first: equal
/// numbers differ at most in the sign.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    let b = if a == b { f32::from_bits(a.to_bits() & b.to_bits()) } else { b };
    if a > b || a.is_nan() { a } else { b }
}

fn reduce(
    [outer, reduced, inner]: [usize; 3],
    x: &[f32],
    y: &mut [f32],
    identity: f32,
    combine: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    assert_eq!((x.len(), y.len()), (outer * reduced * inner, outer * inner), "[{outer}, {reduced}, {inner}]");
    if x.is_empty() {
        return y.fill(identity);
    }
    let slices = (LEAF / (reduced * inner)).max(1); // of the outer axis, in one tile
    for_each_chunk(y, slices * inner, x.len(), |index, y| {
        let x = &x[index * slices * reduced * inner..][..y.len() / inner * reduced * inner];
        if inner == 1 && reduced <= SHORT {
            return vectorised(
                #[inline(always)]
                || fold_short_rows(x, reduced, y, identity, combine),
            );
        }
        for (x, y) in x.chunks(reduced * inner).zip(y.chunks_mut(inner)) {
            if inner == 1 {
                y[0] = combine_row(x, identity, combine);
            } else {
                combine_rows(x, y, identity, combine);
            }
        }
    });
}

/// Combines all numbers of `x`, in a tree of leaves.
fn combine_row(x: &[f32], identity: f32, combine: impl Fn(f32, f32) -> f32 + Copy + Sync) -> f32 {
    if x.len() <= LEAF {
        return vectorised(
            #[inline(always)]
            || {
                let mut lanes = [identity; LANES];
                let (groups, rest) = x.as_chunks::<LANES>();
                for group in groups {
                    for (lane, &value) in lanes.iter_mut().zip(group) {
                        *lane = combine(*lane, value);
                    }
                }
                for (lane, &value) in lanes.iter_mut().zip(rest) {
                    *lane = combine(*lane, value);
                }
                fold_in_half(lanes, combine)
            },
        );
    }
    let (left, right) = x.split_at(half(x.len(), LEAF));
    let (left, right) =
        join(x.len(), || combine_row(left, identity, combine), || combine_row(right, identity, combine));
    combine(left, right)
}

/// Combines the rows of `x`, each as long as `y`, into `y`, in a tree of leaves.
fn combine_rows(x: &[f32], y: &mut [f32], identity: f32, combine: impl Fn(f32, f32) -> f32 + Copy + Sync) {
    let width = y.len();
    let narrow = LANES / 2 / width; // this many rows fit one vector operation
    if narrow > 1 && x.len() > LANES {
        return combine_narrow_rows(x, y, narrow, identity, combine);
    }
    if x.len() <= LEAF.max(2 * width) {
        return vectorised(
            #[inline(always)]
            || {
                y.fill(identity);
                for row in x.chunks_exact(width) {
                    for (y, &value) in y.iter_mut().zip(row) {
                        *y = combine(*y, value);
                    }
                }
            },
        );
    }
    let (left, right) = x.split_at(half(x.len() / width, (LEAF / width).max(1)) * width);
    with_scratch(width, |rights| {
        join(x.len(), || combine_rows(left, y, identity, combine), || combine_rows(right, rights, identity, combine));
        y.iter_mut().zip(&*rights).for_each(|(y, &right)| *y = combine(*y, right));
    });
}

/// Combines rows much narrower than a vector register: reads `together` of them as one wide row, whose parts are
/// combined at the end.
fn combine_narrow_rows(
    x: &[f32],
    y: &mut [f32],
    together: usize,
    identity: f32,
    combine: impl Fn(f32, f32) -> f32 + Copy + Sync,
) {
    let mut wide = [identity; LANES];
    let wide = &mut wide[..together * y.len()];
    let (whole, rest) = x.split_at(x.len() / wide.len() * wide.len());
    combine_rows(whole, wide, identity, combine);
    y.fill(identity);
    for row in wide.chunks_exact(y.len()).chain(rest.chunks_exact(y.len())) {
        y.iter_mut().zip(row).for_each(|(y, &value)| *y = combine(*y, value));
    }
}

/// Combines the upper half with the lower one until one number is left. The number of lanes is a power of 2.
#[inline(always)]
pub fn fold_in_half<const LANES: usize>(mut lanes: [f32; LANES], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Combines each row of `x`, at most [`SHORT`] numbers, as [`fold_in_half`] does, several rows side by side.
#[inline(always)]
pub fn fold_short_rows(x: &[f32], row: usize, y: &mut [f32], identity: f32, combine: impl Fn(f32, f32) -> f32) {
    const TOGETHER: usize = 16;
    let mut columns = [[identity; TOGETHER]; SHORT];
    for (x, y) in x.chunks(TOGETHER * row).zip(y.chunks_mut(TOGETHER)) {
        for (i, x) in x.chunks_exact(row).enumerate() {
            columns.iter_mut().zip(x).for_each(|(column, &x)| column[i] = combine(identity, x));
        }
        let (mut count, mut width) = (row, row.next_power_of_two() / 2);
        while width > 0 {
            let (left, right) = columns[..count].split_at_mut(width);
            for (left, right) in left.iter_mut().zip(right) {
                left.iter_mut().zip(right).for_each(|(left, right)| *left = combine(*left, *right));
            }
            (count, width) = (width, width / 2);
        }
        y.copy_from_slice(&columns[0][..y.len()]);
    }
}

/// Where to split `len` in two: a multiple of `leaf`, so that leaves are full.
fn half(len: usize, leaf: usize) -> usize {
    len.div_ceil(leaf).div_ceil(2) * leaf
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    fn naive([outer, reduced, inner]: [usize; 3], x: &[f32], start: f64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let at = |o, r, i| f64::from(x[(o * reduced + r) * inner + i]);
        (0..outer * inner).map(|oi| (0..reduced).fold(start, |acc, r| f(acc, at(oi / inner, r, oi % inner)))).collect()
    }

    fn check(sizes: [usize; 3]) {
        let [outer, reduced, inner] = sizes;
        let x = numbers(1, outer * reduced * inner);
        let mut y = vec![f32::NAN; outer * inner];
        sum(outer, reduced, inner, &x, &mut y);
        let magnitudes = naive(sizes, &x, 0.0, |a, b| a + b.abs());
        for ((y, expected), magnitude) in y.iter().zip(naive(sizes, &x, 0.0, |a, b| a + b)).zip(magnitudes) {
            assert!((f64::from(*y) - expected).abs() <= 1e-6 * magnitude, "sum of {sizes:?}");
        }
        max(outer, reduced, inner, &x, &mut y);
        assert!(y.iter().map(|&y| f64::from(y)).eq(naive(sizes, &x, f64::NEG_INFINITY, f64::max)), "max of {sizes:?}");
    }

    #[test]
    fn sizes_around_the_tiles() {
        for sizes in [
            [1, 1, 1],
            [1, LANES, 1],
            [1, LANES + 1, 1],
            [1, LEAF, 1],
            [1, LEAF + 1, 1],
            [3, 5 * LEAF + 7, 1],
            [1, 300_001, 1],
            [1, 20_000, 3],
            [2, 9_999, 10],
            [1, 3_000, 31],
            [1, 777, 64],
            [2, 100, 5_000],
            [1, 1, 9],
            [7, 1, 9_000],
            [5_000, 9, 1],
            [400, 33, 17],
        ] {
            check(sizes);
        }
    }

    /// A row's sum has the same bits whether it fits those that are combined several at a time or not.
    #[test]
    fn small_short_rows_are_combined_as_long_ones() {
        for row in 1..=SHORT {
            let x = numbers(4, 37 * row);
            let mut y = [f32::NAN; 37];
            fold_short_rows(&x, row, &mut y, 0.0, f32::add);
            for (x, y) in x.chunks(row).zip(y) {
                assert_eq!(y, combine_row(x, 0.0, f32::add), "{row} numbers");
            }
        }
    }

    #[test]
    fn nothing_sums_to_zero_and_has_no_maximum() {
        let mut y = [1.0; 6];
        sum(2, 0, 3, &[], &mut y);
        assert_eq!(y, [0.0; 6]);
        max(2, 0, 3, &[], &mut y);
        assert_eq!(y, [f32::NEG_INFINITY; 6]);
    }

    #[test]
    fn one_nan_makes_the_maximum_nan() {
        for at in [0, 1, 63, 64, 5_000, 9_999] {
            let mut x = numbers(2, 10_000);
            x[at] = f32::NAN;
            let mut y = [0.0; 5];
            max(1, 10_000, 1, &x, &mut y[..1]);
            assert!(y[0].is_nan());
            max(1, 2_000, 5, &x, &mut y);
            assert!((0..5).all(|i| y[i].is_nan() == (i == at % 5)));
        }
    }

    /// 0.1 added up one after the other is off by 1e-3 here; the tree keeps six digits.
    #[test]
    fn long_sums_keep_their_digits() {
        let mut y = [0.0];
        sum(1, 10_000_000, 1, &vec![0.1; 10_000_000], &mut y);
        assert!((y[0] - 1e6).abs() < 1.0, "{}", y[0]);
        let mut y = [0.0; 2];
        sum(1, 5_000_000, 2, &vec![0.1; 10_000_000], &mut y);
        assert!(y.iter().all(|y| (y - 5e5).abs() < 0.5), "{y:?}");
    }

    #[test]
    fn threads_do_not_change_the_sum() {
        for [outer, reduced, inner] in [[1, 300_000, 1], [1, 60_000, 5], [3, 700, 300], [5_000, 60, 1]] {
            let x = numbers(3, outer * reduced * inner);
            same_bits_on_any_number_of_threads(|| {
                let mut y = vec![0.0; outer * inner];
                sum(outer, reduced, inner, &x, &mut y);
                y
            });
        }
    }

    proptest! {
        #[test]
        fn any_sizes(outer in 0..6_usize, reduced in 0..300_usize, inner in 0..90_usize) {
            check([outer, reduced, inner]);
        }
    }
}
