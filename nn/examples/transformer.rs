//! A transformer (Vaswani et al. 2017; with layer norm first, as in GPT-2) that predicts the next byte of this project's guide.
//! Its loss on the last tenth, which it has not seen, in bits, is printed beside that of counting what follows the last n − 1
//! bytes.
//!
//! ```text
//! cargo run --release -p wgan-nn --example transformer
//! ```

use std::{collections::HashMap, fs};

use autograd::{Device, Error, Stream, Tensor, Var};
use nn::layers::{Activation, Embedding, LayerNorm, Linear};
use nn::{Init, Mode, Module, Optimizer, Rng, Sequential, in_batches, optim::Adam, optim::AdamW, schedule};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
/// Bytes that are looked at, features of each, heads.
const TIME: usize = 64;
const WIDTH: usize = 128;
const HEADS: usize = 4;

/// The guide's chapters: what is learned, and what is not seen.
pub fn guide() -> [Vec<u8>; 2] {
    let files = fs::read_dir(GUIDE)
        .expect("the guide lies beside the crate")
        .map(|file| file.expect("it can be listed").path());
    let mut chapters: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    chapters.sort();
    let mut text = chapters.iter().flat_map(|path| fs::read(path).expect("a chapter")).collect::<Vec<u8>>();
    let unseen = text.split_off(text.len() / 10 * 9);
    [text, unseen]
}

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
        // Each head is less attentive to what is long ago, by a slope of its own (Press, Smith and Lewis 2022, section 3).
        let ago = tape.arange(TIME).reshape([TIME, 1]) - tape.arange(TIME); //                  [TIME, TIME]
        let slopes = (-(tape.arange(HEADS).reshape([HEADS, 1, 1]) + 1.0) * 4f64.ln()).exp();
        let seen = ago.ge(0.0).select(scores - slopes * ago, f64::NEG_INFINITY).softmax(-1).matmul(values);
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

/// `[B, TIME]` → scores of the next byte, `[B, TIME, 256]`.
fn transformer(blocks: usize) -> Sequential {
    let (init, rng) = (Init::Normal { std: 0.05 }, &mut Rng::new(1, "weights"));
    let mut network = Sequential::new().add(Embedding::new("bytes", 256, WIDTH, init, rng));
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

/// Trains, and returns the bits for each byte that was not seen.
pub fn train(blocks: usize, steps: u64, batch: usize) -> Result<f32, Error> {
    let ([text, unseen], network) = (guide(), transformer(blocks));
    let adam = AdamW::new(Adam::new(network.parameters()), 0.1);
    let mut step = Device::cpu().compile(|tape| {
        let starts = (tape.uniform(Stream::new(1, "starts"), [batch]) * (text.len() - TIME) as f64).floor();
        let loss = bits(&network, &text, starts, Mode::Train).mean();
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
    let starts = Tensor::from_fn([(unseen.len() - 1) / (TIME / 2) - 1], |i| (i * TIME / 2) as f32);
    let [loss] = in_batches(&Device::cpu(), 64, &starts, |starts| {
        [bits(&network, &unseen, starts, Mode::Eval).slice(1, TIME / 2..TIME).mean_axes(&[1])]
    })?;
    Ok(loss.data().iter().sum::<f32>() / loss.data().len() as f32)
}

/// The same by counting: the frequencies of bytes after the last n − 1 bytes, mixed with those after fewer of them (Witten and
/// Bell 1991).
pub fn counted(n: usize) -> f64 {
    let [text, unseen] = guide();
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
