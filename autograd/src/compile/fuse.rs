//! Fusion: which nodes run together, in one pass over memory.
//!
//! A view (broadcast, permutation, slice) that only groups read is no unit: they follow its strides themselves. A reshape
//! never is: it changes nothing in memory. Means over ranks that as many others precede are one unit: one message.
//!
//! The graph is walked backwards, and each elementwise node joins the group of a node that reads it, unless that would
//! close a cycle: a group must not wait for a value that waits for the group.

use std::collections::{BTreeSet, HashMap};

use super::graph::{Graph, Unit, Units};
use super::kernel::SumOver;
use crate::ops::{Elementwise, Op};
use crate::tape::{Node, NodeId};

/// A larger group would not keep its values in the first-level cache.
const LARGEST_GROUP: usize = 64;

/// A group that reads and writes more buffers is too much for a kernel of OpenCL, whose arguments may take 1024 bytes
/// (version 1.2, table 4.3): a buffer's address and where its values begin take 16.
const MOST_BUFFERS: usize = 60;

/// Steps of a search for units that wait for each other. Groups of nodes so far apart keep values alive for long and save
/// little.
const LONGEST_SEARCH: usize = 1 << 10;

/// Gives every reader of a mask a copy of its own. A mask costs one comparison to compute where its operand is at hand,
/// and a pass over memory to keep.
pub(crate) fn duplicate_masks(graph: Graph) -> Graph {
    let is_mask = |node: &Node| matches!(node.op, Op::Elementwise(Elementwise::Step | Elementwise::LeakyStep { .. }));
    graph.rebuilt(|nodes, mut node, _| {
        for input in &mut node.inputs {
            if is_mask(&nodes[*input]) {
                nodes.push(nodes[*input].clone());
                *input = nodes.len() - 1;
            }
        }
        nodes.push(node);
        nodes.len() - 1
    })
}

/// Turns `x + product`, where nothing else reads either, into a product that adds onto x in place: gradients from several
/// paths are summed up by the products that make them (GEMM's β = 1). The addend becomes a third input.
pub(crate) fn accumulate(graph: Graph) -> Graph {
    let readers = graph.reader_counts();
    let is_product = |id: NodeId| {
        let node = &graph.nodes[id];
        matches!(node.op, Op::MatMul(_) | Op::Conv2d(_) | Op::Conv2dInput(_) | Op::Conv2dFilter(_))
            && node.inputs.len() == 2
            && readers[id] == 1
    };
    let is_private =
        |id: NodeId| !graph.is_given(id) && graph.view(id).is_none() && graph.storage(id) == id && readers[id] == 1;
    // (addend, product), the product recorded last so that it can wait for the addend.
    let pair = |id: NodeId| match (&graph.nodes[id].op, &*graph.nodes[id].inputs) {
        (Op::Elementwise(Elementwise::Add), &[a, b]) if a != b => {
            let (addend, product) = (a.min(b), a.max(b));
            (is_product(product) && is_private(addend)).then_some(product)
        }
        _ => None,
    };
    // The position of the product in each such sum.
    let position = |id: NodeId| graph.nodes[id].inputs.iter().position(|&input| Some(input) == pair(id));
    let positions: Vec<Option<usize>> = (0..graph.nodes.len()).map(position).collect();
    graph.rebuilt(|nodes, node, id| {
        let node = match positions[id] {
            Some(position) => {
                let (addend, product) = (node.inputs[1 - position], nodes[node.inputs[position]].clone());
                Node { inputs: [product.inputs, vec![addend]].concat(), ..product }
            }
            None => node,
        };
        nodes.push(node);
        nodes.len() - 1
    })
}

/// What must be computed, as units in the order in which they run.
pub(crate) fn fuse(graph: &Graph) -> Units {
    let (reads, means_before) = (Reads::new(graph), graph.means_before());
    let mut messages: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    let mut groups = Groups { unit_of: vec![None; graph.nodes.len()], units: Vec::new(), links: Vec::new() };
    for id in (0..graph.nodes.len()).rev().filter(|&id| reads.computed[id]) {
        let units = |wanted: &dyn Fn(NodeId, bool) -> bool| -> BTreeSet<usize> {
            let readers = reads.readers[id].iter().filter(|&&(reader, direct)| wanted(reader, direct));
            readers.filter_map(|&(reader, _)| groups.unit_of[reader]).collect()
        };
        if graph.is_mean(id) {
            let known = messages.entry(means_before[id]).or_default();
            known.insert(groups.place(id, known, &units(&|_, _| true)));
            continue;
        }
        let fitting = units(&|reader, direct| direct && graph.is_elementwise(id) && graph.is_elementwise(reader));
        // A group that also reads the value through strides needs all of it before it starts.
        let strided = units(&|_, direct| !direct);
        groups.place(id, &(&fitting - &strided), &units(&|_, _| true));
    }
    let units = groups.in_order(|id| reads.sources(id).map(|(source, _)| source).collect());
    let units = absorb_sums(graph, units, &reads.computed);
    Units { units: units.into_iter().flat_map(|unit| reads.split(unit)).collect(), computed: reads.computed }
}

