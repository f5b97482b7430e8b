//! The encoding of Protocol Buffers (<https://protobuf.dev/programming-guides/encoding>), as far as events need it.

/// A message of Protocol Buffers: fields one after the other, each led by its number and its kind.
#[derive(Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// Seven bits in a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub fn int(&mut self, field: u64, number: u64) {
        self.varint(field << 3 | INT);
        self.varint(number);
    }

    pub fn double(&mut self, field: u64, number: f64) {
        self.varint(field << 3 | EIGHT_BYTES);
        self.0.extend(number.to_le_bytes());
    }

    pub fn float(&mut self, field: u64, number: f32) {
        self.varint(field << 3 | FOUR_BYTES);
        self.0.extend(number.to_le_bytes());
    }

    pub fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    pub fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut message = Message::default();
        fill(&mut message);
        self.bytes(field, &message.0);
    }

    pub fn doubles(&mut self, field: u64, numbers: impl Iterator<Item = f64>) {
        self.bytes(field, &numbers.flat_map(f64::to_le_bytes).collect::<Vec<u8>>());
    }
}

/// Kinds of fields.
pub const INT: u64 = 0;
pub const EIGHT_BYTES: u64 = 1;
pub const BYTES: u64 = 2;
pub const FOUR_BYTES: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of <https://protobuf.dev/programming-guides/encoding>.
    #[test]
    fn fields_are_encoded_as_published() {
        let mut message = Message::default();
        message.int(1, 150);
        message.bytes(2, b"testing");
        assert_eq!(message.0, b"\x08\x96\x01\x12\x07testing");
    }
}
