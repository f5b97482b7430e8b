//! Convolution and its two gradients, for images `[batch, channels, height, width]` and filters `[filters, channels,
//! kh, kw]`.
//!
//! A result pixel is a sum over the filter's taps: (a source pixel's channels) · (a matrix of weights). Read so, the
//! gradient with respect to the input is the same computation with other taps (`taps`). Images are turned so that a
//! pixel's channels are neighbours, and the kernels read the source pixels where they lie: there is no `im2col` matrix
//! (Dukhan, "The indirect convolution algorithm", 2019), and taps that fall on the padding don't exist.
//!
//! Images with few channels (`planar`) and large layers (`winograd`) have methods of their own.

mod correlate;
mod filters;
mod gather;
mod kernel;
mod planar;
mod taps;
mod winograd;

use correlate::Correlation;
use gather::Gathering;
use planar::Planar;
use winograd::Winograd;

use super::for_each_chunk;
use super::scratch::with_scratch;
use super::transpose::transpose;
use crate::ops::ConvSizes;

/// Numbers of the images that are turned at a time: they take as much scratch memory.
const SCRATCH: usize = 1 << 22;

/// A convolution's taps, worked out once for many runs of it and its gradients.
pub struct Convolution(Method);

enum Method {
    /// Where an extent is 0 there is nothing to add up.
    Empty,
    /// For images with few channels.
    Planar(Planar),
    /// For all others; large layers by way of points, where their operands suit it.
    Channels { forward: Gathering, backward: Gathering, filter: Correlation, points: Option<Box<Points>> },
}

/// A large layer's convolution by way of points, and its gradients.
struct Points {
    forward: Winograd,
    gradients: Winograd,
}

impl Convolution {
    /// Works the taps out.
    pub fn new(sizes: ConvSizes) -> Self {
        let ConvSizes { batch, channels, height, width, filters, .. } = sizes;
        if [batch, channels, height, width, filters].contains(&0) {
            return Convolution(Method::Empty);
        }
        let few = || Planar::new(sizes).map(Method::Planar);
        Convolution(few().unwrap_or_else(|| Method::channels(sizes)))
    }

    /// `y` (+)= the convolution of the images `x` with the filters `w`.
    pub fn conv2d(&self, x: &[f32], w: &[f32], y: &mut [f32], accumulate: bool) {
        match &self.0 {
            Method::Empty => clear_unless(accumulate, y),
            Method::Planar(planar) => planar.conv2d(x, w, y, accumulate),
            Method::Channels { forward, points, .. } => match points {
                Some(points) if points.forward.suits(x, w) => points.forward.conv2d(x, w, y, accumulate),
                _ => forward.run(x, w, y, accumulate),
            },
        }
    }

    /// `dx` (+)= the gradient with respect to the images, given the gradient `g` with respect to the result.
    pub fn conv2d_input(&self, g: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        match &self.0 {
            Method::Empty => clear_unless(accumulate, dx),
            Method::Planar(planar) => planar.conv2d_input(g, w, dx, accumulate),
            Method::Channels { backward, points, .. } => match points {
                Some(points) if points.gradients.suits_input(g, w) => {
                    points.gradients.conv2d_input(g, w, dx, accumulate);
                }
                _ => backward.run(g, w, dx, accumulate),
            },
        }
    }

    /// `dw` (+)= the gradient with respect to the filters.
    pub fn conv2d_filter(&self, x: &[f32], g: &[f32], dw: &mut [f32], accumulate: bool) {
        match &self.0 {
            Method::Empty => clear_unless(accumulate, dw),
            Method::Planar(planar) => planar.conv2d_filter(x, g, dw, accumulate),
            Method::Channels { filter, points, .. } => match points {
                Some(points) if points.gradients.suits_filter(x, g) => {
                    points.gradients.conv2d_filter(x, g, dw, accumulate);
                }
                _ => filter.run(x, g, dw, accumulate),
            },
        }
    }
}

impl Method {
    fn channels(sizes: ConvSizes) -> Self {
        let pays = |winograd: &Winograd| winograd.pays(sizes.batch);
        let [forward_points, gradients] =
            [Winograd::forward(sizes), Winograd::gradients(sizes)].map(|winograd| winograd.filter(pays));
        let points = forward_points.zip(gradients).map(|(forward, gradients)| Box::new(Points { forward, gradients }));
        Method::Channels { forward: forward(sizes), backward: backward(sizes), filter: filter(sizes), points }
    }
}

