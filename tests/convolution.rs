//! Convolution and its two gradients against loops written here, and the identity that makes them one thing.
//!
//! The loops copy the definition as the textbooks have it: pad the image, slide the window. They share neither code nor
//! index arithmetic with the crate's.

mod support;

use autograd::ops::Conv;
use autograd::{Shape, Tape, Tensor, Var};
use proptest::prelude::*;
use support::{assert_close, draw, panic_of};

/// A convolution to be tested: batch, channels in and out, and per axis the image's extent, the window's, the stride
/// and the padding.
#[derive(Clone, Copy, Debug)]
struct Case {
    batch: usize,
    channels: [usize; 2],
    image: [usize; 2],
    kernel: [usize; 2],
    conv: Conv,
}

impl Case {
    /// H' = ⌊(H + 2·padding − kh) / stride⌋ + 1.
    fn windows(&self) -> [usize; 2] {
        [0, 1].map(|i| (self.image[i] + 2 * self.conv.padding[i] - self.kernel[i]) / self.conv.stride[i] + 1)
    }

    fn shapes(&self) -> [Shape; 3] {
        let ([inputs, outputs], [height, width], [kh, kw], [rows, columns]) =
            (self.channels, self.image, self.kernel, self.windows());
        [
            [self.batch, inputs, height, width].into(),
            [outputs, inputs, kh, kw].into(),
            [self.batch, outputs, rows, columns].into(),
        ]
    }

    /// Images, filters, gradients with respect to the result.
    fn draw(&self) -> [Tensor<f64>; 3] {
        let [x, w, g] = self.shapes();
        [draw("x", x), draw("w", w), draw("g", g)]
    }
}

/// A four-dimensional array, zero wherever it was not written.
struct Grid {
    shape: [usize; 4],
    data: Vec<f64>,
}

impl Grid {
    fn zeros(shape: [usize; 4]) -> Self {
        Grid { shape, data: vec![0.0; shape.iter().product()] }
    }

    fn of(x: &Tensor<f64>) -> Self {
        Grid { shape: (&**x.shape()).try_into().expect("four axes"), data: x.data().to_vec() }
    }

    fn at(&mut self, [n, c, i, j]: [usize; 4]) -> &mut f64 {
        let [_, channels, height, width] = self.shape;
        &mut self.data[((n * channels + c) * height + i) * width + j]
    }

    /// With a border of zeros.
    fn padded(mut self, [vertical, horizontal]: [usize; 2]) -> Grid {
        let [n, c, height, width] = self.shape;
        let mut result = Grid::zeros([n, c, height + 2 * vertical, width + 2 * horizontal]);
        for index in indices(self.shape) {
            let [n, c, i, j] = index;
            *result.at([n, c, i + vertical, j + horizontal]) = *self.at(index);
        }
        result
    }

    /// Without the border.
    fn cropped(mut self, [vertical, horizontal]: [usize; 2]) -> Grid {
        let [n, c, height, width] = self.shape;
        let mut result = Grid::zeros([n, c, height - 2 * vertical, width - 2 * horizontal]);
        for index in indices(result.shape) {
            let [n, c, i, j] = index;
            *result.at(index) = *self.at([n, c, i + vertical, j + horizontal]);
        }
        result
    }

    fn tensor(self) -> Tensor<f64> {
        Tensor::new(self.shape, self.data).expect("as many elements")
    }
}

