//! TensorBoard's event files, for `tensorboard --logdir runs`: numbers, slopes and samples of a run.
//!
//! A file is a sequence of records, each an `Event` of `tensorflow/core/util/event.proto` with a `Summary` of
//! `tensorflow/core/framework/summary.proto`, in the encoding of Protocol Buffers.

mod message;
mod record;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use byteorder::{BigEndian, ByteOrder};
use nn::files::write_whole;

use crate::Result;
use crate::error::{cannot_read, cannot_write};
use crate::run::histogram::{BINS, Histogram};
use crate::run::metrics::Row;
use crate::run::quality::QualityRow;
use message::{INT, bytes, double, float, int};
use record::{FRAME, record, records};

/// What the first event of a file says.
const VERSION: &[u8] = b"brain.Event:2";

/// The file of a run that is going on.
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    fn create(path: &Path) -> Result<Self> {
        Events::write(path, &record(&event(0, bytes(3, VERSION))))
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
        let kept = records(&file).take_while(|event| step_of(event).is_some_and(|event_step| event_step <= step));
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
        let known = scalars.into_iter().filter_map(|(tag, number)| Some(value(tag, float(2, number?))));
        let slopes = measured.map(|measured| value("slopes", histogram(&measured.slopes)));
        let values: Vec<_> = known.chain(slopes).collect();
        self.push(row.step, &values.concat())
    }

    /// Appends what the samples were measured to be, under the names of the measures.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn push_quality(&mut self, names: &[String], row: &QualityRow) -> Result<()> {
        let measured = names.iter().zip(&row.values);
        let values: Vec<_> = measured.map(|(name, &x)| value(&format!("quality/{name}"), float(2, x as f32))).collect();
        self.push(row.step, &values.concat())
    }

    /// Appends the picture of the samples after `step` updates, the bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn push_samples(&mut self, step: u64, png: &[u8]) -> Result<()> {
        // A PNG starts with its signature and the head of a chunk that holds the width and the height first.
        let [width, height] = [16, 20].map(|place| BigEndian::read_u32(&png[place..]).into());
        const RGB: u64 = 3;
        let image = [int(1, height), int(2, width), int(3, RGB), bytes(4, png)].concat();
        self.push(step, &value("samples", bytes(4, &image)))
    }

    /// Appends an event with a `Summary`.
    fn push(&mut self, step: u64, summary: &[u8]) -> Result<()> {
        let event = event(step, bytes(5, summary));
        // One call, unbuffered: a process that is killed leaves whole records but for the last.
        self.file.write_all(&record(&event)).map_err(cannot_write(&self.path))
    }
}

/// An `Event` of this moment that holds one further field.
fn event(step: u64, content: Vec<u8>) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    [double(1, now.as_secs_f64()), int(2, step), content].concat()
}

/// A `Value` of a `Summary`: its name and one further field.
fn value(tag: &str, content: Vec<u8>) -> Vec<u8> {
    bytes(1, &[bytes(1, tag.as_bytes()), content].concat())
}

/// A value's `HistogramProto`; the sums take every number to lie in the middle of its bin.
fn histogram(histogram: &Histogram) -> Vec<u8> {
    let bins: Vec<_> = (0..BINS).map(|i| (histogram.bin(i), f64::from(histogram.counts()[i]))).collect();
    let lowest = bins.iter().find(|(_, count)| *count > 0.0).map_or(0.0, |([low, _], _)| *low);
    let sum_of_powers = |power| bins.iter().map(|([low, high], count)| ((low + high) / 2.0).powi(power) * count).sum();
    let message = [
        double(1, lowest),
        double(2, histogram.high().into()),
        double(3, histogram.total().into()),
        double(4, sum_of_powers(1)),
        double(5, sum_of_powers(2)),
        bytes(6, &bins.iter().flat_map(|([_, high], _)| high.to_le_bytes()).collect::<Vec<_>>()),
        bytes(7, &bins.iter().flat_map(|(_, count)| count.to_le_bytes()).collect::<Vec<_>>()),
    ];
    bytes(5, &message.concat())
}

/// The step of an event that this program wrote: its second field, behind a tag and eight bytes of time.
fn step_of(event: &[u8]) -> Option<u64> {
    let (tag, bytes) = event.get(9..)?.split_first()?;
    let last = bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let step =
        bytes[..=last].iter().rev().try_fold(0u64, |step, byte| Some(step.checked_mul(0x80)? | u64::from(byte & 0x7f)));
    step.filter(|_| u64::from(*tag) == 2 << 3 | INT)
}

#[cfg(test)]
mod tests {
    use crate::game::Losses;
    use crate::game::objective::CriticTerms;
    use byteorder::LittleEndian;

    use super::message::{BYTES, EIGHT_BYTES, FOUR_BYTES};
    use super::*;
    use crate::run::metrics::Measurement;

