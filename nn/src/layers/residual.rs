//! Residual connections.

use autograd::Var;

use crate::{Mode, Module};

/// The sum of a branch and a shortcut around it (He et al. 2016): `shortcut(x) + branch(x)`, of equal shapes. A branch that keeps
/// the shape of `x` has the identity for its shortcut, an empty [`Sequential`](crate::Sequential).
///
/// ```
/// use autograd::{Tape, Tensor, ops::Conv};
/// use nn::layers::{Activation, Conv2d, Residual};
/// use nn::{Init, Mode, Module, Rng, Sequential};
/// let rng = &mut Rng::new(0, "weights");
/// let branch = Sequential::new()
///     .add(Activation::Relu)
///     .add(Conv2d::new("0.branch.1", 64, 64, 3, Conv::square(1, 1), Init::Zeros, rng));
/// let block = Residual::new(branch, Sequential::new());
/// let tape = Tape::new();
/// let x = tape.constant(&Tensor::<f32>::full([1, 64, 8, 8], 2.0));
/// assert_eq!(block.forward(x, Mode::Eval).value(), x.value()); // a branch of zeros adds nothing
/// ```
pub struct Residual {
    branch: Box<dyn Module>,
    shortcut: Box<dyn Module>,
}

impl Residual {
    /// The sum of these two.
    pub fn new(branch: impl Module + 'static, shortcut: impl Module + 'static) -> Self {
        Residual { branch: Box::new(branch), shortcut: Box::new(shortcut) }
    }
}

impl Module for Residual {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        x.tape().within("Residual", || {
            let (branch, shortcut) = (self.branch.forward(x, mode), self.shortcut.forward(x, mode));
            if branch.shape() != shortcut.shape() {
                let (branch, shortcut) = (branch.shape(), shortcut.shape());
                x.tape().refuse(&format!("the branch makes {branch} of {}, the shortcut {shortcut}", x.shape()));
            }
            shortcut + branch
        })
    }

    fn children(&self) -> Vec<&dyn Module> {
        vec![&*self.branch, &*self.shortcut]
    }
}
