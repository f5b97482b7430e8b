//! Variables saved and loaded as safetensors files, which PyTorch reads and writes too.
//!
//! The same values give the same bytes. A file has a checksum of all its bytes, so that none that was damaged is believed.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use autograd::{Shape, Tensor, Variable};

use crate::Error;
use crate::error::Difference;
use crate::files::write_whole;

pub use file::CHECKSUM;
use file::Reader;

/// Which Variables a file holds, under which names: one description for saving and for loading.
///
/// ```
/// use nn::{Checkpoint, Init, Module, Optimizer, Rng, checkpoint, layers::Linear, optim::RmsProp};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("checkpoint.safetensors");
/// let critic = Linear::new("0", 2, 1, Init::FanIn, &mut Rng::new(1, "critic"));
/// let rmsprop = RmsProp::new(critic.parameters());
/// let checkpoint = Checkpoint::new().with("critic.", critic.state()).with("critic.", rmsprop.state());
///
/// checkpoint.save(&path, Some(("run", r#"{"step":500}"#)))?;
/// checkpoint.load(&path)?;
/// assert_eq!(checkpoint::metadata(&path, "run")?.as_deref(), Some(r#"{"step":500}"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Checkpoint {
    variables: BTreeMap<String, Variable>,
}

impl Checkpoint {
    /// Nothing yet.
    pub fn new() -> Self {
        Checkpoint::default()
    }

    /// With these Variables too, `prefix` put before their names.
    ///
    /// # Panics
    /// If two Variables would have one name.
    #[track_caller]
    pub fn with(mut self, prefix: &str, variables: impl IntoIterator<Item = Variable>) -> Self {
        for variable in variables {
            let name = format!("{prefix}{}", variable.name());
            let taken = self.variables.insert(name.clone(), variable).is_some();
            assert!(!taken, "checkpoint: two Variables are named {name:?}");
        }
        self
    }

    /// How many numbers the Variables hold.
    pub fn count(&self) -> usize {
        self.variables.values().map(|variable| variable.shape().count()).sum()
    }

    /// Writes the present values with a checksum, and one `(key, value)` of text for whoever loads them.
    ///
    /// # Errors
    /// [`Error::Write`], after which what was at `path` before is still there.
    ///
    /// # Panics
    /// If the key is [`CHECKSUM`].
    #[track_caller]
    pub fn save(&self, path: &Path, metadata: Option<(&str, &str)>) -> Result<(), Error> {
        assert!(metadata.is_none_or(|(key, _)| key != CHECKSUM), "checkpoint: {CHECKSUM:?} is the checksum's key");
        let value = |(name, variable): (&String, &Variable)| Ok((name.clone(), variable.read()?));
        let tensors: Vec<(String, Tensor)> = self.variables.iter().map(value).collect::<Result<_, Error>>()?;
        let bytes =
            file::encode(&tensors, metadata).map_err(|source| Error::Write { path: path.to_owned(), source })?;
        write_whole(path, &bytes)
    }

    /// Gives every Variable the value that the file has for it; numbers of half precision (F16, BF16) are widened. A file
    /// without a checksum, which another program wrote, is taken as it is.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Malformed`]; [`Error::Misfit`] or [`Error::Type`] where the file is of another model;
    /// [`Error::Damaged`] if its bytes have another checksum. No Variable is changed then.
    pub fn load(&self, path: &Path) -> Result<(), Error> {
        self.load_from(open(path)?, true)
    }

