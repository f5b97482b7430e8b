//! The CPU as a device: runs a plan's kernels one after the other, each on all threads of a rayon pool.

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rayon::ThreadPool;

use super::conv::Convolution;
use super::copy::{StridedCopy, gather, look_up, scatter_add};
use super::fused::{Buffers, FusedLoop};
use super::product::Product;
use super::scratch::CacheLine;
use super::{fused, random, reduce, simd};
use crate::compile::kernel::{Accumulate, Kernel, Reduction};
use crate::compile::plan::{Place, Plan, Slot, Step};
use crate::device::{Backend, Executable};
use crate::ops::{ByteTable, Random};
use crate::variable::HostStorage;
use crate::{Communicator, Error, Locks, Storage, Tensor};

/// The CPU backend. Programs run on threads that run nothing else: a thread that waits for a part of a kernel is handed
/// parts of other kernels at most, never a task of the user's that may wait for a Variable.
pub struct Cpu {
    /// Threads of its own, or None for those that all such devices share.
    pool: Option<Pool>,
}

impl Cpu {
    /// All cores.
    pub fn new() -> Self {
        Cpu { pool: None }
    }

    /// This many threads.
    pub fn with_threads(threads: usize) -> Result<Self, Error> {
        Ok(Cpu { pool: Some(Pool::start(threads)?) })
    }

    /// The pool that programs run on.
    fn pool(&self) -> Result<Pool, Error> {
        static SHARED: Mutex<Option<Pool>> = Mutex::new(None);
        if let Some(pool) = &self.pool {
            return Ok(pool.clone());
        }
        let mut shared = SHARED.lock();
        if shared.is_none() {
            *shared = Some(Pool::start(0)?);
        }
        Ok(shared.clone().expect("just started"))
    }
}

/// The threads that programs run on; None on WebAssembly, which has none: there whoever runs a program computes it.
#[derive(Clone)]
struct Pool(Option<Arc<ThreadPool>>);

impl Pool {
    /// Starts this many threads; 0 stands for one a core, or as many as the environment variable `RAYON_NUM_THREADS` says.
    fn start(threads: usize) -> Result<Pool, Error> {
        if cfg!(target_family = "wasm") {
            return Ok(Pool(None));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let reason = |error: rayon::ThreadPoolBuildError| match threads {
            0 => format!("its threads cannot be started: {error}"),
            _ => format!("{threads} threads cannot be started: {error}"),
        };
        let pool = pool.map_err(|error| Error::Device { device: "CPU".into(), reason: reason(error) })?;
        Ok(Pool(Some(Arc::new(pool))))
    }

    fn install<T: Send>(&self, run: impl FnOnce() -> T + Send) -> T {
        match &self.0 {
            Some(pool) => pool.install(run),
            None => run(),
        }
    }
}

impl Backend for Cpu {
    fn name(&self) -> String {
        "CPU".into()
    }

    fn scratch(&self, kernel: &Kernel) -> usize {
        match kernel {
            Kernel::Fused(fused) => fused::scratch(fused),
            _ => 0, // the others borrow what they need from their thread
        }
    }

    fn load(&self, mut plan: Plan, communicator: Arc<dyn Communicator>) -> Result<Box<dyn Executable>, Error> {
        simd::chosen()?;
        let pool = self.pool()?;
        let memory = Memory {
            arena: allocate(plan.arena.div_ceil(CacheLine::LEN))?,
            variables: vec![std::ptr::null_mut(); plan.variables.len()],
            constants: plan.constants.clone(),
        };
        let locks = plan.locks();
        let tasks = plan.steps.drain(..).map(BoundTask::new).collect();
        Ok(Box::new(CpuProgram { pool, communicator, locks, plan, tasks, memory, profiled: false }))
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu::new()
    }
}

/// That many cache lines of zeros.
fn allocate(lines: usize) -> Result<Vec<CacheLine>, Error> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(lines).map_err(|_| {
        let mib = lines / ((1 << 20) / size_of::<CacheLine>());
        let reason =
            format!("there is no memory for the {mib} MiB that a program's values take; make its batches smaller");
        Error::Device { device: "CPU".into(), reason }
    })?;
    memory.resize(lines, CacheLine::default());
    Ok(memory)
}

/// Where everything lies while a program runs.
struct Memory {
    /// Made of cache lines, so that every buffer of a plan begins at one.
    arena: Vec<CacheLine>,
    /// Each Variable's values; valid only while its storage is locked.
    variables: Vec<*mut f32>,
    constants: Vec<Arc<Tensor>>,
}

