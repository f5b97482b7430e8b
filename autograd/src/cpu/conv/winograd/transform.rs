//! Winograd's transforms: planes of pixels to points and back, some channels side by side.

use pulp::Simd;

use super::super::super::scratch::{CacheLine, with_scratch};
use super::super::super::transpose::transpose;
use super::super::super::{Shared, with_vectors};
use super::super::add_transpose;
use super::axis::Segment;
use super::points::{Matrix, POINTS, evaluate, interpolate};

/// Takes a block of planes, `[items, lanes, pixels]`, to points. At each point there is a matrix `[items, tiles, phases,
/// lanes]`, or, where phases are [`Phases::Below`] one another, `[phases, items, lanes]`.
pub struct Transform {
    /// Planes that are items of a block, and those side by side.
    pub items: usize,
    pub lanes: usize,
    /// Distances between these planes.
    strides: [usize; 2],
    /// Pixels of a plane.
    pixels: usize,
    patches: Vec<Patch>,
    pub points: Vec<Point>,
    /// Numbers at all points.
    pub len: usize,
}

/// Where the phases of an item lie in a point's matrix: in its row, or, of planes that are in one tile, in rows below.
#[derive(Clone, Copy)]
pub enum Phases {
    Beside,
    Below,
}

/// A matrix's place and size.
pub struct Point {
    pub start: usize,
    /// Rows for each item.
    pub tiles: usize,
    pub columns: usize,
}

/// A segment of a plane's rows and one of its columns. Their matrices take its pixels to points: rows · pixels · columnsᵀ.
struct Patch {
    tile: [usize; 2],
    phase: [usize; 2],
    rows: Matrix,
    columns: Matrix,
    /// Where its pixels lie in a turned plane; the padding's zero lies behind it.
    pixels: Grid,
    /// Where its points lie: for the first item, and the distance to the next.
    points: [Grid; 2],
}

/// Of numbers for a patch's pixels or points: rows, columns.
type Grid = [[usize; POINTS]; POINTS];

impl Transform {
    /// The transform of such blocks.
    pub fn new(
        [items, lanes]: [usize; 2],
        strides: [usize; 2],
        [height, width]: [usize; 2],
        [rows, columns]: [Vec<Segment>; 2],
        order: Phases,
    ) -> Self {
        let patches = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
        let patches = patches.map(|(row, column)| Patch::new(row, column, [height, width], lanes)).collect();
        let pixels = height * width;
        let mut transform = Transform { items, lanes, strides, pixels, patches, points: Vec::new(), len: 0 };
        for i in 0..POINTS {
            for j in 0..POINTS {
                transform.add_point([i, j], order);
            }
        }
        transform
    }

    fn add_point(&mut self, [i, j]: [usize; 2], order: Phases) {
        let Transform { items, lanes, len: start, .. } = *self;
        let patches = || self.patches.iter().filter(|patch| patch.has([i, j]));
        let tiles: Vec<_> = patches().filter(|patch| patch.phase == [0, 0]).map(|patch| patch.tile).collect();
        let phases: Vec<_> = patches().filter(|patch| patch.tile == [0, 0]).map(|patch| patch.phase).collect();
        if tiles.is_empty() {
            return;
        }
        for patch in self.patches.iter_mut().filter(|patch| patch.has([i, j])) {
            let [tile, phase] = [position(&tiles, patch.tile), position(&phases, patch.phase)];
            [patch.points[0][i][j], patch.points[1][i][j]] = match order {
                Phases::Beside => [start + (tile * phases.len() + phase) * lanes, tiles.len() * phases.len() * lanes],
                Phases::Below => [start + phase * items * lanes, lanes],
            };
        }
        let (tiles, columns) = match order {
            Phases::Beside => (tiles.len(), phases.len() * lanes),
            Phases::Below => (phases.len(), lanes),
        };
        self.points.push(Point { start, tiles, columns });
        // An odd number of cache lines, so that a patch's points don't compete for the same places in the caches.
        self.len += (items * tiles * columns).next_multiple_of(2 * CacheLine::LEN) + CacheLine::LEN;
    }

    /// Takes that many planes of the block `[items, lanes]` of `x` to their points.
    pub fn spread(&self, x: &[f32], items: usize, block: [usize; 2], points: &mut [f32]) {
        let Transform { lanes, strides, pixels, .. } = *self;
        with_scratch((pixels + 1) * lanes, |turned| {
            turned[pixels * lanes..].fill(0.0); // the padding
            for item in 0..items {
                let x = &x[self.start(block) + item * strides[0]..];
                transpose([lanes, pixels], x, strides[1], turned, lanes);
                with_vectors(Spread { transform: self, turned, points, item });
            }
        });
    }

