//! Compiled programs: fed by name, run many times, read out.

use std::fmt;

use crate::compile::{Plan, compile};
use crate::device::{Backend, Executable};
use crate::interpret::{Feed, Interpreter};
use crate::ops::Op;
use crate::tape::{Node, NodeId};
use crate::{Error, Shape, Tensor};

/// A computation ready to be replayed on a device. Running it allocates nothing.
pub struct Program {
    nodes: Vec<Node>,
    outputs: Vec<NodeId>,
    plan: Plan,
    executable: Box<dyn Executable>,
    values: Vec<Tensor>,
    step: u64,
}

/// A [`Program`] whose number of outputs is known to the compiler.
pub struct Compiled<const N: usize>(pub(crate) Program);

impl<const N: usize> Compiled<N> {
    /// Sets the step that random numbers are drawn for; see [`Program::at`].
    pub fn at(&mut self, step: u64) -> &mut Self {
        self.0.at(step);
        self
    }

    /// Runs once on the given inputs; see [`Program::run`].
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<[&Tensor; N], Error> {
        let values = self.0.run(inputs)?;
        Ok(std::array::from_fn(|i| &values[i]))
    }

    /// The first operation that makes a value infinite or NaN; see [`Program::first_non_finite`].
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn first_non_finite(&self, inputs: &[(&str, &Tensor)]) -> Result<Option<NonFinite>, Error> {
        self.0.first_non_finite(inputs)
    }

    /// What runs, and where every value lies.
    pub fn plan(&self) -> &Plan {
        self.0.plan()
    }
}

impl Program {
    pub(crate) fn new(backend: &dyn Backend, nodes: Vec<Node>, outputs: Vec<NodeId>) -> Result<Self, Error> {
        let plan = compile(&nodes, &outputs, |kernel| backend.scratch(kernel));
        let values = plan.outputs.iter().map(|(_, shape)| Tensor::zeros(shape)).collect();
        let executable = backend.load(plan.clone())?;
        Ok(Program { nodes, outputs, plan, executable, values, step: 0 })
    }

    /// Sets the step: with a stream's seed and name it determines the random numbers that are drawn.
    pub fn at(&mut self, step: u64) -> &mut Self {
        self.step = step;
        self
    }

    /// Runs once and commits what is assigned to Variables. The values asked for stay until the next run.
    ///
    /// # Errors
    /// If an input is missing, unknown or of another shape, or the device fails.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<&[Tensor], Error> {
        self.check(inputs)?;
        for (position, input) in self.plan.inputs.iter().enumerate() {
            let given = inputs.iter().find(|(name, _)| *name == input.name);
            let (_, values) = given.ok_or_else(|| missing(&input.name, &input.shape))?;
            self.executable.write_input(position, values.data())?;
        }
        self.executable.run(self.step)?;
        for (position, value) in self.values.iter_mut().enumerate() {
            self.executable.read_output(position, value.data_mut())?;
        }
        Ok(&self.values)
    }

    /// The first operation whose result is not finite although everything it reads is, found by interpreting the
    /// recorded tape at the present step on the Variables' present values; None if all results are finite.
    ///
    /// # Errors
    /// As [`run`](Program::run).
    pub fn first_non_finite(&self, inputs: &[(&str, &Tensor)]) -> Result<Option<NonFinite>, Error> {
        self.check(inputs)?;
        let assigned = |(id, node): (NodeId, &Node)| matches!(node.op, Op::Assign(_)).then_some(id);
        let roots: Vec<NodeId> =
            self.outputs.iter().copied().chain(self.nodes.iter().enumerate().filter_map(assigned)).collect();
        let found = Interpreter::new(&self.nodes, Feed { inputs, step: self.step }).first_non_finite(&roots)?;
        Ok(found
            .map(|id| NonFinite { op: self.nodes[id].op.to_string(), location: self.nodes[id].location.to_string() }))
    }

    /// What runs, and where every value lies.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Every tensor given must be one that the program declares, of the declared shape.
    fn check(&self, inputs: &[(&str, &Tensor)]) -> Result<(), Error> {
        let declared = || {
            self.nodes.iter().filter_map(|node| match &node.op {
                Op::Input(name) => Some((name, &node.shape)),
                _ => None,
            })
        };
        for (name, value) in inputs {
            let Some((_, expected)) = declared().find(|(declared, _)| declared == name) else {
                let known: Vec<&str> = declared().map(|(name, _)| name.as_str()).collect();
                return Err(Error::UnknownInput { name: (*name).to_owned(), known: known.join(", ") });
            };
            if value.shape() != expected {
                let (expected, found) = (expected.clone(), value.shape().clone());
                return Err(Error::WrongShape { name: (*name).to_owned(), expected, found });
            }
        }
        Ok(())
    }
}

fn missing(name: &str, shape: &Shape) -> Error {
    Error::MissingInput { name: name.to_owned(), shape: shape.clone() }
}

/// The operation that made a value infinite or NaN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonFinite {
    /// The operation, as a printed tape shows it.
    pub op: String,
    /// The line of code that recorded it, or the operation it differentiates.
    pub location: String,
}

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (recorded at {})", self.op, self.location)
    }
}
