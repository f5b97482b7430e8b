//! NumPy's array files, version 1.0.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use autograd::Tensor;

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

#[cfg(test)]
mod tests {
    use super::*;

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
