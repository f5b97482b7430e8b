//! What layers and losses compute, against numbers from PyTorch 2.15 in double precision, and their derivatives against
//! finite differences.
//!
//! The numbers were printed by PyTorch's modules of the same names, with every input, parameter and buffer set by the
//! rule of [`pattern`], which is exact in f32.

use std::path::Path;

use autograd::ops::Conv;
use autograd::{Device, GradCheck, Shape, Stream, Tape, Tensor, Var, Variable};
use nn::layers::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, Dropout, Embedding, Flatten, LayerNorm, Linear, Pool2d, Reshape,
    Residual, Upsample,
};
use nn::{Checkpoint, Init, Mode, Module, Rng, Sequential, losses};

/// Multiples of a quarter between −1.25 and 1.25 that look irregular: ((7·i + seed) mod 11 − 5) / 4.
fn pattern(shape: impl Into<Shape>, seed: usize) -> Tensor {
    Tensor::from_fn(shape, |i| ((7 * i + seed) % 11) as f32 / 4.0 - 1.25)
}

/// Gives the k-th parameter the pattern of seed k + 1.
fn with_pattern<M: Module>(module: M) -> M {
    for (k, parameter) in module.parameters().iter().enumerate() {
        parameter.write(&pattern(parameter.shape(), k + 1)).unwrap();
    }
    module
}

fn rng() -> Rng {
    Rng::new(0, "weights")
}

/// The module's value in f64 at the pattern of seed 0.
fn value(module: &impl Module, shape: impl Into<Shape>, mode: Mode) -> Tensor<f64> {
    let tape = Tape::new();
    module.forward(tape.constant(&pattern(shape, 0)), mode).value()
}

#[track_caller]
fn assert_close(value: &Tensor<f64>, shape: impl Into<Shape>, expected: &[f64]) {
    assert_eq!(*value.shape(), shape.into());
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
    assert!(value.data().iter().zip(expected).all(close), "{:?}\nis not {expected:?}", value.data());
}

#[test]
fn linear_is_pytorchs() {
    let layer = with_pattern(Linear::new("0", 3, 2, Init::Zeros, &mut rng()));
    assert_close(&value(&layer, [2, 3], Mode::Train), [2, 2], &[1.0, 3.0625, -1.625, -0.0625]);
}

#[test]
fn conv2d_is_pytorchs() {
    let layer = with_pattern(Conv2d::new("0", 2, 2, 3, Conv::square(2, 1), Init::Zeros, &mut rng()));
    let expected = [
        [-1.75, -2.1875, -3.375, -3.875, 2.5, 0.25, 1.625, -1.5625, -2.25],
        [4.375, 0.125, 0.9375, -0.125, -1.75, 2.3125, -0.625, 4.6875, -0.125],
    ];
    assert_close(&value(&layer, [1, 2, 5, 5], Mode::Train), [1, 2, 3, 3], expected.as_flattened());
}

#[test]
fn conv_transpose2d_is_pytorchs() {
    let layer = ConvTranspose2d::new("0", 2, 1, 5, Conv::square(2, 2), Init::Zeros, &mut rng()).output_padding(1);
    let expected = [
        [-3.0, 2.6875, 0.8125, -2.0625],
        [-2.75, 0.1875, 0.375, -1.5625],
        [0.25, -3.0, 2.6875, -1.0625],
        [0.25, -1.5, 0.1875, -0.4375],
    ];
    assert_close(&value(&with_pattern(layer), [1, 2, 2, 2], Mode::Train), [1, 1, 4, 4], expected.as_flattened());
}

#[test]
fn batch_norm_normalises_vectors_by_the_biased_variance() {
    let layer = with_pattern(BatchNorm::new("0", 2));
    let expected = [
        [0.591631246, 1.257245457],
        [-0.3027895847, 2.028981826],
        [-1.197210415, -0.02898182637],
        [-2.091631246, 0.7427545434],
    ];
    assert_close(&value(&layer, [4, 2], Mode::Train), [4, 2], expected.as_flattened());
}

#[test]
fn batch_norm_normalises_images_by_channel() {
    let layer = with_pattern(BatchNorm::new("0", 2));
    let expected = [
        [0.4003005316, -1.551724613, -0.4362816732, -2.388306818],
        [1.0, -0.1766823287, 1.882511747, 0.7058294178],
        [0.1214397966, -1.830585348, -0.7151424081, 0.4003005316],
        [1.294170582, 0.1174882535, 2.176682329, 1.0],
    ];
    assert_close(&value(&layer, [2, 2, 2, 2], Mode::Train), [2, 2, 2, 2], expected.as_flattened());
}

