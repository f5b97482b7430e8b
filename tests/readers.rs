//! Every reader on damaged files: none panics, none takes memory that its file does not account for.
//!
//! The files are mutations of those in `fuzz/corpus`, always the same ones. `fuzz/README.md` says how to try new ones.

#[path = "fuzz/readers.rs"]
mod readers;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use nn::Rng;
use rand::RngExt;
use rayon::prelude::*;
use readers::{READERS, Reader};

/// Remembers the largest piece of memory that was asked for.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does all.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static WATCHED: Watched = Watched;

/// No file of the corpus has more than 300 kB, and what is drawn of one takes a few megabytes.
const MOST_MEMORY: usize = 64 << 20;

#[test]
fn damaged_files_are_told_of() {
    let failures: Vec<String> = READERS.par_iter().flat_map_iter(failures).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What goes wrong with the files of the corpus and with mutations of them. A panic has told its own story.
fn failures(reader: &'static Reader) -> Vec<String> {
    let (name, read) = *reader;
    let (seeds, mut rng) = (seeds(name), Rng::new(0, name));
    let mutated = (0..rounds(name)).map(|round| mutated(&seeds[round % seeds.len()], &seeds, &mut rng));
    let failure = |(number, file): (usize, Vec<u8>)| {
        let panicked = catch_unwind(|| read(&file)).is_err();
        let largest = LARGEST.swap(0, Ordering::Relaxed); // it may be that of a file read beside
        (panicked || largest > MOST_MEMORY)
            .then(|| format!("{name}, file {number}: panicked {panicked}, took {largest} bytes"))
    };
    seeds.iter().cloned().chain(mutated).enumerate().filter_map(failure).collect()
}

/// As many as take a second or two.
fn rounds(format: &str) -> usize {
    match format {
        "classifier" => 600,
        "metrics" => 2000,
        _ => 8000,
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if name == "classifier" {
        return vec![fs::read(here.join("../wgan/assets/digit-classifier.safetensors")).unwrap()];
    }
    let mut files: Vec<_> =
        fs::read_dir(here.join("fuzz/corpus").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// What files break by: numbers out of range, nesting, marks of other encodings, line ends.
const TOKENS: [&[u8]; 16] = [
    b"9223372036854775808",
    b"18446744073709551615",
    b"-1",
    b"1e999",
    b"nan",
    b"null",
    b"\"",
    b"\\u0000",
    b"\x1b[2J",
    b"\xff\xfe",
    b"\r",
    b"\n\n",
    b",,,,",
    b"[[[[[[[[",
    b"{\"a\":",
    b"\xff\xff\xff\xff",
];

/// The file with one to four changes. Most are at its beginning, where headers are.
fn mutated(seed: &[u8], seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let end = if rng.random_bool(0.5) { bytes.len().min(1000) } else { bytes.len() };
        let place = rng.random_range(0..=end);
        let length = rng.random_range(0..=(bytes.len() - place).min(64));
        match rng.random_range(0..8) {
            0 => bytes.truncate(place),
            1 => drop(bytes.drain(place..place + length)),
            2 => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(place..place + length, token.iter().copied());
            }
            3 => {
                let piece = bytes[place..place + length].repeat(rng.random_range(1..40));
                bytes.splice(place..place, piece);
            }
            4 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..=other.len());
                bytes.splice(place.., other[from..].iter().copied());
            }
            5 => bytes[place..place + length].fill(rng.random()),
            6 => bytes[place..place + length].reverse(),
            _ if place < bytes.len() => bytes[place] ^= 1 << rng.random_range(0..8),
            _ => bytes.push(rng.random()),
        }
    }
    bytes
}
