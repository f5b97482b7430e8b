//! The CPU's kernels: pure functions on slices that know nothing of tapes.
//!
//! Work is cut into tiles of fixed size, never by the number of threads, so a result has the same bits on any number
//! of threads. Tiles run on whatever rayon pool is current; small work stays on the calling thread.

mod conv;
mod copy;
mod device;
mod elementwise;
mod functions;
mod fused;
mod pairwise;
mod product;
mod random;
mod reduce;
mod scratch;
mod simd;
mod transpose;

pub use device::Cpu;

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;
use simd::{vectorised, with_vectors};

/// Elements (or multiply-adds) below which handing work to other threads costs more than it saves: about 10 µs. None under
/// Miri, which is to see the threads at work.
const SERIAL: usize = if cfg!(miri) { 0 } else { 1 << 15 };

/// Calls `tile(index, chunk)` for the consecutive chunks of `y`; `work` is the whole's size, to compare with [`SERIAL`].
fn for_each_chunk(y: &mut [f32], chunk: usize, work: usize, tile: impl Fn(usize, &mut [f32]) + Sync) {
    if work <= SERIAL || y.len() <= chunk {
        y.chunks_mut(chunk).enumerate().for_each(|(index, chunk)| tile(index, chunk));
    } else {
        y.par_chunks_mut(chunk).enumerate().for_each(|(index, chunk)| tile(index, chunk));
    }
}

/// Calls `tile` with every index below `count`; `work` is the whole's size, to compare with [`SERIAL`].
fn for_each_tile(count: usize, work: usize, tile: impl Fn(usize) + Sync + Send) {
    if work <= SERIAL || count == 1 {
        (0..count).for_each(tile);
    } else {
        (0..count).into_par_iter().for_each(tile);
    }
}

/// An array that several tiles write at once, each to elements of its own.
#[derive(Clone, Copy)]
struct Shared<'a> {
    start: *mut f32,
    len: usize,
    array: PhantomData<&'a mut [f32]>,
}

// SAFETY: the methods that write are unsafe and leave it to the caller that no two threads write one element.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    fn new(array: &'a mut [f32]) -> Self {
        Shared { start: array.as_mut_ptr(), len: array.len(), array: PhantomData }
    }

    /// Element `index`.
    ///
    /// # Safety
    /// While the reference lives nothing else may access this element.
    #[inline(always)]
    unsafe fn element(self, index: usize) -> &'a mut f32 {
        assert!(index < self.len, "element {index} of {}", self.len);
        // SAFETY: in range, and unshared as the caller promises.
        unsafe { &mut *self.start.add(index) }
    }

    /// The elements `range`.
    ///
    /// # Safety
    /// While the slice lives nothing else may access these elements.
    #[inline(always)]
    unsafe fn slice(self, range: Range<usize>) -> &'a mut [f32] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {} elements", self.len);
        // SAFETY: in range, and unshared as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// Where the elements `range` begin, for kernels that write strided blocks of them.
    fn pointer(self, range: Range<usize>) -> *mut f32 {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {} elements", self.len);
        // SAFETY: in range.
        unsafe { self.start.add(range.start) }
    }
}

#[cfg(test)]
mod testing {
    /// Runs a kernel on pools of 1, 2, 3 and 8 threads and asserts that all results have the same bits. (WebAssembly has
    /// no threads.)
    pub fn same_bits_on_any_number_of_threads(kernel: impl Fn() -> Vec<f32> + Sync) -> Vec<f32> {
        if cfg!(target_family = "wasm") {
            return kernel();
        }
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&kernel);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let single = on(1);
        for threads in [2, 3, 8] {
            assert_eq!(bits(&on(threads)), bits(&single), "{threads} threads");
        }
        single
    }

    /// Numbers in [−1, 1) for a test's operands.
    pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let stream = crate::philox::Stream::new(seed, "test");
        (0..count).map(|element| 2.0 * stream.uniform(0, element) - 1.0).collect()
    }
}
