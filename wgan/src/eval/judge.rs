//! What samples are measured by: real samples to compare them with, and what others of those get in the comparison.

use std::ops::Range;

use autograd::{Device, Shape, Tensor};

use super::evaluation::{
    ClassifierMeasures, Comparison, Covered, ImageMeasures, Measures, PatchDistance, PointMeasures,
};
use crate::classifier::{Classified, Classifier};
use crate::data::{Dataset, Labelled, Mixture};
use crate::error::cannot_use;
use crate::measures::{
    Coverage, Manifold, Moments, Patches, SlicedPatches, classifier_score, sliced_wasserstein, thumbnails, wasserstein,
};
use crate::{Error, Result};

/// The most real images whose moments samples are compared with.
const MOST_IMAGES: usize = 10_000;
/// Real images that are looked at together.
const PART: usize = 128;
/// The most points that are paired: an optimal pairing takes time cubic in their number.
const MOST_PAIRS: usize = 1000;

/// Measures samples of one kind, as often as one likes: the real ones are looked at once.
///
/// ```
/// use wgan::data::{Dataset, Source, Toy};
/// use wgan::eval::{Judge, Measures};
///
/// let data = Dataset::load(&Source::Toy(Toy::EightGaussians), 1, 0)?;
/// let judge = Judge::of_points(500, &data, Toy::EightGaussians.mixture())?;
/// let perfect = data.samples(50_000..50_500);
/// let Measures::Points(points) = judge.measure([Ok(perfect)], &[])? else { unreachable!() };
/// assert_eq!(points.generated.coverage.unwrap().0.covered, 8);
/// # Ok::<(), wgan::Error>(())
/// ```
pub enum Judge {
    /// Of images.
    Images(Box<ImageJudge>),
    /// Of points.
    Points(PointJudge),
}

impl Judge {
    /// Who measures about `count` images `[N, channels, height, width]` at a time, with a classifier if one knows them.
    /// Compared with are training images, and the real ones measured beside are test images if there are any, else the last
    /// in the data set's shuffled order, those held out among them.
    ///
    /// # Errors
    /// If there are too few images of a kind, or the classifier's features are not finite.
    pub fn of_images(
        count: usize,
        data: &Dataset,
        test: Option<&Dataset>,
        classifier: Option<Classifier>,
        device: &Device,
    ) -> Result<Self> {
        let all = data.held_out().end;
        let beside = count.min(test.map_or(all / 2, Dataset::len));
        let (real, range, others) = match test {
            Some(test) => (test, 0..beside, all),
            None => (data, all - beside..all, all - beside),
        };
        // The more moments are of, the better; a manifold is compared with that of as many samples.
        let count = others.min(if classifier.is_some() { MOST_IMAGES } else { beside });
        check_enough(data, beside.min(count), Manifold::LEAST)?;
        let seen = Seen::of(parts(data, 0..count), data.shape(), classifier.as_ref(), device)?;
        let reference = Reference {
            image: data.shape().clone(),
            device: device.clone(),
            moments: seen.classified.as_ref().map(Classified::moments),
            manifold: Manifold::of(first(&seen.features, beside.min(count))?),
            patches: seen.patches,
            classifier,
        };
        let real = reference.measure(parts(real, range.clone()), &real.class_names(range))?;
        Ok(Judge::Images(Box::new(ImageJudge { reference, count, test_set: test.is_some(), real })))
    }

    /// Who measures about `count` points `[N, 1]` or `[N, 2]` at a time, that should be those of a mixture if there is one.
    /// Compared with are the first of the data set in its shuffled order, measured beside are the last.
    ///
    /// # Errors
    /// If there are too few points.
    pub fn of_points(count: usize, data: &Dataset, mixture: Option<Mixture>) -> Result<Self> {
        let all = data.held_out().end;
        let count = count.min(all / 2);
        check_enough(data, count, 1)?;
        let (reference, others) = (data.samples(0..count), data.samples(all - count..all));
        let real = point_measures(&others, &reference, mixture.as_ref());
        Ok(Judge::Points(PointJudge { mixture, reference, real }))
    }

