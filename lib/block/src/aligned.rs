use std::fmt;
use std::ops::{Deref, DerefMut};

/// Memory that begins at a multiple of 4096, as `O_DIRECT` wants it.
///
/// Any buffer may be given to a [`BlockDevice`](crate::BlockDevice); from this one, and from parts of it that
/// begin and end at sector boundaries, a real device transfers without a copy in between.
pub struct AlignedBuffer {
    bytes: Vec<u8>,
    skip: usize,
    len: usize,
}

impl AlignedBuffer {
    /// The alignment in bytes, which suits every sector size.
    pub const ALIGNMENT: usize = 4096;

    /// `len` bytes of zeros.
    pub fn new(len: usize) -> Self {
        let bytes = vec![0; len + Self::ALIGNMENT - 1];
        let skip = bytes.as_ptr().addr().next_multiple_of(Self::ALIGNMENT) - bytes.as_ptr().addr();
        Self { bytes, skip, len }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[self.skip..][..self.len]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.skip..][..self.len]
    }
}

impl fmt::Debug for AlignedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlignedBuffer({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::AlignedBuffer;

    #[test]
    fn is_aligned_and_as_long_as_asked_wherever_it_lies() {
        let buffers: Vec<_> = (0..64).map(|n| AlignedBuffer::new(n * 300)).collect();
        for (n, buffer) in buffers.iter().enumerate() {
            assert_eq!(buffer.as_ptr().addr() % AlignedBuffer::ALIGNMENT, 0);
            assert_eq!(buffer.len(), n * 300);
        }
    }
}
