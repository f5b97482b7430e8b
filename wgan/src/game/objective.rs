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

use super::networks::Norm;

/// What critic and generator play for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// What they minimise.
    pub loss: Loss,
    /// Which samples the critic scores high.
    pub sign: Sign,
    /// What keeps the critic Lipschitz.
    pub lipschitz: Lipschitz,
}

/// What critic and generator minimise, but for the penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The critic widens the gap between its mean scores of real and of generated samples, the generator closes it.
    Wasserstein(LossForm),
    /// The standard GAN: σ(D) is the probability of real, and the generator lowers ln(1 − σ(D)).
    Standard,
    /// As standard, but the generator lowers −ln σ(D).
    NonSaturating,
}

/// How the Wasserstein loss is written; the updates are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossForm {
    /// mean D(generated) − mean D(real)
    Difference,
    /// mean(label · D), labels −1 and +1; the generator takes the label of real samples for its own.
    Labels,
}

/// Which samples the critic scores high.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Real samples, as in the papers.
    RealHigh,
    /// Generated samples.
    RealLow,
}

/// What keeps the critic's slope bounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lipschitz {
    /// Weights are clipped to ±c after every update of the critic (arXiv 1701.07875, algorithm 1).
    Clip {
        /// Their bound.
        c: f64,
    },
    /// A penalty on slopes that are not 1, or more than 1.
    Penalty {
        /// Which function of the slope is paid for.
        kind: Penalty,
        /// λ, its weight.
        lambda: f64,
        /// Where slopes are measured.
        slope: Slope,
    },
    /// A penalty on what the scores of a real and a generated sample differ by beyond their distance.
    Pairs {
        /// λ, its weight.
        lambda: f64,
    },
    /// Every weight matrix is divided by its largest singular value.
    Spectral,
    /// Scores lie within ±1, by a tanh: what is estimated is then twice the total variation, no Wasserstein distance.
    Bounded,
    /// Nothing.
    None,
}

/// The penalty of a slope s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// (s − 1)²: arXiv 1704.00028, eq. 3.
    TwoSided,
    /// max(s, 1): the gradient of relu(s − 1).
    OneSided,
    /// relu(s − 1)²: arXiv 1709.08894, eq. 8.
    Lp,
}

/// How a slope is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slope {
    /// As the norm of the gradient at these points.
    OfGradient(PenaltyPoints),
    /// As the difference quotient between two random points of a segment between a real and a generated sample.
    OfDifference,
}

/// Where the penalty measures the slope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PenaltyPoints {
    /// At random points between real and generated samples.
    Segment,
    /// At real samples.
    Real,
    /// At generated samples.
    Fake,
    /// At real and generated samples.
    Both,
}

impl Objective {
    /// Whether the gap between the critic's mean scores is meant to be the Wasserstein distance, not what a discriminator
    /// makes of its logits, nor what a bounded critic makes of the total variation.
    pub fn estimates_a_distance(&self) -> bool {
        let Objective { loss, lipschitz, .. } = self;
        matches!(loss, Loss::Wasserstein(_)) && *lipschitz != Lipschitz::Bounded
    }
}

impl Lipschitz {
    /// A penalty on the gradient between real and generated samples, as in the papers.
    pub const fn penalty(kind: Penalty, lambda: f64) -> Self {
        Lipschitz::Penalty { kind, lambda, slope: Slope::OfGradient(PenaltyPoints::Segment) }
    }

    /// λ, if a penalty is added to the critic's loss.
    pub fn lambda(&self) -> Option<f64> {
        match *self {
            Lipschitz::Penalty { lambda, .. } | Lipschitz::Pairs { lambda } => Some(lambda),
            Lipschitz::Clip { .. } | Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => None,
        }
    }
}

impl Sign {
    /// 1 for a critic that scores real samples high, −1 for its mirror image.
    fn orientation(self) -> f64 {
        match self {
            Sign::RealHigh => 1.0,
            Sign::RealLow => -1.0,
        }
    }
}

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

