//! An opened device: its facts, its queues, the programs built for it, its memory.

use std::collections::{BTreeMap, HashMap};
use std::ffi::CString;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use autograd::ByteTable;
use ocl::core::{
    self, CommandQueue, CommandQueueProperties, DeviceFpConfig, DeviceId, DeviceInfo, DeviceInfoResult, Mem, MemFlags,
    OclPrm, Program, ProgramBuildInfo,
};

use crate::Error;
use crate::devices::{Choice, alone, choose, is_gpu, number};

/// What a kernel's shape is chosen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// What it is made for.
    pub kind: Kind,
    /// Cores of a CPU, multiprocessors of a GPU.
    pub compute_units: usize,
    /// Bytes that a work-group can share.
    pub local_memory: usize,
    /// Numbers in a vector register.
    pub vector_width: usize,
    /// Work-items in a group, at most: a power of two.
    pub max_work_group: usize,
    /// Bytes in all.
    pub memory: u64,
    /// Bytes of one buffer, at most.
    pub largest_allocation: u64,
}

/// What a device is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Few cores with caches and vector registers.
    Cpu,
    /// Thousands of threads with memory shared by groups of them.
    Gpu,
}

/// An opened device with an in-order queue of its own. Two of them share nothing, not even for one device.
pub struct Context {
    facts: Facts,
    device: DeviceId,
    context: core::Context,
    /// Computes, in order.
    queue: RwLock<CommandQueue>,
    /// Brings results to the host while the other queue goes on.
    transfers: CommandQueue,
    /// What every source is built with.
    options: &'static str,
    built: Mutex<HashMap<(String, String), Program>>,
    /// The programs that hold the kernels of these names.
    built_together: Mutex<HashMap<String, Program>>,
    /// The tables uploaded, by the address of their bytes. Kept with the bytes, so that no other table gets the address.
    tables: Mutex<HashMap<usize, (ByteTable, Mem)>>,
}

impl Context {
    pub(crate) fn open(choice: Choice) -> Result<Self, Error> {
        let (device, description) = choose(choice)?;
        let _alone = alone();
        let context = core::create_context(None, &[device], None, None)?;
        let queue = || core::create_command_queue(&context, device, None);
        let max_work_group = number(device, DeviceInfo::MaxWorkGroupSize)?.max(1) as usize;
        let facts = Facts {
            name: description.name,
            kind: if is_gpu(device) { Kind::Gpu } else { Kind::Cpu },
            compute_units: description.compute_units,
            local_memory: number(device, DeviceInfo::LocalMemSize)? as usize,
            vector_width: number(device, DeviceInfo::NativeVectorWidthFloat)? as usize,
            max_work_group: 1 << max_work_group.ilog2(),
            memory: description.memory,
            largest_allocation: number(device, DeviceInfo::MaxMemAllocSize)?,
        };
        Ok(Context {
            queue: RwLock::new(queue()?),
            transfers: queue()?,
            options: options(device)?,
            facts,
            device,
            context,
            built: Mutex::default(),
            built_together: Mutex::default(),
            tables: Mutex::default(),
        })
    }

    /// Runs the kernels made for a device of other facts.
    pub(crate) fn taken_for(mut self, adjust: impl FnOnce(&mut Facts)) -> Self {
        adjust(&mut self.facts);
        self
    }

    /// What kernels' shapes are chosen by.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn queue(&self) -> RwLockReadGuard<'_, CommandQueue> {
        self.queue.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, computes on a queue that takes the time of every kernel, which costs some drivers time itself. If there
    /// is none, asking for the times is an error.
    pub(crate) fn measure_times(&self) {
        let mut queue = self.queue.write().unwrap_or_else(PoisonError::into_inner);
        let properties = Some(CommandQueueProperties::PROFILING_ENABLE);
        if let Ok(measuring) = core::create_command_queue(&self.context, self.device, properties)
            && core::finish(&queue).is_ok()
        {
            *queue = measuring;
        }
    }

    pub(crate) fn transfers(&self) -> &CommandQueue {
        &self.transfers
    }

