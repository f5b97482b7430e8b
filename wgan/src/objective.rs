//! The losses: the Wasserstein objective, the standard GAN's beside it, and what keeps the critic Lipschitz.
//!
//! The critic D makes `mean D(fake) − mean D(real) + penalty` small, the generator `−mean D(fake)`. The first is, up to
//! the penalty, the negative of the estimate of the Wasserstein distance: by Kantorovich and Rubinstein's duality the
//! distance is the largest gap that a 1-Lipschitz D can make (arXiv 1701.07875, eq. 2). A critic that scores real samples
//! low learns the mirrored scores.
//!
//! Under the standard objective D's scores are the logits of a discriminator that takes samples for real with probability
//! σ(D) (Goodfellow et al. 2014, eq. 1).

use autograd::Var;
use nn::losses;

use crate::config::{Config, Lipschitz, LossForm, Norm, Objective, PenaltyPoints, Sign};

/// What an update of the critic computes, each a scalar: recorded, or as numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CriticTerms<T> {
    /// What the critic minimises.
    pub loss: T,
    /// The gap between the mean scores, real minus fake: under the Wasserstein objective the estimate of the distance.
    pub wasserstein: T,
    /// The penalty with its weight λ; 0 without one.
    pub penalty: T,
    /// The mean slope at the penalty's points; 0 where no penalty measures it.
    pub slope: T,
}

impl<T> CriticTerms<T> {
    /// As the results of a program, in this order.
    pub fn into_array(self) -> [T; 4] {
        [self.loss, self.wasserstein, self.penalty, self.slope]
    }

    /// From the results of a program.
    pub fn from_array([loss, wasserstein, penalty, slope]: [T; 4]) -> Self {
        CriticTerms { loss, wasserstein, penalty, slope }
    }
}

/// The critic's terms on a batch of real and one of generated samples, both `[B, …]`; `scores` is the critic. `mixes` are two
/// numbers from U(0, 1) for each sample, `[2, B]`: where on the segment between a real and a generated sample the penalty
/// is measured.
///
/// ```
/// use autograd::{Stream, Tape};
/// use wgan::{config::Config, objective::critic_terms};
/// let tape = Tape::new();
/// let [real, fake] = ["real", "fake"].map(|name| tape.normal(Stream::new(0, name), [8, 4]));
/// let mixes = tape.uniform(Stream::new(0, "mixes"), [2, 8]);
/// let terms = critic_terms(&Config::default(), |x| (x * 2.0).sum_axes(&[1]), real, fake, mixes);
/// assert!((terms.penalty.value().item() - 10.0 * 9.0).abs() < 1e-6); // λ·(4 − 1)²: D(x) = Σ 2x has slope 4
/// ```
#[track_caller]
pub fn critic_terms<'t>(
    config: &Config,
    scores: impl Fn(Var<'t>) -> Var<'t>,
    real: Var<'t>,
    fake: Var<'t>,
    mixes: Var<'t>,
) -> CriticTerms<Var<'t>> {
    let tape = real.tape();
    let batch = real.shape()[0];
    let fake = fake.detach(); // the generator does not learn in the critic's update
    let [of_real, of_fake] = match config.critic_norm {
        // Each kind by its own mean and variance, as in DCGAN and WGAN.
        Norm::Batch => [real, fake].map(&scores), // [B], [B]
        Norm::None | Norm::Layer => {
            let both = scores(tape.concat(&[real, fake], 0)); // [2·B]: one pass, larger products
            [0, batch].map(|start| both.slice(0, start..start + batch))
        }
    };
    let slopes = slopes(config, scores, [real, fake], of_real - of_fake, mixes);
    let penalty = slopes.and_then(|slopes| penalty(config.lipschitz, slopes, [real, fake]));
    let penalty = penalty.map(|penalty| penalty * config.lambda);
    let loss = critic_loss(config, of_real, of_fake);
    CriticTerms {
        loss: penalty.map_or(loss, |penalty| penalty + loss),
        wasserstein: (of_real.mean() - of_fake.mean()) * orientation(config.sign),
        penalty: penalty.unwrap_or_else(|| tape.scalar(0.0)),
        slope: slopes.map_or_else(|| tape.scalar(0.0), Var::mean),
    }
}

