//! Moving numbers without computing: views made contiguous, boxes filled, rows gathered and scattered.

use super::scratch::with_scratch;
use super::transpose::transpose;
use super::{SERIAL, for_each_chunk, vectorised};
use crate::{ByteTable, Shape};

/// One axis of a copy: how many elements, and how far apart they lie in the source and in the destination.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    from: usize,
    to: usize,
}

/// A copy from a strided view into a box, worked out once and run many times.
pub struct StridedCopy {
    /// Outermost first; the first axis is the destination's outermost, the last one its innermost. The axis before
    /// the last is the one whose elements are neighbours in the source, if there is such a one.
    axes: Vec<Axis>,
    from: usize,
    to: usize,
}

impl StridedCopy {
    /// Makes a view contiguous: `y[i, j, …] = x[offset + i strides[0] + j strides[1] + …]`. Stride 0 broadcasts.
    pub fn view(shape: &[usize], offset: usize, strides: &[usize]) -> Self {
        Self::new(shape, (offset, strides), (0, &Shape::from(shape).strides()))
    }

    /// Puts a contiguous array into a box of a larger one: `y[offset + i strides[0] + …] = x[i, …]`.
    pub fn into_box(shape: &[usize], offset: usize, strides: &[usize]) -> Self {
        Self::new(shape, (0, &Shape::from(shape).strides()), (offset, strides))
    }

    fn new(shape: &[usize], from: (usize, &[usize]), to: (usize, &[usize])) -> Self {
        assert!(shape.len() == from.1.len() && shape.len() == to.1.len(), "{shape:?} needs a stride for each axis");
        let mut axes: Vec<Axis> = Vec::with_capacity(shape.len() + 1);
        for ((&extent, &from), &to) in shape.iter().zip(from.1).zip(to.1) {
            match axes.last_mut() {
                _ if extent == 1 => {}
                // An axis that continues the one outside it is the same axis.
                Some(outer) if outer.from == extent * from && outer.to == extent * to => {
                    *outer = Axis { extent: outer.extent * extent, from, to };
                }
                _ => axes.push(Axis { extent, from, to }),
            }
        }
        if axes.is_empty() {
            axes.push(Axis { extent: 1, from: 1, to: 1 });
        }
        let last = axes.len() - 1;
        if let Some(neighbours) = axes[..last].iter().position(|axis| axis.from == 1) {
            // Copied in blocks of this axis and the last one. It may be the first only where the copy is a plain
            // transpose: the first axis is the one that is cut into tiles.
            if neighbours > 0 || last == 1 {
                axes[neighbours..last].rotate_left(1);
            }
        }
        StridedCopy { axes, from: from.0, to: to.0 }
    }

    /// Copies.
    pub fn run(&self, x: &[f32], y: &mut [f32]) {
        let count: usize = self.axes.iter().map(|axis| axis.extent).product();
        if count == 0 {
            return;
        }
        // What lies behind the box is left alone: there may be many boxes in one array.
        let len = 1 + self.axes.iter().map(|axis| (axis.extent - 1) * axis.to).sum::<usize>();
        let (x, y) = (&x[self.from..], &mut y[self.to..][..len]);
        let Axis { extent, from, to } = self.axes[0];
        let tile = (SERIAL / 4 * extent / count).clamp(1, extent); // elements of the first axis
        for_each_chunk(y, tile * to, count, |index, y| {
            let first = Axis { extent: tile.min(extent - index * tile), from, to };
            copy(first, &self.axes[1..], &x[index * tile * from..], y);
        });
    }
}

/// Copies along `first` and the axes inside it.
fn copy(first: Axis, inner: &[Axis], x: &[f32], y: &mut [f32]) {
    match *inner {
        [] => copy_run(first, x, y),
        [last] if first.from == 1 && last.from > 1 && last.to == 1 => {
            transpose([last.extent, first.extent], x, last.from, y, first.to);
        }
        [next, ref rest @ ..] => {
            (0..first.extent).for_each(|i| copy(next, rest, &x[i * first.from..], &mut y[i * first.to..]));
        }
    }
}

/// A single axis.
fn copy_run(Axis { extent, from, to }: Axis, x: &[f32], y: &mut [f32]) {
    match (from, to) {
        (0, 1) => y[..extent].fill(x[0]),
        (1, 1) => y[..extent].copy_from_slice(&x[..extent]),
        (_, 1) => y[..extent].iter_mut().zip(x.iter().step_by(from)).for_each(|(y, x)| *y = *x),
        // Boxes one element wide.
        _ => (0..extent).for_each(|i| y[i * to] = x[i * from]),
    }
}

