//! The networks: a critic and a generator for each `--arch`. Layers are named by their place, as in PyTorch's `Sequential`.

use autograd::ops::Conv;
use autograd::{Shape, Stream, Tape, Var, Variable};
use nn::layers::{Activation, Conv2d, ConvTranspose2d, Flatten, Linear, Reshape};
use nn::{Init, Mode, Module, Rng, Sequential};

use crate::config::{Arch, Config};

/// Height and width of the smallest feature map of the DCGAN: 28 → 14 → 7 → 4.
const SMALLEST: usize = 4;

/// Scores samples: `[B, …shape of a sample]` → `[B]`.
pub struct Critic(Sequential);

impl Critic {
    /// The critic of `config` for samples of one shape, its weights drawn from the seed.
    pub fn new(config: &Config, sample: &Shape) -> Self {
        let rng = &mut Rng::new(config.seed, "critic weights");
        let count = sample.count();
        Critic(match config.arch {
            Arch::Mlp => mlp(Sequential::new().add(Flatten), 1, &[count, config.dim, config.dim, config.dim, 1], rng),
            Arch::MlpSmall => mlp(Sequential::new().add(Flatten), 1, &[count, 128, 32, 1], rng),
            Arch::Dcgan => dcgan_critic(config.dim, rng),
        })
    }

    /// The scores of a batch.
    #[track_caller]
    pub fn scores<'t>(&self, x: Var<'t>) -> Var<'t> {
        let batch = x.shape()[0];
        self.0.forward(x, Mode::Train).reshape([batch])
    }

    /// What is trained.
    pub fn parameters(&self) -> Vec<Variable> {
        self.0.parameters()
    }
}

/// Makes samples of noise: `[B, latent]` → `[B, …shape of a sample]`.
pub struct Generator {
    network: Sequential,
    latent: Latent,
}

/// What the noise is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latent {
    /// This many numbers from N(0, 1).
    Normal(usize),
    /// This many numbers from U(−1, 1).
    Uniform(usize),
}

impl Generator {
    /// The generator of `config` for samples of one shape, its weights drawn from the seed.
    pub fn new(config: &Config, sample: &Shape) -> Self {
        let rng = &mut Rng::new(config.seed, "generator weights");
        let count = sample.count();
        let latent = match config.arch {
            Arch::MlpSmall => Latent::Uniform(10),
            Arch::Mlp if !config.dataset.is_images() => Latent::Normal(count),
            Arch::Mlp | Arch::Dcgan => Latent::Normal(128),
        };
        let network = match config.arch {
            Arch::Mlp => mlp(Sequential::new(), 0, &[latent.count(), config.dim, config.dim, config.dim, count], rng),
            Arch::MlpSmall => mlp(Sequential::new(), 0, &[latent.count(), 32, 128, count], rng),
            Arch::Dcgan => dcgan_generator(latent.count(), config.dim, rng),
        };
        // Pixels lie in [0, 1], points anywhere.
        let network = if config.dataset.is_images() { network.add(Activation::Sigmoid) } else { network };
        Generator { network: network.add(Reshape::new(sample)), latent }
    }

    /// Samples made of noise from a stream, at the program's step.
    #[track_caller]
    pub fn samples<'t>(&self, tape: &'t Tape, noise: Stream, count: usize) -> Var<'t> {
        self.samples_of(self.noise(tape, noise, count))
    }

    /// Noise for as many samples, `[count, latent]`.
    pub fn noise<'t>(&self, tape: &'t Tape, noise: Stream, count: usize) -> Var<'t> {
        match self.latent {
            Latent::Normal(latent) => tape.normal(noise, [count, latent]),
            Latent::Uniform(latent) => tape.uniform(noise, [count, latent]) * 2.0 - 1.0,
        }
    }

    /// The samples made of noise.
    #[track_caller]
    pub fn samples_of<'t>(&self, noise: Var<'t>) -> Var<'t> {
        self.network.forward(noise, Mode::Train)
    }

    /// What is trained.
    pub fn parameters(&self) -> Vec<Variable> {
        self.network.parameters()
    }
}

impl Latent {
    fn count(self) -> usize {
        match self {
            Latent::Normal(count) | Latent::Uniform(count) => count,
        }
    }
}

/// Appends linear layers of these widths with ReLU between them; `place` is that of the first.
fn mlp(mut network: Sequential, mut place: usize, widths: &[usize], rng: &mut Rng) -> Sequential {
    for (i, pair) in widths.windows(2).enumerate() {
        if i > 0 {
            network = network.add(Activation::Relu);
            place += 1;
        }
        network = network.add(Linear::new(&place.to_string(), pair[0], pair[1], Init::FanIn, rng));
        place += 1;
    }
    network
}

