//! Records: what a file of events is a sequence of (<https://www.tensorflow.org/tutorials/load_data/tfrecord>).

use crc::{CRC_32_ISCSI, Crc};

/// Bytes of a record beside its event's.
pub const FRAME: usize = 8 + 4 + 4;

/// The polynomial of Castagnoli (RFC 3720, appendix B.4).
static CRC32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The length, its checksum, the event, its checksum.
pub fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let [of_length, of_event] = [&length, event].map(|bytes| masked(CRC32C.checksum(bytes)).to_le_bytes());
    [&length, &of_length[..], event, &of_event].concat()
}

/// The events of a file, up to the first that is cut off or damaged.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::try_from(u64::from_le_bytes(*rest.first_chunk()?)).ok()?;
        let event = rest.get(12..length.checked_add(12)?)?;
        let end = event.len() + FRAME;
        let whole = rest.get(..end)? == record(event);
        rest = &rest[end..];
        whole.then_some(event)
    })
}

/// Checksums of data that hold checksums are weak, so TensorFlow's records keep them in disguise.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs (CRC-32/ISCSI).
    #[test]
    fn the_checksum_has_its_published_values() {
        assert_eq!(CRC32C.checksum(b"123456789"), 0xe306_9283);
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC32C.checksum(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(CRC32C.checksum(&ascending), 0x46dd_794e);
    }

    /// Eight bytes of length, four of its checksum, the event, four of its checksum.
    #[test]
    fn a_record_frames_its_event() {
        let bytes = record(b"abc");
        assert_eq!(bytes[..8], [3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[12..15], *b"abc");
        assert_eq!(u32::from_le_bytes(*bytes.last_chunk().unwrap()), masked(CRC32C.checksum(b"abc")));
        assert_eq!(bytes.len(), 3 + FRAME);
    }
}
