//! Optimisers, written in operations of the tape: an update is part of the program that computes the loss.
//!
//! g is a parameter's gradient, θ the parameter, η the learning rate. The learning rate is a Var, so it can be an input
//! that changes from step to step, or a constant.

mod adam;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use rmsprop::{Epsilon, RmsProp};
pub use sgd::Sgd;

use autograd::{Tensor, Var, Variable};

/// A rule that improves parameters by their gradients. It is made for certain parameters and keeps its state, moving
/// averages named as PyTorch names them (`0.weight.exp_avg`), in Variables.
///
/// [`update`](Optimizer::update) is all that most programs need. It is made of three steps, between which gradients can
/// be clipped, and new parameters projected or averaged:
///
/// ```
/// # use autograd::Tape;
/// # use nn::{Init, Mode, Module, Rng, layers::Linear, Optimizer, optim::RmsProp};
/// # let critic = Linear::new("0", 2, 1, Init::FanIn, &mut Rng::new(1, "critic"));
/// # let rmsprop = RmsProp::new(critic.parameters());
/// # let tape = Tape::new();
/// # let loss = critic.forward(tape.input("x", [4, 2]), Mode::Train).mean();
/// let gradients = nn::clip::by_global_norm(&rmsprop.gradients(loss), 1.0);
/// let weights = rmsprop.step(&gradients, tape.scalar(5e-5));
/// rmsprop.assign(&nn::clip::by_value(&weights, 0.01)); // weight clipping comes after the update
/// ```
pub trait Optimizer {
    /// The parameters it improves.
    fn parameters(&self) -> &[Variable];

    /// What it remembers from step to step, to be saved with the parameters.
    fn state(&self) -> Vec<Variable>;

    /// The new values of the parameters, given one gradient for each. The state's new values are assigned here, the
    /// parameters' are not.
    fn step<'t>(&self, gradients: &[Var<'t>], learning_rate: Var<'t>) -> Vec<Var<'t>>;

    /// The gradients of `loss` with respect to the parameters.
    ///
    /// # Panics
    /// If the loss does not depend on a parameter, which is then named.
    #[track_caller]
    fn gradients<'t>(&self, loss: Var<'t>) -> Vec<Var<'t>> {
        let tape = loss.tape();
        let parameters: Vec<Var> = self.parameters().iter().map(|parameter| tape.variable(parameter)).collect();
        let gradients = tape.try_grad(loss, &parameters);
        let named = gradients.into_iter().zip(self.parameters());
        named
            .map(|(gradient, parameter)| match gradient {
                Some(gradient) => gradient,
                None => panic!("optimizer: the loss does not depend on parameter {:?}", parameter.name()),
            })
            .collect()
    }

    /// Gives each parameter its new value, from the end of the program on.
    ///
    /// # Panics
    /// If there is not one value of its shape for each parameter, or one is assigned in this program already.
    #[track_caller]
    fn assign<'t>(&self, values: &[Var<'t>]) -> Vec<Var<'t>> {
        let (given, needed) = (values.len(), self.parameters().len());
        assert!(given == needed, "optimizer: {given} values cannot be assigned to {needed} parameters");
        let named = self.parameters().iter().zip(values);
        named.map(|(parameter, value)| value.tape().assign(parameter, *value)).collect()
    }

    /// Records one whole step: the gradients of `loss`, the new parameters, and their assignment. Returns the new
    /// parameters.
    ///
    /// # Panics
    /// As [`gradients`](Optimizer::gradients) and [`assign`](Optimizer::assign).
    #[track_caller]
    fn update<'t>(&self, loss: Var<'t>, learning_rate: Var<'t>) -> Vec<Var<'t>> {
        self.assign(&self.step(&self.gradients(loss), learning_rate))
    }
}

/// One Variable of zeros for each parameter: `0.weight.exp_avg`.
fn moments(parameters: &[Variable], name: &str) -> Vec<Variable> {
    let moment = |p: &Variable| Variable::new(format!("{}.{name}", p.name()), Tensor::zeros(p.shape()));
    parameters.iter().map(moment).collect()
}

/// Moves an exponential moving average towards `value`, `average ← decay·average + (1 − decay)·value`, and returns its
/// new value.
#[track_caller]
fn follow<'t>(average: &Variable, value: Var<'t>, decay: f64) -> Var<'t> {
    let tape = value.tape();
    tape.assign(average, tape.variable(average) * decay + value * (1.0 - decay))
}

/// A decay that makes a moving average of its past.
#[track_caller]
fn check_decay(decay: f64) {
    assert!((0.0..1.0).contains(&decay), "optimizer: a decay must be at least 0 and less than 1, not {decay}");
}
