//! Fused groups: a small machine whose registers are tiles of a few hundred elements. Each instruction is a vectorised
//! loop over a tile, and all registers of a group fit the first-level cache, so memory is read and written once.

use std::ops::{Add, Range};

use super::elementwise::{self, Register, TILE, apply};
use super::pairwise::sum_rows;
use super::reduce::{SHORT, fold_in_half, fold_short_rows};
use super::scratch::with_scratch;
use super::{for_each_tile, vectorised};
use crate::compile::kernel::{Access, Argument, Fused, FusedSum, SumOver, View};
use crate::ops::Elementwise;

/// Elements that a task works on: long enough to be worth handing to another thread.
const TASK: usize = 16 * TILE;

/// Numbers that are added up side by side.
const LANES: usize = 32;

/// A group with its registers assigned.
#[derive(Debug)]
pub(super) struct FusedLoop {
    count: usize,
    actions: Vec<Action>,
    /// The register that goes to each buffer written. All are stored after everything was loaded, since a buffer written
    /// may be one that was read.
    stores: Vec<usize>,
    /// The sums, each to a buffer written after the stores'. A task adds its tiles up in order, the tasks' sums are added up
    /// pairwise.
    sums: Vec<FusedSum>,
    registers: usize,
    /// Elements of a task: whole rows, where the group sums rows.
    task: usize,
}

#[derive(Debug)]
enum Action {
    /// Copies the end of a buffer that fills no tile. Whole tiles are read where they lie.
    Load { read: usize, to: usize },
    /// Collects the tile of a view.
    Collect { read: usize, walk: Walk, to: usize },
    /// Computes a tile.
    Compute { op: Elementwise, arguments: [Source; 3], to: usize },
}

/// Where an argument is.
#[derive(Clone, Copy, Debug)]
enum Source {
    Register(usize),
    /// A buffer read contiguously: whole tiles are read in place, the end of the buffer is loaded into the register.
    InPlace {
        read: usize,
        register: usize,
    },
    /// The first element of a buffer.
    Scalar(usize),
    Constant(f32),
}

/// The partial sums that a group's tasks leave for the end: a row of columns for each task and sum over rows.
pub(super) fn scratch(fused: &Fused) -> usize {
    let columns = |sum: &FusedSum| if let SumOver::Rows(columns) = sum.over { columns } else { 0 };
    fused.count.div_ceil(task(fused)) * fused.sums.iter().map(columns).sum::<usize>()
}

fn task(fused: &Fused) -> usize {
    let row = fused.sums.iter().find_map(|sum| if let SumOver::Row(row) = sum.over { Some(row) } else { None });
    row.map_or(TASK, |row| TASK / row * row)
}

