//! The compiler's view of a tape: the nodes that matter, the values wanted, the Variables that change.

use super::kernel::{SumOver, View};
use crate::interpret::ancestors;
use crate::ops::{Op, Permute, Slice, Sum};
use crate::tape::{Node, NodeId};
use crate::{Shape, Variable};

/// Nodes in an order in which each reads only earlier ones.
#[derive(Clone)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// The values the caller asked for.
    pub outputs: Vec<NodeId>,
    /// The new values of Variables, committed when the program ends.
    pub assigns: Vec<(Variable, NodeId)>,
}

/// What one kernel computes: a group of elementwise nodes of equal element count and the sums of some of them, means over ranks
/// that do not depend on each other, or a single node of any other kind.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The elementwise nodes or the means, in order, or the single node.
    pub nodes: Vec<NodeId>,
    /// The sums taken along.
    pub sums: Vec<NodeId>,
    /// Which of the nodes are read outside of the unit, through strides, or when the program ends.
    pub stored: Vec<NodeId>,
}

/// A graph's units.
#[derive(Debug)]
pub(crate) struct Units {
    /// In the order in which they run.
    pub units: Vec<Unit>,
    /// Which nodes they compute: all but leaves, reshapes, and views that only groups read.
    pub computed: Vec<bool>,
}

impl Graph {
    /// The number of elements of a node's value.
    pub fn count(&self, id: NodeId) -> usize {
        self.nodes[id].shape.count()
    }

    /// The value of a node all of whose elements are one known constant.
    pub fn splat(&self, id: NodeId) -> Option<f64> {
        splat(&self.nodes, id)
    }

    /// The node whose memory this one is: a reshape changes nothing in memory.
    pub fn storage(&self, mut id: NodeId) -> NodeId {
        while let Op::Reshape(_) = self.nodes[id].op {
            id = self.nodes[id].inputs[0];
        }
        id
    }

    /// How a broadcast, permutation or slice reads its input.
    pub fn view(&self, id: NodeId) -> Option<View> {
        let node = &self.nodes[id];
        let input = || &self.nodes[node.inputs[0]].shape;
        let (offset, strides) = match &node.op {
            Op::Broadcast(broadcast) => (0, broadcast.strides(input())),
            Op::Permute(Permute { order }) => {
                let strides = input().strides();
                (0, order.iter().map(|&axis| strides[axis]).collect())
            }
            Op::Slice(Slice { start, .. }) => (input().flat_index(start), input().strides()),
            _ => return None,
        };
        Some(View { shape: node.shape.clone(), offset, strides })
    }

    /// Whether a value lies in memory before the program starts.
    pub fn is_given(&self, id: NodeId) -> bool {
        matches!(self.nodes[id].op, Op::Input(_) | Op::Constant(_) | Op::Variable(_))
    }

    /// Whether a node can be part of a group.
    pub fn is_elementwise(&self, id: NodeId) -> bool {
        matches!(self.nodes[id].op, Op::Elementwise(_))
    }

    /// The sum that a node is, if a group can take it.
    pub fn sum_over(&self, id: NodeId) -> Option<SumOver> {
        let Op::Sum(Sum { axes }) = &self.nodes[id].op else { return None };
        let [outer, reduced, inner] = blocks(axes, &self.nodes[self.nodes[id].inputs[0]].shape);
        SumOver::of(outer, reduced, inner)
    }

    /// The node whose memory is read through `id`, and whether it is read element by element (not through strides).
    pub fn source(&self, id: NodeId, computed: &[bool]) -> (NodeId, bool) {
        let id = self.storage(id);
        match self.view(id) {
            Some(_) if !computed[id] => (self.storage(self.nodes[id].inputs[0]), false),
            _ => (id, true),
        }
    }

    /// Whether a node is a mean over ranks.
    pub fn is_mean(&self, id: NodeId) -> bool {
        matches!(self.nodes[id].op, Op::AllMean(_))
    }

    /// For each node, how many means over ranks follow each other on the way to it, at most.
    pub fn means_before(&self) -> Vec<usize> {
        let mut before: Vec<usize> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let of = |&input: &NodeId| before[input] + usize::from(self.is_mean(input));
            before.push(node.inputs.iter().map(of).max().unwrap_or(0));
        }
        before
    }

    /// Number of readers of each node, outputs and assignments counted.
    pub fn reader_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        self.nodes.iter().flat_map(|node| &node.inputs).for_each(|&input| counts[input] += 1);
        self.roots().for_each(|root| counts[root] += 1);
        counts
    }

    /// Outputs and new values of Variables.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.outputs.iter().copied().chain(self.assigns.iter().map(|&(_, id)| id))
    }

    /// The same graph, its nodes rebuilt in order by `rebuild`, which is given each with renamed inputs and answers with
    /// the node that takes its place among those built so far.
    pub fn rebuilt(self, mut rebuild: impl FnMut(&mut Vec<Node>, Node, NodeId) -> NodeId) -> Graph {
        let mut built = Vec::with_capacity(self.nodes.len());
        let mut renamed: Vec<NodeId> = Vec::with_capacity(self.nodes.len());
        for (id, mut node) in self.nodes.into_iter().enumerate() {
            node.inputs.iter_mut().for_each(|input| *input = renamed[*input]);
            renamed.push(rebuild(&mut built, node, id));
        }
        let outputs = self.outputs.into_iter().map(|id| renamed[id]).collect();
        let assigns = self.assigns.into_iter().map(|(variable, id)| (variable, renamed[id])).collect();
        Graph { nodes: built, outputs, assigns }.pruned()
    }

    /// The same graph without nodes that no output and no assignment depends on.
    fn pruned(mut self) -> Graph {
        let kept = ancestors(&self.nodes, &self.roots().collect::<Vec<_>>());
        let mut renamed = vec![None; self.nodes.len()];
        kept.iter().enumerate().for_each(|(new, &old)| renamed[old] = Some(new));
        let mut is_kept = renamed.iter().map(Option::is_some);
        self.nodes.retain(|_| is_kept.next().expect("one for each node"));
        let inputs = self.nodes.iter_mut().flat_map(|node| &mut node.inputs);
        let roots = self.outputs.iter_mut().chain(self.assigns.iter_mut().map(|(_, id)| id));
        inputs.chain(roots).for_each(|id| *id = renamed[*id].expect("what is needed is kept"));
        self
    }
}

/// What of a tape the outputs and the assignments depend on.
pub(crate) fn prune(nodes: &[Node], outputs: &[NodeId]) -> Graph {
    let assigned = |(id, node): (NodeId, &Node)| match &node.op {
        Op::Assign(assign) => Some((assign.0.clone(), id)),
        _ => None,
    };
    let assigns = nodes.iter().enumerate().filter_map(assigned).collect();
    Graph { nodes: nodes.to_vec(), outputs: outputs.to_vec(), assigns }.pruned()
}

/// The value of a node all of whose elements are one known constant.
pub(crate) fn splat(nodes: &[Node], mut id: NodeId) -> Option<f64> {
    while let Op::Broadcast(_) | Op::Reshape(_) = nodes[id].op {
        id = nodes[id].inputs[0];
    }
    match &nodes[id].op {
        Op::Constant(constant) => constant.scalar(),
        _ => None,
    }
}

/// The extents before, of and after a reduction's axes, which follow each other: see `simplify`.
pub(crate) fn blocks(axes: &[usize], shape: &Shape) -> [usize; 3] {
    let (first, last) = (axes[0], axes[axes.len() - 1]);
    [&shape[..first], &shape[first..=last], &shape[last + 1..]].map(|extents| extents.iter().product())
}
