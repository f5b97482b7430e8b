//! Convolutions of images with few channels, such as grey or coloured pictures: there the channels fill no vector, but
//! the columns of a row do.
//!
//! An image is cut into `stride²` *phases*, each a plane of every `stride`-th pixel of every `stride`-th row, with its
//! padding laid out as zeros: under any tap, neighbouring windows then see neighbouring numbers. The results stay as
//! they are, one plane a channel, so nothing is turned.

use std::ops::Range;

use pulp::Simd;

use super::super::pairwise::{BLOCK, sum_rows};
use super::super::scratch::with_scratch;
use super::super::{for_each_chunk, vectorised};
use crate::ops::ConvSizes;

/// Filters, or rows, whose sums stay in registers.
const TILE: usize = 8;
/// Filters and taps whose pairwise sums stay in registers.
const PAIRS: [usize; 2] = [4, 5];
/// Vectors have at most as many lanes.
const LANES: usize = 16;
/// Images whose filter gradient is summed up before it is added to that of others.
const IMAGES: usize = 10;

/// A convolution of images with few channels.
pub struct Planar {
    sizes: ConvSizes,
    /// Numbers of a plane's row. A vector that begins at any window's column, moved by any tap, ends within it.
    pitch: usize,
    /// Rows and columns that a plane has beyond the windows: the taps' reach.
    reach: [usize; 2],
    taps: Vec<Tap>,
    /// The same, by the plane that they see.
    seeing: Vec<Vec<Tap>>,
}

/// An element of a filter, and what it sees.
#[derive(Clone, Copy)]
struct Tap {
    /// Position in the filter: (c · kh + i) · kw + j.
    element: usize,
    /// The plane it sees: (c · sh + i mod sh) · sw + j mod sw.
    plane: usize,
    /// How far it moves: [i / sh, j / sw].
    moved: [usize; 2],
}

impl Planar {
    /// The method for these sizes, if the images have few enough channels.
    pub fn new(sizes: ConvSizes) -> Option<Self> {
        const FEW: usize = 4;
        if sizes.channels > FEW {
            return None;
        }
        let ConvSizes { channels, kernel: [kh, kw], out, stride: [sh, sw], .. } = sizes;
        let reach = [(kh - 1) / sh, (kw - 1) / sw];
        let tap = |element: usize| {
            let [c, i, j] = [element / (kh * kw), element / kw % kh, element % kw];
            Tap { element, plane: (c * sh + i % sh) * sw + j % sw, moved: [i / sh, j / sw] }
        };
        // The input's gradient has as many columns as windows and reach together.
        let pitch = (out[1] + reach[1]).next_multiple_of(LANES) + reach[1];
        let taps: Vec<Tap> = (0..channels * kh * kw).map(tap).collect();
        let seeing = |plane| taps.iter().filter(|tap| tap.plane == plane).copied().collect();
        let seeing = (0..channels * sh * sw).map(seeing).collect();
        Some(Planar { sizes, pitch, reach, taps, seeing })
    }

    /// `y` (+)= the convolution of the images `x` with the filters `w`.
    pub fn conv2d(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        let ConvSizes { filters, out, .. } = self.sizes;
        with_scratch(filters.next_multiple_of(TILE) * self.taps.len(), |weights| {
            self.pack(w, weights);
            let work = y.len() * self.taps.len();
            for_each_chunk(y, filters * out[0] * out[1], work, |image, y| {
                with_scratch(self.planes(), |planes| {
                    self.cut(&x[image * self.image()..][..self.image()], planes);
                    vectorised(Forward { conv: self, planes, weights, y, accumulate });
                });
            });
        });
    }

    /// `dx` (+)= the gradient with respect to the images, given the gradient `g` with respect to the result.
    pub fn conv2d_input(&self, g: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        let ConvSizes { filters, out, .. } = self.sizes;
        let result = filters * out[0] * out[1];
        let work = g.len() * self.taps.len();
        for_each_chunk(dx, self.image(), work, |image, dx| {
            with_scratch(filters * self.bordered() + self.planes(), |scratch| {
                let (bordered, planes) = scratch.split_at_mut(filters * self.bordered());
                self.border(&g[image * result..][..result], bordered);
                vectorised(Backward { conv: self, bordered, w, planes });
                self.join(planes, dx, accumulate);
            });
        });
    }

