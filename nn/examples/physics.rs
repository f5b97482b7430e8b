//! A network that solves a differential equation: Burgers' `u_t + u·u_x = ν·u_xx` for x and t in [0, 1], where a wave steepens
//! on its way to the right. It sees no solution; what the equation leaves at random points is its loss ("physics-informed
//! neural networks"; Raissi, Perdikaris and Karniadakis 2019). The loss holds a second derivative, its gradient a third.
//!
//! ```text
//! cargo run --release -p wgan-nn --example physics
//! ```

use std::f64::consts::PI;

use autograd::{Device, Error, Stream, Tape, Tensor, Var};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, optim::Adam, schedule};

const VISCOSITY: f64 = 0.05;

/// The exact solution of Cole (1951) and Hopf (1950): `u = −2ν·∂(ln φ)/∂x`, where φ solves the heat equation `φ_t = ν·φ_xx`.
pub fn exact<'t>(x: Var<'t>, t: Var<'t>) -> Var<'t> {
    let phi = (t * (-VISCOSITY * PI * PI)).exp() * (x * PI).cos() + 1.1;
    let [slope] = x.tape().grad(phi.ln().sum(), &[x]);
    slope * (-2.0 * VISCOSITY)
}

/// What the network takes for u at the points x and t, `[N, 1]` each. Whatever its weights are, it is right at t = 0, x = 0 and
/// x = 1, so nothing but the equation is left to be learned.
pub fn solution<'t>(network: &Sequential, x: Var<'t>, t: Var<'t>) -> Var<'t> {
    let points = x.tape().concat(&[x, t], 1); // [N, 2]
    exact(x, t * 0.0) + t * x * (1.0 - x) * network.forward(points, Mode::Train)
}

/// What the equation leaves, squared: the mean over the points.
pub fn loss<'t>(network: &Sequential, x: Var<'t>, t: Var<'t>) -> Var<'t> {
    let u = solution(network, x, t);
    let [u_x, u_t] = x.tape().grad(u.sum(), &[x, t]);
    let [u_xx] = x.tape().grad(u_x.sum(), &[x]);
    (u_t + u * u_x - u_xx * VISCOSITY).square().mean()
}

/// The network, before training.
pub fn network() -> Sequential {
    Sequential::mlp(
        &[2, 32, 32, 32, 1],
        Activation::Tanh,
        Init::XavierNormal { gain: 1.0 },
        &mut Rng::new(1, "weights"),
    )
}

/// `count` random points x and t.
pub fn points(tape: &Tape, count: usize) -> [Var<'_>; 2] {
    ["x", "t"].map(|name| tape.uniform(Stream::new(1, name), [count, 1]))
}

/// Trains, and returns the error beside the exact solution: the root of the mean square, relative to that of the solution.
pub fn train(steps: u64, batch: usize) -> Result<f64, Error> {
    let network = network();
    let adam = Adam::new(network.parameters());
    let mut step = Device::cpu().compile(|tape| {
        let [x, t] = points(tape, batch);
        let loss = loss(&network, x, t);
        adam.update(loss, tape.input("learning rate", []));
        [loss]
    })?;
    for n in 0..steps {
        let rate = Tensor::scalar(3e-3 * schedule::cosine(n, steps));
        let [loss] = step.at(n).run(&[("learning rate", &rate)])?;
        if n % 2000 == 0 {
            println!("step {n}: loss {:.1e}", loss.item());
        }
    }
    let tape = Tape::new();
    let [x, t] = points(&tape, 1000);
    let exact = exact(x, t);
    let error = (solution(&network, x, t) - exact).square().mean() / exact.square().mean();
    Ok(error.sqrt().value().item())
}

fn main() -> Result<(), Error> {
    println!("relative error beside the exact solution: {:.1e}", train(20_000, 256)?);
    Ok(())
}
