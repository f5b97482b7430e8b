//! A network that learns the score of a distribution, `∇ ln p`, from samples alone: sliced score matching (Song, Garg, Shi and
//! Ermon 2019). An energy E gives the score `s = −∇E`, and `E vᵀ(∇s)v + ½‖s‖²` over samples and random directions v is least at
//! the true score. That is a Hessian-vector product in a loss, and three derivatives deep with the weights' gradient.
//!
//! ```text
//! cargo run --release -p wgan-nn --example score_matching
//! ```

use autograd::{Device, Error, Stream, Tape, Tensor, Var};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, optim::Adam, schedule};

/// The distribution: two round Gaussians in the plane, of this deviation, at (1, 1) and (−1, −1).
const DEVIATION: f64 = 0.7;

/// Samples, `[N, 2]`.
fn samples(tape: &Tape, count: usize) -> Var<'_> {
    let centre = tape.uniform(Stream::new(1, "centre"), [count, 1]).gt(0.5) * 2.0 - 1.0;
    centre + tape.normal(Stream::new(1, "sample"), [count, 2]) * DEVIATION
}

/// The slope of their log density, `ln(e^(−‖x − 1‖² / 2σ²) + e^(−‖x + 1‖² / 2σ²))` but for a constant.
fn exact_score(x: Var<'_>) -> Var<'_> {
    let gaussian = |centre: f64| (x - centre).square().sum_axes(&[1]) / (-2.0 * DEVIATION * DEVIATION);
    let [score] = x.tape().grad(gaussian(1.0).logaddexp(gaussian(-1.0)).sum(), &[x]);
    score
}

/// Trains, and returns the error of the score: the root of its mean square, relative to that of the score.
pub fn train(steps: u64, batch: usize) -> Result<f64, Error> {
    let energy = Sequential::mlp(&[2, 64, 64, 1], Activation::Softplus, Init::FanIn, &mut Rng::new(1, "weights"));
    let adam = Adam::new(energy.parameters());
    let mut step = Device::cpu().compile(|tape| {
        let x = samples(tape, batch);
        let v = tape.normal(Stream::new(1, "directions"), [batch, 2]);
        let e = energy.forward(x, Mode::Train).sum();
        let [slope] = tape.grad(e, &[x]); //       −s
        let [curve] = tape.hvp(e, &[x], &[v]); //  −(∇s)v
        let loss = (slope.square() * 0.5 - v * curve).sum_axes(&[1]).mean();
        adam.update_reached(loss, tape.input("learning rate", [])); // no score depends on the energy's last bias
        [loss]
    })?;
    for n in 0..steps {
        let rate = Tensor::scalar(3e-3 * schedule::cosine(n, steps));
        let [loss] = step.at(n).run(&[("learning rate", &rate)])?;
        if n % 1000 == 0 {
            println!("step {n}: loss {:.3}", loss.item());
        }
    }
    let tape = Tape::new();
    let x = samples(&tape, 2000);
    let exact = exact_score(x);
    let [slope] = tape.grad(energy.forward(x, Mode::Train).sum(), &[x]);
    let error = (-slope - exact).square().mean() / exact.square().mean();
    Ok(error.sqrt().value().item())
}

fn main() -> Result<(), Error> {
    println!("relative error of the score: {:.1e}", train(5000, 512)?);
    Ok(())
}
