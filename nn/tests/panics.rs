//! Panics lead back to the user: to the line that used what refuses, not into this library, with the layer's name.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

use autograd::ops::Conv;
use autograd::{Stream, Tape, Tensor, Var, Variable};
use nn::layers::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, Dropout, Embedding, Flatten, LayerNorm, Linear, Pool2d, Reshape,
    Residual, Upsample,
};
use nn::optim::{Adam, RmsProp, Sgd};
use nn::{Checkpoint, Init, Mode, Module, Optimizer, Rng, Sequential, clip, losses};

thread_local!(static PANICS: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) });

/// The one panic that `f` raises: its message and its file.
#[track_caller]
fn panic_of(f: impl FnOnce()) -> (String, String) {
    set_hook(Box::new(|info| {
        let payload = info.payload();
        let formatted = payload.downcast_ref::<String>().cloned();
        let message = formatted.or(payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default();
        let file = info.location().expect("a location").file().to_owned();
        eprintln!("{message} ({file})");
        PANICS.with_borrow_mut(|panics| panics.push((message, file)));
    }));
    PANICS.take();
    assert!(catch_unwind(AssertUnwindSafe(f)).is_err(), "this should have panicked");
    let mut panics = PANICS.take();
    assert_eq!(panics.len(), 1, "{panics:?}");
    panics.remove(0)
}

#[track_caller]
fn assert_leads_here(f: impl FnOnce(), message: &str) {
    let (said, file) = panic_of(f);
    assert!(said.contains(message), "{said:?} is not about {message:?}");
    assert!(file.ends_with("panics.rs"), "{said:?} was raised in {file}");
}

fn rng() -> Rng {
    Rng::new(0, "weights")
}

#[test]
fn layers_name_themselves_at_the_users_line() {
    let tape = Tape::new();
    let x = tape.zeros([4, 3]);
    let conv = Conv::square(1, 0);
    let linear = Linear::new("3", 7, 2, Init::FanIn, &mut rng());
    assert_leads_here(|| _ = linear.forward(x, Mode::Train), "Linear \"3.weight\": matmul");
    let spectral = Linear::new("3", 7, 2, Init::FanIn, &mut rng()).spectral(&mut rng());
    assert_leads_here(|| _ = spectral.forward(x, Mode::Train), "Linear \"3.parametrizations.weight.original\": matmul");
    let layer = Conv2d::new("0", 1, 2, 3, conv, Init::FanIn, &mut rng());
    assert_leads_here(|| _ = layer.forward(x, Mode::Train), "Conv2d \"0.weight\": conv2d");
    let layer = Conv2d::new("0", 1, 2, 3, Conv::square(2, 0), Init::FanIn, &mut rng()).halving();
    let message = "Conv2d \"0.weight\": what is halved or doubled has stride 1";
    assert_leads_here(|| _ = layer.forward(tape.zeros([1, 1, 4, 4]), Mode::Train), message);
    let layer = ConvTranspose2d::new("0", 1, 2, 3, conv, Init::FanIn, &mut rng());
    assert_leads_here(|| _ = layer.forward(x, Mode::Train), "ConvTranspose2d \"0.weight\": conv_transpose2d");
    let layer = BatchNorm::new("1", 2);
    for shape in [&[4, 3][..], &[4], &[]] {
        assert_leads_here(
            || _ = layer.forward(tape.zeros(shape), Mode::Train),
            "BatchNorm \"1.weight\": the second axis",
        );
        assert_leads_here(
            || _ = layer.forward(tape.zeros(shape), Mode::Eval),
            "BatchNorm \"1.weight\": the second axis",
        );
    }
    assert_leads_here(|| _ = layer.forward(tape.zeros([1, 2]), Mode::Train), "more than one value per channel");
    let layer = LayerNorm::new("1", [2]);
    assert_leads_here(|| _ = layer.forward(x, Mode::Train), "LayerNorm \"1.weight\": it is for shapes ending in [2]");
    assert_leads_here(|| _ = Reshape::new([2]).forward(x, Mode::Train), "Reshape: reshape");
    assert_leads_here(|| _ = Reshape::new([2]).forward(tape.scalar(1.0), Mode::Train), "Reshape: a scalar");
    assert_leads_here(|| _ = Flatten.forward(tape.scalar(1.0), Mode::Train), "Flatten: a scalar");
    let layer = Embedding::new("2", 5, 3, Init::Zeros, &mut rng());
    let half = tape.constant(&Tensor::new([1], vec![0.5]).unwrap());
    assert_leads_here(|| _ = layer.forward(half, Mode::Train), "Embedding \"2.weight\": gather_rows: an index must be");
    let pool = Pool2d::Max { kernel: [2, 2], conv };
    assert_leads_here(|| _ = pool.forward(x, Mode::Train), "Pool2d: max_pool2d: needs images");
    assert_leads_here(
        || _ = Upsample::new(2).forward(x, Mode::Train),
        "Upsample: images [B, C, H, W] are needed, not [4, 3]",
    );
    let layer = Residual::new(Flatten, Sequential::new());
    let message = "Residual: the branch makes [2, 6] of [2, 3, 2], the shortcut [2, 3, 2]";
    assert_leads_here(|| _ = layer.forward(tape.zeros([2, 3, 2]), Mode::Train), message);
    let dropout = Dropout::new(0.5, Stream::new(0, "dropout"));
    dropout.forward(x, Mode::Train);
    assert_leads_here(|| _ = dropout.forward(x, Mode::Train), "Dropout: random: the stream drawn from");
    assert_leads_here(|| _ = Flatten.forward_with(&[x], x, Mode::Train), "bound: 0 Variables, but 1 values");
    assert_leads_here(|| _ = Activation::LeakyRelu(f64::NAN).forward(x, Mode::Train), "Activation: leaky_relu: slope");
}

/// A layer of the user's own.
struct Doubled(Variable);

impl Module for Doubled {
    fn forward<'t>(&self, x: Var<'t>, _: Mode) -> Var<'t> {
        x + x.tape().variable(&self.0)
    }
}

