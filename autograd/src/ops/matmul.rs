//! Matrix products, batched over leading axes, with transposes as flags so that no rule has to move data.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// `y = A·B` over the last two axes, where A is `a` or its transpose, B is `b` or its transpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatMul {
    /// Whether A is the transpose of the first input.
    pub transpose_a: bool,
    /// Whether B is the transpose of the second input.
    pub transpose_b: bool,
}

/// The extents of a product: `batch` times `[m, k]·[k, n]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProductSizes {
    /// Number of independent products.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Extent summed over.
    pub k: usize,
}

impl MatMul {
    /// The extents, from the shapes of both inputs.
    pub fn sizes(&self, a: &Shape, b: &Shape) -> ProductSizes {
        let rank = a.rank();
        let flip =
            |transpose: bool, rows: usize, columns: usize| if transpose { (columns, rows) } else { (rows, columns) };
        let (m, k) = flip(self.transpose_a, a[rank - 2], a[rank - 1]);
        let (_, n) = flip(self.transpose_b, b[rank - 2], b[rank - 1]);
        ProductSizes { batch: a[..rank - 2].iter().product(), m, n, k }
    }

    /// (row, column) strides of A and B within one product.
    pub fn strides(&self, sizes: ProductSizes) -> [(usize, usize); 2] {
        let ProductSizes { m, n, k, .. } = sizes;
        [if self.transpose_a { (1, m) } else { (k, 1) }, if self.transpose_b { (1, k) } else { (n, 1) }]
    }
}

impl Operation for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let (a, b) = (inputs[0], inputs[1]);
        let rank = a.rank();
        if rank < 2 || b.rank() != rank || a[..rank - 2] != b[..rank - 2] {
            return Err("it takes two matrices, or two equal batches of them".into());
        }
        let inner_a = if self.transpose_a { a[rank - 2] } else { a[rank - 1] };
        let inner_b = if self.transpose_b { b[rank - 1] } else { b[rank - 2] };
        if inner_a != inner_b {
            return Err(format!("the inner extents {inner_a} and {inner_b} differ"));
        }
        let ProductSizes { m, n, .. } = self.sizes(a, b);
        Ok([&a[..rank - 2], &[m, n]].concat().into())
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let (a, b) = (inputs[0], inputs[1]);
        let sizes @ ProductSizes { m, n, k, .. } = self.sizes(a.shape(), b.shape());
        let [(a_row, a_column), (b_row, b_column)] = self.strides(sizes);
        Tensor::from_fn(shape, |i| {
            let (batch, row, column) = (i / (m * n), i / n % m, i % n);
            let a = &a.data()[batch * m * k..];
            let b = &b.data()[batch * k * n..];
            (0..k).map(|i| a[row * a_row + i * a_column] * b[i * b_row + column * b_column]).sum()
        })
    }

    /// With Y = A·B: ∂A = G·Bᵀ and ∂B = Aᵀ·G; where an input is a transpose, so is its gradient: (G·Bᵀ)ᵀ = B·Gᵀ.
    fn vjp<'t>(&self, input: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        let (a, b) = (x[0], x[1]);
        match (input, self.transpose_a, self.transpose_b) {
            (0, false, transposed) => g.product(b, false, !transposed),
            (0, true, transposed) => b.product(g, transposed, true),
            (_, transposed, false) => a.product(g, !transposed, false),
            (_, transposed, true) => g.product(a, true, transposed),
        }
    }
}

impl<'t> Var<'t> {
    /// The matrix product over the last two axes. Leading axes are batches and broadcast.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.constant(&Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0])?);
    /// let b = tape.constant(&Tensor::new([2, 1], vec![1.0, 10.0])?);
    /// assert_eq!(a.matmul(b).value().data(), [21.0, 43.0]); // [2, 1]
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If either has fewer than two axes, or the inner extents differ.
    #[track_caller]
    pub fn matmul(self, other: Var<'t>) -> Var<'t> {
        self.matmul_with(other, false, false)
    }

    /// The product with the transpose of `other`, as in a linear layer whose weight is `[out, in]`.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let (x, weight) = (tape.zeros([64, 784]), tape.zeros([512, 784]));
    /// assert_eq!(x.matmul_transposed(weight).shape(), [64, 512].into());
    /// ```
    #[track_caller]
    pub fn matmul_transposed(self, other: Var<'t>) -> Var<'t> {
        self.matmul_with(other, false, true)
    }

    /// The matrix product A·B, where each factor may be taken transposed.
    #[track_caller]
    pub fn matmul_with(self, other: Var<'t>, transpose_a: bool, transpose_b: bool) -> Var<'t> {
        let (a, b) = (self.shape(), other.shape());
        if a.rank() < 2 || b.rank() < 2 {
            self.tape().refuse(&format!("matmul: needs two axes on both sides, the shapes are {a} and {b}"));
        }
        let [rows_of_b, columns_of_b] = if transpose_b { [1, 0] } else { [0, 1] }.map(|axis| b[axis + b.rank() - 2]);
        let (rest_of_a, columns_of_a) = a.split_at(a.rank() - 1);
        if a.rank() > 2 && b.rank() == 2 && !transpose_a && *columns_of_a == [rows_of_b] {
            // One product of many rows, in place of many with one factor.
            let rows = self.reshape([rest_of_a.iter().product(), rows_of_b]);
            return rows.product(other, false, transpose_b).reshape([rest_of_a, &[columns_of_b]].concat());
        }
        let (batch_a, batch_b) = (Shape::from(&a[..a.rank() - 2]), Shape::from(&b[..b.rank() - 2]));
        let Some(batch) = batch_a.broadcast(&batch_b) else {
            let batches = format!("the batches {batch_a} and {batch_b} do not broadcast");
            self.tape().refuse(&format!("matmul: {batches} (shapes {a} and {b})"));
        };
        let whole = |shape: &Shape| Shape::from([&*batch, &shape[shape.rank() - 2..]].concat());
        self.broadcast_to(whole(&a)).product(other.broadcast_to(whole(&b)), transpose_a, transpose_b)
    }

    #[track_caller]
    fn product(self, other: Var<'t>, transpose_a: bool, transpose_b: bool) -> Var<'t> {
        self.tape().record(Op::MatMul(MatMul { transpose_a, transpose_b }), &[self, other])
    }
}
