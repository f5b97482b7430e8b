//! A training by several ranks. The first one leads: it decides what is done, and leaves the files. The others compute what it
//! tells them to, each on its part of every batch, and write nothing.

use std::sync::Arc;

use autograd::Error::{NonFinite, NonFiniteElsewhere};
use autograd::{Communicator, Tensor};
use serde::{Deserialize, Serialize};

use super::{device_among, prepare};
use crate::config::{Config, Options};
use crate::data::{Batches, Dataset};
use crate::game::Programs;
use crate::{Error, Result};

/// What the first rank tells the others to do.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Word {
    /// To prepare a training by these settings, a TOML file's.
    Prepare(String),
    /// To compute the iteration of this number. Before each update of one that may be left in its middle, a further word says
    /// whether it is: [`Word::GoOn`] or [`Word::Leave`].
    Iterate {
        iteration: u64,
        may_be_left: bool,
    },
    GoOn,
    Leave,
    /// To start again from the first rank's weights, those after `saved` steps, and look for what is not finite in a later step.
    Search {
        saved: u64,
        step: u64,
    },
    End,
}

/// Tells the other ranks what to do.
pub(super) fn tell(ranks: &dyn Communicator, word: &Word) -> Result<()> {
    if ranks.rank().count > 1 {
        ranks.exchange(&serde_json::to_vec(word).expect("words are JSON"))?;
    }
    Ok(())
}

/// What the first rank says.
fn hear(ranks: &dyn Communicator) -> Result<Word> {
    let said = ranks.exchange(&[])?;
    serde_json::from_slice(&said[0]).map_err(|_| Error::Ranks("the ranks are of different versions of wgan".to_owned()))
}

/// Does what the first rank says, until it says that it is done.
///
/// # Errors
/// If the data cannot be used or are not those of the first rank, the device fails, or a rank cannot be reached.
pub fn follow(ranks: &Arc<dyn Communicator>) -> Result<()> {
    let Word::Prepare(settings) = hear(&**ranks)? else { return Ok(()) };
    let options = toml::from_str::<Options>(&settings).map_err(|error| Error::Ranks(error.to_string()))?;
    let config = Config::resolve(&Options::default(), &options)?;
    let (device, data) = prepare(&config, &**ranks)?;
    let device = device_among(&device, ranks);
    let mut programs = Programs::compile(&config.game, &data, &device)?;
    let mut batches = Batches::new(data.len(), config.game.batch, config.game.seed);
    share_weights(&**ranks, &programs)?;
    loop {
        match hear(&**ranks)? {
            Word::Iterate { iteration, may_be_left } => {
                let mut go_on = |_| !may_be_left || hear(&**ranks).is_ok_and(|word| word == Word::GoOn);
                programs.start(iteration, &mut batches, &mut go_on)?;
            }
            Word::Search { saved, step } => {
                programs = Programs::compile(&config.game, &data, &device)?;
                share_weights(&**ranks, &programs)?;
                first_non_finite(&**ranks, &mut programs, &mut batches, saved, step)?;
            }
            Word::End => return Ok(()),
            Word::Prepare(_) | Word::GoOn | Word::Leave => unreachable!("said at its time only"),
        }
    }
}

/// Refuses to train on other data than the first rank's.
pub(super) fn compare_data(ranks: &dyn Communicator, data: &Dataset) -> Result<()> {
    if ranks.rank().count == 1 {
        return Ok(());
    }
    let sums = ranks.exchange(&data.checksum().to_le_bytes())?;
    match sums.iter().position(|sum| *sum != sums[0]) {
        Some(rank) => {
            let problem = "have other contents or another order than those of rank 0; give all ranks the same files";
            Err(Error::Ranks(format!("the data of rank {rank} {problem}")))
        }
        None => Ok(()),
    }
}

/// Gives all ranks the first one's weights, and all else that a training changes.
pub(super) fn share_weights(ranks: &dyn Communicator, programs: &Programs) -> Result<()> {
    let rank = ranks.rank();
    if rank.count == 1 {
        return Ok(());
    }
    let own = programs.checkpoint().values()?;
    let numbers = own.iter().flat_map(|value| value.data()).flat_map(|x| x.to_le_bytes());
    let sent: Vec<u8> = if rank.index == 0 { numbers.collect() } else { Vec::new() };
    let all = ranks.exchange(&sent)?;
    if rank.index == 0 {
        return Ok(());
    }
    let mut numbers = all[0].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let value = |own: &Tensor| Tensor::from_fn(own.shape(), |_| numbers.next().unwrap_or(f32::NAN));
    Ok(programs.checkpoint().put_back(&own.iter().map(value).collect::<Vec<_>>())?)
}

/// Which operation first makes a value infinite or NaN, on any rank: found by doing the steps after `saved` once more, which
/// gives the same bits.
pub(super) fn first_non_finite(
    ranks: &dyn Communicator,
    programs: &mut Programs,
    batches: &mut Batches,
    saved: u64,
    step: u64,
) -> Result<String> {
    for before in saved + 1..step {
        programs.iterate(before - 1, batches)?;
    }
    programs.refuse_non_finite();
    let found = match programs.iterate(step - 1, batches) {
        Err(Error::Engine(NonFinite(found))) => format!("the first operation that made it so is {found}"),
        Err(Error::Engine(NonFiniteElsewhere)) => String::new(),
        Ok(_) if ranks.rank().count > 1 => "no rank finds in its own part alone what made it so".to_owned(),
        Ok(_) => "every operation is finite in exact arithmetic, so a sum overflowed".to_owned(),
        Err(error) => return Err(error),
    };
    let all = ranks.exchange(found.as_bytes())?;
    let first = all.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    Ok(String::from_utf8_lossy(&first).into_owned())
}
