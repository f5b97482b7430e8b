//! What each operation is called in ONNX (<https://onnx.ai/onnx/operators>). Those that have no word there are refused: a
//! composition would round otherwise, or another operation would treat some numbers otherwise.

use std::iter::once;

use autograd::ops::{
    Concat, Conv, Conv2d, Conv2dInput, Elementwise, Lookup, MatMul, Max, Op, Pad, Permute, Slice, Sum,
};
use autograd::{Node, NodeId};

use super::graph::{Extent, Writer};
use super::message::{Attribute, BOOL, FLOAT, INT64, UINT8};
use crate::{Error, Result};

impl Writer<'_> {
    /// Writes a node whose inputs are written, and says what its value is called.
    pub fn value(&mut self, id: NodeId) -> Result<String> {
        let [node, other] = self.both(id);
        let inputs: Vec<String> = node.inputs.iter().map(|&input| self.name(input)).collect();
        let input = || inputs[0].clone();
        // Beyond shapes, which may depend on the batch, nothing may.
        let has_shape = matches!(node.op, Op::Broadcast(_) | Op::Reshape(_) | Op::Slice(_) | Op::Concat(_));
        if !has_shape && node.op != other.op {
            return Err(self.depends_on_the_batch(id));
        }
        let no_word = || {
            let Node { op, location, .. } = node;
            Err(Error::Export(format!("ONNX has no word for {op} (recorded at {location})")))
        };
        match &node.op {
            Op::Input(name) => {
                let kind = if self.only_picks(id) { INT64 } else { FLOAT };
                self.input(name, id, kind)
            }
            Op::Constant(constant) => {
                let tensor = constant.tensor().cast::<f32>();
                Ok(self.floats(tensor.shape(), tensor.data().iter().copied()))
            }
            Op::Variable(variable) => {
                let bytes = variable.read()?.data().iter().flat_map(|x| x.to_le_bytes()).collect();
                Ok(self.constant(variable.name().to_owned(), variable.shape(), FLOAT, bytes))
            }
            Op::Detach(_) | Op::Custom(_) | Op::Checkpoint(_) | Op::Barrier(_) | Op::AllMean(_) => Ok(input()),
            Op::Elementwise(op) => self.elementwise(*op, &inputs).map_or_else(no_word, Ok),
            Op::Broadcast(_) if self.arithmetic_broadcasts(id) => Ok(input()),
            Op::Broadcast(_) => {
                let shape = self.shape(id)?;
                Ok(self.node("Expand", vec![input(), shape], Vec::new()))
            }
            Op::Reshape(_) => {
                let extents = self.extents(id)?;
                let open = |extent: &&Extent| matches!(extent, Extent::Batches(_));
                let shape = if extents.iter().filter(open).count() == 1 {
                    let extent = |&extent: &Extent| if let Extent::Fixed(extent) = extent { extent as i64 } else { -1 };
                    self.integers(&extents.iter().map(extent).collect::<Vec<_>>())
                } else {
                    self.shape(id)?
                };
                Ok(self.node("Reshape", vec![input(), shape], Vec::new()))
            }
            Op::Permute(Permute { order }) => {
                Ok(self.node("Transpose", vec![input()], vec![Attribute::ints("perm", order.iter().copied())]))
            }
            Op::Slice(_) => self.slice(id, input()),
            Op::Pad(Pad { before, after }) => {
                let borders: Vec<i64> = before.iter().chain(after).map(|&border| border as i64).collect();
                let borders = self.integers(&borders);
                Ok(self.node("Pad", vec![input(), borders], Vec::new()))
            }
            Op::Concat(Concat { axis, .. }) => {
                Ok(self.node("Concat", inputs, vec![Attribute::int("axis", *axis as i64)]))
            }
            Op::Sum(Sum { axes }) => Ok(self.reduction("ReduceSum", input(), axes)),
            Op::Max(Max { axes }) => Ok(self.reduction("ReduceMax", input(), axes)),
            Op::MatMul(MatMul { transpose_a, transpose_b }) => {
                let flags = [*transpose_a, *transpose_b];
                let factors = [0, 1].map(|i| match flags[i] {
                    false => inputs[i].clone(),
                    true => {
                        let rank = node.shape.rank();
                        let order = (0..rank - 2).chain([rank - 1, rank - 2]);
                        self.node("Transpose", vec![inputs[i].clone()], vec![Attribute::ints("perm", order)])
                    }
                });
                Ok(self.node("MatMul", factors.to_vec(), Vec::new()))
            }
            Op::Gather(_) => {
                let indices = self.indices(node.inputs[1]);
                Ok(self.node("Gather", vec![input(), indices], Vec::new()))
            }
            Op::Lookup(Lookup(table)) => {
                let bytes = self.constant(format!("table_{id}"), table.shape(), UINT8, table.bytes().to_vec());
                let indices = self.indices(node.inputs[0]);
                let rows = self.node("Gather", vec![bytes, indices], Vec::new());
                let (numbers, largest) = (self.cast(rows, FLOAT), self.floats(&[], [255.0]));
                Ok(self.node("Div", vec![numbers, largest], Vec::new()))
            }
            Op::Conv2d(Conv2d(conv)) => Ok(self.node("Conv", inputs, geometry(conv).to_vec())),
            Op::Conv2dInput(Conv2dInput { conv, image }) => {
                let (outputs, kernel) = (&self.both(node.inputs[0])[0].shape, &self.both(node.inputs[1])[0].shape);
                // Pixels that no window ends at.
                let left = [0, 1].map(|axis| {
                    let reached = (outputs[axis + 2] - 1) * conv.stride[axis] + kernel[axis + 2];
                    image[axis] + 2 * conv.padding[axis] - reached
                });
                let attributes = geometry(conv).into_iter().chain([Attribute::ints("output_padding", left)]);
                Ok(self.node("ConvTranspose", inputs, attributes.collect()))
            }
            _ => no_word(), // random numbers, effects, and derivatives that ONNX computes otherwise or not at all
        }
    }

    /// Whether all that read a broadcast value are operations that broadcast by themselves, by the same rule, beside a value of
    /// the whole shape.
    fn arithmetic_broadcasts(&self, id: NodeId) -> bool {
        let whole = |&input: &NodeId| !matches!(self.both(input)[0].op, Op::Broadcast(_));
        self.is_only_for(id, |reader| match reader.op {
            Op::Elementwise(_) => reader.inputs.iter().any(whole),
            _ => false,
        })
    }

    /// Whether a value is an input that does nothing but pick rows.
    fn only_picks(&self, id: NodeId) -> bool {
        let picks = |reader: &Node| match reader.op {
            Op::Gather(_) => reader.inputs[0] != id,
            Op::Lookup(_) => true,
            _ => false,
        };
        matches!(self.both(id)[0].op, Op::Input(_)) && self.is_only_for(id, picks)
    }

    fn slice(&mut self, id: NodeId, input: String) -> Result<String> {
        let source = self.both(id)[0].inputs[0];
        let wholes = self.both(source).map(|node| &node.shape);
        let boxes = self.both(id).map(|node| match &node.op {
            Op::Slice(Slice { start, shape }) => (start, shape),
            _ => unreachable!("both tapes hold the same operations"),
        });
        let (mut axes, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for axis in 0..wholes[0].rank() {
            let [few, more] = boxes.map(|(start, shape)| [start[axis], start[axis] + shape[axis]]);
            if [few, more] == wholes.map(|shape| [0, shape[axis]]) {
                continue; // all of it
            }
            if few != more {
                return Err(self.depends_on_the_batch(id));
            }
            axes.push(axis as i64);
            starts.push(few[0] as i64);
            ends.push(few[1] as i64);
        }
        let [starts, ends, axes] = [starts, ends, axes].map(|values| self.integers(&values));
        Ok(self.node("Slice", vec![input, starts, ends, axes], Vec::new()))
    }

    fn reduction(&mut self, word: &str, input: String, axes: &[usize]) -> String {
        let axes = self.integers(&axes.iter().map(|&axis| axis as i64).collect::<Vec<_>>());
        self.node(word, vec![input, axes], vec![Attribute::int("keepdims", 0)])
    }

    fn cast(&mut self, input: String, to: i32) -> String {
        self.node("Cast", vec![input], vec![Attribute::int("to", to.into())])
    }

    /// The integers that pick rows.
    fn indices(&mut self, id: NodeId) -> String {
        let name = self.name(id);
        if self.only_picks(id) { name } else { self.cast(name, INT64) }
    }

    /// The operation of these arguments, if ONNX has a word for it.
    fn elementwise(&mut self, op: Elementwise, x: &[String]) -> Option<String> {
        let arguments = x.to_vec();
        let mut one = |word: &str| Some(self.node(word, arguments.clone(), Vec::new()));
        match op {
            Elementwise::Neg => one("Neg"),
            Elementwise::Add => one("Add"),
            Elementwise::Sub => one("Sub"),
            Elementwise::Mul => one("Mul"),
            Elementwise::Div => one("Div"),
            Elementwise::Pow => one("Pow"),
            Elementwise::Maximum => one("Max"),
            Elementwise::Minimum => one("Min"),
            Elementwise::Exp => one("Exp"),
            Elementwise::Ln => one("Log"),
            Elementwise::Sqrt => one("Sqrt"),
            Elementwise::Reciprocal => one("Reciprocal"),
            Elementwise::Abs => one("Abs"),
            Elementwise::Sign => one("Sign"),
            Elementwise::Sin => one("Sin"),
            Elementwise::Cos => one("Cos"),
            Elementwise::Tanh => one("Tanh"),
            Elementwise::Sigmoid => one("Sigmoid"),
            Elementwise::Softplus => one("Softplus"),
            Elementwise::Erf => one("Erf"),
            Elementwise::Floor => one("Floor"),
            Elementwise::Round => one("Round"),
            Elementwise::Relu => one("Relu"),
            Elementwise::Square => Some(self.node("Mul", [x, x].concat(), Vec::new())),
            Elementwise::LeakyRelu { slope } => {
                Some(self.node("LeakyRelu", arguments, vec![Attribute::float("alpha", slope)]))
            }
            Elementwise::Clamp { low, high } => {
                let bounds = [low, high].map(|bound| self.floats(&[], [bound as f32]));
                Some(self.node("Clip", [x, &bounds].concat(), Vec::new()))
            }
            Elementwise::Greater => Some(self.mask("Greater", arguments)),
            Elementwise::GreaterEqual => Some(self.mask("GreaterOrEqual", arguments)),
            Elementwise::Less => Some(self.mask("Less", arguments)),
            Elementwise::LessEqual => Some(self.mask("LessOrEqual", arguments)),
            Elementwise::Equal => Some(self.mask("Equal", arguments)),
            Elementwise::NotEqual => {
                let equal = self.node("Equal", arguments, Vec::new());
                Some(self.mask("Not", vec![equal]))
            }
            Elementwise::Step => {
                let zero = self.floats(&[], [0.0]);
                Some(self.mask("Greater", vec![x[0].clone(), zero]))
            }
            Elementwise::LeakyStep { slope } => {
                let [zero, one, slope] = [0.0, 1.0, slope].map(|number| self.floats(&[], [number as f32]));
                let positive = self.node("Greater", vec![x[0].clone(), zero], Vec::new());
                Some(self.node("Where", vec![positive, one, slope], Vec::new()))
            }
            Elementwise::Select => {
                let mask = self.cast(x[0].clone(), BOOL);
                Some(self.node("Where", once(mask).chain(x[1..].iter().cloned()).collect(), Vec::new()))
            }
            _ => None, // a test names those
        }
    }

    /// 1 where this is true, else 0.
    fn mask(&mut self, word: &str, arguments: Vec<String>) -> String {
        let truth = self.node(word, arguments, Vec::new());
        self.cast(truth, FLOAT)
    }
}

/// Stride and padding as attributes.
fn geometry(&Conv { stride, padding }: &Conv) -> [Attribute; 2] {
    [Attribute::ints("strides", stride), Attribute::ints("pads", [padding, padding].concat())]
}
