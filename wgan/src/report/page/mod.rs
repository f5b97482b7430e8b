//! The page of a run: `report.html`, one file that holds everything it shows and asks no network for anything. It follows
//! the run while it goes on, and stays when it has ended.

mod charts;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nn::files::write_whole;

use crate::Result;
use crate::config::{Config, Names, quoted};
use crate::data::classes::listed;
use crate::data::{Dataset, is_image};
use crate::eval::Evaluation;
use crate::figure::{data_uri, escape};
use crate::game::objective::Loss;
use crate::numbers::{duration, number};
use crate::run::metrics::{self, Measurement, Row};
use crate::run::quality::Quality;
use crate::run::warnings::{Warning, Watch};
use crate::run::{RunFolder, State};

/// Pictures of samples on a page, which keeps it at a few megabytes.
pub const MOST_PICTURES: usize = 40;

/// Everything that the page of a run tells.
struct Report<'a> {
    /// What was asked for.
    config: &'a Config,
    /// What it learns from.
    data: &'a Dataset,
    /// The folder of its files.
    folder: &'a Path,
    /// Its numbers so far.
    rows: &'a [Row],
    /// What it was warned of.
    warnings: &'a [Warning],
    /// Its samples over time: PNG files, each with its step.
    pictures: Vec<(u64, Vec<u8>)>,
    /// How good its samples are, if they were measured.
    evaluation: Option<Evaluation>,
    /// How good they were on the way, if they were measured.
    quality: Quality,
    /// The PNG file of samples beside their neighbours, if there is one.
    neighbours: Option<Vec<u8>>,
    /// Whether it goes on.
    state: State,
}

/// Writes the page of the run in `folder`: these numbers, and what lies there beside them.
///
/// # Errors
/// If a picture of samples cannot be read, or the page not be written.
pub fn write(
    folder: &RunFolder,
    config: &Config,
    data: &Dataset,
    rows: &[Row],
    warnings: &[Warning],
    state: &State,
) -> Result<()> {
    let report = Report {
        config,
        data,
        folder: folder.path(),
        rows,
        warnings,
        pictures: folder.pictures(MOST_PICTURES)?,
        evaluation: Evaluation::read(&folder.evaluation()).ok(),
        quality: Quality::read(&folder.quality(), u64::MAX).unwrap_or_default(),
        neighbours: fs::read(folder.neighbours()).ok(),
        state: state.clone(),
    };
    Ok(write_whole(&folder.report(), report.page().as_bytes())?)
}

/// Writes the page of a run once more, after an evaluation. That of a run which goes on is left alone: it follows by itself.
///
/// # Errors
/// As [`write()`], and if the run's other files cannot be read.
pub fn renew(folder: &RunFolder, data: &Dataset) -> Result<()> {
    let (config, rows) = (folder.read_config()?, metrics::read(&folder.metrics())?);
    let state = match State::read(folder) {
        Some(ended @ (State::Finished | State::Stopped | State::Failed(_))) => ended,
        Some(State::Training) | None if rows.last().is_some_and(|row| row.step == config.steps) => State::Finished,
        Some(State::Training) => return Ok(()),
        None => State::Stopped, // of an earlier version, which did not say
    };
    write(folder, &config, data, &rows, Watch::new(&config.game, &rows).warnings(), &state)
}

