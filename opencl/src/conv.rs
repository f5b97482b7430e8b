//! Convolutions and their two gradients, as products of which a table says where the elements lie.
//!
//! Each tensor has two of the indices n (image), o (filter), c (channel), and a plane of its own: x the pixels, w the
//! taps, g the windows. Summed over is what the result doesn't have; so the result's other index gives the rows, the one
//! that it shares with B, together with the places in its plane, the columns:
//!
//! | form    | A | B | C | rows | columns      | terms        |
//! |---------|---|---|---|------|--------------|--------------|
//! | Forward | w | x | g | o    | n, windows   | c, taps      |
//! | Input   | w | g | x | c    | n, pixels    | o, taps      |
//! | Filter  | g | x | w | o    | c, taps      | n, windows   |
//!
//! On CPUs rows and columns may change places.

use autograd::compile::plan::Step;
use autograd::ops::ConvSizes;

use crate::Error;
use crate::context::{Context, Facts, Kind};
use crate::launch::{Argument, Launch, narrow};
use crate::tiling::{Extents, Task, Tiling};

const SOURCE: &str = include_str!("../kernels/conv.cl");

/// What is computed: a convolution or one of its gradients, all of them one trilinear form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Images and filters to results.
    Forward,
    /// Result gradients and filters to image gradients.
    Input,
    /// Images and result gradients to filter gradients.
    Filter,
}

/// Elements of scratch memory that a convolution wants.
pub(crate) fn scratch(facts: &Facts, form: Form, sizes: &ConvSizes, accumulate: bool) -> usize {
    let convolution = Convolution::new(form, sizes);
    match convolution.results() {
        0 => 0,
        count => convolution.tiling(facts).scratch(count, accumulate),
    }
}

/// The launches of a convolution, added onto what the buffer written holds if it accumulates.
pub(crate) fn launches(
    context: &Context,
    form: Form,
    sizes: &ConvSizes,
    accumulate: bool,
    step: &Step,
) -> Result<Vec<Launch>, Error> {
    let y = step.writes[0];
    if y.len == 0 {
        return Ok(Vec::new());
    }
    let convolution = Convolution::new(form, sizes);
    let tiling = convolution.tiling(context.facts());
    let swapped = convolution.is_swapped(context.facts());
    let Tables { rows, columns, terms, parts } = convolution.tables(&tiling, swapped);
    let upload = |table: &[u32]| context.upload("a table of a convolution", table).map(Argument::Buffer);
    let [a, b] = [step.reads[1], step.reads[0]];
    let task = Task {
        source: SOURCE,
        kernel: "convolution",
        operands: if swapped { [b, a] } else { [a, b] },
        along_terms: [true, form == Form::Filter],
        arguments: vec![
            upload(rows.as_flattened())?,
            upload(columns.as_flattened())?,
            upload(terms.as_flattened())?,
            upload(parts.as_flattened())?,
            Argument::ULong(y.len as u64),
        ],
        groups: [parts.len(), tiling.slices, 1],
    };
    tiling.launches(context, task, y, step.scratch, accumulate)
}

/// A convolution as a product.
struct Convolution {
    form: Form,
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

/// What the kernel reads: places in A and C, in B and C, in A and B; and each group's part, as [row, rows, column,
/// columns, term, terms].
#[derive(Default)]
struct Tables {
    rows: Vec<[u32; 2]>,
    columns: Vec<[u32; 2]>,
    terms: Vec<[u32; 2]>,
    parts: Vec<[u32; 6]>,
}

impl Convolution {
    fn new(form: Form, sizes: &ConvSizes) -> Self {
        let ConvSizes { batch, channels, height, width, filters, kernel, out, .. } = *sizes;
        let [pixels, taps, windows] = [height * width, kernel[0] * kernel[1], out[0] * out[1]];
        // The strides of n, o and c, and a plane's width.
        let x = ([channels * pixels, 0, pixels], width);
        let w = ([0, channels * taps, taps], kernel[1]);
        let g = ([filters * windows, windows, 0], out[1]);
        let ([a, b, c], [rows, columns, terms]) = match form {
            Form::Forward => ([w, x, g], [1, 0, 2]),
            Form::Input => ([w, g, x], [2, 0, 1]),
            Form::Filter => ([g, x, w], [1, 2, 0]),
        };
        let index = |i: usize| Index { count: [batch, filters, channels][i], a: a.0[i], b: b.0[i], c: c.0[i] };
        let [down, across] = [0, 1].map(|axis| Region::along(form, sizes, axis));
        let regions = down.iter().flat_map(|down| across.iter().map(|across| down.times(across, [a.1, b.1, c.1])));
        Convolution {
            form,
            rows: index(rows),
            columns: index(columns),
            terms: index(terms),
            regions: regions.collect(),
        }
    }

