//! Programs that share Variables, run from threads and from tasks of rayon pools: each sees its Variables as they were
//! when it started, none loses an update, and none waits for ever.

mod support;

use std::sync::mpsc;
use std::time::Duration;

use autograd::{Device, Program, Tape, Tensor, Variable};
use rayon::prelude::*;
use support::devices;

/// Enough for a product to be cut into several tasks.
const SIZE: usize = 200;
const RUNS: usize = 20;

/// Fails if `body` waits for ever.
fn within_a_minute(name: &str, body: impl FnOnce() + Send + 'static) {
    let (done, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        body();
        done.send(()).expect("the test waits");
    });
    match finished.recv_timeout(Duration::from_secs(60)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: still waiting after a minute"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

fn matrix(value: f64) -> Variable {
    Variable::new("matrix", Tensor::full([SIZE, SIZE], value))
}

/// Reads a Variable: the sum of its elements, by a product.
fn reader(device: &Device, variable: &Variable) -> Program {
    let tape = Tape::new();
    let value = tape.variable(variable);
    device
        .program(&tape, &[value.matmul(tape.constant(&Tensor::<f64>::full([SIZE, SIZE], 1.0))).mean()])
        .expect("a program")
}

/// Adds 1 to every element of `to`, and 0 times a product of `from`.
fn counter(device: &Device, from: &Variable, to: &Variable) -> Program {
    let tape = Tape::new();
    let zeros = tape.constant(&Tensor::<f64>::zeros([SIZE, SIZE]));
    tape.assign(to, tape.variable(to) + tape.variable(from).matmul(zeros) + 1.0);
    device.program(&tape, &[]).expect("a program")
}

fn count(variable: &Variable) -> f32 {
    let value = variable.read().expect("it can be read");
    let first = value.data()[0];
    assert!(value.data().iter().all(|&x| x == first), "a value that was read in the middle of an update");
    first
}

/// The device that shares its threads, one of two threads of its own, and whatever else there is.
fn all_devices() -> Vec<Device> {
    let own = Device::cpu_with_threads(2).expect("threads");
    devices().into_iter().chain([own]).collect()
}

#[test]
fn readers_within_a_pool_share_a_variable() {
    within_a_minute("readers", || {
        for device in all_devices() {
            let weight = matrix(1.0);
            let mut programs: Vec<Program> = (0..8).map(|_| reader(&device, &weight)).collect();
            pool(2).install(|| {
                programs.par_iter_mut().for_each(|program| {
                    for _ in 0..RUNS {
                        assert_eq!(program.run(&[]).expect("no inputs")[0].item(), SIZE as f32);
                    }
                });
            });
        }
    });
}

/// The thread that runs the program belongs to no pool; the readers are tasks of the pool that all of rayon shares.
#[test]
fn a_variable_is_read_within_a_pool_while_a_program_changes_it() {
    within_a_minute("reads", || {
        for device in all_devices() {
            let weight = matrix(0.0);
            let mut program = counter(&device, &weight, &weight);
            std::thread::scope(|scope| {
                scope.spawn(|| (0..RUNS).for_each(|_| _ = program.run(&[]).expect("no inputs")));
                (0..10 * RUNS).into_par_iter().for_each(|_| assert!(count(&weight) <= RUNS as f32));
            });
            assert_eq!(count(&weight), RUNS as f32);
        }
    });
}

#[test]
fn writers_within_a_pool_lose_no_update() {
    within_a_minute("writers", || {
        for device in all_devices() {
            let (a, b) = (matrix(0.0), matrix(0.0));
            // Half of them read what the others change.
            let mut programs: Vec<Program> =
                (0..8).map(|i| if i % 2 == 0 { counter(&device, &a, &b) } else { counter(&device, &b, &a) }).collect();
            pool(3).install(|| {
                programs.par_iter_mut().for_each(|program| {
                    for _ in 0..RUNS {
                        program.run(&[]).expect("no inputs");
                        count(&a);
                    }
                });
            });
            assert_eq!([count(&a), count(&b)], [4.0 * RUNS as f32; 2]);
        }
    });
}

/// While a task waits for its program, its thread is handed other tasks, of its own pool and of another one.
#[test]
fn tasks_within_tasks_and_pools_within_pools_share_a_variable() {
    fn halve(programs: &mut [Program], other: &rayon::ThreadPool, weight: &Variable) {
        if let [program] = programs {
            for _ in 0..RUNS {
                program.run(&[]).expect("no inputs");
            }
            weight.write(&weight.read().expect("it can be read")).expect("it has its shape");
            return;
        }
        let (first, second) = programs.split_at_mut(programs.len() / 2);
        rayon::join(|| halve(first, other, weight), || other.install(|| halve(second, other, weight)));
    }
    within_a_minute("nested tasks", || {
        let (outer, inner) = (pool(2), pool(1));
        for device in all_devices() {
            let (weight, scratch) = (matrix(0.0), matrix(0.0));
            let mut programs: Vec<Program> = (0..16).map(|_| counter(&device, &weight, &scratch)).collect();
            outer.install(|| halve(&mut programs, &inner, &weight));
            assert_eq!(count(&scratch), 16.0 * RUNS as f32);
        }
    });
}
