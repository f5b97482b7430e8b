//! OpenCL as a backend: prepares a plan's kernels once and enqueues them at every run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use autograd::compile::Kernel;
use autograd::compile::plan::{Place, Plan, Slot, Step};
use autograd::{Arrival, Backend, Communicator, Executable, Locks, Storage};
use ocl::core::{self, Event, ProfilingInfo};

use crate::context::Context;
use crate::conv::Form;
use crate::launch::Launch;
use crate::memory::{DeviceStorage, Memory, Results, Uploads};
use crate::{Choice, Error, Facts, conv, fused, product, random, reduce, rows, views};

/// The OpenCL backend: a device with an in-order queue of its own.
pub struct OpenCl(Arc<Context>);

impl OpenCl {
    /// Opens a device.
    ///
    /// # Errors
    /// If there is no such device, or its driver fails.
    pub fn open(choice: Choice) -> Result<Self, Error> {
        Ok(OpenCl(Arc::new(Context::open(choice)?)))
    }

    /// Opens a device to run the kernels made for one of other facts: a GPU's kernels run on a CPU too, slowly.
    ///
    /// ```no_run
    /// use opencl::{Choice, Kind, OpenCl};
    /// let like_a_gpu = OpenCl::open_with(Choice::Best, |facts| facts.kind = Kind::Gpu)?;
    /// # Ok::<(), opencl::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](OpenCl::open).
    pub fn open_with(choice: Choice, adjust: impl FnOnce(&mut Facts)) -> Result<Self, Error> {
        Ok(OpenCl(Arc::new(Context::open(choice)?.taken_for(adjust))))
    }

    /// What its driver says about it.
    pub fn facts(&self) -> &Facts {
        self.0.facts()
    }
}

impl Backend for OpenCl {
    fn name(&self) -> String {
        self.facts().name.clone()
    }

    fn scratch(&self, kernel: &Kernel) -> usize {
        let facts = self.facts();
        match kernel {
            Kernel::MatMul { sizes, transpose_a, transpose_b, accumulate } => {
                product::scratch(facts, sizes, [*transpose_a, *transpose_b], *accumulate)
            }
            Kernel::Conv2d(sizes, accumulate) => conv::scratch(facts, Form::Forward, sizes, *accumulate),
            Kernel::Conv2dInput(sizes, accumulate) => conv::scratch(facts, Form::Input, sizes, *accumulate),
            Kernel::Conv2dFilter(sizes, accumulate) => conv::scratch(facts, Form::Filter, sizes, *accumulate),
            Kernel::Fused(fused) => fused::scratch(facts, fused),
            Kernel::Reduce { outer, reduced, inner, .. } => reduce::scratch(facts, [*outer, *reduced, *inner]),
            Kernel::Copy(_)
            | Kernel::Assemble(_)
            | Kernel::Gather { .. }
            | Kernel::Lookup(_)
            | Kernel::ScatterAdd { .. }
            | Kernel::Random(_)
            | Kernel::AllMean => 0,
        }
    }

    fn load(&self, plan: Plan, communicator: Arc<dyn Communicator>) -> Result<Box<dyn Executable>, autograd::Error> {
        let loaded = OpenClProgram::load(self.0.clone(), plan, communicator);
        Ok(Box::new(loaded.map_err(|error| error.on(&self.name()))?))
    }
}

/// Kernels count elements in 32 bits, of which rounding up to whole work-groups and rows may take the last one.
const MOST_ELEMENTS: usize = 1 << 31;

/// The launches of a step.
fn launches(context: &Context, step: &Step) -> Result<Vec<Launch>, Error> {
    let computed = if let Kernel::Fused(fused) = &step.kernel { fused.count } else { 0 };
    let slots = step.reads.iter().chain(&step.writes).chain(&step.scratch);
    let elements = slots.map(|slot| slot.len).fold(computed, usize::max);
    if elements > MOST_ELEMENTS {
        return Err(Error::TooManyElements { elements, most: MOST_ELEMENTS });
    }
    match &step.kernel {
        Kernel::MatMul { sizes, transpose_a, transpose_b, accumulate } => {
            product::launches(context, sizes, [*transpose_a, *transpose_b], *accumulate, step)
        }
        Kernel::Conv2d(sizes, accumulate) => conv::launches(context, Form::Forward, sizes, *accumulate, step),
        Kernel::Conv2dInput(sizes, accumulate) => conv::launches(context, Form::Input, sizes, *accumulate, step),
        Kernel::Conv2dFilter(sizes, accumulate) => conv::launches(context, Form::Filter, sizes, *accumulate, step),
        Kernel::Fused(fused) => fused::launches(context, fused, step),
        Kernel::Copy(view) => fused::launches(context, &views::as_group(view), step),
        Kernel::Assemble(boxes) => views::assemble(context, boxes, step),
        Kernel::Reduce { reduction, outer, reduced, inner } => {
            let (sizes, slots) = ([*outer, *reduced, *inner], [step.reads[0], step.writes[0]]);
            reduce::launches(context, *reduction, sizes, slots, step.scratch)
        }
        Kernel::Gather { width } => rows::gather(context, *width, step),
        Kernel::Lookup(table) => rows::look_up(context, table, step),
        Kernel::ScatterAdd { width } => rows::scatter_add(context, *width, step),
        Kernel::Random(random) => random::launches(context, random, step),
        Kernel::AllMean => Ok(Vec::new()), // by the host: see `OpenClProgram::run`
    }
}

