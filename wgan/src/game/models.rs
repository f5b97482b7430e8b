//! The networks: a critic and a generator for each `--arch`. Layers are named by their place, as in PyTorch's `Sequential`.

use std::cmp::Ordering;
use std::ops::Add;

use autograd::ops::Conv;
use autograd::{Shape, Stream, Tape, Var, Variable};
use nn::layers::{
    Activation, BatchNorm, Conv2d, ConvTranspose2d, Embedding, Flatten, LayerNorm, Linear, Pool2d, Reshape, Residual,
};
use nn::{Init, Mode, Module, Rng, Sequential};

use super::networks::{Arch, GeneratorArch, Networks, Norm};
use super::objective::Lipschitz;
use crate::data::is_image;

/// Height and width of the smallest feature map of the DCGAN, at most.
const SMALLEST: usize = 4;
/// The same of InfoGAN's networks.
const SMALLEST_OF_INFOGAN: usize = 7;
/// Kernels of the DCGAN's convolutions.
const KERNEL: usize = 5;
/// Kernels of InfoGAN's.
const KERNEL_OF_INFOGAN: usize = 4;

/// Scores samples: `[B, …shape of a sample]` → `[B]`. One that tells classes apart is a projection critic (Miyato & Koyama 2018,
/// arXiv 1802.05637, figure 1 d): it scores x as a sample of the class y by `f(x, y) = ψ(φ(x)) + e(y)ᵀφ(x)`, where ψ is its
/// last layer, φ are all before, and e(y) is a vector of the class.
pub struct Critic {
    /// φ: `[B, …shape of a sample]` → `[B, features]`
    features: Sequential,
    /// ψ: `[B, features]` → `[B, 1]`
    score: Linear,
    /// e: `[B]` → `[B, features]`
    classes: Option<Embedding>,
    lipschitz: Lipschitz,
}

impl Critic {
    /// A critic of samples of one shape and as many classes, 0 if they are not told apart, that obeys the constraint as far as a
    /// network can; its weights drawn from the seed.
    pub fn new(networks: &Networks, lipschitz: &Lipschitz, sample: &Shape, classes: usize, seed: u64) -> Self {
        let (stack, features) = Critic::layers(networks, sample).without_score();
        let (place, rng) = (stack.layers.len().to_string(), &mut Rng::new(seed, "critic weights"));
        let spectral = matches!(lipschitz, Lipschitz::Spectral);
        let stack = stack.build("", rng, spectral);
        let mut score = Linear::new(&place, features, 1, Init::FanIn, rng);
        if spectral {
            score = score.spectral(rng);
        }
        let classes = (classes > 0).then(|| {
            let classes = Embedding::new("classes", classes, features, Init::FanIn, rng); // as long as ψ's weight
            if spectral { classes.spectral(rng) } else { classes }
        });
        Critic { features: stack, score, classes, lipschitz: *lipschitz }
    }

    /// How large it would be.
    pub fn size(networks: &Networks, sample: &Shape, classes: usize) -> NetworkSize {
        let (stack, features) = Critic::layers(networks, sample).without_score();
        let last = NetworkSize { weights: (features + 1 + classes * features) as u64, values: 1 };
        stack.size(sample.count()).0 + last
    }

    fn layers(networks: &Networks, sample: &Shape) -> Stack {
        // Real and generated samples have statistics of their own; an average of both would fit neither.
        let stack = Stack { tracks: false, ..Stack::new(networks.critic_norm) };
        let count = sample.count();
        match networks.arch {
            Arch::Mlp { dim } => {
                let first = stack.add(Layer::Flatten).linear(count, dim).activation(Activation::Relu);
                first.hidden(dim, dim).hidden(dim, dim).linear(dim, 1)
            }
            Arch::MlpSmall => {
                let first = stack.add(Layer::Flatten).linear(count, 128).activation(Activation::Relu);
                first.hidden(128, 32).linear(32, 1)
            }
            Arch::Dcgan { dim, .. } => stack.dcgan_critic(dim, sample[0], sample[1]),
            Arch::Infogan { dim } => stack.infogan_critic(dim, sample[0], sample[1]),
            Arch::Resnet { dim } => stack.resnet_critic(dim, sample[0], sample[1]),
        }
    }

