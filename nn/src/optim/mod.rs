//! Optimisers, written in operations of the tape: an update is part of the program that computes the loss.
//!
//! g is a parameter's gradient, θ the parameter, η the learning rate. The learning rate is a Var, so it can be an input
//! that changes from step to step ([`schedule`](crate::schedule)), or a constant.

mod adam;
mod adamw;
mod rmsprop;
mod sgd;

pub use adam::Adam;
pub use adamw::AdamW;
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

    /// The new values of the parameters, given the gradient of each, or None for those that stay as they are, with what is
    /// remembered of them. The state's new values are assigned here, the parameters' are not.
    fn step_reached<'t>(&self, gradients: &[Option<Var<'t>>], learning_rate: Var<'t>) -> Vec<Option<Var<'t>>>;

    /// The new values of the parameters, given one gradient for each. The state's new values are assigned here, the
    /// parameters' are not.
    ///
    /// # Panics
    /// If there is not one gradient of its shape for each parameter.
    #[track_caller]
    fn step<'t>(&self, gradients: &[Var<'t>], learning_rate: Var<'t>) -> Vec<Var<'t>> {
        let gradients: Vec<Option<Var>> = gradients.iter().copied().map(Some).collect();
        self.step_reached(&gradients, learning_rate).into_iter().flatten().collect()
    }

    /// The gradients of `loss` with respect to the parameters; None for those that it does not depend on. Among ranks the loss
    /// is each one's own, of its part of a batch, and the gradients are those of the mean of all losses.
    #[track_caller]
    fn gradients_reached<'t>(&self, loss: Var<'t>) -> Vec<Option<Var<'t>>> {
        let mut parameters = Vec::with_capacity(self.parameters().len());
        for parameter in self.parameters() {
            parameters.push(loss.tape().variable(parameter));
        }
        let mut gradients = loss.tape().try_grad(loss, &parameters);
        for gradient in gradients.iter_mut().flatten() {
            *gradient = gradient.all_mean();
        }
        gradients
    }

    /// The gradients of `loss` with respect to the parameters.
    ///
    /// # Panics
    /// If the loss does not depend on a parameter, which is then named.
    #[track_caller]
    fn gradients<'t>(&self, loss: Var<'t>) -> Vec<Var<'t>> {
        let gradients = self.gradients_reached(loss);
        let named = self.parameters().iter().zip(&gradients);
        let absent =
            named.filter(|(_, gradient)| gradient.is_none()).map(|(parameter, _)| format!("{:?}", parameter.name()));
        let absent = absent.collect::<Vec<_>>().join(", ");
        if !absent.is_empty() {
            let recorded = loss.tape().nodes()[loss.id()].location;
            loss.tape().refuse(&format!(
                "optimizer: the loss does not depend on parameter {absent}; update_reached leaves such parameters as they \
                 are (the loss is recorded at {recorded})"
            ));
        }
        gradients.into_iter().flatten().collect()
    }

    /// Gives each parameter its new value, from the end of the program on.
    ///
    /// # Panics
    /// If there is not one value of its shape for each parameter, or one is assigned in this program already.
    #[track_caller]
    fn assign<'t>(&self, values: &[Var<'t>]) -> Vec<Var<'t>> {
        check_count(self.parameters(), values.len());
        let mut assigned = Vec::with_capacity(values.len());
        for (parameter, value) in self.parameters().iter().zip(values) {
            assigned.push(value.tape().assign(parameter, *value));
        }
        assigned
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

    /// As [`update`](Optimizer::update), but parameters that the loss does not depend on stay as they are, with what is
    /// remembered of them; their places in the result are None. An energy model learns by its energy's slope, say, which the
    /// last bias does not change:
    ///
    /// ```
    /// use autograd::{Tape, Tensor, Variable};
    /// use nn::{Optimizer, optim::Adam};
    /// let [weight, bias] = ["weight", "bias"].map(|name| Variable::new(name, Tensor::scalar(1.0)));
    /// let tape = Tape::new();
    /// let x = tape.scalar(3.0);
    /// let energy = tape.variable(&weight) * x.square() + tape.variable(&bias);
    /// let loss = tape.grad(energy, &[x])[0].square(); // (2·weight·x)²
    /// let new = Adam::new(vec![weight, bias]).update_reached(loss, tape.scalar(0.1));
    /// assert!((new[0].expect("reached").value().item() - 0.9).abs() < 1e-7);
    /// assert!(new[1].is_none());
    /// ```
    ///
    /// # Panics
    /// If the loss depends on none of the parameters, or one is assigned in this program already.
    #[track_caller]
    fn update_reached<'t>(&self, loss: Var<'t>, learning_rate: Var<'t>) -> Vec<Option<Var<'t>>> {
        let gradients = self.gradients_reached(loss);
        if gradients.iter().all(Option::is_none) {
            let recorded = loss.tape().nodes()[loss.id()].location;
            loss.tape().refuse(&format!("optimizer: the loss, recorded at {recorded}, depends on no parameter"));
        }
        let new = self.step_reached(&gradients, learning_rate);
        for (parameter, value) in self.parameters().iter().zip(&new) {
            if let Some(value) = value {
                value.tape().assign(parameter, *value);
            }
        }
        new
    }
}

/// As many values or gradients as parameters.
#[track_caller]
fn check_count(parameters: &[Variable], given: usize) {
    let needed = parameters.len();
    assert!(given == needed, "optimizer: {needed} parameters need as many gradients or values, not {given}");
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
