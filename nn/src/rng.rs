//! Random numbers on the host: crate `rand` driven by the generator that the tape uses too.

use std::convert::Infallible;

use autograd::Stream;
use rand::distr::uniform::{SampleRange, SampleUniform};
use rand::rand_core::block::{BlockRng, Generator};
use rand::seq::SliceRandom;
use rand::{RngExt, TryRng};
use rand_distr::{Distribution, StandardNormal};

/// A generator determined by a seed and a name: Philox 4x32-10, see [`autograd::philox`]. Beside its own methods it has those of
/// the crate `rand`.
///
/// ```
/// use nn::Rng;
/// let angle = Rng::new(42, "data").range(0.0..360.0);
/// assert_eq!(angle, Rng::new(42, "data").range(0.0..360.0));
/// ```
#[derive(Debug)]
pub struct Rng {
    stream: Stream,
    words: BlockRng<Blocks>,
}

impl Rng {
    /// The generator of this name under this seed, at step 0.
    pub fn new(seed: u64, name: &str) -> Self {
        Rng::from_start(Stream::new(seed, name), 0)
    }

    /// The same generator at the start of another step. Steps overlap only after 2³⁴ words.
    pub fn at(&self, step: u64) -> Self {
        Rng::from_start(self.stream, step)
    }

    /// Puts the elements into a random order.
    ///
    /// ```
    /// let mut order: Vec<usize> = (0..100).collect();
    /// nn::Rng::new(42, "shuffle").at(3).shuffle(&mut order); // the order of epoch 3: no state to save
    /// assert_ne!(order[..3], [0, 1, 2]);
    /// ```
    pub fn shuffle<T>(&mut self, elements: &mut [T]) {
        elements.shuffle(self);
    }

    /// A number of a range, each as likely as the others: `rng.range(0..10)`, `rng.range(-1.0..1.0)`.
    ///
    /// ```
    /// let mut rng = nn::Rng::new(42, "data");
    /// assert!((0..1000).all(|_| rng.range(5..8) < 8 && rng.range(-0.5..0.5) < 0.5));
    /// ```
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    pub fn range<T: SampleUniform>(&mut self, range: impl SampleRange<T>) -> T {
        self.random_range(range)
    }

    /// A number from the normal distribution of mean 0 and variance 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(self)
    }

    fn from_start(stream: Stream, step: u64) -> Self {
        Rng { stream, words: BlockRng::new(Blocks { stream, step, block: 0 }) }
    }
}

/// Where the generator stands in its stream.
#[derive(Debug)]
struct Blocks {
    stream: Stream,
    step: u64,
    block: u32,
}

impl Generator for Blocks {
    type Output = [u32; 4];

    fn generate(&mut self, output: &mut [u32; 4]) {
        *output = self.stream.block(self.step, self.block);
        let (block, carry) = self.block.overflowing_add(1);
        (self.block, self.step) = (block, self.step.wrapping_add(u64::from(carry)));
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.words.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.words.next_u64_from_u32())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.words.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng as _;

    #[test]
    fn words_are_those_of_the_stream() {
        let stream = Stream::new(7, "weights");
        let mut rng = Rng::new(7, "weights");
        let words: Vec<u32> = (0..8).map(|_| rng.next_u32()).collect();
        assert_eq!(words, [stream.block(0, 0), stream.block(0, 1)].concat());
        assert_eq!(rng.at(9).next_u32(), stream.block(9, 0)[0]);
    }

    #[test]
    fn the_last_block_of_a_step_is_followed_by_the_next_step() {
        let stream = Stream::new(7, "weights");
        let mut blocks = Blocks { stream, step: 0, block: u32::MAX };
        let mut words = [0; 4];
        blocks.generate(&mut words);
        assert_eq!(words, stream.block(0, u32::MAX));
        blocks.generate(&mut words);
        assert_eq!(words, stream.block(1, 0));
    }
}
