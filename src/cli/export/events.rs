//! TensorBoard's event files: Protocol Buffers messages `Event` (tensorflow/core/util/event.proto, `Summary` in
//! tensorflow/core/framework/summary.proto) in TFRecord frames (tensorflow/core/lib/io/record_writer.h).

use super::scalars::Scalar;

/// The bytes of an event file.
pub fn file(scalars: &[Scalar]) -> Vec<u8> {
    let mut bytes = Vec::new();
    record(&mut bytes, &version());
    scalars.iter().for_each(|scalar| record(&mut bytes, &event(scalar)));
    bytes
}

/// A frame: length, check sum of the length, data, check sum of the data; little end first.
fn record(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked(data).to_le_bytes());
}

/// CRC-32C, turned and shifted, so that the check sum of data that holds check sums is none of them.
fn masked(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The first event of a file: which format it has.
fn version() -> Vec<u8> {
    let mut event = Vec::new();
    bytes(&mut event, 3, b"brain.Event:2");
    event
}

/// `Event { wall_time = 1, step = 2, summary = 5 }` with one `Summary.Value { tag = 1, simple_value = 2 }`.
fn event(scalar: &Scalar) -> Vec<u8> {
    let mut value = Vec::new();
    bytes(&mut value, 1, scalar.tag.as_bytes());
    // Of a choice of kinds: told even where it is 0.
    key(&mut value, 2, FIXED_32);
    value.extend((scalar.value as f32).to_le_bytes());
    let mut summary = Vec::new();
    bytes(&mut summary, 1, &value);
    let mut event = Vec::new();
    if scalar.unix_s.to_bits() != 0 {
        key(&mut event, 1, FIXED_64);
        event.extend(scalar.unix_s.to_le_bytes());
    }
    if scalar.step != 0 {
        key(&mut event, 2, VARINT);
        varint(&mut event, scalar.step);
    }
    bytes(&mut event, 5, &summary);
    event
}

/// How a field is written: protobuf.dev/programming-guides/encoding.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED_32: u64 = 5;

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn bytes(out: &mut Vec<u8>, field: u64, data: &[u8]) {
    key(out, field, LENGTH);
    varint(out, data.len() as u64);
    out.extend(data);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_check_sums_are_those_of_the_standards() {
        let mut out = Vec::new();
        varint(&mut out, 300);
        assert_eq!(out, [0xac, 0x02], "the example of the Protocol Buffers guide");
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        // Of the length 24, as any TFRecord file with such a record has it.
        let crc = crc32c::crc32c(&24u64.to_le_bytes());
        let by_hand = crc.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked(&24u64.to_le_bytes()), by_hand);
    }

    #[test]
    fn a_file_is_its_version_and_then_a_frame_a_scalar() {
        let scalar = Scalar { step: 0, tag: "a/b".to_owned(), value: 0.0, unix_s: 0.0 };
        let bytes = file(&[scalar]);
        let mut at = 0;
        let mut frames = Vec::new();
        while at < bytes.len() {
            let length: [u8; 8] = bytes[at..at + 8].try_into().unwrap();
            let end = at + 12 + u64::from_le_bytes(length) as usize;
            frames.push(&bytes[at + 12..end]);
            at = end + 4;
        }
        assert_eq!(at, bytes.len());
        assert_eq!(frames[0], b"\x1a\x0dbrain.Event:2");
        // Nothing is said of time and step where they are 0, but of the value.
        assert_eq!(frames[1], b"\x2a\x0c\x0a\x0a\x0a\x03a/b\x15\0\0\0\0");
    }
}
