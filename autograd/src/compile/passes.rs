//! What each pass makes of a tape, as a picture.

use super::graph::{Graph, Units, prune};
use super::lower::lower;
use super::plan::plan;
use super::{Kernel, fuse, simplify};
use crate::diagram::{Block, memory};
use crate::interpret::ancestors;
use crate::tape::NodeId;
use crate::{Diagram, Tape};

/// What a pass of the compiler makes of a tape: see [`Device::passes`](crate::Device::passes).
#[derive(Clone, Debug)]
pub struct Pass {
    /// What it is called: see [`compile`](crate::compile).
    pub name: &'static str,
    /// What it did, in numbers.
    pub summary: String,
    /// The result as a picture.
    pub svg: String,
}

pub(crate) fn passes(tape: &Tape, outputs: &[NodeId], ranks: usize, scratch: impl Fn(&Kernel) -> usize) -> Vec<Pass> {
    let recorded = tape.nodes().len();
    let pruned = prune(&tape.nodes(), outputs);
    let kept = ancestors(&tape.nodes(), &roots(tape, outputs));
    let left_out = (0..recorded).filter(|id| !kept.contains(id));
    let kept = pruned.nodes.len();
    let whole = tape.diagram().pale(left_out);
    let simplified = simplify::simplify(pruned, ranks);
    let graph = fuse::accumulate(fuse::duplicate_masks(simplified.clone()));
    let units = fuse::fuse(&graph);
    let plan = plan(&graph, lower(&graph, &units), scratch);
    let pass = |name, summary: String, svg: &dyn Fn(&str) -> String| Pass { name, svg: svg(&summary), summary };
    vec![
        pass("prune", format!("{kept} of {recorded} nodes are needed"), &|text| whole.svg(text)),
        pass("simplify", format!("{kept} nodes become {}", simplified.nodes.len()), &|text| {
            nodes(&simplified).svg(text)
        }),
        pass("fuse", format!("{} nodes run in {} kernels", graph.nodes.len(), units.units.len()), &|text| {
            kernels(&graph, &units).svg(text)
        }),
        pass("plan", format!("{} steps share {} numbers of memory", plan.steps.len(), plan.arena), &|text| {
            memory::svg(&plan, text)
        }),
    ]
}

/// Outputs and assignments, by their numbers on the tape.
fn roots(tape: &Tape, outputs: &[NodeId]) -> Vec<NodeId> {
    let nodes = tape.nodes();
    let assigned = (0..nodes.len()).filter(|&id| matches!(nodes[id].op, crate::ops::Op::Assign(_)));
    outputs.iter().copied().chain(assigned).collect()
}

/// What becomes of a node's value: `→ result`, `→ weight`.
fn destinations(graph: &Graph, id: NodeId) -> Vec<String> {
    let results = graph.outputs.iter().filter(|&&output| output == id).map(|_| "→ result".to_owned());
    let assigned = graph.assigns.iter().filter(|(_, value)| *value == id);
    results.chain(assigned.map(|(variable, _)| format!("→ {}", variable.name()))).collect()
}

fn nodes(graph: &Graph) -> Diagram {
    let mut diagram = Diagram::of(&graph.nodes);
    for id in 0..graph.nodes.len() {
        for destination in destinations(graph, id) {
            diagram = diagram.note(id, destination);
        }
    }
    diagram
}

/// A box for each kernel, with its nodes, and for each value that is given.
fn kernels(graph: &Graph, Units { units, computed }: &Units) -> Diagram {
    let mut boxes: Vec<Block> = Vec::new();
    let mut box_of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for (number, unit) in units.iter().enumerate() {
        let members: Vec<NodeId> = unit.nodes.iter().chain(&unit.sums).copied().collect();
        let mut reads = Vec::new();
        let mut lines = vec![format!("kernel {}", number + 1)];
        for &id in &members {
            let node = &graph.nodes[id];
            let mut line = format!("%{id} {}", node.op);
            for &input in &node.inputs {
                if let Some(value) = graph.splat(input) {
                    line += &format!(" {value}");
                    continue;
                }
                let (source, direct) = graph.source(input, computed);
                line += &format!(" %{source}{}", if direct { "" } else { " by strides" });
                if members.contains(&source) {
                    continue;
                }
                let read = *box_of[source].get_or_insert_with(|| {
                    boxes.push(Block {
                        lines: vec![format!("%{source} {}", graph.nodes[source].op)],
                        ..Block::default()
                    });
                    boxes.len() - 1
                });
                if !reads.contains(&read) {
                    reads.push(read);
                }
            }
            if node.shape.rank() > 0 {
                line += &format!("  {}", node.shape);
            }
            lines.push(line);
        }
        lines.extend(
            members.iter().flat_map(|&id| destinations(graph, id).into_iter().map(move |to| format!("%{id} {to}"))),
        );
        members.iter().for_each(|&id| box_of[id] = Some(boxes.len()));
        boxes.push(Block { lines, reads, ..Block::default() });
    }
    Diagram::new(boxes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Tensor, Variable};

    /// A layer, a loss, its gradient, the update: chapter 5 of the guide.
    fn training() -> Vec<Pass> {
        let weight = Variable::new("weight", Tensor::zeros([512, 784]));
        let tape = Tape::new();
        let (x, w) = (tape.input("x", [64, 784]), tape.variable(&weight));
        let loss = x.matmul_transposed(w).relu().square().sum();
        let gradient = tape.grad(loss, &[w])[0];
        tape.assign(&weight, w - gradient * 0.1);
        Device::cpu().passes(&tape, &[])
    }

    #[test]
    fn what_nobody_needs_is_pale_before_it_is_gone() {
        let [prune, simplify, ..] = &training()[..] else { unreachable!("there are four") };
        let loss = r#"opacity="0.3">%5 sum axes=[0, 1]</text>"#;
        assert!(prune.svg.contains(loss), "{}", prune.svg);
        assert!(!simplify.svg.contains("sum axes"), "{}", simplify.svg);
        assert!(simplify.svg.contains("→ weight"), "{}", simplify.svg);
    }

    #[test]
    fn a_kernel_lists_its_nodes_and_reads_from_others() {
        let fuse = &training()[2].svg;
        assert!(["kernel 1", "kernel 4"].iter().all(|kernel| fuse.contains(kernel)), "{fuse}");
        assert!(!fuse.contains("broadcast"), "kernels hold numbers and follow strides: {fuse}");
        // Kernel 1 reads x and the weights, 2 what 1 computes, 3 what 2 computes and x, 4 what 3 computes and the weights.
        assert_eq!(fuse.matches("<path").count(), 7, "{fuse}");
    }
}
