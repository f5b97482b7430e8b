//! Planning: every value gets a place before the program runs. One arena holds whatever is alive, values that are never
//! alive together share its memory, a fused group may overwrite a value that dies in it, and what ranks average together lies
//! together.

use std::collections::HashMap;
use std::sync::Arc;

use super::arena::{ALIGNMENT, Buffer, place};
use super::graph::Graph;
use super::kernel::{Access, Kernel, View};
use super::lower::Call;
use crate::ops::Op;
use crate::tape::NodeId;
use crate::{Locks, Shape, Tensor, Variable};

/// A program, ready for a device: the kernels in order and where each value lies.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What runs, in order.
    pub steps: Vec<Step>,
    /// The length of the arena, in elements.
    pub arena: usize,
    /// What is given at every run.
    pub inputs: Vec<Input>,
    /// Where the values asked for lie when the program ends.
    pub outputs: Vec<(Slot, Shape)>,
    /// The Variables read or assigned.
    pub variables: Vec<Variable>,
    /// Values that never change.
    pub constants: Vec<Arc<Tensor>>,
}

/// An input of a program.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it is put before the program starts.
    pub slot: Slot,
}

/// One kernel with its buffers.
#[derive(Clone, Debug)]
pub struct Step {
    /// What runs.
    pub kernel: Kernel,
    /// The buffers read. A product that accumulates, and a mean over ranks, read the buffer they write besides.
    pub reads: Vec<Slot>,
    /// The buffers written. Of those read, only one that a fused group reads contiguously may be among them.
    pub writes: Vec<Slot>,
    /// Memory for the kernel's own use.
    pub scratch: Option<Slot>,
}

/// A buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where it begins.
    pub place: Place,
    /// Its number of elements.
    pub len: usize,
}

/// Where a buffer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At an offset into the arena.
    Arena(usize),
    /// A Variable's memory, by its index in [`Plan::variables`].
    Variable(usize),
    /// A constant, by its index in [`Plan::constants`].
    Constant(usize),
}

impl Plan {
    /// The Variables, to be locked while the program runs.
    pub fn locks(&self) -> Locks {
        let mut changed = vec![false; self.variables.len()];
        for slot in self.steps.iter().flat_map(|step| &step.writes) {
            if let Place::Variable(index) = slot.place {
                changed[index] = true;
            }
        }
        Locks::new(self.variables.iter().cloned().zip(changed))
    }
}

/// Gives every value of the calls a place.
pub(crate) fn plan(graph: &Graph, calls: Vec<Call>, scratch: impl Fn(&Kernel) -> usize) -> Plan {
    Planner::new(graph, calls).plan(scratch)
}

/// A value's home: a leaf's own memory, or a buffer of the arena that values may share.
#[derive(Clone, Copy, PartialEq)]
enum Home {
    /// Not settled yet, or never computed.
    Nowhere,
    /// By its index in [`Planner::buffers`], and the element of it at which the value begins.
    Buffer(usize, usize),
    /// By its index in [`Plan::variables`].
    Variable(usize),
    /// By its index in [`Plan::constants`].
    Constant(usize),
}

/// A value is a node of the graph, or one of the copies that are added after them.
struct Planner<'a> {
    graph: &'a Graph,
    calls: Vec<Call>,
    /// For each value, the last call that reads it; outputs are read after all of them.
    last_use: Vec<usize>,
    /// For each value, its number of elements.
    counts: Vec<usize>,
    /// For each value, its home.
    homes: Vec<Home>,
    buffers: Vec<Buffer>,
    variables: Vec<Variable>,
    /// Each Variable's position among them.
    index_of: HashMap<Variable, usize>,
    /// For each Variable, the nodes that are its start value.
    leaves: Vec<Vec<NodeId>>,
    constants: Vec<Arc<Tensor>>,
    /// The values asked for and the new values of Variables.
    outputs: Vec<NodeId>,
    assigns: Vec<(usize, NodeId)>,
    /// The Variable that each new value is for; of several, the first. None that is an output, which is read after the run,
    /// when another program may have changed the Variable.
    assigned: HashMap<NodeId, usize>,
}

