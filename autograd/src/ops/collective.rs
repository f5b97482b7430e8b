//! What ranks compute together.

use super::{Op, Operation};
use crate::tape::Var;
use crate::{Rank, Shape, Tensor};

/// The mean over all ranks that run the program. The interpreter knows one rank alone, whose own mean a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AllMean;

impl Operation for AllMean {
    fn name(&self) -> &'static str {
        "all_mean"
    }

    identity! {}

    /// What all ranks minimise together is the sum of their losses L_s. With y = Σ_r x_r / N on every rank, x_r has the gradient
    /// Σ_s ∂L_s/∂y / N: the mean of the ranks' own.
    fn vjp<'t>(&self, _: usize, g: Var<'t>, _: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g.all_mean()
    }
}

impl<'t> Var<'t> {
    /// The mean over all ranks of the [communicator](crate::Communicator) that the program's device has; the value itself if there
    /// is one rank alone. A mean over a batch of which each rank has as many rows is the mean of the ranks' means:
    ///
    /// ```
    /// # use autograd::{Device, Tensor};
    /// # let device = Device::cpu();
    /// let mut mean = device.compile(|tape| {
    ///     let rows = device.rank().part(4); // this rank's
    ///     [tape.input("batch", [rows.len()]).mean().all_mean()]
    /// })?;
    /// # let batch = Tensor::new([4], vec![1.0, 2.0, 3.0, 4.0])?;
    /// # assert_eq!(mean.run(&[("batch", &batch)])?[0].item(), 2.5);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// Whatever is differentiated is the sum of all ranks' losses: the gradient of a loss that was averaged, with respect to a
    /// weight that every rank has, is one rank's share of it, and its `all_mean` is the whole.
    #[track_caller]
    pub fn all_mean(self) -> Var<'t> {
        self.tape().record(Op::AllMean(AllMean), &[self])
    }

    /// The part along an axis that is this rank's, of a value that each rank has as a whole: so ranks draw the random numbers that
    /// one alone would.
    ///
    /// ```
    /// # use autograd::{Device, Stream};
    /// # let device = Device::cpu();
    /// let mut noise = device.compile(|tape| [tape.normal(Stream::new(0, "noise"), [64, 2]).own_part(0)])?;
    /// # assert_eq!(noise.run(&[])?[0].shape()[..], [64, 2]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the axis cannot be shared equally.
    #[track_caller]
    pub fn own_part(self, axis: usize) -> Var<'t> {
        match self.tape().rank() {
            Rank::ALONE => self,
            rank => self.slice(axis, rank.part(self.shape()[axis])),
        }
    }
}
