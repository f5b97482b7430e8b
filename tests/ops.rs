//! Every operation of the table: gradients at order 1 and 2 against finite differences, values on every device against
//! the specification, the lines recorded for them, and the mistakes it must name.

mod refusals;
mod samples;
mod support;

use autograd::ops::Elementwise;
use autograd::{GradCheck, Tape, Tensor, Var};
use refusals::refusals;
use samples::samples;
use support::{TOLERANCE, assert_agree, by_name, devices, interpret, panic_of};

/// An elementwise operation on a device may miss the nearest f32 by a few units in the last place; samples, which add
/// up and cancel several rounded results, by a few times that.
const ELEMENTWISE_TOLERANCE: f32 = 4.0 * f32::EPSILON;
const SAMPLE_TOLERANCE: f32 = 16.0 * f32::EPSILON;

#[test]
fn every_operation_has_the_right_derivative_at_orders_1_and_2() {
    for sample in samples() {
        for order in [1, 2] {
            let report =
                GradCheck::order(order).check(|x| (sample.record)(x), &sample.inputs).expect("nothing to read");
            assert!(report.passes(TOLERANCE), "{}: {report}", sample.name);
        }
    }
}

#[test]
fn every_operation_refuses_wrong_shapes_in_the_users_words_at_the_users_line() {
    for refusal in refusals() {
        let tape = Tape::new();
        let inputs: Vec<_> =
            refusal.shapes.iter().enumerate().map(|(i, shape)| tape.input(&i.to_string(), shape)).collect();
        let panic = panic_of(|| (refusal.record)(&inputs));
        assert!(panic.message.contains(refusal.message), "{}: said {:?}", refusal.name, panic.message);
        assert!(panic.file.ends_with("refusals.rs"), "{}: reported at {}", refusal.name, panic.file);
    }
}

/// The samples are what a user writes: every node they record, and every node of their derivatives, carries a line of
/// the samples' own file.
#[test]
fn every_operation_and_its_derivatives_carry_the_users_line() {
    for sample in samples() {
        let tape = Tape::new();
        let constants = sample.inputs.iter().map(|input| tape.constant(input));
        let inputs: Vec<Var> = constants.collect();
        let y = (sample.record)(&inputs);
        for gradient in tape.vjp(y, y, &inputs).into_iter().flatten() {
            tape.vjp(gradient, gradient, &inputs);
        }
        for node in tape.nodes().iter().skip(inputs.len()) {
            assert!(node.location.file().ends_with("samples.rs"), "{}: {} at {}", sample.name, node.op, node.location);
        }
    }
}

/// The value of every sample and its gradients, on the sample's own inputs.
#[test]
fn every_operation_computes_its_specification_on_every_device() {
    for sample in samples() {
        let tape = Tape::new();
        let named = sample.inputs.iter().enumerate().map(|(i, x)| (format!("x{i}"), x.cast()));
        let inputs: Vec<(String, Tensor)> = named.collect();
        let xs: Vec<Var> = inputs.iter().map(|(name, x)| tape.input(name, x.shape())).collect();
        let y = (sample.record)(&xs);
        let mut outputs = vec![y];
        outputs.extend(tape.vjp(y, y, &xs).into_iter().flatten());
        let expected = interpret(&tape, &outputs, &by_name(&inputs), 5);
        for device in devices() {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.at(5).run(&by_name(&inputs)).expect("every input is given");
            for (found, expected) in found.iter().zip(&expected) {
                assert_agree(found, expected, SAMPLE_TOLERANCE, &sample.name);
            }
        }
    }
}

/// Every elementwise operation on every combination of numbers that are easily got wrong.
#[test]
fn elementwise_operations_follow_their_formula_at_special_values() {
    const MAGNITUDES: [f32; 9] = [0.0, 1e-30, 0.2, 0.5, 0.7, 1.0, 20.0, 100.0, 3e38];
    let special: Vec<f32> = MAGNITUDES.into_iter().chain([f32::INFINITY, f32::NAN]).flat_map(|x| [x, -x]).collect();
    for &op in Elementwise::ALL {
        let arity = op.domain().len();
        let trigonometric = matches!(op, Elementwise::Sin | Elementwise::Cos);
        let usable = |x: &f32| !trigonometric || x.abs() <= 100.0 || !x.is_finite(); // reduced modulo 2π in f32
        let values: Vec<f32> = special.iter().copied().filter(usable).collect();
        let count = values.len().pow(arity as u32);
        let argument = |i: usize| Tensor::from_fn([count], |at| values[at / values.len().pow(i as u32) % values.len()]);
        let inputs: Vec<(String, Tensor)> = (0..arity).map(|i| (format!("x{i}"), argument(i))).collect();
        let tape = Tape::new();
        let xs: Vec<Var> = inputs.iter().map(|(name, x)| tape.input(name, x.shape())).collect();
        let y = op.record(&xs);
        let expected = interpret(&tape, &[y], &by_name(&inputs), 0).remove(0);
        for device in devices() {
            let mut program = device.program(&tape, &[y]).expect("a program");
            let found = &program.run(&by_name(&inputs)).expect("every input is given")[0];
            for at in 0..count {
                let one = |x: &Tensor| Tensor::new([], vec![x.data()[at]]).expect("one element");
                let arguments: Vec<f32> = inputs.iter().map(|(_, x)| x.data()[at]).collect();
                assert_agree(&one(found), &one(&expected), ELEMENTWISE_TOLERANCE, &format!("{op} of {arguments:?}"));
                let [found, expected] = [found, &expected].map(|y| y.data()[at]);
                let signs_differ = found.is_sign_negative() != expected.is_sign_negative();
                assert!(found != 0.0 || expected != 0.0 || !signs_differ, "{op} of {arguments:?}: {found:?}");
            }
        }
    }
}
