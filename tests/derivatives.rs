//! Derivatives of derivatives against known mathematics, what recording them costs, and what is refused.

mod support;

use std::slice::from_ref;

use autograd::ops::{Conv, MatMul, Op};
use autograd::{Device, Feed, GradCheck, Tape, Tensor, Var, Variable};
use support::{Activation, Critic, TOLERANCE, assert_close, draw, panic_of, penalty, vector};

#[test]
fn the_third_derivative_of_a_cube_is_6_and_the_fourth_is_absent() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let mut derivative = x * x * x;
    for expected in [27.0, 18.0, 6.0] {
        derivative = tape.grad(derivative, &[x])[0];
        assert_eq!(derivative.value().item(), expected);
    }
    assert!(tape.try_grad(derivative, &[x])[0].is_none(), "6 does not depend on x");
}

#[test]
fn derivatives_of_every_order_of_an_exponential_and_a_sine() {
    let tape = Tape::new();
    let x = tape.scalar(0.5);
    let (mut exponential, mut sine) = ((x * 2.0).exp(), x.sin());
    for order in 1..=6 {
        exponential = tape.grad(exponential, &[x])[0];
        sine = tape.grad(sine, &[x])[0];
        let turn = f64::from(order) * std::f64::consts::FRAC_PI_2;
        assert!((exponential.value().item() - 2f64.powi(order) * 1f64.exp()).abs() < 1e-12);
        assert!((sine.value().item() - (0.5 + turn).sin()).abs() < 1e-12, "each derivative turns by a quarter");
    }
}

/// A physics-informed network, 4 × 50 tanh at 2,000 points: the gradient of a loss with third derivatives. Its rounding
/// errors in f32, relative to the largest element, are at most 2·10⁻⁶ in PyTorch; here a gradient is a sum of many products.
#[test]
fn gradients_of_third_order_losses_keep_their_digits() {
    const POINTS: usize = 2000;
    let tape = Tape::new();
    let widths = [1, 50, 50, 50, 50, 1];
    let parameters: Vec<Var> = (1..widths.len())
        .flat_map(|i| {
            let gain = (3.0 / widths[i - 1] as f64).sqrt();
            let weights = draw(&format!("w{i}"), [widths[i], widths[i - 1]]);
            let biases = draw(&format!("b{i}"), [widths[i]]);
            [(weights, gain), (biases, 0.2)]
        })
        .map(|(numbers, scale)| {
            let single = |i: usize| f64::from((scale * numbers.data()[i]) as f32);
            tape.constant(&Tensor::<f64>::from_fn(numbers.shape().clone(), single))
        })
        .collect();
    let x = tape.constant(&draw("x", [POINTS, 1]).cast::<f32>());
    let layers: Vec<_> = parameters.chunks(2).collect();
    let (last, hidden) = layers.split_last().expect("five layers");
    let h = hidden.iter().fold(x, |h, layer| (h.matmul_transposed(layer[0]) + layer[1]).tanh());
    let u = h.matmul_transposed(last[0]) + last[1];
    let mut derivatives = vec![u];
    for order in 0..3 {
        derivatives.push(tape.grad(derivatives[order].sum(), &[x])[0]);
    }
    let (first, third) = (derivatives[1], derivatives[3]);
    let loss = (u * first + third * 0.1).square().mean();
    let gradients = tape.grad(loss, &parameters);
    let exact = tape.interpret::<f64>(&gradients, Feed::default()).expect("no inputs");
    let mut program = Device::cpu().program(&tape, &gradients).expect("a program");
    let found = program.run(&[]).expect("a run");
    for (i, (found, exact)) in found.iter().zip(&exact).enumerate() {
        let largest = exact.data().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let differences = found.data().iter().zip(exact.data()).map(|(&found, exact)| (f64::from(found) - exact).abs());
        let error = differences.fold(0.0, f64::max) / largest;
        assert!(error <= 6e-6, "parameter {i}: {error:.1e}");
    }
}

#[test]
fn mixed_partials_agree_in_any_order() {
    let tape = Tape::new();
    let (x, y) = (tape.scalar(0.7), tape.scalar(-0.4));
    let f = (x * y).sin() * x.exp();
    let by_x_then_y = tape.grad(tape.grad(f, &[x])[0], &[y])[0].value().item();
    let by_y_then_x = tape.grad(tape.grad(f, &[y])[0], &[x])[0].value().item();
    // ∂²/∂x∂y eˣ sin(xy) = eˣ (cos xy + x cos xy − xy sin xy)
    let (x, y): (f64, f64) = (0.7, -0.4);
    let exact = x.exp() * ((x * y).cos() * (1.0 + x) - x * y * (x * y).sin());
    assert!((by_x_then_y - exact).abs() < 1e-12 && (by_y_then_x - exact).abs() < 1e-12);
}

