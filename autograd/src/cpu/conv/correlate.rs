//! The gradient of a convolution with respect to its filters: for each element of the filters, the sum of the products
//! of the pixels that it connects.

use super::super::pairwise::{BLOCK, sum_blocks};
use super::super::scratch::with_scratch;
use super::super::transpose::transpose;
use super::super::{for_each_chunk, with_vectors};
use super::Side;
use super::filters::Filters;
use super::kernel::{self, Correlate};

/// Which pixels each element of the filters connects.
pub struct Correlation {
    pub batch: usize,
    pub inputs: Side,
    pub results: Side,
    /// For each element of a filter's channel, the (input, result) pixels.
    pub connections: Vec<Vec<[usize; 2]>>,
}

impl Correlation {
    pub fn run(&self, x: &[f32], g: &[f32], dw: &mut [f32], accumulate: bool) {
        let Correlation { batch, inputs, results, .. } = *self;
        let (taps, channels) = (self.connections.len(), inputs.channels);
        let filters = Filters { lanes: results, depth: inputs, taps };
        let sizes = [batch * inputs.image(), batch * results.image(), filters.count()];
        assert_eq!([x.len(), g.len(), dw.len()], sizes, "images, result's gradient, filters");
        let task = channels * self.lanes(); // one element of the filters' channels, for one panel of filters
        with_scratch(self.panels() * taps * task, |sums| {
            let at_once = inputs.images_at_once().min(results.images_at_once());
            // (Run after run of images, as each takes much memory.)
            sum_blocks(0..batch.div_ceil(at_once), 0, sums, false, &|run, sums, accumulate| {
                let images = run * at_once..batch.min((run + 1) * at_once);
                let x = &x[images.start * inputs.image()..images.end * inputs.image()];
                let g = &g[images.start * results.image()..images.end * results.image()];
                let images = images.len();
                with_scratch(x.len(), |turned_x| {
                    with_scratch(self.panels() * images * results.pixels * self.lanes(), |turned_g| {
                        inputs.turn(x, turned_x);
                        self.turn_results(g, turned_g);
                        for_each_chunk(sums, task, g.len() * channels * taps, |task, sums| {
                            let g = &turned_g[task / taps * images * results.pixels * self.lanes()..];
                            self.add_tap(task % taps, images, turned_x, g, sums, accumulate);
                        });
                    });
                });
            });
            filters.unpack(sums, dw, accumulate);
        });
    }

    /// Channels of a panel of filters.
    fn lanes(&self) -> usize {
        kernel::lanes(self.results.channels)
    }

    fn panels(&self) -> usize {
        self.results.channels.div_ceil(self.lanes())
    }

    /// `sums[channel]` (+)= the products of the pixels that one element of the filters connects, for one panel of filters.
    fn add_tap(&self, tap: usize, images: usize, x: &[f32], g: &[f32], sums: &mut [f32], accumulate: bool) {
        let at_once = (BLOCK / self.results.pixels).max(1); // whose channels stay in the caches from tile to tile
        let (lanes, channels, pairs) = (self.lanes(), self.inputs.channels, &self.connections[tap]);
        if pairs.is_empty() {
            return sums.fill(0.0);
        }
        let rows = channels.div_ceil(channels.div_ceil(kernel::rows_at_once()));
        let work = images * pairs.len() * sums.len();
        sum_blocks(0..images.div_ceil(at_once), work, sums, accumulate, &|block, sums, accumulate| {
            let first = block * at_once;
            for (part, pairs) in pairs.chunks(BLOCK).enumerate() {
                for (tile, sums) in sums.chunks_mut(rows * lanes).enumerate() {
                    with_vectors(Correlate {
                        pairs,
                        images: at_once.min(images - first),
                        narrow: &x[first * self.inputs.image()..],
                        narrow_pixels: self.inputs.pixels,
                        narrow_channels: self.inputs.channels,
                        channel: tile * rows,
                        wide: &g[first * self.results.pixels * lanes..],
                        wide_pixels: self.results.pixels,
                        lanes,
                        sums,
                        accumulate: accumulate || part > 0,
                    });
                }
            }
        });
    }

    /// Turns the result's images so that the channels of a panel are neighbours: `[panels, images, pixels, lanes]`.
    fn turn_results(&self, g: &[f32], turned: &mut [f32]) {
        let (side, width) = (self.results, self.lanes());
        let images = g.len() / side.image();
        for_each_chunk(turned, side.pixels * width, g.len(), |index, turned| {
            let (panel, image) = (index / images, index % images);
            let lanes = width.min(side.channels - panel * width);
            if lanes < width {
                turned.fill(0.0);
            }
            let g = &g[image * side.image() + panel * width * side.pixels..];
            transpose([lanes, side.pixels], g, side.pixels, turned, width);
        });
    }
}
