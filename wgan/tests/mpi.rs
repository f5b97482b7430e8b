//! Trainings by several processes, as `mpirun` starts them.

mod workplace;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use wgan::run::metadata::Metadata;
use wgan::run::metrics;
use workplace::{Workplace, text};

const TOY: &str = "train --dataset=8gaussians --dim=32 --batch=24 --seed=3 --threads=1 --checkpoint-every=20";

/// `mpirun` on this machine, whatever it has of cores and whoever asks.
fn mpirun(place: &Workplace) -> Command {
    let mut command = Command::new("mpirun");
    command.current_dir(place.path("."));
    command.args(["--oversubscribe", "--bind-to", "none"]);
    command.envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")]);
    command
}

/// The toy among so many ranks.
fn ranks(place: &Workplace, count: usize, args: &str) -> Command {
    let mut command = mpirun(place);
    command.args(["-n", &count.to_string(), env!("CARGO_BIN_EXE_wgan")]).args(args.split_whitespace());
    command
}

/// What is said when such a training ends as it should.
#[track_caller]
fn train(place: &Workplace, count: usize, args: &str) -> String {
    let output = ranks(place, count, args).output().expect("mpirun");
    let told = format!("{}{}", text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{told}");
    told
}

/// Starts a training without end, and waits until it has done some steps. When it is told to stop, `mpirun` gives it so long.
fn start(place: &Workplace, count: usize, seconds_to_stop: &str) -> Child {
    let mut command = ranks(place, count, &format!("{TOY} --steps=1000000000 --out=run"));
    command.env("OMPI_MCA_odls_base_sigkill_timeout", seconds_to_stop);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("mpirun");
    let (metrics, started) = (place.path("run").join("metrics.csv"), Instant::now());
    while fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) <= 50 {
        assert!(running.try_wait().expect("a child").is_none(), "the training ended by itself");
        assert!(started.elapsed() < Duration::from_secs(300), "the training does not get on");
        sleep(Duration::from_millis(10));
    }
    running
}

/// What it says until it ends, which must not take long; and its exit code.
fn end(running: Child) -> (String, Option<i32>) {
    let begun = Instant::now();
    let output = running.wait_with_output().expect("a child");
    assert!(begun.elapsed() < Duration::from_secs(60), "it went on");
    (text(output.stderr), output.status.code())
}

/// The process of a rank that `mpirun` has started.
fn process(mpirun: &Child, rank: usize) -> u32 {
    let parent = mpirun.id().to_string();
    let children = Command::new("ps").args(["--ppid", &parent, "-o", "pid="]).output().expect("ps");
    let is_rank = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
        environment.split(|&byte| byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    text(children.stdout)
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .find(is_rank)
        .expect("a process of the rank")
}

fn send(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().expect("kill").success());
}

/// As one process does: losses of the first step to rounding; the estimate after 100 as two processes with other vectors do, which
/// add up in another order.
#[test]
fn any_number_of_ranks_trains_as_one() {
    let place = Workplace::new();
    for count in 1..=4 {
        let told = train(&place, count, &format!("{TOY} --steps=100 --out=by-{count}"));
        assert_eq!(told.matches("done; the results are in").count(), 1, "{told}");
        assert_alike(&place, "by-1", &format!("by-{count}"));
    }
    train(&place, 3, &format!("{TOY} --steps=100 --out=again"));
    assert_same_bits(&place, "by-3", "again");
}

/// Means go over the host there.
#[cfg(feature = "opencl")]
#[test]
fn ranks_on_opencl_train_as_one_on_the_cpu() {
    let place = Workplace::new();
    let on_opencl = format!("{} --backend=opencl --steps=100", TOY.replace("--threads=1", ""));
    train(&place, 1, &format!("{TOY} --steps=100 --out=cpu"));
    train(&place, 2, &format!("{on_opencl} --out=opencl"));
    assert_alike(&place, "cpu", "opencl");
    train(&place, 2, &format!("{on_opencl} --out=again"));
    assert_same_bits(&place, "opencl", "again");
    train(&place, 3, "train --resume=opencl --backend=cpu --threads=1 --steps=110");
}

/// Whether two runs of 100 steps differ by no more than orders of summation do.
#[track_caller]
fn assert_alike(place: &Workplace, one: &str, other: &str) {
    let rows = |run: &str| metrics::read(&place.path(run).join("metrics.csv")).expect("rows");
    let (one_rows, other_rows) = (rows(one), rows(other));
    assert_eq!([one_rows.len(), other_rows.len()], [100; 2]);
    for (step, tolerance) in [(0, 1e-6), (99, 1e-3)] {
        let [a, b] = [&one_rows, &other_rows].map(|rows| rows[step].losses.critic.wasserstein);
        assert!((a - b).abs() <= tolerance * a.abs().max(1.0), "{one}, {other}, step {}: {a} and {b}", step + 1);
    }
}