/// ⟨u, Jv⟩ = ⟨uᵀJ, v⟩ for any u and v, over several inputs at once.
#[test]
fn forward_and_reverse_products_are_dual() {
    let tape = Tape::new();
    let [x, w, u, v, t] = [("x", [4, 3]), ("w", [3, 2]), ("u", [4, 2]), ("v", [4, 3]), ("t", [3, 2])]
        .map(|(name, shape)| tape.constant(&draw(name, shape)));
    let y = x.matmul(w).tanh() * x.sum_axes(&[1]).reshape([4, 1]);
    let forward = (u * tape.jvp(y, &[x, w], &[v, t])).sum().value().item();
    let pulled = tape.vjp(y, u, &[x, w]);
    let [Some(pulled_x), Some(pulled_w)] = pulled[..] else { panic!("y depends on both") };
    let reverse = ((pulled_x * v).sum() + (pulled_w * t).sum()).value().item();
    assert!((forward - reverse).abs() < 1e-12, "{forward} and {reverse}");
}

#[test]
fn jvp_fills_in_zeros() {
    let tape = Tape::new();
    let (x, y) = (vector(&tape, [1.0, 2.0]), vector(&tape, [3.0, 4.0]));
    assert_eq!(tape.jvp(y.square(), &[x], &[x]).value().data(), [0.0, 0.0]);
    assert_eq!(tape.jvp(x.square(), &[y, x], &[y, x]).value().data(), [2.0, 8.0], "only x matters");
    assert_eq!(tape.jvp(x, &[x], &[y]).value().data(), [3.0, 4.0], "the identity's is the direction");
}

/// f(x) = ½xᵀAx + bᵀx + c has the Hessian ½(A + Aᵀ); bᵀx + c has zero.
#[test]
fn hessians_of_quadratic_and_linear_functions() {
    let tape = Tape::new();
    let (a, b, x, v) = (draw("a", [4, 4]), draw("b", [4]), draw("x", [4]), draw("v", [4]));
    let [b, x, v] = [b, x, v].map(|t| tape.constant(&t));
    let linear = (b * x).sum() + 7.0;
    let column = x.reshape([4, 1]);
    let quadratic = (column * tape.constant(&a).matmul(column)).sum() * 0.5 + linear;

    let symmetric = Tensor::from_fn([4, 4], |i| 0.5 * (a.data()[i] + a.data()[i % 4 * 4 + i / 4]));
    let hessian = tape.hessian(quadratic, x);
    assert_close(&hessian.value(), &symmetric, 1e-14);
    assert_eq!(tape.hessian(linear, x).value(), Tensor::zeros([4, 4]));

    let product = hessian.matmul(v.reshape([4, 1])).reshape([4]);
    assert_close(&tape.hvp(quadratic, &[x], &[v])[0].value(), &product.value(), 1e-14);
    assert_eq!(tape.hvp(linear, &[x], &[v])[0].value(), Tensor::zeros([4]));
}

#[test]
fn the_hessian_vector_product_is_the_hessian_times_the_vector() {
    let tape = Tape::new();
    let [x, v] = ["x", "v"].map(|name| tape.constant(&draw(name, [2, 3])));
    let y = (x.softmax(1).ln() * x.sin()).sum() + x.norm_rows().sum();
    let product = tape.hessian(y, x).matmul(v.reshape([6, 1])).reshape([2, 3]);
    assert_close(&tape.hvp(y, &[x], &[v])[0].value(), &product.value(), 1e-13);
}

/// ∂(XW)ᵢⱼ / ∂Xₖₗ = δᵢₖ Wₗⱼ and ∂(XW)ᵢⱼ / ∂Wₖₗ = δⱼₗ Xᵢₖ.
#[test]
fn the_jacobian_of_a_matrix_product() {
    let (x, w) = (draw("x", [2, 3]), draw("w", [3, 4]));
    let tape = Tape::new();
    let (x_var, w_var) = (tape.constant(&x), tape.constant(&w));
    let y = x_var.matmul(w_var);
    let by_x = Tensor::from_fn([8, 6], |at| {
        let (i, j, k, l) = (at / 6 / 4, at / 6 % 4, at % 6 / 3, at % 3);
        if i == k { w.data()[l * 4 + j] } else { 0.0 }
    });
    let by_w = Tensor::from_fn([8, 12], |at| {
        let (i, j, k, l) = (at / 12 / 4, at / 12 % 4, at % 12 / 4, at % 4);
        if j == l { x.data()[i * 3 + k] } else { 0.0 }
    });
    assert_eq!(tape.jacobian(y, x_var).value(), by_x);
    assert_eq!(tape.jacobian(y, w_var).value(), by_w);
}

#[test]
fn jacobians_of_scalars_and_of_nothing_have_a_shape() {
    let tape = Tape::new();
    let (x, none) = (tape.scalar(3.0), tape.zeros([0, 2]));
    assert_eq!(tape.jacobian(x.square(), x).value(), Tensor::new([1, 1], vec![6.0]).expect("one element"));
    assert_eq!(tape.jacobian(none, x).shape(), [0, 1].into());
    assert_eq!(tape.jacobian(x, none).shape(), [1, 0].into());
}

#[test]
fn detach_stops_a_derivative() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    assert_eq!(tape.grad(x.detach() * x, &[x])[0].value().item(), 3.0);
    assert!(tape.try_grad(x.square().detach(), &[x])[0].is_none());
    let detached = x.detach();
    assert_eq!(tape.grad(detached.square(), &[detached])[0].value().item(), 6.0, "it is a leaf of its own");
}

