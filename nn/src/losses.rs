//! Losses: scalars to be made small. Each is a mean over the batch. (What a GAN's critic and generator minimise is made of
//! these and of penalties in `wgan/src/game/objective.rs`.)

use autograd::Var;

/// Mean squared error: the mean of `(prediction − target)²` over all elements.
///
/// ```
/// use autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let vector = |values: [f64; 2]| tape.constant(&Tensor::new([2], values.to_vec()).expect("two elements"));
/// let loss = nn::losses::mse(vector([1.0, 5.0]), vector([1.0, 2.0]));
/// assert_eq!(loss.value().item(), 4.5); // (0² + 3²) / 2
/// ```
///
/// # Panics
/// If the shapes differ: `[B, 1]` against `[B]` would broadcast to `[B, B]` and train something else.
#[track_caller]
pub fn mse<'t>(prediction: Var<'t>, target: Var<'t>) -> Var<'t> {
    same_shape("mse", prediction, target);
    (prediction - target).square().mean()
}

/// Binary cross-entropy of `sigmoid(logit)` against targets in [0, 1], averaged over all elements:
/// `−t·ln σ(x) − (1 − t)·ln(1 − σ(x)) = t·softplus(−x) + (1 − t)·softplus(x)`, which overflows nowhere and keeps its digits
/// where it is small. A target of 0 or 1 leaves one term: the other one counts as nothing, even if it is infinite.
///
/// The standard GAN's losses are this one (Goodfellow et al. 2014, eq. 1), with targets 1 for real and 0 for fake.
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn binary_cross_entropy<'t>(logits: Var<'t>, targets: Var<'t>) -> Var<'t> {
    same_shape("binary cross-entropy", logits, targets);
    (weighted(targets, (-logits).softplus()) + weighted(1.0 - targets, logits.softplus())).mean()
}

/// Cross-entropy of `softmax(logits)`, `[B, classes]`, against targets: the mean over the batch of `−Σ t·ln softmax(x)`. As in
/// PyTorch, targets are class numbers `[B]` or distributions `[B, classes]`. A class of probability 0 is no term of the sum,
/// so that its logit may be −∞. A number that is no class gives NaN.
///
/// ```
/// use autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let logits = tape.zeros([2, 4]); // knows nothing
/// let classes = tape.constant(&Tensor::new([2], vec![3.0, 0.0])?);
/// let loss = nn::losses::cross_entropy(logits, classes);
/// assert!((loss.value().item() - 4f64.ln()).abs() < 1e-12);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Panics
/// If the logits are no matrix, or the targets have neither of the two shapes.
#[track_caller]
pub fn cross_entropy<'t>(logits: Var<'t>, targets: Var<'t>) -> Var<'t> {
    let tape = logits.tape();
    let &[batch, classes] = &*logits.shape() else {
        tape.refuse(&format!("cross-entropy: needs logits [B, classes], not {}", logits.shape()));
    };
    let targets = if *targets.shape() == [batch] { targets.one_hot(classes) } else { targets };
    if targets.shape() != logits.shape() {
        let (logits, targets) = (logits.shape(), targets.shape());
        tape.refuse(&format!("cross-entropy: for logits {logits}, targets are [{batch}] or {logits}, not {targets}"));
    }
    weighted(targets, -logits.log_softmax(1)).sum_axes(&[1]).mean()
}

/// `weight · term`, or 0 where the weight is 0 and the term is not finite: what has no weight is no term.
#[track_caller]
fn weighted<'t>(weight: Var<'t>, term: Var<'t>) -> Var<'t> {
    let counts = weight.ne(0.0).maximum(term.abs().lt(f64::INFINITY));
    counts.select(weight * term, 0.0)
}

/// The Wasserstein loss in its label form, `mean(label · score)`, labels ±1. Making it small raises scores labelled −1
/// and lowers scores labelled +1. The critic takes one label for real samples and the other for fakes, either way
/// round; the generator takes the real one for its fakes.
///
/// ```
/// use autograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let vector = |values: [f64; 2]| tape.constant(&Tensor::new([2], values.to_vec()).expect("two elements"));
/// let real = nn::losses::wasserstein(vector([1.0; 2]), vector([10.0, 30.0])); //    labelled 1: mean score 20
/// let fake = nn::losses::wasserstein(vector([-1.0; 2]), vector([40.0, 60.0])); //   labelled −1: mean score 50
/// assert_eq!((real + fake).value().item(), -30.0); //                              what the critic makes small
/// ```
///
/// # Panics
/// If the shapes differ.
#[track_caller]
pub fn wasserstein<'t>(labels: Var<'t>, scores: Var<'t>) -> Var<'t> {
    same_shape("wasserstein", labels, scores);
    (labels * scores).mean()
}

#[track_caller]
fn same_shape(loss: &str, a: Var, b: Var) {
    if a.shape() != b.shape() {
        a.tape().refuse(&format!("{loss}: the shapes {} and {} differ", a.shape(), b.shape()));
    }
}
