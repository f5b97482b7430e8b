//! Whole trainings as a person runs them: what they leave behind, and how they end, by themselves or by force.

mod workplace;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use safetensors::SafeTensors;
use wgan::eval::{Evaluation, Measures};
use wgan::run::metadata::Metadata;
use wgan::run::metrics::{self, Row};
use wgan::run::quality::{Quality, QualityRow};
use workplace::{Workplace, text};

/// A training of a second or less.
const TINY: [&str; 6] = ["--dataset=8gaussians", "--dim=16", "--batch=16", "--critic-steps=2", "--seed=3", "--lr=1e-3"];

impl Workplace {
    /// Trains a tiny network to the end.
    fn train(&self, args: &str) -> Output {
        self.run(&format!("train {} {args}", TINY.join(" ")))
    }

    /// The events of the run for TensorBoard, but for the times: the nine bytes that each begins with.
    fn events(&self) -> Vec<Vec<u8>> {
        let (file, mut events) = (self.bytes("run/events.tfevents"), Vec::new());
        let mut rest = &file[..];
        while let Some((length, framed)) = rest.split_first_chunk() {
            let length = u64::from_le_bytes(*length) as usize;
            events.push(framed[4 + 9..4 + length].to_vec()); // between two checksums of four bytes
            rest = &framed[4 + length + 4..];
        }
        events
    }

    /// The rows of a run's metrics, but for the times.
    fn rows(&self, run: &str) -> Vec<Row> {
        let rows = metrics::read(&self.path(run).join("metrics.csv")).unwrap();
        rows.into_iter().map(|row| Row { seconds: 0.0, ..row }).collect()
    }

    fn checkpoint_step(&self, run: &str) -> u64 {
        Metadata::read(&self.path(run).join("checkpoint.safetensors")).unwrap().step
    }

    /// Starts a training without end, and waits until it has done this many steps.
    fn start(&self, args: &str, steps: usize) -> Running {
        let args = format!("train {} --steps=1000000000 {args} --out=run", TINY.join(" "));
        let mut running = Running(self.command(&args).spawn().unwrap());
        let metrics = self.path("run").join("metrics.csv");
        let started = Instant::now();
        while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) <= steps {
            assert!(running.0.try_wait().unwrap().is_none(), "the training ended by itself");
            assert!(started.elapsed() < Duration::from_secs(300), "the training does not get on");
            sleep(Duration::from_millis(1));
        }
        running
    }
}

/// A process that does not outlive its test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// The runs agree in everything that a training leaves behind, but for the times.
fn assert_same_run(a: &Workplace, b: &Workplace) {
    assert_eq!(a.rows("run"), b.rows("run"));
    assert_eq!(names(&a.path("run/samples")), names(&b.path("run/samples")));
    let samples = names(&a.path("run/samples")).into_iter().map(|name| format!("run/samples/{name}"));
    let files = ["run/checkpoint.safetensors", "run/generator.safetensors", "run/curves.png"];
    for file in files.map(str::to_owned).into_iter().chain(samples) {
        assert!(a.bytes(&file) == b.bytes(&file), "{file} differs");
    }
}

fn assert_same_weights(a: &Workplace, b: &Workplace) {
    for file in ["run/checkpoint.safetensors", "run/generator.safetensors"] {
        assert!(a.bytes(file) == b.bytes(file), "{file} differs");
    }
}

#[test]
fn a_run_leaves_its_files() {
    let place = Workplace::new();
    let output = place.train("--steps=50 --sample-every=20 --checkpoint-every=20 --out=run");
    assert_eq!(text(output.stdout), "done; the results are in run\n");
    assert_eq!(
        names(&place.path("run")),
        [
            "checkpoint.safetensors",
            "config.toml",
            "curves.png",
            "eval.json",
            "generator.safetensors",
            "metrics.csv",
            "progress.png",
            "report.html",
            "samples",
            "state.json"
        ]
    );
    assert_eq!(names(&place.path("run/samples")), ["step-000020.png", "step-000040.png", "step-000050.png"]);
    let csv = text(place.bytes("run/metrics.csv"));
    assert!(csv.starts_with("step,seconds,critic_loss,wasserstein,penalty,slope,generator_loss,smoothed,held_out,"));
    let rows = place.rows("run");
    assert_eq!(rows.len(), 50);
    for row in rows {
        assert_eq!(row.measured.is_some(), row.step == 50, "{row}");
        assert!(
            (row.losses.critic.loss - (row.losses.critic.penalty - row.losses.critic.wasserstein)).abs() < 1e-4,
            "{row}"
        );
        assert!(
            row.losses.critic.slope > 0.0 && row.losses.critic.penalty >= 0.0 && row.losses.generator.is_finite(),
            "{row}"
        );
    }
}

/// What is measured on the way is what `eval` measures afterwards, changes nothing of the training, and survives a kill.
#[test]
fn samples_are_measured_on_the_way_and_the_best_weights_kept() {
    let [plain, whole, resumed] = [Workplace::new(), Workplace::new(), Workplace::new()];
    plain.train("--steps=40 --out=run");
    let told = text(whole.train("--steps=40 --eval-every=10 --out=run").stderr);
    assert_same_weights(&plain, &whole);
    assert_eq!(plain.rows("run"), whole.rows("run"));

    let quality = |place: &Workplace| Quality::read(&place.path("run/quality.csv"), u64::MAX).unwrap();
    let measured = quality(&whole);
    assert_eq!(measured.names[0], "sliced Wasserstein distance");
    assert!(measured.rows.iter().map(|row| row.step).eq([10, 20, 30, 40]));
    assert!(measured.rows.iter().zip(&whole.rows("run")[9..]).next().is_some_and(|(a, b)| a.estimate == b.smoothed));
    let Measures::Points(last) = Evaluation::read(&whole.path("run/eval.json")).unwrap().measures else { panic!() };
    assert_eq!(measured.rows[3].values[0], last.generated.sliced_wasserstein);
    assert_eq!(measured.real(), Some(last.real.sliced_wasserstein));

    let best = measured.rows.iter().min_by(|a, b| a.values[0].total_cmp(&b.values[0])).unwrap();
    assert_eq!(Metadata::read(&whole.path("run/best.safetensors")).unwrap().step, best.step);
    whole.run("sample --checkpoint run/best.safetensors --out best.png");
    let correlation = format!("correlation with the Wasserstein estimate is {:.2}", measured.correlation().unwrap());
    let times = "quality: measured 4 times, in ";
    assert!(told.contains(times) && told.contains(&correlation), "{told}");
    assert!(told.contains(&format!("at step {}, whose weights are in best.safetensors", best.step)), "{told}");
    let page = text(whole.bytes("run/report.html"));
    assert!(page.contains(&format!("The best are those of step {}.", best.step)), "{page}");
    assert!(page.contains(">real samples</text>"), "{page}");

    // Resumed from before its last measurements: as if killed after step 20.
    resumed.train("--steps=20 --eval-every=10 --out=run");
    let later = fs::read_to_string(whole.path("run/quality.csv")).unwrap();
    fs::write(resumed.path("run/quality.csv"), later).unwrap();
    resumed.run("train --resume=run --steps=40");
    let untimed =
        |quality: Quality| quality.rows.into_iter().map(|row| QualityRow { seconds: 0.0, ..row }).collect::<Vec<_>>();
    assert_eq!(untimed(quality(&resumed)), untimed(measured));
    assert!(resumed.bytes("run/best.safetensors") == whole.bytes("run/best.safetensors"));

    fs::write(resumed.path("run/quality.csv"), "step\n").unwrap();
    insta::assert_snapshot!(
        resumed.complaint("train --resume run --steps 50", 2),
        @"error: run/quality.csv: its first line does not begin with step,seconds,estimate"
    );
}

