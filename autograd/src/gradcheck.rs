//! Gradient checks: derivatives of any recorded function against central finite differences, in f64.
//!
//! For a function f and weights u on its outputs, the scalar φ(x) = Σ u·f(x) has the slope ∇φ·v along a direction v,
//! which (φ(x + hv) − φ(x − hv)) / 2h approximates with error O(h²). With v the unit vectors and u the outputs' unit
//! vectors this compares the whole Jacobian; with random u and v, projections of it. At order 2 the function checked
//! is itself the gradient ∇φ, so that what is compared is the derivative of a derivative: what a gradient penalty needs.
//! That gradient is a function of x and of u, and is checked along both: a rule must be differentiable with respect to
//! its operation's inputs and with respect to the gradient it is handed.

use std::fmt;

use crate::interpret::Interpreter;
use crate::philox::Stream;
use crate::tape::{NodeId, Tape, Var};
use crate::{Error, Feed, Shape, Tensor};

/// How to check. The defaults suit smooth functions of inputs of order 1.
///
/// ```
/// use autograd::{GradCheck, Tensor};
/// let x = Tensor::new([3], vec![0.3, -1.2, 0.7])?;
/// let report = GradCheck::order(2).check(|x| (x[0].tanh() * x[0]).sum(), &[x])?;
/// assert!(report.passes(1e-6), "{report}");
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GradCheck {
    order: u32,
    projections: Option<usize>,
    step: f64,
    seed: u64,
}

/// An entry of the Jacobian (or a projection of it) where the two derivatives differ most.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which derivative: `d out[3] / d x1[2]`, at order 2 `d grad[3] / d x1[2]` or `d grad[3] / d u[2]` (the
    /// gradient's parts for all inputs in one vector), or `projection 4`.
    pub name: String,
    /// The derivative recorded on the tape.
    pub recorded: f64,
    /// The finite difference.
    pub measured: f64,
}

impl Entry {
    /// |recorded − measured| / max(1, |recorded|, |measured|).
    pub fn error(&self) -> f64 {
        let error = (self.recorded - self.measured).abs() / self.recorded.abs().max(self.measured.abs()).max(1.0);
        if error.is_nan() { f64::INFINITY } else { error }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The order checked.
    pub order: u32,
    /// Number of finite differences compared.
    pub compared: usize,
    /// Number of finite differences rejected because a kink lay between their two points.
    pub rejected: usize,
    /// The entry with the largest error; None if nothing was compared.
    pub worst: Option<Entry>,
}

impl Report {
    /// The largest error; infinite if nothing could be compared.
    pub fn error(&self) -> f64 {
        self.worst.as_ref().map_or(f64::INFINITY, Entry::error)
    }

    /// Whether something was compared and no error exceeds `tolerance`.
    pub fn passes(&self, tolerance: f64) -> bool {
        self.error() <= tolerance
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}: {} compared, {} rejected at kinks", self.order, self.compared, self.rejected)?;
        match &self.worst {
            Some(entry) => {
                let Entry { name, recorded, measured } = entry;
                write!(f, ", worst error {:.1e} at {name}: recorded {recorded}, measured {measured}", entry.error())
            }
            None => Ok(()),
        }
    }
}

/// What a finite difference is taken of: a function of the inputs, and its pulled-back derivative.
struct Problem {
    inputs: Vec<Tensor<f64>>,
    names: Vec<String>,
    output: NodeId,
    gradients: Vec<NodeId>,
}

/// The name under which the weights u on the outputs are fed.
const WEIGHTS: &str = "output weights";

impl GradCheck {
    /// A check of the first derivative (1), or of the derivative of the gradient (2).
    ///
    /// # Panics
    /// For any other order.
    #[track_caller]
    pub fn order(order: u32) -> Self {
        assert!(order == 1 || order == 2, "gradcheck: the order is 1 or 2, not {order}");
        GradCheck { order, projections: None, step: 1e-5, seed: 0 }
    }

    /// Compares this many random projections instead of the whole Jacobian.
    pub fn projections(self, count: usize) -> Self {
        GradCheck { projections: Some(count), ..self }
    }

