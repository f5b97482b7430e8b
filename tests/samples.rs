//! The table of operations that tests iterate over: valid samples of every operation.

use std::ops::Range;

use autograd::ops::{Conv, Elementwise};
use autograd::{ByteTable, Stream, Tape, Tensor, Var, Variable};

/// Records a computation on the tape of its inputs.
pub type Record = Box<dyn for<'t> Fn(&[Var<'t>]) -> Var<'t> + Send + Sync>;

/// A valid use of an operation.
pub struct Sample {
    /// The operation and the case, such as `matmul transposed a`.
    pub name: String,
    /// Values within the operation's domain.
    pub inputs: Vec<Tensor<f64>>,
    /// The use.
    pub record: Record,
}

/// Numbers in a range, different for every name, always the same.
fn draw(name: &str, shape: &[usize], range: &Range<f64>) -> Tensor<f64> {
    let stream = Stream::new(0, name);
    Tensor::from_fn(shape, |i| range.start + (range.end - range.start) * f64::from(stream.uniform(0, i)))
}

fn sample(
    name: &str,
    shapes: &[&[usize]],
    record: impl for<'t> Fn(&[Var<'t>]) -> Var<'t> + Send + Sync + 'static,
) -> Sample {
    let input = |(i, shape): (usize, &&[usize])| draw(&format!("{name} {i}"), shape, &(-2.0..2.0));
    Sample { name: name.to_owned(), inputs: shapes.iter().enumerate().map(input).collect(), record: Box::new(record) }
}

fn elementwise(op: Elementwise) -> Sample {
    let domains = op.domain();
    let input = |(i, domain): (usize, &Range<f64>)| draw(&format!("{op} {i}"), &[3, 7], domain);
    Sample {
        name: op.to_string(),
        inputs: domains.iter().enumerate().map(input).collect(),
        record: Box::new(move |x| op.record(x)),
    }
}

/// At least one sample of every operation, of first and second order differentiable where the operation is.
pub fn samples() -> Vec<Sample> {
    let mut samples: Vec<Sample> = Elementwise::ALL.iter().map(|&op| elementwise(op)).collect();
    samples.extend(structural());
    samples.extend(convolutions());
    samples.extend(composed());
    samples
}

#[track_caller]
fn vector<const N: usize>(tape: &Tape, values: [f64; N]) -> Var<'_> {
    tape.constant(&Tensor::<f64>::from_fn([N], |i| values[i]))
}

