//! A small network that tells digits apart. Its features are what generated images are compared with real ones by.

mod train;

use std::path::{Path, PathBuf};

use autograd::ops::Conv;
use autograd::{ByteTable, Device, Tensor, Var, Variable};
use nn::layers::{Activation, Conv2d, Flatten, Linear};
use nn::{Checkpoint, Init, Mode, Module, Rng, Sequential, in_batches};

use crate::config::DatasetName;
use crate::data::Labelled;
use crate::measures::Moments;
use crate::run::metadata::{check_computed, check_finite};
use crate::{Error, Result};

pub use train::train;

/// A convolutional network after LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition",
/// section II.B), with strides in place of pooling and ReLUs in place of tanh. `[B, 1, 28, 28]` → 64 features → 10
/// classes.
///
/// ```
/// use autograd::Tensor;
/// use wgan::classifier::Classifier;
/// let classified = Classifier::of_digits()?.classify(&Tensor::zeros([3, 1, 28, 28]))?;
/// assert_eq!(classified.probabilities.shape()[..], [3, 10]);
/// assert_eq!(classified.classes().len(), 3);
/// # Ok::<(), wgan::Error>(())
/// ```
pub struct Classifier {
    body: Sequential,
    head: Linear,
    device: Device,
    /// What errors call it: the file that its weights are in.
    file: PathBuf,
}

/// The weights for digits, as `wgan train-classifier` made them.
const DIGITS: &[u8] = include_bytes!("../../assets/digit-classifier.safetensors");

/// Images classified together.
const BATCH: usize = 100;

impl Classifier {
    /// Features of an image.
    pub const FEATURES: usize = 64;

    /// The network before training.
    pub fn new(seed: u64) -> Self {
        let rng = &mut Rng::new(seed, "classifier weights");
        let init = Init::KaimingUniform { gain: 2f64.sqrt() };
        let mut conv = |place, inputs, outputs| Conv2d::new(place, inputs, outputs, 5, Conv::square(2, 2), init, rng);
        let convolutions = Sequential::new()
            .add(conv("0", 1, 16)) //  [B, 16, 14, 14]
            .add(Activation::Relu)
            .add(conv("2", 16, 32)) // [B, 32, 7, 7]
            .add(Activation::Relu)
            .add(conv("4", 32, 32)) // [B, 32, 4, 4]
            .add(Activation::Relu)
            .add(Flatten);
        let body = convolutions.add(Linear::new("7", 32 * 4 * 4, Self::FEATURES, init, rng)).add(Activation::Relu);
        let head = Linear::new("9", Self::FEATURES, Labelled::CLASSES, Init::FanIn, rng);
        Classifier { body, head, device: Device::cpu(), file: "the new classifier".into() }
    }

    /// The same, to be computed on this device.
    pub fn on(self, device: &Device) -> Self {
        Classifier { device: device.clone(), ..self }
    }

    /// The network that knows digits.
    ///
    /// # Errors
    /// None that is known: the weights are fixed when the program is built.
    pub fn of_digits() -> Result<Self> {
        let classifier = Classifier::new(0);
        classifier.checkpoint().load_bytes(DIGITS, Path::new("the embedded classifier"))?;
        Ok(classifier)
    }

    /// The network that knows the classes of a data set of images: the one in `file`, or the embedded one for digits.
    ///
    /// # Errors
    /// If the file cannot be used, or there is none and the images are no digits.
    pub fn of(dataset: DatasetName, file: Option<&Path>) -> Result<Self> {
        let impossible = |reason| Err(Error::impossible("dataset", dataset, reason));
        match (dataset, file) {
            (DatasetName::Images | DatasetName::Cifar10, _) => {
                impossible("classifiers know the classes of IDX files alone")
            }
            (_, Some(file)) => Classifier::read(file),
            (DatasetName::Mnist, None) => Classifier::of_digits(),
            (DatasetName::FashionMnist | DatasetName::Points | DatasetName::Numbers, None)
            | (DatasetName::EightGaussians | DatasetName::TwentyFiveGaussians | DatasetName::Swissroll, None) => {
                impossible(
                    "the embedded classifier knows digits alone; train another one with wgan train-classifier --data-dir, \
                     and name its file with --classifier",
                )
            }
        }
    }

    /// The network whose weights are in a file that `wgan train-classifier` wrote.
    ///
    /// # Errors
    /// If the file cannot be read or is of another model.
    pub fn read(path: &Path) -> Result<Self> {
        let classifier = Classifier { file: path.to_owned(), ..Classifier::new(0) };
        classifier.checkpoint().load(path)?;
        check_finite(path, &classifier.checkpoint())?;
        Ok(classifier)
    }

