//! Fused groups and the sums they take, by the kernels for CPUs and those for GPUs, against the reference interpreter.

mod support;

use autograd::{Tape, Tensor, Var};
use support::{assert_close, devices, numbers};

/// Runs the same group many times over, since what a race spoils it spoils now and then.
const REPLAYS: usize = 20;

/// Asserts that every device finds what the interpreter finds, at every replay.
#[track_caller]
fn check(shape: [usize; 2], record: impl for<'t> Fn(Var<'t>) -> Vec<Var<'t>>) {
    let x = Tensor::new(shape, numbers(1, shape[0] * shape[1])).unwrap();
    for (position, device) in devices().iter().enumerate() {
        let tape = Tape::new();
        let outputs = record(tape.input("x", shape));
        let known = Tape::new();
        let expected: Vec<Tensor<f64>> = record(known.constant(&x)).into_iter().map(|output| output.value()).collect();
        let mut program = device.program(&tape, &outputs).unwrap();
        for replay in 0..REPLAYS {
            let found = program.run(&[("x", &x)]).unwrap();
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let largest = expected.data().iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
                let what = format!("device {position}, {shape:?}: output {i} of replay {replay}");
                assert_close(&what, found.data(), expected.data().iter().map(|&value| (value, 10.0 * largest)));
            }
        }
    }
}

/// Rows around the sizes at which a work-item, a work-group, or several turns of one take a row.
const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 31], [70, 33], [5, 256], [2, 700], [300, 2]];

#[test]
fn sums_of_rows_and_values_beside_them() {
    for shape in SHAPES {
        check(shape, |x| {
            let (square, wave) = (x.square(), x.sin());
            vec![square.sum_axes(&[1]), wave.sum_axes(&[1]), (square * wave).sum_axes(&[1]), square + wave]
        });
    }
}

#[test]
fn sums_of_columns_and_of_everything() {
    for shape in SHAPES {
        check(shape, |x| vec![x.exp().sum_axes(&[0]), x.tanh().sum(), (x * 3.0).sum_axes(&[0])]);
    }
}

/// More elements than one work-group sums, more partial sums than one takes, rows too long for a group, and more blocks than
/// a device has work-groups along an axis.
#[test]
fn large_sums() {
    check([300, 1000], |x| vec![x.sin().sum(), x.cos().sum_axes(&[0])]);
    check([2, 40_000], |x| vec![x.sum_axes(&[1]), x.max_axes(&[1]), x.max()]);
    check([70_000, 4], |x| vec![x.reshape([70_000, 2, 2]).max_axes(&[1])]);
}

/// Each way to walk over a group's elements, so small that a simulator can watch every access to memory.
#[test]
fn small_sums() {
    for shape in [[1, 1], [3, 5], [2, 40], [70, 3]] {
        check(shape, |x| {
            let (square, wave) = (x.square(), x.sin());
            vec![square.sum_axes(&[1]), wave.sum_axes(&[0]), x.max_axes(&[1]), x.max(), wave.sum(), square + wave]
        });
    }
}

/// Several groups after one another, each of which needs a sum of the one before.
#[test]
fn a_chain_of_normalisations() {
    for shape in SHAPES {
        check(shape, |x| {
            let centred = x - x.sum_axes(&[1]).reshape([shape[0], 1]) / shape[1] as f64;
            let length = (centred.square().sum_axes(&[1]).reshape([shape[0], 1]) + 0.1).sqrt();
            let unit = centred / length;
            vec![unit, unit.sum_axes(&[0]), unit.abs().sum_axes(&[1])]
        });
    }
}
