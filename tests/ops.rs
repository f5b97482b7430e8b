//! Every operation of the table: gradients at order 1 and 2 against finite differences, the lines recorded for them,
//! and the mistakes it must name.

mod support;

use autograd::ops::{refusals, samples};
use autograd::{GradCheck, Tape, Var};
use support::{TOLERANCE, panic_of};

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
        assert!(panic.file.ends_with("samples.rs"), "{}: reported at {}", refusal.name, panic.file);
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
