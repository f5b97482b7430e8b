//! Variables: the only state. Weights, optimiser moments, batch norm's statistics, averaged weights.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{ArcRwLockReadGuard, ArcRwLockWriteGuard, RawRwLock, RwLock};

use crate::{Error, Shape, Tensor};

/// Where a Variable's values lie: in host memory, until a device takes them over, which knows its own storage by its type.
pub trait Storage: Any + Send + Sync {
    /// Copies the values to the host.
    fn read(&self) -> Result<Vec<f32>, Error>;
    /// Replaces the values; the length never changes.
    fn write(&mut self, values: &[f32]) -> Result<(), Error>;
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
    storage: Arc<RwLock<Box<dyn Storage>>>,
}

impl Variable {
    /// A Variable with a first value, in host memory.
    pub fn new(name: impl Into<String>, value: Tensor) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let shape = value.shape().clone();
        let storage: Box<dyn Storage> = Box::new(HostStorage(value.into_data()));
        Variable(Arc::new(Inner { id, name: name.into(), shape, storage: Arc::new(RwLock::new(storage)) }))
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
        Tensor::new(self.shape(), self.0.storage.read().read()?)
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
        self.0.storage.write().write(value.data())
    }

    /// Counts Variables: the older of two has the smaller one.
    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    /// Its storage, which nothing else may read while it is moved, nor while it `changes`.
    fn hold_alone(
        &self,
        changes: bool,
        here: impl Fn(&dyn Storage) -> bool,
        moved: impl Fn(&Variable, &dyn Storage) -> Result<Box<dyn Storage>, Error>,
    ) -> Result<Held, Error> {
        let mut storage = self.0.storage.write_arc();
        if !here(&**storage) {
            *storage = moved(self, &**storage)?;
        }
        Ok(if changes { Held::Exclusive(storage) } else { Held::Shared(ArcRwLockWriteGuard::downgrade(storage)) })
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Variable {}

impl Hash for Variable {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variable({:?}, {})", self.name(), self.shape())
    }
}

/// The Variables of a program, to be locked while it runs: shared with other readers, or exclusively if the program gives
/// them new values. They are locked oldest first, so that programs which share Variables never wait for each other in a
/// circle.
///
/// Whoever holds [`Locked`] must reach its end without waiting for anything that may itself wait for a Variable. On the
/// CPU it is therefore moved into the pool that runs the kernels, and dropped there: the thread that waits for that
/// pool holds no lock, whatever other tasks it is handed meanwhile.
pub struct Locks {
    /// With their positions in the plan, and whether the program changes them.
    oldest_first: Vec<(usize, Variable, bool)>,
    /// Empty between runs, its memory kept.
    held: Vec<(usize, Held)>,
}

/// The storages of a program's Variables, each with its Variable's position in the plan, locked until this is dropped.
pub struct Locked<'a>(&'a mut Vec<(usize, Held)>);

/// A Variable's storage, locked.
pub enum Held {
    /// Other programs may read it as well.
    Shared(ArcRwLockReadGuard<RawRwLock, Box<dyn Storage>>),
    /// Nothing else reads or writes it.
    Exclusive(ArcRwLockWriteGuard<RawRwLock, Box<dyn Storage>>),
}

impl Locks {
    /// For Variables in the order of the plan, each with whether the program changes it.
    pub(crate) fn new(variables: impl Iterator<Item = (Variable, bool)>) -> Self {
        let mut oldest_first: Vec<_> =
            variables.enumerate().map(|(i, (variable, changes))| (i, variable, changes)).collect();
        oldest_first.sort_by_key(|(_, variable, _)| variable.id());
        Locks { held: Vec::with_capacity(oldest_first.len()), oldest_first }
    }

    /// Locks all of them. `here` tells whether a storage lies where the device wants it; if not, what `moved` makes of it
    /// takes its place.
    ///
    /// # Errors
    /// That of `moved`.
    pub fn lock(
        &mut self,
        here: impl Fn(&dyn Storage) -> bool,
        moved: impl Fn(&Variable, &dyn Storage) -> Result<Box<dyn Storage>, Error>,
    ) -> Result<Locked<'_>, Error> {
        let locked = Locked(&mut self.held);
        for (position, variable, changes) in &self.oldest_first {
            let shared = (!changes).then(|| variable.0.storage.read_arc()).filter(|storage| here(&***storage));
            let held = shared.map(Held::Shared).map_or_else(|| variable.hold_alone(*changes, &here, &moved), Ok)?;
            locked.0.push((*position, held));
        }
        Ok(locked)
    }
}

impl Deref for Locked<'_> {
    type Target = [(usize, Held)];

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Held {
    /// The storage, if it is of this type.
    pub fn as_ref<S: Storage>(&self) -> Option<&S> {
        let storage: &dyn Any = match self {
            Held::Shared(storage) => &***storage,
            Held::Exclusive(storage) => &***storage,
        };
        storage.downcast_ref()
    }

    /// The storage to be changed, if it is of this type and locked exclusively.
    pub fn as_mut<S: Storage>(&mut self) -> Option<&mut S> {
        match self {
            Held::Shared(_) => None,
            Held::Exclusive(storage) => (&mut ***storage as &mut dyn Any).downcast_mut(),
        }
    }
}
