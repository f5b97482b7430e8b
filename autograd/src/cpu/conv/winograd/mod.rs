//! Convolution and its gradients with fewer multiplications (Winograd, 1980; Lavin & Gray, "Fast algorithms for
//! convolutional neural networks", 2016).
//!
//! **One axis.** m results of a convolution of r taps, y = d ∗ w, are the derivatives of the form
//!
//! ```text
//! Σ d[i + k] · y[i] · w[k]        i < m, k < r
//! ```
//!
//! Read y and w as polynomials' coefficients. The form then weighs the coefficients of their product, which are
//! n = m + r − 1, with d. A product of polynomials is simple at any point p, y(p) · w(p), and n points determine its
//! coefficients: they are V⁻¹ times the values, where row p of V is (1, p, p², …). So the form is
//!
//! ```text
//! Σ (V⁻ᵀ d)[p] · (V y)[p] · (V w)[p]        over n points p
//! ```
//!
//! and takes n multiplications in place of m · r. It is the same for the convolution and both of its gradients: two of
//! the three operands are taken to the points, are multiplied there, and the product comes back by the transpose of the
//! third one's matrix.
//!
//! **Two axes** do so one after the other. The products are summed over channels (or, for the filters, over images and
//! tiles) before they come back: at each point they are a matrix product, and the transforms' cost is spread over many
//! channels.
//!
//! **A stride** cuts taps into *phases*: taps a, a + s, a + 2s … see every s-th pixel. Five taps with stride 2 are a
//! phase of three and one of two. The phases' products are summed at the points too, because V y is a matter of the
//! results alone; a phase with fewer taps needs the first few of the points only. Likewise *tiles* of four and of three
//! results share the filters' points. A 5×5 convolution of stride 2 from 14×14 to 7×7 pixels thus takes 21² products a
//! pair of channels where 32² taps lie on pixels, and one from 7×7 to 4×4 takes 11² for 16².
//!
//! **Blocks.** Operands at the points are larger than those they come from. A task computes a block of the result, of
//! some images or filters and some channels, from one block after another of the operands, and its own numbers stay in
//! its core's cache meanwhile. Each such task transforms the weights it needs anew.
//!
//! **Rounding.** The points are 0, ∞, ±1, ½, −2: six points is where errors are still small (Barabasz, Anderson, Soodhalter
//! & Gregg, "Error analysis and improving the accuracy of Winograd convolution for deep neural networks", 2020). Of the
//! DCGAN's layers, both gradients are within 4·10⁻⁶ of the exact ones in the Euclidean norm. Gradients can bear that, as
//! they pass on what they are given. But the results go through a ReLU as a rule, and rounding decides on which side of its
//! kink the smallest lie, so that gradients further on would differ by a hundred times as much. So the convolution itself
//! has tiles that are two results high: four points hardly add to the error of plain sums. It takes 26 · 21 products where
//! the gradients take 21², and 14 · 11 for 11².

mod axis;
mod points;
mod range;
mod transform;

use axis::{Axis, Segment};
use range::is_even;
use transform::{Phases, Point, Transform};

use super::super::pairwise::{BLOCK, sum_blocks};
use super::super::product::kernel::{self, Panel};
use super::super::scratch::with_scratch;
use super::super::{Shared, for_each_chunk, for_each_tile};
use super::SCRATCH;
use crate::ops::ConvSizes;

/// Channels of a block.
const CHANNELS: usize = 16;
/// Filters of a block.
const FILTERS: usize = 32;
/// Numbers at the points of a block of images, at most: with those of the weights they fit a second-level cache.
const POINTS: usize = 1 << 18;
/// Rows of a block of images at a point, at least: with fewer, transforming the weights takes too long.
const ROWS: usize = 32;
/// Tasks, at least: so many threads are kept busy.
const TASKS: usize = 8;

/// Results of a tile along an axis, for the gradients and along both axes of the convolution itself.
const TILES: [usize; 2] = [4, 3];
const SMALL_TILES: [[usize; 2]; 2] = [[2, 1], TILES];

/// A convolution by way of points, or its gradients.
pub struct Winograd {
    /// At each point a matrix `[images · tiles, phases · channels]`.
    images: Side,
    /// `[images · tiles, filters]`.
    results: Side,
    /// `[filters, phases · channels]`, and for the convolution itself `[phases · channels, filters]`.
    filters: Transform,
}

