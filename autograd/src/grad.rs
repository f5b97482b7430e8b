//! The reverse pass: the only one. It walks the tape backwards from the output and lets each operation append its
//! vector-Jacobian product to the same tape, as ordinary operations, so that what it returns can be differentiated again.

use std::collections::{HashMap, HashSet};

use crate::tape::{Node, NodeId, Tape, Var};

impl Tape {
    /// The gradient of the scalar `y` with respect to each of `xs`, appended to the tape.
    ///
    /// # Panics
    /// If `y` is not a scalar, or does not depend differentiably on one of `xs`, which is then named; see
    /// [`try_grad`](Tape::try_grad).
    #[track_caller]
    pub fn grad<'t>(&'t self, y: Var<'t>, xs: &[Var<'t>]) -> Vec<Var<'t>> {
        let gradients = self.try_grad(y, xs);
        if let Some(absent) = gradients.iter().position(Option::is_none) {
            let (id, nodes) = (xs[absent].id(), self.nodes());
            panic!("grad: the output does not depend on %{id} = {}, recorded at {}", nodes[id].op, nodes[id].location);
        }
        gradients.into_iter().flatten().collect()
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
    pub fn try_grad<'t>(&'t self, y: Var<'t>, xs: &[Var<'t>]) -> Vec<Option<Var<'t>>> {
        assert!(y.shape().rank() == 0, "grad: needs a scalar, this is {y:?}; sum it, or use vjp with weights");
        self.pull_back(y, self.scalar(1.0), xs)
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
    pub fn vjp<'t>(&'t self, y: Var<'t>, v: Var<'t>, xs: &[Var<'t>]) -> Vec<Option<Var<'t>>> {
        assert!(y.shape() == v.shape(), "vjp: the value is {y:?}, its weights are {v:?}");
        self.pull_back(y, v, xs)
    }

    #[track_caller]
    fn pull_back<'t>(&'t self, y: Var<'t>, seed: Var<'t>, xs: &[Var<'t>]) -> Vec<Option<Var<'t>>> {
        for var in [y, seed].iter().chain(xs) {
            var.check_tape(self);
        }
        let path = self.path(xs, y.id());
        let mut gradients = HashMap::from([(y.id(), seed)]);
        for &id in path.iter().rev() {
            let Some(&g) = gradients.get(&id) else { continue };
            let (op, inputs) = {
                let node = &self.nodes()[id];
                (node.op.clone(), node.inputs.clone())
            };
            let arguments: Vec<Var<'t>> = inputs.iter().map(|&input| self.var(input)).collect();
            for (position, &input) in inputs.iter().enumerate() {
                if path.binary_search(&input).is_ok() && op.operation().differentiable(position) {
                    let gradient = self.on_behalf_of(id, || {
                        let contribution = op.operation().vjp(position, g, &arguments, self.var(id));
                        gradients.get(&input).map_or(contribution, |&sum| sum + contribution)
                    });
                    gradients.insert(input, gradient);
                }
            }
        }
        xs.iter().map(|x| gradients.get(&x.id()).copied()).collect()
    }

    /// The nodes on the ways from `xs` to `y` along which a derivative flows, in recorded order. Only what `y` depends on
    /// is visited, and of that nothing older than `xs`: the tape may be much longer.
    fn path(&self, xs: &[Var], y: NodeId) -> Vec<NodeId> {
        let nodes = self.nodes();
        let wanted: HashSet<NodeId> = xs.iter().map(|x| x.id()).collect();
        let Some(&oldest) = wanted.iter().min() else { return Vec::new() };
        let read = |id: NodeId| {
            let Node { op, inputs, .. } = &nodes[id];
            inputs.iter().enumerate().filter(|&(i, _)| op.operation().differentiable(i)).map(|(_, &input)| input)
        };
        let (mut visited, mut open) = (HashSet::new(), vec![y]);
        while let Some(id) = open.pop() {
            if id >= oldest && visited.insert(id) {
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
