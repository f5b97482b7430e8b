//! Matrix products on the device against their definition, by the kernels for CPUs and those for GPUs.

mod support;

use autograd::ops::ProductSizes;
use autograd::{Device, Tensor};
use proptest::prelude::*;
use support::{assert_close, devices, numbers};

/// [batch, rows, columns], stored transposed or not.
fn stored(batch: usize, rows: usize, columns: usize, transposed: bool) -> [usize; 3] {
    if transposed { [batch, columns, rows] } else { [batch, rows, columns] }
}

/// What the device makes of A·B, or of A·B + A·B, of which it adds the second onto the first.
fn product(
    device: &Device,
    ProductSizes { batch, m, n, k }: ProductSizes,
    [transpose_a, transpose_b]: [bool; 2],
    accumulate: bool,
    operands: [&[f32]; 4],
) -> Vec<f32> {
    let shapes = [stored(batch, m, k, transpose_a), stored(batch, k, n, transpose_b)];
    let names = ["a", "b", "a 2", "b 2"];
    let mut program = device
        .compile(|tape| {
            let [a, b, a_2, b_2] = std::array::from_fn(|i| tape.input(names[i], shapes[i % 2]));
            let first = a.matmul_with(b, transpose_a, transpose_b);
            [if accumulate { first + a_2.matmul_with(b_2, transpose_a, transpose_b) } else { first }]
        })
        .unwrap();
    let given = operands.iter().zip(shapes.iter().cycle()).take(if accumulate { 4 } else { 2 });
    let tensors: Vec<Tensor> = given.map(|(values, &shape)| Tensor::new(shape, values.to_vec()).unwrap()).collect();
    let inputs: Vec<_> = names.into_iter().zip(&tensors).collect();
    program.run(&inputs).unwrap()[0].data().to_vec()
}

const LAYOUTS: [[bool; 2]; 4] = [[false, false], [false, true], [true, false], [true, true]];

/// Compares with the definition in f64, and asks for the same bits again.
fn check(sizes: ProductSizes, layouts: &[[bool; 2]]) {
    let ProductSizes { batch, m, n, k } = sizes;
    for (&transpose, accumulate) in layouts.iter().flat_map(|layout| [(layout, false), (layout, true)]) {
        let operands =
            [1, 2, 3, 4].map(|seed| numbers(seed, if seed % 2 == 1 { batch * m * k } else { batch * k * n }));
        let operands = operands.each_ref().map(Vec::as_slice);
        let term = |item: usize, i: usize, j: usize, p: usize, [a, b]: [&[f32]; 2]| {
            let at = |transposed: bool, rows: usize, columns: usize, i: usize, j: usize| {
                item * rows * columns + if transposed { j * rows + i } else { i * columns + j }
            };
            f64::from(a[at(transpose[0], m, k, i, p)]) * f64::from(b[at(transpose[1], k, n, p, j)])
        };
        let pairs = [[operands[0], operands[1]], [operands[2], operands[3]]];
        let pairs = &pairs[..if accumulate { 2 } else { 1 }];
        for device in devices() {
            let found = product(device, sizes, transpose, accumulate, operands);
            let expected = (0..batch * m * n).map(|element| {
                let (item, i, j) = (element / n / m, element / n % m, element % n);
                let terms = pairs.iter().flat_map(|&pair| (0..k).map(move |p| term(item, i, j, p, pair)));
                terms.fold((0.0, 0.0), |(sum, size), term: f64| (sum + term, size + term.abs()))
            });
            assert_close(&format!("{sizes:?}, transposed {transpose:?}, accumulate {accumulate}"), &found, expected);
            assert_eq!(found, product(device, sizes, transpose, accumulate, operands));
        }
    }
}

fn sizes([batch, m, n, k]: [usize; 4]) -> ProductSizes {
    ProductSizes { batch, m, n, k }
}

/// Each tile but the largest, and slices, so small that a simulator can watch every access to memory.
#[test]
fn small_products() {
    check(sizes([2, 5, 7, 9]), &LAYOUTS);
    check(sizes([1, 3, 2, 130]), &LAYOUTS[..1]);
    check(sizes([1, 33, 34, 2]), &LAYOUTS[..1]);
}

#[test]
fn skinny_products() {
    for extents in [[1, 1, 1, 1], [1, 130, 1, 40], [1, 1, 130, 40], [1, 3, 1, 700], [1, 40, 2, 5], [1, 2, 70, 1]] {
        check(sizes(extents), &LAYOUTS);
    }
}

#[test]
fn sizes_around_the_tiles() {
    for extents in [[1, 64, 64, 16], [1, 65, 63, 17], [1, 33, 31, 15], [2, 9, 100, 33], [1, 5, 129, 8]] {
        check(sizes(extents), &LAYOUTS);
    }
}

/// Many terms and few elements: the terms are cut into slices that are added up.
#[test]
fn long_sums() {
    check(sizes([1, 5, 7, 3000]), &LAYOUTS);
    check(sizes([2, 40, 3, 1100]), &LAYOUTS);
}

/// Enough elements for the largest tiles and several blocks of rows.
#[test]
fn large_products() {
    check(sizes([1, 260, 300, 40]), &LAYOUTS[1..3]);
}

#[test]
fn empty_products() {
    for extents in [[1, 3, 4, 0], [1, 0, 4, 3], [1, 3, 0, 4], [0, 2, 2, 2]] {
        check(sizes(extents), &LAYOUTS);
    }
}

/// What is not a number reaches exactly the elements that it is a term of, also at the edges of tiles.
#[test]
fn nan_stays_in_its_row_and_column() {
    let ProductSizes { m, n, k, .. } = sizes([1, 37, 35, 20]);
    let (mut a, mut b) = (numbers(1, m * k), numbers(2, k * n));
    (a[(m - 1) * k + k - 1], b[n - 2]) = (f32::NAN, f32::INFINITY); // A's last row; B's column n − 2
    for device in devices() {
        let found = product(device, sizes([1, m, n, k]), [false, false], false, [&a, &b, &[], &[]]);
        for (element, value) in found.iter().enumerate() {
            let touched = element / n == m - 1 || element % n == n - 2;
            assert_eq!(value.is_finite(), !touched, "element {}, {} is {value}", element / n, element % n);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_product(batch in 0..3_usize, m in 0..80_usize, n in 0..80_usize, k in 0..60_usize) {
        check(sizes([batch, m, n, k]), &LAYOUTS);
    }
}