/// The running statistics that PyTorch had after one training batch; what it made of that batch with them.
#[test]
fn batch_norm_evaluates_by_its_running_statistics() {
    let layer = with_pattern(BatchNorm::new("0", 2));
    let [mean, variance] = &layer.buffers()[..] else { panic!("two buffers") };
    mean.write(&Tensor::new([2], vec![-0.0125, 0.025]).unwrap()).unwrap();
    variance.write(&Tensor::new([2], vec![0.99375, 0.97083336]).unwrap()).unwrap();
    let expected = [
        [0.491379164, 1.361559933],
        [-0.2609718445, 1.932444036],
        [-1.013322853, 0.4100864259],
        [-1.765673861, 0.9809705299],
    ];
    let found = value(&layer, [4, 2], Mode::Eval);
    let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-7; // the statistics above are rounded to f32
    assert!(found.data().iter().zip(expected.as_flattened()).all(close), "{found:?}");
}

/// A training pass of a spectrally normalised layer of weight `[2, 2]` from some u, as a program.
fn spectral(weight: [f32; 4]) -> Linear {
    let layer = Linear::new("0", 2, 2, Init::FanIn, &mut rng()).without_bias().spectral(&mut rng());
    layer.parameters()[0].write(&Tensor::new([2, 2], weight.to_vec()).unwrap()).unwrap();
    layer
}

/// [[2, 1], [1, 2]] has the singular values 3 and 1, the first along (1, 1)/√2. One step of power iteration brings the rest
/// down by a ninth.
#[test]
fn spectral_norm_divides_by_the_largest_singular_value() {
    let layer = spectral([2.0, 1.0, 1.0, 2.0]);
    let mut pass = Device::cpu()
        .compile(|tape| {
            let x = tape.constant(&Tensor::<f64>::new([1, 2], vec![1.0, 1.0]).unwrap());
            [layer.forward(x, Mode::Train)]
        })
        .unwrap();
    for _ in 0..10 {
        pass.run(&[]).unwrap();
    }
    let [y] = pass.run(&[]).unwrap();
    assert!(y.data().iter().all(|y| (y - 1.0).abs() < 1e-6), "{y:?}");
    let u = layer.buffers()[0].read().unwrap();
    assert!(u.data().iter().all(|u| (u.abs() - 0.5f32.sqrt()).abs() < 1e-6), "{u:?}");
    // In evaluation they stay.
    let tape = Tape::new();
    layer.forward(tape.constant(&Tensor::<f64>::full([1, 2], 1.0)), Mode::Eval).value();
    assert_eq!(layer.buffers()[0].read().unwrap(), u);
}

/// y = Wx/σ(W) with W = diag(3, 1), whose σ is W₁₁, and x = (1, 1): y₁ = (W₁₁ + W₁₂)/W₁₁ and y₂ = (W₂₁ + W₂₂)/W₁₁.
#[test]
fn spectral_norm_is_differentiated_with_its_singular_vectors_fixed() {
    let layer = spectral([3.0, 0.0, 0.0, 1.0]);
    layer.buffers().iter().for_each(|vector| vector.write(&Tensor::new([2], vec![1.0, 0.0]).unwrap()).unwrap());
    for mode in [Mode::Train, Mode::Eval] {
        let tape = Tape::new();
        let weight = tape.variable(&layer.parameters()[0]);
        let y = layer.forward(tape.constant(&Tensor::<f64>::full([1, 2], 1.0)), mode);
        assert_close(&y.value(), [1, 2], &[1.0, 1.0 / 3.0]);
        let gradient = |i: usize| tape.grad(y.slice(1, i..i + 1).sum(), &[weight])[0].value();
        assert_close(&gradient(0), [2, 2], &[0.0, 1.0 / 3.0, 0.0, 0.0]);
        assert_close(&gradient(1), [2, 2], &[-1.0 / 9.0, 0.0, 1.0 / 3.0, 1.0 / 3.0]);
    }
}