    /// The distance h of the finite difference; 10⁻⁵ if not set.
    pub fn step(self, step: f64) -> Self {
        GradCheck { step, ..self }
    }

    /// The seed of random weights and directions.
    pub fn seed(self, seed: u64) -> Self {
        GradCheck { seed, ..self }
    }

    /// Checks the function that `f` records, at `inputs`. To check a module, [`bind`](Tape::bind) its Variables to the
    /// Vars that `f` is given.
    ///
    /// # Errors
    /// If something `f` reads (a Variable on a device) can't be read.
    pub fn check<F>(self, f: F, inputs: &[Tensor<f64>]) -> Result<Report, Error>
    where
        F: for<'t> Fn(&[Var<'t>]) -> Var<'t>,
    {
        let tape = Tape::new();
        let (mut inputs, mut names) = (inputs.to_vec(), (0..inputs.len()).map(|i| format!("x{i}")).collect::<Vec<_>>());
        let mut xs: Vec<Var> = names.iter().zip(&inputs).map(|(name, x)| tape.input(name, x.shape())).collect();
        let mut output = f(&xs);
        if self.order == 2 {
            let u = tape.input("u", output.shape());
            let parts = gradients_or_zeros(&tape, output, u, &xs);
            let flat: Vec<Var> = parts.iter().map(|part| part.reshape([part.shape().count()])).collect();
            inputs.push(self.random("u", 0, &output.shape()));
            names.push("u".to_owned());
            xs.push(u);
            output = tape.concat(&flat, 0);
        }
        let weights = tape.input(WEIGHTS, output.shape());
        let gradients = gradients_or_zeros(&tape, output, weights, &xs).iter().map(|gradient| gradient.id()).collect();
        let problem = Problem { inputs, names, output: output.id(), gradients };
        match self.projections {
            Some(count) => self.compare_projections(&tape, &problem, count),
            None => self.compare_jacobian(&tape, &problem),
        }
    }

    fn compare_jacobian(&self, tape: &Tape, problem: &Problem) -> Result<Report, Error> {
        let mut report = Report { order: self.order, compared: 0, rejected: 0, worst: None };
        let count = tape.nodes()[problem.output].shape.count();
        let checked = if self.order == 1 { "out" } else { "grad" };
        let unit = |count: usize, i: usize| Tensor::<f64>::from_fn([count], |j| f64::from(u8::from(i == j)));
        let rows: Vec<Vec<Tensor<f64>>> =
            (0..count).map(|row| problem.pull_back(tape, &unit(count, row))).collect::<Result<_, _>>()?;
        for (input, x) in problem.inputs.iter().enumerate() {
            for column in 0..x.data().len() {
                let direction = |i: usize, x: &Tensor<f64>| match i == input {
                    true => unit(x.data().len(), column),
                    false => Tensor::zeros([x.data().len()]),
                };
                let Some(measured) = self.difference(tape, problem, direction)? else {
                    report.rejected += count;
                    continue;
                };
                for (row, gradients) in rows.iter().enumerate() {
                    let name = format!("d {checked}[{row}] / d {}[{column}]", problem.names[input]);
                    report.compare(Entry { name, recorded: gradients[input].data()[column], measured: measured[row] });
                }
            }
        }
        Ok(report)
    }

    fn compare_projections(&self, tape: &Tape, problem: &Problem, count: usize) -> Result<Report, Error> {
        let mut report = Report { order: self.order, compared: 0, rejected: 0, worst: None };
        let outputs = tape.nodes()[problem.output].shape.clone();
        for projection in 0..count {
            let direction = |i: usize, x: &Tensor<f64>| {
                let v = self.random(&format!("direction {i}"), projection, x.shape());
                let length = problem.inputs.iter().map(|x| x.data().len()).sum::<usize>() as f64;
                Tensor::from_fn(x.shape(), |j| v.data()[j] / length.sqrt())
            };
            let Some(measured) = self.difference(tape, problem, direction)? else {
                report.rejected += 1;
                continue;
            };
            let u = self.random("weights", projection, &outputs);
            let gradients = problem.pull_back(tape, &u)?;
            let along = |(i, x): (usize, &Tensor<f64>)| dot(gradients[i].data(), direction(i, x).data());
            let recorded = problem.inputs.iter().enumerate().map(along).sum();
            report.compare(Entry {
                name: format!("projection {projection}"),
                recorded,
                measured: dot(&measured, u.data()),
            });
        }
        Ok(report)
    }

    /// (f(x + hv) − f(x − hv)) / 2h for every output, or None where a kink lies between the two points.
    fn difference(
        &self,
        tape: &Tape,
        problem: &Problem,
        direction: impl Fn(usize, &Tensor<f64>) -> Tensor<f64>,
    ) -> Result<Option<Vec<f64>>, Error> {
        let moved = |sign: f64| -> Vec<Tensor<f64>> {
            let inputs = problem.inputs.iter().enumerate();
            let shift = |(i, x): (usize, &Tensor<f64>)| {
                let v = direction(i, x);
                Tensor::from_fn(x.shape(), |j| x.data()[j] + sign * self.step * v.data()[j])
            };
            inputs.map(shift).collect()
        };
        let (ahead, ahead_branches) = problem.evaluate(tape, &moved(1.0))?;
        let (behind, behind_branches) = problem.evaluate(tape, &moved(-1.0))?;
        if ahead_branches != behind_branches {
            return Ok(None);
        }
        Ok(Some(ahead.iter().zip(&behind).map(|(ahead, behind)| (ahead - behind) / (2.0 * self.step)).collect()))
    }

    /// Numbers uniform in [−1, 1).
    fn random(&self, name: &str, round: usize, shape: &Shape) -> Tensor<f64> {
        let stream = Stream::new(self.seed, name);
        Tensor::from_fn(shape, |i| 2.0 * f64::from(stream.uniform(round as u64, i)) - 1.0)
    }
}

