//! How steep a clipped or spectrally normalised critic is: three estimates of its Lipschitz constant K, each at most the
//! next, and the bound that its weights give.

use autograd::ops::Conv;

use super::prelude::*;
use crate::game::models::Critic;
use crate::game::networks::{Arch, GeneratorArch, Networks};
use crate::numbers::extent;

pub const SUMMARY: &str = "the Lipschitz constant of clipped and of normalised critics, measured and bounded";

const CLIP: f64 = 0.03;
/// Real samples are generated ones, shifted by this in every number, so the distance is the length of the shift.
const SHIFT: f64 = 0.5;

const DCGAN: Arch = Arch::Dcgan { dim: 8, generator: GeneratorArch::Dcgan };

/// Critics, and the shapes of their samples.
const CRITICS: [(&str, Arch, &[usize]); 4] = [
    ("2-D, 3×32", Arch::Mlp { dim: 32 }, &[2]),
    ("2-D, 3×128", Arch::Mlp { dim: 128 }, &[2]),
    ("28×28, MLP", Arch::MlpSmall, &[1, 28, 28]),
    ("28×28, DCGAN", DCGAN, &[1, 28, 28]),
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
    /// The largest K that clipped weights allow.
    bound: f64,
}

pub fn run(size: Size) -> Result<Findings> {
    let updates = size.pick(200, 500);
    let estimates = |lipschitz| -> Result<Vec<Estimates>> {
        CRITICS.iter().map(|&(_, arch, sample)| estimate(arch, sample, lipschitz, updates)).collect()
    };
    let (clipped, normalised) = (estimates(Lipschitz::Clip { c: CLIP })?, estimates(Lipschitz::Spectral)?);
    let mut table = Vec::new();
    for ((name, ..), k) in CRITICS.iter().zip(&clipped) {
        // Power iteration approaches a norm from below.
        table.push(check(format!("{name}, clipped: gap ÷ W"), k.gap, AtLeast(0.0)));
        table.push(check(format!("{name}, clipped: largest slope"), k.slope, AtLeast(0.999 * k.gap)));
        table.push(check(format!("{name}, clipped: product of norms"), k.norms, AtLeast(0.999 * k.slope)));
        table.push(check(format!("{name}, clipped: bound"), k.bound, AtLeast(0.999 * k.norms)));
    }
    for ((name, arch, _), k) in CRITICS.iter().zip(&normalised) {
        let known = if *arch == DCGAN { AtMost(27.0) } else { Near(1.0, 0.15) };
        table.push(check(format!("{name}, spectral: product of kernels"), k.kernels, Near(1.0, 0.15)));
        table.push(check(format!("{name}, spectral: product of norms"), k.norms, known));
        table.push(check(format!("{name}, spectral: largest slope"), k.slope, AtMost(1.001 * k.norms)));
    }
    let range = |estimates: &[Estimates], value: fn(&Estimates) -> f64| {
        let (low, high) = extent(estimates.iter().map(value));
        format!("{} to {}", number(low), number(high))
    };
    let (dense, convolutional) = normalised.split_at(CRITICS.len() - 1);
    let sentence = format!(
        "A clipped critic's slope is no more than its bound, which says little: it is {} times the largest slope seen, and \
         that is {}, depending on the architecture. Normalised dense critics have slopes of {}, the convolutional one of {}, \
         since a kernel as a matrix is not the operator.",
        range(&clipped, |k| k.bound / k.slope),
        range(&clipped, |k| k.slope),
        range(dense, |k| k.slope),
        number(convolutional[0].slope)
    );
    let panel = |title: &str, estimates: &[Estimates]| {
        let critics = axis("").names(&CRITICS.map(|(name, ..)| name)).range(-0.5, 3.5);
        Panel::new(title, critics, axis("Lipschitz constant").log())
            .level("K = 1", INK, 1.0)
            .dots("gap ÷ W", BLUE, beside(0, estimates, |k| k.gap))
            .dots("largest slope", GREEN, beside(1, estimates, |k| k.slope))
            .dots("product of norms", ORANGE, beside(2, estimates, |k| k.norms))
    };
    let clip = panel("Weights clipped to ±0.03", &clipped).dots("bound", VERMILION, beside(3, &clipped, |k| k.bound));
    let kernels = beside(3, &normalised, |k| k.kernels);
    let spectral = panel("Spectral normalisation", &normalised).dots("product of kernels", PURPLE, kernels);
    Ok(Findings { table, figure: Figure::new(1, vec![clip, spectral]).panel_height(320), sentence })
}

