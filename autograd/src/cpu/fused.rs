//! Fused groups: a small machine whose registers are tiles of a few hundred elements. Each instruction is a vectorised
//! loop over a tile, and all registers of a group fit the first-level cache, so memory is read and written once.

use super::elementwise::apply;
use super::scratch::with_scratch;
use super::{for_each_tile, vectorised};
use crate::compile::kernel::{Access, Argument, Fused, View};
use crate::ops::Elementwise;

/// Elements of a register: 2 KiB, so that a dozen live registers leave room in a first-level cache of 32 KiB.
const TILE: usize = 512;
/// Elements that a task works on: long enough to be worth handing to another thread.
const TASK: usize = 16 * TILE;
/// A view has at most this many axes after axes that continue each other are joined.
const MAX_RANK: usize = 8;

/// A tile's worth of elements.
pub(super) type Register = [f32; TILE];

/// A group with its registers assigned.
#[derive(Debug)]
pub(super) struct FusedLoop {
    count: usize,
    /// Registers that hold one number throughout: constants.
    constants: Vec<(usize, f32)>,
    /// Registers that hold one number throughout: buffers of one element, by the position of the read.
    scalars: Vec<(usize, usize)>,
    actions: Vec<Action>,
    /// The register that goes to each buffer written. All are stored after everything was loaded, since a buffer written
    /// may be one that was read.
    stores: Vec<usize>,
    registers: usize,
}

#[derive(Debug)]
enum Action {
    /// Copies the tile of a buffer.
    Load { read: usize, to: usize },
    /// Collects the tile of a view.
    Collect { read: usize, walk: Walk, to: usize },
    /// Computes a tile.
    Compute { op: Elementwise, arguments: [usize; 3], to: usize },
}

/// Buffers' addresses. Elements `i` of the buffers written belong to the task that computes elements `i`.
#[derive(Clone, Copy)]
pub(super) struct Buffers<'a> {
    pub reads: &'a [*const f32],
    pub writes: &'a [*mut f32],
}

// SAFETY: tasks write disjoint ranges, and read a buffer that is written only in the range they write.
unsafe impl Send for Buffers<'_> {}
// SAFETY: as above.
unsafe impl Sync for Buffers<'_> {}

impl FusedLoop {
    /// Assigns registers: each value has one from its computation to its last use.
    pub fn new(fused: &Fused) -> Self {
        Allocation::new(fused).assign()
    }

    /// Runs the group.
    ///
    /// # Safety
    /// Each buffer must be valid for the elements that the group's accesses reach, and a buffer written may overlap a
    /// buffer read only if they are equal and the access is contiguous.
    pub unsafe fn run(&self, buffers: Buffers) {
        let work = self.count * self.actions.len();
        for_each_tile(self.count.div_ceil(TASK), work, |task| {
            with_scratch((self.registers + 1) * TILE, |scratch| {
                let aligned = scratch.as_ptr().align_offset(64);
                let (registers, _) = scratch[aligned..].as_chunks_mut::<TILE>();
                let elements = task * TASK..self.count.min((task + 1) * TASK);
                // SAFETY: the caller's promise; tasks cover disjoint ranges.
                vectorised(|| unsafe { self.run_task(registers, elements.start, elements.end, buffers) });
            });
        });
    }

    /// # Safety
    /// As for [`run`](Self::run); no other task may cover elements of `start..end`.
    #[inline(always)]
    unsafe fn run_task(&self, registers: &mut [Register], start: usize, end: usize, buffers: Buffers) {
        self.constants.iter().for_each(|&(register, value)| registers[register].fill(value));
        for &(register, read) in &self.scalars {
            // SAFETY: the buffer has an element.
            registers[register].fill(unsafe { *buffers.reads[read] });
        }
        for first in (start..end).step_by(TILE) {
            let len = TILE.min(end - first);
            for action in &self.actions {
                match action {
                    Action::Load { read, to } => {
                        // SAFETY: the buffer holds `count` elements, and this task alone writes these.
                        let tile = unsafe { std::slice::from_raw_parts(buffers.reads[*read].add(first), len) };
                        registers[*to][..len].copy_from_slice(tile);
                    }
                    // SAFETY: the view lies within the buffer.
                    Action::Collect { read, walk, to } => unsafe {
                        walk.collect(buffers.reads[*read], first, &mut registers[*to][..len]);
                    },
                    Action::Compute { op, arguments, to } => {
                        let registers = registers.as_mut_ptr();
                        // SAFETY: registers are in range, and the result's is none of the arguments'.
                        let (arguments, y) =
                            unsafe { (arguments.map(|i| &*registers.add(i)), &mut *registers.add(*to)) };
                        apply(*op, arguments, y);
                    }
                }
            }
            for (&register, &buffer) in self.stores.iter().zip(buffers.writes) {
                // SAFETY: the buffer holds `count` elements, these are this task's, and nothing else refers to them now.
                unsafe { std::slice::from_raw_parts_mut(buffer.add(first), len) }
                    .copy_from_slice(&registers[register][..len]);
            }
        }
    }
}

/// A view's elements in flat order, its axes joined where they continue each other.
#[derive(Debug)]
struct Walk {
    offset: usize,
    /// Extent and stride, outermost first; at least one.
    axes: Vec<(usize, usize)>,
}