    /// The scores of a batch: each sample's by itself, unless batch norm mixes them.
    #[track_caller]
    pub fn scores<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.scores_as(x, None, Mode::Eval)
    }

    /// The scores as a function of samples alone, which are of these classes `[B]`: of one batch, or of several one after the
    /// other whose samples share them, as real and generated ones and those between do.
    ///
    /// In the critic's own update, in `Mode::Train`, what layers track follows: the singular vectors of spectral normalisation. A
    /// program may record this once if there are any.
    pub fn given<'t>(&self, classes: Option<Var<'t>>, mode: Mode) -> impl Fn(Var<'t>) -> Var<'t> {
        move |x| {
            let classes = classes.map(|classes| {
                let batches = x.shape()[0] / classes.shape()[0];
                x.tape().concat(&vec![classes; batches], 0)
            });
            self.scores_as(x, classes, mode)
        }
    }

    #[track_caller]
    fn scores_as<'t>(&self, x: Var<'t>, classes: Option<Var<'t>>, mode: Mode) -> Var<'t> {
        let features = self.features.forward(x, mode);
        let mut scores = self.score.forward(features, mode).reshape([x.shape()[0]]);
        match (&self.classes, classes) {
            (Some(embedding), Some(classes)) => {
                scores = scores + (embedding.forward(classes, mode) * features).sum_axes(&[1]);
                if let Lipschitz::Spectral = self.lipschitz {
                    scores = scores * 0.5; // of two terms, neither of which is steeper than 1
                }
            }
            (None, None) => {}
            (embedding, _) => {
                panic!("classes are {} by a critic", if embedding.is_some() { "needed" } else { "not known" })
            }
        }
        match self.lipschitz {
            Lipschitz::Bounded => scores.tanh(),
            Lipschitz::Clip { .. } | Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. } => scores,
            Lipschitz::Spectral | Lipschitz::None => scores,
        }
    }

    /// What is trained.
    pub fn parameters(&self) -> Vec<Variable> {
        self.parts().flat_map(|part| part.parameters()).collect()
    }

    /// What is to be saved: parameters, then what layers track.
    pub fn state(&self) -> Vec<Variable> {
        let buffers = self.parts().flat_map(|part| part.buffers());
        self.parameters().into_iter().chain(buffers).collect()
    }

    fn parts(&self) -> impl Iterator<Item = &dyn Module> {
        let always: [&dyn Module; 2] = [&self.features, &self.score];
        always.into_iter().chain(self.classes.iter().map(|classes| classes as &dyn Module))
    }
}

/// Makes samples of noise: `[B, latent]` → `[B, …shape of a sample]`. One that is told classes takes as many numbers of a class
/// beside those of the noise.
pub struct Generator {
    /// `[B]` → `[B, latent]`
    classes: Option<Embedding>,
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
    /// A generator of samples of one shape and as many classes, 0 if it is not told any; its weights drawn from the seed.
    pub fn new(networks: &Networks, sample: &Shape, classes: usize, seed: u64) -> Self {
        let (rng, latent) = (&mut Rng::new(seed, "generator weights"), Latent::of(&networks.arch, sample));
        // As loud as normal noise.
        let embedding = || Embedding::new("classes", classes, latent.count(), Init::Normal { std: 1.0 }, rng);
        let embedding = (classes > 0).then(embedding);
        Generator {
            classes: embedding,
            network: Generator::layers(networks, sample, classes).build("", rng, false),
            latent,
        }
    }

    /// How large it would be.
    pub fn size(networks: &Networks, sample: &Shape, classes: usize) -> NetworkSize {
        let latent = Latent::of(&networks.arch, sample).count();
        let embedding = NetworkSize { weights: (classes * latent) as u64, values: 0 };
        Generator::layers(networks, sample, classes).size(latent).0 + embedding
    }

