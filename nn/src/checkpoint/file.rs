//! The layout of safetensors files (<https://github.com/huggingface/safetensors>): the length of a header, the header in
//! JSON, and the tensors' bytes one after the other.
//!
//! A file vouches for itself: its header has the CRC-32 of all its bytes, the digits of the sum itself taken for zeros.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use autograd::{Shape, Tensor};
use crc32fast::Hasher;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::Error;
use crate::files::excerpt;

/// The key of the checksum among a file's metadata: eight hexadecimal digits. Files of other programs have none.
pub const CHECKSUM: &str = "crc32";

/// The sum before it is known.
const ZEROS: &str = "00000000";

/// Headers of more bytes belong to no model.
const LONGEST_HEADER: u64 = 1 << 24;

/// A file of these tensors and metadata. Keys and names are written in order, so the same values give the same bytes.
///
/// # Errors
/// If a name or a text has no JSON, of which no case is known.
pub fn encode(tensors: &[(String, Tensor)], metadata: Option<(&str, &str)>) -> io::Result<Vec<u8>> {
    let metadata: BTreeMap<&str, &str> = [(CHECKSUM, ZEROS)].into_iter().chain(metadata).collect();
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let begin = end;
        end += size_of_val(tensor.data());
        let info = TensorInfo { dtype: Dtype::F32, shape: tensor.shape().to_vec(), data_offsets: (begin, end) };
        Ok(format!(",{}:{}", serde_json::to_string(name)?, serde_json::to_string(&info)?))
    });
    let infos: String = infos.collect::<io::Result<_>>()?;
    let mut header = format!("{{\"__metadata__\":{}{infos}}}", serde_json::to_string(&metadata)?);
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len())); // tensors lie aligned

    let mut bytes = Vec::with_capacity(8 + header.len() + end);
    bytes.extend((header.len() as u64).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(tensors.iter().flat_map(|(_, tensor)| tensor.data()).flat_map(|x| x.to_le_bytes()));
    let digits = 8 + digits(header.as_bytes()).expect("the header has a sum");
    let sum = format!("{:08x}", crc32fast::hash(&bytes));
    bytes[digits..digits + ZEROS.len()].copy_from_slice(sum.as_bytes());
    Ok(bytes)
}

/// Where the digits of the sum stand in a header. Within a text the quotes would be escaped.
fn digits(header: &[u8]) -> Option<usize> {
    let before = format!("\"{CHECKSUM}\":\"");
    let found = header.windows(before.len()).position(|window| window == before.as_bytes())?;
    let begin = found + before.len();
    (header.get(begin + ZEROS.len()) == Some(&b'"')).then_some(begin)
}

/// A file being read from its beginning: its header is there, its tensors are still to come. Nothing is taken into memory
/// because a file claims to hold it, only what the caller asks for.
pub struct Reader<'a, R> {
    path: &'a Path,
    header: Metadata,
    /// The sum of what has been read.
    sum: Hasher,
    source: R,
}

impl<'a, R: Read> Reader<'a, R> {
    /// Reads the header of the file that errors call `path`.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Malformed`] if it is none.
    pub fn new(path: &'a Path, mut source: R) -> Result<Self, Error> {
        let malformed = |reason: String| Error::Malformed { path: path.to_owned(), reason };
        let mut length = [0; 8];
        source.read_exact(&mut length).map_err(cut_off(path, "before its header"))?;
        let bytes = u64::from_le_bytes(length);
        if bytes > LONGEST_HEADER {
            return Err(malformed(format!("its header would have {bytes} bytes")));
        }
        let mut text = Vec::new();
        source.by_ref().take(bytes).read_to_end(&mut text).map_err(cut_off(path, "within its header"))?;
        if text.len() as u64 != bytes {
            return Err(malformed("it ends within its header".to_owned()));
        }
        let header: Result<Metadata, _> = serde_json::from_slice(&text);
        let header = header.map_err(|error| malformed(excerpt(&format!("its header is no description ({error})"))))?;
        if let Some(digits) = digits(&text) {
            text[digits..digits + ZEROS.len()].copy_from_slice(ZEROS.as_bytes());
        }
        let mut sum = Hasher::new();
        sum.update(&length);
        sum.update(&text);
        Ok(Reader { path, header, sum, source })
    }

    /// What errors call the file.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// The text under this key of the metadata.
    pub fn text(&self, key: &str) -> Option<&String> {
        self.header.metadata().as_ref()?.get(key)
    }

    /// The names of the tensors, in the order in which they lie in the file.
    pub fn names(&self) -> Vec<String> {
        self.header.offset_keys()
    }

    /// How many numbers the tensor of this name holds.
    pub fn count(&self, name: &str) -> usize {
        self.header.info(name).map_or(0, |info| info.shape.iter().product())
    }

    /// The shape of the tensor of this name, if there is one.
    pub fn shape(&self, name: &str) -> Option<Shape> {
        self.header.info(name).map(|info| Shape::from(&info.shape[..]))
    }