/// A kernel of two filters that read one number each, 3 and 4: as a matrix [[3], [4]] its singular value is 5.
#[test]
fn spectral_norm_takes_a_kernel_as_a_matrix() {
    let layer =
        Conv2d::new("0", 1, 2, 1, Conv::square(1, 0), Init::FanIn, &mut rng()).without_bias().spectral(&mut rng());
    layer.parameters()[0].write(&Tensor::new([2, 1, 1, 1], vec![3.0, 4.0]).unwrap()).unwrap();
    let tape = Tape::new();
    let x = tape.constant(&Tensor::<f64>::full([1, 1, 1, 1], 1.0));
    assert_close(&layer.forward(x, Mode::Train).value(), [1, 2, 1, 1], &[0.6, 0.8]);
}

/// Names, shapes and numbers are PyTorch's: `torch/spectral.py` wrote the file, in which weights have moved on since their
/// singular vectors were found.
#[test]
fn spectral_norm_is_that_of_pytorch() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch/spectral.safetensors");
    let layers = Sequential::new()
        .add(Conv2d::new("0", 2, 3, 3, Conv::square(2, 1), Init::FanIn, &mut rng()).spectral(&mut rng()))
        .add(Activation::Relu)
        .add(Flatten)
        .add(Linear::new("3", 12, 4, Init::FanIn, &mut rng()).spectral(&mut rng()));
    let variable = |name: &str, shape: &[usize]| Variable::new(name, Tensor::zeros(shape));
    let [x, evaluated, trained] =
        [variable("x", &[5, 2, 4, 4]), variable("evaluated", &[5, 4]), variable("trained", &[5, 4])];
    let all = layers.state().into_iter().chain([x.clone(), evaluated.clone(), trained.clone()]);
    Checkpoint::new().with("", all).load(&file).unwrap();
    for (mode, expected) in [(Mode::Eval, evaluated), (Mode::Train, trained)] {
        let tape = Tape::new();
        let found = layers.forward(tape.variable(&x), mode).value();
        let expected = expected.read().unwrap();
        let close = |(a, &b): (&f64, &f32)| (a - f64::from(b)).abs() < 1e-6;
        assert!(found.data().iter().zip(expected.data()).all(close), "{mode:?}: {found:?} {expected:?}");
    }
}

/// As PyTorch's with `track_running_stats=False`: the numbers of training, in evaluation too, and nothing to be saved.
#[test]
fn batch_norm_without_tracking_normalises_by_any_batch() {
    let layer = with_pattern(BatchNorm::new("0", 2).without_tracking());
    let tracking = with_pattern(BatchNorm::new("0", 2));
    assert_eq!(value(&layer, [4, 2], Mode::Eval), value(&tracking, [4, 2], Mode::Train));
    assert!(layer.buffers().is_empty());
    let tape = Tape::new();
    let x = tape.constant(&pattern([4, 2], 0));
    layer.forward(layer.forward(x, Mode::Train), Mode::Train); // twice in a program
}

#[test]
fn layer_norm_is_pytorchs() {
    let vectors = with_pattern(LayerNorm::new("0", [3]));
    let expected = [[0.412465077, 1.959033689, 0.02906162693], [-1.974735686, 1.0, 0.3061839215]];
    assert_close(&value(&vectors, [2, 3], Mode::Train), [2, 3], expected.as_flattened());

    let images = with_pattern(LayerNorm::new("0", [2, 2]));
    let expected = [
        [0.5630570842, 1.393917125, 0.1313057084, -2.641321355],
        [-0.94999744, -0.04998656026, -0.3499955201, -0.7500031999],
    ];
    assert_close(&value(&images, [2, 2, 2], Mode::Train), [2, 2, 2], expected.as_flattened());
}

#[test]
fn losses_are_pytorchs() {
    let tape = Tape::new();
    let (x, y) = (tape.constant(&pattern([3, 2], 0)), tape.constant(&pattern([3, 2], 4)));
    let classes = tape.constant(&Tensor::new([3], vec![1.0, 0.0, 1.0]).unwrap());
    assert_close(&losses::mse(x, y).value(), [], &[1.6875]);
    assert_close(&losses::binary_cross_entropy(x, y.step()).value(), [], &[0.9024704262]);
    assert_close(&losses::cross_entropy(x, classes.one_hot(2)).value(), [], &[1.127903329]);
    assert_close(&losses::cross_entropy(x, classes).value(), [], &[1.127903329]);
}

