//! Matrix products.

use autograd::compile::plan::Step;
use autograd::ops::ProductSizes;

use crate::Error;
use crate::context::{Context, Facts};
use crate::launch::{Launch, uint};
use crate::tiling::{Extents, Task, Tiling};

const SOURCE: &str = include_str!("../kernels/product.cl");

/// Elements of scratch memory that a product wants.
pub(crate) fn scratch(facts: &Facts, sizes: &ProductSizes, transpose: [bool; 2], accumulate: bool) -> usize {
    let ProductSizes { batch, m, n, .. } = *sizes;
    match batch * m * n {
        0 => 0,
        count => Product::new(sizes, transpose).tiling(facts).scratch(count, accumulate),
    }
}

/// The launches of y = A·B, or y += A·B.
pub(crate) fn launches(
    context: &Context,
    sizes: &ProductSizes,
    transpose: [bool; 2],
    accumulate: bool,
    step: &Step,
) -> Result<Vec<Launch>, Error> {
    let y = step.writes[0];
    if y.len == 0 {
        return Ok(Vec::new());
    }
    let product = Product::new(sizes, transpose);
    let Product { batch, extents: Extents { rows, columns, terms }, a, b, c, swapped } = product;
    let tiling = product.tiling(context.facts());
    let numbers = [rows, columns, terms, tiling.block, a[0], a[1], b[0], b[1], c[0], c[1]];
    let task = Task {
        source: SOURCE,
        kernel: "product",
        operands: if swapped { [step.reads[1], step.reads[0]] } else { [step.reads[0], step.reads[1]] },
        along_terms: [a[0] != 1, b[1] != 1],
        arguments: numbers.map(uint).to_vec(),
        groups: [columns.div_ceil(tiling.columns), rows.div_ceil(tiling.block), batch * tiling.slices],
    };
    tiling.launches(context, task, y, step.scratch, accumulate)
}

/// A product as the kernels compute it, each operand with the steps in it from row to row and from column to column.
struct Product {
    batch: usize,
    extents: Extents,
    a: [usize; 2],
    b: [usize; 2],
    c: [usize; 2],
    /// Whether it is Cᵀ = Bᵀ·Aᵀ.
    swapped: bool,
}

impl Product {
    /// Columns fill vectors and lie side by side, so where there are only a few, rows and columns change places.
    fn new(sizes: &ProductSizes, [transpose_a, transpose_b]: [bool; 2]) -> Self {
        let ProductSizes { batch, m, n, k } = *sizes;
        let a = if transpose_a { [1, m] } else { [k, 1] };
        let b = if transpose_b { [1, k] } else { [n, 1] };
        let flipped = |[row, column]: [usize; 2]| [column, row];
        if n <= 4 && n < m {
            let extents = Extents { rows: n, columns: m, terms: k };
            Product { batch, extents, a: flipped(b), b: flipped(a), c: [1, n], swapped: true }
        } else {
            Product { batch, extents: Extents { rows: m, columns: n, terms: k }, a, b, c: [n, 1], swapped: false }
        }
    }

    fn tiling(&self, facts: &Facts) -> Tiling {
        Tiling::choose(facts, self.extents, |width| self.batch * self.extents.columns.div_ceil(width))
    }
}
