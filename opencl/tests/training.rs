//! The measured trainings on an OpenCL device follow the CPU's, in small.

use std::sync::LazyLock;

use autograd::{Device, Program, Stream, Tape, Tensor, Variable};
use benches::Configuration;
use opencl::{Choice, Facts, Kind, OpenCl};
use wgan::data::{Batches, Dataset};
use wgan::game::networks::{Arch, GeneratorArch};
use wgan::game::objective::{critic_terms, generator_loss};
use wgan::game::{Game, Losses, Programs};

/// Iterations that start from the CPU's state; fewer by the kernels for GPUs, which are slow on a CPU.
const LED: u64 = 20;
const LED_LIKE_A_GPU: u64 = 5;
/// Iterations that go on from their own.
const FREE: u64 = 3;

/// One for all tests, which build the same kernels.
fn opencl() -> Device {
    static DEVICE: LazyLock<Device> =
        LazyLock::new(|| Device::new(OpenCl::open(Choice::Best).expect("an OpenCL driver")));
    DEVICE.clone()
}

/// The same device by the kernels for GPUs.
fn opencl_like_a_gpu() -> Device {
    static DEVICE: LazyLock<Device> = LazyLock::new(|| {
        let like_a_gpu = |facts: &mut Facts| (facts.kind, facts.compute_units) = (Kind::Gpu, 64);
        Device::new(OpenCl::open_with(Choice::Best, like_a_gpu).expect("an OpenCL driver"))
    });
    DEVICE.clone()
}

/// A training as it is measured, with fewer units and samples.
struct Training {
    game: Game,
    data: Dataset,
}

impl Training {
    fn small(configuration: Configuration) -> Self {
        let config = configuration.config(1).expect("a configuration");
        let data = config.load_data().expect("embedded data");
        let mut game = config.game;
        (game.networks.arch, game.batch) = match configuration {
            Configuration::ToyGp => (Arch::Mlp { dim: 256 }, 128),
            Configuration::MnistMlpClip => (game.networks.arch, game.batch), // small enough
            // Of fewer samples all lie on one side of the kinks behind the critic's second bias, where the real and the
            // generated ones' gradients cancel but for rounding, of which the optimisers make steps as large as any.
            Configuration::MnistDcganGp | Configuration::MnistDcganClip | Configuration::Light => {
                (Arch::Dcgan { dim: 8, generator: GeneratorArch::Dcgan }, 32)
            }
            Configuration::LightResnet => (Arch::Resnet { dim: 8 }, 32),
        };
        Training { game, data }
    }

    fn on(&self, device: &Device) -> (Programs, Batches) {
        let programs = Programs::compile(&self.game, &self.data, device).expect("programs").without_slope();
        (programs, Batches::new(self.data.len(), self.game.batch, self.game.seed))
    }
}

/// Computes on `device` the mean absolute score of real samples, both losses, and all their gradients ([`layers`] of them),
/// from the weights of `programs`, wherever they lie.
fn gradients(training: &Training, programs: &Programs, device: &Device) -> Program {
    let (game, critic, generator) = (&training.game, programs.critic(), programs.generator());
    let tape = Tape::new();
    let stream = |name| Stream::new(game.seed, name);
    let real = tape.constant(&training.data.samples(0..game.batch));
    let fake = generator.samples_of(generator.noise(&tape, stream("noise"), game.batch), None);
    let mixes = tape.uniform(stream("mixes"), [2, game.batch]);
    let (objective, norm) = (&game.objective, game.networks.critic_norm);
    let critic_loss = critic_terms(objective, norm, |x| critic.scores(x), real, fake.detach(), mixes).loss;
    let generator_loss = generator_loss(objective, |x| critic.scores(x), fake);
    let mut wanted = vec![critic.scores(real).abs().mean(), critic_loss, generator_loss];
    for (loss, weights) in [(critic_loss, critic.parameters()), (generator_loss, generator.parameters())] {
        let weights: Vec<_> = weights.iter().map(|weights| tape.variable(weights)).collect();
        wanted.extend(tape.grad(loss, &weights));
    }
    device.program(&tape, &wanted).expect("a program")
}