// SAFETY: the addresses are used only by a run, which has exclusive access and finds them anew, the storages locked.
unsafe impl Send for Memory {}

impl Memory {
    fn address(&mut self, slot: Slot) -> *mut f32 {
        match slot.place {
            // SAFETY: the plan's offsets lie within the arena.
            Place::Arena(offset) => unsafe { self.arena.as_mut_ptr().cast::<f32>().add(offset) },
            Place::Variable(index) => self.variables[index],
            // Constants are never among the buffers written.
            Place::Constant(index) => self.constants[index].data().as_ptr().cast_mut(),
        }
    }
}

/// A kernel of the plan, prepared.
enum Task {
    Fused(FusedLoop),
    /// Copies into boxes of the buffer written; whether what is outside of them must be zeroed.
    Assemble(Vec<StridedCopy>, bool),
    Reduce(Reduction, [usize; 3]),
    Product(Product, Accumulate),
    Conv2d(Convolution, Accumulate),
    Conv2dInput(Convolution, Accumulate),
    Conv2dFilter(Convolution, Accumulate),
    Gather(usize),
    Lookup(ByteTable),
    ScatterAdd(usize),
    Random(Random),
    AllMean,
}

/// A step of the plan: a task and its buffers' addresses, found anew at every run.
struct BoundTask {
    task: Task,
    step: Step,
    reads: Vec<*const f32>,
    writes: Vec<*mut f32>,
    /// Over all runs since they are timed.
    time: Duration,
}

// SAFETY: as for `Memory`.
unsafe impl Send for BoundTask {}

impl BoundTask {
    fn new(step: Step) -> Self {
        let task = match &step.kernel {
            Kernel::Fused(fused) => Task::Fused(FusedLoop::new(fused)),
            Kernel::Copy(view) => {
                Task::Assemble(vec![StridedCopy::view(&view.shape, view.offset, &view.strides)], false)
            }
            Kernel::Assemble(boxes) => {
                let covered: usize = boxes.iter().map(|part| part.shape.count()).sum();
                let copies = boxes.iter().map(|part| StridedCopy::into_box(&part.shape, part.offset, &part.strides));
                Task::Assemble(copies.collect(), covered < step.writes[0].len)
            }
            Kernel::Reduce { reduction, outer, reduced, inner } => Task::Reduce(*reduction, [*outer, *reduced, *inner]),
            Kernel::MatMul { sizes, transpose_a, transpose_b, accumulate } => {
                Task::Product(Product::contiguous(*sizes, *transpose_a, *transpose_b), *accumulate)
            }
            Kernel::Conv2d(sizes, accumulate) => Task::Conv2d(Convolution::new(*sizes), *accumulate),
            Kernel::Conv2dInput(sizes, accumulate) => Task::Conv2dInput(Convolution::new(*sizes), *accumulate),
            Kernel::Conv2dFilter(sizes, accumulate) => Task::Conv2dFilter(Convolution::new(*sizes), *accumulate),
            Kernel::Gather { width } => Task::Gather(*width),
            Kernel::Lookup(table) => Task::Lookup(table.clone()),
            Kernel::ScatterAdd { width } => Task::ScatterAdd(*width),
            Kernel::Random(random) => Task::Random(*random),
            Kernel::AllMean => Task::AllMean,
        };
        let (reads, writes) = (vec![std::ptr::null(); step.reads.len()], vec![std::ptr::null_mut(); step.writes.len()]);
        BoundTask { task, step, reads, writes, time: Duration::ZERO }
    }

