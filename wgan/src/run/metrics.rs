//! The numbers of a run, a row per update of the generator: `metrics.csv`.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::histogram::Histogram;
use crate::error::{cannot_read, cannot_write};
use crate::game::Losses;
use crate::game::objective::CriticTerms;
use crate::{Error, Result};
use nn::files::write_whole;

/// The first line of the file.
const HEADER: &str = "step,seconds,critic_loss,wasserstein,penalty,slope,generator_loss,smoothed,held_out,\
                      critic_gradient,generator_gradient,at_bound,slopes";

/// Estimates of the distance that are averaged to the smoothed one.
pub const WINDOW: usize = 50;

/// What is known after an update of the generator. Losses are those of the last batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Updates of the generator so far.
    pub step: u64,
    /// Time spent so far, that of earlier parts of a resumed run included.
    pub seconds: f64,
    /// The losses of both networks.
    pub losses: Losses,
    /// The moving average of the estimates of the distance; see [`Metrics::smoothed`].
    pub smoothed: f32,
    /// What is measured at some steps only.
    pub measured: Option<Box<Measurement>>,
}

/// What is measured on held-out samples, after the step's updates; see [`Monitor`](crate::run::monitor::Monitor).
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The estimate of the distance on real samples that no training sees.
    pub held_out: f32,
    /// Euclidean norm of the gradient of the critic's loss with respect to all its weights.
    pub critic_gradient: f32,
    /// The same of the generator.
    pub generator_gradient: f32,
    /// The share of the critic's weights that lie on the bound they are clipped to; None where nothing is clipped.
    pub at_bound: Option<f32>,
    /// Norms of the critic's gradient at points between real and generated samples.
    pub slopes: Histogram,
}

/// The shortest digits that read back to the same bits; the cells of what was not measured are empty.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { step, seconds, losses, smoothed, measured } = self;
        let Losses { critic: CriticTerms { loss, wasserstein, penalty, slope }, generator } = losses;
        write!(f, "{step},{seconds:.3},{loss},{wasserstein},{penalty},{slope},{generator},{smoothed},")?;
        match measured {
            Some(measured) => write!(f, "{measured}"),
            None => f.write_str(",,,,"),
        }
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measurement { held_out, critic_gradient, generator_gradient, at_bound, slopes } = self;
        let at_bound = at_bound.map_or(String::new(), |share| share.to_string());
        write!(f, "{held_out},{critic_gradient},{generator_gradient},{at_bound},{slopes}")
    }
}

impl FromStr for Row {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let cells: Vec<&str> = line.split(',').collect();
        let [step, seconds, loss, wasserstein, penalty, slope, generator, smoothed, measured @ ..] = &cells[..] else {
            return Err(());
        };
        Ok(Row {
            step: parse(step)?,
            seconds: parse(seconds)?,
            losses: Losses {
                critic: CriticTerms {
                    loss: parse(loss)?,
                    wasserstein: parse(wasserstein)?,
                    penalty: parse(penalty)?,
                    slope: parse(slope)?,
                },
                generator: parse(generator)?,
            },
            smoothed: parse(smoothed)?,
            measured: match measured {
                ["", "", "", "", ""] => None,
                measured => Some(Box::new(Measurement::from_cells(measured)?)),
            },
        })
    }
}

impl Measurement {
    fn from_cells(cells: &[&str]) -> Result<Self, ()> {
        let [held_out, critic_gradient, generator_gradient, at_bound, slopes] = cells[..] else { return Err(()) };
        Ok(Measurement {
            held_out: parse(held_out)?,
            critic_gradient: parse(critic_gradient)?,
            generator_gradient: parse(generator_gradient)?,
            at_bound: if at_bound.is_empty() { None } else { Some(parse(at_bound)?) },
            slopes: parse(slopes)?,
        })
    }
}

fn parse<T: FromStr>(cell: &str) -> Result<T, ()> {
    cell.parse().map_err(|_| ())
}

/// Rows that are kept in memory, at most: more than a picture is wide, and a few megabytes.
const MOST_ROWS: usize = 1 << 16;

/// The rows of a run that a picture needs, however long it goes on: all of them at first, later the first, every second,
/// fourth, eighth … and the last [`WINDOW`]. Which these are follows from their number alone, so a resumed run has the same.
#[derive(Debug)]
struct Thinned {
    rows: Vec<Row>,
    /// Of the rows before the last [`WINDOW`] those are there whose step is a multiple of this, and the first.
    stride: u64,
}

impl Default for Thinned {
    fn default() -> Self {
        Thinned { rows: Vec::new(), stride: 1 }
    }
}

impl Thinned {
    fn push(&mut self, row: Row) {
        let last = row.step;
        self.rows.push(row);
        if let Some(left) = self.rows.len().checked_sub(WINDOW + 1)
            && !is_kept(&self.rows[left], self.stride, last)
        {
            self.rows.remove(left);
        }
        if self.rows.len() > MOST_ROWS {
            self.stride *= 2;
            self.rows.retain(|row| is_kept(row, self.stride, last));
        }
    }
}

