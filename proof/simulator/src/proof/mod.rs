//! Cuts an operation everywhere, and lets every device that is left run to its end.

mod called;
mod check;
mod failure;

pub use check::check_history;
pub use failure::{Failure, Kind};

use crate::contents::Contents;
use crate::cut::{Choice, Progress, Replay};
use crate::disk::Op;
use crate::operations::Operation;
use crate::volume::IDENTITY;
use drydock_block::Flush;
use drydock_fixtures::Random;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How thorough a proof is.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Where more than a few choices are to be tried, only one in so many is, and the edges.
    pub thin: usize,
    /// How many random subsets are tried of many sector writes in flight.
    pub samples: usize,
    /// Second cuts in the run after each first one.
    pub second: usize,
    /// With many sector writes in flight, only one state in so many gets second cuts.
    pub seldom: usize,
    /// How many devices run at once.
    pub threads: usize,
    /// A flush that does nothing.
    pub swallow: Option<Flush>,
}

/// So many choices are all tried, however thin a proof is.
const MANY: usize = 24;
/// Up to this many sector writes in flight count as few.
const FEW: usize = 64;
/// The first entries of a log, in which a disk is mended.
const EARLY: usize = 10;
/// A write of so many bytes is large.
const LARGE: usize = 8192;
/// How often a second cut is tried until it leaves a disk that is new.
const TRIES: usize = 3;
/// After this many failures a proof has failed.
const ENOUGH: usize = 10;

/// Which cuts a device has lived through: enough to do it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// How many entries of the log had happened.
    pub cut: usize,
    /// What had arrived of what was in flight.
    pub choice: Choice,
    /// A second cut, in the run after the first one.
    pub second: Option<(usize, Choice)>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.cut, self.choice)?;
        self.second.iter().try_for_each(|(cut, choice)| write!(f, "/{cut}:{choice}"))
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |text: &str| {
            let wrong = || format!("`{text}` is not a cut, as in 12:missing-3");
            let (cut, choice) = text.split_once(':').ok_or_else(wrong)?;
            Ok::<_, String>((cut.parse().map_err(|_| wrong())?, choice.parse()?))
        };
        let (first, second) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let (cut, choice) = one(first)?;
        Ok(Self { cut, choice, second: second.map(one).transpose()? })
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Fingerprints of all states of the disk that a cut left.
    pub states: HashSet<u64>,
    /// Moments at which the power was cut: before the first write, and after each write and flush.
    pub cuts: usize,
    /// Devices that were run to their end.
    pub runs: usize,
    /// What went wrong, and where: the case's words lead back to it.
    pub failures: Vec<(Case, Failure)>,
}

impl Findings {
    /// Adds another proof's findings.
    pub fn add(&mut self, other: Self) {
        self.states.extend(other.states);
        self.cuts += other.cuts;
        self.runs += other.runs;
        self.failures.extend(other.failures);
    }
}

/// One operation under proof.
pub struct Proof<'o, 'f> {
    operation: &'o Operation<'f>,
    depth: Depth,
    start: Contents,
    log: Vec<Op>,
    findings: Mutex<Findings>,
}

impl<'o, 'f> Proof<'o, 'f> {
    /// Lets the operation run once without a cut, and remembers what it wrote.
    pub fn new(operation: &'o Operation<'f>, depth: Depth) -> Self {
        let start = operation.device.disk.view();
        let device = operation.device.again(start.clone(), depth.swallow);
        (operation.run)(&device);
        Self { operation, depth, start, log: device.disk.log(), findings: Mutex::default() }
    }

    /// Cuts everywhere. The same seed does the same.
    pub fn run(self, seed: u64) -> Findings {
        let mut replay = self.replay();
        let mut progress = Progress::default();
        let mut random = Random::new(seed);
        if let Some(cut) = self.log.iter().position(holds_identity) {
            let what = "what is to be kept was written in the clear".into();
            let case = Case { cut, choice: Choice::Prefix(0), second: None };
            self.failed(case, Failure { kind: Kind::Broken, what });
        }
        let mut seen = HashSet::new();
        for cut in 0..=self.log.len() {
            if cut > 0 {
                replay.play(&self.log[cut - 1]);
                progress.note(&self.log[cut - 1]);
            }
            let mut choices = Choice::all(replay.flight(), self.depth.samples, &mut random);
            if choices.len() > MANY {
                let (thin, flight) = (self.depth.thin * self.operation.thin, replay.flight());
                choices.retain(|choice| random.below(thin) == 0 || choice.is_at_an_edge(flight));
            }
            choices.retain(|choice| seen.insert((replay.fingerprint(*choice), progress)));
            self.findings.lock().unwrap().cuts += 1;
            let seed = random.number();
            self.each(&choices, |index, choice| {
                let case = Case { cut, choice, second: None };
                self.one(&case, &replay, progress, seed.wrapping_add(index as u64));
            });
            if self.findings.lock().unwrap().failures.len() >= ENOUGH {
                break;
            }
        }
        self.findings.into_inner().unwrap()
    }

