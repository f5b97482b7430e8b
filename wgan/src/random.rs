//! Random numbers of the host: Philox, as on the tape, for whatever draws through `rand`. A stream depends on nothing
//! but seed, name and index, so there is no state to save, and any batch of any run can be drawn again.

use std::convert::Infallible;

use autograd::philox;
use rand::TryRng;
use rand::rand_core::utils::{fill_bytes_via_next_word, next_u64_via_u32};

/// The random words of one step of a named stream, in order.
pub struct Stream {
    stream: philox::Stream,
    step: u64,
    drawn: u64,
}

/// The stream called `name` with the given index (an epoch, say) under `seed`.
///
/// ```
/// use rand::RngExt;
/// use wgan::random::stream;
/// let draw = |epoch| stream(42, "shuffle", epoch).random::<u64>();
/// assert_eq!(draw(1), draw(1));
/// assert_ne!(draw(1), draw(2));
/// ```
pub fn stream(seed: u64, name: &str, index: u64) -> Stream {
    Stream { stream: philox::Stream::new(seed, name), step: index, drawn: 0 }
}

/// Infallible, so that `rand` makes it an `Rng`.
impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let (block, word) = (self.drawn / 4, self.drawn % 4);
        self.drawn += 1;
        Ok(self.stream.block(self.step, block as u32)[word as usize])
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_u64_via_u32(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u32())
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn a_stream_hands_out_the_words_of_its_blocks_in_order() {
        let mut rng = stream(7, "shuffle", 3);
        let words: Vec<u32> = (0..8).map(|_| rng.next_u32()).collect();
        let blocks = philox::Stream::new(7, "shuffle");
        assert_eq!(words, [blocks.block(3, 0), blocks.block(3, 1)].concat());
    }

    #[test]
    fn streams_differ_in_seed_name_and_index() {
        let first = |seed, name, index| stream(seed, name, index).next_u64();
        assert_ne!(first(1, "shuffle", 2), first(2, "shuffle", 2));
        assert_ne!(first(1, "shuffle", 2), first(1, "toy", 2));
        assert_ne!(first(1, "shuffle", 2), first(1, "shuffle", 3));
    }
}
