//! Three ways from U(0, 1) to N(0, 1): adding up uniforms, the inverse Φ⁻¹ of the cumulative distribution, and a network
//! that a critic teaches.

use nn::layers::Activation;
use nn::{Init, Mode, Module, Rng, Sequential};
use rand::RngExt;

use super::prelude::*;
use crate::game::follow;

pub const SUMMARY: &str = "normal numbers from uniform ones: sums of them, the exact inverse, and a trained network";

const SEED: u64 = 0;

pub fn run(size: Size) -> Result<Findings> {
    let count = size.pick(200_000, 1_000_000);
    // What chance alone makes of a sample: √count·W₁ tends to ∫|B(Φ)| over a Brownian bridge B, whose mean is
    // √(2/π)·∫√(Φ(1 − Φ)) = 1.29 (del Barrio, Giné & Matrán 1999, Annals of Probability 27); twice as much at most.
    let chance = 2.5 / (count as f64).sqrt();
    let exact: Vec<f64> = (0..count).map(|i| gaussian::quantile((i as f64 + 0.5) / count as f64)).collect();
    let distance = |sample: &[f64]| wasserstein_1d(sample, &exact);

    let inverse: Vec<f64> = uniforms(count, 1).map(|u| gaussian::quantile(u[0])).collect();
    let sums = [1, 2, 4, 12].map(|n| standardised_sums(count, n));
    let learned = learned(size.pick(2000, 4000), count)?;
    let [of_one, .., of_twelve] = &sums;

    let sum = |n: f64, sample: &[f64], known, tolerance: f64| {
        check(format!("sum of {n}: distance"), distance(sample), Near(known, chance + tolerance))
    };
    let mut table = vec![check("Φ⁻¹(u): distance from N(0, 1)", distance(&inverse), Near(0.0, chance))];
    table.push(sum(1.0, of_one, 0.1543, 0.0)); // ∫|√3(2p − 1) − Φ⁻¹(p)|dp
    for (n, sample) in [2.0, 4.0, 12.0].into_iter().zip(&sums[1..]) {
        // Edgeworth's first term for the excess kurtosis −6/5n: ∫|F − Φ| ≈ (6/5n)/24·∫|x³ − 3x|φ = 0.0755/n.
        table.push(sum(n, sample, 0.0755 / n, 0.04 / (n * n)));
    }
    table.push(check("trained network: distance", distance(&learned), Near(0.0, 0.06)));
    let sentence = format!(
        "Adding up 12 uniforms comes within {:.3} of N(0, 1), the inverse as near as chance allows, and a network that \
         only ever saw a critic's slope within {:.3}.",
        distance(of_twelve),
        distance(&learned)
    );
    let densities = Panel::new("Densities", axis("x").range(-4.0, 4.0), "density")
        .histogram("network", VERMILION, &learned, -4.0, 4.0, 80)
        .histogram("1 uniform", ORANGE, of_one, -4.0, 4.0, 80)
        .histogram("sum of 12", GREEN, of_twelve, -4.0, 4.0, 80)
        .line("N(0, 1)", INK, places(-4.0, 4.0, 100.0).map(|x| (x, gaussian::density(x))));
    let quantiles = |sample: &[f64]| {
        let mut sorted = sample.to_vec();
        sorted.sort_by(f64::total_cmp);
        let excess = move |p: f64| {
            let exact = gaussian::quantile(p);
            (exact, sorted[(p * sorted.len() as f64) as usize] - exact)
        };
        (1..400).map(move |i| excess(f64::from(i) / 400.0))
    };
    // All would lie on the diagonal, had the sample's quantile been drawn over that of N(0, 1): what is left of it shows.
    let quantiles = Panel::new("What each quantile is off by", "quantile of N(0, 1)", "quantile of the sample − that")
        .broad_line("exact", INK, [(-3.0, 0.0), (3.0, 0.0)])
        .line("1 uniform", ORANGE, quantiles(of_one))
        .line("network", VERMILION, quantiles(&learned))
        .line("sum of 12", GREEN, quantiles(of_twelve))
        .line("Φ⁻¹(u)", BLUE, quantiles(&inverse));
    Ok(Findings { table, figure: Figure::new(2, vec![densities, quantiles]), sentence })
}

/// `count` lists of `n` numbers from U(0, 1).
fn uniforms(count: usize, n: usize) -> impl Iterator<Item = Vec<f64>> {
    let mut rng = Rng::new(SEED, "uniforms");
    // Never 0, of which Φ⁻¹ is infinite.
    (0..count).map(move |_| (0..n).map(|_| rng.random::<f64>().max(f64::MIN_POSITIVE)).collect())
}

/// Sums of n uniforms have mean n/2 and variance n/12.
fn standardised_sums(count: usize, n: usize) -> Vec<f64> {
    let n_terms = n as f64;
    uniforms(count, n).map(|u| (u.iter().sum::<f64>() - n_terms / 2.0) / (n_terms / 12.0).sqrt()).collect()
}

/// `count` samples of a network that turns uniform numbers into normal ones, after so many updates of its own, each of which
/// follows five of its critic.
fn learned(updates: u64, count: usize) -> Result<Vec<f64>> {
    const WIDTH: usize = 32;
    let network = || {
        let rng = &mut Rng::new(SEED, "generator weights");
        Sequential::mlp(&[1, WIDTH, WIDTH, 1], Activation::Relu, Init::FanIn, rng)
    };
    let (in_training, average) = (network(), network());
    // A lighter penalty than a lone critic's, so that it keeps up with the generator.
    let game = toy(Lipschitz::penalty(Penalty::Lp, 10.0));
    let made_in_training = made(&in_training);
    let mut critic = CriticTraining::new(&game, normal(0.0, 1.0), &made_in_training)?;
    let rule = game.rule.optimizer(in_training.parameters());
    let mut update = Device::cpu().compile(|tape| {
        let fake = made_in_training(tape, Stream::new(SEED, "generator noise"), game.batch);
        let loss = generator_loss(&game.objective, |x| critic.critic.scores(x), fake);
        follow(average.parameters(), rule.update(loss, tape.scalar(game.lr)), game.average);
        []
    })?;
    for step in 0..updates {
        critic.run(game.schedule.critic_steps)?;
        update.at(step).run(&[])?;
    }
    Ok(computed(|tape| made(&average)(tape, Stream::new(SEED, "samples"), count))?.cast().into_data())
}

/// The network's samples.
fn made(network: &Sequential) -> impl Distribution {
    move |tape, noise, batch| network.forward(tape.uniform(noise, [batch, 1]), Mode::Train)
}
