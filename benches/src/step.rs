//! The time of an iteration of training: noise, fakes, five updates of the critic, one of the generator, with all that
//! belongs to them. What runs is what `wgan train` runs.

use std::fmt;
use std::time::{Duration, Instant};

use autograd::compile::Flops;
use autograd::{Device, Profile, Tensor, Variable};
use wgan::Result;
use wgan::data::{Batches, Dataset};
use wgan::programs::Programs;

use crate::Configuration;
use crate::memory::peak_mib;

/// Iterations before the clock starts: caches, branch predictors and threads are warm then.
const WARM_UP: u64 = 3;

/// What was measured; displayed as two lines.
pub struct Measurement {
    configuration: Configuration,
    threads: usize,
    /// The time of each iteration, sorted.
    times: Vec<Duration>,
    /// The operations of each.
    flops: Flops,
    /// The most memory that the process has had, where the system tells.
    peak_mib: Option<f64>,
    /// Operations a second of a large product on the same threads.
    product_peak: f64,
    /// Where the time of as many further iterations went, if that was asked for.
    pub profile: Option<Profile>,
}

/// Trains for `iterations` after a few to warm up, and with `profile` for as many more. `started` is called when the
/// first is done.
///
/// # Errors
/// If the threads cannot be started.
pub fn measure(
    configuration: Configuration,
    threads: usize,
    iterations: u64,
    profile: bool,
    started: impl FnOnce(),
) -> Result<Measurement> {
    let config = configuration.config(threads)?;
    let data = Dataset::load(&config)?;
    let device = Device::cpu_with_threads(threads)?;
    let mut programs = Programs::compile(&config, &data, &device)?;
    let mut batches = Batches::new(data.len(), config.batch, config.seed);
    programs.update(0, &mut batches)?;
    started();
    for iteration in 1..WARM_UP {
        programs.update(iteration, &mut batches)?;
    }
    let mut times = Vec::new();
    for iteration in WARM_UP..WARM_UP + iterations {
        let start = Instant::now();
        programs.update(iteration, &mut batches)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let peak_mib = peak_mib();
    let product_peak = product_peak(&device)?;
    let profile = match profile {
        false => None,
        true => {
            programs.start_profile();
            for iteration in WARM_UP + iterations..WARM_UP + 2 * iterations {
                programs.update(iteration, &mut batches)?;
            }
            Some(programs.profile()?)
        }
    };
    Ok(Measurement { configuration, threads, times, flops: programs.flops(), peak_mib, product_peak, profile })
}

/// Operations a second of the fastest of a few products of 1024×1024 matrices.
fn product_peak(device: &Device) -> Result<f64> {
    const SIDE: usize = 1024;
    const TIMES: usize = 20;
    let matrix = |name| Variable::new(name, Tensor::full([SIDE, SIDE], 1.0));
    let [a, b, c] = ["a", "b", "c"].map(matrix);
    let mut product = device.compile(|tape| {
        tape.assign(&c, tape.variable(&a).matmul(tape.variable(&b)));
        []
    })?;
    let mut run = || -> Result<Duration> {
        let start = Instant::now();
        product.run(&[])?;
        Ok(start.elapsed())
    };
    let times = (0..TIMES).map(|_| run()).collect::<Result<Vec<_>>>()?;
    let fastest = times.into_iter().min().expect("a few products");
    Ok(2.0 * (SIDE * SIDE * SIDE) as f64 / fastest.as_secs_f64())
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let median = self.times[self.times.len() / 2];
        let (min, max) = (ms(self.times[0]), ms(self.times[self.times.len() - 1]));
        write!(f, "{:.2} ms/iteration {} threads={}", ms(median), self.configuration, self.threads)?;
        write!(f, " min={min:.2} max={max:.2} flops={}", self.flops.dense)?;
        match self.peak_mib {
            Some(mib) => writeln!(f, " peak_rss_mib={mib:.1}")?,
            None => writeln!(f, " peak_rss_mib=unknown")?,
        }
        let gflops = |flops: u64| flops as f64 / median.as_secs_f64() / 1e9;
        let Flops { dense, unpadded } = self.flops;
        write!(f, "products and convolutions: {:.2} GFLOP at {:.1} GFLOP/s", dense as f64 / 1e9, gflops(dense))?;
        if unpadded != dense {
            write!(f, " ({:.2} GFLOP at {:.1} without padding)", unpadded as f64 / 1e9, gflops(unpadded))?;
        }
        let share = 100.0 * gflops(dense) / (self.product_peak / 1e9);
        write!(f, ", {share:.0} % of the {:.1} GFLOP/s of a large product", self.product_peak / 1e9)
    }
}
