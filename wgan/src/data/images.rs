//! A folder of images, PNG or JPEG, of any sizes: each is cut to a square about its centre and scaled, so that all have one
//! shape.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::{fs, io, mem};

use autograd::Shape;
use nn::files::excerpt;
use rayon::prelude::*;

use super::idx_folder::{self, ANY, TRAIN};
use super::raster::decode;
use super::{ColourMode, Dataset, MOST_CLASSES};
use crate::error::{cannot_read, cannot_use};
use crate::{Error, Result};

/// The images in `place` and the folders in it, as `[colours, size, size]`. What is transparent lies on white. Those that
/// cannot be used are left out if `skip_bad`. If `classes`, an image's is the folder in `place` that it is in or below.
///
/// # Errors
/// [`Error::NoData`] if there is none, or one in no class or a class without any; [`Error::Data`] with all that cannot be used.
pub fn load(place: &Path, size: usize, colour: ColourMode, skip_bad: bool, classes: bool) -> Result<Dataset> {
    let no_data = |problem| Error::NoData { folder: place.to_owned(), problem };
    if let Some(problem) = idx_folder::no_folder(place) {
        return Err(no_data(problem));
    }
    let mut found = Found::default();
    found.search(place)?;
    let files = mem::take(&mut found.files);
    let (mut images, mut used, mut bytes, mut bad) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in files.chunks(256) {
        let read: Vec<_> = part.par_iter().map(|path| read(path, size, colour)).collect();
        for (path, image) in part.iter().zip(read) {
            match image {
                Ok(image) if image.is_ours => found.leave_out("picture{s} that wgan made"),
                Ok(mut image) => {
                    bytes.extend(mem::take(&mut image.bytes));
                    images.push(image);
                    used.push(path.as_path());
                }
                Err(problem) => {
                    bad.push((path.as_path(), problem));
                    found.leave_out("image{s} that cannot be used");
                }
            }
        }
    }
    if !bad.is_empty() && !skip_bad {
        return Err(complaint(place, &bad, files.len()));
    }
    let left_out = found.left_out();
    if images.is_empty() {
        let left_out = left_out.map_or_else(String::new, |left_out| format!(" ({left_out})"));
        let has_idx = idx_folder::has_images(ANY, place, TRAIN);
        let meant = if has_idx { "; to learn the IDX files in it, leave --dataset images out" } else { "" };
        let looked_for = "looked for files whose names end in .png, .jpg or .jpeg";
        return Err(no_data(format!("holds no images: {looked_for}{left_out}{meant}")));
    }
    let shape = Shape::from([colour.channels(), size, size]);
    let mut data = Dataset::from_bytes(&place.display().to_string(), shape, bytes);
    if classes {
        let (names, labels) = sub_folders(place, &used).map_err(no_data)?;
        data = data.labelled(names, labels);
    }
    Ok(Dataset { notes: left_out.into_iter().collect(), warnings: warnings(place, &bad, &images, size), ..data })
}

/// The folders in `place`, which are the classes, and the number of the one that each of the images is in or below.
fn sub_folders(place: &Path, images: &[&Path]) -> Result<(Vec<String>, Vec<u8>), String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> =
        entries.filter(|path| path.is_dir() && !is_hidden(path) && !is_ours(path)).collect();
    folders.sort();
    let name = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default();
        let unreadable =
            || format!("holds the folder {}, whose name is no text; rename it", excerpt(&name.to_string_lossy()));
        name.to_str().map(str::to_owned).ok_or_else(unreadable)
    };
    let names = folders.iter().map(name).collect::<Result<Vec<String>, _>>()?;
    if folders.is_empty() {
        return Err("holds no folders, whose names would be the classes; leave --conditional out".to_owned());
    }
    if folders.len() > MOST_CLASSES {
        return Err(format!(
            "holds {} folders, which would be classes, but no more than {MOST_CLASSES} can be",
            folders.len()
        ));
    }
    let number = |image: &&Path| {
        let folder = folders.iter().position(|folder| image.starts_with(folder));
        folder.map(|number| number as u8).ok_or_else(|| {
            let file = image.file_name().unwrap_or_default().to_string_lossy();
            format!(
                "holds images beside folders, as {}, which are of no class; move each into one of them",
                excerpt(&file)
            )
        })
    };
    let labels = images.iter().map(number).collect::<Result<Vec<u8>, _>>()?;
    if let Some(empty) = (0..folders.len()).find(|&number| !labels.contains(&(number as u8))) {
        let name = excerpt(&names[empty]);
        return Err(format!("holds no images in {name}, which would be a class; fill or remove it"));
    }
    Ok((names, labels))
}