/// ln(1 + 1/e) = 0.3133 is what logits [1, 0] give class 0; a third one of −∞ changes nothing, nor in the gradient p − t, nor
/// in its derivatives p(δ − p).
#[test]
fn an_impossible_class_is_no_term_of_cross_entropy() {
    let tape = Tape::new();
    let logits = tape.constant(&Tensor::<f64>::new([1, 3], vec![1.0, 0.0, f64::NEG_INFINITY]).unwrap());
    let targets = [Tensor::new([1], vec![0.0]).unwrap(), Tensor::new([1, 3], vec![1.0, 0.0, 0.0]).unwrap()];
    let p = 1.0 / (1.0 + (-1f64).exp());
    for targets in targets.map(|targets: Tensor<f64>| tape.constant(&targets)) {
        let loss = losses::cross_entropy(logits, targets);
        assert!((loss.value().item() - 0.313261687518).abs() < 1e-9);
        assert_close(&tape.grad(loss, &[logits])[0].value(), [1, 3], &[p - 1.0, 1.0 - p, 0.0]);
        let v = p * (1.0 - p);
        assert_close(&tape.hessian(loss, logits).value(), [3, 3], &[v, -v, 0.0, -v, v, 0.0, 0.0, 0.0, 0.0]);
    }
    let wrong = tape.constant(&Tensor::<f64>::new([1], vec![2.0]).unwrap());
    assert_eq!(losses::cross_entropy(logits, wrong).value().item(), f64::INFINITY, "it is the class that was given");
    let none = tape.constant(&Tensor::<f64>::new([1], vec![3.0]).unwrap());
    assert!(losses::cross_entropy(logits, none).value().item().is_nan(), "there is no class 3");
    // ∂(−Σ t·ln p)/∂t = −ln p, also where t is 0.
    let (logits, targets) = (tape.zeros([1, 2]), tape.constant(&Tensor::<f64>::new([1, 2], vec![1.0, 0.0]).unwrap()));
    let loss = losses::cross_entropy(logits, targets);
    assert_close(&tape.grad(loss, &[targets])[0].value(), [1, 2], &[2f64.ln(); 2]);
}

/// −ln σ(20) = 2.06·10⁻⁹ and its slope −σ(−20) have all their digits in f32, on either side; an infinite logit that is right
/// costs nothing.
#[test]
fn binary_cross_entropy_keeps_its_digits() {
    let (x, t) = ([20.0, -20.0, f32::INFINITY, f32::NEG_INFINITY], [1.0, 0.0, 1.0, 0.0]);
    let mut program = Device::cpu()
        .compile(|tape| {
            let (x, t) = (tape.input("x", [4]), tape.input("t", [4]));
            let losses = [0, 1, 2, 3].map(|i| losses::binary_cross_entropy(x.slice(0, i..i + 1), t.slice(0, i..i + 1)));
            let total = losses[0] + losses[1] + losses[2] + losses[3];
            [losses[0], losses[1], losses[2], losses[3], tape.grad(total, &[x])[0]]
        })
        .unwrap();
    let (x, t) = (Tensor::new([4], x.to_vec()).unwrap(), Tensor::new([4], t.to_vec()).unwrap());
    let [a, b, c, d, slopes] = program.run(&[("x", &x), ("t", &t)]).unwrap();
    let exact = (-20f64).exp().ln_1p();
    for (found, exact) in [(a.item(), exact), (b.item(), exact), (-slopes.data()[0], exact), (slopes.data()[1], exact)]
    {
        assert!((f64::from(found) / exact - 1.0).abs() < 1e-6, "{found} for {exact}");
    }
    assert_eq!([c.item(), d.item(), slopes.data()[2].abs(), slopes.data()[3]], [0.0; 4]);
}

#[test]
#[should_panic(expected = "cross-entropy: for logits [4, 3], targets are [4] or [4, 3], not [3]")]
fn cross_entropy_refuses_other_targets() {
    let tape = Tape::new();
    losses::cross_entropy(tape.zeros([4, 3]), tape.zeros([3]));
}

/// Scores 0.5, 0.8 and 1 under labels −1 give −0.5, −0.8 and −1, whose mean is theirs ("How to implement Wasserstein
/// loss", Machine Learning Mastery).
#[test]
fn the_wasserstein_loss_is_the_mean_of_label_times_score() {
    let tape = Tape::new();
    let scores = tape.constant(&Tensor::new([3, 1], vec![0.5, 0.8, 1.0]).unwrap());
    let labels = tape.constant(&Tensor::<f32>::full([3, 1], -1.0));
    let loss = losses::wasserstein(labels, scores).value().item();
    assert!((loss + 2.3 / 3.0).abs() < 1e-7, "{loss}");
}

