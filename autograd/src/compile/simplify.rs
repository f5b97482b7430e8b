//! Algebra that needs no numbers: each node is rebuilt once, in order, on the simplified forms of its inputs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;

use super::graph::Graph;
use crate::ops::{Broadcast, Constant, Elementwise, Max, Op, Reshape, Sum};
use crate::tape::{Node, NodeId};
use crate::{Shape, Tensor};

/// Elements of a constant that is worth its memory, at most.
const LARGEST_CONSTANT: usize = 1 << 16;

/// An equal program with fewer or cheaper nodes, for one of so many ranks.
pub(crate) fn simplify(graph: Graph, ranks: usize) -> Graph {
    let mut known = HashMap::with_capacity(graph.nodes.len());
    graph.rebuilt(|nodes, node, _| Simplifier { nodes, known: &mut known, ranks }.rebuild(node))
}

struct Simplifier<'a> {
    /// The nodes built so far.
    nodes: &'a mut Vec<Node>,
    /// Each of them by the hash of what it computes, or by the next free number where another one has that hash.
    known: &'a mut HashMap<u64, NodeId>,
    ranks: usize,
}

impl Simplifier<'_> {
    /// The node that computes what `node` does.
    fn rebuild(&mut self, mut node: Node) -> NodeId {
        match &node.op {
            // None of them changes a value; assignments are kept in the graph's own list.
            Op::Detach(_) | Op::Assign(_) | Op::Custom(_) | Op::Checkpoint(_) => node.inputs[0],
            Op::AllMean(_) if self.ranks == 1 => node.inputs[0],
            Op::Reshape(_) => {
                while let Op::Reshape(_) = self.nodes[node.inputs[0]].op {
                    node.inputs[0] = self.nodes[node.inputs[0]].inputs[0];
                }
                match self.nodes[node.inputs[0]].shape == node.shape {
                    true => node.inputs[0],
                    false => self.share(node),
                }
            }
            Op::Elementwise(op) => self.elementwise(*op, node),
            Op::Sum(Sum { axes }) => match self.splat(node.inputs[0]) {
                Some(value) => {
                    let terms: usize = axes.iter().map(|&axis| self.nodes[node.inputs[0]].shape[axis]).product();
                    let sum = if terms == 0 { 0.0 } else { value * terms as f64 }; // 0 · ∞ would be NaN
                    self.constant(0.0 + sum, &node) // a sum starts from 0, so that of −0 is 0
                }
                None => {
                    let taken_from = &self.nodes[node.inputs[0]].shape;
                    let (alone, location) = (axes.iter().all(|&axis| taken_from[axis] == 1), node.location);
                    let sum = self.reduction(axes.clone(), node, |axes| Op::Sum(Sum { axes }));
                    if alone { self.plus_zero(sum, location) } else { sum }
                }
            },
            Op::Max(Max { axes }) => self.reduction(axes.clone(), node, |axes| Op::Max(Max { axes })),
            Op::MatMul(_) | Op::Pad(_) | Op::Concat(_) => self.whole(node),
            _ => self.share(node),
        }
    }

    /// A node that reads whole buffers: constants are laid out for it now, not at every run. If it only moves constants, it
    /// is one.
    fn whole(&mut self, mut node: Node) -> NodeId {
        node.inputs = node.inputs.iter().map(|&input| self.laid_out(input)).collect();
        let constant = |&input: &NodeId| match &self.nodes[input].op {
            Op::Constant(constant) => Some(constant.tensor()),
            _ => None,
        };
        match node.inputs.iter().map(constant).collect::<Option<Vec<_>>>() {
            Some(values) if !matches!(node.op, Op::MatMul(_)) && node.shape.count() <= LARGEST_CONSTANT => {
                let value = node.op.operation().value(&values, &node.shape);
                self.share(Node { op: Op::Constant(Constant::new(value)), inputs: Vec::new(), ..node })
            }
            _ => self.share(node),
        }
    }

    /// A constant that repeats one number as a tensor, if it is small; any other node as it is.
    fn laid_out(&mut self, id: NodeId) -> NodeId {
        let node = &self.nodes[id];
        let small = node.shape.count() <= LARGEST_CONSTANT;
        match self.splat(id).filter(|_| small && !matches!(node.op, Op::Constant(_))) {
            Some(value) => {
                let op = Op::Constant(Constant::new(Tensor::full(&node.shape, value)));
                self.share(Node { op, inputs: Vec::new(), ..node.clone() })
            }
            None => id,
        }
    }

    /// Constants are folded; x + (−0), x − 0, x · 1 and x / 1 are x. So they are for every float: x + 0 is not, which makes 0
    /// of −0.
    fn elementwise(&mut self, op: Elementwise, node: Node) -> NodeId {
        let values: Vec<Option<f64>> = node.inputs.iter().map(|&input| self.splat(input)).collect();
        if let Some(values) = values.iter().copied().collect::<Option<Vec<f64>>>() {
            return self.constant(op.formula(&values), &node);
        }
        let is = |input: usize, number: f64| values[input].is_some_and(|value| value.to_bits() == number.to_bits());
        match op {
            Elementwise::Add if is(1, -0.0) => node.inputs[0],
            Elementwise::Add if is(0, -0.0) => node.inputs[1],
            Elementwise::Sub if is(1, 0.0) => node.inputs[0],
            Elementwise::Mul | Elementwise::Div if is(1, 1.0) => node.inputs[0],
            Elementwise::Mul if is(0, 1.0) => node.inputs[1],
            // √x of a slope that is 0 at 0: see `Var::safe_sqrt`. √0 is 0, √−0 is −0.
            Elementwise::Select if self.is_root(node.inputs[1], node.inputs[0]) && node.inputs[2] == node.inputs[0] => {
                node.inputs[1]
            }
            _ => self.share(node),
        }
    }

    /// A reduction over axes that do not follow each other becomes several, the innermost first, so that a kernel
    /// sees [outer, reduced, inner]. Axes of extent 1 are only reshaped away.
    fn reduction(&mut self, axes: Vec<usize>, node: Node, op: impl Fn(Vec<usize>) -> Op) -> NodeId {
        let mut current = node.inputs[0];
        let mut runs: Vec<Vec<usize>> = Vec::new();
        for axis in axes.into_iter().filter(|&axis| self.nodes[current].shape[axis] != 1) {
            match runs.last_mut() {
                Some(run) if run.last() == Some(&axis.wrapping_sub(1)) => run.push(axis),
                _ => runs.push(vec![axis]),
            }
        }
        for run in runs.into_iter().rev() {
            let shape = self.nodes[current].shape.without(&run);
            current = self.share(Node { op: op(run), inputs: vec![current], shape, location: node.location });
        }
        let shape = node.shape.clone();
        self.rebuild(Node { op: Op::Reshape(Reshape { shape }), inputs: vec![current], ..node })
    }

    fn is_root(&self, id: NodeId, of: NodeId) -> bool {
        let Node { op, inputs, .. } = &self.nodes[id];
        matches!(op, Op::Elementwise(Elementwise::Sqrt)) && inputs[0] == of
    }

    /// `id + 0`: what a sum of one term is.
    fn plus_zero(&mut self, id: NodeId, location: &'static Location<'static>) -> NodeId {
        let like = Node { location, ..self.nodes[id].clone() };
        let zero = self.constant(0.0, &like);
        self.share(Node { op: Op::Elementwise(Elementwise::Add), inputs: vec![id, zero], ..like })
    }

    /// A tensor all of whose elements are `value`, rounded as a device would, in place of `node`.
    fn constant(&mut self, value: f64, node: &Node) -> NodeId {
        let op = Op::Constant(Constant::new(Tensor::scalar(rounded(value))));
        let scalar = self.share(Node { op, inputs: vec![], shape: Shape::scalar(), location: node.location });
        if node.shape.rank() == 0 {
            return scalar;
        }
        let op = Op::Broadcast(Broadcast { shape: node.shape.clone() });
        self.share(Node { op, inputs: vec![scalar], ..node.clone() })
    }

    /// The node, or an equal one that exists already.
    fn share(&mut self, node: Node) -> NodeId {
        let mut hasher = DefaultHasher::new();
        (&node.op, &node.inputs, &node.shape).hash(&mut hasher);
        let mut key = hasher.finish();
        while let Some(&id) = self.known.get(&key) {
            let known = &self.nodes[id];
            if known.op == node.op && known.inputs == node.inputs && known.shape == node.shape {
                return id;
            }
            key = key.wrapping_add(1);
        }
        self.known.insert(key, self.nodes.len());
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn splat(&self, id: NodeId) -> Option<f64> {
        super::graph::splat(self.nodes, id).map(rounded)
    }
}

/// The number that a device has in place of `value`.
fn rounded(value: f64) -> f64 {
    f64::from(value as f32)
}
