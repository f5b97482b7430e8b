//! Compiled programs against the interpreter: whatever the compiler folds, fuses, overwrites and shares, a program
//! computes what its tape says, with the same bits on any number of threads and at every replay.

mod support;

use std::collections::HashMap;

use autograd::ops::{Conv, Elementwise};
use autograd::{ByteTable, Device, Error, Feed, Program, Shape, Stream, Tape, Tensor, Var, Variable};
use support::{Activation, assert_agree, by_name, devices, devices_for, draw, draw_inputs, interpret, penalty, vector};

/// Sums of a few hundred products in f32, each order of adding giving other roundings, relative to the largest element.
const TOLERANCE: f32 = 1e-5;

/// A computation, recorded on any tape.
type Record = for<'t> fn(&'t Tape) -> Vec<Var<'t>>;

/// Compiles, runs twice and compares with the interpreter.
fn assert_computes_its_tape(name: &str, record: Record) {
    let tape = Tape::new();
    let outputs = record(&tape);
    let inputs = draw_inputs(&tape);
    let expected = interpret(&tape, &outputs, &by_name(&inputs), 3);
    for device in devices() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        for _replay in 0..2 {
            let found = program.at(3).run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, TOLERANCE, &format!("{name}, output {i}"));
            }
        }
    }
}

/// A penalty, the critic's loss and their gradients with respect to all parameters, as one program.
fn train<'t>(scores: impl Fn(Var<'t>) -> Var<'t>, [real, fake]: [Var<'t>; 2], parameters: &[Var<'t>]) -> Vec<Var<'t>> {
    let tape = real.tape();
    let batch = real.shape()[0];
    let mut per_sample = vec![1; real.shape().rank()];
    per_sample[0] = batch;
    let epsilon = tape.uniform(Stream::new(0, "epsilon"), per_sample);
    let between = (real * epsilon + fake * (1.0 - epsilon)).detach();
    let penalty = penalty(scores(between), between);
    let loss = scores(fake).mean() - scores(real).mean() + penalty;
    let mut outputs = vec![loss, penalty];
    outputs.extend(tape.try_grad(loss, parameters).into_iter().flatten());
    outputs
}

fn mlp_critic<'t>(tape: &'t Tape, batch: usize, width: usize, activation: Activation) -> Vec<Var<'t>> {
    let shapes: [(&str, &[usize]); 6] = [
        ("w0", &[width, 2]),
        ("b0", &[width]),
        ("w1", &[width, width]),
        ("b1", &[width]),
        ("w2", &[1, width]),
        ("b2", &[1]),
    ];
    let p = shapes.map(|(name, shape)| tape.input(name, shape));
    let gain = (3.0 / width as f64).sqrt();
    let scores = |x: Var<'t>| {
        let h = activation(x.matmul_transposed(p[0]) + p[1]);
        let h = activation(h.matmul_transposed(p[2] * gain) + p[3]);
        (h.matmul_transposed(p[4] * gain) + p[5]).reshape([batch])
    };
    train(scores, ["real", "fake"].map(|name| tape.input(name, [batch, 2])), &p)
}

fn conv_critic<'t>(tape: &'t Tape, batch: usize, channels: usize, activation: Activation) -> Vec<Var<'t>> {
    let flat = 2 * channels * 7 * 7;
    let shapes: [(&str, &[usize]); 6] = [
        ("w0", &[channels, 1, 5, 5]),
        ("b0", &[channels]),
        ("w1", &[2 * channels, channels, 5, 5]),
        ("b1", &[2 * channels]),
        ("w2", &[1, flat]),
        ("b2", &[1]),
    ];
    let p = shapes.map(|(name, shape)| tape.input(name, shape));
    let layer = |x: Var<'t>, w: Var<'t>, b: Var<'t>| {
        let gain = (3.0 / w.shape().without(&[0]).count() as f64).sqrt();
        activation(x.conv2d(w * gain, Conv::square(2, 2)) + b.reshape([b.shape().count(), 1, 1]))
    };
    let scores = |x: Var<'t>| {
        let h = layer(layer(x, p[0], p[1]), p[2], p[3]).reshape([batch, flat]);
        (h.matmul_transposed(p[4] * (3.0 / flat as f64).sqrt()) + p[5]).reshape([batch])
    };
    train(scores, ["real", "fake"].map(|name| tape.input(name, [batch, 1, 28, 28])), &p)
}

/// Noise [batch, 6] through a linear layer, batch norm and two transposed convolutions to images [batch, 1, 14, 14], and
/// the gradients of their weighted sum.
fn generator<'t>(tape: &'t Tape, batch: usize) -> Vec<Var<'t>> {
    let [w0, gain, shift, w1, w2, target] = [
        tape.input("w0", [8 * 4 * 4, 6]),
        tape.input("gain", [8, 1, 1]),
        tape.input("shift", [8, 1, 1]),
        tape.input("w1", [8, 4, 5, 5]),
        tape.input("w2", [4, 1, 5, 5]),
        tape.input("target", [batch, 1, 14, 14]),
    ];
    let noise = tape.normal(Stream::new(0, "noise"), [batch, 6]);
    let h = noise.matmul_transposed(w0).reshape([batch, 8, 4, 4]);
    let h = (h.normalize(&[0, 2, 3], 1e-5) * gain + shift).relu();
    let h = h.conv_transpose2d(w1, Conv::square(2, 2), 1).slice_box(&[0, 0, 0, 0], [batch, 4, 7, 7]).relu();
    let images = h.conv_transpose2d(w2, Conv::square(2, 2), 1).sigmoid();
    let loss = (images - target).square().mean();
    let mut outputs = vec![images, loss];
    outputs.extend(tape.grad(loss, &[w0, gain, shift, w1, w2]));
    outputs
}

/// Softmax cross-entropy over gathered rows, layer norm before it.
fn classifier<'t>(tape: &'t Tape, batch: usize, classes: usize) -> Vec<Var<'t>> {
    let (table, weight) = (tape.input("table", [50, 24]), tape.input("weight", [classes, 24]));
    let rows: Vec<f64> = (0..batch).map(|i| (i * 7 % 50) as f64).collect();
    let rows = tape.constant(&Tensor::<f64>::new([batch], rows).expect("one index each"));
    let logits = table.gather_rows(rows).normalize(&[1], 1e-5).matmul_transposed(weight);
    let label = tape.constant(&Tensor::<f64>::from_fn([batch, classes], |i| {
        f64::from(u8::from(i / classes % classes == i % classes))
    }));
    let loss = -(logits.log_softmax(1) * label).sum_axes(&[1]).mean();
    let mut outputs = vec![loss, logits.softmax(1), logits.max_axes(&[0]), logits.logsumexp(0)];
    outputs.extend(tape.grad(loss, &[table, weight]));
    outputs
}

/// A use of each kernel, so small that Miri can watch every access to memory.
#[test]
fn small_programs_of_every_kernel() {
    assert_computes_its_tape("fused", |tape| {
        let (x, row) = (tape.input("x", [5, 4]), tape.input("row", [4]));
        let y = (x * row).exp() + x.slice(1, 0..1);
        let z = y + x.sum();
        vec![y, y.sum_axes(&[0]), y.sum_axes(&[1]), (x.transpose() * 2.0).sin(), z.relu().sum()]
    });
    assert_computes_its_tape("moved", |tape| {
        let x = tape.input("x", [3, 5]);
        vec![
            x.transpose(),
            x.pad(&[0, 1], &[1, 0]),
            tape.concat(&[x, x.square()], 1),
            x.max_axes(&[0]),
            x.max_axes(&[1]),
        ]
    });
    assert_computes_its_tape("rows", |tape| {
        let (x, rows) = (tape.input("x", [3, 2]), vector(tape, [2.0, 0.0, 2.0, 1.0]));
        let table = ByteTable::new([3, 2], vec![0, 1, 2, 3, 4, 255]).expect("six bytes");
        vec![x.gather_rows(rows), rows.look_up(&table), x.gather_rows(rows).scatter_add_rows(rows, 3)]
    });
    assert_computes_its_tape("products", |tape| {
        let [a, b] = ["a", "b"].map(|name| tape.input(name, [5, 6]));
        vec![a.matmul_transposed(b) + a.matmul_with(b, false, true), a.matmul_with(b, true, false)]
    });
    assert_computes_its_tape("convolutions", |tape| {
        let (x, w) = (tape.input("x", [1, 5, 3, 3]), tape.input("w", [5, 5, 2, 2]));
        let y = x.conv2d(w, Conv::square(1, 0));
        vec![y.square() + y, tape.grad(y.square().sum(), &[x, w])[1]]
    });
    assert_computes_its_tape("random numbers", |tape| {
        vec![tape.normal(Stream::new(0, "normal"), [5]), tape.uniform(Stream::new(0, "uniform"), [5])]
    });
}

