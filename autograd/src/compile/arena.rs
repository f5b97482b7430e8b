//! The arena: where each buffer lies, so that buffers which are never in use together share memory.

/// Buffers begin at multiples of this many elements: a cache line, and the widest vector.
pub(crate) const ALIGNMENT: usize = 16;

/// Buffers of a shelf, at most.
const SHELF: usize = 128;

/// A stretch of the arena in use from one call to another.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub len: usize,
    pub first: usize,
    pub last: usize,
    /// Where [`place`] puts it.
    pub offset: usize,
}

impl Buffer {
    /// The first element behind it where a buffer can begin.
    fn end(&self) -> usize {
        (self.offset + self.len).next_multiple_of(ALIGNMENT)
    }

    /// By offset, then by time.
    fn position(&self) -> (usize, usize) {
        (self.offset, self.first)
    }
}

/// Places the largest buffers first, each as low as those in use at the same time leave room, and returns the arena's
/// length (greedy by size: Pisarchyk and Lee 2020, "Efficient memory management for deep neural net inference",
/// section 5.2).
pub(crate) fn place(buffers: &mut [Buffer]) -> usize {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(buffers[i].len));
    let mut shelves = Vec::new();
    for i in order {
        buffers[i].offset = lowest(&shelves, &buffers[i]);
        put(&mut shelves, buffers[i].clone());
    }
    buffers.iter().map(|buffer| buffer.offset + buffer.len).max().unwrap_or(0)
}

/// Buffers that follow each other by offset, and what is known of all of them, so that most shelves are passed at one step:
/// a program of n values would otherwise cost n² steps.
struct Shelf {
    /// By offset, then by time; at least one.
    buffers: Vec<Buffer>,
    /// From the first to the last call at which any is in use.
    any: (usize, usize),
    /// From the first to the last call at which all are in use, if the former is not the later one.
    all: (usize, usize),
    /// The longest stretch between one and the next, if all are in use.
    gap: usize,
    end: usize,
}

impl Shelf {
    fn new(buffers: Vec<Buffer>) -> Self {
        let Buffer { first, last, .. } = buffers[0];
        let mut shelf = Shelf { any: (first, last), all: (first, last), gap: 0, end: buffers[0].end(), buffers };
        for buffer in &shelf.buffers[1..] {
            shelf.any = (shelf.any.0.min(buffer.first), shelf.any.1.max(buffer.last));
            shelf.all = (shelf.all.0.max(buffer.first), shelf.all.1.min(buffer.last));
            shelf.gap = shelf.gap.max(buffer.offset.saturating_sub(shelf.end));
            shelf.end = shelf.end.max(buffer.end());
        }
        shelf
    }

    fn bottom(&self) -> (usize, usize) {
        self.buffers[0].position()
    }
}

/// Puts a buffer where it belongs, and halves a shelf that becomes too long.
fn put(shelves: &mut Vec<Shelf>, buffer: Buffer) {
    let at = shelves.partition_point(|shelf| shelf.bottom() <= buffer.position()).saturating_sub(1);
    let mut buffers = if shelves.is_empty() { Vec::new() } else { shelves.remove(at).buffers };
    buffers.insert(buffers.partition_point(|other| other.position() <= buffer.position()), buffer);
    if buffers.len() > SHELF {
        let upper = buffers.split_off(SHELF / 2);
        shelves.insert(at, Shelf::new(upper));
    }
    shelves.insert(at, Shelf::new(buffers));
}

/// The lowest offset at which the buffer can lie.
fn lowest(shelves: &[Shelf], buffer: &Buffer) -> usize {
    let mut offset = 0;
    for shelf in shelves {
        let together = |(first, last): (usize, usize)| buffer.first.max(first) <= buffer.last.min(last);
        if !together(shelf.any) {
            continue;
        }
        if together(shelf.all) && shelf.gap < buffer.len {
            if offset + buffer.len <= shelf.buffers[0].offset {
                return offset;
            }
            offset = offset.max(shelf.end);
            continue;
        }
        for other in shelf.buffers.iter().filter(|other| together((other.first, other.last))) {
            if offset + buffer.len <= other.offset {
                return offset;
            }
            offset = offset.max(other.end());
        }
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::Stream;

    /// Each buffer compared with each that was placed before it.
    fn place_naively(buffers: &mut [Buffer]) {
        let mut order: Vec<usize> = (0..buffers.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(buffers[i].len));
        for (position, &i) in order.iter().enumerate() {
            let mut offset = 0;
            let mut others: Vec<&Buffer> = order[..position].iter().map(|&other| &buffers[other]).collect();
            others.sort_by_key(|other| other.offset);
            for other in others {
                let together = other.first <= buffers[i].last && buffers[i].first <= other.last;
                if together && offset + buffers[i].len > other.offset {
                    offset = offset.max(other.end());
                }
            }
            buffers[i].offset = offset;
        }
    }

    #[test]
    fn shelves_change_no_place() {
        let stream = Stream::new(0, "buffers");
        for (case, longest_use) in [10, 100, 1000].into_iter().enumerate() {
            let draw = |i: usize, below: usize| (stream.uniform(case as u64, i) * below as f32) as usize;
            let buffer = |i: usize| {
                let first = draw(3 * i, 1000);
                Buffer { len: draw(3 * i + 1, 4) * 40, first, last: first + draw(3 * i + 2, longest_use), offset: 0 }
            };
            let mut buffers: Vec<Buffer> = (0..2000).map(buffer).collect();
            let mut expected = buffers.clone();
            place_naively(&mut expected);
            place(&mut buffers);
            let offsets = |buffers: &[Buffer]| buffers.iter().map(|buffer| buffer.offset).collect::<Vec<_>>();
            assert_eq!(offsets(&buffers), offsets(&expected));
        }
    }
}
