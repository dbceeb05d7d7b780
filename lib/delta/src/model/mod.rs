//! What a run's bytes are, where they differ from what was predicted.
//!
//! Most bytes of a run are as predicted, and cheap flags say so: a whole piece, 64 bytes, 8 bytes. After a byte that is not,
//! the next words are looked at one by one ([`words`]): a word is as predicted, or moved by what its neighbours or its like
//! were moved by, or four bytes by themselves ([`bytes`]). Decisions that are worth it are mixed from several contexts
//! ([`mixer`]).
//!
//! A model begins empty with each section and knows nothing of the target but the eight bytes before.

mod bytes;
mod hash;
mod mixer;
mod moves;
mod words;

use crate::coder::{Bit, Coder};
use hash::hash;
use mixer::{LINE, Line, Mixer, Seen, Tables};
use moves::Moves;

/// Contexts of a mixed flag.
const FLAG_CONTEXTS: usize = 6;
/// Contexts of a byte; one more logit is the predicted byte's.
const BYTE_CONTEXTS: usize = 6;

/// How many words are looked at one by one after one that was not as predicted.
const ALERT: u32 = 24;

/// How fast the flags of 8 and of 64 bytes adapt.
const RATE: u32 = 6;

/// What a model knows of where it is.
pub struct Place<'a> {
    /// Where the piece begins in the target.
    pub target: u64,
    /// What tells the executable, or whatever it is, from others in the section.
    pub file: u32,
    /// Where an address of the base lies in the target, if the bytes are of something that has addresses.
    pub moved: Option<&'a dyn Fn(u32) -> Option<u32>>,
}

/// All that adapts.
pub struct Model {
    tables: Tables,
    flags: Vec<Seen>,
    flag_mixer: Mixer<FLAG_CONTEXTS>,
    bytes: [Vec<Line>; BYTE_CONTEXTS],
    byte_mixer: Mixer<{ BYTE_CONTEXTS + 1 }>,
    expected: Vec<Bit>,
    single: Vec<Bit>,
    moves: Moves,
    sixty_four: [Bit; 16],
    eight: [Bit; 16],
    /// The last eight bytes, the newest lowest.
    last: u64,
    /// How the last words were moved, the newest first.
    history: [i32; 8],
    /// How many words are still looked at one by one.
    alert: u32,
    /// How many times 64 bytes were as predicted.
    quiet: usize,
}

impl Model {
    /// An empty model whose tables have 2 to the power of `bits` entries.
    pub fn new(bits: u8) -> Self {
        let entries = 1 << bits;
        Self {
            tables: Tables::new(),
            flags: vec![Seen::NEW; entries],
            flag_mixer: Mixer::new(2560),
            bytes: std::array::from_fn(|_| vec![Line::NEW; entries / LINE]),
            byte_mixer: Mixer::new(3072),
            expected: vec![Bit::NEW; 16 * 3 * 8],
            single: vec![Bit::NEW; 512],
            moves: Moves::new(),
            sixty_four: [Bit::NEW; 16],
            eight: [Bit::NEW; 16],
            last: 0,
            history: [0; 8],
            alert: 0,
            quiet: 0,
        }
    }

    /// Is told of bytes that were not coded here: literals, or a piece that is as the base has it.
    pub fn passed(&mut self, tail: &[u8]) {
        self.remember(tail);
    }

    /// Is told of a piece that is as the base has it.
    pub fn calm(&mut self, tail: &[u8]) {
        self.remember(tail);
        (self.alert, self.history) = (0, [0; 8]);
    }

    /// Codes a piece of a run. `out` has the bytes, or gets them; `predicted` has as many.
    pub fn piece<C: Coder>(&mut self, coder: &mut C, place: &Place<'_>, predicted: &[u8], out: &mut [u8]) {
        let len = predicted.len().min(out.len());
        let mut at = 0;
        while at < len {
            let position = place.target.wrapping_add(at as u64);
            let left = len - at;
            if position & 3 != 0 || left < 4 {
                self.odd_byte(coder, predicted, out, at);
                at += 1;
            } else if self.alert == 0 && left >= 8 {
                at = self.quiet(coder, predicted, out, at);
            } else {
                self.next_word(coder, place, predicted, out, at);
                at += 4;
            }
        }
    }

