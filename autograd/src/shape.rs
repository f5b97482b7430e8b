//! Shapes: the list of a tensor's extents, row-major, and NumPy's broadcasting rule.

use std::fmt;
use std::ops::Deref;

/// The extents of a tensor, outermost first; a scalar has none.
///
/// ```
/// use autograd::Shape;
/// let shape = Shape::from([64, 784]);
/// assert_eq!(shape.count(), 64 * 784);
/// assert_eq!(shape.to_string(), "[64, 784]");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The shape of a scalar: no axes, one element.
    pub fn scalar() -> Self {
        Shape::default()
    }

    /// Number of elements: the product of the extents, or the largest number there is if that is larger.
    pub fn count(&self) -> usize {
        self.0.iter().fold(1, |count, &extent| count.saturating_mul(extent))
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Row-major strides, in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.rank()];
        for axis in (1..self.rank()).rev() {
            strides[axis - 1] = strides[axis] * self.0[axis];
        }
        strides
    }

    /// The flat row-major index of the element at `index`.
    ///
    /// ```
    /// assert_eq!(autograd::Shape::from([2, 3]).flat_index(&[1, 2]), 5);
    /// ```
    ///
    /// # Panics
    /// If there is not one number for each axis.
    #[track_caller]
    pub fn flat_index(&self, index: &[usize]) -> usize {
        assert!(index.len() == self.rank(), "{index:?} is no index into shape {self}");
        index.iter().zip(self.strides()).map(|(index, stride)| index * stride).sum()
    }

    /// NumPy's rule: align the shapes at their last axis; extents must be equal, or one of them 1 or absent.
    /// `None` where they do not fit.
    ///
    /// ```
    /// use autograd::Shape;
    /// let a = Shape::from([64, 1, 28]);
    /// let b = Shape::from([3, 1]);
    /// assert_eq!(a.broadcast(&b), Some(Shape::from([64, 3, 28])));
    /// assert_eq!(a.broadcast(&Shape::from([2])), None);
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let extent = |shape: &Shape, axis: usize| (axis + shape.rank()).checked_sub(rank).map_or(1, |i| shape.0[i]);
        (0..rank)
            .map(|axis| match (extent(self, axis), extent(other, axis)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Shape)
    }

    /// The shape without the given axes, as after a sum over them.
    pub fn without(&self, axes: &[usize]) -> Shape {
        let kept = self.0.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
        Shape(kept.map(|(_, &extent)| extent).collect())
    }

    /// The shape with the given axes set to 1: what a sum over them would leave if it kept its axes.
    pub fn keepdims(&self, axes: &[usize]) -> Shape {
        let mut extents = self.0.clone();
        axes.iter().for_each(|&axis| extents[axis] = 1);
        Shape(extents)
    }
}

/// The number of an axis: from 0 on, or backwards from −1, the last one.
///
/// ```
/// let tape = autograd::Tape::new();
/// let x = tape.zeros([2, 3, 4]);
/// assert_eq!(x.sum_axes(&[-1, 0]).shape(), [3].into());
/// ```
pub trait Axis: Copy + fmt::Display {
    /// The axis, counted from 0, among this many; None if there is no such one.
    fn among(self, rank: usize) -> Option<usize>;
}

impl Axis for usize {
    fn among(self, rank: usize) -> Option<usize> {
        (self < rank).then_some(self)
    }
}

impl Axis for isize {
    fn among(self, rank: usize) -> Option<usize> {
        let from_last = if self < 0 { rank.checked_add_signed(self)? } else { self.unsigned_abs() };
        from_last.among(rank)
    }
}

impl Axis for i32 {
    fn among(self, rank: usize) -> Option<usize> {
        (self as isize).among(rank)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<Vec<usize>> for Shape {
    fn from(extents: Vec<usize>) -> Self {
        Shape(extents)
    }
}

impl From<&[usize]> for Shape {
    fn from(extents: &[usize]) -> Self {
        Shape(extents.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(extents: [usize; N]) -> Self {
        Shape(extents.to_vec())
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
