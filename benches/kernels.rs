//! Single kernels, run as programs run them: operands in Variables, the result assigned to one, all cores.

use autograd::ops::Conv;
use autograd::{Compiled, Device, Shape, Tensor, Var, Variable};
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
    let steps = &program.plan().steps;
    let flops = program.plan().flops().dense;
    let throughput = match flops {
        0 => Throughput::Bytes(steps.iter().map(|step| step.bytes()).sum()),
        flops => Throughput::Elements(flops), // an element is a floating-point operation
    };
    let mut group = c.benchmark_group(group);
    group.throughput(throughput);
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter(|| program.run(&[]).map(drop).expect("the CPU does not fail"));
    });
    group.finish();
}

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

/// The three convolutions of the DCGAN's critic: batch 50, 5×5, stride 2, padding 2.
fn convolutions(c: &mut Criterion) {
    let conv = Conv::square(2, 2);
    for [channels, filters, image, out] in [[1, 64, 28, 14], [64, 128, 14, 7], [128, 256, 7, 4]] {
        let size = format!("{channels}×{image}×{image} → {filters}×{out}×{out}");
        let x = || Shape::from([50, channels, image, image]);
        let w = || Shape::from([filters, channels, 5, 5]);
        let g = || Shape::from([50, filters, out, out]);
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

criterion_group!(benches, products, convolutions, fused);
criterion_main!(benches);
