//! Devices: the contract of a backend, and the handle through which programs are compiled for it.

use std::sync::Arc;
use std::time::Duration;

use crate::communicator::Alone;
use crate::compile::{self, Kernel, Pass, Plan};
use crate::cpu::Cpu;
use crate::{Communicator, Compiled, Error, NodeId, Program, Rank, Tape, Var};

/// What a backend implements.
pub trait Backend: Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> String;

    /// How many elements of scratch memory a kernel wants.
    fn scratch(&self, _kernel: &Kernel) -> usize {
        0
    }

    /// Makes a plan ready to run: allocates the arena, prepares kernels, takes the Variables over. Its
    /// [means over all ranks](Kernel::AllMean) are taken by the communicator.
    ///
    /// # Errors
    /// If the device has too little memory, or cannot build a kernel.
    fn load(&self, plan: Plan, communicator: Arc<dyn Communicator>) -> Result<Box<dyn Executable>, Error>;
}

/// Outputs on their way to the host: waits for them.
pub type Arrival = Box<dyn FnOnce() -> Result<Vec<Vec<f32>>, Error> + Send>;

/// A program on a device.
pub trait Executable: Send {
    /// Sets the input at this position of [`Plan::inputs`].
    ///
    /// # Errors
    /// If the device fails.
    fn write_input(&mut self, position: usize, values: &[f32]) -> Result<(), Error>;

    /// Starts a run, which goes on after all that was started before; `step` is what random numbers depend on. A device
    /// that works beside the host may return before the run is done.
    ///
    /// # Errors
    /// If the device fails.
    fn run(&mut self, step: u64) -> Result<(), Error>;

    /// Reads the output at this position of [`Plan::outputs`] when the run is done.
    ///
    /// # Errors
    /// If the device fails.
    fn read_output(&mut self, position: usize, values: &mut [f32]) -> Result<(), Error>;

    /// Sends all outputs of the latest run, of these lengths, on their way: further runs do not touch them. A device that
    /// works beside the host does not wait for them.
    ///
    /// # Errors
    /// If the device fails.
    fn send_outputs(&mut self, lens: &[usize]) -> Result<Arrival, Error> {
        let mut outputs: Vec<Vec<f32>> = lens.iter().map(|&len| vec![0.0; len]).collect();
        for (position, values) in outputs.iter_mut().enumerate() {
            self.read_output(position, values)?;
        }
        Ok(Box::new(|| Ok(outputs)))
    }

    /// From now on, measures the time that every step of the plan takes.
    fn start_profile(&mut self) {}

    /// The time that each step of the plan has taken since [`start_profile`](Executable::start_profile), over all
    /// runs; empty if the device does not measure it.
    ///
    /// # Errors
    /// If the device fails.
    fn step_times(&mut self) -> Result<Vec<Duration>, Error> {
        Ok(Vec::new())
    }
}

/// A device that programs are compiled for.
#[derive(Clone)]
pub struct Device {
    backend: Arc<dyn Backend>,
    communicator: Arc<dyn Communicator>,
}

impl Device {
    /// A device of any backend.
    pub fn new(backend: impl Backend + 'static) -> Self {
        Device { backend: Arc::new(backend), communicator: Arc::new(Alone) }
    }

    /// The same device, and the same memory, for the programs of one of several ranks.
    pub fn among(&self, communicator: Arc<dyn Communicator>) -> Self {
        Device { backend: self.backend.clone(), communicator }
    }

    /// The rank that its programs are of.
    pub fn rank(&self) -> Rank {
        self.communicator.rank()
    }

    /// An empty tape for its programs: one that knows the rank. A program of any other tape computes the same on every rank.
    pub fn tape(&self) -> Tape {
        Tape::of(self.rank())
    }

    /// The CPU, all of its cores, by threads that all such devices share. Where a program is run, be it in a thread pool,
    /// makes no difference.
    pub fn cpu() -> Self {
        Device::new(Cpu::new())
    }

    /// The CPU, on this many threads of its own; 0 stands for one a core. Results have the same bits on any number.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn cpu_with_threads(threads: usize) -> Result<Self, Error> {
        Ok(Device::new(Cpu::with_threads(threads)?))
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.backend.name()
    }

    /// Records a computation once and compiles it, to be run many times. Where the number of outputs is known only at run time,
    /// record a [`Tape`] and compile it by [`program`](Device::program).
    ///
    /// # Errors
    /// If the device cannot take the program.
    ///
    /// ```
    /// use autograd::{Device, Tensor};
    /// let mut step = Device::cpu().compile(|tape| {
    ///     let x = tape.input("x", [2]);
    ///     let y = x.square().sum();
    ///     [y, tape.grad(y, &[x])[0]]
    /// })?;
    /// let [y, slope] = step.run(&[("x", &Tensor::new([2], vec![3.0, 4.0])?)])?;
    /// assert_eq!(y.item(), 25.0);
    /// assert_eq!(slope.data(), [6.0, 8.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn compile<const N: usize>(
        &self,
        record: impl for<'t> FnOnce(&'t Tape) -> [Var<'t>; N],
    ) -> Result<Compiled<N>, Error> {
        let tape = self.tape();
        let outputs = record(&tape);
        Ok(Compiled(self.program(&tape, &outputs)?))
    }

    /// Compiles a tape that was recorded by hand, with any number of outputs.
    ///
    /// ```
    /// use autograd::{Device, Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.input("x", [2]);
    /// let powers: Vec<_> = (1..=3).map(|power| x.pow(f64::from(power)).sum()).collect();
    /// let mut program = Device::cpu().program(&tape, &powers)?;
    /// let values = program.run(&[("x", &Tensor::new([2], vec![3.0, 4.0])?)])?;
    /// assert_eq!(values.iter().map(|value| value.item()).collect::<Vec<_>>(), [7.0, 25.0, 91.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compile`](Device::compile).
    ///
    /// # Panics
    /// If one of `outputs` belongs to another tape.
    #[track_caller]
    pub fn program(&self, tape: &Tape, outputs: &[Var]) -> Result<Program, Error> {
        let outputs = ids(tape, outputs);
        Program::new(&*self.backend, self.communicator.clone(), tape.nodes().clone(), outputs)
    }

    /// What each pass of the compiler makes of a tape for this device, as a picture.
    ///
    /// ```
    /// use autograd::{Device, Tape};
    /// let tape = Tape::new();
    /// let x = tape.input("x", [2]);
    /// let y = (x * 1.0).tanh();
    /// y.exp(); // nobody asks for it
    /// let passes = Device::cpu().passes(&tape, &[y]);
    /// assert_eq!(passes.iter().map(|pass| pass.name).collect::<Vec<_>>(), ["prune", "simplify", "fuse", "plan"]);
    /// assert_eq!(passes[0].summary, "5 of 6 nodes are needed");
    /// assert_eq!(passes[1].summary, "5 nodes become 2"); // x · 1 is x
    /// assert!(passes[1].svg.contains("%1 tanh") && !passes[1].svg.contains("mul"));
    /// ```
    ///
    /// # Panics
    /// If one of `outputs` belongs to another tape.
    #[track_caller]
    pub fn passes(&self, tape: &Tape, outputs: &[Var]) -> Vec<Pass> {
        let outputs = ids(tape, outputs);
        compile::passes(tape, &outputs, self.rank().count, |kernel| self.backend.scratch(kernel))
    }
}

/// Which nodes of the tape these are.
#[track_caller]
fn ids(tape: &Tape, outputs: &[Var]) -> Vec<NodeId> {
    for output in outputs {
        output.check_tape(tape);
    }
    outputs.iter().map(|output| output.id()).collect()
}
