//! Everything that a cut of power could have left on a disk.
//!
//! Between two flushes every sector write is in flight: any subset may have arrived, in any order, and a write of
//! several sectors may be torn. A sector by itself is old or new, never both. Reordering needs no states of its own:
//! what a sector holds is one of the versions that were written to it, or what it held before, and subsets give all
//! of these.

use crate::contents::{Contents, UNIT, hash};
use crate::disk::{Mark, Op};
use drydock_block::SectorSize;
use drydock_fixtures::Random;
use drydock_state::SetName;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Up to this many sector writes in flight, every subset is tried.
pub const EXHAUSTIVE: usize = 6;

/// How many sector writes make an edge.
const EDGE: usize = 4;

/// Which of the sector writes in flight have arrived, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Those whose bit is set.
    Mask(u64),
    /// The first so many.
    Prefix(usize),
    /// Only this one.
    Alone(usize),
    /// All but this one.
    Missing(usize),
    /// Each with a chance of one half, from this seed.
    Random(u64),
}

impl Choice {
    /// All choices that are tried with so many sector writes in flight; beyond [`EXHAUSTIVE`], `samples` of them are
    /// random.
    pub fn all(flight: usize, samples: usize, random: &mut Random) -> Vec<Self> {
        if flight <= EXHAUSTIVE {
            return (0..1 << flight).map(Self::Mask).collect();
        }
        let prefixes = (0..=flight).map(Self::Prefix);
        let singles = (0..flight).flat_map(|n| [Self::Alone(n), Self::Missing(n)]);
        let random = std::iter::repeat_with(|| Self::Random(random.number())).take(samples);
        prefixes.chain(singles).chain(random).collect()
    }

    /// Whether it is about the first or the last few of so many in flight: where one write meets another.
    pub fn is_at_an_edge(self, flight: usize) -> bool {
        match self {
            Self::Prefix(n) | Self::Alone(n) | Self::Missing(n) => n < EDGE || n + EDGE >= flight,
            Self::Mask(_) => true,
            Self::Random(_) => false,
        }
    }

    /// Some choice.
    pub fn any(flight: usize, random: &mut Random) -> Self {
        match random.below(12) {
            0 => Self::Prefix(random.below(flight + 1)),
            1 if flight > 0 => Self::Alone(random.below(flight)),
            2 if flight > 0 => Self::Missing(random.below(flight)),
            3 => Self::Prefix(flight),
            _ => Self::Random(random.number()),
        }
    }

    fn picks(self, flight: usize) -> Vec<bool> {
        match self {
            Self::Random(seed) => {
                let mut random = Random::new(seed);
                (0..flight).map(|_| random.number() & 1 == 1).collect()
            }
            _ => (0..flight).map(|n| self.has(n)).collect(),
        }
    }

    fn has(self, n: usize) -> bool {
        match self {
            Self::Mask(mask) => mask >> n & 1 == 1,
            Self::Prefix(count) => n < count,
            Self::Alone(one) => n == one,
            Self::Missing(one) => n != one,
            Self::Random(_) => false,
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mask(n) => write!(f, "mask-{n}"),
            Self::Prefix(n) => write!(f, "prefix-{n}"),
            Self::Alone(n) => write!(f, "alone-{n}"),
            Self::Missing(n) => write!(f, "missing-{n}"),
            Self::Random(n) => write!(f, "random-{n}"),
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a choice, as in missing-17");
        let (kind, number) = text.split_once('-').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match kind {
            "mask" => Ok(Self::Mask(number)),
            "prefix" => Ok(Self::Prefix(number as usize)),
            "alone" => Ok(Self::Alone(number as usize)),
            "missing" => Ok(Self::Missing(number as usize)),
            "random" => Ok(Self::Random(number)),
            _ => Err(wrong()),
        }
    }
}

/// One sector on its way to the medium.
#[derive(Clone)]
struct SectorWrite {
    offset: u64,
    bytes: Arc<[u8]>,
    at: usize,
    /// What arriving changes in the contents' fingerprint.
    change: u64,
    /// A later write of the same sector.
    later: Option<usize>,
}

/// The contents of a disk while a log is played back, and what is in flight.
pub struct Replay {
    stable: Contents,
    fingerprint: u64,
    sector: usize,
    flight: Vec<SectorWrite>,
    /// The last write in flight of each sector.
    last: HashMap<u64, usize>,
}

impl Replay {
    /// Begins with what was on the medium.
    pub fn new(stable: Contents, sector: SectorSize) -> Self {
        let fingerprint = stable.fingerprint();
        Self::after(stable, fingerprint, sector)
    }

    /// Begins with contents whose fingerprint is known.
    pub fn after(stable: Contents, fingerprint: u64, sector: SectorSize) -> Self {
        Self { stable, fingerprint, sector: sector.as_usize(), flight: Vec::new(), last: HashMap::new() }
    }

    /// How many sector writes are in flight.
    pub fn flight(&self) -> usize {
        self.flight.len()
    }

    /// Plays one entry of a log.
    pub fn play(&mut self, op: &Op) {
        match op {
            Op::Write { offset, bytes } => self.write(*offset, bytes),
            Op::Flush(_) => self.flush(),
            Op::Mark(_) => {}
        }
    }

