//! The data: embedded digits, IDX files, CIFAR-10 and their download, folders of images, files of points, 2-D toys, and the
//! batches drawn from them.

mod batches;
mod cifar;
pub mod classes;
pub mod download;
mod idx;
mod idx_folder;
mod images;
mod labelled;
mod mnist;
mod points;
mod raster;
mod source;
mod toys;

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use autograd::{ByteTable, Shape, Tensor, Var, Variable};
use flate2::Crc;
use nn::Rng;
use nn::files::excerpt;
use rand::RngExt;

pub use batches::Batches;
pub use classes::{Class, MOST_CLASSES};
pub use labelled::{Labelled, Split};
pub use source::{ColourMode, Source, Toy};
pub use toys::Mixture;

use crate::error::cannot_use;
use crate::output::say;
use crate::{Error, Result};
use idx_folder::{TEST, TRAIN};

/// A finite set of real samples of one shape: images in [0, 1] as `[channels, height, width]`, or
/// points as `[1]` or `[2]`.
pub struct Dataset {
    name: String,
    shape: Shape,
    samples: Samples,
    /// What they are told apart by, and of each sample the number of its class; both empty if nobody asked.
    classes: Vec<Class>,
    labels: Vec<u8>,
    /// How many of them, the last, are held out.
    held_out: usize,
    /// How its files were understood, and what of them was left out.
    notes: Vec<String>,
    /// What a person should know before training on it.
    warnings: Vec<String>,
}

/// Of a data set that is loaded, one sample in this many is held out, …
const HELD_OUT_OF: usize = 20;
/// … but no more than this.
const MOST_HELD_OUT: usize = 500;

/// Programs take samples by their numbers, which f32 holds exactly up to here.
pub const MOST_SAMPLES: usize = 1 << 24;

/// Points of about unit scale need no warning.
const USUAL_SCALE: RangeInclusive<f64> = 0.1..=10.0;

/// All samples, `[count, …]`, those held out included.
enum Samples {
    /// Images stay the bytes that they are stored as: a quarter of the memory.
    Images(ByteTable),
    Points(Tensor),
}

impl Samples {
    fn shape(&self) -> &Shape {
        match self {
            Samples::Images(table) => table.shape(),
            Samples::Points(points) => points.shape(),
        }
    }
}

/// A data set where programs read it.
pub struct Resident {
    samples: ResidentSamples,
    /// The numbers of the samples' classes, `[count, 1]`, if there are any.
    labels: Option<Variable>,
}

enum ResidentSamples {
    /// A table that programs share with the data set.
    Images(ByteTable),
    /// A copy that a device may take over.
    Points(Variable),
}

impl Resident {
    /// The samples whose numbers, counted from 0, `rows` holds: `[B, …]` for `[B]`.
    #[track_caller]
    pub fn pick<'t>(&self, rows: Var<'t>) -> Var<'t> {
        match &self.samples {
            ResidentSamples::Images(table) => rows.look_up(table),
            ResidentSamples::Points(points) => rows.tape().variable(points).gather_rows(rows),
        }
    }

    /// Whether its samples have classes.
    pub fn has_classes(&self) -> bool {
        self.labels.is_some()
    }

    /// The numbers of these samples' classes, `[B]`, if there are any.
    #[track_caller]
    pub fn classes<'t>(&self, rows: Var<'t>) -> Option<Var<'t>> {
        self.labels.as_ref().map(|labels| rows.tape().variable(labels).gather_rows(rows).reshape(rows.shape()))
    }
}

impl Dataset {
    /// The samples that `samples` holds one after the other.
    ///
    /// # Panics
    /// If the elements do not make whole samples of `shape`.
    pub fn new(name: &str, shape: impl Into<Shape>, samples: Vec<f32>) -> Self {
        let shape = shape.into();
        let table = table(&shape, samples.len());
        let samples = Tensor::new(table, samples).expect("whole samples");
        Dataset::of(name, shape, Samples::Points(samples))
    }

