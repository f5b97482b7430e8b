//! Runs side by side: `wgan compare`.

mod workplace;

use std::fs;

use serde_json::{Value, json};
use workplace::{Workplace, pixels, text};

/// Two seeds of one setting, and one of another, whose measures are changed to known ones.
fn with_runs(args: &str) -> Workplace {
    let place = Workplace::new();
    for (run, own) in [("a", "--seed=1"), ("b", "--seed=2"), ("c", "--seed=1 --lr=0.01")] {
        let common = "--dataset=8gaussians --dim=16 --steps=3 --critic-steps=1 --batch=16";
        place.run(&format!("train {common} --out={run} {own} {args}"));
    }
    for (run, distance, covered, real) in [("a", 0.5, 8, 0.02), ("b", 0.8, 5, 0.04), ("c", 0.25, 2, 0.06)] {
        measured(&place, run, |eval| {
            eval["generated"]["sliced-wasserstein"] = json!(distance);
            eval["generated"]["coverage"]["covered"] = json!(covered);
            eval["real"]["sliced-wasserstein"] = json!(real);
        });
    }
    place
}

/// Changes what a run was measured to be.
fn measured(place: &Workplace, run: &str, change: impl Fn(&mut Value)) {
    let mut eval = serde_json::from_slice(&place.bytes(&format!("{run}/eval.json"))).unwrap();
    change(&mut eval);
    fs::write(place.path(format!("{run}/eval.json")), eval.to_string()).unwrap();
}

