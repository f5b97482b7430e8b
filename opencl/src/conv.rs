//! Convolutions and their two gradients, as products of which a table says where the elements lie.
//!
//! Each tensor has two of the indices n (image), o (filter), c (channel), and a plane of its own: x the pixels, w the
//! taps, g the windows. Summed over is what the result doesn't have; so the result's other index gives the rows, the one
//! that it shares with B, together with the places in its plane, the columns:
//!
//! | view    | A | B | C | rows | columns      | terms        |
//! |---------|---|---|---|------|--------------|--------------|
//! | Forward | w | x | g | o    | n, windows   | c, taps      |
//! | Input   | w | g | x | c    | n, pixels    | o, taps      |
//! | Filter  | g | x | w | o    | c, taps      | n, windows   |

use autograd::compile::plan::Step;
use autograd::ops::ConvSizes;

use crate::Error;
use crate::context::{Context, Facts};
use crate::launch::{Argument, Launch};
use crate::tiling::{Extents, Task, Tiling, uint};

const SOURCE: &str = include_str!("../kernels/conv.cl");

/// Which of the three views of the trilinear form is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Images and filters to results.
    Forward,
    /// Result gradients and filters to image gradients.
    Input,
    /// Images and result gradients to filter gradients.
    Filter,
}

/// Elements of scratch memory that a convolution wants.
pub(crate) fn scratch(facts: &Facts, view: View, sizes: &ConvSizes) -> usize {
    let convolution = Convolution::new(view, sizes);
    match convolution.results() {
        0 => 0,
        count => convolution.tiling(facts).scratch(count),
    }
}

/// The launches of a convolution, added onto what the buffer written holds if it accumulates.
pub(crate) fn launches(
    context: &Context,
    view: View,
    sizes: &ConvSizes,
    accumulate: bool,
    step: &Step,
) -> Result<Vec<Launch>, Error> {
    let y = step.writes[0];
    if y.len == 0 {
        return Ok(Vec::new());
    }
    let convolution = Convolution::new(view, sizes);
    let tiling = convolution.tiling(context.facts());
    let Tables { terms, columns, tiles } = convolution.tables(tiling.columns);
    let upload = |table: &[u32]| context.upload("a table of a convolution", table).map(Argument::Buffer);
    let rows = convolution.rows;
    let task = Task {
        source: SOURCE,
        kernel: "convolution",
        operands: [step.reads[1], step.reads[0]],
        along_terms: [true, view == View::Filter],
        arguments: vec![
            upload(terms.as_flattened())?,
            upload(columns.as_flattened())?,
            upload(tiles.as_flattened())?,
            uint(rows.count),
            uint(rows.a),
            uint(rows.c),
            Argument::ULong(y.len as u64),
        ],
        tiles: tiles.len(),
        rows: rows.count,
        batch: 1,
    };
    tiling.launches(context, task, y, step.scratch, accumulate)
}

/// A convolution as a product.
struct Convolution {
    rows: Index,
    columns: Index,
    terms: Index,
    regions: Vec<Region>,
}

/// One of the indices n, o and c: its extent, and its stride in each operand, 0 in the one that lacks it.
#[derive(Clone, Copy)]
struct Index {
    count: usize,
    a: usize,
    b: usize,
    c: usize,
}

/// Places of the result's plane that have the same terms.
struct Region {
    /// In the planes of A and, counted from a result's first one, of B.
    terms: Vec<[usize; 2]>,
    /// The first term's place in the plane of B, and the result's in that of C.
    results: Vec<[usize; 2]>,
}

/// What the kernel reads.
struct Tables {
    /// Places of terms in A and B.
    terms: Vec<[u32; 2]>,
    /// Places of columns in B and C.
    columns: Vec<[u32; 2]>,
    /// First column, number of columns, first term, number of terms.
    tiles: Vec<[u32; 4]>,
}

impl Convolution {
    fn new(view: View, sizes: &ConvSizes) -> Self {
        let ConvSizes { batch, channels, height, width, filters, kernel, out, .. } = *sizes;
        let [pixels, taps, windows] = [height * width, kernel[0] * kernel[1], out[0] * out[1]];
        // The strides of n, o and c, and a plane's width.
        let x = ([channels * pixels, 0, pixels], width);
        let w = ([0, channels * taps, taps], kernel[1]);
        let g = ([filters * windows, windows, 0], out[1]);
        let ([a, b, c], [rows, columns, terms]) = match view {
            View::Forward => ([w, x, g], [1, 0, 2]),
            View::Input => ([w, g, x], [2, 0, 1]),
            View::Filter => ([g, x, w], [1, 2, 0]),
        };
        let index = |i: usize| Index { count: [batch, filters, channels][i], a: a.0[i], b: b.0[i], c: c.0[i] };
        let [down, across] = [0, 1].map(|axis| Region::along(view, sizes, axis));
        let regions = down.iter().flat_map(|down| across.iter().map(|across| down.times(across, [a.1, b.1, c.1])));
        Convolution { rows: index(rows), columns: index(columns), terms: index(terms), regions: regions.collect() }
    }

