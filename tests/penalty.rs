//! The gradient of the WGAN-GP penalty with respect to every parameter of a critic: the derivative of a derivative
//! that training stands on. Two oracles that share nothing with the second backward pass: finite differences in f64 of
//! the penalty, and first-order differentiation of a finite difference of the critic along its own slope.

mod support;

use autograd::ops::Conv;
use autograd::{GradCheck, Report, Tape, Tensor, Var, Variable};
use nn::layers::{Activation, Conv2d, Flatten, LayerNorm, Linear};
use nn::{Init, Mode, Module, Rng, Sequential};
use support::{Critic, TOLERANCE, assert_close};
use wgan::config::Config;
use wgan::game::models;
use wgan::game::networks::{Arch, GeneratorArch, Networks, Norm};
use wgan::game::objective::{
    CriticTerms, Lipschitz, Objective, Penalty, PenaltyPoints, Slope, critic_terms, gradient_norms,
};

const BATCH: usize = 3;
const LAMBDA: f64 = 10.0;

/// What a training records of a critic, the penalty being taken at `x`.
fn terms<'t>(kind: Penalty, lambda: f64, scores: impl Fn(Var<'t>) -> Var<'t>, x: Var<'t>) -> CriticTerms<Var<'t>> {
    let lipschitz = Lipschitz::Penalty { kind, lambda, slope: Slope::OfGradient(PenaltyPoints::Real) };
    let objective = Objective { lipschitz, ..Config::default().game.objective };
    critic_terms(&objective, Norm::None, scores, x, x, x.tape().zeros([2, x.shape()[0]]))
}

/// λ·mean (‖∇D‖ − 1)² over the samples of `x` (Gulrajani et al. 2017, equation 3).
fn penalty<'t>(scores: impl Fn(Var<'t>) -> Var<'t>, x: Var<'t>) -> Var<'t> {
    terms(Penalty::TwoSided, LAMBDA, scores, x).penalty
}

/// Critics by name. With softplus the penalty is smooth; ReLU and leaky ReLU have kinks, and a probe that would cross
/// one is rejected.
fn critics() -> [(&'static str, Critic); 6] {
    [
        ("MLP, softplus", Critic::mlp(|x| x.softplus())),
        ("MLP, ReLU", Critic::mlp(|x| x.relu())),
        ("MLP, leaky ReLU", Critic::mlp(|x| x.leaky_relu(0.2))),
        ("DCGAN, softplus", Critic::dcgan(|x| x.softplus())),
        ("DCGAN, ReLU", Critic::dcgan(|x| x.relu())),
        ("DCGAN, leaky ReLU", Critic::dcgan(|x| x.leaky_relu(0.2))),
    ]
}

/// The critic's penalty as a function of its parameters and then its input.
fn record<'t>(critic: &Critic, arguments: &[Var<'t>]) -> Var<'t> {
    let (x, parameters) = arguments.split_last().expect("the input is last");
    penalty(|x| critic.scores(parameters, x), *x)
}

fn check(critic: &Critic, check: GradCheck) -> Report {
    let mut arguments = critic.draw_parameters();
    arguments.push(critic.draw_batch(BATCH));
    check.check(|arguments| record(critic, arguments), &arguments).expect("nothing to read")
}

#[test]
fn the_gradient_is_that_of_finite_differences_for_every_parameter() {
    for (name, critic) in critics() {
        let report = check(&critic, GradCheck::order(1));
        println!("{name}: {report}");
        assert!(report.passes(TOLERANCE), "{name}: {report}");
        let numbers: usize = critic.parameters.iter().map(|shape| shape.count()).sum();
        let all = numbers + BATCH * critic.sample.count();
        assert_eq!(report.compared + report.rejected, all, "{name}: one column for each number");
        assert!(report.rejected * 50 <= all, "{name}: kinks must be the exception: {report}");
        assert!(!name.contains("softplus") || report.rejected == 0, "{name}: a smooth penalty has no kinks");
    }
}

/// Third order in all: the derivative of the penalty's gradient.
#[test]
fn the_curvature_is_that_of_finite_differences_along_random_directions() {
    for (name, critic) in critics() {
        let report = check(&critic, GradCheck::order(2).projections(20));
        println!("{name}: {report}");
        assert!(report.passes(TOLERANCE) && report.compared >= 15, "{name}: {report}");
    }
}