/// What is added up onto, if that is nothing.
fn clear_unless(accumulate: bool, y: &mut [f32]) {
    if !accumulate {
        y.fill(0.0);
    }
}

/// From images to results.
fn forward(sizes: ConvSizes) -> Gathering {
    let ConvSizes { batch, width, kernel, out, .. } = sizes;
    let [rows, columns] = forward_taps(sizes);
    let regions = taps::regions(&rows, &columns, [kernel[1], width, out[1]]);
    Gathering::new(batch, sides(sizes), kernel[0] * kernel[1], regions)
}

/// From results to images.
fn backward(sizes: ConvSizes) -> Gathering {
    let ConvSizes { batch, height, width, kernel, out, stride, padding, .. } = sizes;
    let rows = taps::backward(height, out[0], kernel[0], stride[0], padding[0]);
    let columns = taps::backward(width, out[1], kernel[1], stride[1], padding[1]);
    let [to, from] = sides(sizes);
    let regions = taps::regions(&rows, &columns, [kernel[1], out[1], width]);
    Gathering::new(batch, [from, to], kernel[0] * kernel[1], regions)
}

/// From both to filters.
fn filter(sizes: ConvSizes) -> Correlation {
    let ConvSizes { batch, width, kernel, .. } = sizes;
    let ([rows, columns], [inputs, results]) = (forward_taps(sizes), sides(sizes));
    Correlation { batch, inputs, results, connections: taps::connections(&rows, &columns, kernel, width) }
}

/// The taps of each row and of each column of the results.
fn forward_taps(ConvSizes { height, width, kernel, out, stride, padding, .. }: ConvSizes) -> [taps::AxisTaps; 2] {
    let axis = |i: usize, pixels| taps::forward(out[i], pixels, kernel[i], stride[i], padding[i]);
    [axis(0, height), axis(1, width)]
}

/// The images and the results.
fn sides(ConvSizes { channels, height, width, filters, kernel, out, .. }: ConvSizes) -> [Side; 2] {
    let taps = kernel[0] * kernel[1];
    let images = Side { channels, pixels: height * width, filter_stride: taps };
    [images, Side { channels: filters, pixels: out[0] * out[1], filter_stride: channels * taps }]
}

/// The images of one side of a convolution: its inputs or its results.
#[derive(Clone, Copy)]
struct Side {
    channels: usize,
    /// Pixels of a channel.
    pixels: usize,
    /// Distance in the filters from one of this side's channels to the next.
    filter_stride: usize,
}

impl Side {
    /// Numbers of an image.
    fn image(self) -> usize {
        self.channels * self.pixels
    }

    /// Images that fit the scratch memory.
    fn images_at_once(self) -> usize {
        (SCRATCH / self.image()).max(1)
    }

    /// Turns images so that the channels of a pixel are neighbours: `[images, pixels, channels]`.
    fn turn(self, x: &[f32], turned: &mut [f32]) {
        for_each_chunk(turned, self.image(), x.len(), |image, turned| {
            let x = &x[image * self.image()..];
            transpose([self.channels, self.pixels], x, self.pixels, turned, self.channels);
        });
    }
}