#[test]
fn logits_of_any_size_have_a_finite_loss() {
    let tape = Tape::new();
    let logits = tape.constant(&Tensor::new([2, 1], vec![-1000.0, 1000.0]).unwrap());
    let targets = tape.constant(&Tensor::new([2, 1], vec![1.0, 0.0]).unwrap());
    assert_eq!(losses::binary_cross_entropy(logits, targets).value().item(), 1000.0);
}

#[test]
#[should_panic(expected = "mse: the shapes [4, 1] and [4] differ")]
fn a_loss_refuses_shapes_that_would_broadcast() {
    let tape = Tape::new();
    losses::mse(tape.zeros([4, 1]), tape.zeros([4]));
}

/// Names, shapes and order as in `state_dict()` of the same network in PyTorch, `num_batches_tracked` aside.
#[test]
fn a_network_is_named_as_in_pytorch() {
    let network = Sequential::new()
        .add(Conv2d::new("0", 1, 2, 3, Conv::square(1, 0), Init::FanIn, &mut rng()))
        .add(BatchNorm::new("1", 2))
        .add(Activation::Relu)
        .add(ConvTranspose2d::new("3", 2, 4, 3, Conv::square(1, 0), Init::FanIn, &mut rng()).without_bias())
        .add(Flatten)
        .add(Linear::new("5", 4, 1, Init::FanIn, &mut rng()));
    let names = |variables: Vec<Variable>| -> Vec<String> {
        variables.iter().map(|variable| format!("{} {}", variable.name(), variable.shape())).collect()
    };
    let parameters = [
        "0.weight [2, 1, 3, 3]",
        "0.bias [2]",
        "1.weight [2]",
        "1.bias [2]",
        "3.weight [2, 4, 3, 3]",
        "5.weight [1, 4]",
        "5.bias [1]",
    ];
    let buffers = ["1.running_mean [2]", "1.running_var [2]"];
    assert_eq!(names(network.parameters()), parameters);
    assert_eq!(names(network.buffers()), buffers);
    assert_eq!(names(network.state()), [&parameters[..], &buffers].concat());
}

/// The DCGAN's published code crops 8×8 to 7×7.
#[test]
fn a_transposed_convolution_without_output_padding_is_the_corner_of_one_with() {
    let layer = || with_pattern(ConvTranspose2d::new("0", 2, 1, 5, Conv::square(2, 2), Init::Zeros, &mut rng()));
    let tape = Tape::new();
    let image = tape.constant(&pattern([1, 2, 4, 4], 0));
    let corner = layer().output_padding(1).forward(image, Mode::Eval).slice(2, 0..7).slice(3, 0..7);
    assert_close(&layer().forward(image, Mode::Eval).value(), [1, 1, 7, 7], corner.value().data());
}

#[test]
fn a_sequence_applies_its_modules_in_order() {
    let sequence = Sequential::new().add(Flatten).add(Activation::Relu).add(Reshape::new([2, 1]));
    assert_close(&value(&sequence, [1, 1, 2], Mode::Eval), [1, 2, 1], &[0.0, 0.5]);
}

/// Derivatives of orders 1 and 2 with respect to the input and to every parameter.
#[track_caller]
fn gradcheck(module: &impl Module, shape: impl Into<Shape>, mode: Mode) {
    let parameters = module.parameters();
    let shapes = [vec![shape.into()], parameters.iter().map(|parameter| parameter.shape().clone()).collect()].concat();
    let inputs: Vec<Tensor<f64>> = shapes.iter().enumerate().map(|(k, shape)| pattern(shape, k).cast()).collect();
    let bound = |vars: &[Var<'_>]| {
        parameters.iter().zip(&vars[1..]).for_each(|(parameter, &var)| var.tape().bind(parameter, var));
    };
    for order in [1, 2] {
        let report = GradCheck::order(order).check(|vars| (bound(vars), module.forward(vars[0], mode)).1, &inputs);
        let report = report.unwrap();
        assert!(report.passes(1e-6), "{report}");
    }
}

#[test]
fn linear_has_the_right_derivatives() {
    gradcheck(&Linear::new("0", 3, 2, Init::Zeros, &mut rng()), [4, 3], Mode::Train);
}

#[test]
fn conv2d_has_the_right_derivatives() {
    gradcheck(&Conv2d::new("0", 2, 2, 3, Conv::square(2, 1), Init::Zeros, &mut rng()), [2, 2, 3, 3], Mode::Train);
}

