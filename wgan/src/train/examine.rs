//! A look at the samples of a generator in training: how good they are, and whether they are the best so far.

use std::fs;
use std::time::Instant;

use nn::files::write_whole;

use super::Training;
use crate::error::cannot_read;
use crate::eval::{self, Judge};
use crate::numbers::{duration, number};
use crate::output::say;
use crate::run::progress::Progress;
use crate::run::quality::{Quality, QualityRow, REAL};
use crate::run::warnings::Warning;
use crate::sample::Sampler;
use crate::{Error, Result};

impl Training<'_> {
    /// Measures the samples after a step, if that is due; in time that does not count as the training's. A training is not
    /// in vain because that fails.
    pub(super) fn examine(&mut self, step: u64, progress: &mut Progress) -> Result<()> {
        let Some(judge) = self.judge.take() else { return Ok(()) };
        let begun = Instant::now();
        self.save_generator(step)?;
        if let Err(error) = self.judge_samples(&judge, step, begun) {
            progress.warn(&Warning { step, text: format!("the samples cannot be measured: {error}") });
        }
        self.judge = Some(judge);
        self.started += begun.elapsed();
        progress.pause(begun.elapsed());
        Ok(())
    }

    fn judge_samples(&mut self, judge: &Judge, step: u64, begun: Instant) -> Result<()> {
        let sampler = Sampler::load(&self.folder.generator())?.on(&self.device);
        let evaluation = eval::judge_usual(self.folder, self.config, &sampler, judge)?;
        let measures = evaluation.measures();
        let real = (REAL.to_owned(), measures[0].values[1]);
        let generated = measures.into_iter().map(|measure| (measure.name, measure.values[0]));
        let (names, values): (Vec<_>, Vec<_>) = generated.chain([real]).unzip();
        if self.quality.rows.is_empty() {
            self.quality.names = names;
        } else if self.quality.names != names {
            let problem = "it holds other measures than this program takes; move it away";
            return Err(Error::damaged(&self.folder.quality(), problem));
        }
        let estimate = self.metrics.rows().last().map_or(f32::NAN, |row| row.smoothed);
        let row = QualityRow { step, seconds: begun.elapsed().as_secs_f64(), estimate, values };
        // The weights first: of a run that is killed in between, a resume comes to this step again.
        if self.quality.best().is_none_or(|best| row.judgement() < best.judgement()) {
            let path = self.folder.generator();
            write_whole(&self.folder.best(), &fs::read(&path).map_err(cannot_read(&path))?)?;
        }
        if let Some(events) = &mut self.events {
            events.push_quality(&self.quality.names, &row)?;
        }
        self.quality.rows.push(row);
        self.quality.write(&self.folder.quality())
    }

    /// Tells whether the estimate followed the samples, and which were the best.
    pub(super) fn tell_quality(&self) {
        let Quality { names, rows } = &self.quality;
        let (Some(best), true) = (self.quality.best(), self.judge.is_some()) else { return };
        let (times, seconds) = (rows.len(), rows.iter().map(|row| row.seconds).sum());
        let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        let estimate = match self.config.game.objective.estimates_a_distance() {
            true => "Wasserstein estimate",
            false => "gap between mean scores",
        };
        let correlation = self.quality.correlation().map_or_else(String::new, |correlation| {
            format!("; its correlation with the {estimate} is {correlation:.2}")
        });
        say(&format!(
            "quality: measured {times}, in {} beside the training; the least {} was {}, at step {}, whose weights are in \
             best.safetensors{correlation}",
            duration(seconds),
            names[0],
            number(best.judgement(), 4),
            best.step
        ));
    }
}
