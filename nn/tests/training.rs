//! Programs that change Variables: optimisers against plain loops in f64 and against PyTorch, and batch norm's running
//! statistics.

use autograd::{Device, Tape, Tensor, Var, Variable};
use nn::layers::{Activation, BatchNorm, Linear};
use nn::optim::{Adam, AdamW, Epsilon, RmsProp, Sgd};
use nn::{Checkpoint, Init, Mode, Module, Optimizer, Rng, Sequential, clip};

const START: [f64; 2] = [1.0, -2.0];

/// The point that is optimised, at its start.
fn point() -> Variable {
    Variable::new("w", Tensor::new([2], START.map(|x| x as f32).to_vec()).unwrap())
}

/// ½·w₀² + 1.5·w₁² + w₀·w₁: a tilted bowl.
fn bowl<'t>(tape: &'t Tape, point: &Variable) -> Var<'t> {
    let w = tape.variable(point);
    let curvature = tape.constant(&Tensor::<f64>::new([2], vec![0.5, 1.5]).unwrap());
    (w.square() * curvature).sum() + (w.slice(0, 0..1) * w.slice(0, 1..2)).sum()
}

/// Its gradient.
fn slope(w: [f64; 2]) -> [f64; 2] {
    [w[0] + w[1], 3.0 * w[1] + w[0]]
}

/// Where `steps` steps down the bowl lead.
fn descend(point: &Variable, optimizer: &dyn Optimizer, steps: usize) -> [f64; 2] {
    let tape = Tape::new();
    let new = optimizer.update(bowl(&tape, point), tape.input("learning rate", []));
    let mut step = Device::cpu().program(&tape, &new).unwrap();
    for _ in 0..steps {
        step.run(&[("learning rate", &Tensor::scalar(0.1))]).unwrap();
    }
    let w = point.read().unwrap();
    [0, 1].map(|i| f64::from(w.data()[i]))
}

/// 40 steps of `optimizer` against 40 of `rule` in f64, which is given one element's gradient and state (all zeros
/// first) and returns by how much the element falls. In f32 each step rounds by a few parts in 10⁷.
#[track_caller]
fn assert_follows(
    optimizer: impl FnOnce(Vec<Variable>) -> Box<dyn Optimizer>,
    rule: impl Fn(f64, &mut [f64; 2], i32) -> f64,
) {
    let mut w = START;
    let mut states = [[0.0; 2]; 2];
    for step in 1..=40 {
        let slopes = slope(w);
        for i in 0..2 {
            w[i] -= rule(slopes[i], &mut states[i], step);
        }
    }
    let point = point();
    let optimizer = optimizer(vec![point.clone()]);
    assert_near(descend(&point, &*optimizer, 40), w, 1e-5);
}

#[track_caller]
fn assert_near(found: [f64; 2], expected: [f64; 2], tolerance: f64) {
    let near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < tolerance);
    assert!(near, "{found:?}, expected {expected:?}");
}

/// Makes an optimiser of parameters.
type Rule = fn(Vec<Variable>) -> Box<dyn Optimizer>;

#[test]
fn sgd_follows_its_formula() {
    assert_follows(|p| Box::new(Sgd::new(p)), |g, _, _| 0.1 * g);
    assert_follows(
        |p| Box::new(Sgd::new(p).momentum(0.9)),
        |g, [b, _], _| {
            *b = 0.9 * *b + g;
            0.1 * *b
        },
    );
}

#[test]
fn rmsprop_follows_its_formula_with_either_epsilon() {
    assert_follows(
        |p| Box::new(RmsProp::new(p).alpha(0.9).epsilon(Epsilon::OutsideRoot(0.1))),
        |g, [v, _], _| {
            *v = 0.9 * *v + 0.1 * g * g;
            0.1 * g / (v.sqrt() + 0.1)
        },
    );
    assert_follows(
        |p| Box::new(RmsProp::new(p).alpha(0.9).epsilon(Epsilon::InsideRoot(0.1))),
        |g, [v, _], _| {
            *v = 0.9 * *v + 0.1 * g * g;
            0.1 * g / (*v + 0.1).sqrt()
        },
    );
}

/// The paper's form, with powers of the step number.
#[test]
fn adam_follows_its_formula() {
    for [beta1, beta2] in [[0.9, 0.999], [0.5, 0.9], [0.0, 0.9]] {
        assert_follows(
            |p| Box::new(Adam::new(p).betas(beta1, beta2)),
            |g, [m, v], step| {
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                0.1 * (*m / (1.0 - beta1.powi(step))) / ((*v / (1.0 - beta2.powi(step))).sqrt() + 1e-8)
            },
        );
    }
}