#[test]
fn conv_transpose2d_has_the_right_derivatives() {
    let layer = ConvTranspose2d::new("0", 2, 1, 3, Conv::square(2, 1), Init::Zeros, &mut rng()).output_padding(1);
    gradcheck(&layer, [2, 2, 2, 2], Mode::Train);
}

#[test]
fn batch_norm_has_the_right_derivatives() {
    for mode in [Mode::Train, Mode::Eval] {
        gradcheck(&BatchNorm::new("0", 2), [4, 2], mode);
        gradcheck(&BatchNorm::new("0", 2), [2, 2, 2, 2], mode);
    }
}

#[test]
fn layer_norm_has_the_right_derivatives() {
    gradcheck(&LayerNorm::new("0", [3]), [2, 3], Mode::Train);
    gradcheck(&LayerNorm::new("0", [2, 2, 2]), [2, 2, 2, 2], Mode::Train);
}

#[test]
fn a_network_has_the_right_derivatives() {
    let network = Sequential::new()
        .add(Conv2d::new("0", 1, 2, 3, Conv::square(2, 1), Init::Zeros, &mut rng()))
        .add(LayerNorm::new("1", [2, 2, 2]))
        .add(Activation::Softplus)
        .add(Flatten)
        .add(Linear::new("4", 8, 1, Init::Zeros, &mut rng()))
        .add(Activation::Tanh);
    gradcheck(&network, [2, 1, 4, 4], Mode::Train);
}

#[test]
#[should_panic(expected = "BatchNorm \"0.weight\": more than one value per channel is needed to train")]
fn batch_norm_refuses_to_train_on_one_value() {
    BatchNorm::new("0", 2).forward(Tape::new().zeros([1, 2]), Mode::Train);
}

#[test]
fn dilated_and_grouped_convolutions_are_pytorchs() {
    let layer = Conv2d::new("0", 1, 2, 3, Conv { stride: [1, 2], padding: [1, 1] }, Init::Zeros, &mut rng());
    let layer = layer.dilation([2, 1]).groups(2).without_bias();
    assert_eq!(layer.parameters()[0].shape().to_string(), "[2, 1, 3, 3]");
    let expected = [
        -0.25, -1.4375, 1.375, -0.1875, -0.125, 0.6875, -0.3125, 0.6875, 1.0625, -1.9375, 1.0, -0.5625, -2.5625, 0.5,
        0.6875, 0.5, 1.375, -1.125,
    ];
    assert_close(&value(&with_pattern(layer), [1, 2, 5, 5], Mode::Train), [1, 2, 3, 3], &expected);
}

#[test]
fn pooling_is_pytorchs() {
    let (conv, padded) = (Conv { stride: [2, 1], padding: [1, 0] }, Conv { stride: [2, 1], padding: [1, 1] });
    let largest = Pool2d::Max { kernel: [3, 2], conv };
    let expected = [1.0, 0.5, 1.25, 1.25, 0.25, 1.0, 1.25, 1.25, 0.75, 1.0, 1.25, 1.25, 0.75, 1.0, 1.0];
    assert_close(&value(&largest, [1, 1, 5, 6], Mode::Eval), [1, 1, 3, 5], &expected);
    let halved = Pool2d::Max { kernel: [2, 2], conv: Conv::square(2, 0) };
    assert_close(&value(&halved, [1, 1, 5, 6], Mode::Eval), [1, 1, 2, 3], &[1.0, 1.25, 0.25, 0.5, 1.25, 1.0]);
    let mean = Pool2d::Avg { kernel: [3, 2], conv: padded };
    let sixths = [
        [-0.25, 0.25, -1.0, 0.5, 2.0, -2.0, -2.0],
        [1.5, 0.0, -0.5, 1.75, -1.5, -2.0, 0.25],
        [-0.5, -0.25, 1.25, 0.0, -1.25, 0.25, 0.5],
    ];
    let expected: Vec<f64> = sixths.as_flattened().iter().map(|sum| sum / 6.0).collect();
    assert_close(&value(&mean, [1, 1, 5, 6], Mode::Eval), [1, 1, 3, 7], &expected);
}

/// Convolution 3×3 of images made twice as large, around it one of 1×1, made larger afterwards; named as PyTorch names the parts of a
/// module with the fields `branch` and `shortcut`.
fn larger() -> Residual {
    let branch = Sequential::new().add(Activation::Relu).add(Upsample::new(2));
    let branch = branch.add(Conv2d::new("branch.2", 2, 1, 3, Conv::square(1, 1), Init::Zeros, &mut rng()));
    let shortcut =
        Sequential::new().add(Conv2d::new("shortcut.0", 2, 1, 1, Conv::square(1, 0), Init::Zeros, &mut rng()));
    Residual::new(branch, shortcut.add(Upsample::new(2)))
}

