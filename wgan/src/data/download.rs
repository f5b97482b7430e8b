//! Fetching the published data sets: every file is checked against its published sum, and one that was cut off is gone on
//! with. By default it comes over plain http, for the sum tells its bytes from any others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use super::cifar;
use crate::error::{cannot_read, cannot_write};
use crate::{Error, Result};

/// A data set that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// 60,000 handwritten digits, and 10,000 to test on.
    Mnist,
    /// As many pieces of clothing.
    FashionMnist,
    /// 50,000 photographs, and 10,000 to test on.
    Cifar10,
}

/// A file to be fetched.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where it is: `https://…` or `http://…`.
    pub address: String,
    /// Its MD5 sum, in lower-case hexadecimal digits.
    pub md5: String,
    /// Its bytes; no more are received.
    pub length: u64,
}

/// Whether the program can speak https.
const HTTPS: bool = cfg!(feature = "https");

/// A server that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);

impl Published {
    /// Where its files are.
    fn address(self) -> &'static str {
        match self {
            Published::Mnist if HTTPS => "https://storage.googleapis.com/cvdf-datasets/mnist",
            Published::Mnist => "http://storage.googleapis.com/cvdf-datasets/mnist",
            Published::FashionMnist => "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            Published::Cifar10 if HTTPS => "https://www.cs.toronto.edu/~kriz",
            Published::Cifar10 => "http://www.cs.toronto.edu/~kriz",
        }
    }

    /// The names of its files, their MD5 sums and their lengths.
    fn files(self) -> &'static [(&'static str, &'static str, u64)] {
        match self {
            Published::Mnist => &[
                ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
                ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
                ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
                ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4542),
            ],
            Published::FashionMnist => &[
                ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
                ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
                ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
                ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5148),
            ],
            Published::Cifar10 => &[(cifar::ARCHIVE, "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171)],
        }
    }
}

/// Fetches what `folder` does not hold of a data set's files, from `mirror` or else from where they are published, and unpacks
/// an archive.
///
/// # Errors
/// As [`fetch`], and [`Error::Setting`] for a mirror that is no address.
pub fn download(dataset: Published, folder: &Path, mirror: Option<&str>) -> Result<()> {
    let address = mirror.unwrap_or(dataset.address()).trim_end_matches('/');
    check_address(address)?;
    fs::create_dir_all(folder).map_err(cannot_write(folder))?;
    for &(name, md5, length) in dataset.files() {
        let remote = Remote { address: format!("{address}/{name}"), md5: md5.to_owned(), length };
        fetch(&remote, &folder.join(name))?;
    }
    match dataset {
        Published::Mnist | Published::FashionMnist => Ok(()),
        Published::Cifar10 => cifar::unpack(folder),
    }
}

fn check_address(address: &str) -> Result<()> {
    let reason = match address.split_once("://") {
        Some(("http", _)) => return Ok(()),
        Some(("https", _)) if HTTPS => return Ok(()),
        Some(("https", _)) => {
            "this wgan is built without https: name an address with http, or build with --features https"
        }
        _ => "an address starts with http:// or https://",
    };
    Err(Error::impossible("mirror", address, reason))
}

/// Fetches a file to `path`, unless it is there already. What arrives is kept beside it in `{path}.part`, where a further
/// call goes on if this one is cut off, and gets its name only if its sum is right.
///
/// # Errors
/// [`Error::Download`] if the server cannot be reached, does not have the file, breaks off, or sends other bytes;
/// [`Error::Write`] if there is no room for it.
pub fn fetch(remote: &Remote, path: &Path) -> Result<()> {
    let has_its_length = path.metadata().is_ok_and(|file| file.is_file() && file.len() == remote.length);
    if has_its_length && md5_sum(path)? == remote.md5 {
        return Ok(());
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let unwritable = cannot_write(part);
    let mut file = open_part(part, remote.length).map_err(&unwritable)?;
    remote.receive(part, &mut file)?;
    let (sum, expected) = (md5_sum(part)?, &remote.md5);
    if sum != *expected {
        fs::remove_file(part).map_err(&unwritable)?;
        return Err(remote.error(format!(
            "what came has the MD5 sum {sum}, not {expected}, and is removed; run the same command again, or name another \
             --mirror"
        )));
    }
    // Renaming before the bytes are on the disk could leave an empty file after a power failure.
    file.sync_all().and_then(|()| fs::rename(part, path)).map_err(&unwritable)
}

fn md5_sum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(cannot_read(path))?;
    Ok(format!("{:x}", md5::compute(bytes)))
}

