//! The numbers that an iteration ends with.

use autograd::Pending;

use crate::Result;

/// The scalars of an iteration, those of the critic from its last update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// What the critic minimises.
    pub critic: f32,
    /// The estimate of the distance.
    pub wasserstein: f32,
    /// The penalty with its weight.
    pub penalty: f32,
    /// The critic's mean slope at the penalty's points.
    pub slope: f32,
    /// What the generator minimises.
    pub generator: f32,
}

impl Losses {
    /// Whether all of them are finite.
    pub fn are_finite(&self) -> bool {
        let Losses { critic, wasserstein, penalty, slope, generator } = *self;
        [critic, wasserstein, penalty, slope, generator].iter().all(|x| x.is_finite())
    }
}

/// The scalars of an iteration that the device may still be computing.
pub struct PendingLosses {
    pub(super) critic: Pending,
    /// Where the critic's update does not measure it.
    pub(super) slope: Option<Pending>,
    pub(super) generator: Pending,
}

impl PendingLosses {
    /// Waits for them.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wait(self) -> Result<Losses> {
        let [critic, wasserstein, penalty, slope] = scalars(self.critic)?;
        let slope = match self.slope {
            Some(measured) => scalars::<1>(measured)?[0],
            None => slope,
        };
        let [generator] = scalars(self.generator)?;
        Ok(Losses { critic, wasserstein, penalty, slope, generator })
    }
}

/// The values of a program whose results are scalars.
pub fn scalars<const N: usize>(pending: Pending) -> Result<[f32; N]> {
    let values = pending.wait()?;
    Ok(std::array::from_fn(|i| values[i].item()))
}
