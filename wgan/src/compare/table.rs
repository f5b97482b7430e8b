//! The table of runs side by side, in Markdown.

use std::fmt;

use super::{Compared, Group};
use crate::compare::spread::Spread;

/// A row for each group, the best first, and one of real samples.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut head = ["", "seeds", "steps", "seconds"].map(str::to_owned).to_vec();
        head.extend(self.measures().iter().map(|measure| measure.name.clone()));
        let groups = self.groups.iter().map(|group| {
            let Group { flags, runs } = group;
            let flags = if flags.is_empty() { "generated samples" } else { flags };
            let seconds = Spread::of(runs.iter().map(|run| run.seconds)).text(|x| format!("{x:.1}"));
            let cells = vec![flags.to_owned(), runs.len().to_string(), runs[0].evaluation.step.to_string(), seconds];
            [cells, self.texts(|measure| group.measured(measure))].concat()
        });
        let mut real = ["real samples", "", "", ""].map(str::to_owned).to_vec();
        real.extend(self.texts(|measure| Spread { deviation: None, ..self.real(measure) }));
        let rows: Vec<Vec<String>> = [head].into_iter().chain(groups).chain([real]).collect();

        let [generated, _] = self.groups[0].runs[0].evaluation.samples();
        writeln!(f, "{}    ({generated} samples of each run)\n", self.command)?;
        let widths: Vec<usize> =
            (0..rows[0].len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
        for (number, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate();
            let line: String = cells
                .map(
                    |(i, (cell, &width))| {
                        if i == 0 { format!("| {cell:width$} |") } else { format!(" {cell:>width$} |") }
                    },
                )
                .collect();
            writeln!(f, "{line}")?;
            if number == 0 {
                let rule = |(i, width): (usize, &usize)| match i {
                    0 => format!("|:{}-|", "-".repeat(*width)),
                    _ => format!("-{}:|", "-".repeat(*width)),
                };
                writeln!(f, "{}", widths.iter().enumerate().map(rule).collect::<String>())?;
            }
        }
        write!(f, "\nThe best first, by the {}.", self.measures()[0].name)?;
        if self.groups.iter().any(|group| group.runs.len() > 1) {
            write!(f, " What follows ± is the standard deviation from seed to seed (n − 1).")?;
        }
        Ok(())
    }
}

impl Compared {
    /// The cells of all measures.
    fn texts(&self, spread: impl Fn(usize) -> Spread) -> Vec<String> {
        self.measures().iter().enumerate().map(|(i, measure)| spread(i).text(|x| measure.text(x))).collect()
    }
}
