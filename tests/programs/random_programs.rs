//! Random programs: whatever is recorded, a program computes it.

use std::collections::HashMap;

use autograd::ops::Conv;
use autograd::{Shape, Stream, Tape, Tensor, Var, Variable};

use crate::bits;
use crate::support::{assert_agree, by_name, devices_for, draw, draw_inputs, interpret};

/// A source of choices for random programs: always the same for a seed.
struct Choices {
    stream: Stream,
    taken: usize,
}

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.taken += 1;
        (self.stream.uniform(0, self.taken) * bound as f32) as usize
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

/// Records a random operation on values recorded before. All operations are continuous, or rounding could tip a value
/// over an edge on one side only.
fn random_operation<'t>(values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let x = choices.of(values);
    match choices.below(6) {
        0..=2 => random_elementwise(x, values, choices),
        3 => random_reduction(x, choices),
        4 => random_move(x, choices),
        _ => random_product(x, values, choices),
    }
}

fn random_elementwise<'t>(x: Var<'t>, values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let fits = |y: &&Var| y.shape().broadcast(&x.shape()).is_some_and(|shape| shape.count() < 3000);
    let fitting: Vec<Var> = values.iter().filter(fits).copied().collect();
    match choices.below(16) {
        15 => x.all_mean(),
        0 => x.tanh(),
        1 => x.sin(),
        2 => x.relu(),
        3 => x.leaky_relu(0.2) * 0.5,
        4 => x.sigmoid() - 0.5,
        5 => -x,
        6 => x.abs() + 0.0,
        7 => x.clamp(-0.5, 0.5),
        8 | 9 => x + choices.of(&fitting),
        10 => (x * choices.of(&fitting)).tanh(),
        11 => x - choices.of(&fitting),
        12 => x.maximum(choices.of(&fitting)),
        13 => x.detach() * 0.5 + x,
        _ => x.cos(),
    }
}

fn random_reduction<'t>(x: Var<'t>, choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    if shape.rank() == 0 {
        return x.cos();
    }
    let axis = choices.below(shape.rank());
    match choices.below(4) {
        1 if shape.count() > 0 => x.max_axes(&[axis]),
        2 if shape.count() > 0 => x.softmax(axis),
        3 if shape.count() > 0 => x - x.mean_axes(&[axis]).restore_axes(&[axis], &shape),
        _ => x.sum_axes(&[axis]) * 0.3,
    }
}

fn random_move<'t>(x: Var<'t>, choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    if shape.rank() == 0 {
        return x.broadcast_to([2, 3]);
    }
    let axis = choices.below(shape.rank());
    let small = shape.count() < 500;
    match choices.below(9) {
        0 if shape.rank() > 1 => x.transpose(),
        1 if shape.rank() == 3 => x.permute(&choices.of(&[[1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 2, 1]])),
        2 if shape[axis] > 0 => {
            let start = choices.below(shape[axis]);
            x.slice(axis, start..start + 1 + choices.below(shape[axis] - start))
        }
        3 => {
            let start: Vec<usize> = shape.iter().map(|&extent| choices.below(extent.max(1))).collect();
            let rest: Vec<usize> = shape.iter().zip(&start).map(|(extent, start)| extent - start).collect();
            x.slice_box(&start, rest)
        }
        4 if small => {
            let (mut before, mut after) = (vec![0; shape.rank()], vec![0; shape.rank()]);
            (before[axis], after[axis]) = (choices.below(2), choices.below(3));
            x.pad(&before, &after)
        }
        5 if small => x.tape().concat(&[x, x.tanh()], axis),
        6 if small => x.broadcast_to([&[2], &*shape].concat()),
        7 if shape[0] > 0 => x.gather_rows(random_rows(x.tape(), choices, 4, shape[0])),
        8 => x.scatter_add_rows(random_rows(x.tape(), choices, shape[0], 7), 5), // some rows do not exist
        _ => x.reshape([shape.count()]),
    }
}

/// `count` indices below `bound`.
fn random_rows<'t>(tape: &'t Tape, choices: &mut Choices, count: usize, bound: usize) -> Var<'t> {
    tape.constant(&Tensor::<f64>::from_fn([count], |_| choices.below(bound) as f64))
}