/// Who reads what.
struct Reads<'a> {
    graph: &'a Graph,
    computed: Vec<bool>,
    /// For each node, those that read its memory, and whether element by element.
    readers: Vec<Vec<(NodeId, bool)>>,
    /// Whether a node's memory is read when the program ends.
    read_at_end: Vec<bool>,
}

impl<'a> Reads<'a> {
    fn new(graph: &'a Graph) -> Self {
        let nodes = graph.nodes.len();
        let (mut readers, mut read_at_end) = (vec![Vec::new(); nodes], vec![false; nodes]);
        graph.roots().for_each(|root| read_at_end[graph.storage(root)] = true);
        let computed = computed(graph);
        for id in (0..nodes).filter(|&id| computed[id]) {
            for &input in &graph.nodes[id].inputs {
                let (source, direct) = graph.source(input, &computed);
                readers[source].push((id, direct));
            }
        }
        Reads { graph, computed, readers, read_at_end }
    }

    /// The nodes whose memory a node reads, and whether element by element.
    fn sources(&self, id: NodeId) -> impl Iterator<Item = (NodeId, bool)> {
        self.graph.nodes[id].inputs.iter().map(|&input| self.graph.source(input, &self.computed))
    }

    /// The nodes of a group that are read outside of it, through strides, or when the program ends.
    fn stored(&self, nodes: &[NodeId], sums: &[NodeId]) -> Vec<NodeId> {
        let inside = |&(reader, direct): &(NodeId, bool)| direct && (nodes.contains(&reader) || sums.contains(&reader));
        let stored = |&&id: &&NodeId| self.read_at_end[id] || !self.readers[id].iter().all(inside);
        nodes.iter().filter(stored).copied().collect()
    }

    /// What a group reads: each view by itself, as it becomes an argument of its own.
    fn loads(&self, nodes: &[NodeId]) -> BTreeSet<NodeId> {
        let graph = self.graph;
        let inside = |(id, direct): (NodeId, bool)| direct && nodes.contains(&id);
        let inputs = nodes.iter().flat_map(|&id| &graph.nodes[id].inputs);
        let loads =
            inputs.filter(|&&input| graph.splat(input).is_none() && !inside(graph.source(input, &self.computed)));
        loads.map(|&input| graph.storage(input)).collect()
    }

    /// Halves a group until none has too many buffers. A sum stays with what it is of.
    fn split(&self, unit: Vec<NodeId>) -> Vec<Unit> {
        let graph = self.graph;
        let (nodes, sums): (Vec<NodeId>, Vec<NodeId>) = match graph.is_elementwise(unit[0]) {
            true => unit.into_iter().partition(|&id| graph.is_elementwise(id)),
            false => (unit, Vec::new()),
        };
        let stored = self.stored(&nodes, &sums);
        let is_group = nodes.len() > 1 && graph.is_elementwise(nodes[0]);
        if !is_group || self.loads(&nodes).len() + stored.len() + sums.len() <= MOST_BUFFERS {
            return vec![Unit { nodes, sums, stored }];
        }
        let (first, last) = nodes.split_at(nodes.len() / 2);
        let with_sums = |nodes: &[NodeId]| {
            let own = sums.iter().filter(|&&sum| nodes.contains(&graph.storage(graph.nodes[sum].inputs[0])));
            nodes.iter().chain(own).copied().collect()
        };
        [first, last].into_iter().flat_map(|half| self.split(with_sums(half))).collect()
    }
}

/// Lets a group take the sums of its values: what is summed is at hand there, and often not needed otherwise. A sum only
/// waits for its group, so it can always run with it.
fn absorb_sums(graph: &Graph, mut units: Vec<Vec<NodeId>>, computed: &[bool]) -> Vec<Vec<NodeId>> {
    let mut unit_of = vec![usize::MAX; graph.nodes.len()];
    units.iter().enumerate().for_each(|(i, unit)| unit.iter().for_each(|&id| unit_of[id] = i));
    let mut row_of = vec![None; units.len()];
    for id in 0..graph.nodes.len() {
        let Some(over) = graph.sum_over(id) else { continue };
        let (source, direct) = graph.source(graph.nodes[id].inputs[0], computed);
        if !direct || !graph.is_elementwise(source) {
            continue;
        }
        let group = unit_of[source];
        // A group's tasks are made of whole rows, so its rows have one length.
        if let SumOver::Row(length) = over
            && *row_of[group].get_or_insert(length) != length
        {
            continue;
        }
        units[unit_of[id]].clear();
        units[group].push(id);
    }
    units.retain(|unit| !unit.is_empty());
    units
}

/// Which nodes a unit computes: all but leaves, reshapes, and views that only groups read.
fn computed(graph: &Graph) -> Vec<bool> {
    let nodes = 0..graph.nodes.len();
    let own = |id: NodeId| !graph.is_given(id) && graph.storage(id) == id && graph.view(id).is_none();
    let mut computed: Vec<bool> = nodes.clone().map(own).collect();
    // What is no group reads whole buffers, so a view must be laid out for it.
    let reads_buffers = |&id: &NodeId| !matches!(graph.nodes[id].op, Op::Reshape(_)) && !graph.is_elementwise(id);
    let inputs = nodes.filter(reads_buffers).flat_map(|id| graph.nodes[id].inputs.iter().copied());
    for id in inputs.chain(graph.roots()) {
        let id = graph.storage(id);
        computed[id] |= graph.view(id).is_some();
    }
    computed
}

