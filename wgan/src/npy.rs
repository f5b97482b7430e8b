//! NumPy's array files, version 1.0.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::fs::File;
use std::io::Read;
use std::path::Path;

use autograd::{Shape, Tensor};
use nn::files::excerpt;

use crate::Result;
use crate::error::{cannot_read, cannot_use};

/// Longer headers belong to no plain array.
const LONGEST_HEADER: u64 = 1 << 16;

/// The preamble is padded to a multiple of this.
const ALIGNMENT: usize = 64;

/// The bytes of an `.npy` file with the elements of `array`: little-endian f32, row-major.
///
/// ```
/// use autograd::Tensor;
/// let bytes = wgan::npy::encode(&Tensor::zeros([3, 2]));
/// assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"));
/// assert_eq!(bytes.len(), 128 + 3 * 2 * 4);
/// ```
pub fn encode(array: &Tensor) -> Vec<u8> {
    // A tuple of one element needs its comma; more may have one.
    let shape: String = array.shape().iter().map(|extent| format!("{extent}, ")).collect();
    let description = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    let preamble = 10 + description.len() + 1;
    let length = preamble.next_multiple_of(ALIGNMENT) - 10;

    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{description:<width$}\n", width = length - 1).into_bytes());
    bytes.extend(array.data().iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

/// The array in the file at `path`, which may hold as many as `most` numbers.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read), or [`Error::Data`](crate::Error::Data) if it is none of f32 or f64 in row-major order.
pub fn read(path: &Path, most: usize) -> Result<Tensor> {
    let (mut bytes, longest) = (Vec::new(), LONGEST_HEADER + size_of::<f64>() as u64 * most as u64);
    let read = File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes));
    read.map_err(cannot_read(path))?;
    let too_many = || Err(format!("it holds more than {most} numbers"));
    let array = if bytes.len() as u64 > longest { too_many() } else { decode(&bytes) };
    let array = array.and_then(|array| if array.data().len() > most { too_many() } else { Ok(array) });
    array.map_err(cannot_use(&path.display().to_string()))
}

/// The array in the bytes of an `.npy` file of little-endian f32 or f64, or why there is none.
///
/// ```
/// use autograd::Tensor;
/// let array = Tensor::from_fn([3, 2], |i| i as f32);
/// assert_eq!(wgan::npy::decode(&wgan::npy::encode(&array)), Ok(array));
/// ```
pub fn decode(bytes: &[u8]) -> Result<Tensor, String> {
    let preamble = bytes.strip_prefix(b"\x93NUMPY").ok_or("it is no array of NumPy's")?;
    let (header, numbers) = match *preamble {
        [1, _, a, b, ref rest @ ..] => rest.split_at_checked(u16::from_le_bytes([a, b]).into()),
        [2 | 3, _, a, b, c, d, ref rest @ ..] => rest.split_at_checked(u32::from_le_bytes([a, b, c, d]) as usize),
        [version @ (0 | 4..), ..] => {
            return Err(format!("it has version {version} of the format, but 1 to 3 are known"));
        }
        _ => None,
    }
    .ok_or("it ends within its header")?;
    let header = String::from_utf8_lossy(header);
    let field = |key: &str| {
        let found = header.split_once(&format!("'{key}': ")).map(|(_, rest)| rest);
        found.ok_or_else(|| format!("its header tells no {key}, so it is not as NumPy writes it"))
    };
    let (kind, order) = (field("descr")?, field("fortran_order")?);
    if order.starts_with("True") {
        return Err("its rows do not follow each other; save numpy.ascontiguousarray of it".to_owned());
    }
    let shape = field("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')')).and_then(|(extents, _)| {
        let extents = extents.split(',').map(str::trim).filter(|extent| !extent.is_empty());
        extents.map(|extent| extent.parse().ok()).collect::<Option<Vec<usize>>>()
    });
    let shape = Shape::from(shape.ok_or("its header tells no shape, so it is not as NumPy writes it")?);
    let numbers: Vec<f32> = if kind.starts_with("'<f4'") {
        words(numbers)?.iter().map(|&word| f32::from_le_bytes(word)).collect()
    } else if kind.starts_with("'<f8'") {
        words(numbers)?.iter().map(|&word| single(f64::from_le_bytes(word))).collect::<Result<_, _>>()?
    } else {
        let kind = excerpt(kind.split_once(", 'fortran_order'").map_or(kind, |(kind, _)| kind));
        return Err(format!("it holds numbers of the type {kind}; save array.astype(\"float32\")"));
    };
    let found = numbers.len();
    Tensor::new(&shape, numbers)
        .map_err(|_| format!("its shape is {}, but it holds {found} numbers", excerpt(&shape.to_string())))
}

