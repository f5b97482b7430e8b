//! Convolution, and its gradient with respect to the input: each result pixel gathers the source pixels of its taps.

use super::super::pairwise::BLOCK;
use super::super::scratch::with_scratch;
use super::super::transpose::transpose;
use super::super::{for_each_chunk, with_vectors};
use super::filters::Filters;
use super::kernel::{self, Gather, LANES, ROWS, Run, Sums};
use super::taps::{Pixel, Region, Tap};
use super::{Side, add_transpose};

/// Terms of a block of a pixel's sum, at most: the taps of a row of a filter in one piece, as a rule.
const TERMS: usize = 2 * BLOCK;

/// Tasks that images are spread over, more where they are large: so many threads are kept busy.
const TASKS: usize = 16;
/// Images of a task, at least: for the pixel in a corner of each, it reads as many weights as for any other.
const IMAGES: usize = 4;
/// Numbers of the images of a task, at most: they fit a second-level cache beside their results and weights.
const CACHED: usize = 1 << 16;

/// What each result pixel is made of.
pub struct Gathering {
    batch: usize,
    from: Side,
    to: Side,
    /// Elements of a filter's channel.
    taps: usize,
    areas: Vec<Area>,
}

/// A region whose terms are cut into blocks, at least one.
struct Area {
    blocks: Vec<Vec<Run>>,
    pixels: Vec<Pixel>,
}

impl Gathering {
    pub fn new(batch: usize, [from, to]: [Side; 2], taps: usize, regions: Vec<Region>) -> Self {
        let area = |region: Region| Area { blocks: blocks(&region.taps, from.channels), pixels: region.pixels };
        Gathering { batch, from, to, taps, areas: regions.into_iter().map(area).collect() }
    }

    /// Each task turns some images, and turns its results back while they are in its core's caches.
    pub fn run(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        let Gathering { batch, from, to, taps, .. } = *self;
        let filters = Filters { lanes: to, depth: from, taps };
        let sizes = [batch * from.image(), batch * to.image(), filters.count()];
        assert_eq!([x.len(), y.len(), w.len()], sizes, "source, result, filters");
        let work = y.len() * taps * from.channels;
        let at_once = batch.div_ceil(TASKS).max(IMAGES).min(CACHED / from.image()).max(1);
        with_scratch(self.panels() * self.panel(), |weights| {
            filters.pack(w, weights);
            for_each_chunk(y, at_once * to.image(), work, |task, y| {
                let images = y.len() / to.image();
                let x = &x[task * at_once * from.image()..][..images * from.image()];
                with_scratch(x.len() + self.panels() * images * to.pixels * self.lanes(), |turned| {
                    let (source, results) = turned.split_at_mut(x.len());
                    for (x, source) in x.chunks_exact(from.image()).zip(source.chunks_exact_mut(from.image())) {
                        transpose([from.channels, from.pixels], x, from.pixels, source, from.channels);
                    }
                    // Where there are few images, their panels are tasks too.
                    let work = if batch < TASKS * at_once { work } else { 0 };
                    for_each_chunk(results, images * to.pixels * self.lanes(), work, |panel, results| {
                        for area in &self.areas {
                            self.run_area(area, images, source, &weights[panel * self.panel()..], results);
                        }
                    });
                    let results = results.chunks_exact(to.pixels * self.lanes());
                    for (index, result) in results.enumerate() {
                        let [lane, image] = [index / images * self.lanes(), index % images];
                        let lanes = self.lanes().min(to.channels - lane);
                        let y = &mut y[image * to.image() + lane * to.pixels..][..lanes * to.pixels];
                        add_transpose([to.pixels, lanes], result, self.lanes(), y, accumulate);
                    }
                });
            });
        });
    }

    /// Channels of a panel of the result.
    fn lanes(&self) -> usize {
        kernel::lanes(self.to.channels)
    }

    fn panels(&self) -> usize {
        self.to.channels.div_ceil(self.lanes())
    }

    /// Numbers of the weights of a panel.
    fn panel(&self) -> usize {
        self.taps * self.from.channels * self.lanes()
    }

    /// Computes an area of some images for a panel: `[images, pixels, lanes]`.
    fn run_area(&self, area: &Area, images: usize, source: &[f32], weights: &[f32], results: &mut [f32]) {
        let Gathering { from, to, .. } = *self;
        let Area { blocks, pixels } = area;
        let (depth, lanes) = (from.channels, self.lanes());
        let rows = images * pixels.len(); // a row is a result pixel of an image
        let tiles = rows.div_ceil(kernel::rows_at_once());
        let (mut sources, mut targets, mut sums): ([_; ROWS], [_; ROWS], Sums) =
            ([0; ROWS], [0; ROWS], [[0.0; LANES]; ROWS]);
        let (mut image, mut pixel) = (0, 0);
        for tile in 0..tiles {
            // Tiles of nearly equal height.
            let [first, end] = [tile, tile + 1].map(|tile| rows * tile / tiles);
            for (source, target) in sources.iter_mut().zip(&mut targets).take(end - first) {
                *source = (image * from.pixels + pixels[pixel].from) * depth;
                *target = (image * to.pixels + pixels[pixel].to) * lanes;
                pixel += 1;
                if pixel == pixels.len() {
                    (image, pixel) = (image + 1, 0);
                }
            }
            let (rows, targets) = (&sources[..end - first], &targets[..end - first]);
            for (block, runs) in blocks.iter().enumerate() {
                let accumulate = block > 0;
                let gather = Gather { rows, runs, source, lanes, weights, sums: &mut sums, accumulate };
                with_vectors(gather);
            }
            for (sums, &target) in sums.iter().zip(targets) {
                match results[target..target + lanes].first_chunk_mut::<LANES>() {
                    Some(result) => *result = *sums, // a copy of known length needs no call
                    None => results[target..target + lanes].copy_from_slice(&sums[..lanes]),
                }
            }
        }
    }
}

/// Cuts a pixel's terms, `depth` for each element of its taps, into blocks.
fn blocks(taps: &[Tap], depth: usize) -> Vec<Vec<Run>> {
    let (mut blocks, mut terms) = (vec![Vec::new()], 0);
    for tap in taps {
        let parts = (tap.count * depth).div_ceil(TERMS);
        for part in 0..parts {
            let [first, end] = [part, part + 1].map(|part| tap.count * depth * part / parts);
            if terms + (end - first) > TERMS {
                blocks.push(Vec::new());
                terms = 0;
            }
            terms += end - first;
            let run = Run { weights: tap.filter * depth + first, from: tap.from * depth + first, len: end - first };
            blocks.last_mut().expect("at least one").push(run);
        }
    }
    blocks
}
