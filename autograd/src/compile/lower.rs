//! Lowering: from units of nodes to kernels and the values they read and write.

use super::graph::{Graph, Unit, Units, blocks};
use super::kernel::{Access, Argument, Fused, FusedSum, Instruction, Kernel, Reduction, View};
use crate::Shape;
use crate::ops::{Conv2d, Conv2dFilter, Conv2dInput, ConvSizes, Lookup, Max, Op, Pad, Sum};
use crate::tape::NodeId;

/// A kernel and the nodes whose values it reads and writes.
#[derive(Debug)]
pub(crate) struct Call {
    pub kernel: Kernel,
    pub reads: Vec<NodeId>,
    pub writes: Vec<NodeId>,
}

/// One call for each unit.
pub(crate) fn lower(graph: &Graph, Units { units, computed }: &Units) -> Vec<Call> {
    let lower = |unit: &Unit| match graph.nodes[unit.nodes[0]].op {
        Op::Elementwise(_) => group(graph, unit, computed),
        Op::AllMean(_) => message(graph, &unit.nodes),
        _ => single(graph, unit.nodes[0]),
    };
    units.iter().map(lower).collect()
}

/// A group of elementwise nodes, and sums of them.
fn group(graph: &Graph, unit: &Unit, computed: &[bool]) -> Call {
    let mut loads: Vec<(NodeId, Access)> = Vec::new();
    let mut operand = |&input: &NodeId| operand(graph, input, computed, &unit.nodes, &mut loads);
    let operands: Vec<Vec<Operand>> =
        unit.nodes.iter().map(|&id| graph.nodes[id].inputs.iter().map(&mut operand).collect()).collect();
    let register = |operand: &Operand| match *operand {
        Operand::Constant(value) => Argument::Constant(value),
        Operand::Load(load) => Argument::Register(load),
        Operand::Member(member) => Argument::Register(loads.len() + member),
    };
    let op = |id: NodeId| match graph.nodes[id].op {
        Op::Elementwise(op) => op,
        _ => unreachable!("a group holds elementwise nodes"),
    };
    let instruction = |(&id, operands): (&NodeId, &Vec<Operand>)| Instruction {
        op: op(id),
        arguments: operands.iter().map(register).collect(),
    };
    let result = |id: NodeId| {
        let member =
            unit.nodes.iter().position(|&member| member == id).expect("a group stores and sums its own values");
        loads.len() + member
    };
    let sum = |&id: &NodeId| {
        let (summed, _) = graph.source(graph.nodes[id].inputs[0], computed);
        FusedSum { register: result(summed), over: graph.sum_over(id).expect("a sum that a group can take") }
    };
    let fused = Fused {
        count: graph.count(unit.nodes[0]),
        instructions: unit.nodes.iter().zip(&operands).map(instruction).collect(),
        stores: unit.stored.iter().map(|&id| result(id)).collect(),
        sums: unit.sums.iter().map(sum).collect(),
        loads: loads.iter().map(|(_, access)| access.clone()).collect(),
    };
    Call {
        kernel: Kernel::Fused(fused),
        reads: loads.into_iter().map(|(source, _)| source).collect(),
        writes: unit.stored.iter().chain(&unit.sums).copied().collect(),
    }
}

/// Where an argument of a group's member comes from.
enum Operand {
    Constant(f32),
    /// By its position among the loads.
    Load(usize),
    /// By its position in the unit.
    Member(usize),
}

/// The operand that `input` is; what is neither known nor computed by the unit itself becomes one of the loads.
fn operand(
    graph: &Graph,
    input: NodeId,
    computed: &[bool],
    unit: &[NodeId],
    loads: &mut Vec<(NodeId, Access)>,
) -> Operand {
    if let Some(value) = graph.splat(input) {
        return Operand::Constant(value as f32);
    }
    let (source, direct) = graph.source(input, computed);
    if let Some(position) = unit.iter().position(|&member| member == source && direct) {
        return Operand::Member(position);
    }
    let access = match direct {
        true => Access::Contiguous,
        false => Access::Strided(graph.view(graph.storage(input)).expect("only views are indirect")),
    };
    let load = (source, access);
    let position = loads.iter().position(|known| *known == load).unwrap_or(loads.len());
    if position == loads.len() {
        loads.push(load);
    }
    Operand::Load(position)
}

