//! The tape: an append-only list of operations in the order they were recorded, each naming the earlier nodes it reads.
//!
//! A [`Var`] is a Copy handle to one node. Its methods, which live beside each operation in [`ops`](crate::ops), append
//! nodes; nothing is computed until a value is asked for ([`Var::value`]) or a device compiles the tape.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use crate::ops::{Constant, Op, Random};
use crate::{Element, Rank, Shape, Stream, Tensor, Variable};

/// A node's position on its tape.
pub type NodeId = usize;

/// One recorded operation.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// The nodes it reads, all earlier on the tape.
    pub inputs: Vec<NodeId>,
    /// The shape of its value.
    pub shape: Shape,
    /// The line of the user's code that recorded it; for a derivative, the line of the operation it differentiates.
    pub location: &'static Location<'static>,
}

/// An append-only list of operations.
///
/// ```
/// use autograd::Tape;
/// let tape = Tape::new();
/// let x = tape.scalar(3.0);
/// let y = x * x * x;
/// let dy = tape.grad(y, &[x])[0]; //  3x², a Var like any other
/// let ddy = tape.grad(dy, &[x])[0]; // 6x
/// assert_eq!(ddy.value().item(), 18.0);
/// ```
#[derive(Default)]
pub struct Tape {
    /// The one of several whose program is recorded.
    rank: Rank,
    nodes: RefCell<Vec<Node>>,
    /// The node that stands for each Variable on this tape, so that every use of one is the same leaf.
    variables: RefCell<HashMap<Variable, NodeId>>,
    /// The Variables that are given new values.
    assigned: RefCell<HashSet<Variable>>,
    /// The inputs' names.
    inputs: RefCell<HashSet<String>>,
    /// The streams that random numbers are drawn from, and where.
    streams: RefCell<HashMap<Stream, &'static Location<'static>>>,
    /// The location that nodes carry in place of their own: while `grad` works, that of the operation being differentiated;
    /// [`within`](Tape::within) a part of a network, that of the user's call.
    origin: Cell<Option<&'static Location<'static>>>,
    /// The parts of a network that are being recorded, the outermost first.
    parts: RefCell<Vec<String>>,
}

/// Why a recording is refused, on its way out of the parts of a network: the whole message.
struct Refusal(String);

