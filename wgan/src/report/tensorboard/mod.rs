//! TensorBoard's event files, for `tensorboard --logdir runs`: numbers, slopes and samples of a run.
//!
//! A file is a sequence of records, each an `Event` with a `Summary`.

mod message;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use byteorder::{BigEndian, ByteOrder};
use nn::files::write_whole;
use prost::Message;

use crate::Result;
use crate::error::{cannot_read, cannot_write};
use crate::run::histogram::{BINS, Histogram};
use crate::run::metrics::Row;
use crate::run::quality::QualityRow;
use message::{Event, HistogramProto, Image, Summary, Value};
use record::{FRAME, record, records};

/// What the first event of a file says.
const VERSION: &str = "brain.Event:2";

/// The file of a run that is going on.
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    fn create(path: &Path) -> Result<Self> {
        Events::write(path, &record(&Event { file_version: Some(VERSION.to_owned()), ..event(0) }.encode_to_vec()))
    }

    /// Goes on with the file of a run after `step` updates; later events are cut off. A run that has no such file, as a fresh
    /// one, gets it.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read) or [`Error::Write`](crate::Error::Write).
    pub fn resume(path: &Path, step: u64) -> Result<Self> {
        if !path.exists() {
            return Events::create(path);
        }
        let file = fs::read(path).map_err(cannot_read(path))?;
        let is_kept = |event: Event| u64::try_from(event.step).is_ok_and(|event_step| event_step <= step);
        let kept = records(&file).take_while(|&event| Event::decode(event).is_ok_and(is_kept));
        let length = kept.map(|event| event.len() + FRAME).sum();
        Events::write(path, &file[..length])
    }

    fn write(path: &Path, records: &[u8]) -> Result<Self> {
        write_whole(path, records)?;
        let file = OpenOptions::new().append(true).open(path).map_err(cannot_write(path))?;
        Ok(Events { path: path.to_owned(), file })
    }

    /// Appends the numbers of a step.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn push_row(&mut self, row: &Row) -> Result<()> {
        let (critic, measured) = (row.losses.critic, row.measured.as_deref());
        let scalars = [
            ("estimate/wasserstein", Some(critic.wasserstein)),
            ("estimate/smoothed", Some(row.smoothed)),
            ("loss/critic", Some(critic.loss)),
            ("loss/generator", Some(row.losses.generator)),
            ("loss/penalty", Some(critic.penalty)),
            ("critic/slope", Some(critic.slope)),
            ("estimate/held out", measured.map(|measured| measured.held_out)),
            ("gradient/critic", measured.map(|measured| measured.critic_gradient)),
            ("gradient/generator", measured.map(|measured| measured.generator_gradient)),
            ("critic/weights at the bound", measured.and_then(|measured| measured.at_bound)),
        ];
        let known = scalars.into_iter().filter_map(|(tag, number)| Some(scalar(tag, number?)));
        let slopes = measured.map(|measured| Value { histo: Some(histogram(&measured.slopes)), ..named("slopes") });
        self.push(row.step, known.chain(slopes).collect())
    }

    /// Appends what the samples were measured to be, under the names of the measures.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn push_quality(&mut self, names: &[String], row: &QualityRow) -> Result<()> {
        let measured = names.iter().zip(&row.values);
        self.push(row.step, measured.map(|(name, &x)| scalar(&format!("quality/{name}"), x as f32)).collect())
    }

    /// Appends the picture of the samples after `step` updates, the bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn push_samples(&mut self, step: u64, png: &[u8]) -> Result<()> {
        // A PNG starts with its signature and the head of a chunk that holds the width and the height first.
        let [width, height] = [16, 20].map(|place| BigEndian::read_u32(&png[place..]) as i32);
        const RGB: i32 = 3;
        let image = Image { height, width, colorspace: RGB, encoded_image_string: png.to_vec() };
        self.push(step, vec![Value { image: Some(image), ..named("samples") }])
    }

    /// Appends an event with these values.
    fn push(&mut self, step: u64, value: Vec<Value>) -> Result<()> {
        let event = Event { summary: Some(Summary { value }), ..event(step) };
        // One call, unbuffered: a process that is killed leaves whole records but for the last.
        self.file.write_all(&record(&event.encode_to_vec())).map_err(cannot_write(&self.path))
    }
}

/// An event of this moment that holds nothing yet.
fn event(step: u64) -> Event {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Event { wall_time: now.as_secs_f64(), step: step as i64, ..Event::default() }
}

/// A value that is nothing yet.
fn named(tag: &str) -> Value {
    Value { tag: tag.to_owned(), ..Value::default() }
}

fn scalar(tag: &str, number: f32) -> Value {
    Value { simple_value: Some(number), ..named(tag) }
}