/// The images of one side of a convolution. Those of a block are its transform's items, their channels its lanes.
struct Side {
    transform: Transform,
    /// Numbers of an image.
    image: usize,
    /// Blocks of channels.
    channels: usize,
    /// Images that are dealt with at a time, whole blocks.
    at_once: usize,
}

/// Some images at the points, `[blocks of channels, blocks of images, points]`.
struct Points<'a> {
    side: &'a Side,
    images: usize,
    numbers: &'a [f32],
}

impl Winograd {
    /// The method for the convolution itself, if channels and filters fill blocks and the axes can be cut.
    pub fn forward(sizes: ConvSizes) -> Option<Self> {
        let taps = sizes.kernel[0] * sizes.kernel[1];
        Self::new(sizes, SMALL_TILES, |segments| {
            let strides = [taps, sizes.channels * taps];
            Transform::new([CHANNELS, FILTERS], strides, sizes.kernel, segments, Phases::Below)
        })
    }

    /// The method for both gradients.
    pub fn gradients(sizes: ConvSizes) -> Option<Self> {
        let taps = sizes.kernel[0] * sizes.kernel[1];
        Self::new(sizes, [TILES; 2], |segments| {
            let strides = [sizes.channels * taps, taps];
            Transform::new([FILTERS, CHANNELS], strides, sizes.kernel, segments, Phases::Beside)
        })
    }

    fn new(
        sizes: ConvSizes,
        tiles: [[usize; 2]; 2],
        filter_transform: impl Fn([Vec<Segment>; 2]) -> Transform,
    ) -> Option<Self> {
        let ConvSizes { batch, channels, height, width, filters, kernel, out, stride, padding } = sizes;
        if !channels.is_multiple_of(CHANNELS) || !filters.is_multiple_of(FILTERS) {
            return None;
        }
        let axis = |i: usize, pixels| Axis::new(tiles[i], [kernel[i], stride[i], padding[i], pixels, out[i]]);
        let (rows, columns) = (axis(0, height)?, axis(1, width)?);
        let [pixels, results] = [[height, width], out].map(|[height, width]| height * width);
        let images = |items| {
            let (strides, segments) = ([channels * pixels, pixels], [rows.images(), columns.images()]);
            Transform::new([items, CHANNELS], strides, [height, width], segments, Phases::Beside)
        };
        let [channel_blocks, filter_blocks] = [channels / CHANNELS, filters / FILTERS];

        let one = images(1);
        let wanted = TASKS.div_ceil(channel_blocks.min(filter_blocks)).min(batch * one.points[0].tiles / ROWS);
        let images = images(batch.div_ceil(wanted.max((batch * one.len).div_ceil(POINTS))));
        let at_once = images.items * (SCRATCH / (channel_blocks * images.len)).max(1);
        let segments = [rows.results(), columns.results()];
        let strides = [filters * results, results];
        let transform = Transform::new([images.items, FILTERS], strides, out, segments, Phases::Beside);
        Some(Winograd {
            images: Side { transform: images, image: channels * pixels, channels: channel_blocks, at_once },
            results: Side { transform, image: filters * results, channels: filter_blocks, at_once },
            filters: filter_transform([rows.filters(), columns.filters()]),
        })
    }

    /// Whether it is faster than summing up taps, by measurement: with tasks enough, and rows enough in each.
    pub fn pays(&self, batch: usize) -> bool {
        let Transform { items, ref points, .. } = self.images.transform;
        let blocks = [self.images.channels, self.results.channels, batch.div_ceil(items)];
        let pairs = [blocks[0] * blocks[1], blocks[1] * blocks[2], blocks[2] * blocks[0]];
        pairs.iter().all(|&tasks| tasks >= TASKS) && items * points[0].tiles >= ROWS
    }

    /// Whether the convolution by way of points is as good as plain sums.
    pub fn suits(&self, x: &[f32], w: &[f32]) -> bool {
        is_even(x, self.images.image) && is_even(w, w.len())
    }

    /// Whether the input's gradient is.
    pub fn suits_input(&self, g: &[f32], w: &[f32]) -> bool {
        is_even(g, self.results.image) && is_even(w, w.len())
    }

    /// Whether the filters' gradient is.
    pub fn suits_filter(&self, x: &[f32], g: &[f32]) -> bool {
        is_even(x, self.images.image) && is_even(g, self.results.image)
    }

