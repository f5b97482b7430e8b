//! A program in words: what it does, where its memory goes, where its time goes.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::compile::Plan;
use crate::profile::shortened;
use crate::{Profile, Shape};

/// Kernels that are listed, at most.
const LISTED: usize = 20;

/// The description of a plan, with the table of its times if the profile holds any.
pub(crate) fn describe(device: &str, plan: &Plan, profile: &Profile) -> String {
    let inputs = plan.inputs.iter().map(|input| format!("{} {}", input.name, input.shape));
    let outputs = plan.outputs.iter().map(|(_, shape)| shape.to_string());
    let of_variables = plan.variables.iter().map(|variable| variable.shape());
    let of_constants = plan.constants.iter().map(|constant| constant.shape());
    let count = |shapes: &mut dyn Iterator<Item = &Shape>| shapes.map(Shape::count).sum::<usize>();
    let lines = [
        ("kernels", format!("{} on {device}", plan.steps.len())),
        ("inputs", inputs.collect::<Vec<_>>().join(", ")),
        ("outputs", outputs.collect::<Vec<_>>().join(", ")),
        (
            "memory",
            format!(
                "{} for values, {} in {} Variables, {} in {} constants",
                bytes(plan.arena),
                bytes(count(&mut of_variables.clone())),
                of_variables.len(),
                bytes(count(&mut of_constants.clone())),
                of_constants.len()
            ),
        ),
        (
            "each run",
            format!(
                "{:.3} MFLOP in products and convolutions, {} read or written",
                plan.flops().dense as f64 / 1e6,
                bytes(plan.steps.iter().map(|step| step.bytes()).sum::<u64>() as usize / size_of::<f32>())
            ),
        ),
    ];
    let mut text: String = lines.map(|(what, value)| format!("{what:<9} {value}\n")).concat();
    match profile.groups().next() {
        Some(_) => write!(text, "\n{profile}"),
        None => write!(text, "\n{}", kernels(plan)),
    }
    .expect("text");
    text
}

/// The kernels of a plan, equal ones together, those first that read and write most.
fn kernels(plan: &Plan) -> String {
    let mut kernels: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for step in &plan.steps {
        let (calls, moved) = kernels.entry(step.kernel.to_string()).or_default();
        (*calls, *moved) = (*calls + 1, *moved + step.bytes());
    }
    let mut kernels: Vec<_> = kernels.into_iter().collect();
    kernels.sort_by_key(|&(_, (_, moved))| std::cmp::Reverse(moved));
    let row = |(kernel, (calls, moved)): &(String, (usize, u64))| {
        format!("{calls:>8}  {:>12}  {}\n", bytes(*moved as usize / size_of::<f32>()), shortened(kernel))
    };
    let rest = kernels.len().saturating_sub(LISTED);
    let listed: String = kernels.iter().take(LISTED).map(row).collect();
    let others = if rest > 0 { format!("          and {rest} others\n") } else { String::new() };
    format!("   calls         bytes  kernel\n{listed}{others}")
}

/// The memory of so many numbers.
fn bytes(numbers: usize) -> String {
    let bytes = (numbers * size_of::<f32>()) as f64;
    match bytes {
        1e6.. => format!("{:.1} MB", bytes / 1e6),
        1e3.. => format!("{:.1} kB", bytes / 1e3),
        _ => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor, Variable};

    #[test]
    fn a_description_says_what_runs_and_what_it_takes() {
        let weight = Variable::new("weight", Tensor::zeros([300, 100]));
        let mut program = Device::cpu()
            .compile(|tape| [tape.input("x", [64, 300]).matmul(tape.variable(&weight)).relu().sum_axes(&[1])])
            .unwrap();
        let described = program.describe().unwrap();
        let lines: Vec<&str> = described.lines().collect();
        assert_eq!(lines[..3], ["kernels   2 on CPU", "inputs    x [64, 300]", "outputs   [64]"], "{described}");
        assert!(lines[3].contains("120.0 kB in 1 Variables, 0 B in 0 constants"), "{described}");
        assert!(lines[4].contains("3.840 MFLOP"), "{described}"); // 2·64·300·100
        assert!(lines[7].ends_with("product 1×[64, 300]·[300, 100]"), "{described}");
        program.start_profile();
        program.run(&[("x", &Tensor::zeros([64, 300]))]).unwrap();
        assert!(program.describe().unwrap().contains("seconds   share"));
    }
}
