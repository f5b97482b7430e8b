//! Ranks: processes, or threads, that compute the same programs together, each on its part of the data.
//!
//! Every rank runs the same programs in the same order, and meets the others where a program records [`all_mean`](crate::Var::all_mean).

use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use crate::Error;

/// One of several that compute together, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Which one.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl Rank {
    /// The only one.
    pub const ALONE: Rank = Rank { index: 0, count: 1 };

    /// Its part of `len` rows, which all ranks share equally.
    ///
    /// ```
    /// assert_eq!(autograd::Rank { index: 1, count: 4 }.part(64), 16..32);
    /// ```
    ///
    /// # Panics
    /// If they cannot be shared equally.
    #[track_caller]
    pub fn part(self, len: usize) -> Range<usize> {
        assert!(len.is_multiple_of(self.count), "{len} rows cannot be shared equally by {} ranks", self.count);
        let part = len / self.count;
        self.index * part..(self.index + 1) * part
    }

    /// The mean of numbers, one of each rank: added up in their order, in f64.
    pub fn mean(of_ranks: impl ExactSizeIterator<Item = f32>) -> f32 {
        let count = of_ranks.len() as f64;
        (of_ranks.map(f64::from).sum::<f64>() / count) as f32
    }
}

impl Default for Rank {
    fn default() -> Self {
        Rank::ALONE
    }
}

/// How a rank reaches the others. All ranks call the same methods in the same order; a call returns when the others have made
/// theirs.
pub trait Communicator: Send + Sync {
    /// The rank that this one is.
    fn rank(&self) -> Rank;

    /// What each of the ranks has to say, in their order.
    ///
    /// # Errors
    /// If another rank cannot be reached.
    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error>;

    /// Puts the mean over all ranks in place of each value: the same bits on every rank, and the same for the same values
    /// whenever they are given. Terms are added up in the order of the ranks, in f64.
    ///
    /// # Errors
    /// If another rank cannot be reached, or gives another number of values.
    fn all_mean(&self, values: &mut [f32]) -> Result<(), Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let all = self.exchange(&bytes)?;
        if all.iter().any(|other| other.len() != bytes.len()) {
            let reason = "the ranks run different programs: they average other numbers of values".to_owned();
            return Err(Error::Device { device: "ranks".to_owned(), reason });
        }
        for (i, value) in values.iter_mut().enumerate() {
            let of = |bytes: &Vec<u8>| f32::from_le_bytes(bytes.as_chunks::<4>().0[i]);
            *value = Rank::mean(all.iter().map(of));
        }
        Ok(())
    }
}

/// Nobody else.
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> Rank {
        Rank::ALONE
    }

    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(vec![bytes.to_vec()])
    }
}

/// Ranks that are threads of this process: for tests, and to see what more ranks would compute. A rank whose handle is dropped
/// has ended, and the others are told so when they next wait for it.
///
/// While a rank waits within a program, a thread of its device waits, so each rank needs a device with threads of its own.
///
/// ```
/// use std::sync::Arc;
/// use autograd::{Device, ThreadRank};
/// let means = std::thread::scope(|scope| {
///     let ranks = ThreadRank::start(3).map(|rank| scope.spawn(move || {
///         let device = Device::cpu_with_threads(1)?.among(Arc::new(rank));
///         let own = device.rank().index as f64;
///         Ok(device.compile(|tape| [tape.scalar(own).all_mean()])?.run(&[])?[0].item())
///     }));
///     let ranks: Vec<_> = ranks.collect(); // all of them run before the first is waited for
///     ranks.into_iter().map(|rank| rank.join().unwrap()).collect::<Result<Vec<f32>, autograd::Error>>()
/// })?;
/// assert_eq!(means, [1.0; 3]); // of 0, 1 and 2
/// # Ok::<(), autograd::Error>(())
/// ```
pub struct ThreadRank {
    rank: Rank,
    meeting: Arc<(Mutex<Meeting>, Condvar)>,
}

/// Where ranks meet that are threads.
struct Meeting {
    /// What each of those who have come has to say.
    said: Vec<Option<Vec<u8>>>,
    /// Those who have not heard yet what all have said.
    listening: usize,
    /// The first that has ended.
    ended: Option<usize>,
}

impl Meeting {
    fn refuse_ended(&self) -> Result<(), Error> {
        let error = |rank| Error::Device { device: "ranks".to_owned(), reason: format!("rank {rank} has ended") };
        self.ended.map_or(Ok(()), |rank| Err(error(rank)))
    }
}

impl ThreadRank {
    /// As many ranks, in their order.
    pub fn start(count: usize) -> impl Iterator<Item = ThreadRank> {
        let meeting = Meeting { said: vec![None; count], listening: 0, ended: None };
        let meeting = Arc::new((Mutex::new(meeting), Condvar::new()));
        (0..count).map(move |index| ThreadRank { rank: Rank { index, count }, meeting: meeting.clone() })
    }
}

impl Communicator for ThreadRank {
    fn rank(&self) -> Rank {
        self.rank
    }

    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let (meeting, changed) = &*self.meeting;
        let mut meeting = meeting.lock();
        // Whoever is early waits until the others have heard what was said before.
        changed.wait_while(&mut meeting, |meeting| meeting.listening > 0 && meeting.ended.is_none());
        meeting.refuse_ended()?;
        meeting.said[self.rank.index] = Some(bytes.to_vec());
        if meeting.said.iter().all(Option::is_some) {
            meeting.listening = self.rank.count;
            changed.notify_all();
        }
        changed.wait_while(&mut meeting, |meeting| meeting.listening == 0 && meeting.ended.is_none());
        if meeting.listening == 0 {
            meeting.refuse_ended()?;
        }
        let all = meeting.said.iter().flatten().cloned().collect();
        meeting.listening -= 1;
        if meeting.listening == 0 {
            meeting.said.fill(None);
            changed.notify_all();
        }
        Ok(all)
    }
}

impl Drop for ThreadRank {
    fn drop(&mut self) {
        let (meeting, changed) = &*self.meeting;
        meeting.lock().ended.get_or_insert(self.rank.index);
        changed.notify_all();
    }
}