#[test]
fn the_report_follows_the_run_and_tells_how_it_ended() {
    let place = Workplace::new();
    let state = || {
        let page = text(place.bytes("run/report.html"));
        assert!(page.ends_with("</html>\n"), "it is whole");
        page.split_once("data-state=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let mut running = place.start("--sample-every=20 --checkpoint-every=20", 60);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    assert_eq!(state(), "training");
    let steps = place.checkpoint_step("run") + 20;
    place.run(&format!("train --resume=run --steps={steps}"));
    assert_eq!(state(), "finished");
    // A picture of every 20 steps is on the page, and a frame of the moving one.
    let page = text(place.bytes("run/report.html"));
    let pictures = page.matches("data:image/png;base64,").count();
    assert_eq!(pictures as u64, (steps / 20).min(40));
    let progress = place.bytes("run/progress.png");
    assert_eq!(progress.windows(4).filter(|tag| tag == b"fcTL").count(), pictures);
}

#[test]
fn a_run_cut_off_and_resumed_leaves_the_events_for_tensorboard_of_one_in_one_go() {
    let [resumed, whole] = [Workplace::new(), Workplace::new()];
    let args = "--tensorboard --sample-every=20 --checkpoint-every=40 --out=run";
    // A run that is killed after step 70 while it writes an event: its last checkpoint is that of step 40.
    resumed.train(&format!("--steps=40 {args}"));
    let checkpoint = resumed.bytes("run/checkpoint.safetensors");
    resumed.run("train --resume=run --steps=70");
    fs::write(resumed.path("run/checkpoint.safetensors"), checkpoint).unwrap();
    assert_eq!(resumed.events().len(), 1 + 70 + 4); // version, rows, pictures
    let half_an_event = b"\x40\0\0\0\0\0\0\0and so on".to_vec();
    let events = [resumed.bytes("run/events.tfevents"), half_an_event].concat();
    fs::write(resumed.path("run/events.tfevents"), events).unwrap();

    resumed.run("train --resume=run --steps=100");
    whole.train(&format!("--steps=100 {args}"));
    assert_eq!(whole.events().len(), 1 + 100 + 5);
    assert!(resumed.events() == whole.events(), "the events differ");
}

#[test]
fn events_for_tensorboard_are_written_only_if_asked_for() {
    let place = Workplace::new();
    place.train("--steps=1 --out=run");
    assert!(!place.path("run/events.tfevents").exists());
}

#[test]
fn a_run_in_trouble_is_warned_of_it_once_and_a_healthy_one_is_not() {
    let place = Workplace::new();
    let warnings = |output: &Output| -> Vec<String> {
        let told = text(output.stderr.clone());
        told.lines().filter(|line| line.starts_with("warning: ")).map(str::to_owned).collect()
    };
    assert_eq!(warnings(&place.train("--steps=200 --out=healthy")), [""; 0]);
    let clipped =
        place.run("--dataset=8gaussians --dim=16 --batch=16 --lipschitz=clip --clip=1e-4 --steps=150 --out=flat");
    let told = warnings(&clipped);
    assert!(told[0].starts_with("warning: step 50: the generator's gradient has vanished (its norm is "), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("vanished")).count(), 1, "{told:?}");
    let page = text(place.bytes("flat/report.html"));
    assert!(page.contains("<b>From step 50:</b> the generator&#39;s gradient has vanished"), "{page}");
}

/// Two processes that write to the same files would leave metrics that do not belong to the checkpoint.
#[cfg(unix)]
#[test]
fn a_folder_in_use_is_left_to_the_training_that_has_it() {
    let place = Workplace::new();
    let mut running = place.start("--checkpoint-every=10", 20);
    for second in ["train --resume=run", "train --out=run --force"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                place.complaint(second, 2),
                @"error: run is in use by another training: wait for its end, or name another folder"
            );
        }
    }
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    let step = place.checkpoint_step("run");
    place.run(&format!("train --resume=run --steps={}", step + 1));
}

#[test]
fn without_out_every_run_gets_a_folder_of_its_own() {
    let place = Workplace::new();
    place.train("--steps=1");
    let output = place.train("--steps=1 --lipschitz=lp");
    assert_eq!(names(&place.path("runs")), ["001-8gaussians-gp", "002-8gaussians-lp"]);
    assert_eq!(text(output.stdout), "done; the results are in runs/002-8gaussians-lp\n");
}

#[test]
fn no_command_trains_and_a_runs_own_configuration_repeats_it() {
    let [first, again] = [Workplace::new(), Workplace::new()];
    first.run(&format!("{} --steps=20 --out=run", TINY.join(" ")));
    fs::copy(first.path("run/config.toml"), again.path("my.toml")).unwrap();
    again.run("--config=my.toml --out=run");
    assert_same_run(&first, &again);
}

