//! One update: the optimiser's rule, the critic's step, the moving average of weights.

use autograd::{Var, Variable};
use nn::optim::{Adam, Epsilon, RmsProp, Sgd};
use nn::{Mode, Optimizer, clip};

use super::Game;
use super::models::Critic;
use super::objective::{CriticTerms, Lipschitz, critic_terms};

/// The rule by which weights are updated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Steps along a running mean of the gradient, divided by a running root mean square, both corrected for their start.
    Adam {
        /// Decay of the mean.
        beta1: f64,
        /// Decay of the mean square.
        beta2: f64,
        /// What is added to the root.
        epsilon: f64,
    },
    /// Steps divided by a running root mean square of the gradient.
    RmsProp {
        /// Decay of the mean square.
        decay: f64,
        /// What is added to the root.
        epsilon: f64,
    },
    /// Plain steps against the gradient.
    Sgd {
        /// 0 for none.
        momentum: f64,
    },
}

impl Rule {
    /// The rule for these parameters.
    pub fn optimizer(&self, parameters: Vec<Variable>) -> Box<dyn Optimizer> {
        match *self {
            Rule::Adam { beta1, beta2, epsilon } => {
                Box::new(Adam::new(parameters).betas(beta1, beta2).epsilon(epsilon))
            }
            Rule::RmsProp { decay, epsilon } => {
                Box::new(RmsProp::new(parameters).alpha(decay).epsilon(Epsilon::OutsideRoot(epsilon)))
            }
            Rule::Sgd { momentum: 0.0 } => Box::new(Sgd::new(parameters)),
            Rule::Sgd { momentum } => Box::new(Sgd::new(parameters).momentum(momentum)),
        }
    }
}

/// Records θ̄ ← a·θ̄ + (1 − a)·θ for each follower θ̄ and its value θ: the players circle around their equilibrium, and the mean
/// of a circle lies nearer to it than any of its points (Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN
/// training").
#[track_caller]
pub fn follow<'t>(
    followers: impl IntoIterator<Item = Variable>,
    values: impl IntoIterator<Item = Var<'t>>,
    decay: f64,
) {
    for (follower, value) in followers.into_iter().zip(values) {
        let tape = value.tape();
        tape.assign(&follower, tape.variable(&follower) * decay + value * (1.0 - decay));
    }
}

/// Records an update of the critic on a batch of real and one of generated samples, whose pairs are of these classes `[B]` if it
/// tells them apart; see [`critic_terms`].
#[track_caller]
pub fn update_critic<'t>(
    game: &Game,
    critic: &Critic,
    rule: &dyn Optimizer,
    [real, fake]: [Var<'t>; 2],
    classes: Option<Var<'t>>,
    mixes: Var<'t>,
) -> CriticTerms<Var<'t>> {
    let (objective, norm) = (&game.objective, game.networks.critic_norm);
    let terms = critic_terms(objective, norm, critic.given(classes, Mode::Train), real, fake, mixes);
    let mut weights = rule.step(&rule.gradients(terms.loss), real.tape().scalar(game.lr));
    if let Lipschitz::Clip { c } = objective.lipschitz {
        weights = clip::by_value(&weights, c); // after the update (arXiv 1701.07875, algorithm 1)
    }
    rule.assign(&weights);
    terms
}
