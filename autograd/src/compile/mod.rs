//! The compiler: from a recorded tape to a plan that a device can replay without allocating.
//!
//! ```text
//! tape ──prune──▶ graph ──simplify──▶ graph ──fuse──▶ units ──lower──▶ kernels ──plan──▶ buffers
//! ```
//!
//! - `graph`: what of the tape matters: the nodes that outputs and assignments depend on.
//! - `simplify`: folds constants, drops identities, shares equal nodes, splits reductions.
//! - `fuse`: gathers elementwise nodes into groups that run in one pass over memory.
//! - [`kernel`], `lower`: what a device is asked to run, every reshape and broadcast resolved.
//! - [`plan`]: a place for every value; `arena`: where in it, so that values that are never alive together share memory.
//! - [`Flops`]: how much work it is; [`Pass`]: what each of these steps makes of a tape, as a picture.
//!
//! No step knows what a derivative is, and none knows a device beyond how many buffers a kernel may name and how much scratch memory a kernel wants there.

mod arena;
mod fuse;
mod graph;
pub mod kernel;
mod lower;
mod passes;
pub mod plan;
mod simplify;
#[cfg(test)]
mod tests;
mod work;

pub use kernel::Kernel;
pub use passes::Pass;
pub use plan::Plan;
pub use work::Flops;

pub(crate) use graph::splat;
pub(crate) use passes::passes;

use crate::tape::{Node, NodeId};

/// Compiles recorded nodes for one of so many ranks. `scratch` tells how many elements of scratch memory a kernel wants on the
/// device.
pub(crate) fn compile(nodes: &[Node], outputs: &[NodeId], ranks: usize, scratch: impl Fn(&Kernel) -> usize) -> Plan {
    let graph = simplify::simplify(graph::prune(nodes, outputs), ranks);
    let graph = fuse::accumulate(fuse::duplicate_masks(graph));
    let lowered = lower::lower(&graph, &fuse::fuse(&graph));
    plan::plan(&graph, lowered, scratch)
}