#[test]
fn a_resume_after_a_kill_leaves_the_bits_of_a_run_in_one_go() {
    for options in ["", "--conditional"] {
        let [resumed, whole] = [Workplace::new(), Workplace::new()];
        let often = &format!("{options} --checkpoint-every=100 --sample-every=50");
        let mut running = resumed.start(often, 160);
        running.0.kill().unwrap(); // SIGKILL where there are signals
        running.0.wait().unwrap();
        let checkpoint = resumed.checkpoint_step("run");
        assert!(checkpoint >= 100 && checkpoint.is_multiple_of(100));
        // What a process leaves that is killed while it writes.
        let metrics = resumed.path("run/metrics.csv");
        fs::write(&metrics, [resumed.bytes("run/metrics.csv"), b"170,1.0,-0.".to_vec()].concat()).unwrap();
        fs::write(resumed.path("run/samples/step-999999.png"), "later than the checkpoint").unwrap();

        let steps = checkpoint + 100;
        resumed.run(&format!("train --resume=run --steps={steps}"));
        whole.train(&format!("{often} --steps={steps} --out=run"));
        assert_eq!(resumed.rows("run").len() as u64, steps);
        assert_same_run(&resumed, &whole);
    }
}

#[test]
fn a_finished_run_goes_on_as_if_it_had_never_ended() {
    let [resumed, whole] = [Workplace::new(), Workplace::new()];
    resumed.train("--steps=30 --out=run --checkpoint-every=1000");
    resumed.run("train --resume=run --steps=60");
    whole.train("--steps=60 --out=run");
    fs::remove_file(resumed.path("run/samples/step-000030.png")).unwrap(); // drawn because the run ended there
    assert_same_run(&resumed, &whole);
}

/// What there is to remember beyond weights and averages: batch norm's statistics, spectral normalisation's vectors, and how
/// often the critic was updated.
#[test]
fn everything_that_a_training_remembers_is_resumed() {
    for options in [
        "--generator-norm=batch --critic-norm=layer --critic-schedule=converge",
        "--lipschitz=spectral --critic-schedule=original",
        "--lipschitz=clip --critic-norm=batch --generator-norm=batch --average=0",
        "--conditional --generator-norm=batch",
        "--conditional --lipschitz=spectral --critic-schedule=converge",
    ] {
        let [resumed, whole] = [Workplace::new(), Workplace::new()];
        let args = format!("{} {options}", TINY.join(" "));
        resumed.run(&format!("{args} --steps=27 --out=run"));
        resumed.run("train --resume=run --steps=30");
        whole.run(&format!("{args} --steps=30 --out=run"));
        fs::remove_file(resumed.path("run/samples/step-000027.png")).unwrap();
        assert_same_run(&resumed, &whole);
    }
}

/// Blocks within blocks have names of their own, and which images are mirrored follows from the step alone.
#[test]
fn residual_networks_and_mirrored_images_are_resumed() {
    let [resumed, whole] = [Workplace::new(), Workplace::new()];
    let args = "train --arch=resnet --dim=2 --batch=4 --critic-steps=2 --flip";
    resumed.run(&format!("{args} --steps=2 --out=run"));
    resumed.run("train --resume=run --steps=4");
    whole.run(&format!("{args} --steps=4 --out=run"));
    fs::remove_file(resumed.path("run/samples/step-000002.png")).unwrap();
    assert_same_run(&resumed, &whole);
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let places = [1, 2, 3].map(|threads| {
        let place = Workplace::new();
        let images = "--arch=mlp --dim=32 --batch=70 --critic-steps=2 --steps=3 --out=images";
        place.run(&format!("--dataset=mnist {images} --threads={threads}"));
        let convolutions = "--dim=3 --batch=7 --critic-steps=2 --steps=2 --out=convolutions";
        place.run(&format!("--dataset=mnist {convolutions} --threads={threads}"));
        let normalised =
            "--dim=3 --batch=7 --generator-norm=batch --critic-schedule=converge --steps=2 --out=normalised";
        place.run(&format!("--dataset=mnist {normalised} --lipschitz=spectral --threads={threads}"));
        let conditional = "--conditional --dim=3 --batch=7 --critic-steps=2 --steps=2 --out=conditional";
        place.run(&format!("--dataset=mnist {conditional} --threads={threads}"));
        place.run(&format!("--dataset=25gaussians --dim=33 --batch=300 --steps=50 --out=run --threads={threads}"));
        place
    });
    for place in &places[1..] {
        assert_same_run(&places[0], place);
        for run in ["images", "convolutions", "normalised", "conditional"] {
            assert_eq!(places[0].rows(run), place.rows(run));
            let file = format!("{run}/checkpoint.safetensors");
            assert!(places[0].bytes(&file) == place.bytes(&file), "{file} differs");
        }
    }
}

/// The thread that waits for signals, the main one, one to compute on, one for the host's own work: no more at any time, the
/// closing evaluation included.
#[cfg(target_os = "linux")]
#[test]
fn a_run_on_one_thread_is_on_one_to_its_end() {
    let place = Workplace::new();
    let args = "--arch=mlp-small --batch=16 --critic-steps=1 --steps=2 --threads=1 --out=run";
    let mut running = Running(place.command(args).spawn().unwrap());
    let tasks = format!("/proc/{}/task", running.0.id());
    let mut most = 0;
    while running.0.try_wait().unwrap().is_none() {
        most = most.max(fs::read_dir(&tasks).map_or(0, Iterator::count));
        sleep(Duration::from_millis(1));
    }
    assert!(place.path("run/eval.json").is_file() && (1..=4).contains(&most), "{most} threads");
}

#[test]
fn a_run_does_not_end_because_nobody_reads_its_progress() {
    let place = Workplace::new();
    let args = format!("train {} --steps=20 --out=run", TINY.join(" "));
    let mut running = Running(place.command(&args).spawn().unwrap());
    drop((running.0.stdout.take(), running.0.stderr.take()));
    assert!(running.0.wait().unwrap().success());
    assert_eq!(place.checkpoint_step("run"), 20);
}

/// A terminal that only prints has no bar, but lines.
#[cfg(target_os = "linux")]
#[test]
fn progress_and_warnings_appear_on_any_terminal() {
    for (kind, no_color) in [("dumb", ""), ("xterm", ""), ("xterm", "1")] {
        let place = Workplace::new();
        let args = "train --dataset=8gaussians --dim=16 --batch=16 --lipschitz=none --lr=0.02 --steps=120 --out=run";
        let command = format!("{} {args}", env!("CARGO_BIN_EXE_wgan"));
        let mut script = std::process::Command::new("script"); // gives it a terminal
        script
            .args(["-qec", &command, "/dev/null"])
            .env("TERM", kind)
            .env("NO_COLOR", no_color)
            .current_dir(place.path("."));
        let seen = text(script.stdin(Stdio::null()).output().unwrap().stdout);
        let lines = !seen.contains('━');
        assert_eq!(lines, kind == "dumb" || no_color == "1", "{kind}: {seen}");
        assert!(seen.contains("step 120/120") && seen.contains("warning: step "), "{kind}: {seen}");
    }
}