/// What the critic minimises but for the penalty, by its scores of real and of generated samples, both `[B]`.
fn critic_loss<'t>(config: &Config, of_real: Var<'t>, of_fake: Var<'t>) -> Var<'t> {
    let sign = orientation(config.sign);
    match (config.objective, config.loss_form) {
        (Objective::Wasserstein, LossForm::Difference) => -((of_real.mean() - of_fake.mean()) * sign),
        (Objective::Wasserstein, LossForm::Labels) => {
            losses::wasserstein(labels(-sign, of_real), of_real) + losses::wasserstein(labels(sign, of_fake), of_fake)
        }
        // −ln σ(D(real)) − ln(1 − σ(D(fake)))
        (Objective::Standard | Objective::NonSaturating, _) => {
            (of_real * -sign).softplus().mean() + (of_fake * sign).softplus().mean()
        }
    }
}

/// What the generator minimises, by the critic's scores of its samples `[B, …]`.
#[track_caller]
pub fn generator_loss<'t>(config: &Config, scores: impl Fn(Var<'t>) -> Var<'t>, fake: Var<'t>) -> Var<'t> {
    let (scores, sign) = (scores(fake), orientation(config.sign));
    match (config.objective, config.loss_form) {
        (Objective::Wasserstein, LossForm::Difference) => -(scores.mean() * sign),
        // The label of *real* samples: the generator opposes the critic.
        (Objective::Wasserstein, LossForm::Labels) => losses::wasserstein(labels(-sign, scores), scores),
        (Objective::Standard, _) => -(scores * sign).softplus().mean(), // ln(1 − σ(D))
        (Objective::NonSaturating, _) => (scores * -sign).softplus().mean(), // −ln σ(D)
    }
}

/// A label for each of the scores `[B]`.
fn labels<'t>(label: f64, scores: Var<'t>) -> Var<'t> {
    scores.tape().scalar(label).broadcast_to(scores.shape())
}

/// 1 for a critic that scores real samples high, −1 for its mirror image.
fn orientation(sign: Sign) -> f64 {
    match sign {
        Sign::RealHigh => 1.0,
        Sign::RealLow => -1.0,
    }
}

/// The penalty of slopes s, one for each point `[P]`, without its weight; None for constraints that are not penalties.
#[track_caller]
fn penalty<'t>(lipschitz: Lipschitz, slopes: Var<'t>, [real, fake]: [Var<'t>; 2]) -> Option<Var<'t>> {
    match lipschitz {
        // (s − 1)²: arXiv 1704.00028, eq. 3
        Lipschitz::Gp | Lipschitz::Difference => Some((slopes - 1.0).square().mean()),
        // max(s, 1): the gradient of relu(s − 1)
        Lipschitz::GpOneSided | Lipschitz::DifferenceOneSided => Some(slopes.maximum(1.0).mean()),
        // relu(s − 1)²: arXiv 1709.08894, eq. 8
        Lipschitz::Lp => Some((slopes - 1.0).relu().square().mean()),
        // relu(|D(x) − D(x′)| − ‖x − x′‖)², the difference being s·‖x − x′‖
        Lipschitz::Pairs => Some(((slopes - 1.0).relu() * (real - fake).norm_rows()).square().mean()),
        Lipschitz::Clip | Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => None,
    }
}

/// The critic's slopes that a penalty is taken of, one for each point `[P]`. `change` is the difference between its scores
/// of a real and of a generated sample, `[B]`.
#[track_caller]
fn slopes<'t>(
    config: &Config,
    scores: impl Fn(Var<'t>) -> Var<'t>,
    [real, fake]: [Var<'t>; 2],
    change: Var<'t>,
    mixes: Var<'t>,
) -> Option<Var<'t>> {
    match config.lipschitz {
        Lipschitz::Clip | Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => None,
        Lipschitz::Pairs => Some(change.abs() / (real - fake).norm_rows()),
        Lipschitz::Difference | Lipschitz::DifferenceOneSided => {
            let [first, second] = [0, 1].map(|i| interpolates(real, fake, mixes.slice(0, i..i + 1)));
            Some(difference_quotient(scores, first, second))
        }
        Lipschitz::Gp | Lipschitz::GpOneSided | Lipschitz::Lp => {
            let points = match config.penalty_points {
                PenaltyPoints::Segment => interpolates(real, fake, mixes.slice(0, 0..1)),
                PenaltyPoints::Real => real,
                PenaltyPoints::Fake => fake,
                PenaltyPoints::Both => real.tape().concat(&[real, fake], 0),
            };
            Some(gradient_norms(scores, points))
        }
    }
}

/// `ε·real + (1 − ε)·fake`, with one ε for each sample (arXiv 1704.00028, algorithm 1): `mix` has B elements.
#[track_caller]
pub fn interpolates<'t>(real: Var<'t>, fake: Var<'t>, mix: Var<'t>) -> Var<'t> {
    let mut shape = vec![1; real.shape().rank()];
    shape[0] = real.shape()[0];
    let mix = mix.reshape(shape); // [B, 1, …]
    fake + mix * (real - fake)
}

