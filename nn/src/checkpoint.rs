//! Variables saved and loaded as safetensors files, which PyTorch reads and writes too.
//!
//! The same values give the same bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::{fs, io};

use autograd::{Shape, Tensor, Variable};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::Error;
use crate::files::write_whole;

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

    /// Writes the present values, and one `(key, value)` of text for whoever loads them. There is only one because the
    /// format keeps these in no order: a value with inner order, such as JSON, makes files equal byte by byte.
    ///
    /// # Errors
    /// [`Error::Write`], after which what was at `path` before is still there.
    pub fn save(&self, path: &Path, metadata: Option<(&str, &str)>) -> Result<(), Error> {
        let contents: Vec<(&str, &Shape, Vec<u8>)> = self
            .variables
            .iter()
            .map(|(name, variable)| Ok((name.as_str(), variable.shape(), little_endian(&variable.read()?))))
            .collect::<Result<_, Error>>()?;
        let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_owned(), value.to_owned())]));
        let views: Result<Vec<_>, _> = contents
            .iter()
            .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
            .collect();
        let bytes = views
            .and_then(|views| safetensors::serialize(views, metadata))
            .map_err(|error| Error::Write { path: path.to_owned(), source: io::Error::other(error) })?;
        write_whole(path, &bytes)
    }

    /// Gives every Variable the value that the file has for it.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Malformed`]; [`Error::Names`], [`Error::Shape`] or [`Error::Type`] where the file is
    /// of another model. No Variable is changed then.
    pub fn load(&self, path: &Path) -> Result<(), Error> {
        self.load_from(&read(path)?, path, true)
    }

    /// As [`load`](Checkpoint::load), from a file that may hold more: the generator out of a training's checkpoint.
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load), unexpected names excepted.
    pub fn load_part(&self, path: &Path) -> Result<(), Error> {
        self.load_from(&read(path)?, path, false)
    }

    /// As [`load`](Checkpoint::load), from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// As [`load`](Checkpoint::load).
    pub fn load_bytes(&self, bytes: &[u8], path: &Path) -> Result<(), Error> {
        self.load_from(bytes, path, true)
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

    fn load_from(&self, bytes: &[u8], path: &Path, whole: bool) -> Result<(), Error> {
        let file = parse(path, bytes)?;
        self.check_names(path, &file, whole)?;
        let tensors = self.variables.iter().map(|(name, variable)| tensor(path, &file, name, variable.shape()));
        let tensors: Vec<Tensor> = tensors.collect::<Result<_, _>>()?;
        for (variable, tensor) in self.variables.values().zip(&tensors) {
            variable.write(tensor)?;
        }
        Ok(())
    }

    fn check_names(&self, path: &Path, file: &SafeTensors, whole: bool) -> Result<(), Error> {
        let there = file.names();
        let missing: Vec<String> =
            self.variables.keys().filter(|name| !there.contains(&name.as_str())).cloned().collect();
        let known = |name: &str| !whole || self.variables.contains_key(name) || is_batch_count(name);
        let unexpected = there.into_iter().filter(|name| !known(name));
        let mut unexpected: Vec<String> = unexpected.map(str::to_owned).collect();
        unexpected.sort_unstable();
        match missing.is_empty() && unexpected.is_empty() {
            true => Ok(()),
            false => Err(Error::Names { path: path.to_owned(), missing, unexpected }),
        }
    }
}

/// The text that [`Checkpoint::save`] put into the file under this key; None if there is none.
///
/// # Errors
/// [`Error::Read`], [`Error::Malformed`].
pub fn metadata(path: &Path, key: &str) -> Result<Option<String>, Error> {
    let bytes = read(path)?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| malformed(path, &error))?;
    Ok(header.metadata().as_ref().and_then(|metadata| metadata.get(key).cloned()))
}

/// PyTorch's batch norm counts its batches; nothing here reads the count, so it may be in a file that PyTorch wrote.
fn is_batch_count(name: &str) -> bool {
    name.ends_with(".num_batches_tracked")
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>, Error> {
    SafeTensors::deserialize(bytes).map_err(|error| malformed(path, &error))
}

fn malformed(path: &Path, error: &safetensors::SafeTensorError) -> Error {
    Error::Malformed { path: path.to_owned(), reason: error.to_string() }
}

/// The tensor of this name, if it holds f32 numbers in this shape.
fn tensor(path: &Path, file: &SafeTensors, name: &str, expected: &Shape) -> Result<Tensor, Error> {
    let view = file.tensor(name).map_err(|error| malformed(path, &error))?;
    let (path, name, found) = (path.to_owned(), name.to_owned(), Shape::from(view.shape()));
    if view.dtype() != Dtype::F32 {
        return Err(Error::Type { path, name, found: view.dtype().to_string() });
    }
    if found != *expected {
        return Err(Error::Shape { path, name, expected: expected.clone(), found });
    }
    let (words, _) = view.data().as_chunks::<4>();
    Ok(Tensor::new(found, words.iter().map(|&word| f32::from_le_bytes(word)).collect())?)
}

fn little_endian(tensor: &Tensor) -> Vec<u8> {
    tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect()
}
