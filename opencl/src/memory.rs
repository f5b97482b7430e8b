//! Where a program's values lie on the device.

use std::any::Any;
use std::sync::Arc;

use autograd::compile::plan::{Place, Plan, Slot};
use autograd::{Storage, Variable};
use ocl::core::{self, Mem};

use crate::Error;
use crate::context::Context;

/// A program's buffers.
pub(crate) struct Memory {
    arena: Mem,
    constants: Vec<Mem>,
    /// Each Variable's buffer as the kernels know it; none before the first run.
    variables: Vec<Option<Mem>>,
}

impl Memory {
    pub fn new(context: &Context, plan: &Plan) -> Result<Self, Error> {
        let constant = |tensor: &Arc<autograd::Tensor>| context.upload("a constant", tensor.data());
        Ok(Memory {
            arena: context.allocate("the program", plan.arena)?,
            constants: plan.constants.iter().map(constant).collect::<Result<_, _>>()?,
            variables: vec![None; plan.variables.len()],
        })
    }

    /// The buffer that a slot lies in, and the element at which it begins.
    pub fn locate(&self, slot: Slot) -> (&Mem, usize) {
        match slot.place {
            Place::Arena(offset) => (&self.arena, offset),
            Place::Constant(index) => (&self.constants[index], 0),
            Place::Variable(index) => (self.variables[index].as_ref().expect("taken over before a run"), 0),
        }
    }

    /// Notes where a Variable lies; returns whether it has moved.
    pub fn place_variable(&mut self, index: usize, buffer: &Mem) -> bool {
        let known = self.variables[index].as_ref();
        let moved = known.is_none_or(|known| known.as_ptr() != buffer.as_ptr());
        if moved {
            // Kept: as long as it is, no other buffer can get its address.
            self.variables[index] = Some(buffer.clone());
        }
        moved
    }
}

/// A Variable's values on a device.
pub(crate) struct DeviceStorage {
    context: Arc<Context>,
    buffer: Mem,
    len: usize,
}

impl DeviceStorage {
    /// The buffer of a Variable on this device. One that another device holds is moved here.
    pub fn take_over(
        context: &Arc<Context>,
        variable: &Variable,
        storage: &mut Box<dyn Storage>,
    ) -> Result<Mem, autograd::Error> {
        if let Some(here) = storage.as_any_mut().downcast_mut::<DeviceStorage>()
            && Arc::ptr_eq(&here.context, context)
        {
            return Ok(here.buffer.clone());
        }
        let values = storage.read()?;
        let uploaded = context.upload("a Variable", &values);
        let buffer = uploaded.map_err(|error| error.on(&format!("{}, {:?}", context.facts().name, variable.name())))?;
        let here = DeviceStorage { context: context.clone(), buffer: buffer.clone(), len: values.len() };
        *storage = Box::new(here);
        Ok(buffer)
    }
}

impl Storage for DeviceStorage {
    fn read(&self) -> Result<Vec<f32>, autograd::Error> {
        let mut values = vec![0.0; self.len];
        self.context.read(&self.buffer, 0, &mut values).map_err(|error| error.on(&self.context.facts().name))?;
        Ok(values)
    }

    fn write(&mut self, values: &[f32]) -> Result<(), autograd::Error> {
        self.context.write(&self.buffer, 0, values).map_err(|error| error.on(&self.context.facts().name))
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

impl Context {
    /// Reads values when everything enqueued before is done.
    pub(crate) fn read(&self, buffer: &Mem, start: usize, values: &mut [f32]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: the call returns when the values are there.
        unsafe { core::enqueue_read_buffer(self.queue(), buffer, true, start, values, None::<()>, None::<()>)? };
        Ok(())
    }

    /// Writes values when everything enqueued before is done.
    pub(crate) fn write(&self, buffer: &Mem, start: usize, values: &[f32]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: the call returns when the values have been taken.
        unsafe { core::enqueue_write_buffer(self.queue(), buffer, true, start, values, None::<()>, None::<()>)? };
        Ok(())
    }
}