/// Means over ranks that are taken together.
fn message(graph: &Graph, means: &[NodeId]) -> Call {
    let reads = means.iter().map(|&id| graph.storage(graph.nodes[id].inputs[0])).collect();
    Call { kernel: Kernel::AllMean, reads, writes: means.to_vec() }
}

/// Any other node.
fn single(graph: &Graph, id: NodeId) -> Call {
    let node = &graph.nodes[id];
    let shape = |input: usize| &graph.nodes[node.inputs[input]].shape;
    let accumulate = node.inputs.len() == 3; // products and convolutions only: see `fuse::accumulate`
    let kernel = match &node.op {
        Op::Barrier(_) => Kernel::Copy(View { shape: node.shape.clone(), offset: 0, strides: node.shape.strides() }),
        Op::Broadcast(_) | Op::Permute(_) | Op::Slice(_) => Kernel::Copy(graph.view(id).expect("a view")),
        Op::Pad(Pad { before, .. }) => Kernel::Assemble(vec![part(shape(0), before, &node.shape)]),
        Op::Concat(concat) => {
            let mut corner = vec![0; node.shape.rank()];
            let joined = concat.starts.iter().enumerate().map(|(input, &start)| {
                corner[concat.axis] = start;
                part(shape(input), &corner, &node.shape)
            });
            Kernel::Assemble(joined.collect())
        }
        Op::Sum(Sum { axes }) => reduce(Reduction::Sum, axes, shape(0)),
        Op::Max(Max { axes }) => reduce(Reduction::Max, axes, shape(0)),
        Op::MatMul(product) => Kernel::MatMul {
            sizes: product.sizes(shape(0), shape(1)),
            transpose_a: product.transpose_a,
            transpose_b: product.transpose_b,
            accumulate,
        },
        Op::Conv2d(Conv2d(conv)) => Kernel::Conv2d(ConvSizes::new(*conv, shape(0), shape(1), &node.shape), accumulate),
        Op::Conv2dInput(Conv2dInput { conv, .. }) => {
            Kernel::Conv2dInput(ConvSizes::new(*conv, &node.shape, shape(1), shape(0)), accumulate)
        }
        Op::Conv2dFilter(Conv2dFilter { conv, .. }) => {
            Kernel::Conv2dFilter(ConvSizes::new(*conv, shape(0), &node.shape, shape(1)), accumulate)
        }
        Op::Gather(_) => Kernel::Gather { width: node.shape.without(&[0]).count() },
        Op::Lookup(Lookup(table)) => Kernel::Lookup(table.clone()),
        Op::ScatterAdd(_) => Kernel::ScatterAdd { width: node.shape.without(&[0]).count() },
        Op::Random(random) => Kernel::Random(*random),
        Op::Input(_)
        | Op::Constant(_)
        | Op::Variable(_)
        | Op::Reshape(_)
        | Op::Elementwise(_)
        | Op::AllMean(_)
        | Op::Detach(_)
        | Op::Custom(_)
        | Op::Checkpoint(_)
        | Op::Assign(_) => {
            unreachable!("{} is no unit of its own", node.op)
        }
    };
    let read = if let Op::Barrier(_) = node.op { &node.inputs[..1] } else { &node.inputs[..] };
    Call { kernel, reads: read.iter().map(|&input| graph.storage(input)).collect(), writes: vec![id] }
}

/// The box of `whole` with this first corner.
fn part(shape: &Shape, corner: &[usize], whole: &Shape) -> View {
    View { shape: shape.clone(), offset: whole.flat_index(corner), strides: whole.strides() }
}

fn reduce(reduction: Reduction, axes: &[usize], shape: &Shape) -> Kernel {
    let [outer, reduced, inner] = blocks(axes, shape);
    Kernel::Reduce { reduction, outer, reduced, inner }
}
