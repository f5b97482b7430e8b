//! How much memory a training takes, known from its settings before any is taken.

use sysinfo::System;

use crate::config::{Config, Trained};
use crate::models::{Critic, Generator};
use crate::programs::{Game, Rule};
use crate::{Error, Result, sample};

/// Refuses what takes more memory than the machine has to give. Where the system does not say how much that is, nothing is
/// refused.
///
/// # Errors
/// [`Error::Memory`].
pub fn check(needed: u64, what: &str, advice: &'static str) -> Result<()> {
    match available() {
        Some(available) if needed > available => {
            Err(Error::Memory { what: what.to_owned(), needed, available, advice })
        }
        _ => Ok(()),
    }
}

/// Bytes that the system, or the container that this process is in, can give without taking them from somebody. Files that a
/// container has cached count as free, as they do for the system.
fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let of_system = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    let of_container = system.cgroup_limits().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    of_system.into_iter().chain(of_container).min()
}

/// Bytes of a training's networks, of what its optimisers keep of them, and of what its programs compute at once. The data
/// set comes on top.
pub fn of_training(config: &Config) -> u64 {
    let (sample, Game { networks, objective, schedule, rule, average, batch, .. }) = (&config.sample, &config.game);
    let (critic, generator) = (Critic::size(networks, sample), Generator::size(networks, sample));
    // Beside the weights: the optimiser's averages, and the gradient.
    let copies = 2 + match *rule {
        Rule::Adam { .. } => 2,
        Rule::RmsProp { .. } => 1,
        Rule::Sgd { momentum } => u64::from(momentum > 0.0),
    };
    let averaged = u64::from(*average > 0.0);
    let weights = copies * critic.weights + (copies + averaged) * generator.weights;
    // A gradient needs the values of all layers again; a penalty's gradient those of the first gradient, too.
    let passes = objective.lipschitz.lambda().map_or(2, |_| 4);
    let pools = schedule.critic_steps * *batch as u64 * sample.count() as u64;
    let values = *batch as u64 * (passes * critic.values + 2 * generator.values);
    4 * (weights + pools + values)
}

/// Bytes of a generator and of what it computes when samples are drawn.
pub fn of_sampling(Trained { sample, networks, .. }: &Trained) -> u64 {
    let generator = Generator::size(networks, sample);
    4 * (generator.weights + sample::batch(sample) as u64 * generator.values / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused() {
        assert!(check(1, "a byte", "do without").is_ok());
        let error = check(1 << 60, "everything", "ask for less").unwrap_err().to_string();
        assert!(error.starts_with("everything takes about 1152921504.6 GB, but this machine has "), "{error}");
        assert!(error.ends_with(" GB to give; ask for less"), "{error}");
    }
}
