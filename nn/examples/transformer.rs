//! A transformer (Vaswani et al. 2017; with layer norm first, as in GPT-2) that predicts the next byte of this project's guide.
//! Its loss on a chapter that it has not seen, in bits, is printed beside that of counting what follows the last n − 1 bytes.
//!
//! ```text
//! cargo run --release -p nn --example transformer
//! ```

use std::collections::HashMap;

use autograd::{Device, Error, Stream, Tensor, Var};
use nn::layers::{Activation, Embedding, LayerNorm, Linear};
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, in_batches, optim::Adam, optim::AdamW, schedule};

const LEARNED: &str = concat!(
    include_str!("../../docs/1-a-tape.md"),
    include_str!("../../docs/2-the-chain-rule.md"),
    include_str!("../../docs/3-gradients-of-gradients.md"),
    include_str!("../../docs/4-checking-gradients.md"),
    include_str!("../../docs/5-from-tape-to-program.md"),
    include_str!("../../docs/6-the-wasserstein-distance.md"),
    include_str!("../../docs/7-lipschitz-critics.md"),
    include_str!("../../docs/10-kernels.md"),
    include_str!("../../ARCHITECTURE.md"),
);
const UNSEEN: &str = include_str!("../../docs/8-training-a-wgan.md");

/// Bytes that are looked at, features of each, heads.
const TIME: usize = 64;
const WIDTH: usize = 128;
const HEADS: usize = 4;

/// Each place looks at those before it, then thinks by itself: `[B, TIME, WIDTH]` → the same.
struct Block {
    norms: [LayerNorm; 2],
    attend: [Linear; 2],
    think: Sequential,
}

impl Block {
    fn attention<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let (tape, batch) = (x.tape(), x.shape()[0]);
        let all = self.attend[0].forward(x, mode).reshape([batch, TIME, 3 * HEADS, WIDTH / HEADS]);
        let part = |i: usize| all.slice(2, i * HEADS..(i + 1) * HEADS).permute(&[0, 2, 1, 3]);
        let [queries, keys, values] = [0, 1, 2].map(part); //                                   [B, HEADS, TIME, …] each
        let scores = queries.matmul_transposed(keys) / ((WIDTH / HEADS) as f64).sqrt(); //      [B, HEADS, TIME, TIME]
        let past = tape.arange(TIME).reshape([TIME, 1]).ge(tape.arange(TIME)); //               [TIME, TIME]
        let seen = past.select(scores, f64::NEG_INFINITY).softmax(-1).matmul(values);
        self.attend[1].forward(seen.permute(&[0, 2, 1, 3]).reshape(x.shape()), mode)
    }
}

impl Module for Block {
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        let x = x + self.attention(self.norms[0].forward(x, mode), mode);
        x + self.think.forward(self.norms[1].forward(x, mode), mode)
    }

    fn children(&self) -> Vec<&dyn Module> {
        vec![&self.norms[0], &self.attend[0], &self.attend[1], &self.norms[1], &self.think]
    }
}

/// A vector for each place, added to what is there.
struct Places(Embedding);

impl Module for Places {
    fn forward<'t>(&self, x: Var<'t>, mode: Mode) -> Var<'t> {
        x + self.0.forward(x.tape().arange(TIME), mode)
    }

    fn children(&self) -> Vec<&dyn Module> {
        vec![&self.0]
    }
}

/// `[B, TIME]` → scores of the next byte, `[B, TIME, 256]`.
fn transformer(blocks: usize) -> Sequential {
    let (init, rng) = (Init::Normal { std: 0.05 }, &mut Rng::new(1, "weights"));
    let bytes = Embedding::new("bytes", 256, WIDTH, init, rng);
    let places = Places(Embedding::new("places", TIME, WIDTH, init, rng));
    let mut network = Sequential::new().add(bytes).add(places);
    for _ in 0..blocks {
        network = network.add(Block {
            norms: ["norm", "norm"].map(|name| LayerNorm::new(name, [WIDTH])),
            attend: [3 * WIDTH, WIDTH].map(|outputs| Linear::new("attend", WIDTH, outputs, init, rng)),
            think: Sequential::mlp(&[WIDTH, 4 * WIDTH, WIDTH], Activation::Relu, init, rng),
        });
    }
    network.add(LayerNorm::new("norm", [WIDTH])).add(Linear::new("scores", WIDTH, 256, init, rng))
}