/// `y` (+)= the transpose of `x`, which has these rows and columns, the rows `stride` apart.
fn add_transpose([rows, columns]: [usize; 2], x: &[f32], stride: usize, y: &mut [f32], accumulate: bool) {
    if accumulate {
        with_scratch(y.len(), |transposed| {
            transpose([rows, columns], x, stride, transposed, rows);
            y.iter_mut().zip(transposed).for_each(|(y, value)| *y += *value);
        });
    } else {
        transpose([rows, columns], x, stride, y, rows);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Shape;
    use crate::cpu::testing::{numbers, same_bits_on_any_number_of_threads};
    use crate::ops::Conv;

    pub struct Case {
        pub sizes: ConvSizes,
        pub x: Vec<f32>,
        pub w: Vec<f32>,
        pub g: Vec<f32>,
    }

    pub fn case(x: [usize; 4], filters: usize, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Case {
        let windows = |axis| (x[axis + 2] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
        let w = [filters, x[1], kernel[0], kernel[1]];
        let g = [x[0], filters, windows(0), windows(1)];
        let [x, w, g] = [x, w, g].map(Shape::from);
        let sizes = ConvSizes::new(Conv { stride, padding }, &x, &w, &g);
        Case { sizes, x: numbers(1, x.count()), w: numbers(2, w.count()), g: numbers(3, g.count()) }
    }

    fn assert_close(what: &str, sizes: &ConvSizes, found: &[f32], [expected, magnitude]: [&[f64]; 2], tolerance: f64) {
        for (i, ((&found, expected), magnitude)) in found.iter().zip(expected).zip(magnitude).enumerate() {
            let error = (f64::from(found) - expected).abs();
            assert!(error <= tolerance * magnitude, "{what} of {sizes}: element {i} is {found}, not {expected}");
        }
    }

    fn check(case: Case) {
        check_within(1e-6, case);
    }

    fn check_within(tolerance: f64, Case { sizes, x, w, g }: Case) {
        let convolution = Convolution::new(sizes);
        for accumulate in [false, true] {
            let start = |count| if accumulate { numbers(4, count) } else { vec![f32::NAN; count] };
            let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(start);
            // The expected value and the sum of its terms' magnitudes, which scales the rounding error.
            let expected = |values: &[f32]| match accumulate {
                true => values.iter().map(|&value| f64::from(value)).collect(),
                false => vec![0.0; values.len()],
            };
            let [mut y64, mut dx64, mut dw64] = [&y, &dx, &dw].map(|values| expected(values));
            let [mut y_size, mut dx_size, mut dw_size] = [&y64, &dx64, &dw64]
                .map(|values: &Vec<f64>| values.iter().map(|value| value.abs()).collect::<Vec<_>>());
            sizes.for_each_term(|i, j, k| {
                let (xi, wj, gk) = (f64::from(x[i]), f64::from(w[j]), f64::from(g[k]));
                y64[k] += xi * wj;
                dx64[i] += gk * wj;
                dw64[j] += xi * gk;
                y_size[k] += (xi * wj).abs();
                dx_size[i] += (gk * wj).abs();
                dw_size[j] += (xi * gk).abs();
            });
            convolution.conv2d(&x, &w, &mut y, accumulate);
            convolution.conv2d_input(&g, &w, &mut dx, accumulate);
            convolution.conv2d_filter(&x, &g, &mut dw, accumulate);
            assert_close("the result", &sizes, &y, [&y64, &y_size], tolerance);
            assert_close("the input's gradient", &sizes, &dx, [&dx64, &dx_size], tolerance);
            assert_close("the filters' gradient", &sizes, &dw, [&dw64, &dw_size], tolerance);
        }
    }

    #[test]
    fn small_convolutions() {
        check(case([2, 1, 3, 4], 2, [3, 2], [2, 1], [1, 0]));
        check(case([2, 5, 3, 2], 3, [2, 2], [1, 2], [1, 0]));
        check(case([1, 17, 2, 2], 2, [2, 1], [1, 1], [0, 0]));
    }

    #[test]
    fn layers_of_the_dcgan() {
        check(case([3, 1, 28, 28], 16, [5, 5], [2, 2], [2, 2]));
        check(case([3, 16, 14, 14], 32, [5, 5], [2, 2], [2, 2]));
        check(case([3, 32, 7, 7], 64, [5, 5], [2, 2], [2, 2]));
    }

    #[test]
    fn odd_geometries() {
        check(case([1, 1, 1, 1], 1, [1, 1], [1, 1], [0, 0]));
        check(case([2, 3, 5, 7], 33, [3, 2], [1, 2], [0, 1]));
        check(case([2, 35, 6, 4], 1, [2, 3], [3, 1], [1, 2]));
        check(case([1, 17, 9, 9], 40, [1, 1], [3, 3], [0, 0])); // input pixels that no window reaches
        check(case([5, 2, 3, 3], 2, [3, 3], [1, 1], [2, 2]));
        check(case([2, 64, 4, 4], 1, [4, 4], [1, 1], [0, 0]));
    }

    #[test]
    fn nothing_adds_up_to_zero() {
        check(case([0, 2, 4, 4], 3, [3, 3], [1, 1], [1, 1])); // images
        check(case([2, 0, 4, 4], 3, [3, 3], [1, 1], [1, 1])); // channels
        check(case([2, 2, 0, 4], 3, [2, 3], [1, 1], [1, 1])); // pixels
        check(case([2, 16, 4, 4], 0, [3, 3], [1, 1], [1, 1])); // filters
    }

    /// All terms are positive, so that in one chain the sum soon is much larger than what is added to it.
    #[test]
    fn long_sums_keep_their_digits() {
        let positive = |mut case: Case| {
            let numbers = [&mut case.x, &mut case.w, &mut case.g].into_iter().flatten();
            numbers.for_each(|number| *number = number.abs());
            case
        };
        check(positive(case([3, 1, 200, 200], 2, [3, 3], [1, 1], [1, 1]))); // pixels, with few channels
        check(positive(case([1, 1, 20, 20], 1500, [3, 3], [2, 2], [1, 1]))); // filters
        check(positive(case([1, 4, 30, 30], 2, [24, 24], [1, 1], [0, 0]))); // taps
        check(positive(case([40, 5, 20, 20], 3, [3, 3], [1, 1], [1, 1]))); // pixels, with more
        check(positive(case([2, 5, 90, 90], 3, [3, 3], [1, 1], [1, 1])));
        check(positive(case([1, 1100, 5, 5], 3, [3, 3], [2, 2], [1, 1]))); // channels
        check(positive(case([1, 5, 5, 5], 1100, [3, 3], [2, 2], [1, 1]))); // filters
    }

    /// Pixels that an odd one does not touch are as exact as by plain sums, though sums go by way of points else.
    #[test]
    fn odd_numbers_do_not_spoil_their_neighbours() {
        let like = || case([96, 48, 5, 5], 96, [2, 2], [1, 1], [0, 0]);
        let Method::Channels { points: Some(points), .. } = Convolution::new(like().sizes).0 else {
            panic!("a layer that is large enough")
        };
        let Case { x, w, g, .. } = like();
        let Points { forward, gradients } = *points;
        assert!(forward.suits(&x, &w) && gradients.suits_input(&g, &w) && gradients.suits_filter(&x, &g));
        let change = |change: &dyn Fn(&mut Case)| {
            let mut case = like();
            change(&mut case);
            check_within(1e-5, case); // a large number early in a chain
        };
        change(&|case| case.g[1234] = 1e8);
        change(&|case| case.w[1234] = -1e8);
        change(&|case| case.x[1234] = 1e8);
        change(&|case| {
            case.w.fill(0.0);
            case.w[1234] = 1e8;
        });
        change(&|case| case.g.iter_mut().for_each(|g| *g *= 1e30));
    }

    /// An infinite pixel makes infinite, or NaN, what it touches, and nothing else.
    #[test]
    fn infinity_reaches_what_it_touches() {
        let Case { sizes, x, w, mut g } = case([96, 48, 5, 5], 96, [2, 2], [1, 1], [0, 0]);
        let convolution = Convolution::new(sizes);
        g[0] = f32::INFINITY; // the first corner of the first filter
        let [mut dx, mut dw] = [x.len(), w.len()].map(|count| vec![f32::NAN; count]);
        convolution.conv2d_input(&g, &w, &mut dx, false);
        convolution.conv2d_filter(&x, &g, &mut dw, false);
        let [mut touched_x, mut touched_w] = [x.len(), w.len()].map(|count| vec![false; count]);
        sizes.for_each_term(|i, j, k| {
            touched_x[i] |= k == 0;
            touched_w[j] |= k == 0;
        });
        for (found, touched) in [(dx, touched_x), (dw, touched_w)] {
            assert!(found.iter().zip(touched).all(|(found, touched)| found.is_finite() != touched));
        }
    }

    #[test]
    fn threads_do_not_change_a_convolution() {
        let Case { sizes, x, w, g } = case([12, 16, 14, 14], 48, [5, 5], [2, 2], [2, 2]);
        let convolution = Convolution::new(sizes);
        same_bits_on_any_number_of_threads(|| {
            let [mut y, mut dx, mut dw] = [g.len(), x.len(), w.len()].map(|count| vec![0.0; count]);
            convolution.conv2d(&x, &w, &mut y, false);
            convolution.conv2d_input(&g, &w, &mut dx, false);
            convolution.conv2d_filter(&x, &g, &mut dw, false);
            [y, dx, dw].concat()
        });
    }

    proptest! {
        #[test]
        fn any_convolution(
            (batch, channels, filters) in (1..4_usize, 1..20_usize, 1..40_usize),
            image in [3..12_usize, 3..12_usize],
            kernel in [1..4_usize, 1..4_usize],
            stride in [1..4_usize, 1..4_usize],
            padding in [0..3_usize, 0..3_usize],
        ) {
            check(case([batch, channels, image[0], image[1]], filters, kernel, stride, padding));
        }
    }
}
