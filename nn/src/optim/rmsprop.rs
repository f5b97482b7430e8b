//! RMSProp.

use autograd::{Var, Variable};

use super::{Optimizer, check_count, check_decay, follow, moments};

/// RMSProp (Tieleman and Hinton 2012, lecture 6e): each element's gradient is divided by its recent magnitude,
///
/// ```text
/// v ← α·v + (1 − α)·g²
/// θ ← θ − η · g / (√v + ε)      or      θ ← θ − η · g / √(v + ε)
/// ```
///
/// with v starting at 0. The first WGAN trained with it at η = 5·10⁻⁵. Its state is `{parameter}.square_avg`.
///
/// ```
/// use autograd::{Tape, Tensor, Variable};
/// use nn::{Optimizer, optim::RmsProp};
/// let x = Variable::new("x", Tensor::scalar(3.0));
/// let tape = Tape::new();
/// let loss = tape.variable(&x).square(); // slope 6, v = 0.01·36
/// let new = RmsProp::new(vec![x]).update(loss, tape.scalar(0.1));
/// assert!((new[0].value().item() - 2.0).abs() < 1e-7); // 3 − 0.1·6/0.6
/// ```
pub struct RmsProp {
    parameters: Vec<Variable>,
    squares: Vec<Variable>,
    alpha: f64,
    epsilon: Epsilon,
}

/// Where ε goes. The same number means different things: at v = 0, 10⁻⁸ outside the root bounds the divisor by 10⁻⁸,
/// inside it by 10⁻⁴.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Epsilon {
    /// g / (√v + ε): PyTorch and Keras 2.
    OutsideRoot(f64),
    /// g / √(v + ε): TensorFlow 1 (which also starts v at 1) and Keras 3.
    InsideRoot(f64),
}

impl Epsilon {
    /// The root mean square by which gradients are divided.
    #[track_caller]
    fn root(self, square: Var) -> Var {
        match self {
            Epsilon::OutsideRoot(epsilon) => square.safe_sqrt() + epsilon,
            Epsilon::InsideRoot(epsilon) => (square + epsilon).sqrt(),
        }
    }
}

impl RmsProp {
    /// With PyTorch's α = 0.99 and ε = 10⁻⁸ outside the root.
    pub fn new(parameters: Vec<Variable>) -> Self {
        let squares = moments(&parameters, "square_avg");
        RmsProp { parameters, squares, alpha: 0.99, epsilon: Epsilon::OutsideRoot(1e-8) }
    }

    /// With another decay α of the mean square.
    ///
    /// # Panics
    /// If it is not in [0, 1).
    #[track_caller]
    pub fn alpha(self, alpha: f64) -> Self {
        check_decay(alpha);
        RmsProp { alpha, ..self }
    }

    /// With another ε, or in the other place.
    pub fn epsilon(self, epsilon: Epsilon) -> Self {
        RmsProp { epsilon, ..self }
    }
}

impl Optimizer for RmsProp {
    fn parameters(&self) -> &[Variable] {
        &self.parameters
    }

    fn state(&self) -> Vec<Variable> {
        self.squares.clone()
    }

    #[track_caller]
    fn step_reached<'t>(&self, gradients: &[Option<Var<'t>>], learning_rate: Var<'t>) -> Vec<Option<Var<'t>>> {
        check_count(&self.parameters, gradients.len());
        let tape = learning_rate.tape();
        let each = self.parameters.iter().zip(&self.squares).zip(gradients);
        let mut new = Vec::with_capacity(gradients.len());
        for ((parameter, square), gradient) in each {
            let Some(gradient) = *gradient else {
                new.push(None);
                continue;
            };
            let square = follow(square, gradient.square(), self.alpha);
            new.push(Some(tape.variable(parameter) - learning_rate * gradient / self.epsilon.root(square)));
        }
        new
    }
}
