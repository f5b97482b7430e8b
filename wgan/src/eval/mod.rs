//! The evaluation of a run.

mod evaluation;
mod judge;

use std::path::Path;

use autograd::Device;
use nn::files::write_whole;

use crate::classifier::Classifier;
use crate::config::{Config, DatasetName};
use crate::data::{Dataset, is_image};
use crate::run::RunFolder;
use crate::sample::{Sampler, neighbours};
use crate::{Error, Result};

pub use evaluation::{
    ClassifierMeasures, Comparison, Covered, Evaluation, ImageMeasures, Measure, Measures, PatchDistance, PointMeasures,
};
pub use judge::{ImageJudge, Judge, PointJudge};

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

/// Measures samples of the generator in `folder` and leaves `eval.json` there, for images also `neighbours.png`. With the
/// measures comes the data set, which the page of the run tells of.
///
/// ```no_run
/// use std::path::Path;
/// use wgan::{eval, run::RunFolder};
/// let folder = RunFolder::open(Path::new("runs/001-mnist-gp"))?;
/// println!("{}", eval::evaluate(&folder, &eval::Request::default())?.0);
/// # Ok::<(), wgan::Error>(())
/// ```
///
/// # Errors
/// If the run's files or the data cannot be used, or a file cannot be written.
pub fn evaluate(folder: &RunFolder, request: &Request) -> Result<(Evaluation, Dataset)> {
    let sampler = Sampler::load(&folder.generator())?;
    let config = sampler.config_with_data(request.data_dir.clone(), Some(folder))?;
    let classifier = classifier_for(&config, request.classifier)?;
    let data = config.load_data()?;
    show_neighbours(folder, &sampler, &data, request.seed)?;
    let judge = judge(&config, &data, classifier, &Device::cpu(), request.samples)?;
    let evaluation = measure(folder, &config, &sampler, &judge, request.samples, request.seed)?;
    Ok((evaluation, data))
}

/// Whether the generator in `folder` after `step` updates was measured.
pub fn is_measured(folder: &RunFolder, step: u64) -> bool {
    Evaluation::read(&folder.evaluation()).is_ok_and(|evaluation| evaluation.step == step)
}

/// Leaves in `folder` what tells how good a run on `data` is that has been finished on `device`: for images `neighbours.png`,
/// and `eval.json` unless it was measured before.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_finished(folder: &RunFolder, config: &Config, data: &Dataset, device: &Device) -> Result<()> {
    let sampler = Sampler::load(&folder.generator())?.on(device);
    show_neighbours(folder, &sampler, data, Request::default().seed)?;
    if !is_measured(folder, sampler.step()) {
        judge_usual(folder, config, &sampler, &usual_judge(config, data, device)?)?;
    }
    Ok(())
}

/// What a run on `data` measures its samples by without being told.
///
/// # Errors
/// If the data are too few, or their test set cannot be used.
pub fn usual_judge(config: &Config, data: &Dataset, device: &Device) -> Result<Judge> {
    let classifier = classifier_for(config, None)?.map(|classifier| classifier.on(device));
    judge(config, data, classifier, device, usual_count(config))
}

/// Leaves the measures of as many samples as are usual.
///
/// # Errors
/// If the samples are not finite, or the file cannot be written.
pub fn judge_usual(folder: &RunFolder, config: &Config, sampler: &Sampler, judge: &Judge) -> Result<Evaluation> {
    measure(folder, config, sampler, judge, usual_count(config), Request::default().seed)
}

/// Less than a second's work: a Fréchet distance needs many samples, an optimal pairing time cubic in them.
fn usual_count(config: &Config) -> usize {
    if is_image(&config.sample) { Request::default().samples } else { 500 }
}

/// What images are looked at by, if a classifier knows them; points are measured as they are.
fn classifier_for(config: &Config, file: Option<&Path>) -> Result<Option<Classifier>> {
    match (config.names.dataset, file) {
        (DatasetName::FashionMnist | DatasetName::Cifar10 | DatasetName::Images, None) => Ok(None),
        (dataset, file) if is_image(&config.sample) => Classifier::of(dataset, file).map(Some),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(Error::flag("classifier", "the samples are points, which have no classes")),
    }
}

/// Leaves images beside the training images nearest to them; of points there is nothing to see.
fn show_neighbours(folder: &RunFolder, sampler: &Sampler, data: &Dataset, seed: u64) -> Result<()> {
    const SHOWN: usize = 32;
    if is_image(data.shape()) {
        let picture = neighbours(&sampler.draw(SHOWN, seed)?, data);
        write_whole(&folder.neighbours(), &picture.encode())?;
    }
    Ok(())
}

/// Who measures so many samples.
fn judge(
    config: &Config,
    data: &Dataset,
    classifier: Option<Classifier>,
    device: &Device,
    samples: usize,
) -> Result<Judge> {
    if is_image(&config.sample) {
        let test = Dataset::load_test(&config.data, config.conditional, config.game.seed)?;
        Judge::of_images(samples, data, test.as_ref(), classifier, device)
    } else {
        Judge::of_points(samples, data, config.data.mixture())
    }
}

/// Leaves the measures of so many samples.
fn measure(
    folder: &RunFolder,
    config: &Config,
    sampler: &Sampler,
    judge: &Judge,
    samples: usize,
    seed: u64,
) -> Result<Evaluation> {
    let asked = sampler.classes_of(samples, seed);
    let asked: Vec<&str> = asked.into_iter().map(|class| sampler.classes()[class].name.as_str()).collect();
    let measures = judge.measure(sampler.draw_in_parts(samples, seed)?, &asked)?;
    let evaluation = Evaluation { dataset: config.names.dataset, step: sampler.step(), seed, measures };
    write_whole(&folder.evaluation(), evaluation.to_json().as_bytes())?;
    Ok(evaluation)
}