/// Buffers' addresses. Elements `i` of the buffers written belong to the task that computes elements `i`.
#[derive(Clone, Copy)]
pub(super) struct Buffers<'a> {
    pub reads: &'a [*const f32],
    /// First the stores', then the sums'.
    pub writes: &'a [*mut f32],
    /// The partial sums, task by task.
    pub scratch: *mut f32,
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
        let tasks = self.count.div_ceil(self.task);
        for_each_tile(tasks, work, |task| {
            with_scratch(self.registers * TILE, |scratch| {
                let (registers, _) = scratch.as_chunks_mut::<TILE>();
                vectorised(
                    #[inline(always)]
                    // SAFETY: the caller's promise; tasks cover disjoint ranges.
                    || unsafe { self.run_task(registers, task, buffers) },
                );
            });
        });
        // SAFETY: as above, and all tasks are done.
        unsafe { self.add_partial_sums(tasks, buffers) };
    }

    /// # Safety
    /// As for [`run`](Self::run); every task runs once.
    #[inline(always)]
    unsafe fn run_task(&self, registers: &mut [Register], task: usize, buffers: Buffers) {
        let (start, end) = (task * self.task, self.count.min((task + 1) * self.task));
        for first in (start..end).step_by(TILE) {
            let elements = first..end.min(first + TILE);
            // SAFETY: the caller's promise; the elements are this task's.
            unsafe {
                self.compute(registers, elements.clone(), buffers);
                self.store(registers, elements.clone(), buffers);
                self.add_sums(registers, elements, task, buffers);
            }
        }
    }

    /// Computes a tile of all values. Buffers are written only afterwards.
    ///
    /// # Safety
    /// As for [`run`](Self::run); nothing may write these elements of the buffers meanwhile.
    #[inline(always)]
    unsafe fn compute(&self, registers: &mut [Register], elements: Range<usize>, buffers: Buffers) {
        let (first, len) = (elements.start, elements.len());
        for action in &self.actions {
            match action {
                Action::Load { .. } if len == TILE => {}
                Action::Load { read, to } => {
                    // SAFETY: the buffer holds `count` elements.
                    let tile = unsafe { std::slice::from_raw_parts(buffers.reads[*read].add(first), len) };
                    registers[*to][..len].copy_from_slice(tile);
                }
                // SAFETY: the view lies within the buffer.
                Action::Collect { read, walk, to } => unsafe {
                    walk.collect(buffers.reads[*read], first, &mut registers[*to][..len]);
                },
                Action::Compute { op, arguments, to } => {
                    let registers = registers.as_mut_ptr();
                    // SAFETY: registers and whole tiles are in range, and the result's register is none of the
                    // arguments'.
                    let argument = |source: &Source| unsafe {
                        elementwise::Argument::Tile(match source {
                            Source::InPlace { read, .. } if len == TILE => &*buffers.reads[*read].add(first).cast(),
                            Source::Register(register) | Source::InPlace { register, .. } => &*registers.add(*register),
                            Source::Scalar(read) => return elementwise::Argument::Number(*buffers.reads[*read]),
                            Source::Constant(value) => return elementwise::Argument::Number(*value),
                        })
                    };
                    // SAFETY: as above.
                    let result = unsafe { &mut *registers.add(*to) };
                    let [a, b, c] = arguments;
                    apply(*op, argument(a), argument(b), argument(c), result);
                }
            }
        }
    }

    /// Puts a computed tile where it belongs.
    ///
    /// # Safety
    /// As for [`run`](Self::run); nothing else may refer to these elements of the buffers written.
    #[inline(always)]
    unsafe fn store(&self, registers: &[Register], elements: Range<usize>, buffers: Buffers) {
        for (&register, &buffer) in self.stores.iter().zip(buffers.writes) {
            // SAFETY: the buffer holds `count` elements, and the caller promises the rest.
            unsafe { std::slice::from_raw_parts_mut(buffer.add(elements.start), elements.len()) }
                .copy_from_slice(&registers[register][..elements.len()]);
        }
    }

    /// Adds a computed tile to the sums of its rows and to the task's sums over rows.
    ///
    /// # Safety
    /// As for [`run`](Self::run); the elements must be the task's.
    #[inline(always)]
    unsafe fn add_sums(&self, registers: &[Register], elements: Range<usize>, task: usize, buffers: Buffers) {
        let mut partial = task * self.columns();
        for (sum, &y) in self.sums.iter().zip(&buffers.writes[self.stores.len()..]) {
            let tile = &registers[sum.register][..elements.len()];
            match sum.over {
                // SAFETY: rows do not cross tasks, and there is a result for each.
                SumOver::Row(row) => unsafe { add_to_rows(tile, elements.start, row, y) },
                SumOver::Rows(columns) => {
                    // SAFETY: the scratch memory holds a row of columns for each task and sum.
                    let sums = unsafe { std::slice::from_raw_parts_mut(buffers.scratch.add(partial), columns) };
                    if elements.start == task * self.task {
                        sums.fill(0.0);
                    }
                    add_to_columns(tile, elements.start % columns, sums);
                    partial += columns;
                }
            }
        }
    }

    /// The number of partial sums of a task.
    fn columns(&self) -> usize {
        self.sums.iter().map(|sum| if let SumOver::Rows(columns) = sum.over { columns } else { 0 }).sum()
    }

    /// Adds up the tasks' partial sums.
    ///
    /// # Safety
    /// As for [`run`](Self::run), after all tasks.
    unsafe fn add_partial_sums(&self, tasks: usize, buffers: Buffers) {
        let stride = self.columns();
        // SAFETY: the scratch memory holds the partial sums of each task.
        let partials = unsafe { std::slice::from_raw_parts_mut(buffers.scratch, tasks * stride) };
        let mut totals = &*sum_rows(partials, stride);
        for (sum, &y) in self.sums.iter().zip(&buffers.writes[self.stores.len()..]) {
            let SumOver::Rows(columns) = sum.over else { continue };
            // SAFETY: a result for each column.
            let y = unsafe { std::slice::from_raw_parts_mut(y, columns) };
            match totals.split_off(..columns) {
                Some(total) => y.copy_from_slice(total),
                None => y.fill(0.0), // no tasks
            }
        }
    }
}