#[test]
fn networks_with_second_derivatives() {
    assert_computes_its_tape("MLP critic, ReLU", |tape| mlp_critic(tape, 37, 65, |x| x.relu()));
    assert_computes_its_tape("MLP critic, leaky ReLU", |tape| mlp_critic(tape, 5, 130, |x| x.leaky_relu(0.2)));
    assert_computes_its_tape("MLP critic, softplus", |tape| mlp_critic(tape, 64, 33, |x| x.softplus()));
    assert_computes_its_tape("conv critic, leaky ReLU", |tape| conv_critic(tape, 3, 8, |x| x.leaky_relu(0.2)));
    assert_computes_its_tape("conv critic, tanh", |tape| conv_critic(tape, 2, 3, |x| x.tanh()));
    assert_computes_its_tape("generator with batch norm", |tape| generator(tape, 9));
    assert_computes_its_tape("classifier with layer norm", |tape| classifier(tape, 43, 11));
}

#[test]
fn element_counts_around_the_widths_of_vectors_and_tiles() {
    fn chain<'t>(x: Var<'t>) -> Vec<Var<'t>> {
        let y = (x.tanh() * 2.0 - x.square()).exp() / (x.abs() + 1.5);
        let shifted = y.reshape([1, x.shape().count()]) + y.sum();
        vec![y, shifted, y.max(), x.maximum(y).minimum(0.3), x.greater(y).select(x, -y)]
    }
    macro_rules! counts {
        ($($count:expr),+) => { $(
            assert_computes_its_tape(concat!($count, " elements"), |tape| chain(tape.input("x", [$count])));
        )+ };
    }
    counts!(1, 2, 3, 7, 8, 9, 15, 17, 31, 33, 63, 65, 127, 511, 512, 513, 1025, 8191, 8192, 8193, 33000, 65537);
}

#[test]
fn reductions_and_broadcasts_over_every_choice_of_axes() {
    fn each<'t>(x: Var<'t>) -> Vec<Var<'t>> {
        let rank = x.shape().rank();
        let subsets =
            (1..1 << rank).map(|bits: usize| (0..rank).filter(|axis| bits >> axis & 1 == 1).collect::<Vec<_>>());
        subsets
            .flat_map(|axes| {
                let (sum, max) = (x.sum_axes(&axes), x.max_axes(&axes));
                [sum, max, x * sum.restore_axes(&axes, &x.shape()) - max.restore_axes(&axes, &x.shape())]
            })
            .collect()
    }
    assert_computes_its_tape("rank 1", |tape| each(tape.input("x", [70000])));
    assert_computes_its_tape("rank 2, wide", |tape| each(tape.input("x", [3, 10001])));
    assert_computes_its_tape("rank 2, tall", |tape| each(tape.input("x", [10001, 3])));
    assert_computes_its_tape("rank 3", |tape| each(tape.input("x", [17, 33, 65])));
    assert_computes_its_tape("rank 4", |tape| each(tape.input("x", [5, 9, 7, 6])));
    assert_computes_its_tape("rank 4 with extents of 1", |tape| each(tape.input("x", [1, 9, 1, 300])));
}

#[test]
fn products_of_every_shape_and_transposition() {
    fn products(tape: &Tape) -> Vec<Var<'_>> {
        let sizes =
            [(1, 1, 1), (1, 40, 7), (40, 1, 7), (7, 40, 1), (5, 3, 300), (300, 2, 5), (65, 66, 67), (3, 130, 129)];
        let mut outputs = Vec::new();
        for (i, (m, n, k)) in sizes.into_iter().enumerate() {
            let (a, b) = (tape.input(&format!("a{i}"), [m, k]), tape.input(&format!("b{i}"), [k, n]));
            for (flip_a, flip_b) in [(false, false), (false, true), (true, false), (true, true)] {
                let a = if flip_a { a.transpose() } else { a };
                let b = if flip_b { b.transpose() } else { b };
                outputs.push(a.matmul_with(b, flip_a, flip_b));
            }
        }
        let (batch, shared) = (tape.input("batch", [6, 5, 4]), tape.input("shared", [4, 3]));
        outputs.push(batch.matmul(shared));
        outputs.push(batch.matmul_with(batch, true, false));
        outputs
    }
    assert_computes_its_tape("products", products);
}

/// Sums of products are added up in place; what else reads the terms must still see them.
#[test]
fn sums_that_products_add_onto() {
    assert_computes_its_tape("sums of products", |tape| {
        let [a, b, c] = ["a", "b", "c"].map(|name| tape.input(name, [20, 20]));
        let [ab, bc, ca] = [a.matmul(b), b.matmul(c), c.matmul(a)];
        let kept = a.matmul(c) + a.square();
        let twice = ab + ab;
        let row = tape.input("row", [20]);
        vec![
            bc + ca + a.tanh(),
            kept + kept.matmul(a),
            twice.matmul(b) + row,
            row + c.matmul(c),
            (a.exp() + b.matmul(b)).relu(),
            ab.reshape([400]) + c.matmul(b).reshape([400]),
            tape.concat(&[a, b], 0).slice(0, 10..30) + a.matmul(a),
        ]
    });
    assert_computes_its_tape("sums of convolutions", |tape| {
        let (x, w) = (tape.input("x", [2, 3, 9, 9]), tape.input("w", [3, 3, 3, 3]));
        let same = Conv::square(1, 1);
        let [y, z] = [x.conv2d(w, same), x.square().conv2d(w, same)];
        vec![y + z, x.sin() + x.conv2d_input(w, same, [9, 9]), w.square() + x.conv2d_filter(y, same, [3, 3]), y]
    });
}

#[test]
fn values_that_are_reused_viewed_and_asked_for_in_every_way() {
    assert_computes_its_tape("aliases", |tape| {
        let (x, y) = (tape.input("x", [6, 8]), tape.input("y", [6, 8]));
        let sum = x + y;
        let late = sum * sum;
        vec![
            x,
            x,
            x.reshape([48]),
            x.transpose(),
            x.slice(1, 2..5),
            x.slice(0, 1..3).reshape([2, 2, 4]),
            tape.scalar(3.0),
            tape.zeros([2, 3]),
            tape.constant(&draw("constant", [4])),
            tape.constant(&draw("constant", [4])).reshape([2, 2]),
            sum,
            sum.reshape([8, 6]),
            late,
            late.exp() + sum,
            (late - sum).transpose().reshape([3, 16]),
            x.detach(),
            x + 0.0,
            x * 1.0,
            x.sum_axes(&[0]).broadcast_to([6, 8]),
        ]
    });
    assert_computes_its_tape("memory that dies and is taken over", |tape| {
        let mut x = tape.input("x", [300]);
        let mut kept = Vec::new();
        for i in 0..40 {
            x = (x * 1.1).sin() + x.reshape([3, 100]).sum_axes(&[0]).broadcast_to([3, 100]).reshape([300]) * 0.01;
            if i % 7 == 0 {
                kept.push(x);
            }
        }
        kept
    });
    assert_computes_its_tape("more nodes than a group takes", |tape| {
        let x = tape.input("x", [1000]);
        let terms: Vec<Var> = (0..150).map(|i| (x * (f64::from(i) * 0.1)).cos()).collect();
        let sum = terms.iter().copied().reduce(|sum, term| sum + term).expect("some");
        vec![sum, terms[0] * terms[149], terms[70]]
    });
    assert_computes_its_tape("a group that would wait for itself", |tape| {
        let x = tape.input("x", [30]);
        let y = x.exp();
        let total = y.sum();
        vec![y / total, y.square() + total, (y / total).max() * y]
    });
    assert_computes_its_tape("a group that would read itself through strides", |tape| {
        let y = tape.input("x", [7, 7]).exp();
        vec![y + y.transpose(), (y - 1.0) * (y - 1.0).transpose().tanh()]
    });
}

