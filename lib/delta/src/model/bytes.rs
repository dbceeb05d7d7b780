//! Bytes, bit by bit from the top, in contexts.

use super::hash::hash;
use super::mixer::LINE;
use super::{BYTE_CONTEXTS, Model};
use crate::coder::Coder;

/// A byte that is expected, and how much it is trusted: 0 to 15.
#[derive(Clone, Copy)]
pub(super) struct Guess {
    pub(super) byte: u8,
    pub(super) trust: usize,
}

/// Which weights and which adaptation a byte has.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// One of a word.
    OfWord = 1,
    /// One by itself.
    Odd = 2,
}

/// How often a context may be seen before it adapts no slower.
const LIMIT: u32 = 120;

impl Model {
    /// Codes a byte.
    pub(super) fn byte<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: [u32; BYTE_CONTEXTS],
        guess: Option<Guess>,
        kind: Kind,
        byte: u8,
    ) -> u8 {
        let mask = self.flags.len() - 1;
        let mut guess = guess;
        // What is known of the byte so far, behind a one.
        let mut known = 1u32;
        for half in [4, 0] {
            // The contexts within half a byte lie together.
            let mut contexts = contexts.into_iter();
            let mut lines = self.bytes.each_mut().map(|lines| {
                let line = contexts.next().map_or(0, |context| hash(context, known) as usize & mask) / LINE;
                &mut lines[line]
            });
            let mut within = 1;
            for bit in (half..half + 4).rev() {
                let mut logits = [0; BYTE_CONTEXTS + 1];
                for (logit, line) in logits.iter_mut().zip(&mut lines) {
                    *logit = self.tables.stretch(line.at(within).one());
                }
                let expected = guess.map(|Guess { byte, trust }| {
                    let at = ((trust & 15) * 3 + kind as usize) * 8 + bit;
                    (at, byte >> bit & 1 != 0)
                });
                if let Some((at, one)) = expected {
                    let logit = self.tables.stretch(self.expected[at].one() >> 4);
                    logits[BYTE_CONTEXTS] = if one { logit } else { -logit };
                }
                let situation = kind as usize * 1024
                    + match guess {
                        Some(Guess { trust, .. }) => 256 + (trust & 15) * 8 + bit,
                        None => known as usize & 255,
                    };
                let one = self.byte_mixer.one(situation, &logits, &self.tables);
                let found = coder.code(byte >> bit & 1 != 0, one);
                self.byte_mixer.learn(situation, &logits, found, one);
                for line in &mut lines {
                    line.at(within).learn(found, &self.tables, LIMIT);
                }
                if let Some((at, one)) = expected {
                    self.expected[at].learn(found == one, 6);
                    guess = guess.filter(|_| found == one);
                }
                known = known << 1 | u32::from(found);
                within = within << 1 | usize::from(found);
            }
        }
        known as u8
    }

    /// A byte where no whole word is: as predicted, or in contexts.
    pub(super) fn single_byte<C: Coder>(&mut self, coder: &mut C, expected: u8, byte: u8) -> u8 {
        let context = usize::from(self.alert > 0) * 256 + usize::from(expected);
        if self.single[context].code(coder, byte == expected, 5) {
            return expected;
        }
        let (last, expected) = (self.last as u32, u32::from(expected));
        let contexts = [
            expected << 10,
            1 << 22 | (last & 255) << 8 | expected,
            hash(last & 0xffff, 300 + expected),
            hash(last, 301),
            hash(last & 0xff_ffff, 302),
            7 << 20,
        ];
        self.byte(coder, contexts, None, Kind::Odd, byte)
    }
}
