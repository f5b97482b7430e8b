//! Values whose derivative is said apart: by a rule of the user's own, or by computing a part once more.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use super::{Op, Operation};
use crate::tape::{NodeId, Tape, Var};
use crate::{Shape, Tensor};

/// A rule: of the gradient with respect to a value, what the value was computed of, and the value, the gradient with respect
/// to each of the former.
type Rule = dyn for<'t> Fn(Var<'t>, &[Var<'t>], Var<'t>) -> Vec<Var<'t>> + Send + Sync;

/// The identity of its first input, with a derivative with respect to the others: what that input was computed of.
#[derive(Clone)]
pub struct Custom(Arc<Rule>);

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Custom {}

impl Hash for Custom {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Custom")
    }
}

/// The identity of its first input, the result of a recorded part. Its derivative with respect to the others, what the part
/// reads, is taken of the part recorded once more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The part's nodes.
    pub part: Range<NodeId>,
    /// What they read: the nodes that were the other inputs when the part was recorded.
    pub reads: Vec<NodeId>,
    /// The part's result.
    pub result: NodeId,
}

/// The identity of its first input, not to be computed before the second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Barrier;

impl Operation for Custom {
    fn name(&self) -> &'static str {
        "custom_vjp"
    }

    identity! {}

    fn differentiable(&self, input: usize) -> bool {
        input > 0
    }

    fn vjps<'t>(&self, g: Var<'t>, x: &[Var<'t>], y: Var<'t>) -> Vec<Option<Var<'t>>> {
        [None].into_iter().chain((self.0)(g, &x[1..], y).into_iter().map(Some)).collect()
    }
}

impl Operation for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    identity! {}

    fn differentiable(&self, input: usize) -> bool {
        input > 0
    }

    /// What the part reads is read again behind a barrier, or the compiler would find that it is all computed already. Leaves
    /// need none where anything else has one.
    fn vjps<'t>(&self, g: Var<'t>, x: &[Var<'t>], _: Var<'t>) -> Vec<Option<Var<'t>>> {
        let tape = g.tape();
        let leaf = |read: Var| tape.nodes()[read.id()].inputs.is_empty();
        let input = |read: Var| matches!(tape.nodes()[read.id()].op, Op::Input(_));
        let leaves_alone = x[1..].iter().all(|&read| leaf(read));
        let kept = |read: Var| leaf(read) && !(leaves_alone && input(read));
        let again = |&read: &Var<'t>| if kept(read) { read } else { tape.record(Op::Barrier(Barrier), &[read, g]) };
        let reads: Vec<Var> = x[1..].iter().map(again).collect();
        let result = tape.record_again(self, &reads);
        [None].into_iter().chain(tape.pull_back(&[(result, g)], &reads, true)).collect()
    }
}

impl Operation for Barrier {
    fn name(&self) -> &'static str {
        "barrier"
    }

    identity! {}

    fn differentiable(&self, input: usize) -> bool {
        input == 0
    }

    fn vjp<'t>(&self, _: usize, g: Var<'t>, _: &[Var<'t>], _: Var<'t>) -> Var<'t> {
        g
    }
}