/// ‖∇D‖ at each of the points `[P, …]`: `[P]`. The norm runs over all features of one sample.
#[track_caller]
pub fn gradient_norms<'t>(scores: impl Fn(Var<'t>) -> Var<'t>, points: Var<'t>) -> Var<'t> {
    // A score depends on its own sample alone, so the gradient of the sum holds the gradient of every score.
    points.tape().grad(scores(points).sum(), &[points])[0].norm_rows()
}

/// |D(a) − D(b)| / ‖a − b‖ for each pair: `[P]`. Where a = b it is 0: the norm's guard keeps the quotient finite.
#[track_caller]
fn difference_quotient<'t>(scores: impl Fn(Var<'t>) -> Var<'t>, a: Var<'t>, b: Var<'t>) -> Var<'t> {
    let pairs = a.shape()[0];
    let both = scores(a.tape().concat(&[a, b], 0)); // [2·P]
    (both.slice(0, 0..pairs) - both.slice(0, pairs..2 * pairs)).abs() / (a - b).norm_rows()
}

#[cfg(test)]
mod tests {
    use autograd::{Tape, Tensor};

    use super::*;
    use crate::config::Options;

    fn config(lipschitz: Lipschitz) -> Config {
        Config { lambda: 1.0, ..Config::default().with(&Options { lipschitz: Some(lipschitz), ..Options::default() }) }
    }

    /// D(x) = Σ 2x over 4 dimensions has slope 4 everywhere, so (4 − 1)² = 9.
    #[test]
    fn a_linear_critic_has_the_known_penalties() {
        let expected = [
            (Lipschitz::Gp, 9.0),
            (Lipschitz::Lp, 9.0),
            (Lipschitz::GpOneSided, 4.0),
            (Lipschitz::Clip, 0.0),
            (Lipschitz::Spectral, 0.0),
            (Lipschitz::Bounded, 0.0),
            (Lipschitz::None, 0.0),
        ];
        for (lipschitz, expected) in expected {
            let tape = Tape::new();
            let real = tape.constant(&Tensor::<f64>::from_fn([3, 4], |i| i as f64));
            let fake = tape.constant(&Tensor::<f64>::from_fn([3, 4], |i| (i * i % 7) as f64));
            let mixes = tape.constant(&Tensor::<f64>::from_fn([2, 3], |i| i as f64 / 7.0));
            let terms = critic_terms(&config(lipschitz), |x| (x * 2.0).sum_axes(&[1]), real, fake, mixes);
            assert!((terms.penalty.value().item() - expected).abs() < 1e-9, "{lipschitz}");
            let slope = if lipschitz.is_penalty() { 4.0 } else { 0.0 };
            assert!((terms.slope.value().item() - slope).abs() < 1e-9, "{lipschitz}");
            let (loss, gap) = (terms.loss.value().item(), terms.wasserstein.value().item());
            assert!((loss - (expected - gap)).abs() < 1e-9, "{lipschitz}");
        }
    }