/// Three steps of the optimisers of PyTorch 2.15 down the same bowl, in double precision.
#[test]
fn optimisers_step_as_pytorchs() {
    let after_three = |optimizer: &dyn Fn(Vec<Variable>) -> Box<dyn Optimizer>| {
        let point = point();
        descend(&point, &*optimizer(vec![point.clone()]), 3)
    };
    assert_near(after_three(&|p| Box::new(Sgd::new(p))), [1.142, -0.926], 1e-6);
    assert_near(after_three(&|p| Box::new(Sgd::new(p).momentum(0.9))), [1.295, 0.091], 1e-6);
    assert_near(after_three(&|p| Box::new(RmsProp::new(p))), [0.9626131253, -0.5867995681], 1e-6);
    assert_near(after_three(&|p| Box::new(Adam::new(p))), [1.295114446, -1.701154154], 1e-6);
    let adam = |p: Vec<Variable>| -> Box<dyn Optimizer> { Box::new(Adam::new(p).betas(0.5, 0.9).epsilon(0.1)) };
    assert_near(after_three(&adam), [1.258041534, -1.710434282], 1e-6);
    let decayed = |p: Vec<Variable>| -> Box<dyn Optimizer> { Box::new(AdamW::new(Adam::new(p), 0.2)) };
    assert_near(after_three(&decayed), [1.2295166224, -1.5899041041], 1e-6);
    let sgd = |p: Vec<Variable>| -> Box<dyn Optimizer> { Box::new(Sgd::new(p).momentum(0.9).weight_decay(0.2)) };
    assert_near(after_three(&sgd), [1.169232, 0.225776], 1e-6);
}

#[test]
fn the_state_is_named_as_pytorchs() {
    let names = |optimizer: &dyn Optimizer| -> Vec<String> {
        optimizer.state().iter().map(|variable| format!("{} {}", variable.name(), variable.shape())).collect()
    };
    assert_eq!(names(&Sgd::new(vec![point()])), [""; 0]);
    assert_eq!(names(&Sgd::new(vec![point()]).momentum(0.9)), ["w.momentum_buffer [2]"]);
    assert_eq!(names(&RmsProp::new(vec![point()])), ["w.square_avg [2]"]);
    let adam = ["w.exp_avg [2]", "w.exp_avg_sq [2]", "exp_avg_weight []", "exp_avg_sq_weight []"];
    assert_eq!(names(&Adam::new(vec![point()])), adam);
}

/// Twenty steps at once, or ten, saving, and ten by another process: the same bits.
#[test]
fn training_goes_on_exactly_from_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint.safetensors");
    let new = || {
        let point = point();
        let adam = Adam::new(vec![point.clone()]);
        let checkpoint = Checkpoint::new().with("", [point.clone()]).with("", adam.state());
        (point, adam, checkpoint)
    };
    let (point, adam, _) = new();
    let at_once = descend(&point, &adam, 20);

    let (point, adam, checkpoint) = new();
    descend(&point, &adam, 10);
    checkpoint.save(&file, None).unwrap();

    let (point, adam, checkpoint) = new();
    checkpoint.load(&file).unwrap();
    assert_eq!(descend(&point, &adam, 10), at_once);
}

#[test]
fn the_learning_rate_can_change_from_run_to_run() {
    let point = point();
    let sgd = Sgd::new(vec![point.clone()]);
    let tape = Tape::new();
    let new = sgd.update(bowl(&tape, &point), tape.input("learning rate", []));
    let mut step = Device::cpu().program(&tape, &new).unwrap();
    step.run(&[("learning rate", &Tensor::scalar(0.0))]).unwrap();
    assert_eq!(point.read().unwrap().data(), [1.0, -2.0]);
    step.run(&[("learning rate", &Tensor::scalar(1.0))]).unwrap();
    assert_eq!(point.read().unwrap().data(), [2.0, 3.0]); // (1, −2) − (−1, −5)
}

#[test]
fn weights_can_be_clipped_before_they_are_assigned() {
    let point = point();
    let sgd = Sgd::new(vec![point.clone()]);
    let tape = Tape::new();
    let weights = sgd.step(&sgd.gradients(bowl(&tape, &point)), tape.scalar(1.0)); // [2, 3]
    let clipped = sgd.assign(&clip::by_value(&weights, 2.5));
    Device::cpu().program(&tape, &clipped).unwrap().run(&[]).unwrap();
    assert_eq!(point.read().unwrap().data(), [2.0, 2.5]);
}