impl Walk {
    fn new(view: &View) -> Self {
        let mut axes: Vec<(usize, usize)> = Vec::new();
        for (&extent, &stride) in view.shape.iter().zip(&view.strides).filter(|&(&extent, _)| extent != 1) {
            match axes.last_mut() {
                Some(outer) if outer.1 == extent * stride => *outer = (outer.0 * extent, stride),
                _ => axes.push((extent, stride)),
            }
        }
        if axes.is_empty() {
            axes.push((1, 0));
        }
        assert!(axes.len() <= MAX_RANK, "a view of more than {MAX_RANK} axes");
        Walk { offset: view.offset, axes }
    }

    /// Whether the view is one element repeated.
    fn is_scalar(&self) -> bool {
        self.offset == 0 && self.axes.iter().all(|&(_, stride)| stride == 0)
    }

    /// Fills `tile` with the elements from flat index `first` on.
    ///
    /// # Safety
    /// The view must lie within the buffer at `x`.
    #[inline(always)]
    unsafe fn collect(&self, x: *const f32, first: usize, tile: &mut [f32]) {
        let (&(inner, stride), outer) = self.axes.split_last().expect("at least one axis");
        let mut index = [0; MAX_RANK];
        let (mut rest, mut at) = (first / inner, self.offset);
        for (axis, &(extent, stride)) in outer.iter().enumerate().rev() {
            index[axis] = rest % extent;
            at += index[axis] * stride;
            rest /= extent;
        }
        let (mut column, mut filled) = (first % inner, 0);
        while filled < tile.len() {
            let run = (inner - column).min(tile.len() - filled);
            // SAFETY: the caller's promise.
            let source = unsafe { x.add(at + column * stride) };
            for (i, y) in tile[filled..filled + run].iter_mut().enumerate() {
                // SAFETY: as above.
                *y = unsafe { *source.add(i * stride) };
            }
            (column, filled) = (0, filled + run);
            for (axis, &(extent, stride)) in outer.iter().enumerate().rev() {
                index[axis] += 1;
                at += stride;
                if index[axis] < extent {
                    break;
                }
                at -= extent * stride;
                index[axis] = 0;
            }
        }
    }
}

/// Register assignment in progress. Values are numbered as in [`Fused`]: loads first, then instructions.
struct Allocation<'a> {
    fused: &'a Fused,
    /// For each value, the last instruction that uses it; stored values are used at the end.
    last_use: Vec<usize>,
    register_of: Vec<Option<usize>>,
    free: Vec<usize>,
    result: FusedLoop,
}

impl<'a> Allocation<'a> {
    fn new(fused: &'a Fused) -> Self {
        let mut last_use = vec![0; fused.loads.len() + fused.instructions.len()];
        for (at, instruction) in fused.instructions.iter().enumerate() {
            for argument in &instruction.arguments {
                if let Argument::Register(value) = *argument {
                    last_use[value] = at;
                }
            }
        }
        fused.stores.iter().for_each(|&value| last_use[value] = usize::MAX);
        let (constants, scalars, actions) = (Vec::new(), Vec::new(), Vec::new());
        let result = FusedLoop { count: fused.count, constants, scalars, actions, stores: Vec::new(), registers: 0 };
        Allocation { register_of: vec![None; last_use.len()], last_use, fused, free: Vec::new(), result }
    }

    fn assign(mut self) -> FusedLoop {
        for (at, instruction) in self.fused.instructions.iter().enumerate() {
            let mut arguments = [0; 3];
            for (register, argument) in arguments.iter_mut().zip(&instruction.arguments) {
                *register = match *argument {
                    Argument::Constant(value) => self.constant(value),
                    Argument::Register(value) => self.value(value),
                };
            }
            // The result's register is taken before the arguments' are given back: it is none of theirs.
            let to = self.take();
            self.register_of[self.fused.loads.len() + at] = Some(to);
            self.result.actions.push(Action::Compute { op: instruction.op, arguments, to });
            self.give_back(at, instruction.arguments.iter().copied());
        }
        self.result.stores =
            self.fused.stores.iter().map(|&value| self.register_of[value].expect("computed")).collect();
        self.result
    }

    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.result.registers += 1;
            self.result.registers - 1
        })
    }

    fn constant(&mut self, value: f32) -> usize {
        let same = |&&(_, known): &&(usize, f32)| known.to_bits() == value.to_bits();
        if let Some(&(register, _)) = self.result.constants.iter().find(same) {
            return register;
        }
        let register = self.fresh();
        self.result.constants.push((register, value));
        register
    }

    /// A register that no other value ever has.
    fn fresh(&mut self) -> usize {
        self.result.registers += 1;
        self.result.registers - 1
    }

    /// The register of a value; a buffer is loaded right before its first use.
    fn value(&mut self, value: usize) -> usize {
        if let Some(register) = self.register_of[value] {
            return register;
        }
        let register = match &self.fused.loads[value] {
            Access::Contiguous => {
                let to = self.take();
                self.result.actions.push(Action::Load { read: value, to });
                to
            }
            Access::Strided(view) => {
                let walk = Walk::new(view);
                if walk.is_scalar() {
                    self.last_use[value] = usize::MAX;
                    let to = self.fresh();
                    self.result.scalars.push((to, value));
                    to
                } else {
                    let to = self.take();
                    self.result.actions.push(Action::Collect { read: value, walk, to });
                    to
                }
            }
        };
        self.register_of[value] = Some(register);
        register
    }

    fn give_back(&mut self, at: usize, arguments: impl Iterator<Item = Argument>) {
        for argument in arguments {
            if let Argument::Register(value) = argument {
                if self.last_use[value] == at {
                    self.free.extend(self.register_of[value]);
                    self.last_use[value] = usize::MAX; // an argument used twice is given back once
                }
            }
        }
    }
}