    /// D(x) = Σ 2x over 4 dimensions changes by 24 between (0, 0, 0, 0) and (3, 3, 3, 3), which are 6 apart: (24 − 6)² = 324. Of
    /// D(x) = Σ x/4, which changes by 3, nothing is asked.
    #[test]
    fn pairs_pay_for_what_exceeds_their_distance() {
        for (factor, penalty, slope) in [(2.0, 324.0, 4.0), (0.25, 0.0, 0.5)] {
            let tape = Tape::new();
            let (real, fake) = (tape.zeros([3, 4]) + 3.0, tape.zeros([3, 4]));
            let terms = critic_terms(&config(Lipschitz::Pairs), |x| (x * factor).sum_axes(&[1]), real, fake, fake);
            let found = [terms.penalty, terms.slope].map(|x| x.value().item());
            assert!((found[0] - penalty).abs() < 1e-6 && (found[1] - slope).abs() < 1e-9, "{found:?}");
        }
    }

    /// Along its gradient a linear critic's difference quotient is the slope; where both points are one it is 0.
    #[test]
    fn a_difference_quotient_survives_equal_points() {
        let tape = Tape::new();
        let a = tape.constant(&Tensor::<f64>::new([2, 1], vec![1.0, 3.0]).unwrap());
        let b = tape.constant(&Tensor::<f64>::new([2, 1], vec![2.0, 3.0]).unwrap());
        let w = tape.scalar(2.0);
        let slopes = difference_quotient(|x| (x * w).sum_axes(&[1]), a, b);
        assert!(matches!(slopes.value().data(), [slope, 0.0] if (slope - 2.0).abs() < 1e-9));
        assert!(tape.grad(slopes.sum(), &[w])[0].value().item().is_finite());
    }

    /// One ε a sample: all features of an interpolate lie at the same fraction of the way.
    #[test]
    fn interpolates_lie_on_segments() {
        let tape = Tape::new();
        let real = tape.constant(&Tensor::<f64>::full([2, 3], 1.0));
        let fake = tape.zeros([2, 3]);
        let mix = tape.constant(&Tensor::<f64>::new([1, 2], vec![0.25, 0.75]).unwrap());
        assert_eq!(interpolates(real, fake, mix).value().data(), [0.25, 0.25, 0.25, 0.75, 0.75, 0.75]);
    }

    /// D(x) = ‖x‖²/2 has the gradient x: its norm runs over all pixels of an image, but not over images.
    #[test]
    fn a_slope_is_the_norm_over_all_features_of_one_sample() {
        let tape = Tape::new();
        let images =
            tape.constant(&Tensor::<f64>::new([2, 1, 2, 2], vec![1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 4.0]).unwrap());
        let slopes = gradient_norms(|x| x.square().sum_axes(&[1, 2, 3]) * 0.5, images).value();
        assert!(slopes.data().iter().zip([2.0, 5.0]).all(|(slope, norm)| (slope - norm).abs() < 1e-9), "{slopes:?}");
    }

    const PENALTIES: [Lipschitz; 6] = [
        Lipschitz::Gp,
        Lipschitz::GpOneSided,
        Lipschitz::Lp,
        Lipschitz::Difference,
        Lipschitz::DifferenceOneSided,
        Lipschitz::Pairs,
    ];