    /// Measures samples that come in parts; if classes are told apart, `asked` names the class that each was to be of.
    ///
    /// # Errors
    /// If they are not finite, or the first error among them.
    ///
    /// # Panics
    /// If they are of another shape, or fewer images than [`Manifold::LEAST`].
    pub fn measure(&self, samples: impl IntoIterator<Item = Result<Tensor>>, asked: &[&str]) -> Result<Measures> {
        let parts = samples.into_iter().map(|part| part.and_then(finite));
        match self {
            Judge::Images(judge) => Ok(Measures::Images(Comparison {
                reference: judge.count,
                test_set: judge.test_set,
                generated: judge.reference.measure(parts, asked)?,
                real: judge.real.clone(),
            })),
            Judge::Points(PointJudge { reference, mixture, real }) => {
                let points = stacked(&parts.collect::<Result<Vec<_>>>()?)?;
                Ok(Measures::Points(Comparison {
                    reference: reference.shape()[0],
                    test_set: false,
                    generated: point_measures(&points, reference, mixture.as_ref()),
                    real: real.clone(),
                }))
            }
        }
    }
}

fn finite(samples: Tensor) -> Result<Tensor> {
    if samples.data().iter().all(|x| x.is_finite()) {
        return Ok(samples);
    }
    Err(Error::NotFinite("samples are not all finite: the weights are of no use".to_owned()))
}

/// Whether some of the data set's samples can be compared with others of it.
fn check_enough(data: &Dataset, count: usize, needed: usize) -> Result<()> {
    if count >= needed {
        return Ok(());
    }
    Err(cannot_use(data.name())("its samples are too few to compare others with".to_owned()))
}

/// All parts as one.
fn stacked(parts: &[Tensor]) -> Result<Tensor> {
    let rows = parts.iter().map(|part| part.shape()[0]).sum();
    let row = parts.first().map_or(Shape::from([0]), |part| Shape::from(&part.shape()[1..]));
    let values = parts.iter().flat_map(Tensor::data).copied().collect();
    Ok(Tensor::new([&[rows], &row[..]].concat(), values)?)
}

/// The first rows of a table.
fn first(table: &Tensor, rows: usize) -> Result<Tensor> {
    let width = table.shape()[1];
    Ok(Tensor::new([rows, width], table.data()[..rows * width].to_vec())?)
}

/// Measures images.
pub struct ImageJudge {
    reference: Reference,
    /// Real images that the reference is made of.
    count: usize,
    /// Whether those measured beside are of a test set, and what they get.
    test_set: bool,
    real: ImageMeasures,
}

/// What images are compared with: real ones, as they are remembered.
struct Reference {
    /// The shape of an image.
    image: Shape,
    device: Device,
    classifier: Option<Classifier>,
    moments: Option<Moments>,
    manifold: Manifold,
    patches: SlicedPatches,
}

impl Reference {
    fn measure(&self, images: impl Iterator<Item = Result<Tensor>>, asked: &[&str]) -> Result<ImageMeasures> {
        let seen = Seen::of(images, &self.image, self.classifier.as_ref(), &self.device)?;
        let samples = seen.features.shape()[0];
        let manifold = Manifold::of(first(&seen.features, samples.min(self.manifold.len()))?);
        let (levels, distances) = (self.patches.levels(), self.patches.distances(&seen.patches));
        let patch_distance =
            |(&[height, width], distance): (&[usize; 2], f64)| PatchDistance { height, width, distance };
        Ok(ImageMeasures {
            samples,
            classifier: match (&self.classifier, seen.classified, &self.moments) {
                (Some(classifier), Some(seen), Some(moments)) => {
                    Some(Box::new(classified(Some(classifier.md5()?), &seen, moments, asked)))
                }
                _ => None,
            },
            precision: self.manifold.share_of(&manifold),
            recall: manifold.share_of(&self.manifold),
            patch_distances: levels.iter().zip(distances).map(patch_distance).collect(),
        })
    }
}

