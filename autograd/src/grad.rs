//! The reverse pass: the only one. It walks the tape backwards from the output and lets each operation append its
//! vector-Jacobian product to the same tape, as ordinary operations, so that what it returns can be differentiated again.

use crate::tape::{NodeId, Tape, Var};

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
        let on_path = self.descendants(xs, y.id());
        let mut gradients: Vec<Option<Var<'t>>> = vec![None; y.id() + 1];
        gradients[y.id()] = Some(seed);
        for id in (0..=y.id()).rev().filter(|&id| on_path[id]) {
            let Some(g) = gradients[id] else { continue };
            let (op, inputs) = {
                let node = &self.nodes()[id];
                (node.op.clone(), node.inputs.clone())
            };
            let arguments: Vec<Var<'t>> = inputs.iter().map(|&input| self.var(input)).collect();
            for (position, &input) in inputs.iter().enumerate() {
                if on_path[input] && op.operation().differentiable(position) {
                    gradients[input] = Some(self.on_behalf_of(id, || {
                        let contribution = op.operation().vjp(position, g, &arguments, self.var(id));
                        gradients[input].map_or(contribution, |sum| sum + contribution)
                    }));
                }
            }
        }
        xs.iter().map(|x| gradients.get(x.id()).copied().flatten()).collect()
    }

    /// Which of the nodes up to `last` are `xs` or depend on them differentiably.
    fn descendants(&self, xs: &[Var], last: NodeId) -> Vec<bool> {
        let nodes = self.nodes();
        let mut reached = vec![false; last + 1];
        xs.iter().filter(|x| x.id() <= last).for_each(|x| reached[x.id()] = true);
        for id in 0..=last {
            let node = &nodes[id];
            reached[id] |= node
                .inputs
                .iter()
                .enumerate()
                .any(|(i, &input)| reached[input] && node.op.operation().differentiable(i));
        }
        reached
    }
}
