//! What can go wrong with OpenCL, in sentences that say what to do.

use ocl::core;

/// What can go wrong with OpenCL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The loader finds no driver.
    #[error(
        "no OpenCL driver is installed; Debian's packages pocl-opencl-icd and ocl-icd-opencl-dev bring one that runs on \
         any CPU, a GPU's driver brings its own"
    )]
    NoDriver,
    /// There is no device of these positions.
    #[error("there is no OpenCL device {wanted}; there are\n{known}")]
    NoSuchDevice {
        /// What was asked for, PLATFORM:DEVICE.
        wanted: String,
        /// The devices that exist, one a line.
        known: String,
    },
    /// A kernel's source does not compile.
    #[error("a kernel does not compile; the driver says\n{log}")]
    Build {
        /// The compiler's messages.
        log: String,
    },
    /// The device has too little memory.
    #[error(
        "{what} needs {} of memory; the device has {} in all and gives at most {} at once",
        mebibytes(*wanted), mebibytes(*memory), mebibytes(*largest)
    )]
    OutOfMemory {
        /// What the memory is for.
        what: &'static str,
        /// Bytes wanted.
        wanted: u64,
        /// Bytes of the device's memory.
        memory: u64,
        /// Bytes of the largest buffer.
        largest: u64,
    },
    /// A value is too large for the kernels' counters.
    #[error("a value of {elements} elements is too large: kernels count up to {most}; try a smaller batch")]
    TooManyElements {
        /// Elements of the value.
        elements: usize,
        /// Elements that can be counted.
        most: usize,
    },
    /// A call of OpenCL failed.
    #[error("OpenCL reports {0}")]
    Call(String),
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

impl From<core::Error> for Error {
    fn from(error: core::Error) -> Self {
        match error.api_status() {
            Some(status) => Error::Call(format!("{status:?}")),
            None => Error::Call(error.to_string()),
        }
    }
}

impl Error {
    /// The error as a program reports it.
    pub(crate) fn on(self, device: &str) -> autograd::Error {
        autograd::Error::Device { device: device.to_owned(), reason: self.to_string() }
    }
}
