//! Blocks of LZ4 in place: what is packed takes the place of what was unpacked, 64 KiB behind.
//!
//! Which of several matches that overlap are kept is decided as `lz4hc.c` does at its levels 3 to 9 (Yann Collet;
//! LICENSE-LZ4).

use super::chains::{Chains, FARTHEST, Match};
use super::{BLOCK, LONG, MAGIC, MIN_MATCH};
use crate::Lz4Level;
use std::io::{self, Write};

/// How far behind the input the output begins: the farthest match stays readable, though bytes that can't be packed
/// become longer by one in 255.
const LEAD: usize = FARTHEST + 1 + BLOCK / 255 + 64;
/// No match begins in the last bytes of a block.
const LAST_BYTES: usize = 12;
/// Up to this length a match is told by a token alone, less one.
const CHEAP: usize = LONG - 1 + MIN_MATCH;

/// Packs bytes as `lz4 -l` does.
pub(crate) struct Lz4Packer {
    /// [`LEAD`] bytes, then the block as far as it has come.
    bytes: Vec<u8>,
    chains: Chains,
    begun: bool,
}

impl Lz4Packer {
    pub(crate) fn new(level: Lz4Level) -> Self {
        let mut bytes = Vec::with_capacity(LEAD + BLOCK);
        bytes.resize(LEAD, 0);
        Self { bytes, chains: Chains::new(1 << (level.get() - 1)), begun: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = LEAD + BLOCK - self.bytes.len();
            let (taken, more) = rest.split_at(room.min(rest.len()));
            self.bytes.extend_from_slice(taken);
            rest = more;
            if self.bytes.len() == LEAD + BLOCK {
                self.send(out)?;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.bytes.len() > LEAD {
            self.send(out)?;
        }
        self.begin(out)
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            out.write_all(&MAGIC)?;
        }
        Ok(())
    }

    fn send(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        self.chains.clear();
        let mut block = InPlace { bytes: &mut self.bytes, from: 0, to: 0 };
        block.pack(&mut self.chains);
        let packed = block.to;
        out.write_all(&(packed as u32).to_le_bytes())?;
        out.write_all(&self.bytes[..packed])?;
        self.bytes.truncate(LEAD);
        Ok(())
    }
}

/// A block that is being packed.
struct InPlace<'a> {
    bytes: &'a mut [u8],
    /// How much of the block is packed.
    from: usize,
    /// How many bytes it has come to.
    to: usize,
}

/// What is to be decided next.
enum Step {
    /// A match, and one before it that was given up for it but may still be used: a second match is looked for.
    One(Match, Match),
    /// Two matches, the second longer: a third is looked for.
    Two(Match, Match),
}

impl InPlace<'_> {
    /// Packs the block: up to three matches that overlap are weighed against each other.
    fn pack(&mut self, chains: &mut Chains) {
        let length = self.bytes.len() - LEAD;
        let last = if length > LAST_BYTES { length - LAST_BYTES } else { return self.literals(length) };
        let mut at = 0;
        while at <= last {
            let Some(found) = chains.longest(&self.bytes[LEAD..], at) else {
                at += 1;
                continue;
            };
            let mut step = Step::One(found, found);
            while let Some(next) = self.decide(step, last, chains) {
                step = next;
            }
            at = self.from;
        }
        self.literals(length);
    }

    fn decide(&mut self, step: Step, last: usize, chains: &mut Chains) -> Option<Step> {
        match step {
            Step::One(first, before) => self.decide_second(first, before, last, chains),
            Step::Two(first, second) => self.decide_third(first, second, last, chains),
        }
    }

    fn decide_second(
        &mut self,
        first: Match,
        before: Match,
        last: usize,
        chains: &mut Chains,
    ) -> Option<Step> {
        let second = self.longer(first, 2, last, chains);
        let Some(second) = second else {
            self.sequence(first);
            return None;
        };
        let squeezed = before.at < first.at && second.at < first.at + before.length;
        let first = if squeezed { before } else { first };
        if second.at - first.at < 3 {
            // What is left of the first is too short.
            return Some(Step::One(second, before));
        }
        Some(Step::Two(first, second))
    }

    fn decide_third(
        &mut self,
        first: Match,
        second: Match,
        last: usize,
        chains: &mut Chains,
    ) -> Option<Step> {
        let (_, second) = shared(first, second);
        let Some(third) = self.longer(second, 3, last, chains) else {
            self.sequence(Match { length: first.length.min(second.at - first.at), ..first });
            self.sequence(second);
            return None;
        };
        if third.at < first.end() {
            return Some(Step::Two(first, third));
        }
        if third.at < first.end() + 3 {
            // No room for the second, so it is given up; but the third may be given up for it again.
            let rest = second.without(first.end().saturating_sub(second.at));
            self.sequence(first);
            return Some(Step::One(third, if rest.length < MIN_MATCH { third } else { rest }));
        }
        let (first, second) = if second.at < first.end() { shared(first, second) } else { (first, second) };
        self.sequence(first);
        Some(Step::Two(second, third))
    }

    /// A longer match that begins in this one, and covers its last bytes.
    fn longer(&self, than: Match, overlap: usize, last: usize, chains: &mut Chains) -> Option<Match> {
        let end = than.end();
        if end > last {
            return None;
        }
        chains.longer(&self.bytes[LEAD..], end - overlap, than.at, than.length)
    }

    /// Literals up to the match, and the match.
    fn sequence(&mut self, found: Match) {
        let token = self.to;
        self.literals(found.at);
        self.put(&((found.at - found.from) as u16).to_le_bytes());
        let over = found.length - MIN_MATCH;
        self.bytes[token] |= over.min(LONG) as u8;
        self.long(over);
        self.from = found.end();
    }

    /// A token, and the bytes up to `end` as they are.
    fn literals(&mut self, end: usize) {
        let count = end - self.from;
        self.put(&[(count.min(LONG) as u8) << 4]);
        self.long(count);
        let start = LEAD + self.from;
        self.bytes.copy_within(start..start + count, self.to);
        self.to += count;
        self.from = end;
    }

    /// What of a length does not fit the token.
    fn long(&mut self, length: usize) {
        if let Some(mut rest) = length.checked_sub(LONG) {
            while rest >= 255 {
                self.put(&[255]);
                rest -= 255;
            }
            self.put(&[rest as u8]);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.to..self.to + bytes.len()].copy_from_slice(bytes);
        self.to += bytes.len();
    }
}

/// Two matches that overlap share what they cover: the first gets as much as a token tells, or all up to the second
/// where that is more; the second keeps [`MIN_MATCH`] bytes.
fn shared(first: Match, second: Match) -> (Match, Match) {
    let between = second.at - first.at;
    if between >= CHEAP {
        return (Match { length: between, ..first }, second);
    }
    let length = first.length.min(CHEAP).min(between + second.length - MIN_MATCH);
    (Match { length, ..first }, second.without(length.saturating_sub(between)))
}
