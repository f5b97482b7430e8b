//! Working memory that kernels borrow: each thread keeps what it once allocated.

use std::cell::RefCell;

thread_local! {
    /// The thread's idle buffers. A buffer in use is *out* of this list, so a kernel may call rayon, and rayon may run
    /// another kernel on this thread meanwhile: that one takes another buffer.
    static IDLE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `len` numbers of unspecified content; allocates only where a thread asks for more than ever before.
pub fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut buffer = IDLE.with_borrow_mut(Vec::pop).unwrap_or_default();
    if buffer.len() < len {
        buffer.resize(len, 0.0);
    }
    let result = body(&mut buffer[..len]);
    IDLE.with_borrow_mut(|idle| idle.push(buffer));
    result
}