fn indices([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
    (0..a * b * c * d).map(move |i| [i / (b * c * d), i / (c * d) % b, i / d % c, i % d])
}

/// Calls `f` with the indices into padded image, filter and result of every product that a convolution adds up.
fn slide(case: &Case, mut f: impl FnMut([usize; 4], [usize; 4], [usize; 4])) {
    let [rows, columns] = case.windows();
    for [n, o, i, j] in indices([case.batch, case.channels[1], rows, columns]) {
        for [_, c, a, b] in indices([1, case.channels[0], case.kernel[0], case.kernel[1]]) {
            f([n, c, i * case.conv.stride[0] + a, j * case.conv.stride[1] + b], [o, c, a, b], [n, o, i, j]);
        }
    }
}

fn naive_conv2d(case: &Case, x: &Tensor<f64>, w: &Tensor<f64>) -> Tensor<f64> {
    let (mut x, mut w) = (Grid::of(x).padded(case.conv.padding), Grid::of(w));
    let [rows, columns] = case.windows();
    let mut y = Grid::zeros([case.batch, case.channels[1], rows, columns]);
    slide(case, |at_x, at_w, at_y| *y.at(at_y) += *x.at(at_x) * *w.at(at_w));
    y.tensor()
}

fn naive_input_gradient(case: &Case, g: &Tensor<f64>, w: &Tensor<f64>) -> Tensor<f64> {
    let (mut g, mut w) = (Grid::of(g), Grid::of(w));
    let [height, width] = [0, 1].map(|i| case.image[i] + 2 * case.conv.padding[i]);
    let mut x = Grid::zeros([case.batch, case.channels[0], height, width]);
    slide(case, |at_x, at_w, at_y| *x.at(at_x) += *g.at(at_y) * *w.at(at_w));
    x.cropped(case.conv.padding).tensor()
}

fn naive_filter_gradient(case: &Case, x: &Tensor<f64>, g: &Tensor<f64>) -> Tensor<f64> {
    let (mut x, mut g) = (Grid::of(x).padded(case.conv.padding), Grid::of(g));
    let mut w = Grid::zeros([case.channels[1], case.channels[0], case.kernel[0], case.kernel[1]]);
    slide(case, |at_x, at_w, at_y| *w.at(at_w) += *x.at(at_x) * *g.at(at_y));
    w.tensor()
}

/// Sizes along one axis: image, window, stride, padding, such that a window fits.
fn axis() -> impl Strategy<Value = [usize; 4]> {
    (1usize..=9, 1usize..=5, 1usize..=3, 0usize..=2)
        .prop_filter("a window fits", |(image, kernel, _, padding)| image + 2 * padding >= *kernel)
        .prop_map(|(image, kernel, stride, padding)| [image, kernel, stride, padding])
}

fn cases() -> impl Strategy<Value = Case> {
    (1usize..=2, 1usize..=3, 1usize..=3, axis(), axis()).prop_map(|(batch, inputs, outputs, v, h)| Case {
        batch,
        channels: [inputs, outputs],
        image: [v[0], h[0]],
        kernel: [v[1], h[1]],
        conv: Conv { stride: [v[2], h[2]], padding: [v[3], h[3]] },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_three_operations_are_what_the_loops_say(case in cases()) {
        let [x, w, g] = case.draw();
        let tape = Tape::new();
        let [x_var, w_var, g_var] = [&x, &w, &g].map(|t| tape.constant(t));
        assert_close(&x_var.conv2d(w_var, case.conv).value(), &naive_conv2d(&case, &x, &w), 1e-13);
        let by_input = g_var.conv2d_input(w_var, case.conv, case.image).value();
        assert_close(&by_input, &naive_input_gradient(&case, &g, &w), 1e-13);
        let by_filter = x_var.conv2d_filter(g_var, case.conv, case.kernel).value();
        assert_close(&by_filter, &naive_filter_gradient(&case, &x, &g), 1e-13);
    }

    /// form(x, w, g) = ⟨conv(x, w), g⟩ = ⟨x, input gradient(g, w)⟩ = ⟨w, filter gradient(x, g)⟩.
    #[test]
    fn the_three_operations_are_one_trilinear_form(case in cases()) {
        let tape = Tape::new();
        let [x, w, g] = case.draw().map(|t| tape.constant(&t));
        let inner = |a: Var, b: Var| a.value().data().iter().zip(b.value().data()).map(|(a, b)| a * b).sum::<f64>();
        let by_output = inner(x.conv2d(w, case.conv), g);
        let by_input = inner(g.conv2d_input(w, case.conv, case.image), x);
        let by_filter = inner(x.conv2d_filter(g, case.conv, case.kernel), w);
        prop_assert!((by_output - by_input).abs() < 1e-12 && (by_output - by_filter).abs() < 1e-12);
    }

    /// The transposed convolution is the input gradient whose image has the size PyTorch's formula gives.
    #[test]
    fn a_transposed_convolution_undoes_the_sizes(case in cases(), extra in 0usize..3) {
        let windows = case.windows();
        let whole = [0, 1].map(|i| (windows[i] - 1) * case.conv.stride[i] + case.kernel[i] + extra);
        prop_assume!([0, 1].iter().all(|&i| extra < case.conv.stride[i] && whole[i] > 2 * case.conv.padding[i]));
        let image = [0, 1].map(|i| whole[i] - 2 * case.conv.padding[i]);
        let tape = Tape::new();
        let [_, w, g] = case.draw();
        let result = tape.constant(&g).conv_transpose2d(tape.constant(&w), case.conv, extra).value();
        assert_eq!(result.shape(), &Shape::from([case.batch, case.channels[0], image[0], image[1]]));
        assert_close(&result, &naive_input_gradient(&Case { image, ..case }, &g, &w), 1e-13);
    }
}

/// The extents of the MNIST DCGAN, critic and generator: 28 → 14 → 7 → 4 and 4 → 8, 7 → 14 → 28.
#[test]
fn the_sizes_of_the_mnist_networks() {
    let tape = Tape::new();
    let (conv, filter) = (Conv::square(2, 2), tape.zeros([1, 1, 5, 5]));
    let image = |extent: usize| tape.zeros([1, 1, extent, extent]);
    for (from, to) in [(28, 14), (14, 7), (7, 4)] {
        assert_eq!(image(from).conv2d(filter, conv).shape(), [1, 1, to, to].into());
    }
    for (from, to) in [(4, 8), (7, 14), (14, 28)] {
        assert_eq!(image(from).conv_transpose2d(filter, conv, 1).shape(), [1, 1, to, to].into());
    }
}

/// Worked by hand: a 1×1 image stamps its filter; two neighbours at stride 2 overlap in the middle column, and output
/// padding adds a column that nothing reaches.
#[test]
fn a_transposed_convolution_stamps_the_filter() {
    let tape = Tape::new();
    let row = |values: &[f64]| tape.constant(&Tensor::new([1, 1, 1, values.len()], values.to_vec()).expect("one row"));
    let filter = row(&[1.0, 10.0, 100.0]);
    let stride_2 = Conv { stride: [1, 2], padding: [0, 0] };
    assert_eq!(row(&[2.0]).conv_transpose2d(filter, stride_2, 0).value().data(), [2.0, 20.0, 200.0]);
    let overlap = row(&[2.0, 3.0]).conv_transpose2d(filter, stride_2, 0);
    assert_eq!(overlap.value().data(), [2.0, 20.0, 203.0, 30.0, 300.0]);
    let cropped = row(&[2.0, 3.0]).conv_transpose2d(filter, Conv { padding: [0, 1], ..stride_2 }, 0);
    assert_eq!(cropped.value().data(), [20.0, 203.0, 30.0]);
}

#[test]
fn output_padding_adds_rows_that_the_stride_leaves_open() {
    let tape = Tape::new();
    let (x, w) = (
        tape.constant(&Tensor::<f64>::full([1, 1, 2, 2], 1.0)),
        tape.constant(&Tensor::<f64>::full([1, 1, 1, 1], 1.0)),
    );
    let y = x.conv_transpose2d(w, Conv::square(2, 0), 1).value();
    #[rustfmt::skip]
    let expected = [
        1.0, 0.0, 1.0, 0.0,
        0.0, 0.0, 0.0, 0.0,
        1.0, 0.0, 1.0, 0.0,
        0.0, 0.0, 0.0, 0.0,
    ];
    assert_eq!(y.data(), expected);
    let refused = panic_of(|| x.conv_transpose2d(w, Conv::square(2, 0), 2));
    assert!(refused.message.contains("output padding 2 must be smaller than the stride [2, 2]"), "{refused:?}");
    let refused = panic_of(|| tape.zeros([1, 1, 0, 2]).conv_transpose2d(w, Conv::square(2, 0), 0));
    assert!(refused.message.contains("nothing is left of shape [1, 1, 0, 2]"), "{refused:?}");
}
