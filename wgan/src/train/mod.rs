//! The training: iterations, and what a run leaves behind while it goes on.

mod examine;
mod post_mortem;
mod ranks;
mod samples;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autograd::{Communicator, Device, Tensor};
use nn::files::write_whole;
use rayon::ThreadPoolBuilder;

use crate::config::{Config, DatasetName, Options};
use crate::data::{Batches, Dataset, MOST_CLASSES, is_image};
use crate::error::cannot_use;
use crate::eval::{self, Judge};
use crate::game::{GENERATOR, Game, PendingLosses, Programs};
use crate::machine::ranks::on_this_machine;
use crate::machine::{interrupt, memory};
use crate::output::say;
use crate::pictures::{Pace, curves, moving};
use crate::report::page::{self, MOST_PICTURES};
use crate::report::tensorboard::Events;
use crate::run::metadata::{METADATA_KEY, Metadata, check_finite};
use crate::run::metrics::{Measurement, Metrics, Row};
use crate::run::monitor::{self, Monitor};
use crate::run::progress::Progress;
use crate::run::quality::Quality;
use crate::run::warnings::{Warning, Watch};
use crate::run::{RunFolder, State};
use crate::{Error, Result, output};
pub use ranks::follow;
use ranks::{Word, compare_data, share_weights, tell};
use samples::Samples;

/// How a training ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps were done.
    Finished,
    /// All steps had been done before, and all files are there.
    NothingMissing,
    /// A signal stopped it after this step; the checkpoint is written, unless not a single step was done.
    Interrupted {
        /// Updates of the generator done.
        step: u64,
    },
}

/// Where runs go that name no folder.
const RUNS: &str = "runs";

/// Trains from the start, and leaves the files of the run in the folder `out`, or in a numbered one; `force` overwrites the run
/// that is there. With `profile`, prints at the end how long each kind of kernel took. Of several ranks this is the first one's
/// part; the others [`follow`].
///
/// # Errors
/// If settings, data or folder cannot be used, a file cannot be written, or a loss or weight becomes infinite or NaN.
pub fn start(
    config: &Config,
    out: Option<&Path>,
    force: bool,
    profile: bool,
    ranks: &Arc<dyn Communicator>,
) -> Result<(RunFolder, Outcome)> {
    tell(&**ranks, &Word::Prepare(config.to_toml()))?;
    let (device, data) = prepare(config, &**ranks)?; // all that can be refused comes before there is a folder
    let folder = match out {
        Some(path) => {
            if !force && RunFolder::is_stillborn(path)? {
                say(&format!("the run in {} ended before its first checkpoint; it starts again", path.display()));
            }
            RunFolder::at(path, force)?
        }
        None => RunFolder::numbered(Path::new(RUNS), config)?,
    };
    folder.write_config(config)?;
    let outcome = Training::new(config, &data, &folder, (device, ranks), 0)?.run(profile)?;
    tell(&**ranks, &Word::End)?;
    Ok((folder, outcome))
}

/// Goes on with the run in the folder `path` from its checkpoint, with the settings in `changes` in place of its own. If all
/// steps are done, what follows them is made anew: so a run that was killed near its end is completed.
///
/// # Errors
/// As [`start`], and if the checkpoint cannot be used or more than the steps asked for are done.
pub fn resume(
    path: &Path,
    changes: &Options,
    profile: bool,
    ranks: &Arc<dyn Communicator>,
) -> Result<(RunFolder, Outcome)> {
    let folder = RunFolder::open(path)?.claimed()?;
    let checkpoint = Metadata::read(&folder.checkpoint())?;
    let config = folder.read_config()?.resumed(changes)?;
    if let Some(difference) = checkpoint.difference(&config) {
        let problem = format!("it was trained with {difference} as the run's config.toml says");
        return Err(Error::damaged(&folder.checkpoint(), problem));
    }
    let done = checkpoint.step;
    if config.steps < done {
        let reason = format!("the run has done {done} steps already; ask for more in all");
        return Err(Error::impossible("steps", config.steps, &reason));
    }
    if config.steps == done && is_complete(&folder, &config) {
        tell(&**ranks, &Word::End)?;
        return Ok((folder, Outcome::NothingMissing));
    }
    tell(&**ranks, &Word::Prepare(config.to_toml()))?;
    let (device, data) = prepare(&config, &**ranks)?;
    if let Some(difference) = checkpoint.difference_of_classes(data.classes()) {
        return Err(cannot_use(data.name())(format!("{difference}; put its data back as they were")));
    }
    let training = Training::new(&config, &data, &folder, (device, ranks), done)?;
    folder.write_config(&config)?;
    let outcome = training.run(profile)?;
    tell(&**ranks, &Word::End)?;
    Ok((folder, outcome))
}