impl<'a> Planner<'a> {
    fn new(graph: &'a Graph, calls: Vec<Call>) -> Self {
        let mut planner = Planner {
            graph,
            calls,
            last_use: Vec::new(),
            counts: (0..graph.nodes.len()).map(|id| graph.count(id)).collect(),
            homes: vec![Home::Nowhere; graph.nodes.len()],
            buffers: Vec::new(),
            variables: Vec::new(),
            index_of: HashMap::new(),
            leaves: Vec::new(),
            constants: Vec::new(),
            outputs: graph.outputs.iter().map(|&id| graph.storage(id)).collect(),
            assigns: Vec::new(),
            assigned: HashMap::new(),
        };
        planner.settle_leaves();
        for (variable, value) in &graph.assigns {
            let index = planner.index_of(variable);
            planner.assigns.push((index, graph.storage(*value)));
        }
        planner.rescue_start_values();
        planner.find_last_uses();
        planner.gather_messages();
        for &(index, value) in &planner.assigns {
            planner.assigned.entry(value).or_insert(index);
        }
        for output in &planner.outputs {
            planner.assigned.remove(output);
        }
        planner
    }

    fn index_of(&mut self, variable: &Variable) -> usize {
        *self.index_of.entry(variable.clone()).or_insert_with(|| {
            self.variables.push(variable.clone());
            self.leaves.push(Vec::new());
            self.variables.len() - 1
        })
    }

    fn settle_leaves(&mut self) {
        for id in 0..self.graph.nodes.len() {
            match &self.graph.nodes[id].op {
                Op::Variable(variable) => {
                    let index = self.index_of(variable);
                    self.leaves[index].push(id);
                    self.homes[id] = Home::Variable(index);
                }
                Op::Constant(constant) => {
                    self.homes[id] = Home::Constant(self.constants.len());
                    self.constants.push(Arc::new(constant.tensor().cast()));
                }
                Op::Input(_) => self.homes[id] = self.buffer(self.counts[id], 0),
                _ => {}
            }
        }
    }

    /// A buffer in use from call `first` on.
    fn buffer(&mut self, len: usize, first: usize) -> Home {
        self.buffers.push(Buffer { len, first, last: first, offset: 0 });
        Home::Buffer(self.buffers.len() - 1, 0)
    }

    /// A Variable's start value that is asked for, or becomes another Variable's value, is copied before anything is
    /// committed: two Variables may exchange their values, and outputs lie in the arena.
    fn rescue_start_values(&mut self) {
        let mut changes = vec![false; self.variables.len()];
        self.assigns.iter().for_each(|&(index, _)| changes[index] = true);
        let roots: Vec<NodeId> = self.outputs.iter().copied().chain(self.assigns.iter().map(|&(_, id)| id)).collect();
        for (position, id) in roots.into_iter().enumerate() {
            let Home::Variable(index) = self.homes[id] else { continue };
            if position >= self.outputs.len() && !changes[index] {
                continue;
            }
            let rescued = self.copied(id);
            match position.checked_sub(self.outputs.len()) {
                None => self.outputs[position] = rescued,
                Some(assign) => self.assigns[assign].1 = rescued,
            }
        }
    }

    fn find_last_uses(&mut self) {
        self.last_use = vec![0; self.homes.len()];
        for (at, call) in self.calls.iter().enumerate() {
            call.reads.iter().for_each(|&read| self.last_use[read] = at);
        }
        let end = self.calls.len();
        self.outputs.iter().for_each(|&output| self.last_use[output] = end);
        self.assigns.iter().for_each(|&(_, value)| self.last_use[value] = end);
    }

