//! The reference interpreter: runs a tape node by node in the naive loops of each operation. It is the specification
//! that compiled programs are tested against, and what [`Var::value`] shows.

use std::collections::HashMap;

use crate::ops::Op;
use crate::tape::{Node, NodeId, Tape, Var};
use crate::{Element, Error, Shape, Tensor};

/// What a run is given: the inputs by name, and the step that random numbers are drawn for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Feed<'a, T = f32> {
    /// Every input of the program, by name.
    pub inputs: &'a [(&'a str, &'a Tensor<T>)],
    /// The step, which random numbers are a function of.
    pub step: u64,
}

/// The inputs that a tape declares.
pub(crate) struct Declared {
    /// In recorded order.
    inputs: Vec<(String, Shape)>,
    /// Each name's position among them.
    positions: HashMap<String, usize>,
}

impl Declared {
    pub(crate) fn new(nodes: &[Node]) -> Self {
        let input = |node: &Node| match &node.op {
            Op::Input(name) => Some((name.clone(), node.shape.clone())),
            _ => None,
        };
        let inputs: Vec<(String, Shape)> = nodes.iter().filter_map(input).collect();
        let positions = inputs.iter().enumerate().map(|(position, (name, _))| (name.clone(), position)).collect();
        Declared { inputs, positions }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(|(name, _)| name.as_str())
    }

    /// The position of the input that is given so: it must be declared, with this shape.
    pub(crate) fn position<T: Element>(&self, name: &str, value: &Tensor<T>) -> Result<usize, Error> {
        let Some(&position) = self.positions.get(name) else {
            let known: Vec<&str> = self.names().collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Error::UnknownInput { name: name.to_owned(), known });
        };
        let (_, expected) = &self.inputs[position];
        match value.shape() == expected {
            true => Ok(position),
            false => {
                let (expected, found) = (expected.clone(), value.shape().clone());
                Err(Error::WrongShape { name: name.to_owned(), expected, found })
            }
        }
    }
}

impl Tape {
    /// The values of `outputs`, computed in the precision of `T`: in f32 each operation's result is rounded to f32.
    ///
    /// # Errors
    /// If an input is missing, unknown or of another shape, or a Variable can't be read.
    ///
    /// ```
    /// use autograd::{Feed, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.input("x", [2]);
    /// let inputs = [("x", &Tensor::new([2], vec![3.0, 4.0])?)];
    /// let values = tape.interpret::<f64>(&[x.square().sum()], Feed { inputs: &inputs, step: 0 })?;
    /// assert_eq!(values[0].item(), 25.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn interpret<T: Element>(&self, outputs: &[Var], feed: Feed<T>) -> Result<Vec<Tensor<T>>, Error> {
        for output in outputs {
            output.check_tape(self);
        }
        let nodes = self.nodes();
        let mut interpreter = Interpreter::new(&nodes, feed)?;
        let ids: Vec<NodeId> = outputs.iter().map(|output| output.id()).collect();
        interpreter.run(&ids)?;
        Ok(ids.iter().map(|&id| interpreter.value(id).cast()).collect())
    }
}

impl Var<'_> {
    /// The value in f64, from the constants and Variables it depends on; random numbers are those of step 0.
    ///
    /// # Panics
    /// If it depends on an input, which has a value only in [`Tape::interpret`] or a compiled program.
    #[track_caller]
    pub fn value(self) -> Tensor<f64> {
        match self.tape().interpret::<f64>(&[self], Feed::default()) {
            Ok(mut values) => values.remove(0),
            Err(error) => self.tape().refuse(&format!("value: {error}")),
        }
    }
}

/// A run in progress: the nodes and the values computed so far.
pub(crate) struct Interpreter<'a, T> {
    nodes: &'a [Node],
    step: u64,
    given: HashMap<&'a str, &'a Tensor<T>>,
    values: Vec<Option<Tensor<f64>>>,
}

impl<'a, T: Element> Interpreter<'a, T> {
    /// # Errors
    /// If an input that is given is not declared, or has another shape.
    pub(crate) fn new(nodes: &'a [Node], feed: Feed<'a, T>) -> Result<Self, Error> {
        let declared = Declared::new(nodes);
        let mut given = HashMap::new();
        for &(name, value) in feed.inputs {
            declared.position(name, value)?;
            given.entry(name).or_insert(value);
        }
        Ok(Interpreter { nodes, step: feed.step, given, values: vec![None; nodes.len()] })
    }

    /// Computes every node that `outputs` depend on.
    pub(crate) fn run(&mut self, outputs: &[NodeId]) -> Result<(), Error> {
        for id in ancestors(self.nodes, outputs) {
            self.values[id] = Some(self.compute(id)?);
        }
        Ok(())
    }

    /// The value of a node that was computed.
    pub(crate) fn value(&self, id: NodeId) -> &Tensor<f64> {
        self.values[id].as_ref().expect("computed before what depends on it")
    }

    /// For every computed node, on which sides of its kinks it was evaluated.
    pub(crate) fn branches(&self) -> Vec<i64> {
        let computed =
            self.nodes.iter().zip(&self.values).filter(|(node, value)| value.is_some() && !node.inputs.is_empty());
        computed.flat_map(|(node, _)| node.op.operation().branches(&self.arguments(node))).collect()
    }

    fn arguments(&self, node: &Node) -> Vec<&Tensor<f64>> {
        node.inputs.iter().map(|&input| self.value(input)).collect()
    }

    fn compute(&self, id: NodeId) -> Result<Tensor<f64>, Error> {
        let node = &self.nodes[id];
        let exact = match &node.op {
            Op::Input(name) => self.input(name, node)?,
            Op::Constant(constant) => constant.tensor().clone(),
            Op::Variable(variable) => variable.read()?.cast(),
            Op::Random(random) => random.value(&node.shape, self.step),
            op => op.operation().value(&self.arguments(node), &node.shape),
        };
        debug_assert_eq!(exact.shape(), &node.shape, "{}", node.op);
        Ok(exact.cast::<T>().cast())
    }

    fn input(&self, name: &str, node: &Node) -> Result<Tensor<f64>, Error> {
        match self.given.get(name) {
            Some(given) => Ok(given.cast()),
            None => Err(Error::MissingInput { name: name.to_owned(), shape: node.shape.clone() }),
        }
    }

    /// The first node whose value is not finite although everything it reads is.
    pub(crate) fn first_non_finite(&mut self, outputs: &[NodeId]) -> Result<Option<NodeId>, Error> {
        for id in ancestors(self.nodes, outputs) {
            let value = self.compute(id)?;
            if value.data().iter().any(|x| !x.is_finite()) {
                return Ok(Some(id));
            }
            self.values[id] = Some(value);
        }
        Ok(None)
    }
}

/// The nodes that `outputs` depend on and `outputs` themselves, in recorded order.
pub(crate) fn ancestors(nodes: &[Node], outputs: &[NodeId]) -> Vec<NodeId> {
    let mut needed = vec![false; nodes.len()];
    outputs.iter().for_each(|&id| needed[id] = true);
    for id in (0..nodes.len()).rev() {
        if needed[id] {
            nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    (0..nodes.len()).filter(|&id| needed[id]).collect()
}
