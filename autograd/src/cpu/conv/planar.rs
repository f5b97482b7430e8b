//! Convolutions of images with few channels, such as grey or coloured pictures: there the channels fill no vector, but
//! the columns of a row do.
//!
//! An image is cut into `stride²` *phases*, each a plane of every `stride`-th pixel of every `stride`-th row, with its
//! padding laid out as zeros: under any tap, neighbouring windows then see neighbouring numbers. The results stay as
//! they are, one plane a channel, so nothing is turned.

use std::ops::Range;

use pulp::{MemMask, Simd};

use super::super::pairwise::{BLOCK, sum_rows};
use super::super::scratch::with_scratch;
use super::super::{for_each_chunk, with_vectors};
use crate::ops::ConvSizes;

/// Filters whose sums stay in registers.
const TILE: usize = 8;
/// Planes that share what is read of the results, and so are summed up side by side.
const PLANES: usize = 4;
/// Rows of so many planes whose sums stay in registers: with 32 of them, and with 16.
const ROWS: [usize; 2] = [4, 2];
/// Filters and taps whose pairwise sums stay in registers.
const PAIRS: [usize; 2] = [4, 5];
/// Vectors have at most as many lanes.
const LANES: usize = 16;
/// Images, at most, whose filter gradient is summed up before it is added to that of others.
const IMAGES: usize = 10;