fn structural() -> Vec<Sample> {
    vec![
        sample("broadcast new axis", &[&[3]], |x| x[0].broadcast_to([2, 3])),
        sample("broadcast extent 1", &[&[2, 1, 3]], |x| x[0].broadcast_to([2, 4, 3])),
        sample("broadcast scalar", &[&[]], |x| x[0].broadcast_to([2, 3])),
        sample("broadcast in arithmetic", &[&[2, 1], &[3]], |x| x[0] * x[1]),
        sample("sum all", &[&[2, 3, 4]], |x| x[0].square().sum()),
        sample("sum first axis", &[&[3, 4]], |x| x[0].square().sum_axes(&[0])),
        sample("sum last axis", &[&[3, 4]], |x| x[0].square().sum_axes(&[1])),
        sample("sum middle axis", &[&[2, 3, 4]], |x| x[0].square().sum_axes(&[1])),
        sample("sum outer axes", &[&[2, 3, 4]], |x| x[0].square().sum_axes(&[0, 2])),
        sample("mean", &[&[3, 4]], |x| x[0].square().mean_axes(&[1])),
        sample("max all", &[&[3, 4]], |x| x[0].max()),
        sample("max last axis", &[&[3, 4]], |x| x[0].square().max_axes(&[1])),
        sample("max outer axes", &[&[2, 3, 4]], |x| x[0].square().max_axes(&[0, 2])),
        sample("sum over negative axes in any order", &[&[2, 3, 4]], |x| x[0].square().sum_axes(&[-1, 0])),
        sample("min all", &[&[3, 4]], |x| x[0].square().min()),
        sample("min middle axis", &[&[2, 3, 4]], |x| x[0].square().min_axes(&[-2])),
        sample("expand_dims", &[&[3, 4]], |x| x[0] * x[0].square().sum_axes(&[1]).expand_dims(&[1])),
        sample("permute by negative axes", &[&[2, 3, 4]], |x| x[0].square().permute(&[-1, 0, 1])),
        sample("stack", &[&[2, 3], &[2, 3]], |x| x[0].tape().stack(&[x[0].square(), x[1]], 1)),
        sample("stack last", &[&[2], &[2]], |x| x[0].tape().stack(&[x[0].square(), x[1]], -1)),
        sample("reshape", &[&[2, 6]], |x| x[0].square().reshape([3, 4])),
        sample("permute", &[&[2, 3, 4]], |x| x[0].square().permute(&[2, 0, 1])),
        sample("transpose", &[&[3, 4]], |x| x[0].square().transpose()),
        sample("slice rows", &[&[5, 3]], |x| x[0].square().slice(0, 1..4)),
        sample("slice box", &[&[3, 4, 5]], |x| x[0].square().slice_box(&[1, 0, 2], [2, 3, 2])),
        sample("pad", &[&[2, 3]], |x| x[0].square().pad(&[1, 0], &[0, 2])),
        sample("concat first axis", &[&[2, 3], &[1, 3]], |x| x[0].tape().concat(&[x[0], x[1].square()], 0)),
        sample("concat last axis", &[&[2, 3], &[2, 2]], |x| x[0].tape().concat(&[x[0].square(), x[1]], -1)),
        sample("select by a comparison", &[&[3, 4], &[3, 4]], |x| x[0].gt(x[1]).select(x[0].square(), x[1].sin())),
        sample("pow of any sign", &[&[7]], |x| x[0].pow(3.0) + x[0].pow(2.0) + x[0].pow(1.0) + x[0].pow(0.0)),
        sample("leaky_relu of negative slope", &[&[7]], |x| x[0].square().sin() + x[0].leaky_relu(-0.5)),
        sample("gather_rows", &[&[4, 3]], |x| x[0].square().gather_rows(vector(x[0].tape(), [2.0, 0.0, 2.0]))),
        sample("gather_rows of matrices", &[&[3, 2, 2]], |x| {
            x[0].square().gather_rows(vector(x[0].tape(), [2.0, 2.0]))
        }),
        sample("scatter_add_rows", &[&[3, 2]], |x| {
            x[0].square().scatter_add_rows(vector(x[0].tape(), [3.0, 1.0, 3.0]), 4)
        }),
        sample("gather first axis", &[&[3, 2]], |x| {
            x[0].square().gather(0, vector(x[0].tape(), [2.0, 0.0, 1.0, 1.0]).reshape([2, 2]))
        }),
        sample("gather last axis", &[&[2, 2, 3]], |x| {
            x[0].square().gather(-1, vector(x[0].tape(), [2.0, 2.0, 0.0, 1.0]).reshape([2, 2, 1]))
        }),
        sample("one_hot", &[&[2, 3]], |x| x[0].square() * vector(x[0].tape(), [2.0, 0.0]).one_hot(3)),
        sample("argmax", &[&[4, 3]], |x| x[0].square() * x[0].argmax(0)),
        sample("argmin", &[&[3, 4]], |x| x[0].transpose().square() * x[0].argmin(-1)),
        sample("look_up", &[&[2, 3, 2]], |x| {
            let table = ByteTable::new([4, 3, 2], (0..24).map(|i| 11 * i).collect::<Vec<u8>>()).expect("24 bytes");
            x[0].square() * vector(x[0].tape(), [3.0, 1.0]).look_up(&table)
        }),
        sample("matmul", &[&[3, 4], &[4, 2]], |x| x[0].matmul(x[1])),
        sample("matmul transposed a", &[&[4, 3], &[4, 2]], |x| x[0].matmul_with(x[1], true, false)),
        sample("matmul transposed b", &[&[3, 4], &[2, 4]], |x| x[0].matmul_with(x[1], false, true)),
        sample("matmul transposed both", &[&[4, 3], &[2, 4]], |x| x[0].matmul_with(x[1], true, true)),
        sample("matmul batched", &[&[2, 3, 4], &[2, 4, 2]], |x| x[0].matmul(x[1])),
        sample("matmul batched transposed", &[&[2, 4, 3], &[2, 2, 4]], |x| x[0].matmul_with(x[1], true, true)),
        sample("matmul broadcast batch", &[&[2, 3, 4], &[4, 2]], |x| x[0].matmul(x[1])),
        sample("matmul of batches that broadcast", &[&[2, 1, 2, 3], &[2, 3, 2]], |x| x[0].matmul(x[1])),
        sample("matmul row vector", &[&[1, 5], &[5, 6]], |x| x[0].matmul(x[1])),
        sample("matmul column vector", &[&[6, 5], &[5, 1]], |x| x[0].matmul(x[1])),
        sample("assign", &[&[2, 3]], |x| {
            let variable = Variable::new("assigned", Tensor::zeros([2, 3]));
            x[0].tape().assign(&variable, x[0].square())
        }),
        sample("custom_vjp", &[&[2, 3], &[3]], |x| {
            x[0].tape().custom_vjp(
                x,
                |x| (x[0] * x[1]).sin(),
                |g, x, _| {
                    let slope = g * (x[0] * x[1]).cos();
                    vec![slope * x[1], (slope * x[0]).sum_axes(&[0])]
                },
            )
        }),
        sample("checkpoint", &[&[2, 3], &[3, 3]], |x| {
            let tape = x[0].tape();
            let inner = tape.checkpoint(|| x[0].sin().matmul(x[1]).tanh());
            tape.checkpoint(|| inner.square().matmul(x[1]).tanh())
        }),
        sample("checkpoint within a checkpoint", &[&[4]], |x| {
            let tape = x[0].tape();
            tape.checkpoint(|| tape.checkpoint(|| x[0].sin() * x[0].exp()).square() + x[0].cos())
        }),
        sample("all_mean", &[&[2, 3]], |x| (x[0].square().all_mean() * x[0].mean().all_mean()).all_mean()),
        sample("detach", &[&[2, 3]], |x| x[0].square() + x[0].tape().scalar(2.0).detach()),
        sample("uniform", &[&[2, 3]], |x| x[0].square() * x[0].tape().uniform(Stream::new(1, "uniform"), [2, 3])),
        sample("normal", &[&[2, 3]], |x| x[0].square() * x[0].tape().normal(Stream::new(1, "normal"), [2, 3])),
    ]
}

