//! Random numbers on the tape: a function of seed, stream, step and element, and of nothing else.

mod support;

use autograd::philox::stream_id;
use autograd::{Device, Error, Feed, Stream, Tape, Tensor, Var};
use support::panic_of;

/// The tensor that `record` draws at a step.
fn drawn(step: u64, record: impl for<'t> Fn(&'t Tape) -> Var<'t>) -> Tensor<f64> {
    let tape = Tape::new();
    let output = record(&tape);
    tape.interpret::<f64>(&[output], Feed { inputs: &[], step }).expect("no inputs").remove(0)
}

fn uniform(seed: u64, name: &str, step: u64, count: usize) -> Vec<f64> {
    drawn(step, |tape| tape.uniform(Stream::new(seed, name), [count])).into_data()
}

fn normal(seed: u64, name: &str, step: u64, count: usize) -> Vec<f64> {
    drawn(step, |tape| tape.normal(Stream::new(seed, name), [count])).into_data()
}

/// The known answer of Random123 for counter 0 and key 0 (`kat_vectors`: philox4x32 10), reached through the tape: seed
/// 0, step 0, and a stream whose name hashes to 0.
#[test]
fn the_tape_draws_the_published_numbers() {
    let name = "ppkttia";
    assert_eq!(stream_id(name), 0);
    let words = [0x6627e8d5u32, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
    let units = words.map(|word| f64::from(word >> 8) / f64::from(1 << 24));
    assert_eq!(uniform(0, name, 0, 4), units);

    let [u1, turn] = [f64::from((words[0] >> 8) + 1) / f64::from(1 << 24), units[1] * std::f64::consts::TAU];
    let radius = (-2.0 * u1.ln()).sqrt();
    let pair = normal(0, name, 0, 2);
    assert!((pair[0] - radius * turn.cos()).abs() < 1e-7 && (pair[1] - radius * turn.sin()).abs() < 1e-7);
}

#[test]
fn an_element_depends_on_its_index_alone() {
    let all = normal(3, "noise", 9, 103);
    assert_eq!(all[..10], normal(3, "noise", 9, 10));
    let reshaped = drawn(9, |tape| tape.normal(Stream::new(3, "noise"), [1, 103]));
    assert_eq!(all, reshaped.data());
}

/// Different seeds, streams and steps (also beyond 32 bits) share no numbers and are uncorrelated.
#[test]
fn seeds_streams_and_steps_are_independent() {
    const COUNT: usize = 10_000;
    let base = normal(1, "noise", 5, COUNT);
    assert_eq!(base, normal(1, "noise", 5, COUNT), "the same again");
    let others = [
        normal(2, "noise", 5, COUNT),
        normal(1 + (1 << 32), "noise", 5, COUNT),
        normal(1, "epsilon", 5, COUNT),
        normal(1, "noise", 6, COUNT),
        normal(1, "noise", 5 + (1 << 32), COUNT),
    ];
    for other in others {
        assert!(base.iter().zip(&other).all(|(a, b)| a != b));
        let correlation = base.iter().zip(&other).map(|(a, b)| a * b).sum::<f64>() / COUNT as f64;
        assert!(correlation.abs() < 5.0 / (COUNT as f64).sqrt(), "{correlation}");
    }
}

/// They would be the same numbers, or made of the same ones.
#[test]
fn a_tape_draws_from_a_stream_once() {
    let tape = Tape::new();
    let stream = |name| Stream::new(7, name);
    let line = line!() + 1;
    tape.uniform(stream("epsilon"), [20]);
    tape.normal(stream("noise"), [20]);
    tape.uniform(Stream::new(8, "epsilon"), [20]);
    let again: [&dyn Fn(); 3] =
        [&|| _ = tape.uniform(stream("epsilon"), [20]), &|| _ = tape.uniform(stream("epsilon"), [3]), &|| {
            _ = tape.normal(stream("epsilon"), [20])
        }];
    for again in again {
        let panic = panic_of(again);
        assert!(panic.message.contains(&format!("random.rs:{line}:")), "{panic:?}");
        assert!(panic.file.ends_with("random.rs"), "{panic:?}");
    }
}

/// A run draws its step's numbers; a second one must be told which step it is.
#[test]
fn noise_is_not_repeated_unasked() {
    let mut program =
        Device::cpu().compile(|tape| [tape.input("x", []) + tape.normal(Stream::new(1, "noise"), [])]).unwrap();
    let x = [("x", &Tensor::scalar(0.0))];
    let at_0 = program.run(&x).unwrap()[0].item();
    let refused = program.run(&x).unwrap_err();
    assert_eq!(refused, Error::SameStep { step: 0 });
    assert!(refused.to_string().contains("program.at(step).run"), "{refused}");
    assert_eq!(program.start(&x).unwrap_err(), refused);
    assert_ne!(program.at(1).run(&x).unwrap()[0].item(), at_0);
    assert_eq!(program.at(0).run(&x).unwrap()[0].item(), at_0);
    program.at(2).run(&[]).unwrap_err(); // a run that fails draws nothing
    program.run(&x).unwrap();

    let mut sure = Device::cpu().compile(|tape| [tape.input("x", []) * 2.0]).unwrap();
    assert_eq!((sure.run(&x).unwrap()[0].item(), sure.run(&x).unwrap()[0].item()), (0.0, 0.0));
}

/// Within five standard errors: mean ½, variance 1/12, and each of 20 bins with its share.
#[test]
fn uniforms_fill_the_unit_interval_evenly() {
    const COUNT: usize = 100_000;
    let numbers = uniform(11, "uniform", 1, COUNT);
    assert!(numbers.iter().all(|x| (0.0..1.0).contains(x)));
    let mean = numbers.iter().sum::<f64>() / COUNT as f64;
    assert!((mean - 0.5).abs() < 5.0 * (1.0 / 12.0 / COUNT as f64).sqrt(), "{mean}");
    let mut bins = [0.0; 20];
    numbers.iter().for_each(|x| bins[(x * 20.0) as usize] += 1.0);
    let share = COUNT as f64 / 20.0;
    let chi_squared: f64 = bins.iter().map(|count| (count - share) * (count - share) / share).sum();
    assert!(chi_squared < 43.8, "χ² = {chi_squared} over 19 degrees of freedom: above 43.8 once in a thousand");
}

/// Within five standard errors: mean 0, variance 1, no skew, kurtosis 3; neighbours, which share a radius, uncorrelated.
#[test]
fn normals_have_the_moments_of_a_normal() {
    const COUNT: usize = 100_000;
    let numbers = normal(11, "normal", 1, COUNT);
    let mean = |f: &dyn Fn(usize) -> f64| (0..COUNT).map(f).sum::<f64>() / COUNT as f64;
    let within = |value: f64, expected: f64, variance: f64| {
        assert!((value - expected).abs() < 5.0 * (variance / COUNT as f64).sqrt(), "{value} for {expected}");
    };
    within(mean(&|i| numbers[i]), 0.0, 1.0);
    within(mean(&|i| numbers[i].powi(2)), 1.0, 2.0);
    within(mean(&|i| numbers[i].powi(3)), 0.0, 15.0);
    within(mean(&|i| numbers[i].powi(4)), 3.0, 96.0);
    within(mean(&|i| numbers[i] * numbers[i ^ 1]), 0.0, 1.0);
    within(mean(&|i| (numbers[i] * numbers[i ^ 1]).powi(2)), 1.0, 8.0);
}

/// Random numbers are where no derivative begins, but factors through which one passes.
#[test]
fn random_numbers_are_constants_to_a_derivative() {
    let tape = Tape::new();
    let noise = tape.normal(Stream::new(1, "noise"), [3]);
    let x = tape.scalar(2.0);
    let slope = tape.grad((noise * x).sum(), &[x])[0];
    assert_eq!(slope.value().item(), noise.value().data().iter().sum::<f64>());
}
