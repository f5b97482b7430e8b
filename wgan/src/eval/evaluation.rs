//! What was measured of a generator, beside the same of real samples: as a file holds it, and as people read it.

use std::fmt;
use std::path::Path;

use nn::files::excerpt;
use serde::{Deserialize, Serialize};

use crate::config::DatasetName;
use crate::data::Labelled;
use crate::error::read_text;
use crate::measures::Coverage;
use crate::numbers::{number, percent};
use crate::{Error, Result};

/// How good a generator's samples are.
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
    /// What a classifier says of them, if there is one that knows their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<Box<ClassifierMeasures>>,
    /// The share of the images that lie in the real ones' [`Manifold`](crate::measures::Manifold): of the classifier's features,
    /// or else of [`thumbnails`](crate::measures::thumbnails).
    pub precision: f64,
    /// The share of the real images that lie in the manifold of these.
    pub recall: f64,
    /// [`SlicedPatches::distances`](crate::measures::SlicedPatches::distances), the finest level first.
    pub patch_distances: Vec<PatchDistance>,
}

/// What a classifier says of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClassifierMeasures {
    /// [`md5`](crate::classifier::Classifier::md5) of the classifier: another one would say something else. Earlier versions did
    /// not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// [`frechet_distance`](crate::measures::Moments::frechet_distance) of its features.
    pub frechet_distance: f64,
    /// [`classifier_score`](crate::measures::classifier_score()).
    pub score: f64,
    /// The share of images that it takes for the class that they were asked to be of, or by their label are of; if classes
    /// are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// The share of images that it takes for each class.
    pub shares: [f64; Labelled::CLASSES],
}

/// How far the patches of images are from those of real ones at a level of the pyramid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchDistance {
    /// The level's height in pixels, …
    pub height: usize,
    /// … and its width.
    pub width: usize,
    /// The sliced Wasserstein distance.
    pub distance: f64,
}