/// Whether nothing is missing of what a run leaves that has done all of its steps, as of one that was killed between its last
/// checkpoint and its end.
fn is_complete(folder: &RunFolder, config: &Config) -> bool {
    let mut files = vec![folder.report(), folder.curves(), folder.moving_picture()];
    files.push(folder.sample(config.steps));
    files.extend(is_image(&config.sample).then(|| folder.neighbours()));
    // Runs of earlier versions do not say where they stand.
    State::read(folder).is_none_or(|state| state == State::Finished)
        && files.iter().all(|file| file.is_file())
        && Metadata::read(&folder.generator()).is_ok_and(|generator| generator.step == config.steps)
        && eval::is_measured(folder, config.steps)
}

/// What a rank of a training needs before there is anything to write: its device, which a run opens once, since two would not
/// share Variables' memory, and its data.
///
/// # Errors
/// [`Error::Memory`] if the training would not fit, or if the device or the data cannot be used.
fn prepare(config: &Config, ranks: &dyn Communicator) -> Result<(Device, Dataset)> {
    let batch = config.game.part(ranks.rank())?.len();
    let most_classes = if config.conditional { MOST_CLASSES } else { 0 };
    let part = Game { batch, ..config.game };
    let needed = part.memory(&config.sample, most_classes);
    let needed = needed * on_this_machine(ranks.rank().count) as u64;
    memory::check(needed, "this training", "make --dim, --size or --batch smaller")?;
    if let Some(threads) = config.threads {
        // What the host computes itself, such as the pixels of images, takes no more. Refused if it has begun already.
        let _ = ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    let device = config.backend.device(config.threads)?;
    let data = config.load_data()?;
    compare_data(ranks, &data)?;
    data.say_what_was_read(&config.data);
    if config.game.flip && config.names.dataset == DatasetName::Mnist {
        say("warning: mirrored, most digits are none; --flip is for pictures that could as well be seen in a mirror");
    }
    Ok((device, data))
}

/// The device for the programs that all ranks run together. What one rank computes by itself, on the same memory, is for the
/// device as it is.
fn device_among(device: &Device, ranks: &Arc<dyn Communicator>) -> Device {
    device.among(ranks.clone())
}

/// Sets the networks and their optimisers back to what a checkpoint holds.
fn load(programs: &Programs, checkpoint: &Path) -> Result<()> {
    programs.checkpoint().load(checkpoint)?;
    check_finite(checkpoint, &programs.checkpoint())
}

/// A run in progress.
struct Training<'a> {
    config: &'a Config,
    data: &'a Dataset,
    folder: &'a RunFolder,
    device: Device,
    ranks: &'a Arc<dyn Communicator>,
    programs: Programs,
    batches: Batches,
    /// None without held-out samples.
    monitor: Option<Monitor>,
    metrics: Metrics,
    /// What measures the samples on the way, if that is asked for, and what it found.
    judge: Option<Judge>,
    quality: Quality,
    /// If TensorBoard's file is asked for.
    events: Option<Events>,
    watch: Watch,
    samples: Samples,
    /// The steps that were done before this process took the run over, 0 for a fresh start.
    done: u64,
    /// Seconds spent before this process took the run over.
    seconds_before: f64,
    started: Instant,
    /// The state before the step that is under way, where steps take so long that one may be left undone.
    before_step: Option<Vec<Tensor>>,
}

/// Steps that take longer may be left undone.
const SLOW: Duration = Duration::from_secs(1);

