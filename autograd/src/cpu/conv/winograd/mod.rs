//! Convolution with fewer multiplications (Winograd, 1980; Lavin & Gray, "Fast algorithms for convolutional neural
//! networks", 2016).
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
//! results alone; a phase with fewer taps needs the first few of the points only. Likewise tiles of four and of three
//! results share the filters' points. A 5×5 convolution of stride 2 from 14×14 to 7×7 pixels thus takes 21² products a
//! pair of channels where 32² taps lie on pixels, and one from 7×7 to 4×4 takes 11² for 16².
//!
//! **Rounding.** The points are 0, ∞, ±1, ½, −2: six points is where errors are still small (Barabasz, Anderson, Soodhalter
//! & Gregg, "Error analysis and improving the accuracy of Winograd convolution for deep neural networks", 2020).

mod axis;
mod points;
mod transform;

use axis::Axis;
use transform::Transform;

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
const BLOCK: usize = 1 << 18;

/// A convolution by way of points. All operands are dealt with in blocks whose points stay in a core's cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Winograd {
    /// At each point a matrix `[images · tiles, phases · channels]`.
    images: Side,
    /// `[images · tiles, filters]`.
    results: Side,
    /// `[phases · channels, filters]`.
    by_channel: Transform,
    /// `[filters, phases · channels]`.
    by_filter: Transform,
}

/// The images of one side of a convolution. Those of a block are its transform's items, their channels its lanes.
#[derive(Debug, Clone, PartialEq)]
struct Side {
    transform: Transform,
    /// Numbers of an image.
    image: usize,
    /// Blocks of channels.
    channels: usize,
    /// Images that are dealt with at a time, whole blocks.
    at_once: usize,
}

impl Winograd {
    /// The method for these sizes, if channels and filters fill blocks and the axes can be cut.
    pub fn new(sizes: ConvSizes) -> Option<Self> {
        let ConvSizes { batch, channels, height, width, filters, kernel, out, stride, padding } = sizes;
        let [_, vector] = kernel::width();
        let blocks = channels.is_multiple_of(CHANNELS) && filters.is_multiple_of(FILTERS);
        if batch == 0 || !blocks || !CHANNELS.is_multiple_of(vector) || vector == 1 {
            return None;
        }
        let rows = Axis::new(kernel[0], stride[0], padding[0], height, out[0])?;
        let columns = Axis::new(kernel[1], stride[1], padding[1], width, out[1])?;
        let [pixels, taps, out_pixels] = [[height, width], kernel, out].map(|[height, width]| height * width);
        let images = |items| {
            let segments = [rows.images(), columns.images()];
            Transform::new([items, CHANNELS], [channels * pixels, pixels], [height, width], segments, false)
        };
        let blocks = (batch * images(1).len).div_ceil(BLOCK);
        let images = images(batch.div_ceil(blocks));
        let segments = [rows.results(), columns.results()];
        let results = Transform::new([images.items, FILTERS], [filters * out_pixels, out_pixels], out, segments, false);
        let at_once = images.items * (SCRATCH / (channels / CHANNELS * images.len)).max(1);
        let weights = || [rows.filters(), columns.filters()];
        Some(Winograd {
            images: Side { transform: images, image: channels * pixels, channels: channels / CHANNELS, at_once },
            results: Side { transform: results, image: filters * out_pixels, channels: filters / FILTERS, at_once },
            by_channel: Transform::new([CHANNELS, FILTERS], [taps, channels * taps], kernel, weights(), true),
            by_filter: Transform::new([FILTERS, CHANNELS], [channels * taps, taps], kernel, weights(), false),
        })
    }

    /// `y` (+)= the convolution of the images `x` with the filters `w`.
    pub fn conv2d(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        gather([&self.images, &self.results], &self.by_channel, x, w, y, accumulate);
    }

    /// `dx` (+)= the gradient with respect to the images, given the gradient `g` with respect to the result.
    pub fn conv2d_input(&self, g: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        gather([&self.results, &self.images], &self.by_filter, g, w, dx, accumulate);
    }