/// The sums take every number to lie in the middle of its bin.
fn histogram(histogram: &Histogram) -> HistogramProto {
    let bins: Vec<_> = (0..BINS).map(|i| (histogram.bin(i), f64::from(histogram.counts()[i]))).collect();
    let sum_of_powers = |power| bins.iter().map(|([low, high], count)| ((low + high) / 2.0).powi(power) * count).sum();
    HistogramProto {
        min: bins.iter().find(|(_, count)| *count > 0.0).map_or(0.0, |([low, _], _)| *low),
        max: histogram.high().into(),
        num: histogram.total().into(),
        sum: sum_of_powers(1),
        sum_squares: sum_of_powers(2),
        bucket_limit: bins.iter().map(|([_, high], _)| *high).collect(),
        bucket: bins.iter().map(|(_, count)| *count).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Losses;
    use crate::game::objective::CriticTerms;
    use crate::run::metrics::Measurement;

    /// The events after the first: their steps and values.
    fn read(path: &Path) -> Vec<(i64, Vec<Value>)> {
        let file = fs::read(path).unwrap();
        let events: Vec<Event> = records(&file).map(|event| Event::decode(event).unwrap()).collect();
        let lengths = events.iter().map(|event| event.encoded_len() + FRAME);
        assert_eq!(lengths.sum::<usize>(), file.len());
        assert_eq!(events[0].file_version.as_deref(), Some(VERSION));
        events.into_iter().skip(1).map(|event| (event.step, event.summary.unwrap().value)).collect()
    }

    fn row(step: u64) -> Row {
        let measurement = Measurement {
            held_out: 2.5,
            critic_gradient: 3.5,
            generator_gradient: 4.5,
            at_bound: None,
            slopes: Histogram::of(&[0.5, 1.0, 4.0]),
        };
        Row {
            step,
            seconds: 0.0,
            losses: Losses {
                critic: CriticTerms { loss: -1.0, wasserstein: 1.5, penalty: 0.5, slope: 1.25 },
                generator: 7.0,
            },
            smoothed: 1.75,
            measured: step.is_multiple_of(300).then(|| Box::new(measurement)),
        }
    }

    #[test]
    fn rows_and_samples_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.tfevents");
        let mut events = Events::create(&path).unwrap();
        events.push_row(&row(299)).unwrap();
        events.push_row(&row(300)).unwrap();
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &[0, 0, 1, 0, 0, 0, 0, 7], b"and so on"].concat();
        events.push_samples(300, &png).unwrap();
        let names = ["Fréchet distance", "real"].map(str::to_owned);
        let quality = QualityRow { step: 300, seconds: 1.0, estimate: 2.0, values: vec![12.5, 4.75] };
        events.push_quality(&names, &quality).unwrap();

        let read = read(&path);
        assert_eq!(read.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [299, 300, 300, 300]);
        let scalars = |event: usize| -> Vec<(&str, f32)> {
            read[event].1.iter().filter_map(|value| Some((&*value.tag, value.simple_value?))).collect()
        };
        let always = [
            ("estimate/wasserstein", 1.5),
            ("estimate/smoothed", 1.75),
            ("loss/critic", -1.0),
            ("loss/generator", 7.0),
            ("loss/penalty", 0.5),
            ("critic/slope", 1.25),
        ];
        assert_eq!(scalars(0), always);
        let sometimes = [("estimate/held out", 2.5), ("gradient/critic", 3.5), ("gradient/generator", 4.5)];
        assert_eq!(scalars(1), [&always[..], &sometimes].concat());

        assert_eq!(scalars(3), [("quality/Fréchet distance", 12.5), ("quality/real", 4.75)]);

        let slopes = read[1].1.last().unwrap();
        assert_eq!(slopes.tag, "slopes");
        let histogram = slopes.histo.as_ref().unwrap();
        // Bins of width 0.1; the sums take 0.5, 1.0 and 4.0 as 0.55, 1.05 and 3.95.
        let HistogramProto { min, max, num, sum, sum_squares, bucket_limit: limits, bucket: counts } = histogram;
        let expected = [0.5, 4.0, 3.0, 5.55, 0.55f64.powi(2) + 1.05f64.powi(2) + 3.95f64.powi(2)];
        let close = |(&x, expected): (&f64, f64)| (x - expected).abs() < 1e-9;
        assert!([min, max, num, sum, sum_squares].into_iter().zip(expected).all(close), "{histogram:?}");
        assert_eq!((limits.len(), limits[0], limits[39]), (BINS, 0.1, 4.0));
        assert_eq!((counts[5], counts[10], counts[39], counts.iter().sum::<f64>()), (1.0, 1.0, 1.0, 3.0));

        let image = Image { height: 7, width: 256, colorspace: 3, encoded_image_string: png };
        assert_eq!(read[2].1[0].image, Some(image));
    }

    #[test]
    fn a_resume_cuts_off_what_is_later_and_what_is_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.tfevents");
        let mut events = Events::create(&path).unwrap();
        let mut lengths = Vec::new();
        for step in 1..=500 {
            events.push_row(&row(step)).unwrap();
            lengths.push(fs::metadata(&path).unwrap().len());
        }
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        for (step, kept) in [(500, 499), (499, 499), (300, 300), (20, 20)] {
            drop(Events::resume(&path, step).unwrap());
            assert_eq!(fs::read(&path).unwrap(), whole[..lengths[kept - 1] as usize]);
        }
        Events::resume(&path, 20).unwrap().push_row(&row(21)).unwrap();
        assert_eq!(read(&path).last().unwrap().0, 21);
        fs::remove_file(&path).unwrap();
        Events::resume(&path, 20).unwrap();
        assert!(read(&path).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let Err(error) = Events::create(Path::new("/dev/full")) else { panic!("/dev/full took a file") };
        assert_eq!(error.to_string(), "cannot write /dev/full: No space left on device (os error 28)");
    }
}