/// Convolution 3×3 and mean pooling, around it the pooling before a convolution 1×1.
fn smaller() -> Residual {
    let halved = Pool2d::Avg { kernel: [2, 2], conv: Conv::square(2, 0) };
    let branch = Sequential::new().add(Conv2d::new("branch.0", 2, 1, 3, Conv::square(1, 1), Init::Zeros, &mut rng()));
    let shortcut = Conv2d::new("shortcut.1", 2, 1, 1, Conv::square(1, 0), Init::Zeros, &mut rng());
    Residual::new(branch.add(halved), Sequential::new().add(halved).add(shortcut))
}

/// Both are convolutions that PyTorch makes of two layers each.
#[test]
fn halving_and_doubling_are_pooling_and_upsampling() {
    let conv = |kernel, padding| Conv2d::new("0", 2, 3, kernel, Conv::square(1, padding), Init::Zeros, &mut rng());
    let pool = Pool2d::Avg { kernel: [2, 2], conv: Conv::square(2, 0) };
    for (kernel, padding) in [(1, 0), (3, 1), (3, 0), (4, 2), (5, 1)] {
        for shape in [[2, 2, 6, 8], [1, 2, 5, 7]] {
            let pooled =
                value(&with_pattern(Sequential::new().add(conv(kernel, padding)).add(pool)), shape, Mode::Eval);
            let halved = value(&with_pattern(conv(kernel, padding).halving()), shape, Mode::Eval);
            assert_close(&halved, pooled.shape().clone(), pooled.data());
            let large = Sequential::new().add(Upsample::new(2)).add(conv(kernel, padding));
            let large = value(&with_pattern(large), shape, Mode::Eval);
            let doubled = value(&with_pattern(conv(kernel, padding).doubling()), shape, Mode::Eval);
            assert_close(&doubled, large.shape().clone(), large.data());
        }
    }
    gradcheck(&conv(3, 1).halving(), [1, 2, 4, 4], Mode::Train);
    gradcheck(&conv(3, 1).doubling(), [1, 2, 2, 2], Mode::Train);
}

#[test]
fn residual_layers_are_pytorchs() {
    let larger = with_pattern(larger());
    let expected = [
        [-0.25, -0.5625, -2.125, -1.8125],
        [0.0625, -1.0, -1.625, -0.8125],
        [-0.5, -0.4375, -0.5, -0.8125],
        [-2.0, 1.0625, 0.75, -2.875],
    ];
    assert_close(&value(&larger, [1, 2, 2, 2], Mode::Eval), [1, 1, 4, 4], expected.as_flattened());
    let names: Vec<String> = larger.parameters().iter().map(|variable| variable.name().to_owned()).collect();
    assert_eq!(names, ["branch.2.weight", "branch.2.bias", "shortcut.0.weight", "shortcut.0.bias"]);
    let expected = [-1.1875, -0.53125, -0.859375, -1.078125];
    assert_close(&value(&with_pattern(smaller()), [1, 2, 4, 4], Mode::Eval), [1, 1, 2, 2], &expected);
}

#[test]
fn residual_layers_have_the_right_derivatives() {
    gradcheck(&larger(), [2, 2, 2, 2], Mode::Train);
    gradcheck(&smaller(), [2, 2, 4, 4], Mode::Train);
    gradcheck(&Residual::new(Activation::Tanh, Sequential::new()), [2, 3], Mode::Train);
}

#[test]
fn gelu_and_silu_are_pytorchs() {
    let gelu = [-0.1320622171, 0.3457312306, -0.1542687694, 1.1179377829, 0.1496765814, -0.1699705143, 0.8413447461];
    assert_close(&value(&Activation::Gelu, [7], Mode::Eval), [7], &gelu);
    let silu = [-0.2783751735, 0.3112296656, -0.1887703344, 0.9716248265, 0.1405441252, -0.2406159756, 0.7310585786];
    assert_close(&value(&Activation::Silu, [7], Mode::Eval), [7], &silu);
}

