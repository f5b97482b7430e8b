//! Host tensors: a shape and its elements in row-major order. They carry data in and out; computing is the tape's work.

use crate::{Error, Shape};

/// An element type of host tensors: `f32` for data and devices, `f64` for the reference interpreter.
pub trait Element: Copy + Into<f64> + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Rounds to the nearest representable value.
    fn from_f64(value: f64) -> Self;
}

impl Element for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Element for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// An n-dimensional array on the host.
///
/// ```
/// use autograd::Tensor;
/// let t = Tensor::new([2, 2], vec![1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(t.data()[3], 4.0);
/// assert!(Tensor::new([2, 3], vec![0.0]).is_err());
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T = f32> {
    shape: Shape,
    data: Vec<T>,
}

impl<T: Element> Tensor<T> {
    /// A tensor of `shape` holding `data` in row-major order.
    ///
    /// # Errors
    /// [`Error::ElementCount`] if the number of elements is not the shape's.
    pub fn new(shape: impl Into<Shape>, data: Vec<T>) -> Result<Self, Error> {
        let shape = shape.into();
        if shape.count() != data.len() {
            return Err(Error::ElementCount { expected: shape.count(), found: data.len(), shape });
        }
        Ok(Tensor { shape, data })
    }

    /// The tensor whose element at flat index `i` is `f(i)`.
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(usize) -> T) -> Self {
        let shape = shape.into();
        let data = (0..shape.count()).map(f).collect();
        Tensor { shape, data }
    }

    /// Every element equal to `value`.
    pub fn full(shape: impl Into<Shape>, value: f64) -> Self {
        Tensor::from_fn(shape, |_| T::from_f64(value))
    }

    /// Every element zero.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Tensor::full(shape, 0.0)
    }

    /// A tensor without axes.
    pub fn scalar(value: f64) -> Self {
        Tensor::full(Shape::scalar(), value)
    }

    /// The extents.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// The elements in row-major order, to be written.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements, without the shape.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The only element of a tensor that has one.
    ///
    /// # Panics
    /// If there are more or none.
    #[track_caller]
    pub fn item(&self) -> T {
        assert!(self.data.len() == 1, "item() needs a tensor of one element, this one is {}", self.shape);
        self.data[0]
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`Error::ElementCount`] if the new shape holds another number of elements.
    pub fn reshape(self, shape: impl Into<Shape>) -> Result<Self, Error> {
        Tensor::new(shape, self.data)
    }

    /// The same values in another precision.
    pub fn cast<U: Element>(&self) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), data: self.data.iter().map(|&x| U::from_f64(x.into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_has_as_many_elements_as_its_shape() {
        let error = |shape: &[usize]| Tensor::new(shape, vec![1.0f32; 6]).unwrap_err().to_string();
        assert_eq!(error(&[4]), "a tensor of shape [4] holds 4 elements, but 6 were given");
        let more = format!("holds {} elements", usize::MAX); // not 0, as 2⁶⁴ would wrap to
        assert!(error(&[usize::MAX / 2 + 1, 2]).contains(&more));
        let tensor = Tensor::new([2, 3], vec![1.0f32; 6]).unwrap();
        assert!(tensor.clone().reshape([3, 2]).is_ok() && tensor.reshape([7]).is_err());
        assert_eq!(Tensor::<f32>::zeros([usize::MAX, 2, 0]).data().len(), 0);
    }
}