    /// As [`load`](Checkpoint::load), from a file that may hold more: the generator out of a training's checkpoint.
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load), unexpected names excepted.
    pub fn load_part(&self, path: &Path) -> Result<(), Error> {
        self.load_from(open(path)?, false)
    }

    /// As [`load`](Checkpoint::load), from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load).
    pub fn load_bytes(&self, bytes: &[u8], path: &Path) -> Result<(), Error> {
        self.load_from(Reader::new(path, bytes)?, true)
    }

    /// The first Variable, in the order of their names, of which a number is infinite or NaN.
    ///
    /// # Errors
    /// If the device that holds them fails.
    pub fn first_non_finite(&self) -> Result<Option<&str>, Error> {
        for (name, variable) in &self.variables {
            if !variable.read()?.data().iter().all(|x| x.is_finite()) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The present values, for [`put_back`](Checkpoint::put_back).
    ///
    /// # Errors
    /// [`Error::Variable`] if a device fails.
    pub fn values(&self) -> Result<Vec<Tensor>, Error> {
        self.variables.values().map(|variable| Ok(variable.read()?)).collect()
    }

    /// Gives the Variables the values that [`values`](Checkpoint::values) found.
    ///
    /// # Errors
    /// [`Error::Variable`] if a device fails.
    pub fn put_back(&self, values: &[Tensor]) -> Result<(), Error> {
        self.variables.values().zip(values).try_for_each(|(variable, value)| Ok(variable.write(value)?))
    }

    fn load_from(&self, file: Reader<impl Read>, whole: bool) -> Result<(), Error> {
        let differences = self.differences(&file, whole);
        if !differences.is_empty() {
            return Err(Error::Misfit { path: file.path().to_owned(), differences });
        }
        let mut numbers = file.finish(|name| self.variables.contains_key(name))?;
        for (name, variable) in &self.variables {
            let numbers = numbers.remove(name).expect("the file has this tensor");
            variable.write(&Tensor::new(variable.shape(), numbers)?)?;
        }
        Ok(())
    }

    /// What the file has beside what is expected: tensors of other shapes, then those that one side lacks.
    fn differences(&self, file: &Reader<impl Read>, whole: bool) -> Vec<Difference> {
        let tensor = |name: &String, shape: Shape| Some((name.clone(), shape));
        let (mut differences, mut missing) = (Vec::new(), Vec::new());
        for (name, variable) in &self.variables {
            let expected = tensor(name, variable.shape().clone());
            match file.shape(name) {
                None => missing.push(expected),
                Some(found) if found != *variable.shape() => differences.push([tensor(name, found), expected]),
                Some(_) => {}
            }
        }
        let known = |name: &String| !whole || self.variables.contains_key(name) || is_batch_count(name);
        let unexpected: BTreeSet<String> = file.names().into_iter().filter(|name| !known(name)).collect();
        let unexpected = unexpected.iter().map(|name| tensor(name, file.shape(name).expect("it is among the names")));
        let (mut unexpected, mut missing) = (unexpected.fuse(), missing.into_iter().fuse());
        let sides = std::iter::from_fn(|| Some([unexpected.next().flatten(), missing.next().flatten()]));
        differences.extend(sides.take_while(|sides| sides.iter().any(Option::is_some)));
        differences
    }
}

/// The text that [`Checkpoint::save`] put into the file under this key; None if there is none.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`], [`Error::Damaged`].
pub fn metadata(path: &Path, key: &str) -> Result<Option<String>, Error> {
    let file = open(path)?;
    let text = file.text(key).cloned();
    file.finish(|_| false)?;
    Ok(text)
}

/// How many numbers the tensors have whose names begin with `prefix`. That tells the size of a model before there is one.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`].
pub fn count(path: &Path, prefix: &str) -> Result<usize, Error> {
    let file = open(path)?;
    let names = file.names();
    let counts = names.iter().filter(|name| name.starts_with(prefix)).map(|name| file.count(name));
    Ok(counts.fold(0, usize::saturating_add))
}

/// The shape of the tensor of this name, if the file has it.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`].
pub fn shape(path: &Path, name: &str) -> Result<Option<Shape>, Error> {
    Ok(open(path)?.shape(name))
}

/// PyTorch's batch norm counts its batches; nothing here reads the count, so it may be in a file that PyTorch wrote.
fn is_batch_count(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}

fn open(path: &Path) -> Result<Reader<'_, BufReader<File>>, Error> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Reader::new(path, BufReader::new(file))
}