    /// The fingerprint of the contents after a cut.
    pub fn fingerprint(&self, choice: Choice) -> u64 {
        let picks = choice.picks(self.flight.len());
        let overwritten = |write: &SectorWrite| {
            let mut later = write.later;
            while let Some(index) = later.filter(|&index| !picks[index]) {
                later = self.flight[index].later;
            }
            later.is_some()
        };
        let arrived =
            self.flight.iter().zip(&picks).filter(|(write, picked)| **picked && !overwritten(write));
        arrived.fold(self.fingerprint, |sum, (write, _)| sum ^ write.change)
    }

    /// The contents after a cut.
    pub fn contents(&self, choice: Choice) -> Contents {
        let mut contents = self.stable.clone();
        for (write, _) in self.flight.iter().zip(choice.picks(self.flight.len())).filter(|(_, pick)| *pick) {
            contents.write(write.offset, self.bytes(write));
        }
        contents
    }

    fn bytes<'w>(&self, write: &'w SectorWrite) -> &'w [u8] {
        &write.bytes[write.at..][..self.sector]
    }

    /// Whole sectors are written: from now on each of them is in flight.
    pub fn write(&mut self, offset: u64, bytes: &Arc<[u8]>) {
        let mut old = vec![0; self.sector];
        for at in (0..bytes.len()).step_by(self.sector) {
            let offset = offset + at as u64;
            self.stable.read(offset, &mut old);
            let before = self.last.get(&offset).copied();
            let seen = before.map_or(&old[..], |index| self.bytes(&self.flight[index]));
            if *seen == bytes[at..][..self.sector] {
                continue;
            }
            let change = sum(offset, &old) ^ sum(offset, &bytes[at..][..self.sector]);
            let index = self.flight.len();
            if let Some(before) = before {
                self.flight[before].later = Some(index);
            }
            self.last.insert(offset, index);
            self.flight.push(SectorWrite { offset, bytes: bytes.clone(), at, change, later: None });
        }
    }

    /// All that is in flight arrives.
    pub fn flush(&mut self) {
        let all = Choice::Prefix(self.flight.len());
        (self.fingerprint, self.stable) = (self.fingerprint(all), self.contents(all));
        self.flight.clear();
        self.last.clear();
    }
}

fn sum(offset: u64, bytes: &[u8]) -> u64 {
    let units = (offset / UNIT as u64..).zip(bytes.chunks(UNIT));
    units.fold(0, |sum, (unit, bytes)| sum ^ hash(unit, bytes))
}

/// What a program had promised before the cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Progress {
    /// The intent that had been taken on.
    pub staged: Option<u64>,
    /// The intent that had been taken back.
    pub cancelled: Option<u64>,
    /// The set that had been given up by hand.
    pub given_up: Option<SetName>,
    /// The `data` with which a set had been entered first, if the first boot had made it.
    pub data: Option<u64>,
    /// The hook that was running, or had just run.
    pub hook: Option<Mark>,
    /// The promise after which nothing was written any more.
    pub promise: Option<Mark>,
}

impl Progress {
    /// Takes note of one entry of a log.
    pub fn note(&mut self, op: &Op) {
        self.promise = match op {
            Op::Mark(mark) => Some(*mark),
            _ => None,
        };
        self.hook = self.promise.filter(|mark| matches!(mark, Mark::HookRuns(_) | Mark::HookRan(_)));
        match op {
            Op::Mark(Mark::Staged(id)) => self.staged = Some(*id),
            Op::Mark(Mark::Cancelled(id)) => self.cancelled = Some(*id),
            Op::Mark(Mark::GivenUp(set)) => self.given_up = Some(*set),
            Op::Mark(Mark::Entered(data)) => self.data = self.data.or(Some(*data)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_block::Flush;

    fn write(offset: u64, byte: u8, len: usize) -> Op {
        Op::Write { offset, bytes: vec![byte; len].into() }
    }

    fn first_bytes(contents: &Contents) -> [u8; 3] {
        [0, 512, 1024].map(|at| {
            let mut byte = [0];
            contents.read(at, &mut byte);
            byte[0]
        })
    }

    #[test]
    fn every_subset_is_a_state_and_a_flush_ends_them() {
        let mut replay = Replay::new(Contents::new(8192), SectorSize::S512);
        replay.play(&write(0, 1, 1024));
        replay.play(&write(512, 2, 1024));
        assert_eq!(replay.flight(), 4);
        let choices = Choice::all(4, 32, &mut Random::new(1));
        let mut states: Vec<_> = choices.iter().map(|c| first_bytes(&replay.contents(*c))).collect();
        for choice in &choices {
            assert_eq!(replay.fingerprint(*choice), replay.contents(*choice).fingerprint(), "{choice}");
        }
        states.sort();
        states.dedup();
        // The first sector is old or new, the second one is old, 1 or 2, the third is old or new.
        assert_eq!(states.len(), 2 * 3 * 2);
        replay.play(&Op::Flush(Flush::ImageWritten));
        assert_eq!((replay.flight(), first_bytes(&replay.contents(Choice::Mask(0)))), (0, [1, 2, 2]));
        assert_eq!(replay.fingerprint(Choice::Mask(0)), replay.contents(Choice::Mask(0)).fingerprint());
        replay.play(&write(0, 1, 512));
        assert_eq!(replay.flight(), 0, "what is there already makes no difference");
    }

    #[test]
    fn many_in_flight_are_sampled_as_promised() {
        let choices = Choice::all(10, 32, &mut Random::new(1));
        assert_eq!(choices.len(), 11 + 20 + 32);
        for choice in choices {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
    }
}