#[test]
fn a_diamond_adds_up_both_ways() {
    let tape = Tape::new();
    let x = tape.scalar(2.0);
    let middle = x.square();
    let y = middle * 3.0 + middle * x; // 3x² + x³
    assert_eq!(tape.grad(y, &[x])[0].value().item(), 24.0); // 6x + 3x²
    let both = tape.grad(y, &[middle, x]);
    assert_eq!(both[0].value().item(), 5.0, "3 + x, the other way through x being held fixed");
    assert_eq!(both[1].value().item(), 24.0, "asking for a node on the way changes nothing behind it");
}

/// The gradient of f(x, x) is the sum of those for both arguments.
#[test]
fn a_value_may_be_every_argument_of_an_operation() {
    type Record = for<'t> fn(Var<'t>) -> Var<'t>;
    let uses: [(&str, Record); 6] = [
        ("quotient", |x| x / (x.square() + 1.0) + x * x),
        ("matrix product", |x| x.matmul_with(x, true, false)),
        ("convolution", |x| x.conv2d(x, Conv::square(1, 1))),
        ("its input gradient", |x| x.conv2d_input(x, Conv::square(1, 0), [3, 3])),
        ("its filter gradient", |x| x.conv2d_filter(x, Conv::square(1, 0), [1, 1])),
        ("concatenation", |x| x.tape().concat(&[x, x.square(), x], 1)),
    ];
    for (name, record) in uses {
        for order in [1, 2] {
            let report = GradCheck::order(order).check(|x| record(x[0]), &[draw(name, [2, 2, 2, 2])]);
            let report = report.expect("nothing to read");
            assert!(report.passes(TOLERANCE), "{name}: {report}");
        }
    }
}

#[test]
fn requests_may_repeat_name_the_output_and_come_too_late() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let y = x.square();
    let late = tape.scalar(1.0);
    let gradients = tape.try_grad(y, &[x, x, y, late]);
    let values: Vec<Option<f64>> = gradients.iter().map(|g| g.map(|g| g.value().item())).collect();
    assert_eq!(values, [Some(6.0), Some(6.0), Some(1.0), None]);
    assert!(tape.grad(y, &[]).is_empty());
}

#[test]
fn empty_scalar_and_extent_1_tensors_have_gradients() {
    let tape = Tape::new();
    let empty = tape.zeros([0, 3]);
    assert_eq!(tape.grad(empty.square().sum(), &[empty])[0].value(), Tensor::zeros([0, 3]));
    assert_eq!(empty.sum_axes(&[0]).value(), Tensor::zeros([3]));
    assert_eq!(empty.norm_rows().shape(), [0].into());
    let weight = tape.constant(&draw("w", [3, 2]));
    let by_weight = tape.grad(empty.matmul(weight).sum(), &[weight])[0];
    assert_eq!(by_weight.value(), Tensor::zeros([3, 2]), "a product over nothing is zero");
    assert_eq!(tape.concat(&[empty, empty], 0).shape(), [0, 3].into());

    let x = tape.scalar(4.0);
    assert_eq!(tape.grad(x.sum() * x.max() * x.mean(), &[x])[0].value().item(), 48.0, "without axes all three are x");
    let thin = tape.constant(&draw("thin", [3, 1, 2]));
    let slope = tape.grad((thin.sum_axes(&[1]) + thin.max_axes(&[1]) + thin.mean_axes(&[1])).sum(), &[thin])[0];
    assert_eq!(slope.value(), Tensor::full([3, 1, 2], 3.0));
}

#[test]
fn the_norm_of_a_zero_row_has_a_finite_gradient_at_both_orders() {
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f64>::zeros([2, 3]));
    let slope = tape.grad(x.norm_rows().sum(), &[x])[0];
    assert_eq!(slope.value(), Tensor::zeros([2, 3]));
    let curvature = tape.grad(slope.square().sum(), &[x])[0];
    assert!(curvature.value().data().iter().all(|value| value.is_finite()));
}

#[test]
fn ties_share_or_assign_the_gradient_as_documented() {
    let tape = Tape::new();
    let x = vector(&tape, [2.0, 1.0, 2.0]);
    assert_eq!(tape.grad(x.max(), &[x])[0].value().data(), [0.5, 0.0, 0.5]);
    let (a, b) = (tape.scalar(1.0), tape.scalar(1.0));
    for larger_or_smaller in [a.maximum(b), a.minimum(b)] {
        let gradients = tape.grad(larger_or_smaller, &[a, b]);
        assert_eq!([gradients[0].value().item(), gradients[1].value().item()], [0.0, 1.0]);
    }
    let zeros = vector(&tape, [0.0, 0.0]);
    assert_eq!(tape.grad(zeros.relu().sum(), &[zeros])[0].value().data(), [0.0, 0.0]);
    assert_eq!(tape.grad(zeros.abs().sum(), &[zeros])[0].value().data(), [0.0, 0.0]);
}

#[test]
fn nan_is_passed_on_and_never_hidden() {
    let tape = Tape::new();
    let nan = vector(&tape, [f64::NAN, 1.0]);
    let passed = [
        nan.relu(),
        nan.leaky_relu(0.2),
        nan.clamp(0.0, 1.0),
        nan.softplus(),
        nan.maximum(0.0),
        nan.minimum(0.0),
        tape.zeros([2]).maximum(nan),
        tape.zeros([2]).minimum(nan),
        nan.abs(),
        nan.max().broadcast_to([2]),
    ];
    for value in passed {
        assert!(value.value().data()[0].is_nan(), "{:?}", tape.nodes()[value.id()].op);
    }
}

