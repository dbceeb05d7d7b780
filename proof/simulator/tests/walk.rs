//! Random walks through the policy alone: `state::transition`, GRUB's decision, and a power supply that fails. Every
//! write of the record or of the environment is one step that happens or not; what happens within a write is the
//! business of the cuts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_format::sha256;
use drydock_models::{Kernel, Reason, Start, grub};
use drydock_state::grub::{decode_env, encode_env};
use drydock_state::transition::{self, Counters, Running};
use drydock_state::{
    CopyName, Entry, Generation, Intent, Job, Record, SetInfo, SetName, Source, UnixTime, Wanted,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ATTEMPTS: u8 = 3;
/// How often recovery is started for one intent.
const STARTS: u32 = 4;

/// One thing that happens to a device.
#[derive(Clone, Debug)]
enum Event {
    /// It is switched on.
    Boot(Boot),
    /// `drydock stage` in the live system, cut off after so many writes.
    Stage(Option<u8>),
    /// `drydock cancel`.
    Cancel(Option<u8>),
    /// `drydock rollback`.
    RollBack(Option<u8>),
    /// `drydock mark-bad`.
    MarkBad(SetName, Option<u8>),
    /// The boot environment is damaged.
    Garbage,
    /// The copy of the recovery that was written, and has not run yet, is damaged.
    Rot,
    /// GRUB counts, and nothing else comes of the boot.
    Flicker,
}

/// How a boot goes.
#[derive(Clone, Copy, Debug)]
struct Boot {
    /// After how many writes the power is cut.
    cut: Option<u8>,
    /// Whether GRUB's own write is lost in the cut.
    uncounted: bool,
    /// Whether the set that is started says that it is well.
    well: bool,
    /// Whether the bundle can be installed.
    installs: bool,
    /// Whether the bundle brings a recovery.
    brings: bool,
    /// Whether a copy of the recovery comes up that never did before.
    comes_up: bool,
}

const GOOD: Boot =
    Boot { cut: None, uncounted: false, well: true, installs: true, brings: true, comes_up: true };

fn any_event() -> impl Strategy<Value = Event> {
    let cut = || prop::option::weighted(0.5, 0u8..9);
    let boot = (cut(), any::<bool>(), any::<[bool; 4]>());
    prop_oneof![
        8 => boot.prop_map(|(cut, uncounted, [well, installs, brings, comes_up])| {
            Event::Boot(Boot { cut, uncounted: uncounted && cut.is_some(), well, installs, brings, comes_up })
        }),
        3 => cut().prop_map(Event::Stage),
        1 => cut().prop_map(Event::Cancel),
        1 => cut().prop_map(Event::RollBack),
        1 => (any::<bool>(), cut()).prop_map(|(b, cut)| Event::MarkBad(SetName::BOTH[usize::from(b)], cut)),
        1 => Just(Event::Garbage),
        1 => Just(Event::Rot),
        4 => Just(Event::Flicker),
    ]
}

/// The power is gone.
struct Cut;

/// What lasts.
#[derive(Clone)]
struct Device {
    record: Record,
    env: Vec<u8>,
    /// The release that each set holds whole; a set that is being written holds none.
    holds: BTreeMap<SetName, Option<u32>>,
    /// The same for the recovery's copies.
    copies: BTreeMap<CopyName, Option<u32>>,
    /// What each copy of the recovery held when it came up.
    came_up: BTreeMap<CopyName, Option<u32>>,
    /// The copy that was damaged from outside.
    rotten: Option<CopyName>,
    /// The newest release that was ever staged.
    newest: u32,
    /// Writes until the power is cut.
    left: Option<u8>,
    up: Option<SetName>,
}

fn release(version: u32) -> SetInfo {
    let text = version.to_string();
    let manifest = sha256(text.as_bytes()).into();
    SetInfo { version: text, manifest, security_version: version, ..SetInfo::default() }
}

impl Device {
    fn new() -> Self {
        let record = transition::flashed(release(1), UnixTime(0));
        let env = encode_env(&record.wanted(ATTEMPTS)).to_vec();
        let holds = BTreeMap::from([(SetName::A, Some(1)), (SetName::B, None)]);
        let copies = BTreeMap::from(CopyName::BOTH.map(|copy| (copy, Some(1))));
        let came_up = BTreeMap::from([(CopyName::A, Some(1))]);
        Self { record, env, holds, copies, came_up, rotten: None, newest: 1, left: None, up: None }
    }

    fn happens(&mut self, event: &Event) {
        self.left = None;
        match event {
            Event::Boot(boot) => {
                let _ = self.boot(*boot);
            }
            Event::Stage(cut) | Event::Cancel(cut) | Event::RollBack(cut) | Event::MarkBad(_, cut)
                if self.up.is_some() =>
            {
                self.left = *cut;
                let mut record = self.record.clone();
                let job = Job::Update { source: Source::Data { path: "x".into() }, manifest: sha256(b"x") };
                let version = (self.newest + 1).to_string();
                let done = match event {
                    Event::Stage(_) => transition::stage(&mut record, job, &version, UnixTime(0)).is_ok(),
                    Event::RollBack(_) => transition::roll_back(&mut record, UnixTime(0)).is_ok(),
                    Event::MarkBad(set, _) => transition::mark_bad(&mut record, *set, UnixTime(0)).is_ok(),
                    _ => transition::cancel(&mut record, UnixTime(0)).is_ok(),
                };
                if done {
                    self.newest += u32::from(matches!(event, Event::Stage(_)));
                    let _ = self.save(&record);
                }
            }
            Event::Stage(_) | Event::Cancel(_) | Event::RollBack(_) | Event::MarkBad(..) => {}
            Event::Garbage => self.env = vec![b'#'; 512],
            Event::Rot => {
                if let Some(copy) = self.record.copy_on_trial() {
                    self.copies.insert(copy, None);
                    self.rotten = Some(copy);
                }
            }
            Event::Flicker => {
                let decision = grub::decide(Some(&self.env), |kernel| self.has(kernel));
                (self.env, self.up) = (decision.file.unwrap(), None);
            }
        }
    }

    fn has(&self, kernel: Kernel) -> bool {
        match kernel {
            Kernel::Set(set) => self.holds[&set].is_some(),
            Kernel::Recovery(copy) => self.copies[&copy].is_some(),
        }
    }

    fn write(&mut self) -> Result<(), Cut> {
        match self.left.as_mut() {
            Some(0) => Err(Cut),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn save(&mut self, record: &Record) -> Result<(), Cut> {
        self.write()?;
        check_next(&self.record, record);
        self.record = record.clone();
        self.write()?;
        self.env = encode_env(&record.wanted(ATTEMPTS)).to_vec();
        Ok(())
    }

    fn counters(&self, record: &Record) -> Counters {
        Counters::of(record, decode_env(&self.env).ok())
    }

    /// As drydock's `Memory::settle`.
    fn settle(&mut self, record: &mut Record, running: Running) -> Result<(), Cut> {
        let counters = self.counters(record);
        if transition::settle(record, counters, running, UnixTime(0)) {
            self.save(record)
        } else if counters == Counters::Unknown {
            self.write()?;
            self.env = encode_env(&record.wanted(ATTEMPTS)).to_vec();
            Ok(())
        } else {
            Ok(())
        }
    }

    fn boot(&mut self, boot: Boot) -> Result<(), Cut> {
        self.up = None;
        self.left = boot.cut;
        let before = self.env.clone();
        let decision = grub::decide(Some(&self.env), |kernel| self.has(kernel));
        self.env = decision.file.unwrap();
        let done = match decision.start.expect("something is started") {
            Start::Set(set) => self.start(set, boot),
            Start::Recovery { copy, .. }
                if !boot.comes_up && self.came_up.get(&copy) != Some(&self.copies[&copy]) =>
            {
                Ok(())
            }
            Start::Recovery { copy, reason } => {
                self.came_up.insert(copy, self.copies[&copy]);
                let mut record = self.record.clone();
                let starved = self.starved(&record);
                let settled = self.settle(&mut record, Running::Recovery(Some(copy)));
                let starved = reason == Reason::Fallback && starved;
                settled.and_then(|()| self.recover(record, starved, boot, Some(copy)))
            }
        };
        if done.is_err() && boot.uncounted && boot.cut == Some(0) {
            self.env = before;
        }
        done
    }

    fn starved(&self, record: &Record) -> bool {
        self.counters(record).sets_exhausted()
    }

    fn start(&mut self, set: SetName, boot: Boot) -> Result<(), Cut> {
        let mut record = self.record.clone();
        let stale = self.counters(&record) == Counters::Unknown;
        self.settle(&mut record, Running::Set(set))?;
        if record.intent.is_some() {
            return self.recover(record, false, boot, None);
        }
        if stale && record.first_set() != set && record.sets.get(record.first_set()).bootable() {
            return Ok(());
        }
        if boot.well {
            self.up = Some(set);
            if transition::mark_good(&mut record, set, UnixTime(0)).expect("what runs is bootable") {
                self.save(&record)?;
            } else if let Ok(now) = decode_env(&self.env) {
                self.write()?;
                let mut wanted = Wanted::from(now);
                *wanted.attempts.of_mut(set) = ATTEMPTS;
                self.env = encode_env(&wanted).to_vec();
            }
            if let Some((source, manifest)) = transition::offered(&record, set) {
                transition::stage_offer(&mut record, source, manifest, UnixTime(0))
                    .expect("nothing else waits");
                self.save(&record)?;
            }
        }
        Ok(())
    }

    /// As drydock's `recover`.
    fn recover(
        &mut self,
        mut record: Record,
        starved: bool,
        boot: Boot,
        copy: Option<CopyName>,
    ) -> Result<(), Cut> {
        if record.intent.is_none() {
            return match starved && transition::rearm(&mut record, UnixTime(0)).is_some() {
                true => self.save(&record),
                false => Ok(()),
            };
        }
        let started = transition::count_start(&mut record, STARTS, UnixTime(0));
        self.save(&record)?;
        if started.is_none() {
            return Ok(());
        }
        if record.copy_on_trial().is_some() {
            return Ok(());
        }
        if !boot.installs {
            transition::fail(&mut record, "it could not be installed", UnixTime(0));
            return self.save(&record);
        }
        if matches!(record.intent, Some(Intent { job: Job::UpdateRecovery { .. }, .. })) {
            return self.update_recovery(record, copy.unwrap_or(self.record.recovery.first).other());
        }
        let target = record.target_set();
        assert_ne!(record.last_good, Some(target), "the last good set is written");
        if transition::begin_write(&mut record, target) {
            self.save(&record)?;
        }
        self.write()?;
        self.holds.insert(target, None);
        self.write()?;
        self.holds.insert(target, Some(self.newest));
        let source = boot.brings.then(|| Source::Data { path: "x".into() });
        transition::offer(&mut record, target, source);
        transition::installed(&mut record, target, release(self.newest), "", UnixTime(0));
        self.save(&record)?;
        let next = grub::decide(Some(&self.env), |_| true).start;
        assert_eq!(next, Some(Start::Set(target)), "what was installed is not tried");
        Ok(())
    }

    fn update_recovery(&mut self, mut record: Record, copy: CopyName) -> Result<(), Cut> {
        self.write()?;
        self.copies.insert(copy, None);
        self.write()?;
        self.copies.insert(copy, Some(self.newest));
        self.rotten = None;
        transition::recovery_written(&mut record, copy);
        self.save(&record)?;
        let next = grub::decide(Some(&self.env), |_| true).start;
        assert_eq!(next, Some(Start::Recovery { copy, reason: Reason::Intent }), "it is not tried");
        Ok(())
    }

    /// What holds at every moment.
    fn check(&self) {
        let now = decode_env(&self.env).ok();
        let next = now.map_or(CopyName::A, |now| now.copy);
        if self.rotten != Some(next) {
            assert!(self.copies[&next].is_some(), "copy {next} of the recovery is next, and is not whole");
        }
        let first = self.record.recovery.first;
        assert_eq!(self.came_up.get(&first), Some(&self.copies[&first]), "copy {first} never came up");
        let start = grub::decide(Some(&self.env), |_| true).start.expect("something is started");
        if let Start::Set(set) = start {
            assert!(self.holds[&set].is_some(), "set {set} is next and holds nothing: {now:?}");
        }
        for set in SetName::BOTH {
            let info = self.record.sets.get(set);
            if info.bootable() {
                assert_eq!(Some(info.version.clone()), self.holds[&set].map(|n| n.to_string()), "set {set}");
            }
        }
        let good = self.record.last_good.expect("there always is a last good set");
        assert!(self.record.sets.get(good).bootable(), "the last good set is not bootable");
        assert!(self.record.floors.boot <= self.record.sets.get(good).security_version, "it is locked out");
        for id in 1..=self.record.last_intent_id {
            let waits = self.record.intent.as_ref().is_some_and(|intent| intent.id == id);
            let outcomes = self.record.history.iter().filter(|entry| is_outcome(entry, id)).count();
            assert_eq!(usize::from(waits) + outcomes, 1, "intent {id} is lost, or was repeated");
        }
    }
}

fn is_outcome(entry: &Entry, id: u64) -> bool {
    entry.intent == id && entry.outcome.ends_intent()
}

/// The generation tells environments apart that must not be taken for each other.
fn check_next(old: &Record, new: &Record) {
    let told = |record: &Record| Wanted { generation: Generation(0), ..record.wanted(ATTEMPTS) };
    if told(old) != told(new) {
        assert!(new.generation > old.generation, "another environment with the same generation");
    }
    assert!(new.floors.boot >= old.floors.boot && new.floors.install >= old.floors.install);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_something_boots_and_no_intent_is_lost_or_repeated(
        events in prop::collection::vec(any_event(), 1..25),
    ) {
        let mut device = Device::new();
        for event in &events {
            device.happens(event);
            device.check();
        }
        // With its power back, the device comes up by itself.
        for _ in 0..12 {
            device.happens(&Event::Boot(GOOD));
            device.check();
        }
        prop_assert!(device.up.is_some(), "it never came up: {:?}", device.record);
        prop_assert!(device.record.intent.is_none());
    }
}
