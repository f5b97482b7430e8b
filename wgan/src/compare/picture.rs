//! The picture of runs side by side: their samples, and how these became what they are.

use std::fs;

use super::{Compared, Group, Run};
use crate::error::cannot_read;
use crate::figure::{BLUE, Figure, GREEN, INK, ORANGE, PURPLE, Panel, Picture, SKY, VERMILION, axis};
use crate::machine::memory;
use crate::run::quality::QualityRow;
use crate::{Error, Result};

/// Pixels along a side of the samples of a run, and of all that stands above them.
const SIDE: usize = 300;
const HEAD: usize = 71;
/// Pixels between the samples of two runs.
const BETWEEN: usize = 18;
/// What is readable beside a long name.
const NARROWEST: usize = 800;

impl Compared {
    /// A row of samples for each group, and, where runs measured their quality on the way, its curves over the steps and over
    /// time.
    ///
    /// # Errors
    /// If a run has no picture of its samples, or for [`Error::Memory`].
    pub fn figure(&self) -> Result<Figure> {
        let most = self.groups.iter().map(|group| group.runs.len()).max().unwrap_or(1);
        let (width, height) = (NARROWEST.max(most * (SIDE + BETWEEN)), SIDE + HEAD);
        let bytes = 8 * (width * height * (self.groups.len() + 2)) as u64;
        memory::check(bytes, "the picture of these runs", "compare fewer of them")?;
        let sheets = self.groups.iter().map(|group| {
            let images = group.runs.iter().map(|run| Ok((run.name(), run.samples()?)));
            let quality = group.measured(0).text(|x| self.measures()[0].text(x));
            let panel = Panel::images(self.name(group), images.collect::<Result<Vec<_>>>()?);
            Ok(panel.note(format!("– {}: {quality}", self.measures()[0].name)))
        });
        let mut panels = sheets.collect::<Result<Vec<_>>>()?;
        if self.runs().any(|run| run.quality.names.contains(&self.measures()[0].name)) {
            panels.push(self.curves("Quality over the steps", "updates of the generator", |row, _| row.step as f64));
            panels.push(self.curves("Quality over time", "seconds of training", |_, seconds| seconds));
        }
        Ok(Figure::new(1, panels).width(width).panel_height(height))
    }

    /// A line for each run that was measured on the way, in the colour of its group.
    fn curves(&self, title: &str, x: &str, place: impl Fn(&QualityRow, f64) -> f64) -> Panel {
        let name = &self.measures()[0].name;
        let mut panel = Panel::new(title, x, axis(name).log());
        for (group, colour) in self.groups.iter().zip([BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY].into_iter().cycle())
        {
            let column = |run: &Run| run.quality.names.iter().position(|other| other == name);
            let measured = group.runs.iter().filter_map(|run| Some((run, column(run)?)));
            for (i, (run, column)) in measured.enumerate() {
                let rows = run.quality.rows.iter().zip(&run.times);
                let points = rows.map(|(row, &seconds)| (place(row, seconds), row.values[column]));
                panel = panel.line(if i == 0 { self.name(group) } else { "" }, colour, points);
            }
        }
        panel.level("real samples", INK, self.real(0).mean)
    }

    fn name<'a>(&'a self, group: &'a Group) -> &'a str {
        if group.flags.is_empty() { &self.command } else { &group.flags }
    }
}

impl Run {
    /// The name of its folder.
    fn name(&self) -> String {
        let path = self.folder.path();
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The picture of its latest samples.
    fn samples(&self) -> Result<Picture> {
        let problem = "it has no picture of its samples; leave out --out".to_owned();
        let missing = || Error::Incomparable { run: self.folder.path().to_owned(), problem };
        let path = self.folder.latest_picture()?.ok_or_else(missing)?;
        let png = fs::read(&path).map_err(cannot_read(&path))?;
        Picture::decode(&png).ok_or_else(|| Error::damaged(&path, "it is no picture of samples that wgan drew"))
    }
}