/// Whether [`load`] would find files to read in a folder, as far as so many folders deep.
pub fn are_in(folder: &Path, depth: usize) -> bool {
    let is_read = |path: &Path| kind_of(path) == Some(READ) && path.is_file();
    let paths = || fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    paths().any(|path| is_read(&path)) || depth > 0 && paths().any(|path| path.is_dir() && are_in(&path, depth - 1))
}

/// What lies in a folder.
#[derive(Default)]
struct Found {
    /// What may be an image.
    files: Vec<PathBuf>,
    /// What is not read, and how often. "{s}" is where several of them have an s.
    left_out: BTreeMap<&'static str, usize>,
    /// Where it has been: links may lead in a circle.
    folders: HashSet<PathBuf>,
}

impl Found {
    /// Adds the images in a folder and in those below it or linked to, in the order of their names. Names that begin with a
    /// dot are hidden.
    fn search(&mut self, folder: &Path) -> Result<()> {
        let unreadable = cannot_read(folder);
        if !self.folders.insert(fs::canonicalize(folder).map_err(&unreadable)?) {
            return Ok(());
        }
        if is_ours(folder) {
            self.leave_out("folder{s} of results of wgan");
            return Ok(());
        }
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(&unreadable)?;
        let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort(); // folders list their files in any order
        for path in paths {
            if is_hidden(&path) {
                continue;
            }
            // A pipe would be waited for without end, so nothing is opened before it is known to be a file.
            match fs::metadata(&path) {
                Ok(folder) if folder.is_dir() => self.search(&path)?,
                Ok(file) if file.is_file() => match kind_of(&path) {
                    Some(READ) => self.files.push(path),
                    Some(not_read) => self.leave_out(not_read),
                    None => {}
                },
                Ok(_) => self.leave_out("pipe{s}, socket{s} or device{s}"),
                Err(_) => self.leave_out("broken link{s}"),
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, what: &'static str) {
        *self.left_out.entry(what).or_default() += 1;
    }

    /// As "left out: 2 broken links, 1 GIF image".
    fn left_out(&self) -> Option<String> {
        let counted = |(what, &count): (&&str, &usize)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{count} {}", what.replace("{s}", plural))
        };
        let all: Vec<String> = self.left_out.iter().map(counted).collect();
        (!all.is_empty()).then(|| format!("left out: {}", all.join(", ")))
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().unwrap_or_default().to_string_lossy().starts_with('.')
}

/// Whether a folder is a run's or an experiment's: nobody means to learn from its pictures.
fn is_ours(folder: &Path) -> bool {
    let holds = |names: [&str; 2]| names.iter().all(|name| folder.join(name).is_file());
    holds(["config.toml", "metrics.csv"]) || holds(["figure.svg", "table.txt"])
}

const READ: &str = "PNG or JPEG image{s}";

/// What a name's end says of a file; None if it is no image.
fn kind_of(path: &Path) -> Option<&'static str> {
    Some(match path.extension()?.to_str()?.to_lowercase().as_str() {
        "png" | "jpg" | "jpeg" | "jpe" | "jfif" => READ,
        "webp" => "WebP image{s}",
        "gif" => "GIF image{s}",
        "bmp" => "BMP image{s}",
        "tif" | "tiff" => "TIFF image{s}",
        "heic" | "heif" => "HEIC image{s}",
        "avif" => "AVIF image{s}",
        "jxl" => "JPEG XL image{s}",
        _ => return None,
    })
}

/// A file's image, and what is to be told of it.
struct Image {
    /// One colour after the other.
    bytes: Vec<u8>,
    /// The shorter side that it had.
    side: usize,
    largest: Option<u16>,
    is_ours: bool,
}

/// Larger files are no images that could be used.
const MOST_BYTES: u64 = 1 << 29;

fn read(path: &Path, size: usize, colour: ColourMode) -> Result<Image, String> {
    let unreadable = |error: io::Error| format!("it cannot be read ({error})");
    if fs::metadata(path).map_err(unreadable)?.len() > MOST_BYTES {
        return Err(format!("it is larger than {} MiB", MOST_BYTES >> 20));
    }
    let raster = decode(&fs::read(path).map_err(unreadable)?)?;
    let (side, largest, is_ours) = (raster.side(), raster.largest, raster.is_ours);
    Ok(Image { bytes: raster.square(size, colour), side, largest, is_ours })
}

/// A file that cannot be used, and why.
type Bad<'a> = (&'a Path, String);