/// A handle to a node of a tape: what the user computes with. Copying it copies two words.
///
/// Its methods append operations; they are defined beside each operation in [`ops`](crate::ops). In arithmetic a scalar
/// (`f64`) may take the place of the second Var, or of the first under `+ - * /`, and shapes broadcast by NumPy's rule.
///
/// ```
/// let tape = autograd::Tape::new();
/// let x = tape.zeros([64, 784]);
/// let y = (1.0 - x).maximum(tape.zeros([784])) / 2.0;
/// assert_eq!(y.shape(), autograd::Shape::from([64, 784]));
/// ```
///
/// # Panics
/// Every method panics at the caller's line if the shapes do not fit (the message names operation, shapes and reason), or
/// if a Var of another tape is mixed in.
#[derive(Clone, Copy)]
pub struct Var<'t> {
    tape: &'t Tape,
    id: NodeId,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Self {
        Tape::default()
    }

    /// An empty tape for a program of one of several ranks.
    pub(crate) fn of(rank: Rank) -> Self {
        Tape { rank, ..Tape::default() }
    }

    /// The rank whose program is recorded: the only one, unless the tape is of a [device](crate::Device::tape) among ranks.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// A constant without axes.
    #[track_caller]
    pub fn scalar(&self, value: f64) -> Var<'_> {
        self.constant(&Tensor::<f64>::scalar(value))
    }

    /// A constant tensor, frozen into the program. What changes from run to run is an [`input`](Tape::input).
    #[track_caller]
    pub fn constant<T: Element>(&self, value: &Tensor<T>) -> Var<'_> {
        let constant = Constant::new(value.cast());
        self.append(Op::Constant(constant), &[], value.shape().clone())
    }

    /// A tensor of zeros.
    #[track_caller]
    pub fn zeros(&self, shape: impl Into<Shape>) -> Var<'_> {
        self.scalar(0.0).broadcast_to(shape)
    }

    /// A named value that is given anew at every run.
    ///
    /// # Panics
    /// If the tape has an input of that name already.
    #[track_caller]
    pub fn input(&self, name: &str, shape: impl Into<Shape>) -> Var<'_> {
        let new = self.inputs.borrow_mut().insert(name.to_owned());
        if !new {
            self.refuse(&format!("this tape has an input {name:?} already"));
        }
        self.append(Op::Input(name.to_owned()), &[], shape.into())
    }

    /// The value a Variable has when the program starts. A Variable is one node, however often it is asked for.
    #[track_caller]
    pub fn variable(&self, variable: &Variable) -> Var<'_> {
        let known = self.variables.borrow().get(variable).copied();
        match known {
            Some(id) => Var { tape: self, id },
            None => {
                let var = self.append(Op::Variable(variable.clone()), &[], variable.shape().clone());
                self.variables.borrow_mut().insert(variable.clone(), var.id);
                var
            }
        }
    }

    /// Lets `var` stand for `variable` from here on: this is how a module's weights are gradchecked in f64, or
    /// differentiated through an update.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, Variable};
    /// let weight = Variable::new("weight", Tensor::scalar(1.0));
    /// let tape = Tape::new();
    /// let precise = tape.scalar(1.0 / 3.0);
    /// tape.bind(&weight, precise);
    /// assert_eq!(tape.variable(&weight).value().item(), 1.0 / 3.0);
    /// ```
    ///
    /// # Panics
    /// If the shapes differ, or the variable is on this tape already.
    #[track_caller]
    pub fn bind(&self, variable: &Variable, var: Var<'_>) {
        var.check_tape(self);
        let shape = var.shape();
        if shape != *variable.shape() {
            self.refuse(&format!("bind: {:?} has shape {}, the value {shape}", variable.name(), variable.shape()));
        }
        let known = self.variables.borrow().contains_key(variable);
        if known {
            self.refuse(&format!("bind: {:?} was read on this tape before it was bound", variable.name()));
        }
        self.variables.borrow_mut().insert(variable.clone(), var.id);
    }

    /// Lets each of `values` stand for its Variable while `f` records: a network's weights as functions of something else, such
    /// as weights after a step of training. A value may have further axes before those of its Variable, one set of weights for
    /// each sample. What is recorded before and after reads the Variables themselves. (PyTorch's `functional_call`.)
    ///
    /// ```
    /// use autograd::{Tape, Tensor, Variable};
    /// let weight = Variable::new("weight", Tensor::scalar(2.0));
    /// let network = |x: autograd::Var<'_>| (x.tape().variable(&weight) * x).value().item();
    /// let tape = Tape::new();
    /// let (x, other) = (tape.scalar(3.0), tape.scalar(10.0));
    /// assert_eq!(tape.bound(&[weight.clone()], &[other], || network(x)), 30.0);
    /// assert_eq!(network(x), 6.0);
    /// ```
    ///
    /// # Panics
    /// If there is not one value, of its shape, for each Variable.
    #[doc(alias = "functional_call")]
    #[track_caller]
    pub fn bound<T>(&self, variables: &[Variable], values: &[Var<'_>], f: impl FnOnce() -> T) -> T {
        /// Takes the values away again, also if `f` panics.
        struct Restore<'a>(&'a Tape, Vec<(Variable, Option<NodeId>)>);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                let mut known = self.0.variables.borrow_mut();
                for (variable, before) in self.1.drain(..) {
                    match before {
                        Some(id) => known.insert(variable, id),
                        None => known.remove(&variable),
                    };
                }
            }
        }
        if variables.len() != values.len() {
            self.refuse(&format!("bound: {} Variables, but {} values", variables.len(), values.len()));
        }
        let mut restore = Restore(self, Vec::with_capacity(values.len()));
        for (variable, value) in variables.iter().zip(values) {
            value.check_tape(self);
            let (own, given) = (variable.shape(), value.shape());
            if !given.ends_with(own) {
                self.refuse(&format!("bound: {:?} has shape {own}, the value {given}", variable.name()));
            }
            let before = self.variables.borrow_mut().insert(variable.clone(), value.id);
            restore.1.push((variable.clone(), before));
        }
        f()
    }

    /// Gives `variable` the value `new` when the program ends, and returns that value. Reads of the Variable, earlier
    /// or later on the tape, still see the value it had at the start.
    ///
    /// ```
    /// use autograd::{Device, Tensor, Variable};
    /// let weight = Variable::new("weight", Tensor::scalar(1.0));
    /// let mut step = Device::cpu().compile(|tape| {
    ///     let old = tape.variable(&weight);
    ///     [old, tape.assign(&weight, old + 1.0)]
    /// })?;
    /// let [old, new] = step.run(&[])?;
    /// assert_eq!([old.item(), new.item()], [1.0, 2.0]);
    /// assert_eq!(weight.read()?.item(), 2.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the shapes differ or the Variable is assigned a second time.
    #[track_caller]
    pub fn assign<'t>(&'t self, variable: &Variable, new: Var<'t>) -> Var<'t> {
        let again = self.assigned.borrow().contains(variable);
        if again {
            self.refuse(&format!("assign: {:?} is assigned twice in one program", variable.name()));
        }
        let value = self.record(Op::Assign(crate::ops::Assign(variable.clone())), &[new]);
        self.assigned.borrow_mut().insert(variable.clone());
        value
    }

    /// Uniform random numbers in [0, 1): a function of the stream, the program's step and the element's index.
    ///
    /// # Panics
    /// If the tape draws from the stream already: they would be the same numbers. To use numbers twice, use the Var twice.
    #[track_caller]
    pub fn uniform(&self, stream: Stream, shape: impl Into<Shape>) -> Var<'_> {
        self.draw_from(stream);
        self.append(Op::Random(Random::Uniform(stream)), &[], shape.into())
    }

    /// Normal random numbers of mean 0 and variance 1, likewise.
    ///
    /// # Panics
    /// As [`uniform`](Tape::uniform): the numbers of both are made of the same random words.
    #[track_caller]
    pub fn normal(&self, stream: Stream, shape: impl Into<Shape>) -> Var<'_> {
        self.draw_from(stream);
        self.append(Op::Random(Random::Normal(stream)), &[], shape.into())
    }

    #[track_caller]
    fn draw_from(&self, stream: Stream) {
        let here = self.origin.get().unwrap_or(Location::caller());
        let before = self.streams.borrow().get(&stream).copied();
        if let Some(before) = before {
            self.refuse(&format!(
                "random: the stream drawn from at {before} would give the same numbers again; name another stream, or use \
                 what was drawn twice"
            ));
        }
        self.streams.borrow_mut().insert(stream, here);
    }

    /// The recorded nodes.
    pub fn nodes(&self) -> Ref<'_, Vec<Node>> {
        self.nodes.borrow()
    }

    /// Records an operation after checking its shapes.
    ///
    /// # Panics
    /// With the operation, the shapes and the reason, at the line of the outermost caller.
    #[track_caller]
    pub(crate) fn record<'t>(&'t self, op: Op, inputs: &[Var<'t>]) -> Var<'t> {
        for input in inputs {
            input.check_tape(self);
        }
        let shapes: Vec<Shape> = inputs.iter().map(|input| input.shape()).collect();
        match op.operation().shape(&shapes.iter().collect::<Vec<_>>()) {
            Ok(shape) => self.append(op, inputs, shape),
            Err(reason) => {
                let shapes: Vec<String> = shapes.iter().map(Shape::to_string).collect();
                self.refuse(&format!("{}: {reason} (inputs of shape {})", op.operation().name(), shapes.join(", ")))
            }
        }
    }

    #[track_caller]
    fn append<'t>(&'t self, op: Op, inputs: &[Var<'t>], shape: Shape) -> Var<'t> {
        // Kernels compute addresses without looking for overflow.
        if shape.count() > isize::MAX as usize / size_of::<f64>() {
            self.refuse(&format!("{op}: no memory holds a value of shape {shape}"));
        }
        let location = self.origin.get().unwrap_or(Location::caller());
        let inputs = inputs.iter().map(|input| input.id).collect();
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { op, inputs, shape, location });
        Var { tape: self, id: nodes.len() - 1 }
    }

    /// Runs `f` so that what it records carries the location of `node`.
    pub(crate) fn on_behalf_of<T>(&self, node: NodeId, f: impl FnOnce() -> T) -> T {
        let before = self.origin.replace(Some(self.nodes()[node].location));
        let result = f();
        self.origin.set(before);
        result
    }

    /// Records a part of a network: what `f` records carries the caller's line, or that of the outermost part, and a panic of
    /// the tape in it ([`refuse`](Tape::refuse)) is raised there and names the part. So a layer says which it is, and calls
    /// through `dyn`, which know no caller, lead back to the user's line.
    ///
    /// ```should_panic
    /// let tape = autograd::Tape::new();
    /// let (x, weight) = (tape.zeros([64, 100]), tape.zeros([784, 128]));
    /// tape.within("encoder", || x.matmul(weight)); // "encoder: matmul: inner extents 100 and 784 …", at this line
    /// ```
    #[track_caller]
    pub fn within<T>(&self, part: &str, f: impl FnOnce() -> T) -> T {
        let before = self.origin.get();
        self.origin.set(before.or(Some(Location::caller())));
        self.parts.borrow_mut().push(part.to_owned());
        let result = catch_unwind(AssertUnwindSafe(f));
        self.parts.borrow_mut().pop();
        self.origin.set(before);
        match result.map_err(|payload| payload.downcast::<Refusal>()) {
            Ok(value) => value,
            Err(Ok(refusal)) if self.parts.borrow().is_empty() => panic!("{}", refusal.0),
            Err(Ok(refusal)) => resume_unwind(refusal),
            Err(Err(another)) => resume_unwind(another),
        }
    }

    /// Panics at the user's line, which is the caller's, or that of the outermost part of a network being recorded
    /// ([`within`](Tape::within)), with the names of those parts before the message.
    ///
    /// # Panics
    /// Always.
    #[track_caller]
    pub fn refuse(&self, message: &str) -> ! {
        let parts = self.parts.borrow().join(": ");
        match &*parts {
            "" => panic!("{message}"),
            _ if cfg!(panic = "abort") => panic!("{parts}: {message}"), // which no part could catch
            _ => resume_unwind(Box::new(Refusal(format!("{parts}: {message}")))),
        }
    }

    pub(crate) fn var(&self, id: NodeId) -> Var<'_> {
        Var { tape: self, id }
    }
}

