//! Ranks that are processes, on one machine or several, by the Message Passing Interface.

use std::sync::Mutex;
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use autograd::{Communicator, Rank};
use mpi::Threading;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::request::{LocalScope, Request, scope};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, CommunicatorCollectives as _};

use super::interrupt;
use crate::output::say;
use crate::{Error, Result};

/// How this process reaches the others.
pub struct Mpi {
    rank: Rank,
    /// What the others have sent. Held during a call: they come from several threads, one after the other.
    received: Mutex<Vec<f32>>,
    /// Says good-bye when it is dropped.
    _universe: Universe,
}

impl Mpi {
    /// Joins the processes that were started together.
    ///
    /// # Errors
    /// If this MPI cannot be called from the threads that compute.
    pub fn start() -> Result<Self> {
        let started = mpi::initialize_with_threading(Threading::Serialized);
        let (universe, threading) = started.expect("MPI is started once");
        if threading < Threading::Serialized {
            return Err(Error::Ranks("this MPI cannot be called from several threads; install another one".to_owned()));
        }
        let world = universe.world();
        let rank = Rank { index: world.rank() as usize, count: world.size() as usize };
        Ok(Mpi { rank, received: Mutex::default(), _universe: universe })
    }
}

/// Ends all processes.
pub fn abort(code: u8) -> ! {
    SimpleCommunicator::world().abort(code.into())
}

impl Communicator for Mpi {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, autograd::Error> {
        let _alone = self.received.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let world = SimpleCommunicator::world();
        let (own, mut lengths) = (bytes.len() as u64, vec![0_u64; self.rank.count]);
        scope(|scope| wait(world.immediate_all_gather_into(scope, &own, &mut lengths[..])));
        let counts = counts(&lengths)?; // refused by all ranks, or by none
        let mut all = vec![0; counts.iter().sum::<i32>() as usize];
        let mut parts = PartitionMut::new(&mut all[..], &counts[..], starts(&counts));
        scope(|scope| wait(world.immediate_all_gather_varcount_into(scope, bytes, &mut parts)));
        let part = |(&start, &count): (&i32, &i32)| all[start as usize..(start + count) as usize].to_vec();
        Ok(starts(&counts).iter().zip(&counts).map(part).collect())
    }

    /// Each rank averages a part and tells the others: as few bytes as can be, 2·(N − 1)/N of the message for each. The order of the
    /// terms is that of the ranks, whichever machines they are on; of MPI's own sums that is not promised.
    fn all_mean(&self, values: &mut [f32]) -> Result<(), autograd::Error> {
        let received = &mut *self.received.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (world, Rank { index, count }) = (SimpleCommunicator::world(), self.rank);
        let bound = |rank: usize| (values.len() * rank / count) as u64;
        let counts = counts(&(0..count).map(|rank| bound(rank + 1) - bound(rank)).collect::<Vec<_>>())?;
        let first = starts(&counts);
        let own = counts[index] as usize;
        received.resize(count * own, 0.0);
        {
            let sent = Partition::new(&*values, &counts[..], &first[..]);
            let same = vec![own as i32; count];
            let mut parts = PartitionMut::new(&mut received[..], &same[..], starts(&same));
            scope(|scope| wait(world.immediate_all_to_all_varcount_into(scope, &sent, &mut parts)));
        }
        let mut averaged = vec![0.0; own];
        for (i, value) in averaged.iter_mut().enumerate() {
            *value = Rank::mean((0..count).map(|rank| received[rank * own + i]));
        }
        let mut parts = PartitionMut::new(values, &counts[..], &first[..]);
        scope(|scope| wait(world.immediate_all_gather_varcount_into(scope, &averaged[..], &mut parts)));
        Ok(())
    }
}

/// The lengths of the parts of a message as MPI counts them, with 31 bits, as it does where each part begins.
fn counts(lengths: &[u64]) -> Result<Vec<i32>, autograd::Error> {
    let whole = lengths.iter().fold(0_u64, |sum, &length| sum.saturating_add(length));
    if whole > i32::MAX as u64 {
        let reason = format!("a message of {whole} numbers is longer than MPI can count; make the networks smaller");
        return Err(autograd::Error::Device { device: "ranks".to_owned(), reason });
    }
    Ok(lengths.iter().map(|&length| length as i32).collect())
}

/// Where parts of these lengths begin that follow each other.
fn starts(counts: &[i32]) -> Vec<i32> {
    counts.iter().scan(0, |end, count| Some(std::mem::replace(end, *end + count))).collect()
}

/// When the first rank is asked to stop, and hears nothing of the others for so long, one of them must have ended.
const PATIENCE: Duration = Duration::from_secs(20);
/// A rank that has waited for so long leaves the processor to others.
const SHORT: Duration = Duration::from_micros(200);

/// Whether a wait of this length has lasted too long since the signal that came before this time.
fn is_hopeless(waited: Duration, since_signal: Option<Duration>) -> bool {
    since_signal.is_some_and(|since| since.min(waited) > PATIENCE)
}

/// Waits for the other ranks, and lets the processor rest meanwhile.
fn wait<'a, D: ?Sized>(mut request: Request<'a, D, &LocalScope<'a>>) {
    let begun = Instant::now();
    while let Err(open) = request.test() {
        request = open;
        if begun.elapsed() < SHORT {
            yield_now();
        } else {
            sleep(SHORT / 4);
        }
        if is_hopeless(begun.elapsed(), interrupt::waiting()) {
            say(
                "error: the other ranks have not answered since this one was told to stop; the last checkpoint is kept",
            );
            abort(interrupt::EXIT_CODE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An update may take as long as it likes: what counts is the time since somebody asked.
    #[test]
    fn patience_begins_with_the_signal() {
        let (short, long) = (PATIENCE / 20, 2 * PATIENCE);
        assert!(!is_hopeless(long, None) && !is_hopeless(long, Some(short)) && !is_hopeless(short, Some(long)));
        assert!(is_hopeless(long, Some(long)));
    }

    #[test]
    fn messages_that_mpi_cannot_count_are_refused() {
        let most = i32::MAX as u64;
        assert_eq!(counts(&[most - 3, 3]), Ok(vec![i32::MAX - 3, 3]));
        for lengths in [[most, 1], [1 << 32, 0], [u64::MAX, 1]] {
            assert!(counts(&lengths).unwrap_err().to_string().contains("longer than MPI can count"));
        }
    }
}
