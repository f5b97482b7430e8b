//! AdamW.

use autograd::{Var, Variable};

use super::{Adam, Optimizer};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): beside Adam's step, each parameter is drawn
/// towards 0 by η·λ times itself,
///
/// ```text
/// θ ← θ − η·λ·θ − η · (m / c₁) / (√(v / c₂) + ε)
/// ```
///
/// so that the decay is not divided by the gradients' magnitude, as a term ½λθ² of the loss would be. Its state is
/// [`Adam`]'s.
///
/// ```
/// use autograd::{Tape, Tensor, Variable};
/// use nn::{Optimizer, optim::{Adam, AdamW}};
/// let x = Variable::new("x", Tensor::scalar(3.0));
/// let tape = Tape::new();
/// let loss = tape.variable(&x).square();
/// let new = AdamW::new(Adam::new(vec![x]), 0.5).update(loss, tape.scalar(0.1));
/// assert!((new[0].value().item() - (3.0 - 0.1 * 0.5 * 3.0 - 0.1)).abs() < 1e-6);
/// ```
pub struct AdamW {
    adam: Adam,
    weight_decay: f64,
}

impl AdamW {
    /// With the decay λ; PyTorch's is 0.01.
    pub fn new(adam: Adam, weight_decay: f64) -> Self {
        AdamW { adam, weight_decay }
    }
}

impl Optimizer for AdamW {
    fn parameters(&self) -> &[Variable] {
        self.adam.parameters()
    }

    fn state(&self) -> Vec<Variable> {
        self.adam.state()
    }

    #[track_caller]
    fn step_reached<'t>(&self, gradients: &[Option<Var<'t>>], learning_rate: Var<'t>) -> Vec<Option<Var<'t>>> {
        let mut new = self.adam.step_reached(gradients, learning_rate);
        for (value, parameter) in new.iter_mut().zip(self.parameters()) {
            if let Some(stepped) = *value {
                let decay = learning_rate * self.weight_decay * stepped.tape().variable(parameter);
                *value = Some(stepped - decay);
            }
        }
        new
    }
}
