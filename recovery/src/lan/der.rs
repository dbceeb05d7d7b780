//! As much of DER (X.690) as one certificate needs.

/// A sequence.
pub(super) const SEQUENCE: u8 = 0x30;
/// A set.
pub(super) const SET: u8 = 0x31;
/// An integer.
pub(super) const INTEGER: u8 = 0x02;
/// Bits, a whole number of bytes.
pub(super) const BITS: u8 = 0x03;
/// Bytes.
pub(super) const OCTETS: u8 = 0x04;
/// The name of a thing.
pub(super) const OBJECT: u8 = 0x06;
/// Text.
pub(super) const UTF8: u8 = 0x0c;
/// A time with four digits for the year.
pub(super) const TIME: u8 = 0x18;
/// A time with two.
pub(super) const SHORT_TIME: u8 = 0x17;

/// Returns a value with its tag and its length. None here is longer than 64 KiB.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let [.., high, low] = length.to_be_bytes();
    let mut bytes = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// Returns bits.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    value(BITS, &[&[0], bytes])
}

/// Returns a sequence of two.
pub(super) fn pair(first: &[u8], second: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[first, second])
}

/// Returns the name of a thing, of which the bytes are given.
pub(super) fn object(name: &[u8]) -> Vec<u8> {
    value(OBJECT, &[name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(value(INTEGER, &[&[5]]), [2, 1, 5]);
        assert_eq!(value(OCTETS, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(value(OCTETS, &[&[0; 100], &[0; 28]])[..3], [4, 0x81, 128]);
        assert_eq!(value(OCTETS, &[&[0; 255]])[..3], [4, 0x81, 255]);
        assert_eq!(value(OCTETS, &[&[0; 256]])[..4], [4, 0x82, 1, 0]);
        assert_eq!(bits(&[7]), [3, 2, 0, 7]);
    }
}
