//! Where a program's values lie on the device.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use autograd::compile::plan::{Place, Plan, Slot};
use autograd::{Storage, Variable};
use ocl::core::{self, Event, Mem};

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

/// Values on their way to the device, which are kept until they are there: the host need not wait.
#[derive(Default)]
pub(crate) struct Uploads(VecDeque<(Event, Vec<f32>)>);

impl Uploads {
    /// With more under way, the host waits for the oldest.
    const MOST: usize = 16;

    /// Enqueues a copy of values to a buffer.
    pub fn send(&mut self, context: &Context, buffer: &Mem, start: usize, values: &[f32]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        let mut sent = match self.0.len() < Self::MOST {
            true => Vec::new(),
            false => self.finish_oldest()?,
        };
        sent.clear();
        sent.extend_from_slice(values);
        let mut event = Event::null();
        // SAFETY: the copy's memory is kept until the event tells that it has been read.
        unsafe {
            core::enqueue_write_buffer(&context.queue(), buffer, false, start, &sent, None::<()>, Some(&mut event))?;
        }
        self.0.push_back((event, sent));
        Ok(())
    }

    fn finish_oldest(&mut self) -> Result<Vec<f32>, Error> {
        let Some((event, sent)) = self.0.pop_front() else { return Ok(Vec::new()) };
        if let Err(error) = core::wait_for_event(&event) {
            std::mem::forget(sent); // the device may still read it
            return Err(error.into());
        }
        Ok(sent)
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        while !self.0.is_empty() {
            let _ = self.finish_oldest();
        }
    }
}

/// Buffers that results wait in for the host to fetch them, while further runs go on.
#[derive(Clone, Default)]
pub(crate) struct Results(Arc<Mutex<Vec<Mem>>>);

impl Results {
    /// Enqueues copies of these slots, and returns what fetches them.
    pub fn send(&self, context: &Arc<Context>, memory: &Memory, slots: &[Slot]) -> Result<autograd::Arrival, Error> {
        let len: usize = slots.iter().map(|slot| slot.len).sum();
        let free = self.free().pop();
        let buffer = free.map_or_else(|| context.allocate("results", len), Ok)?;
        let (mut copied, mut start) = (Event::null(), 0);
        for slot in slots.iter().filter(|slot| slot.len > 0) {
            let (from, at) = memory.locate(*slot);
            copied = Event::null(); // the queue is in order: the last copy is done when all are
            let event = Some(&mut copied);
            core::enqueue_copy_buffer::<f32, _, _, _>(
                &context.queue(),
                from,
                &buffer,
                at,
                start,
                slot.len,
                None::<()>,
                event,
            )?;
            start += slot.len;
        }
        core::flush(&context.queue())?;
        let (context, results, lens) = (context.clone(), self.clone(), slots.iter().map(|slot| slot.len));
        let lens: Vec<usize> = lens.collect();
        Ok(Box::new(move || {
            let mut values = vec![0.0; lens.iter().sum()];
            if !values.is_empty() {
                context.fetch(&buffer, &mut values, &copied).map_err(|error| error.on(&context.facts().name))?;
            }
            results.free().push(buffer);
            let mut rest = &values[..];
            let split = |&len: &usize| {
                let (one, others) = rest.split_at(len);
                rest = others;
                one.to_vec()
            };
            Ok(lens.iter().map(split).collect())
        }))
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Mem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A Variable's values on a device.
pub(crate) struct DeviceStorage {
    context: Arc<Context>,
    buffer: Mem,
    len: usize,
}

impl DeviceStorage {
    /// Whether a Variable's values lie on this device.
    pub fn is_on(context: &Arc<Context>, storage: &dyn Storage) -> bool {
        let lies_here = |storage: &DeviceStorage| Arc::ptr_eq(&storage.context, context);
        (storage as &dyn Any).downcast_ref().is_some_and(lies_here)
    }

    /// A copy of them on this device, whatever other one holds them.
    pub fn copy(
        context: &Arc<Context>,
        variable: &Variable,
        storage: &dyn Storage,
    ) -> Result<Box<dyn Storage>, autograd::Error> {
        let values = storage.read()?;
        let uploaded = context.upload("a Variable", &values);
        let buffer = uploaded.map_err(|error| error.on(&format!("{}, {:?}", context.facts().name, variable.name())))?;
        Ok(Box::new(DeviceStorage { context: context.clone(), buffer, len: values.len() }))
    }

    pub fn buffer(&self) -> &Mem {
        &self.buffer
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
}

impl Context {
    /// Reads values when everything enqueued before is done.
    pub(crate) fn read(&self, buffer: &Mem, start: usize, values: &mut [f32]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: the call returns when the values are there.
        unsafe { core::enqueue_read_buffer(&self.queue(), buffer, true, start, values, None::<()>, None::<()>)? };
        Ok(())
    }

    /// Reads values as soon as `ready` has happened, whatever is enqueued after that.
    fn fetch(&self, buffer: &Mem, values: &mut [f32], ready: &Event) -> Result<(), Error> {
        // SAFETY: the call returns when the values are there.
        unsafe { core::enqueue_read_buffer(self.transfers(), buffer, true, 0, values, Some(ready), None::<()>)? };
        Ok(())
    }

    /// Writes values when everything enqueued before is done.
    pub(crate) fn write(&self, buffer: &Mem, start: usize, values: &[f32]) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: the call returns when the values have been taken.
        unsafe { core::enqueue_write_buffer(&self.queue(), buffer, true, start, values, None::<()>, None::<()>)? };
        Ok(())
    }
}