/// OpenCL 1.2 promises 1024 bytes for the arguments of a kernel (table 4.3): 64 addresses with an offset each.
#[test]
fn no_kernel_has_more_buffers_than_its_arguments_may_name() {
    fn waves(tape: &Tape) -> Vec<Var<'_>> {
        let waves: Vec<Var> = (0..50).map(|i| tape.input(&format!("x{i}"), [4, 9]).sin()).collect();
        let sum = waves.iter().copied().reduce(|sum, wave| sum + wave).expect("some");
        let sums: Vec<Var> = waves.iter().map(|wave| wave.sum_axes(&[1])).collect();
        [vec![sum, sum.sum_axes(&[0])], sums, waves].concat()
    }
    let tape = Tape::new();
    let program = Device::cpu().program(&tape, &waves(&tape)).expect("a program");
    for step in &program.plan().steps {
        let buffers = step.reads.len() + step.writes.len();
        assert!(buffers < 64, "{buffers} for {}", step.kernel);
    }
    assert_computes_its_tape("many inputs and outputs", waves);
}

#[test]
fn moved_and_joined_and_cut_tensors() {
    assert_computes_its_tape("moved", |tape| {
        let x = tape.input("x", [5, 6, 7, 8]);
        let permuted = x.permute(&[3, 1, 0, 2]);
        let joined = tape.concat(&[x, x.square(), x.slice(2, 1..3)], 2);
        vec![
            permuted,
            permuted.slice_box(&[1, 0, 2, 3], [6, 6, 2, 4]).permute(&[2, 3, 1, 0]) * 2.0,
            permuted.sum_axes(&[1, 3]) + x.sum_axes(&[1, 2]).transpose(),
            joined,
            joined.slice(2, 6..9) * 0.5,
            x.pad(&[0, 1, 2, 0], &[1, 0, 0, 3]).tanh(),
            tape.concat(&[x.transpose().reshape([5, 6, 56]), x.reshape([5, 6, 56])], 1).max_axes(&[1]),
        ]
    });
    assert_computes_its_tape("rows", |tape| {
        let x = tape.input("x", [100, 37]);
        let table = ByteTable::new([100, 37], (0..3700).map(|i| (i % 251) as u8).collect::<Vec<_>>()).unwrap();
        let indices = |count: usize| {
            tape.constant(&Tensor::<f64>::from_fn([count], |i| (i * i % 101) as f64)) // row 100 does not exist
        };
        vec![
            x.gather_rows(indices(250)),
            indices(250).look_up(&table),
            x.scatter_add_rows(indices(100), 100),
            x.tanh().scatter_add_rows(indices(100), 3),
        ]
    });
}

#[test]
fn empty_tensors_flow_through() {
    assert_computes_its_tape("empty", |tape| {
        let (none, x) = (tape.input("none", [0, 3]), tape.input("x", [3, 2]));
        vec![
            none,
            none.square() + 1.0,
            none.sum_axes(&[0]),
            none.sum(),
            none.max_axes(&[0]),
            none.sum_axes(&[1]),
            none.exp().max_axes(&[1]),
            none.exp().sum_axes(&[0]),
            none.exp().sum_axes(&[1]),
            none.exp().sum(),
            none.exp().transpose().sum_axes(&[0]),
            none * x.slice(1, 0..1).reshape([1, 3]),
            tape.grad(none.exp().matmul(x).sum(), &[x])[0],
            none.matmul(x),
            none.matmul_with(none, true, false),
            tape.concat(&[none, none.pad(&[2, 0], &[0, 0])], 0),
            none.transpose(),
            x.slice(0, 1..1),
            x.gather_rows(tape.zeros([0])),
            tape.zeros([0]).look_up(&ByteTable::new([1, 2], vec![0, 1]).unwrap()),
            tape.zeros([0, 2]).scatter_add_rows(tape.zeros([0]), 3),
            tape.normal(Stream::new(0, "none"), [0]),
        ]
    });
}

/// A convolution, both of its gradients and a product where one extent is 0: there is nothing to add up.
#[test]
fn convolutions_over_nothing_are_zero() {
    fn views<'t>(tape: &'t Tape, x: [usize; 4], w: [usize; 4]) -> Vec<Var<'t>> {
        let conv = Conv::square(1, 1);
        let (x, w) = (tape.input("x", x), tape.input("w", w));
        let y = x.conv2d(w, conv);
        let g = tape.input("g", y.shape());
        let spatial = |v: Var| [v.shape()[2], v.shape()[3]];
        vec![y, g.conv2d_input(w, conv, spatial(x)) + 1.0, x.conv2d_filter(g, conv, spatial(w))]
    }
    assert_computes_its_tape("no images", |tape| views(tape, [0, 2, 4, 4], [3, 2, 3, 3]));
    assert_computes_its_tape("no channels", |tape| views(tape, [2, 0, 4, 4], [3, 0, 3, 3]));
    assert_computes_its_tape("no filters", |tape| views(tape, [2, 2, 4, 4], [0, 2, 3, 3]));
    assert_computes_its_tape("no filters of many channels", |tape| views(tape, [2, 32, 14, 14], [0, 32, 3, 3]));
    assert_computes_its_tape("no pixels", |tape| views(tape, [2, 1, 0, 0], [3, 1, 2, 2]));
    assert_computes_its_tape("no pixels in many channels", |tape| views(tape, [2, 16, 0, 3], [3, 16, 2, 2]));
}

/// More axes, none of which continues another, than a kernel of fixed size would take.
#[test]
fn views_may_have_any_number_of_axes() {
    assert_computes_its_tape("twelve axes", |tape| {
        let x = tape.input("x", [2; 12]);
        let turned = x.permute(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
        let thin = tape.input("thin", [2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]);
        vec![turned, x.sin() + turned * 0.5, x * thin, (x * thin).sum_axes(&[0, 2, 4, 6, 8, 10])]
    });
}

#[test]
fn tables_of_one_shape_are_not_mistaken_for_each_other() {
    assert_computes_its_tape("two tables", |tape| {
        let table = |factor: u8| ByteTable::new([3, 2], (0..6).map(|i| factor * i).collect::<Vec<u8>>()).unwrap();
        let rows = vector(tape, [2.0, 0.0]);
        let (first, second) = (table(1), table(10));
        vec![rows.look_up(&first), rows.look_up(&second), rows.look_up(&first.clone())]
    });
}

/// An output costs nothing where it is a value that is computed already, however it was written down.
#[test]
fn equal_values_are_computed_once() {
    let tape = Tape::new();
    let (x, w) = (tape.input("x", [5, 5]), tape.input("w", [5, 5]));
    let table = ByteTable::new([2, 5], vec![1; 10]).unwrap();
    let rows = vector(&tape, [0.0, 1.0]);
    let values = || [x.exp() * 2.0, (x.exp() * 2.0 + 0.0) / 1.0, x.matmul(w), rows.look_up(&table)];
    let once = Device::cpu().program(&tape, &values()).expect("a program").plan().steps.len();
    let twice = Device::cpu().program(&tape, &[values(), values()].concat()).expect("a program").plan().steps.len();
    assert_eq!([once, twice], [3, 3], "one pass, one product, one look-up");
}

/// Each kernel on values that do not lie in memory as it reads them: turned, cut out, repeated.
#[test]
fn views_into_every_kernel() {
    assert_computes_its_tape("views", |tape| {
        let (x, rows) = (tape.input("x", [6, 5, 7]), vector(tape, [3.0, 0.0, 9.0, 3.0]));
        let turned = x.permute(&[2, 0, 1]); // [7, 6, 5]
        let cut = x.slice_box(&[1, 1, 2], [4, 3, 4]); // [4, 3, 4]
        let repeated = x.slice(1, 2..3).broadcast_to([6, 4, 7]);
        let images = x.reshape([2, 3, 5, 7]).permute(&[1, 0, 3, 2]); // [3, 2, 7, 5]
        let filters = x.slice_box(&[0, 0, 0], [4, 3, 6]).reshape([4, 2, 3, 3]).permute(&[0, 1, 3, 2]);
        let conv = Conv::square(2, 1);
        let y = images.conv2d(filters, conv);
        let g = y.permute(&[1, 0, 2, 3]).reshape(y.shape());
        vec![
            turned.matmul(turned.slice(1, 0..5)),
            cut.matmul_with(repeated.slice_box(&[1, 0, 0], [4, 3, 4]), true, false),
            turned.max_axes(&[1]),
            cut.sum_axes(&[0, 2]),
            repeated.sum_axes(&[1]),
            turned.gather_rows(rows),
            x.gather_rows(rows.slice(0, 1..4).sum().broadcast_to([2])),
            cut.scatter_add_rows(rows, 5),
            tape.concat(&[turned, turned.slice(2, 1..2), repeated.permute(&[2, 0, 1])], 2),
            cut.pad(&[0, 1, 0], &[2, 0, 0]),
            y,
            g.conv2d_input(filters, conv, [7, 5]),
            images.conv2d_filter(g, conv, [3, 3]),
        ]
    });
}

/// One value as every argument of an operation, and gradients with respect to it and to a value on the way.
#[test]
fn a_value_may_be_every_argument() {
    assert_computes_its_tape("the same everywhere", |tape| {
        let x = tape.input("x", [3, 3, 3, 3]);
        let y = x.sin(); // the value on the way
        let same = Conv::square(1, 1);
        let values = vec![
            y * y + y / (y.square() + 1.0),
            y.matmul_with(y, true, false),
            y.conv2d(y, same),
            y.conv2d_input(y, same, [3, 3]),
            y.conv2d_filter(y, same, [3, 3]),
            tape.concat(&[y, y, y], 1).slice(1, 2..5),
            y.select(y, y),
        ];
        let total = values.iter().map(|value| value.square().sum()).reduce(|sum, value| sum + value).expect("some");
        let gradients = tape.grad(total * 1e-3, &[x, y]);
        [values, gradients].concat()
    });
}

/// Numbers that algebra easily gets wrong.
const SPECIAL: [f32; 12] =
    [0.0, 1.0, 3.0, 1e-45, 1e-30, f32::MAX, f32::INFINITY, 0.1, -0.0, -1.0, -7.5, f32::NEG_INFINITY];

/// The bits of what is computed, all NaN being one.
fn bits_but_for_nan(values: &[Tensor]) -> Vec<Vec<u32>> {
    let bits = |x: &f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
    values.iter().map(|value| value.data().iter().map(bits).collect()).collect()
}

/// Asserts that a program of the input `x`, which holds `values`, has the bits that the interpreter finds.
#[track_caller]
fn assert_exact(what: &str, values: &[f32], record: impl for<'t> Fn(Var<'t>) -> Vec<Var<'t>>) {
    let x = Tensor::new([values.len()], values.to_vec()).expect("as many as there are");
    let tape = Tape::new();
    let outputs = record(tape.input("x", x.shape()));
    let expected = bits_but_for_nan(&interpret(&tape, &outputs, &[("x", &x)], 0));
    // Compilers of OpenCL may take either zero for the larger one, so only the CPU is held to a zero's sign.
    let unsigned = |bits: &[Vec<u32>]| -> Vec<Vec<u32>> {
        let unsigned = |&bits: &u32| if bits == (-0.0_f32).to_bits() { 0 } else { bits };
        bits.iter().map(|bits| bits.iter().map(unsigned).collect()).collect()
    };
    for (place, device) in devices().into_iter().enumerate() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        let found = bits_but_for_nan(program.run(&[("x", &x)]).expect("x is given"));
        match place {
            0 | 1 => assert_eq!(found, expected, "{what}"), // on one thread and on several
            _ => assert_eq!(unsigned(&found), unsigned(&expected), "{what}, device {place}"),
        }
    }
}

