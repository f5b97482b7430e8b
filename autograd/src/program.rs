//! Compiled programs: fed by name, run many times, read out.

use std::collections::HashMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::compile::{Kernel, Plan, compile};
use crate::device::{Arrival, Backend, Executable};
use crate::interpret::{Declared, Feed, Interpreter};
use crate::ops::Op;
use crate::tape::{Node, NodeId};
use crate::{Communicator, Error, Profile, Shape, Tensor};

/// A computation ready to be replayed on a device: what [`Device::program`](crate::Device::program) makes of a tape.
/// [`run`](Program::run) takes the inputs by name, computes, gives Variables their new values, and returns the values asked
/// for. It allocates nothing.
pub struct Program {
    device: String,
    nodes: Vec<Node>,
    outputs: Vec<NodeId>,
    inputs: Inputs,
    plan: Plan,
    executable: Box<dyn Executable>,
    communicator: Arc<dyn Communicator>,
    values: Vec<Tensor>,
    step: u64,
    /// Whether it draws random numbers, and has drawn those of the step.
    draws: bool,
    has_drawn: bool,
    refuses_non_finite: bool,
    /// Since [`start_profile`](Program::start_profile).
    runs: u64,
}

/// The inputs of a program.
struct Inputs {
    declared: Declared,
    /// The position in the plan of each that is declared; None for those that nothing depends on.
    planned: Vec<Option<usize>>,
    /// Those of the plan that this run was given.
    given: Vec<bool>,
}

/// A [`Program`] whose number of outputs is known when it is compiled, so that a run's results can be taken apart by
/// `let [loss, slope] = program.run(…)?`: what [`Device::compile`](crate::Device::compile) makes of a closure. Whatever else a
/// program can do, it can.
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
}

impl<const N: usize> Deref for Compiled<N> {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.0
    }
}

impl<const N: usize> DerefMut for Compiled<N> {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.0
    }
}

impl Program {
    pub(crate) fn new(
        backend: &dyn Backend,
        communicator: Arc<dyn Communicator>,
        nodes: Vec<Node>,
        outputs: Vec<NodeId>,
    ) -> Result<Self, Error> {
        let plan = compile(&nodes, &outputs, communicator.rank().count, |kernel| backend.scratch(kernel));
        let executable = backend.load(plan.clone(), communicator.clone())?;
        let draws = plan.steps.iter().any(|step| matches!(step.kernel, Kernel::Random(_)));
        let values = plan.outputs.iter().map(|(_, shape)| Tensor::zeros(shape)).collect();
        let inputs = Inputs::new(&nodes, &plan);
        Ok(Program {
            device: backend.name(),
            nodes,
            outputs,
            inputs,
            plan,
            executable,
            communicator,
            values,
            step: 0,
            draws,
            has_drawn: false,
            refuses_non_finite: false,
            runs: 0,
        })
    }

