//! Where the time of compiled programs goes.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::compile::plan::Step;

/// The time that kernels took, equal kernels taken together. Displayed as a table, the most expensive kernels first.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    groups: BTreeMap<String, Group>,
}

/// What all launches of equal kernels took together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Group {
    /// The number of launches.
    pub calls: u64,
    /// Their time.
    pub time: Duration,
    /// Their floating-point operations in products and convolutions, those on padding included.
    pub flops: u64,
    /// The bytes they must have read and written.
    pub bytes: u64,
}

impl Profile {
    /// Adds the time that a plan's step took in `calls` runs.
    pub(crate) fn add(&mut self, step: &Step, calls: u64, time: Duration) {
        let group = Group { calls, time, flops: calls * step.kernel.flops().dense, bytes: calls * step.bytes() };
        self.groups.entry(step.kernel.to_string()).or_default().add(group);
    }

    /// The groups by the kernels' names, extents included.
    pub fn groups(&self) -> impl Iterator<Item = (&str, Group)> {
        self.groups.iter().map(|(kernel, group)| (kernel.as_str(), *group))
    }

    /// The time of all kernels.
    pub fn time(&self) -> Duration {
        self.groups.values().map(|group| group.time).sum()
    }
}

impl Extend<Profile> for Profile {
    fn extend<I: IntoIterator<Item = Profile>>(&mut self, others: I) {
        for (kernel, group) in others.into_iter().flat_map(|other| other.groups) {
            self.groups.entry(kernel).or_default().add(group);
        }
    }
}

impl Group {
    fn add(&mut self, other: Group) {
        self.calls += other.calls;
        self.time += other.time;
        self.flops += other.flops;
        self.bytes += other.bytes;
    }

    /// How fast they ran, by what bounds them: arithmetic or memory.
    fn rate(&self) -> String {
        let per_second = |amount: u64| amount as f64 / self.time.as_secs_f64().max(1e-9) / 1e9;
        match self.flops {
            0 => format!("{:6.1} GB/s", per_second(self.bytes)),
            flops => format!("{:6.1} GFLOP/s", per_second(flops)),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Kernels that took a smaller part of the time are not told apart.
        const SMALL: f64 = 0.002;
        let total = self.time().as_secs_f64().max(1e-9);
        writeln!(f, "   calls   seconds   share  rate           kernel")?;
        let mut row = |kernel: &str, group: &Group, rate: &str| {
            let seconds = group.time.as_secs_f64();
            let share = 100.0 * seconds / total;
            writeln!(f, "{:>8} {seconds:>9.3} {share:>5.1} %  {rate:<14} {}", group.calls, shortened(kernel))
        };
        let mut groups: Vec<_> = self.groups().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.time));
        let mut rest = Group::default();
        for (kernel, group) in groups {
            match group.time.as_secs_f64() < SMALL * total {
                true => rest.add(group),
                false => row(kernel, &group, &group.rate())?,
            }
        }
        row("all others", &rest, "")
    }
}

/// The name of a kernel, short enough for a line: that of a fused group lists its operations.
pub(crate) fn shortened(kernel: &str) -> String {
    const WIDTH: usize = 100;
    match kernel.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &kernel[..end]),
        None => kernel.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    #[test]
    fn a_profile_counts_calls_operations_and_bytes_from_its_start_on() {
        let device = Device::cpu();
        let mut program = device.compile(|tape| [tape.input("a", [2, 3]).matmul(tape.input("b", [3, 4]))]).unwrap();
        let inputs = [("a", &Tensor::zeros([2, 3])), ("b", &Tensor::zeros([3, 4]))];
        program.run(&inputs).unwrap();
        assert_eq!(program.profile().unwrap().groups().count(), 0);
        program.start_profile();
        for _ in 0..3 {
            program.run(&inputs).unwrap();
        }
        let profile = program.profile().unwrap();
        let [(kernel, group)] = profile.groups().collect::<Vec<_>>()[..] else { panic!("{profile}") };
        assert_eq!(kernel, "product 1×[2, 3]·[3, 4]");
        assert_eq!((group.calls, group.flops, group.bytes), (3, 3 * 2 * 24, 3 * 4 * (6 + 12 + 8)));
        let table = profile.to_string();
        let row = table.lines().nth(1).unwrap();
        assert!(row.starts_with("       3 ") && row.contains("100.0 %") && row.ends_with(kernel), "{table}");
    }
}
