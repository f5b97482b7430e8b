//! Values that are used more than once: reused, added onto in place, viewed, equal, asked for.

use autograd::ops::Conv;
use autograd::{ByteTable, Device, Tape, Var};

use crate::assert_computes_its_tape;
use crate::support::{draw, vector};

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
        [values, gradients.to_vec()].concat()
    });
}