/// A convolution of images with few channels.
pub struct Planar {
    sizes: ConvSizes,
    /// Numbers of a plane's row. A vector that begins at any window's column, moved by any tap, ends within it.
    pitch: usize,
    /// Rows and columns that a plane has beyond the windows: the taps' reach.
    reach: [usize; 2],
    taps: Vec<Tap>,
    /// The same, by the [`PLANES`] that they see and how far they move.
    moves: Vec<Vec<Move>>,
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

/// Taps that move alike, each seeing another of a few planes.
struct Move {
    /// Where the results with a border begin that they meet.
    from: usize,
    /// For each plane, the tap's element.
    elements: [Option<usize>; PLANES],
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
        let moves = (0..channels * sh * sw).step_by(PLANES).map(|first| moves(&taps, first, reach, pitch)).collect();
        Some(Planar { sizes, pitch, reach, taps, moves })
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
                    with_vectors(Forward { conv: self, planes, weights, y, accumulate });
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
                with_vectors(Backward { conv: self, g: &g[image * result..][..result], bordered, w, planes });
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
                let images = self.sizes.batch * group / groups..self.sizes.batch * (group + 1) / groups;
                let g = &g[images.start * result..images.end * result];
                with_scratch(images.len() * self.planes(), |planes| {
                    for (x, planes) in
                        x[images.start * image..].chunks_exact(image).zip(planes.chunks_mut(self.planes()))
                    {
                        self.cut(x, planes);
                    }
                    with_vectors(Filter { conv: self, planes, g, dw });
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

    /// Numbers of a plane: as many rows at a time as [`ROWS`] says, and then a vector's worth.
    fn plane(&self) -> usize {
        self.grid()[0].next_multiple_of(ROWS[0]) * self.pitch + LANES
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

    /// The pixels of a phase along an axis that taps see: the first one's position in the plane, itself, and their number.
    fn seen(&self, axis: usize, phase: usize) -> [usize; 3] {
        let ConvSizes { height, width, stride, padding, .. } = self.sizes;
        let (extent, stride, padding) = ([height, width][axis], stride[axis], padding[axis]);
        let positions = |pixels: usize| pixels.saturating_sub(phase).div_ceil(stride).min(self.grid()[axis]);
        let first = positions(padding);
        [first, (first * stride + phase).saturating_sub(padding), positions(padding + extent) - first]
    }

    /// Cuts an image into planes.
    fn cut(&self, x: &[f32], planes: &mut [f32]) {
        let step = self.sizes.stride[1];
        planes.fill(0.0);
        self.for_each_run(|start, pixel, count| {
            let pixels = x[pixel..].iter().step_by(step);
            planes[start..start + count].iter_mut().zip(pixels).for_each(|(plane, x)| *plane = *x);
        });
    }

    /// The reverse of [`Planar::cut`]: `x` (+)= the planes' numbers. Pixels that no tap sees get none.
    fn join(&self, planes: &[f32], x: &mut [f32], accumulate: bool) {
        let step = self.sizes.stride[1];
        if !accumulate {
            x.fill(0.0);
        }
        self.for_each_run(|start, pixel, count| {
            let pixels = x[pixel..].iter_mut().step_by(step);
            planes[start..start + count].iter().zip(pixels).for_each(|(plane, x)| *x += plane);
        });
    }

    /// Calls `body` for the neighbours in the rows of planes: where the first lies there, where in the image, and how many
    /// there are.
    #[inline(always)]
    fn for_each_run(&self, mut body: impl FnMut(usize, usize, usize)) {
        let ConvSizes { channels, height, width, stride: [sh, sw], .. } = self.sizes;
        for plane in 0..channels * sh * sw {
            let ([first_row, y, rows], [column, x, count]) = (self.seen(0, plane / sw % sh), self.seen(1, plane % sw));
            for row in (0..rows).take_while(|_| count > 0) {
                let pixel = (plane / (sh * sw) * height + y + row * sh) * width + x;
                body(plane * self.plane() + (first_row + row) * self.pitch + column, pixel, count);
            }
        }
    }

    /// Lays out an image of the result with zeros around it, as far as the taps reach.
    #[inline(always)]
    fn border<S: Simd>(&self, simd: S, g: &[f32], bordered: &mut [f32]) {
        let [height, width] = self.sizes.out;
        bordered.fill(0.0);
        for (g, bordered) in g.chunks_exact(height * width).zip(bordered.chunks_exact_mut(self.bordered())) {
            let inside = bordered[self.reach[0] * self.pitch + self.reach[1]..].chunks_mut(self.pitch);
            for (g, bordered) in g.chunks_exact(width).zip(inside) {
                for columns in vectors::<S>(width) {
                    let (at, mask) = (columns.start, mask(simd, columns.len()));
                    // SAFETY: as many numbers as the mask has; zeros beyond the row.
                    let numbers = unsafe { simd.mask_load_ptr_f32s(mask, g[columns].as_ptr()) };
                    store::<S>(bordered, at, numbers);
                }
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

/// The taps that see [`PLANES`] from the first one on, by how far they move.
fn moves(taps: &[Tap], first: usize, reach: [usize; 2], pitch: usize) -> Vec<Move> {
    let mut moves: Vec<Move> = Vec::new();
    for tap in taps.iter().filter(|tap| (first..first + PLANES).contains(&tap.plane)) {
        let [down, right] = [0, 1].map(|axis| reach[axis] - tap.moved[axis]);
        let from = down * pitch + right;
        let position = moves.iter().position(|other| other.from == from).unwrap_or(moves.len());
        if position == moves.len() {
            moves.push(Move { from, elements: [None; PLANES] });
        }
        moves[position].elements[tap.plane - first] = Some(tap.element);
    }
    moves
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

/// Puts a vector to `numbers[at]` and behind.
#[inline(always)]
fn store<S: Simd>(numbers: &mut [f32], at: usize, vector: S::f32s) {
    S::as_mut_simd_f32s(&mut numbers[at..at + S::F32_LANES]).0[0] = vector;
}

/// The first `count` numbers of a vector. (Made anew from its bits, the mask becomes an operand of loads and stores in place
/// of a call.)
#[inline(always)]
fn mask<S: Simd>(simd: S, count: usize) -> MemMask<S::m32s> {
    MemMask::new(simd.mask_between_m32s(0, count as u32).mask())
}

/// `totals += sums`, which become zeros: a block of terms ends. (Plain loops: what an iterator calls may not be inlined.)
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
                    let mask = mask(simd, columns.len());
                    for (sum, y) in totals.into_iter().zip(y.chunks_exact_mut(channel)) {
                        let y = y[row * width..][columns.clone()].as_mut_ptr();
                        // SAFETY: as many numbers as the mask has.
                        unsafe {
                            let sum =
                                if accumulate { simd.add_f32s(simd.mask_load_ptr_f32s(mask, y), sum) } else { sum };
                            simd.mask_store_ptr_f32s(mask, y, sum);
                        }
                    }
                }
            }
        }
    }
}

/// `plane[r, q] = Σ g[o, r − down, q − right] · w[o, tap]` over the filters o and the taps that see the plane, for an
/// image, some rows of [`PLANES`] at a time.
struct Backward<'a> {
    conv: &'a Planar,
    g: &'a [f32],
    bordered: &'a mut [f32],
    w: &'a [f32],
    planes: &'a mut [f32],
}

impl pulp::WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.run::<S, { ROWS[0] }>(simd) } else { self.run::<S, { ROWS[1] }>(simd) }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize>(self, simd: S) {
        let Backward { conv, g, bordered, w, planes } = self;
        conv.border(simd, g, bordered);
        let [height, width] = conv.grid();
        for (moves, planes) in conv.moves.iter().zip(planes.chunks_mut(PLANES * conv.plane())) {
            for row in (0..height).step_by(R) {
                for columns in vectors::<S>(width) {
                    let mut totals = [[simd.splat_f32s(0.0); R]; PLANES];
                    let (mut sums, mut terms) = (totals, 0);
                    for (g, w) in bordered.chunks_exact(conv.bordered()).zip(w.chunks_exact(conv.taps.len())) {
                        for Move { from, elements } in moves {
                            let at = from + row * conv.pitch + columns.start;
                            let rows = &g[at..at + (R - 1) * conv.pitch + S::F32_LANES];
                            let mut seen = [simd.splat_f32s(0.0); R];
                            for (r, seen) in seen.iter_mut().enumerate() {
                                *seen = load::<S>(rows, r * conv.pitch);
                            }
                            for p in 0..PLANES {
                                if let Some(element) = elements[p] {
                                    let weight = simd.splat_f32s(w[element]);
                                    for r in 0..R {
                                        sums[p][r] = simd.mul_add_e_f32s(weight, seen[r], sums[p][r]);
                                    }
                                }
                            }
                        }
                        terms += moves.len();
                        if terms >= BLOCK {
                            for (total, sum) in totals.iter_mut().zip(&mut sums) {
                                move_to(simd, total, sum);
                            }
                            terms = 0;
                        }
                    }
                    for (total, sum) in totals.iter_mut().zip(&mut sums) {
                        move_to(simd, total, sum);
                    }
                    for (plane, totals) in planes.chunks_exact_mut(conv.plane()).zip(totals) {
                        for (r, sum) in totals.into_iter().enumerate() {
                            // (Whole vectors: behind the columns nothing is read.)
                            store::<S>(plane, (row + r) * conv.pitch + columns.start, sum);
                        }
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
                            let mask = mask(simd, columns.len());
                            for (sums, filter) in sums.iter_mut().zip(filters) {
                                let g = &g[filter * channel + row * width..][columns.clone()];
                                // SAFETY: as many numbers as the mask has; zeros beyond the row.
                                let g = unsafe { simd.mask_load_ptr_f32s(mask, g.as_ptr()) };
                                for (sum, seen) in sums.iter_mut().zip(seen) {
                                    *sum = simd.mul_add_e_f32s(g, seen, *sum);
                                }
                            }
                        }
                        terms += width.div_ceil(S::F32_LANES);
                        if terms >= BLOCK {
                            for (total, sum) in totals.iter_mut().zip(&mut sums) {
                                move_to(simd, total, sum);
                            }
                            terms = 0;
                        }
                    }
                }
                for (total, sum) in totals.iter_mut().zip(&mut sums) {
                    move_to(simd, total, sum);
                }
                for (sums, filter) in totals.into_iter().zip(filters) {
                    for (tap, sum) in taps.iter().zip(sums) {
                        dw[filter * conv.taps.len() + tap.element] = simd.reduce_sum_f32s(sum);
                    }
                }
            }
        }
    }
}