/// What IEEE 754 rounds correctly has the interpreter's bits, whichever argument is a constant: no simplification changes
/// so much as the sign of a zero.
#[test]
fn algebra_is_exact_for_every_float() {
    use Elementwise::*;
    let operations = [
        Add,
        Sub,
        Mul,
        Div,
        Maximum,
        Minimum,
        Greater,
        GreaterEqual,
        Less,
        LessEqual,
        Equal,
        NotEqual,
        Neg,
        Sqrt,
        Square,
        Reciprocal,
        Abs,
        Sign,
        Relu,
        Step,
        Select,
        Clamp { low: -1.0, high: 3.0 },
        Clamp { low: 0.0, high: 1.0 },
        Clamp { low: -0.0, high: 1.0 },
        Clamp { low: 1.0, high: -1.0 },
    ];
    let values = [&SPECIAL[..], &[f32::NAN]].concat();
    for op in operations {
        assert_exact(&op.to_string(), &values, |x| {
            let constants: Vec<Var> = values.iter().map(|&c| x.tape().scalar(c.into())).collect();
            match op.arguments().len() {
                1 => constants.iter().copied().chain([x]).map(|x| op.record(&[x])).collect(),
                2 => {
                    let one_known = constants.iter().flat_map(|&c| [op.record(&[x, c]), op.record(&[c, x])]);
                    one_known.chain(constants.iter().map(|&c| op.record(&[constants[1], c]))).collect()
                }
                _ => constants.iter().flat_map(|&c| [[x, c, x], [c, x, c], [x, x, c]].map(|x| op.record(&x))).collect(),
            }
        });
    }
}

/// A sum starts from 0, so that the sum of −0 is 0, be it of one term, of many, or of a constant.
#[test]
fn a_sum_has_the_same_zero_however_it_is_taken() {
    for value in SPECIAL {
        assert_exact(&format!("sums of {value}"), &[value; 6], |x| {
            let shapes = [[6, 1, 1], [1, 6, 1], [1, 1, 6], [2, 1, 3]];
            let mut sums = Vec::new();
            for x in [x, x.tape().scalar(value.into()).broadcast_to([6])] {
                sums.extend(shapes.map(|shape| x.reshape(shape)).iter().flat_map(|x| {
                    [&[0][..], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]].map(|axes| x.slice(0, 0..1).sum_axes(axes))
                }));
                sums.extend([x.slice(0, 0..1).sum(), x.slice(0, 0..2).sum(), x.reshape([1, 6]).max_axes(&[0])]);
            }
            sums
        });
    }
}

/// Constants are folded as a device would compute them, each result rounded.
#[test]
fn folded_constants_have_the_bits_of_computed_ones() {
    assert_exact("a chain of constants", &[1.0], |x| {
        let c = |value| x.tape().scalar(value);
        let folded = c(0.1) * 3.0 - 0.3 + c(1.0) / 3.0;
        vec![x * folded, folded.broadcast_to([7]).sum() * x, (c(1e-60) + x) / c(1e-60), x + c(-1e-60), x - c(1e-60)]
    });
}

/// Softmax and its logarithm keep their digits however large the logits are (exact: 1/(2 + 1/e), …), on every device.
#[test]
fn softmax_does_not_depend_on_a_constant_that_is_added() {
    let distances = [0.0, 0.0, -1.0];
    let total: f64 = distances.iter().map(|d: &f64| d.exp()).sum();
    for c in [0.0f32, 1e4, -1e4, 1e6] {
        let x = Tensor::new([3], distances.map(|d| c + d as f32).to_vec()).expect("three");
        let tape = Tape::new();
        let logits = tape.input("x", [3]);
        let logarithm = logits.log_softmax(0);
        let slope = tape.grad(logarithm.slice(0, 0..1).sum(), &[logits])[0];
        let outputs = [logits.softmax(0), logarithm, slope, logarithm.exp().sum()];
        for device in devices() {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.run(&[("x", &x)]).expect("x is given");
            for (i, distance) in distances.into_iter().enumerate() {
                let share = distance.exp() / total;
                let exact = [share, distance - total.ln(), f64::from(u8::from(i == 0)) - share];
                for (found, exact) in found.iter().zip(exact) {
                    assert!((f64::from(found.data()[i]) - exact).abs() < 3e-7, "{c}: {found:?} for {exact}");
                }
            }
            assert!((found[3].item() - 1.0).abs() < 3e-7, "{c}: {}", found[3].item());
        }
    }
    let tape = Tape::new(); // c − 1 is c in f32
    let x = tape.input("x", [3]);
    let mut program =
        Device::cpu().program(&tape, &[x.log_softmax(0).exp().sum(), x.softmax(0).sum()]).expect("a program");
    let found = program.run(&[("x", &Tensor::full([3], 1e8))]).expect("x is given");
    assert!(found.iter().all(|sum| (sum.item() - 1.0).abs() < 3e-7));
}

/// 0 is larger than −0, whichever comes first, and NaN wins.
#[test]
fn the_largest_of_zeros_and_of_nan_does_not_depend_on_the_order() {
    for length in [2, 5, 64, 200] {
        for at in [0, 1, length - 1] {
            for (odd, rest) in [(0.0, -0.0), (f32::NAN, 1.0), (f32::NAN, f32::INFINITY), (1.0, f32::NEG_INFINITY)] {
                let values: Vec<f32> = (0..length).map(|i| if i == at { odd } else { rest }).collect();
                assert_exact(&format!("{odd} at {at} of {length}"), &values, |x| {
                    vec![x.max(), x.reshape([1, length]).max_axes(&[0, 1]), x.reshape([length, 1]).max_axes(&[0])]
                });
                let tape = Tape::new();
                let found = tape.constant(&Tensor::new([length], values).expect("numbers")).max().value().item();
                assert!(found.is_nan() == odd.is_nan() && found.is_sign_negative() == odd.is_sign_negative());
            }
        }
    }
}