impl Tape {
    /// The value that `f` computes of `xs`, with a derivative of one's own: `rule` is given the gradient g with respect to the
    /// value, `xs`, and the value y, and returns the gradient with respect to each of `xs`. It is written in operations, so it
    /// can be differentiated again; it holds for whatever else `f` reads to be constant. (JAX's `custom_vjp`, PyTorch's
    /// `autograd.Function`.)
    ///
    /// ```
    /// use autograd::Tape;
    /// let tape = Tape::new();
    /// let x = tape.scalar(0.3);
    /// // Rounded, with the slope of the identity.
    /// let rounded = tape.custom_vjp(&[x], |x| x[0].round(), |g, _, _| vec![g]);
    /// assert_eq!(rounded.value().item(), 0.0);
    /// assert_eq!(tape.grad(rounded * 5.0, &[x])[0].value().item(), 5.0);
    /// ```
    #[doc(alias = "Function")]
    #[track_caller]
    pub fn custom_vjp<'t>(
        &'t self,
        xs: &[Var<'t>],
        f: impl FnOnce(&[Var<'t>]) -> Var<'t>,
        rule: impl for<'r> Fn(Var<'r>, &[Var<'r>], Var<'r>) -> Vec<Var<'r>> + Send + Sync + 'static,
    ) -> Var<'t> {
        self.record(Op::Custom(Custom(Arc::new(rule))), &[&[f(xs)], xs].concat())
    }

    /// What `f` records, to be computed once more for its derivative instead of being kept for it: memory for time. A chain of n
    /// such parts keeps what passes between them, and the inner values of one part. Where nothing is differentiated, it
    /// changes nothing. (JAX's and PyTorch's `checkpoint`.)
    ///
    /// ```
    /// use autograd::{Device, Tape, Var};
    /// let arena = |layer: for<'t> fn(Var<'t>) -> Var<'t>| {
    ///     let tape = Tape::new();
    ///     let x = tape.input("x", [1000]);
    ///     let mut y = x;
    ///     for _ in 0..8 {
    ///         y = layer(y);
    ///     }
    ///     let slope = tape.grad(y.square().sum(), &[x])[0];
    ///     Device::cpu().program(&tape, &[slope]).expect("a program").plan().arena
    /// };
    /// fn waves<'t>(x: Var<'t>) -> Var<'t> {
    ///     (0..8).fold(x, |x, _| x.cumsum(0).sin())
    /// }
    /// assert!(2 * arena(|x| x.tape().checkpoint(|| waves(x))) < arena(waves));
    /// ```
    ///
    /// What is recorded in `f` and read outside of it, its result apart, has no derivative that passes through the part.
    #[doc(alias = "remat")]
    #[doc(alias = "rematerialize")]
    #[track_caller]
    pub fn checkpoint<'t>(&'t self, f: impl FnOnce() -> Var<'t>) -> Var<'t> {
        let start = self.nodes().len();
        let result = f();
        let part = start..self.nodes().len();
        if !part.contains(&result.id()) || self.nodes()[result.id()].inputs.is_empty() {
            return result;
        }
        let mut reads: Vec<NodeId> = Vec::new();
        for (_, inputs) in self.needed(&part, result.id()) {
            let leaf = |&input: &NodeId| input < start || self.nodes()[input].inputs.is_empty();
            reads.extend(inputs.into_iter().filter(leaf));
        }
        reads.sort_unstable();
        reads.dedup();
        let inputs: Vec<Var> = [result.id()].iter().chain(&reads).map(|&id| self.var(id)).collect();
        self.record(Op::Checkpoint(Checkpoint { part, reads, result: result.id() }), &inputs)
    }

    /// The nodes of a part that its result depends on, leaves apart, with what they read.
    fn needed(&self, part: &Range<NodeId>, result: NodeId) -> Vec<(NodeId, Vec<NodeId>)> {
        let nodes = self.nodes();
        let mut needed = vec![false; part.len()];
        needed[result - part.start] = true;
        let mut found = Vec::new();
        for id in part.clone().rev() {
            let inputs = &nodes[id].inputs;
            if needed[id - part.start] && !inputs.is_empty() {
                inputs.iter().filter_map(|input| input.checked_sub(part.start)).for_each(|input| needed[input] = true);
                found.push((id, inputs.clone()));
            }
        }
        found.reverse();
        found
    }

    /// Records a part once more, on other values of what it reads. A Variable is not assigned once more.
    fn record_again<'t>(&'t self, part: &Checkpoint, reads: &[Var<'t>]) -> Var<'t> {
        let mut renamed: HashMap<NodeId, Var<'t>> = part.reads.iter().copied().zip(reads.iter().copied()).collect();
        for (id, inputs) in self.needed(&part.part, part.result) {
            let inputs: Vec<Var> = inputs.iter().map(|input| renamed[input]).collect();
            let op = self.nodes()[id].op.clone();
            let again = match op {
                Op::Assign(_) => inputs[0],
                op => self.on_behalf_of(id, || self.record(op, &inputs)),
            };
            renamed.insert(id, again);
        }
        renamed[&part.result]
    }
}
