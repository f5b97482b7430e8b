//! All that is measured of a trained generator, beside the same of real samples.

use std::fmt;
use std::path::Path;

use autograd::Tensor;
use nn::files::excerpt;
use serde::{Deserialize, Serialize};

use crate::classifier::Classifier;
use crate::config::DatasetName;
use crate::data::{Dataset, Labelled, Mixture};
use crate::error::{cannot_use, read_text};
use crate::measures::{Coverage, classifier_score, sliced_wasserstein, wasserstein};
use crate::numbers::percent;
use crate::{Error, Result};

/// How good a generator's samples are.
///
/// ```
/// use wgan::data::{Dataset, Source, Toy};
/// use wgan::eval::Measures;
///
/// let data = Dataset::load(&Source::Toy(Toy::EightGaussians), 1, 0)?;
/// let (perfect, mixture) = (data.samples(50_000..50_500), Toy::EightGaussians.mixture());
/// let Measures::Points(points) = Measures::of_points(&perfect, &data, mixture.as_ref())? else { unreachable!() };
/// assert_eq!(points.generated.coverage.unwrap().0.covered, 8);
/// # Ok::<(), wgan::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evaluation {
    /// What the generator was trained on.
    pub dataset: DatasetName,
    /// Updates of the generator.
    pub step: u64,
    /// Start of the samples' random numbers.
    pub seed: u64,
    /// What is measured of that kind of samples.
    #[serde(flatten)]
    pub measures: Measures,
}

/// What is measured, by kind of samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Measures {
    /// Of images.
    Images(Comparison<ImageMeasures>),
    /// Of points.
    Points(Comparison<PointMeasures>),
}

/// The same measures of generated and of real samples, both compared with further real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison<M> {
    /// Number of real samples compared with.
    pub reference: usize,
    /// Whether the real samples measured are of a test set; else they are of the data set, whose order
    /// the seed gives: those held out, and before them some that were trained on.
    pub test_set: bool,
    /// What generated samples get.
    pub generated: M,
    /// What real samples get, and no generator can beat except by luck.
    pub real: M,
}

/// Measures of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageMeasures {
    /// Number of images measured.
    pub samples: usize,
    /// [`frechet_distance`](crate::measures::Moments::frechet_distance) of the classifier's features.
    pub frechet_distance: f64,
    /// [`classifier_score`].
    pub classifier_score: f64,
    /// The share of images that the classifier takes for each class.
    pub shares: [f64; Labelled::CLASSES],
}

/// Measures of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PointMeasures {
    /// Number of points measured.
    pub samples: usize,
    /// How they cover the modes, if the data have any.
    pub coverage: Option<Covered>,
    /// [`sliced_wasserstein`].
    pub sliced_wasserstein: f64,
    /// [`wasserstein`], between some of the points and as many others.
    pub wasserstein: f64,
    /// How many that are.
    pub paired: usize,
}

/// [`Coverage`] as the file holds it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covered(#[serde(with = "CoverageFields")] pub Coverage);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Coverage", rename_all = "kebab-case")]
struct CoverageFields {
    covered: usize,
    modes: usize,
    high_quality: f64,
}

/// The most real images that samples are compared with.
const MOST_IMAGES: usize = 10_000;
/// The most points that are paired: an optimal pairing takes time cubic in their number.
const MOST_PAIRS: usize = 1000;

