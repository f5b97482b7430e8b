//! Single kernels, run as programs run them: operands in Variables, the result assigned to one, all cores. Below each
//! stands what share that is of what the processor can do at most.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use autograd::ops::Conv;
use autograd::{Compiled, Device, Shape, Tensor, Var, Variable};
use benches::peak;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// A program that does nothing but compute `record` of operands of these shapes.
fn program(operands: &[Shape], record: impl for<'t> Fn(&[Var<'t>]) -> Var<'t>) -> Compiled<0> {
    let value = |shape: &Shape| Tensor::from_fn(shape, |i| (i % 7) as f32 - 3.0);
    let operands: Vec<Variable> = operands.iter().map(|shape| Variable::new("operand", value(shape))).collect();
    let program = Device::cpu().compile(|tape| {
        let operands: Vec<Var> = operands.iter().map(|operand| tape.variable(operand)).collect();
        let y = record(&operands);
        tape.assign(&Variable::new("result", Tensor::zeros(y.shape())), y);
        []
    });
    program.expect("the CPU takes every program")
}

fn run(c: &mut Criterion, group: &str, name: String, mut program: Compiled<0>) {
    let bytes = program.plan().steps.iter().map(|step| step.bytes()).sum();
    let flops = program.plan().flops();
    let throughput = match flops.dense {
        0 => Throughput::Bytes(bytes),
        dense => Throughput::Elements(dense), // an element is a floating-point operation
    };
    let mut times = Vec::new();
    let mut group = c.benchmark_group(group);
    group.throughput(throughput);
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|runs| {
            let start = Instant::now();
            (0..runs).for_each(|_| program.run(&[]).map(drop).expect("the CPU does not fail"));
            let time = start.elapsed();
            times.push(time.div_f64(runs as f64));
            time
        });
    });
    group.finish();
    if !times.is_empty() {
        times.sort_unstable();
        println!("{}", share(flops.unpadded, bytes, times[times.len() / 2]));
    }
}

/// What part of `time` these operations and bytes take at least, and what bounds them.
fn share(flops: u64, bytes: u64, time: Duration) -> String {
    let [arithmetic, memory, near] = [peak::arithmetic(), *MEMORY, peak::memory(bytes)];
    let [computed, moved] = [flops as f64 / arithmetic, bytes as f64 / near];
    let share = 100.0 * computed.max(moved) / time.as_secs_f64();
    let limit = match (computed > moved, near > 2.0 * memory) {
        (true, _) => format!("{:.0} GFLOP/s of multiply-adds in registers", arithmetic / 1e9),
        (false, true) => format!("{:.0} GB/s of the caches that hold its operands", near / 1e9),
        (false, false) => format!("{:.1} GB/s of memory", near / 1e9),
    };
    format!("{:24}{share:.0} % of the {limit}", "")
}

/// Bytes a second of arrays larger than any cache.
static MEMORY: LazyLock<f64> = LazyLock::new(|| peak::memory(1 << 30));

/// [m, k, n]: as large as pays, the toy's and the digits' layers, odd ones, and sides of a few numbers.
const PRODUCTS: [[usize; 3]; 11] = [
    [1024, 1024, 1024],
    [512, 512, 512],
    [256, 512, 512],
    [512, 256, 512],
    [64, 784, 512],
    [257, 509, 251],
    [61, 1021, 67],
    [256, 512, 1],
    [256, 512, 2],
    [256, 2, 512],
    [1, 256, 512],
];

fn products(c: &mut Criterion) {
    for [m, k, n] in PRODUCTS {
        let size = format!("[{m}, {k}]·[{k}, {n}]");
        run(c, "A·B", size.clone(), program(&[[m, k].into(), [k, n].into()], |x| x[0].matmul(x[1])));
        run(c, "A·Bᵀ", size.clone(), program(&[[m, k].into(), [n, k].into()], |x| x[0].matmul_transposed(x[1])));
        run(c, "Aᵀ·B", size, program(&[[k, m].into(), [k, n].into()], |x| x[0].matmul_with(x[1], true, false)));
    }
}

/// The three convolutions of the DCGAN's critic, with 64 channels and a batch of 50 and as in the default run with 16 and
/// 32: 5×5, stride 2, padding 2.
fn convolutions(c: &mut Criterion) {
    let conv = Conv::square(2, 2);
    let large = [[50, 1, 64, 28, 14], [50, 64, 128, 14, 7], [50, 128, 256, 7, 4]];
    let light = [[32, 1, 16, 28, 14], [32, 16, 32, 14, 7], [32, 32, 64, 7, 4]];
    for [batch, channels, filters, image, out] in large.into_iter().chain(light) {
        let size = format!("{channels}×{image}×{image} → {filters}×{out}×{out}");
        let x = || Shape::from([batch, channels, image, image]);
        let w = || Shape::from([filters, channels, 5, 5]);
        let g = || Shape::from([batch, filters, out, out]);
        run(c, "conv2d", size.clone(), program(&[x(), w()], |x| x[0].conv2d(x[1], conv)));
        run(c, "conv2d_input", size.clone(), program(&[g(), w()], |x| x[0].conv2d_input(x[1], conv, [image; 2])));
        run(c, "conv2d_filter", size, program(&[x(), g()], |x| x[0].conv2d_filter(x[1], conv, [5; 2])));
    }
}

/// What the toy and the digits spend their elementwise time on.
fn fused(c: &mut Criterion) {
    let activations = || Shape::from([512, 512]);
    let bias = || Shape::from([512]);
    run(c, "fused", "bias and ReLU".into(), program(&[activations(), bias()], |x| (x[0] + x[1]).relu()));
    run(c, "fused", "mask".into(), program(&[activations(), activations()], |x| x[0].step() * x[1]));
    run(c, "fused", "bias and sum of rows".into(), program(&[activations(), bias()], |x| (x[0] * x[1]).sum_axes(&[1])));
    run(c, "fused", "sum over rows".into(), program(&[activations()], |x| x[0].square().sum_axes(&[0])));
    let pairs = program(&[[1 << 17, 2].into()], |x| x[0].square().sum_axes(&[1]));
    run(c, "fused", "sum of pairs".into(), pairs);
    run(c, "fused", "erfc".into(), program(&[activations()], |x| x[0].erfc()));
    run(c, "fused", "sigmoid".into(), program(&[activations()], |x| x[0].sigmoid()));
    run(c, "fused", "tanh".into(), program(&[activations()], |x| x[0].tanh()));
    run(c, "fused", "transpose".into(), program(&[activations()], |x| x[0].transpose() + 1.0));
    run(
        c,
        "fused",
        "Adam".into(),
        program(&[activations(), activations(), activations(), activations()], |x| {
            x[0] - (x[1] * 1e-4) / ((x[2].abs() * 0.9 + x[3].square() * 0.1).sqrt() + 1e-8)
        }),
    );
}

fn peaks(_: &mut Criterion) {
    println!("at most: {:.0} GFLOP/s, and {:.1} GB/s from memory", peak::arithmetic() / 1e9, *MEMORY / 1e9);
}

criterion_group!(benches, peaks, products, convolutions, fused);
criterion_main!(benches);