    /// A byte where no whole word is.
    fn odd_byte<C: Coder>(&mut self, coder: &mut C, predicted: &[u8], out: &mut [u8], at: usize) {
        let (Some(&expected), Some(out)) = (predicted.get(at), out.get_mut(at)) else { return };
        *out = self.single_byte(coder, expected, *out);
        if *out != expected {
            self.alert = ALERT;
        }
        self.last = self.last << 8 | u64::from(*out);
    }

    /// Bytes that are as predicted, 64 or 8 at once. Returns where they end.
    fn quiet<C: Coder>(&mut self, coder: &mut C, predicted: &[u8], out: &mut [u8], mut at: usize) -> usize {
        let many = predicted.len() - at >= 64;
        if many {
            let context = self.quiet.min(15);
            let Some(flag) = self.sixty_four.get_mut(context) else { return at };
            if as_predicted::<C, 64>(coder, flag, predicted, out, at) {
                self.quiet += 1;
                return at + 64;
            }
            self.quiet = 0;
        }
        let (count, base) = if many { (8, 8) } else { (1, 0) };
        let mut done = 0;
        while done < count {
            let Some(flag) = self.eight.get_mut(base + done) else { break };
            if !as_predicted::<C, 8>(coder, flag, predicted, out, at) {
                self.alert = ALERT;
                break;
            }
            at += 8;
            done += 1;
        }
        let tail = out.get(..at).unwrap_or_default();
        self.last = 0;
        if at >= 8 {
            self.remember(tail);
        }
        at
    }

    fn next_word<C: Coder>(
        &mut self,
        coder: &mut C,
        place: &Place<'_>,
        predicted: &[u8],
        out: &mut [u8],
        at: usize,
    ) {
        let (Some(expected), Some(out)) = (
            predicted.get(at..at + 4).and_then(|word| word.first_chunk::<4>()),
            out.get_mut(at..at + 4).and_then(|word| word.first_chunk_mut::<4>()),
        ) else {
            return;
        };
        let expected = u32::from_le_bytes(*expected);
        let upper_half = place.target.wrapping_add(at as u64) & 4 != 0;
        let word = self.word(coder, place, expected, upper_half, u32::from_le_bytes(*out));
        *out = word.to_le_bytes();
        self.history.rotate_right(1);
        self.history[0] = word.wrapping_sub(expected) as i32;
        self.alert = if word == expected { self.alert.saturating_sub(1) } else { ALERT };
        self.last = self.last << 32 | u64::from(word.swap_bytes());
    }

    fn remember(&mut self, tail: &[u8]) {
        let from = tail.len().saturating_sub(8);
        self.last = tail.iter().skip(from).fold(0, |last, &byte| last << 8 | u64::from(byte));
    }
}

/// Codes whether the next `N` bytes are as predicted, and sets them if so.
#[inline]
fn as_predicted<C: Coder, const N: usize>(
    coder: &mut C,
    flag: &mut Bit,
    predicted: &[u8],
    out: &mut [u8],
    at: usize,
) -> bool {
    let (Some(predicted), Some(out)) = (predicted.get(at..at + N), out.get_mut(at..at + N)) else {
        return false;
    };
    let same = flag.code(coder, C::KNOWS && predicted == out, RATE);
    if same {
        out.copy_from_slice(predicted);
    }
    same
}

impl Model {
    /// Codes a decision that is mixed from several contexts.
    #[inline]
    fn mixed_flag<C: Coder>(
        &mut self,
        coder: &mut C,
        contexts: [u32; FLAG_CONTEXTS],
        situation: usize,
        bit: bool,
    ) -> bool {
        let mask = self.flags.len() - 1;
        let mut index = [0; FLAG_CONTEXTS];
        let mut logits = [0; FLAG_CONTEXTS];
        for (nth, context) in contexts.into_iter().enumerate() {
            index[nth] = hash(context, nth as u32 + 1) as usize & mask;
            logits[nth] = self.tables.stretch(self.flags[index[nth]].one());
        }
        let one = self.flag_mixer.one(situation, &logits, &self.tables);
        let bit = coder.code(bit, one);
        self.flag_mixer.learn(situation, &logits, bit, one);
        for at in index {
            self.flags[at].learn(bit, &self.tables, 200);
        }
        bit
    }
}
