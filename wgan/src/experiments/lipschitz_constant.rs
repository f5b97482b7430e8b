//! How steep a clipped or spectrally normalised critic is: three estimates of its Lipschitz constant K, each at most the
//! next, and the bound that its weights give.

use autograd::ops::Conv;
use autograd::{Device, Shape, Stream, Tensor, Var, Variable};

use super::outcome::number;
use super::{Check, CriticTraining, Experiment, Outcome, Sampler, Size};
use crate::Result;
use crate::config::{Arch, Config, DatasetName, Lipschitz, Options};
use crate::models::Critic;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, VERMILION};

/// K of critics of several architectures, by what they do and by their weights.
pub const EXPERIMENT: Experiment = Experiment {
    name: "lipschitz-constant",
    summary: "the Lipschitz constant of clipped and of normalised critics, measured and bounded",
    run,
};

const CLIP: f64 = 0.03;
/// Real samples are generated ones, shifted by this in every number, so the distance is the length of the shift.
const SHIFT: f64 = 0.5;

/// A critic's networks and the shape of its samples.
struct Kind {
    name: &'static str,
    arch: Arch,
    dim: usize,
    sample: &'static [usize],
}

const KINDS: [Kind; 4] = [
    Kind { name: "2-D, 3×32", arch: Arch::Mlp, dim: 32, sample: &[2] },
    Kind { name: "2-D, 3×128", arch: Arch::Mlp, dim: 128, sample: &[2] },
    Kind { name: "28×28, MLP", arch: Arch::MlpSmall, dim: 512, sample: &[1, 28, 28] },
    Kind { name: "28×28, DCGAN", arch: Arch::Dcgan, dim: 8, sample: &[1, 28, 28] },
];

/// Estimates of one critic's K.
struct Estimates {
    /// Gap divided by the distance.
    gap: f64,
    /// The largest slope seen.
    slope: f64,
    /// The product of the layers' norms.
    norms: f64,
    /// The same, with the norm of the reshaped kernel in place of a convolution's.
    kernels: f64,
    /// What clipping allows.
    bound: f64,
}

fn run(size: Size) -> Result<Outcome> {
    let updates = size.pick(200, 500);
    let measure = |lipschitz| KINDS.iter().map(|kind| estimates(kind, lipschitz, updates)).collect::<Result<Vec<_>>>();
    let (clipped, normalised) = (measure(Lipschitz::Clip)?, measure(Lipschitz::Spectral)?);
    let mut table = Vec::new();
    for (kind, k) in KINDS.iter().zip(&clipped) {
        // Power iteration approaches a norm from below.
        table.push(Check::at_least(format!("{}, clipped: gap ÷ W", kind.name), k.gap, 0.0));
        table.push(Check::at_least(format!("{}, clipped: largest slope", kind.name), k.slope, 0.999 * k.gap));
        table.push(Check::at_least(format!("{}, clipped: product of norms", kind.name), k.norms, 0.999 * k.slope));
        table.push(Check::at_least(format!("{}, clipped: bound", kind.name), k.bound, 0.999 * k.norms));
    }
    for (kind, k) in KINDS.iter().zip(&normalised) {
        table.push(Check::near(format!("{}, spectral: product of kernels", kind.name), k.kernels, 1.0, 0.15));
        match kind.arch {
            Arch::Dcgan => {
                table.push(Check::at_most(format!("{}, spectral: product of norms", kind.name), k.norms, 27.0))
            }
            _ => table.push(Check::near(format!("{}, spectral: product of norms", kind.name), k.norms, 1.0, 0.15)),
        }
        table.push(Check::at_most(format!("{}, spectral: largest slope", kind.name), k.slope, 1.001 * k.norms));
    }
    let range = |values: &[f64]| {
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        format!("{} to {}", number(low), number(high))
    };
    let slopes = |of: &[Estimates]| of.iter().map(|k| k.slope).collect::<Vec<_>>();
    let (dense, convolutional) = normalised.split_at(KINDS.len() - 1);
    let sentence = format!(
        "A clipped critic's slope is no more than its bound, which says little: it is {} times the largest slope seen, and \
         that is {}, depending on the architecture. Normalised dense critics have slopes of {}, the convolutional one of {}, \
         since a kernel as a matrix is not the operator.",
        range(&clipped.iter().map(|k| k.bound / k.slope).collect::<Vec<_>>()),
        range(&slopes(&clipped)),
        range(&slopes(dense)),
        number(convolutional[0].slope)
    );
    Ok(Outcome { table, figure: figure(&clipped, &normalised), sentence })
}

fn config(kind: &Kind, lipschitz: Lipschitz) -> Result<Config> {
    // Points only to the architecture: the experiment brings its own samples.
    let dataset = if kind.sample.len() == 1 { DatasetName::EightGaussians } else { DatasetName::Mnist };
    let options = Options {
        dataset: Some(dataset),
        arch: Some(kind.arch),
        lipschitz: Some(lipschitz),
        clip: (lipschitz == Lipschitz::Clip).then_some(CLIP),
        batch: Some(64),
        lr: Some(3e-4),
        ..Options::default()
    };
    Ok(Config { dim: kind.dim, ..Config::resolve(&options, &Options::default())? })
}

