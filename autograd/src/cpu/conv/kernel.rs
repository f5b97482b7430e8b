//! The inner loops of the convolutions: a few sums over a panel of channels stay in registers while one operand is
//! broadcast number by number and the other is read as vectors.

use pulp::Simd;

use super::super::with_vectors;

/// Channels computed side by side, at most.
pub const LANES: usize = 32;
/// As many where there are no more.
pub const NARROW_LANES: usize = 16;
/// Rows of sums, at most: with AVX-512, 14 rows of two vectors fill 28 of the 32 registers.
pub const ROWS: usize = 14;

/// The sums of some rows.
pub type Sums = [[f32; LANES]; ROWS];

/// Channels of a panel, of `channels` in all: [`LANES`], or half as many where these are enough.
pub fn lanes(channels: usize) -> usize {
    if channels <= NARROW_LANES { NARROW_LANES } else { LANES }
}

/// Rows of sums that fill the registers.
pub fn rows_at_once() -> usize {
    struct Registers;
    impl pulp::WithSimd for Registers {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            // Besides the sums: one row of vectors, of which half may be memory operands, and a broadcast number.
            let vectors = LANES / S::F32_LANES;
            ((S::REGISTER_COUNT - 2) / vectors).saturating_sub(1).clamp(1, ROWS)
        }
    }
    with_vectors(Registers)
}

/// Monomorphises a kernel for a number of rows and for the vectors that make up its lanes.
macro_rules! for_rows {
    ($simd:ident, $rows:expr, $lanes:expr, $kernel:expr) => {
        for_rows!($simd, $rows, $lanes, $kernel, [1 2 3 4 5 6 7 8 9 10 11 12 13 14])
    };
    ($simd:ident, $rows:expr, $lanes:expr, $kernel:expr, [$($n:literal)*]) => {
        match ($rows, $lanes / S::F32_LANES) {
            $(($n, 1) => $kernel.run::<S, $n, 1>($simd),)*
            $(($n, 2) => $kernel.run::<S, $n, 2>($simd),)*
            $(($n, 4) => $kernel.run::<S, $n, 4>($simd),)*
            $(($n, 8) => $kernel.run::<S, $n, 8>($simd),)*
            $(($n, 16) => $kernel.run::<S, $n, 16>($simd),)*
            $(($n, 32) => $kernel.run::<S, $n, 32>($simd),)*
            (rows, vectors) => unreachable!("{rows} rows of {vectors} vectors"),
        }
    };
}

/// Neighbouring numbers of the source and the rows of weights that they are multiplied with.
pub struct Run {
    /// The first row of weights.
    pub weights: usize,
    /// The first number, counted from where a row of sums begins to read.
    pub from: usize,
    pub len: usize,
}

/// `sums[r]` (+)= Σ source[rows[r] + from + d] · weights[weights + d] over all runs and their numbers d.
pub struct Gather<'a> {
    /// Where each row begins to read.
    pub rows: &'a [usize],
    pub runs: &'a [Run],
    /// Source pixels, channels last.
    pub source: &'a [f32],
    /// Channels of a panel.
    pub lanes: usize,
    /// `[kh·kw · channels, lanes]`.
    pub weights: &'a [f32],
    pub sums: &'a mut Sums,
    pub accumulate: bool,
}

impl pulp::WithSimd for Gather<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for_rows!(simd, self.rows.len(), self.lanes, self);
    }
}

impl Gather<'_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        let Gather { rows, runs, source, weights, sums, accumulate, .. } = self;
        let (weights, _) = S::as_simd_f32s(weights);
        let mut registers = [[simd.splat_f32s(0.0); V]; R];
        for run in runs {
            let pixels: [&[f32]; R] = std::array::from_fn(|r| &source[rows[r] + run.from..][..run.len]);
            let weights = &weights[run.weights * V..][..run.len * V];
            // Four steps at a time: there are more rows than registers for their addresses.
            let whole = run.len / 4 * 4;
            for d in (0..whole).step_by(4) {
                for d in d..d + 4 {
                    // SAFETY: d < len.
                    unsafe { add_products(simd, pixels, weights, d, &mut registers) };
                }
            }
            for d in whole..run.len {
                // SAFETY: d < len.
                unsafe { add_products(simd, pixels, weights, d, &mut registers) };
            }
        }
        // With bounds known to the compiler the sums stay in registers.
        for r in 0..R {
            let (sums, _) = S::as_mut_simd_f32s(&mut sums[r]);
            for v in 0..V {
                sums[v] = if accumulate { simd.add_f32s(sums[v], registers[r][v]) } else { registers[r][v] };
            }
        }
    }
}