    fn of(name: &str, shape: Shape, samples: Samples) -> Self {
        let (classes, labels, notes, warnings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Dataset { name: name.to_owned(), shape, samples, classes, labels, held_out: 0, notes, warnings }
    }

    /// The same with the class of each sample: its place among `names`.
    pub(crate) fn labelled(self, names: impl IntoIterator<Item = String>, labels: Vec<u8>) -> Self {
        let classes = names.into_iter().map(|name| Class { name, count: 0 }).collect();
        Dataset { classes, labels, ..self }.with_counts()
    }

    /// The same with labels as files have them, any bytes: they name the classes.
    fn labelled_by(self, labels: &[u8]) -> Self {
        let found: BTreeSet<u8> = labels.iter().copied().collect();
        let number = |label: &u8| found.range(..label).count() as u8;
        let numbers = labels.iter().map(number).collect();
        self.labelled(found.iter().map(u8::to_string), numbers)
    }

    /// The same, the samples to train on counted by class.
    fn with_counts(mut self) -> Self {
        let mut counts = [0; MOST_CLASSES];
        let to_train_on = self.labels.len().saturating_sub(self.held_out);
        self.labels[..to_train_on].iter().for_each(|&label| counts[usize::from(label)] += 1);
        self.classes.iter_mut().zip(counts).for_each(|(class, count)| class.count = count);
        self
    }

    /// Loads a data set to take batches of this size from. Its samples are shuffled by the seed, and the last are held out: a
    /// twentieth of all, at most 500. So those held out are like the others however the files are sorted, and a resumed run
    /// holds out the same ones.
    ///
    /// Until this was so, they were the last of the files: a run of that time, when resumed, goes on with other batches, and
    /// measures itself on samples that it has trained on.
    ///
    /// # Errors
    /// If its files cannot be read, hold something else than they should, fewer samples than a batch, or more than 2²⁴.
    pub fn load(source: &Source, batch: usize, seed: u64) -> Result<Self> {
        Dataset::read(source, false, batch, seed)
    }

    /// The same with the class of each sample: the label that the files say, the folder that an image is in, the component of a
    /// mixture that a point is drawn from.
    ///
    /// # Errors
    /// As [`load`](Dataset::load), and if a sample has no class, there is only one, or there are more than [`MOST_CLASSES`].
    pub fn load_with_classes(source: &Source, batch: usize, seed: u64) -> Result<Self> {
        let data = Dataset::read(source, true, batch, seed)?;
        data.check_classes().map_err(cannot_use(&data.name))?;
        Ok(data)
    }

    fn read(source: &Source, classes: bool, batch: usize, seed: u64) -> Result<Self> {
        let data = match source {
            Source::Digits => mnist::load(classes)?,
            Source::Idx { name, folder } => idx_folder::load(name, folder, TRAIN, classes)?,
            Source::Cifar10 { folder } => cifar::load(folder, &cifar::TRAIN, classes)?,
            Source::Images { folder, size, colour, skip_bad } => {
                images::load(folder, *size, *colour, *skip_bad, classes)?
            }
            Source::Points { file, dimensions } => points::load(file, *dimensions)?,
            Source::Toy(toy) => toy.draw(&mut Rng::new(seed, "toy"), classes),
        };
        let data = data.prepared(seed);
        data.check_count(batch)?;
        Ok(data)
    }

    /// The samples shuffled by the seed, and the last of them held out, as those of a data set that is [loaded](Dataset::load).
    pub fn prepared(self, seed: u64) -> Self {
        self.shuffled(seed).hold_out()
    }

    /// Whether there are classes to be learned.
    fn check_classes(&self) -> Result<(), String> {
        let empty = self.classes.iter().find(|class| class.count == 0);
        match (&self.classes[..], empty) {
            ([], _) => Err("its samples have no classes; leave --conditional out".to_owned()),
            ([only], _) => Err(format!(
                "all of its samples are of the class {}, so there is nothing to tell apart; leave --conditional out",
                excerpt(&only.name)
            )),
            (_, Some(empty)) => Err(format!(
                "of the class {} no sample is left to train on, since one in twenty is held out; add some",
                excerpt(&empty.name)
            )),
            (_, None) => Ok(()),
        }
    }

    /// Whether there are enough samples for a batch, and no more than can be told apart.
    fn check_count(&self, batch: usize) -> Result<()> {
        if self.len() < batch {
            let reason = format!("{} has only {} samples to train on", self.name, self.len());
            return Err(Error::impossible("batch", batch, &reason));
        }
        check_count(self.held_out().end).map_err(cannot_use(&self.name))
    }

    /// The test images beside those to train on, if there are any, shuffled like them; with the class of each, if `classes`.
    ///
    /// # Errors
    /// If a file cannot be read, or does not hold images of the shape of those to train on.
    pub fn load_test(source: &Source, classes: bool, seed: u64) -> Result<Option<Self>> {
        match source {
            Source::Idx { name, folder } if idx_folder::has_images(name, folder, TEST) => {
                Ok(Some(idx_folder::load(name, folder, TEST, classes)?.shuffled(seed)))
            }
            Source::Cifar10 { folder } if cifar::has_test(folder) => {
                Ok(Some(cifar::load(folder, &cifar::TEST, classes)?.shuffled(seed)))
            }
            Source::Idx { .. } | Source::Cifar10 { .. } | Source::Digits | Source::Images { .. } => Ok(None),
            Source::Points { .. } | Source::Toy(_) => Ok(None),
        }
    }

    /// What a person should know before training on it, as that its points are far from the scale that settings suit.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.iter().cloned().chain(self.warning_of_scale()).collect()
    }

