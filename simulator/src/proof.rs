//! Cuts an operation everywhere, and lets every device that is left run to its end.

use crate::cut::{Choice, Progress, Replay};
use crate::device::{End, SimDevice};
use crate::disk::{Mark, Op};
use crate::medium::Medium;
use crate::operations::Operation;
use crate::random::Random;
use crate::truth::{self, Slot};
use crate::volume::{self, Data, IDENTITY};
use drydock_block::Flush;
use drydock_state::grub::Start;
use drydock_state::{BootEnv, Copy, Entry, Mode, Outcome, Record, SetName};
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How thorough a proof is.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Where more than a hundred choices are to be tried, only one in so many is, and the edges.
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

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// What it is.
    pub what: String,
}

/// The kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The device does not come up.
    Bricked,
    /// What runs, or would run, is neither the old nor the new system.
    Half,
    /// The record, the history or a trailer tells what is not so.
    Lie,
    /// What was promised did not happen, or what must never be done was done.
    Broken,
}

impl Kind {
    fn of<T>(self, what: impl Into<String>) -> Result<T, Failure> {
        Err(Failure { kind: self, what: what.into() })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
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
    start: Medium,
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
            if choices.len() > 100 {
                let (thin, flight) = (self.depth.thin, replay.flight());
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
        Replay::new(self.start.clone(), self.operation.device.factory.setup.sector)
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
        let medium = replay.medium(case.choice);
        let log = match self.examine(&medium, progress) {
            Ok(log) => log,
            Err(why) => return self.failed(case.clone(), why),
        };
        let again = || Replay::after(medium.clone(), fingerprint, self.operation.device.factory.setup.sector);
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

    /// A second cut, in the run after the first one, when `log` had happened. Says whether that leaves a disk as none
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
        if !self.count(replay.fingerprint(choice)) {
            return false;
        }
        if let Err(why) = self.examine(&replay.medium(choice), progress) {
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

    /// Looks at a disk as it is, runs the device to its end, and looks again. Gives what the run wrote.
    fn examine(&self, medium: &Medium, progress: Progress) -> Result<Vec<Op>, Failure> {
        self.findings.lock().unwrap().runs += 1;
        let device = self.operation.device.again(medium.clone(), self.depth.swallow);
        self.check_at_rest(&device, progress)?;
        let end = device.run();
        let log = device.disk.log();
        self.check_end(&device, end, progress)?;
        Ok(log)
    }

    /// What must hold on every disk at every moment.
    fn check_at_rest(&self, device: &SimDevice, progress: Progress) -> Result<(), Failure> {
        let (factory, disk) = (device.factory, &device.disk);
        let mut whole = BTreeMap::new();
        for set in SetName::BOTH {
            for class in factory.config.set_classes() {
                if let Slot::Lies(why) = truth::slot(factory, disk, &class.class, set) {
                    return Kind::Lie.of(why);
                }
            }
            whole.insert(set, truth::set_is_whole(factory, disk, set));
        }
        match device.decision() {
            None => return Kind::Bricked.of("the bootloader finds nothing to start"),
            Some(Start::Set(set)) => {
                if let Err(why) = &whole[&set] {
                    return Kind::Half.of(format!("set {set} is next and not whole: {why}"));
                }
            }
            Some(Start::Recovery { .. }) => {}
        }
        let Some(record) = device.record() else {
            return if self.operation.lost { Ok(()) } else { Kind::Broken.of("the record of state is lost") };
        };
        for set in SetName::BOTH {
            let info = record.sets.get(set);
            let really = match &whole[&set] {
                Ok(release) if release.info.manifest == info.manifest => continue,
                _ if !info.bootable() => continue,
                Ok(release) => format!("it is version {}", release.version),
                Err(why) => why.clone(),
            };
            let told = format!("version {}, {:?}", info.version, info.status);
            return Kind::Lie.of(format!("the record says that set {set} is {told}; {really}"));
        }
        self.check_data(device, &record)?;
        self.check_promises(device, &record, progress)
    }

    /// What is to be kept is never lost, and the history tells what became of `data` and of what was wiped.
    fn check_data(&self, device: &SimDevice, record: &Record) -> Result<(), Failure> {
        let (factory, disk) = (device.factory, &device.disk);
        let view = disk.view();
        let told = |outcome| record.history.iter().any(|entry| entry.outcome == outcome);
        let untouched = ["data", "stash"].iter().all(|label| view.shares(&self.start, &factory.range(label)));
        if !untouched || told(Outcome::Reset) {
            match volume::look(factory, disk) {
                Data::Lost(why) => return Kind::Half.of(format!("what is to be kept is lost: {why}")),
                Data::New if told(Outcome::Reset) && volume::is_stash_committed(factory, disk) => {
                    return Kind::Lie.of("the reset is told to be over, and the stash is not empty");
                }
                Data::New => {}
                found if told(Outcome::Reset) => {
                    return Kind::Lie.of(format!("a reset is told, and data is {found:?}"));
                }
                Data::Old | Data::Stashed => {}
            }
        }
        let logs = factory.range("logs");
        let mut bytes = vec![0; (logs.end - logs.start) as usize];
        view.read(logs.start, &mut bytes);
        match told(Outcome::Wiped) && !drydock_block::is_zero(&bytes) {
            true => Kind::Lie.of("a wipe is told, and the partition is not wiped"),
            false => Ok(()),
        }
    }

    fn check_promises(&self, device: &SimDevice, record: &Record, progress: Progress) -> Result<(), Failure> {
        let waits = |id| record.intent.as_ref().is_some_and(|intent| intent.id == id);
        if let Some(id) = progress.staged.filter(|id| !waits(*id) && record.outcome_of(*id).is_none()) {
            return Kind::Broken.of(format!("intent {id} is lost"));
        }
        if let Some(id) = progress.cancelled.filter(|id| waits(*id)) {
            return Kind::Broken.of(format!("intent {id} was cancelled and is back"));
        }
        let next = device.decision();
        let kept = match progress.promise {
            None | Some(Mark::Cancelled(_)) => true,
            Some(Mark::Staged(_)) => matches!(next, Some(Start::Recovery { .. })),
            Some(Mark::HandsOver(set)) => next == Some(Start::Set(set)),
            Some(Mark::MarkedGood(set)) => {
                let left = env(device).map(|env| env.left(set));
                record.last_good == Some(set) && left == Some(device.config.boot.attempts)
            }
        };
        match kept {
            true => Ok(()),
            false => Kind::Broken.of(format!("{:?} was promised, and next is {next:?}", progress.promise)),
        }
    }

    /// What must be so in the end.
    fn check_end(&self, device: &SimDevice, end: End, progress: Progress) -> Result<(), Failure> {
        let set = match end {
            End::Up(set) => set,
            End::Down(boots) => return Kind::Bricked.of(format!("it never came up: {boots:?}")),
        };
        if let Some(violation) = device.violations().first() {
            return Kind::Broken.of(violation);
        }
        let version = match truth::set_is_whole(device.factory, &device.disk, set) {
            Ok(release) => release.version.as_str(),
            Err(why) => return Kind::Half.of(why),
        };
        let expected = (self.operation.expect)(&progress);
        if !expected.contains(&version) {
            return Kind::Broken.of(format!("version {version} runs, expected was {expected:?}"));
        }
        let copies = truth::copies(device.factory, &device.disk);
        let record = match &copies {
            [Copy::Valid { sequence: a, record }, Copy::Valid { sequence: b, record: other }]
                if a == b && record == other =>
            {
                record
            }
            _ => return Kind::Broken.of(format!("the copies of the record are not equal: {copies:?}")),
        };
        let attempts = device.config.boot.attempts;
        let agrees = |env: &BootEnv| {
            let same = env.generation == record.generation && env.first == set;
            same && env.mode == Mode::Normal && env.left(set) == attempts
        };
        match env(device) {
            Some(env) if agrees(&env) => {}
            other => return Kind::Broken.of(format!("the boot environment does not agree: {other:?}")),
        }
        if let Some(intent) = &record.intent {
            return Kind::Broken.of(format!("intent {} still waits", intent.id));
        }
        check_history(&record.history, self.operation.story, set, version).or_else(|why| Kind::Lie.of(why))
    }
}

fn env(device: &SimDevice) -> Option<BootEnv> {
    let partition = device.factory.partition(&device.disk, "bootenv")?;
    drydock_state::EnvStore::open(partition).ok()?.read().ok()
}

/// Whether what is to be kept is written in the clear.
fn holds_identity(op: &Op) -> bool {
    let Op::Write { bytes, .. } = op else { return false };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == IDENTITY[0]);
    starts.into_iter().any(|(at, _)| bytes[at..].starts_with(IDENTITY))
}

/// Whether the history is possible, and ends in what runs. Besides the ordinary course of an update it tells each of
/// the `allowed` outcomes exactly once, and no other.
pub fn check_history(
    history: &[Entry],
    allowed: &[Outcome],
    set: SetName,
    version: &str,
) -> Result<(), String> {
    let mut holds = BTreeMap::new();
    let mut open = Vec::new();
    let mut rebuilt = false;
    for entry in history {
        let lie = |why: &str| Err(format!("the history lies: {why}: {entry:?}"));
        // A reset that takes a set back to the factory's bundle installs it without an intent of its own.
        if entry.outcome.ends_intent() && entry.intent != 0 {
            let Some(index) = open.iter().position(|id| *id == entry.intent) else {
                return lie("an outcome of what was not staged, or a second one");
            };
            open.swap_remove(index);
        }
        match entry.outcome {
            Outcome::Staged => open.push(entry.intent),
            Outcome::Flashed | Outcome::Installed => {
                holds.insert(entry.set, entry.version.clone());
            }
            Outcome::MarkedGood if holds.get(&entry.set) != Some(&entry.version) && !rebuilt => {
                return lie("what was marked good was never installed");
            }
            Outcome::MarkedGood | Outcome::Cancelled => {}
            other if !allowed.contains(&other) => return lie("that did not happen"),
            Outcome::StateRebuilt => rebuilt = true,
            _ if entry.reason.is_empty() => return lie("no reason is given"),
            _ => {}
        }
    }
    for expected in allowed {
        if history.iter().filter(|entry| entry.outcome == *expected).count() != 1 {
            return Err(format!("{expected:?} is not in the history exactly once: {history:?}"));
        }
    }
    match holds.get(&Some(set)) {
        _ if !open.is_empty() => Err(format!("intents without an outcome: {open:?}")),
        Some(told) if told != version => Err(format!("the history tells of {told} in set {set}")),
        None if !rebuilt => {
            Err(format!("the history does not tell how version {version} came into set {set}"))
        }
        _ => Ok(()),
    }
}