/// Units under construction, the last to run first.
struct Groups {
    unit_of: Vec<Option<usize>>,
    units: Vec<Vec<NodeId>>,
    /// For each unit, its place in the order of all.
    links: Vec<Links>,
}

/// How a unit stands to others.
#[derive(Default)]
struct Links {
    /// Those that read what it computes.
    readers: Vec<usize>,
    /// Those that it reads, as far as they are known.
    sources: BTreeSet<usize>,
    /// More than that of any reader: a unit can only have to run before one of less height.
    height: usize,
}

impl Groups {
    /// Puts a node that the units `readers` read into the first of the `candidates` that it may join, or into a unit of
    /// its own; which one that is.
    fn place(&mut self, id: NodeId, candidates: &BTreeSet<usize>, readers: &BTreeSet<usize>) -> usize {
        let open: Vec<usize> =
            candidates.iter().copied().filter(|&group| self.units[group].len() < LARGEST_GROUP).collect();
        let waiting = self.waiting(&open, readers);
        let unit = match open.into_iter().find(|group| !waiting.contains(group)) {
            Some(group) => group,
            None => {
                self.units.push(Vec::new());
                self.links.push(Links::default());
                self.units.len() - 1
            }
        };
        self.units[unit].push(id);
        self.unit_of[id] = Some(unit);
        self.run_before(unit, readers);
        unit
    }

    /// Which of the groups must wait for one of `readers`, and so cannot take a node that these wait for. After many steps
    /// of a search, whatever has not been ruled out counts as waiting: the time stays in proportion to the graph.
    fn waiting(&self, groups: &[usize], readers: &BTreeSet<usize>) -> BTreeSet<usize> {
        let Some(lowest) = groups.iter().map(|&group| self.links[group].height).min() else { return BTreeSet::new() };
        let mut reached = BTreeSet::new();
        let later =
            |unit: usize| self.links[unit].readers.iter().copied().filter(|&unit| self.links[unit].height >= lowest);
        let mut open: Vec<usize> = readers.iter().flat_map(|&reader| later(reader)).collect();
        let mut steps = open.len();
        while let Some(unit) = open.pop() {
            if reached.insert(unit) {
                let before = open.len();
                open.extend(later(unit));
                steps += open.len() - before;
                if steps > LONGEST_SEARCH {
                    return groups.iter().copied().collect();
                }
            }
        }
        reached
    }

    /// Notes that `readers` run after the unit.
    fn run_before(&mut self, unit: usize, readers: &BTreeSet<usize>) {
        let before = self.links[unit].height;
        for &reader in readers.iter().filter(|&&reader| reader != unit) {
            if self.links[reader].sources.insert(unit) {
                self.links[unit].readers.push(reader);
                self.links[unit].height = self.links[unit].height.max(self.links[reader].height + 1);
            }
        }
        let mut raised = if self.links[unit].height > before { vec![unit] } else { Vec::new() };
        while let Some(unit) = raised.pop() {
            for source in self.links[unit].sources.clone() {
                if self.links[source].height <= self.links[unit].height {
                    self.links[source].height = self.links[unit].height + 1;
                    raised.push(source);
                }
            }
        }
    }

    /// The units in an order in which each runs after what it reads; among those that could run, the one that was
    /// recorded first.
    fn in_order(mut self, sources: impl Fn(NodeId) -> Vec<NodeId>) -> Vec<Vec<NodeId>> {
        self.units.iter_mut().for_each(|unit| unit.reverse());
        let needs = |unit: usize| -> BTreeSet<usize> {
            let units = self.units[unit].iter().flat_map(|&id| sources(id)).filter_map(|source| self.unit_of[source]);
            units.filter(|&needed| needed != unit).collect()
        };
        let needs: Vec<BTreeSet<usize>> = (0..self.units.len()).map(needs).collect();
        let mut missing: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
        for (unit, needs) in needs.iter().enumerate() {
            needs.iter().for_each(|&needed| waiting[needed].push(unit));
        }
        let age = |unit: &Vec<NodeId>| *unit.last().expect("no unit is empty");
        let ages: Vec<NodeId> = self.units.iter().map(age).collect();
        let mut ready: BTreeSet<(NodeId, usize)> =
            (0..self.units.len()).filter(|&unit| missing[unit] == 0).map(|unit| (ages[unit], unit)).collect();
        let mut order = Vec::with_capacity(self.units.len());
        while let Some((_, unit)) = ready.pop_first() {
            order.push(std::mem::take(&mut self.units[unit]));
            for &next in &waiting[unit] {
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.insert((ages[next], next));
                }
            }
        }
        assert_eq!(order.len(), self.units.len(), "units must not wait for each other");
        order
    }
}