/// Rows of `row_len` numbers picked by index: `y[i] = x[index[i]]`. An index that is no row of `x` gives a row of NaN.
pub fn gather(index: &[f32], x: &[f32], row_len: usize, y: &mut [f32]) {
    let rows = x.len().checked_div(row_len).unwrap_or(0);
    pick_rows(index, rows, row_len, y, |row, y| y.copy_from_slice(&x[row * row_len..][..row_len]));
}

/// Rows of a table picked by index, as [`gather`] picks them.
pub fn look_up(index: &[f32], table: &ByteTable, y: &mut [f32]) {
    let (rows, row_len) = (table.shape()[0], table.shape().without(&[0]).count());
    pick_rows(index, rows, row_len, y, |row, y| {
        let bytes = &table.bytes()[row * row_len..][..row_len];
        vectorised(
            #[inline(always)]
            || y.iter_mut().zip(bytes).for_each(|(y, &byte)| *y = ByteTable::number(byte)),
        );
    });
}

/// Fills the rows of `y`, each from the one of `rows` rows that its index names.
fn pick_rows(index: &[f32], rows: usize, row_len: usize, y: &mut [f32], pick: impl Fn(usize, &mut [f32]) + Sync) {
    let (work, row_len) = (y.len(), row_len.max(1));
    let together = (SERIAL / 4 / row_len).max(1);
    for_each_chunk(y, together * row_len, work, |chunk, y| {
        for (index, y) in index[chunk * together..].iter().zip(y.chunks_exact_mut(row_len)) {
            match row_number(*index, rows) {
                Some(row) => pick(row, y),
                None => y.fill(f32::NAN),
            }
        }
    });
}

/// The reverse of [`gather`]: `y` is zeroed, then row i of `x` is added to row `index[i]` of `y`, in order. A row whose
/// index is no row of `y` is dropped; one between two rows makes the lower one NaN. All rows may go to one, so what rounding takes from a sum goes into the next addition
/// (Kahan, "Further remarks on reducing truncation errors", 1965; here by Knuth's exact error of a sum).
pub fn scatter_add(index: &[f32], x: &[f32], row_len: usize, y: &mut [f32]) {
    y.fill(0.0);
    let rows = y.len().checked_div(row_len).unwrap_or(0);
    with_scratch(y.len(), |lost| {
        lost.fill(0.0);
        for (&index, x) in index.iter().zip(x.chunks_exact(row_len.max(1))) {
            if let Some(row) = row_number(index.floor(), rows) {
                let mistaken = if index.fract() == 0.0 { 0.0 } else { f32::NAN };
                let elements = row * row_len..(row + 1) * row_len;
                for ((y, lost), x) in y[elements.clone()].iter_mut().zip(&mut lost[elements]).zip(x) {
                    let x = x + *lost + mistaken;
                    let sum = *y + x;
                    let added = sum - *y;
                    let rest = (*y - (sum - added)) + (x - added);
                    *lost = if rest.is_finite() { rest } else { 0.0 }; // beside an infinite sum
                    *y = sum;
                }
            }
        }
    });
}