/// The files that cannot be used, each on a line, by their names below `place`.
fn list(place: &Path, bad: &[Bad]) -> String {
    let line = |(path, problem): &Bad| {
        let name = path.strip_prefix(place).unwrap_or(path).display().to_string();
        format!("\n  {}: {problem}", excerpt(&name))
    };
    bad.iter().map(line).collect()
}

fn complaint(place: &Path, bad: &[Bad], all: usize) -> Error {
    let advice = "--skip-bad goes on without";
    let (file, problem) = match bad {
        [(path, problem)] => (*path, format!("{problem}; {advice} it")),
        _ => {
            let (count, list) = (bad.len(), list(place, bad));
            (place, format!("{count} of its {all} images cannot be used; {advice} them:{list}"))
        }
    };
    cannot_use(&file.display().to_string())(problem)
}

fn warnings(place: &Path, bad: &[Bad], images: &[Image], size: usize) -> Vec<String> {
    let (name, mut warnings) = (place.display(), Vec::new());
    if !bad.is_empty() {
        warnings.push(format!("left out of {name}, because they cannot be used:{}", list(place, bad)));
    }
    let (count, enlarged) = (images.len(), images.iter().filter(|image| image.side < size).count());
    if enlarged > 0 {
        warnings.push(format!(
            "{enlarged} of the {count} images in {name} are smaller than --size {size} and are enlarged"
        ));
    }
    // Cameras and scanners of 10 to 14 bits make files of 16 whose upper bits are empty.
    let deep: Vec<u16> = images.iter().filter_map(|image| image.largest).collect();
    let dark: Vec<u16> = deep.iter().copied().filter(|largest| (1..0x4000).contains(largest)).collect();
    if let Some(largest) = dark.iter().max() {
        warnings.push(format!(
            "of {} images of 16 bits in {name} {} hold no value above {largest} of 65535 and are nearly black: multiply them \
             first, if they are of fewer bits",
            deep.len(),
            dark.len()
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::folder;

    fn grey(side: u32, grey: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = png::Encoder::new(&mut file, side, side);
        encoder.write_header().unwrap().write_image_data(&vec![grey; (side * side) as usize]).unwrap();
        file
    }

    fn pixels(data: &Dataset) -> Vec<f32> {
        data.samples(0..data.len()).data().iter().map(|x| (255.0 * x).round()).collect()
    }

    #[test]
    fn folders_are_searched_in_the_order_of_their_names() {
        let (ten, twenty, thirty) = (grey(1, 10), grey(1, 20), grey(1, 30));
        // The bytes say what it is, whatever the name.
        let folder = folder(&[
            ("c.PNG", &thirty),
            ("b/z.jpeg", &twenty),
            ("a.png", &ten),
            (".hidden.png", b""),
            ("notes.txt", b""),
        ]);
        let data = load(folder.path(), 1, ColourMode::Grey, false, false).unwrap();
        assert_eq!((&data.shape()[..], pixels(&data)), (&[1, 1, 1][..], vec![10.0, 20.0, 30.0]));
        assert!(data.notes.is_empty() && data.warnings().is_empty());
    }

    #[test]
    fn all_that_cannot_be_used_are_told_at_once_or_left_out() {
        let good = grey(2, 10);
        let folder = folder(&[("a.png", &good), ("b/y.png", b"no image"), ("b/z.png", &good[..30]), ("c.png", b"")]);
        let problem = load(folder.path(), 1, ColourMode::Grey, false, false).err().unwrap().to_string();
        let lines: Vec<&str> = problem.lines().collect();
        assert!(lines[0].ends_with("3 of its 4 images cannot be used; --skip-bad goes on without them:"), "{problem}");
        assert_eq!(lines[1], "  b/y.png: this is neither a PNG nor a JPEG image");
        assert!(
            lines[2].starts_with("  b/z.png: the PNG image is damaged") && lines[3] == "  c.png: the file is empty"
        );
        let data = load(folder.path(), 1, ColourMode::Grey, true, false).unwrap();
        assert_eq!((data.len(), &data.notes[..]), (1, &["left out: 3 images that cannot be used".to_owned()][..]));
        assert!(data.warnings()[0].contains("\n  b/y.png: this is neither"));
        for bad in ["a.png", "b/z.png", "c.png"] {
            fs::remove_file(folder.path().join(bad)).unwrap();
        }
        let problem = |skip| load(folder.path(), 1, ColourMode::Grey, skip, false).err().unwrap().to_string();
        let one = "b/y.png: this is neither a PNG nor a JPEG image; --skip-bad goes on without it";
        assert!(problem(false).ends_with(one), "{}", problem(false));
        assert!(problem(true).contains("holds no images"), "{}", problem(true));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_once_and_what_is_no_file_is_left_out() {
        use std::os::unix::fs::symlink;
        let image = grey(1, 10);
        let (folder, elsewhere) = (
            folder(&[("a/a.png", &image), ("b.gif", b""), ("c.webp", b""), ("d.webp", b"")]),
            folder(&[("b.png", &image)]),
        );
        let path = |name: &str| folder.path().join(name);
        symlink(elsewhere.path(), path("linked")).unwrap();
        symlink(folder.path(), path("a/circle")).unwrap();
        symlink(path("a"), path("again")).unwrap();
        symlink("nowhere.png", path("broken.png")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket.png")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe.png")).status().unwrap().success());
        let data = load(folder.path(), 1, ColourMode::Grey, false, false).unwrap();
        assert_eq!(data.len(), 2);
        let expected = "left out: 1 GIF image, 2 WebP images, 1 broken link, 2 pipes, sockets or devices";
        assert_eq!(data.notes, [expected]);
    }

    #[test]
    fn what_this_program_made_is_left_out() {
        let image = grey(1, 10);
        let sheet = crate::figure::Picture::of_samples(&autograd::Tensor::zeros([4, 1, 8, 8])).encode();
        let folder = folder(&[
            ("a.png", &image),
            ("samples.png", &sheet),
            ("runs/001/config.toml", b""),
            ("runs/001/metrics.csv", b""),
            ("runs/001/samples/step-000500.png", &image),
        ]);
        let data = load(folder.path(), 1, ColourMode::Grey, false, false).unwrap();
        let expected = "left out: 1 folder of results of wgan, 1 picture that wgan made";
        assert_eq!((data.len(), data.notes), (1, vec![expected.to_owned()]));
        let own = load(&folder.path().join("runs/001"), 1, ColourMode::Grey, false, false).err().unwrap().to_string();
        assert!(own.ends_with("(left out: 1 folder of results of wgan)"), "{own}");
    }

    #[test]
    fn small_and_dark_images_are_warned_of() {
        let mut dark = Vec::new();
        let mut encoder = png::Encoder::new(&mut dark, 8, 8);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.write_header().unwrap().write_image_data(&[15, 255].repeat(64)).unwrap();
        let folder = folder(&[("a.png", &grey(1, 10)), ("b.png", &dark)]);
        let warnings = load(folder.path(), 2, ColourMode::Grey, false, false).unwrap().warnings();
        assert!(warnings[0].starts_with("1 of the 2 images in ") && warnings[0].contains("smaller than --size 2"));
        assert!(warnings[1].contains("hold no value above 4095 of 65535"), "{warnings:?}");
        // One of all 16 bits does not hide it.
        let mut bright = Vec::new();
        let mut encoder = png::Encoder::new(&mut bright, 8, 8);
        encoder.set_depth(png::BitDepth::Sixteen);
        encoder.write_header().unwrap().write_image_data(&[255; 128]).unwrap();
        fs::write(folder.path().join("c.png"), bright).unwrap();
        let warnings = load(folder.path(), 2, ColourMode::Grey, false, false).unwrap().warnings();
        assert!(
            warnings[1].contains("of 2 images of 16 bits in ") && warnings[1].contains(" 1 hold no value above 4095")
        );
    }

    #[test]
    fn a_folder_without_images_is_told_with_what_may_have_been_meant() {
        let folder = folder(&[("idx/train-images-idx3-ubyte", b""), ("text/notes.txt", b"")]);
        let told =
            |name: &str| load(&folder.path().join(name), 1, ColourMode::Grey, false, false).err().unwrap().to_string();
        let looked_for = "holds no images: looked for files whose names end in .png, .jpg or .jpeg";
        assert!(told("text").ends_with(looked_for), "{}", told("text"));
        assert!(told("idx").ends_with("; to learn the IDX files in it, leave --dataset images out"), "{}", told("idx"));
        assert!(told("txt").contains("txt does not exist; did you mean "), "{}", told("txt"));
        assert!(told("text/notes.txt").ends_with("is a file: name the folder that it is in"));
    }
}
