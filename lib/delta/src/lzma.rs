//! LZMA (the specification of the LZMA SDK), as far as literals need it: one stream without a header, lc 3, lp 0, pb 2,
//! whose length is known. It packs text and programs better than zstd does.

/// Where probabilities of 11 bits begin, and how fast they move.
const HALF: u16 = 1 << 10;
const RATE: u32 = 5;
/// Positions that are told apart: 2 to the power of pb.
const POSITIONS: usize = 4;
const STATES: usize = 12;
const SHORTEST: usize = 2;
/// Distance slots below this are distances.
const FIRST_SLOT: u32 = 4;
/// From this one on the upper bits of a distance are coded without a context.
const DIRECT_SLOT: u32 = 14;

/// Unpacks a stream into all of `out`. Returns how many bytes of `input` it took; nothing where it is damaged.
pub fn decode(input: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut decoder = Decoder::new(Range::new(input)?);
    decoder.fill(out)?;
    decoder.range.normalize()?;
    Some(decoder.range.position)
}

/// The range coder.
struct Range<'a> {
    input: &'a [u8],
    position: usize,
    range: u32,
    code: u32,
}

impl<'a> Range<'a> {
    fn new(input: &'a [u8]) -> Option<Self> {
        let [0, a, b, c, d] = *input.first_chunk::<5>()? else { return None };
        Some(Self { input, position: 5, range: u32::MAX, code: u32::from_be_bytes([a, b, c, d]) })
    }

    #[inline]
    fn normalize(&mut self) -> Option<()> {
        if self.range < 1 << 24 {
            self.code = self.code << 8 | u32::from(*self.input.get(self.position)?);
            self.range <<= 8;
            self.position += 1;
        }
        Some(())
    }

    #[inline]
    fn bit(&mut self, probability: &mut u16) -> Option<u32> {
        self.normalize()?;
        let bound = (self.range >> 11) * u32::from(*probability);
        if self.code < bound {
            self.range = bound;
            *probability += ((1 << 11) - *probability) >> RATE;
            return Some(0);
        }
        self.range -= bound;
        self.code -= bound;
        *probability -= *probability >> RATE;
        Some(1)
    }

    /// So many bits, from the top, in a tree of contexts that has an entry for each node.
    #[inline]
    fn tree(&mut self, contexts: &mut [u16], bits: u32) -> Option<u32> {
        let mut node = 1;
        for _ in 0..bits {
            node = node << 1 | self.bit(contexts.get_mut(node as usize)?)?;
        }
        Some(node - (1 << bits))
    }

    /// So many bits, from the bottom.
    fn reverse_tree(&mut self, contexts: &mut [u16], bits: u32) -> Option<u32> {
        let (mut node, mut value) = (1, 0);
        for nth in 0..bits {
            let bit = self.bit(contexts.get_mut(node as usize)?)?;
            node = node << 1 | bit;
            value |= bit << nth;
        }
        Some(value)
    }

    /// So many bits of any value.
    fn direct(&mut self, bits: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            self.normalize()?;
            self.range >>= 1;
            let is_one = self.code >= self.range;
            if is_one {
                self.code -= self.range;
            }
            value = value << 1 | u32::from(is_one);
        }
        Some(value)
    }
}

/// How long matches of one kind are.
struct Lengths {
    choice: [u16; 2],
    low: [[u16; 8]; POSITIONS],
    middle: [[u16; 8]; POSITIONS],
    high: [u16; 256],
}

impl Lengths {
    const NEW: Self = Self {
        choice: [HALF; 2],
        low: [[HALF; 8]; POSITIONS],
        middle: [[HALF; 8]; POSITIONS],
        high: [HALF; 256],
    };

    fn decode(&mut self, range: &mut Range<'_>, position: usize) -> Option<usize> {
        let [first, second] = &mut self.choice;
        let len = if range.bit(first)? == 0 {
            range.tree(self.low.get_mut(position)?, 3)?
        } else if range.bit(second)? == 0 {
            8 + range.tree(self.middle.get_mut(position)?, 3)?
        } else {
            16 + range.tree(&mut self.high, 8)?
        };
        Some(len as usize + SHORTEST)
    }
}

struct Decoder<'a> {
    range: Range<'a>,
    /// By state, and for the first two kinds of flags by position.
    is_match: [[u16; POSITIONS]; STATES],
    is_longer: [[u16; POSITIONS]; STATES],
    is_repeated: [u16; STATES],
    is_not: [[u16; STATES]; 3],
    literals: Vec<[u16; 0x300]>,
    slots: [[u16; 64]; 4],
    distances: [u16; 128],
    align: [u16; 16],
    lengths: Lengths,
    repeated_lengths: Lengths,
    state: usize,
    /// The last distances, less one, the newest first.
    recent: [u32; 4],
}

impl<'a> Decoder<'a> {
    fn new(range: Range<'a>) -> Self {
        Self {
            range,
            is_match: [[HALF; POSITIONS]; STATES],
            is_longer: [[HALF; POSITIONS]; STATES],
            is_repeated: [HALF; STATES],
            is_not: [[HALF; STATES]; 3],
            literals: vec![[HALF; 0x300]; 8],
            slots: [[HALF; 64]; 4],
            distances: [HALF; 128],
            align: [HALF; 16],
            lengths: Lengths::NEW,
            repeated_lengths: Lengths::NEW,
            state: 0,
            recent: [0; 4],
        }
    }

