//! Dropout.

use autograd::{Stream, Var};

use crate::{Mode, Module};

/// In training sets each element to 0 with probability p and divides the others by 1 − p (Srivastava et al. 2014); in evaluation
/// it does nothing.
///
/// What is dropped is drawn from a stream, by the program's step ([`Program::at`](autograd::Program::at)). A program draws from a
/// stream once, so each layer has its own, and a training pass through it is recorded once in each program.
///
/// ```
/// use autograd::{Stream, Tape};
/// use nn::{Mode, Module, layers::Dropout};
/// let layer = Dropout::new(0.5, Stream::new(1, "dropout"));
/// let tape = Tape::new();
/// let x = tape.zeros([1000]) + 1.0;
/// assert!(layer.forward(x, Mode::Train).value().data().iter().all(|&y| y == 0.0 || y == 2.0));
/// assert_eq!(layer.forward(x, Mode::Eval).value(), x.value());
/// ```
pub struct Dropout {
    p: f64,
    stream: Stream,
}

impl Dropout {
    /// Drops with probability `p`.
    ///
    /// # Panics
    /// If `p` is not in [0, 1).
    #[track_caller]
    pub fn new(p: f64, stream: Stream) -> Self {
        assert!((0.0..1.0).contains(&p), "dropout: a probability must be at least 0 and less than 1, not {p}");
        Dropout { p, stream }
    }
}

impl Module for Dropout {
    #[track_caller]
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        x.tape().within("Dropout", || match mode {
            Mode::Train => {
                let (tape, mut shape) = (x.tape(), x.shape().to_vec());
                shape.iter_mut().take(1).for_each(|batch| *batch *= tape.rank().count); // of which this rank has a part
                let kept = tape.uniform(self.stream, shape).own_part(0).ge(self.p);
                kept.select(x * (1.0 / (1.0 - self.p)), 0.0)
            }
            Mode::Eval => x,
        })
    }
}