    /// The critic's loss does not reach the generated samples, wherever the penalty is measured; the generator's does.
    #[test]
    fn the_generator_does_not_learn_in_the_critics_update() {
        fn scores(x: Var<'_>) -> Var<'_> {
            x.square().sum_axes(&[1])
        }
        for (lipschitz, penalty_points) in [
            (Lipschitz::None, PenaltyPoints::Segment),
            (Lipschitz::Difference, PenaltyPoints::Segment),
            (Lipschitz::Pairs, PenaltyPoints::Segment),
            (Lipschitz::Gp, PenaltyPoints::Segment),
            (Lipschitz::Gp, PenaltyPoints::Fake),
            (Lipschitz::Gp, PenaltyPoints::Both),
        ] {
            let config = Config { penalty_points, ..config(lipschitz) };
            let tape = Tape::new();
            let (real, fake) = (tape.zeros([3, 2]), tape.zeros([3, 2]) + 1.0);
            let terms = critic_terms(&config, scores, real, fake, tape.constant(&Tensor::<f64>::full([2, 3], 0.5)));
            assert!(tape.try_grad(terms.loss, &[fake])[0].is_none(), "{lipschitz} at {penalty_points}");
            assert!(tape.try_grad(generator_loss(&config, scores, fake), &[fake])[0].is_some());
        }
    }

    /// A penalty that is only subtracted in the report, but never differentiated twice, would leave the weights alone.
    #[test]
    fn penalties_reach_the_weights() {
        for lipschitz in PENALTIES {
            let tape = Tape::new();
            let pattern = |shape: [usize; 2], k: usize| {
                tape.constant(&Tensor::<f64>::from_fn(shape, |i| ((i * k + 3) % 7) as f64 - 2.5))
            };
            let weights = [pattern([2, 4], 5), pattern([4, 1], 3)];
            let mixes = tape.constant(&Tensor::<f64>::from_fn([2, 3], |i| i as f64 / 6.0));
            let terms = critic_terms(
                &config(lipschitz),
                |x| x.matmul(weights[0]).leaky_relu(0.2).matmul(weights[1]).sum_axes(&[1]),
                pattern([3, 2], 4),
                pattern([3, 2], 6),
                mixes,
            );
            for gradient in tape.try_grad(terms.penalty, &weights) {
                let gradient = gradient.unwrap_or_else(|| panic!("{lipschitz}: a weight without a gradient")).value();
                assert!(gradient.data().iter().any(|x| x.abs() > 1e-3), "{lipschitz}: {gradient:?}");
            }
        }
    }

    /// The norm's root has no derivative at 0; its guard gives it one.
    #[test]
    fn a_flat_critic_has_finite_gradients() {
        for lipschitz in PENALTIES {
            let tape = Tape::new();
            let weights = tape.zeros([2, 1]);
            let mixes = tape.constant(&Tensor::<f64>::full([2, 3], 0.5));
            let terms = critic_terms(
                &config(lipschitz),
                |x| x.matmul(weights).sum_axes(&[1]),
                tape.zeros([3, 2]) + 1.0,
                tape.zeros([3, 2]),
                mixes,
            );
            let gradient = tape.grad(terms.loss, &[weights])[0].value();
            assert!(gradient.data().iter().all(|x| x.is_finite()), "{lipschitz}: {gradient:?}");
        }
    }

    const OBJECTIVES: [(Objective, LossForm); 4] = [
        (Objective::Wasserstein, LossForm::Difference),
        (Objective::Wasserstein, LossForm::Labels),
        (Objective::Standard, LossForm::Difference),
        (Objective::NonSaturating, LossForm::Difference),
    ];

    /// Losses of critic and generator for constant scores of real and of generated samples, by objective.
    fn losses(objective: Objective, loss_form: LossForm, sign: Sign, [real, fake]: [f64; 2]) -> [f64; 2] {
        let config = Config { objective, loss_form, sign, ..config(Lipschitz::None) };
        let tape = Tape::new();
        let [real, fake] = [real, fake].map(|x| tape.zeros([2, 1]) + x);
        let scores = |x| -> Var<'_> { Var::sum_axes(x, &[1]) };
        let critic = critic_terms(&config, scores, real, fake, tape.zeros([2, 2])).loss;
        [critic, generator_loss(&config, scores, fake)].map(|loss| loss.value().item())
    }

    #[track_caller]
    fn assert_near(found: [f64; 2], expected: [f64; 2]) {
        let near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near, "{found:?}, not {expected:?}");
    }

    /// Real samples scored 20 and generated ones 50 make −30 where real is scored low, 10 and 50 make −40; and the label form
    /// is the difference form, the generator taking the label of real samples.
    #[test]
    fn the_label_form_has_the_known_losses() {
        for [real, fake] in [[20.0, 50.0], [10.0, 50.0]] {
            for form in [LossForm::Labels, LossForm::Difference] {
                let loss = |sign| losses(Objective::Wasserstein, form, sign, [real, fake]);
                assert_near(loss(Sign::RealLow), [real - fake, fake]);
                assert_near(loss(Sign::RealHigh), [fake - real, -fake]);
            }
        }
    }

