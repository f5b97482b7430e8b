//! The transpose of a matrix, the step between a layout that is given and the one that a kernel wants.

#[cfg(target_arch = "x86_64")]
use super::simd;

/// Rows and columns of a block.
const BLOCK: usize = 8;
/// Rows and columns of blocks done in a row, so that whole cache lines are read and written.
const SUPERBLOCK: usize = 32;

type Block = [[f32; BLOCK]; BLOCK];

/// `y[j, i] = x[i, j]` for an x of `rows × columns`; `x_stride` and `y_stride` are the distances between rows.
pub fn transpose(sizes: [usize; 2], x: &[f32], x_stride: usize, y: &mut [f32], y_stride: usize) {
    let [rows, columns] = sizes;
    if (rows == 1 && y_stride == 1) || (columns == 1 && x_stride == 1) {
        return y[..rows * columns].copy_from_slice(&x[..rows * columns]);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = simd::avx2(simd::in_use()) {
        return simd.vectorize(
            #[inline(always)]
            || {
                transpose_by_blocks(
                    sizes,
                    x,
                    x_stride,
                    y,
                    y_stride,
                    #[inline(always)]
                    |block| x86::transposed(simd, block),
                )
            },
        );
    }
    transpose_by_blocks(sizes, x, x_stride, y, y_stride, transposed);
}

#[inline(always)]
fn transpose_by_blocks(
    [rows, columns]: [usize; 2],
    x: &[f32],
    x_stride: usize,
    y: &mut [f32],
    y_stride: usize,
    transposed: impl Fn(Block) -> Block,
) {
    if rows < BLOCK || columns < BLOCK {
        for j in 0..columns {
            for i in 0..rows {
                y[j * y_stride + i] = x[i * x_stride + j];
            }
        }
        return;
    }
    assert!((rows - 1) * x_stride + columns <= x.len() && (columns - 1) * y_stride + rows <= y.len());
    // The last block of a row or column begins earlier if it were not whole: what it shares is written twice.
    let blocks = |first: usize, count: usize| {
        (first..count.min(first + SUPERBLOCK)).step_by(BLOCK).map(move |start| start.min(count - BLOCK))
    };
    for super_row in (0..rows).step_by(SUPERBLOCK) {
        for super_column in (0..columns).step_by(SUPERBLOCK) {
            for row in blocks(super_row, rows) {
                for column in blocks(super_column, columns) {
                    let x = x.as_ptr().wrapping_add(row * x_stride + column);
                    let y = y.as_mut_ptr().wrapping_add(column * y_stride + row);
                    let mut block = [[0.0; BLOCK]; BLOCK];
                    for (i, row) in block.iter_mut().enumerate() {
                        // SAFETY: x holds whole rows of the block, as asserted.
                        *row = unsafe { x.wrapping_add(i * x_stride).cast::<[f32; BLOCK]>().read() };
                    }
                    for (j, column) in transposed(block).into_iter().enumerate() {
                        // SAFETY: y holds whole columns of the block, as asserted.
                        unsafe { y.wrapping_add(j * y_stride).cast::<[f32; BLOCK]>().write(column) };
                    }
                }
            }
        }
    }
}

/// A block's transpose, as its definition says.
#[inline(always)]
fn transposed(block: Block) -> Block {
    let mut result = block;
    for i in 0..BLOCK {
        for j in 0..BLOCK {
            result[j][i] = block[i][j];
        }
    }
    result
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::__m256;

    use pulp::cast;
    use pulp::x86::V3;

    use super::Block;

    /// A block's transpose with AVX, in three rounds that exchange single numbers, pairs, and halves of the rows.
    #[inline(always)]
    pub fn transposed(simd: V3, block: Block) -> Block {
        const LOW_PAIRS: i32 = 0b01_00_01_00;
        const HIGH_PAIRS: i32 = 0b11_10_11_10;
        const LOW_HALVES: i32 = 0x20;
        const HIGH_HALVES: i32 = 0x31;
        let avx = simd.avx;
        let a: [__m256; 8] = cast(block);
        let mut b = a;
        for i in 0..4 {
            b[2 * i] = avx._mm256_unpacklo_ps(a[2 * i], a[2 * i + 1]);
            b[2 * i + 1] = avx._mm256_unpackhi_ps(a[2 * i], a[2 * i + 1]);
        }
        let mut c = b;
        for i in 0..2 {
            for j in 0..2 {
                c[4 * i + 2 * j] = avx._mm256_shuffle_ps::<LOW_PAIRS>(b[4 * i + j], b[4 * i + 2 + j]);
                c[4 * i + 2 * j + 1] = avx._mm256_shuffle_ps::<HIGH_PAIRS>(b[4 * i + j], b[4 * i + 2 + j]);
            }
        }
        let mut d = c;
        for i in 0..4 {
            d[i] = avx._mm256_permute2f128_ps::<LOW_HALVES>(c[i], c[i + 4]);
            d[i + 4] = avx._mm256_permute2f128_ps::<HIGH_HALVES>(c[i], c[i + 4]);
        }
        cast(d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(transpose: impl Fn([usize; 2], &[f32], usize, &mut [f32], usize)) {
        for rows in [1, 7, 8, 9, 16, 17, 40] {
            for columns in [1, 5, 8, 15, 24, 33] {
                for (x_stride, y_stride) in [(columns + 3, rows + 2), (columns, rows)] {
                    let x: Vec<f32> = (0..rows * x_stride).map(|i| i as f32).collect();
                    let mut y = vec![-1.0; columns * y_stride];
                    transpose([rows, columns], &x, x_stride, &mut y, y_stride);
                    for (position, &value) in y.iter().enumerate() {
                        let (j, i) = (position / y_stride, position % y_stride);
                        assert_eq!(value, if i < rows { x[i * x_stride + j] } else { -1.0 }, "{rows} × {columns}");
                    }
                }
            }
        }
    }

    #[test]
    fn small_transposes_touch_their_elements_only() {
        check(transpose);
        check(|sizes, x, x_stride, y, y_stride| transpose_by_blocks(sizes, x, x_stride, y, y_stride, transposed));
    }
}
