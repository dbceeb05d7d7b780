//! Bits to bytes, the lowest first: RFC 1951, 3.1.1.

use std::io::{self, Write};

/// How many bytes are collected before they are handed on.
const CHUNK: usize = 4096;

/// Collects bits, and hands on bytes.
pub(crate) struct BitWriter {
    waiting: u64,
    count: u32,
    bytes: Vec<u8>,
}

impl BitWriter {
    pub(crate) fn new() -> Self {
        Self { waiting: 0, count: 0, bytes: Vec::with_capacity(CHUNK + 8) }
    }

    /// Adds the lowest `count` bits of `bits`, at most 32; the others are zero.
    pub(crate) fn put(&mut self, bits: u32, count: u8) {
        self.waiting |= u64::from(bits) << self.count;
        self.count += u32::from(count);
        if self.count >= 32 {
            self.bytes.extend_from_slice(&(self.waiting as u32).to_le_bytes());
            self.waiting >>= 32;
            self.count -= 32;
        }
    }

    /// Fills the last byte with zeros.
    pub(crate) fn align(&mut self) {
        let used = self.count.div_ceil(8) as usize;
        self.bytes.extend(self.waiting.to_le_bytes().iter().take(used));
        self.waiting = 0;
        self.count = 0;
    }

    /// Hands on what is whole, if there is enough to be worth it.
    pub(crate) fn pass(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.bytes.len() >= CHUNK { self.flush(out) } else { Ok(()) }
    }

    /// Hands on all bytes that are whole.
    pub(crate) fn flush(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}