    /// `y` (+)= the convolution of the images `x` with the filters `w`.
    pub fn conv2d(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        let Winograd { images, results, filters } = self;
        for (x, y) in x.chunks(images.run()).zip(y.chunks_mut(results.run())) {
            let y = Shared::new(y);
            images.with_points(x, |x| {
                for_each_tile(results.channels * x.blocks(), x.work(results), |task| {
                    let [filter, block] = [task / x.blocks(), task % x.blocks()];
                    with_scratch(filters.len + results.transform.len, |scratch| {
                        let (w_points, y_points) = scratch.split_at_mut(filters.len);
                        for channel in 0..images.channels {
                            let x_block = x.block(channel, block);
                            filters.spread(w, CHANNELS, [channel, filter], w_points);
                            for ((x_at, y_at), w_at) in x.at().zip(&results.transform.points).zip(&filters.points) {
                                let sizes = [x.images(block) * x_at.tiles, x_at.columns, FILTERS];
                                let (x, w) = (&x_block[x_at.start..], &w_points[w_at.start..]);
                                let y_points = &mut y_points[y_at.start..];
                                multiply(sizes, x, [x_at.columns, 1], w, y_points, channel > 0);
                            }
                        }
                        // SAFETY: each task has a block of the images and filters to itself.
                        unsafe { results.transform.collect(y_points, x.images(block), y, [block, filter], accumulate) };
                    });
                });
            });
        }
    }

    /// `dx` (+)= the gradient with respect to the images, given the gradient `g` with respect to the result.
    pub fn conv2d_input(&self, g: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        let Winograd { images, results, filters } = self;
        for (g, dx) in g.chunks(results.run()).zip(dx.chunks_mut(images.run())) {
            let dx = Shared::new(dx);
            results.with_points(g, |g| {
                for_each_tile(images.channels * g.blocks(), g.work(images), |task| {
                    let [channel, block] = [task / g.blocks(), task % g.blocks()];
                    with_scratch(filters.len + images.transform.len, |scratch| {
                        let (w_points, dx_points) = scratch.split_at_mut(filters.len);
                        for filter in 0..results.channels {
                            let g_block = g.block(filter, block);
                            filters.spread(w, FILTERS, [filter, channel], w_points);
                            for ((g_at, dx_at), w_at) in g.at().zip(&images.transform.points).zip(&filters.points) {
                                let sizes = [g.images(block) * g_at.tiles, FILTERS, dx_at.columns];
                                let (g, w) = (&g_block[g_at.start..], &w_points[w_at.start..]);
                                multiply(sizes, g, [FILTERS, 1], w, &mut dx_points[dx_at.start..], filter > 0);
                            }
                        }
                        // SAFETY: each task has a block of the images and channels to itself.
                        unsafe {
                            images.transform.collect(dx_points, g.images(block), dx, [block, channel], accumulate)
                        };
                    });
                });
            });
        }
    }

    /// `dw` (+)= the gradient with respect to the filters.
    pub fn conv2d_filter(&self, x: &[f32], g: &[f32], dw: &mut [f32], accumulate: bool) {
        let Winograd { images, results, filters } = self;
        let runs = x.len().div_ceil(images.run());
        sum_blocks(0..runs, 0, dw, accumulate, &|run, dw, accumulate| {
            let dw = Shared::new(dw);
            let part = |side: &Side, x: &[f32]| run * side.run()..x.len().min((run + 1) * side.run());
            images.with_points(&x[part(images, x)], |x| {
                results.with_points(&g[part(results, g)], |g| {
                    for_each_tile(results.channels * images.channels, x.work(results), |task| {
                        let [filter, channel] = [task / images.channels, task % images.channels];
                        with_scratch(filters.len, |dw_points| {
                            sum_blocks(0..x.blocks(), 0, dw_points, false, &|block, dw_points, accumulate| {
                                let (x_block, g_block) = (x.block(channel, block), g.block(filter, block));
                                for ((x_at, g_at), w_at) in x.at().zip(g.at()).zip(&filters.points) {
                                    let sizes = [FILTERS, x.images(block) * x_at.tiles, x_at.columns];
                                    let (x, g) = (&x_block[x_at.start..], &g_block[g_at.start..]);
                                    multiply(sizes, g, [1, FILTERS], x, &mut dw_points[w_at.start..], accumulate);
                                }
                            });
                            // SAFETY: each task has a block of the filters to itself.
                            unsafe { filters.collect(dw_points, FILTERS, dw, [filter, channel], accumulate) };
                        });
                    });
                });
            });
        });
    }
}