    /// Values that are averaged together lie together. Each is computed where it is averaged, unless it is needed elsewhere as it
    /// was: then a copy is.
    fn gather_messages(&mut self) {
        let is_message = |call: &Call| matches!(call.kernel, Kernel::AllMean);
        if !self.calls.iter().any(is_message) {
            return;
        }
        let calls = std::mem::take(&mut self.calls);
        // For each value, the call that writes it; for each call, that of the value it adds onto.
        let mut written_by = vec![None; self.homes.len()];
        for (at, call) in calls.iter().enumerate() {
            call.writes.iter().for_each(|&write| written_by[write] = Some(at));
        }
        let begun_by = |mut value: NodeId| loop {
            let at: usize = written_by[value]?;
            match accumulates(&calls[at].kernel) {
                true => value = calls[at].reads[2],
                false => return (!is_message(&calls[at])).then_some(value),
            }
        };
        let begun: Vec<Option<NodeId>> = (0..self.homes.len()).map(begun_by).collect();
        // The values that each message begins with, in its order.
        let mut messages = Vec::new();
        for (at, call) in calls.into_iter().enumerate() {
            if !is_message(&call) {
                self.calls.push(call);
                continue;
            }
            let mut taken = Vec::new();
            for &read in &call.reads {
                let there = begun[read].filter(|first| self.last_use[read] == at && !taken.contains(first));
                taken.push(there.unwrap_or_else(|| self.copied(read)));
            }
            self.calls.push(call);
            messages.push((self.calls.len() - 1, taken));
        }
        for (at, values) in messages {
            let first = self.calls.iter().position(|call| call.writes.iter().any(|write| values.contains(write)));
            let Home::Buffer(buffer, _) = self.buffer(0, first.unwrap_or(at)) else { unreachable!("a buffer") };
            for (position, value) in values.into_iter().enumerate() {
                let home = Home::Buffer(buffer, self.buffers[buffer].len);
                self.buffers[buffer].len += self.counts[value].next_multiple_of(ALIGNMENT);
                self.homes[value] = home;
                self.homes[self.calls[at].writes[position]] = home;
            }
        }
        self.find_last_uses();
    }

    /// A further value: a copy of one, made by the next call.
    fn copied(&mut self, value: NodeId) -> NodeId {
        let copied = self.homes.len();
        self.calls.push(Call { kernel: copy(self.counts[value]), reads: vec![value], writes: vec![copied] });
        self.homes.push(Home::Nowhere);
        self.counts.push(self.counts[value]);
        copied
    }

    fn plan(mut self, scratch: impl Fn(&Kernel) -> usize) -> Plan {
        let mut scratches = Vec::with_capacity(self.calls.len());
        for at in 0..self.calls.len() {
            self.settle_writes(at);
            let wanted = scratch(&self.calls[at].kernel);
            scratches.push((wanted > 0).then(|| self.buffer(wanted, at)));
        }
        for (value, &home) in self.homes.iter().enumerate() {
            if let Home::Buffer(buffer, _) = home {
                self.buffers[buffer].last = self.buffers[buffer].last.max(self.last_use[value]);
            }
        }
        let arena = place(&mut self.buffers);
        let calls = std::mem::take(&mut self.calls);
        let steps = calls.into_iter().zip(scratches).map(|(call, scratch)| self.step(call, scratch));
        let commits = self.assigns.iter().filter(|&&(index, value)| self.homes[value] != Home::Variable(index));
        let commit = |&(index, value): &(usize, NodeId)| {
            let to = Slot { place: Place::Variable(index), len: self.counts[value] };
            Step { kernel: copy(self.counts[value]), reads: vec![self.slot(value)], writes: vec![to], scratch: None }
        };
        Plan {
            steps: steps.chain(commits.map(commit)).collect(),
            arena,
            inputs: self.inputs(),
            outputs: self
                .outputs
                .iter()
                .zip(&self.graph.outputs)
                .map(|(&id, &node)| (self.slot(id), self.graph.nodes[node].shape.clone()))
                .collect(),
            variables: self.variables.clone(),
            constants: self.constants.clone(),
        }
    }

    /// Finds a home for what a call writes: its place in a message, the value it adds onto, a Variable that may be overwritten, a value that
    /// dies, or a new buffer.
    fn settle_writes(&mut self, at: usize) {
        let mut taken: Vec<Home> = Vec::new();
        for position in 0..self.calls[at].writes.len() {
            let value = self.calls[at].writes[position];
            let home = Some(self.homes[value]).filter(|&home| home != Home::Nowhere);
            let home = home.or_else(|| self.addend(at));
            let home = home.or_else(|| self.variable_to_overwrite(at, value));
            let home = home.or_else(|| self.dying_read(at, value, &taken));
            self.homes[value] = home.unwrap_or_else(|| self.buffer(self.counts[value], at));
            taken.push(self.homes[value]);
        }
    }

    /// The memory of the value that a product adds onto.
    fn addend(&self, at: usize) -> Option<Home> {
        let call = &self.calls[at];
        accumulates(&call.kernel).then(|| self.homes[call.reads[2]])
    }