    /// Elements of the result.
    fn results(&self) -> usize {
        self.rows.count * self.columns.count * self.regions.iter().map(|region| region.results.len()).sum::<usize>()
    }

    fn tiling(&self, facts: &Facts) -> Tiling {
        let columns = |region: &Region| self.columns.count * region.results.len();
        let largest = self.regions.iter().max_by_key(|region| columns(region) * region.terms.len());
        let [columns_of_largest, terms] = largest.map_or([0; 2], |largest| [columns(largest), largest.terms.len()]);
        let extents = Extents { rows: self.rows.count, columns: columns_of_largest, terms: self.terms.count * terms };
        Tiling::choose(facts, extents, |width| self.regions.iter().map(|region| columns(region).div_ceil(width)).sum())
    }

    /// The tables for tiles of this width. They stay in the order of the image, where those with many terms and with few
    /// alternate: a CPU's driver deals them out by halves, and each half should take as long.
    fn tables(&self, width: usize) -> Tables {
        let mut tables = Tables { terms: Vec::new(), columns: Vec::new(), tiles: Vec::new() };
        for region in &self.regions {
            let [first_term, first_column] = [tables.terms.len(), tables.columns.len()];
            for i in 0..self.terms.count {
                tables
                    .terms
                    .extend(region.terms.iter().map(|[a, b]| [i * self.terms.a + a, i * self.terms.b + b].map(narrow)));
            }
            for i in 0..self.columns.count {
                let places = region.results.iter().map(|[b, c]| [i * self.columns.b + b, i * self.columns.c + c]);
                tables.columns.extend(places.map(|place| place.map(narrow)));
            }
            let terms = tables.terms.len() - first_term;
            for column in (first_column..tables.columns.len()).step_by(width) {
                let columns = width.min(tables.columns.len() - column);
                tables.tiles.push([column, columns, first_term, terms].map(narrow));
            }
        }
        tables
    }
}

impl Region {
    /// The regions along one axis, where a place is a coordinate.
    fn along(view: View, sizes: &ConvSizes, axis: usize) -> Vec<Region> {
        let pixels = [sizes.height, sizes.width][axis];
        let [windows, taps] = [sizes.out[axis], sizes.kernel[axis]];
        let mut sums = vec![Vec::new(); [windows, pixels, taps][view as usize]];
        for (window, tap) in (0..windows).flat_map(|window| (0..taps).map(move |tap| (window, tap))) {
            let pixel = (window * sizes.stride[axis] + tap).checked_sub(sizes.padding[axis]);
            let Some(pixel) = pixel.filter(|&pixel| pixel < pixels) else { continue };
            let (result, term) = match view {
                View::Forward => (window, [tap, pixel]),
                View::Input => (pixel, [tap, window]),
                View::Filter => (tap, [window, pixel]),
            };
            sums[result].push(term);
        }
        let mut regions: Vec<Region> = Vec::new();
        for (result, terms) in sums.into_iter().enumerate() {
            let first = terms.first().map_or(0, |&[_, b]| b); // the terms ascend in B
            let terms: Vec<_> = terms.into_iter().map(|[a, b]| [a, b - first]).collect();
            match regions.iter_mut().find(|region| region.terms == terms) {
                Some(region) => region.results.push([first, result]),
                None => regions.push(Region { terms, results: vec![[first, result]] }),
            }
        }
        regions
    }

    /// The region of a plane that is this one down and the other across; `widths` of the planes of A, B and C.
    fn times(&self, across: &Region, [a, b, c]: [usize; 3]) -> Region {
        let pairs = |down: &[[usize; 2]], across: &[[usize; 2]], widths: [usize; 2]| {
            let pair = |y: [usize; 2], x: [usize; 2]| [y[0] * widths[0] + x[0], y[1] * widths[1] + x[1]];
            down.iter().flat_map(|&y| across.iter().map(move |&x| pair(y, x))).collect()
        };
        Region {
            terms: pairs(&self.terms, &across.terms, [a, b]),
            results: pairs(&self.results, &across.results, [b, c]),
        }
    }
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).expect("no device gives a buffer of 2³² numbers, 16 GiB, at once")
}
