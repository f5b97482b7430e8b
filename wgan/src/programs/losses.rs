//! The numbers that an iteration ends with.

use autograd::Pending;

use crate::Result;
use crate::objective::CriticTerms;

/// The scalars of an iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Those of the critic's last update.
    pub critic: CriticTerms<f32>,
    /// What the generator minimises.
    pub generator: f32,
}

impl Losses {
    /// Whether all of them are finite.
    pub fn are_finite(&self) -> bool {
        self.generator.is_finite() && self.critic.into_array().iter().all(|x| x.is_finite())
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
        let mut critic = CriticTerms::from_array(scalars(self.critic)?);
        if let Some(measured) = self.slope {
            [critic.slope] = scalars(measured)?;
        }
        let [generator] = scalars(self.generator)?;
        Ok(Losses { critic, generator })
    }
}

/// The values of a program whose results are scalars.
pub fn scalars<const N: usize>(pending: Pending) -> Result<[f32; N]> {
    let values = pending.wait()?;
    Ok(std::array::from_fn(|i| values[i].item()))
}