impl Report<'_> {
    /// The whole page.
    fn page(&self) -> String {
        let (state, badge) = match self.state {
            State::Training => ("training", "in training"),
            State::Finished => ("finished", "finished"),
            State::Stopped => ("stopped", "stopped"),
            State::Failed(_) => ("failed", "failed"),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!(
            include_str!("../../../assets/report.html"),
            name = escape(&self.name()),
            state = state,
            written = now.as_millis(),
            patience = self.patience().as_millis(),
            style = include_str!("../../../assets/report.css"),
            subject = escape(&self.subject()),
            badge = badge,
            status = escape(&self.status()),
            progress = self.progress(),
            warnings = self.warnings(),
            numbers = self.numbers(),
            measures = self.measures(),
            samples = self.samples(),
            curves = charts::curves(self.config, self.rows, &self.quality, self.unmeasured()),
            slopes = charts::slopes(self.config, self.rows, self.unmeasured()),
            neighbours = self.neighbours(),
            settings = self.settings(),
            commands = self.commands(),
            script = include_str!("../../../assets/report.js"),
        )
    }

    fn name(&self) -> String {
        let absolute = std::path::absolute(self.folder).unwrap_or_default();
        absolute.file_name().unwrap_or(self.folder.as_os_str()).display().to_string()
    }

    fn subject(&self) -> String {
        let Names { dataset, arch, objective, lipschitz } = self.config.names;
        let game = match self.config.game.objective.loss {
            Loss::Wasserstein(_) => "Wasserstein GAN".to_owned(),
            Loss::Standard | Loss::NonSaturating => format!("GAN ({objective})"),
        };
        format!("{game} · data {dataset} · networks {arch} · constraint {lipschitz}")
    }

    fn status(&self) -> String {
        let (done, steps, seconds) = (self.done(), self.config.steps, self.seconds());
        let pace = format!("{}, {} steps a second", duration(seconds), short(done as f64 / seconds.max(1e-9)));
        match &self.state {
            State::Training => format!("step {done} of {steps}, {pace}"),
            State::Finished => format!("{done} {} in {pace}", if done == 1 { "step" } else { "steps" }),
            State::Stopped => format!("after step {done} of {steps}, {pace}"),
            State::Failed(error) => format!("after step {done} of {steps}: {error}"),
        }
    }

    /// How long the page may wait for news before it takes the run for dead: several times as long as the run takes from
    /// one picture to the next.
    fn patience(&self) -> Duration {
        let between = self.seconds() / self.done().max(1) as f64 * self.config.sample_every as f64;
        Duration::from_secs(120).max(Duration::try_from_secs_f64(4.0 * between).unwrap_or(Duration::MAX))
    }

    fn progress(&self) -> String {
        match self.state {
            State::Training => {
                format!("<progress value=\"{}\" max=\"{}\"></progress>", self.done(), self.config.steps)
            }
            State::Finished | State::Stopped | State::Failed(_) => String::new(),
        }
    }

    fn warnings(&self) -> String {
        let data_warnings = self.data.warnings().into_iter().map(|text| ("Data:".to_owned(), text));
        let step_warnings =
            self.warnings.iter().map(|Warning { step, text }| (format!("From step {step}:"), text.clone()));
        let item = |(when, text): (String, String)| format!("<li><b>{when}</b> {}</li>\n", escape(&text));
        match data_warnings.chain(step_warnings).map(item).collect::<String>() {
            none if none.is_empty() => none,
            items => format!("<ul class=\"warnings\">\n{items}</ul>"),
        }
    }

    fn numbers(&self) -> String {
        let measured = self.rows.iter().rev().find_map(|row| row.measured.as_deref());
        let measured_number = |value: fn(&Measurement) -> f64| measured.map_or(f64::NAN, value);
        let estimate = self.rows.last().map_or(f64::NAN, |row| row.smoothed.into());
        let spread = measured.map_or_else(String::new, |measured| {
            let [low, high] = [0.05, 0.95].map(|share| short(measured.slopes.quantile(share)));
            format!(", nine tenths from {low} to {high}")
        });
        let name = if self.config.game.objective.estimates_a_distance() {
            "Wasserstein estimate"
        } else {
            "gap between mean scores"
        };
        let tiles = [
            (short(estimate), format!("{name}, averaged")),
            (short(measured_number(|measured| measured.held_out.into())), "on held-out samples".to_owned()),
            (short(measured_number(|measured| measured.slopes.quantile(0.5))), format!("slope of the critic{spread}")),
            (
                short(measured_number(|measured| measured.generator_gradient.into())),
                "norm of the generator’s gradient".to_owned(),
            ),
        ];
        tiles.iter().map(|(number, name)| format!("<div><b>{number}</b><span>{name}</span></div>\n")).collect()
    }

    /// The pictures of samples over time, of which the latest shows until the page's script lets one choose.
    fn samples(&self) -> String {
        let Some((latest, _)) = self.pictures.last() else { return "<p>Not drawn yet.</p>".to_owned() };
        let picture = |(step, png): &(u64, Vec<u8>)| {
            let (address, hidden) = (data_uri(png), if step == latest { "" } else { " hidden" });
            format!(
                "<img src=\"{address}\" alt=\"Samples after {step} updates of the generator\" data-step=\"{step}\"{hidden}>\n"
            )
        };
        let classes = listed(self.data.classes());
        let note = format!("<p class=\"note\">A row for each class: {}.</p>\n", escape(&classes));
        self.pictures.iter().map(picture).chain(self.has_rows().then_some(note)).collect()
    }

    /// Whether pictures have a row for each class.
    fn has_rows(&self) -> bool {
        self.config.conditional && is_image(self.data.shape())
    }

    /// What stands where there is nothing to draw.
    fn unmeasured(&self) -> &'static str {
        match self.state {
            State::Training => "<p class=\"note\">Not measured yet.</p>",
            State::Finished | State::Stopped | State::Failed(_) => {
                "<p class=\"note\">Not measured: that needs 50 steps, and 20 samples of which one is held out.</p>"
            }
        }
    }

    fn measures(&self) -> String {
        let Some(evaluation) = &self.evaluation else { return String::new() };
        let (step, note) = (evaluation.step, escape(&evaluation.note()));
        let rows = evaluation.rows();
        let rows = table(rows.iter().map(|(name, [generated, real])| [name.as_str(), generated, real]));
        format!(
            "<section aria-labelledby=\"measures-title\">\n<h2 id=\"measures-title\">Measures, after step {step}</h2>\n\
             <table class=\"measures\">\n<tr><th></th><th>generated</th><th>real</th></tr>\n{rows}</table>\n\
             <p class=\"note\">{note}</p>\n</section>"
        )
    }

    fn neighbours(&self) -> String {
        let Some(png) = &self.neighbours else { return String::new() };
        format!(
            "<section class=\"wide\" aria-labelledby=\"neighbours-title\">\n\
             <h2 id=\"neighbours-title\">Nearest neighbours</h2>\n\
             <div class=\"sheet\"><img src=\"{}\" alt=\"Samples and the training images nearest to them\"></div>\n\
             <p class=\"note\">Samples, framed, each with the three training images nearest to it on its right. A generator \
             that has learned by heart would show the same image twice.</p>\n</section>",
            data_uri(png)
        )
    }

    fn settings(&self) -> String {
        let toml = self.config.to_toml();
        let settings = toml.lines().filter_map(|line| line.split_once(" = "));
        let (samples, description) = ("samples", self.data.description());
        let settings = settings.map(|(name, value)| [name, value.trim_matches('"')]);
        table([[samples, &*description]].into_iter().chain(settings))
    }

    fn commands(&self) -> String {
        let folder = quoted(&self.folder.display().to_string());
        let config = quoted(&self.folder.join("config.toml").display().to_string());
        let further = match self.state {
            State::Finished => format!("wgan train --resume {folder} --steps {}", 2 * self.config.steps),
            State::Training | State::Stopped | State::Failed(_) => format!("wgan train --resume {folder}"),
        };
        let which = if self.has_rows() { "--grid classes" } else { "--count 100" };
        let commands = [
            ("The same run:", self.config.command_line()),
            ("The same, from its settings:", format!("wgan train --config {config}")),
            ("Further:", further),
            ("Samples:", format!("wgan sample --run {folder} {which} --out samples.png")),
        ];
        // A line that is too long is broken before a flag, not within one.
        let command = |line: &str| escape(line).replace(" --", "</span> <span>--");
        let lines = commands.iter().map(|(purpose, line)| (purpose, command(line)));
        lines.map(|(purpose, line)| format!("<p>{purpose}</p>\n<pre><span>{line}</span></pre>\n")).collect()
    }

    fn done(&self) -> u64 {
        self.rows.last().map_or(0, |row| row.step)
    }

    fn seconds(&self) -> f64 {
        self.rows.last().map_or(0.0, |row| row.seconds)
    }
}

/// A number with three digits, if there is one.
fn short(x: f64) -> String {
    if x.is_finite() { number(x, 3) } else { "–".to_owned() }
}

/// The rows of a table, each with its name in front.
fn table<'a, const N: usize>(rows: impl Iterator<Item = [&'a str; N]>) -> String {
    let cell = |(i, text): (usize, &str)| {
        let kind = if i == 0 { "th" } else { "td" };
        format!("<{kind}>{}</{kind}>", escape(text))
    };
    rows.map(|row| format!("<tr>{}</tr>\n", row.into_iter().enumerate().map(cell).collect::<String>())).collect()
}

#[cfg(test)]
mod tests;