impl Measures {
    /// Measures images `[N, 1, 28, 28]`. Compared with are training images, and the real ones measured beside are test
    /// images if there are any, else the last in the data set's shuffled order, those held out among them.
    ///
    /// # Errors
    /// If there are too few images of a kind, or the classifier's features are not finite.
    pub fn of_images(
        generated: &Tensor,
        data: &Dataset,
        test: Option<&Dataset>,
        classifier: &Classifier,
    ) -> Result<Self> {
        check_finite(generated)?;
        let all = data.held_out().end;
        let count = generated.shape()[0].min(test.map_or(all / 2, Dataset::len));
        let (real, others) = match test {
            Some(test) => (test.samples(0..count), all),
            None => (data.samples(all - count..all), all - count),
        };
        let reference = others.min(MOST_IMAGES);
        check_enough(data, count.min(reference), 2)?; // a covariance needs as many
        let reference_moments = classifier.classify(&data.samples(0..reference))?.moments();
        let measure = |images: &Tensor| {
            let seen = classifier.classify(images)?;
            let classes = seen.classes();
            let share = |class| classes.iter().filter(|&&other| other == class).count() as f64 / classes.len() as f64;
            Ok::<_, Error>(ImageMeasures {
                samples: images.shape()[0],
                frechet_distance: seen.moments().frechet_distance(&reference_moments),
                classifier_score: classifier_score(seen.probabilities.data(), Labelled::CLASSES),
                shares: std::array::from_fn(share),
            })
        };
        let (generated, real) = (measure(generated)?, measure(&real)?);
        Ok(Measures::Images(Comparison { reference, test_set: test.is_some(), generated, real }))
    }

    /// Measures points `[N, 1]` or `[N, 2]`, that should be those of a mixture if there is one. Compared with are the first
    /// of the data set in its shuffled order, measured beside are the last.
    ///
    /// # Errors
    /// If the points are not finite, or there are too few of them.
    pub fn of_points(generated: &Tensor, data: &Dataset, mixture: Option<&Mixture>) -> Result<Self> {
        check_finite(generated)?;
        let (all, axes) = (data.held_out().end, generated.shape()[1]);
        let count = generated.shape()[0].min(all / 2);
        check_enough(data, count, 1)?;
        let reference = data.samples(0..count);
        let measure = |points: &Tensor| {
            let paired = points.shape()[0].min(count).min(MOST_PAIRS);
            let [some, others] = [points, &reference].map(|points| &points.data()[..axes * paired]);
            PointMeasures {
                samples: points.shape()[0],
                coverage: mixture.map(|mixture| Covered(Coverage::of(points.data(), mixture))),
                sliced_wasserstein: sliced_wasserstein(points.data(), reference.data(), axes),
                wasserstein: wasserstein(some, others, axes),
                paired,
            }
        };
        let (generated, real) = (measure(generated), measure(&data.samples(all - count..all)));
        Ok(Measures::Points(Comparison { reference: count, test_set: false, generated, real }))
    }
}

/// Whether some of the data set's samples can be compared with others of it.
fn check_enough(data: &Dataset, count: usize, needed: usize) -> Result<()> {
    if count >= needed {
        return Ok(());
    }
    Err(cannot_use(data.name())("its samples are too few to compare others with".to_owned()))
}

fn check_finite(samples: &Tensor) -> Result<()> {
    if samples.data().iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    Err(Error::NotFinite("samples are not all finite: the weights are of no use".to_owned()))
}