/// `sums[r] += pixels[r][d] · weights[d]`.
///
/// # Safety
/// The pixels must have more than d numbers, the weights more than d rows of V vectors.
#[inline(always)]
unsafe fn add_products<S: Simd, const R: usize, const V: usize>(
    simd: S,
    pixels: [&[f32]; R],
    weights: &[S::f32s],
    d: usize,
    sums: &mut [[S::f32s; V]; R],
) {
    let mut row = [simd.splat_f32s(0.0); V];
    for (v, row) in row.iter_mut().enumerate() {
        // SAFETY: as the caller promises.
        *row = unsafe { *weights.get_unchecked(d * V + v) };
    }
    for r in 0..R {
        // SAFETY: as the caller promises.
        let factor = simd.splat_f32s(unsafe { *pixels[r].get_unchecked(d) });
        for v in 0..V {
            sums[r][v] = simd.mul_add_e_f32s(factor, row[v], sums[r][v]);
        }
    }
}

/// `sums[r]` (+)= Σ narrow[i][channel + r] · wide[j] over all images' connected pixels (i, j).
pub struct Correlate<'a> {
    /// The connected pixels (narrow, wide) of an image.
    pub pairs: &'a [[usize; 2]],
    pub images: usize,
    /// Pixels, channels last: `[images, pixels, channels]`.
    pub narrow: &'a [f32],
    pub narrow_pixels: usize,
    pub narrow_channels: usize,
    /// The first channel.
    pub channel: usize,
    /// `[images, pixels, lanes]`.
    pub wide: &'a [f32],
    pub wide_pixels: usize,
    /// Channels of a panel.
    pub lanes: usize,
    /// `[rows, lanes]`.
    pub sums: &'a mut [f32],
    pub accumulate: bool,
}

impl pulp::WithSimd for Correlate<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for_rows!(simd, self.sums.len() / self.lanes, self.lanes, self);
    }
}

impl Correlate<'_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        let (sums, _) = S::as_mut_simd_f32s(self.sums);
        let (sums, _) = sums.as_chunks_mut::<V>();
        let sums: &mut [[S::f32s; V]; R] = sums.first_chunk_mut().expect("R rows");
        let mut registers = [[simd.splat_f32s(0.0); V]; R];
        let (narrow_image, wide_image) = (self.narrow_pixels * self.narrow_channels, self.wide_pixels * self.lanes);
        assert!(self.channel + R <= self.narrow_channels && V * S::F32_LANES == self.lanes, "{R} rows of {V} vectors");
        assert!(self.narrow.len() >= self.images * narrow_image && self.wide.len() >= self.images * wide_image);
        assert!(self.pairs.iter().all(|&[i, j]| i < self.narrow_pixels && j < self.wide_pixels));
        for image in 0..self.images {
            let narrow = self.narrow.as_ptr().wrapping_add(image * narrow_image + self.channel);
            let wide = self.wide.as_ptr().wrapping_add(image * wide_image);
            for &[i, j] in self.pairs {
                let (narrow, wide) =
                    (narrow.wrapping_add(i * self.narrow_channels), wide.wrapping_add(j * V * S::F32_LANES));
                // SAFETY: a whole pixel, as asserted.
                let row = unsafe { wide.cast::<[S::f32s; V]>().read_unaligned() };
                for (r, sums) in registers.iter_mut().enumerate() {
                    // SAFETY: one of the pixel's channels, as asserted.
                    let factor = simd.splat_f32s(unsafe { *narrow.wrapping_add(r) });
                    for v in 0..V {
                        sums[v] = simd.mul_add_e_f32s(factor, row[v], sums[v]);
                    }
                }
            }
        }
        // As above.
        for r in 0..R {
            for v in 0..V {
                let sum = &mut sums[r][v];
                *sum = if self.accumulate { simd.add_f32s(*sum, registers[r][v]) } else { registers[r][v] };
            }
        }
    }
}