    fn fill(&mut self, out: &mut [u8]) -> Option<()> {
        let mut at = 0;
        while at < out.len() {
            let position = at % POSITIONS;
            let is_match = self.is_match.get_mut(self.state)?.get_mut(position)?;
            if self.range.bit(is_match)? == 0 {
                *out.get_mut(at)? = self.literal(out, at)?;
                at += 1;
                continue;
            }
            let len = self.next_match(position)?;
            let from = at.checked_sub(self.recent[0] as usize + 1)?;
            let end = at.checked_add(len).filter(|end| *end <= out.len())?;
            // They may overlap: then what was just copied goes on being copied.
            for nth in 0..end - at {
                *out.get_mut(at + nth)? = *out.get(from + nth)?;
            }
            at = end;
        }
        Some(())
    }

    fn literal(&mut self, out: &[u8], at: usize) -> Option<u8> {
        let before = at.checked_sub(1).and_then(|before| out.get(before)).copied().unwrap_or(0);
        let contexts = self.literals.get_mut(usize::from(before >> 5))?;
        let mut node = 1u32;
        if self.state >= 7 {
            // What follows the last match is seldom what followed its model.
            let mut model = u32::from(*out.get(at.checked_sub(self.recent[0] as usize + 1)?)?);
            while node < 0x100 {
                model <<= 1;
                let expected = model & 0x100;
                let bit = self.range.bit(contexts.get_mut((0x100 + expected + node) as usize)?)?;
                node = node << 1 | bit;
                if expected >> 8 != bit {
                    break;
                }
            }
        }
        while node < 0x100 {
            node = node << 1 | self.range.bit(contexts.get_mut(node as usize)?)?;
        }
        self.state = match self.state {
            0..4 => 0,
            state @ 4..10 => state - 3,
            state => state - 6,
        };
        Some(node as u8)
    }

    /// Returns how long the next match is; how far back it is becomes the newest distance.
    fn next_match(&mut self, position: usize) -> Option<usize> {
        let (state, range) = (self.state, &mut self.range);
        let after = |literal: usize, other: usize| if state < 7 { literal } else { other };
        if range.bit(self.is_repeated.get_mut(state)?)? == 0 {
            let len = self.lengths.decode(range, position)?;
            let distance = self.distance(len)?;
            self.recent.rotate_right(1);
            self.recent[0] = distance;
            self.state = after(7, 10);
            return Some(len);
        }
        let mut which = 0;
        for is_not in &mut self.is_not {
            if range.bit(is_not.get_mut(state)?)? == 0 {
                break;
            }
            which += 1;
        }
        if which == 0 && range.bit(self.is_longer.get_mut(state)?.get_mut(position)?)? == 0 {
            self.state = after(9, 11);
            return Some(1);
        }
        self.recent.get_mut(..=which)?.rotate_right(1);
        self.state = after(8, 11);
        self.repeated_lengths.decode(range, position)
    }

    fn distance(&mut self, len: usize) -> Option<u32> {
        let slot = self.range.tree(self.slots.get_mut((len - SHORTEST).min(3))?, 6)?;
        if slot < FIRST_SLOT {
            return Some(slot);
        }
        let bits = (slot >> 1) - 1;
        let upper = (2 | slot & 1) << bits;
        if slot < DIRECT_SLOT {
            // Trees of all slots lie one behind the other.
            let start = (upper - slot) as usize;
            return Some(upper + self.range.reverse_tree(self.distances.get_mut(start..)?, bits)?);
        }
        let middle = self.range.direct(bits - 4)? << 4;
        let lower = self.range.reverse_tree(&mut self.align, 4)?;
        upper.checked_add(middle)?.checked_add(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut command = Command::new("xz");
        command.args(["--format=raw", "--lzma1=preset=9,lc=3,lp=0,pb=2", "-c"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = bytes.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output.stdout
    }

    fn texts() -> Vec<Vec<u8>> {
        let words = (0..30_000u32).map(|n| format!("{} {:x}\n", n.wrapping_mul(n) % 977, n / 13));
        let mut noise = 1u64;
        let noise = (0..50_000).map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (noise >> 56) as u8
        });
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let program = program[..program.len().min(2 << 20)].to_vec();
        let text = words.collect::<String>().into_bytes();
        vec![text, noise.collect(), vec![7; 100_000], b"a".to_vec(), program]
    }

    #[test]
    fn what_xz_has_packed_is_unpacked() {
        for text in texts() {
            let packed = xz(&text);
            let mut out = vec![0; text.len()];
            let taken = decode(&packed, &mut out).unwrap();
            assert!(out == text, "{} bytes", text.len());
            // xz ends with a marker that is not needed here.
            assert!(taken <= packed.len() && taken + 8 > packed.len(), "{taken} of {}", packed.len());
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_give_others() {
        let text = &texts()[0][..20_000];
        let packed = xz(text);
        let mut out = vec![0; text.len()];
        for cut in 0..packed.len() - 8 {
            let _ = decode(&packed[..cut], &mut out);
            let mut bent = packed.clone();
            bent[cut] ^= 1 << (cut % 8);
            let unpacked = decode(&bent, &mut out).is_some();
            assert!(!unpacked || out != text || cut + 16 > packed.len(), "byte {cut} means nothing");
        }
    }
}