/// The beginning of a file that an earlier call has left at `part`, of a file of no more than `most` bytes, or nothing yet.
/// What a link there leads to is not written to.
fn open_part(part: &Path, most: u64) -> io::Result<File> {
    let is_ours = |found: fs::Metadata| found.is_file() && found.len() <= most;
    if part.symlink_metadata().is_ok_and(|found| !is_ours(found)) {
        fs::remove_file(part)?;
    }
    OpenOptions::new().append(true).create(true).open(part)
}

impl Remote {
    /// Adds to `file`, which is open at `part`, what it lacks.
    fn receive(&self, part: &Path, file: &mut File) -> Result<()> {
        let unwritable = cannot_write(part);
        let mut done = file.metadata().map_err(&unwritable)?.len();
        let response = self.request(done)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            // The server sends all of it, whatever it is asked for.
            StatusCode::OK => {
                file.set_len(0).map_err(&unwritable)?;
                done = 0;
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()), // there is no more
            StatusCode::NOT_FOUND => return Err(self.error("the server has no such file (404); name another --mirror")),
            status => {
                let advice = "try again later, or name another --mirror";
                return Err(self.error(format!("the server answers {status}; {advice}")));
            }
        }
        let total = response.body().content_length().map(|rest| done + rest);
        let bar = bar(part, done, total);
        let (mut bytes, mut buffer) = (response.into_body().into_reader(), vec![0; 1 << 16]);
        loop {
            let count = bytes.read(&mut buffer).map_err(|error| {
                let total_note = total.map_or_else(String::new, |total| format!(" of {total}"));
                self.error(format!(
                    "the connection broke off after {done}{total_note} bytes ({error}); run the same command again, and it goes on \
                     from there"
                ))
            })?;
            if count == 0 {
                break;
            }
            done += count as u64;
            if done > self.length {
                fs::remove_file(part).map_err(&unwritable)?;
                return Err(self.error(format!(
                    "the server sends more than the {} bytes that the file has, which are removed; name another --mirror",
                    self.length
                )));
            }
            file.write_all(&buffer[..count]).map_err(&unwritable)?;
            bar.set_position(done);
        }
        bar.abandon(); // as it is, on a line of its own
        Ok(())
    }

    /// Asks for the bytes after the first `done`.
    fn request(&self, done: u64) -> Result<Response<Body>> {
        let config = Agent::config_builder().http_status_as_error(false);
        let config = config.timeout_connect(Some(PATIENCE)).timeout_per_read(Some(PATIENCE)).build();
        let mut request = config.new_agent().get(&self.address);
        if done > 0 {
            request = request.header(header::RANGE, format!("bytes={done}-"));
        }
        request.call().map_err(|error| {
            let cause = match error {
                ureq::Error::Io(error) => error.to_string(),
                ureq::Error::TlsRequired => "it wants https, which needs a build with --features https".to_owned(),
                error => error.to_string(),
            };
            let advice = "check the network, then run the same command again";
            self.error(format!("the server cannot be reached ({cause}); {advice}"))
        })
    }

    fn error(&self, problem: impl Into<String>) -> Error {
        Error::Download { address: self.address.clone(), problem: problem.into() }
    }
}

/// A bar on a terminal, nothing elsewhere.
fn bar(path: &Path, done: u64, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{msg}  {wide_bar:.cyan} {bytes}/{total_bytes}  {bytes_per_sec}",
        None => "{msg}  {bytes}  {bytes_per_sec}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is valid").progress_chars("━╸─");
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style).with_message(name).with_position(done)
}
