//! The encoding of Protocol Buffers (<https://protobuf.dev/programming-guides/encoding>), as far as events need it: a message
//! is its fields, one after the other. Each function here makes a field: its number and kind, then what it holds.

/// Kinds of fields.
pub const INT: u64 = 0;
pub const EIGHT_BYTES: u64 = 1;
pub const BYTES: u64 = 2;
pub const FOUR_BYTES: u64 = 5;

pub fn int(number: u64, value: u64) -> Vec<u8> {
    field(number, INT, &varint(value))
}

pub fn double(number: u64, value: f64) -> Vec<u8> {
    field(number, EIGHT_BYTES, &value.to_le_bytes())
}

pub fn float(number: u64, value: f32) -> Vec<u8> {
    field(number, FOUR_BYTES, &value.to_le_bytes())
}

/// Text, a file, another message or a row of numbers.
pub fn bytes(number: u64, value: &[u8]) -> Vec<u8> {
    field(number, BYTES, &[&varint(value.len() as u64), value].concat())
}

fn field(number: u64, kind: u64, content: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | kind), content].concat()
}

/// Seven bits in a byte, the lowest first; the eighth says that more follow.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of <https://protobuf.dev/programming-guides/encoding>.
    #[test]
    fn fields_are_encoded_as_published() {
        assert_eq!([int(1, 150), bytes(2, b"testing")].concat(), b"\x08\x96\x01\x12\x07testing");
    }
}