    fn layers(networks: &Networks, sample: &Shape, classes: usize) -> Stack {
        let stack = Stack::new(networks.generator_norm);
        let (count, noise) = (sample.count(), Latent::of(&networks.arch, sample).count());
        let latent = if classes > 0 { 2 * noise } else { noise };
        let mlp = |stack: Stack, width| {
            stack.hidden(latent, width).hidden(width, width).hidden(width, width).linear(width, count)
        };
        let stack = match networks.arch {
            Arch::Mlp { dim } => mlp(stack, dim),
            Arch::MlpSmall => stack.hidden(latent, 32).hidden(32, 128).linear(128, count),
            Arch::Dcgan { dim, generator: GeneratorArch::Dcgan } => {
                stack.dcgan_generator(latent, dim, sample[0], sample[1])
            }
            Arch::Dcgan { dim, generator: GeneratorArch::Mlp } => mlp(stack, 10 * dim), // within a tenth as many weights
            Arch::Infogan { dim } => stack.infogan_generator(latent, dim, sample[0], sample[1]),
            Arch::Resnet { dim } => stack.resnet_generator(latent, dim, sample[0], sample[1]),
        };
        // Pixels lie in [0, 1], points anywhere.
        let stack = if is_image(sample) { stack.activation(Activation::Sigmoid) } else { stack };
        stack.add(Layer::Reshape(sample.clone()))
    }

    /// Samples made of noise from a stream, at the program's step; of these classes `[count]`, if it is told any.
    #[track_caller]
    pub fn samples<'t>(&self, tape: &'t Tape, noise: Stream, count: usize, classes: Option<Var<'t>>) -> Var<'t> {
        self.samples_of(self.noise(tape, noise, count), classes)
    }

    /// Samples to learn from, made of noise: batch norm normalises by the batch, and its running statistics follow. A program may
    /// record this once.
    #[track_caller]
    pub fn training_samples<'t>(&self, noise: Var<'t>, classes: Option<Var<'t>>) -> Var<'t> {
        self.network.forward(self.with_classes(noise, classes), Mode::Train)
    }

    /// Noise for as many samples, `[count, latent]`.
    pub fn noise<'t>(&self, tape: &'t Tape, noise: Stream, count: usize) -> Var<'t> {
        match self.latent {
            Latent::Normal(latent) => tape.normal(noise, [count, latent]),
            Latent::Uniform(latent) => tape.uniform(noise, [count, latent]) * 2.0 - 1.0,
        }
    }

    /// What the noise is.
    pub fn latent(&self) -> Latent {
        self.latent
    }

    /// The samples made of noise, each by itself; of these classes `[B]`, if it is told any.
    #[track_caller]
    pub fn samples_of<'t>(&self, noise: Var<'t>, classes: Option<Var<'t>>) -> Var<'t> {
        self.network.forward(self.with_classes(noise, classes), Mode::Eval)
    }

    /// What the network makes samples of: `[B, latent]`, or `[B, 2·latent]` with classes.
    #[track_caller]
    fn with_classes<'t>(&self, noise: Var<'t>, classes: Option<Var<'t>>) -> Var<'t> {
        match (&self.classes, classes) {
            (Some(embedding), Some(classes)) => {
                noise.tape().concat(&[noise, embedding.forward(classes, Mode::Eval)], 1)
            }
            (None, None) => noise,
            (embedding, _) => {
                panic!("classes are {} by a generator", if embedding.is_some() { "needed" } else { "not known" })
            }
        }
    }

    /// What is trained.
    pub fn parameters(&self) -> Vec<Variable> {
        let classes = self.classes.iter().flat_map(Module::parameters);
        classes.chain(self.network.parameters()).collect()
    }

    /// What batch norm tracks.
    pub fn buffers(&self) -> Vec<Variable> {
        self.network.buffers()
    }

    /// What is to be saved: parameters, then buffers.
    pub fn state(&self) -> Vec<Variable> {
        [self.parameters(), self.buffers()].concat()
    }
}

impl Latent {
    fn of(arch: &Arch, sample: &Shape) -> Self {
        match arch {
            Arch::MlpSmall => Latent::Uniform(10),
            Arch::Mlp { .. } if !is_image(sample) => Latent::Normal(sample.count()),
            Arch::Mlp { .. } | Arch::Dcgan { .. } | Arch::Infogan { .. } | Arch::Resnet { .. } => Latent::Normal(128),
        }
    }

    /// Numbers of noise for a sample.
    pub fn count(self) -> usize {
        match self {
            Latent::Normal(count) | Latent::Uniform(count) => count,
        }
    }
}

/// How large a network is. That is known before memory is taken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSize {
    /// Numbers that are saved: weights, and what batch norm tracks.
    pub weights: u64,
    /// Numbers that its layers make of one sample.
    pub values: u64,
}

