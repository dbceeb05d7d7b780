//! Deflate streams with their checksum and length, back to bytes: RFC 1951, and RFC 1952, 2.3.1.

use super::codes::{
    DISTANCES, END_OF_BLOCK, FIXED_DISTANCE_LENGTH, LENGTHS, LITERALS, ORDER, distance_base, distance_extra,
    fixed_literal_length, length_base, literal_extra,
};
use super::decode::{BitReader, Decoder, MOST_LENGTHS};
use crate::Error;
use crate::crc32::Crc32;
use crate::input::Input;
use crate::window::Window;
use std::io::Read;

/// Twice the farthest distance.
const WINDOW: usize = 2 << 15;

/// Where in the stream it is.
enum Place {
    /// Before a block.
    Header,
    /// In a block, so many bytes of which follow as they are.
    Stored(usize),
    /// In a block of symbols.
    Symbols,
    /// Behind the last block.
    Trailer,
    /// Behind everything.
    End,
}

/// Unpacks what [`super::GzipPacker`] makes, and what others make in this format.
pub(crate) struct GzipUnpacker<R> {
    bits: BitReader<R>,
    window: Window,
    codes: Box<(Decoder, Decoder)>,
    place: Place,
    last: bool,
    /// A match that did not fit: its distance, and how much of it is left.
    pending: (usize, usize),
    crc: Crc32,
    length: u32,
}

impl<R: Read> GzipUnpacker<R> {
    pub(crate) fn new(input: Input<R>) -> Self {
        Self {
            bits: BitReader::new(input),
            window: Window::new(WINDOW),
            codes: Box::new((Decoder::new(), Decoder::new())),
            place: Place::Header,
            last: false,
            pending: (0, 0),
            crc: Crc32::new(),
            length: 0,
        }
    }

    /// The next bytes; 0 at the end, when the checksum and the length are right and nothing follows them.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, Error> {
        while self.window.waiting() == 0 {
            match self.place {
                Place::Header => self.header()?,
                Place::Stored(left) => {
                    let read = if left == 0 { 0 } else { self.bits.bytes(&mut self.window, left)? };
                    self.place = if left == read { Place::Header } else { Place::Stored(left - read) };
                }
                Place::Symbols => self.symbols()?,
                Place::Trailer => self.trailer()?,
                Place::End => return Ok(0),
            }
        }
        let count = self.window.give(out);
        let given = out.get(..count).unwrap_or_default();
        self.crc.update(given);
        self.length = self.length.wrapping_add(count as u32);
        Ok(count)
    }

    fn trailer(&mut self) -> Result<(), Error> {
        self.bits.align()?;
        let crc = self.u32()?;
        let length = self.u32()?;
        if crc != self.crc.value() || length != self.length {
            return Err(Error::Damaged { problem: "the checksum is another" });
        }
        if self.bits.left() != 0 {
            return Err(Error::Damaged { problem: "something follows its end" });
        }
        self.place = Place::End;
        Ok(())
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok((self.bits.bits(16)? | self.bits.bits(16)? << 16) as u32)
    }

    fn header(&mut self) -> Result<(), Error> {
        if self.last {
            self.place = Place::Trailer;
            return Ok(());
        }
        self.last = self.bits.bits(1)? == 1;
        self.place = match self.bits.bits(2)? {
            0 => {
                self.bits.align()?;
                let length = self.bits.bits(16)?;
                if self.bits.bits(16)? != !length & 0xffff {
                    return Err(Error::Damaged { problem: "a length is damaged" });
                }
                Place::Stored(length)
            }
            1 => {
                let lengths: [u8; LITERALS + 2] = std::array::from_fn(fixed_literal_length);
                self.codes.0.set(&lengths)?;
                self.codes.1.set(&[FIXED_DISTANCE_LENGTH; DISTANCES + 2])?;
                Place::Symbols
            }
            2 => {
                self.own_codes()?;
                Place::Symbols
            }
            _ => return Err(Error::Damaged { problem: "a block is of an unknown kind" }),
        };
        Ok(())
    }

    fn own_codes(&mut self) -> Result<(), Error> {
        let literals = self.bits.bits(5)? + 257;
        let distances = self.bits.bits(5)? + 1;
        let count = self.bits.bits(4)? + 4;
        let mut lengths = [0; LENGTHS];
        for &symbol in ORDER.iter().take(count) {
            lengths[symbol] = self.bits.bits(3)? as u8;
        }
        self.codes.0.set(&lengths)?;
        let mut lengths = [0u8; MOST_LENGTHS];
        let wanted = literals + distances;
        let mut done = 0;
        while done < wanted {
            let (length, times) = match self.bits.symbol(&self.codes.0)? {
                16 => {
                    let before = done.checked_sub(1).and_then(|before| lengths.get(before));
                    let before = *before.ok_or(Error::Damaged { problem: "nothing is repeated" })?;
                    (before, 3 + self.bits.bits(2)?)
                }
                17 => (0, 3 + self.bits.bits(3)?),
                18 => (0, 11 + self.bits.bits(7)?),
                length => (length as u8, 1),
            };
            let room = lengths.get_mut(done..wanted).and_then(|room| room.get_mut(..times));
            room.ok_or(Error::Damaged { problem: "there are too many codes" })?.fill(length);
            done += times;
        }
        let (literals, distances) = lengths.get(..wanted).unwrap_or_default().split_at(literals);
        if literals.get(END_OF_BLOCK).is_none_or(|&length| length == 0) {
            return Err(Error::Damaged { problem: "a block has no end" });
        }
        self.codes.0.set(literals)?;
        self.codes.1.set(distances)
    }

    /// Goes on in a block of symbols until it ends, or there is no more room.
    fn symbols(&mut self) -> Result<(), Error> {
        loop {
            let (distance, left) = self.pending;
            if left != 0 {
                self.pending.1 -= self.window.repeat(distance, left);
            }
            if self.window.room() == 0 {
                return Ok(());
            }
            let symbol = self.bits.symbol(&self.codes.0)?;
            match symbol {
                ..END_OF_BLOCK => self.window.push(symbol as u8),
                END_OF_BLOCK => {
                    self.place = Place::Header;
                    return Ok(());
                }
                _ => self.pending = self.matched(symbol)?,
            }
        }
    }

    /// The distance and length of a match that begins with this symbol.
    fn matched(&mut self, symbol: usize) -> Result<(usize, usize), Error> {
        let length = length_base(symbol) + self.bits.bits(literal_extra(symbol))?;
        let code = self.bits.symbol(&self.codes.1)?;
        if symbol >= LITERALS || code >= DISTANCES {
            return Err(Error::Damaged { problem: "a length or a distance is not defined" });
        }
        let distance = distance_base(code) + self.bits.bits(distance_extra(code))?;
        if !self.window.reaches(distance) {
            return Err(Error::Damaged { problem: "a match reaches back too far" });
        }
        Ok((distance, length))
    }
}
