//! The time of an iteration of training: noise, fakes, five updates of the critic, one of the generator, with all that
//! belongs to them. What runs is what `wgan train` runs.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autograd::compile::Flops;
use autograd::{Communicator, Profile};
use wgan::Result;
use wgan::config::Config;
use wgan::data::Batches;
use wgan::game::Programs;
use wgan::machine::backend::{BackendName, product_speed};
use wgan::machine::ranks;

use crate::Configuration;
use crate::memory::peak_mib;
use crate::ranks::{Counting, Traffic};

/// Iterations before the clock starts: caches, branch predictors and threads are warm then.
const WARM_UP: u64 = 3;

/// What was measured; displayed as two lines.
pub struct Measurement {
    configuration: Configuration,
    /// What it ran on, as `threads=2` or `backend=opencl`.
    device: String,
    /// The time of each iteration, sorted.
    times: Vec<Duration>,
    /// The operations of each.
    flops: Flops,
    /// The most memory that the process has had, where the system tells.
    peak_mib: Option<f64>,
    /// Operations a second of a large product on the same threads.
    product_peak: f64,
    /// Whether this is the first rank, or the only one.
    pub leads: bool,
    /// What was averaged over ranks, if there are several.
    traffic: Option<Traffic>,
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
    config: &Config,
    iterations: u64,
    profile: bool,
    started: impl FnOnce(),
) -> Result<Measurement> {
    let (data, game, backend) = (config.load_data()?, &config.game, config.backend);
    let ranks = Arc::new(Counting::new(ranks::connect()?));
    let device = backend.device(config.threads)?.among(ranks.clone());
    let mut programs = Programs::compile(game, &data, &device)?.without_slope();
    let mut batches = Batches::new(data.len(), game.batch, game.seed);
    programs.iterate(0, &mut batches)?;
    let leads = ranks.rank().index == 0;
    if leads {
        started();
    }
    for iteration in 1..WARM_UP {
        programs.iterate(iteration, &mut batches)?;
    }
    let mut times = Vec::new();
    let start = |programs: &mut Programs, iteration, batches: &mut Batches| {
        Ok::<_, wgan::Error>(programs.start(iteration, batches, &mut |_| true)?.expect("nothing stops it"))
    };
    let mut before = start(&mut programs, WARM_UP, &mut batches)?;
    let traffic = ranks.traffic();
    for iteration in WARM_UP + 1..=WARM_UP + iterations {
        // As `wgan train` does: an iteration is looked at when the next one is under way.
        let begun = Instant::now();
        let next = start(&mut programs, iteration, &mut batches)?;
        std::mem::replace(&mut before, next).wait()?;
        times.push(begun.elapsed());
    }
    before.wait()?;
    let traffic = ranks.traffic().since(traffic, iterations);
    times.sort_unstable();
    let peak_mib = peak_mib();
    let product_peak = product_speed(&device)?;
    let profile = match profile {
        false => None,
        true => {
            programs.start_profile();
            for iteration in WARM_UP + iterations + 1..=WARM_UP + 2 * iterations {
                programs.iterate(iteration, &mut batches)?;
            }
            Some(programs.profile()?)
        }
    };
    let device = match backend {
        BackendName::Cpu => format!("threads={}", config.threads.unwrap_or_default()),
        other => format!("backend={other}"),
    };
    let traffic = Some(traffic).filter(|_| ranks.rank().count > 1);
    let flops = programs.flops();
    Ok(Measurement { configuration, device, times, flops, peak_mib, product_peak, leads, traffic, profile })
}

impl Measurement {
    /// The mean of the middle half: as little moved by outliers as the median, and right where a device that works beside
    /// the host ends its iterations in pairs.
    fn typical(&self) -> Duration {
        let quarter = self.times.len() / 4;
        let middle = &self.times[quarter..self.times.len() - quarter];
        middle.iter().sum::<Duration>() / middle.len() as u32
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let typical = self.typical();
        let (min, max) = (ms(self.times[0]), ms(self.times[self.times.len() - 1]));
        write!(f, "{:.2} ms/iteration {} {}", ms(typical), self.configuration, self.device)?;
        write!(f, " min={min:.2} max={max:.2} flops={}", self.flops.dense)?;
        match self.peak_mib {
            Some(mib) => writeln!(f, " peak_rss_mib={mib:.1}")?,
            None => writeln!(f, " peak_rss_mib=unknown")?,
        }
        let gflops = |flops: u64| flops as f64 / typical.as_secs_f64() / 1e9;
        let Flops { dense, unpadded } = self.flops;
        write!(f, "products and convolutions: {:.2} GFLOP at {:.1} GFLOP/s", dense as f64 / 1e9, gflops(dense))?;
        if unpadded != dense {
            write!(f, " ({:.2} GFLOP at {:.1} without padding)", unpadded as f64 / 1e9, gflops(unpadded))?;
        }
        let share = 100.0 * gflops(dense) / (self.product_peak / 1e9);
        write!(f, ", {share:.0} % of the {:.1} GFLOP/s of a large product", self.product_peak / 1e9)?;
        self.traffic.map_or(Ok(()), |traffic| write!(f, "\n{traffic}"))
    }
}
