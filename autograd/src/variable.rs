//! Variables: the only state. Weights, optimiser moments, batch norm's statistics, averaged weights.

use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{Error, Shape, Tensor};

/// Where a Variable's values lie: in host memory, until a device takes them over.
pub trait Storage: Send + Sync {
    /// Copies the values to the host.
    fn read(&self) -> Result<Vec<f32>, Error>;
    /// Replaces the values; the length never changes.
    fn write(&mut self, values: &[f32]) -> Result<(), Error>;
    /// For the device that put it there.
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

/// Host memory.
pub(crate) struct HostStorage(pub(crate) Vec<f32>);

impl Storage for HostStorage {
    fn read(&self) -> Result<Vec<f32>, Error> {
        Ok(self.0.clone())
    }

    fn write(&mut self, values: &[f32]) -> Result<(), Error> {
        self.0.copy_from_slice(values);
        Ok(())
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A named tensor that outlives programs and is shared by them: a handle, cloned cheaply, equal only to itself.
///
/// ```
/// use autograd::{Tensor, Variable};
/// let weight = Variable::new("0.weight", Tensor::zeros([2, 2]));
/// weight.write(&Tensor::full([2, 2], 1.0))?;
/// assert_eq!(weight.read()?.data(), [1.0; 4]);
/// # Ok::<(), autograd::Error>(())
/// ```
#[derive(Clone)]
pub struct Variable(Arc<Inner>);

struct Inner {
    id: u64,
    name: String,
    shape: Shape,
    storage: RwLock<Box<dyn Storage>>,
}

impl Variable {
    /// A Variable with a first value, in host memory.
    pub fn new(name: impl Into<String>, value: Tensor) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let shape = value.shape().clone();
        let storage: Box<dyn Storage> = Box::new(HostStorage(value.into_data()));
        Variable(Arc::new(Inner { id, name: name.into(), shape, storage: RwLock::new(storage) }))
    }

    /// The name it is saved under.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The shape, which never changes.
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// A copy of its present value.
    ///
    /// # Errors
    /// If the device that holds it fails.
    pub fn read(&self) -> Result<Tensor, Error> {
        Tensor::new(self.shape(), self.storage().read()?)
    }

    /// Gives it a new value.
    ///
    /// # Errors
    /// [`Error::WrongShape`], or if the device that holds it fails.
    pub fn write(&self, value: &Tensor) -> Result<(), Error> {
        if value.shape() != self.shape() {
            let (expected, found) = (self.shape().clone(), value.shape().clone());
            return Err(Error::WrongShape { name: self.name().to_owned(), expected, found });
        }
        self.storage_mut().write(value.data())
    }

    /// Orders Variables by age, so that programs which lock several do it in one order.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    fn storage(&self) -> RwLockReadGuard<'_, Box<dyn Storage>> {
        self.0.storage.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Its storage, locked. A device replaces it to take the values over.
    pub fn storage_mut(&self) -> RwLockWriteGuard<'_, Box<dyn Storage>> {
        self.0.storage.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variable({:?}, {})", self.name(), self.shape())
    }
}