impl Add for NetworkSize {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        NetworkSize { weights: self.weights + other.weights, values: self.values + other.values }
    }
}

/// Layers in a row, before there are weights.
pub(super) struct Stack {
    layers: Vec<Layer>,
    norm: Norm,
    /// Whether batch norm has running statistics.
    tracks: bool,
}

pub(super) enum Layer {
    Linear {
        inputs: usize,
        outputs: usize,
    },
    /// Of stride 2.
    Conv {
        from: Map,
        to: Map,
        kernel: usize,
    },
    /// The same from back to front.
    ConvTranspose {
        from: Map,
        to: Map,
        kernel: usize,
    },
    /// Of stride 1; means are taken of a map that becomes half as large, and one that becomes twice as large is so beforehand.
    ConvScaled {
        from: Map,
        to: Map,
        kernel: usize,
    },
    NormOfSample(Vec<usize>),
    NormOfBatch(Vec<usize>),
    Activation(Activation),
    /// The mean of each channel.
    Mean(Map),
    Residual {
        branch: Stack,
        shortcut: Stack,
    },
    Flatten,
    Reshape(Shape),
}

/// The stride and padding of a convolution that halves an image, and of a transposed one that doubles it.
fn halving(kernel: usize) -> Conv {
    Conv::square(2, (kernel - 1) / 2)
}

impl Stack {
    fn new(norm: Norm) -> Self {
        Stack { layers: Vec::new(), norm, tracks: true }
    }

    /// No layers, to be normalised as these are.
    pub(super) fn beside(&self) -> Self {
        Stack { layers: Vec::new(), ..*self }
    }

    /// The layers as modules, each named by what it is `within` and by its place; with `spectral`, weights are divided by their
    /// largest singular value.
    fn build(self, within: &str, rng: &mut Rng, spectral: bool) -> Sequential {
        let init = Init::FanIn;
        self.layers.into_iter().enumerate().fold(Sequential::new(), |modules, (place, layer)| {
            let place = format!("{within}{place}");
            match layer {
                Layer::Linear { inputs, outputs } => {
                    let layer = Linear::new(&place, inputs, outputs, init, rng);
                    modules.add(if spectral { layer.spectral(rng) } else { layer })
                }
                Layer::Conv { from: [inputs, ..], to: [outputs, ..], kernel } => {
                    let layer = Conv2d::new(&place, inputs, outputs, kernel, halving(kernel), init, rng);
                    modules.add(if spectral { layer.spectral(rng) } else { layer })
                }
                Layer::ConvTranspose { from: [inputs, before, _], to: [outputs, after, _], kernel } => {
                    let conv = halving(kernel);
                    let missing = after - (2 * (before - 1) + kernel - 2 * conv.padding[0]);
                    let layer = ConvTranspose2d::new(&place, inputs, outputs, kernel, conv, init, rng);
                    modules.add(layer.output_padding(missing))
                }
                Layer::ConvScaled { from: [inputs, before, _], to: [outputs, after, _], kernel } => {
                    let layer = Conv2d::new(&place, inputs, outputs, kernel, Conv::square(1, kernel / 2), init, rng);
                    let layer = if spectral { layer.spectral(rng) } else { layer };
                    modules.add(match before.cmp(&after) {
                        Ordering::Less => layer.doubling(),
                        Ordering::Equal => layer,
                        Ordering::Greater => layer.halving(),
                    })
                }
                Layer::NormOfSample(shape) => modules.add(LayerNorm::new(&place, shape)),
                Layer::NormOfBatch(shape) if self.tracks => modules.add(BatchNorm::new(&place, shape[0])),
                Layer::NormOfBatch(shape) => modules.add(BatchNorm::new(&place, shape[0]).without_tracking()),
                Layer::Activation(activation) => modules.add(activation),
                Layer::Mean([_, height, width]) => {
                    modules.add(Pool2d::Avg { kernel: [height, width], conv: Conv::square(height, 0) })
                }
                Layer::Residual { branch, shortcut } => {
                    let branch = branch.build(&format!("{place}.branch."), rng, spectral);
                    modules.add(Residual::new(branch, shortcut.build(&format!("{place}.shortcut."), rng, spectral)))
                }
                Layer::Flatten => modules.add(Flatten),
                Layer::Reshape(shape) => modules.add(Reshape::new(shape)),
            }
        })
    }

