//! How words were moved: a word that is there once more moves by as much as it did before, and so do its neighbours.

use super::hash::hash;

/// How much of a word is dropped, and the size of the table as a power of two: exact words, and two sizes of neighbourhood.
const LEVELS: [(u32, u32); 3] = [(0, 16), (5, 14), (11, 12)];

#[derive(Clone, Copy, Default)]
struct Move {
    /// What tells the word, in 29 bits, and in 3 how often it has moved by as much.
    tag: u32,
    by: i32,
}

/// What is known of words and how they were moved.
pub(super) struct Moves {
    levels: [Vec<Move>; 3],
}

/// A move that may be expected.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected {
    /// By how much.
    pub(super) by: i32,
    /// How sure that is: 0 is not at all, 1 to 24 the more the lower the level, and the more often it was so.
    pub(super) sureness: u32,
}

impl Moves {
    pub(super) fn new() -> Self {
        Self { levels: LEVELS.map(|(_, bits)| vec![Move::default(); 1 << bits]) }
    }

    /// Returns how `word` was moved in this file before.
    #[inline]
    pub(super) fn expect(&self, file: u32, word: u32) -> Expected {
        for (level, (moves, (shift, bits))) in self.levels.iter().zip(LEVELS).enumerate() {
            let key = hash(word >> shift, file);
            let Some(found) = moves.get((key >> (32 - bits)) as usize) else { continue };
            if found.tag >> 3 == tag(key, file) {
                return Expected { by: found.by, sureness: level as u32 * 8 + (found.tag & 7) + 1 };
            }
        }
        Expected::default()
    }

    /// Remembers how a word was moved.
    #[inline]
    pub(super) fn learn(&mut self, file: u32, word: u32, by: i32) {
        for (moves, (shift, bits)) in self.levels.iter_mut().zip(LEVELS) {
            let key = hash(word >> shift, file);
            let Some(entry) = moves.get_mut((key >> (32 - bits)) as usize) else { continue };
            if entry.tag >> 3 == tag(key, file) && entry.by == by {
                entry.tag += u32::from(entry.tag & 7 < 7);
            } else {
                *entry = Move { tag: tag(key, file) << 3, by };
            }
        }
    }
}

#[inline]
const fn tag(key: u32, file: u32) -> u32 {
    (key ^ file) & 0x1f_ffff
}