/// Held first from below, then from above.
#[test]
fn clamping_is_maximum_then_minimum() {
    let tape = Tape::new();
    let values = [&SPECIAL[..], &[f32::NAN]].concat();
    let x = tape.constant(&Tensor::new([values.len()], values).expect("numbers"));
    for [low, high] in
        [[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [-0.0, 0.0], [f64::NEG_INFINITY, 0.1], [f64::INFINITY, 3.0]]
    {
        let [clamped, composed] = [x.clamp(low, high), x.maximum(low).minimum(high)].map(|y| y.value().cast());
        assert_eq!(bits_but_for_nan(&[clamped]), bits_but_for_nan(&[composed]), "{low} to {high}");
    }
    assert_eq!(tape.scalar(0.0).clamp(1.0, -1.0).value().item(), -1.0);
}

#[test]
fn a_sum_of_nothing_is_zero_even_of_infinities() {
    assert_computes_its_tape("folded", |tape| {
        let none = tape.zeros([0, 2]).ln(); // all of its elements are −∞
        vec![none.sum(), none.sum_axes(&[0]), tape.zeros([3, 2]).ln().sum()]
    });
}

/// Sums along rows of an odd length add nothing to their last term.
#[test]
fn an_infinity_stays_one_in_products_with_few_columns() {
    assert_computes_its_tape("infinities", |tape| {
        let infinite = tape.constant(&Tensor::<f64>::full([17, 40], f64::INFINITY));
        let ones = tape.input("x", [17, 1]).square() + 1.0;
        vec![infinite.matmul_with(ones, true, false), ones.matmul_with(infinite, true, false)]
    });
}

/// With a million equal terms, one chain of additions goes astray by 10⁻⁴ and more; PyTorch's sum of 2²⁵ is off by 9·10⁻⁷.
#[test]
fn long_sums_keep_their_digits() {
    const COUNT: usize = 1 << 20;
    let number = 0.1_f32;
    for device in devices() {
        let mut program = device
            .compile(|tape| {
                let x = tape.input("x", [COUNT]);
                let squares = x.square(); // asked for too, so that the sums are a kernel of their own
                let table = x.reshape([COUNT / 8, 8]);
                [
                    squares.mean(),
                    x.tanh().mean(),
                    x.exp().reshape([COUNT / 2, 2]).mean_axes(&[0]).mean(),
                    x.exp().reshape([COUNT / 32, 32]).mean_axes(&[0]).mean(),
                    table.mean_axes(&[0]).mean(),
                    table.scatter_add_rows(tape.zeros([COUNT / 8]), 1).mean() / (COUNT / 8) as f64,
                    x.reshape([1, COUNT]).matmul(x.reshape([COUNT, 1])).sum() / COUNT as f64,
                    squares,
                ]
            })
            .expect("a program");
        let [found @ .., _] = program.run(&[("x", &Tensor::full([COUNT], number.into()))]).expect("a run");
        let x = f64::from(number);
        let expected = [x * x, x.tanh(), x.exp(), x.exp(), x, x, x * x];
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (f64::from(found.data()[0]) / expected - 1.0).abs();
            assert!(error <= 2.7e-6, "sum {i} on {}: {error:.1e}", device.name());
        }
    }
}

/// A value is the same whatever else is asked for: a product that is added onto something comes as a finished sum. Here it
/// has terms of 5·10⁻⁸, and 1 + 5·10⁻⁸ is 1. PyTorch's sum is off by 1.6·10⁻⁶.
#[test]
fn small_terms_count_beside_large_ones() {
    const COUNT: usize = 20_000;
    for device in devices() {
        let values = |both: bool| {
            let mut program = device
                .compile(|tape| {
                    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| tape.input(name, [COUNT, 7]));
                    let (large, small) = (a.matmul_with(b, true, false), c.matmul_with(d, true, false));
                    [large + small, if both { small } else { large }]
                })
                .expect("a program");
            let [one, large, small] = [1.0, 5e-5, 5e-8].map(|value| Tensor::full([COUNT, 7], value));
            let [sum, _] = program.run(&[("a", &one), ("b", &large), ("c", &one), ("d", &small)]).expect("a run");
            sum.clone()
        };
        let [sum, beside] = [false, true].map(values);
        assert_eq!(sum, beside);
        assert!(sum.data().iter().all(|sum| (sum - 1.001).abs() <= 2e-6), "{sum:?}");
    }
}

/// Bits, so that NaN equals itself.
fn bits(values: &[Tensor]) -> Vec<Vec<u32>> {
    values.iter().map(|value| value.data().iter().map(|x| x.to_bits()).collect()).collect()
}

/// Behind the end of a short buffer a tile holds what ran before: here, angles too large for the fast sine.
#[test]
fn what_a_thread_computed_before_changes_no_bits() {
    let angles = Tensor::from_fn([100], |i| i as f32 * 0.37 - 18.0);
    let huge = Tensor::full([4096], 1e6);
    let sines = |before: bool| {
        let device = Device::cpu_with_threads(1).expect("a thread");
        if before {
            let mut program =
                device.compile(|tape| [(tape.input("x", [4096]) * 2.0).square() + 1.0]).expect("a program");
            program.run(&[("x", &huge)]).expect("a run");
        }
        let mut program = device.compile(|tape| [tape.input("x", [100]).sin()]).expect("a program");
        let [sines] = program.run(&[("x", &angles)]).expect("a run");
        sines.data().iter().map(|sine| sine.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(sines(true), sines(false));
}

#[test]
fn results_have_the_same_bits_on_any_number_of_threads_and_at_every_replay() {
    let records: [Record; 4] = [
        |tape| mlp_critic(tape, 256, 200, |x| x.relu()),
        |tape| conv_critic(tape, 12, 16, |x| x.leaky_relu(0.2)),
        |tape| generator(tape, 64),
        |tape| {
            let x = tape.input("x", [300, 333]) + tape.normal(Stream::new(1, "n"), [300, 333]);
            vec![
                x.softmax(0),
                x.logsumexp(1),
                x.sum(),
                x.sum_axes(&[0]),
                x.mean_axes(&[1]),
                x.max(),
                x.moments(&[0, 1]).1,
            ]
        },
    ];
    for (i, record) in records.into_iter().enumerate() {
        let tape = Tape::new();
        let outputs = record(&tape);
        let inputs = draw_inputs(&tape);
        let mut first: Option<Vec<Vec<u32>>> = None;
        for threads in [1, 2, 3, 8] {
            let device = Device::cpu_with_threads(threads).expect("threads");
            let mut program = device.program(&tape, &outputs).expect("a program");
            for replay in 0..2 {
                let found = bits(program.at(9).run(&by_name(&inputs)).expect("every input is given"));
                let first = first.get_or_insert_with(|| found.clone());
                assert!(*first == found, "program {i}, {threads} threads, replay {replay}");
            }
        }
    }
}

#[test]
fn random_numbers_are_the_interpreters() {
    let tape = Tape::new();
    let stream = |name| Stream::new(1 << 40 | 7, name);
    let outputs = [tape.uniform(stream("uniform"), [301, 333]), tape.normal(stream("normal"), [301, 333])];
    for device in devices() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        for step in [0, 1, 5_000_000_000] {
            let expected = interpret(&tape, &outputs, &[], step);
            let found = program.at(step).run(&[]).expect("no inputs");
            assert_eq!(found[0], expected[0], "uniform numbers are the same bits");
            let apart = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs() / ulp(*b);
            let worst = found[1].data().iter().zip(expected[1].data()).map(apart).fold(0.0, f64::max);
            assert!(worst <= 4.0, "normal numbers are at most 4 units in the last place away, not {worst}");
        }
    }
}

/// The distance from |x| to the next larger f32.
fn ulp(x: f32) -> f64 {
    f64::from(f32::from_bits(x.abs().to_bits() + 1)) - f64::from(x.abs())
}

/// What a program of updates asks for, and which Variable (by position) it assigns each new value.
struct Updates<'t> {
    outputs: Vec<Var<'t>>,
    assigned: Vec<(usize, Var<'t>)>,
}

/// Compiles a program over Variables [4, 4] and compares three replays with the interpreter: the values asked for, and
/// what the Variables hold afterwards.
fn assert_updates(name: &str, record: for<'t> fn(&'t Tape, &[Variable]) -> Updates<'t>) {
    for device in devices() {
        let variable = |i: usize| Variable::new(format!("v{i}"), draw(&format!("v{i}"), [4, 4]).cast());
        let variables: Vec<Variable> = (0..4).map(variable).collect();
        let tape = Tape::new();
        let Updates { outputs, assigned } = record(&tape, &variables);
        let inputs = draw_inputs(&tape);
        let wanted: Vec<Var> = outputs.iter().copied().chain(assigned.iter().map(|&(_, new)| new)).collect();
        let mut program = device.program(&tape, &outputs).expect("a program");
        for replay in 0..3 {
            let what = |kind: &str, i: usize| format!("{name}, replay {replay}, {kind} {i}");
            let mut state: Vec<Tensor> = variables.iter().map(|variable| variable.read().expect("host")).collect();
            let expected = interpret(&tape, &wanted, &by_name(&inputs), 0);
            let found = program.at(0).run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, TOLERANCE, &what("output", i));
            }
            for (&(variable, _), new) in assigned.iter().zip(&expected[outputs.len()..]) {
                state[variable] = new.clone();
            }
            for (i, (variable, expected)) in variables.iter().zip(&state).enumerate() {
                assert_agree(&variable.read().expect("on the CPU"), expected, TOLERANCE, &what("Variable", i));
            }
        }
    }
}

