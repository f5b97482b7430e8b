//! Convolution, and its gradient with respect to the input: each result pixel gathers the source pixels of its taps.

use super::super::pairwise::BLOCK;
use super::super::scratch::with_scratch;
use super::super::{Shared, for_each_tile, vectorised};
use super::Side;
use super::filters::Filters;
use super::kernel::{self, Gather, LANES, ROWS, Run, Sums};
use super::taps::{Pixel, Region, Tap};

/// Terms of a block of a pixel's sum, at most: the taps of a row of a filter in one piece, as a rule.
const TERMS: usize = 2 * BLOCK;

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

    pub fn run(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        let Gathering { batch, from, to, taps, .. } = *self;
        let filters = Filters { lanes: to, depth: from, taps };
        let sizes = [batch * from.image(), batch * to.image(), filters.count()];
        assert_eq!([x.len(), y.len(), w.len()], sizes, "source, result, filters");
        with_scratch(self.panels() * self.panel(), |weights| {
            filters.pack(w, weights);
            let images = from.images_at_once().min(to.images_at_once());
            for (x, y) in x.chunks(images * from.image()).zip(y.chunks_mut(images * to.image())) {
                with_scratch(x.len() + y.len(), |turned| {
                    let (source, result) = turned.split_at_mut(x.len());
                    from.turn(x, source);
                    self.run_tasks(source, weights, Shared::new(result));
                    to.turn_back(result, y, accumulate);
                });
            }
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

    /// Cuts the result into tasks of a panel and some pixels of an area.
    fn run_tasks(&self, source: &[f32], weights: &[f32], result: Shared) {
        let images = source.len() / self.from.image();
        let task_rows = 16 * kernel::rows_at_once();
        let tasks = |area: &Area| (images * area.pixels.len()).div_ceil(task_rows);
        let panel_tasks: usize = self.areas.iter().map(tasks).sum();
        let work = images * self.to.pixels * self.panels() * self.panel();
        for_each_tile(self.panels() * panel_tasks, work, |task| {
            let (panel, mut task) = (task / panel_tasks, task % panel_tasks);
            for area in &self.areas {
                if task < tasks(area) {
                    let last = (images * area.pixels.len()).min((task + 1) * task_rows);
                    let weights = &weights[panel * self.panel()..][..self.panel()];
                    return self.run_rows(area, panel, task * task_rows..last, source, weights, result);
                }
                task -= tasks(area);
            }
        });
    }

    /// Computes some rows of an area and panel; a row is a result pixel of an image.
    fn run_rows(
        &self,
        area: &Area,
        panel: usize,
        rows: std::ops::Range<usize>,
        source: &[f32],
        weights: &[f32],
        result: Shared,
    ) {
        let Gathering { from, to, .. } = *self;
        let Area { blocks, pixels } = area;
        let (depth, lanes) = (from.channels, self.lanes());
        let lane = panel * lanes;
        let used = lanes.min(to.channels - lane);
        let tiles = rows.len().div_ceil(kernel::rows_at_once());
        let (mut sources, mut targets, mut sums): ([_; ROWS], [_; ROWS], Sums) =
            ([0; ROWS], [0; ROWS], [[0.0; LANES]; ROWS]);
        let (mut image, mut pixel) = (rows.start / pixels.len(), rows.start % pixels.len());
        for tile in 0..tiles {
            // Tiles of nearly equal height.
            let [first, end] = [tile, tile + 1].map(|tile| rows.start + rows.len() * tile / tiles);
            for (source, target) in sources.iter_mut().zip(&mut targets).take(end - first) {
                *source = (image * from.pixels + pixels[pixel].from) * depth;
                *target = (image * to.pixels + pixels[pixel].to) * to.channels + lane;
                pixel += 1;
                if pixel == pixels.len() {
                    (image, pixel) = (image + 1, 0);
                }
            }
            let (rows, targets) = (&sources[..end - first], &targets[..end - first]);
            for (block, runs) in blocks.iter().enumerate() {
                let accumulate = block > 0;
                let gather = Gather { rows, runs, source, lanes, weights, sums: &mut sums, accumulate };
                vectorised(gather);
            }
            for (sums, &target) in sums.iter().zip(targets) {
                // SAFETY: each pixel and panel of the result belongs to one tile.
                let result = unsafe { result.slice(target..target + used) };
                match result.first_chunk_mut::<LANES>() {
                    Some(result) => *result = *sums, // a copy of known length needs no call
                    None => result.iter_mut().zip(sums).for_each(|(result, sum)| *result = *sum),
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
