//! Why a training is no longer finite.

use autograd::Tensor;

use super::ranks::{Word, first_non_finite, share_weights, tell};
use super::{Training, device_among, load};
use crate::game::Programs;
use crate::machine::interrupt;
use crate::run::State;
use crate::run::metadata::Metadata;
use crate::run::progress::Progress;
use crate::run::warnings::Warning;
use crate::{Error, Result};

/// Weights and averages of a training that can go on are smaller by far.
const IMPROBABLE: f32 = 1e15;

impl Training<'_> {
    /// What to say of a training that is no longer finite at this step, and what to do.
    pub(super) fn explain_non_finite(&mut self, step: u64, progress: &Progress) -> Result<Error> {
        let text = "no longer finite; looking for the first operation that is not".to_owned();
        self.report(State::Failed(format!("the training is no longer finite at step {step}")))?;
        progress.warn(&Warning { step, text });
        interrupt::leave_steps(); // nothing more is written, so nobody need wait for the end of the search
        let saved = self.return_to_checkpoint()?;
        tell(&**self.ranks, &Word::Search { saved, step })?;
        share_weights(&**self.ranks, &self.programs)?;
        let is_improbable = |values: &Tensor| values.data().iter().any(|x| x.abs() > IMPROBABLE);
        let improbable = self.programs.checkpoint().values()?.iter().any(is_improbable);
        let cause = first_non_finite(&**self.ranks, &mut self.programs, &mut self.batches, saved, step)?;
        let kept = match saved {
            0 => "no checkpoint was written before".to_owned(),
            _ => format!("the checkpoint of step {saved} is kept"),
        };
        let checkpoint_is_to_blame = self.done > 0 && self.done == saved && (step == saved + 1 || improbable);
        let advice = if checkpoint_is_to_blame {
            let checkpoint = self.folder.checkpoint();
            format!("the numbers in {} lead there: take a copy of it, or start anew", checkpoint.display())
        } else {
            "try a smaller --lr or a stronger constraint".to_owned()
        };
        Ok(Error::NotFinite(format!("the training is no longer finite at step {step}: {cause}; {kept}; {advice}")))
    }

    /// Sets the networks back to the last checkpoint, or to their first weights; the step at which they are then.
    fn return_to_checkpoint(&mut self) -> Result<u64> {
        let checkpoint = self.folder.checkpoint();
        self.programs = Programs::compile(&self.config.game, self.data, &device_among(&self.device, self.ranks))?;
        if !checkpoint.is_file() {
            return Ok(0);
        }
        let Metadata { step, .. } = Metadata::read(&checkpoint)?;
        load(&self.programs, &checkpoint)?;
        Ok(step)
    }
}