/// With u = ∇f/‖∇f‖ held fixed, ‖∇f‖ = u·∇f is the slope of f along u. So the penalty's gradient is that of
/// Σ 2λ(‖∇f‖ − 1)/B · (f(x + εu) − f(x − εu))/2ε, in which only f itself is differentiated, and once.
#[test]
fn the_gradient_is_that_of_a_critics_difference_along_its_slope() {
    const EPSILON: f64 = 1e-5;
    for (name, critic) in critics() {
        let (parameters, x) = (critic.draw_parameters(), critic.draw_batch(BATCH));
        let tape = Tape::new();
        let (recorded, slope) = {
            let parameters: Vec<Var> = parameters.iter().map(|p| tape.constant(p)).collect();
            let x = tape.constant(&x);
            let gradients = tape.try_grad(penalty(|x| critic.scores(&parameters, x), x), &parameters);
            (values(&gradients, &parameters), tape.grad(critic.scores(&parameters, x).sum(), &[x])[0].value())
        };

        let features = critic.sample.count();
        let norms: Vec<f64> =
            slope.data().chunks(features).map(|row| row.iter().map(|g| g * g).sum::<f64>().sqrt()).collect();
        let moved = |by: f64| Tensor::from_fn(x.shape(), |i| x.data()[i] + by * slope.data()[i] / norms[i / features]);
        let weight = Tensor::from_fn([BATCH], |i| LAMBDA * (norms[i] - 1.0) / (BATCH as f64 * EPSILON));
        let tape = Tape::new();
        let parameters: Vec<Var> = parameters.iter().map(|p| tape.constant(p)).collect();
        let [ahead, behind] = [EPSILON, -EPSILON].map(|by| critic.scores(&parameters, tape.constant(&moved(by))));
        let surrogate = (tape.constant(&weight) * (ahead - behind)).sum();
        let expected = values(&tape.try_grad(surrogate, &parameters), &parameters);
        for (i, (recorded, expected)) in recorded.iter().zip(&expected).enumerate() {
            println!("{name}, parameter {i}");
            assert_close(recorded, expected, 1e-7);
        }
    }
}

