//! Where in a block the same bytes were before: LZ4HC's hash chains, searched exactly as liblz4 1.9.4 does.
//!
//! Written after the behaviour of `lz4hc.c` (Yann Collet; LICENSE-LZ4). Which of several matches is found, and with how
//! many attempts, decides the packed bytes.

use super::MIN_MATCH;
use crate::bytes::{common, read_u32, run};

/// The farthest match.
pub(crate) const FARTHEST: usize = (1 << 16) - 1;
/// What is added to a position to make an index, so that an index of 0 is farther from each than [`FARTHEST`].
const BASE: usize = 1 << 16;
/// No match covers the last bytes of a block.
const TAIL: usize = 5;
/// From more attempts than this on, runs of one byte are searched by their ends.
const MANY: usize = 128;

/// Bytes that were there before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    /// Where they are again.
    pub(crate) at: usize,
    /// Where they were.
    pub(crate) from: usize,
    /// How many.
    pub(crate) length: usize,
}

impl Match {
    /// Where what follows begins.
    pub(crate) fn end(&self) -> usize {
        self.at + self.length
    }

    /// The same without its first bytes.
    pub(crate) fn without(self, bytes: usize) -> Self {
        Self { at: self.at + bytes, from: self.from + bytes, length: self.length.saturating_sub(bytes) }
    }
}

/// The positions of a block by the hash of the four bytes there.
pub(crate) struct Chains {
    /// By hash: the last index.
    heads: Vec<u32>,
    /// By index, modulo 64 Ki: how far before it the index before it is, at most [`FARTHEST`].
    links: Vec<u16>,
    /// The first position that is not in them.
    next: usize,
    attempts: usize,
}

impl Chains {
    pub(crate) fn new(attempts: usize) -> Self {
        Self { heads: vec![0; 1 << 15], links: vec![0; BASE], next: 0, attempts }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.heads.fill(0);
        self.links.fill(0);
        self.next = 0;
    }

    fn head(&self, block: &[u8], position: usize) -> usize {
        (read_u32(block, position).wrapping_mul(2_654_435_761) >> 17) as usize & (self.heads.len() - 1)
    }

    fn link(&self, index: usize) -> usize {
        usize::from(self.links[index & (BASE - 1)])
    }

    fn enter_up_to(&mut self, block: &[u8], end: usize) {
        for position in self.next..end {
            let index = position + BASE;
            let head = self.head(block, position);
            let back = (index - self.heads[head] as usize).min(FARTHEST);
            self.links[index & (BASE - 1)] = back as u16;
            self.heads[head] = index as u32;
        }
        self.next = self.next.max(end);
    }

    /// The longest match that begins at `at`.
    pub(crate) fn longest(&mut self, block: &[u8], at: usize) -> Option<Match> {
        self.longer(block, at, at, MIN_MATCH - 1)
    }

    /// The longest match that is longer than `length`, covers the four bytes at `at`, and does not begin before
    /// `lowest`. `length` is at least one more than what lies between the two.
    pub(crate) fn longer(&mut self, block: &[u8], at: usize, lowest: usize, length: usize) -> Option<Match> {
        self.enter_up_to(block, at);
        let here = at + BASE;
        let farthest = BASE.max(here.saturating_sub(FARTHEST));
        let limit = block.len() - TAIL;
        let pattern = read_u32(block, at);
        let back_room = at - lowest;
        let mut best = None;
        let mut longest = length;
        let mut runs = None;
        let mut index = self.heads[self.head(block, at)] as usize;
        let mut attempts = self.attempts;
        while index >= farthest && attempts > 0 {
            attempts -= 1;
            let position = index - BASE;
            // Where a longer match would end, two bytes are compared first.
            let tail = longest - 1;
            if block[lowest + tail..][..2] == block[position + tail - back_room..][..2]
                && read_u32(block, position) == pattern
            {
                let back = common_before(&block[lowest..at], &block[..position]);
                let ahead = common(&block[at + MIN_MATCH..limit], &block[position + MIN_MATCH..]);
                let length = back + MIN_MATCH + ahead;
                if length > longest {
                    longest = length;
                    best = Some(Match { at: at - back, from: position - back, length });
                }
            }
            let back = self.link(index);
            if back == 1 && self.attempts > MANY && index > farthest {
                let length = *runs.get_or_insert_with(|| Self::run_length(&block[at..limit], pattern));
                if let Some(length) = length.filter(|_| read_u32(block, position - 1) == pattern) {
                    match Run::around(block, position - 1, farthest - BASE, limit).best(length) {
                        Aim::End(position) => index = position + BASE,
                        Aim::Start(position, length) => {
                            index = position + BASE;
                            if back_room == 0 {
                                if longest < length {
                                    if here - index > FARTHEST {
                                        break;
                                    }
                                    longest = length;
                                    best = Some(Match { at, from: position, length });
                                }
                                index -= self.link(index);
                            }
                        }
                    }
                    continue;
                }
            }
            index -= back;
        }
        best
    }

    /// How long the run of one byte is that `bytes` begin with, if their first four are one.
    fn run_length(bytes: &[u8], pattern: u32) -> Option<usize> {
        (pattern.rotate_left(8) == pattern).then(|| run(bytes, pattern as u8))
    }
}

/// A run of one byte, seen from a position in it.
struct Run {
    position: usize,
    before: usize,
    after: usize,
}

/// Where in a run the search goes on.
enum Aim {
    /// Where the rest of the run is as long as the one that is to be matched, so that what follows may match as well.
    End(usize),
    /// The start of the run, and how much of the one that is to be matched it covers.
    Start(usize, usize),
}

impl Run {
    fn around(block: &[u8], position: usize, lowest: usize, limit: usize) -> Self {
        let byte = block[position];
        let before = block[lowest..position].iter().rev().take_while(|&&other| other == byte).count();
        Self { position, before, after: run(&block[position..limit], byte) }
    }

    fn best(&self, wanted: usize) -> Aim {
        if self.before + self.after >= wanted && self.after <= wanted {
            Aim::End(self.position + self.after - wanted)
        } else {
            Aim::Start(self.position - self.before, wanted.min(self.before + self.after))
        }
    }
}

/// How many bytes are the same at the end.
fn common_before(a: &[u8], b: &[u8]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}
