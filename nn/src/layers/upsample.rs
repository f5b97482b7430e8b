//! Upsampling: images made larger.

use autograd::Var;

use crate::{Mode, Module};

/// Repeats every pixel of images in both directions, so many times each: `[B, C, H, W]` → `[B, C, factor·H, factor·W]`. PyTorch's
/// `Upsample` with the mode `nearest`.
///
/// ```
/// use autograd::{Tape, Tensor};
/// use nn::{Mode, Module, layers::Upsample};
/// let tape = Tape::new();
/// let row = tape.constant(&Tensor::new([1, 1, 1, 2], vec![3.0, 7.0])?);
/// let doubled = Upsample::new(2).forward(row, Mode::Eval).value();
/// assert_eq!(doubled.data(), [3.0, 3.0, 7.0, 7.0, 3.0, 3.0, 7.0, 7.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsample(usize);

impl Upsample {
    /// A layer that makes height and width so many times as large.
    pub fn new(factor: usize) -> Self {
        Upsample(factor)
    }
}

impl Module for Upsample {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        let (tape, shape, factor) = (x.tape(), x.shape(), self.0);
        tape.within("Upsample", || {
            let &[b, c, h, w] = &*shape else {
                tape.refuse(&format!("images [B, C, H, W] are needed, not {shape}"));
            };
            let repeated = x.reshape([b, c, h, 1, w, 1]).broadcast_to([b, c, h, factor, w, factor]);
            repeated.reshape([b, c, h * factor, w * factor])
        })
    }
}