    /// `dw` (+)= the gradient with respect to the filters.
    pub fn conv2d_filter(&self, x: &[f32], g: &[f32], dw: &mut [f32], accumulate: bool) {
        let Winograd { images, results, by_filter: filters, .. } = self;
        for (run, (x, g)) in x.chunks(images.run()).zip(g.chunks(results.run())).enumerate() {
            let blocks = images.blocks(x);
            let sizes = [images.points(x), results.points(g)];
            with_scratch(sizes[0] + sizes[1], |points| {
                let (x_points, g_points) = points.split_at_mut(sizes[0]);
                images.spread(x, x_points);
                results.spread(g, g_points);
                let (work, dw) = (x_points.len() * results.channels, Shared::new(dw));
                for_each_tile(results.channels * images.channels, work, |task| {
                    let [filter, channel] = [task / images.channels, task % images.channels];
                    with_scratch(filters.len, |sums| {
                        for block in 0..blocks {
                            let count = images.count(x, block);
                            let x = &x_points[(channel * blocks + block) * images.transform.len..];
                            let g = &g_points[(filter * blocks + block) * results.transform.len..];
                            for ((x_at, g_at), w_at) in images.at().zip(results.at()).zip(&filters.points) {
                                let sizes = [FILTERS, count * x_at.tiles, x_at.columns];
                                let (g, x, sums) = (&g[g_at.start..], &x[x_at.start..], &mut sums[w_at.start..]);
                                multiply(sizes, g, [1, FILTERS], x, sums, block > 0);
                            }
                        }
                        // SAFETY: each task has a block of the filters to itself.
                        unsafe { filters.collect(sums, FILTERS, dw, [filter, channel], accumulate || run > 0) };
                    });
                });
            });
        }
    }
}

/// `y` (+)= the sums over the channels of `x`, and the taps that connect both, with the weights `w`.
fn gather([from, to]: [&Side; 2], weights: &Transform, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
    for (x, y) in x.chunks(from.run()).zip(y.chunks_mut(to.run())) {
        let blocks = from.blocks(x);
        with_scratch(from.points(x), |x_points| {
            from.spread(x, x_points);
            let (work, y) = (x_points.len() * to.channels, Shared::new(y));
            for_each_tile(to.channels * blocks, work, |task| {
                let [lanes, block] = [task / blocks, task % blocks];
                let count = from.count(x, block);
                with_scratch(weights.len + to.transform.len, |scratch| {
                    let (w_points, sums) = scratch.split_at_mut(weights.len);
                    for depth in 0..from.channels {
                        weights.spread(w, weights.items, [depth, lanes], w_points);
                        let x = &x_points[(depth * blocks + block) * from.transform.len..];
                        for ((x_at, y_at), w_at) in from.at().zip(to.at()).zip(&weights.points) {
                            let sizes = [count * x_at.tiles, x_at.columns, y_at.columns];
                            let (x, w, sums) = (&x[x_at.start..], &w_points[w_at.start..], &mut sums[y_at.start..]);
                            multiply(sizes, x, [x_at.columns, 1], w, sums, depth > 0);
                        }
                    }
                    // SAFETY: each task has these channels of its images to itself.
                    unsafe { to.transform.collect(sums, count, y, [block, lanes], accumulate) };
                });
            });
        });
    }
}

/// `c` `[m, n]` (+)= `a` `[m, k]` · `b` `[k, n]`.
fn multiply([m, k, n]: [usize; 3], a: &[f32], a_strides: [usize; 2], b: &[f32], c: &mut [f32], accumulate: bool) {
    let ([width, _], c) = (kernel::width(), Shared::new(c));
    for j in (0..n).step_by(width) {
        let columns = width.min(n - j);
        let panel = Panel { rows: m, columns, terms: k, a, a_strides, b: &b[j..], b_row: n, packed: None };
        // SAFETY: nothing else sees c.
        unsafe { panel.run(c, j, n, accumulate) };
    }
}

impl Side {
    /// Numbers of the images that are dealt with at a time.
    fn run(&self) -> usize {
        self.at_once * self.image
    }

    /// Blocks of images.
    fn blocks(&self, x: &[f32]) -> usize {
        (x.len() / self.image).div_ceil(self.transform.items)
    }

    /// Images of a block.
    fn count(&self, x: &[f32], block: usize) -> usize {
        self.transform.items.min(x.len() / self.image - block * self.transform.items)
    }

    fn at(&self) -> impl Iterator<Item = &transform::Point> {
        self.transform.points.iter()
    }

    /// Numbers of the points of these images.
    fn points(&self, x: &[f32]) -> usize {
        self.channels * self.blocks(x) * self.transform.len
    }