/// Resumed, a run whose steps are all done gets what a kill kept it from, the same as it would have been.
#[test]
fn a_finished_run_is_completed_by_a_resume() {
    let place = Workplace::new();
    place.train("--steps=30 --sample-every=20 --tensorboard --out=run");
    let of_end = ["eval.json", "progress.png", "curves.png", "generator.safetensors", "samples/step-000030.png"];
    let of_end = of_end.map(|name| format!("run/{name}"));
    let kept = ["run/metrics.csv", "run/events.tfevents", "run/checkpoint.safetensors"];
    let read = || of_end.iter().map(|name| &**name).chain(kept).map(|name| place.bytes(name)).collect::<Vec<_>>();
    let before = read();
    of_end.iter().for_each(|name| fs::remove_file(place.path(name)).unwrap());
    fs::write(place.path("run/report.html"), "of a run that goes on").unwrap();
    fs::write(place.path("run/state.json"), "\"training\"").unwrap();
    let output = place.run("train --resume=run");
    assert_eq!(text(output.stdout), "done; the results are in run\n");
    assert!(read() == before, "the files differ");
    assert!(text(place.bytes("run/report.html")).contains("data-state=\"finished\""));
    // An evaluation that somebody asked for stays, and of what is whole nothing is made anew.
    place.run("eval --run=run --samples=123");
    let evaluation = place.bytes("run/eval.json");
    fs::remove_file(place.path("run/curves.png")).unwrap();
    place.run("train --resume=run");
    assert!(place.path("run/curves.png").exists() && place.bytes("run/eval.json") == evaluation);
    fs::remove_dir_all(place.path("run/samples")).unwrap();
    place.run("eval --run=run --samples=123");
    place.run("train --resume=run");
    assert!(place.bytes("run/samples/step-000030.png") == before[4]);
    // A generator that is cut off is none.
    fs::write(place.path(&of_end[3]), &before[3][..before[3].len() / 2]).unwrap();
    place.run("train --resume=run");
    assert!(place.bytes(&of_end[3]) == before[3]);
    let told = text(place.run("train --resume=run").stdout);
    assert_eq!(told, "nothing is missing in run: all steps are done; ask for more with --steps\n");
    let complaint = place.complaint("train --resume=run --steps=29", 2);
    assert!(complaint.contains("has done 30 steps already"), "{complaint}");
    // Runs of earlier versions do not say where they stand.
    fs::remove_file(place.path("run/state.json")).unwrap();
    assert!(text(place.run("train --resume=run").stdout).starts_with("nothing is missing"));
}

/// A run that ends because its page or its moving picture cannot be written says so, and is completed when they can be.
#[test]
fn a_run_whose_last_files_cannot_be_written_has_failed() {
    let place = Workplace::new();
    place.train("--steps=3 --out=run");
    let mut steps = 3;
    for name in ["run/report.html", "run/progress.png"] {
        fs::remove_file(place.path(name)).unwrap();
        fs::create_dir(place.path(name)).unwrap();
        steps += 1;
        let complaint = place.complaint(&format!("train --resume=run --steps={steps}"), 1);
        assert!(complaint.contains(&format!("cannot write {name}")), "{complaint}");
        let state = text(place.bytes("run/state.json"));
        assert!(state.starts_with("{\"failed\":\"cannot write ") && state.contains(name), "{state}");
        fs::remove_dir(place.path(name)).unwrap();
        place.run(&format!("train --resume=run --steps={steps}"));
        assert_eq!(text(place.bytes("run/state.json")), "\"finished\"\n");
    }
}

#[test]
fn a_run_that_died_before_its_first_checkpoint_is_started_again_under_its_name() {
    let place = Workplace::new();
    let mut running = place.start("--checkpoint-every=1000000", 5);
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    assert!(place.complaint("train --resume=run", 2).contains("can be started again with --out"));
    fs::write(place.path("run/notes.txt"), "of somebody else").unwrap();
    let args = format!("train {} --steps=10 --out=run", TINY.join(" "));
    assert!(place.complaint(&args, 2).contains("run is not empty"));
    fs::remove_file(place.path("run/notes.txt")).unwrap();
    let told = text(place.run(&args).stderr);
    assert!(told.starts_with("the run in run ended before its first checkpoint; it starts again\n"), "{told}");
    assert_eq!(place.rows("run").len(), 10);
    assert!(place.complaint(&args, 2).contains("run is not empty"));
}

#[cfg(unix)]
impl Running {
    /// Sends it a signal as often as `ids` says, as `timeout` and some shells do: to the process, and to its group.
    fn signal(&self, signal: &str, times: usize) {
        let ids = vec![self.0.id().to_string(); times].join(" ");
        let kill = std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {ids}")]).status();
        assert!(kill.unwrap().success());
    }

