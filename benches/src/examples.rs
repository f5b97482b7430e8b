//! Steps of training two of `nn/examples`, which other libraries repeat: a loss that holds derivatives of the network, and one
//! that is differentiated through a step of training.

#[path = "../../nn/examples/meta_learning.rs"]
#[expect(dead_code, reason = "its main function and its training")]
mod meta_learning;
#[path = "../../nn/examples/physics.rs"]
#[expect(dead_code, reason = "its main function and its training")]
mod physics;

use std::path::Path;
use std::time::{Duration, Instant};

use autograd::{Device, Tape, Var};
use clap::ValueEnum;
use nn::optim::Adam;
use nn::{Checkpoint, Module, Optimizer, Sequential};
use wgan::Result;

use crate::dump::{gradients, variables};
use crate::memory::peak_mib;

/// Steps before the clock starts.
const WARM_UP: u64 = 3;

/// An example whose training is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Example {
    /// A network that solves Burgers' equation, 256 points a step
    Physics,
    /// A network that learns to learn (MAML), 25 tasks a step
    MetaLearning,
}

impl Example {
    fn network(self) -> Sequential {
        match self {
            Example::Physics => physics::network(),
            Example::MetaLearning => meta_learning::network(),
        }
    }

    /// What the loss is computed of, x and t or y.
    fn samples(self, tape: &Tape) -> [Var<'_>; 2] {
        match self {
            Example::Physics => physics::points(tape, 256),
            Example::MetaLearning => meta_learning::tasks(tape, 25),
        }
    }

    fn loss<'t>(self, network: &Sequential, samples: [Var<'t>; 2]) -> Var<'t> {
        match self {
            Example::Physics => physics::loss(network, samples[0], samples[1]),
            Example::MetaLearning => meta_learning::errors(network, samples)[1],
        }
    }

    /// The time of a step of training, as a line that compare.py reads. `started` is called when the first one is done.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn measure(self, threads: usize, steps: u64, started: impl FnOnce()) -> Result<String> {
        let network = self.network();
        let adam = Adam::new(network.parameters());
        let mut program = Device::cpu_with_threads(threads)?.compile(|tape| {
            let loss = self.loss(&network, self.samples(tape));
            adam.update(loss, tape.scalar(1e-3));
            [loss]
        })?;
        program.at(0).run(&[])?;
        started();
        let mut times = Vec::new();
        for step in 1..WARM_UP + steps {
            let begun = Instant::now();
            program.at(step).run(&[])?;
            times.push(begun.elapsed());
        }
        let mut times = times.split_off(WARM_UP as usize - 1);
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let [median, min, max] = [times.len() / 2, 0, times.len() - 1].map(|i| ms(times[i]));
        let mib = peak_mib().map_or("unknown".into(), |mib| format!("{mib:.1}"));
        Ok(format!("{median:.3} ms/iteration threads={threads} min={min:.3} max={max:.3} peak_rss_mib={mib}"))
    }

    /// Writes a safetensors file of `network.*`, the weights; `first` and `second`, the samples; `loss`; and
    /// `gradient of network.*`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn dump(self, path: &Path) -> Result<()> {
        let (network, tape) = (self.network(), Tape::new());
        let samples = self.samples(&tape);
        let loss = self.loss(&network, samples);
        let mut wanted = vec![("first".into(), samples[0]), ("second".into(), samples[1]), ("loss".into(), loss)];
        wanted.extend(gradients(&tape, "network", loss, &network.parameters()));
        let file = Checkpoint::new().with("network.", network.parameters());
        Ok(file.with("", variables(&Device::cpu(), &tape, wanted)?).save(path, None)?)
    }
}