/// The layer of each gradient: a bias's is often what is left of terms that cancel, so it is as exact as those that its
/// layer's weights have, and the two are seen as one.
fn layers(programs: &Programs) -> Vec<String> {
    let layer = |network: &str, weights: &Variable| {
        let name = weights.name();
        format!("{network} {}", name.rsplit_once('.').map_or(name, |(layer, _)| layer))
    };
    let of = |network, weights: Vec<Variable>| weights.iter().map(|w| layer(network, w)).collect::<Vec<_>>();
    [of("critic", programs.critic().parameters()), of("generator", programs.generator().parameters())].concat()
}

fn norm(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// The losses of an update. The critic's last bias is taken out of the generator's, which alone depends on it: the gradient
/// of that bias is zero but for rounding, of which the optimisers make steps as large as any.
fn update(programs: &mut Programs, iteration: u64, batches: &mut Batches) -> [f32; 4] {
    let Losses { critic, generator } = programs.iterate(iteration, batches).expect("losses");
    let bias = programs.critic().parameters().into_iter().rfind(|parameter| parameter.name().ends_with(".bias"));
    let bias = bias.expect("a bias").read().expect("the device");
    [critic.loss, critic.wasserstein, critic.penalty, generator + bias.item()]
}

/// Differences of losses are seen beside the scores that they are differences of.
fn assert_losses_agree(found: &[f32], expected: &[f32], score: f32, tolerance: f32, what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        let error = (found - expected).abs() / score.max(expected.abs());
        assert!(error <= tolerance, "{what}: {found} instead of {expected}, scores are about {score}");
    }
}

fn follows_the_cpu(configuration: Configuration) {
    let training = Training::small(configuration);
    // A kink between two devices' roundings changes a sample's gradient. Of the residual generator's small maps one meets one in
    // iteration 11, where the gradients of its first layers differ by 1 %; those of all others agree to 10⁻⁵.
    let led = if configuration == Configuration::LightResnet { LED_LIKE_A_GPU } else { LED };
    for (device, led) in [(opencl(), led), (opencl_like_a_gpu(), LED_LIKE_A_GPU)] {
        device_follows_the_cpu(configuration, &training, &device, led);
    }
}

fn device_follows_the_cpu(configuration: Configuration, training: &Training, device: &Device, led: u64) {
    let cpu = Device::cpu_with_threads(1).expect("a thread");
    let ((mut leader, mut leaders), (mut follower, mut followers)) = (training.on(&cpu), training.on(device));
    let mut leaders_gradients = gradients(training, &leader, &cpu);
    let mut followers_gradients = gradients(training, &follower, device);
    let layers = layers(&leader);
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state.safetensors");
    for iteration in 0..led + FREE {
        let what = format!("{configuration}, iteration {iteration}");
        if iteration <= led {
            // A checkpoint moves from one device to the other.
            leader.checkpoint().save(&state, None).expect("a file");
            follower.checkpoint().load(&state).expect("the same names");
        }
        let expected = leaders_gradients.at(iteration).run(&[]).expect("no inputs");
        let score = expected[0].item();
        if iteration < led {
            let found = followers_gradients.at(iteration).run(&[]).expect("no inputs");
            let losses = |values: &[Tensor]| [values[1].item(), values[2].item()];
            assert_losses_agree(&losses(found), &losses(expected), score, 1e-4, &what);
            let numbers = |gradients: &[Tensor]| gradients.iter().flat_map(|x| x.data().to_vec()).collect::<Vec<f32>>();
            let mut position = 3;
            for layer in layers.chunk_by(|a, b| a == b) {
                let here = position..position + layer.len();
                let (found, expected) = (numbers(&found[here.clone()]), numbers(&expected[here]));
                let error = norm(found.iter().zip(&expected).map(|(a, b)| a - b));
                let size = norm(expected.iter().copied());
                assert!(error <= 1e-4 * size, "{what}: the gradient of {} is off by {error:e} of {size:e}", layer[0]);
                position += layer.len();
            }
        }
        let expected = update(&mut leader, iteration, &mut leaders);
        let found = update(&mut follower, iteration, &mut followers);
        // The first losses are of scores before the updates, the last ones of scores after them.
        let score = score.max(leaders_gradients.at(iteration).run(&[]).expect("no inputs")[0].item());
        assert_losses_agree(&found, &expected, score, if iteration < led { 1e-4 } else { 1e-3 }, &what);
    }
}