/// The number in 32 bits.
fn single(x: f64) -> Result<f32, String> {
    match x as f32 {
        infinite if infinite.is_infinite() && x.is_finite() => Err(format!("{x:e} is beyond what 32 bits hold")),
        single => Ok(single),
    }
}

/// Whole numbers of so many bytes.
fn words<const BYTES: usize>(bytes: &[u8]) -> Result<&[[u8; BYTES]], String> {
    match bytes.as_chunks() {
        (words, []) => Ok(words),
        _ => Err("it ends within a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file as NumPy's `save` writes it.
    fn file(version: u8, header: &str, numbers: &[u8]) -> Vec<u8> {
        let length = header.len() as u32;
        let length = if version == 1 { (length as u16).to_le_bytes().to_vec() } else { length.to_le_bytes().to_vec() };
        [b"\x93NUMPY", &[version, 0][..], &length, header.as_bytes(), numbers].concat()
    }

    #[test]
    fn arrays_of_either_precision_and_every_version_are_read() {
        let array = Tensor::new([2, 1], vec![1.5, -0.1]).unwrap();
        let header = |kind| format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': (2, 1), }}\n");
        for version in 1..=3 {
            let single = [1.5_f32, -0.1].map(f32::to_le_bytes);
            assert_eq!(decode(&file(version, &header("<f4"), single.as_flattened())), Ok(array.clone()));
            let double = [1.5_f64, -0.1].map(f64::to_le_bytes);
            assert_eq!(decode(&file(version, &header("<f8"), double.as_flattened())), Ok(array.clone()));
        }
    }

    #[test]
    fn other_files_are_told() {
        let problem = |header: &str, numbers: &[u8]| decode(&file(1, header, numbers)).unwrap_err();
        assert_eq!(decode(b"PK").unwrap_err(), "it is no array of NumPy's");
        assert_eq!(decode(b"\x93NUMPY\x01\x00\x80\x00{").unwrap_err(), "it ends within its header");
        assert_eq!(
            problem("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", &[0; 8]),
            "it holds numbers of the type '<i8'; save array.astype(\"float32\")"
        );
        assert_eq!(
            problem("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", &[0; 24]),
            "its rows do not follow each other; save numpy.ascontiguousarray of it"
        );
        let square = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
        assert_eq!(problem(square, &[0; 12]), "its shape is [2, 2], but it holds 3 numbers");
        assert_eq!(problem(square, &[0; 15]), "it ends within a number");
        for header in ["", "{'descr': '<f4', 'shape': (2, 2), }", "{'data': 'of somebody else'}"] {
            assert!(problem(header, &[0; 16]).ends_with("so it is not as NumPy writes it"), "{header}");
        }
        assert_eq!(
            decode(b"\x93NUMPY\x09\x00\x02\x00{}").unwrap_err(),
            "it has version 9 of the format, but 1 to 3 are known"
        );
        assert_eq!(
            problem("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", &1e300_f64.to_le_bytes()),
            "1e300 is beyond what 32 bits hold"
        );
        assert_eq!(
            problem("{'descr': [('a', '<f4'), ('b', '<f8')], 'fortran_order': False, 'shape': (1,), }", &[0; 12]),
            "it holds numbers of the type [('a', '<f4'), ('b', '<f8')]; save array.astype(\"float32\")"
        );
    }

    /// Of numbers of four bytes as of those of eight, for whose sake twice as many bytes are read.
    #[test]
    fn no_more_numbers_are_taken_than_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("z.npy");
        std::fs::write(&path, encode(&Tensor::zeros([3, 2]))).unwrap();
        assert!(read(&path, 6).is_ok());
        assert!(read(&path, 5).unwrap_err().to_string().ends_with("z.npy: it holds more than 5 numbers"));
    }

    #[test]
    fn the_header_says_type_order_and_shape() {
        let array = Tensor::from_fn([2, 28, 28], |i| i as f32 / 7.0);
        let bytes = encode(&array);
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let header = str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert_eq!(header.trim_end(), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 28, 28,), }");
        assert!(header.ends_with('\n') && (10 + length).is_multiple_of(64));
        let elements: Vec<f32> =
            bytes[10 + length..].chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(elements, array.data());
    }

    #[test]
    fn tuples_of_every_length_are_python() {
        let header = |shape: &[usize]| String::from_utf8_lossy(&encode(&Tensor::zeros(shape))[10..]).into_owned();
        assert!(header(&[]).contains("'shape': ()"));
        assert!(header(&[3]).contains("'shape': (3,)"));
        assert!(header(&[3, 2]).contains("'shape': (3, 2,)"));
    }
}