/// What is recorded of x and a weight.
type Masked = for<'t> fn(Var<'t>, Var<'t>) -> Var<'t>;

/// Where a branch is not taken, it contributes no gradient, though its own slope there is infinite or NaN: at −1 each of these
/// is constant. The reason is not that its gradient is small but that it is none, which holds at any order.
#[test]
fn a_branch_that_is_not_taken_contributes_nothing() {
    let functions: [(&str, Masked); 17] = [
        ("relu", |x, w| (x.relu() * w).sqrt()),
        ("relu of a root of w", |x, w| x.relu().sqrt() * w),
        ("a reciprocal", |x, w| x.relu().reciprocal() * w * 0.0 + w),
        ("leaky_relu of slope 0", |x, w| (x.leaky_relu(0.0) * w).sqrt()),
        ("maximum", |x, w| (x.maximum(0.0) * w).sqrt()),
        ("maximum, exchanged", |x, w| (x.tape().scalar(0.0).maximum(x) * w).sqrt()),
        ("minimum", |x, w| (-x.minimum(0.0) - 1.0).sqrt().minimum(w * 0.0)),
        ("clamp from below", |x, w| (x.clamp(0.0, 1.0) * w).sqrt()),
        ("clamp from above", |x, w| ((x * x).clamp(-1.0, 0.0) * w).sqrt()),
        ("clamp of crossed bounds", |x, w| (x.clamp(1.0, 0.0) * w).sqrt()),
        ("select", |x, w| x.gt(0.0).select(x.sqrt() * w, 0.0)),
        ("select, exchanged", |x, w| x.lt(0.0).select(w, (x + 1.0).ln() * w)),
        ("select after more", |x, w| x.gt(0.0).select((x.sqrt() * w).square().exp(), w)),
        ("select twice", |x, w| x.gt(0.0).select(x.gt(-2.0).select(x.pow(0.5) * w, 0.0) * 3.0, 0.0)),
        ("an overflow", |x, w| x.gt(0.0).select((x * -1000.0).exp() * w, w)),
        ("pow of 0", |x, w| (x.pow(0.0) * w - w).sqrt() + w),
        ("several uses", |x, w| {
            let root = x.relu().sqrt();
            (root * w + root.square() * root).exp() + root.reciprocal() * 0.0
        }),
    ];
    for (name, function) in functions {
        let tape = Tape::new();
        let [x, w] = [("x", -1.0), ("w", 2.0)].map(|(name, value)| {
            let var = tape.input(name, []);
            (var, Tensor::<f32>::scalar(value))
        });
        let y = function(x.0, w.0);
        let first = tape.try_grad(y, &[x.0, w.0]);
        let mut outputs: Vec<Var> = first.iter().copied().flatten().take(1).collect();
        for gradient in first.into_iter().flatten().take(1) {
            outputs.extend(tape.try_grad(gradient, &[x.0, w.0]).into_iter().flatten());
        }
        assert!(!outputs.is_empty(), "{name}: nothing to differentiate");
        let inputs = [("x", &x.1), ("w", &w.1)];
        let interpreted = tape.interpret::<f32>(&outputs, Feed { inputs: &inputs, step: 0 }).unwrap();
        let mut program = Device::cpu().program(&tape, &outputs).unwrap();
        for values in [&interpreted[..], program.run(&inputs).unwrap()] {
            assert!(values.iter().all(|value| value.item() == 0.0), "{name}: {values:?}");
        }
    }
}

#[test]
fn an_element_that_is_not_the_largest_contributes_nothing() {
    let tape = Tape::new();
    let x = vector(&tape, [-1.0, 0.0]);
    let slope = tape.grad(x.max().sqrt(), &[x])[0]; // of √0
    assert_eq!(slope.value().data(), [0.0, f64::INFINITY]);
}

/// At a kink, the slope that PyTorch takes: 0 for a ReLU and an absolute value, 1 at the bounds of a clamp; of several largest
/// elements each has its share, and of two equal values the second has all.
#[test]
fn slopes_at_kinks() {
    let tape = Tape::new();
    let x = tape.scalar(0.0);
    let slope = |y: Var| tape.grad(y, &[x])[0].value().item();
    assert_eq!([slope(x.relu()), slope(x.abs()), slope(x.leaky_relu(0.2))], [0.0, 0.0, 0.2]);
    assert_eq!([slope(x.clamp(0.0, 1.0)), slope(x.clamp(-1.0, 0.0)), slope(x.abs().sqrt())], [1.0, 1.0, 0.0]);
    assert_eq!([slope(x.maximum(0.0)), slope(tape.scalar(0.0).maximum(x)), slope(x.minimum(0.0))], [0.0, 1.0, 0.0]);
    let four = vector(&tape, [2.0, 1.0, 2.0, f64::NEG_INFINITY]);
    assert_eq!(tape.grad(four.max(), &[four])[0].value().data(), [0.5, 0.0, 0.5, 0.0]);
}

