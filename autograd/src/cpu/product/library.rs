//! Products by the crate `matrixmultiply`, tile by tile of C: it has kernels for processors that `kernel` knows no vectors
//! of.

use super::super::pairwise::{BLOCK, sum_blocks};
use super::super::scratch::with_scratch;
use super::super::{Shared, for_each_tile};
use super::Product;

/// Columns of a tile of C. Wide and high tiles spare the library the repacking of A and B; more tiles than threads keep
/// all threads busy.
const TILE_COLUMNS: usize = 128;
/// Rows of a tile of C.
const TILE_ROWS: usize = 256;

/// Computes a product, nowhere empty, of operands that are as long as their strides need.
pub fn multiply(product: Product, a: &[f32], b: &[f32], c: &mut [f32], accumulate: bool) {
    let Product { batch, m, n, k, a: a_strides, b: b_strides } = product;
    let c = Shared::new(c);
    let (down, across) = (m.div_ceil(TILE_ROWS), n.div_ceil(TILE_COLUMNS));
    for_each_tile(batch * down * across, batch * m * n * k, |tile| {
        let (item, i, j) = (tile / across / down, tile / across % down * TILE_ROWS, tile % across * TILE_COLUMNS);
        let (rows, columns) = (TILE_ROWS.min(m - i), TILE_COLUMNS.min(n - j));
        let a = &a[item * a_strides.batch + i * a_strides.row..];
        let b = &b[item * b_strides.batch + j * b_strides.column..];
        with_scratch(rows * columns, |sums| {
            let blocks = k.div_ceil(BLOCK);
            sum_blocks(0..blocks, rows * columns * k, sums, false, &|block, sums, accumulate| {
                let terms = k * block / blocks..k * (block + 1) / blocks;
                let (a, b) = (&a[terms.start * a_strides.column..], &b[terms.start * b_strides.row..]);
                let [a_row, a_column, b_row, b_column, c_row] =
                    [a_strides.row, a_strides.column, b_strides.row, b_strides.column, columns]
                        .map(|stride| stride as isize);
                // SAFETY: A and B begin at the tile's first row and column and the block's first term and reach as far as
                // their strides do, and the sums are this call's own.
                unsafe {
                    matrixmultiply::sgemm(
                        rows,
                        terms.len(),
                        columns,
                        1.0,
                        a.as_ptr(),
                        a_row,
                        a_column,
                        b.as_ptr(),
                        b_row,
                        b_column,
                        f32::from(accumulate),
                        sums.as_mut_ptr(),
                        c_row,
                        1,
                    );
                }
            });
            for (row, sums) in sums.chunks_exact(columns).enumerate() {
                let start = (item * m + i + row) * n + j;
                // SAFETY: no two tiles of C overlap.
                let c = unsafe { c.slice(start..start + columns) };
                match accumulate {
                    true => c.iter_mut().zip(sums).for_each(|(c, sum)| *c += *sum),
                    false => c.copy_from_slice(sums),
                }
            }
        });
    });
}