#[test]
fn assignments_read_old_values_and_are_committed_together() {
    /// Assigns and reports in one.
    fn update<'t>(tape: &'t Tape, v: &[Variable], i: usize, new: Var<'t>) -> (usize, Var<'t>) {
        (i, tape.assign(&v[i], new))
    }
    assert_updates("step in place", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        let new = update(tape, v, 0, w - g * 0.1);
        Updates { outputs: vec![w.sum(), new.1.sum()], assigned: vec![new] }
    });
    assert_updates("swap", |tape, v| {
        let [a, b] = [0, 1].map(|i| tape.variable(&v[i]));
        Updates { outputs: vec![a], assigned: vec![update(tape, v, 0, b), update(tape, v, 1, a)] }
    });
    assert_updates("rotation of three, one transposed", |tape, v| {
        let [a, b, c] = [0, 1, 2].map(|i| tape.variable(&v[i]));
        let assigned =
            vec![update(tape, v, 0, b.transpose()), update(tape, v, 1, c), update(tape, v, 2, a.reshape([4, 4]))];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("exchange of computed values", |tape, v| {
        let [a, b] = [0, 1].map(|i| tape.variable(&v[i]));
        let assigned = vec![update(tape, v, 0, a * 0.5 + b), update(tape, v, 1, a - b * 0.5)];
        Updates { outputs: vec![a * b], assigned }
    });
    assert_updates("old value read after the new one is computed", |tape, v| {
        let w = tape.variable(&v[0]);
        let new = update(tape, v, 0, w.tanh());
        let later = new.1.matmul(w) + w.transpose();
        Updates { outputs: vec![later, w, new.1], assigned: vec![new] }
    });
    assert_updates("moments and an average that follow an update", |tape, v| {
        let [w, m, average] = [0, 1, 2].map(|i| tape.variable(&v[i]));
        let g = tape.input("g", [4, 4]);
        let m = update(tape, v, 1, m * 0.9 + g * 0.1);
        let w = update(tape, v, 0, (w - m.1 * 0.1).clamp(-0.5, 0.5));
        let average = update(tape, v, 2, average * 0.99 + w.1 * 0.01);
        Updates { outputs: vec![w.1.sum()], assigned: vec![m, w, average] }
    });
    assert_updates("a product added onto the old value", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        let assigned =
            vec![update(tape, v, 0, w * 0.5 + g.matmul(g)), update(tape, v, 1, g.exp() + g.matmul(g.square()))];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("a product added onto a Variable as it is", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        Updates { outputs: vec![w], assigned: vec![update(tape, v, 0, w + g.matmul(g))] }
    });
    assert_updates("a product of the value it replaces", |tape, v| {
        let w = tape.variable(&v[0]);
        Updates { outputs: vec![], assigned: vec![update(tape, v, 0, w.matmul(w) * 0.3)] }
    });
    assert_updates("a reduction and a view of the value it replaces", |tape, v| {
        let w = tape.variable(&v[0]);
        let new = w.sum_axes(&[0]) * 0.1 + w.transpose();
        Updates { outputs: vec![], assigned: vec![update(tape, v, 0, new)] }
    });
    assert_updates("one value for two Variables, and for an output", |tape, v| {
        let w = tape.variable(&v[0]).sin();
        let assigned = vec![update(tape, v, 1, w), update(tape, v, 2, w), update(tape, v, 0, w)];
        Updates { outputs: vec![w, w.reshape([16])], assigned }
    });
    assert_updates("inputs, constants, random numbers and other Variables as new values", |tape, v| {
        let assigned = vec![
            update(tape, v, 0, tape.input("x", [4, 4])),
            update(tape, v, 1, tape.zeros([4, 4])),
            update(tape, v, 2, tape.normal(Stream::new(0, "new"), [4, 4])),
            update(tape, v, 3, tape.variable(&v[0])),
        ];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("its own value", |tape, v| {
        let w = tape.variable(&v[0]);
        Updates { outputs: vec![w + 1.0], assigned: vec![update(tape, v, 0, w), update(tape, v, 1, w.detach() * 1.0)] }
    });
    assert_updates("a value that nobody asked for", |tape, v| {
        let w = tape.variable(&v[2]);
        Updates { outputs: vec![], assigned: vec![update(tape, v, 2, w.max().broadcast_to([4, 4]))] }
    });
}

#[test]
fn programs_share_variables_and_hosts_write_them() {
    let cpu = Device::cpu();
    let weight = Variable::new("weight", Tensor::full([3], 1.0));
    let mut double = cpu.compile(|tape| [tape.assign(&weight, tape.variable(&weight) * 2.0)]).expect("a program");
    let mut total = cpu.compile(|tape| [tape.variable(&weight).sum()]).expect("a program");
    double.run(&[]).expect("no inputs");
    assert_eq!(total.run(&[]).expect("no inputs")[0].item(), 6.0);
    weight.write(&Tensor::full([3], 5.0)).expect("the same shape");
    assert_eq!(double.run(&[]).expect("no inputs")[0].data(), [10.0; 3]);
    assert_eq!(weight.read().expect("on the CPU").data(), [10.0; 3]);
    assert_eq!(total.run(&[]).expect("no inputs")[0].item(), 30.0);
    let error = weight.write(&Tensor::zeros([4])).expect_err("another shape");
    assert_eq!(error.to_string(), "\"weight\" has shape [3], but the tensor given for it has shape [4]");
}

/// Memory is reused within a run, between runs and between programs; nothing of what it held may show.
#[test]
fn nothing_of_an_earlier_run_is_left() {
    let records: [Record; 5] = [
        |tape| mlp_critic(tape, 37, 65, |x| x.relu()),
        |tape| conv_critic(tape, 3, 5, |x| x.leaky_relu(0.2)),
        |tape| generator(tape, 9),
        |tape| classifier(tape, 43, 11),
        |tape| {
            let x = tape.input("x", [60, 70]);
            vec![x.pad(&[1, 2], &[3, 0]).matmul_with(x.pad(&[0, 0], &[4, 2]), true, false), x.sum(), x.mean_axes(&[0])]
        },
    ];
    for (i, record) in records.into_iter().enumerate() {
        let tape = Tape::new();
        let outputs = record(&tape);
        let inputs = draw_inputs(&tape);
        let poison: Vec<(String, Tensor)> =
            inputs.iter().map(|(name, x)| (name.clone(), Tensor::full(x.shape(), f64::NAN))).collect();
        for device in devices() {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let fresh = bits(program.at(0).run(&by_name(&inputs)).expect("every input is given"));
            program.at(0).run(&by_name(&poison)).expect("every input is given");
            let again = bits(program.at(0).run(&by_name(&inputs)).expect("every input is given"));
            assert!(fresh == again, "program {i} after a run on NaN");
        }
    }
}

/// Programs on the same threads of work that share a Variable never wait for each other in a circle.
#[test]
fn programs_run_from_several_threads_take_turns_on_a_variable() {
    const RUNS: usize = 50;
    let weight = Variable::new("weight", Tensor::zeros([300, 300]));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let tape = Tape::new();
                let w = tape.variable(&weight);
                let identity = Tensor::<f64>::from_fn([300, 300], |i| f64::from(u8::from(i / 300 == i % 300)));
                tape.assign(&weight, w.matmul(tape.constant(&identity)) + 1.0); // enough work for several threads
                let mut program = Device::cpu().program(&tape, &[]).expect("a program");
                for _ in 0..RUNS {
                    program.run(&[]).expect("no inputs");
                }
            });
        }
    });
    assert_eq!(weight.read().expect("on the CPU"), Tensor::full([300, 300], 4.0 * RUNS as f64));
}