fn convolutions() -> Vec<Sample> {
    let oblong = Conv { stride: [2, 1], padding: [0, 2] };
    vec![
        sample("conv2d", &[&[2, 2, 5, 4], &[3, 2, 3, 3]], |x| x[0].conv2d(x[1], Conv::square(1, 1))),
        sample("conv2d stride 2", &[&[2, 2, 7, 7], &[3, 2, 5, 5]], |x| x[0].conv2d(x[1], Conv::square(2, 2))),
        sample("conv2d oblong", &[&[1, 2, 6, 3], &[2, 2, 3, 2]], move |x| x[0].conv2d(x[1], oblong)),
        sample("conv2d stride 3 leaves a rest", &[&[1, 1, 8, 9], &[2, 1, 3, 3]], |x| {
            x[0].conv2d(x[1], Conv::square(3, 0))
        }),
        sample("conv2d that skips pixels", &[&[1, 2, 8, 7], &[2, 2, 2, 2]], |x| x[0].conv2d(x[1], Conv::square(3, 1))),
        sample("conv2d_input", &[&[2, 3, 3, 3], &[3, 2, 5, 5]], |x| {
            x[0].conv2d_input(x[1], Conv::square(2, 2), [6, 5])
        }),
        sample("conv2d_filter", &[&[2, 2, 5, 5], &[2, 3, 3, 3]], |x| {
            x[0].conv2d_filter(x[1], Conv::square(2, 1), [3, 3])
        }),
        sample("conv2d dilated", &[&[2, 2, 6, 7], &[2, 2, 2, 3]], |x| {
            x[0].conv2d(x[1].dilate([2, 3]), Conv::square(1, 1))
        }),
        sample("conv2d halved", &[&[2, 2, 6, 5], &[3, 2, 3, 2]], |x| x[0].conv2d_halved(x[1], [1, 0])),
        sample("conv2d doubled", &[&[2, 2, 3, 4], &[3, 2, 3, 2]], |x| x[0].conv2d_doubled(x[1], [1, 0])),
        sample("conv2d in groups", &[&[2, 4, 4, 4], &[6, 2, 3, 3]], |x| {
            x[0].conv2d_groups(x[1], Conv::square(2, 1), 2)
        }),
        sample("conv2d of each channel", &[&[1, 3, 4, 4], &[3, 1, 2, 2]], |x| {
            x[0].conv2d_groups(x[1], Conv::square(1, 0), 3)
        }),
        sample("conv2d padded on one side", &[&[1, 1, 4, 4], &[2, 1, 3, 3]], |x| {
            x[0].pad(&[0, 0, 1, 0], &[0, 0, 0, 2]).conv2d(x[1], Conv::square(1, 0))
        }),
        sample("max_pool2d", &[&[2, 2, 4, 6]], |x| {
            x[0].square().max_pool2d([2, 3], Conv { stride: [2, 3], padding: [0; 2] })
        }),
        sample("max_pool2d that leaves a rest", &[&[1, 2, 5, 7]], |x| {
            x[0].square().max_pool2d([2, 2], Conv::square(2, 0))
        }),
        sample("max_pool2d of padded windows that overlap", &[&[1, 2, 6, 5]], |x| {
            (x[0].square() - 9.0).max_pool2d([3, 3], Conv::square(2, 1))
        }),
        sample("max_pool2d that skips pixels", &[&[1, 1, 7, 6]], |x| {
            x[0].square().max_pool2d([2, 1], Conv::square(3, 0))
        }),
        sample("avg_pool2d", &[&[2, 2, 4, 6]], |x| {
            x[0].square().avg_pool2d([2, 3], Conv { stride: [2, 3], padding: [0; 2] })
        }),
        sample("avg_pool2d of padded windows that overlap", &[&[1, 2, 6, 5]], |x| {
            x[0].square().avg_pool2d([3, 2], Conv { stride: [2, 1], padding: [1, 1] })
        }),
        sample("conv_transpose2d", &[&[2, 3, 2, 3], &[3, 2, 5, 5]], |x| {
            x[0].conv_transpose2d(x[1], Conv::square(2, 2), 1)
        }),
    ]
}

