//! The reverse pass: the only one. It walks the tape backwards from the output and lets each operation append its
//! vector-Jacobian product to the same tape, as ordinary operations, so that what it returns can be differentiated again.

use std::collections::{HashMap, HashSet};

use crate::Shape;
use crate::compile::splat;
use crate::ops::{Elementwise, Op};
use crate::tape::{Node, NodeId, Tape, Var};

/// Masks that are taken off a gradient, at most: in a long chain of ReLUs every one of them would be put on again at each step.
const MOST_MASKS: usize = 4;

/// What derivatives are taken with respect to: an array, which gives an array, or a slice, which gives a `Vec`.
///
/// ```
/// let tape = autograd::Tape::new();
/// let (x, y) = (tape.scalar(3.0), tape.scalar(5.0));
/// let [to_x, to_y] = tape.grad(x * y, &[x, y]);
/// assert_eq!([to_x, to_y].map(|slope| slope.value().item()), [5.0, 3.0]);
/// ```
pub trait Vars<'t>: AsRef<[Var<'t>]> {
    /// One `T` for each Var.
    type Each<T>;
    /// Takes one value for each Var.
    fn each<T>(values: Vec<T>) -> Self::Each<T>;
}

impl<'t, const N: usize> Vars<'t> for [Var<'t>; N] {
    type Each<T> = [T; N];
    fn each<T>(values: Vec<T>) -> [T; N] {
        values.try_into().unwrap_or_else(|_| unreachable!("one for each"))
    }
}

impl<'t> Vars<'t> for [Var<'t>] {
    type Each<T> = Vec<T>;
    fn each<T>(values: Vec<T>) -> Vec<T> {
        values
    }
}

impl<'t> Vars<'t> for Vec<Var<'t>> {
    type Each<T> = Vec<T>;
    fn each<T>(values: Vec<T>) -> Vec<T> {
        values
    }
}

/// What lets a gradient pass where `mask` is not 0, or only where it is.
#[derive(Clone, Copy)]
struct Mask<'t> {
    mask: Var<'t>,
    passes: bool,
    zeros: Var<'t>,
}

impl Mask<'_> {
    /// Whether both are the same, if only computed twice.
    fn equals(&self, other: &Mask) -> bool {
        let nodes = self.mask.tape().nodes();
        let [a, b] = [self, other].map(|mask| &nodes[mask.mask.id()]);
        let again = !a.inputs.is_empty() && a.op == b.op && a.inputs == b.inputs;
        self.passes == other.passes && (self.mask.id() == other.mask.id() || again)
    }
}