#[track_caller]
fn assert_same_bits(place: &Workplace, one: &str, other: &str) {
    let weights = |run: &str| fs::read(place.path(run).join("generator.safetensors")).expect("weights");
    assert!(weights(one) == weights(other), "other bits at the second time");
}

#[test]
fn a_resume_may_use_another_number_of_processes() {
    let place = Workplace::new();
    train(&place, 3, &format!("{TOY} --steps=30 --out=run"));
    train(&place, 2, "train --resume=run --steps=40");
    assert_eq!(metrics::read(&place.path("run/metrics.csv")).expect("rows").len(), 40);
    let told = train(&place, 2, "train --resume=run --steps=40");
    assert!(told.contains("nothing is missing in run"), "{told}");
}

#[test]
fn a_signal_stops_all_ranks_after_their_step() {
    let place = Workplace::new();
    let running = start(&place, 3, "10");
    send("-TERM", running.id());
    let (told, code) = end(running);
    assert!(code != Some(0), "{told}");
    let step = Metadata::read(&place.path("run/checkpoint.safetensors")).expect("a checkpoint").step;
    assert_eq!(metrics::read(&place.path("run/metrics.csv")).expect("rows").len() as u64, step);
    train(&place, 2, &format!("train --resume=run --steps={}", step + 1));
}

#[test]
fn a_rank_that_is_killed_ends_all_and_the_checkpoint_is_kept() {
    let place = Workplace::new();
    for rank in [1, 0] {
        let running = start(&place, 3, "1");
        send("-KILL", process(&running, rank));
        let (told, code) = end(running);
        assert!(code != Some(0), "{told}");
        assert_eq!(told.matches("exited on signal 9 (Killed)").count(), 1, "{told}");
        let step = Metadata::read(&place.path("run/checkpoint.safetensors")).expect("a checkpoint").step;
        train(&place, 2, &format!("train --resume=run --steps={}", step + 1));
        fs::remove_dir_all(place.path("run")).expect("a folder");
    }
}

#[test]
fn what_cannot_be_done_together_is_said_once() {
    let place = Workplace::new();
    let complaint = |mut command: Command| {
        let output = command.output().expect("mpirun");
        let told = text(output.stderr);
        assert!(!output.status.success(), "{told}");
        assert_eq!(told.matches("error: ").count(), 1, "{told}");
        told
    };
    let told = complaint(ranks(&place, 5, &format!("{TOY} --steps=3 --out=run")));
    assert!(told.contains("error: batch = 24 is not possible: 5 ranks cannot share it equally"), "{told}");
    assert!(!place.path("run").exists());

    // Two files of the same name, as two machines may have them: this path leads to another folder for each process.
    for (folder, last) in [("a", 1.0), ("b", 2.0)] {
        fs::create_dir(place.path(folder)).expect("a folder");
        let points: String = (0..100).map(|i| format!("{},{}\n", f64::from(i % 7) * last, i % 5)).collect();
        fs::write(place.path(folder).join("points.csv"), points).expect("a file");
    }
    let train = "train --dataset=points --data-file=/proc/self/cwd/points.csv --dim=8 --batch=24 --steps=3 --threads=1 --out=run";
    let mut command = mpirun(&place);
    for (separator, folder) in [(None, "a"), (Some(":"), "b")] {
        command.args(separator).args(["-n", "1", "--wdir"]).arg(place.path(folder)).arg(env!("CARGO_BIN_EXE_wgan"));
        command.args(train.split_whitespace());
    }
    let told = complaint(command);
    assert!(
        told.contains("error: the data of rank 1 have other contents or another order than those of rank 0"),
        "{told}"
    );
    assert!(!place.path("a/run").exists());

    fs::remove_file(place.path("b/points.csv")).expect("a file");
    let mut command = mpirun(&place);
    for (separator, folder) in [(None, "a"), (Some(":"), "b")] {
        command.args(separator).args(["-n", "1", "--wdir"]).arg(place.path(folder)).arg(env!("CARGO_BIN_EXE_wgan"));
        command.args(train.split_whitespace());
    }
    assert!(complaint(command).contains("error: rank 1: cannot read /proc/self/cwd/points.csv"));
}
