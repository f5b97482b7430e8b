//! Products of any size, cut into panels.
//!
//! The kernel broadcasts A's numbers, which it reads where they lie, and wants B's rows as vectors, so B is cut into
//! *panels* of columns. Where B's rows are contiguous, the kernel reads them in place first and packs them meanwhile.
//! Else all panels are packed before, so then B should be the smaller operand: C = A·B is computed as Cᵀ = Bᵀ·Aᵀ where
//! that transposes fewer numbers.

use std::ops::Range;

use super::super::pairwise::{BLOCK, CHAIN, sum_blocks};
use super::super::scratch::{CacheLine, with_scratch};
use super::super::transpose::transpose;
use super::super::{Shared, for_each_chunk, for_each_tile};
use super::kernel::{self, Panel};
use super::{Product, Strides};

/// Rows of C in a task, at most: so many that packing a panel pays, so few that all threads are kept busy.
const TASK_ROWS: usize = 128;
/// Rows whose distance is a multiple of this many numbers, 4 KiB, drive each other out of a first-level cache.
const BAD_DISTANCE: usize = 1024;
/// Multiply-adds that take as long as the processing of one element elsewhere, see [`for_each_tile`].
const FAST: usize = 16;

/// A product to be computed panel by panel.
#[derive(Clone, Copy)]
struct Panels<'a> {
    product: Product,
    a: &'a [f32],
    b: &'a [f32],
    /// B's panels, if they are packed beforehand: `[matrices, panels, k, width]`.
    packed: Option<&'a [f32]>,
    c: Shared<'a>,
    /// Whether `c` holds the product's transpose.
    transposed: bool,
    accumulate: bool,
    /// Columns of a panel.
    width: usize,
    /// Numbers of a vector.
    vector: usize,
}

/// Some rows of a panel.
struct Task {
    item: usize,
    rows: Range<usize>,
    panel: usize,
}

/// Computes a product, nowhere empty, of operands that are as long as their strides need.
pub fn multiply(product: Product, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
    let (c, [width, vector]) = (Shared::new(c), kernel::width());
    let panels = Panels { product, a, b, packed: None, c, transposed: false, accumulate, width, vector };
    panels.turned().with_rows_apart(|panels| panels.with_b_packed(|panels| panels.run()));
}

