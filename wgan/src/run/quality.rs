//! How good a run's samples were while it went on: `quality.csv`, a row for each time they were measured.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nn::files::write_whole;

use crate::error::cannot_read;
use crate::{Error, Result};

/// What was measured so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// What the measures are called. The first judges the samples: the less, the better. The last may be [`REAL`].
    pub names: Vec<String>,
    /// In the order of their steps.
    pub rows: Vec<QualityRow>,
}

/// What was measured after a step.
#[derive(Clone, Debug, PartialEq)]
pub struct QualityRow {
    /// Updates of the generator.
    pub step: u64,
    /// Time that measuring took, which is no part of the training's.
    pub seconds: f64,
    /// The training's own estimate of the distance at that time, smoothed.
    pub estimate: f32,
    /// The measures, each under its name.
    pub values: Vec<f64>,
}

/// In place of a measure's name: what real samples get by the first measure.
pub const REAL: &str = "real";

/// The first columns; the names of the measures follow.
const COLUMNS: &str = "step,seconds,estimate";

impl Quality {
    /// What a file holds up to this step; nothing, if there is none.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Damaged`] if it holds something else.
    pub fn read(path: &Path, step: u64) -> Result<Self> {
        const LONGEST: u64 = 1 << 26;
        let mut text = String::new();
        match File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Quality::default()),
            read => read.map_err(cannot_read(path))?,
        };
        let mut lines = text.lines();
        let header = lines.next().and_then(|header| header.strip_prefix(COLUMNS)?.strip_prefix(','));
        let header =
            header.ok_or_else(|| Error::damaged(path, format!("its first line does not begin with {COLUMNS}")))?;
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let row = |(number, line): (usize, &str)| {
            let row = QualityRow::parse(line, names.len());
            row.ok_or_else(|| Error::damaged(path, format!("line {number} does not hold {} numbers", 3 + names.len())))
        };
        let rows = (2..).zip(lines).map(row).filter(|row| !row.as_ref().is_ok_and(|row| row.step > step));
        Ok(Quality { rows: rows.collect::<Result<_>>()?, names })
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = [COLUMNS].into_iter().chain(self.names.iter().map(String::as_str)).collect::<Vec<_>>().join(",");
        for QualityRow { step, seconds, estimate, values } in &self.rows {
            write!(text, "\n{step},{seconds:.3},{estimate}").expect("a text takes more");
            values.iter().for_each(|value| write!(text, ",{value}").expect("a text takes more"));
        }
        Ok(write_whole(path, (text + "\n").as_bytes())?)
    }

    /// The row of the best samples; of several the first.
    pub fn best(&self) -> Option<&QualityRow> {
        self.rows
            .iter()
            .filter(|row| row.judgement().is_finite())
            .min_by(|a, b| a.judgement().total_cmp(&b.judgement()))
    }

    /// What real samples get by what judges the samples, if that was measured.
    pub fn real(&self) -> Option<f64> {
        let column = self.names.iter().position(|name| name == REAL)?;
        Some(self.rows.last()?.values[column])
    }

    /// Pearson's correlation between the training's estimate and what judges the samples, if there are enough rows to tell.
    pub fn correlation(&self) -> Option<f64> {
        const ENOUGH: usize = 3;
        let pairs: Vec<_> = self.rows.iter().map(|row| (f64::from(row.estimate), row.judgement())).collect();
        (pairs.len() >= ENOUGH).then(|| pearson(&pairs)).filter(|correlation| correlation.is_finite())
    }
}

impl QualityRow {
    /// What judges the samples.
    pub fn judgement(&self) -> f64 {
        self.values.first().copied().unwrap_or(f64::NAN)
    }

    fn parse(line: &str, measures: usize) -> Option<Self> {
        let cells: Vec<&str> = line.split(',').collect();
        let [step, seconds, estimate, values @ ..] = &cells[..] else { return None };
        let values: Vec<f64> = values.iter().map(|value| value.parse().ok()).collect::<Option<_>>()?;
        let row = QualityRow {
            step: step.parse().ok()?,
            seconds: seconds.parse().ok()?,
            estimate: estimate.parse().ok()?,
            values,
        };
        (row.values.len() == measures).then_some(row)
    }
}

/// Pearson's correlation: Σ(x − x̄)(y − ȳ) / √(Σ(x − x̄)²·Σ(y − ȳ)²), NaN if one of them does not vary.
pub fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let mean = |value: fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / pairs.len() as f64;
    let (mean_x, mean_y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let sum = |f: fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| f(x - mean_x, y - mean_y)).sum::<f64>();
    sum(|x, y| x * y) / (sum(|x, _| x * x) * sum(|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(judgements: &[f64]) -> Quality {
        let row = |(i, &judgement): (u64, &f64)| QualityRow {
            step: 50 * i,
            seconds: 0.125,
            estimate: 2.0 * judgement as f32 + 1.0,
            values: vec![judgement, 1.0 / 3.0],
        };
        Quality {
            names: vec!["Fréchet distance".into(), "recall".into()],
            rows: (1..).zip(judgements).map(row).collect(),
        }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_as_far_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quality.csv");
        assert_eq!(Quality::read(&path, 9).unwrap(), Quality::default());
        let written = quality(&[9.0, 0.1, f64::INFINITY]);
        written.write(&path).unwrap();
        assert_eq!(Quality::read(&path, u64::MAX).unwrap(), written);
        assert_eq!(Quality::read(&path, 149).unwrap().rows, written.rows[..2]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("step,seconds,estimate,Fréchet distance,recall\n50,0.125,19,9,0.3333333333333333\n"),
            "{text}"
        );
    }

    #[test]
    fn files_that_are_something_else_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quality.csv");
        let problem = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let Err(Error::Damaged { problem, .. }) = Quality::read(&path, 9) else { panic!("{text:?}") };
            problem
        };
        assert_eq!(problem("a,b\n"), "its first line does not begin with step,seconds,estimate");
        assert_eq!(problem("step,seconds,estimate,recall\n1,2,3,4\n1,2,3\n"), "line 3 does not hold 4 numbers");
        assert_eq!(problem("step,seconds,estimate,recall\n1,2,3,x\n"), "line 2 does not hold 4 numbers");
    }

    #[test]
    fn real_samples_have_a_column_of_their_own() {
        assert!(quality(&[3.0]).real().is_none());
        let names = vec!["Fréchet distance".into(), REAL.into()];
        let named = |judgements| Quality { names: names.clone(), ..quality(judgements) };
        assert_eq!((named(&[3.0]).real(), named(&[]).real()), (Some(1.0 / 3.0), None));
    }

    #[test]
    fn the_best_is_the_first_of_the_least() {
        assert_eq!(quality(&[3.0, 1.0, f64::NAN, 1.0, 2.0]).best().map(|row| row.step), Some(100));
        assert!(quality(&[f64::NAN]).best().is_none() && Quality::default().best().is_none());
    }

    /// Of (0, 0), (1, 1), (2, 0) and (3, 1) the sums of squares are 5 and 1, that of products 1.
    #[test]
    fn correlation_is_that_of_pearson() {
        assert!((pearson(&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 1.0)]) - 1.0 / 5f64.sqrt()).abs() < 1e-12);
        assert!((quality(&[3.0, 7.0, 4.0]).correlation().unwrap() - 1.0).abs() < 1e-6);
        assert!(quality(&[3.0, 7.0]).correlation().is_none() && quality(&[3.0; 5]).correlation().is_none());
    }
}
