//! OpenCL as a backend: prepares a plan's kernels once and enqueues them at every run.

use std::sync::Arc;
use std::time::Duration;

use autograd::compile::Kernel;
use autograd::compile::plan::{Place, Plan, Slot, Step};
use autograd::{Arrival, Backend, Executable, Variable};
use ocl::core::{self, Event, ProfilingInfo};

use crate::context::Context;
use crate::conv::View;
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
            Kernel::MatMul { sizes, transpose_a, transpose_b, .. } => {
                product::scratch(facts, sizes, [*transpose_a, *transpose_b])
            }
            Kernel::Conv2d(sizes, _) => conv::scratch(facts, View::Forward, sizes),
            Kernel::Conv2dInput(sizes, _) => conv::scratch(facts, View::Input, sizes),
            Kernel::Conv2dFilter(sizes, _) => conv::scratch(facts, View::Filter, sizes),
            Kernel::Fused(fused) => fused::scratch(facts, fused),
            Kernel::Reduce { outer, reduced, inner, .. } => reduce::scratch(facts, [*outer, *reduced, *inner]),
            Kernel::Copy(_)
            | Kernel::Assemble(_)
            | Kernel::Gather { .. }
            | Kernel::Lookup(_)
            | Kernel::ScatterAdd { .. }
            | Kernel::Random(_) => 0,
        }
    }

    fn load(&self, plan: Plan) -> Result<Box<dyn Executable>, autograd::Error> {
        let loaded = OpenClProgram::load(self.0.clone(), plan);
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
        Kernel::Conv2d(sizes, accumulate) => conv::launches(context, View::Forward, sizes, *accumulate, step),
        Kernel::Conv2dInput(sizes, accumulate) => conv::launches(context, View::Input, sizes, *accumulate, step),
        Kernel::Conv2dFilter(sizes, accumulate) => conv::launches(context, View::Filter, sizes, *accumulate, step),
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
    }
}

/// A program on the device.
struct OpenClProgram {
    context: Arc<Context>,
    plan: Plan,
    /// The launches of each step.
    launches: Vec<Vec<Launch>>,
    memory: Memory,
    uploads: Uploads,
    results: Results,
    /// The Variables with their positions in the plan, ordered by age.
    locked: Vec<(usize, Variable)>,
    /// The time of each step, while it is measured.
    times: Option<Vec<Duration>>,
}

impl OpenClProgram {
    fn load(context: Arc<Context>, plan: Plan) -> Result<Self, Error> {
        let memory = Memory::new(&context, &plan)?;
        fused::build(&context, &plan.steps)?;
        let launches = plan.steps.iter().map(|step| launches(&context, step)).collect::<Result<Vec<_>, _>>()?;
        let mut locked: Vec<(usize, Variable)> = plan.variables.iter().cloned().enumerate().collect();
        locked.sort_by_key(|(_, variable)| variable.id());
        let program = OpenClProgram {
            uploads: Uploads::default(),
            results: Results::default(),
            context,
            plan,
            launches,
            memory,
            locked,
            times: None,
        };
        program.bind(|place| !matches!(place, Place::Variable(_)))?;
        Ok(program)
    }

    /// Tells the kernels where the places lie for which `wanted` holds.
    fn bind(&self, wanted: fn(Place) -> bool) -> Result<(), Error> {
        self.launches.iter().flatten().try_for_each(|launch| launch.bind(&self.memory, wanted))
    }

    /// Enqueues all launches.
    fn enqueue(&mut self, step: u64) -> Result<(), Error> {
        let Some(times) = &mut self.times else {
            for launch in self.launches.iter().flatten() {
                launch.enqueue(&self.context, step, None)?;
            }
            return Ok(core::flush(&self.context.queue())?);
        };
        let mut events = Vec::new();
        for (position, launches) in self.launches.iter().enumerate() {
            for launch in launches {
                let mut event = Event::null();
                launch.enqueue(&self.context, step, Some(&mut event))?;
                events.push((position, event));
            }
        }
        core::finish(&self.context.queue())?;
        for (position, event) in events.into_iter().filter(|(_, event)| !event.is_null()) {
            let at = |what| Ok::<_, Error>(core::get_event_profiling_info(&event, what)?.time()?);
            let time = at(ProfilingInfo::End)?.saturating_sub(at(ProfilingInfo::Start)?);
            times[position] += Duration::from_nanos(time);
        }
        Ok(())
    }

    /// Calls `body` while the Variables' storages are locked and lie on this device. They are locked oldest first, so
    /// that programs which share Variables never wait for each other in a circle.
    fn with_variables(
        &mut self,
        position: usize,
        moved: bool,
        body: &mut dyn FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), autograd::Error> {
        let Some((index, variable)) = self.locked.get(position).cloned() else {
            let bound = if moved { self.bind(|place| matches!(place, Place::Variable(_))) } else { Ok(()) };
            return bound.and_then(|()| body(self)).map_err(|error| self.named(error));
        };
        let mut storage = variable.storage_mut();
        let buffer = DeviceStorage::take_over(&self.context, &variable, &mut storage)?;
        let moved = self.memory.place_variable(index, &buffer) || moved;
        self.with_variables(position + 1, moved, body)
    }

    fn named(&self, error: Error) -> autograd::Error {
        error.on(&self.context.facts().name)
    }
}

impl Executable for OpenClProgram {
    fn write_input(&mut self, position: usize, values: &[f32]) -> Result<(), autograd::Error> {
        let (buffer, start) = self.memory.locate(self.plan.inputs[position].slot);
        let sent = self.uploads.send(&self.context, buffer, start, values);
        sent.map_err(|error| self.named(error))
    }

    fn run(&mut self, step: u64) -> Result<(), autograd::Error> {
        self.with_variables(0, false, &mut |program| program.enqueue(step))
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