/// A length's slope at length 0, and the second derivative, are 0; elsewhere they are the square root's.
#[test]
fn roots_of_sums_of_squares_are_flat_at_zero() {
    let tape = Tape::new();
    for (values, expected) in [([0.0, 0.0], [0.0, 0.0]), ([3.0, 4.0], [0.6, 0.8])] {
        let x = vector(&tape, values);
        let length = x.square().sum().safe_sqrt();
        let slope = tape.grad(length, &[x])[0];
        assert_close(&slope.value(), &Tensor::new([2], expected.to_vec()).unwrap(), 1e-15);
        assert!(tape.hessian(length, x).value().data().iter().all(|entry| entry.is_finite()));
    }
    let x = vector(&tape, [0.25, 4.0]);
    assert_eq!([x.safe_sqrt(), x.sqrt()].map(|y| tape.grad(y.sum(), &[x])[0].value().into_data()), [[1.0, 0.25]; 2]);
}

/// A plain root costs the compiled program nothing more than `sqrt`.
#[test]
fn a_root_compiles_to_a_square_root() {
    let kernels = |root: for<'t> fn(Var<'t>) -> Var<'t>| {
        let program = Device::cpu().compile(|tape| [root(tape.input("x", [5]))]).unwrap();
        program.plan().steps.iter().map(|step| step.kernel.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kernels(|x| x.safe_sqrt()), kernels(|x| x.sqrt()));
}

#[test]
fn large_arguments_do_not_overflow() {
    let tape = Tape::new();
    let x = vector(&tape, [-1000.0, 0.0, 1000.0]);
    assert_eq!(x.softplus().value().data(), [0.0, 2f64.ln(), 1000.0]);
    assert_eq!(x.sigmoid().value().data(), [0.0, 0.5, 1.0]);
    assert_eq!(x.softmax(0).value().data(), [0.0, 0.0, 1.0]);
    assert_eq!(x.logsumexp(0).value().item(), 1000.0);
    for infinity in [f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(vector(&tape, [f64::NEG_INFINITY, infinity]).logsumexp(0).value().item(), infinity);
    }
    for y in [x.softplus().sum(), x.sigmoid().sum(), x.tanh().sum(), x.logsumexp(0)] {
        assert!(tape.grad(y, &[x])[0].value().data().iter().all(|slope| slope.is_finite()));
    }
}

/// A ReLU critic is piecewise linear, so its slope does not depend on the biases: no gradient, rather than zeros.
#[test]
fn the_biases_of_a_relu_critic_have_no_path_to_the_penalty() {
    for (activation, has_curvature) in [(RELU, false), (LEAKY, false), (SOFTPLUS, true)] {
        for critic in [Critic::mlp(activation), Critic::dcgan(activation)] {
            let tape = Tape::new();
            let (parameters, penalty) = record_penalty(&tape, &critic, 2);
            let present: Vec<bool> = tape.try_grad(penalty, &parameters).iter().map(Option::is_some).collect();
            // The last layer's bias shifts all scores alike: it has no path to any slope.
            assert_eq!(present, [true, has_curvature, true, has_curvature, true, false]);
        }
    }
}

#[test]
fn grad_names_the_input_that_has_no_path() {
    let tape = Tape::new();
    let (parameters, penalty) = record_penalty(&tape, &Critic::mlp(RELU), 2);
    let panic = panic_of(|| tape.grad(penalty, &parameters));
    let bias = &tape.nodes()[parameters[1].id()];
    let expected = format!(
        "grad: the output does not depend on %{} = variable \"parameter 1\", recorded at {}; try_grad gives None for it",
        parameters[1].id(),
        bias.location
    );
    assert_eq!(panic.message, expected);
    assert!(panic.file.ends_with("derivatives.rs"), "{panic:?}");
}

/// The point of absent gradients: differentiating the penalty of a ReLU critic reads the first backward pass and its
/// masks, never the forward pass.
#[test]
fn the_second_backward_pass_of_a_relu_critic_never_reads_forward_activations() {
    for (activation, touches) in [(RELU, false), (LEAKY, false), (SOFTPLUS, true)] {
        for critic in [Critic::mlp(activation), Critic::dcgan(activation)] {
            let tape = Tape::new();
            let parameters = parameter_variables(&tape, &critic);
            let x = tape.constant(&critic.draw_batch(2));
            let leaves = tape.nodes().len();
            let scores = critic.scores(&parameters, x);
            let forward = leaves..tape.nodes().len();
            let penalty = penalty(scores, x);
            let before = tape.nodes().len();
            tape.try_grad(penalty, &parameters);
            let nodes = tape.nodes();
            let read = nodes[before..].iter().flat_map(|node| &node.inputs).any(|id| forward.contains(id));
            assert_eq!(read, touches);
        }
    }
}

