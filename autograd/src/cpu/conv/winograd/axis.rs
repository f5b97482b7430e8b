//! One axis of a convolution, cut into tiles of results and phases of taps.

use std::ops::Range;

use super::points::Matrix;

/// One axis of a convolution.
#[derive(Debug)]
pub struct Axis {
    stride: usize,
    padding: usize,
    pixels: usize,
    /// The results of each tile, the widest first.
    tiles: Vec<Range<usize>>,
    /// The number of taps of each phase, the most first.
    phases: Vec<usize>,
}

/// Pixels along an axis that are taken to points together: those that a phase of taps sees for a tile of results.
/// Results are not cut into phases, taps not into tiles: these have phase 0, tile 0 only.
#[derive(Debug)]
pub struct Segment {
    pub tile: usize,
    pub phase: usize,
    /// None is a zero of the padding.
    pub pixels: Vec<Option<usize>>,
    pub matrix: Matrix,
}

impl Axis {
    /// The axis `[kernel, stride, padding, pixels, results]`, if it can be cut into tiles of so many results, wide and
    /// narrow ones, and phases of two or three taps.
    pub fn new([wide, narrow]: [usize; 2], [kernel, stride, padding, pixels, results]: [usize; 5]) -> Option<Self> {
        let phases: Vec<usize> = (0..stride).map(|phase| kernel.saturating_sub(phase).div_ceil(stride)).collect();
        let narrow_tiles = (0..=results / narrow).find(|tiles| (results - tiles * narrow).is_multiple_of(wide))?;
        let wide_results = results - narrow_tiles * narrow;
        let tiles = |results: Range<usize>, tile| results.step_by(tile).map(move |first| first..first + tile);
        let tiles: Vec<_> = tiles(0..wide_results, wide).chain(tiles(wide_results..results, narrow)).collect();
        let fits = !tiles.is_empty() && phases.iter().all(|taps| (2..=3).contains(taps));
        fits.then_some(Axis { stride, padding, pixels, tiles, phases })
    }

    /// What each phase of the taps sees of the image for each tile. They meet at the points that both have, and need as
    /// many as a polynomial with a coefficient for each pixel.
    pub fn images(&self) -> Vec<Segment> {
        let segment = |tile: usize, phase: usize| {
            let pixel = |i: usize| ((self.tiles[tile].start + i) * self.stride + phase).checked_sub(self.padding);
            let pixels = self.tiles[tile].len() + self.phases[phase] - 1;
            let points = self.result_points(tile).min(self.filter_points(phase));
            Segment {
                tile,
                phase,
                pixels: (0..pixels).map(|i| pixel(i).filter(|&pixel| pixel < self.pixels)).collect(),
                matrix: Matrix::Interpolate { points, pixels },
            }
        };
        (0..self.tiles.len()).flat_map(|tile| (0..self.phases.len()).map(move |phase| segment(tile, phase))).collect()
    }

    /// The phases of the taps.
    pub fn filters(&self) -> Vec<Segment> {
        let segment = |(phase, &taps): (usize, &usize)| Segment {
            tile: 0,
            phase,
            pixels: (0..taps).map(|tap| Some(tap * self.stride + phase)).collect(),
            matrix: Matrix::Evaluate { points: self.filter_points(phase), pixels: taps },
        };
        self.phases.iter().enumerate().map(segment).collect()
    }

    /// The tiles of the results.
    pub fn results(&self) -> Vec<Segment> {
        let segment = |(tile, results): (usize, &Range<usize>)| Segment {
            tile,
            phase: 0,
            pixels: results.clone().map(Some).collect(),
            matrix: Matrix::Evaluate { points: self.result_points(tile), pixels: results.len() },
        };
        self.tiles.iter().enumerate().map(segment).collect()
    }

    /// A phase has the points at which it meets the widest tile.
    fn filter_points(&self, phase: usize) -> usize {
        self.tiles[0].len() + self.phases[phase] - 1
    }

    /// A tile has the points at which it meets the longest phase.
    fn result_points(&self, tile: usize) -> usize {
        self.tiles[tile].len() + self.phases[0] - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_cut_into_fours_and_threes() {
        let tiles = |results: usize| Axis::new([4, 3], [3, 1, 1, results, results]).map(|axis| axis.tiles);
        assert_eq!(tiles(7), Some(vec![0..4, 4..7]));
        assert_eq!(tiles(8), Some(vec![0..4, 4..8]));
        assert_eq!(tiles(9), Some(vec![0..3, 3..6, 6..9]));
        assert!([0, 1, 2, 5].into_iter().all(|results| tiles(results).is_none()));
    }

    /// Five taps with stride 2 are a phase of three and one of two.
    #[test]
    fn an_axis_of_the_dcgan() {
        let axis = Axis::new([4, 3], [5, 2, 2, 14, 7]).unwrap();
        assert_eq!(axis.phases, [3, 2]);
        let images = axis.images();
        assert_eq!(images[0].pixels, [None, Some(0), Some(2), Some(4), Some(6), Some(8)]);
        assert_eq!(images[3].pixels, [Some(7), Some(9), Some(11), Some(13)]);
        let sizes = |segments: Vec<Segment>| segments.iter().map(|segment| segment.matrix.size()).collect::<Vec<_>>();
        assert_eq!(sizes(images), [[6, 6], [5, 5], [5, 5], [5, 4]]);
        assert_eq!(sizes(axis.filters()), [[6, 3], [5, 2]]);
        assert_eq!(sizes(axis.results()), [[6, 4], [5, 3]]);
    }

    /// Tiles of two results, which meet a phase of three taps at four points.
    #[test]
    fn small_tiles() {
        let axis = Axis::new([2, 1], [5, 2, 2, 14, 7]).unwrap();
        assert_eq!(axis.tiles, [0..2, 2..4, 4..6, 6..7]);
        let sizes = |segments: Vec<Segment>| segments.iter().map(|segment| segment.matrix.size()).collect::<Vec<_>>();
        assert_eq!(sizes(axis.images())[..2], [[4, 4], [3, 3]]);
        assert_eq!(sizes(axis.images())[6..], [[3, 3], [3, 2]]);
        assert_eq!(sizes(axis.filters()), [[4, 3], [3, 2]]);
    }

    #[test]
    fn kernels_with_other_phases_are_left_alone() {
        assert!(Axis::new([4, 3], [4, 2, 1, 8, 4]).is_some());
        assert!(Axis::new([4, 3], [3, 2, 1, 8, 4]).is_none()); // phases of two taps and one
        assert!(Axis::new([4, 3], [7, 2, 3, 8, 4]).is_none()); // of four and three
        assert!(Axis::new([4, 3], [1, 2, 0, 8, 4]).is_none());
    }
}
