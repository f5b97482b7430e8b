//! Networks with first and second derivatives, and the smallest program of every kernel.

use autograd::ops::Conv;
use autograd::{ByteTable, Stream, Tape, Tensor, Var};

use crate::assert_computes_its_tape;
use crate::support::{Activation, penalty, vector};

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

pub fn mlp_critic<'t>(tape: &'t Tape, batch: usize, width: usize, activation: Activation) -> Vec<Var<'t>> {
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

pub fn conv_critic<'t>(tape: &'t Tape, batch: usize, channels: usize, activation: Activation) -> Vec<Var<'t>> {
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
pub fn generator<'t>(tape: &'t Tape, batch: usize) -> Vec<Var<'t>> {
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
pub fn classifier<'t>(tape: &'t Tape, batch: usize, classes: usize) -> Vec<Var<'t>> {
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
        vec![y, shifted, y.max(), x.maximum(y).minimum(0.3), x.gt(y).select(x, -y)]
    }
    macro_rules! counts {
        ($($count:expr),+) => { $(
            assert_computes_its_tape(concat!($count, " elements"), |tape| chain(tape.input("x", [$count])));
        )+ };
    }
    counts!(1, 2, 3, 7, 8, 9, 15, 17, 31, 33, 63, 65, 127, 511, 512, 513, 1025, 8191, 8192, 8193, 33000, 65537);
}
