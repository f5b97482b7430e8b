//! A network that learns to learn (MAML; Finn, Abbeel and Levine 2017): weights from which one step of gradient descent on ten
//! samples of a sine wave, of any height and phase, leads to that wave. The loss after the step is differentiated through it.
//!
//! ```text
//! cargo run --release -p wgan-nn --example meta_learning
//! ```

use std::f64::consts::PI;

use autograd::{Device, Error, Stream, Tape, Tensor, Var, Variable};
use nn::layers::Activation;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, optim::Adam};

/// Samples of a wave that are learned from, and as many that are judged by.
const SHOTS: usize = 10;
/// The length of the step on them.
const RATE: f64 = 0.01;

/// `count` waves `height · sin(x − phase)`, a task each, at 2·SHOTS points: x and y, `[count, 2·SHOTS, 1]`.
pub fn tasks(tape: &Tape, count: usize) -> [Var<'_>; 2] {
    let uniform = |name, shape: &[usize], from, to| tape.uniform(Stream::new(1, name), shape) * (to - from) + from;
    let height = uniform("height", &[count, 1, 1], 0.1, 5.0);
    let phase = uniform("phase", &[count, 1, 1], 0.0, PI);
    let x = uniform("x", &[count, 2 * SHOTS, 1], -5.0, 5.0);
    [x, height * (x - phase).sin()]
}

/// The least error that a network can have on average if it does not learn from the samples: that of the mean of all waves,
/// `E h²/2 − (E h)²·(2/π)²·E sin²x`, since the mean of sin(x − φ) over the phases is −2/π·cos x.
pub fn without_learning() -> f64 {
    let (mean, square) = (2.55, (5f64.powi(3) - 0.1f64.powi(3)) / (3.0 * 4.9)); //        E h, E h²
    square / 2.0 - (mean * 2.0 / PI).powi(2) * (0.5 + 10f64.sin() / 20.0) //              E cos²x over −5..5
}

/// The weights, and those of each task after a step on its first samples.
pub fn weights<'t>(network: &Sequential, [x, y]: [Var<'t>; 2]) -> [Vec<Var<'t>>; 2] {
    let own = |weight: &Variable| {
        let shape = weight.shape();
        let (rows, columns) = if shape.rank() == 1 { (1, shape[0]) } else { (shape[0], shape[1]) };
        x.tape().variable(weight).broadcast_to([x.shape()[0], rows, columns])
    };
    let before: Vec<Var> = network.parameters().iter().map(own).collect();
    let slopes = x.tape().grad(losses(network, &before, [x, y], 0).sum(), &before);
    let after = before.iter().zip(slopes).map(|(&weight, slope)| weight - slope * RATE).collect();
    [before, after]
}

/// The mean squared error on each task, `[count]`, on its first or its last samples.
pub fn losses<'t>(network: &Sequential, weights: &[Var<'t>], task: [Var<'t>; 2], half: usize) -> Var<'t> {
    let [x, y] = task.map(|values| values.slice(1, half * SHOTS..(half + 1) * SHOTS));
    (network.forward_with(weights, x, Mode::Train) - y).square().mean_axes(&[1, 2])
}

/// The mean error on the last samples of all tasks, before and after the step on their first.
pub fn errors<'t>(network: &Sequential, task: [Var<'t>; 2]) -> [Var<'t>; 2] {
    weights(network, task).map(|weights| losses(network, &weights, task, 1).mean())
}

/// The network, before training.
pub fn network() -> Sequential {
    Sequential::mlp(&[1, 40, 40, 1], Activation::Relu, Init::FanIn, &mut Rng::new(1, "weights"))
}

/// Trains, and returns the errors on new tasks before and after the step.
pub fn train(steps: u64, batch: usize) -> Result<[f32; 2], Error> {
    let network = network();
    let adam = Adam::new(network.parameters());
    let mut step = Device::cpu().compile(|tape| {
        let [before, after] = errors(&network, tasks(tape, batch));
        adam.update(after, tape.scalar(1e-3));
        [before, after]
    })?;
    for n in 0..steps {
        let [before, after] = step.at(n).run(&[])?;
        if n % 2000 == 0 {
            println!("step {n}: error {:.2}, after learning from a task's samples {:.2}", before.item(), after.item());
        }
    }
    let mut test = Device::cpu().compile(|tape| errors(&network, tasks(tape, 1000)))?;
    Ok(test.at(steps).run(&[])?.map(Tensor::item))
}

fn main() -> Result<(), Error> {
    let [before, after] = train(20_000, 25)?;
    println!("error on new waves: {before:.2}, after a step on {SHOTS} samples: {after:.2}");
    println!("the least without learning from them: {:.2}", without_learning());
    Ok(())
}
