//! The filters as the kernels want them: panels of channels of one side, for each tap and channel of the other.

use super::super::for_each_chunk;
use super::super::scratch::with_scratch;
use super::super::transpose::transpose;
use super::Side;
use super::kernel::{self, NARROW_LANES};

/// Filters `[filters, channels, taps]`, seen from the two sides of a convolution.
#[derive(Clone, Copy)]
pub struct Filters {
    /// The side whose channels are computed side by side.
    pub lanes: Side,
    /// The side whose channels are summed up, or, in the filters' gradient, the other one.
    pub depth: Side,
    pub taps: usize,
}

impl Filters {
    pub fn count(self) -> usize {
        self.lanes.channels * self.depth.channels * self.taps
    }

    /// Filters to panels, `[panels, taps, depth, lanes]`.
    pub fn pack(self, w: &[f32], panels: &mut [f32]) {
        let Filters { lanes, depth, taps } = self;
        let width = kernel::lanes(lanes.channels);
        for_each_chunk(panels, taps * depth.channels * width, w.len(), |panel, rows| {
            let lane = panel * width;
            // By way of a small block: rows of equal depth lie at distances that are bad for caches.
            with_scratch(taps * width, |block| {
                block.fill(0.0);
                for d in 0..depth.channels {
                    let w = &w[lane * lanes.filter_stride + d * depth.filter_stride..];
                    let sizes = [width.min(lanes.channels - lane), taps];
                    transpose(sizes, w, lanes.filter_stride, block, width);
                    for (tap, row) in block.chunks_exact(width).enumerate() {
                        copy(row, &mut rows[(tap * depth.channels + d) * width..][..width]);
                    }
                }
            });
        });
    }

    /// Panels to filters: the reverse of [`Filters::pack`], `w` (+)= the panels' numbers. The lanes must be the filters.
    pub fn unpack(self, panels: &[f32], w: &mut [f32], accumulate: bool) {
        let Filters { lanes, depth, taps } = self;
        let width = kernel::lanes(lanes.channels);
        for_each_chunk(w, width * lanes.filter_stride, panels.len(), |panel, w| {
            let rows = &panels[panel * taps * depth.channels * width..];
            with_scratch(2 * taps * width, |blocks| {
                let (block, transposed) = blocks.split_at_mut(taps * width);
                for d in 0..depth.channels {
                    for (tap, row) in block.chunks_exact_mut(width).enumerate() {
                        copy(&rows[(tap * depth.channels + d) * width..][..width], row);
                    }
                    transpose([taps, width], block, width, transposed, taps);
                    let w = w[d * depth.filter_stride..].chunks_mut(lanes.filter_stride);
                    for (w, transposed) in w.zip(transposed.chunks_exact(taps)) {
                        if accumulate {
                            w.iter_mut().zip(transposed).for_each(|(w, value)| *w += value);
                        } else {
                            w[..taps].copy_from_slice(transposed);
                        }
                    }
                }
            });
        });
    }
}

/// Copies a row of a panel: in pieces of known length it needs no call.
fn copy(from: &[f32], to: &mut [f32]) {
    let (from, to) = (from.as_chunks::<NARROW_LANES>().0, to.as_chunks_mut::<NARROW_LANES>().0);
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
