//! Samples as single pictures, which other programs read: a folder of PNG files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nn::files::PARTIAL;
use rayon::prelude::*;

use super::Sampler;
use crate::error::{cannot_read, cannot_write};
use crate::pictures::single;
use crate::{Error, Result};

/// Writes `count` images as `0000.png`, `0001.png` … into a new or an empty folder, as many digits as the last one needs, each
/// image in its own size. They are written beside the folder and moved there together: it has all of them or does not exist.
///
/// # Errors
/// [`Error::Setting`] if the folder holds something or is none, [`Error::Write`], or as [`Sampler::draw`].
pub fn folder(sampler: &Sampler, count: usize, seed: u64, path: &Path) -> Result<()> {
    check_free(path)?;
    let beside = beside(path)?;
    remove(&beside)?; // of a process that was killed
    let written = write(sampler, count, seed, &beside).and_then(|()| take_place(&beside, path));
    written.inspect_err(|_| drop(remove(&beside)))
}

/// Whether nothing is in the way: images that are there already would be mixed with others, or be half overwritten.
fn check_free(path: &Path) -> Result<()> {
    let impossible = |reason| Err(Error::impossible("out", path.display(), reason));
    match fs::read_dir(path).map(Iterator::count) {
        Ok(1..) => impossible("the folder is not empty; name another one"),
        Ok(0) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            impossible("there is a file of that name; name another folder")
        }
        Err(error) => Err(cannot_read(path)(error)),
    }
}

/// `{path}.partial`
fn beside(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(Error::impossible("out", path.display(), "it has no name of its own; name a new folder"));
    };
    let mut partial = name.to_owned();
    partial.push(PARTIAL);
    Ok(path.with_file_name(partial))
}

fn write(sampler: &Sampler, count: usize, seed: u64, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(cannot_write(folder))?;
    let digits = (count - 1).to_string().len().max(4);
    let mut number = 0;
    for part in sampler.draw_in_parts(count, seed)? {
        let pictures: Vec<_> = single(&part?).into_iter().enumerate().collect();
        pictures.par_iter().try_for_each(|(i, picture)| {
            let path = folder.join(format!("{:0digits$}.png", number + i));
            fs::write(&path, picture.encode()).map_err(cannot_write(&path))
        })?;
        number += pictures.len();
    }
    Ok(())
}

fn take_place(beside: &Path, path: &Path) -> Result<()> {
    let emptied = match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    emptied.and_then(|()| fs::rename(beside, path)).map_err(cannot_write(path))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(folder)(error)),
        _ => Ok(()),
    }
}