    /// A discriminator that knows nothing says ½: −ln ½ − ln ½ for the critic, ln ½ or −ln ½ for the generator. One that is
    /// sure to 200 nats has finite losses: 0 if it is right, 400 if it is wrong.
    #[test]
    fn the_standard_gan_has_the_known_losses() {
        let ln2 = 2f64.ln();
        for sign in [Sign::RealHigh, Sign::RealLow] {
            let sure = if sign == Sign::RealHigh { 200.0 } else { -200.0 };
            let loss = |objective, scores| losses(objective, LossForm::Difference, sign, scores);
            assert_near(loss(Objective::Standard, [0.0, 0.0]), [2.0 * ln2, -ln2]);
            assert_near(loss(Objective::NonSaturating, [0.0, 0.0]), [2.0 * ln2, ln2]);
            assert_near(loss(Objective::Standard, [sure, -sure]), [0.0, 0.0]);
            assert_near(loss(Objective::Standard, [-sure, sure]), [400.0, -200.0]);
            assert_near(loss(Objective::NonSaturating, [sure, -sure]), [0.0, 200.0]);
        }
    }

    /// With a discriminator that is sure of the generated samples, D = −20, the slope of ln(1 − σ(D)) is −σ(−20) ≈ −2·10⁻⁹,
    /// that of −ln σ(D) is nearly −1.
    #[test]
    fn the_saturating_loss_has_no_slope_where_the_other_has() {
        let slope = |objective| {
            let tape = Tape::new();
            let fake = tape.constant(&Tensor::<f64>::full([1, 1], -20.0));
            let config = Config { objective, ..config(Lipschitz::None) };
            tape.grad(generator_loss(&config, |x| x.sum_axes(&[1]), fake), &[fake])[0].value().data()[0]
        };
        assert!((slope(Objective::Standard) + (-20f64).exp()).abs() < 1e-14);
        assert!((slope(Objective::NonSaturating) + 1.0).abs() < 1e-8);
    }

    /// D(x) = wx with real samples at 3 and generated ones at 1: what the critic's step does to the scores of generated
    /// samples the generator's step undoes, and it moves the samples towards the real ones, under every convention.
    #[test]
    fn critic_and_generator_oppose() {
        let conventions = [Sign::RealHigh, Sign::RealLow].into_iter().flat_map(|sign| OBJECTIVES.map(|it| (sign, it)));
        for (sign, (objective, loss_form)) in conventions {
            let config = Config { sign, objective, loss_form, ..config(Lipschitz::None) };
            let tape = Tape::new();
            let [real, fake] = [3.0, 1.0].map(|x| tape.constant(&Tensor::<f64>::full([2, 1], x)));
            let w = tape.scalar(0.0);
            let terms = critic_terms(&config, |x| (x * w).sum_axes(&[1]), real, fake, tape.zeros([2, 2]));
            let of_real = critic_terms(&config, |x| (x * w).sum_axes(&[1]), real, fake * 0.0, tape.zeros([2, 2]));
            let slope = |loss| tape.grad(loss, &[w])[0].value().item();
            let by_fakes = slope(terms.loss) - slope(of_real.loss);
            let of_generator = slope(generator_loss(&config, |x| (x * w).sum_axes(&[1]), fake));
            assert_eq!(by_fakes, -of_generator, "{sign}, {objective}, {loss_form}");

            let trained = -tape.grad(terms.loss, &[w])[0]; // a step of size 1 from w = 0
            let loss = generator_loss(&config, |x| (x * trained).sum_axes(&[1]), fake);
            let moved = -tape.grad(loss, &[fake])[0];
            assert!(moved.value().data().iter().all(|&x| x > 0.0), "{sign}, {objective}, {loss_form}");
        }
    }

    /// With the same D, the sign convention mirrors estimate and generator loss.
    #[test]
    fn the_sign_convention_mirrors_the_scores() {
        let tape = Tape::new();
        let [real, fake] = [3.0, 1.0].map(|x| tape.constant(&Tensor::<f64>::full([2, 1], x)));
        let mixes = tape.zeros([2, 2]);
        let value = |sign| {
            let config = Config { sign, ..config(Lipschitz::None) };
            let terms = critic_terms(&config, |x| x.sum_axes(&[1]), real, fake, mixes);
            (terms.wasserstein.value().item(), generator_loss(&config, |x| x.sum_axes(&[1]), fake).value().item())
        };
        assert_eq!(value(Sign::RealHigh), (2.0, -1.0));
        assert_eq!(value(Sign::RealLow), (-2.0, 1.0));
    }
}
