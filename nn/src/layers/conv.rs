//! Convolutional layers, and transposed ones, on images `[B, C, H, W]` with square kernels.

use autograd::ops::Conv;
use autograd::{Var, Variable};

use super::spectral::Weight;
use super::{part, weight_and_bias};
use crate::{Init, Mode, Module, Rng};

/// Convolution: `[B, C, H, W]` → `[B, O, H', W']` with H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1, `weight`
/// `[O, C, kernel, kernel]`, `bias` `[O]`.
///
/// ```
/// use autograd::{Shape, Tape, ops::Conv};
/// use nn::{Init, Mode, Module, Rng, layers::Conv2d};
/// let layer = Conv2d::new("0", 1, 64, 5, Conv::square(2, 2), Init::FanIn, &mut Rng::new(0, "weights"));
/// let tape = Tape::new();
/// let images = tape.input("images", [50, 1, 28, 28]);
/// assert_eq!(layer.forward(images, Mode::Train).shape(), Shape::from([50, 64, 14, 14]));
/// ```
pub struct Conv2d {
    weight: Weight,
    bias: Option<Variable>,
    conv: Conv,
    dilation: [usize; 2],
    groups: usize,
    scale: Scale,
}

/// How large the images are that a convolution is of, or what it makes of them.
enum Scale {
    Same,
    Halved,
    Doubled,
}

impl Conv2d {
    /// A layer whose Variables are `{name}.weight` and `{name}.bias`; `conv` is its stride and padding.
    #[track_caller]
    pub fn new(
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        conv: Conv,
        init: Init,
        rng: &mut Rng,
    ) -> Self {
        let (weight, bias) = weight_and_bias(name, [outputs, inputs, kernel, kernel], outputs, init, rng);
        Conv2d { weight: Weight::plain(weight), bias, conv, dilation: [1; 2], groups: 1, scale: Scale::Same }
    }

    /// The layer with its weight, taken as a matrix `[O, C·kernel·kernel]`, divided by its largest singular value; see
    /// [`Linear::spectral`](super::Linear::spectral). That norm is not the convolution's own: where windows overlap, the
    /// layer may stretch a vector up to ⌈kernel/stride⌉ times, since so many windows in each direction read a pixel.
    #[track_caller]
    pub fn spectral(self, rng: &mut Rng) -> Self {
        Conv2d { weight: self.weight.spectral(rng), ..self }
    }

    /// The layer with the taps of its filters so far apart, vertically and horizontally.
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        Conv2d { dilation, ..self }
    }

    /// The layer on so many groups of channels, each with filters of its own: of `inputs` channels, as [`new`](Conv2d::new) was
    /// told, so that the images have `groups · inputs`.
    pub fn groups(self, groups: usize) -> Self {
        Conv2d { groups, ..self }
    }

    /// The layer, of stride 1, with means of squares of 2×2 pixels behind it, as [`Pool2d::Avg`](super::Pool2d::Avg) takes them:
    /// [`conv2d_halved`](Var::conv2d_halved), which computes fewer products.
    pub fn halving(self) -> Self {
        Conv2d { scale: Scale::Halved, ..self }
    }

    /// The layer, of stride 1, on images that are doubled before, as by [`Upsample`](super::Upsample):
    /// [`conv2d_doubled`](Var::conv2d_doubled), which computes fewer products.
    pub fn doubling(self) -> Self {
        Conv2d { scale: Scale::Doubled, ..self }
    }

    /// The layer without its bias.
    pub fn without_bias(self) -> Self {
        Conv2d { bias: None, ..self }
    }
}

impl Module for Conv2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        x.tape().within(&part("Conv2d", &self.weight.variable()), || {
            let weight = self.weight.read(x.tape(), mode);
            let filters = if self.dilation == [1; 2] { weight } else { weight.dilate(self.dilation) };
            if !matches!(self.scale, Scale::Same) && self.conv.stride != [1; 2] {
                x.tape().refuse("what is halved or doubled has stride 1");
            }
            let y = match (&self.scale, self.groups) {
                (Scale::Same, 1) => x.conv2d(filters, self.conv), // [B, O, H', W']
                (Scale::Same, groups) => x.conv2d_groups(filters, self.conv, groups),
                (Scale::Halved, _) => x.conv2d_halved(filters, self.conv.padding), //   [B, O, H'/2, W'/2]
                (Scale::Doubled, _) => x.conv2d_doubled(filters, self.conv.padding), // [B, O, 2·H', 2·W']
            };
            add_to_channels(y, self.bias.as_ref())
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        [self.weight.variable()].into_iter().chain(self.bias.clone()).collect()
    }

    fn buffers(&self) -> Vec<Variable> {
        self.weight.buffers()
    }
}

/// Transposed convolution: `[B, C, H, W]` → `[B, O, H', W']` with
/// H' = (H − 1)·stride − 2·padding + kernel + output_padding, `weight` `[C, O, kernel, kernel]`, `bias` `[O]`.
///
/// ```
/// use autograd::{Shape, Tape, ops::Conv};
/// use nn::{Init, Mode, Module, Rng, layers::ConvTranspose2d};
/// let layer = ConvTranspose2d::new("0", 256, 128, 5, Conv::square(2, 2), Init::FanIn, &mut Rng::new(0, "weights"))
///     .output_padding(1);
/// let tape = Tape::new();
/// let x = tape.input("x", [50, 256, 4, 4]);
/// assert_eq!(layer.forward(x, Mode::Train).shape(), Shape::from([50, 128, 8, 8]));
/// ```
pub struct ConvTranspose2d {
    weight: Variable,
    bias: Option<Variable>,
    conv: Conv,
    output_padding: usize,
}

impl ConvTranspose2d {
    /// A layer whose Variables are `{name}.weight` and `{name}.bias`; `conv` is its stride and padding.
    #[track_caller]
    pub fn new(
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        conv: Conv,
        init: Init,
        rng: &mut Rng,
    ) -> Self {
        let (weight, bias) = weight_and_bias(name, [inputs, outputs, kernel, kernel], outputs, init, rng);
        ConvTranspose2d { weight, bias, conv, output_padding: 0 }
    }

    /// The number of rows and columns added at the lower right, smaller than the stride; 0 if not set. It chooses among
    /// the sizes that a convolution would round down to the same one.
    pub fn output_padding(self, output_padding: usize) -> Self {
        ConvTranspose2d { output_padding, ..self }
    }

    /// The layer without its bias.
    pub fn without_bias(self) -> Self {
        ConvTranspose2d { bias: None, ..self }
    }
}

impl Module for ConvTranspose2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.tape().within(&part("ConvTranspose2d", &self.weight), || {
            let weight = x.tape().variable(&self.weight);
            let y = x.conv_transpose2d(weight, self.conv, self.output_padding); // [B, O, H', W']
            add_to_channels(y, self.bias.as_ref())
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        [self.weight.clone()].into_iter().chain(self.bias.clone()).collect()
    }
}

/// Adds one number to each channel of images `[B, O, H, W]`.
#[track_caller]
fn add_to_channels<'t>(y: Var<'t>, bias: Option<&Variable>) -> Var<'t> {
    match bias {
        Some(bias) => y + y.tape().variable(bias).restore_axes(&[0, 2, 3], &y.shape()),
        None => y,
    }
}