    /// Takes images to their points, `[blocks of channels, blocks of images, points]`.
    fn spread(&self, x: &[f32], points: &mut [f32]) {
        let blocks = self.blocks(x);
        for_each_chunk(points, self.transform.len, x.len(), |index, points| {
            let [lanes, block] = [index / blocks, index % blocks];
            self.transform.spread(x, self.count(x, block), [block, lanes], points);
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Method;
    use super::super::tests::{Case, case, for_each_term};
    use super::*;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};

    /// Of the Euclidean norm of all that is added up, for numbers of uniform size. An element's error is not in
    /// proportion to its own terms: the points of a tile are combined, and cancel, where those are small. On the DCGAN's
    /// layers it comes to 1 to 4 · 10⁻⁶ of the norm, and a transform with one wrong number to more than 10⁻².
    const TOLERANCE: f64 = 1e-5;

    fn error(found: &[f32], expected: &[f64]) -> f64 {
        let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|number| number * number).sum::<f64>().sqrt();
        norm(&mut found.iter().zip(expected).map(|(&found, expected)| f64::from(found) - expected))
            / norm(&mut expected.iter().copied())
    }

    /// The convolution and both gradients, added to these numbers or in their place.
    fn run(
        winograd: &Winograd,
        Case { x, w, g, .. }: &Case,
        start: impl Fn(usize) -> Vec<f32>,
        accumulate: bool,
    ) -> [Vec<f32>; 3] {
        let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(start);
        winograd.conv2d(x, w, &mut y, accumulate);
        winograd.conv2d_input(g, w, &mut dx, accumulate);
        winograd.conv2d_filter(x, g, &mut dw, accumulate);
        [y, dx, dw]
    }

    fn check(case: &Case) {
        let Case { sizes, x, w, g } = case;
        let winograd = Winograd::new(*sizes).expect("sizes that it takes");
        for accumulate in [false, true] {
            let start = |count| if accumulate { numbers(4, count) } else { vec![f32::NAN; count] };
            let expected = |count| if accumulate { numbers(4, count) } else { vec![0.0; count] };
            let [mut y, mut dx, mut dw] =
                [g.len(), x.len(), w.len()].map(|count| expected(count).into_iter().map(f64::from).collect::<Vec<_>>());
            for_each_term(sizes, |i, j, k| {
                let (xi, wj, gk) = (f64::from(x[i]), f64::from(w[j]), f64::from(g[k]));
                y[k] += xi * wj;
                dx[i] += gk * wj;
                dw[j] += xi * gk;
            });
            for (found, expected) in run(&winograd, case, start, accumulate).iter().zip([y, dx, dw]) {
                let error = error(found, &expected);
                assert!(error <= TOLERANCE, "{error:.1e} on {sizes}, accumulate {accumulate}");
            }
        }
    }

    #[test]
    fn layers_like_the_dcgans() {
        check(&case([3, 16, 14, 14], 32, [5, 5], [2, 2], [2, 2]));
        check(&case([3, 48, 7, 7], 64, [5, 5], [2, 2], [2, 2]));
    }

    #[test]
    fn images_in_several_blocks() {
        let case = case([150, 64, 14, 14], 32, [5, 5], [2, 2], [2, 2]);
        let winograd = Winograd::new(case.sizes).unwrap();
        assert!(winograd.images.transform.items < winograd.images.at_once && winograd.images.at_once < 150);
        let Method::Channels { forward, backward, filter } = Method::channels(case.sizes) else { unreachable!() };
        let Case { x, w, g, .. } = &case;
        let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(|count| numbers(4, count));
        forward.run(x, w, &mut y, true);
        backward.run(g, w, &mut dx, true);
        filter.run(x, g, &mut dw, true);
        for (found, direct) in run(&winograd, &case, |count| numbers(4, count), true).iter().zip([y, dx, dw]) {
            let direct: Vec<f64> = direct.into_iter().map(f64::from).collect();
            assert!(error(found, &direct) <= TOLERANCE);
        }
    }

    #[test]
    fn threads_do_not_change_it() {
        let case = case([40, 32, 14, 14], 64, [5, 5], [2, 2], [2, 2]);
        let winograd = Winograd::new(case.sizes).unwrap();
        same_bits_on_any_number_of_threads(|| run(&winograd, &case, |count| vec![0.0; count], false).concat());
    }

    #[test]
    fn other_sizes_are_left_to_others() {
        let winograd = |channels, filters, kernel: usize| {
            Winograd::new(case([2, channels, 14, 14], filters, [kernel; 2], [2, 2], [2, 2]).sizes)
        };
        assert!(winograd(16, 32, 5).is_some());
        assert!(winograd(17, 32, 5).is_none() && winograd(16, 16, 5).is_none());
        assert!(winograd(16, 32, 3).is_none() && winograd(16, 32, 7).is_none()); // phases of one tap, of four
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
