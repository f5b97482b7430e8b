//! Variables: assigned, shared by programs and threads, overwritten in place.

use autograd::{Device, Stream, Tape, Tensor, Var, Variable};

use crate::TOLERANCE;
use crate::support::{assert_agree, by_name, devices, draw, draw_inputs, interpret};

/// What a program of updates asks for, and which Variable (by position) it assigns each new value.
struct Updates<'t> {
    outputs: Vec<Var<'t>>,
    assigned: Vec<(usize, Var<'t>)>,
}

/// Compiles a program over Variables [4, 4] and compares three replays with the interpreter: the values asked for, and
/// what the Variables hold afterwards.
fn assert_updates(name: &str, record: for<'t> fn(&'t Tape, &[Variable]) -> Updates<'t>) {
    for device in devices() {
        let variable = |i: usize| Variable::new(format!("v{i}"), draw(&format!("v{i}"), [4, 4]).cast());
        let variables: Vec<Variable> = (0..4).map(variable).collect();
        let tape = Tape::new();
        let Updates { outputs, assigned } = record(&tape, &variables);
        let inputs = draw_inputs(&tape);
        let wanted: Vec<Var> = outputs.iter().copied().chain(assigned.iter().map(|&(_, new)| new)).collect();
        let mut program = device.program(&tape, &outputs).expect("a program");
        for replay in 0..3 {
            let what = |kind: &str, i: usize| format!("{name}, replay {replay}, {kind} {i}");
            let mut state: Vec<Tensor> = variables.iter().map(|variable| variable.read().expect("host")).collect();
            let expected = interpret(&tape, &wanted, &by_name(&inputs), 0);
            let found = program.at(0).run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, TOLERANCE, &what("output", i));
            }
            for (&(variable, _), new) in assigned.iter().zip(&expected[outputs.len()..]) {
                state[variable] = new.clone();
            }
            for (i, (variable, expected)) in variables.iter().zip(&state).enumerate() {
                assert_agree(&variable.read().expect("on the CPU"), expected, TOLERANCE, &what("Variable", i));
            }
        }
    }
}

