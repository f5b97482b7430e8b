//! The evaluation of a run.

use std::path::Path;

use nn::files::write_whole;

use crate::classifier::Classifier;
use crate::config::DatasetName;
use crate::data::Dataset;
use crate::measures::{Evaluation, Measures};
use crate::run_folder::RunFolder;
use crate::sample::{Sampler, neighbours};
use crate::{Error, Result};

/// Samples in the picture of neighbours.
const SHOWN: usize = 32;

/// What to measure, and by what.
pub struct Request<'a> {
    /// Number of samples.
    pub samples: usize,
    /// Start of their random numbers.
    pub seed: u64,
    /// Where the data are, if no longer where the run had them.
    pub data_dir: Option<String>,
    /// Weights of a classifier in place of the embedded one's.
    pub classifier: Option<&'a Path>,
}

/// 2000 samples of seed 0, the run's own data and the embedded classifier.
impl Default for Request<'_> {
    fn default() -> Self {
        Request { samples: 2000, seed: 0, data_dir: None, classifier: None }
    }
}

/// Whether a classifier must be named for samples of this kind: the embedded one knows digits alone.
pub fn needs_classifier(dataset: DatasetName) -> bool {
    dataset.is_images() && dataset != DatasetName::Mnist
}

/// Samples that take less than a second to measure: a Fréchet distance needs many, an optimal pairing time cubic in them.
pub fn quick(dataset: DatasetName) -> usize {
    if dataset.is_images() { 2000 } else { 500 }
}

/// Measures samples of the generator in `folder` and leaves `eval.json` there, for images also `neighbours.png`.
///
/// ```no_run
/// use std::path::Path;
/// use wgan::{eval, run_folder::RunFolder};
/// let folder = RunFolder::open(Path::new("runs/001-mnist-gp"))?;
/// println!("{}", eval::evaluate(&folder, &eval::Request::default())?);
/// # Ok::<(), wgan::Error>(())
/// ```
///
/// # Errors
/// If the run's files or the data cannot be used, or a file cannot be written.
pub fn evaluate(folder: &RunFolder, request: &Request) -> Result<Evaluation> {
    let sampler = Sampler::load(&folder.generator())?;
    let config = sampler.config_with_data(request.data_dir.clone(), Some(folder))?;
    let (dataset, seed) = (config.dataset, request.seed);
    let generated = sampler.draw(request.samples, seed)?;
    let measures = if dataset.is_images() {
        let eye = Classifier::of(dataset, request.classifier)?;
        let data = Dataset::load(&config)?;
        let picture = neighbours(&sampler.draw(request.samples.min(SHOWN), seed)?, &data);
        write_whole(&folder.neighbours(), &picture.encode())?;
        Measures::of_images(&generated, &data, Dataset::load_test(&config)?.as_ref(), &eye)?
    } else {
        if request.classifier.is_some() {
            let reason = "the samples are points, which have no classes".to_owned();
            return Err(Error::Flag { flag: "classifier".to_owned(), reason });
        }
        Measures::of_points(&generated, &Dataset::load(&config)?, dataset)?
    };
    let evaluation = Evaluation { dataset, step: sampler.step(), seed, measures };
    write_whole(&folder.evaluation(), evaluation.to_json().as_bytes())?;
    Ok(evaluation)
}
