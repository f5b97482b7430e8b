//! Every operation of the table: gradients at order 1 and 2 against finite differences, and the mistakes it must name.

use std::panic::{AssertUnwindSafe, catch_unwind};

use autograd::ops::{refusals, samples};
use autograd::{GradCheck, Tape};

/// Central differences with h = 1e-5 in f64 are good to about 1e-9 for values and slopes of order 1.
const TOLERANCE: f64 = 1e-7;

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
fn every_operation_refuses_wrong_shapes_in_the_users_words() {
    for refusal in refusals() {
        let tape = Tape::new();
        let inputs: Vec<_> =
            refusal.shapes.iter().enumerate().map(|(i, shape)| tape.input(&i.to_string(), shape)).collect();
        let panic = catch_unwind(AssertUnwindSafe(|| (refusal.record)(&inputs)));
        let message = *panic.expect_err(refusal.name).downcast::<String>().expect("a formatted message");
        assert!(message.contains(refusal.message), "{}: said {message:?}", refusal.name);
    }
}