fn estimates(kind: &Kind, lipschitz: Lipschitz, updates: u64) -> Result<Estimates> {
    let sample = Shape::from(kind.sample);
    let shape = |batch: usize| Shape::from([&[batch], kind.sample].concat());
    let config = config(kind, lipschitz)?;
    let mut training = CriticTraining::of_samples(&config, &sample, shifted(kind, SHIFT), shifted(kind, 0.0))?;
    training.run(updates)?;

    let batch = |name| Device::cpu().compile(|tape| [tape.normal(Stream::new(7, name), shape(500))]);
    let fake = batch("points")?.run(&[])?[0].clone();
    let real = Tensor::from_fn(fake.shape(), |i| fake.data()[i] + SHIFT as f32);
    let distance = SHIFT * (sample.count() as f64).sqrt();
    let slopes = [&real, &fake].map(|points| training.slopes(points));
    let slope = slopes.into_iter().collect::<Result<Vec<_>>>()?.concat().into_iter().fold(0.0, f64::max);
    let weights = weights(training.critic())?;
    let extents = [28, 14, 7];
    let (mut norms, mut kernels, mut bound) = (1.0, 1.0, 1.0);
    for (i, weight) in weights.iter().enumerate() {
        let rows = weight.shape()[0];
        let matrix = weight.clone().reshape([rows, weight.shape().count() / rows])?;
        let as_matrix = norm(|x| x.matmul_transposed(x.tape().constant(&matrix)), [1, matrix.shape()[1]])?;
        kernels *= as_matrix;
        match weight.shape()[..] {
            [outputs, inputs, k, _] => {
                norms *= norm(
                    |x| x.conv2d(x.tape().constant(weight), Conv::square(2, 2)),
                    [1, inputs, extents[i], extents[i]],
                )?;
                bound *= CLIP * ((k * k * inputs * k.div_ceil(2).pow(2) * outputs) as f64).sqrt();
            }
            _ => {
                norms *= as_matrix;
                bound *= CLIP * (weight.shape().count() as f64).sqrt();
            }
        }
    }
    Ok(Estimates { gap: training.gap(&real, &fake)? / distance, slope, norms, kernels, bound })
}

/// Normal numbers, shifted.
fn shifted(kind: &Kind, by: f64) -> impl Sampler {
    let sample = kind.sample;
    move |tape, noise, batch| tape.normal(noise, [&[batch], sample].concat()) + by
}

/// The weights as the layers use them: divided by ‖uᵀW‖ where u is kept.
fn weights(critic: &Critic) -> Result<Vec<Tensor>> {
    let state = critic.state();
    let weights = state.iter().filter(|variable| variable.name().ends_with(".weight"));
    let used = |variable: &Variable| {
        let weight = variable.read()?;
        let Some(left) = state.iter().find(|left| left.name() == format!("{}_u", variable.name())) else {
            return Ok(weight);
        };
        let mut row = vec![0.0; weight.data().len() / left.shape().count()];
        for (u, weights) in left.read()?.data().iter().zip(weight.data().chunks(row.len())) {
            row.iter_mut().zip(weights).for_each(|(sum, w)| *sum += u * w);
        }
        let sigma = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        Ok(Tensor::from_fn(weight.shape(), |i| weight.data()[i] / sigma))
    };
    weights.map(used).collect()
}

/// The norm of a linear map, by power iteration on its square: its derivative is its transpose.
fn norm(map: impl for<'t> Fn(Var<'t>) -> Var<'t>, shape: impl Into<Shape>) -> Result<f64> {
    let shape = shape.into();
    let vector = Variable::new("v", Tensor::full(&shape, 1.0 / (shape.count() as f64).sqrt()));
    let mut power = Device::cpu().compile(|tape| {
        let v = tape.variable(&vector);
        let square = tape.grad(map(v).square().sum() * 0.5, &[v])[0];
        let length = square.square().sum().sqrt();
        tape.assign(&vector, square / length);
        [length.sqrt()]
    })?;
    let mut norm = 0.0;
    for _ in 0..200 {
        norm = f64::from(power.run(&[])?[0].item());
    }
    Ok(norm)
}

fn figure(clipped: &[Estimates], normalised: &[Estimates]) -> Figure {
    let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
    let dots = |of: &[Estimates], value: fn(&Estimates) -> f64| -> Vec<(f64, f64)> {
        of.iter().enumerate().map(|(i, estimates)| (i as f64, value(estimates))).collect()
    };
    let panel = |title: &str, of: &[Estimates]| {
        Panel::new(title, "", "Lipschitz constant")
            .x_names(&names)
            .x_range(-0.5, 3.5)
            .y_log()
            .level("", INK, 1.0)
            .dots("gap ÷ W", BLUE, dots(of, |k| k.gap))
            .dots("largest slope", GREEN, dots(of, |k| k.slope))
            .dots("product of norms", ORANGE, dots(of, |k| k.norms))
    };
    let clip = panel("Weights clipped to ±0.03", clipped).dots("bound", VERMILION, dots(clipped, |k| k.bound));
    let spectral =
        panel("Spectral normalisation", normalised).dots("product of kernels", PURPLE, dots(normalised, |k| k.kernels));
    Figure::new(1, vec![clip, spectral]).panel_height(320)
}
