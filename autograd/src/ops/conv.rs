//! Two-dimensional convolution and its two gradients: three views of one trilinear form.
//!
//! With images `x` [N, C, H, W], filters `w` [O, C, kh, kw] and output gradients `g` [N, O, H', W'],
//!
//! ```text
//! form(x, w, g) = Σ x[n, c, i·stride + a − padding, j·stride + b − padding] · w[o, c, a, b] · g[n, o, i, j]
//! ```
//!
//! summed over every index, out-of-range pixels being zero. [`Conv2d`] is its derivative with respect to g,
//! [`Conv2dInput`] with respect to x (which is the transposed convolution), [`Conv2dFilter`] with respect to w. Since the
//! form is linear in each argument, the derivative of each of the three is given by the other two, and so on at any order.
//! (As everywhere in deep learning, this is cross-correlation: the filter is not flipped.)

use std::fmt;

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Shape, Tensor};

/// The geometry of a convolution: [vertical, horizontal].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Zeros assumed around the image on each side.
    pub padding: [usize; 2],
}

impl Conv {
    /// The same stride and padding both ways.
    pub fn square(stride: usize, padding: usize) -> Self {
        Conv { stride: [stride; 2], padding: [padding; 2] }
    }

    /// Number of windows along an axis, or None where not even one fits, or the window or the stride is 0.
    pub(super) fn windows(&self, axis: usize, image: usize, kernel: usize) -> Option<usize> {
        let padded = self.padding[axis].checked_mul(2)?.checked_add(image)?;
        let room = padded.checked_sub(kernel).filter(|_| kernel > 0)?;
        room.checked_div(self.stride[axis]).map(|steps| steps + 1)
    }
}

impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stride={:?} padding={:?}", self.stride, self.padding)
    }
}

/// All the extents of a convolution, whichever of the three views of the form is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvSizes {
    /// Number of images, N.
    pub batch: usize,
    /// Channels of an image, C.
    pub channels: usize,
    /// Height of an image, H.
    pub height: usize,
    /// Width of an image, W.
    pub width: usize,
    /// Number of filters, O.
    pub filters: usize,
    /// Extents of a filter, [kh, kw].
    pub kernel: [usize; 2],
    /// Number of windows, [H', W'].
    pub out: [usize; 2],
    /// Pixels from one window to the next.
    pub stride: [usize; 2],
    /// Zeros assumed around the image on each side.
    pub padding: [usize; 2],
}

impl ConvSizes {
    /// The extents, from the shapes of images, filters and results that fit each other.
    pub fn new(conv: Conv, x: &Shape, w: &Shape, y: &Shape) -> Self {
        ConvSizes {
            batch: x[0],
            channels: x[1],
            height: x[2],
            width: x[3],
            filters: w[0],
            kernel: [w[2], w[3]],
            out: [y[2], y[3]],
            stride: conv.stride,
            padding: conv.padding,
        }
    }

    /// The definition: calls `f` with the indices into x, w and g of every product that is added up. The padding has none.
    pub fn for_each_term(&self, mut f: impl FnMut(usize, usize, usize)) {
        let &ConvSizes { batch, channels, height, width, filters, kernel: [kh, kw], out, stride, padding } = self;
        for (n, o, c) in (0..batch).flat_map(|n| (0..filters).flat_map(move |o| (0..channels).map(move |c| (n, o, c))))
        {
            for (i, j) in (0..out[0]).flat_map(|i| (0..out[1]).map(move |j| (i, j))) {
                for (a, b) in (0..kh).flat_map(|a| (0..kw).map(move |b| (a, b))) {
                    let row = (i * stride[0] + a).checked_sub(padding[0]).filter(|&row| row < height);
                    let column = (j * stride[1] + b).checked_sub(padding[1]).filter(|&column| column < width);
                    if let (Some(row), Some(column)) = (row, column) {
                        let x = ((n * channels + c) * height + row) * width + column;
                        let w = ((o * channels + c) * kh + a) * kw + b;
                        f(x, w, ((n * filters + o) * out[0] + i) * out[1] + j);
                    }
                }
            }
        }
    }
}

