//! Products of any size, cut into panels.
//!
//! The kernel broadcasts A's numbers and reads B's rows as vectors, so B is cut into *panels* of columns, and both are best
//! *packed*, so that they are read from front to back.
//!
//! - A product with many rows and columns reads each number so often that packing pays, from which size on is measured:
//!   all of B's panels are packed first, and a task packs some rows of A in its caches and multiplies them with all panels.
//! - Else a task is a panel. A is read where it lies. Where B's rows are contiguous, the kernel reads them in place first
//!   and packs them meanwhile; where not, all panels are packed before, so then B should be the smaller operand: C = A·B is
//!   computed as Cᵀ = Bᵀ·Aᵀ where that transposes fewer numbers.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::super::pairwise::{BLOCK, CHAIN, sum_blocks};
use super::super::scratch::{CacheLine, with_scratch};
use super::super::transpose::transpose;
use super::super::{Shared, for_each_chunk, for_each_tile};
use super::kernel::{self, Panel};
use super::{Product, Strides};
use crate::ops::ProductSizes;

/// Rows and columns from which on packing may pay.
const MANY: usize = 256;
/// Rows and columns from which on it pays everywhere.
const VERY_MANY: usize = 1024;
/// Rows of C in a task, at most: so many that packing a panel pays, so few that all threads are kept busy.
const TASK_ROWS: usize = 128;
/// Numbers of A that a task packs, about: what leaves room for a panel and C in a second-level cache.
const TASK_NUMBERS: usize = 1 << 16;
/// Tasks, at least, where there are tiles enough: so many that threads end at about the same time.
const TASKS: usize = 8;
/// Packed tiles of A begin each term at a multiple of this many numbers, so that they are transposed in whole blocks.
const ALIGNED: usize = 8;
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
    /// Rows of a tile.
    height: usize,
    /// Columns of a panel.
    width: usize,
    /// Numbers of a vector.
    vector: usize,
}

/// Some rows of a panel.
struct Task<'a> {
    item: usize,
    rows: Range<usize>,
    panel: usize,
    /// These rows' tiles, if they are packed: `[tiles, k, aligned height]`.
    tiles: Option<&'a [f32]>,
}

/// Computes a product, nowhere empty, of operands that are as long as their strides need.
pub fn multiply(product: Product, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
    let many = product.m.min(product.n);
    let packed = many >= VERY_MANY || many >= MANY && packing_pays_early();
    Panels::new(product, a, b, Shared::new(c), accumulate).run(packed);
}

/// Whether packing pays for a product of medium size. That depends on how many numbers a processor loads while it
/// multiplies, so it is measured once, on one thread that nothing else waits for.
fn packing_pays_early() -> bool {
    static PAYS: OnceLock<bool> = OnceLock::new();
    *PAYS.get_or_init(|| {
        let on_one_thread = || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            pool.is_ok_and(|pool| pool.install(packing_is_faster))
        };
        // Where there is no thread to be had nothing is measured.
        std::thread::Builder::new().spawn(on_one_thread).is_ok_and(|thread| thread.join().unwrap_or(false))
    })
}

/// Compares the best times of a product of medium size, which takes about half a millisecond.
fn packing_is_faster() -> bool {
    let (batch, m, n, k) = (1, MANY, 2 * MANY, MANY);
    let (a, b, mut c) = (vec![1.0; m * k], vec![1.0; k * n], vec![0.0; m * n]);
    let product = Product::contiguous(ProductSizes { batch, m, n, k }, true, false);
    let mut time = |packed: bool| {
        let panels = Panels::new(product, &a, &b, Shared::new(&mut c), false);
        let start = Instant::now();
        panels.run(packed);
        start.elapsed()
    };
    let mut best = [Duration::MAX; 2];
    for _ in 0..8 {
        best[0] = best[0].min(time(true));
        best[1] = best[1].min(time(false));
    }
    best[0] < best[1]
}

impl<'a> Panels<'a> {
    fn new(product: Product, a: &'a [f32], b: &'a [f32], c: Shared<'a>, accumulate: bool) -> Self {
        let [height, width, vector] = kernel::tile();
        Panels { product, a, b, packed: None, c, transposed: false, accumulate, height, width, vector }
    }

