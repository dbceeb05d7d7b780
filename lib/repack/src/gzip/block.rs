//! One block of deflate: the symbols that were collected for it, when it ends, and how it is sent.
//!
//! The three ways of sending it are weighed as zlib's `trees.c` does (Jean-loup Gailly and Mark Adler; LICENSE-ZLIB);
//! when it ends is gzip's own choice.

use super::bits::BitWriter;
use super::codes::{
    DISTANCES, END_OF_BLOCK, FIXED_DISTANCE_LENGTH, LENGTH_EXTRA, LENGTHS, LITERALS, LONGEST, LONGEST_LENGTH,
    MIN_MATCH, ORDER, distance_code, distance_extra, fixed_literal_length, length_symbol, literal_extra,
};
use super::trees::Code;
use std::io::{self, Write};

/// So many symbols, less one, are collected at most.
const SYMBOLS: usize = 1 << 15;
/// After each this many symbols it is asked whether the block should end.
const ASK: usize = 1 << 12;

/// The symbols of a block that has not been sent.
pub(crate) struct Block {
    /// A literal, or the length of a match less [`MIN_MATCH`].
    values: Vec<u8>,
    /// For each of them the distance; 0 for a literal.
    distances: Vec<u16>,
    matches: usize,
    literal_counts: [u16; LITERALS],
    distance_counts: [u16; DISTANCES],
    fixed: Box<(Code, Code)>,
}

impl Block {
    pub(crate) fn new() -> Self {
        let fixed =
            (Code::of(LITERALS + 2, fixed_literal_length), Code::of(DISTANCES, |_| FIXED_DISTANCE_LENGTH));
        let mut block = Self {
            values: Vec::with_capacity(SYMBOLS),
            distances: Vec::with_capacity(SYMBOLS),
            matches: 0,
            literal_counts: [0; _],
            distance_counts: [0; _],
            fixed: Box::new(fixed),
        };
        block.clear();
        block
    }

    fn clear(&mut self) {
        self.values.clear();
        self.distances.clear();
        self.matches = 0;
        self.literal_counts = [0; _];
        self.distance_counts = [0; _];
        self.literal_counts[END_OF_BLOCK] = 1;
    }

    pub(crate) fn literal(&mut self, byte: u8) {
        self.values.push(byte);
        self.distances.push(0);
        self.literal_counts[usize::from(byte)] += 1;
    }

    /// A match of `length` bytes, [`MIN_MATCH`] to 258, `distance` bytes back.
    pub(crate) fn matched(&mut self, distance: usize, length: usize) {
        let over = (length - MIN_MATCH) as u8;
        self.values.push(over);
        self.distances.push(distance as u16);
        self.matches += 1;
        self.literal_counts[length_symbol(over)] += 1;
        self.distance_counts[distance_code((distance - 1) as u16)] += 1;
    }

    /// Whether the block should be sent now. `covered` is how many bytes of the input lie before the place where the
    /// next match is looked for. A block ends when the buffer is full; and, where `guess` is set, after each 4096
    /// symbols if few of them are matches and the bytes came down to less than half, estimated with 8 bits for a
    /// symbol.
    pub(crate) fn is_over(&self, covered: usize, guess: bool) -> bool {
        let symbols = self.values.len();
        if guess && symbols.is_multiple_of(ASK) {
            let distances = self.distance_counts.iter().enumerate();
            let bits: usize = distances
                .map(|(code, &count)| usize::from(count) * (5 + usize::from(distance_extra(code))))
                .sum();
            if self.matches < symbols / 2 && (symbols * 8 + bits) >> 3 < covered / 2 {
                return true;
            }
        }
        symbols == SYMBOLS - 1
    }

    /// Sends the block in the shortest of three ways: as it is (`stored`, where that is still in memory), with the
    /// fixed codes, or with codes of its own. On a tie, the one that comes first.
    pub(crate) fn send(
        &mut self,
        stored: Option<&[u8]>,
        last: bool,
        bits: &mut BitWriter,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let literals = Code::shortest(&self.literal_counts, LONGEST);
        let distances = Code::shortest(&self.distance_counts, LONGEST);
        let header = Header::of(&literals, &distances);
        let bytes = |cost: usize| (cost + 3).div_ceil(8);
        let own = bytes(self.cost(&literals, &distances) + header.cost());
        let fixed = bytes(self.cost(&self.fixed.0, &self.fixed.1));
        let last = u32::from(last);
        match stored {
            Some(stored) if stored.len() + 4 <= own.min(fixed) => {
                bits.put(last, 3);
                bits.align();
                let length = stored.len() as u16;
                bits.put(u32::from(length) | u32::from(!length) << 16, 32);
                bits.flush(out)?;
                out.write_all(stored)?;
            }
            _ if fixed <= own => {
                bits.put(1 << 1 | last, 3);
                self.send_symbols(&self.fixed.0, &self.fixed.1, bits, out)?;
            }
            _ => {
                bits.put(2 << 1 | last, 3);
                header.send(bits);
                self.send_symbols(&literals, &distances, bits, out)?;
            }
        }
        self.clear();
        Ok(())
    }

