//! OpenCL devices. So far they can be listed; running programs on them is the next milestone.
//!
//! Building this crate needs the OpenCL loader library (Debian: `ocl-icd-opencl-dev`), running it a driver (on any
//! CPU: `pocl-opencl-icd`), which is why the workspace does not build it unless it is asked for:
//!
//! ```text
//! cargo test -p opencl
//! ```

use ocl::enums::{DeviceInfo, DeviceInfoResult};
use ocl::{Device, Platform};

/// What can go wrong with OpenCL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The loader finds no driver.
    #[error("no OpenCL driver is installed; Debian's pocl-opencl-icd runs on any CPU, a GPU's driver brings its own")]
    NoDriver,
    /// OpenCL itself reported an error.
    #[error("OpenCL: {0}")]
    OpenCl(Box<ocl::Error>),
}

impl From<ocl::Error> for Error {
    fn from(error: ocl::Error) -> Self {
        Error::OpenCl(Box::new(error))
    }
}

/// A device, as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The platform's position among the platforms.
    pub platform: usize,
    /// The device's position among the platform's.
    pub device: usize,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub vendor: String,
    /// The version of OpenCL that it implements.
    pub version: String,
    /// Number of compute units: cores of a CPU, multiprocessors of a GPU.
    pub compute_units: u32,
    /// Memory in bytes.
    pub memory: u64,
}

/// All devices of all platforms, in the loader's order.
///
/// # Errors
/// [`Error::NoDriver`] if there is no platform, [`Error::OpenCl`] if a driver fails.
///
/// ```no_run
/// for device in opencl::devices()? {
///     println!("{}:{} {}", device.platform, device.device, device.name);
/// }
/// # Ok::<(), opencl::Error>(())
/// ```
pub fn devices() -> Result<Vec<Description>, Error> {
    // Without any driver the loader reports an error instead of an empty list.
    let platforms = ocl::core::get_platform_ids().map_err(|_| Error::NoDriver)?;
    if platforms.is_empty() {
        return Err(Error::NoDriver);
    }
    let mut descriptions = Vec::new();
    for (platform, &id) in platforms.iter().enumerate() {
        for (device, handle) in Device::list_all(Platform::new(id))?.into_iter().enumerate() {
            descriptions.push(describe(platform, device, handle)?);
        }
    }
    Ok(descriptions)
}

fn describe(platform: usize, device: usize, handle: Device) -> Result<Description, Error> {
    let text = |info| Ok::<_, Error>(handle.info(info).map_err(ocl::Error::from)?.to_string());
    let compute_units = match handle.info(DeviceInfo::MaxComputeUnits).map_err(ocl::Error::from)? {
        DeviceInfoResult::MaxComputeUnits(count) => count,
        _ => 0,
    };
    let memory = match handle.info(DeviceInfo::GlobalMemSize).map_err(ocl::Error::from)? {
        DeviceInfoResult::GlobalMemSize(bytes) => bytes,
        _ => 0,
    };
    let (name, vendor) = (text(DeviceInfo::Name)?, text(DeviceInfo::Vendor)?);
    Ok(Description { platform, device, name, vendor, version: text(DeviceInfo::Version)?, compute_units, memory })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a driver every device says who it is; without one the error names a package that has one.
    #[test]
    fn devices_describe_themselves_or_the_error_says_what_to_install() {
        match devices() {
            Ok(devices) => {
                assert!(!devices.is_empty());
                for device in devices {
                    assert!(!device.name.is_empty() && device.compute_units > 0 && device.memory > 0, "{device:?}");
                }
            }
            Err(error) => assert!(error.to_string().contains("pocl-opencl-icd"), "{error}"),
        }
    }
}
