//! Programs of several ranks, which are threads here: what they compute together is what one computes alone.

mod support;

use std::sync::Arc;

use autograd::compile::Kernel;
use autograd::{Communicator, Device, Error, Stream, Tape, Tensor, ThreadRank, Var, Variable};
use nn::layers::{Activation, BatchNorm, Linear};
use nn::optim::Sgd;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential};

/// What each of so many ranks makes of a device of its own, in their order.
fn among<T: Send>(ranks: usize, work: impl Fn(Device) -> T + Sync) -> Vec<T> {
    let work = &work;
    std::thread::scope(|scope| {
        let start = |rank| {
            let device = Device::cpu_with_threads(1).expect("a thread").among(Arc::new(rank));
            scope.spawn(move || work(device))
        };
        let started: Vec<_> = ThreadRank::start(ranks).map(start).collect();
        started.into_iter().map(|rank| rank.join().expect("no panic")).collect()
    })
}

/// Samples in a batch, which 1, 2, 3 and 4 ranks can share.
const BATCH: usize = 24;

/// A few updates of a critic with batch norm under a gradient penalty, so that there are means within a second derivative: the
/// first gradients, the losses, and the weights with batch norm's statistics in the end.
fn train(device: Device) -> Vec<Tensor> {
    let rng = &mut Rng::new(0, "weights");
    let critic = Sequential::new()
        .add(Linear::new("0", 3, 16, Init::FanIn, rng))
        .add(BatchNorm::new("1", 16))
        .add(Activation::Tanh)
        .add(Linear::new("3", 16, 1, Init::FanIn, rng));
    // A bias before batch norm has no gradient but rounding, of which Adam would make whole steps.
    let sgd = Sgd::new(critic.parameters());
    let gradients: Vec<Variable> =
        critic.parameters().iter().map(|p| Variable::new("gradient", Tensor::zeros(p.shape()))).collect();
    let mut step = device
        .compile(|tape: &Tape| {
            let x = tape.normal(Stream::new(0, "x"), [BATCH, 3]).own_part(0);
            let scores = critic.forward(x, Mode::Train);
            let slopes = tape.grad(scores.sum(), &[x])[0].norm_rows();
            let loss = (slopes - 1.0).square().mean()
                + (scores - x.sum_axes(&[1]).restore_axes(&[1], &scores.shape())).square().mean();
            let found = sgd.gradients(loss);
            let kept = |(variable, gradient): (&Variable, &Var<'_>)| _ = tape.assign(variable, *gradient);
            gradients.iter().zip(&found).for_each(kept);
            sgd.assign(&sgd.step(&found, tape.scalar(1e-2)));
            [loss.all_mean()]
        })
        .expect("a program");
    let messages = step.plan().steps.iter().filter(|step| matches!(step.kernel, Kernel::AllMean)).count();
    let mut seen = Vec::new();
    for iteration in 0..20 {
        seen.push(step.at(iteration).run(&[]).expect("all ranks go on")[0].clone());
        if iteration == 0 {
            seen.extend(gradients.iter().map(|gradient| gradient.read().expect("host")));
        }
    }
    // Mean and variance of a batch, what either derivative passes back through both, and the gradients: nine in a row.
    let most = if device.rank().count > 1 { 9 } else { 0 };
    assert!(messages <= most && (most == 0 || messages > 2), "{messages} messages");
    let state = critic.parameters().into_iter().chain(critic.buffers());
    seen.extend(state.map(|variable| variable.read().expect("host")));
    seen
}

/// Rounding is 10⁻⁷ of each number; 20 steps make more of it.
#[test]
fn ranks_learn_what_one_learns_from_the_whole_batch() {
    let alone = train(Device::cpu_with_threads(1).expect("a thread"));
    for ranks in [1, 2, 3, 4] {
        let all = among(ranks, train);
        assert!(all.iter().all(|one| *one == all[0]), "ranks differ");
        assert_eq!(among(ranks, train), all, "other bits at the second time");
        for (position, (found, expected)) in all[0].iter().zip(&alone).enumerate() {
            let (found, expected) = (found.cast::<f64>(), expected.cast::<f64>());
            // The loss of the first step and its gradients, then all that follows.
            support::assert_close(&found, &expected, if position < 7 { 1e-6 } else { 1e-4 });
        }
    }
}

/// Sums of many ranks are taken in f64: of 1, 2⁻²⁴, −1 three quarters would be lost in f32.
#[test]
fn a_mean_is_rounded_once() {
    let means = among(3, |device| {
        let own = [1.0, f64::from(2f32.powi(-24)), -1.0][device.rank().index];
        device.compile(|tape| [tape.scalar(own).all_mean()]).expect("a program").run(&[]).expect("a run")[0].item()
    });
    assert_eq!(means, [2f32.powi(-24) / 3.0; 3]);
}

#[test]
fn who_waits_for_a_rank_that_has_ended_is_told() {
    let told = among(3, |device| {
        let mut program = device.compile(|tape| [tape.scalar(1.0).all_mean()]).expect("a program");
        let runs = if device.rank().index == 1 { 2 } else { 5 };
        (0..runs).try_for_each(|_| program.run(&[]).map(|_| ()))
    });
    let ended = Error::Device { device: "ranks".into(), reason: "rank 1 has ended".into() };
    assert_eq!(told, [Err(ended.clone()), Ok(()), Err(ended)]);
}

#[test]
fn ranks_with_different_programs_are_refused() {
    let told = among(2, |device| {
        let shape = [1 + device.rank().index];
        let mut program = device.compile(|tape| [tape.input("x", shape).all_mean()]).expect("a program");
        program.run(&[("x", &Tensor::zeros([100 * shape[0]]))]).map(|_| ()).unwrap_err().to_string()
    });
    assert!(told.iter().all(|told| told.contains("shape")), "{told:?}");
}

/// What one rank finds, no rank runs into.
#[test]
fn a_value_that_is_not_finite_is_found_on_any_rank() {
    let told = among(3, |device| {
        let mut program = device
            .compile(|tape| {
                let rows = tape.input("x", [6]).own_part(0);
                [rows.ln().mean().all_mean()]
            })
            .expect("a program");
        program.refuse_non_finite();
        let good = Tensor::full([6], 1.0);
        program.run(&[("x", &good)]).expect("finite");
        let bad = Tensor::new([6], vec![1.0, 1.0, 1.0, -1.0, 1.0, 1.0]).expect("six numbers");
        program.run(&[("x", &bad)]).map(|_| ()).unwrap_err()
    });
    assert!(matches!(&told[1], Error::NonFinite(found) if found.op == "ln"), "{told:?}");
    assert_eq!([&told[0], &told[2]], [&Error::NonFiniteElsewhere; 2]);
}

/// What ranks have to say reaches all of them, whatever they do meanwhile, over and over.
#[test]
fn ranks_exchange_what_they_say() {
    let ranks = ThreadRank::start(4);
    std::thread::scope(|scope| {
        for rank in ranks {
            scope.spawn(move || {
                for round in 0..1000usize {
                    let own = [rank.rank().index as u8, round as u8];
                    let all = rank.exchange(&own[..1 + round % 2]).expect("nobody ends");
                    let expected = (0..4).map(|index| [index, round as u8][..1 + round % 2].to_vec());
                    assert!(all.into_iter().eq(expected));
                }
            });
        }
    });
}