/// The samples of a range, part by part.
fn parts(data: &Dataset, range: Range<usize>) -> impl Iterator<Item = Result<Tensor>> {
    let end = range.end;
    range.step_by(PART).map(move |first| Ok(data.samples(first..end.min(first + PART))))
}

fn classified(md5: Option<String>, seen: &Classified, reference: &Moments, asked: &[&str]) -> ClassifierMeasures {
    let classes = seen.classes();
    let share = |class| classes.iter().filter(|&&other| other == class).count() as f64 / classes.len() as f64;
    let agree = || classes.iter().zip(asked).filter(|(told, asked)| told.to_string() == **asked).count();
    ClassifierMeasures {
        md5,
        frechet_distance: seen.moments().frechet_distance(reference),
        score: classifier_score(seen.probabilities.data(), Labelled::CLASSES),
        agreement: (!asked.is_empty()).then(|| agree() as f64 / classes.len() as f64),
        shares: std::array::from_fn(share),
    }
}

/// What is remembered of images.
struct Seen {
    classified: Option<Classified>,
    /// What they are alike or different in, `[N, …]`: the classifier's features, or small copies of them.
    features: Tensor,
    patches: SlicedPatches,
}

impl Seen {
    fn of(
        images: impl Iterator<Item = Result<Tensor>>,
        shape: &Shape,
        classifier: Option<&Classifier>,
        device: &Device,
    ) -> Result<Self> {
        let mut patches = Patches::of_shape(shape);
        let (mut features, mut probabilities) = (Vec::new(), Vec::new());
        for part in images {
            let part = part?;
            patches.add(&part);
            features.push(match classifier {
                Some(classifier) => {
                    let seen = classifier.classify(&part)?;
                    probabilities.push(seen.probabilities);
                    seen.features
                }
                None => thumbnails(&part),
            });
        }
        let (features, probabilities) = (stacked(&features)?, stacked(&probabilities)?);
        let classified = classifier.map(|_| Classified { features: features.clone(), probabilities });
        Ok(Seen { classified, features, patches: patches.sliced(device)? })
    }
}

/// Measures points.
pub struct PointJudge {
    mixture: Option<Mixture>,
    reference: Tensor,
    /// What real points get.
    real: PointMeasures,
}

