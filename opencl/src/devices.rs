//! Which devices there are, and how one is chosen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ocl::core::{self, DeviceId, DeviceInfo, DeviceInfoResult, DeviceType, PlatformId};

use crate::Error;

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
    pub compute_units: usize,
    /// Memory in bytes.
    pub memory: u64,
}

/// A device wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first GPU, or the first device if there is none.
    #[default]
    Best,
    /// By the positions that [`devices`] gives.
    At {
        /// The platform's position.
        platform: usize,
        /// The device's position among the platform's.
        device: usize,
    },
}

/// One thread at a time: drivers start up and compile without thinking of others (PoCL 3.1 crashes).
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All devices of all platforms, in the loader's order.
///
/// # Errors
/// [`Error::NoDriver`] if there is no device, [`Error::Call`] if a driver fails.
///
/// ```no_run
/// for device in opencl::devices()? {
///     println!("{}:{} {}", device.platform, device.device, device.name);
/// }
/// # Ok::<(), opencl::Error>(())
/// ```
pub fn devices() -> Result<Vec<Description>, Error> {
    Ok(found()?.into_iter().map(|(_, description)| description).collect())
}

/// The device that a choice names, and its description.
pub(crate) fn choose(choice: Choice) -> Result<(DeviceId, Description), Error> {
    let found = found()?;
    let position = match choice {
        Choice::Best => found.iter().position(|(id, _)| is_gpu(*id)).or(Some(0)),
        Choice::At { platform, device } => {
            found.iter().position(|(_, known)| (known.platform, known.device) == (platform, device))
        }
    };
    match position.and_then(|position| found.get(position)) {
        Some(chosen) => Ok(chosen.clone()),
        None => Err(Error::NoSuchDevice { wanted: name(choice), known: list(&found) }),
    }
}

fn name(choice: Choice) -> String {
    match choice {
        Choice::Best => "at all".to_owned(),
        Choice::At { platform, device } => format!("{platform}:{device}"),
    }
}

fn list(found: &[(DeviceId, Description)]) -> String {
    let line = |(_, known): &(DeviceId, Description)| format!("  {}:{}  {}", known.platform, known.device, known.name);
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn found() -> Result<Vec<(DeviceId, Description)>, Error> {
    let _alone = alone();
    // Without any driver the loader reports an error instead of an empty list.
    let platforms = core::get_platform_ids().map_err(|_| Error::NoDriver)?;
    let (mut found, mut failed) = (Vec::new(), None);
    for (platform, id) in platforms.iter().enumerate() {
        match devices_of(platform, *id) {
            Ok(devices) => found.extend(devices),
            Err(error) => failed = Some(error),
        }
    }
    // One driver that fails, for want of its hardware, say, does not keep the others from working.
    if found.is_empty() { Err(failed.unwrap_or(Error::NoDriver)) } else { Ok(found) }
}

fn devices_of(platform: usize, id: PlatformId) -> Result<Vec<(DeviceId, Description)>, Error> {
    let devices = match core::get_device_ids(id, Some(DeviceType::ALL), None) {
        Err(error) if error.api_status() == Some(core::Status::CL_DEVICE_NOT_FOUND) => Vec::new(),
        devices => devices?,
    };
    let described = |(device, id)| Ok((id, describe(platform, device, id)?));
    devices.into_iter().enumerate().map(described).collect()
}

fn describe(platform: usize, device: usize, id: DeviceId) -> Result<Description, Error> {
    let text = |info| Ok::<_, Error>(core::get_device_info(id, info)?.to_string().trim().to_owned());
    Ok(Description {
        platform,
        device,
        name: text(DeviceInfo::Name)?,
        vendor: text(DeviceInfo::Vendor)?,
        version: format!("OpenCL {}", text(DeviceInfo::Version)?),
        compute_units: number(id, DeviceInfo::MaxComputeUnits)? as usize,
        memory: number(id, DeviceInfo::GlobalMemSize)?,
    })
}

/// A number that the driver states about a device.
pub(crate) fn number(device: DeviceId, info: DeviceInfo) -> Result<u64, Error> {
    Ok(match core::get_device_info(device, info)? {
        DeviceInfoResult::MaxComputeUnits(count) | DeviceInfoResult::NativeVectorWidthFloat(count) => count.into(),
        DeviceInfoResult::GlobalMemSize(bytes)
        | DeviceInfoResult::LocalMemSize(bytes)
        | DeviceInfoResult::MaxMemAllocSize(bytes) => bytes,
        DeviceInfoResult::MaxWorkGroupSize(items) => items as u64,
        other => return Err(Error::Call(format!("{other} where a number was expected"))),
    })
}

/// Whether the device is no CPU.
pub(crate) fn is_gpu(device: DeviceId) -> bool {
    let kind = core::get_device_info(device, DeviceInfo::Type);
    !matches!(kind, Ok(DeviceInfoResult::Type(kind)) if kind.contains(DeviceType::CPU))
}
