//! Convolution, and its gradient with respect to the input: each result pixel gathers the source pixels of its taps.

use super::super::scratch::with_scratch;
use super::super::{Shared, for_each_tile};
use super::Side;
use super::filters::Filters;
use super::kernel::{self, Gather, LANES, ROWS, Sums};
use super::taps::Region;

/// What each result pixel is made of.
pub struct Gathering {
    pub batch: usize,
    pub from: Side,
    pub to: Side,
    /// Elements of a filter's channel.
    pub taps: usize,
    pub regions: Vec<Region>,
}

impl Gathering {
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

    /// Cuts the result into tasks of a panel and some pixels of a region.
    fn run_tasks(&self, source: &[f32], weights: &[f32], result: Shared) {
        let images = source.len() / self.from.image();
        let task_rows = 16 * kernel::rows_at_once();
        let tasks = |region: &Region| (images * region.pixels.len()).div_ceil(task_rows);
        let panel_tasks: usize = self.regions.iter().map(tasks).sum();
        let work = images * self.to.pixels * self.panels() * self.panel();
        for_each_tile(self.panels() * panel_tasks, work, |task| {
            let (panel, mut task) = (task / panel_tasks, task % panel_tasks);
            for region in &self.regions {
                if task < tasks(region) {
                    let last = (images * region.pixels.len()).min((task + 1) * task_rows);
                    let weights = &weights[panel * self.panel()..][..self.panel()];
                    return self.run_rows(region, panel, task * task_rows..last, source, weights, result);
                }
                task -= tasks(region);
            }
        });
    }

    /// Computes some rows of a region and panel; a row is a result pixel of an image.
    fn run_rows(
        &self,
        region: &Region,
        panel: usize,
        rows: std::ops::Range<usize>,
        source: &[f32],
        weights: &[f32],
        result: Shared,
    ) {
        let Gathering { from, to, .. } = *self;
        let Region { taps, pixels } = region;
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
            pulp::Arch::new().dispatch(Gather { rows, taps, depth, source, lanes, weights, sums: &mut sums });
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