#[test]
fn wrong_inputs_are_named() {
    let tape = Tape::new();
    let (x, y) = (tape.input("x", [2]), tape.input("y", [3]));
    let unused = tape.input("unused", [9]);
    let mut program = Device::cpu().program(&tape, &[x.sum() * y.sum()]).expect("a program");
    let (two, three) = (Tensor::full([2], 1.0), Tensor::full([3], 1.0));
    let sentence = |program: &mut Program, inputs: &[(&str, &Tensor)]| match program.run(inputs) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(sentence(&mut program, &[("x", &two)]), "input \"y\" of shape [3] was not given");
    assert_eq!(
        sentence(&mut program, &[("x", &two), ("y", &three), ("z", &two)]),
        "there is no input \"z\"; the program reads x, y, unused"
    );
    assert_eq!(
        sentence(&mut program, &[("x", &three), ("y", &three)]),
        "\"x\" has shape [2], but the tensor given for it has shape [3]"
    );
    assert_eq!(sentence(&mut program, &[("y", &three), ("x", &two)]), "", "the order does not matter");
    assert_eq!(
        sentence(&mut Device::cpu().program(&Tape::new(), &[]).expect("a program"), &[("z", &two)]),
        "there is no input \"z\"; the program reads none"
    );
    let nine = Tensor::zeros(unused.shape());
    assert_eq!(sentence(&mut program, &[("unused", &nine), ("x", &two), ("y", &three)]), "", "it is declared");
}

/// The interpreter and compiled programs refuse the same feeds with the same errors.
#[test]
fn the_interpreter_refuses_what_programs_refuse() {
    let tape = Tape::new();
    let y = tape.input("x", [2]).sum();
    let mut program = Device::cpu().program(&tape, &[y]).expect("a program");
    let (two, three) = (Tensor::full([2], 1.0), Tensor::full([3], 1.0));
    let feeds: [&[(&str, &Tensor)]; 3] = [&[], &[("x", &three)], &[("x", &two), ("z", &two)]];
    for inputs in feeds {
        let interpreted = tape.interpret(&[y], Feed { inputs, step: 0 }).expect_err("a wrong feed");
        assert_eq!(program.run(inputs).expect_err("a wrong feed"), interpreted);
    }
}

/// A program whose values fit no memory is an error, not the end of the process.
#[test]
fn a_program_larger_than_the_memory_is_refused() {
    let tape = Tape::new();
    let x = tape.input("x", [1 << 24]);
    let outer = x.exp().reshape([1 << 24, 1]).matmul(x.sin().reshape([1, 1 << 24])); // 2⁴⁸ numbers, 2⁵⁰ bytes
    for output in [outer.max(), outer] {
        let error = Device::cpu().program(&tape, &[output]).err().expect("a pebibyte").to_string();
        assert!(error.starts_with("CPU: there is no memory for the 1073741952 MiB"), "{error}");
    }
}

/// A failed run leaves the outputs, the Variables and the next run as they were.
#[test]
fn a_refused_run_changes_nothing() {
    let weight = Variable::new("weight", Tensor::zeros([2]));
    let mut program = Device::cpu()
        .compile(|tape| [tape.assign(&weight, tape.variable(&weight) + tape.input("x", [2]))])
        .expect("a program");
    assert!(matches!(program.run(&[]), Err(Error::MissingInput { .. })));
    assert_eq!(weight.read().expect("host").data(), [0.0; 2]);
    let [new] = program.run(&[("x", &Tensor::full([2], 3.0))]).expect("given");
    assert_eq!(new.data(), [3.0; 2]);
}

/// 1/x at zero makes the first infinity; that infinity minus itself is what would be seen without looking.
#[test]
fn the_first_operation_that_is_not_finite_is_named() {
    let (tape, weight) = (Tape::new(), Variable::new("weight", Tensor::full([2], 1.0)));
    let x = tape.input("x", [2]);
    let (reciprocal, line) = ((x * tape.variable(&weight)).reciprocal(), line!());
    let difference = reciprocal - reciprocal;
    tape.assign(&weight, difference);
    let program = Device::cpu().program(&tape, &[difference.sum()]).expect("a program");
    let [ones, zeros] = [1.0, 0.0].map(|value| Tensor::full([2], value));
    assert_eq!(program.first_non_finite(&[("x", &ones)]).expect("given"), None);
    let found = program.first_non_finite(&[("x", &zeros)]).expect("given").expect("1/0");
    assert!(found.to_string().starts_with(&format!("reciprocal (recorded at tests/programs.rs:{line}:")), "{found}");
    let nan = Tensor::full([2], f64::NAN);
    let found = program.first_non_finite(&[("x", &nan)]).expect("given").expect("the input itself");
    assert_eq!(found.op, "input \"x\"");
}

/// Updates write into the Variable's own memory; what ends in an elementwise step needs no copy.
#[test]
fn weights_and_moments_are_updated_in_place() {
    let variables = ["weight", "mean", "square"].map(|name| Variable::new(name, Tensor::zeros([50, 50])));
    let tape = Tape::new();
    let [w, m, v] = variables.each_ref().map(|variable| tape.variable(variable));
    let g = tape.input("g", [50, 50]);
    let m = tape.assign(&variables[1], m * 0.5 + g * 0.5);
    let v = tape.assign(&variables[2], v * 0.9 + g.square() * 0.1);
    tape.assign(&variables[0], w - m / (v.sqrt() + 1e-8) * 0.1);
    let program = Device::cpu().program(&tape, &[]).expect("a program");
    assert_eq!(program.plan().steps.len(), 1, "one pass over memory: {:?}", program.plan().steps);
    assert_eq!(program.plan().arena, 50 * 50, "only the gradient lies in the arena");
}

/// A long chain needs the memory of a few of its links.
#[test]
fn memory_is_shared_by_values_that_are_never_alive_together() {
    let tape = Tape::new();
    let mut x = tape.input("x", [64, 64]);
    for _ in 0..50 {
        x = x.matmul(x).tanh();
    }
    let program = Device::cpu().program(&tape, &[x]).expect("a program");
    assert!(program.plan().arena <= 2 * 64 * 64, "{} elements", program.plan().arena);
}

/// A source of choices for random programs: always the same for a seed.
struct Choices {
    stream: Stream,
    taken: usize,
}

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.taken += 1;
        (self.stream.uniform(0, self.taken) * bound as f32) as usize
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// Records a random operation on values recorded before. All operations are continuous, or rounding could tip a value
/// over an edge on one side only.
fn random_operation<'t>(values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let x = choices.of(values);
    match choices.below(6) {
        0..=2 => random_elementwise(x, values, choices),
        3 => random_reduction(x, choices),
        4 => random_move(x, choices),
        _ => random_product(x, values, choices),
    }
}

fn random_elementwise<'t>(x: Var<'t>, values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let fits = |y: &&Var| y.shape().broadcast(&x.shape()).is_some_and(|shape| shape.count() < 3000);
    let fitting: Vec<Var> = values.iter().filter(fits).copied().collect();
    match choices.below(15) {
        0 => x.tanh(),
        1 => x.sin(),
        2 => x.relu(),
        3 => x.leaky_relu(0.2) * 0.5,
        4 => x.sigmoid() - 0.5,
        5 => -x,
        6 => x.abs() + 0.0,
        7 => x.clamp(-0.5, 0.5),
        8 | 9 => x + choices.of(&fitting),
        10 => (x * choices.of(&fitting)).tanh(),
        11 => x - choices.of(&fitting),
        12 => x.maximum(choices.of(&fitting)),
        13 => x.detach() * 0.5 + x,
        _ => x.cos(),
    }
}

fn random_reduction<'t>(x: Var<'t>, choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    if shape.rank() == 0 {
        return x.cos();
    }
    let axis = choices.below(shape.rank());
    match choices.below(4) {
        1 if shape.count() > 0 => x.max_axes(&[axis]),
        2 if shape.count() > 0 => x.softmax(axis),
        3 if shape.count() > 0 => x - x.mean_axes(&[axis]).restore_axes(&[axis], &shape),
        _ => x.sum_axes(&[axis]) * 0.3,
    }
}

