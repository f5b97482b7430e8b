//! How much memory the machine has, asked before any is taken.

use sysinfo::System;

use crate::{Error, Result};

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
    if system.total_memory() == 0 {
        return None; // as where no /proc is; a container's limits cannot be asked for then
    }
    let system_free = Some(system.available_memory()).filter(|&bytes| bytes > 0);
    let container_free = system.cgroup_limits().map(|limits| limits.total_memory.saturating_sub(limits.rss));
    system_free.into_iter().chain(container_free).min()
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