impl Problem {
    /// The outputs at `inputs`, and the sides of all kinks they were computed on.
    fn evaluate(&self, tape: &Tape, inputs: &[Tensor<f64>]) -> Result<(Vec<f64>, Vec<i64>), Error> {
        let inputs: Vec<(&str, &Tensor<f64>)> = self.names.iter().map(String::as_str).zip(inputs).collect();
        let nodes = tape.nodes();
        let mut run = Interpreter::new(&nodes, Feed { inputs: &inputs, step: 0 })?;
        run.run(&[self.output])?;
        Ok((run.value(self.output).data().to_vec(), run.branches()))
    }

    /// The gradient of Σ u·outputs with respect to every input.
    fn pull_back(&self, tape: &Tape, u: &Tensor<f64>) -> Result<Vec<Tensor<f64>>, Error> {
        let nodes = tape.nodes();
        let u = u.clone().reshape(&nodes[self.output].shape)?;
        let mut feed: Vec<(&str, &Tensor<f64>)> = self.names.iter().map(String::as_str).zip(&self.inputs).collect();
        feed.push((WEIGHTS, &u));
        let mut run = Interpreter::new(&nodes, Feed { inputs: &feed, step: 0 })?;
        run.run(&self.gradients)?;
        Ok(self.gradients.iter().map(|&id| run.value(id).clone()).collect())
    }
}

impl Report {
    fn compare(&mut self, entry: Entry) {
        self.compared += 1;
        if self.worst.as_ref().is_none_or(|worst| entry.error() > worst.error()) {
            self.worst = Some(entry);
        }
    }
}

/// The gradients of Σ u·y; what y does not depend on has zeros.
fn gradients_or_zeros<'t>(tape: &'t Tape, y: Var<'t>, u: Var<'t>, xs: &[Var<'t>]) -> Vec<Var<'t>> {
    let gradients = tape.vjp(y, u, xs).into_iter().zip(xs);
    gradients.map(|(gradient, x)| gradient.unwrap_or_else(|| tape.zeros(x.shape()))).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
