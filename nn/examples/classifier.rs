//! Handwritten digits, told apart by a small convolutional network: mini-batches, accuracy on digits held out, weights saved and
//! loaded. It learns 9000 digits; with 60,000 LeNet-1, of about its size, got 1.7 % wrong (LeCun, Bottou, Bengio and Haffner 1998,
//! figure 9).
//!
//! ```text
//! cargo run --release -p wgan-nn --example classifier
//! ```

use std::io::Read;

use autograd::{ByteTable, Device, Tensor, Var, ops::Conv};
use flate2::read::GzDecoder;
use nn::layers::{Activation, Conv2d, Flatten, Linear};
use nn::{
    Checkpoint, Error, Init, Mode, Module, Optimizer, Rng, Sequential, in_batches, losses, optim::Adam, schedule,
};

const COUNT: usize = 10_000;
const BATCH: usize = 50;

/// Images `[COUNT, 1, 28, 28]`, which stay bytes until they are looked at, and labels `[COUNT, 1]`.
struct Digits {
    images: ByteTable,
    labels: Tensor,
}

impl Digits {
    fn load() -> Digits {
        let unpacked = |file: &[u8], header: usize| {
            let mut bytes = Vec::new();
            GzDecoder::new(file).read_to_end(&mut bytes).expect("the file is whole");
            bytes.split_off(header)
        };
        let images = unpacked(include_bytes!("../../wgan/data/mnist/mnist-train-10000-images-idx3-ubyte.gz"), 16);
        let labels = unpacked(include_bytes!("../../wgan/data/mnist/mnist-train-10000-labels-idx1-ubyte.gz"), 8);
        Digits {
            images: ByteTable::new([COUNT, 1, 28, 28], images).expect("all pixels"),
            labels: Tensor::from_fn([COUNT, 1], |i| f32::from(labels[i])),
        }
    }

    /// What a network says of the digits in these rows, `[N, 10]`, and what they are, `[N]`.
    fn told<'t>(&self, network: &Sequential, rows: Var<'t>, mode: Mode) -> (Var<'t>, Var<'t>) {
        let labels = rows.tape().constant(&self.labels).gather_rows(rows);
        (network.forward(rows.look_up(&self.images), mode), labels.reshape(rows.shape()))
    }
}

fn network(seed: u64) -> Sequential {
    let rng = &mut Rng::new(seed, "weights");
    Sequential::new()
        .add(Conv2d::new("0", 1, 16, 5, Conv::square(2, 2), Init::FanIn, rng)) //  [B, 16, 14, 14]
        .add(Activation::Relu)
        .add(Conv2d::new("2", 16, 32, 5, Conv::square(2, 2), Init::FanIn, rng)) // [B, 32, 7, 7]
        .add(Activation::Relu)
        .add(Flatten)
        .add(Linear::new("5", 32 * 7 * 7, 10, Init::FanIn, rng))
}

/// The share of these digits that the network tells right.
fn accuracy(network: &Sequential, digits: &Digits, rows: &[usize]) -> Result<f32, Error> {
    let rows = Tensor::from_fn([rows.len()], |i| rows[i] as f32);
    let [right] = in_batches(&Device::cpu(), 500, &rows, |rows| {
        let (scores, labels) = digits.told(network, rows, Mode::Eval);
        [scores.argmax(1).eq(labels)]
    })?;
    Ok(right.data().iter().sum::<f32>() / right.data().len() as f32)
}

/// Learns the first `count` digits, and returns the accuracy on the last thousand before and after the weights were saved.
pub fn train(count: usize, epochs: u64) -> Result<[f32; 2], Error> {
    let (digits, trained) = (Digits::load(), network(1));
    let adam = Adam::new(trained.parameters());
    let mut step = Device::cpu().compile(|tape| {
        let (scores, labels) = digits.told(&trained, tape.input("rows", [BATCH]), Mode::Train);
        let loss = losses::cross_entropy(scores, labels);
        adam.update(loss, tape.input("learning rate", []));
        [loss]
    })?;
    let held_out: Vec<usize> = (COUNT - 1000..COUNT).collect();
    for epoch in 0..epochs {
        let mut order: Vec<usize> = (0..count).collect();
        Rng::new(1, "shuffle").at(epoch).shuffle(&mut order);
        let rate = Tensor::scalar(2e-3 * schedule::cosine(epoch, epochs));
        let mut loss = 0.0;
        for batch in order.chunks_exact(BATCH) {
            let rows = Tensor::from_fn([BATCH], |i| batch[i] as f32);
            loss = step.run(&[("rows", &rows), ("learning rate", &rate)])?[0].item();
        }
        println!("epoch {epoch}: loss {loss:.4}, {:.1} % right", 100.0 * accuracy(&trained, &digits, &held_out)?);
    }
    let (loaded, path) = (network(2), std::env::temp_dir().join("digits.safetensors"));
    Checkpoint::new().with("", trained.state()).save(&path, None)?;
    Checkpoint::new().with("", loaded.state()).load(&path)?;
    Ok([accuracy(&trained, &digits, &held_out)?, accuracy(&loaded, &digits, &held_out)?])
}

fn main() -> Result<(), Error> {
    let [_, accuracy] = train(9000, 10)?;
    println!("{:.1} % of 1000 digits held out are wrong; LeNet-1: 1.7 %", 100.0 * (1.0 - accuracy));
    Ok(())
}