fn is_kept(row: &Row, stride: u64, last: u64) -> bool {
    row.step == 1 || row.step.is_multiple_of(stride) || row.step + WINDOW as u64 > last
}

/// The file of a run that is going on, and those of its rows that pictures need.
pub struct Metrics {
    path: PathBuf,
    file: File,
    thinned: Thinned,
}

impl Metrics {
    /// Starts the file of a fresh run.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path) -> Result<Self> {
        write_whole(path, format!("{HEADER}\n").as_bytes())?;
        Metrics::append(path, Thinned::default())
    }

    /// Goes on with the file of a run that is resumed after `step` updates; later rows are cut off.
    ///
    /// # Errors
    /// [`Error::Damaged`] if rows up to that step are missing, [`Error::Read`] or [`Error::Write`].
    pub fn resume(path: &Path, step: u64) -> Result<Self> {
        let (thinned, length) = read_up_to(path, step)?;
        let last = thinned.rows.last().map_or(0, |row| row.step);
        if last != step {
            let problem = format!("it ends at step {last}, before the checkpoint's step {step}");
            return Err(Error::damaged(path, problem));
        }
        let metrics = Metrics::append(path, thinned)?;
        metrics.file.set_len(length).map_err(cannot_write(path))?;
        Ok(metrics)
    }

    fn append(path: &Path, thinned: Thinned) -> Result<Self> {
        let file = OpenOptions::new().append(true).open(path).map_err(cannot_write(path))?;
        Ok(Metrics { path: path.to_owned(), file, thinned })
    }

    /// Appends a row, to the file as well.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn push(&mut self, row: Row) -> Result<()> {
        // One call per row, unbuffered: a process that is killed leaves whole rows.
        self.file.write_all(format!("{row}\n").as_bytes()).map_err(cannot_write(&self.path))?;
        self.thinned.push(row);
        Ok(())
    }

    /// Brings the rows to the disk: a checkpoint of their last step is of no use without them.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(cannot_write(&self.path))
    }

    /// The moving average with this estimate: see [`smoothed`].
    pub fn smoothed(&self, wasserstein: f32) -> f32 {
        smoothed(self.rows(), wasserstein)
    }

    /// The rows so far, those before a resume included; of a long run every second, fourth, eighth … and the last
    /// [`WINDOW`], so that memory does not grow for ever.
    pub fn rows(&self) -> &[Row] {
        &self.thinned.rows
    }
}

/// The moving average of the estimates in `rows` and this one: their mean as long as they are no more than [`WINDOW`], and from
/// then on `average + (estimate − average) / WINDOW`. It follows from the last row, so a resume needs nothing else.
pub fn smoothed(rows: &[Row], wasserstein: f32) -> f32 {
    let before = rows.last().map_or(0.0, |row| row.smoothed);
    before + (wasserstein - before) / (rows.len() + 1).min(WINDOW) as f32
}

/// The whole rows of a file, up to the first that is cut off, as far as [`Metrics::rows`] keeps them.
///
/// # Errors
/// [`Error::Damaged`] if these are no metrics, or [`Error::Read`].
pub fn read(path: &Path) -> Result<Vec<Row>> {
    Ok(read_up_to(path, u64::MAX)?.0.rows)
}

/// A row is not longer: what is, is none, and is not taken into memory.
const LONGEST_LINE: u64 = 1 << 12;

