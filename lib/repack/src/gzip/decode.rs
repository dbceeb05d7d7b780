//! Bits of a deflate stream, and the codes that they are in: RFC 1951, 3.1.1 and 3.2.

use super::codes::{DISTANCES, LITERALS, LONGEST};
use crate::Error;
use crate::input::Input;
use crate::window::Window;
use std::io::Read;

/// Codes of at most so many bits are looked up at once.
const QUICK: usize = 9;

const ENDS: Error = Error::Damaged { problem: "it ends too early" };
const NO_CODE: Error = Error::Damaged { problem: "a code stands for nothing" };

/// Reads bits, the lowest of each byte first.
pub(crate) struct BitReader<R> {
    input: Input<R>,
    waiting: u64,
    count: u32,
}

impl<R: Read> BitReader<R> {
    pub(crate) fn new(input: Input<R>) -> Self {
        Self { input, waiting: 0, count: 0 }
    }

    /// Reads ahead, if there is anything.
    fn fill(&mut self) -> Result<(), Error> {
        while self.count <= 56 {
            if let Some(eight) = self.input.peek()?.first_chunk() {
                // As many whole bytes as there is room for, but never all eight.
                let taken = ((64 - self.count) / 8).min(7);
                let bits = u64::from_le_bytes(*eight) & ((1 << (8 * taken)) - 1);
                self.input.take(taken as usize);
                self.waiting |= bits << self.count;
                self.count += 8 * taken;
                return Ok(());
            }
            let Some(&byte) = self.input.peek()?.first() else { break };
            self.input.take(1);
            self.waiting |= u64::from(byte) << self.count;
            self.count += 8;
        }
        Ok(())
    }

    /// The next bits, at most 16, the first lowest.
    pub(crate) fn bits(&mut self, count: u8) -> Result<usize, Error> {
        let count = u32::from(count);
        if self.count < count {
            self.fill()?;
        }
        let bits = self.waiting & ((1 << count) - 1);
        self.drop(count)?;
        Ok(bits as usize)
    }

    fn drop(&mut self, count: u32) -> Result<(), Error> {
        self.count = self.count.checked_sub(count).ok_or(ENDS)?;
        self.waiting >>= count;
        Ok(())
    }

    /// Leaves out the rest of a byte that has been begun.
    pub(crate) fn align(&mut self) -> Result<(), Error> {
        self.drop(self.count % 8)
    }

    /// Up to `count` whole bytes as they are, as many as there is room for; returns how many.
    pub(crate) fn bytes(&mut self, window: &mut Window, count: usize) -> Result<usize, Error> {
        if self.count >= 8 && window.room() != 0 {
            window.push(self.bits(8)? as u8);
            return Ok(1);
        }
        window.read(&mut self.input, count)
    }

    /// How many bytes have not been begun.
    pub(crate) fn left(&self) -> u64 {
        self.input.left() + u64::from(self.count / 8)
    }

    /// The next symbol of a code.
    pub(crate) fn symbol(&mut self, code: &Decoder) -> Result<usize, Error> {
        if (self.count as usize) < LONGEST {
            self.fill()?;
        }
        let (symbol, length) = code.quick[self.waiting as usize & ((1 << QUICK) - 1)];
        if length != 0 {
            self.drop(u32::from(length))?;
            return Ok(usize::from(symbol));
        }
        // Codes of one length are numbers that follow each other.
        let (mut value, mut first, mut index) = (0, 0, 0);
        for &count in &code.counts[1..] {
            let count = usize::from(count);
            value |= self.bits(1)?;
            if value < first + count {
                return code
                    .symbols
                    .get(index + value - first)
                    .map(|&symbol| usize::from(symbol))
                    .ok_or(NO_CODE);
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(NO_CODE)
    }
}

/// A code, from bits to symbols.
pub(crate) struct Decoder {
    /// How many codes there are of each length.
    counts: [u16; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; LITERALS + 2],
    /// By the next bits: a symbol, and the length of its code; 0 where that is longer.
    quick: [(u16, u8); 1 << QUICK],
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { counts: [0; _], symbols: [0; _], quick: [(0, 0); _] }
    }

    /// Makes this the code with these lengths. An incomplete one is taken only if it has at most one symbol, as RFC
    /// 1951 allows for distances.
    pub(crate) fn set(&mut self, lengths: &[u8]) -> Result<(), Error> {
        *self = Self::new();
        for &length in lengths.iter().filter(|&&length| length != 0) {
            let count = self.counts.get_mut(usize::from(length));
            *count.ok_or(Error::Damaged { problem: "a code is too long" })? += 1;
        }
        let mut free = 1usize;
        let mut starts = [0u16; LONGEST + 2];
        let mut codes = [0u16; LONGEST + 1];
        for length in 1..=LONGEST {
            let count = self.counts[length];
            codes[length] = (codes[length - 1] + self.counts[length - 1]) << 1;
            starts[length + 1] = starts[length] + count;
            free = (free << 1)
                .checked_sub(usize::from(count))
                .ok_or(Error::Damaged { problem: "a code is ambiguous" })?;
        }
        if free != 0 && starts[LONGEST + 1] > 1 {
            return Err(Error::Damaged { problem: "a code is incomplete" });
        }
        for (symbol, &length) in lengths.iter().enumerate().filter(|(_, length)| **length != 0) {
            let bits = usize::from(length);
            let (start, code) = (&mut starts[bits], &mut codes[bits]);
            if let Some(place) = self.symbols.get_mut(usize::from(*start)) {
                *place = symbol as u16;
            }
            if bits <= QUICK {
                let reversed = usize::from(code.reverse_bits() >> (16 - bits));
                for place in self.quick.iter_mut().skip(reversed).step_by(1 << bits) {
                    *place = (symbol as u16, length);
                }
            }
            *start += 1;
            *code = code.wrapping_add(1);
        }
        Ok(())
    }
}

/// How many lengths of codes a block's header says at most.
pub(crate) const MOST_LENGTHS: usize = LITERALS + 2 + DISTANCES + 2;
