use std::fmt;
use std::io;
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

/// How many bytes go through aligned memory at a time.
const BOUNCE: usize = 1 << 20;

/// Fills `buf` from `offset` with `read`, which wants memory at multiples of `alignment` bytes: in place if that is what
/// `buf` is, else piece by piece through an [`AlignedBuffer`].
pub fn read_through(
    alignment: usize,
    offset: u64,
    buf: &mut [u8],
    read: impl Fn(&mut [u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    if buf.as_ptr().addr().is_multiple_of(alignment) {
        return read(buf, offset);
    }
    let mut bounce = AlignedBuffer::new(buf.len().min(BOUNCE));
    for (part, at) in buf.chunks_mut(BOUNCE).zip((offset..).step_by(BOUNCE)) {
        let bounce = &mut bounce[..part.len()];
        read(bounce, at)?;
        part.copy_from_slice(bounce);
    }
    Ok(())
}

/// Writes all of `buf` at `offset` with `write`, which wants memory at multiples of `alignment` bytes, as
/// [`read_through`] reads.
pub fn write_through(
    alignment: usize,
    offset: u64,
    buf: &[u8],
    write: impl Fn(&[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    if buf.as_ptr().addr().is_multiple_of(alignment) {
        return write(buf, offset);
    }
    let mut bounce = AlignedBuffer::new(buf.len().min(BOUNCE));
    for (part, at) in buf.chunks(BOUNCE).zip((offset..).step_by(BOUNCE)) {
        let bounce = &mut bounce[..part.len()];
        bounce.copy_from_slice(part);
        write(bounce, at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn what_is_not_aligned_goes_through_memory_that_is_and_all_of_it_arrives() {
        let len = 2 * BOUNCE + 4096;
        let contents: Vec<u8> = (0..len).map(|n| (n / 512 % 251) as u8).collect();
        for (skip, pieces) in [(0, 1), (512, 1), (1, 3)] {
            let mut buf = AlignedBuffer::new(len + skip);
            let (calls, written) = (RefCell::new(0), RefCell::new(vec![0; len]));
            let called = |buf: &[u8]| {
                assert!(buf.as_ptr().addr().is_multiple_of(512));
                *calls.borrow_mut() += 1;
            };
            read_through(512, 0, &mut buf[skip..], |buf, at| {
                called(buf);
                buf.copy_from_slice(&contents[at as usize..][..buf.len()]);
                Ok(())
            })
            .unwrap();
            assert!(buf[skip..] == contents);
            write_through(512, 0, &buf[skip..], |buf, at| {
                called(buf);
                written.borrow_mut()[at as usize..][..buf.len()].copy_from_slice(buf);
                Ok(())
            })
            .unwrap();
            assert!(written.into_inner() == contents);
            assert_eq!(calls.into_inner(), 2 * pieces);
        }
    }

    #[test]
    fn is_aligned_and_as_long_as_asked_wherever_it_lies() {
        let buffers: Vec<_> = (0..64).map(|n| AlignedBuffer::new(n * 300)).collect();
        for (n, buffer) in buffers.iter().enumerate() {
            assert_eq!(buffer.as_ptr().addr() % AlignedBuffer::ALIGNMENT, 0);
            assert_eq!(buffer.len(), n * 300);
        }
    }
}