    /// Elements of the result.
    fn results(&self) -> usize {
        self.rows.count * self.columns.count * self.regions.iter().map(|region| region.results.len()).sum::<usize>()
    }

    /// Whether it is computed as Cᵀ = Bᵀ·Aᵀ. A CPU packs B's columns, for as many rows as there are: that pays more if the
    /// rows are the many places and the columns, which fill vectors, the channels.
    fn is_swapped(&self, facts: &Facts) -> bool {
        facts.kind == Kind::Cpu && self.form != Form::Filter && self.rows.count >= facts.vector_width
    }

    fn tiling(&self, facts: &Facts) -> Tiling {
        let places = |region: &Region| self.columns.count * region.results.len();
        let largest = self.regions.iter().max_by_key(|region| places(region) * region.terms.len());
        let most_places = largest.map_or(0, places);
        let terms = self.regions.iter().map(|region| region.terms.len()).max().unwrap_or(0);
        let (channels, terms) = (self.rows.count, self.terms.count * terms);
        if self.is_swapped(facts) {
            let extents = Extents { rows: most_places, columns: channels, terms };
            Tiling::choose(facts, extents, |width| self.regions.len() * channels.div_ceil(width))
        } else {
            let extents = Extents { rows: channels, columns: most_places, terms };
            Tiling::choose(facts, extents, |width| {
                self.regions.iter().map(|region| places(region).div_ceil(width)).sum()
            })
        }
    }

    /// The tables for a tiling. Parts stay in the order of the image, where those with many terms and with few alternate: a
    /// CPU's driver deals them out by halves, and each half should take as long.
    fn tables(&self, tiling: &Tiling, swapped: bool) -> Tables {
        let Convolution { rows, columns, terms, .. } = self;
        let mut tables = Tables::default();
        tables.rows.extend((0..rows.count).map(|i| [i * rows.a, i * rows.c].map(narrow)));
        let [channels_at_once, places_at_once] =
            if swapped { [tiling.columns, tiling.block] } else { [tiling.block, tiling.columns] };
        for region in &self.regions {
            let [first_term, first_place] = [tables.terms.len(), tables.columns.len()];
            for i in 0..terms.count {
                let places = region.terms.iter().map(|[a, b]| [i * terms.a + a, i * terms.b + b]);
                tables.terms.extend(places.map(|place| place.map(narrow)));
            }
            for i in 0..columns.count {
                let places = region.results.iter().map(|[b, c]| [i * columns.b + b, i * columns.c + c]);
                tables.columns.extend(places.map(|place| place.map(narrow)));
            }
            let [term_count, end] = [tables.terms.len() - first_term, tables.columns.len()];
            for place in (first_place..end).step_by(places_at_once) {
                for channel in (0..rows.count).step_by(channels_at_once) {
                    let [channels, places] =
                        [channels_at_once.min(rows.count - channel), places_at_once.min(end - place)];
                    let part = if swapped {
                        [place, places, channel, channels, first_term, term_count]
                    } else {
                        [channel, channels, place, places, first_term, term_count]
                    };
                    tables.parts.push(part.map(narrow));
                }
            }
        }
        if swapped {
            std::mem::swap(&mut tables.rows, &mut tables.columns);
            tables.terms.iter_mut().for_each(|term| term.reverse());
        }
        tables
    }
}

impl Region {
    /// The regions along one axis, where a place is a coordinate.
    fn along(form: Form, sizes: &ConvSizes, axis: usize) -> Vec<Region> {
        let pixels = [sizes.height, sizes.width][axis];
        let [windows, taps] = [sizes.out[axis], sizes.kernel[axis]];
        let mut sums = vec![Vec::new(); [windows, pixels, taps][form as usize]];
        for (window, tap) in (0..windows).flat_map(|window| (0..taps).map(move |tap| (window, tap))) {
            let pixel = (window * sizes.stride[axis] + tap).checked_sub(sizes.padding[axis]);
            let Some(pixel) = pixel.filter(|&pixel| pixel < pixels) else { continue };
            let (result, term) = match form {
                Form::Forward => (window, [tap, pixel]),
                Form::Input => (pixel, [tap, window]),
                Form::Filter => (tap, [window, pixel]),
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