    /// The layers of a critic but the last, and how many numbers those pass to it.
    fn without_score(mut self) -> (Self, usize) {
        let Some(Layer::Linear { inputs: features, outputs: 1 }) = self.layers.pop() else {
            unreachable!("a critic ends in a score")
        };
        (self, features)
    }

    /// How large the network is for samples of so many numbers, and how many it makes of each.
    fn size(&self, inputs: usize) -> (NetworkSize, usize) {
        let (mut size, mut outputs) = (NetworkSize { weights: 0, values: 0 }, inputs);
        for layer in &self.layers {
            let (weights, made) = match layer {
                Layer::Linear { inputs, outputs } => ((inputs + 1) * outputs, *outputs),
                Layer::Conv { from: [inputs, ..], to, kernel }
                | Layer::ConvTranspose { from: [inputs, ..], to, kernel }
                | Layer::ConvScaled { from: [inputs, ..], to, kernel } => {
                    ((inputs * kernel * kernel + 1) * to[0], to.iter().product())
                }
                Layer::NormOfSample(shape) => (2 * shape.iter().product::<usize>(), outputs),
                Layer::NormOfBatch(shape) => (if self.tracks { 4 } else { 2 } * shape[0], outputs),
                Layer::Activation(_) => (0, outputs),
                Layer::Mean(map) => (0, map[0]),
                Layer::Residual { branch, shortcut } => {
                    let ((branch, made), (shortcut, _)) = (branch.size(outputs), shortcut.size(outputs));
                    size.weights += branch.weights + shortcut.weights;
                    size.values += branch.values + shortcut.values;
                    (0, made)
                }
                Layer::Flatten | Layer::Reshape(_) => continue, // another view of the same numbers
            };
            outputs = made;
            size.weights += weights as u64;
            size.values += made as u64;
        }
        (size, outputs)
    }