/// A critic of three linear layers: 3 products forward, 3 back to the input; from the penalty back through those 3,
/// each gives the weight's gradient, and all but the first (whose other factor is the constant seed) pass it on.
/// Softplus adds the way back through the forward pass: its curvature hangs on the activations of both hidden layers,
/// which takes one weight gradient each and one product from the second layer to the first.
#[test]
fn the_penalty_of_a_critic_takes_as_many_products_as_it_should() {
    for (activation, expected) in [(RELU, 3 + 3 + 5), (SOFTPLUS, 3 + 3 + 5 + 3)] {
        let tape = Tape::new();
        let (parameters, penalty) = record_penalty(&tape, &Critic::mlp(activation), 2);
        tape.try_grad(penalty, &parameters);
        let products = tape.nodes().iter().filter(|node| matches!(node.op, Op::MatMul(MatMul { .. }))).count();
        assert_eq!(products, expected);
    }
}

#[test]
fn derivatives_inherit_the_line_of_what_they_differentiate() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let (y, line) = (x.sin(), line!());
    let seen = tape.nodes().len();
    let slope = tape.grad(y, &[x])[0];
    tape.grad(slope, &[x]);
    let nodes = tape.nodes();
    let derivatives = nodes[seen..].iter().filter(|node| !node.inputs.is_empty());
    assert!(derivatives.clone().count() >= 4);
    assert!(
        derivatives
            .clone()
            .all(|node| node.location.line() == line && node.location.file().ends_with("derivatives.rs"))
    );
}

#[test]
fn mixing_tapes_panics_with_both_lines() {
    let (here, there) = (Tape::new(), Tape::new());
    let x = here.scalar(3.0);
    let (stranger, recorded) = (there.zeros([2]), line!());
    let first = line!() + 2;
    let uses: [&dyn Fn(); 7] = [
        &|| _ = x + stranger,
        &|| _ = here.concat(&[x.reshape([1]), stranger], 0),
        &|| _ = here.grad(x, &[stranger]),
        &|| _ = here.jvp(x, &[stranger], &[stranger]),
        &|| _ = here.interpret::<f64>(&[stranger], Feed::default()),
        &|| _ = Device::cpu().program(&here, &[stranger]).err(),
        &|| _ = here.assign(&Variable::new("v", Tensor::zeros([2])), stranger),
    ];
    for (used, line) in uses.iter().zip(first..) {
        let panic = panic_of(used);
        assert!(panic.message.contains("belongs to another tape"), "{panic:?}");
        assert!(panic.message.contains(&format!("derivatives.rs:{recorded}:")), "{panic:?}");
        assert!(panic.file.ends_with("derivatives.rs") && panic.line == line, "line {line}: {panic:?}");
    }
}

#[test]
fn wrong_requests_are_refused_in_the_users_words() {
    let tape = Tape::new();
    let (x, y) = (vector(&tape, [1.0, 2.0]), tape.scalar(1.0));
    let refused: [(&dyn Fn(), &str); 8] = [
        (&|| _ = tape.grad(x, &[x]), "grad: needs a scalar, this is %0 [2]; sum it, or use vjp with weights"),
        (&|| _ = tape.vjp(x, y, &[x]), "vjp: the value is %0 [2], its weights are %1 []"),
        (&|| _ = tape.jvp(x, &[x], &[]), "jvp: 1 inputs, but 0 directions"),
        (&|| _ = tape.jvp(x, &[x], &[y]), "jvp: the input is %0 [2], the direction along it %1 []"),
        (&|| _ = tape.hvp(y, &[x], &[y]), "hvp: the input is %0 [2], the direction along it %1 []"),
        (&|| _ = tape.hessian(x, x), "grad: needs a scalar"),
        (&|| _ = tape.input("a", [2]).value(), "value: input \"a\" of shape [2] was not given"),
        (&|| _ = tape.input("a", [2]), "this tape has an input \"a\" already"),
    ];
    for (request, message) in refused {
        let panic = panic_of(request);
        assert!(panic.message.contains(message), "{panic:?}");
        assert!(panic.file.ends_with("derivatives.rs"), "{panic:?}");
    }
}

#[test]
fn variables_are_interned_assigned_once_and_bound_before_they_are_read() {
    let tape = Tape::new();
    let weight = Variable::new("0.weight", Tensor::full([2], 3.0));
    let read = tape.variable(&weight);
    assert_eq!(read.id(), tape.variable(&weight.clone()).id(), "one node for each Variable");
    let updated = tape.assign(&weight, read * 2.0);
    assert_eq!(updated.value().data(), [6.0, 6.0], "the assigned value is returned");
    assert_eq!(tape.variable(&weight).value().data(), [3.0, 3.0], "reads see the value at the start");
    assert_eq!(tape.grad(updated.sum(), &[read])[0].value().data(), [2.0, 2.0]);

    let message = |f: &dyn Fn()| panic_of(f).message;
    assert!(message(&|| _ = tape.assign(&weight, read)).contains("\"0.weight\" is assigned twice"));
    assert!(message(&|| tape.bind(&weight, read)).contains("\"0.weight\" was read on this tape before"));
    let other = Variable::new("1.weight", Tensor::zeros([3]));
    assert!(message(&|| tape.bind(&other, read)).contains("\"1.weight\" has shape [3], the value [2]"));
    assert!(message(&|| _ = tape.assign(&other, read)).contains("\"1.weight\" has shape [3]"));
}

