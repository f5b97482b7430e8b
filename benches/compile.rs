//! The time from a network to a program: recording an update, differentiating it and compiling it.

use autograd::{Device, Stream};
use benches::Configuration;
use clap::ValueEnum;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use wgan::config::Config;
use wgan::game::objective::{critic_terms, generator_loss};

fn updates(c: &mut Criterion) {
    for configuration in Configuration::value_variants() {
        let config = configuration.config(1).expect("one thread is possible");
        critic(c, configuration, &config);
        generator(c, configuration, &config);
    }
}

fn critic(c: &mut Criterion, configuration: &Configuration, Config { game, sample, .. }: &Config) {
    let (critic, norm) = (game.critic(sample, 0), game.networks.critic_norm);
    let rule = game.rule.optimizer(critic.parameters());
    let samples = [&[game.batch], &**sample].concat();
    c.benchmark_group("critic's update").bench_function(BenchmarkId::from_parameter(configuration), |bencher| {
        bencher.iter(|| {
            let program = Device::cpu().compile(|tape| {
                let [real, fake] = ["real", "fake"].map(|name| tape.input(name, &*samples));
                let mixes = tape.uniform(Stream::new(0, "mixes"), [2, game.batch]);
                let loss = critic_terms(&game.objective, norm, |x| critic.scores(x), real, fake, mixes).loss;
                rule.update(loss, tape.scalar(game.lr));
                [loss]
            });
            program.expect("the CPU takes every program")
        });
    });
}

fn generator(c: &mut Criterion, configuration: &Configuration, Config { game, sample, .. }: &Config) {
    let (critic, generator) = (game.critic(sample, 0), game.generator(sample, 0));
    let rule = game.rule.optimizer(generator.parameters());
    c.benchmark_group("generator's update").bench_function(BenchmarkId::from_parameter(configuration), |bencher| {
        bencher.iter(|| {
            let program = Device::cpu().compile(|tape| {
                let fake = generator.samples(tape, Stream::new(0, "noise"), game.batch, None);
                let loss = generator_loss(&game.objective, |x| critic.scores(x), fake);
                rule.update(loss, tape.scalar(game.lr));
                [loss]
            });
            program.expect("the CPU takes every program")
        });
    });
}

criterion_group!(benches, updates);
criterion_main!(benches);
