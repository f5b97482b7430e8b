//! Random numbers of the host: streams that depend on nothing but seed, name and index, so there is no state to
//! save, and any batch of any run can be drawn again.

use std::convert::Infallible;

use rand::TryRng;
use rand::rand_core::utils::fill_bytes_via_next_word;

/// A stream of random numbers: SplitMix64 (Steele, Lea and Flood, 2014), started from a seed, a name and an index.
pub struct Stream(u64);

/// The stream called `name` with the given index (an epoch, say) under `seed`.
pub fn stream(seed: u64, name: &str, index: u64) -> Stream {
    // FNV-1a, so that streams of different names start far apart.
    let name = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    [seed, name, index].into_iter().fold(Stream(0), |mut stream, word| Stream(stream.next() ^ word))
}

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Infallible, so that `rand` makes it an `Rng`.
impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        fill_bytes_via_next_word(bytes, || self.try_next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_sequence() {
        // The first outputs for seed 1234567, as listed at Rosetta Code ("Pseudo-random numbers/Splitmix64").
        let mut stream = Stream(1234567);
        let outputs = [stream.next(), stream.next(), stream.next()];
        assert_eq!(outputs, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn streams_differ_in_seed_name_and_index() {
        let first = |seed, name, index| stream(seed, name, index).next();
        assert_eq!(first(1, "shuffle", 2), first(1, "shuffle", 2));
        assert_ne!(first(1, "shuffle", 2), first(2, "shuffle", 2));
        assert_ne!(first(1, "shuffle", 2), first(1, "toy", 2));
        assert_ne!(first(1, "shuffle", 2), first(1, "shuffle", 3));
    }
}
