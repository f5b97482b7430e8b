//! Replaying a program allocates nothing: every buffer was planned when it was compiled.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use autograd::{Device, Shape, Stream, Tape, Tensor, Var};
use nn::layers::{Activation, Conv2d, Flatten, Linear};
use nn::optim::Adam;
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential};

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does all of the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of all threads while `body` runs.
fn allocations(body: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    body();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// A whole update of a critic: scores, gradient penalty, the gradient of both, Adam.
fn critic_update<'t>(tape: &'t Tape, critic: &Sequential, adam: &Adam, sample: &[usize]) -> Var<'t> {
    let batch = Shape::from([&[32], sample].concat());
    let x = tape.input("x", &batch) + tape.normal(Stream::new(0, "noise"), &batch);
    let slope = tape.grad(critic.forward(x, Mode::Train).sum(), &[x])[0];
    let loss = critic.forward(x, Mode::Train).mean() + (slope.norm_rows() - 1.0).square().mean() * 10.0;
    adam.update(loss, tape.scalar(1e-4));
    loss
}

/// The allocations of a run after a warm-up. One thread runs the kernels: which of several takes a tile, and so needs memory
/// of its own for it, is left to chance.
fn measure(critic: &Sequential, sample: &[usize]) -> usize {
    let adam = Adam::new(critic.parameters());
    let tape = Tape::new();
    let loss = critic_update(&tape, critic, &adam, sample);
    let mut program = Device::cpu_with_threads(1).expect("a thread").program(&tape, &[loss]).expect("it compiles");
    let x = Tensor::full([&[32], sample].concat(), 0.5);
    let mut run = || _ = program.at(0).run(&[("x", &x)]).expect("all inputs are given");
    run();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    // The least of a few: the first runs wake threads up, of which some allocate once.
    let mut least = || (0..3).map(|_| allocations(&mut run)).min().expect("three runs");
    least() + pool.install(least)
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn a_replay_allocates_nothing() {
    let mut rng = Rng::new(0, "weights");
    let mlp = Sequential::new()
        .add(Linear::new("0", 2, 128, Init::FanIn, &mut rng))
        .add(Activation::Relu)
        .add(Linear::new("2", 128, 128, Init::FanIn, &mut rng))
        .add(Activation::Softplus)
        .add(Linear::new("4", 128, 1, Init::FanIn, &mut rng));
    assert_eq!(measure(&mlp, &[2]), 0);

    let conv = autograd::ops::Conv::square(2, 2);
    let dcgan = Sequential::new()
        .add(Conv2d::new("0", 1, 4, 5, conv, Init::FanIn, &mut rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Conv2d::new("2", 4, 8, 5, conv, Init::FanIn, &mut rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Flatten)
        .add(Linear::new("5", 8 * 7 * 7, 1, Init::FanIn, &mut rng));
    assert_eq!(measure(&dcgan, &[1, 28, 28]), 0);

    // Large enough for Winograd's algorithm.
    let layer = Sequential::new()
        .add(Conv2d::new("0", 64, 128, 5, conv, Init::FanIn, &mut rng))
        .add(Activation::LeakyRelu(0.2))
        .add(Flatten)
        .add(Linear::new("3", 128 * 7 * 7, 1, Init::FanIn, &mut rng));
    assert_eq!(measure(&layer, &[64, 14, 14]), 0);
}