/// Bits for each byte, `[B, TIME]`, for the windows of a text that begin at `starts`.
fn bits<'t>(network: &Sequential, text: &[u8], starts: Var<'t>, mode: Mode) -> Var<'t> {
    let (tape, batch) = (starts.tape(), starts.shape()[0]);
    let text = tape.constant(&Tensor::<f64>::from_fn([text.len(), 1], |i| f64::from(text[i])));
    let places = starts.reshape([batch, 1]) + tape.arange(TIME + 1);
    let bytes = text.gather_rows(places.reshape([batch * (TIME + 1)])).reshape([batch, TIME + 1]);
    let scores = network.forward(bytes.slice(1, 0..TIME), mode).log_softmax(-1);
    let next = bytes.slice(1, 1..TIME + 1).reshape([batch, TIME, 1]);
    -scores.gather(2, next).reshape([batch, TIME]) / 2f64.ln()
}

/// Trains, and returns the bits for each byte of the unseen chapter.
pub fn train(blocks: usize, steps: u64, batch: usize) -> Result<f32, Error> {
    let (text, network) = (LEARNED.as_bytes(), transformer(blocks));
    let adam = AdamW::new(Adam::new(network.parameters()), 0.1);
    let mut step = Device::cpu().compile(|tape| {
        let starts = (tape.uniform(Stream::new(1, "starts"), [batch]) * (text.len() - TIME) as f64).floor();
        let loss = bits(&network, text, starts, Mode::Train).mean();
        adam.update(loss, tape.input("learning rate", []));
        [loss]
    })?;
    for n in 0..steps {
        let rate = Tensor::scalar(3e-3 * schedule::warmup(n, 100) * schedule::cosine(n, steps));
        let [loss] = step.at(n).run(&[("learning rate", &rate)])?;
        if n % 200 == 0 {
            println!("step {n}: {:.2} bits", loss.item());
        }
    }
    // Windows overlap, so that each byte is predicted from half a window at least.
    let starts = Tensor::from_fn([(UNSEEN.len() - 1) / (TIME / 2) - 1], |i| (i * TIME / 2) as f32);
    let [unseen] = in_batches(&Device::cpu(), 64, &starts, |starts| {
        [bits(&network, UNSEEN.as_bytes(), starts, Mode::Eval).slice(1, TIME / 2..TIME).mean_axes(&[1])]
    })?;
    Ok(unseen.data().iter().sum::<f32>() / unseen.data().len() as f32)
}

/// The same by counting: the frequencies of bytes after the last n − 1 bytes, mixed with those after fewer of them (Witten and
/// Bell 1991).
pub fn counted(n: usize) -> f64 {
    let (text, unseen) = (LEARNED.as_bytes(), UNSEEN.as_bytes());
    let mut counts: HashMap<&[u8], HashMap<u8, f64>> = HashMap::new();
    for window in (1..=n).flat_map(|length| text.windows(length)) {
        let (next, before) = window.split_last().expect("a window of one byte or more");
        *counts.entry(before).or_default().entry(*next).or_default() += 1.0;
    }
    let bits = unseen.windows(n).map(|window| {
        let (next, before) = window.split_last().expect("a window of one byte or more");
        let known = (0..n).filter_map(|length| counts.get(&before[before.len() - length..]));
        let probability = known.fold(1.0 / 256.0, |fewer, after| {
            let (total, kinds) = (after.values().sum::<f64>(), after.len() as f64);
            (after.get(next).unwrap_or(&0.0) + kinds * fewer) / (total + kinds)
        });
        -probability.log2()
    });
    bits.sum::<f64>() / (unseen.len() + 1 - n) as f64
}

fn main() -> Result<(), Error> {
    (1..=6).for_each(|n| println!("counting {n} bytes: {:.2} bits", counted(n)));
    println!("transformer: {:.2} bits", train(2, 1500, 16)?);
    Ok(())
}