    /// The transposed map: the block `[items, lanes]` of `x` (+)= what the points give.
    ///
    /// # Safety
    /// Nothing else may access this block of `x` meanwhile.
    pub unsafe fn collect(&self, points: &[f32], items: usize, x: Shared, block: [usize; 2], accumulate: bool) {
        let Transform { lanes, strides, pixels, .. } = *self;
        with_scratch((pixels + 1) * lanes, |turned| {
            for item in 0..items {
                turned.fill(0.0);
                with_vectors(Collect { transform: self, points, item, turned });
                let start = self.start(block) + item * strides[0];
                // SAFETY: as the caller promises.
                let x = unsafe { x.slice(start..start + lanes * pixels) };
                add_transpose([pixels, lanes], turned, lanes, x, accumulate);
            }
        });
    }

    /// Asserts what makes an item's pixels and points lie within these arrays, by the transform's construction.
    fn assert_reach(&self, item: usize, turned: &[f32], points: &[f32]) {
        let (turned, points) = (turned.len() >= (self.pixels + 1) * self.lanes, points.len() >= self.len);
        assert!(item < self.items && turned && points, "item {item} of {}", self.items);
    }

    /// Where a block begins.
    fn start(&self, [items, lanes]: [usize; 2]) -> usize {
        items * self.items * self.strides[0] + lanes * self.lanes * self.strides[1]
    }
}

impl Patch {
    fn new(row: &Segment, column: &Segment, [height, width]: [usize; 2], lanes: usize) -> Self {
        let mut pixels = [[0; POINTS]; POINTS];
        for (pixels, i) in pixels.iter_mut().zip(&row.pixels) {
            for (pixel, j) in pixels.iter_mut().zip(&column.pixels) {
                *pixel = i.zip(*j).map_or(height * width, |(i, j)| i * width + j) * lanes;
            }
        }
        Patch {
            tile: [row.tile, column.tile],
            phase: [row.phase, column.phase],
            rows: row.matrix,
            columns: column.matrix,
            pixels,
            points: [[[0; POINTS]; POINTS]; 2],
        }
    }

    fn has(&self, [i, j]: [usize; 2]) -> bool {
        i < self.rows.size()[0] && j < self.columns.size()[0]
    }

    /// Where an item's points lie.
    #[inline(always)]
    fn places(&self, item: usize) -> Grid {
        let [mut places, distances] = self.points;
        for (place, distance) in places.as_flattened_mut().iter_mut().zip(distances.as_flattened()) {
            *place += item * distance;
        }
        places
    }
}

fn position(all: &[[usize; 2]], one: [usize; 2]) -> usize {
    all.iter().position(|&other| other == one).expect("a tile has the points of its phases, and a phase of its tiles")
}

/// Monomorphises `body` for a matrix, so that its zeros and ones cost nothing.
macro_rules! for_matrix {
    ($matrix:expr, $constant:ident => $body:expr) => {
        for_matrix!($matrix, $constant => $body, [6 4] [6 3] [5 4] [5 3] [5 2] [4 3] [4 2] [3 3] [3 2] [3 1] [2 2] [2 1],
            [6 6] [5 5] [5 4] [4 4] [3 3] [3 2] [2 2])
    };
    ($matrix:expr, $constant:ident => $body:expr, $([$n:literal $m:literal])*, $([$points:literal $pixels:literal])*) => {
        match $matrix {
            $(Matrix::Evaluate { points: $n, pixels: $m } => {
                let $constant = const { &evaluate::<$n, $m>() };
                $body
            })*
            $(Matrix::Interpolate { points: $points, pixels: $pixels } => {
                let $constant = const { &interpolate::<$points, $pixels>() };
                $body
            })*
            matrix => unreachable!("{matrix:?} belongs to no segment"),
        }
    };
}

/// Σ factors[i] · x[i].
#[inline(always)]
fn combination<S: Simd, const N: usize>(simd: S, factors: [f32; N], x: [S::f32s; N]) -> S::f32s {
    let mut sum = None;
    for i in 0..N {
        sum = match (sum, factors[i]) {
            (sum, 0.0) => sum,
            (None, 1.0) => Some(x[i]),
            (None, factor) => Some(simd.mul_f32s(simd.splat_f32s(factor), x[i])),
            (Some(sum), 1.0) => Some(simd.add_f32s(sum, x[i])),
            (Some(sum), -1.0) => Some(simd.sub_f32s(sum, x[i])),
            (Some(sum), factor) => Some(simd.mul_add_e_f32s(simd.splat_f32s(factor), x[i], sum)),
        };
    }
    sum.unwrap_or(simd.splat_f32s(0.0))
}