/// Measures of points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PointMeasures {
    /// Number of points measured.
    pub samples: usize,
    /// How they cover the modes, if the data have any.
    pub coverage: Option<Covered>,
    /// [`sliced_wasserstein`](crate::measures::sliced_wasserstein()).
    pub sliced_wasserstein: f64,
    /// [`wasserstein`](crate::measures::wasserstein), between some of the points and as many others.
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

    /// What was measured, by name. The first is the one that tells generators apart best, and the less of it the better.
    pub fn measures(&self) -> Vec<Measure> {
        match &self.measures {
            Measures::Images(Comparison { generated, real, .. }) => {
                let class = if self.dataset == DatasetName::Mnist { "digit" } else { "class" };
                image_measures([generated, real], class)
            }
            Measures::Points(Comparison { generated, real, .. }) => point_measures([generated, real]),
        }
    }

    /// How many samples were measured, generated and real ones.
    pub fn samples(&self) -> [usize; 2] {
        match &self.measures {
            Measures::Images(Comparison { generated, real, .. }) => [generated.samples, real.samples],
            Measures::Points(Comparison { generated, real, .. }) => [generated.samples, real.samples],
        }
    }

    /// The measures by name, with their values of generated and of real samples, as people read them.
    pub fn rows(&self) -> Vec<(String, [String; 2])> {
        let samples = ("samples".to_owned(), self.samples().map(|count| count.to_string()));
        let row = |Measure { name, values, text, .. }| (name, values.map(text));
        [samples].into_iter().chain(self.measures().into_iter().map(row)).collect()
    }

    /// What the classifier said that images were measured by, if one was.
    pub fn classifier(&self) -> Option<&ClassifierMeasures> {
        match &self.measures {
            Measures::Images(Comparison { generated, .. }) => generated.classifier.as_deref(),
            Measures::Points(_) => None,
        }
    }

    /// How to read the measures.
    pub fn note(&self) -> String {
        match &self.measures {
            Measures::Images(Comparison { reference, test_set, generated, .. }) => {
                let real = if *test_set { "test images" } else { "of the data set" };
                let (first, compared) = match generated.classifier.as_deref() {
                    Some(ClassifierMeasures { agreement, .. }) => (
                        format!(
                            "The Fréchet distance, the less the better, is that of a classifier's features to those of {reference} \
                             other real images.\nThe classifier score is {} at best. {}",
                            Labelled::CLASSES,
                            agreement.map_or("", |_| {
                                "As asked are images that the classifier takes for the class asked for; real ones,\n\
                                 those that it takes for the class of their label. "
                            })
                        ),
                        "by the classifier's features",
                    ),
                    None => {
                        (String::new(), "as thumbnails of 8×8 pixels, which see light and colour but not what is shown")
                    }
                };
                format!(
                    "{first}Patch distances, the less the better, are between details of the images at each size.\n\
                     Precision is the share of generated images that are near real ones, recall that of real images near\n\
                     generated ones, {compared}.\n\
                     The real images beside are {real}, chosen by the seed."
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

/// One thing that was measured.
pub struct Measure {
    /// What it is called.
    pub name: String,
    /// What generated and what real samples get.
    pub values: [f64; 2],
    /// Whether it is a part of another, such as a single level of the patch distance.
    pub is_detail: bool,
    /// How people read it.
    text: fn(f64) -> String,
}

impl Measure {
    fn new(name: impl Into<String>, values: [f64; 2], text: fn(f64) -> String) -> Self {
        Measure { name: name.into(), values, is_detail: false, text }
    }

    fn detail(name: String, values: [f64; 2], text: fn(f64) -> String) -> Self {
        Measure { is_detail: true, ..Measure::new(name, values, text) }
    }

    /// A value of it as people read it.
    pub fn text(&self, value: f64) -> String {
        (self.text)(value)
    }
}

fn image_measures(both: [&ImageMeasures; 2], class: &str) -> Vec<Measure> {
    let [two, four] = [|x| format!("{x:.2}"), |x| format!("{x:.4}")];
    let (mut measures, mut shares) = (Vec::new(), Vec::new());
    if let [Some(generated), Some(real)] = both.map(|images| images.classifier.as_ref()) {
        let both = [generated, real];
        measures.push(Measure::new("Fréchet distance", both.map(|classified| classified.frechet_distance), two));
        measures.push(Measure::new("classifier score", both.map(|classified| classified.score), two));
        if let [Some(generated), Some(real)] = both.map(|classified| classified.agreement) {
            measures.push(Measure::new(format!("{class} as asked"), [generated, real], percent));
        }
        let share =
            |i| Measure::detail(format!("share of {class} {i}"), both.map(|classified| classified.shares[i]), percent);
        shares.extend((0..Labelled::CLASSES).map(share));
    }
    let mean = |images: &ImageMeasures| {
        let distances = images.patch_distances.iter().map(|level| level.distance);
        distances.sum::<f64>() / images.patch_distances.len() as f64
    };
    measures.push(Measure::new("patch distance", both.map(mean), four));
    for (generated, real) in both[0].patch_distances.iter().zip(&both[1].patch_distances) {
        let name = format!("patch distance at {}×{}", generated.width, generated.height);
        measures.push(Measure::detail(name, [generated.distance, real.distance], four));
    }
    measures.push(Measure::new("precision", both.map(|images| images.precision), percent));
    measures.push(Measure::new("recall", both.map(|images| images.recall), percent));
    measures.into_iter().chain(shares).collect()
}

fn point_measures(both: [&PointMeasures; 2]) -> Vec<Measure> {
    let four = |x| format!("{x:.4}");
    let mut measures = vec![
        Measure::new("sliced Wasserstein distance", both.map(|points| points.sliced_wasserstein), four),
        Measure::new("Wasserstein distance", both.map(|points| points.wasserstein), four),
    ];
    if let [Some(Covered(generated)), Some(Covered(real))] = both.map(|points| points.coverage) {
        let (both, modes) = ([generated, real], generated.modes);
        let covered = both.map(|coverage| coverage.covered as f64);
        measures.push(Measure::new(format!("modes covered of {modes}"), covered, |x| number(x, 3)));
        measures.push(Measure::new("high quality", both.map(|coverage| coverage.high_quality), percent));
    }
    measures
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
    use crate::data::{Dataset, Source, Toy};
    use crate::eval::Judge;

    /// The measures of 50 points of a toy, those of the data themselves.
    fn of_toy(toy: Toy) -> Measures {
        let data = Dataset::load(&Source::Toy(toy), 1, 0).unwrap();
        Judge::of_points(50, &data, toy.mixture()).unwrap().measure([Ok(data.samples(0..50))], &[]).unwrap()
    }

    #[test]
    fn the_spiral_has_no_modes_to_cover() {
        let measures = of_toy(Toy::Swissroll);
        let evaluation = Evaluation { dataset: DatasetName::Swissroll, step: 7, seed: 0, measures };
        assert!(evaluation.rows().iter().all(|(name, _)| !name.contains("modes")));
        assert!(evaluation.to_string().starts_with("swissroll after 7 steps, samples of seed 0\n"));
    }

    #[test]
    fn an_evaluation_is_written_and_read() {
        let (dataset, measures) = (DatasetName::EightGaussians, of_toy(Toy::EightGaussians));
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
        let of = |samples, shares| ImageMeasures {
            samples,
            classifier: Some(Box::new(ClassifierMeasures {
                md5: Some("0".to_owned()),
                frechet_distance: 1.0,
                score: 2.0,
                agreement: None,
                shares,
            })),
            precision: 0.5,
            recall: 0.25,
            patch_distances: vec![PatchDistance { height: 28, width: 28, distance: 0.1 }],
        };
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
            json["real"]["classifier"]["shares"] = shares.into();
            std::fs::write(file.path(), json.to_string()).unwrap();
            let problem = Evaluation::read(file.path()).unwrap_err().to_string();
            assert!(problem.contains("no evaluation (invalid length") || problem.contains("trailing"), "{problem}");
        }
    }
}