fn random_move<'t>(x: Var<'t>, choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    if shape.rank() == 0 {
        return x.broadcast_to([2, 3]);
    }
    let axis = choices.below(shape.rank());
    let small = shape.count() < 500;
    match choices.below(9) {
        0 if shape.rank() > 1 => x.transpose(),
        1 if shape.rank() == 3 => x.permute(&choices.of(&[[1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 2, 1]])),
        2 if shape[axis] > 0 => {
            let start = choices.below(shape[axis]);
            x.slice(axis, start..start + 1 + choices.below(shape[axis] - start))
        }
        3 => {
            let start: Vec<usize> = shape.iter().map(|&extent| choices.below(extent.max(1))).collect();
            let rest: Vec<usize> = shape.iter().zip(&start).map(|(extent, start)| extent - start).collect();
            x.slice_box(&start, rest)
        }
        4 if small => {
            let (mut before, mut after) = (vec![0; shape.rank()], vec![0; shape.rank()]);
            (before[axis], after[axis]) = (choices.below(2), choices.below(3));
            x.pad(&before, &after)
        }
        5 if small => x.tape().concat(&[x, x.tanh()], axis),
        6 if small => x.broadcast_to([&[2], &*shape].concat()),
        7 if shape[0] > 0 => x.gather_rows(random_rows(x.tape(), choices, 4, shape[0])),
        8 => x.scatter_add_rows(random_rows(x.tape(), choices, shape[0], 7), 5), // some rows do not exist
        _ => x.reshape([shape.count()]),
    }
}

/// `count` indices below `bound`.
fn random_rows<'t>(tape: &'t Tape, choices: &mut Choices, count: usize, bound: usize) -> Var<'t> {
    tape.constant(&Tensor::<f64>::from_fn([count], |_| choices.below(bound) as f64))
}

fn random_product<'t>(x: Var<'t>, values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    match shape.rank() {
        2 => {
            let partners: Vec<Var> = values.iter().copied().filter(|y| y.shape().rank() == 2).collect();
            let y = choices.of(&partners); // x itself, if there is no other
            let y_shape = y.shape();
            let flips = [(false, false), (false, true), (true, false), (true, true)];
            let inner = |(a, b): &(bool, bool)| shape[usize::from(!*a)] == y_shape[usize::from(*b)];
            match flips.iter().find(|flip| inner(flip)) {
                Some(&(a, b)) => (x * 0.3).matmul_with(y, a, b),
                None => x.cos(),
            }
        }
        3 if shape[2] > 0 && shape.count() < 500 => {
            let images = x.reshape([&[1], &*shape].concat()) * 0.3;
            let conv = Conv { stride: [1, 1 + choices.below(2)], padding: [1, 1] };
            let filters = x.tape().constant(&draw("filters", [choices.below(4), shape[0], 2, 3]));
            let y = images.conv2d(filters, conv);
            match choices.below(3) {
                0 => y.reshape(y.shape().without(&[0])),
                1 => y.conv2d_input(filters, conv, [shape[1], shape[2]]).reshape(shape) * 0.1,
                _ => images.conv2d_filter(y, conv, [2, 3]).sum_axes(&[3]) * 0.1,
            }
        }
        _ => x.cos(),
    }
}

/// Random programs with random outputs, random updates of Variables, and the gradients of one value.
#[test]
fn random_programs_compute_their_tapes() {
    for seed in 0..1000 {
        let mut choices = Choices { stream: Stream::new(seed, "choices"), taken: 0 };
        let shapes: [&[usize]; 8] = [&[6, 5], &[5, 6], &[6, 6], &[6], &[1, 5], &[], &[2, 3, 4], &[0, 5]];
        let variable = |i: usize| Variable::new(format!("v{i}"), draw(&format!("v{i}"), shapes[i % 4]).cast());
        let variables: Vec<Variable> = (0..6).map(variable).collect();
        let tape = Tape::new();
        let mut values: Vec<Var> = variables.iter().map(|variable| tape.variable(variable)).collect();
        values.extend(shapes.iter().enumerate().map(|(i, shape)| tape.input(&format!("x{i}"), *shape)));
        values.push(tape.normal(Stream::new(seed, "noise"), [6, 5]));
        let leaves = values.clone();
        for _ in 0..5 + choices.below(40) {
            let new = random_operation(&values, &mut choices);
            values.push(new);
        }
        let loss = choices.of(&values[leaves.len()..]).sin().sum();
        values.extend(tape.try_grad(loss, &leaves).into_iter().flatten());
        let mut assigned: Vec<(usize, Var)> = Vec::new();
        for (i, variable) in variables.iter().enumerate() {
            let fits: Vec<Var> = values.iter().copied().filter(|value| value.shape() == *variable.shape()).collect();
            if choices.below(3) > 0 {
                let value = choices.of(&fits);
                let new = tape.assign(variable, if choices.below(2) == 0 { value } else { value.tanh() });
                assigned.push((i, new));
                values.push(new);
            }
        }
        let outputs: Vec<Var> = (0..1 + choices.below(8)).map(|_| choices.of(&values)).collect();

        let inputs = draw_inputs(&tape);
        let start: Vec<Tensor> = variables.iter().map(|variable| variable.read().expect("host")).collect();
        let wanted: Vec<Var> = outputs.iter().copied().chain(assigned.iter().map(|&(_, new)| new)).collect();
        let expected = interpret(&tape, &wanted, &by_name(&inputs), 0);
        for device in devices_for(seed) {
            variables.iter().zip(&start).for_each(|(variable, start)| variable.write(start).expect("the same shape"));
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, 1e-4, &format!("seed {seed}, output {i} on {}\n{tape}", device.name()));
            }
            let mut state = start.clone();
            for (&(variable, _), new) in assigned.iter().zip(&expected[outputs.len()..]) {
                state[variable] = new.clone();
            }
            for (i, (variable, expected)) in variables.iter().zip(&state).enumerate() {
                let found = variable.read().expect("on the CPU");
                assert_agree(
                    &found,
                    expected,
                    1e-4,
                    &format!("seed {seed}, Variable {i} on {}\n{tape}", device.name()),
                );
            }
        }
    }
}

/// Random mixtures of elementwise operations, sums and maxima over rows and columns of matrices large enough to be cut
/// into tasks, with their gradients: what fusion makes one pass of.
#[test]
fn random_passes_over_matrices_compute_their_tapes_with_the_same_bits_on_any_number_of_threads() {
    for seed in 0..150 {
        let mut choices = Choices { stream: Stream::new(seed, "matrix"), taken: 0 };
        let (rows, columns) = (choices.of(&[1, 2, 37, 64, 100, 1000]), choices.of(&[1, 5, 16, 33, 64, 257, 2049]));
        let rows = if rows * columns > 70_000 { 30 } else { rows };
        let tape = Tape::new();
        let full = Shape::from([rows, columns]);
        let leaves = [("x", [rows, columns]), ("y", [rows, columns]), ("row", [1, columns]), ("column", [rows, 1])]
            .map(|(name, shape)| tape.input(name, shape));
        let mut values = leaves.to_vec();
        for _ in 0..4 + choices.below(20) {
            let (x, y) = (choices.of(&values), choices.of(&values));
            let whole = x.broadcast_to(&full);
            values.push(match choices.below(12) {
                0 => x.tanh(),
                1 => x.sin() * y,
                2 => x - y,
                3 => x.relu() + y * 0.5,
                4 => (x * y).sigmoid(),
                5 => x.maximum(y),
                6 => (whole.sum_axes(&[1]) / columns as f64).reshape([rows, 1]),
                7 => whole.mean_axes(&[0]).reshape([1, columns]),
                8 => whole.square().mean().reshape([1, 1]),
                9 => whole.max_axes(&[choices.below(2)]).sum().reshape([1, 1]) * (0.5 / columns.max(rows) as f64),
                10 => whole.transpose().reshape([rows, columns]),
                _ => (x + y).cos(),
            });
        }
        let y = choices.of(&values[leaves.len()..]);
        let loss = (y * choices.of(&values)).mean();
        let mut outputs = vec![loss, y];
        outputs.extend(tape.try_grad(loss, &leaves).into_iter().flatten());
        outputs.extend((0..3).map(|_| choices.of(&values)));

        let inputs = draw_inputs(&tape);
        let expected = interpret(&tape, &outputs, &by_name(&inputs), 0);
        let mut first: HashMap<String, Vec<Vec<u32>>> = HashMap::new();
        for device in devices_for(seed) {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, 1e-4, &format!("seed {seed}, output {i} on {}\n{tape}", device.name()));
            }
            let found = bits(found);
            let known = first.entry(device.name()).or_insert_with(|| found.clone());
            assert!(*known == found, "seed {seed}: other bits on {}", device.name());
        }
    }
}
