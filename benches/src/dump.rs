//! What an update of the critic and one of the generator compute before the optimiser: weights, inputs, losses and
//! gradients, written for another library to repeat.

use std::path::Path;

use autograd::{Device, Stream, Tape, Tensor, Var, Variable};
use nn::Checkpoint;
use wgan::Result;
use wgan::config::Config;
use wgan::data::{Batches, Dataset};
use wgan::game::objective::{critic_terms, generator_loss};

/// Writes a safetensors file of: `critic.*` and `generator.*`, the weights by their names; `real`, `noise`, `fake` and
/// `mixes`, what both losses are computed of; `critic loss` and `generator loss`; `gradient of critic.*` and
/// `gradient of generator.*`.
///
/// # Errors
/// If the file cannot be written.
pub fn dump(config: &Config, path: &Path) -> Result<()> {
    let (data, game) = (config.load_data()?, &config.game);
    let (critic, generator) = (game.critic(data.shape(), 0), game.generator(data.shape(), 0));
    let real = Variable::new("real", batch(&data, game.batch, game.seed)?);

    let tape = Tape::new();
    let stream = |name| Stream::new(game.seed, name);
    let noise = generator.noise(&tape, stream("noise"), game.batch);
    let fake = generator.samples_of(noise, None);
    let mixes = tape.uniform(stream("mixes"), [2, game.batch]);
    let (objective, norm, real_samples) = (&game.objective, game.networks.critic_norm, tape.variable(&real));
    let critic_loss = critic_terms(objective, norm, |x| critic.scores(x), real_samples, fake, mixes).loss;
    let generator_loss = generator_loss(objective, |x| critic.scores(x), fake);
    let mut wanted: Vec<(String, Var)> = vec![
        ("noise".into(), noise),
        ("fake".into(), fake),
        ("mixes".into(), mixes),
        ("critic loss".into(), critic_loss),
        ("generator loss".into(), generator_loss),
    ];
    wanted.extend(gradients(&tape, "critic", critic_loss, &critic.parameters()));
    wanted.extend(gradients(&tape, "generator", generator_loss, &generator.parameters()));

    let values = variables(&config.backend.device(config.threads)?, &tape, wanted)?;
    let file = Checkpoint::new().with("critic.", critic.parameters()).with("generator.", generator.parameters());
    Ok(file.with("", [real]).with("", values).save(path, None)?)
}

/// What is wanted of a tape, computed: Variables of these names.
pub(crate) fn variables(device: &Device, tape: &Tape, wanted: Vec<(String, Var)>) -> Result<Vec<Variable>> {
    let (names, outputs): (Vec<String>, Vec<Var>) = wanted.into_iter().unzip();
    let mut program = device.program(tape, &outputs)?;
    let values = program.run(&[])?.to_vec();
    Ok(names.into_iter().zip(values).map(|(name, value)| Variable::new(name, value)).collect())
}

/// The first batch of a training.
fn batch(data: &Dataset, size: usize, seed: u64) -> Result<Tensor> {
    let rows = Batches::new(data.len(), size, seed).rows(0);
    let sample = |row: usize| data.samples(row..row + 1).into_data();
    let samples = rows.data().iter().flat_map(|&row| sample(row as usize)).collect();
    Ok(Tensor::new([&[size], &**data.shape()].concat(), samples)?)
}

/// The loss's gradient for each parameter of a network, by name.
pub(crate) fn gradients<'t>(
    tape: &'t Tape,
    network: &str,
    loss: Var<'t>,
    parameters: &[Variable],
) -> Vec<(String, Var<'t>)> {
    let weights: Vec<Var> = parameters.iter().map(|parameter| tape.variable(parameter)).collect();
    let names = parameters.iter().map(|parameter| format!("gradient of {network}.{}", parameter.name()));
    names.zip(tape.grad(loss, &weights)).collect()
}