/// The row that an index names, if it is one of `rows`.
fn row_number(index: f32, rows: usize) -> Option<usize> {
    (index >= 0.0 && index < rows as f32 && index.fract() == 0.0).then_some(index as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// The definition, element by element.
    fn naive(shape: &[usize], offset: usize, strides: &[usize], x: &[f32]) -> Vec<f32> {
        let count = shape.iter().product();
        let at = |mut element: usize| {
            let mut source = offset;
            for (extent, stride) in shape.iter().zip(strides).rev() {
                source += element % extent * stride;
                element /= extent;
            }
            x[source]
        };
        (0..count).map(at).collect()
    }

    fn check(shape: &[usize], offset: usize, strides: &[usize]) {
        let reach: usize = shape.iter().zip(strides).map(|(extent, stride)| extent.saturating_sub(1) * stride).sum();
        let x = numbers(1, offset + reach + 1);
        let mut y = vec![f32::NAN; shape.iter().product()];
        StridedCopy::view(shape, offset, strides).run(&x, &mut y);
        assert_eq!(y, naive(shape, offset, strides, &x), "{shape:?} {strides:?}");
    }

    #[test]
    fn views() {
        check(&[], 3, &[]); // a scalar
        check(&[4, 5], 0, &[5, 1]); // as it is
        check(&[5, 4], 0, &[1, 5]); // transposed
        check(&[300, 201], 0, &[1, 300]);
        check(&[2, 3, 4], 7, &[100, 20, 1]); // a slice of a larger array
        check(&[3, 4, 5], 0, &[0, 1, 0]); // broadcast on both sides
        check(&[50, 64, 20, 20], 0, &[400, 20_000, 20, 1]); // two outer axes swapped
        check(&[50, 49, 64], 0, &[3136, 1, 49]); // channels last
        check(&[20, 30, 40], 0, &[1, 800, 20]); // all axes turned around
        check(&[6, 7], 1, &[28, 3]); // every third number
        check(&[0, 3], 0, &[3, 1]);
        check(&[3, 0], 0, &[1, 3]);
    }

    #[test]
    fn boxes_leave_their_surroundings_alone() {
        let mut y = [0.0; 20];
        StridedCopy::into_box(&[2, 3], 5, &[5, 1]).run(&[1., 2., 3., 4., 5., 6.], &mut y); // rows 1 and 2 of [4, 5]
        assert_eq!(y, [0., 0., 0., 0., 0., 1., 2., 3., 0., 0., 4., 5., 6., 0., 0., 0., 0., 0., 0., 0.]);
        let mut large = vec![7.0; 200 * 300];
        StridedCopy::into_box(&[190, 290], 10 * 300 + 5, &[300, 1]).run(&[1.0; 190 * 290], &mut large);
        let inside = |i: usize| i / 300 >= 10 && (5..295).contains(&(i % 300));
        assert!((0..large.len()).all(|i| large[i] == if inside(i) { 1.0 } else { 7.0 }));
        let mut column = [0.0; 6];
        StridedCopy::into_box(&[2, 1], 1, &[3, 1]).run(&[1.0, 2.0], &mut column);
        assert_eq!(column, [0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
        StridedCopy::into_box(&[0], 2, &[1]).run(&[], &mut y[..3]);
        assert_eq!(y[..3], [0.0; 3]);
    }

    #[test]
    fn threads_do_not_change_a_copy() {
        let x = numbers(2, 64 * 40 * 50);
        same_bits_on_any_number_of_threads(|| {
            let mut y = vec![0.0; x.len()];
            StridedCopy::view(&[50, 64, 40], 0, &[1, 2000, 50]).run(&x, &mut y);
            y
        });
    }

    #[test]
    fn gathered_rows() {
        let x = [1., 2., 3., 4., 5., 6.];
        let mut y = [0.0; 12];
        gather(&[2.0, 0.0, -1.0, 3.0, f32::NAN, 1.5], &x, 2, &mut y);
        assert_eq!(y[..4], [5., 6., 1., 2.]);
        assert!(y[4..].iter().all(|y| y.is_nan()));
    }

    #[test]
    fn looked_up_rows() {
        let table = ByteTable::new([2, 128], (0..=255).collect::<Vec<u8>>()).unwrap();
        let mut y = [0.0; 512];
        look_up(&[1.0, 0.0, 2.0, -1.0], &table, &mut y);
        let expected = (128..256).chain(0..128).map(|byte| (f64::from(byte) / 255.0) as f32);
        assert!(y[..256].iter().copied().eq(expected));
        assert!(y[256..].iter().all(|y| y.is_nan()));
    }

    #[test]
    fn scattered_rows_add_up() {
        let mut y = [f32::NAN; 6];
        let x = [1., 2., 3., 4., 5., 6., 7., 8., 9., 9.];
        scatter_add(&[2.0, 0.0, 2.0, 3.0, f32::NAN], &x, 2, &mut y);
        assert_eq!(y, [3., 4., 0., 0., 6., 8.]);
        scatter_add(&[1.5, 0.0], &x[..4], 2, &mut y);
        assert!(y[..2] == [3., 4.] && y[2].is_nan() && y[3].is_nan() && y[4..] == [0., 0.]);
    }

    /// In one chain, 0.1 added up 100,000 times is off by 1.6·10⁻⁴ of the sum.
    #[test]
    fn many_rows_scattered_to_one_keep_their_digits() {
        let mut y = [f32::NAN; 4];
        scatter_add(&[1.0; 100_000], &[0.1; 200_000], 2, &mut y);
        assert_eq!(y, [0.0, 0.0, 1e4, 1e4]);
        scatter_add(&[0.0, 1.0, 0.0], &[f32::INFINITY, 1.0, 2.0, 3.0, 1.0, f32::NAN], 2, &mut y);
        assert_eq!(y[..1], [f32::INFINITY]);
        assert!(y[1].is_nan() && y[2..] == [2.0, 3.0]);
    }

    proptest! {
        #[test]
        fn any_view(axes in prop::collection::vec((0..20_usize, 0..40_usize), 0..5), offset in 0..10_usize) {
            let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().unzip();
            check(&shape, offset, &strides);
        }
    }
}