    pub(super) fn add(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    pub(super) fn linear(self, inputs: usize, outputs: usize) -> Self {
        self.add(Layer::Linear { inputs, outputs })
    }

    pub(super) fn activation(self, activation: Activation) -> Self {
        self.add(Layer::Activation(activation))
    }

    /// The normalisation asked for, of samples `[shape]` whose channels come first.
    pub(super) fn norm(self, shape: &[usize]) -> Self {
        match self.norm {
            Norm::None => self,
            Norm::Layer => self.add(Layer::NormOfSample(shape.to_vec())),
            Norm::Batch => self.add(Layer::NormOfBatch(shape.to_vec())),
        }
    }

    fn hidden(self, inputs: usize, outputs: usize) -> Self {
        self.linear(inputs, outputs).norm(&[outputs]).activation(Activation::Relu)
    }

    /// The critic of WGAN-GP's published MNIST experiment (arXiv 1704.00028): convolutions that halve the image, three of
    /// them for digits, each with twice the channels of the one before. Normalisation spares the first (Radford et al. 2015,
    /// section 3).
    fn dcgan_critic(self, dim: usize, channels: usize, size: usize) -> Self {
        let maps = maps(dim, channels, size, KERNEL, SMALLEST);
        self.halved(&maps, KERNEL).linear(maps[maps.len() - 1].iter().product(), 1)
    }

    /// The generator beside it, its mirror image. The published one pads its first convolution's result to 8×8 and crops it
    /// to 7×7, which is the same as not to pad it.
    fn dcgan_generator(self, latent: usize, dim: usize, channels: usize, size: usize) -> Self {
        let maps = maps(dim, channels, size, KERNEL, SMALLEST);
        self.linear(latent, maps[maps.len() - 1].iter().product()).doubled(&maps, KERNEL)
    }

    /// The critic of InfoGAN's MNIST experiment (Chen et al. 2016, arXiv 1606.03657, appendix C.1): of the DCGAN's last convolution,
    /// each result sees a part of the image; here a hidden layer sees all of it. The paper's has 1024 units behind 64 and 128
    /// channels, twice as many as here, where they cost more time than they are worth.
    fn infogan_critic(self, dim: usize, channels: usize, size: usize) -> Self {
        let maps = maps(dim, channels, size, KERNEL_OF_INFOGAN, SMALLEST_OF_INFOGAN);
        let (seen, units) = (maps[maps.len() - 1].iter().product(), 8 * dim);
        let stack = self.halved(&maps, KERNEL_OF_INFOGAN).linear(seen, units).norm(&[units]);
        stack.activation(Activation::LeakyRelu(0.2)).linear(units, 1)
    }

    /// The generator beside it, its mirror image.
    fn infogan_generator(self, latent: usize, dim: usize, channels: usize, size: usize) -> Self {
        let maps = maps(dim, channels, size, KERNEL_OF_INFOGAN, SMALLEST_OF_INFOGAN);
        let (seen, units) = (maps[maps.len() - 1].iter().product(), 8 * dim);
        self.hidden(latent, units).linear(units, seen).doubled(&maps, KERNEL_OF_INFOGAN)
    }

    /// Convolutions that make of an image, the first of the maps, one after the other: `[B, …first map]` → `[B, size of the last]`.
    fn halved(self, maps: &[Map], kernel: usize) -> Self {
        let mut stack = self;
        for (i, (&from, &to)) in maps.iter().zip(&maps[1..]).enumerate() {
            stack = stack.add(Layer::Conv { from, to, kernel });
            stack = if i == 0 { stack } else { stack.norm(&to) };
            stack = stack.activation(Activation::LeakyRelu(0.2));
        }
        stack.add(Layer::Flatten)
    }

    /// Transposed ones that lead back: `[B, size of the last map]` → `[B, …first map]`.
    fn doubled(self, maps: &[Map], kernel: usize) -> Self {
        let smallest = maps[maps.len() - 1];
        let mut stack = self.add(Layer::Reshape(smallest.into())).norm(&smallest);
        for (i, (&to, &from)) in maps.iter().zip(&maps[1..]).enumerate().rev() {
            stack = stack.activation(Activation::Relu).add(Layer::ConvTranspose { from, to, kernel });
            stack = if i == 0 { stack } else { stack.norm(&to) };
        }
        stack
    }
}

/// The shape of what a layer makes of an image: channels, height and width.
pub(super) type Map = [usize; 3];

/// The image, and the maps that convolutions make of it, each half the size of the one before, until they are small enough: for
/// digits 28 → 14 → 7 → 4 in the DCGAN, where odd sizes are halved and rounded up, and 28 → 14 → 7 in InfoGAN, where they are
/// rounded down.
fn maps(dim: usize, channels: usize, size: usize, kernel: usize, smallest: usize) -> Vec<Map> {
    let (mut maps, mut size) = (vec![[channels, size, size]], size);
    let mut channels = dim;
    while size > smallest {
        size = (size + kernel % 2) / 2;
        maps.push([channels, size, size]);
        channels *= 2;
    }
    maps
}

#[cfg(test)]
mod tests {
    use autograd::{Tape, Tensor};

    use super::*;

    fn plain(arch: Arch) -> Networks {
        Networks { arch, generator_norm: Norm::None, critic_norm: Norm::None }
    }

    fn dcgan(dim: usize) -> Arch {
        Arch::Dcgan { dim, generator: GeneratorArch::Dcgan }
    }

    fn critic(networks: &Networks, sample: &Shape) -> Critic {
        Critic::new(networks, &Lipschitz::None, sample, 0, 0)
    }

    fn generator(networks: &Networks, sample: &Shape) -> Generator {
        Generator::new(networks, sample, 0, 0)
    }

    /// The numbers of each of three samples.
    fn rows(batch: Var) -> [Vec<f64>; 3] {
        [0, 1, 2].map(|row| batch.slice(0, row..row + 1).value().into_data())
    }

