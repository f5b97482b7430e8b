//! Long sums that keep their digits.
//!
//! Rounding adds up along a chain of additions, so no chain is long: a sum is cut into *blocks* of about [`BLOCK`] terms,
//! each of which begins from zero in registers, and the blocks' sums are added up pairwise. The error of a sum of n terms x
//! is then at most about (b + log₂(n / b)) · u · Σ |x|, with chains of b additions and the unit roundoff u = 2⁻²⁴, where
//! that of one chain is n · u · Σ |x| (Higham, "The accuracy of floating point summation", 1993). What a sum is added to
//! comes last, onto the finished sum.
//!
//! The shape of the tree follows from the number of blocks alone, so threads do not change a bit.

use std::ops::Range;

use super::SERIAL;
use super::scratch::with_scratch;

/// Terms that are added up one after the other: long enough that moving a block's sums out of the registers costs nothing.
pub const BLOCK: usize = 256;
/// Blocks that are added up one after the other, as kernels do in place.
pub const CHAIN: usize = 4;

/// `y` (+)= the sum of blocks that are computed one by one: `block(i, y, accumulate)` puts block i's sum into `y`, or adds
/// it. `work` is the whole's size, to compare with [`SERIAL`].
pub fn sum_blocks(
    blocks: Range<usize>,
    work: usize,
    y: &mut [f32],
    accumulate: bool,
    block: &(impl Fn(usize, &mut [f32], bool) + Sync),
) {
    let add = |y: &mut [f32], sum: &[f32]| y.iter_mut().zip(sum).for_each(|(y, sum)| *y += sum);
    if blocks.len() == 1 {
        block(blocks.start, y, accumulate);
    } else if accumulate {
        with_scratch(y.len(), |sum| {
            sum_blocks(blocks, work, sum, false, block);
            add(y, sum);
        });
    } else if blocks.len() <= CHAIN {
        let first = blocks.start;
        blocks.for_each(|index| block(index, y, index > first));
    } else {
        let middle = blocks.start + blocks.len().div_ceil(2).next_multiple_of(CHAIN);
        let [left, right] = [blocks.start..middle, middle..blocks.end];
        with_scratch(y.len(), |sum| {
            join(
                work,
                || sum_blocks(left, work / 2, y, false, block),
                || sum_blocks(right, work / 2, sum, false, block),
            );
            add(y, sum);
        });
    }
}

/// Adds up rows of this width pairwise, in place; their sum.
pub fn sum_rows(mut rows: &mut [f32], width: usize) -> &mut [f32] {
    while rows.len() > width {
        let (left, right) = rows.split_at_mut((rows.len() / width).div_ceil(2) * width);
        left.iter_mut().zip(right).for_each(|(left, right)| *left += *right);
        rows = left;
    }
    rows
}

/// Both results, side by side if the work is worth it.
pub fn join<A: Send, B: Send>(work: usize, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if work <= SERIAL { (a(), b()) } else { rayon::join(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// Sums of two numbers for each block, added to 1 and 2 or in their place.
    fn sum_of(x: &[f32], accumulate: bool) -> Vec<f32> {
        let mut y = vec![1.0, 2.0];
        sum_blocks(0..x.len() / 2, x.len().saturating_mul(SERIAL), &mut y, accumulate, &|block, y, accumulate| {
            for (y, x) in y.iter_mut().zip(&x[2 * block..]) {
                *y = if accumulate { *y + x } else { *x };
            }
        });
        y
    }

    #[test]
    fn small_sums_of_every_number_of_blocks() {
        for count in (1..20).chain([100, 1000]) {
            let x: Vec<f32> = (0..2 * count).map(|i| i as f32).collect();
            let expected = [count * (count - 1), count * count].map(|sum| sum as f32);
            assert_eq!(sum_of(&x, false), expected, "{count} blocks");
            assert_eq!(sum_of(&x, true), [expected[0] + 1.0, expected[1] + 2.0], "{count} blocks");
            assert_eq!(sum_rows(&mut x.clone(), 2), expected, "{count} rows");
        }
    }

    #[test]
    fn threads_do_not_change_the_sum() {
        let x = numbers(1, 4000);
        same_bits_on_any_number_of_threads(|| sum_of(&x, false));
    }

    /// One after the other, 0.1 added a million times is off by a hundredth.
    #[test]
    fn a_million_blocks_keep_their_digits() {
        let sum = sum_of(&vec![0.1; 2_000_000], false)[0];
        assert!((sum - 1e5).abs() <= 0.02, "{sum}");
        let sum = sum_rows(&mut vec![0.1; 1_000_000], 1)[0];
        assert!((sum - 1e5).abs() <= 0.02, "{sum}");
    }
}
