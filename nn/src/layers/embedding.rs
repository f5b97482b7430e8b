//! Embeddings: a vector for each of a number of things.

use autograd::{Shape, Var, Variable};

use super::part;
use super::spectral::Weight;
use crate::{Init, Mode, Module, Rng};

/// The rows of `weight` `[count, features]` that whole numbers name: `[…]` → `[…, features]`. A number that is no row gives NaN.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Init, Mode, Module, Rng, layers::Embedding};
/// let layer = Embedding::new("0", 100, 16, Init::Normal { std: 1.0 }, &mut Rng::new(0, "weights"));
/// let tape = Tape::new();
/// let characters = tape.constant(&Tensor::new([2, 3], vec![7.0, 0.0, 99.0, 1.0, 1.0, 5.0])?);
/// assert_eq!(layer.forward(characters, Mode::Train).shape(), [2, 3, 16].into());
/// # Ok::<(), autograd::Error>(())
/// ```
pub struct Embedding(Weight);

impl Embedding {
    /// A layer for `count` things, whose Variable is `{name}.weight`. PyTorch's starts as [`Init::Normal`] with deviation 1.
    #[track_caller]
    pub fn new(name: &str, count: usize, features: usize, init: Init, rng: &mut Rng) -> Self {
        let weight = init.weight(&[count, features].into(), rng);
        Embedding(Weight::plain(Variable::new(format!("{name}.weight"), weight)))
    }

    /// The layer with its weight divided by its largest singular value (arXiv 1802.05957), so that no row is longer than 1; see
    /// [`Linear::spectral`](super::Linear::spectral).
    #[track_caller]
    pub fn spectral(self, rng: &mut Rng) -> Self {
        Embedding(self.0.spectral(rng))
    }
}

impl Module for Embedding {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        x.tape().within(&part("Embedding", &self.0.variable()), || {
            let weight = self.0.read(x.tape(), mode);
            let rows = weight.gather_rows(x.reshape([x.shape().count()]));
            rows.reshape(Shape::from([&x.shape()[..], &weight.shape()[1..]].concat()))
        })
    }

    fn parameters(&self) -> Vec<Variable> {
        vec![self.0.variable()]
    }

    fn buffers(&self) -> Vec<Variable> {
        self.0.buffers()
    }
}
