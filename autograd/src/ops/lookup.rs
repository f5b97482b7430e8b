//! Rows of a table of bytes, picked by index.
//!
//! Images are stored as bytes and computed with as numbers in [0, 1]. A table keeps them as they are stored, at a
//! quarter of the memory, and every run converts only the rows that it picks.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::gather::row;
use super::{Op, Operation};
use crate::tape::Var;
use crate::{Error, Shape, Tensor};

/// Bytes that programs read as numbers: a byte b stands for b / 255. Its clones share their memory.
///
/// ```
/// use autograd::{ByteTable, Tape, Tensor};
/// let images = ByteTable::new([3, 2], vec![0, 255, 0, 0, 255, 255])?;
/// let tape = Tape::new();
/// let rows = tape.constant(&Tensor::new([2], vec![1.0, 0.0])?);
/// assert_eq!(rows.look_up(&images).value().data(), [0.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ByteTable {
    shape: Shape,
    bytes: Arc<[u8]>,
}

impl ByteTable {
    /// The table of the given shape, `[rows, …]`.
    ///
    /// # Errors
    /// [`Error::ElementCount`] unless there is one byte for each element.
    pub fn new(shape: impl Into<Shape>, bytes: impl Into<Arc<[u8]>>) -> Result<Self, Error> {
        let (shape, bytes) = (shape.into(), bytes.into());
        if shape.count() != bytes.len() {
            return Err(Error::ElementCount { expected: shape.count(), shape, found: bytes.len() });
        }
        Ok(ByteTable { shape, bytes })
    }

    /// `[rows, …]`.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// All rows, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number that a byte stands for.
    #[inline(always)]
    pub fn number(byte: u8) -> f32 {
        f32::from(byte) / 255.0
    }
}

/// By its shape: equality settles the rest, and a program has few tables.
impl Hash for ByteTable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shape.hash(state);
    }
}

impl fmt::Debug for ByteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByteTable({})", self.shape)
    }
}

/// Rows of a table: `y[k, …] = table[indices[k], …] / 255`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lookup(pub ByteTable);

impl Operation for Lookup {
    fn name(&self) -> &'static str {
        "look_up"
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        match (self.0.shape.rank(), inputs[0].rank()) {
            (1.., 1) => Ok(Shape::from([&inputs[0][..], &self.0.shape[1..]].concat())),
            _ => Err("it takes a table with rows and a vector of indices".into()),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        let ByteTable { shape: table, bytes } = &self.0;
        let width = shape.without(&[0]).count();
        Tensor::from_fn(shape, |i| match row(inputs[0].data()[i / width], table[0]) {
            Some(row) => f64::from(ByteTable::number(bytes[row * width + i % width])),
            None => f64::NAN,
        })
    }

    fn differentiable(&self, _: usize) -> bool {
        false
    }
}

impl<'t> Var<'t> {
    /// The rows of `table` that this vector of indices names, in its order, as numbers in [0, 1].
    #[track_caller]
    pub fn look_up(self, table: &ByteTable) -> Var<'t> {
        self.check_indices("look_up");
        self.tape().record(Op::Lookup(Lookup(table.clone())), &[self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_holds_one_byte_for_each_element() {
        let error = ByteTable::new([2, 2], vec![1, 2, 3]).unwrap_err();
        assert!(matches!(error, Error::ElementCount { expected: 4, found: 3, .. }), "{error}");
    }
}
