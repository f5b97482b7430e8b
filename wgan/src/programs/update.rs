//! What an update records.

use autograd::{Var, Variable};
use nn::optim::{Adam, Epsilon, RmsProp, Sgd};
use nn::{Optimizer, clip};

use crate::config::{Config, Lipschitz, Optimizer as Rule};
use crate::models::Critic;
use crate::objective::{CriticTerms, critic_terms};

/// The rule that `config` names.
pub fn optimizer(config: &Config, parameters: Vec<Variable>) -> Box<dyn Optimizer> {
    match config.optimizer {
        Rule::Adam => Box::new(Adam::new(parameters).betas(config.beta1, config.beta2).epsilon(config.epsilon)),
        Rule::Rmsprop => {
            Box::new(RmsProp::new(parameters).alpha(config.decay).epsilon(Epsilon::OutsideRoot(config.epsilon)))
        }
        Rule::Sgd if config.momentum == 0.0 => Box::new(Sgd::new(parameters)),
        Rule::Sgd => Box::new(Sgd::new(parameters).momentum(config.momentum)),
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

/// Records an update of the critic on a batch of real and one of generated samples; see [`critic_terms`].
#[track_caller]
pub fn update_critic<'t>(
    config: &Config,
    critic: &Critic,
    rule: &dyn Optimizer,
    real: Var<'t>,
    fake: Var<'t>,
    mixes: Var<'t>,
) -> CriticTerms<Var<'t>> {
    let terms = critic_terms(config, |x| critic.training_scores(x), real, fake, mixes);
    let mut weights = rule.step(&rule.gradients(terms.loss), real.tape().scalar(config.lr));
    if config.lipschitz == Lipschitz::Clip {
        weights = clip::by_value(&weights, config.clip); // after the update (arXiv 1701.07875, algorithm 1)
    }
    rule.assign(&weights);
    terms
}