#[test]
fn gradients_are_shortened_only_beyond_the_norm() {
    let tape = Tape::new();
    let gradients = [[0.0, 3.0], [4.0, 0.0]].map(|g| tape.constant(&Tensor::<f64>::new([2], g.to_vec()).unwrap()));
    let clipped = |max| clip::by_global_norm(&gradients, max).iter().map(|g| g.value()).collect::<Vec<_>>();
    assert_eq!(clip::global_norm(&gradients).value().item(), 5.0);
    assert_eq!(clipped(10.0), gradients.map(|g| g.value()));
    assert_eq!([clipped(2.5)[0].data(), clipped(2.5)[1].data()], [[0.0, 1.5], [2.0, 0.0]]);
}

#[test]
fn gradients_of_zero_stay_zero() {
    let tape = Tape::new();
    assert_eq!(clip::by_global_norm(&[tape.zeros([2])], 1.0)[0].value().data(), [0.0, 0.0]);
}

/// Clipping a gradient of 0 leaves it as it is, and so does it what is differentiated; the norm itself is flat there.
#[test]
fn clipping_by_a_norm_of_zero_is_differentiable() {
    let tape = Tape::new();
    let gradients = [tape.zeros([2]), tape.zeros([])];
    let clipped = clip::by_global_norm(&gradients, 1.0);
    let first = tape.grad(clipped[0].sum() + clipped[1], &gradients);
    assert_eq!(first.iter().flat_map(|g| g.value().into_data()).collect::<Vec<_>>(), [1.0; 3]);
    assert_eq!(tape.hessian((clipped[0] * clipped[0]).sum(), gradients[0]).value().data(), [2.0, 0.0, 0.0, 2.0]);
    assert_eq!(tape.grad(clip::global_norm(&gradients), &gradients[..1])[0].value().data(), [0.0, 0.0]);
}

/// A parameter whose gradient is 0, as a dead ReLU's is: the update can be differentiated all the same.
#[test]
fn updates_by_a_gradient_of_zero_are_differentiable() {
    let optimizers: [Rule; 3] = [|p| Box::new(Adam::new(p)), |p| Box::new(RmsProp::new(p)), |p| Box::new(Sgd::new(p))];
    for optimizer in optimizers {
        let weight = Variable::new("w", Tensor::zeros([2]));
        let optimizer = optimizer(vec![weight.clone()]);
        let tape = Tape::new();
        let gradient = tape.zeros([2]);
        let new = optimizer.step(&[gradient], tape.scalar(0.1))[0];
        let slope = tape.grad(new.sum(), &[gradient])[0].value();
        assert!(slope.data().iter().all(|slope| slope.is_finite() && *slope < 0.0), "{slope:?}");
    }
}

/// An energy model is fitted by its energy's slope (score matching), which its last bias does not change: what is reached
/// learns, the bias and what is remembered of it stay.
#[test]
fn what_a_loss_does_not_reach_stays_as_it_is() {
    let optimizers: [Rule; 3] =
        [|p| Box::new(Adam::new(p)), |p| Box::new(RmsProp::new(p)), |p| Box::new(Sgd::new(p).momentum(0.9))];
    for optimizer in optimizers {
        let rng = &mut Rng::new(1, "weights");
        let energy = Sequential::mlp(&[2, 8, 1], Activation::Softplus, Init::FanIn, rng);
        let parameters = energy.parameters();
        let optimizer = optimizer(parameters.clone());
        let read = |variables: &[Variable]| variables.iter().map(|v| v.read().unwrap()).collect::<Vec<Tensor>>();
        let before = read(&parameters);
        let mut step = Device::cpu()
            .compile(|tape| {
                let x = tape.input("x", [4, 2]);
                let slope = tape.grad(energy.forward(x, Mode::Train).sum(), &[x])[0];
                let loss = (slope + x).square().mean(); // the score of a standard normal
                let new = optimizer.update_reached(loss, tape.scalar(0.01));
                assert_eq!(new.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, true, false]);
                [loss]
            })
            .unwrap();
        let x = Tensor::from_fn([4, 2], |i| i as f32 / 4.0 - 1.0);
        let losses: Vec<f32> = (0..50).map(|_| step.run(&[("x", &x)]).unwrap()[0].item()).collect();
        assert!(losses[49] < 0.9 * losses[0], "{losses:?}");
        let after = read(&parameters);
        assert!((0..3).all(|i| before[i] != after[i]) && before[3] == after[3]);
        let remembered = optimizer.state().into_iter().filter(|state| state.name().starts_with("2.bias"));
        assert!(read(&remembered.collect::<Vec<_>>()).iter().all(|state| state.item() == 0.0));
    }
}

