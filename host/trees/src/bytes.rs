//! Little-endian numbers in bytes.

pub(crate) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The 64 bits whose halves lie apart.
pub(crate) fn joined(high: impl Into<u64>, low: u32) -> u64 {
    high.into() << 32 | u64::from(low)
}

/// Fields of a structure that was read whole: what is beyond its end reads as zeros.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or_default()
    }
    pub(crate) fn half(&self, at: usize) -> u16 {
        half(self.0, at).unwrap_or_default()
    }
    pub(crate) fn word(&self, at: usize) -> u32 {
        word(self.0, at).unwrap_or_default()
    }
    pub(crate) fn long(&self, at: usize) -> u64 {
        long(self.0, at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian_and_end_with_the_bytes() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(half(&bytes, 6), Some(0x0807));
        assert_eq!(word(&bytes, 4), Some(0x0807_0605));
        assert_eq!(long(&bytes, 0), Some(0x0807_0605_0403_0201));
        assert_eq!((half(&bytes, 7), word(&bytes, 9), long(&bytes, usize::MAX)), (None, None, None));
        let fields = Fields(&bytes);
        assert_eq!((fields.byte(7), fields.byte(8), fields.half(7), fields.word(4)), (8, 0, 0, 0x0807_0605));
        assert_eq!(joined(1_u16, 2), 0x1_0000_0002);
    }
}