    /// # Safety
    /// The Variables' storages must be locked, their addresses in `memory`.
    unsafe fn run(
        &mut self,
        memory: &mut Memory,
        program_step: u64,
        communicator: &dyn Communicator,
    ) -> Result<(), Error> {
        self.reads.iter_mut().zip(&self.step.reads).for_each(|(at, &slot)| *at = memory.address(slot));
        self.writes.iter_mut().zip(&self.step.writes).for_each(|(at, &slot)| *at = memory.address(slot));
        if let Task::Fused(fused) = &self.task {
            let scratch = self.step.scratch.map_or(NonNull::dangling().as_ptr(), |slot| memory.address(slot));
            // SAFETY: the plan's slots hold what the kernel's accesses reach, and a buffer written coincides with one
            // read only where the access is contiguous.
            unsafe { fused.run(Buffers { reads: &self.reads, writes: &self.writes, scratch }) };
            return Ok(());
        }
        // SAFETY: the plan's slots lie within their memory; of a step that is not fused, none overlaps the one written.
        let read = |i: usize| unsafe { std::slice::from_raw_parts(self.reads[i], self.step.reads[i].len) };
        // SAFETY: as above.
        let y = unsafe { std::slice::from_raw_parts_mut(self.writes[0], self.step.writes[0].len) };
        match &self.task {
            Task::Fused(_) => unreachable!("run above"),
            Task::Assemble(copies, zero) => {
                if *zero {
                    y.fill(0.0);
                }
                copies.iter().enumerate().for_each(|(i, copy)| copy.run(read(i), y));
            }
            Task::Reduce(Reduction::Sum, [outer, reduced, inner]) => reduce::sum(*outer, *reduced, *inner, read(0), y),
            Task::Reduce(Reduction::Max, [outer, reduced, inner]) => reduce::max(*outer, *reduced, *inner, read(0), y),
            Task::Product(product, accumulate) => product.run(read(0), read(1), y, *accumulate),
            Task::Conv2d(conv, accumulate) => conv.conv2d(read(0), read(1), y, *accumulate),
            Task::Conv2dInput(conv, accumulate) => conv.conv2d_input(read(0), read(1), y, *accumulate),
            Task::Conv2dFilter(conv, accumulate) => conv.conv2d_filter(read(0), read(1), y, *accumulate),
            Task::Gather(width) => gather(read(1), read(0), *width, y),
            Task::Lookup(table) => look_up(read(0), table, y),
            Task::ScatterAdd(width) => scatter_add(read(1), read(0), *width, y),
            Task::Random(Random::Uniform(stream)) => random::fill_uniform(*stream, program_step, y),
            Task::Random(Random::Normal(stream)) => random::fill_normal(*stream, program_step, y),
            Task::AllMean => communicator.all_mean(y)?,
        }
        Ok(())
    }
}

/// A program on the CPU.
struct CpuProgram {
    pool: Pool,
    communicator: Arc<dyn Communicator>,
    /// Without its steps, which have become the tasks.
    plan: Plan,
    tasks: Vec<BoundTask>,
    memory: Memory,
    locks: Locks,
    /// Whether tasks are timed.
    profiled: bool,
}

impl Executable for CpuProgram {
    fn write_input(&mut self, position: usize, values: &[f32]) -> Result<(), Error> {
        let slot = self.plan.inputs[position].slot;
        let address = self.memory.address(slot);
        // SAFETY: inputs lie in the arena, and nothing else refers to it between runs.
        unsafe { std::slice::from_raw_parts_mut(address, slot.len) }.copy_from_slice(values);
        Ok(())
    }

    fn run(&mut self, step: u64) -> Result<(), Error> {
        let CpuProgram { pool, communicator, tasks, memory, locks, profiled, .. } = self;
        let here = |storage: &dyn Storage| (storage as &dyn Any).is::<HostStorage>();
        let mut locked = locks.lock(here, |_, storage| Ok(Box::new(HostStorage(storage.read()?))))?;
        for (index, held) in locked.iter_mut() {
            memory.variables[*index] = match held.as_mut::<HostStorage>() {
                Some(changed) => changed.0.as_mut_ptr(),
                None => held.as_ref::<HostStorage>().expect("moved to the host").0.as_ptr().cast_mut(),
            };
        }
        // The pool is entered once, not by every kernel, and takes the locks along: it unlocks them when the kernels have
        // run. This thread may be a worker of another pool, which is handed other tasks while it waits.
        pool.install(move || {
            let _locked = locked;
            for task in tasks.iter_mut() {
                let start = profiled.then(Instant::now);
                // SAFETY: the storages are locked here.
                unsafe { task.run(memory, step, &**communicator)? };
                task.time += start.map_or(Duration::ZERO, |start| start.elapsed());
            }
            Ok(())
        })
    }

    fn read_output(&mut self, position: usize, values: &mut [f32]) -> Result<(), Error> {
        let slot = self.plan.outputs[position].0;
        let address = self.memory.address(slot);
        // SAFETY: outputs lie in the arena or are constants, and nothing writes either between runs.
        values.copy_from_slice(unsafe { std::slice::from_raw_parts(address, slot.len) });
        Ok(())
    }

    fn start_profile(&mut self) {
        self.profiled = true;
        self.tasks.iter_mut().for_each(|task| task.time = Duration::ZERO);
    }

    fn step_times(&mut self) -> Result<Vec<Duration>, Error> {
        let times = self.tasks.iter().map(|task| task.time);
        Ok(times.filter(|_| self.profiled).collect())
    }
}
