//! Logistic regression by Newton's method. The step `H⁻¹g` is found by conjugate gradients, from products of the Hessian H with
//! vectors: no matrix is built. The same inverse tells by how much a loss on other samples would change if one were left out
//! ("influence functions"; Koh and Liang 2017), which is compared with training without it.
//!
//! ```text
//! cargo run --release -p wgan-nn --example newton
//! ```

use autograd::{Device, Error, Tensor, Var, Variable};
use nn::Rng;

const FEATURES: usize = 10;

/// Solves `A·x = b`, given products with the symmetric positive matrix A (Hestenes and Stiefel 1952).
fn conjugate_gradients<'t>(product: impl Fn(Var<'t>) -> Var<'t>, b: Var<'t>) -> Var<'t> {
    let squared = |v: Var<'t>| v.square().sum() + 1e-30; // no 0/0 where the solution is reached early
    let (mut x, mut rest, mut direction) = (b * 0.0, b, b);
    for _ in 0..FEATURES {
        let change = product(direction);
        let length = squared(rest) / (direction * change).sum();
        x = x + direction * length;
        let before = rest;
        rest = rest - change * length;
        direction = rest + direction * (squared(rest) / squared(before));
    }
    x
}

/// Samples `[count, FEATURES]` times their labels, which are ±1: all that the loss is computed of.
fn samples(name: &str, count: usize) -> Tensor {
    let rng = &mut Rng::new(1, name);
    let mut samples = Vec::new();
    for _ in 0..count {
        let sample: Vec<f64> = (0..FEATURES).map(|_| rng.normal()).collect();
        let score: f64 = sample.iter().zip(1..).map(|(x, place)| x / f64::from(place)).sum();
        let label = if rng.range(0.0..1.0) < 1.0 / (1.0 + (-score).exp()) { 1.0 } else { -1.0 };
        samples.extend(sample.iter().map(|x| (label * x) as f32));
    }
    Tensor::new([count, FEATURES], samples).expect("all features of all samples")
}

/// The loss of each sample under the weights `[FEATURES, 1]`, `ln(1 + e^(−label·score))`: `[count, 1]`.
fn losses<'t>(samples: &Tensor, weights: Var<'t>) -> Var<'t> {
    (-weights.tape().constant(samples).matmul(weights)).softplus()
}

/// By how much each of `count` samples, left out, changes the loss on others: as told by its influence, and as found by training.
pub fn influences(count: usize) -> Result<[Vec<f32>; 2], Error> {
    let (samples, others) = (samples("samples", count), samples("others", count));
    let weights = Variable::new("weights", Tensor::zeros([FEATURES, 1]));
    let mut newton = Device::cpu().compile(|tape| {
        let w = tape.variable(&weights);
        let (losses, test) = (losses(&samples, w), losses(&others, w).mean());
        let loss = (losses * tape.input("kept", [count, 1])).sum() / count as f64 + w.square().sum() * 0.005;
        let inverse = |b| conjugate_gradients(|v| tape.hvp(loss, &[w], &[v])[0], b);
        let [slope] = tape.grad(loss, &[w]);
        tape.assign(&weights, w - inverse(slope));
        let [test_slope] = tape.grad(test, &[w]);
        let influence = tape.jvp(losses, &[w], &[inverse(test_slope)]) / count as f64; // ∇ℓᵢᵀ·H⁻¹·∇test / count
        [test, slope.square().sum().sqrt(), influence]
    })?;
    let mut kept = Tensor::full([count, 1], 1.0);
    for n in 0..6 {
        println!("step {n}: slope {:.0e}", newton.run(&[("kept", &kept)])?[1].item());
    }
    let [test, _, influence] = newton.run(&[("kept", &kept)])?;
    let (test, told) = (test.item(), influence.data().to_vec());
    let mut found = Vec::new();
    for i in 0..count {
        kept.data_mut()[i] = 0.0;
        for _ in 0..3 {
            newton.run(&[("kept", &kept)])?;
        }
        found.push(newton.run(&[("kept", &kept)])?[0].item() - test);
        kept.data_mut()[i] = 1.0;
    }
    Ok([told, found])
}

/// The distance of two vectors, relative to the length of the second.
pub fn difference([told, found]: &[Vec<f32>; 2]) -> f32 {
    let squares: f32 = told.iter().zip(found).map(|(a, b)| (a - b).powi(2)).sum();
    (squares / found.iter().map(|x| x * x).sum::<f32>()).sqrt()
}

fn main() -> Result<(), Error> {
    let influences = influences(300)?;
    let [told, found] = &influences;
    for i in 0..5 {
        println!("without sample {i} the loss changes by {:+.2e}; its influence says {:+.2e}", found[i], told[i]);
    }
    println!("relative difference over all samples: {:.3}", difference(&influences));
    Ok(())
}
