//! Compiled programs against the interpreter: whatever the compiler folds, fuses, overwrites and shares, a program
//! computes what its tape says, with the same bits on any number of threads and at every replay.

mod floats;
mod networks;
mod random_programs;
mod refusals;
mod replays;
mod reuse;
mod shapes;
#[path = "../support.rs"]
mod support;
mod updates;

use autograd::{Tape, Tensor, Var};
use support::{assert_agree, by_name, devices, draw_inputs, interpret};

/// Sums of a few hundred products in f32, each order of adding giving other roundings, relative to the largest element.
const TOLERANCE: f32 = 1e-5;

/// A computation, recorded on any tape.
type Record = for<'t> fn(&'t Tape) -> Vec<Var<'t>>;

/// Compiles, runs twice and compares with the interpreter.
fn assert_computes_its_tape(name: &str, record: Record) {
    let tape = Tape::new();
    let outputs = record(&tape);
    let inputs = draw_inputs(&tape);
    let expected = interpret(&tape, &outputs, &by_name(&inputs), 3);
    for device in devices() {
        let mut program = device.program(&tape, &outputs).expect("a program");
        for _replay in 0..2 {
            let found = program.at(3).run(&by_name(&inputs)).expect("every input is given");
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_agree(found, expected, TOLERANCE, &format!("{name}, output {i}"));
            }
        }
    }
}

/// Bits, so that NaN equals itself.
fn bits(values: &[Tensor]) -> Vec<Vec<u32>> {
    values.iter().map(|value| value.data().iter().map(|x| x.to_bits()).collect()).collect()
}