/// The cells of a Markdown table, without the rule below its head.
fn cells(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().filter(|line| line.starts_with('|') && !line.contains("--:"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The mean of 0.5 and 0.8 is 0.65, their deviation 0.3/√2; of 8 and 5 it is 6.5, and 3/√2; of 0.02, 0.04 and 0.06 it is 0.04
/// and 0.02.
#[test]
fn seeds_are_one_row_and_the_best_is_the_first() {
    let place = with_runs("");
    let table = text(place.run("compare a b c").stdout);
    let command = "wgan train --dataset 8gaussians --dim 16 --critic-steps 1 --batch 16 --steps 3";
    assert!(table.starts_with(&format!("{command}    (500 samples of each run)\n")), "{table}");
    let cells = cells(&table);
    let column = |name| {
        let place = cells[0].iter().position(|head| *head == name).unwrap_or_else(|| panic!("{name}: {table}"));
        cells[1..].iter().map(|row| row[place]).collect::<Vec<_>>()
    };
    assert_eq!(column(""), ["--lr 0.01", "--lr 0.0001", "real samples"]);
    assert_eq!((column("seeds"), column("steps")), (vec!["1", "2", ""], vec!["3", "3", ""]));
    assert_eq!(column("sliced Wasserstein distance"), ["0.2500", "0.6500 ± 0.2121", "0.0400"]);
    assert_eq!(column("modes covered of 8"), ["2", "6.5 ± 2.12", "8"]);
    assert_eq!(text(place.run("compare c b a").stdout), table);
    let end = "The best first, by the sliced Wasserstein distance.";
    assert!(table.ends_with(&format!("{end} What follows ± is the standard deviation from seed to seed (n − 1).\n")));
    let single = text(place.run("compare a c").stdout);
    assert!(single.ends_with(&format!("{end}\n")) && !single.contains('±'), "{single}");
}

/// The same images get other numbers by another classifier.
#[test]
fn runs_that_other_classifiers_measured_do_not_compare() {
    let place = Workplace::new();
    for run in ["a", "b"] {
        let seed = if run == "a" { 1 } else { 2 };
        place.run(&format!("train --arch=mlp-small --steps=1 --critic-steps=1 --batch=2 --seed={seed} --out={run}"));
    }
    assert!(text(place.run("compare a b").stdout).contains("| Fréchet distance |"));
    measured(&place, "a", |eval| {
        for samples in ["generated", "real"] {
            eval[samples]["classifier"].as_object_mut().unwrap().remove("md5");
        }
    });
    insta::assert_snapshot!(place.complaint("compare a b", 2), @"error: a cannot be compared: an earlier version measured it; measure it again with: wgan eval --run a");
    place.run("eval --run=a");
    place.run("train-classifier --steps=1 --out=other.safetensors");
    place.run("eval --run=b --classifier=other.safetensors");
    insta::assert_snapshot!(place.complaint("compare a b", 2), @"error: b cannot be compared: another classifier measured it than a; measure both by the same one with wgan eval");
    place.run("eval --run=a --classifier=other.safetensors");
    place.run("compare a b");
}

/// A run of other networks has a longer name, and its other defaults are not told.
#[test]
fn the_picture_has_a_row_for_each_group_and_the_quality_on_the_way() {
    let place = with_runs("--eval-every=1");
    place.run("compare a b c --out runs.svg");
    let svg = text(place.bytes("runs.svg"));
    for name in [">a<", ">b<", ">c<", ">--lr 0.01 – sliced Wasserstein distance: 0.2500<", ">Quality over time<"] {
        assert!(svg.contains(name), "{name}");
    }
    assert_eq!(svg.matches("<image ").count(), 3);
    place.run("compare a b --out runs.png");
    let (width, height, _) = pixels(&place.path("runs.png"));
    // One row of samples, two of curves.
    assert_eq!((width, height), (800, 3 * 371));
    for run in ["a", "b"] {
        fs::remove_file(place.path(format!("{run}/quality.csv"))).unwrap();
    }
    place.run("compare a b --out runs.png");
    assert_eq!(pixels(&place.path("runs.png")).1, 371);
}

#[test]
fn what_does_not_compare_is_told_in_a_sentence() {
    let place = with_runs("");
    insta::assert_snapshot!(place.complaint("compare a", 2), @"error: 2 values required by '<DIR> <DIR>...'; only 1 was provided");
    insta::assert_snapshot!(place.complaint("compare a b ./a", 2), @"error: ./a cannot be compared: it is a again, of the same settings and the same seed");
    insta::assert_snapshot!(place.complaint("compare a nowhere", 2), @"error: nowhere holds no checkpoint.safetensors: it is not the folder of a run, or the run ended before its first checkpoint and can be started again with --out");
    insta::assert_snapshot!(place.complaint("compare a b --out runs.gif", 2), @"error: out = runs.gif is not possible: the name must end in .png or .svg");
    measured(&place, "b", |eval| eval["generated"]["samples"] = json!(300));
    insta::assert_snapshot!(place.complaint("compare a b", 2), @"error: b cannot be compared: its measures are of 300 samples beside 500 real ones, those of a of 500 samples beside 500 real ones; measure both alike with wgan eval");
    measured(&place, "b", |eval| eval["step"] = json!(2));
    insta::assert_snapshot!(place.complaint("compare a b", 2), @"error: b cannot be compared: its samples after step 3 are not measured; measure them with: wgan eval --run b");
    fs::remove_file(place.path("b/eval.json")).unwrap();
    assert!(place.complaint("compare a b", 2).contains("wgan eval --run b"));
    fs::write(place.path("a/state.json"), "\"training\"").unwrap();
    insta::assert_snapshot!(place.complaint("compare a c", 2), @"error: a cannot be compared: it goes on, or was killed; wait for its end, or go on with it: wgan train --resume a");
    place.run("train --dataset=swissroll --dim=16 --steps=1 --critic-steps=1 --batch=16 --out=d");
    insta::assert_snapshot!(place.complaint("compare c d", 2), @"error: d cannot be compared: its data are not those of c, so measures of both say nothing of each other");
    // A picture alone is missing, so there is a table.
    fs::write(place.path("a/state.json"), "\"stopped\"").unwrap();
    fs::remove_dir_all(place.path("c/samples")).unwrap();
    let output = place.command("compare a c --out runs.png").output().unwrap();
    assert!(text(output.stdout).contains("| real samples |") && output.status.code() == Some(2));
    insta::assert_snapshot!(text(output.stderr), @"error: c cannot be compared: it has no picture of its samples; leave out --out");
    assert!(!place.path("runs.png").exists());
}