fn composed() -> Vec<Sample> {
    vec![
        sample("tan", &[&[7]], |x| (x[0] * 0.7).tan()),
        sample("atan", &[&[7]], |x| x[0].atan()),
        sample("atan2 all around", &[&[5, 1], &[4]], |x| {
            (x[0] * 0.1 + 1.0).atan2(x[1]) + x[0].atan2(x[1].square() + 0.5)
        }),
        sample("gelu", &[&[7]], |x| x[0].gelu()),
        sample("silu", &[&[7]], |x| x[0].silu()),
        sample("prod of even extent", &[&[2, 6]], |x| x[0].prod_axes(&[1])),
        sample("prod of odd extent", &[&[7, 2]], |x| x[0].prod_axes(&[0])),
        sample("prod all", &[&[2, 3]], |x| x[0].prod()),
        sample("prod with zeros", &[&[5]], |x| (x[0] * vector(x[0].tape(), [1.0, 0.0, 1.0, 0.0, 1.0])).prod()),
        sample("cumsum", &[&[2, 7]], |x| x[0].square().cumsum(1)),
        sample("cumsum first axis", &[&[3, 2]], |x| x[0].square().cumsum(-2)),
        sample("norm_rows", &[&[3, 2, 2]], |x| x[0].norm_rows()),
        sample("logsumexp", &[&[3, 4]], |x| x[0].logsumexp(1)),
        sample("log_softmax", &[&[3, 4]], |x| x[0].log_softmax(1)),
        sample("softmax", &[&[3, 4]], |x| x[0].softmax(0)),
        sample("normalize rows (layer norm)", &[&[3, 5]], |x| x[0].normalize(&[1], 1e-5)),
        sample("normalize channels (batch norm)", &[&[3, 2, 2, 2]], |x| x[0].normalize(&[0, 2, 3], 1e-5)),
    ]
}