/// The same for critics built of `nn`'s layers, whose Variables are bound to what the check varies.
#[test]
fn the_gradient_of_a_critic_built_of_layers_is_right_for_every_parameter() {
    let mut rng = Rng::new(3, "weights");
    let halved = Conv::square(2, 2);
    let mlp = Sequential::new()
        .add(Linear::new("0", 3, 5, Init::FanIn, &mut rng))
        .add(LayerNorm::new("1", [5]))
        .add(Activation::Softplus)
        .add(Linear::new("3", 5, 1, Init::FanIn, &mut rng));
    let dcgan = Sequential::new()
        .add(Conv2d::new("0", 1, 2, 5, halved, Init::FanIn, &mut rng))
        .add(Activation::Softplus)
        .add(Conv2d::new("2", 2, 3, 5, halved, Init::FanIn, &mut rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Flatten)
        .add(Linear::new("5", 3 * 2 * 2, 1, Init::FanIn, &mut rng));
    for (critic, sample) in [(mlp, vec![3]), (dcgan, vec![1, 7, 7])] {
        let variables = critic.parameters();
        let parameters = read(&variables);
        let batch = support::draw("batch", [&[BATCH], &*sample].concat());
        let report = GradCheck::order(1).check(
            |arguments| {
                let tape = arguments[0].tape();
                variables.iter().zip(arguments).for_each(|(variable, &argument)| tape.bind(variable, argument));
                let x = tape.constant(&batch);
                penalty(|x| critic.forward(x, Mode::Train).reshape([x.shape()[0]]), x)
            },
            &parameters,
        );
        let report = report.expect("nothing to read");
        assert!(report.passes(TOLERANCE), "{report}");
        assert_eq!(report.compared + report.rejected, parameters.iter().map(|p| p.data().len()).sum::<usize>());
    }
}

/// A projection critic of three classes, before training.
fn projection_critic(arch: Arch, sample: &[usize]) -> models::Critic {
    let networks = Networks { arch, generator_norm: Norm::None, critic_norm: Norm::Layer };
    models::Critic::new(&networks, &Lipschitz::None, &sample.into(), 3, 3)
}

/// Reads f64 values of Variables.
fn read(variables: &[Variable]) -> Vec<Tensor<f64>> {
    variables.iter().map(|variable| variable.read().expect("host").cast()).collect()
}

/// What a projection critic minimises, penalty included, between samples whose pairs share a class: its gradient, and that
/// gradient's derivative, with respect to every parameter, vectors of the classes among them.
#[test]
fn the_gradient_of_a_projection_critic_is_that_of_finite_differences() {
    let dcgan = Arch::Dcgan { dim: 2, generator: GeneratorArch::Dcgan };
    for (arch, sample) in [(Arch::Mlp { dim: 4 }, &[2][..]), (dcgan, &[1, 7, 7])] {
        let critic = projection_critic(arch, sample);
        let variables = critic.parameters();
        assert_eq!(variables.last().expect("parameters").name(), "classes.weight");
        let objective =
            Objective { lipschitz: Lipschitz::penalty(Penalty::TwoSided, LAMBDA), ..Config::default().game.objective };
        for check in [GradCheck::order(1), GradCheck::order(2).projections(20)] {
            let report = check.check(
                |arguments| {
                    let tape = arguments[0].tape();
                    variables.iter().zip(arguments).for_each(|(variable, &argument)| tape.bind(variable, argument));
                    let draw = |name, shape: &[usize]| tape.constant(&support::draw(name, shape));
                    let [real, fake] = ["real", "fake"].map(|name| draw(name, &[&[BATCH], sample].concat()));
                    let classes = tape.constant(&Tensor::new([BATCH], vec![2.0, 0.0, 2.0]).expect("three"));
                    let scores = critic.given(Some(classes), Mode::Eval);
                    critic_terms(&objective, Norm::Layer, scores, real, fake, draw("mixes", &[2, BATCH])).loss
                },
                &read(&variables),
            );
            let report = report.expect("nothing to read");
            println!("{arch:?}: {report}");
            assert!(report.passes(TOLERANCE) && report.compared >= 10, "{arch:?}: {report}");
        }
    }
}

/// Of three layers that add 100 to both numbers of a point, φ(x) = x + 300. With ψ(φ) = (1, 2)·φ − 900, e(0) = (2, 2) and
/// e(1) = (0, −2) the scores are (3, 4)·x + 1200 and x₁ − 600 in the classes 0 and 1: slopes of 5 and of 1, whose penalties are 16 and
/// 0, in pairs of which half are of either. Of their mean λ·8 the gradient with respect to e(0), on which half of the pairs
/// depend, is λ·½·2·(5 − 1)·(3, 4)/5, and that with respect to e(1) is 0.
#[test]
fn a_linear_projection_critic_has_the_penalty_known_by_hand() {
    let networks = Networks { arch: Arch::Mlp { dim: 2 }, generator_norm: Norm::None, critic_norm: Norm::None };
    let critic = models::Critic::new(&networks, &Lipschitz::None, &[2].into(), 3, 0);
    let (variables, tape) = (critic.parameters(), Tape::new());
    let layer = [&[1.0, 0.0, 0.0, 1.0][..], &[100.0; 2]];
    let (score, e) = ([&[1.0, 2.0][..], &[-900.0]], [2.0, 2.0, 0.0, -2.0, 7.0, 7.0]); // nobody is of the last class
    let numbers = [&layer[..], &layer, &layer, &score, &[&e]].concat();
    let bound = variables.iter().zip(numbers).map(|(variable, numbers)| {
        let values = tape.constant(&Tensor::<f64>::new(variable.shape(), numbers.to_vec()).expect("as many"));
        tape.bind(variable, values);
        values
    });
    let e = bound.last().expect("parameters");
    let classes = tape.constant(&Tensor::<f64>::new([4], vec![0.0, 1.0, 1.0, 0.0]).expect("four"));
    let [real, fake] = ["real", "fake"].map(|name| tape.constant(&support::draw(name, [4, 2])));
    let mixes = tape.constant(&support::draw("mixes", [2, 4]));

    let scores = critic.given(Some(classes), Mode::Eval);
    let points = real.value();
    let score = |(row, point): (usize, &[f64])| match row {
        0 | 3 => 3.0 * point[0] + 4.0 * point[1] + 1200.0,
        _ => point[0] - 600.0,
    };
    let expected: Vec<f64> = points.data().chunks(2).enumerate().map(score).collect();
    let expected = Tensor::new([4], expected).expect("four");
    assert_close(&scores(real).value(), &expected, 1e-9);

    let points = [PenaltyPoints::Segment, PenaltyPoints::Real, PenaltyPoints::Fake, PenaltyPoints::Both];
    for slope in points.map(Slope::OfGradient) {
        let lipschitz = Lipschitz::Penalty { kind: Penalty::TwoSided, lambda: LAMBDA, slope };
        let objective = Objective { lipschitz, ..Config::default().game.objective };
        let terms = critic_terms(&objective, Norm::None, &scores, real, fake, mixes);
        assert_close(&terms.slope.value(), &Tensor::from_fn([], |_| 3.0), 1e-9);
        assert_close(&terms.penalty.value(), &Tensor::from_fn([], |_| LAMBDA * 8.0), 1e-9);
        let gradient = tape.grad(terms.penalty, &[e])[0].value();
        let expected = [2.4, 3.2, 0.0, 0.0, 0.0, 0.0];
        assert_close(&gradient, &Tensor::from_fn([3, 2], |i| LAMBDA * expected[i]), 1e-9);
    }
}

/// Absent gradients are zeros here.
fn values(gradients: &[Option<Var>], parameters: &[Var]) -> Vec<Tensor<f64>> {
    let value = |(gradient, parameter): (&Option<Var>, &Var)| match gradient {
        Some(gradient) => gradient.value(),
        None => Tensor::zeros(parameter.shape()),
    };
    gradients.iter().zip(parameters).map(value).collect()
}

/// D(x) = Σ 2x over four dimensions has slope 4 everywhere: (4 − 1)² = 9 two-sided, relu(4 − 1)² = 9 one-sided, and
/// max(4, 1) = 4 unsquared. With D(x) = Σ x/4 the slope is 1/2, and only the two-sided penalty asks for more.
#[test]
fn linear_critics_have_the_penalties_known_by_hand() {
    for (factor, slope, two_sided, one_sided, unsquared) in [(2.0, 4.0, 9.0, 9.0, 4.0), (0.25, 0.5, 0.25, 0.0, 1.0)] {
        let tape = Tape::new();
        let x = tape.constant(&support::draw("x", [5, 4]));
        let penalties = [(Penalty::TwoSided, two_sided), (Penalty::Lp, one_sided), (Penalty::OneSided, unsquared)];
        for (kind, penalty) in penalties {
            let terms = terms(kind, 1.0, |x| (x * factor).sum_axes(&[1]), x);
            let found = [terms.slope, terms.penalty].map(|term| term.value().item());
            assert!((found[0] - slope).abs() + (found[1] - penalty).abs() < 1e-9, "{kind:?}, {factor}: {found:?}");
        }
    }
}

/// The penalty of D(x) = w·x is λ(‖w‖ − 1)², and its gradient 2λ(‖w‖ − 1) w/‖w‖.
#[test]
fn a_linear_critics_penalty_has_the_gradient_known_by_hand() {
    let tape = Tape::new();
    let w = support::vector(&tape, [3.0, 4.0]);
    let x = tape.constant(&support::draw("x", [7, 2]));
    let gradient = tape.grad(penalty(|x| (x * w).sum_axes(&[1]), x), &[w])[0];
    assert_close(&gradient.value(), &Tensor::from_fn([2], |i| 2.0 * LAMBDA * 4.0 * [0.6, 0.8][i]), 1e-9);
}

/// The norm runs over all features of one sample: neither over a single axis of an image nor over the batch.
#[test]
fn the_slope_is_one_number_for_each_sample() {
    let tape = Tape::new();
    let scale = support::vector(&tape, [1.0, 3.0]).reshape([2, 1, 1, 1]);
    let x = tape.constant(&support::draw("x", [2, 1, 3, 3]));
    let slopes = gradient_norms(|x| (x * scale).sum_axes(&[1, 2, 3]), x);
    assert_close(&slopes.value(), &Tensor::from_fn([2], |i| [3.0, 9.0][i]), 1e-9);
}