/// Adds a tile's elements, from flat index `first` on, to the sums of the rows they lie in; a row's first element starts
/// its sum.
///
/// # Safety
/// There must be a result at `y` for each row that the tile reaches.
#[inline(always)]
unsafe fn add_to_rows(tile: &[f32], first: usize, row: usize, y: *mut f32) {
    let mut at = 0;
    while at < tile.len() {
        let (index, column) = ((first + at) / row, (first + at) % row);
        let short = tile[at..].chunks_exact(row).len();
        if row <= SHORT && column == 0 && short > 0 {
            // SAFETY: the caller's promise.
            let y = unsafe { std::slice::from_raw_parts_mut(y.add(index), short) };
            fold_short_rows(&tile[at..at + short * row], row, y, 0.0, f32::add);
            at += short * row;
            continue;
        }
        let run = (row - column).min(tile.len() - at);
        // SAFETY: the caller's promise.
        let y = unsafe { &mut *y.add(index) };
        *y = if column == 0 { 0.0 } else { *y } + sum(&tile[at..at + run]);
        at += run;
    }
}

/// Adds a tile's elements to the sums of the columns they lie in, the first one in the given column.
#[inline(always)]
fn add_to_columns(tile: &[f32], column: usize, sums: &mut [f32]) {
    if let [total] = sums {
        *total += sum(tile);
        return;
    }
    let add = |(sum, x): (&mut f32, &f32)| *sum += x;
    let (start, rest) = tile.split_at(tile.len().min(sums.len() - column));
    sums[column..].iter_mut().zip(start).for_each(add);
    // Several narrow rows are read as a wide one.
    let mut wide = [0.0; 2 * LANES];
    match wide.len() / sums.len() {
        0 | 1 => rest.chunks(sums.len()).for_each(|row| sums.iter_mut().zip(row).for_each(add)),
        together => {
            let wide = &mut wide[..together * sums.len()];
            rest.chunks(wide.len()).for_each(|rows| wide.iter_mut().zip(rows).for_each(add));
            let total = sum_rows(wide, sums.len());
            sums.iter_mut().zip(&*total).for_each(add);
        }
    }
}