#[test]
#[should_panic(expected = "depends on no parameter")]
fn a_loss_that_reaches_nothing_is_refused() {
    let tape = Tape::new();
    Sgd::new(vec![point()]).update_reached(tape.scalar(1.0).square(), tape.scalar(0.1));
}

#[test]
#[should_panic(expected = "optimizer: the loss does not depend on parameter \"0.bias\"")]
fn a_parameter_that_the_loss_does_not_reach_is_named() {
    let layer = Linear::new("0", 2, 1, Init::FanIn, &mut Rng::new(0, "weights"));
    let tape = Tape::new();
    let loss = tape.variable(&layer.parameters()[0]).sum();
    Sgd::new(layer.parameters()).update(loss, tape.scalar(0.1));
}

/// After one batch of each channel's values, PyTorch's numbers (momentum 0.1), which are
/// 0.9·[0, 1] + 0.1·[mean, n/(n − 1)·variance].
#[test]
fn batch_norm_tracks_mean_and_unbiased_variance() {
    let layer = BatchNorm::new("0", 2);
    let values = [-5.0, 2.0, -2.0, 5.0, 1.0, -3.0, 4.0, 0.0].map(|x| x / 4.0);
    let mut pass = Device::cpu()
        .compile(|tape| {
            [layer.forward(tape.constant(&Tensor::<f64>::new([4, 2], values.to_vec()).unwrap()), Mode::Train)]
        })
        .unwrap();
    pass.run(&[]).unwrap();
    let [mean, variance] = [0, 1].map(|i| layer.buffers()[i].read().unwrap());
    let both = |tensor: &Tensor| [f64::from(tensor.data()[0]), f64::from(tensor.data()[1])];
    assert_near(both(&mean), [-0.0125, 0.025], 1e-7);
    assert_near(both(&variance), [0.99375, 0.9708333333], 1e-7);
}

/// With momentum m, statistics that start at s and always see b are b + (1 − m)ᵗ·(s − b) after t batches.
#[test]
fn batch_norm_forgets_at_the_speed_of_its_momentum() {
    let layer = BatchNorm::new("0", 1).momentum(0.25);
    let mut pass = Device::cpu()
        .compile(|tape| {
            let x = tape.constant(&Tensor::<f64>::new([2, 1, 1, 2], vec![1.0, 2.0, 3.0, 6.0]).unwrap());
            [layer.forward(x, Mode::Train)] // mean 3, biased variance 3.5, unbiased 14/3
        })
        .unwrap();
    for _ in 0..3 {
        pass.run(&[]).unwrap();
    }
    let [mean, variance] = [0, 1].map(|i| f64::from(layer.buffers()[i].read().unwrap().item()));
    let remains = 0.75f64.powi(3);
    assert_near([mean, variance], [3.0 - 3.0 * remains, 14.0 / 3.0 + remains * (1.0 - 14.0 / 3.0)], 1e-6);
}

#[test]
fn evaluation_leaves_the_running_statistics_alone() {
    let layer = BatchNorm::new("0", 1);
    let mut pass = Device::cpu().compile(|tape| [layer.forward(tape.zeros([3, 1]), Mode::Eval)]).unwrap();
    pass.run(&[]).unwrap();
    assert_eq!(layer.buffers()[1].read().unwrap().data(), [1.0]);
}

/// y = 2·x₀ − x₁ + 1 is linear: a layer fitted to it finds the coefficients.
#[test]
fn a_layer_learns_a_linear_function() {
    let model = Sequential::new().add(Linear::new("0", 2, 1, Init::FanIn, &mut Rng::new(1, "weights")));
    let adam = Adam::new(model.parameters());
    let mut step = Device::cpu()
        .compile(|tape| {
            let x = tape.normal(autograd::Stream::new(1, "x"), [32, 2]);
            let y = x.slice(1, 0..1) * 2.0 - x.slice(1, 1..2) + 1.0;
            let loss = nn::losses::mse(model.forward(x, Mode::Train), y);
            adam.update(loss, tape.scalar(0.05));
            [loss]
        })
        .unwrap();
    for k in 0..400 {
        step.at(k).run(&[]).unwrap();
    }
    let [weight, bias] = [0, 1].map(|i| model.parameters()[i].read().unwrap());
    assert_near([f64::from(weight.data()[0]), f64::from(weight.data()[1])], [2.0, -1.0], 1e-3);
    assert!((bias.item() - 1.0).abs() < 1e-3);
}