    /// Its exit code and what it printed.
    fn end(&mut self) -> (Option<i32>, String, String) {
        let status = self.0.wait().unwrap();
        let [stdout, stderr] = [
            std::io::read_to_string(self.0.stdout.take().unwrap()).unwrap(),
            std::io::read_to_string(self.0.stderr.take().unwrap()).unwrap(),
        ];
        (status.code(), stdout, stderr)
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_system_sends_before_it_shuts_down_is_ctrl_c() {
    for signal in ["TERM", "HUP"] {
        let place = Workplace::new();
        let program = place.command(&format!("train {} --steps=1000000000 --out=run", TINY.join(" ")));
        // The tests themselves may have been started to ignore it.
        let mut command = std::process::Command::new("env");
        command.arg("--default-signal=HUP").arg(program.get_program()).args(program.get_args());
        command.current_dir(place.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running(command.spawn().unwrap());
        while fs::read_to_string(place.path("run/metrics.csv")).map_or(0, |text| text.lines().count()) < 20 {
            assert!(running.0.try_wait().unwrap().is_none(), "the training ended by itself");
            sleep(Duration::from_millis(5));
        }
        running.signal(signal, 1);
        let (code, stdout, stderr) = running.end();
        assert_eq!(code, Some(130), "{signal}: {stderr}");
        assert!(stdout.starts_with("stopped after step "), "{signal}: {stdout}");
        assert!(text(place.bytes("run/report.html")).contains("data-state=\"stopped\""));
    }
}

/// Where nothing would be lost there is nothing to wait for.
#[cfg(unix)]
#[test]
fn other_commands_stop_at_once() {
    let place = Workplace::new();
    for args in ["train-classifier --steps=1000000", "experiment critic-steps --out=experiments"] {
        let mut running = Running(place.command(args).spawn().unwrap());
        sleep(Duration::from_millis(1500));
        running.signal("TERM", 1);
        let (code, _, stderr) = running.end();
        assert_eq!(code, Some(130), "{args}: {stderr}");
        assert!(stderr.ends_with("stopped; what was written before is whole\n"), "{args}: {stderr}");
    }
    assert!(
        !place.path("classifier.safetensors").exists() && names(&place.path("experiments/critic-steps")).is_empty()
    );
}

/// `nohup` starts a program so that it does not end with its terminal.
#[cfg(unix)]
#[test]
fn a_signal_that_is_ignored_from_the_start_stays_so() {
    let place = Workplace::new();
    let args = format!("train {} --steps=1000000 --out=run", TINY.join(" "));
    let command = format!("trap '' HUP; exec {} {args}", env!("CARGO_BIN_EXE_wgan"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &command]).current_dir(place.path(".")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(shell.spawn().unwrap());
    let steps = || fs::read_to_string(place.path("run/metrics.csv")).map_or(0, |text| text.lines().count());
    let wait = |wanted: usize| {
        while steps() < wanted {
            sleep(Duration::from_millis(5))
        }
    };
    wait(20);
    running.signal("HUP", 1);
    wait(steps() + 100);
    running.signal("TERM", 1);
    assert_eq!(running.end().0, Some(130));
}

/// Steps of a thousand updates take seconds, and need not be waited for.
#[cfg(unix)]
#[test]
fn a_second_ctrl_c_leaves_a_slow_step_undone_and_keeps_the_one_before() {
    const SLOW: &str =
        "train --dataset=8gaussians --dim=192 --batch=256 --critic-steps=1000 --seed=3 --steps=1000 --out=run";
    let interrupted = |wanted: usize| {
        let place = Workplace::new();
        let mut running = Running(place.command(SLOW).spawn().unwrap());
        let rows = || fs::read_to_string(place.path("run/metrics.csv")).map_or(0, |text| text.lines().count());
        while rows() < wanted || !place.path("run/report.html").exists() {
            assert!(running.0.try_wait().unwrap().is_none(), "it ended by itself");
            sleep(Duration::from_millis(20));
        }
        running.signal("INT", 2);
        sleep(Duration::from_millis(1100));
        running.signal("INT", 1);
        let (code, stdout, stderr) = running.end();
        assert_eq!(code, Some(130), "{stderr}");
        assert!(stderr.contains(", which may take a while; again to stop now\n"), "{stderr}");
        assert!(stderr.contains("undone, if it takes long; again to stop without saving\n"), "{stderr}");
        (place, stdout)
    };
    let (place, stdout) = interrupted(1);
    assert_eq!(stdout, "stopped before its first step was done; start it again with --out run\n");
    assert!(!place.path("run/checkpoint.safetensors").exists());

    let (place, stdout) = interrupted(2);
    let step = place.checkpoint_step("run");
    assert_eq!(stdout, format!("stopped after step {step}; go on with: wgan train --resume run\n"));
    assert_eq!(place.rows("run").len() as u64, step);
    // It is the state after that step, as if there had been no other.
    let whole = Workplace::new();
    whole.run(&SLOW.replace("--steps=1000", &format!("--steps={step}")));
    assert!(place.bytes("run/checkpoint.safetensors") == whole.bytes("run/checkpoint.safetensors"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_step_and_says_how_to_go_on() {
    let [interrupted, whole] = [Workplace::new(), Workplace::new()];
    let mut running = interrupted.start("", 20);
    running.signal("INT", 2);
    let (code, stdout, stderr) = running.end();
    assert_eq!(code, Some(130));
    assert!(stderr.contains("finishing step "), "{stderr}");

    let step = interrupted.checkpoint_step("run");
    assert_eq!(stdout, format!("stopped after step {step}; go on with: wgan train --resume run\n"));
    assert_eq!(interrupted.rows("run").len() as u64, step);
    assert!(interrupted.path("run/samples").join(format!("step-{step:06}.png")).is_file());

    let steps = step + 20;
    interrupted.run(&format!("train --resume run --steps={steps}"));
    whole.train(&format!("--steps={steps} --out=run"));
    assert_eq!(interrupted.rows("run"), whole.rows("run"));
    let file = "run/checkpoint.safetensors";
    assert!(interrupted.bytes(file) == whole.bytes(file));
}

mod divergence {
    use super::*;

    /// Without a constraint the loss runs off, under plain steps faster and faster.
    const RUNAWAY: &str = "train --dataset=8gaussians --dim=16 --batch=16 --lipschitz=none --optimizer=sgd";

    #[test]
    fn a_loss_that_is_no_longer_finite_names_step_and_operation_and_keeps_the_last_good_checkpoint() {
        let place = Workplace::new();
        let complaint = place.complaint(&format!("{RUNAWAY} --lr=0.5 --steps=1000 --checkpoint-every=1 --out=run"), 1);
        let last = place.checkpoint_step("run");
        assert!(last > 1, "{complaint}");
        let told = format!("error: the training is no longer finite at step {}: the first operation", last + 1);
        assert!(complaint.starts_with(&told), "{complaint}");
        assert!(complaint.contains(".rs:"), "{complaint}");
        assert!(complaint.contains(&format!("the checkpoint of step {last} is kept")), "{complaint}");
        assert!(place.rows("run").len() as u64 <= last + 1);

        let bytes = place.bytes("run/checkpoint.safetensors");
        for (name, tensor) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
            let (numbers, _) = tensor.data().as_chunks::<4>();
            assert!(numbers.iter().all(|&number| f32::from_le_bytes(number).is_finite()), "{name}");
        }
        // What led there leads there again, and a smaller --lr comes too late for it.
        let again = place.complaint("train --resume=run", 1);
        let (same, advice) = again.split_at(complaint.find("; try a smaller --lr").expect("advice"));
        assert!(
            complaint.starts_with(same) && advice.starts_with("; the numbers in run/checkpoint.safetensors lead there")
        );
        // The search may take long, so it is announced.
        let told = text(place.command("train --resume=run").output().unwrap().stderr);
        let announced = format!("warning: step {}: no longer finite; looking for the first operation", last + 1);
        assert!(told.contains(&announced), "{told}");
    }

    #[test]
    fn a_run_that_fails_at_once_has_no_checkpoint() {
        let place = Workplace::new();
        let complaint = place.complaint(&format!("{RUNAWAY} --lr=1e30 --steps=9 --out=run"), 1);
        assert!(complaint.contains("at step 1: the first operation that made it so is "), "{complaint}");
        assert!(complaint.contains("no checkpoint was written before"), "{complaint}");
        assert!(!place.path("run/checkpoint.safetensors").exists());
    }
}

mod constraint {
    use super::*;

    #[test]
    fn every_constraint_trains_and_its_slope_is_measured() {
        let penalties = ["gp", "gp-one-sided", "lp", "difference", "difference-one-sided", "pairs"];
        for lipschitz in penalties.into_iter().chain(["clip", "spectral", "bounded", "none"]) {
            let place = Workplace::new();
            let lr = if lipschitz == "none" { "--lr=1e-5" } else { "" };
            place.run(&format!(
                "--dataset=swissroll --dim=16 --batch=16 --lipschitz={lipschitz} {lr} --steps=3 --out=run"
            ));
            for row in place.rows("run") {
                assert!(row.losses.critic.slope.is_finite() && row.losses.critic.slope > 0.0, "{lipschitz}: {row}");
                assert!(row.losses.critic.penalty == 0.0 || penalties.contains(&lipschitz), "{lipschitz}: {row}");
            }
        }
    }

    #[test]
    fn clipping_comes_after_the_update() {
        let place = Workplace::new();
        place.run("--dataset=8gaussians --dim=16 --batch=16 --lipschitz=clip --clip=0.03 --lr=0.1 --steps=2 --out=run");
        let bytes = place.bytes("run/checkpoint.safetensors");
        let (mut inside, mut clipped) = (0, 0);
        for (name, tensor) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
            if !name.starts_with("critic.") {
                continue;
            }
            let (numbers, _) = tensor.data().as_chunks::<4>();
            for number in numbers.iter().map(|&number| f32::from_le_bytes(number)) {
                assert!(number.abs() <= 0.03, "{name}: {number}");
                if number.abs() == 0.03 { clipped += 1 } else { inside += 1 }
            }
        }
        // A step of RMSProp is about 0.1 for every weight with a gradient: nearly all of them end on the bound.
        assert!(clipped > inside, "{clipped} clipped, {inside} not");
    }

    /// The label form moves every weight as the difference form does, to the bit, whichever label is real's.
    #[test]
    fn labels_and_difference_train_the_same_networks() {
        for sign in ["real-high", "real-low"] {
            let [labels, difference] = ["labels", "difference"].map(|form| {
                let place = Workplace::new();
                place.train(&format!("--loss-form={form} --sign={sign} --steps=20 --out=run"));
                place
            });
            assert_eq!(labels.rows("run"), difference.rows("run"));
            let [a, b] = [&labels, &difference].map(|place| place.bytes("run/checkpoint.safetensors"));
            let [a, b] = [&a, &b].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
            assert_eq!(a.names().len(), b.names().len());
            for (name, tensor) in a.tensors() {
                assert!(tensor == b.tensor(&name).unwrap(), "{sign}: {name} differs");
            }
        }
    }

    /// No gap is larger than 2 where scores lie within ±1.
    #[test]
    fn a_bounded_critic_has_a_bounded_gap() {
        let place = Workplace::new();
        place.train("--lipschitz=bounded --steps=200 --out=run");
        let rows = place.rows("run");
        assert!(rows.iter().all(|row| row.losses.critic.wasserstein.abs() <= 2.0));
        assert!(rows.iter().any(|row| row.losses.critic.wasserstein > 1.0));
    }

    /// ln 4 is the loss of a discriminator that knows nothing.
    #[test]
    fn the_standard_gan_trains() {
        for objective in ["standard", "non-saturating"] {
            let place = Workplace::new();
            place.train(&format!("--objective={objective} --steps=100 --out=run"));
            let rows = place.rows("run");
            assert!((rows[0].losses.critic.loss - 4f32.ln()).abs() < 0.1, "{}", rows[0]);
            assert!(rows.iter().any(|row| row.losses.critic.loss < 1.2), "{objective}");
            assert!(
                rows.iter().all(|row| row.losses.critic.penalty == 0.0 && row.losses.critic.loss > 0.0),
                "{objective}"
            );
        }
    }

    /// The critic for mirrored scores differs in the sign of its last layer: the estimates agree.
    #[test]
    fn either_sign_convention_trains() {
        let place = Workplace::new();
        for sign in ["real-high", "real-low"] {
            place.train(&format!("--sign={sign} --steps=200 --out={sign}"));
            let rows = place.rows(sign);
            let late = rows[150..].iter().map(|row| row.losses.critic.wasserstein).sum::<f32>() / 50.0;
            assert!(late > 0.0, "{sign}: {late}");
        }
    }
}

mod sample {
    use super::*;

    /// The elements of an `.npy` file and its shape as Python writes it.
    fn read_npy(bytes: &[u8]) -> (String, Vec<f32>) {
        let length = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = str::from_utf8(&bytes[10..length]).unwrap();
        let shape = header.split("'shape': ").nth(1).unwrap().split(", }").next().unwrap();
        let (numbers, rest) = bytes[length..].as_chunks::<4>();
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00") && header.contains("'<f4'") && rest.is_empty());
        (shape.to_owned(), numbers.iter().map(|&number| f32::from_le_bytes(number)).collect())
    }

    fn digits() -> Workplace {
        let place = Workplace::new();
        place.run("--arch=mlp-small --batch=8 --critic-steps=1 --steps=2 --seed=5 --out=run");
        place
    }

    #[test]
    fn digits_are_those_of_the_runs_own_picture() {
        let place = digits();
        place.run("sample --run=run --seed=5 --out=digits.png");
        assert!(place.bytes("digits.png") == place.bytes("run/samples/step-000002.png"));
        place.run("sample --run=run --seed=6 --out=others.png");
        assert!(place.bytes("others.png") != place.bytes("digits.png"));
    }

    #[test]
    fn all_files_of_weights_give_the_same_samples() {
        let place = digits();
        place.run("sample --run=run --count=70 --out=run.npy");
        for file in ["checkpoint", "generator"] {
            place.run(&format!("sample --checkpoint=run/{file}.safetensors --count=70 --out={file}.npy"));
            assert!(place.bytes("run.npy") == place.bytes(&format!("{file}.npy")), "{file}");
        }
        let (shape, pixels) = read_npy(&place.bytes("run.npy"));
        assert_eq!((shape.as_str(), pixels.len()), ("(70, 28, 28,)", 70 * 28 * 28));
        assert!(pixels.iter().all(|x| (0.0..=1.0).contains(x)));
    }

    #[test]
    fn a_sample_depends_on_its_number_alone() {
        let place = Workplace::new();
        place.train("--steps=1 --out=run");
        let [few, many] = [3, 1500].map(|count| {
            place.run(&format!("sample --run=run --count={count} --out=points.npy"));
            let (shape, points) = read_npy(&place.bytes("points.npy"));
            assert_eq!(shape, format!("({count}, 2,)"));
            points
        });
        assert_eq!(few, many[..6]);
        let mut bits: Vec<[u32; 2]> = many.chunks(2).map(|point| [point[0].to_bits(), point[1].to_bits()]).collect();
        bits.sort_unstable();
        bits.dedup();
        assert_eq!(bits.len(), 1500, "every sample has noise of its own");
    }

    #[test]
    fn samples_are_made_of_the_noise_that_is_given() {
        let place = digits();
        place.run("sample --run=run --count=70 --seed=3 --save-z=z.npy --out=digits.npy");
        let (shape, noise) = read_npy(&place.bytes("z.npy"));
        assert_eq!(shape, "(70, 10,)");
        assert!(noise.iter().all(|x| (-1.0..1.0).contains(x)), "mlp-small takes uniform noise");
        place.run("sample --checkpoint=run/checkpoint.safetensors --z=z.npy --out=again.npy");
        assert!(place.bytes("again.npy") == place.bytes("digits.npy"));
        place.run("sample --run=run --z=z.npy --grid=neighbours --out=neighbours.png");

        // Noise of one's own: its rows in another order give the same samples in that order.
        let reversed: Vec<f32> = noise.chunks(10).rev().flatten().copied().collect();
        let reversed = autograd::Tensor::new([70, 10], reversed).unwrap();
        fs::write(place.path("reversed.npy"), wgan::npy::encode(&reversed)).unwrap();
        place.run("sample --run=run --z=reversed.npy --out=reversed-digits.npy");
        let [there, back] = ["digits.npy", "reversed-digits.npy"].map(|file| read_npy(&place.bytes(file)).1);
        assert!(there.chunks(28 * 28).eq(back.chunks(28 * 28).rev()));
    }

    #[test]
    fn noise_that_does_not_fit_is_told() {
        let place = digits();
        let told = |values: autograd::Tensor| {
            fs::write(place.path("z.npy"), wgan::npy::encode(&values)).unwrap();
            place.complaint("sample --run=run --z=z.npy --out=a.png", 2)
        };
        let values = |shape: &[usize], value: f64| autograd::Tensor::full(shape, value);
        insta::assert_snapshot!(told(values(&[4, 128], 0.0)), @"error: z.npy: its shape is [4, 128], but the generator takes rows of 10 numbers");
        assert!(told(values(&[1; 5000], 0.0)).len() < 500, "a shape is quoted in part");
        insta::assert_snapshot!(told(values(&[0, 10], 0.0)), @"error: z.npy: it holds no rows");
        insta::assert_snapshot!(told(values(&[2, 10], f64::NAN)), @"error: z.npy: row 0 holds a number that is not finite");
        insta::assert_snapshot!(
            place.complaint("sample --run=run --z=none.npy --out=a.png", 2),
            @"error: cannot read none.npy: No such file or directory (os error 2)"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run=run --z=z.npy --grid=walk --out=a.png", 2),
            @"error: --z has no place here: only --grid plain and neighbours show one sample for each row of noise"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run=run --z=z.npy --seed=1 --out=a.png", 2),
            @"error: --seed has no place here: nothing is drawn beside the noise of --z"
        );
        assert!(!place.path("a.png").exists());
    }

    /// `torch/dcgan.py` made the weights, in half precision, the noise and the samples.
    #[test]
    fn weights_from_pytorch_give_its_samples() {
        let place = Workplace::new();
        let torch = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch");
        for file in ["dcgan.safetensors", "z.npy", "samples.npy"] {
            fs::copy(torch.join(file), place.path(file)).unwrap();
        }
        let of_images = "sample --weights=dcgan.safetensors --dataset=images --size=8 --generator-norm=batch";
        place.run(&format!("{of_images} --arch=dcgan --dim=2 --z=z.npy --out=ours.npy"));
        let [(shape, ours), (_, theirs)] = ["ours.npy", "samples.npy"].map(|file| read_npy(&place.bytes(file)));
        assert_eq!(shape, "(4, 3, 8, 8,)");
        let furthest = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < 1e-6, "{furthest}");
        insta::assert_snapshot!(
            place.complaint(&format!("{of_images} --arch=dcgan --dim=3 --out=a.png"), 2),
            @r#"error: dcgan.safetensors is of another model; what it has | what is expected: "0.bias" [32] | "0.bias" [48], "0.weight" [32, 128] | "0.weight" [48, 128], "2.bias" [2] | "2.bias" [3], "2.running_mean" [2] | "2.running_mean" [3], "2.running_var" [2] | "2.running_var" [3], "2.weight" [2] | "2.weight" [3], "4.weight" [2, 3, 5, 5] | "4.weight" [3, 3, 5, 5]"#
        );
        insta::assert_snapshot!(
            place.complaint("sample --weights=dcgan.safetensors --out=a.png --size=8", 2),
            @"error: --size has no place here: it is for --dataset images"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run=run --out=a.png --dim=8", 2),
            @"error: the argument '--run <DIR>' cannot be used with '--dim <N>'"
        );
    }

    /// The tensors of a run under their own names are a state dict, and tell how many classes there are.
    #[test]
    fn weights_without_names_before_theirs_tell_their_classes() {
        let place = Workplace::new();
        place.run("--conditional --arch=mlp-small --batch=8 --critic-steps=1 --steps=1 --out=run");
        let file = place.bytes("run/generator.safetensors");
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let plain = tensors.iter().map(|(name, tensor)| (name.strip_prefix("generator.").unwrap(), tensor));
        fs::write(place.path("plain.safetensors"), safetensors::serialize(plain, None).unwrap()).unwrap();
        place.run("sample --run=run --class=7 --out=run.npy");
        place.run("sample --weights=plain.safetensors --arch=mlp-small --class=7 --out=plain.npy");
        assert!(place.bytes("run.npy") == place.bytes("plain.npy"));
    }

    #[test]
    fn points_are_drawn_too() {
        let place = Workplace::new();
        place.train("--steps=1 --out=run");
        place.run("sample --run=run --out=points.png");
        assert!(place.bytes("points.png").starts_with(b"\x89PNG"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let place = digits();
        std::os::unix::fs::symlink("/dev/full", place.path("full.npy")).unwrap();
        insta::assert_snapshot!(
            place.complaint("sample --run=run --out=full.npy", 1),
            @"error: cannot write full.npy: No space left on device (os error 28)"
        );
        insta::assert_snapshot!(
            place.complaint("sample --run=run --out=no/folder.npy", 1),
            @"error: cannot write no/folder.npy: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn files_that_are_no_weights_are_told() {
        let place = digits();
        let whole = place.bytes("run/generator.safetensors");
        fs::write(place.path("half.safetensors"), &whole[..whole.len() / 2]).unwrap();
        insta::assert_snapshot!(
            place.complaint("sample --checkpoint=half.safetensors --out=a.png", 2),
            @r#"error: half.safetensors is not a whole safetensors file: it ends within tensor "generator.4.weight""#
        );
        fs::write(place.path("foreign.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
        insta::assert_snapshot!(
            place.complaint("sample --checkpoint=foreign.safetensors --out=a.png", 2),
            @"error: foreign.safetensors: these weights were not written by wgan; wgan sample and wgan export take them by --weights"
        );
        insta::assert_snapshot!(
            place.complaint("sample --weights=run/generator.safetensors --out=a.png", 2),
            @"error: run/generator.safetensors: it tells itself what it is made of; name it by --checkpoint"
        );
        insta::assert_snapshot!(
            place.complaint("sample --checkpoint=missing.safetensors --out=a.png", 2),
            @"error: cannot read missing.safetensors: No such file or directory (os error 2)"
        );
        assert!(!place.path("a.png").exists());
    }
}

mod resume {
    use super::*;

    fn finished() -> Workplace {
        let place = Workplace::new();
        place.train("--steps=4 --out=run");
        place
    }

    #[test]
    fn a_run_that_has_done_more_steps_is_told() {
        insta::assert_snapshot!(
            finished().complaint("train --resume=run --steps=3", 2),
            @"error: steps = 3 is not possible: the run has done 4 steps already; ask for more in all"
        );
    }

    #[test]
    fn a_setting_that_the_steps_depended_on_stays() {
        insta::assert_snapshot!(
            finished().complaint("train --resume=run --steps=9 --lr=0.1", 2),
            @"error: --lr has no place here: a resumed run keeps all settings but steps, backend, threads and reports"
        );
    }

    #[test]
    fn a_checkpoint_of_another_architecture_is_told() {
        let place = finished();
        place.run("--dataset=8gaussians --dim=24 --batch=16 --steps=1 --out=other");
        fs::copy(place.path("other/checkpoint.safetensors"), place.path("run/checkpoint.safetensors")).unwrap();
        insta::assert_snapshot!(
            place.complaint("train --resume=run --steps=9", 2),
            @"error: run/checkpoint.safetensors: it was trained with dim = 24, not 16 as the run's config.toml says"
        );
    }

    #[test]
    fn a_truncated_checkpoint_is_told() {
        let place = finished();
        let whole = place.bytes("run/checkpoint.safetensors");
        for length in [0, 7, 100, whole.len() - 1] {
            fs::write(place.path("run/checkpoint.safetensors"), &whole[..length]).unwrap();
            let complaint = place.complaint("train --resume=run --steps=9", 2);
            let sentence = "error: run/checkpoint.safetensors is not a whole safetensors file: ";
            assert!(complaint.starts_with(sentence), "{length} bytes: {complaint}");
        }
    }

    /// TOML knows no number beyond 63 bits, but its reader takes them.
    #[test]
    fn a_number_in_its_settings_that_is_too_large_is_told() {
        let place = finished();
        let settings = String::from_utf8(place.bytes("run/config.toml")).unwrap();
        for name in ["seed", "steps", "batch"] {
            let line = settings.lines().find(|line| line.starts_with(name)).unwrap();
            let number = settings.replace(line, &format!("{name} = 9223372036854775808"));
            fs::write(place.path("run/config.toml"), number).unwrap();
            for command in ["train --resume=run --steps=9", "eval --run=run", "train --config=run/config.toml"] {
                let complaint = place.complaint(command, 2);
                assert!(complaint.starts_with("error: run/config.toml, line "), "{complaint}");
            }
        }
    }

    #[test]
    fn metrics_that_miss_steps_are_told() {
        let place = finished();
        fs::write(place.path("run/metrics.csv"), "step,seconds,critic_loss\n").unwrap();
        insta::assert_snapshot!(
            place.complaint("train --resume=run --steps=9", 2),
            @"error: run/metrics.csv: its first line is not step,seconds,critic_loss,wasserstein,penalty,slope,generator_loss,smoothed,held_out,critic_gradient,generator_gradient,at_bound,slopes"
        );
    }
}

/// A process may be forbidden to write large files, which looks to it like a full disk, to root as well.
#[cfg(unix)]
mod full_disk {
    use super::*;

    /// `wgan` that may write files of `blocks` of 512 bytes (1024 in some shells).
    fn limited(place: &Workplace, blocks: u32, args: &str) -> std::process::Command {
        let mut command = std::process::Command::new("sh");
        command.current_dir(place.path("")).arg("-c");
        // Ignored, the signal becomes an error of the write that would make the file too large.
        command.arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""));
        command.args(["sh", env!("CARGO_BIN_EXE_wgan")]).args(args.split_whitespace());
        command
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_is_told_and_the_last_one_kept() {
        let place = Workplace::new();
        place.run("--dataset=8gaussians --dim=256 --batch=16 --steps=2 --out=run");
        let [before, config] =
            ["checkpoint.safetensors", "config.toml"].map(|name| place.bytes(&format!("run/{name}")));
        let complaint = workplace::complaint(limited(&place, 1000, "train --resume=run --steps=4"), 1);
        assert!(complaint.starts_with("error: cannot write run/"), "{complaint}");
        assert!(complaint.contains("safetensors: File too large (os error"), "{complaint}");
        assert!(place.bytes("run/checkpoint.safetensors") == before);
        assert!(!names(&place.path("run")).iter().any(|name| name.ends_with(".partial")));
        assert_ne!(place.bytes("run/config.toml"), config);
        place.run("train --resume=run --steps=4");
    }

    #[test]
    fn a_disk_that_is_full_from_the_start_is_told() {
        let place = Workplace::new();
        let complaint = workplace::complaint(limited(&place, 0, "--dataset=8gaussians --steps=2 --out=run"), 1);
        assert!(complaint.starts_with("error: cannot write run/config.toml: File too large"), "{complaint}");
        assert!(!place.path("run/config.toml").exists());
    }
}
