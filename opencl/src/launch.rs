//! One kernel with its arguments and its extents: prepared when a program is loaded, enqueued at every run.

use autograd::compile::plan::{Place, Slot};
use ocl::core::{self, ArgVal, Event, Kernel, Mem, Program};

use crate::Error;
use crate::context::Context;
use crate::memory::Memory;

/// An argument of a kernel.
#[derive(Clone, Debug)]
pub enum Argument {
    /// Two parameters: `global float *x` and `ulong x_start`, the element at which the values begin.
    Slot(Slot),
    /// `global const uchar *`, or a buffer of anything else.
    Buffer(Mem),
    /// `uint`.
    UInt(u32),
    /// `ulong`.
    ULong(u64),
    /// `local` memory of this many bytes.
    Local(usize),
    /// `ulong`: the program's step.
    Step,
}

/// An extent, a stride or a place as the kernels know it.
pub(crate) fn narrow(value: usize) -> u32 {
    u32::try_from(value).expect("programs with larger values are refused when they are loaded")
}

/// The same as an argument.
pub(crate) fn uint(value: usize) -> Argument {
    Argument::UInt(narrow(value))
}

/// How many work-items run, and how many of them form a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Work-items along each axis. They are rounded up to whole groups: kernels ask whether they are within bounds.
    pub global: [usize; 3],
    /// Work-items of a group.
    pub group: [usize; 3],
}

impl Range {
    /// Along one axis.
    pub fn line(items: usize, group: usize) -> Self {
        Range { global: [items, 1, 1], group: [group, 1, 1] }
    }

    /// Along two axes.
    pub fn plane(items: [usize; 2], group: [usize; 2]) -> Self {
        Range { global: [items[0], items[1], 1], group: [group[0], group[1], 1] }
    }
}

/// A kernel, ready to be enqueued.
pub struct Launch {
    kernel: Kernel,
    /// The slots, by the position of their first parameter.
    slots: Vec<(u32, Slot)>,
    /// The parameter that is the program's step.
    step: Option<u32>,
    /// Kept alive: a kernel does not hold its buffers.
    _buffers: Vec<Mem>,
    range: Range,
}

impl Launch {
    /// The kernel of this name with these arguments.
    ///
    /// # Errors
    /// If there is no such kernel, or it has other parameters.
    pub fn new(program: &Program, kernel: &str, arguments: Vec<Argument>, range: Range) -> Result<Self, Error> {
        let kernel = core::create_kernel(program, kernel)?;
        let (mut slots, mut buffers, mut step, mut at) = (Vec::new(), Vec::new(), None, 0);
        for argument in arguments {
            match argument {
                Argument::Slot(slot) => {
                    slots.push((at, slot));
                    at += 1;
                }
                Argument::Buffer(buffer) => {
                    core::set_kernel_arg(&kernel, at, ArgVal::mem(&buffer))?;
                    buffers.push(buffer);
                }
                Argument::UInt(value) => core::set_kernel_arg(&kernel, at, ArgVal::scalar(&value))?,
                Argument::ULong(value) => core::set_kernel_arg(&kernel, at, ArgVal::scalar(&value))?,
                Argument::Local(bytes) => core::set_kernel_arg(&kernel, at, ArgVal::local::<u8>(&bytes))?,
                Argument::Step => step = Some(at),
            }
            at += 1;
        }
        Ok(Launch { kernel, slots, step, _buffers: buffers, range })
    }

    /// Sets the arguments that lie in places for which `wanted` holds.
    pub(crate) fn bind(&self, memory: &Memory, wanted: impl Fn(Place) -> bool) -> Result<(), Error> {
        for &(at, slot) in self.slots.iter().filter(|(_, slot)| wanted(slot.place)) {
            let (buffer, start) = memory.locate(slot);
            core::set_kernel_arg(&self.kernel, at, ArgVal::mem(buffer))?;
            core::set_kernel_arg(&self.kernel, at + 1, ArgVal::scalar(&(start as u64)))?;
        }
        Ok(())
    }

    /// Enqueues it. With `event`, that will know when it ran.
    pub(crate) fn enqueue(&self, context: &Context, step: u64, event: Option<&mut Event>) -> Result<(), Error> {
        let Range { global, group } = self.range;
        if global.contains(&0) {
            return Ok(());
        }
        if let Some(at) = self.step {
            core::set_kernel_arg(&self.kernel, at, ArgVal::scalar(&step))?;
        }
        let global: [usize; 3] = std::array::from_fn(|axis| global[axis].next_multiple_of(group[axis]));
        // SAFETY: every argument is set, and every kernel stays within the slots it is given.
        unsafe {
            core::enqueue_kernel(&context.queue(), &self.kernel, 3, None, &global, Some(group), None::<()>, event)?;
        }
        Ok(())
    }
}
