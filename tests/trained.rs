//! Critics trained to the end on problems whose answer is known: the losses are the program's own, compiled and replayed
//! as in a training.

use autograd::{Device, Stream, Tape, Tensor, Var};
use nn::layers::{Activation, Linear};
use nn::optim::Adam;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential};
use wgan::config::{Config, Lipschitz, Objective};
use wgan::objective::{CriticTerms, critic_terms};

/// What a trained critic says.
#[derive(Clone, Copy, Debug)]
struct Trained {
    gap: f64,
    loss: f64,
    slope: f64,
}

/// Two distributions on the line: batches `[count, 1]` of real and of generated samples.
type Problem = for<'t> fn(&'t Tape, count: usize) -> [Var<'t>; 2];

/// All real samples at 1 and all generated ones at 0: the distance W is 1, and the slope of the best critic is the same
/// all along the segment between them.
fn point_masses(tape: &Tape, count: usize) -> [Var<'_>; 2] {
    [tape.zeros([count, 1]) + 1.0, tape.zeros([count, 1])]
}

/// N(3, 1) and N(0, 1): the distance is 3, since a shift moves every sample as far.
fn shifted_gaussians(tape: &Tape, count: usize) -> [Var<'_>; 2] {
    let normal = |name| tape.normal(Stream::new(1, name), [count, 1]);
    [normal("real") + 3.0, normal("fake")]
}

/// The critics' network, with a tanh if their scores are to be bounded.
fn network(config: &Config) -> Sequential {
    // A critic that starts out leaning the wrong way on the line is held there by a two-sided penalty, at slope
    // −(1 − W/2λ); this one leans to the right.
    let rng = &mut Rng::new(5, "critic");
    let critic = Sequential::new()
        .add(Linear::new("0", 1, 32, Init::FanIn, rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Linear::new("2", 32, 32, Init::FanIn, rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Linear::new("4", 32, 1, Init::FanIn, rng));
    match config.lipschitz {
        Lipschitz::Bounded => critic.add(Activation::Tanh),
        _ => critic,
    }
}

/// What an update of the critic computes.
fn terms<'t>(tape: &'t Tape, config: &Config, critic: &Sequential, problem: Problem, count: usize) -> CriticTerms<'t> {
    let [real, fake] = problem(tape, count);
    let mixes = tape.uniform(Stream::new(2, "mixes"), [2, count]);
    critic_terms(config, |x| critic.forward(x, Mode::Train).reshape([x.shape()[0]]), real, fake, mixes)
}

/// Trains a critic with this constraint for `steps` updates.
fn train(lipschitz: Lipschitz, lambda: f64, problem: Problem, steps: u64) -> Trained {
    train_as(&Config { lipschitz, lambda, ..Config::default() }, problem, steps)
}

/// Trains a critic for `steps` updates, the learning rate going down to 0, and measures it on 2¹⁶ samples.
fn train_as(config: &Config, problem: Problem, steps: u64) -> Trained {
    const BATCH: usize = 128;
    let critic = network(config);
    let rule = Adam::new(critic.parameters()).betas(0.5, 0.9);
    let device = Device::cpu();
    let mut update = device
        .compile(|tape| {
            rule.update(terms(tape, config, &critic, problem, BATCH).loss, tape.input("rate", []));
            []
        })
        .unwrap();
    for step in 0..steps {
        let rate = 5e-3 * (1.0 - step as f64 / steps as f64);
        update.at(step).run(&[("rate", &Tensor::scalar(rate))]).unwrap();
    }
    let mut measure = device
        .compile(|tape| {
            let terms = terms(tape, config, &critic, problem, 1 << 16);
            [terms.wasserstein, terms.loss, terms.slope.unwrap_or(tape.scalar(f64::NAN))]
        })
        .unwrap();
    let [gap, loss, slope] = measure.at(steps).run(&[]).unwrap().map(|x| f64::from(x.item()));
    Trained { gap, loss, slope }
}

fn assert_near(trained: Trained, [gap, loss, slope]: [f64; 3], tolerance: f64) {
    let close = |found: f64, expected: f64| (found - expected).abs() <= tolerance * expected.abs();
    let all = close(trained.gap, gap) && close(trained.loss, loss) && close(trained.slope, slope);
    assert!(all, "{trained:?}, but the gap should be {gap}, the loss {loss}, the slope {slope}");
}

/// λ must exceed |F_P − F_Q| / ρ, with ρ the density of the interpolates, where there are points: here that is 2.6 in the
/// middle and 6.1 three deviations out (chapter 7 of the guide computes it).
#[test]
fn a_one_sided_penalty_finds_the_distance_of_two_gaussians() {
    let trained = train(Lipschitz::GpOneSided, 20.0, shifted_gaussians, 2000);
    assert!((trained.gap - 3.0).abs() < 0.05 * 3.0, "{trained:?}");
}

/// Between point masses at distance W the critic with slope s has the loss −sW + λ(s − 1)², smallest at s = 1 + W/2λ,
/// where it is −(W + W²/4λ), and the gap is sW. The slope is above 1, so `lp` has the same bias.
#[test]
fn a_squared_penalty_overestimates_the_distance_by_its_known_bias() {
    for lipschitz in [Lipschitz::Gp, Lipschitz::Lp] {
        assert_near(train(lipschitz, 10.0, point_masses, 800), [1.05, -1.025, 1.05], 0.01);
        assert_near(train(lipschitz, 0.1, point_masses, 800), [6.0, -3.5, 6.0], 0.01);
    }
}

/// Between point masses at distance W = 1 a pair pays λ·(sW − W)², so −sW + λW²(s − 1)² is smallest at a gap of W + 1/2λ.
#[test]
fn a_penalty_on_pairs_has_its_known_bias() {
    assert_near(train(Lipschitz::Pairs, 10.0, point_masses, 800), [1.05, -1.025, 1.05], 0.01);
}

/// D(x) − D(x′) ≤ ‖x − x′‖ for all real x and fake x′ is the constraint of Kantorovich's dual problem itself, so the gap is
/// the distance but for the price of violating it, which falls with λ.
#[test]
fn a_penalty_on_pairs_finds_the_distance_of_two_gaussians() {
    let trained = train(Lipschitz::Pairs, 20.0, shifted_gaussians, 2000);
    assert!((trained.gap - 3.0).abs() < 0.05 * 3.0, "{trained:?}");
}

/// Between N(0, 1) and N(3, 1) the total variation is 2Φ(3/2) − 1 = 0.86639, reached by D = ±1 on either side of 3/2; between
/// disjoint supports it is 1, however far they are apart.
#[test]
fn a_bounded_critic_finds_twice_the_total_variation() {
    let trained = train(Lipschitz::Bounded, 1.0, shifted_gaussians, 1000);
    assert!((trained.gap - 2.0 * 0.86639).abs() < 0.01, "{trained:?}");
    assert!(train(Lipschitz::Bounded, 1.0, point_masses, 400).gap > 1.99);
}

/// The loss of the best discriminator is 2 ln 2 − 2 JS (Goodfellow et al. 2014, theorem 1); the divergence between the two
/// Gaussians is integrated here.
#[test]
fn a_discriminators_loss_tells_the_jensen_shannon_divergence() {
    let density = |x: f64, mean: f64| (-(x - mean).powi(2) / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let term = |x: f64| {
        let (p, q) = (density(x, 0.0), density(x, 3.0));
        let m = (p + q) / 2.0;
        (p * (p / m).ln() + q * (q / m).ln()) / 2.0
    };
    const STEP: f64 = 1e-3;
    let divergence: f64 = (-8_000..11_000).map(|i| term(f64::from(i) * STEP) * STEP).sum();
    let config = Config { objective: Objective::Standard, lipschitz: Lipschitz::None, ..Config::default() };
    let trained = train_as(&config, shifted_gaussians, 1000);
    let found = 2f64.ln() - trained.loss / 2.0;
    assert!((found - divergence).abs() < 0.005, "{found}, not {divergence}");
}

/// −sW + λ·max(s, 1) is smallest at s = 1 if λ > W, and has no minimum if λ < W.
#[test]
fn a_one_sided_penalty_has_no_bias_if_it_is_strong_enough_and_runs_off_if_not() {
    assert_near(train(Lipschitz::GpOneSided, 4.0, point_masses, 800), [1.0, 3.0, 1.0], 0.01);
    let short = train(Lipschitz::GpOneSided, 0.5, point_masses, 100);
    let long = train(Lipschitz::GpOneSided, 0.5, point_masses, 400);
    assert!(long.gap > 2.0 * short.gap && short.gap > 2.0, "{short:?} {long:?}");
}

/// At P = Q the gap is 0, but a two-sided penalty still pulls the slope to 1; `lp` is content with less.
#[test]
fn a_two_sided_penalty_wants_slopes_where_there_is_no_distance() {
    fn equal_gaussians(tape: &Tape, count: usize) -> [Var<'_>; 2] {
        ["real", "fake"].map(|name| tape.normal(Stream::new(1, name), [count, 1]))
    }
    let [two_sided, lp] = [Lipschitz::Gp, Lipschitz::Lp].map(|it| train(it, 10.0, equal_gaussians, 400));
    assert!((two_sided.slope - 1.0).abs() < 0.05 && two_sided.gap.abs() < 0.05, "{two_sided:?}");
    assert!(lp.slope < 0.9 && lp.gap.abs() < 0.05, "{lp:?}");
}
