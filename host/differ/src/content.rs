//! Finding by content alone: chunks whose borders are where a rolling hash says, so that what has moved has the same chunks.

use crate::error::Error;
use crate::fill::fill;
use crate::matches::{Match, matches};
use crate::suffix::common;
use std::collections::HashMap;
use std::ops::Range;

/// Chunks have 256 bytes at least, 8 KiB at most, and about 1 KiB mostly.
const SMALLEST: usize = 256;
const LARGEST: usize = 8192;
const MASK: u64 = 0x3ff << 54;

/// What a byte adds to the rolling hash.
const fn gear(byte: u8) -> u64 {
    let mut x = (byte as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 27
}

const GEAR: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = gear(byte as u8);
        byte += 1;
    }
    table
};

/// Returns the length of the chunk that `bytes` begin with, and its hash.
fn chunk(bytes: &[u8]) -> (usize, u64) {
    let (mut rolling, mut hash) = (0u64, 0xcbf2_9ce4_8422_2325u64);
    for (nth, byte) in bytes.iter().take(LARGEST).enumerate() {
        rolling = (rolling << 1).wrapping_add(GEAR[usize::from(*byte)]);
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        if nth >= SMALLEST && rolling & MASK == 0 {
            return (nth + 1, hash);
        }
    }
    (bytes.len().min(LARGEST), hash)
}

/// Returns the chunks of some bytes that are not one byte over and over: where each begins, and its hash.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = (Range<usize>, u64)> {
    let mut at = 0;
    let each = std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let (len, hash) = chunk(rest);
        at += len;
        Some((at - len..at, hash))
    });
    each.filter(|(range, _)| {
        let chunk = &bytes[range.clone()];
        chunk.iter().any(|byte| *byte != chunk[0])
    })
}

/// Where chunks are in the old image.
pub(crate) struct Chunks(HashMap<u64, usize>);

impl Chunks {
    /// The chunks of these bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut all = HashMap::new();
        for (range, hash) in chunks(bytes) {
            all.entry(hash).or_insert(range.start);
        }
        Self(all)
    }

    /// Returns, for each chunk of some bytes that is known, where the old image has it.
    pub(crate) fn places(&self, bytes: &[u8]) -> Vec<usize> {
        chunks(bytes).filter_map(|(_, hash)| self.0.get(&hash).copied()).collect()
    }

    /// Returns stretches that are the same in both, in the order of the new bytes, without overlaps.
    fn anchors(&self, old: &[u8], new: &[u8]) -> Vec<Match> {
        let mut all: Vec<Match> = Vec::new();
        for (range, hash) in chunks(new) {
            let end = all.last().map_or(0, Match::end);
            let Some(&at) = self.0.get(&hash).filter(|_| range.start >= end) else { continue };
            let len = common(&old[at..], &new[range.start..]);
            if len < range.len() {
                continue;
            }
            let before = old[..at].iter().rev().zip(new[end..range.start].iter().rev());
            let back = before.take_while(|(a, b)| a == b).count();
            all.push(Match { new: range.start - back, len: len + back, old: at - back });
        }
        all
    }
}

/// How much of the old is looked at for what lies between two anchors.
const WINDOW: usize = 32 << 20;

/// Compares bytes that are too many for a suffix array: long equal stretches first, then what lies between them.
pub(crate) fn compare(old: &[u8], new: &[u8], known: &Chunks) -> Result<Vec<Match>, Error> {
    let anchors = known.anchors(old, new);
    let mut all = Vec::new();
    let (mut at, mut old_at) = (0, 0);
    for anchor in anchors.iter().map(Some).chain([None]) {
        let end = anchor.map_or(new.len(), |anchor| anchor.new);
        let old_end = anchor.map_or(old.len(), |anchor| anchor.old);
        for start in (at..end).step_by(WINDOW) {
            let gap = start..end.min(start + WINDOW);
            // What was between the same neighbours; where they are no neighbours, what followed the first.
            let follows = (old_at + (start - at)).min(old.len());
            let reach = old.len().min(follows + 2 * gap.len() + SMALLEST);
            let window = match old_end {
                old_end if old_end > old_at && old_end - old_at <= WINDOW => old_at..old_end,
                _ => follows..reach,
            };
            let (old_part, new_part) = (&old[window.clone()], &new[gap.clone()]);
            let found = fill(old_part, new_part, &matches(old_part, new_part)?);
            all.extend(found.iter().map(|found| Match {
                new: found.new + gap.start,
                old: found.old + window.start,
                len: found.len,
            }));
        }
        if let Some(anchor) = anchor {
            all.push(*anchor);
            (at, old_at) = (anchor.end(), anchor.old + anchor.len);
        }
    }
    Ok(all)
}
