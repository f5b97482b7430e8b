//! What a training computes on: the CPU, or an OpenCL device.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use autograd::{Device, Tensor, Variable};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A device by its name on the command line: `cpu`, `opencl` or `opencl:PLATFORM:DEVICE`.
///
/// ```
/// use wgan::machine::backend::BackendName;
/// assert_eq!("opencl:0:1".parse(), Ok(BackendName::OpenCl(Some([0, 1]))));
/// assert_eq!(BackendName::OpenCl(None).to_string(), "opencl");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum BackendName {
    /// The processor that the program itself runs on.
    #[default]
    Cpu,
    /// An OpenCL device by the positions of its platform and of itself; the first GPU if they are left out, or the first
    /// device if there is no GPU.
    OpenCl(Option<[usize; 2]>),
}

impl BackendName {
    /// The device; on the CPU with this many threads.
    ///
    /// # Errors
    /// If there is no such device, or the program is built without it.
    pub fn device(self, threads: Option<usize>) -> Result<Device> {
        match self {
            BackendName::Cpu => Ok(threads.map_or(Ok(Device::cpu()), Device::cpu_with_threads)?),
            BackendName::OpenCl(position) => self.open(position),
        }
    }

    #[cfg(feature = "opencl")]
    fn open(self, position: Option<[usize; 2]>) -> Result<Device> {
        use opencl::{Choice, OpenCl};
        let choice = position.map_or(Choice::Best, |[platform, device]| Choice::At { platform, device });
        let opened = OpenCl::open(choice).map_err(|error| Error::impossible("backend", self, &error.to_string()))?;
        Ok(Device::new(opened))
    }

    #[cfg(not(feature = "opencl"))]
    fn open(self, _: Option<[usize; 2]>) -> Result<Device> {
        Err(Error::impossible("backend", self, HOW_TO_BUILD))
    }
}

/// What to do if the program is built without OpenCL.
#[cfg(not(feature = "opencl"))]
const HOW_TO_BUILD: &str = "this wgan is built without OpenCL; install the loader library (Debian: ocl-icd-opencl-dev) \
                            and build with: cargo build --release -p wgan --features opencl";

impl FromStr for BackendName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let position = |text: &str| text.parse::<usize>().ok();
        match name.split(':').collect::<Vec<_>>()[..] {
            ["cpu"] => Ok(BackendName::Cpu),
            ["opencl"] => Ok(BackendName::OpenCl(None)),
            ["opencl", platform, device] => match (position(platform), position(device)) {
                (Some(platform), Some(device)) => Ok(BackendName::OpenCl(Some([platform, device]))),
                _ => Err(format!("{name:?} names no device; positions are whole numbers, as in opencl:0:0")),
            },
            _ => Err(format!("{name:?} is none of cpu, opencl and opencl:PLATFORM:DEVICE")),
        }
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendName::Cpu => write!(f, "cpu"),
            BackendName::OpenCl(None) => write!(f, "opencl"),
            BackendName::OpenCl(Some([platform, device])) => write!(f, "opencl:{platform}:{device}"),
        }
    }
}

impl From<BackendName> for String {
    fn from(backend: BackendName) -> Self {
        backend.to_string()
    }
}

impl TryFrom<String> for BackendName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

/// A table of all devices: what they are, and how fast they multiply. Where there is no OpenCL, it says how to get it.
///
/// # Errors
/// If a device fails.
pub fn table() -> Result<String> {
    let mut table = row("backend", "product", "units", "memory", "name");
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    table += &row("cpu", &speed(&Device::cpu())?, &threads, "", "this processor, with kernels of its own");
    opencl_rows().map(|rows| table + &rows)
}

fn row(backend: &str, product: &str, units: &str, memory: &str, name: &str) -> String {
    format!("{backend:<12} {product:>14} {units:>6} {memory:>10}  {name}\n")
}

fn speed(device: &Device) -> Result<String> {
    Ok(format!("{:.0} GFLOP/s", product_speed(device)? / 1e9))
}

#[cfg(feature = "opencl")]
fn opencl_rows() -> Result<String> {
    let devices = match opencl::devices() {
        Ok(devices) => devices,
        Err(error) => return Ok(format!("\nNo OpenCL device is listed: {error}.\n")),
    };
    let rows = devices.into_iter().map(|known| {
        let backend = BackendName::OpenCl(Some([known.platform, known.device]));
        let (units, memory) = (known.compute_units.to_string(), format!("{} MiB", known.memory >> 20));
        let name = format!("{} ({}, {})", known.name, known.vendor, known.version);
        Ok(row(&backend.to_string(), &speed(&backend.device(None)?)?, &units, &memory, &name))
    });
    rows.collect()
}

#[cfg(not(feature = "opencl"))]
fn opencl_rows() -> Result<String> {
    Ok(format!("\nThere may be OpenCL devices, too, but {HOW_TO_BUILD}.\n"))
}

/// Floating-point operations a second of the fastest of a few products of 1024×1024 matrices.
///
/// # Errors
/// If the device fails.
pub fn product_speed(device: &Device) -> Result<f64> {
    const SIDE: usize = 1024;
    const TIMES: usize = 20;
    let [a, b, c] = ["a", "b", "c"].map(|name| Variable::new(name, Tensor::full([SIDE, SIDE], 1.0)));
    let mut product = device.compile(|tape| {
        let product = tape.assign(&c, tape.variable(&a).matmul(tape.variable(&b)));
        [product.slice_box(&[0, 0], [1, 1])] // what is waited for
    })?;
    let mut fastest = Duration::MAX;
    for _ in 0..TIMES {
        let start = Instant::now();
        product.run(&[])?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(2.0 * (SIDE * SIDE * SIDE) as f64 / fastest.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for backend in [BackendName::Cpu, BackendName::OpenCl(None), BackendName::OpenCl(Some([1, 20]))] {
            assert_eq!(backend.to_string().parse(), Ok(backend));
        }
        for wrong in ["gpu", "", "opencl:0", "opencl:0:0:0"] {
            assert!(wrong.parse::<BackendName>().unwrap_err().contains("none of cpu, opencl"), "{wrong}");
        }
        assert!("opencl:a:0".parse::<BackendName>().unwrap_err().contains("whole numbers"));
    }

    #[cfg(not(feature = "opencl"))]
    #[test]
    fn without_opencl_it_lists_the_cpu_and_says_how_to_build_with_it() {
        let sentence = BackendName::OpenCl(None).device(None).err().expect("no OpenCL").to_string();
        assert!(sentence.starts_with("backend = opencl is not possible") && sentence.contains("--features opencl"));
        let table = table().unwrap();
        assert!(table.lines().any(|row| row.starts_with("cpu ")) && table.contains("--features opencl"), "{table}");
    }
}
