//! Checks the derivatives of every operation, at orders 1 and 2, against finite differences, and prints the table.
//!
//! ```text
//! cargo run --release -p tests --example gradcheck
//! ```

#[path = "../samples.rs"]
mod samples;

use std::process::ExitCode;

use autograd::{Error, GradCheck, Report};
use samples::samples;

/// Central differences with h = 1e-5 in f64 are good to about 1e-9 for values and slopes of order 1.
const TOLERANCE: f64 = 1e-7;

fn main() -> Result<ExitCode, Error> {
    let samples = samples();
    let width = samples.iter().map(|sample| sample.name.chars().count()).max().unwrap_or(0);
    println!("{:width$}   order 1: error  compared  rejected   order 2: error  compared  rejected", "operation");
    let mut wrong = Vec::new();
    for sample in &samples {
        let check = |order| GradCheck::order(order).check(|x| (sample.record)(x), &sample.inputs);
        let reports = [check(1)?, check(2)?];
        println!("{:width$}{}{}", sample.name, columns(&reports[0]), columns(&reports[1]));
        let failed = reports.into_iter().filter(|report| !report.passes(TOLERANCE));
        wrong.extend(failed.map(|report| format!("{}, {report}", sample.name)));
    }
    println!();
    if wrong.is_empty() {
        println!("All {} agree with finite differences to {TOLERANCE:e}.", samples.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} of {} exceed {TOLERANCE:e}:", wrong.len(), 2 * samples.len());
    wrong.iter().for_each(|report| println!("  {report}"));
    Ok(ExitCode::FAILURE)
}

fn columns(report: &Report) -> String {
    format!("{:17.1e}{:10}{:10}", report.error(), report.compared, report.rejected)
}
