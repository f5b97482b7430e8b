//! The same bits at every replay, on any number of threads, with random numbers and in reused memory.

use autograd::{Device, Stream, Tape, Tensor};

use crate::networks::{classifier, conv_critic, generator, mlp_critic};
use crate::support::{by_name, devices, draw_inputs, interpret};
use crate::{Record, bits};

/// Behind the end of a short buffer a tile holds what ran before: here, angles too large for the fast sine.
#[test]
fn what_a_thread_computed_before_changes_no_bits() {
    let angles = Tensor::from_fn([100], |i| i as f32 * 0.37 - 18.0);
    let huge = Tensor::full([4096], 1e6);
    let sines = |before: bool| {
        let device = Device::cpu_with_threads(1).expect("a thread");
        if before {
            let mut program =
                device.compile(|tape| [(tape.input("x", [4096]) * 2.0).square() + 1.0]).expect("a program");
            program.run(&[("x", &huge)]).expect("a run");
        }
        let mut program = device.compile(|tape| [tape.input("x", [100]).sin()]).expect("a program");
        let [sines] = program.run(&[("x", &angles)]).expect("a run");
        sines.data().iter().map(|sine| sine.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(sines(true), sines(false));
}

#[test]
fn results_have_the_same_bits_on_any_number_of_threads_and_at_every_replay() {
    let records: [Record; 4] = [
        |tape| mlp_critic(tape, 256, 200, |x| x.relu()),
        |tape| conv_critic(tape, 12, 16, |x| x.leaky_relu(0.2)),
        |tape| generator(tape, 64),
        |tape| {
            let x = tape.input("x", [300, 333]) + tape.normal(Stream::new(1, "n"), [300, 333]);
            vec![
                x.softmax(0),
                x.logsumexp(1),
                x.sum(),
                x.sum_axes(&[0]),
                x.mean_axes(&[1]),
                x.max(),
                x.moments(&[0, 1]).1,
            ]
        },
    ];
    for (i, record) in records.into_iter().enumerate() {
        let tape = Tape::new();
        let outputs = record(&tape);
        let inputs = draw_inputs(&tape);
        let mut first: Option<Vec<Vec<u32>>> = None;
        for threads in [1, 2, 3, 8] {
            let device = Device::cpu_with_threads(threads).expect("threads");
            let mut program = device.program(&tape, &outputs).expect("a program");
            for replay in 0..2 {
                let found = bits(program.at(9).run(&by_name(&inputs)).expect("every input is given"));
                let first = first.get_or_insert_with(|| found.clone());
                assert!(*first == found, "program {i}, {threads} threads, replay {replay}");
            }
        }
    }
}

#[test]
fn random_numbers_are_the_interpreters() {
    let tape = Tape::new();
    let stream = |name| Stream::new(1 << 40 | 7, name);
    let outputs = [tape.uniform(stream("uniform"), [301, 333]), tape.normal(stream("normal"), [301, 333])];
    for device in devices() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        for step in [0, 1, 5_000_000_000] {
            let expected = interpret(&tape, &outputs, &[], step);
            let found = program.at(step).run(&[]).expect("no inputs");
            assert_eq!(found[0], expected[0], "uniform numbers are the same bits");
            let apart = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).abs() / ulp(*b);
            let worst = found[1].data().iter().zip(expected[1].data()).map(apart).fold(0.0, f64::max);
            assert!(worst <= 4.0, "normal numbers are at most 4 units in the last place away, not {worst}");
        }
    }
}

/// The distance from |x| to the next larger f32.
fn ulp(x: f32) -> f64 {
    f64::from(f32::from_bits(x.abs().to_bits() + 1)) - f64::from(x.abs())
}

/// Memory is reused within a run, between runs and between programs; nothing of what it held may show.
#[test]
fn nothing_of_an_earlier_run_is_left() {
    let records: [Record; 5] = [
        |tape| mlp_critic(tape, 37, 65, |x| x.relu()),
        |tape| conv_critic(tape, 3, 5, |x| x.leaky_relu(0.2)),
        |tape| generator(tape, 9),
        |tape| classifier(tape, 43, 11),
        |tape| {
            let x = tape.input("x", [60, 70]);
            vec![x.pad(&[1, 2], &[3, 0]).matmul_with(x.pad(&[0, 0], &[4, 2]), true, false), x.sum(), x.mean_axes(&[0])]
        },
    ];
    for (i, record) in records.into_iter().enumerate() {
        let tape = Tape::new();
        let outputs = record(&tape);
        let inputs = draw_inputs(&tape);
        let poison: Vec<(String, Tensor)> =
            inputs.iter().map(|(name, x)| (name.clone(), Tensor::full(x.shape(), f64::NAN))).collect();
        for device in devices() {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let fresh = bits(program.at(0).run(&by_name(&inputs)).expect("every input is given"));
            program.at(0).run(&by_name(&poison)).expect("every input is given");
            let again = bits(program.at(0).run(&by_name(&inputs)).expect("every input is given"));
            assert!(fresh == again, "program {i} after a run on NaN");
        }
    }
}

/// A long chain needs the memory of a few of its links.
#[test]
fn memory_is_shared_by_values_that_are_never_alive_together() {
    let tape = Tape::new();
    let mut x = tape.input("x", [64, 64]);
    for _ in 0..50 {
        x = x.matmul(x).tanh();
    }
    let program = Device::cpu().program(&tape, &[x]).expect("a program");
    assert!(program.plan().arena <= 2 * 64 * 64, "{} elements", program.plan().arena);
}