    fn warning_of_scale(&self) -> Option<String> {
        let Samples::Points(points) = &self.samples else { return None };
        let squares: f64 = points.data().iter().map(|&x| f64::from(x).powi(2)).sum();
        let scale = (squares / points.data().len() as f64).sqrt();
        let rounded: f64 = format!("{scale:.1e}").parse().expect("a formatted number is one");
        (!USUAL_SCALE.contains(&scale)).then(|| {
            format!(
                "the numbers in {} are of about {rounded} (root mean square), but learning rates and penalties suit those of about \
                 1: shift and divide them first",
                self.name
            )
        })
    }

    /// What it holds, and how its files were understood: "19 images to train on, 1 held out; left out: 2
    /// GIF images".
    pub fn description(&self) -> String {
        let kind = match self.shape[..] {
            [1] => "numbers",
            [_] => "points",
            _ => "images",
        };
        let classes = match self.classes.len() {
            0 => String::new(),
            count => format!(", of {count} classes"),
        };
        let counts = format!("{} {kind} to train on, {} held out{classes}", self.len(), self.held_out);
        [&[counts], &self.notes[..]].concat().join("; ")
    }

    /// Tells on standard error what was read from files, and what a person should know of it.
    pub fn say_what_was_read(&self, source: &Source) {
        if !matches!(source, Source::Digits | Source::Toy(_)) {
            say(&format!("data: {}: {}", self.name, self.description()));
        }
        for warning in self.warnings() {
            say(&format!("warning: {warning}"));
        }
    }

    fn shuffled(mut self, seed: u64) -> Self {
        let (shape, width) = (self.samples.shape().clone(), self.shape.count());
        self.samples = match self.samples {
            Samples::Images(images) => {
                let mut bytes = images.bytes().to_vec();
                shuffle(&mut bytes, width, seed);
                Samples::Images(ByteTable::new(shape, bytes).expect("as many as before"))
            }
            Samples::Points(mut points) => {
                shuffle(points.data_mut(), width, seed);
                Samples::Points(points)
            }
        };
        shuffle(&mut self.labels, 1, seed); // as the samples
        self
    }

    fn hold_out(self) -> Self {
        Dataset { held_out: (self.len() / HELD_OUT_OF).min(MOST_HELD_OUT), ..self }.with_counts()
    }

    fn from_images(name: &str, images: idx::Images) -> Self {
        Dataset::from_bytes(name, Shape::from([1, images.height, images.width]), images.pixels)
    }

    /// Images of one shape, one after the other.
    fn from_bytes(name: &str, shape: Shape, bytes: Vec<u8>) -> Self {
        let images = ByteTable::new(table(&shape, bytes.len()), bytes).expect("whole images");
        Dataset::of(name, shape, Samples::Images(images))
    }

    /// The data set's name: as in `--dataset`, or that of its file or folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape of one sample.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What the samples are told apart by; nothing, unless they were [loaded so](Dataset::load_with_classes).
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The names of the classes of the samples in a range, one for each; none without classes.
    pub fn class_names(&self, range: Range<usize>) -> Vec<&str> {
        let labels = self.labels.get(range).unwrap_or_default();
        labels.iter().map(|&label| self.classes[usize::from(label)].name.as_str()).collect()
    }

