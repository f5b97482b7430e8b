//! Trainings by several ranks, which are threads here, against those by one.

use std::path::Path;
use std::sync::Arc;

use autograd::{Communicator, ThreadRank};
use wgan::Result;
use wgan::config::{Config, DatasetName, LipschitzName, OptimizerName, Options};
use wgan::game::CriticSchedule;
use wgan::game::networks::Norm;
use wgan::run::RunFolder;
use wgan::train::{Outcome, follow, resume, start};

fn toy() -> Options {
    Options {
        dataset: Some(DatasetName::EightGaussians),
        dim: Some(16),
        batch: Some(24),
        steps: Some(4),
        optimizer: Some(OptimizerName::Sgd),
        lr: Some(0.1),
        threads: Some(1),
        sample_every: Some(1000),
        checkpoint_every: Some(1000),
        ..Options::default()
    }
}

/// What the first of so many ranks makes of it.
fn lead<T>(count: usize, work: impl FnOnce(&Arc<dyn Communicator>) -> Result<T>) -> Result<T> {
    let mut ranks = ThreadRank::start(count).map(|rank| Arc::new(rank) as Arc<dyn Communicator>);
    let first = ranks.next().expect("at least one");
    std::thread::scope(|scope| {
        let others: Vec<_> = ranks.map(|rank| scope.spawn(move || follow(&rank))).collect();
        let led = work(&first);
        drop(first);
        let followed = others.into_iter().map(|other| other.join().expect("no panic"));
        let followed = followed.collect::<Result<Vec<()>>>();
        assert!(led.is_err() || followed.is_ok(), "{followed:?}");
        led
    })
}

fn train(count: usize, options: &Options, out: &Path) -> Result<Outcome> {
    let config = Config::resolve(options, &Options::default())?;
    lead(count, |ranks| start(&config, Some(out), true, false, ranks)).map(|(_, outcome)| outcome)
}

/// All that is trained, by the run's last checkpoint.
fn weights(run: &Path) -> Vec<f32> {
    let file = std::fs::read(RunFolder::open(run).unwrap().checkpoint()).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let mut names = tensors.names();
    names.sort();
    let bytes = names.into_iter().flat_map(|name| tensors.tensor(name).unwrap().data().to_vec());
    bytes.collect::<Vec<u8>>().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// How far numbers may be apart that were added up in another order.
const TOLERANCE: f32 = 1e-5;

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let far = |(a, b): &(&f32, &f32)| (*a - *b).abs() > TOLERANCE * b.abs().max(1.0);
    assert_eq!(found.iter().zip(expected).find(far), None);
}

/// Asserts that a training changes what it trains by far more than that: it is compared with one whose steps lead nowhere.
#[track_caller]
fn assert_moved(options: &Options, trained: &[f32], folder: &Path) {
    let still = folder.join("still");
    train(1, &Options { lr: Some(1e-30), ..options.clone() }, &still).unwrap();
    let moves = weights(&still).iter().zip(trained).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(moves > 100.0 * TOLERANCE, "{moves}");
}

/// Batch norm in either network, whose statistics are those of all ranks; spectral normalisation's vectors; clipped weights; an
/// average; classes; a schedule that looks at the losses; a gradient penalty.
#[test]
fn ranks_train_as_one() {
    let cases = [
        Options::default(),
        Options { generator_norm: Some(Norm::Batch), average: Some(0.9), ..Options::default() },
        Options {
            lipschitz: Some(LipschitzName::Clip),
            critic_norm: Some(Norm::Batch),
            generator_norm: Some(Norm::Batch),
            ..Options::default()
        },
        Options { lipschitz: Some(LipschitzName::Spectral), conditional: Some(true), ..Options::default() },
        Options { critic_schedule: Some(CriticSchedule::Converge), steps: Some(1), ..Options::default() },
    ];
    for case in cases {
        let folder = tempfile::tempdir().unwrap();
        let options = case.or(&toy());
        let run = |count| {
            let run = folder.path().join(count_name(count));
            assert_eq!(train(count, &options, &run).unwrap(), Outcome::Finished);
            weights(&run)
        };
        let alone = run(1);
        assert_moved(&options, &alone, folder.path());
        for count in [2, 3] {
            assert_near(&run(count), &alone);
        }
        assert_eq!(run(2), run(2));
    }
}

fn count_name(count: usize) -> String {
    format!("by {count}")
}

#[test]
fn a_resume_may_use_another_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    train(1, &toy(), &whole).unwrap();
    train(2, &Options { steps: Some(2), ..toy() }, &parts).unwrap();
    let more = Options { steps: Some(4), ..Options::default() };
    lead(3, |ranks| resume(&parts, &more, false, ranks)).unwrap();
    assert_near(&weights(&parts), &weights(&whole));
    assert_moved(&toy(), &weights(&whole), folder.path());
}

#[test]
fn a_batch_that_ranks_cannot_share_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let error = train(5, &toy(), &folder.path().join("run")).unwrap_err().to_string();
    assert_eq!(
        error,
        "batch = 24 is not possible: 5 ranks cannot share it equally; make it a multiple of their number"
    );
}

/// A learning rate that throws the weights out of all bounds.
#[test]
fn what_is_not_finite_is_found_by_all_ranks_together() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { lipschitz: Some(LipschitzName::None), lr: Some(1e30), ..toy() };
    let error = train(2, &options, &folder.path().join("run")).unwrap_err().to_string();
    assert!(error.starts_with("the training is no longer finite at step"), "{error}");
    assert!(error.contains("the first operation that made it so is matmul"), "{error}");
}
