//! What ranks send each other, and how long that takes: `mpirun -n 2 benches step toy-gp`, `mpirun -n 2 benches messages`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use autograd::{Communicator, Rank};
use wgan::Result;

/// A rank that counts what it averages with the others.
pub struct Counting {
    inner: Arc<dyn Communicator>,
    messages: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Counting {
    /// Has counted nothing yet.
    pub fn new(inner: Arc<dyn Communicator>) -> Self {
        Counting { inner, messages: 0.into(), bytes: 0.into(), nanoseconds: 0.into() }
    }

    /// What was counted so far.
    pub fn traffic(&self) -> Traffic {
        let [messages, bytes, nanoseconds] =
            [&self.messages, &self.bytes, &self.nanoseconds].map(|count| count.load(Ordering::Relaxed));
        Traffic { ranks: self.rank().count, messages, bytes, time: Duration::from_nanos(nanoseconds) }
    }
}

impl Communicator for Counting {
    fn rank(&self) -> Rank {
        self.inner.rank()
    }

    fn exchange(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, autograd::Error> {
        self.inner.exchange(bytes)
    }

    fn all_mean(&self, values: &mut [f32]) -> Result<(), autograd::Error> {
        let begun = Instant::now();
        self.inner.all_mean(values)?;
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size_of_val(values) as u64, Ordering::Relaxed);
        self.nanoseconds.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// What was averaged over ranks, and how long this rank was in it, waiting for slower ones included.
#[derive(Clone, Copy)]
pub struct Traffic {
    ranks: usize,
    messages: u64,
    bytes: u64,
    time: Duration,
}

impl Traffic {
    /// What has come since, for each of so many iterations.
    pub fn since(self, before: Traffic, iterations: u64) -> Traffic {
        Traffic {
            messages: (self.messages - before.messages) / iterations,
            bytes: (self.bytes - before.bytes) / iterations,
            time: (self.time - before.time) / iterations as u32,
            ..self
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { ranks, messages, bytes, time } = self;
        let ms = time.as_secs_f64() * 1e3;
        write!(f, "{ranks} ranks: {messages} messages of {bytes} bytes in all, {ms:.2} ms/iteration")
    }
}

/// The time of a mean over ranks, over its size: a line for each, the median of many.
///
/// # Errors
/// If another rank cannot be reached.
pub fn messages(ranks: &dyn Communicator) -> Result<String> {
    let mut table = format!("{} ranks\n{:>12} {:>12}\n", ranks.rank().count, "bytes", "ms");
    for exponent in [0, 6, 10, 14, 16, 18, 20, 22] {
        let mut values = vec![1.0; 1 << exponent];
        let mut times = Vec::new();
        for _ in 0..if exponent < 18 { 100 } else { 10 } {
            let begun = Instant::now();
            ranks.all_mean(&mut values)?;
            times.push(begun.elapsed());
        }
        times.sort_unstable();
        let ms = times[times.len() / 2].as_secs_f64() * 1e3;
        table += &format!("{:>12} {ms:>12.3}\n", size_of_val(&values[..]));
    }
    Ok(table)
}