    #[test]
    fn every_architecture_maps_noise_to_samples_and_samples_to_scores() {
        let cases = [
            (Arch::Mlp { dim: 16 }, Shape::from([2])),
            (Arch::Mlp { dim: 16 }, Shape::from([1, 28, 28])),
            (Arch::MlpSmall, Shape::from([1, 28, 28])),
            (dcgan(16), Shape::from([1, 28, 28])),
            (dcgan(16), Shape::from([3, 64, 64])),
            (dcgan(16), Shape::from([1, 37, 37])),
            (dcgan(16), Shape::from([3, 8, 8])),
            (Arch::Infogan { dim: 8 }, Shape::from([1, 28, 28])),
            (Arch::Infogan { dim: 8 }, Shape::from([3, 37, 37])),
            (Arch::Infogan { dim: 8 }, Shape::from([3, 8, 8])),
            (Arch::Resnet { dim: 8 }, Shape::from([3, 32, 32])),
            (Arch::Resnet { dim: 8 }, Shape::from([3, 64, 64])),
            (Arch::Resnet { dim: 8 }, Shape::from([1, 28, 28])),
            (Arch::Resnet { dim: 8 }, Shape::from([1, 20, 20])),
        ];
        for (arch, sample) in cases {
            let networks = plain(arch);
            let tape = Tape::new();
            let fake = generator(&networks, &sample).samples(&tape, Stream::new(0, "noise"), 3, None);
            assert_eq!(fake.shape(), Shape::from([&[3], &*sample].concat()));
            assert_eq!(critic(&networks, &sample).scores(fake).shape(), Shape::from([3]));

            // The same noise or the same sample is another of another class.
            let generator = Generator::new(&networks, &sample, 5, 0);
            let critic = Critic::new(&networks, &Lipschitz::None, &sample, 5, 0);
            let noise = generator.noise(&tape, Stream::new(0, "other noise"), 1);
            let classes = tape.constant(&Tensor::new([3], vec![4.0, 0.0, 4.0]).unwrap());
            let [a, b, c] = rows(generator.samples_of(tape.concat(&[noise; 3], 0), Some(classes)));
            assert!(a == c && a != b, "{arch:?}");
            let fake = generator.samples_of(noise, Some(classes.slice(0, 0..1)));
            let [a, b, c] = rows(critic.given(Some(classes), Mode::Eval)(tape.concat(&[fake; 3], 0)));
            assert!(a == c && a != b, "{arch:?}");
        }
    }

    fn count(parameters: Vec<Variable>) -> usize {
        parameters.iter().map(|parameter| parameter.shape().count()).sum()
    }

    /// 5·5·1·64 + 64, 5·5·64·128 + 128, 5·5·128·256 + 256, 4096 + 1; and 128·4096 + 4096 with the mirror image.
    #[test]
    fn the_dcgan_of_the_paper_has_its_number_of_weights() {
        let (networks, sample) = (plain(dcgan(64)), Shape::from([1, 28, 28]));
        assert_eq!(count(critic(&networks, &sample).parameters()), 1_030_145);
        assert_eq!(count(generator(&networks, &sample).parameters()), 1_554_177);
    }

    /// 4·4·1·64 + 64, 4·4·64·128 + 128, 6272·512 + 512, 512 + 1; and 128·512 + 512, 512·6272 + 6272 with the mirror image.
    #[test]
    fn infogans_networks_have_a_hidden_layer_behind_two_convolutions() {
        let (networks, sample) = (plain(Arch::Infogan { dim: 64 }), Shape::from([1, 28, 28]));
        assert_eq!(count(critic(&networks, &sample).parameters()), 3_344_577);
        assert_eq!(count(generator(&networks, &sample).parameters()), 3_415_745);
    }

    #[test]
    fn the_dcgan_halves_images_until_they_are_small() {
        let sizes = |size| maps(1, 3, size, KERNEL, SMALLEST).iter().map(|map| map[1]).collect::<Vec<_>>();
        assert_eq!(sizes(28), [28, 14, 7, 4]);
        assert_eq!(sizes(32), [32, 16, 8, 4]);
        assert_eq!(sizes(64), [64, 32, 16, 8, 4]);
        assert_eq!(sizes(50), [50, 25, 13, 7, 4]);
        let channels: Vec<usize> = maps(16, 3, 64, KERNEL, SMALLEST).iter().map(|map| map[0]).collect();
        assert_eq!(channels, [3, 16, 32, 64, 128]);
    }

    #[test]
    fn an_mlp_beside_the_dcgans_critic_has_about_as_many_weights() {
        let sample = Shape::from([1, 28, 28]);
        for dim in [8, 16, 32, 64] {
            let weights = |arch| count(generator(&plain(arch), &sample).parameters()) as f64;
            let (dcgan, mlp) = (weights(dcgan(dim)), weights(Arch::Dcgan { dim, generator: GeneratorArch::Mlp }));
            assert!((mlp / dcgan - 1.0).abs() < 0.1, "dim {dim}: {mlp} against {dcgan}");
        }
    }

