//! Pooling: what windows of images see, as one number each.

use autograd::Var;
use autograd::ops::Conv;

use crate::{Mode, Module};

/// Pooling of images: `[B, C, H, W]` → `[B, C, H', W']` with H' = ⌊(H + 2·padding − kernel) / stride⌋ + 1.
///
/// ```
/// use autograd::{Tape, ops::Conv};
/// use nn::{Mode, Module, layers::Pool2d};
/// let tape = Tape::new();
/// let images = tape.zeros([50, 64, 28, 28]);
/// let halved = Pool2d::Max { kernel: [2, 2], conv: Conv::square(2, 0) }.forward(images, Mode::Eval);
/// assert_eq!(halved.shape(), [50, 64, 14, 14].into());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool2d {
    /// The largest value in each window.
    Max {
        /// Extents of a window.
        kernel: [usize; 2],
        /// Stride and padding.
        conv: Conv,
    },
    /// The mean of each window, zeros of the padding counted.
    Avg {
        /// Extents of a window.
        kernel: [usize; 2],
        /// Stride and padding.
        conv: Conv,
    },
}

impl Module for Pool2d {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x.tape().within("Pool2d", || match *self {
            Pool2d::Max { kernel, conv } => x.max_pool2d(kernel, conv),
            Pool2d::Avg { kernel, conv } => x.avg_pool2d(kernel, conv),
        })
    }
}
