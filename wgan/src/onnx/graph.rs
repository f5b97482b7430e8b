//! A graph in the making: its nodes and constants, and extents that depend on the batch.

use std::collections::HashSet;

use autograd::ops::Op;
use autograd::{Node, NodeId};

use super::BATCHES;
use super::message::{self, Attribute, Dimension, FLOAT, Graph, INT64, Tensor, TensorShape, TensorType, Type, Value};
use crate::{Error, Result};

/// An extent, on batches of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Fixed(usize),
    /// This many times the batch.
    Batches(usize),
}

/// What a graph is written of, and what is written so far.
pub struct Writer<'a> {
    /// The computation, recorded on batches of both sizes.
    nodes: [&'a [Node]; 2],
    /// Who reads each node.
    readers: Vec<Vec<NodeId>>,
    /// Which nodes are asked for.
    is_result: Vec<bool>,
    /// What each node's value is called in the graph.
    names: Vec<String>,
    graph: Graph,
}

impl<'a> Writer<'a> {
    pub fn new(nodes: [&'a [Node]; 2]) -> Self {
        let count = nodes[0].len();
        let (readers, is_result, names) = (vec![Vec::new(); count], vec![false; count], vec![String::new(); count]);
        Writer { nodes, readers, is_result, names, graph: Graph::default() }
    }

    /// The graph that computes these nodes under these names.
    pub fn write(mut self, results: &[(&str, NodeId)]) -> Result<Graph> {
        results.iter().for_each(|&(_, id)| self.is_result[id] = true);
        let mut is_needed = self.is_result.clone();
        for (id, node) in self.nodes[0].iter().enumerate().rev() {
            if is_needed[id] {
                for &input in &node.inputs {
                    is_needed[input] = true;
                    self.readers[input].push(id);
                }
            }
        }
        for (id, _) in is_needed.iter().enumerate().filter(|(_, is_needed)| **is_needed) {
            self.names[id] = self.value(id)?;
        }
        for &(name, id) in results {
            self.graph.node.push(message::Node {
                op_type: "Identity".to_owned(),
                name: name.to_owned(),
                input: vec![self.names[id].clone()],
                output: vec![name.to_owned()],
                attribute: Vec::new(),
            });
            let output = self.described(name, id, FLOAT)?;
            self.graph.output.push(output);
        }
        self.graph.name = "computation".to_owned();
        self.refuse_equal_names()?;
        Ok(self.graph)
    }

    /// A value of a model is known by its name alone.
    fn refuse_equal_names(&self) -> Result<()> {
        let Graph { node, initializer, input, .. } = &self.graph;
        let inputs = input.iter().map(|value| &value.name).chain(initializer.iter().map(|tensor| &tensor.name));
        let mut seen = HashSet::new();
        match inputs.chain(node.iter().flat_map(|node| &node.output)).find(|name| !seen.insert(*name)) {
            Some(name) => Err(Error::Export(format!(
                "two values of the model would be called {name:?}: give the input, Variable or result another name"
            ))),
            None => Ok(()),
        }
    }

    /// The node, as recorded on both batches.
    pub fn both(&self, id: NodeId) -> [&'a Node; 2] {
        self.nodes.map(|nodes| &nodes[id])
    }

    pub fn name(&self, id: NodeId) -> String {
        self.names[id].clone()
    }

    /// Whether a node's value goes to nodes of this kind alone, and is no result.
    pub fn is_only_for(&self, id: NodeId, kind: impl Fn(&Node) -> bool) -> bool {
        !self.is_result[id] && self.readers[id].iter().all(|&reader| kind(&self.nodes[0][reader]))
    }

    /// A node of the graph, whose value gets a name of its own.
    pub fn node(&mut self, op_type: &str, input: Vec<String>, attribute: Vec<Attribute>) -> String {
        let name = format!("{op_type}_{}", self.graph.node.len());
        let (op_type, output) = (op_type.to_owned(), vec![name.clone()]);
        self.graph.node.push(message::Node { input, output, name: name.clone(), op_type, attribute });
        name
    }

    /// An input of the graph.
    pub fn input(&mut self, name: &str, id: NodeId, kind: i32) -> Result<String> {
        let input = self.described(name, id, kind)?;
        self.graph.input.push(input);
        Ok(name.to_owned())
    }

    /// A constant of this name.
    pub fn constant(&mut self, name: String, dims: &[usize], data_type: i32, raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|&extent| extent as i64).collect();
        self.graph.initializer.push(Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// A constant of floats under a name of its own.
    pub fn floats(&mut self, dims: &[usize], values: impl IntoIterator<Item = f32>) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.constant(name, dims, FLOAT, values.into_iter().flat_map(f32::to_le_bytes).collect())
    }

    /// A vector of integers, likewise.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("constant_{}", self.graph.initializer.len());
        self.constant(name, &[values.len()], INT64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// The shape of a node's value, on batches of any size.
    pub fn extents(&self, id: NodeId) -> Result<Vec<Extent>> {
        let [few, more] = self.both(id);
        let extent = |(&few, &more): (&usize, &usize)| match few / BATCHES[0] {
            _ if few == more => Ok(Extent::Fixed(few)),
            times if [few, more] == BATCHES.map(|batch| times * batch) => Ok(Extent::Batches(times)),
            _ => Err(self.depends_on_the_batch(id)),
        };
        few.shape.iter().zip(&*more.shape).map(extent).collect()
    }

    /// The shape as a value of the graph.
    pub fn shape(&mut self, id: NodeId) -> Result<String> {
        let extents = self.extents(id)?;
        let fixed: Option<Vec<i64>> = extents
            .iter()
            .map(|extent| match extent {
                Extent::Fixed(extent) => Some(*extent as i64),
                Extent::Batches(_) => None,
            })
            .collect();
        if let Some(fixed) = fixed {
            return Ok(self.integers(&fixed));
        }
        let batch = self.batch(id)?;
        let mut parts = Vec::with_capacity(extents.len());
        for extent in extents {
            parts.push(match extent {
                Extent::Fixed(extent) => self.integers(&[extent as i64]),
                Extent::Batches(1) => batch.clone(),
                Extent::Batches(times) => {
                    let times = self.integers(&[times as i64]);
                    self.node("Mul", vec![batch.clone(), times], Vec::new())
                }
            });
        }
        Ok(self.node("Concat", parts, vec![Attribute::int("axis", 0)]))
    }

    /// The size of the batch, a vector of one integer: an extent of an input.
    fn batch(&mut self, id: NodeId) -> Result<String> {
        for (input, node) in self.nodes[0].iter().enumerate() {
            if !matches!(node.op, Op::Input(_)) || self.readers[input].is_empty() {
                continue;
            }
            if let Some(axis) = self.extents(input)?.iter().position(|&extent| extent == Extent::Batches(1)) {
                let axis = axis as i64;
                let of_axis = vec![Attribute::int("start", axis), Attribute::int("end", axis + 1)];
                return Ok(self.node("Shape", vec![self.name(input)], of_axis));
            }
        }
        Err(self.depends_on_the_batch(id))
    }

    /// The description of an input or of a result.
    fn described(&self, name: &str, id: NodeId, elem_type: i32) -> Result<Value> {
        let dimension = |extent| match extent {
            Extent::Fixed(extent) => Dimension { dim_value: Some(extent as i64), dim_param: None },
            Extent::Batches(1) => Dimension { dim_value: None, dim_param: Some("batch".to_owned()) },
            Extent::Batches(times) => Dimension { dim_value: None, dim_param: Some(format!("{times}*batch")) },
        };
        let dim = self.extents(id)?.into_iter().map(dimension).collect();
        let tensor_type = Some(TensorType { elem_type, shape: Some(TensorShape { dim }) });
        Ok(Value { name: name.to_owned(), kind: Some(Type { tensor_type }) })
    }

    /// That a node computes something else on other batches.
    pub fn depends_on_the_batch(&self, id: NodeId) -> Error {
        let Node { op, location, .. } = self.both(id)[0];
        Error::Export(format!(
            "{op} (recorded at {location}) depends on the size of the batch, which a model leaves open"
        ))
    }
}