/// The critic's terms on a batch of real and one of generated samples, both `[B, …]`; `scores` is the critic, and `norm` what
/// normalises its layers. `mixes` are two numbers from U(0, 1) for each sample, `[2, B]`: where on the segment between a real
/// and a generated sample the penalty is measured.
///
/// ```
/// use autograd::{Stream, Tape};
/// use wgan::config::Config;
/// use wgan::game::{networks::Norm, objective::critic_terms};
/// let tape = Tape::new();
/// let [real, fake] = ["real", "fake"].map(|name| tape.normal(Stream::new(0, name), [8, 4]));
/// let mixes = tape.uniform(Stream::new(0, "mixes"), [2, 8]);
/// let objective = Config::default().game.objective;
/// let terms = critic_terms(&objective, Norm::None, |x| (x * 2.0).sum_axes(&[1]), real, fake, mixes);
/// assert!((terms.penalty.value().item() - 10.0 * 9.0).abs() < 1e-4); // λ·(4 − 1)²: D(x) = Σ 2x has slope 4
/// ```
#[track_caller]
pub fn critic_terms<'t>(
    objective: &Objective,
    norm: Norm,
    scores: impl Fn(Var<'t>) -> Var<'t>,
    real: Var<'t>,
    fake: Var<'t>,
    mixes: Var<'t>,
) -> CriticTerms<Var<'t>> {
    let tape = real.tape();
    let batch = real.shape()[0];
    let fake = fake.detach(); // the generator does not learn in the critic's update
    let [real_scores, fake_scores] = match norm {
        // Each kind by its own mean and variance, as in DCGAN and WGAN.
        Norm::Batch => [real, fake].map(&scores), // [B], [B]
        Norm::None | Norm::Layer => {
            let both = scores(tape.concat(&[real, fake], 0)); // [2·B]: one pass, larger products
            [0, batch].map(|start| both.slice(0, start..start + batch))
        }
    };
    // The slopes that a penalty is taken of, one for each point [P], and the penalty with its weight.
    let (slopes, penalty) = match objective.lipschitz {
        Lipschitz::Penalty { kind, lambda, slope } => {
            let slopes = slopes(slope, scores, [real, fake], mixes);
            (Some(slopes), Some(penalty(kind, slopes) * lambda))
        }
        // relu(|D(x) − D(x′)| − ‖x − x′‖)², the difference being s·‖x − x′‖
        Lipschitz::Pairs { lambda } => {
            let distances = (real - fake).norm_rows();
            let slopes = (real_scores - fake_scores).abs() / distances;
            (Some(slopes), Some(((slopes - 1.0).relu() * distances).square().mean() * lambda))
        }
        Lipschitz::Clip { .. } | Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => (None, None),
    };
    let loss = critic_loss(objective, real_scores, fake_scores);
    CriticTerms {
        loss: penalty.map_or(loss, |penalty| penalty + loss),
        wasserstein: (real_scores.mean() - fake_scores.mean()) * objective.sign.orientation(),
        penalty: penalty.unwrap_or_else(|| tape.scalar(0.0)),
        slope: slopes.map_or_else(|| tape.scalar(0.0), Var::mean),
    }
}

/// What the critic minimises but for the penalty, by its scores of real and of generated samples, both `[B]`.
fn critic_loss<'t>(objective: &Objective, real_scores: Var<'t>, fake_scores: Var<'t>) -> Var<'t> {
    let sign = objective.sign.orientation();
    match objective.loss {
        Loss::Wasserstein(LossForm::Difference) => -((real_scores.mean() - fake_scores.mean()) * sign),
        Loss::Wasserstein(LossForm::Labels) => {
            losses::wasserstein(labels(-sign, real_scores), real_scores)
                + losses::wasserstein(labels(sign, fake_scores), fake_scores)
        }
        // −ln σ(D(real)) − ln(1 − σ(D(fake)))
        Loss::Standard | Loss::NonSaturating => {
            (real_scores * -sign).softplus().mean() + (fake_scores * sign).softplus().mean()
        }
    }
}

/// What the generator minimises, by the critic's scores of its samples `[B, …]`.
#[track_caller]
pub fn generator_loss<'t>(objective: &Objective, scores: impl Fn(Var<'t>) -> Var<'t>, fake: Var<'t>) -> Var<'t> {
    let (scores, sign) = (scores(fake), objective.sign.orientation());
    match objective.loss {
        Loss::Wasserstein(LossForm::Difference) => -(scores.mean() * sign),
        // The label of *real* samples: the generator opposes the critic.
        Loss::Wasserstein(LossForm::Labels) => losses::wasserstein(labels(-sign, scores), scores),
        Loss::Standard => -(scores * sign).softplus().mean(), // ln(1 − σ(D))
        Loss::NonSaturating => (scores * -sign).softplus().mean(), // −ln σ(D)
    }
}

