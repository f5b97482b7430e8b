//! Everything that the program reads, one function for each format. Each is given the bytes of a file, whatever they are, and
//! must come to an end: with a value or with one sentence, and never with a panic.

use std::cell::OnceCell;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wgan::classifier::Classifier;
use wgan::config::{Config, Options};
use wgan::data::{ColourMode, Dataset, Source};
use wgan::eval::Evaluation;
use wgan::run::metadata::Metadata;
use wgan::run::quality::Quality;
use wgan::sample::Sampler;
use wgan::{pictures, run::metrics};

/// A reader, by the name of its format and of its corpus.
pub type Reader = (&'static str, fn(&[u8]));

/// All of them.
pub const READERS: [Reader; 15] = [
    ("config", config),
    ("idx", idx),
    ("gzip", gzip),
    ("cifar10", cifar10),
    ("points", points),
    ("numbers", numbers),
    ("png", png),
    ("jpeg", jpeg),
    ("checkpoint", weights),
    ("generator", weights),
    ("classifier", classifier),
    ("evaluation", evaluation),
    ("metrics", metrics),
    ("quality", quality),
    ("npy", npy),
];

/// Settings: `--config`, and a run's `config.toml`.
pub fn config(bytes: &[u8]) {
    let options = tell(Options::read(&file("config.toml", bytes)));
    let config = options.and_then(|options| tell(Config::resolve(&Options::default(), &options)));
    if let Some(config) = config {
        assert_eq!(Config::resolve(&Options::default(), config.used()).expect("it was resolved"), config);
        let again = Options::read(&file("config.toml", config.to_toml().as_bytes())).expect("it was just written");
        assert_eq!(Config::resolve(&Options::default(), &again).expect("it was resolved").to_toml(), config.to_toml());
    }
}

/// Images in the layout of MNIST's files.
pub fn idx(bytes: &[u8]) {
    load(&digits(&file("raw/train-images-idx3-ubyte", bytes)));
}

/// The same, compressed.
pub fn gzip(bytes: &[u8]) {
    load(&digits(&file("compressed/train-images-idx3-ubyte.gz", bytes)));
}

/// CIFAR-10's records, the same ones in each of its files.
pub fn cifar10(bytes: &[u8]) {
    let paths = [1, 2, 3, 4, 5].map(|number| file(&format!("cifar10/data_batch_{number}.bin"), bytes));
    load(&Source::Cifar10 { folder: folder(&paths[0]) });
}

/// A table of points.
pub fn points(bytes: &[u8]) {
    load(&Source::Points { file: file("points.csv", bytes), dimensions: 2 });
}

/// A list of numbers.
pub fn numbers(bytes: &[u8]) {
    load(&Source::Points { file: file("numbers.txt", bytes), dimensions: 1 });
}

/// A picture in a folder.
pub fn png(bytes: &[u8]) {
    load_images(&file("pngs/image.png", bytes));
}

/// A photograph in a folder.
pub fn jpeg(bytes: &[u8]) {
    load_images(&file("jpegs/image.jpg", bytes));
}

/// A checkpoint or a generator.
pub fn weights(bytes: &[u8]) {
    for bytes in [bytes, &vouched(bytes)] {
        let path = file("weights.safetensors", bytes);
        if tell(Metadata::read(&path)).is_some() {
            tell(Sampler::load(&path));
        }
    }
}

/// A classifier's weights.
pub fn classifier(bytes: &[u8]) {
    for bytes in [bytes, &vouched(bytes)] {
        tell(Classifier::read(&file("classifier.safetensors", bytes)));
    }
}

/// `eval.json`
pub fn evaluation(bytes: &[u8]) {
    if let Some(evaluation) = tell(Evaluation::read(&file("eval.json", bytes))) {
        assert!(!evaluation.to_string().is_empty() && !evaluation.to_json().is_empty());
    }
}

/// `metrics.csv`, and the curves drawn of it.
pub fn metrics(bytes: &[u8]) {
    if let Some(rows) = tell(metrics::read(&file("metrics.csv", bytes))) {
        pictures::curves(&Config::default(), &rows, &Quality::default());
    }
}

/// `quality.csv`, and the curve drawn of it.
pub fn quality(bytes: &[u8]) {
    if let Some(quality) = tell(Quality::read(&file("quality.csv", bytes), u64::MAX)) {
        pictures::curves(&Config::default(), &[], &quality);
    }
}

/// Noise that samples are made of.
pub fn npy(bytes: &[u8]) {
    tell(wgan::npy::read(&file("z.npy", bytes), 1 << 20));
}

fn load(source: &Source) {
    tell(Dataset::load(source, 1, 0));
}

/// Digits in the folder of a file.
fn digits(path: &Path) -> Source {
    Source::Idx { name: "mnist".to_owned(), folder: folder(path) }
}

/// Loads images out of the folder of a file.
fn load_images(path: &Path) {
    for colour in [ColourMode::Grey, ColourMode::Rgb] {
        load(&Source::Images { folder: folder(path), size: 8, colour, skip_bad: false });
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().expect("the file is in a folder").to_owned()
}

/// What an error says must be one short line. Names of files and folders make it longer.
fn tell<T>(result: Result<T, impl Display>) -> Option<T> {
    result.map_err(|error| assert_told(&error.to_string())).ok()
}

fn assert_told(sentence: &str) {
    assert!(!sentence.is_empty() && sentence.len() < 2000, "{} bytes: {sentence:.500}", sentence.len());
    assert!(!sentence.contains(char::is_control), "{sentence:?}");
}

/// The bytes with the checksum that they ought to have, so that what lies behind it is reached.
fn vouched(bytes: &[u8]) -> Vec<u8> {
    let (mut bytes, key) = (bytes.to_vec(), b"\"crc32\":\"");
    let place = bytes.windows(key.len()).position(|window| window == key).map(|place| place + key.len());
    if let Some(digits) = place.map(|place| place..place + 8).filter(|digits| digits.end <= bytes.len()) {
        bytes[digits.clone()].fill(b'0');
        let sum = format!("{:08x}", crc32fast::hash(&bytes));
        bytes[digits].copy_from_slice(sum.as_bytes());
    }
    bytes
}

/// A file of this name in this thread's folder, which goes with the thread.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    thread_local!(static FOLDER: OnceCell<TempDir> = const { OnceCell::new() });
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("there is a temporary folder"));
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be written");
        fs::write(&path, bytes).expect("the folder can be written");
        path
    })
}
