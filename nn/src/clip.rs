//! Gradients or weights held within bounds, between the steps of an [`Optimizer`](crate::Optimizer).

use autograd::Var;

/// The Euclidean norm of all gradients taken as one vector.
///
/// # Panics
/// If there are none.
#[track_caller]
pub fn global_norm<'t>(gradients: &[Var<'t>]) -> Var<'t> {
    let squares = gradients.iter().map(|gradient| gradient.square().sum());
    squares.reduce(|sum, square| sum + square).expect("there is no gradient to take the norm of").sqrt()
}

/// The gradients, shortened together to a global norm of `max` where it is larger: `g · max / max(‖g‖, max)`
/// (Pascanu et al. 2013, algorithm 1). Their direction stays.
///
/// ```
/// use autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let gradients = [3.0, 4.0].map(|x| tape.scalar(x)); // norm 5
/// let clipped = nn::clip::by_global_norm(&gradients, 1.0);
/// assert!((clipped[0].value().item() - 0.6).abs() < 1e-12);
/// ```
#[track_caller]
pub fn by_global_norm<'t>(gradients: &[Var<'t>], max: f64) -> Vec<Var<'t>> {
    let scale = max / global_norm(gradients).maximum(max);
    gradients.iter().map(|&gradient| gradient * scale).collect()
}

/// The values, each element held within ±`max`: of gradients, or of new weights, which is how the first Wasserstein GAN
/// bounds its critic's slope (Arjovsky et al. 2017, algorithm 1, line 7).
///
/// ```
/// let tape = autograd::Tape::new();
/// let clipped = nn::clip::by_value(&[0.3, -0.004].map(|w| tape.scalar(w)), 0.01);
/// assert_eq!(clipped.iter().map(|w| w.value().item()).collect::<Vec<_>>(), [0.01, -0.004]);
/// ```
#[track_caller]
pub fn by_value<'t>(values: &[Var<'t>], max: f64) -> Vec<Var<'t>> {
    values.iter().map(|value| value.clamp(-max, max)).collect()
}
