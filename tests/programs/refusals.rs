//! Feeds and programs that are refused, and values that are not finite.

use autograd::{Device, Error, Feed, Program, Tape, Tensor, Variable};

#[test]
fn wrong_inputs_are_named() {
    let tape = Tape::new();
    let (x, y) = (tape.input("x", [2]), tape.input("y", [3]));
    let unused = tape.input("unused", [9]);
    let mut program = Device::cpu().program(&tape, &[x.sum() * y.sum()]).expect("a program");
    let (two, three) = (Tensor::full([2], 1.0), Tensor::full([3], 1.0));
    let sentence = |program: &mut Program, inputs: &[(&str, &Tensor)]| match program.run(inputs) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(sentence(&mut program, &[("x", &two)]), "input \"y\" of shape [3] was not given");
    assert_eq!(
        sentence(&mut program, &[("x", &two), ("y", &three), ("z", &two)]),
        "there is no input \"z\"; the program reads x, y, unused"
    );
    assert_eq!(
        sentence(&mut program, &[("x", &three), ("y", &three)]),
        "\"x\" has shape [2], but the tensor given for it has shape [3]"
    );
    assert_eq!(sentence(&mut program, &[("y", &three), ("x", &two)]), "", "the order does not matter");
    assert_eq!(
        sentence(&mut Device::cpu().program(&Tape::new(), &[]).expect("a program"), &[("z", &two)]),
        "there is no input \"z\"; the program reads none"
    );
    let nine = Tensor::zeros(unused.shape());
    assert_eq!(sentence(&mut program, &[("unused", &nine), ("x", &two), ("y", &three)]), "", "it is declared");
}

/// The interpreter and compiled programs refuse the same feeds with the same errors.
#[test]
fn the_interpreter_refuses_what_programs_refuse() {
    let tape = Tape::new();
    let y = tape.input("x", [2]).sum();
    let mut program = Device::cpu().program(&tape, &[y]).expect("a program");
    let (two, three) = (Tensor::full([2], 1.0), Tensor::full([3], 1.0));
    let feeds: [&[(&str, &Tensor)]; 3] = [&[], &[("x", &three)], &[("x", &two), ("z", &two)]];
    for inputs in feeds {
        let interpreted = tape.interpret(&[y], Feed { inputs, step: 0 }).expect_err("a wrong feed");
        assert_eq!(program.run(inputs).expect_err("a wrong feed"), interpreted);
    }
}

/// A program whose values fit no memory is an error, not the end of the process.
#[test]
fn a_program_larger_than_the_memory_is_refused() {
    let tape = Tape::new();
    let x = tape.input("x", [1 << 24]);
    let outer = x.exp().reshape([1 << 24, 1]).matmul(x.sin().reshape([1, 1 << 24])); // 2⁴⁸ numbers, 2⁵⁰ bytes
    for output in [outer.max(), outer] {
        let error = Device::cpu().program(&tape, &[output]).err().expect("a pebibyte").to_string();
        assert!(error.starts_with("CPU: there is no memory for the 1073741952 MiB"), "{error}");
    }
}

/// A failed run leaves the outputs, the Variables and the next run as they were.
#[test]
fn a_refused_run_changes_nothing() {
    let weight = Variable::new("weight", Tensor::zeros([2]));
    let mut program = Device::cpu()
        .compile(|tape| [tape.assign(&weight, tape.variable(&weight) + tape.input("x", [2]))])
        .expect("a program");
    assert!(matches!(program.run(&[]), Err(Error::MissingInput { .. })));
    assert_eq!(weight.read().expect("host").data(), [0.0; 2]);
    let [new] = program.run(&[("x", &Tensor::full([2], 3.0))]).expect("given");
    assert_eq!(new.data(), [3.0; 2]);
}

/// 1/x at zero makes the first infinity; that infinity minus itself is what would be seen without looking.
#[test]
fn the_first_operation_that_is_not_finite_is_named() {
    let (tape, weight) = (Tape::new(), Variable::new("weight", Tensor::full([2], 1.0)));
    let x = tape.input("x", [2]);
    let (reciprocal, line) = ((x * tape.variable(&weight)).reciprocal(), line!());
    let difference = reciprocal - reciprocal;
    tape.assign(&weight, difference);
    let mut program = Device::cpu().program(&tape, &[difference.sum()]).expect("a program");
    program.refuse_non_finite();
    let mut found = |x| match program.run(&[("x", &Tensor::full([2], x))]) {
        Ok(_) => None,
        Err(Error::NonFinite(found)) => Some(found),
        Err(error) => panic!("{error}"),
    };
    let (zero, nan, one) = (found(0.0).expect("1/0"), found(f64::NAN).expect("the input itself"), found(1.0));
    let place = format!("reciprocal (recorded at tests/programs/refusals.rs:{line}:");
    assert!(zero.to_string().starts_with(&place), "{zero}");
    assert_eq!((&*nan.op, one), ("input \"x\"", None));
    assert_eq!(weight.read().expect("host").data(), [0.0; 2]); // by the last run alone
}