    /// Reads to the end, checks the sum if there is one, and returns the numbers of the tensors that are `wanted`; those of half
    /// precision are widened.
    ///
    /// # Errors
    /// [`Error::Type`] if they are of another type; [`Error::Read`]; [`Error::Malformed`] if the file is shorter or longer than
    /// its header says; [`Error::Damaged`].
    pub fn finish(mut self, wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Vec<f32>>, Error> {
        let (names, mut tensors) = (self.names(), BTreeMap::new());
        let of_wanted = names.iter().map(|name| wanted(name).then(|| self.widening(name)).transpose());
        let widenings = of_wanted.collect::<Result<Vec<Option<Widen>>, Error>>()?;
        for (name, widening) in names.into_iter().zip(widenings) {
            let (begin, end) = self.header.info(&name).expect("it is among the names").data_offsets;
            match widening {
                Some(widen) => {
                    let mut numbers = Vec::with_capacity(self.count(&name));
                    self.pass(end - begin, &name, |bytes| widen(bytes, &mut numbers))?;
                    tensors.insert(name, numbers);
                }
                None => self.pass(end - begin, &name, |_| ())?,
            }
        }
        let further = self.source.read(&mut [0]).map_err(cut_off(self.path, "after its last tensor"))?;
        if further != 0 {
            let reason = "it goes on after its last tensor".to_owned();
            return Err(Error::Malformed { path: self.path.to_owned(), reason });
        }
        match self.text(CHECKSUM) {
            Some(sum) if *sum != format!("{:08x}", self.sum.clone().finalize()) => {
                Err(Error::Damaged { path: self.path.to_owned() })
            }
            _ => Ok(tensors),
        }
    }

    /// How the numbers of a tensor that is there become f32.
    fn widening(&self, name: &str) -> Result<Widen, Error> {
        let found = self.header.info(name).expect("the file has this tensor").dtype;
        match found {
            Dtype::F32 => {
                Ok(|bytes, numbers| numbers.extend(words(bytes).iter().map(|&word| f32::from_le_bytes(word))))
            }
            Dtype::F16 => {
                Ok(|bytes, numbers| numbers.extend(words(bytes).iter().map(|&word| half(u16::from_le_bytes(word)))))
            }
            Dtype::BF16 => Ok(|bytes, numbers| {
                numbers.extend(words(bytes).iter().map(|&[low, high]| f32::from_le_bytes([0, 0, low, high])))
            }),
            _ => Err(Error::Type { path: self.path.to_owned(), name: name.to_owned(), found: found.to_string() }),
        }
    }

    /// Reads a tensor's bytes in pieces, all but the last of which hold whole numbers.
    fn pass(&mut self, mut length: usize, name: &str, mut piece: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut buffer = vec![0; length.min(1 << 16)];
        while length > 0 {
            let bytes = &mut buffer[..length.min(1 << 16)];
            let place = || format!("within tensor \"{}\"", excerpt(name));
            self.source.read_exact(bytes).map_err(|error| cut_off(self.path, &place())(error))?;
            self.sum.update(bytes);
            piece(bytes);
            length -= bytes.len();
        }
        Ok(())
    }
}

/// Appends the numbers in a piece of a tensor's bytes.
type Widen = fn(&[u8], &mut Vec<f32>);

/// Whole words, since pieces hold whole numbers.
fn words<const BYTES: usize>(bytes: &[u8]) -> &[[u8; BYTES]] {
    bytes.as_chunks().0
}

/// The number that is written in half precision (IEEE 754, binary16): a sign, 5 bits of the exponent e, 10 of the fraction f.
/// It is 1.f · 2^(e − 15), 0.f · 2^−14 for e = 0; of e = 31 infinity or NaN.
fn half(bits: u16) -> f32 {
    let [sign, exponent, fraction] = [bits >> 15, bits >> 10 & 31, bits & 0x3ff].map(u32::from);
    let magnitude = match exponent {
        0 => fraction as f32 / (1 << 24) as f32,
        31 => f32::from_bits(0xff << 23 | fraction << 13),
        _ => f32::from_bits((exponent + 127 - 15) << 23 | fraction << 13),
    };
    f32::from_bits(sign << 31 | magnitude.to_bits())
}

/// What to say if reading fails there: that the file is cut off, or what the system says.
fn cut_off(path: &Path, place: &str) -> impl Fn(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::Malformed { path: path.to_owned(), reason: format!("it ends {place}") },
        _ => Error::Read { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest and the largest numbers of IEEE 754's binary16, and some between.
    #[test]
    fn half_precision_is_widened() {
        let known = [
            (0x0001, 2.0_f32.powi(-24)),
            (0x03ff, 1023.0 / 1024.0 * 2.0_f32.powi(-14)),
            (0x0400, 2.0_f32.powi(-14)),
            (0x3555, 0.333_251_95),
            (0x3c00, 1.0),
            (0x3c01, 1.0 + 1.0 / 1024.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ];
        known.into_iter().for_each(|(bits, number)| assert_eq!(half(bits), number, "{bits:x}"));
        assert!(half(0x8000) == 0.0 && half(0x8000).is_sign_negative() && half(0x7e00).is_nan());
    }
}