/// A program on the device.
struct OpenClProgram {
    context: Arc<Context>,
    communicator: Arc<dyn Communicator>,
    plan: Plan,
    /// The launches of each step.
    launches: Vec<Vec<Launch>>,
    memory: Memory,
    uploads: Uploads,
    results: Results,
    locks: Locks,
    /// The time of each step, while it is measured.
    times: Option<Vec<Duration>>,
}

impl OpenClProgram {
    fn load(context: Arc<Context>, plan: Plan, communicator: Arc<dyn Communicator>) -> Result<Self, Error> {
        let memory = Memory::new(&context, &plan)?;
        fused::build(&context, &plan.steps)?;
        let launches = plan.steps.iter().map(|step| launches(&context, step)).collect::<Result<Vec<_>, _>>()?;
        let program = OpenClProgram {
            uploads: Uploads::default(),
            results: Results::default(),
            locks: plan.locks(),
            context,
            communicator,
            plan,
            launches,
            memory,
            times: None,
        };
        bind(&program.launches, &program.memory, |place| !matches!(place, Place::Variable(_)))?;
        Ok(program)
    }

    fn named(&self, error: Error) -> autograd::Error {
        error.on(&self.context.facts().name)
    }
}

/// Tells the kernels where the places lie for which `wanted` holds.
fn bind(launches: &[Vec<Launch>], memory: &Memory, wanted: fn(Place) -> bool) -> Result<(), Error> {
    launches.iter().flatten().try_for_each(|launch| launch.bind(memory, wanted))
}

/// Enqueues the launches of some steps, the first of which has this position in the plan. With `times`, waits for them and adds
/// the time of each step.
fn enqueue(
    context: &Context,
    launches: &[Vec<Launch>],
    first: usize,
    step: u64,
    times: Option<&mut Vec<Duration>>,
) -> Result<(), Error> {
    let Some(times) = times else {
        for launch in launches.iter().flatten() {
            launch.enqueue(context, step, None)?;
        }
        return Ok(core::flush(&context.queue())?);
    };
    let mut events = Vec::new();
    for (position, launches) in launches.iter().enumerate() {
        for launch in launches {
            let mut event = Event::null();
            launch.enqueue(context, step, Some(&mut event))?;
            events.push((first + position, event));
        }
    }
    core::finish(&context.queue())?;
    for (position, event) in events.into_iter().filter(|(_, event)| !event.is_null()) {
        let at = |what| Ok::<_, Error>(core::get_event_profiling_info(&event, what)?.time()?);
        let time = at(ProfilingInfo::End)?.saturating_sub(at(ProfilingInfo::Start)?);
        times[position] += Duration::from_nanos(time);
    }
    Ok(())
}

impl Executable for OpenClProgram {
    fn write_input(&mut self, position: usize, values: &[f32]) -> Result<(), autograd::Error> {
        let (buffer, start) = self.memory.locate(self.plan.inputs[position].slot);
        let sent = self.uploads.send(&self.context, buffer, start, values);
        sent.map_err(|error| self.named(error))
    }

    /// Where a mean over ranks is taken, the host waits for the values, and sends the means back.
    fn run(&mut self, step: u64) -> Result<(), autograd::Error> {
        let OpenClProgram { context, communicator, plan, launches, memory, locks, times, .. } = self;
        let on = |error: Error| error.on(&context.facts().name);
        let here = |storage: &dyn Storage| DeviceStorage::is_on(context, storage);
        let locked = locks.lock(here, |variable, storage| DeviceStorage::copy(context, variable, storage))?;
        let mut moved = false;
        for (index, held) in locked.iter() {
            let here = held.as_ref::<DeviceStorage>().expect("moved to the device");
            moved |= memory.place_variable(*index, here.buffer());
        }
        if moved {
            bind(launches, memory, |place| matches!(place, Place::Variable(_))).map_err(on)?;
        }
        let is_mean = |step: &Step| matches!(step.kernel, Kernel::AllMean);
        let mut first = 0;
        for steps in plan.steps.split_inclusive(is_mean) {
            enqueue(context, &launches[first..first + steps.len()], first, step, times.as_mut()).map_err(on)?;
            first += steps.len();
            if let Some(mean) = steps.last().filter(|step| is_mean(step)) {
                let begun = Instant::now();
                let (buffer, start) = memory.locate(mean.writes[0]);
                let mut values = vec![0.0; mean.writes[0].len];
                context.read(buffer, start, &mut values).map_err(on)?;
                communicator.all_mean(&mut values)?;
                context.write(buffer, start, &values).map_err(on)?;
                if let Some(times) = times {
                    times[first - 1] += begun.elapsed();
                }
            }
        }
        Ok(())
    }

    fn read_output(&mut self, position: usize, values: &mut [f32]) -> Result<(), autograd::Error> {
        let (buffer, start) = self.memory.locate(self.plan.outputs[position].0);
        self.context.read(buffer, start, values).map_err(|error| self.named(error))
    }

    fn send_outputs(&mut self, _: &[usize]) -> Result<Arrival, autograd::Error> {
        let slots: Vec<Slot> = self.plan.outputs.iter().map(|(slot, _)| *slot).collect();
        self.results.send(&self.context, &self.memory, &slots).map_err(|error| self.named(error))
    }

    fn start_profile(&mut self) {
        self.context.measure_times();
        self.times = Some(vec![Duration::ZERO; self.launches.len()]);
    }

    fn step_times(&mut self) -> Result<Vec<Duration>, autograd::Error> {
        Ok(self.times.clone().unwrap_or_default())
    }
}