    /// Builds a source with options (`-D NAME=VALUE`), once for each pair.
    ///
    /// # Errors
    /// [`Error::Build`] with the compiler's log.
    pub fn build(&self, source: &str, options: &str) -> Result<Program, Error> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.to_owned(), options.to_owned());
        if let Some(program) = built.get(&key) {
            return Ok(program.clone());
        }
        let program = self.compile(source, options)?;
        built.insert(key, program.clone());
        Ok(program)
    }

    /// Builds kernels, given as names and sources, as one program: those whose names are new. `prelude` precedes them.
    ///
    /// # Errors
    /// As [`build`](Context::build).
    pub(crate) fn build_together<'a>(
        &self,
        prelude: &str,
        kernels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Error> {
        let mut built = self.built_together.lock().unwrap_or_else(PoisonError::into_inner);
        let new: BTreeMap<&str, &str> = kernels.filter(|(name, _)| !built.contains_key(*name)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let source: String = [prelude].into_iter().chain(new.values().copied()).collect();
        let program = self.compile(&source, "")?;
        built.extend(new.into_keys().map(|name| (name.to_owned(), program.clone())));
        Ok(())
    }

    /// The program that holds a kernel built with others.
    pub(crate) fn built_together(&self, name: &str) -> Program {
        let built = self.built_together.lock().unwrap_or_else(PoisonError::into_inner);
        built.get(name).expect("built when its program was loaded").clone()
    }

    fn compile(&self, source: &str, options: &str) -> Result<Program, Error> {
        let _alone = alone();
        let text = |text: &str| CString::new(text).map_err(|error| Error::Call(error.to_string()));
        let program = core::create_program_with_source(&self.context, &[text(source)?])?;
        let options = text(&format!("{} {options}", self.options))?;
        if let Err(error) = core::build_program(&program, Some(&[self.device]), &options, None, None) {
            let log = core::get_program_build_info(&program, self.device, ProgramBuildInfo::BuildLog)?.to_string();
            return Err(match log.trim() {
                "" => error.into(), // no fault of the source's
                log => Error::Build { log: log.to_owned() },
            });
        }
        Ok(program)
    }

    /// The bytes of a table, uploaded once.
    pub(crate) fn table(&self, table: &ByteTable) -> Result<Mem, Error> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let address = table.bytes().as_ptr() as usize;
        if let Some((_, buffer)) = tables.get(&address) {
            return Ok(buffer.clone());
        }
        let buffer = self.upload("a table", table.bytes())?;
        tables.insert(address, (table.clone(), buffer.clone()));
        Ok(buffer)
    }

    /// A buffer of zeros; `what` says in an error what it is for.
    pub(crate) fn allocate(&self, what: &'static str, len: usize) -> Result<Mem, Error> {
        let buffer = self.create::<f32>(what, len, None)?;
        // Some drivers find memory only when it is used first.
        let filled =
            core::enqueue_fill_buffer(&self.queue(), &buffer, 0.0_f32, 0, len.max(1), None::<()>, None::<()>, None);
        filled.and_then(|()| core::finish(&self.queue())).map_err(|error| self.memory_error(error, what, len))?;
        Ok(buffer)
    }

    /// A buffer that holds these values.
    pub(crate) fn upload<T: OclPrm>(&self, what: &'static str, values: &[T]) -> Result<Mem, Error> {
        match values {
            [] => self.create::<T>(what, 0, None), // a buffer has at least one element
            _ => self.create(what, values.len(), Some(values)),
        }
    }

    fn create<T: OclPrm>(&self, what: &'static str, len: usize, values: Option<&[T]>) -> Result<Mem, Error> {
        let bytes = (len * size_of::<T>()) as u64;
        if bytes > self.facts.largest_allocation {
            return Err(self.out_of_memory(what, bytes));
        }
        let copy = if values.is_some() { MemFlags::new().copy_host_ptr() } else { MemFlags::new() };
        // SAFETY: the values are copied before the call returns.
        let buffer = unsafe { core::create_buffer(&self.context, copy.read_write(), len.max(1), values) };
        buffer.map_err(|error| self.memory_error(error, what, len * size_of::<T>() / size_of::<f32>()))
    }

    fn memory_error(&self, error: core::Error, what: &'static str, len: usize) -> Error {
        use core::Status::CL_OUT_OF_RESOURCES;
        use core::Status::{CL_INVALID_BUFFER_SIZE, CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY};
        match error.api_status() {
            Some(
                CL_MEM_OBJECT_ALLOCATION_FAILURE | CL_INVALID_BUFFER_SIZE | CL_OUT_OF_RESOURCES | CL_OUT_OF_HOST_MEMORY,
            ) => self.out_of_memory(what, (len * size_of::<f32>()) as u64),
            _ => error.into(),
        }
    }

    fn out_of_memory(&self, what: &'static str, wanted: u64) -> Error {
        let Facts { memory, largest_allocation: largest, .. } = self.facts;
        Error::OutOfMemory { what, wanted, memory, largest }
    }
}

/// What every source is built with: quotients and roots are rounded as IEEE 754 says where the device can, which may refuse
/// to be asked if it cannot (OpenCL 1.2, section 5.6.4.2).
fn options(device: DeviceId) -> Result<&'static str, Error> {
    let exact = DeviceFpConfig::CORRECTLY_ROUNDED_DIVIDE_SQRT;
    Ok(match core::get_device_info(device, DeviceInfo::SingleFpConfig)? {
        DeviceInfoResult::SingleFpConfig(can) if can.contains(exact) => {
            "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt"
        }
        _ => "-cl-std=CL1.2",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_does_not_compile_reports_the_log() {
        let context = Context::open(Choice::Best).expect("an OpenCL driver");
        let error = context.build("kernel void broken(global float *y) { *y = missing; }", "").expect_err("an error");
        assert!(error.to_string().contains("missing"), "{error}");
    }

    #[test]
    fn the_same_source_is_built_once() {
        let context = Context::open(Choice::Best).expect("an OpenCL driver");
        let build = |options| context.build("kernel void one(global float *y) { *y = VALUE; }", options);
        let [first, again, other] =
            ["-D VALUE=1", "-D VALUE=1", "-D VALUE=2"].map(|options| build(options).expect("C"));
        assert!(first.as_ptr() == again.as_ptr() && first.as_ptr() != other.as_ptr());
    }
}