    /// Number of samples to train on.
    pub fn len(&self) -> usize {
        self.samples.shape()[0] - self.held_out
    }

    /// The numbers of further samples, which no training sees.
    pub fn held_out(&self) -> Range<usize> {
        self.len()..self.len() + self.held_out
    }

    /// A sum of all that programs read of it: of equal data sets the same.
    pub fn checksum(&self) -> u32 {
        let mut sum = Crc::new();
        match &self.samples {
            Samples::Images(images) => sum.update(images.bytes()),
            Samples::Points(points) => points.data().iter().for_each(|x| sum.update(&x.to_le_bytes())),
        }
        sum.update(&self.labels);
        sum.update(format!("{:?} {}", self.samples.shape(), self.held_out).as_bytes());
        sum.sum()
    }

    /// Whether there is no sample to train on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The data set for programs to read, held-out samples included.
    pub fn resident(&self) -> Resident {
        let samples = match &self.samples {
            Samples::Images(table) => ResidentSamples::Images(table.clone()),
            Samples::Points(points) => ResidentSamples::Points(Variable::new("data", points.clone())),
        };
        let numbers = || Tensor::from_fn([self.labels.len(), 1], |i| f32::from(self.labels[i]));
        let labels = (!self.classes.is_empty()).then(|| Variable::new("classes", numbers()));
        Resident { samples, labels }
    }

    /// The samples in a range, counted from 0 and those held out last: `[count, …]`.
    ///
    /// # Panics
    /// If the data set has fewer.
    pub fn samples(&self, range: Range<usize>) -> Tensor {
        let numbers = range.start * self.shape.count()..range.end * self.shape.count();
        let numbers = match &self.samples {
            Samples::Images(table) => table.bytes()[numbers].iter().map(|&byte| ByteTable::number(byte)).collect(),
            Samples::Points(points) => points.data()[numbers].to_vec(),
        };
        Tensor::new(table(&self.shape, numbers.len()), numbers).expect("whole samples")
    }
}

/// Whether a sample of this shape is an image, not a point.
pub fn is_image(sample: &Shape) -> bool {
    sample.rank() == 3
}

/// Shuffles samples of `width` elements each: their order follows from the seed and their number alone.
fn shuffle<T>(elements: &mut [T], width: usize, seed: u64) {
    let rng = &mut Rng::new(seed, "samples");
    for last in (1..elements.len() / width).rev() {
        let (other, last) = (rng.random_range(..=last) * width, last * width);
        if other < last {
            let (before, after) = elements.split_at_mut(last);
            before[other..other + width].swap_with_slice(&mut after[..width]);
        }
    }
}

/// Whether so many samples can be told apart by their numbers.
fn check_count(count: usize) -> Result<(), String> {
    match count {
        ..=MOST_SAMPLES => Ok(()),
        _ => Err(format!("of its {count} samples no more than {MOST_SAMPLES} can be told apart; leave some out")),
    }
}

