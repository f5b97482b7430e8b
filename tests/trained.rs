//! Critics trained to the end on problems whose answer is known: the losses are the program's own, compiled and replayed
//! as in a training.

use wgan::experiments::harness::{CriticTraining, Distribution, gaussian, normal, point, toy};
use wgan::game::objective::{CriticTerms, Lipschitz, Loss, Penalty};

/// What a critic with this constraint finds in the last of so many updates.
fn settled(lipschitz: Lipschitz, real: impl Distribution, fake: impl Distribution, updates: u64) -> CriticTerms<f64> {
    CriticTraining::new(&toy(lipschitz), real, fake).unwrap().settled(updates).unwrap()
}

/// Between all real samples at (1, 0) and all generated ones at (0, 0): the distance W is 1, and the slope of the best critic
/// is the same all along the segment between them.
fn of_point_masses(lipschitz: Lipschitz, updates: u64) -> CriticTerms<f64> {
    settled(lipschitz, point(1.0), point(0.0), updates)
}

/// Between N(3, 1) and N(0, 1): the distance is 3, since a shift moves every sample as far.
fn of_shifted_gaussians(lipschitz: Lipschitz, updates: u64) -> CriticTerms<f64> {
    settled(lipschitz, normal(3.0, 1.0), normal(0.0, 1.0), updates)
}

fn assert_near(terms: CriticTerms<f64>, [gap, loss, slope]: [f64; 3], tolerance: f64) {
    let close = |found: f64, expected: f64| (found - expected).abs() <= tolerance * expected.abs();
    let all = close(terms.wasserstein, gap) && close(terms.loss, loss) && close(terms.slope, slope);
    assert!(all, "{terms:?}, but the gap should be {gap}, the loss {loss}, the slope {slope}");
}

/// λ must exceed |F_P − F_Q| / ρ, with ρ the density of the interpolates, where there are points: here that is 2.6 in the
/// middle and 6.1 three deviations out (chapter 7 of the guide computes it).
#[test]
fn a_one_sided_penalty_finds_the_distance_of_two_gaussians() {
    let terms = of_shifted_gaussians(Lipschitz::penalty(Penalty::OneSided, 20.0), 2000);
    assert!((terms.wasserstein - 3.0).abs() < 0.05 * 3.0, "{terms:?}");
}

/// Between point masses at distance W the critic with slope s has the loss −sW + λ(s − 1)², smallest at s = 1 + W/2λ,
/// where it is −(W + W²/4λ), and the gap is sW. The slope is above 1, so `lp` has the same bias.
#[test]
fn a_squared_penalty_overestimates_the_distance_by_its_known_bias() {
    for kind in [Penalty::TwoSided, Penalty::Lp] {
        let found = |lambda| of_point_masses(Lipschitz::penalty(kind, lambda), 800);
        assert_near(found(10.0), [1.05, -1.025, 1.05], 0.01);
        assert_near(found(0.1), [6.0, -3.5, 6.0], 0.01);
    }
}

/// Between point masses at distance W = 1 a pair pays λ·(sW − W)², so −sW + λW²(s − 1)² is smallest at a gap of W + 1/2λ.
#[test]
fn a_penalty_on_pairs_has_its_known_bias() {
    assert_near(of_point_masses(Lipschitz::Pairs { lambda: 10.0 }, 800), [1.05, -1.025, 1.05], 0.01);
}

/// D(x) − D(x′) ≤ ‖x − x′‖ for all real x and fake x′ is the constraint of Kantorovich's dual problem itself, so the gap is
/// the distance but for the price of violating it, which falls with λ.
#[test]
fn a_penalty_on_pairs_finds_the_distance_of_two_gaussians() {
    let terms = of_shifted_gaussians(Lipschitz::Pairs { lambda: 20.0 }, 2000);
    assert!((terms.wasserstein - 3.0).abs() < 0.05 * 3.0, "{terms:?}");
}

/// Between N(0, 1) and N(3, 1) the total variation is 2Φ(3/2) − 1 = 0.86639, reached by D = ±1 on either side of 3/2; between
/// disjoint supports it is 1, however far they are apart.
#[test]
fn a_bounded_critic_finds_twice_the_total_variation() {
    let [real, fake] = [3.0, 0.0].map(|mean| gaussian::quantiles(10_000, mean, 1.0));
    let critic = CriticTraining::trained(&toy(Lipschitz::Bounded), normal(3.0, 1.0), normal(0.0, 1.0), 2000).unwrap();
    let gap = critic.gap(&real, &fake).unwrap();
    assert!((gap - 2.0 * 0.86639).abs() < 0.01, "{gap}");
    assert!(of_point_masses(Lipschitz::Bounded, 400).wasserstein > 1.99);
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
    let mut standard = toy(Lipschitz::None);
    standard.objective.loss = Loss::Standard;
    let terms = CriticTraining::new(&standard, normal(3.0, 1.0), normal(0.0, 1.0)).unwrap().settled(2000).unwrap();
    let found = 2f64.ln() - terms.loss / 2.0;
    assert!((found - divergence).abs() < 0.005, "{found}, not {divergence}");
}

/// −sW + λ·max(s, 1) is smallest at s = 1 if λ > W, and has no minimum if λ < W.
#[test]
fn a_one_sided_penalty_has_no_bias_if_it_is_strong_enough_and_runs_off_if_not() {
    let found = |lambda, updates| of_point_masses(Lipschitz::penalty(Penalty::OneSided, lambda), updates);
    assert_near(found(4.0, 800), [1.0, 3.0, 1.0], 0.01);
    let (short, long) = (found(0.5, 200).wasserstein, found(0.5, 800).wasserstein);
    assert!(long > 2.0 * short && short > 2.0, "{short} {long}");
}

/// At P = Q the gap is 0, but a two-sided penalty still pulls the slope to 1; `lp` is content with less.
#[test]
fn a_two_sided_penalty_wants_slopes_where_there_is_no_distance() {
    let [two_sided, lp] = [Penalty::TwoSided, Penalty::Lp]
        .map(|kind| settled(Lipschitz::penalty(kind, 10.0), normal(0.0, 1.0), normal(0.0, 1.0), 400));
    assert!((two_sided.slope - 1.0).abs() < 0.05 && two_sided.wasserstein.abs() < 0.05, "{two_sided:?}");
    assert!(lp.slope < 0.9 && lp.wasserstein.abs() < 0.05, "{lp:?}");
}