    /// Cᵀ = Bᵀ·Aᵀ, where less must be transposed then.
    fn turned(&self) -> Self {
        let Product { m, n, k, a, b, .. } = self.product;
        if b.column == 1 || (a.row > 1 && m * (k + n) >= n * k) {
            return *self;
        }
        Panels { product: self.product.transposed(), a: self.b, b: self.a, transposed: true, ..*self }
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

    /// Packs B.
    fn with_b_packed(&self, body: impl FnOnce(&Panels)) {
        let Panels { product: Product { batch, n, k, b, .. }, width, .. } = *self;
        let (matrices, panels) = (if b.batch == 0 { 1 } else { batch }, n.div_ceil(width));
        with_scratch(matrices * panels * k * width, |packed| {
            for_each_chunk(packed, k * width, 4 * matrices * n * k, |panel, packed| {
                let (item, j) = (panel / panels, panel % panels * width);
                pack(b, [k, width.min(n - j)], &self.b[item * b.batch + j * b.column..], packed, width);
            });
            body(&Panels { packed: Some(packed), ..*self });
        });
    }

    /// Computes the product; `packed` decides how.
    fn run(&self, packed: bool) {
        if packed {
            return self.with_b_packed(|panels| panels.run_rows());
        }
        self.turned().with_rows_apart(|panels| match panels.product.b.column {
            1 => panels.run_panels(),
            _ => panels.with_b_packed(|panels| panels.run_panels()),
        });
    }

    /// Cuts C into tasks of whole tiles that pack their rows of A, and multiply them with all panels.
    fn run_rows(&self) {
        let Product { batch, m, n, k, a, .. } = self.product;
        // Tiles of nearly equal height.
        let height = m.div_ceil(m.div_ceil(self.height));
        let panels = Panels { height, ..*self };
        let tile = k * height.next_multiple_of(ALIGNED);
        let rows = (TASK_NUMBERS / tile).clamp(1, m.div_ceil(TASKS * height)) * height;
        let tasks = m.div_ceil(rows);
        for_each_tile(batch * tasks, batch * m * n * k.div_ceil(FAST), |task| {
            let (item, i) = (task / tasks, task % tasks * rows);
            let rows = i..m.min(i + rows);
            with_scratch(rows.len().div_ceil(height) * tile, |tiles| {
                for (first, packed) in rows.clone().step_by(height).zip(tiles.chunks_exact_mut(tile)) {
                    let aligned = height.next_multiple_of(ALIGNED);
                    let x = &self.a[item * a.batch + first * a.row..];
                    pack(a.transposed(), [k, aligned.min(m - first)], x, packed, aligned);
                }
                for panel in 0..n.div_ceil(self.width) {
                    panels.run_task(&Task { item, rows: rows.clone(), panel, tiles: Some(tiles) });
                }
            });
        });
    }

    /// Cuts C into tasks, all panels of some rows after each other.
    fn run_panels(&self) {
        let Product { batch, m, n, k, .. } = self.product;
        let (tiles, across) = (m.div_ceil(self.height), n.div_ceil(self.width));
        let down = m.div_ceil(TASK_ROWS).max(tiles.min(TASKS / across));
        for_each_tile(batch * down * across, batch * m * n * k.div_ceil(FAST), |task| {
            let (item, block, panel) = (task / across / down, task / across % down, task % across);
            let rows = m * block / down..m * (block + 1) / down;
            let height = rows.len().div_ceil(rows.len().div_ceil(self.height));
            Panels { height, ..*self }.run_task(&Task { item, rows, panel, tiles: None });
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
        let Panels { product: Product { n, k, a, b, .. }, height, width, vector, .. } = *self;
        let Task { item, ref rows, panel, tiles } = *task;
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
            let aligned = height.next_multiple_of(ALIGNED);
            let (a, a_tile, a_strides) = match tiles {
                Some(tiles) => (&tiles[terms.start * aligned..], k * aligned, [1, aligned]),
                None => {
                    let start = item * a.batch + rows.start * a.row + terms.start * a.column;
                    (&self.a[start..], height * a.row, [a.row, a.column])
                }
            };
            let panel = Panel {
                rows: rows.len(),
                height,
                columns: whole,
                terms: terms.len(),
                a,
                a_tile,
                a_strides,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// Where operands lie and whether they are packed decides how fast a product is, never what it is.
    #[test]
    fn packing_changes_no_bit() {
        for [batch, m, n, k] in [[1, 1, 1, 1], [2, 15, 33, 20], [1, 40, 31, 1100], [1, 300, 70, 65], [3, 29, 64, 300]] {
            for [transpose_a, transpose_b] in [[false, false], [false, true], [true, false], [true, true]] {
                let product = Product::contiguous(ProductSizes { batch, m, n, k }, transpose_a, transpose_b);
                let (a, b) = (numbers(1, batch * m * k), numbers(2, batch * k * n));
                let [packed, in_place] = [true, false].map(|packed| {
                    same_bits_on_any_number_of_threads(|| {
                        let mut c = numbers(3, batch * m * n);
                        let panels = Panels::new(product, &a, &b, Shared::new(&mut c), true);
                        panels.run(packed);
                        c
                    })
                });
                assert_eq!(packed, in_place, "{product:?}");
            }
        }
    }
}
