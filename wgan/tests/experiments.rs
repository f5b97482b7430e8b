//! The experiments in their quick size: every measurement meets its known answer, within the tolerance it states. And the
//! published pictures are those that the program draws today.

mod workplace;

use std::path::{Path, PathBuf};

use wgan::config::Config;
use wgan::experiments::{ALL, Experiment, Size};
use wgan::figure::{DESCRIPTION, SOFTWARE};
use wgan::pictures::curves;
use wgan::run::quality::Quality;
use workplace::{Workplace, text};

/// A file of the documents.
fn published(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name)
}

/// The text of this keyword in a published picture; empty if it has none.
fn text_of(picture: &str, keyword: &str) -> String {
    let path = published(picture);
    let file =
        std::io::BufReader::new(std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    let reader = png::Decoder::new(file).read_info().unwrap();
    let texts = reader.info().utf8_text.iter().filter(|text| text.keyword == keyword);
    texts.map(|text| text.get_text().unwrap()).collect()
}

/// Runs an experiment: nothing misses its known answer, and what is written in its figure is written in the published one.
fn quick(name: &str) {
    let experiment = Experiment::named(name).unwrap();
    let findings = experiment.run(Size::Quick).unwrap();
    assert!(findings.holds(), "{findings}");
    assert!(findings.table.iter().all(|check| !check.measured.is_nan()), "{findings}");
    // Both kinds of files can be made of the figure.
    assert!(findings.figure.picture().encode().starts_with(b"\x89PNG"));
    assert!(findings.figure.svg().ends_with("</svg>\n"));
    let picture = format!("docs/images/experiments/{name}.png");
    assert_eq!(text_of(&picture, DESCRIPTION), findings.figure.texts(), "{picture} is out of date: run .ci/pictures");
    assert_eq!(text_of(&picture, SOFTWARE), experiment.command(Size::Full), "{picture} is of another size");
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
fn what_is_minimised() {
    quick("what-is-minimised");
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
fn the_published_curves_are_drawn_as_today() {
    let texts = curves(&Config::default(), &[], &Quality::default()).texts();
    assert_eq!(text_of("docs/images/curves.png", DESCRIPTION), texts, "curves.png is out of date: run .ci/pictures");
}

#[test]
fn the_gallery_shows_every_experiment_under_its_summary() {
    let readme = std::fs::read_to_string(published("README.md")).unwrap();
    for Experiment { name, summary, .. } in ALL {
        let cell = format!("`wgan experiment {name}`<br>{summary}<br>![{name}](docs/images/experiments/{name}.png)");
        assert!(readme.contains(&cell), "README lacks {cell}");
    }
    let pictures = std::fs::read_dir(published("docs/images/experiments")).unwrap().count();
    assert_eq!(pictures, ALL.len());
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
    // The page has all of it, and where to read on.
    let page = text(place.bytes("here/parallel-lines/report.html"));
    let sentence = table.trim_end().lines().last().unwrap();
    for part in [
        sentence,
        "Jensen-Shannon</th><td>0.6931</td><td>0.6931</td>",
        "</svg>",
        "wgan experiment parallel-lines --quick",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.contains("Chapter 6 of the guide, The Wasserstein distance,") && !page.contains("missed</strong>"));
    // The picture says what it is, and how to make it.
    let figure = place.path("here/parallel-lines/figure.png");
    let figure = figure.to_str().unwrap();
    assert_eq!(text_of(figure, SOFTWARE), "wgan experiment parallel-lines --quick");
    assert!(text_of(figure, DESCRIPTION).starts_with(
        "Distance (KL is infinite); θ; distance; TV; JS; Wasserstein; critic; the same lines: all are 0\n"
    ));
}

/// A chapter shows the picture that it explains, and the page of the experiment names that chapter.
#[test]
fn every_picture_is_explained_in_its_chapter() {
    let chapters: Vec<PathBuf> = std::fs::read_dir(published("docs")).unwrap().map(|it| it.unwrap().path()).collect();
    for Experiment { name, chapter, .. } in ALL {
        let starts = |path: &&PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{chapter}-"));
        let text = std::fs::read_to_string(chapters.iter().find(starts).unwrap()).unwrap();
        assert!(text.contains(&format!("](images/experiments/{name}.png)")), "chapter {chapter} lacks {name}");
        let page = Experiment::named(name).unwrap().chapter_title();
        assert!(text.starts_with(&format!("# {chapter}. {page}\n")), "chapter {chapter} is not {page}");
    }
}

/// Where the system's way to open a page is a script that says what it was asked for; and where there is none.
#[cfg(target_os = "linux")]
#[test]
fn a_page_is_opened() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::new();
    std::fs::create_dir(place.path("bin")).unwrap();
    let experiment = || {
        let mut command = place.command("experiment histogram-js --quick --open");
        command.env("PATH", place.path("bin"));
        command
    };
    let alone = experiment().output().unwrap();
    let told = "warning: there is no program to show experiments/histogram-js/report.html with: open it in a browser\n";
    assert_eq!((text(alone.stderr).as_str(), alone.status.code()), (told, Some(0)));
    let script = place.path("bin/xdg-open");
    std::fs::write(&script, format!("#!/bin/sh\necho \"$1\" > {}\n", place.path("opened").display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(experiment().status().unwrap().success());
    // The program does not wait for it.
    let opened = (0..1000).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        std::fs::read_to_string(place.path("opened")).ok().filter(|text| text.ends_with('\n'))
    });
    assert_eq!(opened.as_deref(), Some("experiments/histogram-js/report.html\n"));
}

#[test]
fn mistakes_are_one_sentence() {
    let place = Workplace::new();
    let unknown = place.complaint("experiment paralel-lines", 2);
    assert!(unknown.ends_with("a similar value exists: 'parallel-lines'"), "{unknown}");
    std::fs::write(place.path("file"), "").unwrap();
    insta::assert_snapshot!(place.complaint("experiment parallel-lines --out file", 1), @"error: cannot write file/parallel-lines: Not a directory (os error 20)");
}