/// A number of each critic, the first kind to the left of its name, the fourth to the right, so that none hides another.
fn beside(kind: u32, estimates: &[Estimates], value: fn(&Estimates) -> f64) -> Polyline {
    let shift = 0.08 * (f64::from(kind) - 1.5);
    numbered(estimates.iter().map(value)).map(|(place, k)| (place + shift, k)).collect()
}

fn estimate(arch: Arch, sample: &[usize], lipschitz: Lipschitz, updates: u64) -> Result<Estimates> {
    let toy = toy(lipschitz);
    let game = Game { networks: Networks { arch, ..toy.networks }, batch: 64, lr: 3e-4, ..toy };
    let training = CriticTraining::trained(&game, shifted(sample, SHIFT), shifted(sample, 0.0), updates)?;

    let fake = computed(|tape| shifted(sample, 0.0)(tape, Stream::new(7, "points"), 500))?;
    let real = Tensor::from_fn(fake.shape(), |i| fake.data()[i] + SHIFT as f32);
    let distance = SHIFT * (sample.iter().product::<usize>() as f64).sqrt();
    let gap = training.gap(&real, &fake)? / distance;
    let slope = [training.slopes(&real)?, training.slopes(&fake)?].concat().into_iter().fold(0.0, f64::max);
    let mut estimates = Estimates { gap, slope, norms: 1.0, kernels: 1.0, bound: 1.0 };
    let mut side = 28; // of the images that a convolution takes
    for weight in weights(&training.critic)? {
        let rows = weight.shape()[0];
        let matrix = weight.clone().reshape([rows, weight.shape().count() / rows])?;
        let as_matrix = norm(|x| x.matmul_transposed(x.tape().constant(&matrix)), [1, matrix.shape()[1]])?;
        let (as_operator, entries) = match weight.shape()[..] {
            [outputs, inputs, k, _] => {
                let image = [1, inputs, side, side];
                side /= 2;
                let as_operator = norm(|x| x.conv2d(x.tape().constant(&weight), Conv::square(2, 2)), image)?;
                (as_operator, k * k * inputs * k.div_ceil(2).pow(2) * outputs)
            }
            _ => (as_matrix, weight.shape().count()),
        };
        estimates.kernels *= as_matrix;
        estimates.norms *= as_operator;
        estimates.bound *= CLIP * (entries as f64).sqrt();
    }
    Ok(estimates)
}

/// Samples of normal numbers, all of them shifted by `by`.
fn shifted(sample: &[usize], by: f64) -> impl Distribution {
    move |tape, noise, batch| tape.normal(noise, [&[batch], sample].concat()) + by
}

/// The weights as the layers use them: divided by uᵀWv where u and v are kept.
fn weights(critic: &Critic) -> Result<Vec<Tensor>> {
    let state = critic.state();
    let named = |name: String| state.iter().find(|variable| variable.name() == name);
    let used = |variable: &Variable| {
        let (name, weight) = (variable.name(), variable.read()?);
        let vector = |vector: &str| named(format!("{}0.{vector}", name.strip_suffix("original")?));
        let (Some(u), Some(v)) = (vector("_u"), vector("_v")) else { return Ok(weight) };
        let (tape, [out, inputs]) = (Tape::new(), [u, v].map(|vector| vector.shape().count()));
        let (u, v, w) = (tape.constant(&u.read()?), tape.constant(&v.read()?), tape.constant(&weight));
        let sigma = u.reshape([1, out]).matmul(w.reshape([out, inputs])).matmul(v.reshape([inputs, 1])).sum();
        Ok((w / sigma).value().cast())
    };
    let is_weight = |variable: &&Variable| [".weight", ".original"].iter().any(|end| variable.name().ends_with(end));
    state.iter().filter(is_weight).map(used).collect()
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
