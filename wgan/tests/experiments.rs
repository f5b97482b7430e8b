//! The experiments in their quick size: every measurement meets its known answer, within the tolerance it states.

mod workplace;

use wgan::experiments::{ALL, Experiment, Size};
use workplace::{Workplace, text};

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

#[test]
fn the_list_has_a_line_for_each() {
    let text = text(Workplace::new().run("experiment list").stdout);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), ALL.len());
    for (line, experiment) in lines.into_iter().zip(ALL) {
        assert!(line.starts_with(experiment.name) && line.ends_with(experiment.summary) && line.len() <= 120, "{line}");
    }
}

#[test]
fn an_experiment_leaves_its_figure_and_what_it_printed() {
    let place = Workplace::new();
    let printed = text(place.run("experiment parallel-lines --quick --out here").stdout);
    let table = text(place.bytes("here/parallel-lines/table.txt"));
    assert!(printed.contains(&table), "{printed}");
    for file in ["figure.png", "figure.svg"] {
        assert!(place.path("here/parallel-lines").join(file).is_file());
    }
}

#[test]
fn mistakes_are_one_sentence() {
    let place = Workplace::new();
    let unknown = place.complaint("experiment paralel-lines", 2);
    assert!(unknown.ends_with("a similar value exists: 'parallel-lines'"), "{unknown}");
    std::fs::write(place.path("file"), "").unwrap();
    insta::assert_snapshot!(place.complaint("experiment parallel-lines --out file", 1), @"error: cannot write file/parallel-lines: Not a directory (os error 20)");
}