impl fmt::Display for ConvSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConvSizes { batch, channels, height, width, filters, kernel: [kh, kw], out: [rows, columns], .. } = self;
        write!(f, "{batch}×{channels}×{height}×{width} ∗ {kh}×{kw} ↔ {filters}×{rows}×{columns}")
    }
}

/// `x` [N, C, H, W], `w` [O, C, kh, kw] → `y` [N, O, H', W'].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d(pub Conv);

/// `g` [N, O, H', W'], `w` [O, C, kh, kw] → the gradient with respect to `x`, [N, C, H, W].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dInput {
    /// The geometry of the convolution it belongs to.
    pub conv: Conv,
    /// [H, W].
    pub image: [usize; 2],
}

/// `x` [N, C, H, W], `g` [N, O, H', W'] → the gradient with respect to `w`, [O, C, kh, kw].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dFilter {
    /// The geometry of the convolution it belongs to.
    pub conv: Conv,
    /// [kh, kw].
    pub kernel: [usize; 2],
}

/// The shape of `y`, if `x` and `w` fit.
fn output(conv: &Conv, x: &Shape, w: &Shape) -> Result<Shape, String> {
    let (&[n, c, height, width], &[o, channels, kh, kw]) = (&**x, &**w) else {
        return Err("images need four axes [N, C, H, W] and filters four [O, C, kh, kw]".into());
    };
    if c != channels {
        return Err(format!("the images have {c} channels, the filters {channels}"));
    }
    match (conv.windows(0, height, kh), conv.windows(1, width, kw)) {
        (Some(rows), Some(columns)) => Ok([n, o, rows, columns].into()),
        _ => Err(format!("no {kh}×{kw} window fits a {height}×{width} image ({conv})")),
    }
}

impl Operation for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        output(&self.0, inputs[0], inputs[1])
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let (x, w, mut y) = (inputs[0], inputs[1], Tensor::zeros(shape));
        let sizes = ConvSizes::new(self.0, x.shape(), w.shape(), shape);
        sizes.for_each_term(|i, j, k| y.data_mut()[k] += x.data()[i] * w.data()[j]);
        y
    }

    fn vjp<'t>(&self, input: usize, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        match input {
            0 => g.conv2d_input(x[1], self.0, spatial(x[0])),
            _ => x[0].conv2d_filter(g, self.0, spatial(x[1])),
        }
    }
}

impl Operation for Conv2dInput {
    fn name(&self) -> &'static str {
        "conv2d_input"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let (g, w) = (inputs[0], inputs[1]);
        if g.rank() != 4 || w.rank() != 4 {
            return Err("gradients need four axes [N, O, H', W'] and filters four [O, C, kh, kw]".into());
        }
        let x = Shape::from([g[0], w[1], self.image[0], self.image[1]]);
        match output(&self.conv, &x, w)? {
            expected if expected == *g => Ok(x),
            expected => Err(format!("images of shape {x} would give {expected}")),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let (g, w, mut x) = (inputs[0], inputs[1], Tensor::zeros(shape));
        let sizes = ConvSizes::new(self.conv, shape, w.shape(), g.shape());
        sizes.for_each_term(|i, j, k| x.data_mut()[i] += g.data()[k] * w.data()[j]);
        x
    }

    fn vjp<'t>(&self, input: usize, u: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        match input {
            0 => u.conv2d(x[1], self.conv),
            _ => u.conv2d_filter(x[0], self.conv, spatial(x[1])),
        }
    }
}

impl Operation for Conv2dFilter {
    fn name(&self) -> &'static str {
        "conv2d_filter"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let (x, g) = (inputs[0], inputs[1]);
        if x.rank() != 4 || g.rank() != 4 {
            return Err("images need four axes [N, C, H, W] and gradients four [N, O, H', W']".into());
        }
        let w = Shape::from([g[1], x[1], self.kernel[0], self.kernel[1]]);
        match output(&self.conv, x, &w)? {
            expected if expected == *g => Ok(w),
            expected => Err(format!("filters of shape {w} would give {expected}")),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let (x, g, mut w) = (inputs[0], inputs[1], Tensor::zeros(shape));
        let sizes = ConvSizes::new(self.conv, x.shape(), shape, g.shape());
        sizes.for_each_term(|i, j, k| w.data_mut()[j] += x.data()[i] * g.data()[k]);
        w
    }

