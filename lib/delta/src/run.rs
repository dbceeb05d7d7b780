//! Runs: the target as a list of literals and of bytes that are like the base's.

use crate::coder::Bit;
use crate::coder::{Coder, Number};
use crate::limits::{MAX_CHAIN, MAX_RUNS};
use crate::packed::Course;

/// `literals` bytes that come as they are, then `len` bytes like those of the base at `base`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Bytes that come as they are.
    pub literals: u32,
    /// Bytes that are like the base's, which does not mean that they are the same.
    pub len: u32,
    /// Where those lie in the base.
    pub base: u64,
}

impl Run {
    /// Returns the bytes of the target that the run stands for.
    pub fn total(&self) -> u64 {
        u64::from(self.literals) + u64::from(self.len)
    }
}

/// How far runs are codes apart that adapt for themselves.
fn class(value: u64) -> usize {
    ((64 - value.leading_zeros() as usize).min(15)) / 4
}

/// How fast the flags adapt.
const RATE: u32 = 5;

/// Codes the runs of a section.
///
/// The distance of a run, from where it lies in the target to where in the base, is one of the last four, or near the last
/// one, or far.
pub struct RunCoder {
    literals: Vec<Number>,
    lengths: Vec<Number>,
    recent: Vec<[Bit; 4]>,
    is_near: Bit,
    near_sign: Bit,
    far_sign: Bit,
    near: [Number; 2],
    far: Number,
    distances: [i64; 4],
    last: Run,
}

/// What is near.
const NEAR: u64 = 1 << 20;

impl Default for RunCoder {
    fn default() -> Self {
        Self {
            literals: vec![Number::default(); 4],
            lengths: vec![Number::default(); 4],
            recent: vec![[Bit::NEW; 4]; 64],
            is_near: Bit::NEW,
            near_sign: Bit::NEW,
            far_sign: Bit::NEW,
            near: [Number::default(), Number::default()],
            far: Number::default(),
            distances: [0; 4],
            last: Run::default(),
        }
    }
}

impl RunCoder {
    /// Codes the next run, which begins at `target`. Nothing is returned where that is damaged.
    pub fn code<C: Coder>(&mut self, coder: &mut C, target: u64, run: Run) -> Option<Run> {
        let literals =
            self.literals.get_mut(class(self.last.len.into()))?.code(coder, run.literals.into())?;
        let len = self.lengths.get_mut(class(literals))?.code(coder, run.len.into())?;
        let at = target.checked_add(literals)?;
        let context = literals.min(3) as usize * 16 + class(len) * 4 + class(self.last.literals.into());
        let distance = run.base.wrapping_sub(at) as i64;
        let distance =
            if len == 0 { self.distances[0] } else { self.distance(coder, context, literals, distance)? };
        let found = Run {
            literals: literals.try_into().ok()?,
            len: len.try_into().ok()?,
            base: if len == 0 { 0 } else { at.checked_add_signed(distance)? },
        };
        self.last = found;
        Some(found)
    }

    fn distance<C: Coder>(
        &mut self,
        coder: &mut C,
        context: usize,
        literals: u64,
        distance: i64,
    ) -> Option<i64> {
        let known = self.distances.iter().position(|&recent| recent == distance).unwrap_or(4);
        let flags = self.recent.get_mut(context)?;
        let mut nth = 0;
        for flag in flags {
            if flag.code(coder, nth == known, RATE) {
                break;
            }
            nth += 1;
        }
        let distance = match self.distances.get(nth) {
            Some(&recent) => recent,
            None => self.new_distance(coder, literals, distance)?,
        };
        self.distances.get_mut(..=nth.min(3))?.rotate_right(1);
        self.distances[0] = distance;
        Some(distance)
    }

    fn new_distance<C: Coder>(&mut self, coder: &mut C, literals: u64, distance: i64) -> Option<i64> {
        let from_last = distance.wrapping_sub(self.distances[0]);
        let is_near = self.is_near.code(coder, from_last.unsigned_abs() < NEAR, RATE);
        let (sign, size) = match is_near {
            true => (&mut self.near_sign, &mut self.near[usize::from(literals > 0)]),
            false => (&mut self.far_sign, &mut self.far),
        };
        let negative = sign.code(coder, from_last < 0, RATE);
        let size = size.code(coder, if C::KNOWS { from_last.unsigned_abs() } else { 0 })? as i64;
        self.distances[0].checked_add(if negative { -size } else { size })
    }
}

/// Codes how many runs there are, and the runs, which go exactly this way; none of them has a turn in it. Nothing is returned
/// where that is damaged, or where there are more than a device takes.
pub fn code_runs<C: Coder>(coder: &mut C, mut course: Course<'_>, runs: &[Run]) -> Option<Vec<Run>> {
    let count = Number::default().code(coder, runs.len() as u64)?;
    let count = usize::try_from(count).ok().filter(|&count| count <= MAX_RUNS)?;
    let mut each = RunCoder::default();
    let mut found = Vec::new();
    for nth in 0..count {
        let run = runs.get(nth).copied().unwrap_or_default();
        let run = each.code(coder, course.at(), run)?;
        course.advance(run.total()).then_some(())?;
        found.push(run);
    }
    course.is_over().then_some(found)
}

/// Where the base's bytes have gone in an executable.
pub struct Map {
    /// Runs by their place in the base: where each begins, where it ends, and how far on it lies in the target.
    entries: Vec<(u64, u64, i64)>,
}

/// How short a run says nothing.
const SHORTEST: u32 = 16;

/// How far behind a run's end an address may be that still belongs to it.
const BEHIND: u64 = 16;

/// How many runs that begin before an address are looked at.
const LOOK_AT: usize = 4;

impl Map {
    /// A map of runs, each with where it begins in the target. Only those count whose base lies in `within`.
    pub fn new(runs: impl Iterator<Item = (u64, Run)>, within: std::ops::Range<u64>) -> Self {
        let entry = |(target, run): (u64, Run)| {
            let at = target.wrapping_add(run.literals.into());
            let is_told = run.len >= SHORTEST && within.contains(&run.base);
            is_told.then(|| (run.base, run.base + u64::from(run.len), at.wrapping_sub(run.base) as i64))
        };
        let mut entries: Vec<_> = runs.filter_map(entry).take(MAX_CHAIN).collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// Returns how far on an offset of the base lies in the target: as far as `near` where one of the runs says so, else as
    /// the longest of them.
    #[inline]
    pub fn distance(&self, offset: u64, near: Option<i64>) -> Option<i64> {
        let behind = self.entries.partition_point(|entry| entry.0 <= offset);
        let looked_at = self.entries.get(behind.saturating_sub(LOOK_AT)..behind)?;
        let mut best: Option<(u64, i64)> = None;
        for &(start, end, distance) in looked_at.iter().rev() {
            if offset >= end + BEHIND {
                continue;
            }
            if near == Some(distance) {
                return near;
            }
            if best.is_none_or(|(len, _)| end - start > len) {
                best = Some((end - start, distance));
            }
        }
        best.map(|(_, distance)| distance)
    }
}