    /// `dw` (+)= the gradient with respect to the filters.
    pub fn conv2d_filter(&self, x: &[f32], g: &[f32], dw: &mut [f32], accumulate: bool) {
        let ConvSizes { filters, out, .. } = self.sizes;
        let (image, result) = (self.image(), filters * out[0] * out[1]);
        let groups = self.sizes.batch.div_ceil(IMAGES);
        with_scratch(groups * dw.len(), |partial| {
            for_each_chunk(partial, dw.len(), g.len() * self.taps.len(), |group, dw| {
                let images = group * IMAGES..self.sizes.batch.min((group + 1) * IMAGES);
                let g = &g[images.start * result..images.end * result];
                with_scratch(images.len() * self.planes(), |planes| {
                    for (x, planes) in
                        x[images.start * image..].chunks_exact(image).zip(planes.chunks_mut(self.planes()))
                    {
                        self.cut(x, planes);
                    }
                    vectorised(Filter { conv: self, planes, g, dw });
                });
            });
            let sum = sum_rows(partial, dw.len());
            match accumulate {
                true => dw.iter_mut().zip(sum).for_each(|(dw, sum)| *dw += *sum),
                false => dw.copy_from_slice(sum),
            }
        });
    }

    /// Numbers of an image.
    fn image(&self) -> usize {
        self.sizes.channels * self.sizes.height * self.sizes.width
    }

    /// Rows and columns of a plane that taps see.
    fn grid(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.sizes.out[axis] + self.reach[axis])
    }

    /// Numbers of a plane: [`TILE`] rows at a time, and then a vector's worth.
    fn plane(&self) -> usize {
        self.grid()[0].next_multiple_of(TILE) * self.pitch + LANES
    }

    /// Numbers of all planes of an image.
    fn planes(&self) -> usize {
        let [sh, sw] = self.sizes.stride;
        self.sizes.channels * sh * sw * self.plane()
    }

    /// Numbers of a result's channel with a border: a plane, and rows of zeros above.
    fn bordered(&self) -> usize {
        self.plane() + self.reach[0] * self.pitch
    }

    /// For each pixel of an image's row or column that taps see: (phase, position in the plane, pixel).
    fn seen(&self, axis: usize) -> impl Iterator<Item = [usize; 3]> + use<> {
        let ConvSizes { height, width, stride, padding, .. } = self.sizes;
        let (extent, stride, padding) = ([height, width][axis], stride[axis], padding[axis]);
        let end = self.grid()[axis] * stride;
        (padding..end.min(padding + extent)).map(move |at| [at % stride, at / stride, at - padding])
    }

    /// Cuts an image into planes.
    fn cut(&self, x: &[f32], planes: &mut [f32]) {
        planes.fill(0.0);
        self.for_each_pixel(|plane, pixel| planes[plane] = x[pixel]);
    }

    /// The reverse of [`Planar::cut`]: `x` (+)= the planes' numbers. Pixels that no tap sees get none.
    fn join(&self, planes: &[f32], x: &mut [f32], accumulate: bool) {
        if !accumulate {
            x.fill(0.0);
        }
        self.for_each_pixel(|plane, pixel| x[pixel] += planes[plane]);
    }

    /// Calls `body` with each number's position in the planes and in its image.
    #[inline(always)]
    fn for_each_pixel(&self, mut body: impl FnMut(usize, usize)) {
        let ConvSizes { channels, height, width, stride: [sh, sw], .. } = self.sizes;
        for c in 0..channels {
            for [a, row, y] in self.seen(0) {
                for [b, column, x] in self.seen(1) {
                    let plane = (c * sh + a) * sw + b;
                    body(plane * self.plane() + row * self.pitch + column, (c * height + y) * width + x);
                }
            }
        }
    }

    /// Lays out an image of the result with zeros around it, as far as the taps reach.
    fn border(&self, g: &[f32], bordered: &mut [f32]) {
        let [height, width] = self.sizes.out;
        bordered.fill(0.0);
        for (g, bordered) in g.chunks_exact(height * width).zip(bordered.chunks_exact_mut(self.bordered())) {
            let inside = bordered[self.reach[0] * self.pitch + self.reach[1]..].chunks_mut(self.pitch);
            for (g, bordered) in g.chunks_exact(width).zip(inside) {
                bordered[..width].copy_from_slice(g);
            }
        }
    }

    /// Filters to tiles, `[tiles, taps, TILE]`.
    fn pack(&self, w: &[f32], weights: &mut [f32]) {
        weights.fill(0.0);
        let taps = self.taps.len();
        for (filter, w) in w.chunks_exact(taps).enumerate() {
            let tile = &mut weights[filter / TILE * taps * TILE + filter % TILE..];
            tile.iter_mut().step_by(TILE).zip(w).for_each(|(weight, w)| *weight = *w);
        }
    }
}