/// The gradient under these masks, the last one first.
fn masked<'t>(bare: Var<'t>, masks: &[Mask<'t>]) -> Var<'t> {
    masks.iter().rev().fold(bare, |g, &Mask { mask, passes, zeros }| match passes {
        true => mask.select(g, zeros),
        false => mask.select(zeros, g),
    })
}

impl Tape {
    /// The gradient of the scalar `y` with respect to each of `xs`, appended to the tape.
    ///
    /// # Panics
    /// If `y` is not a scalar, or does not depend differentiably on one of `xs`, which is then named; see
    /// [`try_grad`](Tape::try_grad).
    #[track_caller]
    pub fn grad<'t, X: Vars<'t> + ?Sized>(&'t self, y: Var<'t>, xs: &X) -> X::Each<Var<'t>> {
        let xs = xs.as_ref();
        let gradients = self.try_grad(y, xs);
        if let Some(absent) = gradients.iter().position(Option::is_none) {
            let (id, nodes) = (xs[absent].id(), self.nodes());
            let Node { op, location, .. } = &nodes[id];
            let message = format!(
                "grad: the output does not depend on %{id} = {op}, recorded at {location}; try_grad gives None for it"
            );
            drop(nodes);
            self.refuse(&message);
        }
        X::each(gradients.into_iter().flatten().collect())
    }

    /// The gradient of the scalar `y` with respect to each of `xs`; None where `y` does not depend on it
    /// differentiably, which is cheaper and tells more than zeros would.
    ///
    /// ```
    /// let tape = autograd::Tape::new();
    /// let (x, bias) = (tape.scalar(3.0), tape.scalar(-1.0));
    /// let slope = tape.grad((x * 2.0 + bias).relu(), &[x])[0];
    /// assert!(tape.try_grad(slope, &[bias])[0].is_none()); // a ReLU's slope is constant in pieces
    /// ```
    ///
    /// # Panics
    /// If `y` is not a scalar.
    #[track_caller]
    pub fn try_grad<'t, X: Vars<'t> + ?Sized>(&'t self, y: Var<'t>, xs: &X) -> X::Each<Option<Var<'t>>> {
        if y.shape().rank() != 0 {
            self.refuse(&format!("grad: needs a scalar, this is {y:?}; sum it, or use vjp with weights"));
        }
        X::each(self.pull_back(&[(y, self.scalar(1.0))], xs.as_ref(), false))
    }

    /// The vector-Jacobian product: the gradient of `Σ v·y` with respect to each of `xs`, None where `y` does not depend
    /// on it. `v` has `y`'s shape.
    ///
    /// ```
    /// use autograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.constant(&Tensor::new([2], vec![3.0, 5.0])?);
    /// let v = tape.constant(&Tensor::new([2], vec![1.0, 10.0])?);
    /// let product = tape.vjp(x.square(), v, &[x])[0].expect("x² depends on x");
    /// assert_eq!(product.value().data(), [6.0, 100.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the shapes of `y` and `v` differ.
    #[track_caller]
    pub fn vjp<'t, X: Vars<'t> + ?Sized>(&'t self, y: Var<'t>, v: Var<'t>, xs: &X) -> X::Each<Option<Var<'t>>> {
        if y.shape() != v.shape() {
            self.refuse(&format!("vjp: the value is {y:?}, its weights are {v:?}"));
        }
        X::each(self.pull_back(&[(y, v)], xs.as_ref(), false))
    }

    /// The gradients of `Σ seed·y` over several values y, each with a seed, which is taken as given. If `cut`, `xs` are
    /// independent of each other: what one of them was computed of is not looked at.
    #[track_caller]
    pub(crate) fn pull_back<'t>(
        &'t self,
        seeded: &[(Var<'t>, Var<'t>)],
        xs: &[Var<'t>],
        cut: bool,
    ) -> Vec<Option<Var<'t>>> {
        for var in seeded.iter().flat_map(|(y, seed)| [y, seed]).chain(xs) {
            var.check_tape(self);
        }
        let path = self.path(xs, seeded.iter().map(|(y, _)| y.id()).collect(), cut);
        let mut gradients = HashMap::new();
        for &(y, seed) in seeded {
            let sum = gradients.get(&y.id()).map_or(seed, |&sum| self.sum(sum, seed));
            gradients.insert(y.id(), sum);
        }
        for &id in path.iter().rev() {
            let Some(&g) = gradients.get(&id) else { continue };
            let (op, inputs) = {
                let node = &self.nodes()[id];
                (node.op.clone(), node.inputs.clone())
            };
            if inputs.is_empty() {
                continue; // a leaf has no rule
            }
            let arguments: Vec<Var<'t>> = inputs.iter().map(|&input| self.var(input)).collect();
            let (bare, masks) = if let Op::Elementwise(_) = op { self.unmasked(g) } else { (g, Vec::new()) };
            let all = self.on_behalf_of(id, || op.operation().vjps(bare, &arguments, self.var(id)));
            if !all.is_empty() {
                self.check_rule(id, &arguments, &all);
            }
            for (position, &input) in inputs.iter().enumerate() {
                if path.binary_search(&input).is_ok() && op.operation().differentiable(position) {
                    let one = || Some(op.operation().vjp(position, bare, &arguments, self.var(id)));
                    let pulled = self.on_behalf_of(id, || all.get(position).copied().unwrap_or_else(one));
                    let Some(pulled) = pulled else { continue };
                    let gradient = self.on_behalf_of(id, || {
                        let passed_on = pulled.id() == bare.id();
                        let contribution = if passed_on { g } else { masked(pulled, &masks) };
                        gradients.get(&input).map_or(contribution, |&sum| self.sum(sum, contribution))
                    });
                    gradients.insert(input, gradient);
                }
            }
        }
        xs.iter().map(|x| gradients.get(&x.id()).copied()).collect()
    }

    /// Refuses what the rule of node `id` gives where it is not one gradient of its shape for each input.
    #[track_caller]
    fn check_rule<'t>(&self, id: NodeId, inputs: &[Var<'t>], gradients: &[Option<Var<'t>>]) {
        let shapes =
            |vars: &[Option<Var>]| -> Vec<Option<Shape>> { vars.iter().map(|var| Some((*var)?.shape())).collect() };
        let (needed, given) = (inputs.iter().skip(1).map(|x| x.shape()), shapes(&gradients[1..]));
        let fits = |(given, needed): (&Option<Shape>, Shape)| given.as_ref().is_none_or(|given| *given == needed);
        if given.len() != needed.len() || !given.iter().zip(needed.clone()).all(fits) {
            let (location, needed): (_, Vec<Shape>) = (self.nodes()[id].location, needed.collect());
            let given: Vec<Shape> = given.into_iter().flatten().collect();
            self.refuse(&format!(
                "custom_vjp: the rule recorded at {location} gives gradients of shapes {given:?}, but what it is for has {needed:?}"
            ));
        }
    }

    /// The sum of two gradients, under the masks that both have, so that they can be taken off again.
    fn sum<'t>(&'t self, a: Var<'t>, b: Var<'t>) -> Var<'t> {
        let ((bare_a, masks_a), (bare_b, masks_b)) = (self.unmasked(a), self.unmasked(b));
        let split = |masks: Vec<Mask<'t>>, others: &[Mask<'t>]| -> (Vec<Mask<'t>>, Vec<Mask<'t>>) {
            masks.into_iter().partition(|mask| others.iter().any(|other| mask.equals(other)))
        };
        let (common, own_b) = split(masks_b, &masks_a);
        let (_, own_a) = split(masks_a, &common);
        match common.is_empty() {
            true => a + b,
            false => masked(masked(bare_a, &own_a) + masked(bare_b, &own_b), &common),
        }
    }

    /// A masked gradient, `select(mask, g, 0)`, without its masks, and these, the last one first.
    ///
    /// An elementwise rule is linear in the gradient, element by element, so the masks may as well be put on what it makes
    /// of the bare gradient. Only there do they select 0 where its factor is infinite, such as the root's at 0: the
    /// factor times a gradient masked before would be 0 · ∞, NaN.
    fn unmasked<'t>(&'t self, mut g: Var<'t>) -> (Var<'t>, Vec<Mask<'t>>) {
        let mut masks = Vec::new();
        while masks.len() < MOST_MASKS {
            let nodes = self.nodes();
            let (Op::Elementwise(Elementwise::Select), &[mask, a, b]) = (&nodes[g.id()].op, &*nodes[g.id()].inputs)
            else {
                return (g, masks);
            };
            let zeros = |id: NodeId| splat(&nodes, id) == Some(0.0);
            let (bare, passes) = match (zeros(a), zeros(b)) {
                (_, true) => (a, true),
                (true, _) => (b, false),
                _ => return (g, masks),
            };
            let zeros = if passes { b } else { a };
            masks.push(Mask { mask: self.var(mask), passes, zeros: self.var(zeros) });
            g = self.var(bare);
        }
        (g, masks)
    }

    /// The nodes on the ways from `xs` to `ys` along which a derivative flows, in recorded order. Only what `ys` depend on
    /// is visited, and of that nothing older than `xs`: the tape may be much longer.
    fn path(&self, xs: &[Var], ys: Vec<NodeId>, cut: bool) -> Vec<NodeId> {
        let nodes = self.nodes();
        let wanted: HashSet<NodeId> = xs.iter().map(|x| x.id()).collect();
        let Some(&oldest) = wanted.iter().min() else { return Vec::new() };
        let read = |id: NodeId| {
            let Node { op, inputs, .. } = &nodes[id];
            inputs.iter().enumerate().filter(|&(i, _)| op.operation().differentiable(i)).map(|(_, &input)| input)
        };
        let (mut visited, mut open) = (HashSet::new(), ys);
        while let Some(id) = open.pop() {
            if id >= oldest && visited.insert(id) && !(cut && wanted.contains(&id)) {
                open.extend(read(id));
            }
        }
        let mut visited: Vec<NodeId> = visited.into_iter().collect();
        visited.sort_unstable();
        let mut reached = HashSet::new();
        for &id in &visited {
            if wanted.contains(&id) || read(id).any(|input| reached.contains(&input)) {
                reached.insert(id);
            }
        }
        visited.retain(|id| reached.contains(id));
        visited
    }
}
