//! What a user can make long (a chain of operations, a list of Variables, an unrolled loop) costs no stack.

use autograd::{Device, Feed, Tape, Tensor, Variable};

/// Runs on a thread of 256 KiB.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 18).spawn(body).expect("a thread");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

#[test]
fn many_variables() {
    on_a_small_stack(|| {
        let variables: Vec<Variable> =
            (0..20_000).map(|i| Variable::new(format!("{i}"), Tensor::scalar(1.0))).collect();
        let tape = Tape::new();
        for variable in &variables {
            tape.assign(variable, tape.variable(variable) + 1.0);
        }
        let mut program = Device::cpu().program(&tape, &[]).expect("a program");
        for _ in 0..2 {
            program.run(&[]).expect("no inputs");
        }
        assert!(variables.iter().all(|variable| variable.read().expect("on the CPU").item() == 3.0));
    });
}

#[test]
fn long_chains() {
    on_a_small_stack(|| {
        const LENGTH: usize = 50_000;
        let tape = Tape::new();
        let (x, weight) = (tape.input("x", [1, 1]), tape.input("weight", [1, 1]));
        let adding = (0..LENGTH).fold(x, |x, _| x + 1.0);
        let products = (0..LENGTH / 10).fold(x, |x, _| x.matmul(weight).abs());
        // A constant behind many views, which the compiler sees through.
        let views = (0..LENGTH / 2).fold(tape.scalar(1.0), |one, _| one.reshape([1, 1]).broadcast_to([1, 1]));
        let slopes = tape.grad(adding.sum() + products.sum(), &[x, weight]);
        let outputs = [adding + views, products, slopes[0], slopes[1]];
        let expected = [LENGTH as f32 + 2.0, 1.0, 2.0, LENGTH as f32 / 10.0];
        let one = Tensor::full([1, 1], 1.0);
        let mut program = Device::cpu().program(&tape, &outputs).expect("a program");
        let found = program.run(&[("x", &one), ("weight", &one)]).expect("every input is given");
        assert_eq!(found.iter().map(Tensor::item).collect::<Vec<_>>(), expected);
        program.refuse_non_finite();
        program.run(&[("x", &one), ("weight", &one)]).expect("all values are finite");
        let feed = Feed { inputs: &[("x", &one), ("weight", &one)], step: 0 };
        assert_eq!(tape.interpret(&outputs[2..3], feed).expect("every input is given")[0].item(), expected[2]);
        assert!(tape.to_string().lines().count() > 3 * LENGTH);
    });
}
