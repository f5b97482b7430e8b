//! Gradients or weights held within bounds, between the steps of an [`Optimizer`](crate::Optimizer).

use autograd::Var;

/// The Euclidean norm of all gradients taken as one vector. Where it is 0, so is its slope.
///
/// # Panics
/// If there are none.
#[track_caller]
pub fn global_norm<'t>(gradients: &[Var<'t>]) -> Var<'t> {
    let Some((first, others)) = gradients.split_first() else { panic!("there is no gradient to take the norm of") };
    let mut sum = first.square().sum();
    for gradient in others {
        sum = sum + gradient.square().sum(); // not in a closure, where the caller's line would be lost
    }
    sum.safe_sqrt()
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
///
/// # Panics
/// If there are no gradients, or `max` is not positive.
#[track_caller]
pub fn by_global_norm<'t>(gradients: &[Var<'t>], max: f64) -> Vec<Var<'t>> {
    assert!(max > 0.0, "clip: the largest norm must be positive, not {max}");
    let scale = max / global_norm(gradients).maximum(max);
    let mut clipped = Vec::with_capacity(gradients.len());
    for &gradient in gradients {
        clipped.push(gradient * scale);
    }
    clipped
}

/// The values, each element held within ±`max`: of gradients, or of new weights, which is how the first Wasserstein GAN
/// bounds its critic's slope (Arjovsky et al. 2017, algorithm 1, line 7).
///
/// ```
/// let tape = autograd::Tape::new();
/// let clipped = nn::clip::by_value(&[0.3, -0.004].map(|w| tape.scalar(w)), 0.01);
/// assert_eq!(clipped.iter().map(|w| w.value().item()).collect::<Vec<_>>(), [0.01, -0.004]);
/// ```
///
/// # Panics
/// If `max` is negative.
#[track_caller]
pub fn by_value<'t>(values: &[Var<'t>], max: f64) -> Vec<Var<'t>> {
    assert!(max >= 0.0, "clip: values cannot be held within ±{max}");
    let mut clipped = Vec::with_capacity(values.len());
    for value in values {
        clipped.push(value.clamp(-max, max));
    }
    clipped
}
