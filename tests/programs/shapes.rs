//! Tensors of every shape: reductions, broadcasts, products, moves, views, and nothing at all.

use autograd::ops::Conv;
use autograd::{ByteTable, Stream, Tape, Tensor, Var};

use crate::assert_computes_its_tape;
use crate::support::vector;

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
