//! Words: as predicted, or moved by what is to be expected, or four bytes.

use super::bytes::{Guess, Kind};
use super::hash::hash;
use super::{Model, Place};
use crate::coder::Coder;

/// Which of the words before are asked how they were moved, as indices of the history: 6, 2, 4, 1 and 3 back.
const BACK: [usize; 5] = [5, 1, 3, 0, 2];

/// Moves to try, without zeros and each once, and where each comes from.
#[derive(Default)]
struct Candidates {
    by: [i32; 7],
    from: [u32; 7],
    count: usize,
}

impl Candidates {
    fn add(&mut self, by: i32, from: u32) {
        let so_far = self.by.get(..self.count).unwrap_or_default();
        if by == 0 || so_far.contains(&by) || self.count >= self.by.len() {
            return;
        }
        (self.by[self.count], self.from[self.count]) = (by, from);
        self.count += 1;
    }
}

impl Model {
    /// Codes a word of which `expected` is predicted.
    pub(super) fn word<C: Coder>(
        &mut self,
        coder: &mut C,
        place: &Place<'_>,
        expected: u32,
        upper_half: bool,
        word: u32,
    ) -> u32 {
        let file = place.file;
        let class = u32::from(upper_half);
        let known = self.moves.expect(file, expected);
        // What the word would be as an address of the base.
        let moved = place.moved.filter(|_| expected >= 16).and_then(|moved| moved(expected));
        let moved = moved.map(|word| word.wrapping_sub(expected) as i32);

        let mut candidates = Candidates::default();
        if let Some(by) = moved {
            candidates.add(by, 6);
        }
        if known.sureness > 0 {
            candidates.add(known.by, 0);
        }
        for (nth, back) in BACK.into_iter().enumerate() {
            candidates.add(self.history[back], 1 + nth as u32);
        }

        let sure = match known {
            moves if moves.sureness == 0 => 0,
            moves if moves.by == 0 => moves.sureness,
            moves => 31 + moves.sureness,
        };
        let address = match moved {
            None => 0,
            Some(0) => 1,
            Some(_) => 2,
        };
        let situation = sure + address * 64;
        let pattern = (0..4).fold(u32::from(self.history[5] != 0) << 4, |pattern, back| {
            pattern | u32::from(self.history[back] != 0) << back
        });
        let agree = match candidates.count {
            0 => 0,
            _ => {
                let same = |&&back: &&usize| self.history[back] == candidates.by[0];
                1 + BACK.iter().filter(same).count() as u32
            }
        };
        let by = word.wrapping_sub(expected) as i32;
        let contexts = [
            situation << 8 | class,
            1 << 20 | pattern << 8 | situation,
            2 << 20 | (expected >> 24) << 8 | (sure.min(1) + u32::from(sure >= 32) + address * 3),
            hash(expected, 77),
            3 << 20 | (self.last as u32 & 0xff) << 8 | pattern,
            4 << 20 | pattern | agree << 8 | address << 16 | u32::from(expected >> 16 == 0) << 6,
        ];
        if self.mixed_flag(coder, contexts, situation as usize, by == 0) {
            self.moves.learn(file, expected, 0);
            return expected;
        }
        for nth in 0..candidates.count {
            let (candidate, from) = (candidates.by[nth], candidates.from[nth]);
            let nth = nth as u32;
            let contexts = [
                6 << 20 | from << 8 | situation,
                7 << 20 | pattern << 8 | from << 4 | nth,
                8 << 20 | agree << 8 | from << 4 | nth,
                9 << 20 | class << 8 | from,
                hash(expected, 78 + from),
                10 << 20 | candidate.unsigned_abs().min(63) << 8 | from,
            ];
            let at = 256 + nth as usize * 256 + situation as usize;
            if self.mixed_flag(coder, contexts, at, by == candidate) {
                self.moves.learn(file, expected, candidate);
                return expected.wrapping_add(candidate as u32);
            }
        }
        let near = if known.sureness > 0 { known.by } else { self.history[0] };
        let word = self.four_bytes(coder, expected, expected.wrapping_add(near as u32), class, word);
        self.moves.learn(file, expected, word.wrapping_sub(expected) as i32);
        word
    }

    /// The bytes of a word that was moved by nothing that was to be expected, the lowest first.
    fn four_bytes<C: Coder>(
        &mut self,
        coder: &mut C,
        expected: u32,
        near: u32,
        class: u32,
        word: u32,
    ) -> u32 {
        let last = self.last as u32;
        let (mut found, mut differing) = (0, 0u32);
        for nth in 0..4u32 {
            let byte_of = |word: u32| word >> (8 * nth) & 255;
            let guess = byte_of(expected);
            let contexts = [
                guess << 10 | nth << 4 | differing,
                1 << 20 | byte_of(near) << 12 | guess << 4 | nth << 2 | differing & 3,
                hash(expected, 100 + nth) ^ hash(found, 5),
                hash(last & 0xffff | guess << 16, 200 + nth + 8 * differing),
                hash(last, 201 + nth) ^ hash(found, 6),
                hash(found | nth << 24, class),
            ];
            let trust = nth as usize * 4 + (differing.count_ones() as usize).min(3);
            let guessed = Guess { byte: guess as u8, trust };
            let byte =
                u32::from(self.byte(coder, contexts, Some(guessed), Kind::OfWord, byte_of(word) as u8));
            differing |= u32::from(byte != guess) << nth;
            found |= byte << (8 * nth);
        }
        found
    }
}