    /// Does one case again.
    pub fn again(self, case: &Case) -> Findings {
        let mut replay = self.replay();
        let mut progress = Progress::default();
        for op in &self.log[..case.cut] {
            replay.play(op);
            progress.note(op);
        }
        self.one(case, &replay, progress, 0);
        self.findings.into_inner().unwrap()
    }

    /// What the operation does to the disk, for a person to read.
    pub fn log(&self) -> &[Op] {
        &self.log
    }

    fn replay(&self) -> Replay {
        Replay::new(self.start.clone(), self.operation.device.workshop.setup.sector)
    }

    /// Tries all choices, several at a time.
    fn each(&self, choices: &[Choice], work: impl Fn(usize, Choice) + Sync) {
        let next = AtomicUsize::new(0);
        let one_after_the_other = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(choice) = choices.get(index) else { return };
                work(index, *choice);
            }
        };
        if choices.len() < 4 {
            return one_after_the_other();
        }
        std::thread::scope(|scope| {
            (0..self.depth.threads).for_each(|_| {
                scope.spawn(one_after_the_other);
            });
        });
    }

    /// One cut, and some second ones after it.
    fn one(&self, case: &Case, replay: &Replay, progress: Progress, seed: u64) {
        let fingerprint = replay.fingerprint(case.choice);
        self.count(fingerprint);
        let contents = replay.contents(case.choice);
        let log = match self.examine(&contents, fingerprint, progress) {
            Ok(log) => log,
            Err(why) => return self.failed(case.clone(), why),
        };
        let again =
            || Replay::after(contents.clone(), fingerprint, self.operation.device.workshop.setup.sector);
        if let Some((cut, choice)) = case.second {
            self.second(case, again(), progress, &log[..cut], |_| choice);
            return;
        }
        let mut random = Random::new(seed);
        let seldom = self.depth.seldom * self.operation.seldom;
        let often = random.below(seldom) == 0 || (self.operation.seldom == 1 && replay.flight() <= FEW);
        let is_large = |op: &Op| matches!(op, Op::Write { bytes, .. } if bytes.len() >= LARGE);
        let large: Vec<usize> = (1..=log.len()).filter(|cut| is_large(&log[cut - 1])).collect();
        let (mut wanted, mut tries) = (if often { self.depth.second } else { 0 }, 0);
        while wanted > 0 && tries < TRIES * self.depth.second {
            tries += 1;
            // The first one early, where the disk of the first cut is mended; then half of them in large writes.
            let cut = match tries {
                1 => random.below(log.len().min(EARLY) + 1),
                _ if tries % 2 == 0 && !large.is_empty() => large[random.below(large.len())],
                _ => random.below(log.len() + 1),
            };
            let new = self.second(case, again(), progress, &log[..cut], |n| Choice::any(n, &mut random));
            wanted -= usize::from(new);
        }
    }

    /// A second cut, in the run after the first one, when `log` had happened. Returns whether that leaves a disk as none
    /// was left before; if not, there is nothing to see.
    fn second(
        &self,
        case: &Case,
        mut replay: Replay,
        mut progress: Progress,
        log: &[Op],
        choose: impl FnOnce(usize) -> Choice,
    ) -> bool {
        for op in log {
            replay.play(op);
            progress.note(op);
        }
        let choice = choose(replay.flight());
        let fingerprint = replay.fingerprint(choice);
        if !self.count(fingerprint) {
            return false;
        }
        if let Err(why) = self.examine(&replay.contents(choice), fingerprint, progress) {
            self.failed(Case { second: Some((log.len(), choice)), ..case.clone() }, why);
        }
        true
    }

    /// Counts a state of the disk, and says whether it is a new one.
    fn count(&self, fingerprint: u64) -> bool {
        self.findings.lock().unwrap().states.insert(fingerprint)
    }

    fn failed(&self, case: Case, why: Failure) {
        self.findings.lock().unwrap().failures.push((case, why));
    }

    /// Looks at a disk as it is, runs the device to its end, and looks again. Returns what the run wrote.
    fn examine(&self, contents: &Contents, fingerprint: u64, progress: Progress) -> Result<Vec<Op>, Failure> {
        self.findings.lock().unwrap().runs += 1;
        let device = self.operation.device.again(contents.clone(), self.depth.swallow);
        device.disk.has_fingerprint(fingerprint);
        self.check_at_rest(&device, progress)?;
        let before = device.record();
        let end = device.run();
        let log = device.disk.log();
        called::check(&device, before.as_ref(), &log)?;
        self.check_end(&device, end, progress)?;
        Ok(log)
    }
}

/// Whether what is to be kept is written in the clear.
fn holds_identity(op: &Op) -> bool {
    let Op::Write { bytes, .. } = op else { return false };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == IDENTITY[0]);
    starts.into_iter().any(|(at, _)| bytes[at..].starts_with(IDENTITY))
}
