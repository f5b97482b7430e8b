//! Working memory that kernels borrow: each thread keeps what it once allocated.

use std::cell::RefCell;

/// Vectors that begin at a cache line's start are read in one go.
#[repr(align(64))]
#[derive(Clone, Copy, Default)]
pub struct CacheLine {
    _numbers: [f32; CacheLine::LEN],
}

impl CacheLine {
    /// Numbers of a cache line.
    pub const LEN: usize = 16;

    /// The numbers of consecutive lines.
    pub fn numbers(lines: &mut [CacheLine]) -> &mut [f32] {
        // SAFETY: a line is nothing but its numbers: as long and as aligned as a vector of them.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * Self::LEN) }
    }
}

thread_local! {
    /// The thread's idle buffers. A buffer in use is *out* of this list, so a kernel may call rayon, and rayon may run
    /// another kernel on this thread meanwhile: that one takes another buffer.
    static IDLE: RefCell<Vec<Vec<CacheLine>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `len` numbers of unspecified content, the first at the start of a cache line; allocates only where a thread asks
/// for more than ever before.
pub fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    let lines = len.div_ceil(CacheLine::LEN);
    if buffer.len() < lines {
        buffer.resize(lines, CacheLine::default());
    }
    let result = body(&mut CacheLine::numbers(&mut buffer)[..len]);
    IDLE.with_borrow_mut(|idle| idle.push(buffer));
    result
}