    /// What the symbols cost in these codes, in bits.
    fn cost(&self, literals: &Code, distances: &Code) -> usize {
        let sum = |counts: &[u16], lengths: &[u8], extra: fn(usize) -> u8| -> usize {
            let symbols = counts.iter().zip(lengths).enumerate();
            symbols.map(|(symbol, (&n, &bits))| usize::from(n) * usize::from(bits + extra(symbol))).sum()
        };
        sum(&self.literal_counts, &literals.lengths, literal_extra)
            + sum(&self.distance_counts, &distances.lengths, distance_extra)
    }

    fn send_symbols(
        &self,
        literals: &Code,
        distances: &Code,
        bits: &mut BitWriter,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let put = |bits: &mut BitWriter, (code, length): (u16, u8), extra: u16, count: u8| {
            bits.put(u32::from(code) | u32::from(extra & ((1 << count) - 1)) << length, length + count);
        };
        for (&value, &distance) in self.values.iter().zip(&self.distances) {
            if let Some(over) = distance.checked_sub(1) {
                let symbol = length_symbol(value);
                put(bits, literals.get(symbol), u16::from(value), literal_extra(symbol));
                let code = distance_code(over);
                put(bits, distances.get(code), over, distance_extra(code));
            } else {
                put(bits, literals.get(usize::from(value)), 0, 0);
            }
            bits.pass(out)?;
        }
        put(bits, literals.get(END_OF_BLOCK), 0, 0);
        Ok(())
    }
}

/// The header of a block that has its own codes: RFC 1951, 3.2.7.
struct Header {
    /// How many lengths of literals' codes are sent, and of distances'.
    literals: usize,
    distances: usize,
    /// The symbols that say them, and what follows each.
    symbols: Vec<(usize, u8)>,
    code: Code,
    /// How many lengths are sent of the code of these symbols.
    lengths: usize,
}

impl Header {
    fn of(literals: &Code, distances: &Code) -> Self {
        let mut symbols = Vec::with_capacity(LITERALS + DISTANCES);
        run_lengths(&literals.lengths[..=literals.last], &mut symbols);
        run_lengths(&distances.lengths[..=distances.last], &mut symbols);
        let mut counts = [0u16; LENGTHS];
        for &(symbol, _) in &symbols {
            counts[symbol] += 1;
        }
        let code = Code::shortest(&counts, LONGEST_LENGTH);
        let used = ORDER.iter().rposition(|&symbol| code.lengths[symbol] != 0).unwrap_or(0);
        let lengths = used.max(3) + 1;
        Self { literals: literals.last + 1, distances: distances.last + 1, symbols, code, lengths }
    }

    /// In bits.
    fn cost(&self) -> usize {
        let symbols = self.symbols.iter();
        14 + 3 * self.lengths
            + symbols
                .map(|&(symbol, _)| usize::from(self.code.get(symbol).1 + LENGTH_EXTRA[symbol]))
                .sum::<usize>()
    }

    fn send(&self, bits: &mut BitWriter) {
        bits.put((self.literals - 257) as u32, 5);
        bits.put((self.distances - 1) as u32, 5);
        bits.put((self.lengths - 4) as u32, 4);
        for &symbol in &ORDER[..self.lengths] {
            bits.put(u32::from(self.code.lengths[symbol]), 3);
        }
        for &(symbol, extra) in &self.symbols {
            let (code, length) = self.code.get(symbol);
            bits.put(u32::from(code), length);
            bits.put(u32::from(extra), LENGTH_EXTRA[symbol]);
        }
    }
}

/// Says `lengths` in symbols: runs are said as such as soon as they are long enough, and as long as possible.
fn run_lengths(lengths: &[u8], symbols: &mut Vec<(usize, u8)>) {
    let mut rest = lengths;
    let mut before = None;
    while let Some(&length) = rest.first() {
        let run = rest.iter().take_while(|&&next| next == length).count();
        let symbol = usize::from(length);
        let (said, fewest) = match length {
            0 => (run.min(138), 3),
            _ if before == Some(length) => (run.min(6), 3),
            _ => (run.min(7), 4),
        };
        if said < fewest {
            symbols.extend(std::iter::repeat_n((symbol, 0), said));
        } else if length == 0 {
            let (symbol, less) = if said <= 10 { (17, 3) } else { (18, 11) };
            symbols.push((symbol, (said - less) as u8));
        } else {
            let repeated = if before == Some(length) {
                said
            } else {
                symbols.push((symbol, 0));
                said - 1
            };
            symbols.push((16, (repeated - 3) as u8));
        }
        before = Some(length);
        rest = &rest[said..];
    }
}
