//! The last bytes of the input, and where in them a match was found: gzip's window and hash chains.
//!
//! The scheme is that of zlib's `deflate.c` (Jean-loup Gailly and Mark Adler; LICENSE-ZLIB). What gzip does differently
//! shows in the packed bytes:
//! - a match is measured beyond the end of the input, into what the window held there before, and cut afterwards, so a
//!   farther match can win that is no longer than a nearer one;
//! - strings at the end of the input enter the chains, whatever lies behind them;
//! - the window is filled as a whole, which decides what lies behind the end of the input.

use super::codes::{MAX_MATCH, MIN_MATCH};
use crate::bytes::common;

/// How far apart two positions are that share a link of a chain.
const HALF: usize = 1 << 15;
/// The window, in bytes.
const SIZE: usize = 2 * HALF;
/// With fewer bytes ahead than this, the window is filled first.
pub(crate) const ENOUGH: usize = MAX_MATCH + MIN_MATCH + 1;
/// The farthest match.
pub(crate) const FARTHEST: usize = HALF - ENOUGH;
/// A position beyond which the window moves, and no match is looked for.
const TURN: usize = SIZE - ENOUGH;
/// Bytes that may be looked at behind the window, all zero.
const SLACK: usize = MIN_MATCH;

/// How hard is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// A match that is as long makes the search for a better one a quarter as long.
    pub(crate) good: usize,
    /// With a match that is as long, no better one is looked for one byte later. Without laziness: of a longer match
    /// only the first string enters the chains.
    pub(crate) lazy: usize,
    /// A match that is as long ends the search.
    pub(crate) nice: usize,
    /// How many strings of a chain are tried.
    pub(crate) chain: usize,
}

/// The window.
pub(crate) struct Window {
    bytes: Vec<u8>,
    /// By hash: the last position of such a string; 0 for none.
    heads: Vec<u16>,
    /// By position, modulo [`HALF`]: the position before it of a string with the same hash.
    links: Vec<u16>,
    hash: usize,
    /// The next byte that is not covered.
    at: usize,
    /// How many bytes of the input lie there.
    pub(crate) ahead: usize,
    /// Where the last match that was found begins.
    found: usize,
    /// Where the block begins, relative to the window; it may have moved out of it.
    block: isize,
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; SIZE + SLACK],
            heads: vec![0; HALF],
            links: vec![0; HALF],
            hash: 0,
            at: 0,
            ahead: 0,
            found: 0,
            block: 0,
        }
    }

    /// Takes in the beginning of `input`, as much as there is room for, and returns the rest. Without room it takes
    /// none.
    pub(crate) fn fill<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let end = self.at + self.ahead;
        let taken = input.len().min(SIZE - end);
        let (taken, rest) = input.split_at(taken);
        self.bytes[end..end + taken.len()].copy_from_slice(taken);
        if end < MIN_MATCH - 1 {
            self.rehash();
        }
        self.ahead += taken.len();
        rest
    }

    /// Whether there is no room for more input.
    pub(crate) fn is_full(&self) -> bool {
        self.at + self.ahead == SIZE
    }

    /// Forgets the first half, if the window must move to take in more.
    pub(crate) fn turn(&mut self) {
        if self.at < TURN {
            return;
        }
        self.bytes.copy_within(HALF..SIZE, 0);
        self.at -= HALF;
        self.found = self.found.wrapping_sub(HALF);
        self.block -= HALF as isize;
        for position in self.heads.iter_mut().chain(&mut self.links) {
            *position = position.saturating_sub(HALF as u16);
        }
    }

    /// There is no more input.
    pub(crate) fn end(&mut self) {
        let end = self.at + self.ahead;
        self.bytes[end..].iter_mut().take(MIN_MATCH - 1).for_each(|byte| *byte = 0);
    }

    /// The byte before the next.
    pub(crate) fn byte_before(&self) -> u8 {
        self.bytes[self.at - 1]
    }

    /// The next byte.
    pub(crate) fn byte(&self) -> u8 {
        self.bytes[self.at]
    }

    /// How many bytes of the block are covered.
    pub(crate) fn covered(&self) -> usize {
        (self.at as isize - self.block) as usize
    }

    /// The bytes of the block that are covered, if they are still there.
    pub(crate) fn block(&self) -> Option<&[u8]> {
        self.bytes.get(usize::try_from(self.block).ok()?..self.at)
    }

    /// A new block begins here.
    pub(crate) fn begin_block(&mut self) {
        self.block = self.at as isize;
    }

    /// Covers one byte.
    pub(crate) fn advance(&mut self) {
        self.at += 1;
        self.ahead -= 1;
    }

    /// Covers `count` bytes; the strings that begin behind each enter their chains.
    pub(crate) fn advance_and_enter(&mut self, count: usize) {
        for _ in 0..count {
            self.advance();
            self.enter();
        }
    }

    /// How far back the last match lies that was found.
    pub(crate) fn distance(&self) -> usize {
        self.at.wrapping_sub(self.found)
    }

    /// Covers `length` bytes, and forgets the strings that begin in them.
    pub(crate) fn jump(&mut self, length: usize) {
        self.at += length;
        self.ahead -= length;
        self.rehash();
    }

    fn rehash(&mut self) {
        self.hash = usize::from(self.bytes[self.at]);
        self.roll(self.bytes[self.at + 1]);
    }

    fn roll(&mut self, byte: u8) {
        self.hash = (self.hash << 5 ^ usize::from(byte)) & (HALF - 1);
    }

    /// The string that begins here enters its chain; returns the position of the one before it, 0 for none.
    pub(crate) fn enter(&mut self) -> usize {
        self.roll(self.bytes[self.at + MIN_MATCH - 1]);
        let head = &mut self.heads[self.hash];
        let before = *head;
        self.links[self.at & (HALF - 1)] = before;
        *head = self.at as u16;
        usize::from(before)
    }

    /// Whether a match may be looked for at `position`.
    pub(crate) fn may_match(&self, position: usize) -> bool {
        position != 0 && self.at - position <= FARTHEST && self.at <= TURN
    }

    /// Follows the chain from `first` for a match that is longer than `length`; [`Window::distance`] is then its.
    /// Returns the length of the longest, at most what lies ahead.
    pub(crate) fn search(&mut self, first: usize, length: usize, effort: &Effort) -> usize {
        let at = self.at;
        let here: &[u8] = &self.bytes[at..at + MAX_MATCH];
        let farthest = at.saturating_sub(FARTHEST);
        let mut left = if length >= effort.good { effort.chain >> 2 } else { effort.chain };
        let mut longest = length;
        let mut tail = [here[longest - 1], here[longest]];
        let mut position = first;
        loop {
            let there = &self.bytes[position..position + MAX_MATCH];
            if there[longest - 1..=longest] == tail && there[..2] == here[..2] {
                let length = common(here, there);
                if length > longest {
                    self.found = position;
                    longest = length;
                    if length >= effort.nice {
                        break;
                    }
                    tail = [here[longest - 1], here[longest]];
                }
            }
            position = usize::from(self.links[position & (HALF - 1)]);
            left -= 1;
            if position <= farthest || left == 0 {
                break;
            }
        }
        longest.min(self.ahead)
    }
}