/// `c` `[m, n]` (+)= `a` `[m, k]` · `b` `[k, n]`.
fn multiply([m, k, n]: [usize; 3], a: &[f32], a_strides: [usize; 2], b: &[f32], c: &mut [f32], accumulate: bool) {
    let ([height, width, _], c) = (kernel::tile(), Shared::new(c));
    let height = m.div_ceil(m.div_ceil(height));
    for j in (0..n).step_by(width) {
        let columns = width.min(n - j);
        for first in (0..k).step_by(BLOCK) {
            let (terms, a, b) = (BLOCK.min(k - first), &a[first * a_strides[1]..], &b[first * n + j..]);
            let a_tile = height * a_strides[0];
            let panel = Panel { rows: m, height, columns, terms, a, a_tile, a_strides, b, b_row: n, packed: None };
            // SAFETY: nothing else sees c.
            unsafe { panel.run(c, j, n, accumulate || first > 0) };
        }
    }
}

impl Side {
    /// Numbers of the images that are dealt with at a time.
    fn run(&self) -> usize {
        self.at_once * self.image
    }

    /// Takes images to their points, which it lends.
    fn with_points(&self, x: &[f32], body: impl FnOnce(Points)) {
        let (images, items) = (x.len() / self.image, self.transform.items);
        let blocks = images.div_ceil(items);
        with_scratch(self.channels * blocks * self.transform.len, |numbers| {
            for_each_chunk(numbers, self.transform.len, x.len(), |index, numbers| {
                let [channel, block] = [index / blocks, index % blocks];
                self.transform.spread(x, items.min(images - block * items), [block, channel], numbers);
            });
            body(Points { side: self, images, numbers });
        });
    }
}

impl<'a> Points<'a> {
    /// Blocks of images.
    fn blocks(&self) -> usize {
        self.images.div_ceil(self.side.transform.items)
    }

    /// Images of a block: the last may have fewer.
    fn images(&self, block: usize) -> usize {
        let items = self.side.transform.items;
        items.min(self.images - block * items)
    }

