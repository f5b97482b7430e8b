//! The time to record, to compile and to run over the size of a computation: it should grow as the size does.

use std::hint::black_box;
use std::time::Duration;

use autograd::{Device, Tape, Tensor, Var, Variable};
use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use nn::{Optimizer, optim::Adam};

fn compile(tape: &Tape, outputs: &[Var]) {
    black_box(Device::cpu().program(tape, outputs).expect("the CPU takes every program"));
}

/// A chain of elementwise operations.
fn chain(tape: &Tape, operations: usize) -> Var<'_> {
    (0..operations).fold(tape.input("x", [8]), |x, i| if i % 2 == 0 { x.sin() } else { x + 1.5 })
}

/// Pairs of a product and an activation.
fn pairs(tape: &Tape, pairs: usize) -> Var<'_> {
    let weight = tape.input("weight", [4, 4]);
    (0..pairs).fold(tape.input("x", [4, 4]), |x, _| x.matmul(weight).tanh())
}

/// Descent that is differentiated at each of its steps.
fn unrolled(tape: &Tape, steps: usize) -> Var<'_> {
    let mut x = tape.input("x", [8]);
    for _ in 0..steps {
        x = x - tape.grad(x.cos().sum(), &[x])[0] * 0.1;
    }
    x
}

/// Sums that are all alive together.
fn sums(tape: &Tape, sums: usize) -> Var<'_> {
    let x = tape.input("x", [8]);
    (0..sums).map(|i| (x + i as f64).exp().sum()).reduce(|sum, term| sum + term).expect("sums")
}

/// Many inputs.
fn inputs(tape: &Tape, inputs: usize) -> Var<'_> {
    (0..inputs).map(|i| tape.input(&i.to_string(), [8])).reduce(|sum, term| sum + term).expect("inputs")
}

/// The gradient of many values joined.
fn joined(tape: &Tape, parts: usize) -> Var<'_> {
    let x = tape.input("x", [1, 8]);
    let parts: Vec<Var> = (0..parts).map(|i| (x + i as f64).exp()).collect();
    tape.grad(tape.concat(&parts, 0).sin().sum(), &[x])[0]
}

/// An update of many parameters.
fn adam(tape: &Tape, adam: &Adam) {
    let parameters = adam.parameters().iter().map(|parameter| tape.variable(parameter).square().sum());
    let loss = parameters.reduce(|sum, term| sum + term).expect("parameters");
    adam.update(loss, tape.scalar(1e-3));
}

fn growth(c: &mut Criterion) {
    let mut group = c.benchmark_group("growth");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    type Record = for<'t> fn(&'t Tape, usize) -> Var<'t>;
    let kinds: [(&str, Record, [usize; 3]); 6] = [
        ("chain", chain, [1_000, 10_000, 100_000]),
        ("pairs", pairs, [1_000, 4_000, 16_000]),
        ("unrolled", unrolled, [500, 2_000, 8_000]),
        ("sums", sums, [1_000, 4_000, 16_000]),
        ("inputs", inputs, [1_000, 4_000, 16_000]),
        ("joined", joined, [1_000, 4_000, 16_000]),
    ];
    for (name, record, sizes) in kinds {
        for size in sizes {
            group.bench_function(BenchmarkId::new(format!("{name}, recorded"), size), |bencher| {
                bencher.iter_batched(Tape::new, |tape| _ = record(&tape, size), BatchSize::PerIteration);
            });
            let tape = Tape::new();
            let y = record(&tape, size);
            group.bench_function(BenchmarkId::new(format!("{name}, compiled"), size), |bencher| {
                bencher.iter(|| compile(&tape, &[y]));
            });
            let mut program = Device::cpu().program(&tape, &[y]).expect("the CPU takes every program");
            let inputs = program.plan().inputs.iter().map(|input| (input.name.clone(), Tensor::zeros(&input.shape)));
            let inputs: Vec<(String, Tensor)> = inputs.collect();
            let inputs: Vec<(&str, &Tensor)> = inputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
            group.bench_function(BenchmarkId::new(format!("{name}, run"), size), |bencher| {
                bencher.iter(|| _ = program.run(&inputs).expect("all inputs are given"));
            });
        }
    }
    let tape = Tape::new();
    let (weight, y) = (tape.input("w", [4, 4]), 4_000);
    let y = (0..y).fold(tape.input("x", [4, 4]), |x, _| x.matmul(weight).tanh()).sum();
    let slope = tape.grad(y, &[weight]);
    group.bench_function("pairs and their gradient, compiled/4000", |bencher| bencher.iter(|| compile(&tape, &slope)));
    for size in [1_000, 4_000] {
        let parameters = (0..size).map(|i| Variable::new(format!("{i}"), Tensor::full([16], 1.0))).collect();
        let rule = Adam::new(parameters);
        group.bench_function(BenchmarkId::new("Adam, recorded and compiled", size), |bencher| {
            bencher.iter(|| {
                let tape = Tape::new();
                adam(&tape, &rule);
                compile(&tape, &[]);
            });
        });
    }
}

criterion_group!(benches, growth);
criterion_main!(benches);
