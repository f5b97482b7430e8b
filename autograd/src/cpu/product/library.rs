//! Products by the crate `matrixmultiply`, tile by tile of C: it has kernels for processors that `kernel` knows no vectors
//! of.

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
        let start = (item * m + i) * n + j;
        let c = c.pointer(start..start + (rows - 1) * n + columns);
        let [a_row, a_column, b_row, b_column, c_row] =
            [a_strides.row, a_strides.column, b_strides.row, b_strides.column, n].map(|stride| stride as isize);
        let beta = f32::from(accumulate);
        // SAFETY: A and B begin at the tile's first row and column and reach as far as their strides do, and no two tiles
        // of C overlap.
        unsafe {
            matrixmultiply::sgemm(
                rows,
                k,
                columns,
                1.0,
                a.as_ptr(),
                a_row,
                a_column,
                b.as_ptr(),
                b_row,
                b_column,
                beta,
                c,
                c_row,
                1,
            );
        }
    });
}
