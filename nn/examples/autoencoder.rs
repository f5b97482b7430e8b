//! A variational autoencoder (Kingma and Welling 2013): an encoder makes of a sample x a distribution of codes, q(z|x), a decoder
//! of a code one of samples, p(x|z), and both raise `ELBO = E ln p(x|z) − KL(q(z|x) ‖ N(0, 1))`, which is at most ln p(x). Here
//! the samples are sums of two waves of random height and noise, so the mean of ln p(x) is known.
//!
//! ```text
//! cargo run --release -p wgan-nn --example autoencoder
//! ```

use std::f64::consts::{E, PI, TAU};

use autograd::{Device, Error, Stream, Tape, Tensor, Var, Variable};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, optim::Adam, schedule};

/// Numbers of a sample, and of a code.
const SAMPLE: usize = 16;
const CODE: usize = 2;
/// Deviation of the noise.
const NOISE: f64 = 0.5;

/// `[count, SAMPLE]`.
fn samples(tape: &Tape, count: usize) -> Var<'_> {
    let wave = |i: usize| (PI * (i / SAMPLE + 1) as f64 * ((i % SAMPLE) as f64 + 0.5) / SAMPLE as f64).cos();
    let waves = tape.constant(&Tensor::<f64>::from_fn([2, SAMPLE], wave));
    let heights = tape.normal(Stream::new(1, "heights"), [count, 2]);
    heights.matmul(waves) + tape.normal(Stream::new(1, "noise"), [count, SAMPLE]) * NOISE
}

/// The mean of ln p(x): `−½·ln det(2πe·Σ)`. The waves are orthogonal and of length √(SAMPLE/2), so the covariance Σ has the
/// eigenvalue NOISE² + SAMPLE/2 along both, and NOISE² else.
pub fn log_likelihood() -> f64 {
    let variances = (0..SAMPLE).map(|i| NOISE * NOISE + if i < 2 { SAMPLE as f64 / 2.0 } else { 0.0 });
    variances.map(|variance| -0.5 * (TAU * E * variance).ln()).sum()
}

struct Autoencoder {
    encoder: Sequential,
    decoder: Sequential,
    log_noise: Variable,
}

impl Autoencoder {
    /// A lower bound of ln p(x) for each sample, `[count]`.
    fn elbo<'t>(&self, x: Var<'t>) -> Var<'t> {
        let tape = x.tape();
        let code = self.encoder.forward(x, Mode::Train); //                   mean and log variance, [count, 2·CODE]
        let (mean, log_variance) = (code.slice(1, 0..CODE), code.slice(1, CODE..2 * CODE));
        let z = mean + (log_variance * 0.5).exp() * tape.normal(Stream::new(1, "codes"), mean.shape());
        let log_noise = tape.variable(&self.log_noise);
        let error = (x - self.decoder.forward(z, Mode::Train)) / log_noise.exp();
        let log_p = -0.5 * error.square() - log_noise - 0.5 * TAU.ln(); //    ln p(x|z)
        let kl = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance);
        log_p.sum_axes(&[1]) - kl.sum_axes(&[1])
    }
}

/// Trains, and returns the mean ELBO of new samples.
pub fn train(steps: u64, batch: usize) -> Result<f32, Error> {
    let rng = &mut Rng::new(1, "weights");
    let mut mlp = |inputs, outputs| Sequential::mlp(&[inputs, 64, outputs], Activation::Silu, Init::FanIn, rng);
    let model = Autoencoder {
        encoder: mlp(SAMPLE, 2 * CODE),
        decoder: mlp(CODE, SAMPLE),
        log_noise: Variable::new("log noise", Tensor::scalar(0.0)),
    };
    let parameters = [model.encoder.parameters(), model.decoder.parameters(), vec![model.log_noise.clone()]].concat();
    let adam = Adam::new(parameters);
    let mut step = Device::cpu().compile(|tape| {
        let elbo = model.elbo(samples(tape, batch)).mean();
        adam.update(-elbo, tape.input("learning rate", []));
        [elbo]
    })?;
    for n in 0..steps {
        let rate = Tensor::scalar(3e-3 * schedule::cosine(n, steps));
        let [elbo] = step.at(n).run(&[("learning rate", &rate)])?;
        if n % 1000 == 0 {
            println!("step {n}: ELBO {:.2}", elbo.item());
        }
    }
    let mut test = Device::cpu().compile(|tape| [model.elbo(samples(tape, 10_000)).mean()])?;
    Ok(test.at(steps).run(&[])?[0].item())
}

fn main() -> Result<(), Error> {
    println!("ELBO {:.3}, of at most {:.3}", train(10_000, 256)?, log_likelihood());
    Ok(())
}