impl Evaluation {
    /// Readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a struct of plain values is JSON") + "\n"
    }

    /// The evaluation in a file that `wgan eval` wrote.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Damaged`] if it holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let no_evaluation = |error: serde_json::Error| format!("no evaluation ({})", excerpt(&error.to_string()));
        serde_json::from_str(&read_text(path)?).map_err(|error| Error::damaged(path, no_evaluation(error)))
    }

    /// The measures by name, with their values of generated and of real samples.
    pub fn rows(&self) -> Vec<(String, [String; 2])> {
        let named = |(name, values): (&str, [String; 2])| (name.to_owned(), values);
        match &self.measures {
            Measures::Images(Comparison { generated, real, .. }) => {
                let both = |value: fn(&ImageMeasures) -> String| [generated, real].map(value);
                let class = if self.dataset == DatasetName::Mnist { "digit" } else { "class" };
                let share =
                    |i| (format!("share of {class} {i}"), [generated, real].map(|images| percent(images.shares[i])));
                let rows = [
                    ("samples", both(|images| images.samples.to_string())),
                    ("Fréchet distance", both(|images| format!("{:.2}", images.frechet_distance))),
                    ("classifier score", both(|images| format!("{:.2}", images.classifier_score))),
                ];
                rows.into_iter().map(named).chain((0..Labelled::CLASSES).map(share)).collect()
            }
            Measures::Points(Comparison { generated, real, .. }) => {
                let both = |value: fn(&PointMeasures) -> String| [generated, real].map(value);
                let coverage = |value: fn(Coverage) -> String| {
                    [generated, real].map(|points| points.coverage.map_or(String::new(), |Covered(found)| value(found)))
                };
                let mut rows = vec![("samples", both(|points| points.samples.to_string()))];
                if generated.coverage.is_some() {
                    rows.push(("modes covered", coverage(|found| format!("{} of {}", found.covered, found.modes))));
                    rows.push(("high quality", coverage(|found| percent(found.high_quality))));
                }
                let sliced = both(|points| format!("{:.4}", points.sliced_wasserstein));
                rows.push(("sliced Wasserstein distance", sliced));
                rows.push(("Wasserstein distance", both(|points| format!("{:.4}", points.wasserstein))));
                rows.into_iter().map(named).collect()
            }
        }
    }

    /// How to read the measures.
    pub fn note(&self) -> String {
        match &self.measures {
            Measures::Images(Comparison { reference, test_set, .. }) => {
                let real = if *test_set { "test images" } else { "of the data set" };
                let distance = "The Fréchet distance, the less the better, is that of a classifier's features";
                format!(
                    "{distance} to those of {reference} other real images.\n\
                     The classifier score is {} at best. The real images beside are {real}, chosen by the seed.",
                    Labelled::CLASSES
                )
            }
            Measures::Points(Comparison { reference, generated, .. }) => format!(
                "The distances, the less the better, are those to {reference} other real points.\n\
                 The Wasserstein distance is exact, between {} of both.",
                generated.paired
            ),
        }
    }
}

