//! The gradient check itself. `detach` makes derivatives wrong on purpose: `x.detach() * x` has the value of x², but
//! claims only half of its slope.

mod support;

use autograd::{GradCheck, Report, Tensor, Var, Variable};
use support::{TOLERANCE, draw, panic_of};

fn check(order: u32, f: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>, inputs: &[Tensor<f64>]) -> Report {
    GradCheck::order(order).check(f, inputs).expect("nothing to read")
}

fn numbers<const N: usize>(values: [f64; N]) -> Tensor<f64> {
    Tensor::from_fn([N], |i| values[i])
}

#[test]
fn a_wrong_derivative_is_caught_and_the_worst_entry_named() {
    let report = check(1, |x| x[0].detach() * x[0], &[numbers([0.1, -0.7, 0.4])]);
    assert!(!report.passes(0.4));
    let worst = report.worst.as_ref().expect("something was compared");
    assert_eq!(worst.name, "d out[1] / d x0[1]");
    assert!((worst.recorded - -0.7).abs() < 1e-12 && (worst.measured - -1.4).abs() < 1e-8);
    let sentence = report.to_string();
    assert!(sentence.starts_with("order 1: 9 compared, 0 rejected at kinks, worst error 5.0e-1 at d out[1] / d x0[1]"));
}

#[test]
fn projections_catch_it_too() {
    let wrong = GradCheck::order(1).projections(4).check(|x| x[0].detach() * x[0], &[draw("x", [50])]);
    let right = GradCheck::order(1).projections(4).check(|x| x[0].square(), &[draw("x", [50])]);
    assert!(!wrong.expect("nothing to read").passes(1e-3));
    let right = right.expect("nothing to read");
    assert!(right.passes(TOLERANCE) && right.compared == 4, "{right}");
}

/// `3a²x − 2a³` with `a = x.detach()` has the value of x³ and its slope 3x², but no second derivative.
#[test]
fn order_2_catches_a_second_derivative_that_order_1_cannot_see() {
    fn f<'t>(x: &[Var<'t>]) -> Var<'t> {
        let a = x[0].detach();
        a.square() * x[0] * 3.0 - a * a.square() * 2.0
    }
    let x = [numbers([0.3, -1.1])];
    let first = check(1, f, &x);
    assert!(first.passes(TOLERANCE), "{first}");
    let second = check(2, f, &x);
    assert!(!second.passes(0.5), "{second}");
    assert_eq!(second.worst.expect("compared").name, "d grad[1] / d x0[1]");
}

/// The gradient of Σ u·f is a function of u, too: that is how rules are checked along the gradient they are handed.
#[test]
fn order_2_also_moves_the_weights_on_the_outputs() {
    let report = check(2, |x| x[0].sum_axes(&[1]), &[draw("x", [2, 3])]);
    assert!(report.passes(TOLERANCE), "{report}");
    assert_eq!(report.compared, 6 * (6 + 2), "six gradients along six inputs and two weights");
}

#[test]
fn a_difference_across_a_kink_is_rejected_and_counted() {
    let report = check(1, |x| x[0].relu(), &[numbers([0.5, 1e-7, -0.5])]);
    assert_eq!((report.compared, report.rejected), (6, 3), "the middle column is measured across the kink");
    assert!(report.passes(TOLERANCE), "{report}");
    let report = check(1, |x| x[0].max(), &[numbers([0.5, 0.5 + 1e-7])]);
    assert_eq!((report.compared, report.rejected), (0, 2), "both columns change which element is the largest");
    assert!(!report.passes(f64::MAX), "a check that compared nothing passes nothing");
}

#[test]
fn a_smaller_step_comes_nearer_to_a_kink() {
    let near = numbers([1e-6]);
    let report = |check: GradCheck| check.check(|x| x[0].relu(), std::slice::from_ref(&near)).expect("nothing to read");
    assert_eq!(report(GradCheck::order(1)).rejected, 1);
    let report = report(GradCheck::order(1).step(1e-7));
    assert!(report.rejected == 0 && report.passes(TOLERANCE), "{report}");
}

#[test]
fn a_seed_is_a_choice_of_directions() {
    let worst = |seed| {
        let check = GradCheck::order(1).projections(1).seed(seed).check(|x| x[0].exp(), &[draw("x", [5])]);
        check.expect("nothing to read").worst.expect("compared").recorded
    };
    assert_eq!(worst(1), worst(1));
    assert_ne!(worst(1), worst(2));
}

#[test]
fn an_absent_gradient_counts_as_zero() {
    let report = check(1, |x| x[0].step() * x[1].detach().sign(), &[numbers([0.5]), numbers([-0.5])]);
    assert!(report.passes(0.0) && report.compared == 2, "{report}");
    let report = check(2, |x| x[0] * 3.0, &[draw("x", [2]), draw("unused", [3])]);
    assert!(report.passes(TOLERANCE) && report.compared == 5 * 7, "a linear function's gradient is constant: {report}");
    let report = check(1, |x| x[0].detach(), &[numbers([0.5])]);
    assert!(!report.passes(0.5), "zero is claimed, one is measured: {report}");
}

#[test]
fn a_derivative_that_is_not_a_number_fails() {
    let report = check(1, |x| x[0].square().sqrt(), &[numbers([0.0, 1.0])]);
    assert_eq!(report.error(), f64::INFINITY, "0/0 at the first element: {report}");
}

#[test]
fn functions_of_scalars_and_of_nothing_are_checked() {
    let report = check(2, |x| x[0].exp() * x[1], &[Tensor::scalar(0.3), Tensor::scalar(-0.6)]);
    assert!(report.passes(TOLERANCE) && report.compared == 2 * 3, "{report}");
    let report = check(1, |x| x[0].square(), &[Tensor::zeros([0])]);
    assert!(report.compared == 0 && !report.passes(1.0));
}

/// How a module is checked: its Variables are bound to the Vars that the check varies, in f64.
#[test]
fn variables_are_checked_through_bind() {
    let weight = Variable::new("weight", Tensor::zeros([2, 3]));
    let report = check(
        2,
        |x| {
            let tape = x[0].tape();
            tape.bind(&weight, x[0]);
            x[1].matmul_transposed(tape.variable(&weight)).tanh() // what the module records
        },
        &[draw("weight", [2, 3]), draw("x", [4, 3])],
    );
    assert!(report.passes(TOLERANCE) && report.compared == 18 * (18 + 8), "{report}");
}

#[test]
fn orders_beyond_2_are_refused() {
    assert!(panic_of(|| GradCheck::order(3)).message.contains("the order is 1 or 2, not 3"));
}
