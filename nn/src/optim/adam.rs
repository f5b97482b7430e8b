//! Adam.

use autograd::{Tensor, Var, Variable};

use super::{Optimizer, check_count, check_decay, follow, moments};

/// Adam (Kingma and Ba 2015, algorithm 1):
///
/// ```text
/// m ← β₁·m + (1 − β₁)·g          c₁ ← β₁·c₁ + (1 − β₁)
/// v ← β₂·v + (1 − β₂)·g²         c₂ ← β₂·c₂ + (1 − β₂)
/// θ ← θ − η · (m / c₁) / (√(v / c₂) + ε)
/// ```
///
/// with everything starting at 0. The paper divides m by 1 − β₁ᵗ in step t, since an average that starts at 0 is too
/// small by that factor. It is what the same average makes of the constant 1, so it is kept as one: c₁ = 1 − β₁ᵗ,
/// without a step number or a power of it.
///
/// c₁ and c₂ count the optimiser's steps: a parameter that some of its losses do not reach is corrected as if they did.
///
/// Its state is `{parameter}.exp_avg` (m), `{parameter}.exp_avg_sq` (v), and for all parameters together
/// `exp_avg_weight` (c₁) and `exp_avg_sq_weight` (c₂).
///
/// ```
/// use autograd::{Tape, Tensor, Variable};
/// use nn::{Optimizer, optim::Adam};
/// let x = Variable::new("x", Tensor::scalar(3.0));
/// let tape = Tape::new();
/// let loss = tape.variable(&x).square();
/// let new = Adam::new(vec![x]).betas(0.5, 0.9).update(loss, tape.scalar(0.1));
/// assert!((new[0].value().item() - 2.9).abs() < 1e-7); // the first step has length η
/// ```
pub struct Adam {
    parameters: Vec<Variable>,
    means: Vec<Variable>,
    squares: Vec<Variable>,
    mean_weight: Variable,
    square_weight: Variable,
    betas: [f64; 2],
    epsilon: f64,
}

impl Adam {
    /// With the paper's and PyTorch's β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    pub fn new(parameters: Vec<Variable>) -> Self {
        Adam {
            means: moments(&parameters, "exp_avg"),
            squares: moments(&parameters, "exp_avg_sq"),
            mean_weight: Variable::new("exp_avg_weight", Tensor::scalar(0.0)),
            square_weight: Variable::new("exp_avg_sq_weight", Tensor::scalar(0.0)),
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            parameters,
        }
    }

    /// With other decays; WGAN-GP takes 0.5 or 0, and 0.9.
    ///
    /// # Panics
    /// If one is not in [0, 1).
    #[track_caller]
    pub fn betas(self, mean: f64, square: f64) -> Self {
        check_decay(mean);
        check_decay(square);
        Adam { betas: [mean, square], ..self }
    }

    /// With another ε.
    pub fn epsilon(self, epsilon: f64) -> Self {
        Adam { epsilon, ..self }
    }
}

impl Optimizer for Adam {
    fn parameters(&self) -> &[Variable] {
        &self.parameters
    }

    fn state(&self) -> Vec<Variable> {
        [&self.means, &self.squares, &vec![self.mean_weight.clone(), self.square_weight.clone()]]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    #[track_caller]
    fn step_reached<'t>(&self, gradients: &[Option<Var<'t>>], learning_rate: Var<'t>) -> Vec<Option<Var<'t>>> {
        check_count(&self.parameters, gradients.len());
        let tape = learning_rate.tape();
        let [beta1, beta2] = self.betas;
        let rate = learning_rate / follow(&self.mean_weight, tape.scalar(1.0), beta1); // η / c₁
        let square_weight = follow(&self.square_weight, tape.scalar(1.0), beta2); //      c₂
        let each = self.parameters.iter().zip(self.means.iter().zip(&self.squares)).zip(gradients);
        let mut new = Vec::with_capacity(gradients.len());
        for ((parameter, (mean, square)), gradient) in each {
            let Some(gradient) = *gradient else {
                new.push(None);
                continue;
            };
            let mean = follow(mean, gradient, beta1);
            let square = follow(square, gradient.square(), beta2);
            new.push(Some(
                tape.variable(parameter) - rate * mean / ((square / square_weight).safe_sqrt() + self.epsilon),
            ));
        }
        new
    }
}