    /// Writes the weights.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(self.checkpoint().save(path, None)?)
    }

    /// What the network sees in images in [0, 1]: `[B, 1, 28, 28]` → `[B, 64]`.
    #[track_caller]
    pub fn features<'t>(&self, images: Var<'t>) -> Var<'t> {
        self.body.forward(images, Mode::Eval)
    }

    /// The logarithms of the classes' probabilities, up to a constant: `[B, 64]` → `[B, 10]`.
    #[track_caller]
    pub fn logits<'t>(&self, features: Var<'t>) -> Var<'t> {
        self.head.forward(features, Mode::Eval)
    }

    /// What is trained.
    pub fn parameters(&self) -> Vec<Variable> {
        [self.body.parameters(), self.head.parameters()].concat()
    }

    /// Features and probabilities of any number of images `[N, 1, 28, 28]`.
    ///
    /// # Errors
    /// If the weights make numbers of them that are not finite, or the device fails.
    ///
    /// # Panics
    /// If the images have another shape.
    pub fn classify(&self, images: &Tensor) -> Result<Classified> {
        let [features, probabilities] = in_batches(&self.device, BATCH, images, |images| {
            let features = self.features(images);
            [features, self.logits(features).softmax(1)]
        })?;
        check_computed(&self.file, "features", &features)?;
        check_computed(&self.file, "probabilities", &probabilities)?;
        Ok(Classified { features, probabilities })
    }

    /// The share of images whose class is told right.
    ///
    /// # Errors
    /// If the device fails.
    pub fn accuracy(&self, images: &[Labelled]) -> Result<f64> {
        let all: Vec<f32> = images.iter().flat_map(|image| image.pixels.map(ByteTable::number)).collect();
        let told = self.classify(&Tensor::new([images.len(), 1, 28, 28], all)?)?.classes();
        let right = told.iter().zip(images).filter(|(class, image)| **class == usize::from(image.label)).count();
        Ok(right as f64 / images.len() as f64)
    }

    /// The MD5 sum of the weights, which tells the network from others.
    ///
    /// # Errors
    /// If the device fails.
    pub fn md5(&self) -> Result<String> {
        let mut sum = md5::Context::new();
        for weight in self.checkpoint().values()? {
            weight.data().iter().for_each(|x| sum.consume(x.to_le_bytes()));
        }
        Ok(format!("{:x}", sum.finalize()))
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new().with("", self.parameters())
    }
}

/// What a classifier makes of images.
#[derive(Clone, Debug)]
pub struct Classified {
    /// What it sees in each: `[N, 64]`.
    pub features: Tensor,
    /// How probable each class is: `[N, 10]`.
    pub probabilities: Tensor,
}

impl Classified {
    /// Mean and covariance of the features.
    pub fn moments(&self) -> Moments {
        Moments::of(self.features.data(), Classifier::FEATURES)
    }

    /// The most probable class of each image.
    pub fn classes(&self) -> Vec<usize> {
        let most_probable = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        self.probabilities.data().chunks_exact(Labelled::CLASSES).map(most_probable).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;

    /// The weights were made when the last digits were held out, not any.
    #[test]
    fn the_embedded_weights_know_digits_they_have_not_seen() {
        let unseen = Split::last(Labelled::embedded().unwrap()).held_out;
        let accuracy = Classifier::of_digits().unwrap().accuracy(&unseen).unwrap();
        assert!(accuracy >= 0.98, "{accuracy}");
    }

    #[test]
    fn the_embedded_weights_are_small() {
        assert!(DIGITS.len() < 400_000, "{}", DIGITS.len());
    }

    #[test]
    fn what_is_seen_in_an_image_does_not_depend_on_the_others() {
        let images = Tensor::from_fn([BATCH + 3, 1, 28, 28], |i| (i * i % 97) as f32 / 96.0);
        let last = Tensor::new([1, 1, 28, 28], images.data()[(BATCH + 2) * 784..].to_vec()).unwrap();
        let classifier = Classifier::of_digits().unwrap();
        let [all, alone] = [images, last].map(|images| classifier.classify(&images).unwrap());
        assert_eq!(all.features.data()[(BATCH + 2) * Classifier::FEATURES..], *alone.features.data());
        assert_eq!(all.probabilities.shape()[..], [BATCH + 3, 10]);
        assert!((alone.probabilities.data().iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn weights_are_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("classifier.safetensors");
        let classifier = Classifier::new(5);
        classifier.write(&path).unwrap();
        let again = Classifier::read(&path).unwrap();
        for (a, b) in classifier.parameters().iter().zip(again.parameters()) {
            assert_eq!(a.read().unwrap(), b.read().unwrap());
        }
        std::fs::write(&path, "short").unwrap();
        assert!(Classifier::read(&path).err().unwrap().to_string().contains("is not a whole safetensors file"));
    }
}
