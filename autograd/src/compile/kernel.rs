//! The kernels that a device must know: what remains of the operations when shapes, views and fusion are resolved.
//!
//! Every value is a contiguous row-major buffer. A [`Step`](super::plan::Step) names the buffers a kernel reads and writes.

use std::fmt;

use crate::Shape;
use crate::ops::{ByteTable, ConvSizes, Elementwise, ProductSizes, Random};

/// How a strided view reads the memory of its input.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The extents of the view.
    pub shape: Shape,
    /// The element it starts at.
    pub offset: usize,
    /// The step in memory along each axis; 0 repeats.
    pub strides: Vec<usize>,
}

/// One call on a device.
#[derive(Clone, Debug, PartialEq)]
pub enum Kernel {
    /// A group of elementwise operations in one pass. Reads one buffer a load, writes one a store and one a sum.
    Fused(Fused),
    /// Lays a strided view of the buffer read out contiguously.
    Copy(View),
    /// Puts each buffer read into its box of the buffer written, over zeros: padding and concatenation.
    Assemble(Vec<View>),
    /// Reduces the middle extent of [outer, reduced, inner].
    Reduce {
        /// Sum or maximum.
        reduction: Reduction,
        /// Independent blocks.
        outer: usize,
        /// Elements reduced to one.
        reduced: usize,
        /// Contiguous results within a block.
        inner: usize,
    },
    /// Matrix products of A and B, read in this order.
    MatMul {
        /// The extents.
        sizes: ProductSizes,
        /// Whether A is stored transposed, [k, m].
        transpose_a: bool,
        /// Whether B is stored transposed, [n, k].
        transpose_b: bool,
        /// Adds onto what the buffer written holds.
        accumulate: bool,
    },
    /// Images and filters to the convolution's result.
    Conv2d(ConvSizes, Accumulate),
    /// Result gradients and filters to image gradients.
    Conv2dInput(ConvSizes, Accumulate),
    /// Images and result gradients to filter gradients.
    Conv2dFilter(ConvSizes, Accumulate),
    /// Values [rows, width] and indices to the rows that these name; NaN where there is no such row.
    Gather {
        /// Elements of a row.
        width: usize,
    },
    /// Indices to the rows of a table that these name; NaN where there is no such row.
    Lookup(ByteTable),
    /// Values [count, width] and indices to sums of rows.
    ScatterAdd {
        /// Elements of a row.
        width: usize,
    },
    /// Random numbers for the program's step.
    Random(Random),
    /// Puts the mean over all ranks in place of each element of the buffer written: one message, in which values lie that can be
    /// averaged at the same time.
    AllMean,
}

/// Whether a product adds onto what the buffer written holds.
pub type Accumulate = bool;

/// How elements are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Their sum.
    Sum,
    /// The largest; NaN wins.
    Max,
}

/// A group of elementwise operations over `count` elements. Its registers are first the loads, then the results of the
/// instructions, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Fused {
    /// Number of elements.
    pub count: usize,
    /// How each buffer is read.
    pub loads: Vec<Access>,
    /// What is computed.
    pub instructions: Vec<Instruction>,
    /// The register that goes to each buffer written.
    pub stores: Vec<usize>,
    /// Sums of registers, each to a further buffer written.
    pub sums: Vec<FusedSum>,
}

/// A sum that a fused group takes while the values are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedSum {
    /// The register summed.
    pub register: usize,
    /// Over what.
    pub over: SumOver,
}

/// The sums that a group can take: those of the elements seen as a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SumOver {
    /// Over each row of this length: one result a row. At most [`SumOver::LONGEST_ROW`].
    Row(usize),
    /// Over all rows of this length: one result a column. At most [`SumOver::LONGEST_ROW`].
    Rows(usize),
}

impl SumOver {
    /// Rows up to this length keep partial sums small.
    pub const LONGEST_ROW: usize = 2048;

    /// The sum over the middle one of [outer, reduced, inner], if a group can take it.
    pub(crate) fn of(outer: usize, reduced: usize, inner: usize) -> Option<SumOver> {
        match (outer, inner) {
            (1, 1..=Self::LONGEST_ROW) => Some(SumOver::Rows(inner)),
            (_, 1) if (1..=Self::LONGEST_ROW).contains(&reduced) => Some(SumOver::Row(reduced)),
            _ => None,
        }
    }
}

/// How a fused group reads a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Element i for element i.
    Contiguous,
    /// Through strides.
    Strided(View),
}

/// One operation of a fused group.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The operation.
    pub op: Elementwise,
    /// Where its arguments come from.
    pub arguments: Vec<Argument>,
}

/// An argument of a fused operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// The value of a register.
    Register(usize),
    /// A number.
    Constant(f32),
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kernel::Fused(fused) => {
                let names = fused.instructions.iter().map(|instruction| instruction.op.name());
                let names: Vec<&str> = names.chain(fused.sums.iter().map(|_| "sum")).collect();
                write!(f, "fused {}×({})", fused.count, names.join(" "))
            }
            Kernel::Copy(view) => write!(f, "copy {}", view.shape),
            Kernel::Assemble(parts) => write!(f, "assemble {} parts", parts.len()),
            Kernel::Reduce { reduction, outer, reduced, inner } => {
                write!(f, "{reduction:?} {outer}×({reduced})×{inner}")
            }
            Kernel::MatMul { sizes: ProductSizes { batch, m, n, k }, transpose_a, transpose_b, accumulate } => {
                let stored = |transposed: bool, rows: usize, columns: usize| match transposed {
                    false => format!("[{rows}, {columns}]"),
                    true => format!("[{columns}, {rows}]ᵀ"),
                };
                let (a, b) = (stored(*transpose_a, *m, *k), stored(*transpose_b, *k, *n));
                write!(f, "product {batch}×{a}·{b}{}", onto(accumulate))
            }
            Kernel::Conv2d(sizes, accumulate) => write!(f, "conv2d {sizes}{}", onto(accumulate)),
            Kernel::Conv2dInput(sizes, accumulate) => write!(f, "conv2d_input {sizes}{}", onto(accumulate)),
            Kernel::Conv2dFilter(sizes, accumulate) => write!(f, "conv2d_filter {sizes}{}", onto(accumulate)),
            Kernel::Gather { width } => write!(f, "gather rows of {width}"),
            Kernel::Lookup(table) => write!(f, "look up rows of {}", table.shape().without(&[0]).count()),
            Kernel::ScatterAdd { width } => write!(f, "scatter_add rows of {width}"),
            Kernel::Random(random) => write!(f, "{random}"),
            Kernel::AllMean => write!(f, "all_mean"),
        }
    }
}

fn onto(accumulate: &Accumulate) -> &'static str {
    if *accumulate { " +=" } else { "" }
}