fn point_measures(points: &Tensor, reference: &Tensor, mixture: Option<&Mixture>) -> PointMeasures {
    let (samples, axes) = (points.shape()[0], points.shape()[1]);
    let paired = samples.min(reference.shape()[0]).min(MOST_PAIRS);
    let [some, others] = [points, reference].map(|points| &points.data()[..axes * paired]);
    PointMeasures {
        samples,
        coverage: mixture.map(|mixture| Covered(Coverage::of(points.data(), mixture))),
        sliced_wasserstein: sliced_wasserstein(points.data(), reference.data(), axes),
        wasserstein: wasserstein(some, others, axes),
        paired,
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
        let judge = Judge::of_images(500, &data, None, Some(Classifier::of_digits().unwrap()), &Device::cpu()).unwrap();
        let measure = |generated: &Tensor| images(judge.measure([Ok(generated.clone())], &[]).unwrap());
        let frechet = |images: &ImageMeasures| images.classifier.as_ref().unwrap().frechet_distance;
        let digits = measure(&data.samples(4000..4500));
        assert_eq!((digits.reference, digits.generated.samples, digits.real.samples), (9500, 500, 500));
        assert!(frechet(&digits.generated) < 2.0 * frechet(&digits.real), "{digits:?}");
        let real = digits.real.classifier.as_ref().unwrap();
        assert!(real.score > 9.0 && real.shares.iter().all(|share| *share > 0.05), "{digits:?}");
        assert!(digits.generated.precision > 0.6 && digits.generated.recall > 0.6, "{digits:?}");
        assert!((0..2).all(|level| digits.generated.patch_distances[level].distance < 0.05), "{digits:?}");

        let noise = measure(&Tensor::from_fn([500, 1, 28, 28], |i| (i * 7919 % 256) as f32 / 255.0));
        assert_eq!(noise.real, digits.real);
        assert!(frechet(&noise.generated) > 20.0 * frechet(&digits.real), "{noise:?}");
        assert_eq!((noise.generated.precision, noise.generated.recall), (0.0, 0.0));
        assert!((0..2).all(|level| noise.generated.patch_distances[level].distance > 0.2), "{noise:?}");

        let one = data.samples(0..1);
        let collapsed = measure(&Tensor::from_fn([500, 1, 28, 28], |i| one.data()[i % 784])).generated;
        let classified = collapsed.classifier.as_ref().unwrap();
        assert!((classified.score - 1.0).abs() < 1e-6, "{collapsed:?}");
        assert_eq!(classified.shares.iter().filter(|share| **share == 1.0).count(), 1);
        assert!(classified.frechet_distance > 20.0 * frechet(&digits.real), "{collapsed:?}");
        assert!(collapsed.precision == 1.0 && collapsed.recall < 0.01, "{collapsed:?}");
    }

    /// Without a classifier they are compared as they look: digits upside down are others.
    #[test]
    fn images_that_no_classifier_knows_are_measured_too() {
        let data = Dataset::load(&Source::Digits, 1, 0).unwrap();
        let judge = Judge::of_images(300, &data, None, None, &Device::cpu()).unwrap();
        let measure = |generated: Tensor| images(judge.measure([Ok(generated)], &[]).unwrap());
        let digits = data.samples(4000..4300);
        let (upright, real) = (measure(digits.clone()).generated, measure(digits.clone()).real);
        let turned = measure(Tensor::from_fn([300, 1, 28, 28], |i| digits.data()[i / 784 * 784 + 783 - i % 784]));
        assert!(upright.classifier.is_none() && turned.reference == 300);
        assert!((upright.precision - real.precision).abs() < 0.1 && upright.precision > 0.5, "{upright:?} {real:?}");
        assert!(turned.generated.precision < upright.precision - 0.1, "{turned:?} {upright:?}");
        let distances = |images: &ImageMeasures| images.patch_distances.iter().map(|level| level.distance).sum::<f64>();
        assert!(distances(&turned.generated) > 1.5 * distances(&upright), "{turned:?} {upright:?}");
    }

    /// Points that are all moved by 0.3 along an axis: the distances, the exact one and its slices, can be told.
    #[test]
    fn moved_points_are_as_far_as_they_were_moved() {
        let data = Dataset::load(&Source::Toy(Toy::TwentyFiveGaussians), 1, 0).unwrap();
        let judge = Judge::of_points(800, &data, Toy::TwentyFiveGaussians.mixture()).unwrap();
        let reference = data.samples(0..800);
        let moved = Tensor::from_fn([800, 2], |i| reference.data()[i] + if i % 2 == 0 { 0.3 } else { 0.0 });
        let Comparison { generated, real, .. } = points(judge.measure([Ok(moved)], &[]).unwrap());
        assert!((generated.wasserstein - 0.3).abs() < 1e-6);
        assert!((generated.sliced_wasserstein - 0.3 * 2.0 / std::f64::consts::PI).abs() < 0.005);
        // 0.3 is many deviations, and less than half the distance of two modes.
        assert_eq!(generated.coverage.unwrap().0.covered, 0);
        assert_eq!(real.coverage.unwrap().0.covered, 25);
        assert!(real.wasserstein < 0.3 && real.sliced_wasserstein < 0.1, "{real:?}");
    }

    #[test]
    fn what_is_not_finite_cannot_be_measured() {
        let data = Dataset::load(&Source::Toy(Toy::Swissroll), 1, 0).unwrap();
        let broken = Tensor::new([1, 2], vec![0.0, f32::INFINITY]).unwrap();
        let error = Judge::of_points(9, &data, None).unwrap().measure([Ok(broken)], &[]).unwrap_err().to_string();
        assert_eq!(error, "samples are not all finite: the weights are of no use");
    }
}