    /// Sets the step: with a stream's seed and name it determines the random numbers that are drawn. A program that draws some
    /// is told its step before every run but the first, which is at step 0 if not told otherwise: without, the next run would
    /// draw the same numbers, and is refused. To draw the same ones again, name the same step again.
    ///
    /// ```
    /// use autograd::{Device, Error, Stream};
    /// let mut noise = Device::cpu().compile(|tape| [tape.normal(Stream::new(0, "noise"), [])])?;
    /// let first = noise.at(1).run(&[])?[0].item();
    /// assert_eq!(noise.run(&[]).unwrap_err(), Error::SameStep { step: 1 });
    /// assert_ne!(noise.at(2).run(&[])?[0].item(), first);
    /// assert_eq!(noise.at(1).run(&[])?[0].item(), first);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn at(&mut self, step: u64) -> &mut Self {
        (self.step, self.has_drawn) = (step, false);
        self
    }

    /// Runs once and commits what is assigned to Variables. The values asked for stay until the next run.
    ///
    /// # Errors
    /// If an input is missing, unknown or of another shape, a program that draws random numbers is not told a step ([`at`](
    /// Program::at)) since it last ran, a value is not finite where that [is refused](Program::refuse_non_finite), or the
    /// device fails.
    pub fn run(&mut self, inputs: &[(&str, &Tensor)]) -> Result<&[Tensor], Error> {
        self.start(inputs)?;
        for (position, value) in self.values.iter_mut().enumerate() {
            self.executable.read_output(position, value.data_mut())?;
        }
        Ok(&self.values)
    }

    /// Starts a run as [`run`](Program::run) does, but does not wait for it on a device that works beside the host.
    ///
    /// # Errors
    /// As [`run`](Program::run).
    pub fn start(&mut self, inputs: &[(&str, &Tensor)]) -> Result<(), Error> {
        if self.has_drawn {
            return Err(Error::SameStep { step: self.step });
        }
        let Inputs { declared, planned, given } = &mut self.inputs;
        given.fill(false);
        for (name, values) in inputs {
            // Of several values for one input the first counts.
            if let Some(position) = planned[declared.position(name, values)?]
                && !std::mem::replace(&mut given[position], true)
            {
                self.executable.write_input(position, values.data())?;
            }
        }
        if let Some((input, _)) = self.plan.inputs.iter().zip(given).find(|(_, given)| !**given) {
            return Err(Error::MissingInput { name: input.name.clone(), shape: input.shape.clone() });
        }
        if self.refuses_non_finite {
            let found = self.first_non_finite(inputs)?;
            // A run that one rank refuses, no rank can do: the others would wait for it.
            let mut share = [f32::from(u8::from(found.is_some()))];
            self.communicator.all_mean(&mut share)?;
            if share != [0.0] {
                return Err(found.map_or(Error::NonFiniteElsewhere, Error::NonFinite));
            }
        }
        self.executable.run(self.step)?;
        self.has_drawn = self.draws;
        self.runs += 1;
        Ok(())
    }

    /// The values asked for of the latest run, on their way to the host. Further runs can be started before they are
    /// there, so that a device never waits for the host to look at them.
    ///
    /// ```
    /// use autograd::{Device, Tensor, Variable};
    /// let count = Variable::new("count", Tensor::scalar(0.0));
    /// let mut program = Device::cpu().compile(|tape| [tape.assign(&count, tape.variable(&count) + 1.0)])?;
    /// program.start(&[])?;
    /// let first = program.results()?;
    /// program.start(&[])?;
    /// assert_eq!(first.wait()?[0].item(), 1.0);
    /// assert_eq!(program.results()?.wait()?[0].item(), 2.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the device fails.
    pub fn results(&mut self) -> Result<Pending, Error> {
        let shapes: Vec<Shape> = self.plan.outputs.iter().map(|(_, shape)| shape.clone()).collect();
        let lens: Vec<usize> = shapes.iter().map(|shape| shape.count()).collect();
        Ok(Pending { shapes, arrival: self.executable.send_outputs(&lens)? })
    }

    /// From now on, looks for the operation to blame when numbers go wrong: every run is interpreted first, and one in which a
    /// value is infinite or NaN is refused with the first operation whose result is so although everything it reads is
    /// finite. That is slow, so it is for looking once at a run that is known to go wrong.
    ///
    /// ```
    /// use autograd::{Device, Error, Tensor};
    /// let mut program = Device::cpu().compile(|tape| [tape.input("x", [2]).ln().sum()])?;
    /// let x = Tensor::new([2], vec![-1.0, 3.0])?;
    /// assert!(program.run(&[("x", &x)])?[0].item().is_nan());
    /// program.refuse_non_finite();
    /// assert!(matches!(program.run(&[("x", &x)]), Err(Error::NonFinite(found)) if found.op == "ln"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn refuse_non_finite(&mut self) {
        self.refuses_non_finite = true;
    }

    fn first_non_finite(&self, inputs: &[(&str, &Tensor)]) -> Result<Option<NonFinite>, Error> {
        let feed = Feed { inputs, step: self.step };
        let assigned = |(id, node): (NodeId, &Node)| matches!(node.op, Op::Assign(_)).then_some(id);
        let roots: Vec<NodeId> =
            self.outputs.iter().copied().chain(self.nodes.iter().enumerate().filter_map(assigned)).collect();
        let found = Interpreter::new(&self.nodes, feed)?.first_non_finite(&roots)?;
        Ok(found
            .map(|id| NonFinite { op: self.nodes[id].op.to_string(), location: self.nodes[id].location.to_string() }))
    }

    /// What runs, and where every value lies.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The program in words, to be printed: its kernels, the memory that it takes, how much it computes, and, since
    /// [`start_profile`](Program::start_profile), where its time went.
    ///
    /// ```
    /// use autograd::Device;
    /// let mut program = Device::cpu().compile(|tape| [tape.input("x", [2]).exp().sum()])?;
    /// println!("{}", program.describe()?);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the device fails.
    pub fn describe(&mut self) -> Result<String, Error> {
        let profile = self.profile()?;
        Ok(crate::describe::describe(&self.device, &self.plan, &profile))
    }

    /// From now on, measures the time that every kernel takes.
    pub fn start_profile(&mut self) {
        self.runs = 0;
        self.executable.start_profile();
    }

    /// The time that every kernel has taken since [`start_profile`](Program::start_profile); empty if the device does
    /// not measure it.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// ```
    /// use autograd::Device;
    /// let mut program = Device::cpu().compile(|tape| [tape.input("x", [2]).exp()])?;
    /// program.start_profile();
    /// program.run(&[("x", &autograd::Tensor::zeros([2]))])?;
    /// println!("{}", program.profile()?);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    pub fn profile(&mut self) -> Result<Profile, Error> {
        let mut profile = Profile::default();
        for (step, time) in self.plan.steps.iter().zip(self.executable.step_times()?) {
            profile.add(step, self.runs, time);
        }
        Ok(profile)
    }
}

impl Inputs {
    fn new(nodes: &[Node], plan: &Plan) -> Self {
        let declared = Declared::new(nodes);
        let in_plan = plan.inputs.iter().enumerate().map(|(position, input)| (&*input.name, position));
        let in_plan: HashMap<&str, usize> = in_plan.collect();
        let planned = declared.names().map(|name| in_plan.get(name).copied()).collect();
        Inputs { declared, planned, given: vec![false; plan.inputs.len()] }
    }
}

/// What a run computes, on its way to the host.
pub struct Pending {
    shapes: Vec<Shape>,
    arrival: Arrival,
}

impl Pending {
    /// Waits for the values.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wait(self) -> Result<Vec<Tensor>, Error> {
        let values = (self.arrival)()?;
        self.shapes.into_iter().zip(values).map(|(shape, values)| Tensor::new(shape, values)).collect()
    }
}

/// The operation that made a value infinite or NaN; see [`Program::refuse_non_finite`].
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