    /// The points of a block.
    fn block(&self, channel: usize, block: usize) -> &'a [f32] {
        let len = self.side.transform.len;
        &self.numbers[(channel * self.blocks() + block) * len..][..len]
    }

    /// Where the matrices at the points lie in a block.
    fn at(&self) -> impl Iterator<Item = &'a Point> {
        self.side.transform.points.iter()
    }

    /// Multiplications with the other side's channels, about.
    fn work(&self, other: &Side) -> usize {
        self.numbers.len() * other.channels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{Case, case};
    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// Of the Euclidean norm, which the largest numbers rule: an element's error is not in proportion to its own terms,
    /// because it comes from all of its tile by way of the points. On the DCGAN's layers it is 1 to 4 · 10⁻⁶.
    const TOLERANCE: f64 = 1e-5;
    /// Of the convolution itself it is 2 to 5 · 10⁻⁷, as it is of plain sums.
    const FORWARD_TOLERANCE: f64 = 1e-6;

    fn error(found: &[f32], expected: &[f64]) -> f64 {
        let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|number| number * number).sum::<f64>().sqrt();
        norm(&mut found.iter().zip(expected).map(|(&found, expected)| f64::from(found) - expected))
            / norm(&mut expected.iter().copied())
    }

    /// The convolution and both gradients, added to these numbers or in their place.
    fn run(Case { sizes, x, w, g }: &Case, start: impl Fn(usize) -> Vec<f32>, accumulate: bool) -> [Vec<f32>; 3] {
        let [forward, gradients] =
            [Winograd::forward(*sizes), Winograd::gradients(*sizes)].map(|winograd| winograd.expect("sizes it takes"));
        let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(start);
        forward.conv2d(x, w, &mut y, accumulate);
        gradients.conv2d_input(g, w, &mut dx, accumulate);
        gradients.conv2d_filter(x, g, &mut dw, accumulate);
        [y, dx, dw]
    }

    fn check(case: &Case) {
        [false, true].into_iter().for_each(|accumulate| check_once(case, accumulate));
    }

    fn check_once(case: &Case, accumulate: bool) {
        let Case { sizes, x, w, g } = case;
        let start = |count| if accumulate { numbers(4, count) } else { vec![f32::NAN; count] };
        let expected = |count| if accumulate { numbers(4, count) } else { vec![0.0; count] };
        let [mut y, mut dx, mut dw] =
            [g.len(), x.len(), w.len()].map(|count| expected(count).into_iter().map(f64::from).collect::<Vec<_>>());
        sizes.for_each_term(|i, j, k| {
            let (xi, wj, gk) = (f64::from(x[i]), f64::from(w[j]), f64::from(g[k]));
            y[k] += xi * wj;
            dx[i] += gk * wj;
            dw[j] += xi * gk;
        });
        let tolerances = [FORWARD_TOLERANCE, TOLERANCE, TOLERANCE];
        for ((found, expected), tolerance) in run(case, start, accumulate).iter().zip([y, dx, dw]).zip(tolerances) {
            let error = error(found, &expected);
            assert!(error <= tolerance, "{error:.1e} on {sizes}, accumulate {accumulate}");
        }
    }

    #[test]
    fn small_layers() {
        check_once(&case([1, CHANNELS, 4, 2], FILTERS, [2, 2], [1, 1], [0, 1]), true);
    }

    #[test]
    fn layers_like_the_dcgans() {
        check(&case([3, 16, 14, 14], 32, [5, 5], [2, 2], [2, 2]));
        check(&case([3, 48, 7, 7], 64, [5, 5], [2, 2], [2, 2]));
    }

    #[test]
    fn images_in_several_blocks() {
        let case = case([150, 64, 14, 14], 32, [5, 5], [2, 2], [2, 2]);
        for winograd in [Winograd::forward(case.sizes), Winograd::gradients(case.sizes)] {
            let images = winograd.unwrap().images;
            assert!(images.transform.items < images.at_once && images.at_once < 150);
        }
        let Case { sizes, x, w, g } = &case;
        let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(|count| numbers(4, count));
        super::super::forward(*sizes).run(x, w, &mut y, true);
        super::super::backward(*sizes).run(g, w, &mut dx, true);
        super::super::filter(*sizes).run(x, g, &mut dw, true);
        for (found, direct) in run(&case, |count| numbers(4, count), true).iter().zip([y, dx, dw]) {
            let direct: Vec<f64> = direct.into_iter().map(f64::from).collect();
            assert!(error(found, &direct) <= TOLERANCE);
        }
    }

    #[test]
    fn threads_do_not_change_it() {
        let case = case([40, 32, 14, 14], 64, [5, 5], [2, 2], [2, 2]);
        same_bits_on_any_number_of_threads(|| run(&case, |count| vec![0.0; count], false).concat());
    }

    #[test]
    fn other_sizes_are_left_to_others() {
        let winograd = |channels, filters, kernel: usize| {
            Winograd::gradients(case([2, channels, 14, 14], filters, [kernel; 2], [2, 2], [2, 2]).sizes)
        };
        assert!(winograd(16, 32, 5).is_some());
        assert!(winograd(17, 32, 5).is_none() && winograd(16, 16, 5).is_none());
        assert!(winograd(16, 32, 3).is_none() && winograd(16, 32, 7).is_none()); // phases of one tap, of four
    }

    #[test]
    fn it_pays_for_large_layers() {
        let pays = |batch, channels, filters, pixels| {
            let sizes = case([batch, channels, pixels, pixels], filters, [5, 5], [2, 2], [2, 2]).sizes;
            let [forward, gradients] = [Winograd::forward(sizes), Winograd::gradients(sizes)];
            let [forward, gradients] = [forward, gradients].map(|winograd| winograd.unwrap().pays(batch));
            assert_eq!(forward, gradients);
            gradients
        };
        assert!(pays(50, 64, 128, 14) && pays(50, 128, 256, 7));
        assert!(!pays(50, 16, 32, 14) && !pays(50, 32, 64, 7)); // too few tasks
        assert!(!pays(8, 128, 256, 7)); // too few rows
    }

    /// An axis that it takes: (pixels, taps, stride, padding).
    fn axis() -> impl Strategy<Value = [usize; 4]> {
        let taps = (1..4_usize).prop_flat_map(|stride| (2 * stride..=3 * stride, Just(stride)));
        (taps, 0..3_usize, prop::sample::select(vec![3, 4, 6, 7, 8]), 0..3_usize).prop_map(
            |((taps, stride), padding, results, rest)| {
                let seen = (results - 1) * stride + taps + rest % stride;
                [seen.saturating_sub(2 * padding).max(1), taps, stride, padding]
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_sizes_that_it_takes(
            (batch, channels, filters) in (1..4_usize, 1..3_usize, 1..3_usize),
            rows in axis(),
            columns in axis(),
        ) {
            let axes = [rows, columns];
            let [pixels, taps, stride, padding] = [0, 1, 2, 3].map(|i| axes.map(|axis| axis[i]));
            let image = [batch, CHANNELS * channels, pixels[0], pixels[1]];
            check(&case(image, FILTERS * filters, taps, stride, padding));
        }
    }
}