#[test]
fn an_embedding_is_pytorchs() {
    let layer = with_pattern(Embedding::new("0", 4, 3, Init::Normal { std: 1.0 }, &mut rng()));
    assert_eq!(layer.parameters()[0].name(), "0.weight");
    let tape = Tape::new();
    let x = tape.constant(&Tensor::new([2, 2], vec![3.0, 0.0, 1.0, 1.0]).unwrap());
    let expected = [1.0, 0.0, -1.0, -1.0, 0.75, -0.25, -1.25, 0.5, -0.5, -1.25, 0.5, -0.5];
    assert_close(&layer.forward(x, Mode::Train).value(), [2, 2, 3], &expected);
}

/// Rows of diag(3, 1), whose largest singular value is 3.
#[test]
fn the_rows_of_a_spectrally_normalised_embedding_are_divided_by_its_singular_value() {
    let layer = Embedding::new("0", 2, 2, Init::FanIn, &mut rng()).spectral(&mut rng());
    layer.parameters()[0].write(&Tensor::new([2, 2], vec![3.0, 0.0, 0.0, 1.0]).unwrap()).unwrap();
    let mut pass = Device::cpu()
        .compile(|tape| [layer.forward(tape.constant(&Tensor::<f64>::new([2], vec![1.0, 0.0]).unwrap()), Mode::Train)])
        .unwrap();
    for _ in 0..10 {
        pass.run(&[]).unwrap();
    }
    let [rows] = pass.run(&[]).unwrap();
    assert!(rows.data().iter().zip([0.0, 1.0 / 3.0, 1.0, 0.0]).all(|(x, y)| (x - y).abs() < 1e-6), "{rows:?}");
}

/// A share p of 100,000 elements, within five standard deviations; what is dropped has no gradient, and differs from step to
/// step.
#[test]
fn dropout_drops_a_share_of_the_elements() {
    let layer = Dropout::new(0.2, Stream::new(1, "dropout"));
    let mut program = Device::cpu()
        .compile(|tape| {
            let x = tape.input("x", [100_000]);
            let y = layer.forward(x, Mode::Train);
            [y, tape.grad(y.sum(), &[x])[0]]
        })
        .unwrap();
    let x = Tensor::full([100_000], 2.0);
    let [first, slopes] = program.run(&[("x", &x)]).unwrap().map(Tensor::clone);
    assert!(
        first
            .data()
            .iter()
            .zip(slopes.data())
            .all(|(&y, &slope)| (y, slope) == (0.0, 0.0) || (y, slope) == (2.5, 1.25))
    );
    let dropped = first.data().iter().filter(|&&y| y == 0.0).count() as f64;
    assert!((dropped - 20_000.0).abs() < 5.0 * (100_000.0 * 0.2 * 0.8f64).sqrt(), "{dropped} dropped");
    assert_ne!(program.at(1).run(&[("x", &x)]).unwrap()[0], &first);
}

/// The loss after a step of gradient descent (MAML; Finn et al. 2017, equation 1), as a function of the weights before it.
#[test]
fn a_network_after_a_step_of_its_training_is_differentiable() {
    let network = Sequential::mlp(&[2, 3, 1], Activation::Tanh, Init::FanIn, &mut rng());
    let mut inputs: Vec<Tensor<f64>> = network.parameters().iter().map(|p| p.read().unwrap().cast()).collect();
    inputs.push(pattern([4, 2], 3).cast());
    for order in [1, 2] {
        let report = GradCheck::order(order)
            .check(
                |inputs| {
                    let (&x, weights) = inputs.split_last().unwrap();
                    let loss = |weights: &[_]| network.forward_with(weights, x, Mode::Train).square().mean();
                    let slopes = x.tape().grad(loss(weights), weights);
                    let after: Vec<Var> = weights.iter().zip(slopes).map(|(&w, slope)| w - slope * 0.3).collect();
                    loss(&after)
                },
                &inputs,
            )
            .unwrap();
        assert!(report.passes(1e-6), "{report}");
    }
    // Without other values it is the network itself, afterwards too.
    let tape = Tape::new();
    let x = tape.constant(&pattern([4, 2], 3));
    let own: Vec<Var> = network.parameters().iter().map(|p| tape.variable(p)).collect();
    let value = network.forward(x, Mode::Train).value();
    assert_eq!(network.forward_with(&own, x, Mode::Train).value(), value);
    let doubled: Vec<Var> = own.iter().map(|&w| w * 2.0).collect();
    assert_ne!(network.forward_with(&doubled, x, Mode::Train).value(), value);
    assert_eq!(network.forward(x, Mode::Train).value(), value);
}