impl<'a> Training<'a> {
    /// A training that goes on after `done` steps, whose files are in `folder`; 0 for one that starts.
    fn new(
        config: &'a Config,
        data: &'a Dataset,
        folder: &'a RunFolder,
        (device, ranks): (Device, &'a Arc<dyn Communicator>),
        done: u64,
    ) -> Result<Self> {
        let programs = Programs::compile(&config.game, data, &device_among(&device, ranks))?;
        let metrics = if done == 0 {
            Metrics::create(&folder.metrics())?
        } else {
            load(&programs, &folder.checkpoint())?;
            folder.remove_samples_after(done)?;
            Metrics::resume(&folder.metrics(), done)?
        };
        share_weights(&**ranks, &programs)?;
        let quality = Quality::read(&folder.quality(), done)?;
        if !quality.rows.is_empty() {
            quality.write(&folder.quality())?; // without those after the checkpoint
        }
        Ok(Training {
            judge: config.eval_every.map(|_| eval::usual_judge(config, data, &device)).transpose()?,
            quality,
            monitor: Monitor::compile(&config.game, data, &programs, &device)?,
            watch: Watch::new(&config.game, metrics.rows()),
            samples: Samples::new(config, data, &programs, &device)?,
            batches: Batches::new(data.len(), config.game.batch, config.game.seed),
            events: config.tensorboard.then(|| Events::resume(&folder.events(), done)).transpose()?,
            seconds_before: metrics.rows().last().map_or(0.0, |row| row.seconds),
            started: Instant::now(),
            before_step: None,
            done,
            config,
            data,
            folder,
            device,
            ranks,
            programs,
            metrics,
        })
    }

    /// Runs the steps up to the last.
    fn run(mut self, profile: bool) -> Result<Outcome> {
        if profile {
            self.programs.start_profile();
        }
        let mut progress = Progress::new(self.done, self.config.steps);
        let outcome = self.run_steps(&mut progress).and_then(|outcome| {
            if outcome == Outcome::Finished {
                self.report(State::Finished)?; // should the measuring be cut short
                interrupt::leave_steps();
                self.evaluate(&progress);
                interrupt::enter_step(self.config.steps);
            }
            Ok(outcome)
        });
        progress.finish();
        self.tell_quality();
        let outcome = self.conclude(outcome)?;
        if profile {
            output::print(&self.programs.profile()?.to_string())?;
        }
        Ok(outcome)
    }

    /// Looks at the samples of a finished run. A run is not in vain because that fails.
    fn evaluate(&self, progress: &Progress) {
        if let Err(error) = eval::evaluate_finished(self.folder, self.config, self.data, &self.device) {
            let text = format!("the samples cannot be measured: {error}");
            progress.warn(&Warning { step: self.config.steps, text });
        }
    }

    /// Leaves the last word of a run, whichever way it ended.
    fn conclude(&self, outcome: Result<Outcome>) -> Result<Outcome> {
        let state = match &outcome {
            Ok(Outcome::Finished | Outcome::NothingMissing) => State::Finished,
            Ok(Outcome::Interrupted { .. }) => State::Stopped,
            Err(error) => State::Failed(error.to_string()),
        };
        let told = self.report(state).and_then(|()| self.write_moving_picture());
        let is_told = told.is_ok();
        let ended = outcome.and_then(|outcome| told.map(|()| outcome)); // the first error is the cause
        if let (Err(error), false) = (&ended, is_told) {
            // If the state cannot be written any more than the page, the error at hand is enough.
            let _ = State::Failed(error.to_string()).write(self.folder);
        }
        ended
    }

    fn run_steps(&mut self, progress: &mut Progress) -> Result<Outcome> {
        let done = self.done;
        self.report(State::Training)?;
        if done == self.config.steps {
            self.draw_files(done)?;
            self.save(done)?;
        }
        // Until one step is timed, steps count as slow: their start is kept, so that they can be undone.
        let (mut unrecorded, mut slow) = (None, true);
        for step in done + 1..=self.config.steps {
            interrupt::enter_step(step);
            let begun = Instant::now();
            self.before_step = if slow { Some(self.programs.checkpoint().values()?) } else { None };
            tell(&**self.ranks, &Word::Iterate { iteration: step - 1, may_be_left: slow })?;
            let mut go_on = |updates| {
                progress.within(step, updates);
                if !slow {
                    return true;
                }
                let goes_on = !interrupt::insisted();
                tell(&**self.ranks, if goes_on { &Word::GoOn } else { &Word::Leave }).is_ok() && goes_on
            };
            let started = self.programs.start(step - 1, &mut self.batches, &mut go_on)?;
            // A device that works beside the host has begun this step when the one before is written down.
            if let Some((before, losses)) = unrecorded.take() {
                self.record(before, losses, progress)?;
            }
            let Some(losses) = started else { return self.leave_undone(step) };
            let (last, interrupted) = (step == self.config.steps, interrupt::requested());
            let due = |every| last || interrupted || step.is_multiple_of(every);
            let (draw, save) = (due(self.config.sample_every), due(self.config.checkpoint_every));
            let examine = self.config.eval_every.is_some_and(|every| last || step.is_multiple_of(every));
            if !(draw || save || examine || self.is_measuring_step(step)) {
                unrecorded = Some((step, losses));
                slow = begun.elapsed() > SLOW;
                continue;
            }
            self.record(step, losses, progress)?;
            slow = begun.elapsed() > SLOW;
            // The last update of all can spoil weights without a loss to tell; such a checkpoint would be of no use.
            if (draw || save || examine) && !self.programs.are_finite()? {
                return Err(self.explain_non_finite(step, progress)?);
            }
            if examine {
                self.examine(step, progress)?;
            }
            if draw {
                self.draw(step)?;
            }
            if save || examine {
                self.save(step)?;
            }
            if interrupted && !last {
                return Ok(Outcome::Interrupted { step });
            }
        }
        Ok(Outcome::Finished)
    }

    /// Goes back to the state before a step that is left in its middle, and saves that.
    fn leave_undone(&mut self, step: u64) -> Result<Outcome> {
        let done = step - 1;
        if let Some(values) = self.before_step.take().filter(|_| done > 0) {
            self.programs.checkpoint().put_back(&values)?;
            self.draw(done)?;
            self.save(done)?;
        }
        Ok(Outcome::Interrupted { step: done })
    }

    /// Writes the numbers of a step down, and tells them.
    fn record(&mut self, step: u64, losses: PendingLosses, progress: &mut Progress) -> Result<()> {
        let losses = losses.wait()?;
        if !losses.are_finite() {
            return Err(self.explain_non_finite(step, progress)?);
        }
        let row = Row {
            step,
            measured: self.measure(step)?.map(Box::new),
            seconds: self.seconds_before + self.started.elapsed().as_secs_f64(),
            losses,
            smoothed: self.metrics.smoothed(losses.critic.wasserstein),
        };
        progress.update(&row);
        if let Some(events) = &mut self.events {
            events.push_row(&row)?;
        }
        self.metrics.push(row)?;
        for warning in self.watch.see(self.metrics.rows()) {
            progress.warn(warning);
        }
        Ok(())
    }

    /// Whether a step is one after which the held-out samples are measured.
    fn is_measuring_step(&self, step: u64) -> bool {
        self.monitor.is_some() && step.is_multiple_of(monitor::EVERY)
    }

    fn measure(&mut self, step: u64) -> Result<Option<Measurement>> {
        let is_due = self.is_measuring_step(step);
        self.monitor.as_mut().filter(|_| is_due).map(|monitor| monitor.measure(step)).transpose()
    }

    /// Draws the samples after a step, and the curves up to it.
    fn draw(&mut self, step: u64) -> Result<()> {
        let samples = self.draw_files(step)?;
        if let Some(events) = &mut self.events {
            events.push_samples(step, &samples)?;
        }
        self.report(State::Training)
    }

    /// Writes the pictures of a step; the bytes of the samples' PNG.
    fn draw_files(&mut self, step: u64) -> Result<Vec<u8>> {
        let samples = self.samples.draw(self.data)?.encode();
        write_whole(&self.folder.sample(step), &samples)?;
        write_whole(
            &self.folder.curves(),
            &curves(self.config, self.metrics.rows(), &self.quality).picture().encode(),
        )?;
        Ok(samples)
    }

    /// Writes the page as it is now, and then where the run stands: a run that is finished has its last page.
    fn report(&self, state: State) -> Result<()> {
        let (rows, warnings) = (self.metrics.rows(), self.watch.warnings());
        page::write(self.folder, self.config, self.data, rows, warnings, &state)?;
        state.write(self.folder)
    }

    /// Makes a moving picture of those of the samples.
    fn write_moving_picture(&self) -> Result<()> {
        let pngs: Vec<Vec<u8>> = self.folder.pictures(MOST_PICTURES)?.into_iter().map(|(_, png)| png).collect();
        moving(&pngs, Pace::PROGRESS).map_or(Ok(()), |moving| Ok(write_whole(&self.folder.moving_picture(), &moving)?))
    }

    fn save(&self, step: u64) -> Result<()> {
        self.save_generator(step)?;
        self.metrics.sync()?;
        let metadata = Metadata::new(step, self.config, self.data.classes()).to_json();
        Ok(self.programs.checkpoint().save(&self.folder.checkpoint(), Some((METADATA_KEY, metadata.as_str())))?)
    }

    fn save_generator(&self, step: u64) -> Result<()> {
        let metadata = Metadata::new(step, self.config, self.data.classes()).to_json();
        let generator = nn::Checkpoint::new().with(GENERATOR, self.programs.generator().state());
        Ok(generator.save(&self.folder.generator(), Some((METADATA_KEY, metadata.as_str())))?)
    }
}
