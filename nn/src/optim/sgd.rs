//! Stochastic gradient descent.

use autograd::{Var, Variable};

use super::{Optimizer, check_count, check_decay, moments};

/// Gradient descent, with momentum if asked for, as PyTorch writes it:
///
/// ```text
/// b ← μ·b + g + λ·θ
/// θ ← θ − η·b
/// ```
///
/// (The gradient enters with weight 1, not 1 − μ, and the learning rate is applied when b is used, not when it is
/// stored: a change of η acts at once. Without momentum b is g + λ·θ, and λ is 0 if not set.)
///
/// ```
/// use autograd::{Tape, Tensor, Variable};
/// use nn::{Optimizer, optim::Sgd};
/// let x = Variable::new("x", Tensor::scalar(3.0));
/// let tape = Tape::new();
/// let loss = tape.variable(&x).square(); // slope 6
/// let new = Sgd::new(vec![x]).update(loss, tape.scalar(0.5));
/// assert_eq!(new[0].value().item(), 0.0);
/// ```
pub struct Sgd {
    parameters: Vec<Variable>,
    momentum: Option<Momentum>,
    weight_decay: f64,
}

struct Momentum {
    decay: f64,
    buffers: Vec<Variable>,
}

impl Sgd {
    /// Without momentum.
    pub fn new(parameters: Vec<Variable>) -> Self {
        Sgd { parameters, momentum: None, weight_decay: 0.0 }
    }

    /// With momentum μ, whose state is `{parameter}.momentum_buffer`.
    ///
    /// # Panics
    /// If μ is not in [0, 1).
    #[track_caller]
    pub fn momentum(self, decay: f64) -> Self {
        check_decay(decay);
        let buffers = moments(&self.parameters, "momentum_buffer");
        Sgd { momentum: Some(Momentum { decay, buffers }), ..self }
    }

    /// With weight decay λ, which is the slope of ½λθ² in the loss.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Sgd { weight_decay, ..self }
    }
}

impl Optimizer for Sgd {
    fn parameters(&self) -> &[Variable] {
        &self.parameters
    }

    fn state(&self) -> Vec<Variable> {
        self.momentum.iter().flat_map(|momentum| momentum.buffers.clone()).collect()
    }

    #[track_caller]
    fn step_reached<'t>(&self, gradients: &[Option<Var<'t>>], learning_rate: Var<'t>) -> Vec<Option<Var<'t>>> {
        check_count(&self.parameters, gradients.len());
        let tape = learning_rate.tape();
        let mut directions = gradients.to_vec();
        if self.weight_decay != 0.0 {
            for (direction, parameter) in directions.iter_mut().zip(&self.parameters) {
                if let Some(gradient) = *direction {
                    *direction = Some(gradient + tape.variable(parameter) * self.weight_decay);
                }
            }
        }
        if let Some(momentum) = &self.momentum {
            directions = momentum.follow(&directions);
        }
        let mut new = Vec::with_capacity(gradients.len());
        for (parameter, direction) in self.parameters.iter().zip(directions) {
            let Some(direction) = direction else {
                new.push(None);
                continue;
            };
            new.push(Some(tape.variable(parameter) - learning_rate * direction));
        }
        new
    }
}

impl Momentum {
    /// b ← μ·b + g.
    #[track_caller]
    fn follow<'t>(&self, gradients: &[Option<Var<'t>>]) -> Vec<Option<Var<'t>>> {
        let mut new = Vec::with_capacity(gradients.len());
        for (buffer, gradient) in self.buffers.iter().zip(gradients) {
            let Some(gradient) = *gradient else {
                new.push(None);
                continue;
            };
            let tape = gradient.tape();
            new.push(Some(tape.assign(buffer, tape.variable(buffer) * self.decay + gradient)));
        }
        new
    }
}
