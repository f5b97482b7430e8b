//! The time from a network to a program: recording an update, differentiating it and compiling it.

use autograd::{Device, Stream};
use benches::Configuration;
use clap::ValueEnum;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use wgan::config::Config;
use wgan::models::{Critic, Generator};
use wgan::objective::{critic_terms, generator_loss};
use wgan::programs::optimizer;

fn updates(c: &mut Criterion) {
    for configuration in Configuration::value_variants() {
        let config = configuration.config(1).expect("one thread is possible");
        critic(c, configuration, &config);
        generator(c, configuration, &config);
    }
}

fn critic(c: &mut Criterion, configuration: &Configuration, config: &Config) {
    let sample = config.sample_shape();
    let critic = Critic::new(config, &sample);
    let rule = optimizer(config, critic.parameters());
    let samples = [&[config.batch], &*sample].concat();
    c.benchmark_group("critic's update").bench_function(BenchmarkId::from_parameter(configuration), |bencher| {
        bencher.iter(|| {
            let program = Device::cpu().compile(|tape| {
                let [real, fake] = ["real", "fake"].map(|name| tape.input(name, &*samples));
                let mixes = tape.uniform(Stream::new(0, "mixes"), [2, config.batch]);
                let loss = critic_terms(config, |x| critic.scores(x), real, fake, mixes).loss;
                rule.update(loss, tape.scalar(config.lr));
                [loss]
            });
            program.expect("the CPU takes every program")
        });
    });
}

fn generator(c: &mut Criterion, configuration: &Configuration, config: &Config) {
    let sample = config.sample_shape();
    let (critic, generator) = (Critic::new(config, &sample), Generator::new(config, &sample));
    let rule = optimizer(config, generator.parameters());
    c.benchmark_group("generator's update").bench_function(BenchmarkId::from_parameter(configuration), |bencher| {
        bencher.iter(|| {
            let program = Device::cpu().compile(|tape| {
                let fake = generator.samples(tape, Stream::new(0, "noise"), config.batch);
                let loss = generator_loss(config, |x| critic.scores(x), fake);
                rule.update(loss, tape.scalar(config.lr));
                [loss]
            });
            program.expect("the CPU takes every program")
        });
    });
}

criterion_group!(benches, updates);
criterion_main!(benches);