#[test]
fn toy_gp_follows_the_cpu() {
    follows_the_cpu(Configuration::ToyGp);
}

#[test]
fn mnist_mlp_clip_follows_the_cpu() {
    follows_the_cpu(Configuration::MnistMlpClip);
}

#[test]
fn mnist_dcgan_gp_follows_the_cpu() {
    follows_the_cpu(Configuration::MnistDcganGp);
}

#[test]
fn mnist_dcgan_clip_follows_the_cpu() {
    follows_the_cpu(Configuration::MnistDcganClip);
}

#[test]
fn light_resnet_follows_the_cpu() {
    follows_the_cpu(Configuration::LightResnet);
}

/// The vectors of classes are rows that both networks pick, and whose gradients are added up.
#[test]
fn classes_are_told_apart_as_on_the_cpu() {
    let config = Configuration::ToyGp.config(1).expect("a configuration");
    let data = Dataset::load_with_classes(&config.data, config.game.batch, config.game.seed).expect("eight Gaussians");
    let training = Training { data, ..Training::small(Configuration::ToyGp) };
    let cpu = Device::cpu_with_threads(1).expect("a thread");
    let ((mut leader, mut leaders), (mut follower, mut followers)) = (training.on(&cpu), training.on(&opencl()));
    for iteration in 0..LED {
        let state = leader.checkpoint().values().expect("the host");
        follower.checkpoint().put_back(&state).expect("the device");
        let [expected, found] = [(&mut leader, &mut leaders), (&mut follower, &mut followers)]
            .map(|(programs, batches)| update(programs, iteration, batches));
        assert_losses_agree(&found, &expected, 1.0, 1e-4, &format!("iteration {iteration}"));
    }
}

/// The losses of two iterations, the second of which was started before the first was looked at.
#[test]
fn iterations_can_be_started_ahead() {
    let training = Training::small(Configuration::ToyGp);
    let losses = |ahead: bool| {
        let (mut programs, mut batches) = training.on(&opencl());
        let mut start = |iteration| {
            let started = programs.start(iteration, &mut batches, &mut |_| true).expect("the device");
            started.expect("nothing stops it")
        };
        let first = start(0);
        if ahead {
            let second = start(1);
            [first, second].map(|losses| losses.wait().expect("the device"))
        } else {
            let first = first.wait().expect("the device");
            [first, start(1).wait().expect("the device")]
        }
    };
    assert_eq!(losses(true), losses(false));
}

/// A profile has the device's time for every kernel, and none of it is more than the host has seen pass.
#[test]
fn a_profile_tells_the_devices_time() {
    let device = opencl();
    let weight = Variable::new("weight", Tensor::full([64, 64], 0.01));
    let mut program = device
        .compile(|tape| {
            let w = tape.variable(&weight);
            [tape.assign(&weight, w.matmul(w).tanh()).sum()]
        })
        .expect("a program");
    program.start_profile();
    let start = std::time::Instant::now();
    for _ in 0..3 {
        program.run(&[]).expect("no inputs");
    }
    let (passed, profile) = (start.elapsed(), program.profile().expect("times"));
    assert!(profile.groups().all(|(_, group)| group.calls == 3));
    assert!(profile.groups().any(|(kernel, group)| kernel.starts_with("product") && !group.time.is_zero()));
    assert!(profile.time() <= passed, "{profile}");
}
