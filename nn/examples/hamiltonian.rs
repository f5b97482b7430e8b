//! A pendulum learned from noisy observations of how it moves, by two networks: one learns its energy H and follows Hamilton's
//! equations `q′ = ∂H/∂p, p′ = −∂H/∂q` (Greydanus, Dzamba and Yosinski 2019), the other learns q′ and p′ themselves. Both fit
//! what they have seen; over a hundred swings only the first one keeps the energy.
//!
//! ```text
//! cargo run --release -p wgan-nn --example hamiltonian
//! ```

use autograd::{Device, Error, Stream, Tensor, Var, Variable};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, losses, optim::Adam, schedule};

/// The angle at which the pendulum is let go.
pub const START: f64 = 1.5;
/// Steps of a swing there and back, which takes 7.3 units of time: 2π / AGM(1, cos START/2).
pub const SWING: usize = 73;

/// How states (q, p), `[N, 2]`, move by what a network has learned: (q′, p′), `[N, 2]`.
pub type Motion = for<'t> fn(&Sequential, Var<'t>) -> Var<'t>;

/// The network learns the energy, `[N, 2]` → `[N, 1]`.
pub const BY_ENERGY: Motion = |network, state| motion(network.forward(state, Mode::Train), state);
/// The network learns the motion, `[N, 2]` → `[N, 2]`.
pub const BY_MOTION: Motion = |network, state| network.forward(state, Mode::Train);

/// Hamilton's equations: how states move under an energy that was computed of them.
fn motion<'t>(energy: Var<'t>, state: Var<'t>) -> Var<'t> {
    let [slope] = state.tape().grad(energy.sum(), &[state]);
    state.tape().concat(&[slope.slice(1, 1..2), -slope.slice(1, 0..1)], 1)
}

/// The pendulum's energy: `p²/2 − cos q`.
fn energy(state: Var<'_>) -> Var<'_> {
    state.slice(1, 1..2).square() / 2.0 - state.slice(1, 0..1).cos()
}

/// A network that has learned from `count` observations with noise of deviation 0.1.
pub fn learned(motion_of: Motion, outputs: usize, count: usize, steps: u64) -> Result<Sequential, Error> {
    let network = Sequential::mlp(&[2, 64, 64, outputs], Activation::Tanh, Init::FanIn, &mut Rng::new(1, "weights"));
    let adam = Adam::new(network.parameters());
    let mut step = Device::cpu().compile(|tape| {
        let state = tape.uniform(Stream::new(1, "state"), [count, 2]) * 4.0 - 2.0;
        let noise = tape.normal(Stream::new(1, "noise"), [count, 2]) * 0.1;
        let observed = motion(energy(state), state) + noise;
        let loss = losses::mse(motion_of(&network, state), observed);
        adam.update_reached(loss, tape.input("learning rate", [])); // no motion depends on the energy's last bias
        [loss]
    })?;
    for n in 0..steps {
        let rate = Tensor::scalar(3e-3 * schedule::cosine(n, steps));
        step.at(0).run(&[("learning rate", &rate)])?; // the same random numbers, so the same observations, at every step
    }
    Ok(network)
}

/// How the pendulum swings: states a tenth of a unit of time apart, by the method of Runge and Kutta.
pub fn orbit(motion_of: Motion, network: &Sequential, steps: usize) -> Result<Vec<[f64; 2]>, Error> {
    const TIME: f64 = 0.1;
    let state = Variable::new("state", Tensor::new([1, 2], vec![START as f32, 0.0])?);
    let mut step = Device::cpu().compile(|tape| {
        let at = tape.variable(&state);
        let k1 = motion_of(network, at);
        let k2 = motion_of(network, at + k1 * (TIME / 2.0));
        let k3 = motion_of(network, at + k2 * (TIME / 2.0));
        let k4 = motion_of(network, at + k3 * TIME);
        [tape.assign(&state, at + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (TIME / 6.0))]
    })?;
    let mut orbit = Vec::new();
    for _ in 0..steps {
        let [at] = step.run(&[])?;
        orbit.push([0, 1].map(|i| f64::from(at.data()[i])));
    }
    Ok(orbit)
}

/// The true energy of a state.
pub fn energy_of([q, p]: [f64; 2]) -> f64 {
    p * p / 2.0 - q.cos()
}

/// By how much the energy differs at most from that at the start.
pub fn drift(orbit: &[[f64; 2]]) -> f64 {
    orbit.iter().map(|&state| (energy_of(state) - energy_of([START, 0.0])).abs()).fold(0.0, f64::max)
}

fn main() -> Result<(), Error> {
    for (name, motion_of, outputs) in [("by its energy", BY_ENERGY, 1), ("by its motion", BY_MOTION, 2)] {
        let network = learned(motion_of, outputs, 500, 5000)?;
        let orbit = orbit(motion_of, &network, 100 * SWING)?;
        println!(
            "learned {name}: after 1 and 100 swings the energy is off by {:.3} and {:.3}",
            drift(&orbit[..SWING]),
            drift(&orbit)
        );
    }
    Ok(())
}