    /// In particular without taking memory for them: `--size 256 --dim 1024` has 18 billion weights in its critic.
    #[test]
    fn sizes_are_known_beforehand() {
        for (arch, sample) in [
            (Arch::Mlp { dim: 512 }, Shape::from([2])),
            (Arch::MlpSmall, Shape::from([1, 28, 28])),
            (dcgan(16), Shape::from([3, 37, 37])),
            (Arch::Dcgan { dim: 16, generator: GeneratorArch::Mlp }, Shape::from([1, 28, 28])),
            (Arch::Infogan { dim: 8 }, Shape::from([3, 37, 37])),
            (Arch::Resnet { dim: 8 }, Shape::from([3, 64, 64])),
        ] {
            for norm in [Norm::None, Norm::Layer, Norm::Batch] {
                let networks = Networks { arch, generator_norm: norm, critic_norm: norm };
                for classes in [0, 7] {
                    let critic = Critic::new(&networks, &Lipschitz::None, &sample, classes, 0);
                    let generator = Generator::new(&networks, &sample, classes, 0);
                    let expected = [critic.state(), generator.state()].map(|state| count(state) as u64);
                    let sizes =
                        [Critic::size(&networks, &sample, classes), Generator::size(&networks, &sample, classes)];
                    assert_eq!(sizes.map(|size| size.weights), expected, "{networks:?}");
                }
            }
        }
        let (large, sample) = (plain(dcgan(1024)), Shape::from([3, 256, 256]));
        // 25·1024²·(2 + 8 + 32 + 128 + 512) + 25·3·1024, 1024·(1 + 2 + … + 32) and 32768·16 + 1
        assert_eq!(Critic::size(&large, &sample, 0).weights, 17_878_886_401);
    }

    /// Four numbers for each of a generator's 256, 128 and 64 channels, two of them trained; layer norm has two for each
    /// feature of the critic's second and third layer.
    #[test]
    fn normalisation_comes_after_hidden_layers() {
        let plain = plain(dcgan(64));
        let normed = Networks { generator_norm: Norm::Batch, critic_norm: Norm::Layer, ..plain };
        let sample = Shape::from([1, 28, 28]);
        let counts = |networks: &Networks| {
            let (generator, critic) = (generator(networks, &sample), critic(networks, &sample));
            [count(generator.parameters()), count(generator.buffers()), count(critic.parameters())]
        };
        let [before, after] = [counts(&plain), counts(&normed)];
        let channels = 256 + 128 + 64;
        let added = [2 * channels, 2 * channels, 2 * (128 * 7 * 7 + 256 * 4 * 4)];
        assert_eq!(after, std::array::from_fn(|i| before[i] + added[i]));
    }

    /// A single sample has no batch: only training normalises by one.
    #[test]
    fn a_sample_is_its_own_even_with_batch_norm() {
        let networks = Networks { generator_norm: Norm::Batch, ..plain(dcgan(16)) };
        let generator = generator(&networks, &Shape::from([1, 28, 28]));
        let tape = Tape::new();
        let noise = generator.noise(&tape, Stream::new(0, "noise"), 3);
        let (all, first) = (generator.samples_of(noise, None), generator.samples_of(noise.slice(0, 0..1), None));
        assert_eq!(all.slice(0, 0..1).value(), first.value());
        let tape = Tape::new(); // which draws the same noise
        let trained = generator.training_samples(generator.noise(&tape, Stream::new(0, "noise"), 3), None);
        assert_ne!(trained.value(), all.value());
    }

    #[test]
    fn a_bounded_critic_scores_within_one() {
        let critic = Critic::new(&plain(Arch::Mlp { dim: 512 }), &Lipschitz::Bounded, &Shape::from([2]), 0, 0);
        let tape = Tape::new();
        let far = tape.normal(Stream::new(0, "points"), [50, 2]) * 1e6;
        let scores = critic.scores(far).value();
        assert!(scores.data().iter().all(|score| score.abs() <= 1.0), "{scores:?}");
    }
}