#[test]
fn assignments_read_old_values_and_are_committed_together() {
    /// Assigns and reports in one.
    fn update<'t>(tape: &'t Tape, v: &[Variable], i: usize, new: Var<'t>) -> (usize, Var<'t>) {
        (i, tape.assign(&v[i], new))
    }
    assert_updates("step in place", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        let new = update(tape, v, 0, w - g * 0.1);
        Updates { outputs: vec![w.sum(), new.1.sum()], assigned: vec![new] }
    });
    assert_updates("swap", |tape, v| {
        let [a, b] = [0, 1].map(|i| tape.variable(&v[i]));
        Updates { outputs: vec![a], assigned: vec![update(tape, v, 0, b), update(tape, v, 1, a)] }
    });
    assert_updates("rotation of three, one transposed", |tape, v| {
        let [a, b, c] = [0, 1, 2].map(|i| tape.variable(&v[i]));
        let assigned =
            vec![update(tape, v, 0, b.transpose()), update(tape, v, 1, c), update(tape, v, 2, a.reshape([4, 4]))];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("exchange of computed values", |tape, v| {
        let [a, b] = [0, 1].map(|i| tape.variable(&v[i]));
        let assigned = vec![update(tape, v, 0, a * 0.5 + b), update(tape, v, 1, a - b * 0.5)];
        Updates { outputs: vec![a * b], assigned }
    });
    assert_updates("old value read after the new one is computed", |tape, v| {
        let w = tape.variable(&v[0]);
        let new = update(tape, v, 0, w.tanh());
        let later = new.1.matmul(w) + w.transpose();
        Updates { outputs: vec![later, w, new.1], assigned: vec![new] }
    });
    assert_updates("moments and an average that follow an update", |tape, v| {
        let [w, m, average] = [0, 1, 2].map(|i| tape.variable(&v[i]));
        let g = tape.input("g", [4, 4]);
        let m = update(tape, v, 1, m * 0.9 + g * 0.1);
        let w = update(tape, v, 0, (w - m.1 * 0.1).clamp(-0.5, 0.5));
        let average = update(tape, v, 2, average * 0.99 + w.1 * 0.01);
        Updates { outputs: vec![w.1.sum()], assigned: vec![m, w, average] }
    });
    assert_updates("a product added onto the old value", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        let assigned =
            vec![update(tape, v, 0, w * 0.5 + g.matmul(g)), update(tape, v, 1, g.exp() + g.matmul(g.square()))];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("a product added onto a Variable as it is", |tape, v| {
        let (w, g) = (tape.variable(&v[0]), tape.input("g", [4, 4]));
        Updates { outputs: vec![w], assigned: vec![update(tape, v, 0, w + g.matmul(g))] }
    });
    assert_updates("a product of the value it replaces", |tape, v| {
        let w = tape.variable(&v[0]);
        Updates { outputs: vec![], assigned: vec![update(tape, v, 0, w.matmul(w) * 0.3)] }
    });
    assert_updates("a reduction and a view of the value it replaces", |tape, v| {
        let w = tape.variable(&v[0]);
        let new = w.sum_axes(&[0]) * 0.1 + w.transpose();
        Updates { outputs: vec![], assigned: vec![update(tape, v, 0, new)] }
    });
    assert_updates("one value for two Variables, and for an output", |tape, v| {
        let w = tape.variable(&v[0]).sin();
        let assigned = vec![update(tape, v, 1, w), update(tape, v, 2, w), update(tape, v, 0, w)];
        Updates { outputs: vec![w, w.reshape([16])], assigned }
    });
    assert_updates("inputs, constants, random numbers and other Variables as new values", |tape, v| {
        let assigned = vec![
            update(tape, v, 0, tape.input("x", [4, 4])),
            update(tape, v, 1, tape.zeros([4, 4])),
            update(tape, v, 2, tape.normal(Stream::new(0, "new"), [4, 4])),
            update(tape, v, 3, tape.variable(&v[0])),
        ];
        Updates { outputs: vec![], assigned }
    });
    assert_updates("its own value", |tape, v| {
        let w = tape.variable(&v[0]);
        Updates { outputs: vec![w + 1.0], assigned: vec![update(tape, v, 0, w), update(tape, v, 1, w.detach() * 1.0)] }
    });
    assert_updates("a value that nobody asked for", |tape, v| {
        let w = tape.variable(&v[2]);
        Updates { outputs: vec![], assigned: vec![update(tape, v, 2, w.max().broadcast_to([4, 4]))] }
    });
}

#[test]
fn programs_share_variables_and_hosts_write_them() {
    let cpu = Device::cpu();
    let weight = Variable::new("weight", Tensor::full([3], 1.0));
    let mut double = cpu.compile(|tape| [tape.assign(&weight, tape.variable(&weight) * 2.0)]).expect("a program");
    let mut total = cpu.compile(|tape| [tape.variable(&weight).sum()]).expect("a program");
    double.run(&[]).expect("no inputs");
    assert_eq!(total.run(&[]).expect("no inputs")[0].item(), 6.0);
    weight.write(&Tensor::full([3], 5.0)).expect("the same shape");
    assert_eq!(double.run(&[]).expect("no inputs")[0].data(), [10.0; 3]);
    assert_eq!(weight.read().expect("on the CPU").data(), [10.0; 3]);
    assert_eq!(total.run(&[]).expect("no inputs")[0].item(), 30.0);
    let error = weight.write(&Tensor::zeros([4])).expect_err("another shape");
    assert_eq!(error.to_string(), "\"weight\" has shape [3], but the tensor given for it has shape [4]");
}

/// Programs on the same threads of work that share a Variable never wait for each other in a circle.
#[test]
fn programs_run_from_several_threads_take_turns_on_a_variable() {
    const RUNS: usize = 50;
    let weight = Variable::new("weight", Tensor::zeros([300, 300]));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let tape = Tape::new();
                let w = tape.variable(&weight);
                let identity = Tensor::<f64>::from_fn([300, 300], |i| f64::from(u8::from(i / 300 == i % 300)));
                tape.assign(&weight, w.matmul(tape.constant(&identity)) + 1.0); // enough work for several threads
                let mut program = Device::cpu().program(&tape, &[]).expect("a program");
                for _ in 0..RUNS {
                    program.run(&[]).expect("no inputs");
                }
            });
        }
    });
    assert_eq!(weight.read().expect("on the CPU"), Tensor::full([300, 300], 4.0 * RUNS as f64));
}

/// Updates write into the Variable's own memory; what ends in an elementwise step needs no copy.
#[test]
fn weights_and_moments_are_updated_in_place() {
    let variables = ["weight", "mean", "square"].map(|name| Variable::new(name, Tensor::zeros([50, 50])));
    let tape = Tape::new();
    let [w, m, v] = variables.each_ref().map(|variable| tape.variable(variable));
    let g = tape.input("g", [50, 50]);
    let m = tape.assign(&variables[1], m * 0.5 + g * 0.5);
    let v = tape.assign(&variables[2], v * 0.9 + g.square() * 0.1);
    tape.assign(&variables[0], w - m / (v.sqrt() + 1e-8) * 0.1);
    let program = Device::cpu().program(&tape, &[]).expect("a program");
    assert_eq!(program.plan().steps.len(), 1, "one pass over memory: {:?}", program.plan().steps);
    assert_eq!(program.plan().arena, 50 * 50, "only the gradient lies in the arena");
}