/// The printed tape of a two-layer critic's penalty and its gradients: what second order costs, on one page.
#[test]
fn the_tape_of_a_two_layer_critics_penalty() {
    let tape = Tape::new();
    let shapes: [(&str, &[usize]); 3] = [("0.weight", &[512, 2]), ("0.bias", &[512]), ("2.weight", &[1, 512])];
    let [w0, b0, w1] = shapes.map(|(name, shape)| tape.variable(&Variable::new(name, Tensor::zeros(shape))));
    let x = tape.input("x", [256, 2]);
    let scores = (x.matmul_transposed(w0) + b0).relu().matmul_transposed(w1);
    let slope = tape.grad(scores.sum(), &[x])[0];
    let penalty = (slope.norm_rows() - 1.0).square().mean() * 0.1;
    tape.grad(penalty, &[w0, w1]);
    insta::assert_snapshot!(tape);
}

const RELU: Activation = |x| x.relu();
const LEAKY: Activation = |x| x.leaky_relu(0.2);
const SOFTPLUS: Activation = |x| x.softplus();

fn parameter_variables<'t>(tape: &'t Tape, critic: &Critic) -> Vec<Var<'t>> {
    let values = critic.draw_parameters();
    let variable =
        |(i, value): (usize, &Tensor<f64>)| tape.variable(&Variable::new(format!("parameter {i}"), value.cast()));
    values.iter().enumerate().map(variable).collect()
}

/// The parameters of a critic and its penalty over a batch.
fn record_penalty<'t>(tape: &'t Tape, critic: &Critic, batch: usize) -> (Vec<Var<'t>>, Var<'t>) {
    let parameters = parameter_variables(tape, critic);
    let x = tape.constant(&critic.draw_batch(batch));
    let penalty = penalty(critic.scores(&parameters, x), x);
    (parameters, penalty)
}

/// The derivatives of special functions at 1, from tables: erf′ = 2/√π · e⁻¹, and ∂(x^p)/∂p = x^p · ln x.
#[test]
fn special_functions_have_the_published_values() {
    let tape = Tape::new();
    let one = tape.scalar(1.0);
    let near =
        |found: Var, known: f64| assert!((found.value().item() - known).abs() < 1e-14, "{found:?} is not {known}");
    near(one.erf(), 0.842_700_792_949_714_9); // Abramowitz and Stegun 1964, table 7.1
    near(tape.grad(one.erf(), &[one])[0], 0.415_107_497_420_594_7);
    near((one * 5.0).erfc() * 1e12, 1.537_459_794_428_034_8);
    near((one * 1e-20).expm1() * 1e20, 1.0);
    near((one * 1e-20).log1p() * 1e20, 1.0);
    near(one.atan(), std::f64::consts::FRAC_PI_4);
    near((one * 2.0).pow(one * 10.0), 1024.0);
    let power = tape.scalar(3.0);
    near(tape.grad((one * 2.0).pow(power), &[power])[0], 8.0 * std::f64::consts::LN_2);
    near(tape.grad((one * 0.0).pow(power), &[power])[0], 0.0);
}

/// Nothing is drawn out of the logarithm of a sum of two numbers that have none: each takes half.
#[test]
fn logaddexp_of_infinities_has_a_slope() {
    let tape = Tape::new();
    for (a, b, slopes) in [
        (f64::NEG_INFINITY, f64::NEG_INFINITY, [0.5, 0.5]),
        (f64::NEG_INFINITY, 3.0, [0.0, 1.0]),
        (f64::INFINITY, 3.0, [1.0, 0.0]),
        (700.0, 700.0, [0.5, 0.5]),
    ] {
        let inputs = [a, b].map(|x| tape.scalar(x));
        let y = inputs[0].logaddexp(inputs[1]);
        let known = if a == b { a + 2f64.ln() } else { a.max(b) };
        assert_eq!(y.value().item(), known);
        assert_eq!(tape.grad(y, &inputs).iter().map(|g| g.value().item()).collect::<Vec<_>>(), slopes);
    }
}

/// Steps have no derivative, in the same way as `sign`; detached, a rounded value passes its gradient on.
#[test]
fn whole_numbers_have_no_derivative() {
    let tape = Tape::new();
    let x = vector(&tape, [-1.5, 0.5, 1.5, 2.5, -0.2]);
    assert_eq!(x.round().value().data(), [-2.0, 0.0, 2.0, 2.0, -0.0]);
    assert_eq!(x.floor().value().data(), [-2.0, 0.0, 1.0, 2.0, -1.0]);
    assert!(tape.try_grad(x.floor().sum() + x.round().sum() + x.argmax(0), &[x])[0].is_none());
    let straight_through = (x + (x.round() - x).detach()).square().sum();
    assert_eq!(tape.grad(straight_through, &[x])[0].value().data(), [-4.0, 0.0, 4.0, 4.0, -0.0]);
}

/// x·y² has the Hessian blocks 0, 2y, 2y, 2x; a further input that it does not depend on gets zeros.
#[test]
fn hessian_vector_products_over_several_inputs() {
    let tape = Tape::new();
    let [x, y, z, a, b] = [3.0, 5.0, 7.0, 0.1, 10.0].map(|x| tape.scalar(x));
    let products = tape.hvp(x * y.square(), &[x, y, z], &[a, b, a]);
    let expected = [2.0 * 5.0 * 10.0, 2.0 * 5.0 * 0.1 + 2.0 * 3.0 * 10.0, 0.0];
    for (product, expected) in products.iter().zip(expected) {
        assert!((product.value().item() - expected).abs() < 1e-12);
    }
}