fn random_product<'t>(x: Var<'t>, values: &[Var<'t>], choices: &mut Choices) -> Var<'t> {
    let shape = x.shape();
    match shape.rank() {
        2 => {
            let partners: Vec<Var> = values.iter().copied().filter(|y| y.shape().rank() == 2).collect();
            let y = choices.of(&partners); // x itself, if there is no other
            let y_shape = y.shape();
            let flips = [(false, false), (false, true), (true, false), (true, true)];
            let inner = |(a, b): &(bool, bool)| shape[usize::from(!*a)] == y_shape[usize::from(*b)];
            match flips.iter().find(|flip| inner(flip)) {
                Some(&(a, b)) => (x * 0.3).matmul_with(y, a, b),
                None => x.cos(),
            }
        }
        3 if shape[2] > 0 && shape.count() < 500 => {
            let images = x.reshape([&[1], &*shape].concat()) * 0.3;
            let conv = Conv { stride: [1, 1 + choices.below(2)], padding: [1, 1] };
            let filters = x.tape().constant(&draw("filters", [choices.below(4), shape[0], 2, 3]));
            let y = images.conv2d(filters, conv);
            match choices.below(3) {
                0 => y.reshape(y.shape().without(&[0])),
                1 => y.conv2d_input(filters, conv, [shape[1], shape[2]]).reshape(shape) * 0.1,
                _ => images.conv2d_filter(y, conv, [2, 3]).sum_axes(&[3]) * 0.1,
            }
        }
        _ => x.cos(),
    }
}

/// Random programs with random outputs, random updates of Variables, and the gradients of one value.
#[test]
fn random_programs_compute_their_tapes() {
    for seed in 0..1000 {
        let mut choices = Choices { stream: Stream::new(seed, "choices"), taken: 0 };
        let shapes: [&[usize]; 8] = [&[6, 5], &[5, 6], &[6, 6], &[6], &[1, 5], &[], &[2, 3, 4], &[0, 5]];
        let variable = |i: usize| Variable::new(format!("v{i}"), draw(&format!("v{i}"), shapes[i % 4]).cast());
        let variables: Vec<Variable> = (0..6).map(variable).collect();
        let tape = Tape::new();
        let mut values: Vec<Var> = variables.iter().map(|variable| tape.variable(variable)).collect();
        values.extend(shapes.iter().enumerate().map(|(i, shape)| tape.input(&format!("x{i}"), *shape)));
        values.push(tape.normal(Stream::new(seed, "noise"), [6, 5]));
        let leaves = values.clone();
        for _ in 0..5 + choices.below(40) {
            let new = random_operation(&values, &mut choices);
            values.push(new);
        }
        let loss = choices.of(&values[leaves.len()..]).sin().sum();
        values.extend(tape.try_grad(loss, &leaves).into_iter().flatten());
        let mut assigned: Vec<(usize, Var)> = Vec::new();
        for (i, variable) in variables.iter().enumerate() {
            let fits: Vec<Var> = values.iter().copied().filter(|value| value.shape() == *variable.shape()).collect();
            if choices.below(3) > 0 {
                let value = choices.of(&fits);
                let new = tape.assign(variable, if choices.below(2) == 0 { value } else { value.tanh() });
                assigned.push((i, new));
                values.push(new);
            }
        }
        let outputs: Vec<Var> = (0..1 + choices.below(8)).map(|_| choices.of(&values)).collect();

        let inputs = draw_inputs(&tape);
        let start: Vec<Tensor> = variables.iter().map(|variable| variable.read().expect("host")).collect();
        let wanted: Vec<Var> = outputs.iter().copied().chain(assigned.iter().map(|&(_, new)| new)).collect();
        let expected = interpret(&tape, &wanted, &by_name(&inputs), 0);
        for device in devices_for(seed) {
            variables.iter().zip(&start).for_each(|(variable, start)| variable.write(start).expect("the same shape"));
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, 1e-4, &format!("seed {seed}, output {i} on {}\n{tape}", device.name()));
            }
            let mut state = start.clone();
            for (&(variable, _), new) in assigned.iter().zip(&expected[outputs.len()..]) {
                state[variable] = new.clone();
            }
            for (i, (variable, expected)) in variables.iter().zip(&state).enumerate() {
                let found = variable.read().expect("on the CPU");
                assert_agree(
                    &found,
                    expected,
                    1e-4,
                    &format!("seed {seed}, Variable {i} on {}\n{tape}", device.name()),
                );
            }
        }
    }
}

/// Random mixtures of elementwise operations, sums and maxima over rows and columns of matrices large enough to be cut
/// into tasks, with their gradients: what fusion makes one pass of.
#[test]
fn random_passes_over_matrices_compute_their_tapes_with_the_same_bits_on_any_number_of_threads() {
    for seed in 0..150 {
        let mut choices = Choices { stream: Stream::new(seed, "matrix"), taken: 0 };
        let (rows, columns) = (choices.of(&[1, 2, 37, 64, 100, 1000]), choices.of(&[1, 5, 16, 33, 64, 257, 2049]));
        let rows = if rows * columns > 70_000 { 30 } else { rows };
        let tape = Tape::new();
        let full = Shape::from([rows, columns]);
        let leaves = [("x", [rows, columns]), ("y", [rows, columns]), ("row", [1, columns]), ("column", [rows, 1])]
            .map(|(name, shape)| tape.input(name, shape));
        let mut values = leaves.to_vec();
        for _ in 0..4 + choices.below(20) {
            let (x, y) = (choices.of(&values), choices.of(&values));
            let whole = x.broadcast_to(&full);
            values.push(match choices.below(12) {
                0 => x.tanh(),
                1 => x.sin() * y,
                2 => x - y,
                3 => x.relu() + y * 0.5,
                4 => (x * y).sigmoid(),
                5 => x.maximum(y),
                6 => (whole.sum_axes(&[1]) / columns as f64).reshape([rows, 1]),
                7 => whole.mean_axes(&[0]).reshape([1, columns]),
                8 => whole.square().mean().reshape([1, 1]),
                9 => whole.max_axes(&[choices.below(2)]).sum().reshape([1, 1]) * (0.5 / columns.max(rows) as f64),
                10 => whole.transpose().reshape([rows, columns]),
                _ => (x + y).cos(),
            });
        }
        let y = choices.of(&values[leaves.len()..]);
        let loss = (y * choices.of(&values)).mean();
        let mut outputs = vec![loss, y];
        outputs.extend(tape.try_grad(loss, &leaves).into_iter().flatten());
        outputs.extend((0..3).map(|_| choices.of(&values)));

        let inputs = draw_inputs(&tape);
        let expected = interpret(&tape, &outputs, &by_name(&inputs), 0);
        let mut first: HashMap<String, Vec<Vec<u32>>> = HashMap::new();
        for device in devices_for(seed) {
            let mut program = device.program(&tape, &outputs).expect("a program");
            let found = program.run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, 1e-4, &format!("seed {seed}, output {i} on {}\n{tape}", device.name()));
            }
            let found = bits(found);
            let known = first.entry(device.name()).or_insert_with(|| found.clone());
            assert!(*known == found, "seed {seed}: other bits on {}", device.name());
        }
    }
}