/// The vectors that cover a row of `count` numbers: where each begins, and the numbers of it that count.
fn vectors<S: Simd>(count: usize) -> impl Iterator<Item = Range<usize>> {
    (0..count).step_by(S::F32_LANES).map(move |start| start..count.min(start + S::F32_LANES))
}

/// The vector that begins at `numbers[at]`.
#[inline(always)]
fn load<S: Simd>(numbers: &[f32], at: usize) -> S::f32s {
    S::as_simd_f32s(&numbers[at..at + S::F32_LANES]).0[0]
}

/// `totals += sums`, which become zeros: a block of terms ends.
#[inline(always)]
fn move_to<S: Simd, const N: usize>(simd: S, totals: &mut [S::f32s; N], sums: &mut [S::f32s; N]) {
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total = simd.add_f32s(*total, *sum);
        *sum = simd.splat_f32s(0.0);
    }
}

/// `y[o, i, j] (+)= Σ plane(tap)[i, j] · w[o, tap]`, for an image, [`TILE`] filters at a time.
struct Forward<'a> {
    conv: &'a Planar,
    planes: &'a [f32],
    weights: &'a [f32],
    y: &'a mut [f32],
    accumulate: bool,
}

impl pulp::WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { conv, planes, weights, y, accumulate } = self;
        let [height, width] = conv.sizes.out;
        let channel = height * width;
        for (weights, y) in weights.chunks_exact(conv.taps.len() * TILE).zip(y.chunks_mut(TILE * channel)) {
            let (weights, _) = weights.as_chunks::<TILE>();
            for row in 0..height {
                for columns in vectors::<S>(width) {
                    let mut totals = [simd.splat_f32s(0.0); TILE];
                    let mut sums = totals;
                    for (taps, weights) in conv.taps.chunks(BLOCK).zip(weights.chunks(BLOCK)) {
                        for (tap, weights) in taps.iter().zip(weights) {
                            let [down, right] = tap.moved;
                            let at = tap.plane * conv.plane() + (row + down) * conv.pitch + columns.start + right;
                            let seen = load::<S>(planes, at);
                            for (sum, &weight) in sums.iter_mut().zip(weights) {
                                *sum = simd.mul_add_e_f32s(simd.splat_f32s(weight), seen, *sum);
                            }
                        }
                        move_to(simd, &mut totals, &mut sums);
                    }
                    for (sum, y) in totals.into_iter().zip(y.chunks_exact_mut(channel)) {
                        let y = &mut y[row * width..][columns.clone()];
                        let sum = if accumulate { simd.add_f32s(simd.partial_load_f32s(y), sum) } else { sum };
                        simd.partial_store_f32s(y, sum);
                    }
                }
            }
        }
    }
}

/// `plane[r, q] = Σ g[o, r − down, q − right] · w[o, tap]` over the filters o and the taps that see the plane, for an
/// image, [`TILE`] rows at a time.
struct Backward<'a> {
    conv: &'a Planar,
    bordered: &'a [f32],
    w: &'a [f32],
    planes: &'a mut [f32],
}

