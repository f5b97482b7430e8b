//! What rounding, zeros, infinities and NaN must not change, and how long sums keep their digits.

use autograd::ops::Elementwise;
use autograd::{ByteTable, Device, Tape, Tensor, Var};

use crate::assert_computes_its_tape;
use crate::support::{assert_agree, devices, interpret};

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
        Floor,
        Round,
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
fn terms_count_beside_much_larger_ones() {
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

/// What names no row picks NaN, on every device: behind the last row, before the first, or between two. Added up, a row between
/// two is NaN in the lower one, and one that does not exist is left out.
#[test]
fn an_index_between_two_rows_gives_nan() {
    let tape = Tape::new();
    let (values, index) = (tape.input("values", [3]), tape.input("index", [5]));
    let table = ByteTable::new([3], vec![0, 51, 255]).expect("three bytes");
    let outputs = [
        values.gather_rows(index),
        values.gather(0, index),
        index.look_up(&table),
        index.one_hot(3).sum_axes(&[1]),
        tape.zeros([5]).scatter_add_rows(index, 3),
    ];
    let inputs =
        [("values", &Tensor::full([3], 1.0)), ("index", &Tensor::new([5], vec![2.0, 1.5, -0.5, 3.0, 0.0]).expect("5"))];
    let expected = interpret(&tape, &outputs, &inputs, 0);
    for picked in &expected[..4] {
        assert_eq!(picked.data().iter().map(|y| y.is_nan()).collect::<Vec<_>>(), [false, true, true, true, false]);
    }
    assert!(expected[4].data()[1].is_nan() && expected[4].data()[0] == 0.0 && expected[4].data()[2] == 0.0);
    for device in devices() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        for (found, expected) in program.run(&inputs).expect("both are given").iter().zip(&expected) {
            assert_agree(found, expected, 0.0, "rows");
        }
    }
}