    /// A field's number with what it holds.
    enum Value<'a> {
        Int(u64),
        Double(f64),
        Bytes(&'a [u8]),
        Float(f32),
    }

    fn fields(mut message: &[u8]) -> Vec<(u64, Value<'_>)> {
        fn varint(message: &mut &[u8]) -> u64 {
            let mut number = 0;
            for shift in (0..).step_by(7) {
                let byte = take(message, 1)[0];
                number |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            number
        }
        fn take<'a>(message: &mut &'a [u8], count: usize) -> &'a [u8] {
            let (taken, rest) = message.split_at(count);
            *message = rest;
            taken
        }
        let mut fields = Vec::new();
        while !message.is_empty() {
            let tag = varint(&mut message);
            let value = match tag & 7 {
                INT => Value::Int(varint(&mut message)),
                EIGHT_BYTES => Value::Double(LittleEndian::read_f64(take(&mut message, 8))),
                FOUR_BYTES => Value::Float(LittleEndian::read_f32(take(&mut message, 4))),
                BYTES => {
                    let length = varint(&mut message) as usize;
                    Value::Bytes(take(&mut message, length))
                }
                kind => panic!("fields of kind {kind} are not in use"),
            };
            fields.push((tag >> 3, value));
        }
        fields
    }

    fn bytes(message: &[u8], field: u64) -> Vec<&[u8]> {
        let of_field = fields(message).into_iter().filter(|(number, _)| *number == field);
        of_field.map(|(_, value)| if let Value::Bytes(bytes) = value { bytes } else { panic!("no bytes") }).collect()
    }

    /// Values by name, each as the bytes of its message.
    type Values = Vec<(String, Vec<u8>)>;

    /// The step and the named values of every event after the first.
    fn read(path: &Path) -> Vec<(u64, Values)> {
        let file = fs::read(path).unwrap();
        let events: Vec<&[u8]> = records(&file).collect();
        assert_eq!(events.iter().map(|event| event.len() + FRAME).sum::<usize>(), file.len());
        assert_eq!(bytes(events[0], 3), [VERSION]);
        let parse = |event: &&[u8]| {
            let step = fields(event).into_iter().find_map(|(field, value)| match value {
                Value::Int(step) if field == 2 => Some(step),
                _ => None,
            });
            let values = bytes(bytes(event, 5)[0], 1);
            let named = values.into_iter().map(|value| {
                let tag = String::from_utf8(bytes_of_first(value, 1)).unwrap();
                (tag, value.to_vec())
            });
            (step.unwrap(), named.collect())
        };
        events[1..].iter().map(parse).collect()
    }

    fn bytes_of_first(message: &[u8], field: u64) -> Vec<u8> {
        let found = fields(message).into_iter().find(|(number, _)| *number == field);
        match found {
            Some((_, Value::Bytes(bytes))) => bytes.to_vec(),
            _ => panic!("field {field} holds no bytes"),
        }
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
            let number = |value: &[u8]| {
                fields(value)
                    .into_iter()
                    .find_map(|(_, value)| if let Value::Float(x) = value { Some(x) } else { None })
            };
            read[event].1.iter().filter_map(|(tag, value)| Some((tag.as_str(), number(value)?))).collect()
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

        let (tag, value) = read[1].1.last().unwrap();
        assert_eq!(tag, "slopes");
        let histogram = bytes_of_first(value, 5);
        let numbers: Vec<f64> = fields(&histogram)
            .into_iter()
            .filter_map(|(_, value)| if let Value::Double(x) = value { Some(x) } else { None })
            .collect();
        // Bins of width 0.1; the sums take 0.5, 1.0 and 4.0 as 0.55, 1.05 and 3.95.
        let expected = [0.5, 4.0, 3.0, 5.55, 0.55f64.powi(2) + 1.05f64.powi(2) + 3.95f64.powi(2)];
        assert!(numbers.iter().zip(expected).all(|(x, expected)| (x - expected).abs() < 1e-9), "{numbers:?}");
        let doubles = |field| bytes_of_first(&histogram, field).chunks(8).map(LittleEndian::read_f64).collect();
        let [limits, counts]: [Vec<f64>; 2] = [6, 7].map(doubles);
        assert_eq!((limits.len(), limits[0], limits[39]), (BINS, 0.1, 4.0));
        assert_eq!((counts[5], counts[10], counts[39], counts.iter().sum::<f64>()), (1.0, 1.0, 1.0, 3.0));

        let image = bytes_of_first(&read[2].1[0].1, 4);
        let size: Vec<u64> = fields(&image)
            .into_iter()
            .filter_map(|(_, value)| if let Value::Int(x) = value { Some(x) } else { None })
            .collect();
        assert_eq!((size, bytes_of_first(&image, 4)), (vec![7, 256, 3], png));
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