impl pulp::WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Backward { conv, bordered, w, planes } = self;
        let [height, width] = conv.grid();
        for (taps, plane) in conv.seeing.iter().zip(planes.chunks_exact_mut(conv.plane())) {
            for row in (0..height).step_by(TILE) {
                for columns in vectors::<S>(width) {
                    let mut totals = [simd.splat_f32s(0.0); TILE];
                    let (mut sums, mut terms) = (totals, 0);
                    for (g, w) in bordered.chunks_exact(conv.bordered()).zip(w.chunks_exact(conv.taps.len())) {
                        for tap in taps {
                            let [down, right] = [0, 1].map(|axis| conv.reach[axis] - tap.moved[axis]);
                            let weight = simd.splat_f32s(w[tap.element]);
                            let at = (row + down) * conv.pitch + columns.start + right;
                            let rows = &g[at..at + (TILE - 1) * conv.pitch + S::F32_LANES];
                            for (r, sum) in sums.iter_mut().enumerate() {
                                *sum = simd.mul_add_e_f32s(weight, load::<S>(rows, r * conv.pitch), *sum);
                            }
                        }
                        terms += taps.len();
                        if terms >= BLOCK {
                            move_to(simd, &mut totals, &mut sums);
                            terms = 0;
                        }
                    }
                    move_to(simd, &mut totals, &mut sums);
                    for (r, sum) in totals.into_iter().enumerate() {
                        simd.partial_store_f32s(&mut plane[(row + r) * conv.pitch..][columns.clone()], sum);
                    }
                }
            }
        }
    }
}

/// `dw[o, tap] = Σ plane(tap)[i, j] · g[o, i, j]` over some images' windows, as many of them at a time as [`PAIRS`] says.
struct Filter<'a> {
    conv: &'a Planar,
    planes: &'a [f32],
    g: &'a [f32],
    dw: &'a mut [f32],
}

impl pulp::WithSimd for Filter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Filter { conv, planes, g, dw } = self;
        let [height, width] = conv.sizes.out;
        let channel = height * width;
        for first in (0..conv.sizes.filters).step_by(PAIRS[0]) {
            // Where there are no more filters or taps, the last is computed again.
            let filters: [usize; PAIRS[0]] = std::array::from_fn(|i| (first + i).min(conv.sizes.filters - 1));
            for taps in conv.taps.chunks(PAIRS[1]) {
                let starts: [usize; PAIRS[1]] = std::array::from_fn(|i| {
                    let Tap { plane, moved: [down, right], .. } = taps[i.min(taps.len() - 1)];
                    plane * conv.plane() + down * conv.pitch + right
                });
                let mut totals = [[simd.splat_f32s(0.0); PAIRS[1]]; PAIRS[0]];
                let (mut sums, mut terms) = (totals, 0);
                let images = planes.chunks_exact(conv.planes()).zip(g.chunks_exact(conv.sizes.filters * channel));
                for (planes, g) in images {
                    for row in 0..height {
                        for columns in vectors::<S>(width) {
                            let at = row * conv.pitch + columns.start;
                            let seen = starts.map(|start| load::<S>(planes, start + at));
                            for (sums, filter) in sums.iter_mut().zip(filters) {
                                let g = &g[filter * channel + row * width..][columns.clone()];
                                let g = simd.partial_load_f32s(g); // zeros beyond the row
                                for (sum, seen) in sums.iter_mut().zip(seen) {
                                    *sum = simd.mul_add_e_f32s(g, seen, *sum);
                                }
                            }
                        }
                        terms += width.div_ceil(S::F32_LANES);
                        if terms >= BLOCK {
                            totals.iter_mut().zip(&mut sums).for_each(|(total, sum)| move_to(simd, total, sum));
                            terms = 0;
                        }
                    }
                }
                totals.iter_mut().zip(&mut sums).for_each(|(total, sum)| move_to(simd, total, sum));
                for (sums, filter) in totals.into_iter().zip(filters) {
                    for (tap, sum) in taps.iter().zip(sums) {
                        dw[filter * conv.taps.len() + tap.element] = simd.reduce_sum_f32s(sum);
                    }
                }
            }
        }
    }
}