    fn vjp<'t>(&self, input: usize, u: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        match input {
            0 => x[1].conv2d_input(u, self.conv, spatial(x[0])),
            _ => x[0].conv2d(u, self.conv),
        }
    }
}

fn spatial(x: Var) -> [usize; 2] {
    let shape = x.shape();
    [shape[2], shape[3]]
}

impl<'t> Var<'t> {
    /// Convolves images [N, C, H, W] with filters [O, C, kh, kw]: [N, O, H', W'] with
    /// H' = (H + 2·padding − kh) / stride + 1, rounded down. Sides that differ in their zeros are [`pad`](Var::pad)ded before;
    /// see also [`dilate`](Var::dilate) and [`conv2d_groups`](Var::conv2d_groups).
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let row = tape.constant(&Tensor::new([1, 1, 1, 4], vec![1.0, 4.0, 9.0, 16.0])?);
    /// let difference = tape.constant(&Tensor::new([1, 1, 1, 2], vec![-1.0, 1.0])?);
    /// assert_eq!(row.conv2d(difference, Conv::square(1, 0)).value().data(), [3.0, 5.0, 7.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d(self, filters: Var<'t>, conv: Conv) -> Var<'t> {
        self.tape().record(Op::Conv2d(Conv2d(conv)), &[self, filters])
    }

    /// The gradient of a convolution with respect to its images of extents `image`; self is the gradient [N, O, H', W']
    /// with respect to its result.
    #[track_caller]
    pub fn conv2d_input(self, filters: Var<'t>, conv: Conv, image: [usize; 2]) -> Var<'t> {
        self.tape().record(Op::Conv2dInput(Conv2dInput { conv, image }), &[self, filters])
    }

    /// The gradient of a convolution of these images with respect to filters of extents `kernel`; `gradient`
    /// [N, O, H', W'] is the gradient with respect to its result.
    #[track_caller]
    pub fn conv2d_filter(self, gradient: Var<'t>, conv: Conv, kernel: [usize; 2]) -> Var<'t> {
        self.tape().record(Op::Conv2dFilter(Conv2dFilter { conv, kernel }), &[self, gradient])
    }

    /// Transposed convolution of [N, C, H, W] with filters [C, O, kh, kw] (PyTorch's layout): [N, O, H', W'] with
    /// H' = (H − 1)·stride − 2·padding + kh + output_padding.
    ///
    /// ```
    /// use autograd::{Tape, ops::Conv};
    /// let tape = Tape::new();
    /// let (x, filters) = (tape.zeros([50, 128, 7, 7]), tape.zeros([128, 64, 5, 5]));
    /// assert_eq!(x.conv_transpose2d(filters, Conv::square(2, 2), 1).shape(), [50, 64, 14, 14].into());
    /// ```
    ///
    /// # Panics
    /// If a shape does not fit, or the output padding is not smaller than the stride.
    #[track_caller]
    pub fn conv_transpose2d(self, filters: Var<'t>, conv: Conv, output_padding: usize) -> Var<'t> {
        let (x, w) = (self.shape(), filters.shape());
        let reason = if x.rank() != 4 || w.rank() != 4 {
            Some(format!("needs four axes on both sides, shapes {x} and {w}"))
        } else if x[1] != w[0] {
            Some(format!("the images have {} channels, the filters {} (shapes {x}, {w})", x[1], w[0]))
        } else if conv.stride.iter().any(|&stride| output_padding >= stride) {
            let stride = conv.stride;
            Some(format!("the output padding {output_padding} must be smaller than the stride {stride:?}"))
        } else {
            None
        };
        if let Some(reason) = reason {
            self.tape().refuse(&format!("conv_transpose2d: {reason}"));
        }
        let extent = |axis: usize| {
            let steps = x[axis + 2].checked_sub(1)?;
            (steps * conv.stride[axis] + w[axis + 2] + output_padding).checked_sub(2 * conv.padding[axis])
        };
        match (extent(0), extent(1)) {
            (Some(height), Some(width)) => self.conv2d_input(filters, conv, [height, width]),
            _ => {
                let padding = conv.padding;
                self.tape()
                    .refuse(&format!("conv_transpose2d: nothing is left of shape {x} after a padding of {padding:?}"))
            }
        }
    }
}
