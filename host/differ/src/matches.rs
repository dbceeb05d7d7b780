//! Matching: which parts of the new bytes are like which parts of the old.
//!
//! It is the way of bsdiff (Colin Percival, "Naive differences of executable code", 2003): long equal stretches are found by
//! a suffix array, and each is carried on, forwards and backwards, for as long as at least half of the bytes are the same.

use crate::error::Error;
use crate::suffix::{Found, Suffixes};

/// Bytes of the new that are like bytes of the old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) new: usize,
    pub(crate) len: usize,
    pub(crate) old: usize,
}

impl Match {
    pub(crate) fn end(&self) -> usize {
        self.new + self.len
    }
}

/// By how many bytes another stretch must be better than going on with the last one.
const BETTER_BY: usize = 8;

/// Returns the matches, in the order of the new bytes, without overlaps.
pub(crate) fn matches(old: &[u8], new: &[u8]) -> Result<Vec<Match>, Error> {
    let mut all = Vec::new();
    if old.is_empty() || new.is_empty() {
        return Ok(all);
    }
    let suffixes = Suffixes::new(old)?;
    let pair = Pair { old, new };
    // Where the last stretch lies, from which the next match is carried on.
    let mut last = Found::default();
    let mut last_new = 0;
    let mut scan = 0;
    let mut found = Found::default();
    while scan < new.len() {
        let distance = last.at.wrapping_sub(last_new);
        let (at, next, goes_on) = next_stretch(&suffixes, &pair, scan + found.len, distance);
        (scan, found) = (at, next);
        if goes_on && scan < new.len() {
            continue;
        }
        let reaches = pair.forwards(last.at, last_new, scan);
        let back = if scan < new.len() { pair.backwards(found.at, last_new, scan) } else { 0 };
        let (reaches, back) = pair.settle((last.at, last_new, reaches), (found.at, scan, back));
        if reaches > 0 {
            all.push(Match { new: last_new, len: reaches, old: last.at });
        }
        last_new = scan - back;
        last.at = found.at.wrapping_sub(back);
    }
    Ok(all)
}

/// Looks, from `scan` on, for a stretch that is better than going on at `distance`. Returns where it begins, what was found
/// there, and whether that is what going on gives, too.
fn next_stretch(
    suffixes: &Suffixes<'_>,
    pair: &Pair<'_>,
    mut scan: usize,
    distance: usize,
) -> (usize, Found, bool) {
    let mut found = Found::default();
    let (mut same, mut counted) = (0, scan);
    while scan < pair.new.len() {
        found = suffixes.longest(&pair.new[scan..]);
        while counted < scan + found.len {
            same += usize::from(pair.is_same(counted, distance));
            counted += 1;
        }
        if (found.len == same && found.len != 0) || found.len > same + BETTER_BY {
            break;
        }
        same -= usize::from(pair.is_same(scan, distance));
        scan += 1;
    }
    (scan, found, found.len == same)
}

struct Pair<'t> {
    old: &'t [u8],
    new: &'t [u8],
}

impl Pair<'_> {
    /// Returns whether a byte of the new is that of the old at this distance.
    fn is_same(&self, new: usize, distance: usize) -> bool {
        self.old.get(new.wrapping_add(distance)) == self.new.get(new)
    }

    /// Returns how far a match goes from its beginning, up to `end` in the new.
    fn forwards(&self, old: usize, new: usize, end: usize) -> usize {
        let pairs = self.old.get(old..).unwrap_or_default().iter().zip(&self.new[new..end]);
        best_length(pairs.map(|(a, b)| a == b))
    }

    /// Returns how far before `new` a match may begin, not before `limit`.
    fn backwards(&self, old: usize, limit: usize, new: usize) -> usize {
        let pairs = self.old[..old].iter().rev().zip(self.new[limit..new].iter().rev());
        best_length(pairs.map(|(a, b)| a == b))
    }

    /// Where the match before, told by its beginning and length, and the one behind, told by its middle and how far it goes
    /// back, overlap: returns the two lengths without that, cut where most bytes are the same.
    fn settle(&self, before: (usize, usize, usize), behind: (usize, usize, usize)) -> (usize, usize) {
        let ((old, new, reaches), (next_old, next_new, back)) = (before, behind);
        let Some(overlap) = (new + reaches).checked_sub(next_new - back).filter(|overlap| *overlap > 0)
        else {
            return (reaches, back);
        };
        let (mut score, mut best, mut cut) = (0i64, 0, 0);
        for nth in 0..overlap {
            let at = reaches - overlap + nth;
            score += i64::from(self.new[new + at] == self.old[old + at]);
            score -= i64::from(self.new[next_new - back + nth] == self.old[next_old - back + nth]);
            if score > best {
                (best, cut) = (score, nth + 1);
            }
        }
        (reaches + cut - overlap, back - cut)
    }
}

/// Returns the length at which twice the equal bytes less all bytes is greatest.
fn best_length(same: impl Iterator<Item = bool>) -> usize {
    let (mut score, mut best, mut length) = (0i64, 0, 0);
    for (nth, same) in same.enumerate() {
        score += if same { 1 } else { -1 };
        if score > best {
            (best, length) = (score, nth + 1);
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn matches_are_in_order_and_inside_of_both(
            old in proptest::collection::vec(0u8..4, 0..400),
            new in proptest::collection::vec(0u8..4, 0..400),
        ) {
            let mut end = 0;
            for found in matches(&old, &new).unwrap() {
                prop_assert!(found.new >= end && found.len > 0);
                prop_assert!(found.old + found.len <= old.len());
                end = found.end();
            }
            prop_assert!(end <= new.len());
        }
    }

    #[test]
    fn what_has_only_moved_is_one_match_each() {
        let old: Vec<u8> = (0..4000u32).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect();
        let new = [&old[8000..], &[1, 2, 3], &old[..8000]].concat();
        let found = matches(&old, &new).unwrap();
        let expected = [Match { new: 0, len: 8000, old: 8000 }, Match { new: 8003, len: 8000, old: 0 }];
        assert_eq!(found, expected);
    }
}