/// matrix · x. (Loops here: closures that make arrays are not inlined.)
#[inline(always)]
fn times<S: Simd, const N: usize, const M: usize>(simd: S, matrix: &[[f32; M]; N], x: [S::f32s; M]) -> [S::f32s; N] {
    let mut y = [simd.splat_f32s(0.0); N];
    for n in 0..N {
        y[n] = combination(simd, matrix[n], x);
    }
    y
}

/// matrixᵀ · x.
#[inline(always)]
fn transposed_times<S: Simd, const N: usize, const M: usize>(
    simd: S,
    matrix: &[[f32; M]; N],
    x: [S::f32s; N],
) -> [S::f32s; M] {
    let mut transposed = [[0.0; N]; M];
    for n in 0..N {
        for m in 0..M {
            transposed[m][n] = matrix[n][m];
        }
    }
    times(simd, &transposed, x)
}

/// `at(0), at(1), …`
#[inline(always)]
fn vectors<V: Copy, const N: usize>(zero: V, at: impl Fn(usize) -> V) -> [V; N] {
    let mut vectors = [zero; N];
    for (i, vector) in vectors.iter_mut().enumerate() {
        *vector = at(i);
    }
    vectors
}

struct Spread<'a> {
    transform: &'a Transform,
    turned: &'a [f32],
    points: &'a mut [f32],
    item: usize,
}

impl pulp::WithSimd for Spread<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Spread { transform, turned, points, item } = self;
        transform.assert_reach(item, turned, points);
        let (zero, turned, points) = (simd.splat_f32s(0.0), turned.as_ptr(), points.as_mut_ptr());
        let mut between = [[zero; POINTS]; POINTS];
        for patch in &transform.patches {
            let (places, [height, _], [_, width]) = (patch.places(item), patch.rows.size(), patch.columns.size());
            for lane in (0..transform.lanes).step_by(S::F32_LANES) {
                for_matrix!(patch.rows, matrix => for (j, between) in between.iter_mut().enumerate().take(width) {
                    // SAFETY: a pixel in reach, as asserted.
                    let column = vectors(zero, #[inline(always)] |i| unsafe {
                        turned.add(patch.pixels[i][j] + lane).cast::<S::f32s>().read_unaligned()
                    });
                    between.iter_mut().zip(times(simd, matrix, column)).for_each(|(between, vector)| *between = vector);
                });
                for_matrix!(patch.columns, matrix => for (i, places) in places.iter().enumerate().take(height) {
                    let row = times(simd, matrix, vectors(zero, #[inline(always)] |j| between[j][i]));
                    for (vector, place) in row.into_iter().zip(places) {
                        // SAFETY: a point in reach, as asserted.
                        unsafe { points.add(place + lane).cast::<S::f32s>().write_unaligned(vector) };
                    }
                });
            }
        }
    }
}

struct Collect<'a> {
    transform: &'a Transform,
    points: &'a [f32],
    item: usize,
    turned: &'a mut [f32],
}

impl pulp::WithSimd for Collect<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Collect { transform, points, item, turned } = self;
        transform.assert_reach(item, turned, points);
        let (zero, turned, points) = (simd.splat_f32s(0.0), turned.as_mut_ptr(), points.as_ptr());
        let mut between = [[zero; POINTS]; POINTS];
        for patch in &transform.patches {
            let (places, [height, _], [_, width]) = (patch.places(item), patch.rows.size(), patch.columns.size());
            for lane in (0..transform.lanes).step_by(S::F32_LANES) {
                for_matrix!(patch.columns, matrix => for (i, places) in places.iter().enumerate().take(height) {
                    // SAFETY: a point in reach, as asserted.
                    let row = vectors(zero, #[inline(always)] |j| unsafe {
                        points.add(places[j] + lane).cast::<S::f32s>().read_unaligned()
                    });
                    let row = transposed_times(simd, matrix, row);
                    between.iter_mut().zip(row).for_each(|(between, vector)| between[i] = vector);
                });
                for_matrix!(patch.rows, matrix => for (j, between) in between.iter().enumerate().take(width) {
                    let column = transposed_times(simd, matrix, vectors(zero, #[inline(always)] |i| between[i]));
                    for (vector, pixels) in column.into_iter().zip(&patch.pixels) {
                        // SAFETY: a pixel in reach, as asserted.
                        unsafe {
                            let pixel = turned.add(pixels[j] + lane).cast::<S::f32s>();
                            pixel.write_unaligned(simd.add_f32s(pixel.read_unaligned(), vector));
                        }
                    }
                });
            }
        }
    }
}