#[test]
fn networks_say_which_layer_it_is() {
    let tape = Tape::new();
    let inner = Sequential::new().add(Activation::Relu).add(Linear::new("3", 7, 2, Init::FanIn, &mut rng()));
    let network = Sequential::new().add(Flatten).add(inner).add(Doubled(Variable::new("v", Tensor::zeros([5]))));
    let message = "Sequential 1: Sequential 1: Linear \"3.weight\": matmul";
    assert_leads_here(|| _ = network.forward(tape.zeros([4, 3]), Mode::Train), message);
    assert_leads_here(|| _ = network.forward(tape.zeros([4, 7]), Mode::Train), "Sequential 2: add: shapes");
    // What was refused leaves the tape as it was.
    assert_leads_here(|| _ = tape.zeros([2]) + tape.zeros([3]), "add: shapes");
    let line = line!() + 1;
    let y = Sequential::new().add(Activation::Tanh).add(Flatten).forward(tape.zeros([2, 2]), Mode::Train);
    let location = tape.nodes()[y.id() - 1].location;
    assert!(location.file().ends_with("panics.rs") && location.line() == line, "{location}");
}

#[test]
fn what_is_made_wrong_is_named_where_it_is_made() {
    let linear = |init| _ = Linear::new("0", 2, 2, init, &mut rng());
    assert_leads_here(|| linear(Init::Normal { std: f64::NAN }), "the deviation must be finite");
    assert_leads_here(|| linear(Init::Uniform { low: 1.0, high: 0.0 }), "the bounds must be finite and ascend");
    assert_leads_here(|| _ = Init::FanIn.weight(&[3].into(), &mut rng()), "fans need a weight of two axes");
    assert_leads_here(|| _ = Dropout::new(1.0, Stream::new(0, "dropout")), "a probability must be");
    assert_leads_here(|| _ = Adam::new(Vec::new()).betas(1.0, 0.0), "a decay must be");
    assert_leads_here(|| _ = RmsProp::new(Vec::new()).alpha(-1.0), "a decay must be");
    assert_leads_here(|| _ = Sgd::new(Vec::new()).momentum(2.0), "a decay must be");
    let twice = [Variable::new("v", Tensor::zeros([])), Variable::new("v", Tensor::zeros([]))];
    assert_leads_here(|| _ = Checkpoint::new().with("", twice), "two Variables are named \"v\"");
}

#[test]
fn losses_clipping_and_optimisers_lead_to_the_users_line() {
    let tape = Tape::new();
    let (a, b) = (tape.zeros([2]), tape.zeros([3]));
    assert_leads_here(|| _ = losses::mse(a, b), "mse: the shapes");
    assert_leads_here(|| _ = losses::binary_cross_entropy(a, b), "binary cross-entropy: the shapes");
    assert_leads_here(|| _ = losses::cross_entropy(a, b), "cross-entropy: needs logits");
    assert_leads_here(|| _ = losses::cross_entropy(tape.zeros([2, 2]), b), "cross-entropy: for logits");
    assert_leads_here(|| _ = losses::wasserstein(a, b), "wasserstein: the shapes");
    assert_leads_here(|| _ = clip::global_norm(&[]), "no gradient");
    assert_leads_here(|| _ = clip::by_global_norm(&[a], 0.0), "must be positive");
    assert_leads_here(|| _ = clip::by_value(&[a], -1.0), "cannot be held");
    let other = Tape::new();
    assert_leads_here(|| _ = clip::by_global_norm(&[a, other.scalar(1.0)], 1.0), "belongs to another tape");

    let layer = Linear::new("3", 2, 1, Init::FanIn, &mut rng());
    let line = line!() + 1;
    let loss = tape.variable(&layer.parameters()[0]).sum();
    fn check<O: Optimizer>(optimizer: O, loss: Var, line: u32) {
        let (rate, gradient) = (loss.tape().scalar(0.1), loss.tape().zeros([5]));
        let recorded = format!("the loss is recorded at nn/tests/panics.rs:{line}:");
        assert_leads_here(
            || _ = optimizer.update(loss, rate),
            "does not depend on parameter \"3.bias\"; update_reached",
        );
        assert_leads_here(|| _ = optimizer.gradients(loss), &recorded);
        assert_leads_here(|| _ = optimizer.update_reached(rate, rate), "depends on no parameter");
        assert_leads_here(|| _ = optimizer.step(&[rate], rate), "2 parameters need as many");
        assert_leads_here(|| _ = optimizer.assign(&[rate]), "2 parameters need as many");
        assert_leads_here(|| _ = optimizer.assign(&[gradient, rate]), "assign: \"3.weight\" has shape");
    }
    check(Adam::new(layer.parameters()), loss, line);
    check(RmsProp::new(layer.parameters()), loss, line);
    check(Sgd::new(layer.parameters()).momentum(0.5), loss, line);
}
