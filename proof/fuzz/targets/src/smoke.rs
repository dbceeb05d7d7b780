//! A small fuzzer for the stable compiler: seeds, then seeds with random changes, for a while.
//!
//! It knows nothing of coverage; libFuzzer is for finding what is hard to find. This one is for each build.

use crate::Target;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One input may take this long. Checks cost milliseconds; the rest is room for a loaded machine.
const SLOW: Duration = Duration::from_secs(5);
const LONGEST: usize = 64 << 10;
/// Values at which arithmetic tends to go wrong.
const EDGES: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, u64::MAX];

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Inputs tried, seeds included.
    pub inputs: u64,
    /// Seeds that were accepted.
    pub seeds_accepted: u64,
}

/// Runs `target` on every file in `seeds`, and then for `time` on changed ones. `random` starts the changes;
/// the same number gives the same inputs.
///
/// # Errors
/// A sentence on what was found; the input that did it was saved in `findings`.
pub fn run(
    target: Target,
    seeds: &Path,
    time: Duration,
    random: u64,
    findings: &Path,
) -> Result<Done, String> {
    let seeds =
        read_all(seeds).map_err(|error| format!("reading the seeds in {}: {error}", seeds.display()))?;
    let mut done = Done::default();
    for seed in &seeds {
        done.seeds_accepted += u64::from(one(target, seed, findings)?);
        done.inputs += 1;
    }
    let mut random = Random(random | 1);
    let start = Instant::now();
    while start.elapsed() < time {
        let input = random.change(&seeds);
        one(target, &input, findings)?;
        done.inputs += 1;
    }
    Ok(done)
}

fn read_all(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

fn one(target: Target, input: &[u8], findings: &Path) -> Result<bool, String> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = start.elapsed();
    match outcome {
        Ok(accepted) if took < SLOW => Ok(accepted),
        outcome => {
            let what = if outcome.is_err() { "panicked" } else { "took too long" };
            let saved = save(target, input, findings).map_or_else(
                |error| format!("which could not be saved: {error}"),
                |path| format!("saved as {}", path.display()),
            );
            Err(format!("{} {what} on an input of {} bytes, {saved}", target.name, input.len()))
        }
    }
}

fn save(target: Target, input: &[u8], findings: &Path) -> io::Result<PathBuf> {
    let folder = findings.join(target.name);
    fs::create_dir_all(&folder)?;
    let mark = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let path = folder.join(format!("{mark:016x}"));
    fs::write(&path, input)?;
    Ok(path)
}

/// xorshift64*, by Vigna: not for secrets.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A seed with one to eight changes.
    fn change(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(seeds);
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let rest = input.len() - at;
            match self.below(8) {
                0 if rest > 0 => input[at] ^= 1 << self.below(8),
                1 if rest > 0 => input[at] = self.next() as u8,
                2 => self.edge(&mut input[at..]),
                3 => input.truncate(at),
                4 => {
                    let length = self.below(rest.min(64) + 1);
                    input.drain(at..at + length);
                }
                5 => {
                    let bytes: Vec<_> = (0..self.below(16)).map(|_| self.next() as u8).collect();
                    input.splice(at..at, bytes);
                }
                6 => {
                    let from = self.below(rest + 1) + at;
                    let part = input[at..from].to_vec();
                    let to = self.below(input.len() + 1);
                    input.splice(to..to, part);
                }
                _ => {
                    let other = self.pick(seeds);
                    let start = at.min(other.len());
                    let length = self.below(other.len() - start + 1);
                    input.splice(at..(at + length).min(input.len()), other[start..start + length].to_vec());
                }
            }
            input.truncate(LONGEST);
        }
        input
    }

    fn pick(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let index = self.below(seeds.len());
        seeds.get(index).cloned().unwrap_or_default()
    }

    /// Puts an edge, or a step beside one, into a field of 1, 2, 4 or 8 bytes, in either byte order.
    fn edge(&mut self, field: &mut [u8]) {
        let value = EDGES[self.below(EDGES.len())].wrapping_add(self.below(3) as u64).wrapping_sub(1);
        let length = 1 << self.below(4);
        let little = value.to_le_bytes();
        let big = value.to_be_bytes();
        let bytes = if self.below(2) == 0 { &little[..length] } else { &big[8 - length..] };
        for (place, byte) in field.iter_mut().zip(bytes) {
            *place = *byte;
        }
    }
}