impl Panels<'_> {
    /// Cᵀ = Bᵀ·Aᵀ, where less must be transposed then.
    fn turned(self) -> Self {
        let Product { m, n, k, a, b, .. } = self.product;
        if b.column == 1 || (a.row > 1 && m * (k + n) >= n * k) {
            return self;
        }
        Panels { product: self.product.transposed(), a: self.b, b: self.a, transposed: true, ..self }
    }

    /// Copies A where its rows are at a bad distance.
    fn with_rows_apart(&self, body: impl FnOnce(&Panels)) {
        let Panels { product: Product { batch, m, n, k, a, .. }, width, .. } = *self;
        let bad = a.column == 1 && a.row > 0 && a.row.is_multiple_of(BAD_DISTANCE);
        if !bad || n <= width {
            return body(self);
        }
        let (matrices, row) = (if a.batch == 0 { 1 } else { batch }, k + CacheLine::LEN);
        with_scratch(matrices * m * row, |copies| {
            const ROWS: usize = 16;
            for_each_chunk(copies, ROWS * row, matrices * m * k, |index, copies| {
                for (i, copy) in copies.chunks_exact_mut(row).enumerate() {
                    let i = index * ROWS + i;
                    copy[..k].copy_from_slice(&self.a[i / m * a.batch + i % m * a.row..][..k]);
                }
            });
            let a = Strides { batch: if a.batch == 0 { 0 } else { m * row }, row, column: 1 };
            body(&Panels { product: Product { a, ..self.product }, a: copies, ..*self });
        });
    }

    /// Packs B where its rows are not contiguous.
    fn with_b_packed(&self, body: impl FnOnce(&Panels)) {
        let Panels { product: Product { batch, n, k, b, .. }, width, .. } = *self;
        if b.column == 1 {
            return body(self);
        }
        let (matrices, panels) = (if b.batch == 0 { 1 } else { batch }, n.div_ceil(width));
        with_scratch(matrices * panels * k * width, |packed| {
            for_each_chunk(packed, k * width, 4 * matrices * n * k, |panel, packed| {
                let (item, j) = (panel / panels, panel % panels * width);
                pack(b, [k, width.min(n - j)], &self.b[item * b.batch + j * b.column..], packed, width);
            });
            body(&Panels { packed: Some(packed), ..*self });
        });
    }

    /// Cuts C into tasks, all panels of some rows after each other.
    fn run(&self) {
        let Product { batch, m, n, k, .. } = self.product;
        let (down, across) = (m.div_ceil(TASK_ROWS), n.div_ceil(self.width));
        for_each_tile(batch * down * across, batch * m * n * k.div_ceil(FAST), |task| {
            let (item, block, panel) = (task / across / down, task / across % down, task % across);
            self.run_task(&Task { item, rows: m * block / down..m * (block + 1) / down, panel });
        });
    }

    /// Computes a panel's rows and puts them to C's.
    fn run_task(&self, task: &Task) {
        let Panels { product: Product { m, n, k, .. }, accumulate, width, vector, .. } = *self;
        let (item, i, j) = (task.item, task.rows.start, task.panel * width);
        let (rows, columns) = (task.rows.len(), width.min(n - j));
        let whole = columns.next_multiple_of(vector);
        let blocks = k.div_ceil(BLOCK);
        if !self.transposed && columns == whole && (blocks == 1 || blocks <= CHAIN && !accumulate) {
            for block in 0..blocks {
                let accumulate = accumulate || block > 0;
                // SAFETY: every element of C belongs to one task.
                unsafe { self.add_block(task, block, self.c, (item * m + i) * n + j, n, accumulate) };
            }
            return;
        }
        with_scratch(2 * rows * whole, |scratch| {
            let (sums, turned) = scratch.split_at_mut(rows * whole);
            sum_blocks(0..blocks, rows * whole * k / FAST, sums, false, &|block, sums, accumulate| {
                // SAFETY: the sums are this call's own.
                unsafe { self.add_block(task, block, Shared::new(sums), 0, whole, accumulate) };
            });
            let (results, [rows, columns], stride, first, c_row) = if self.transposed {
                transpose([rows, columns], sums, whole, turned, rows);
                (&*turned, [columns, rows], rows, (item * n + j) * m + i, m)
            } else {
                (&*sums, [rows, columns], whole, (item * m + i) * n + j, n)
            };
            for (row, result) in results.chunks_exact(stride).take(rows).enumerate() {
                let start = first + row * c_row;
                // SAFETY: every element of C belongs to one task.
                let c = unsafe { self.c.slice(start..start + columns) };
                match accumulate {
                    true => c.iter_mut().zip(result).for_each(|(c, sum)| *c += sum),
                    false => c.copy_from_slice(&result[..columns]),
                }
            }
        });
    }

    /// Puts a block of a task's terms, summed up, to the elements of `c` from `start` on, with rows `c_row` apart.
    ///
    /// # Safety
    /// Nothing else may access these elements meanwhile.
    unsafe fn add_block(&self, task: &Task, block: usize, c: Shared, start: usize, c_row: usize, accumulate: bool) {
        let Panels { product: Product { n, k, a, b, .. }, width, vector, .. } = *self;
        let Task { item, ref rows, panel } = *task;
        let blocks = k.div_ceil(BLOCK);
        let terms = k * block / blocks..k * (block + 1) / blocks; // blocks of nearly equal length
        let j = panel * width;
        let columns = width.min(n - j);
        let whole = columns.next_multiple_of(vector);
        let in_b = &self.b[item * b.batch + terms.start * b.row + j * b.column..];
        with_scratch(if self.packed.is_none() { terms.len() * whole } else { 0 }, |scratch| {
            let (b, b_row, packed) = match self.packed {
                Some(packed) => {
                    let matrix = if b.batch == 0 { 0 } else { item };
                    (&packed[((matrix * n.div_ceil(width) + panel) * k + terms.start) * width..], width, None)
                }
                None if columns < whole => {
                    pack(b, [terms.len(), columns], in_b, scratch, whole);
                    (&*scratch, whole, None)
                }
                None => (in_b, b.row, Some(scratch)),
            };
            let panel = Panel {
                rows: rows.len(),
                columns: whole,
                terms: terms.len(),
                a: &self.a[item * a.batch + rows.start * a.row + terms.start * a.column..],
                a_strides: [a.row, a.column],
                b,
                b_row,
                packed,
            };
            // SAFETY: as the caller promises.
            unsafe { panel.run(c, start, c_row, accumulate) };
        });
    }
}

/// Packs the first `columns` columns of a matrix: row after row, each as long as a panel is wide, behind the columns zeros.
fn pack(strides: Strides, [rows, columns]: [usize; 2], x: &[f32], packed: &mut [f32], width: usize) {
    if columns < width {
        packed.fill(0.0);
    }
    if strides.row == 1 {
        return transpose([columns, rows], x, strides.column, packed, width);
    }
    for (row, packed) in packed.chunks_exact_mut(width).take(rows).enumerate() {
        let x = x[row * strides.row..].iter().step_by(strides.column);
        packed[..columns].iter_mut().zip(x).for_each(|(packed, x)| *packed = *x);
    }
}