/// The shape of `elements` numbers as samples of `shape`.
fn table(shape: &Shape, elements: usize) -> Shape {
    assert!(elements.is_multiple_of(shape.count()), "{elements} elements, samples of {shape}");
    Shape::from([&[elements / shape.count()], &shape[..]].concat())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use autograd::Tape;

    use super::*;

    /// A folder with these files.
    pub fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn points_far_from_unit_scale_are_warned_of() {
        let warnings = |scale: f32| Dataset::new("my.csv", [2], vec![3.0 * scale, 4.0 * scale]).warnings();
        assert!(warnings(1.0).is_empty());
        assert!(warnings(100.0)[0].starts_with("the numbers in my.csv are of about 350 (root mean square)"));
        assert_eq!(warnings(0.01).len(), 1);
    }

    #[test]
    fn more_samples_than_have_a_number_are_refused() {
        let images = |count| Dataset::from_bytes("many", Shape::from([1, 1, 1]), vec![0; count]);
        assert!(images(MOST_SAMPLES).check_count(1).is_ok());
        let error = images(MOST_SAMPLES + 1).check_count(1).unwrap_err().to_string();
        assert_eq!(error, "many: of its 16777217 samples no more than 16777216 can be told apart; leave some out");
    }

    /// A file sorted by class: 20 of 500 points each, every point its class.
    #[test]
    fn of_sorted_samples_some_of_every_class_are_held_out() {
        let sorted = || Dataset::new("sorted", [1], (0..10_000).map(|i| (i / 500) as f32).collect());
        let held_out = |seed| {
            let data = sorted().shuffled(seed).hold_out();
            let mut all = data.samples(0..10_000).into_data();
            all.sort_by(f32::total_cmp);
            assert_eq!(all, sorted().samples(0..10_000).into_data());
            data.samples(data.held_out()).into_data()
        };
        let classes = held_out(0);
        // 25 each on average, with a standard deviation below 5.
        assert!(
            (0..20).all(|class| (5..=45).contains(&classes.iter().filter(|&&sample| sample == class as f32).count()))
        );
        assert_eq!(held_out(0), classes);
        assert_ne!(held_out(1), classes);
    }

    /// 300 points of three classes, of labels with a gap, every point its label.
    #[test]
    fn samples_keep_their_classes() {
        let labels: Vec<u8> = (0..300).map(|i| [7, 3, 200][i % 3]).collect();
        let points = labels.iter().map(|&label| f32::from(label)).collect();
        let data = Dataset::new("points", [1], points).labelled_by(&labels).shuffled(5).hold_out();
        let names: Vec<&str> = data.classes().iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["3", "7", "200"]);
        assert_eq!(data.classes().iter().map(|class| class.count).sum::<usize>(), data.len());
        let held_out = data.class_names(data.held_out()).into_iter().filter(|&name| name == "7").count();
        assert_eq!(data.classes()[1].count + held_out, 100);
        let all = data.samples(0..300).into_data();
        assert_eq!(data.class_names(0..300), all.iter().map(f32::to_string).collect::<Vec<_>>());

        // Programs read the same.
        let tape = Tape::new();
        let rows = tape.constant(&Tensor::<f64>::from_fn([300], |i| (299 - i) as f64));
        let resident = data.resident();
        let (samples, classes) = (resident.pick(rows).value(), resident.classes(rows).unwrap().value());
        let named = |&class: &f64| names[class as usize].parse::<f64>().unwrap();
        assert_eq!(samples.data(), classes.data().iter().map(named).collect::<Vec<_>>());
        assert!(Dataset::new("points", [1], vec![0.0]).resident().classes(rows).is_none());
    }

    #[test]
    fn classes_that_cannot_be_learned_are_told() {
        let problem = |labels: &[u8]| {
            let points = Dataset::new("points", [1], vec![0.0; labels.len()]);
            points.labelled_by(labels).hold_out().check_classes().unwrap_err()
        };
        assert!(problem(&[7; 30]).starts_with("all of its samples are of the class 7, "));
        let last = [&[0; 39][..], &[1]].concat();
        assert!(problem(&last).starts_with("of the class 1 no sample is left to train on, "));
        let source = Source::Toy(Toy::Swissroll);
        let error = Dataset::load_with_classes(&source, 1, 0).err().unwrap().to_string();
        assert_eq!(error, "swissroll: its samples have no classes; leave --conditional out");
    }

    /// Every sample comes to every place with the same probability.
    #[test]
    fn a_shuffle_is_even_and_keeps_samples_whole() {
        let mut counts = [[0; 4]; 4];
        for seed in 0..4000 {
            let mut pairs = [0, 0, 1, 1, 2, 2, 3, 3];
            shuffle(&mut pairs, 2, seed);
            for (place, pair) in pairs.chunks(2).enumerate() {
                assert_eq!(pair[0], pair[1]);
                counts[place][pair[0]] += 1;
            }
        }
        // 1000 each, with a standard deviation of 27.
        assert!(counts.iter().flatten().all(|count| (865..=1135).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_last_samples_are_held_out() {
        for (all, held_out) in [(20_000, 500), (10_000, 500), (100, 5), (19, 0)] {
            let data = Dataset::new("points", [2], (0..2 * all).map(|i| i as f32).collect()).hold_out();
            assert_eq!((data.len(), data.held_out()), (all - held_out, all - held_out..all));
            let first = data.held_out().start;
            assert!(data.samples(data.held_out()).data().iter().copied().eq((2 * first..2 * all).map(|i| i as f32)));
        }
    }
}