/// A direction may be computed of the input, as that of steepest descent is: it counts as given. Of x³ along x² it is 6x·x², and
/// its derivative is that of this product.
#[test]
fn directions_are_held_fixed() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let [product] = tape.hvp(x * x * x, &[x], &[x.square()]);
    assert_eq!(product.value().item(), 6.0 * 27.0);
    assert_eq!(tape.grad(product, &[x])[0].value().item(), 18.0 * 9.0);
    assert_eq!(tape.jvp(x * x * x, &[x], &[x.square()]).value().item(), 27.0 * 9.0);
}

/// The rule counts, not what it is for; its own derivative is that of what it records.
#[test]
fn a_rule_of_ones_own_is_followed_at_every_order() {
    let tape = Tape::new();
    let x = tape.scalar(3.0);
    let y = tape.custom_vjp(&[x], |x| x[0].square(), |g, x, y| vec![g * y * x[0]]); // a slope of x³ instead of 2x
    assert_eq!(y.value().item(), 9.0);
    let slope = tape.grad(y, &[x])[0];
    assert_eq!(slope.value().item(), 27.0);
    // ∂(y·x)/∂x = x³·x + y: the slope of y is x³ wherever it is met.
    assert_eq!(tape.grad(slope, &[x])[0].value().item(), 81.0 + 9.0);
    let line = line!() + 1;
    let wrong = tape.custom_vjp(&[x, x], |x| x[0] * x[1], |g, _, _| vec![g]);
    let panic = panic_of(|| tape.grad(wrong, &[x]));
    assert!(panic.message.contains("gives gradients of shapes [[]], but what it is for has [[], []]"), "{panic:?}");
    assert!(panic.message.contains(&format!("derivatives.rs:{line}:")), "{panic:?}");
    assert!(panic.file.ends_with("derivatives.rs"), "{panic:?}");
}

/// A chain of layers that share a weight, which they also read outside of the parts: each way to it counts once.
#[test]
fn a_part_that_is_computed_twice_has_the_same_derivatives() {
    let (x, w) = (draw("x", [3, 4]), draw("w", [4, 4]));
    let record = |again: bool| {
        let tape = Tape::new();
        let inputs = [("x", x.shape()), ("w", w.shape())].map(|(name, shape)| tape.input(name, shape));
        let [x, w] = inputs;
        let mut h = x.matmul(w);
        for _ in 0..4 {
            let layer = || (h.matmul(w.sin()).tanh() + h.square()).softplus();
            h = if again { tape.checkpoint(layer) } else { layer() };
        }
        let loss = (h * w.sum()).mean();
        let first = tape.grad(loss, &inputs);
        let second = tape.grad(first[0].square().sum() + first[1].square().sum(), &inputs);
        let outputs = [vec![loss], first.to_vec(), second.to_vec()].concat();
        let (x, w) = (draw("x", [3, 4]).cast(), draw("w", [4, 4]).cast());
        let given = [("x", &x), ("w", &w)];
        let interpreted = tape.interpret::<f32>(&outputs, Feed { inputs: &given, step: 0 }).expect("both are given");
        let mut program = Device::cpu().program(&tape, &outputs).expect("a program");
        (interpreted, program.run(&given).expect("both are given").to_vec())
    };
    let (kept, again) = (record(false), record(true));
    for (values, others) in [(&kept.0, &again.0), (&kept.1, &again.1), (&kept.0, &kept.1)] {
        for (a, b) in values.iter().zip(others) {
            assert_close(&a.cast(), &b.cast(), 1e-5);
        }
    }
}

/// While a part is recorded, values stand for Variables; afterwards not, even if it was refused.
#[test]
fn values_stand_for_variables_while_a_part_is_recorded() {
    let [v, w] = [1.0, 2.0].map(|x| Variable::new("v", Tensor::scalar(x)));
    let tape = Tape::new();
    let before = tape.variable(&v);
    let read = || tape.variable(&v).value().item() + tape.variable(&w).value().item();
    assert_eq!(tape.bound(&[v.clone(), w.clone()], &[tape.scalar(10.0), tape.scalar(20.0)], read), 30.0);
    let nested = || tape.bound(from_ref(&w), &[tape.scalar(200.0)], read);
    assert_eq!(tape.bound(from_ref(&v), &[tape.scalar(10.0)], nested), 210.0);
    panic_of(|| tape.bound(from_ref(&v), &[tape.scalar(10.0)], || tape.zeros([2]) + tape.zeros([3])));
    assert_eq!(read(), 3.0);
    assert_eq!(tape.variable(&v).id(), before.id());
    for (values, message) in [
        (vec![], "bound: 1 Variables, but 0 values"),
        (vec![tape.zeros([2, 3])], "bound: \"matrix\" has shape [2, 2], the value [2, 3]"),
    ] {
        let matrix = Variable::new("matrix", Tensor::zeros([2, 2]));
        let panic = panic_of(|| tape.bound(&[matrix], &values, || ()));
        assert!(panic.message.contains(message) && panic.file.ends_with("derivatives.rs"), "{panic:?}");
    }
}