impl<'t> Var<'t> {
    /// The tape it is recorded on.
    pub fn tape(self) -> &'t Tape {
        self.tape
    }

    /// Its position on the tape.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The shape of its value.
    pub fn shape(self) -> Shape {
        self.tape.nodes()[self.id].shape.clone()
    }

    /// Panics at the caller's line, naming the line of the value, if it belongs to another tape.
    #[track_caller]
    pub(crate) fn check_tape(self, tape: &Tape) {
        if !std::ptr::eq(self.tape, tape) {
            let location = self.tape.nodes()[self.id].location;
            tape.refuse(&format!("the value recorded at {location} belongs to another tape"));
        }
    }
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{} {}", self.id, self.shape())
    }
}

/// The operation with its constants, the nodes it reads, its shape.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        for input in &self.inputs {
            write!(f, " %{input}")?;
        }
        write!(f, "  {}", self.shape)
    }
}

/// One line a node: its number, the operation with its constants, the nodes it reads, its shape.
///
/// ```
/// let tape = autograd::Tape::new();
/// let (x, weight) = (tape.input("x", [64, 784]), tape.input("weight", [512, 784]));
/// x.matmul_transposed(weight).relu();
/// let lines = [
///     "%0 = input \"x\"  [64, 784]",
///     "%1 = input \"weight\"  [512, 784]",
///     "%2 = matmul a·bᵀ %0 %1  [64, 512]",
///     "%3 = relu %2  [64, 512]",
/// ];
/// assert_eq!(tape.to_string().lines().collect::<Vec<_>>(), lines);
/// ```
impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.nodes().iter().enumerate() {
            writeln!(f, "%{id} = {node}")?;
        }
        Ok(())
    }
}