/// The rows up to this step, and where the last one ends in the file. All rows are looked at.
fn read_up_to(path: &Path, step: u64) -> Result<(Thinned, u64)> {
    let mut file = BufReader::new(File::open(path).map_err(cannot_read(path))?);
    let mut line = Vec::new();
    // What follows the last newline was being written when the run was killed.
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        let read = (&mut file).take(LONGEST_LINE).read_until(b'\n', line).map_err(cannot_read(path))?;
        Ok::<_, Error>(if line.pop_if(|last| *last == b'\n').is_some() || read as u64 == LONGEST_LINE {
            read
        } else {
            0
        })
    };
    let mut length = next(&mut line)? as u64;
    if line != HEADER.as_bytes() {
        return Err(Error::damaged(path, format!("its first line is not {HEADER}")));
    }
    let mut thinned = Thinned::default();
    for number in 1.. {
        let read = next(&mut line)?;
        if read == 0 {
            break;
        }
        match std::str::from_utf8(&line).map_err(|_| ()).and_then(str::parse::<Row>) {
            Ok(row) if row.step == number && number <= step => {
                thinned.push(row);
                length += read as u64;
            }
            Ok(row) if row.step == number => {}
            _ => {
                let problem = format!("line {} is not the row of step {number}", number + 1);
                return Err(Error::damaged(path, problem));
            }
        }
    }
    Ok((thinned, length))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn row(step: u64) -> Row {
        let x = step as f32 / 3.0;
        let measurement = Measurement {
            held_out: x / 7.0,
            critic_gradient: f32::INFINITY,
            generator_gradient: -0.0,
            at_bound: step.is_multiple_of(4).then_some(0.25),
            slopes: Histogram::of(&[0.5, x]),
        };
        Row {
            step,
            seconds: step as f64 / 8.0,
            losses: Losses {
                critic: CriticTerms { loss: -x, wasserstein: x, penalty: x * x, slope: 1.0 + x },
                generator: f32::MIN_POSITIVE,
            },
            smoothed: x / 3.0,
            measured: step.is_multiple_of(2).then(|| Box::new(measurement)),
        }
    }

    fn rows(count: u64) -> Vec<Row> {
        (1..=count).map(row).collect()
    }

    fn write(path: &Path, count: u64) {
        let mut metrics = Metrics::create(path).unwrap();
        rows(count).into_iter().for_each(|row| metrics.push(row).unwrap());
    }

    #[test]
    fn rows_read_back_bit_by_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        write(&path, 5);
        assert_eq!(read(&path).unwrap(), rows(5));
        let text = fs::read_to_string(&path).unwrap();
        let header = "step,seconds,critic_loss,wasserstein,penalty,slope,generator_loss,smoothed,held_out,critic_gradient,\
                      generator_gradient,at_bound,slopes\n";
        assert!(text.starts_with(&format!("{header}1,0.125,-0.333")), "{text}");
        assert!(text.lines().nth(1).unwrap().ends_with(",0.11111111,,,,,"), "{text}");
        assert!(text.lines().nth(2).unwrap().contains(",inf,-0,,0.6666667 0 0 "), "{text}");
    }

    #[test]
    fn the_average_is_the_mean_at_first_and_moves_later() {
        let folder = tempfile::tempdir().unwrap();
        let mut metrics = Metrics::create(&folder.path().join("metrics.csv")).unwrap();
        let mut push = |wasserstein| {
            let smoothed = metrics.smoothed(wasserstein);
            let step = metrics.rows().len() as u64 + 1;
            let mut row = Row { smoothed, ..row(step) };
            row.losses.critic.wasserstein = wasserstein;
            metrics.push(row).unwrap();
            smoothed
        };
        assert_eq!([1.0, 2.0, 6.0, -1.0].map(&mut push), [1.0, 1.5, 3.0, 2.0]);
        (4..WINDOW).for_each(|_| assert!((push(2.0) - 2.0).abs() < 1e-6));
        assert!((push(52.0) - 3.0).abs() < 1e-5);
    }

    #[test]
    fn a_long_run_keeps_fewer_of_its_old_rows_and_all_of_its_last() {
        let mut thinned = Thinned::default();
        for step in 1..=300_000 {
            thinned.push(Row { measured: None, ..row(step) });
            assert!(thinned.rows.len() <= MOST_ROWS);
        }
        let steps: Vec<u64> = thinned.rows.iter().map(|row| row.step).collect();
        assert_eq!(steps[..4], [1, 8, 16, 24]);
        assert!(steps.ends_with(&(300_000 - WINDOW as u64 + 1..=300_000).collect::<Vec<_>>()));
        let old = &steps[1..steps.len() - WINDOW];
        assert!(old.windows(2).all(|pair| pair[1] - pair[0] == 8));
    }

    #[test]
    fn non_finite_numbers_read_back() {
        let mut row = row(1);
        (row.losses.critic.slope, row.losses.critic.loss) = (f32::NAN, f32::NEG_INFINITY);
        let read = row.to_string().parse::<Row>().unwrap().losses.critic;
        assert!(read.slope.is_nan() && read.loss == f32::NEG_INFINITY);
    }

    #[test]
    fn a_resume_cuts_off_rows_past_the_checkpoint_and_half_rows() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, resumed] = ["whole.csv", "resumed.csv"].map(|name| folder.path().join(name));
        write(&whole, 6);
        write(&resumed, 5);
        OpenOptions::new().append(true).open(&resumed).unwrap().write_all(b"6,0.75,-2.0,1.9").unwrap();
        let mut metrics = Metrics::resume(&resumed, 4).unwrap();
        assert_eq!(metrics.rows(), rows(4));
        metrics.push(row(5)).unwrap();
        metrics.push(row(6)).unwrap();
        assert_eq!(metrics.rows(), rows(6));
        assert_eq!(fs::read(&whole).unwrap(), fs::read(&resumed).unwrap());
    }

    #[test]
    fn files_that_are_no_metrics_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let problem = |text: &str, step| {
            fs::write(&path, text).unwrap();
            let Err(Error::Damaged { problem, .. }) = Metrics::resume(&path, step) else { panic!("{text:?}") };
            problem
        };
        assert_eq!(problem("a,b\n", 0), format!("its first line is not {HEADER}"));
        assert_eq!(problem(&format!("{HEADER}\n{}\n1,2\n", row(1)), 1), "line 3 is not the row of step 2");
        assert_eq!(problem(&format!("{HEADER}\n{}\n", row(2)), 1), "line 2 is not the row of step 1");
        let text = format!("{HEADER}\n{}\n", row(1));
        assert_eq!(problem(&text, 2), "it ends at step 1, before the checkpoint's step 2");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let Err(error) = Metrics::create(Path::new("/dev/full")) else { panic!("/dev/full took a file") };
        assert_eq!(error.to_string(), "cannot write /dev/full: No space left on device (os error 28)");
    }
}
