//! The experiments in their quick size: every measurement meets its known answer, within the tolerance it states.

use assert_cmd::Command;
use wgan::experiments::{ALL, Experiment, Size};

/// Runs an experiment and returns what it measured, if nothing misses its known answer.
fn quick(name: &str) {
    let outcome = Experiment::named(name).unwrap().run(Size::Quick).unwrap();
    assert!(outcome.holds(), "{outcome}");
    assert!(outcome.table.iter().all(|check| !check.measured().is_nan()), "{outcome}");
    // Both kinds of files can be made of the figure.
    assert!(outcome.figure.picture().encode().starts_with(b"\x89PNG"));
    assert!(outcome.figure.svg().ends_with("</svg>\n"));
}

#[test]
fn uniform_to_normal() {
    quick("uniform-to-normal");
}

#[test]
fn histogram_js() {
    quick("histogram-js");
}

#[test]
fn parallel_lines() {
    quick("parallel-lines");
}

#[test]
fn gradient_magnitudes() {
    quick("gradient-magnitudes");
}

#[test]
fn lipschitz_constant() {
    quick("lipschitz-constant");
}

#[test]
fn penalties() {
    quick("penalties");
}

#[test]
fn critic_steps() {
    quick("critic-steps");
}

#[test]
fn clip_sweep() {
    quick("clip-sweep");
}

#[test]
fn loss_and_quality() {
    quick("loss-and-quality");
}

#[test]
fn negative_loss() {
    quick("negative-loss");
}

#[test]
fn labels() {
    quick("labels");
}

#[test]
fn unconstrained() {
    quick("unconstrained");
}

#[test]
fn two_gaussians() {
    quick("two-gaussians");
}

#[test]
fn tv_or_w() {
    quick("tv-or-w");
}

#[test]
fn transport() {
    quick("transport");
}

#[test]
fn rank_generators() {
    quick("rank-generators");
}

#[test]
fn ablations() {
    quick("ablations");
}

/// `wgan experiment` with these arguments in an empty folder.
fn experiment(folder: &tempfile::TempDir, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("wgan").unwrap();
    command.current_dir(folder).arg("experiment").args(args);
    command
}

#[test]
fn the_list_has_a_line_for_each() {
    let output = experiment(&tempfile::tempdir().unwrap(), &["list"]).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), ALL.len());
    for (line, experiment) in lines.into_iter().zip(ALL) {
        assert!(line.starts_with(experiment.name) && line.ends_with(experiment.summary) && line.len() <= 120, "{line}");
    }
}

#[test]
fn an_experiment_leaves_its_figure_and_what_it_printed() {
    let folder = tempfile::tempdir().unwrap();
    let assert = experiment(&folder, &["parallel-lines", "--quick", "--out", "here"]).assert().success();
    let printed = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    let table = std::fs::read_to_string(folder.path().join("here/parallel-lines/table.txt")).unwrap();
    assert!(printed.contains(&table), "{printed}");
    for file in ["figure.png", "figure.svg"] {
        assert!(folder.path().join("here/parallel-lines").join(file).is_file());
    }
}

#[test]
fn mistakes_are_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = |args: &[&str]| {
        let output = experiment(&folder, args).assert().failure().get_output().clone();
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    };
    let unknown = complaint(&["paralel-lines"]);
    assert!(unknown.ends_with("a similar value exists: 'parallel-lines'"), "{unknown}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    insta::assert_snapshot!(complaint(&["parallel-lines", "--out", "file"]), @"error: cannot write file/parallel-lines: Not a directory (os error 20)");
}