/// The sum of a tile's elements, in lanes that are added up pairwise.
#[inline(always)]
fn sum(x: &[f32]) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane = *x);
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
    }
    fold_in_half(lanes, f32::add)
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
        let (mut row, mut column, mut filled) = (first / inner, first % inner, 0);
        let (mut rest, mut at) = (row, self.offset);
        for &(extent, stride) in outer.iter().rev() {
            at += rest % extent * stride;
            rest /= extent;
        }
        while filled < tile.len() {
            let run = (inner - column).min(tile.len() - filled);
            // SAFETY: the caller's promise.
            let source = unsafe { x.add(at + column * stride) };
            let run_of = |stride: usize, tile: &mut [f32]| {
                // SAFETY: as above.
                tile.iter_mut().enumerate().for_each(|(i, y)| *y = unsafe { *source.add(i * stride) });
            };
            match (stride, &mut tile[filled..filled + run]) {
                (0, tile) => run_of(0, tile), // with steps known to the compiler: a fill and a copy
                (1, tile) => run_of(1, tile),
                (_, tile) => run_of(stride, tile),
            }
            (row, column, filled) = (row + 1, 0, filled + run);
            let mut rest = row;
            for &(extent, stride) in outer.iter().rev() {
                at += stride;
                if !rest.is_multiple_of(extent) {
                    break;
                }
                at -= extent * stride;
                rest /= extent;
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
        let summed = fused.sums.iter().map(|sum| &sum.register);
        fused.stores.iter().chain(summed).for_each(|&value| last_use[value] = usize::MAX);
        let (actions, stores, sums) = (Vec::new(), Vec::new(), Vec::new());
        let result = FusedLoop { count: fused.count, actions, stores, sums, registers: 0, task: task(fused) };
        Allocation { register_of: vec![None; last_use.len()], last_use, fused, free: Vec::new(), result }
    }

    fn assign(mut self) -> FusedLoop {
        for (at, instruction) in self.fused.instructions.iter().enumerate() {
            let mut arguments = [Source::Constant(0.0); 3];
            for (source, argument) in arguments.iter_mut().zip(&instruction.arguments) {
                *source = self.source(*argument);
            }
            // Arguments that an operation does not have repeat its first, so that none is the result's register.
            let first = arguments[0];
            arguments[instruction.arguments.len()..].fill(first);
            // The result's register is taken before the arguments' are given back: it is none of theirs.
            let to = self.take();
            self.register_of[self.fused.loads.len() + at] = Some(to);
            self.result.actions.push(Action::Compute { op: instruction.op, arguments, to });
            self.give_back(at, instruction.arguments.iter().copied());
        }
        self.result.stores =
            self.fused.stores.iter().map(|&value| self.register_of[value].expect("computed")).collect();
        let sum = |sum: &FusedSum| FusedSum { register: self.register_of[sum.register].expect("computed"), ..*sum };
        self.result.sums = self.fused.sums.iter().map(sum).collect();
        self.result
    }

    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.result.registers += 1;
            self.result.registers - 1
        })
    }

    /// Where an argument is; a buffer is loaded right before its first use.
    fn source(&mut self, argument: Argument) -> Source {
        let value = match argument {
            Argument::Constant(value) => return Source::Constant(value),
            Argument::Register(value) => value,
        };
        match self.fused.loads.get(value) {
            Some(Access::Contiguous) => {
                let register = self.register(value, |to| Action::Load { read: value, to });
                Source::InPlace { read: value, register }
            }
            Some(Access::Strided(view)) => {
                let walk = Walk::new(view);
                match walk.is_scalar() {
                    true => Source::Scalar(value),
                    false => Source::Register(self.register(value, |to| Action::Collect { read: value, walk, to })),
                }
            }
            None => Source::Register(self.register_of[value].expect("computed")),
        }
    }

    /// The register of a load.
    fn register(&mut self, value: usize, load: impl FnOnce(usize) -> Action) -> usize {
        self.register_of[value].unwrap_or_else(|| {
            let to = self.take();
            self.result.actions.push(load(to));
            self.register_of[value] = Some(to);
            to
        })
    }

    fn give_back(&mut self, at: usize, arguments: impl Iterator<Item = Argument>) {
        for argument in arguments {
            if let Argument::Register(value) = argument
                && self.last_use[value] == at
            {
                self.free.extend(self.register_of[value]);
                self.last_use[value] = usize::MAX; // an argument used twice is given back once
            }
        }
    }
}