    /// The Variable that the value is for, if nothing reads the Variable's old value any more.
    fn variable_to_overwrite(&self, at: usize, value: NodeId) -> Option<Home> {
        let &index = self.assigned.get(&value)?;
        let free = |leaf: NodeId| match self.last_use[leaf].cmp(&at) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.reads_contiguously(at, leaf) || !self.calls[at].reads.contains(&leaf),
            std::cmp::Ordering::Greater => false,
        };
        self.leaves[index].iter().copied().all(free).then_some(Home::Variable(index))
    }

    /// A value that is read element by element and never again: its memory can take the result.
    fn dying_read(&self, at: usize, value: NodeId, taken: &[Home]) -> Option<Home> {
        let call = &self.calls[at];
        let dies = |&read: &NodeId| {
            let home = self.homes[read];
            let Home::Buffer(..) = home else { return false };
            // Values that share a home follow each other, so the last to be settled there is the one alive.
            let alone = self.last_use[read] == at && !taken.contains(&home) && self.counts[read] == self.counts[value];
            alone && self.reads_contiguously(at, read)
        };
        call.reads.iter().find(|read| dies(read)).map(|&read| self.homes[read])
    }

    /// Whether a fused call reads a value element by element only.
    fn reads_contiguously(&self, at: usize, value: NodeId) -> bool {
        let Kernel::Fused(fused) = &self.calls[at].kernel else { return false };
        let mut loads = self.calls[at].reads.iter().zip(&fused.loads).filter(|&(&read, _)| read == value).peekable();
        loads.peek().is_some() && loads.all(|(_, access)| *access == Access::Contiguous)
    }

    fn step(&self, call: Call, scratch: Option<Home>) -> Step {
        let slot_of = |ids: &[NodeId]| ids.iter().map(|&id| self.slot(id)).collect::<Vec<_>>();
        let mut reads = slot_of(&call.reads);
        if accumulates(&call.kernel) {
            reads.truncate(2); // the addend is where the result goes
        }
        let mut writes = slot_of(&call.writes);
        if let Kernel::AllMean = call.kernel {
            (reads, writes) = (Vec::new(), vec![self.whole(self.homes[call.writes[0]])]);
        }
        Step { writes, kernel: call.kernel, reads, scratch: scratch.map(|home| self.whole(home)) }
    }

    /// The buffer in which a home is.
    fn whole(&self, home: Home) -> Slot {
        let Home::Buffer(buffer, _) = home else { unreachable!("scratch and messages lie in the arena") };
        Slot { place: Place::Arena(self.buffers[buffer].offset), len: self.buffers[buffer].len }
    }

    fn slot(&self, value: NodeId) -> Slot {
        let place = match self.homes[value] {
            Home::Buffer(buffer, start) => Place::Arena(self.buffers[buffer].offset + start),
            Home::Variable(index) => Place::Variable(index),
            Home::Constant(index) => Place::Constant(index),
            Home::Nowhere => unreachable!("value {value} is read but never computed"),
        };
        Slot { place, len: self.counts[value] }
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |(id, node): (NodeId, &crate::Node)| match &node.op {
            Op::Input(name) => Some(Input { name: name.clone(), shape: node.shape.clone(), slot: self.slot(id) }),
            _ => None,
        };
        self.graph.nodes.iter().enumerate().filter_map(input).collect()
    }
}

/// Copies a value as it is.
fn copy(count: usize) -> Kernel {
    Kernel::Copy(View { shape: Shape::from([count]), offset: 0, strides: vec![1] })
}

fn accumulates(kernel: &Kernel) -> bool {
    match kernel {
        Kernel::MatMul { accumulate, .. } => *accumulate,
        Kernel::Conv2d(_, accumulate) | Kernel::Conv2dInput(_, accumulate) | Kernel::Conv2dFilter(_, accumulate) => {
            *accumulate
        }
        Kernel::Fused(_) | Kernel::Copy(_) | Kernel::Assemble(_) | Kernel::Reduce { .. } => false,
        Kernel::Gather { .. } | Kernel::Lookup(_) | Kernel::ScatterAdd { .. } | Kernel::Random(_) | Kernel::AllMean => {
            false
        }
    }
}
