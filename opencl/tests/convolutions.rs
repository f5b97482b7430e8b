//! Convolutions and their gradients on the device against their definition, by the kernels for CPUs and those for GPUs.

mod support;

use autograd::ops::{Conv, ConvSizes};
use autograd::{Device, Shape, Tensor};
use proptest::prelude::*;
use support::{assert_close, devices, numbers};

#[derive(Debug)]
struct Case {
    conv: Conv,
    /// [N, C, H, W].
    x: [usize; 4],
    /// [O, C, kh, kw].
    w: [usize; 4],
    /// [N, O, H', W'].
    g: [usize; 4],
}

fn case(x: [usize; 4], filters: usize, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Case {
    let windows = |axis| (x[axis + 2] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1;
    let w = [filters, x[1], kernel[0], kernel[1]];
    Case { conv: Conv { stride, padding }, x, w, g: [x[0], filters, windows(0), windows(1)] }
}

impl Case {
    /// The three views on the device; twice, the second added onto the first, if they accumulate.
    fn views(&self, device: &Device, accumulate: bool, values: &[Vec<f32>; 3]) -> [Vec<f32>; 3] {
        let Case { conv, x, w, g } = *self;
        let mut program = device
            .compile(|tape| {
                let x = tape.input("x", x);
                let spatial = |shape: [usize; 4]| [shape[2], shape[3]];
                let views = |[w_name, g_name]: [&str; 2]| {
                    let [w, g] = [tape.input(w_name, w), tape.input(g_name, g)];
                    let dx = g.conv2d_input(w, conv, spatial(self.x));
                    [x.conv2d(w, conv), dx, x.conv2d_filter(g, conv, spatial(self.w))]
                };
                let [y, dx, dw] = views(["w", "g"]);
                if !accumulate {
                    return [y, dx, dw];
                }
                let [y_2, dx_2, dw_2] = views(["w 2", "g 2"]);
                [y + y_2, dx + dx_2, dw + dw_2]
            })
            .unwrap();
        let [x, w, g] = [(x, 0), (w, 1), (g, 2)].map(|(shape, i)| Tensor::new(shape, values[i].clone()).unwrap());
        let mut inputs = vec![("x", &x), ("w", &w), ("g", &g)];
        if accumulate {
            inputs.extend([("w 2", &w), ("g 2", &g)]);
        }
        program.run(&inputs).unwrap().map(|result| result.data().to_vec())
    }
}

/// Compares with the definition in f64, and asks for the same bits again.
fn check(case: Case) {
    let values = [case.x, case.w, case.g].map(|shape| shape.iter().product::<usize>());
    let values = [numbers(1, values[0]), numbers(2, values[1]), numbers(3, values[2])];
    let [x, w, g] = &values;
    let mut expected = [g.len(), x.len(), w.len()].map(|count| vec![(0.0, 0.0); count]);
    let [x_shape, w_shape, g_shape] = [case.x, case.w, case.g].map(Shape::from);
    ConvSizes::new(case.conv, &x_shape, &w_shape, &g_shape).for_each_term(|i, j, k| {
        let [xi, wj, gk] = [x[i], w[j], g[k]].map(f64::from);
        let add = |(sum, size): &mut (f64, f64), term: f64| (*sum, *size) = (*sum + term, *size + term.abs());
        add(&mut expected[0][k], xi * wj);
        add(&mut expected[1][i], gk * wj);
        add(&mut expected[2][j], xi * gk);
    });
    for (device, accumulate) in devices().iter().flat_map(|device| [(device, false), (device, true)]) {
        let found = case.views(device, accumulate, &values);
        let times = if accumulate { 2.0 } else { 1.0 };
        for (view, (found, expected)) in
            ["the result", "the input's gradient", "the filters'"].iter().zip(found.iter().zip(&expected))
        {
            let expected = expected.iter().map(|(sum, size)| (times * sum, times * size));
            assert_close(&format!("{view} of {case:?}, accumulate {accumulate}"), found, expected);
        }
        assert_eq!(found, case.views(device, accumulate, &values));
    }
}

/// So small that a simulator can watch every access to memory.
#[test]
fn small_convolutions() {
    check(case([2, 2, 5, 4], 3, [3, 2], [2, 1], [1, 0]));
    check(case([1, 3, 3, 3], 2, [1, 1], [3, 3], [0, 0])); // input pixels that no window reaches
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
    check(case([0, 2, 4, 4], 3, [3, 3], [1, 1], [1, 1]));
}

/// Many images and few filters: the filters' gradient is summed in slices.
#[test]
fn filters_of_many_images() {
    check(case([40, 1, 12, 12], 5, [5, 5], [2, 2], [2, 2]));
}

/// The padding is not multiplied: a tap that is infinite makes only those results infinite of which a pixel lies on it.
#[test]
fn padding_has_no_terms() {
    let case = case([1, 1, 3, 3], 1, [3, 3], [1, 1], [1, 1]);
    let mut w = vec![1.0; 9];
    w[0] = f32::INFINITY; // above and to the left: on the padding for the first row and the first column
    for device in devices() {
        let [y, ..] = case.views(device, false, &[vec![1.0; 9], w.clone(), vec![1.0; 9]]);
        let infinite = f32::INFINITY;
        assert_eq!(y, [4.0, 6.0, 4.0, 6.0, infinite, infinite, 4.0, infinite, infinite]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
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