/// A label for each of the scores `[B]`.
fn labels<'t>(label: f64, scores: Var<'t>) -> Var<'t> {
    scores.tape().scalar(label).broadcast_to(scores.shape())
}

/// The penalty of slopes `[P]`, without its weight.
#[track_caller]
fn penalty(kind: Penalty, slopes: Var<'_>) -> Var<'_> {
    match kind {
        Penalty::TwoSided => (slopes - 1.0).square().mean(),
        Penalty::OneSided => slopes.maximum(1.0).mean(),
        Penalty::Lp => (slopes - 1.0).relu().square().mean(),
    }
}

/// The critic's slopes that a penalty is taken of, one for each point: `[P]`.
#[track_caller]
fn slopes<'t>(
    slope: Slope,
    scores: impl Fn(Var<'t>) -> Var<'t>,
    [real, fake]: [Var<'t>; 2],
    mixes: Var<'t>,
) -> Var<'t> {
    let points = match slope {
        Slope::OfDifference => {
            let [first, second] = [0, 1].map(|i| interpolates(real, fake, mixes.slice(0, i..i + 1)));
            return difference_quotient(scores, first, second);
        }
        Slope::OfGradient(PenaltyPoints::Segment) => interpolates(real, fake, mixes.slice(0, 0..1)),
        Slope::OfGradient(PenaltyPoints::Real) => real,
        Slope::OfGradient(PenaltyPoints::Fake) => fake,
        Slope::OfGradient(PenaltyPoints::Both) => real.tape().concat(&[real, fake], 0),
    };
    gradient_norms(scores, points)
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

/// ‖∇D‖ at the interpolates of real and generated samples, both `[B, …]`: `[B]`.
#[track_caller]
pub fn slopes_between<'t>(scores: impl Fn(Var<'t>) -> Var<'t>, [real, fake]: [Var<'t>; 2], mix: Var<'t>) -> Var<'t> {
    gradient_norms(scores, interpolates(real, fake, mix))
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

    /// The Wasserstein objective under a constraint.
    fn under(lipschitz: Lipschitz) -> Objective {
        Objective { loss: Loss::Wasserstein(LossForm::Difference), sign: Sign::RealHigh, lipschitz }
    }

    fn terms<'t>(
        objective: &Objective,
        scores: impl Fn(Var<'t>) -> Var<'t>,
        real: Var<'t>,
        fake: Var<'t>,
        mixes: Var<'t>,
    ) -> CriticTerms<Var<'t>> {
        critic_terms(objective, Norm::None, scores, real, fake, mixes)
    }

    const DIFFERENCE: Slope = Slope::OfDifference;
    const PENALTIES: [Lipschitz; 6] = [
        Lipschitz::penalty(Penalty::TwoSided, 1.0),
        Lipschitz::penalty(Penalty::OneSided, 1.0),
        Lipschitz::penalty(Penalty::Lp, 1.0),
        Lipschitz::Penalty { kind: Penalty::TwoSided, lambda: 1.0, slope: DIFFERENCE },
        Lipschitz::Penalty { kind: Penalty::OneSided, lambda: 1.0, slope: DIFFERENCE },
        Lipschitz::Pairs { lambda: 1.0 },
    ];

    /// D(x) = Σ 2x over 4 dimensions has slope 4 everywhere, so (4 − 1)² = 9.
    #[test]
    fn a_linear_critic_has_the_known_penalties() {
        let expected = [
            (Lipschitz::penalty(Penalty::TwoSided, 1.0), 9.0),
            (Lipschitz::penalty(Penalty::Lp, 1.0), 9.0),
            (Lipschitz::penalty(Penalty::OneSided, 1.0), 4.0),
            (Lipschitz::penalty(Penalty::TwoSided, 0.5), 4.5),
            (Lipschitz::Clip { c: 0.01 }, 0.0),
            (Lipschitz::Spectral, 0.0),
            (Lipschitz::Bounded, 0.0),
            (Lipschitz::None, 0.0),
        ];
        for (lipschitz, expected) in expected {
            let tape = Tape::new();
            let real = tape.constant(&Tensor::<f64>::from_fn([3, 4], |i| i as f64));
            let fake = tape.constant(&Tensor::<f64>::from_fn([3, 4], |i| (i * i % 7) as f64));
            let mixes = tape.constant(&Tensor::<f64>::from_fn([2, 3], |i| i as f64 / 7.0));
            let terms = terms(&under(lipschitz), |x| (x * 2.0).sum_axes(&[1]), real, fake, mixes);
            assert!((terms.penalty.value().item() - expected).abs() < 1e-9, "{lipschitz:?}");
            let slope = lipschitz.lambda().map_or(0.0, |_| 4.0);
            assert!((terms.slope.value().item() - slope).abs() < 1e-9, "{lipschitz:?}");
            let (loss, gap) = (terms.loss.value().item(), terms.wasserstein.value().item());
            assert!((loss - (expected - gap)).abs() < 1e-9, "{lipschitz:?}");
        }
    }

    /// D(x) = Σ 2x over 4 dimensions changes by 24 between (0, 0, 0, 0) and (3, 3, 3, 3), which are 6 apart: (24 − 6)² = 324. Of
    /// D(x) = Σ x/4, which changes by 3, nothing is asked.
    #[test]
    fn pairs_pay_for_what_exceeds_their_distance() {
        for (factor, penalty, slope) in [(2.0, 324.0, 4.0), (0.25, 0.0, 0.5)] {
            let tape = Tape::new();
            let (real, fake) = (tape.zeros([3, 4]) + 3.0, tape.zeros([3, 4]));
            let pairs = under(Lipschitz::Pairs { lambda: 1.0 });
            let terms = terms(&pairs, |x| (x * factor).sum_axes(&[1]), real, fake, fake);
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

    /// The critic's loss does not reach the generated samples, wherever the penalty is measured; the generator's does.
    #[test]
    fn the_generator_does_not_learn_in_the_critics_update() {
        fn scores(x: Var<'_>) -> Var<'_> {
            x.square().sum_axes(&[1])
        }
        let at = |points| {
            let slope = Slope::OfGradient(points);
            Lipschitz::Penalty { kind: Penalty::TwoSided, lambda: 1.0, slope }
        };
        let elsewhere = [Lipschitz::None, at(PenaltyPoints::Fake), at(PenaltyPoints::Both)];
        for lipschitz in PENALTIES.into_iter().chain(elsewhere) {
            let objective = under(lipschitz);
            let tape = Tape::new();
            let (real, fake) = (tape.zeros([3, 2]), tape.zeros([3, 2]) + 1.0);
            let terms = terms(&objective, scores, real, fake, tape.constant(&Tensor::<f64>::full([2, 3], 0.5)));
            assert!(tape.try_grad(terms.loss, &[fake])[0].is_none(), "{lipschitz:?}");
            assert!(tape.try_grad(generator_loss(&objective, scores, fake), &[fake])[0].is_some());
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
            let terms = terms(
                &under(lipschitz),
                |x| x.matmul(weights[0]).leaky_relu(0.2).matmul(weights[1]).sum_axes(&[1]),
                pattern([3, 2], 4),
                pattern([3, 2], 6),
                mixes,
            );
            for gradient in tape.try_grad(terms.penalty, &weights) {
                let gradient = gradient.unwrap_or_else(|| panic!("{lipschitz:?}: a weight without a gradient")).value();
                assert!(gradient.data().iter().any(|x| x.abs() > 1e-3), "{lipschitz:?}: {gradient:?}");
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
            let terms = terms(
                &under(lipschitz),
                |x| x.matmul(weights).sum_axes(&[1]),
                tape.zeros([3, 2]) + 1.0,
                tape.zeros([3, 2]),
                mixes,
            );
            let gradient = tape.grad(terms.loss, &[weights])[0].value();
            assert!(gradient.data().iter().all(|x| x.is_finite()), "{lipschitz:?}: {gradient:?}");
        }
    }

    const LOSSES: [Loss; 4] = [
        Loss::Wasserstein(LossForm::Difference),
        Loss::Wasserstein(LossForm::Labels),
        Loss::Standard,
        Loss::NonSaturating,
    ];

    /// Losses of critic and generator for constant scores of real and of generated samples.
    fn losses(loss: Loss, sign: Sign, [real, fake]: [f64; 2]) -> [f64; 2] {
        let objective = Objective { loss, sign, lipschitz: Lipschitz::None };
        let tape = Tape::new();
        let [real, fake] = [real, fake].map(|x| tape.zeros([2, 1]) + x);
        let scores = |x| -> Var<'_> { Var::sum_axes(x, &[1]) };
        let critic = terms(&objective, scores, real, fake, tape.zeros([2, 2])).loss;
        [critic, generator_loss(&objective, scores, fake)].map(|loss| loss.value().item())
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
                let loss = |sign| losses(Loss::Wasserstein(form), sign, [real, fake]);
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
            let loss = |loss, scores| losses(loss, sign, scores);
            assert_near(loss(Loss::Standard, [0.0, 0.0]), [2.0 * ln2, -ln2]);
            assert_near(loss(Loss::NonSaturating, [0.0, 0.0]), [2.0 * ln2, ln2]);
            assert_near(loss(Loss::Standard, [sure, -sure]), [0.0, 0.0]);
            assert_near(loss(Loss::Standard, [-sure, sure]), [400.0, -200.0]);
            assert_near(loss(Loss::NonSaturating, [sure, -sure]), [0.0, 200.0]);
        }
    }

    /// With a discriminator that is sure of the generated samples, D = −20, the slope of ln(1 − σ(D)) is −σ(−20) ≈ −2·10⁻⁹,
    /// that of −ln σ(D) is nearly −1.
    #[test]
    fn the_saturating_loss_has_no_slope_where_the_other_has() {
        let slope = |loss| {
            let tape = Tape::new();
            let fake = tape.constant(&Tensor::<f64>::full([1, 1], -20.0));
            let objective = Objective { loss, ..under(Lipschitz::None) };
            tape.grad(generator_loss(&objective, |x| x.sum_axes(&[1]), fake), &[fake])[0].value().data()[0]
        };
        assert!((slope(Loss::Standard) + (-20f64).exp()).abs() < 1e-14);
        assert!((slope(Loss::NonSaturating) + 1.0).abs() < 1e-8);
    }

    /// D(x) = wx with real samples at 3 and generated ones at 1: what the critic's step does to the scores of generated
    /// samples the generator's step undoes, and it moves the samples towards the real ones, under every convention.
    #[test]
    fn critic_and_generator_oppose() {
        let conventions = [Sign::RealHigh, Sign::RealLow].into_iter().flat_map(|sign| LOSSES.map(|loss| (sign, loss)));
        for (sign, loss) in conventions {
            let objective = Objective { loss, sign, lipschitz: Lipschitz::None };
            let tape = Tape::new();
            let [real, fake] = [3.0, 1.0].map(|x| tape.constant(&Tensor::<f64>::full([2, 1], x)));
            let w = tape.scalar(0.0);
            let step = |fake| terms(&objective, |x| (x * w).sum_axes(&[1]), real, fake, tape.zeros([2, 2])).loss;
            let slope = |loss| tape.grad(loss, &[w])[0].value().item();
            let by_fakes = slope(step(fake)) - slope(step(fake * 0.0));
            let of_generator = slope(generator_loss(&objective, |x| (x * w).sum_axes(&[1]), fake));
            assert_eq!(by_fakes, -of_generator, "{objective:?}");

            let trained = -tape.grad(step(fake), &[w])[0]; // a step of size 1 from w = 0
            let loss = generator_loss(&objective, |x| (x * trained).sum_axes(&[1]), fake);
            let moved = -tape.grad(loss, &[fake])[0];
            assert!(moved.value().data().iter().all(|&x| x > 0.0), "{objective:?}");
        }
    }

    /// With the same D, the sign convention mirrors estimate and generator loss.
    #[test]
    fn the_sign_convention_mirrors_the_scores() {
        let tape = Tape::new();
        let [real, fake] = [3.0, 1.0].map(|x| tape.constant(&Tensor::<f64>::full([2, 1], x)));
        let mixes = tape.zeros([2, 2]);
        let value = |sign| {
            let objective = Objective { sign, ..under(Lipschitz::None) };
            let terms = terms(&objective, |x| x.sum_axes(&[1]), real, fake, mixes);
            (terms.wasserstein.value().item(), generator_loss(&objective, |x| x.sum_axes(&[1]), fake).value().item())
        };
        assert_eq!(value(Sign::RealHigh), (2.0, -1.0));
        assert_eq!(value(Sign::RealLow), (-2.0, 1.0));
    }
}