/// A table.
impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evaluation { dataset, step, seed, .. } = self;
        writeln!(f, "{dataset} after {step} steps, samples of seed {seed}\n")?;
        writeln!(f, "{:30}{:>12}{:>12}", "", "generated", "real")?;
        for (name, [generated, real]) in self.rows() {
            writeln!(f, "{name:30}{generated:>12}{real:>12}")?;
        }
        write!(f, "\n{}", self.note())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Source, Toy};

    fn images(measures: Measures) -> Comparison<ImageMeasures> {
        match measures {
            Measures::Images(images) => images,
            Measures::Points(_) => panic!("these are images"),
        }
    }

    fn points(measures: Measures) -> Comparison<PointMeasures> {
        match measures {
            Measures::Points(points) => points,
            Measures::Images(_) => panic!("these are points"),
        }
    }

    /// Real digits pass for real ones, noise and a single digit do not.
    #[test]
    fn images_are_the_farther_the_worse_they_are() {
        let data = Dataset::load(&Source::Digits, 1, 0).unwrap();
        let classifier = Classifier::of_digits().unwrap();
        let measure = |generated: &Tensor| images(Measures::of_images(generated, &data, None, &classifier).unwrap());
        let digits = measure(&data.samples(4000..4500));
        assert_eq!((digits.reference, digits.generated.samples, digits.real.samples), (9500, 500, 500));
        assert!(digits.generated.frechet_distance < 2.0 * digits.real.frechet_distance, "{digits:?}");
        assert!(digits.real.classifier_score > 9.0 && digits.real.shares.iter().all(|share| *share > 0.05));

        let noise = measure(&Tensor::from_fn([500, 1, 28, 28], |i| (i * 7919 % 256) as f32 / 255.0));
        assert_eq!(noise.real, digits.real);
        assert!(noise.generated.frechet_distance > 20.0 * digits.real.frechet_distance, "{noise:?}");

        let one = data.samples(0..1);
        let collapsed = measure(&Tensor::from_fn([500, 1, 28, 28], |i| one.data()[i % 784]));
        assert!((collapsed.generated.classifier_score - 1.0).abs() < 1e-6, "{collapsed:?}");
        assert_eq!(collapsed.generated.shares.iter().filter(|share| **share == 1.0).count(), 1);
        assert!(collapsed.generated.frechet_distance > 20.0 * digits.real.frechet_distance, "{collapsed:?}");
    }

    /// Points that are all moved by 0.3 along an axis: the distances, the exact one and its slices, can be told.
    #[test]
    fn moved_points_are_as_far_as_they_were_moved() {
        let data = Dataset::load(&Source::Toy(Toy::TwentyFiveGaussians), 1, 0).unwrap();
        let mixture = Toy::TwentyFiveGaussians.mixture();
        let reference = data.samples(0..800);
        let moved = Tensor::from_fn([800, 2], |i| reference.data()[i] + if i % 2 == 0 { 0.3 } else { 0.0 });
        let Comparison { generated, real, .. } = points(Measures::of_points(&moved, &data, mixture.as_ref()).unwrap());
        assert!((generated.wasserstein - 0.3).abs() < 1e-6);
        assert!((generated.sliced_wasserstein - 0.3 * 2.0 / std::f64::consts::PI).abs() < 0.005);
        // 0.3 is many deviations, and less than half the distance of two modes.
        assert_eq!(generated.coverage.unwrap().0.covered, 0);
        assert_eq!(real.coverage.unwrap().0.covered, 25);
        assert!(real.wasserstein < 0.3 && real.sliced_wasserstein < 0.1, "{real:?}");
    }

    #[test]
    fn the_spiral_has_no_modes_to_cover() {
        let data = Dataset::load(&Source::Toy(Toy::Swissroll), 1, 0).unwrap();
        let measures = Measures::of_points(&data.samples(0..50), &data, None).unwrap();
        let evaluation = Evaluation { dataset: DatasetName::Swissroll, step: 7, seed: 0, measures };
        assert!(evaluation.rows().iter().all(|(name, _)| !name.contains("modes")));
        assert!(evaluation.to_string().starts_with("swissroll after 7 steps, samples of seed 0\n"));
    }

    #[test]
    fn what_is_not_finite_cannot_be_measured() {
        let data = Dataset::load(&Source::Toy(Toy::Swissroll), 1, 0).unwrap();
        let broken = Tensor::new([1, 2], vec![0.0, f32::INFINITY]).unwrap();
        let error = Measures::of_points(&broken, &data, None).unwrap_err().to_string();
        assert_eq!(error, "samples are not all finite: the weights are of no use");
    }

    #[test]
    fn an_evaluation_is_written_and_read() {
        let (dataset, mixture) = (DatasetName::EightGaussians, Toy::EightGaussians.mixture());
        let data = Dataset::load(&Source::Toy(Toy::EightGaussians), 1, 0).unwrap();
        let measures = Measures::of_points(&data.samples(0..50), &data, mixture.as_ref()).unwrap();
        let evaluation = Evaluation { dataset, step: 300, seed: 4, measures };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eval.json");
        std::fs::write(&path, evaluation.to_json()).unwrap();
        assert_eq!(Evaluation::read(&path).unwrap(), evaluation);
        let problem = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Evaluation::read(&path).unwrap_err().to_string()
        };
        assert!(problem("{}").contains("no evaluation (missing field"));
        for text in
            ["", "null", "[]", "{\"dataset\":3}", &"[".repeat(100_000), &format!("{{\"{}\":1}}", "x".repeat(10_000))]
        {
            let problem = problem(text);
            assert!(problem.contains("no evaluation (") && problem.len() < 600, "{problem}");
        }
    }

    /// The table has a row for each class.
    #[test]
    fn an_evaluation_has_a_share_for_each_class() {
        let of = |samples, shares| ImageMeasures { samples, frechet_distance: 1.0, classifier_score: 2.0, shares };
        let measures = Measures::Images(Comparison {
            reference: 9,
            test_set: false,
            generated: of(5, [0.1; Labelled::CLASSES]),
            real: of(6, [0.1; Labelled::CLASSES]),
        });
        let evaluation = Evaluation { dataset: DatasetName::Mnist, step: 300, seed: 4, measures };
        let mut json: serde_json::Value = serde_json::from_str(&evaluation.to_json()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for shares in [[0.1; Labelled::CLASSES - 1].as_slice(), &[0.1; Labelled::CLASSES + 1]] {
            json["real"]["shares"] = shares.into();
            std::fs::write(file.path(), json.to_string()).unwrap();
            let problem = Evaluation::read(file.path()).unwrap_err().to_string();
            assert!(problem.contains("no evaluation (invalid length") || problem.contains("trailing"), "{problem}");
        }
    }
}