/// Every convolution of the DCGAN is 5×5 with stride 2 and padding 2.
const KERNEL: usize = 5;

fn geometry() -> Conv {
    Conv::square(2, 2)
}

/// The critic of WGAN-GP's published MNIST experiment (arXiv 1704.00028): three convolutions, no batch norm, since the
/// penalty asks for a gradient of every sample on its own.
fn dcgan_critic(dim: usize, rng: &mut Rng) -> Sequential {
    let mut conv =
        |place: &str, inputs, outputs| Conv2d::new(place, inputs, outputs, KERNEL, geometry(), Init::FanIn, rng);
    let network = Sequential::new()
        .add(conv("0", 1, dim)) //           [B, dim, 14, 14]
        .add(Activation::LeakyRelu(0.2))
        .add(conv("2", dim, 2 * dim)) //     [B, 2·dim, 7, 7]
        .add(Activation::LeakyRelu(0.2))
        .add(conv("4", 2 * dim, 4 * dim)) // [B, 4·dim, 4, 4]
        .add(Activation::LeakyRelu(0.2))
        .add(Flatten);
    network.add(Linear::new("7", SMALLEST * SMALLEST * 4 * dim, 1, Init::FanIn, rng))
}

/// The generator beside it. The published one pads its first convolution's result to 8×8 and crops it to 7×7, which is
/// the same as not to pad it.
fn dcgan_generator(latent: usize, dim: usize, rng: &mut Rng) -> Sequential {
    let first = Linear::new("0", latent, SMALLEST * SMALLEST * 4 * dim, Init::FanIn, rng);
    let mut conv = |place: &str, inputs, outputs| {
        ConvTranspose2d::new(place, inputs, outputs, KERNEL, geometry(), Init::FanIn, rng)
    };
    Sequential::new()
        .add(first)
        .add(Activation::Relu)
        .add(Reshape::new([4 * dim, SMALLEST, SMALLEST]))
        .add(conv("3", 4 * dim, 2 * dim)) //               [B, 2·dim, 7, 7]
        .add(Activation::Relu)
        .add(conv("5", 2 * dim, dim).output_padding(1)) // [B, dim, 14, 14]
        .add(Activation::Relu)
        .add(conv("7", dim, 1).output_padding(1)) //       [B, 1, 28, 28]
}

#[cfg(test)]
mod tests {
    use autograd::Tape;

    use super::*;
    use crate::config::{DatasetName, Options};

    fn config(arch: Arch, dataset: DatasetName) -> Config {
        Config::default().with(&Options { arch: Some(arch), dataset: Some(dataset), ..Options::default() })
    }

    #[test]
    fn every_architecture_maps_noise_to_samples_and_samples_to_scores() {
        let cases = [
            (Arch::Mlp, DatasetName::Swissroll, Shape::from([2])),
            (Arch::Mlp, DatasetName::Mnist, Shape::from([1, 28, 28])),
            (Arch::MlpSmall, DatasetName::Mnist, Shape::from([1, 28, 28])),
            (Arch::Dcgan, DatasetName::Mnist, Shape::from([1, 28, 28])),
        ];
        for (arch, dataset, sample) in cases {
            let config = config(arch, dataset);
            let tape = Tape::new();
            let fake = Generator::new(&config, &sample).samples(&tape, Stream::new(0, "noise"), 3);
            assert_eq!(fake.shape(), Shape::from([&[3], &*sample].concat()));
            assert_eq!(Critic::new(&config, &sample).scores(fake).shape(), Shape::from([3]));
        }
    }

    /// 5·5·1·64 + 64, 5·5·64·128 + 128, 5·5·128·256 + 256, 4096 + 1; and 128·4096 + 4096 with the mirror image.
    #[test]
    fn the_dcgan_of_the_paper_has_its_number_of_weights() {
        let config = Config { dim: 64, ..config(Arch::Dcgan, DatasetName::Mnist) };
        let sample = Shape::from([1, 28, 28]);
        let count = |parameters: Vec<Variable>| parameters.iter().map(|p| p.shape().count()).sum::<usize>();
        assert_eq!(count(Critic::new(&config, &sample).parameters()), 1_030_145);
        assert_eq!(count(Generator::new(&config, &sample).parameters()), 1_554_177);
    }
}
