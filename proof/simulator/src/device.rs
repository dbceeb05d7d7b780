//! A whole device: its bootloader's decision, recovery or a set, and the live system.

use crate::contents::Contents;
use crate::disk::{Mark, Op, SimDisk};
use crate::fresh;
use crate::loader::{Choice, Loader, Write};
use crate::machine::{Bundles, SimMachine};
use crate::script::Script;
use crate::trees::{SimTrees, Tree};
use crate::truth::{self, Slot};
use crate::workshop::{RECOVERY, Workshop};
use drydock_block::{BlockDevice, Flush};
use drydock_config::Config;
use drydock_engine::Error;
use drydock_engine::context::{BootContext, End as BootEnd, Purpose, RunningSet};
use drydock_engine::live;
use drydock_engine::machine::Device;
use drydock_engine::recover::{self, Next};
use drydock_engine::state::State;
use drydock_engine::story;
use drydock_engine::update::Look;
use drydock_models::{Reason, Start};
use drydock_state::{CopyName, Job, MaybeDigest, Record, SetName, Source};
use std::sync::{Arc, Mutex, PoisonError};

/// How many boots a device is given to come up.
const BOOTS: usize = 12;

/// A device that can be switched on.
pub struct SimDevice<'f> {
    /// What it was made from.
    pub workshop: &'f Workshop,
    /// Its disk.
    pub disk: Arc<SimDisk>,
    /// Its configuration.
    pub config: Config,
    /// What lies on `data`.
    pub bundles: Bundles,
    /// The trees of files on `data`, where there are slots for them.
    pub trees: Option<Arc<SimTrees>>,
    /// The version that never says that it is well, if any.
    pub sick: Option<String>,
    /// The version whose recovery never comes up, if any.
    pub hangs: Option<String>,
    /// How hooks answer, and what sensors read.
    pub script: Script,
    violations: Mutex<Vec<String>>,
}

/// What one boot came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boot {
    /// Recovery ran to its end.
    Recovered(Next),
    /// Nothing was bootable, which the text says, and recovery has found a bundle that mends it.
    Rescued(String),
    /// The set is up.
    Up(SetName),
    /// The set was started and gave up.
    NotStarted(SetName, String),
    /// The bootloader started a set without knowing that another one is first.
    ChoosesAgain,
    /// This copy of the recovery was started, and a watchdog ended it.
    Hangs(CopyName),
    /// Recovery or process 1 ended with this error.
    Error(String),
    /// The bootloader found nothing to start.
    Nothing,
}

/// What a device came to after some boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A set is up and well.
    Up(SetName),
    /// It never came up; these were its boots.
    Down(Vec<Boot>),
}

impl<'f> SimDevice<'f> {
    /// A device with this in its disk. All releases lie on `data`, as `VERSION.drydock`.
    pub fn new(workshop: &'f Workshop, contents: Contents) -> Self {
        let source = |release: &crate::workshop::Release| {
            (format!("{}.drydock", release.version), Arc::new(release.bundle.clone()) as _)
        };
        let disk = Arc::new(workshop.switch_on(contents));
        Self {
            workshop,
            trees: workshop.setup.files.then(|| Arc::new(SimTrees::new(Tree::default(), disk.clone()))),
            disk,
            config: workshop.config.clone(),
            bundles: workshop.releases.iter().map(source).collect(),
            sick: None,
            hangs: None,
            script: Script::default(),
            violations: Mutex::default(),
        }
    }

    /// The same device with other contents in its disk, where this flush does nothing.
    pub fn again(&self, contents: Contents, swallowed: Option<Flush>) -> Self {
        let device = Self {
            workshop: self.workshop,
            disk: Arc::new(self.workshop.switch_on(contents)),
            config: self.config.clone(),
            bundles: self.bundles.clone(),
            trees: None,
            sick: self.sick.clone(),
            hangs: self.hangs.clone(),
            script: self.script.clone(),
            violations: Mutex::default(),
        };
        device.disk.swallow(swallowed);
        let seen = self.disk.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *device.disk.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        device
    }

    /// What drydock sees.
    pub fn machine(&self) -> SimMachine<'f> {
        SimMachine::new(self.workshop, self.disk.clone(), self.config.clone(), self.bundles.clone())
            .with_trees(self.trees.clone())
            .with_script(self.script.clone())
    }

    /// The record of state, if drydock finds one.
    pub fn record(&self) -> Option<Record> {
        truth::record(self.workshop, &self.disk)
    }

    /// What was done that never may be.
    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets a command of the live system work on the device.
    pub fn live<T>(&self, work: impl FnOnce(&SimMachine<'f>) -> T) -> T {
        work(&self.machine().in_live_system())
    }

    /// Changes what the device remembers, and saves it.
    pub fn change(&self, change: impl FnOnce(&mut Record)) {
        let machine = self.machine();
        let mut state = State::open(&machine).expect("the device finds its memory");
        change(&mut state.record);
        state.save().expect("the disk is sound");
    }

    /// `drydock stage VERSION.drydock`.
    pub fn stage(&self, version: &str) {
        self.stage_from(Source::Data { path: format!("{version}.drydock") });
    }

    /// `drydock stage` with any source.
    pub fn stage_from(&self, source: Source) {
        let staged = self.live(|machine| live::stage(machine, source, Look::Quick)).expect("it is staged");
        self.disk.mark(Mark::Staged(staged.id));
    }

    /// `drydock cancel`.
    pub fn cancel(&self) {
        let id = self.live(live::cancel).expect("it is cancelled");
        self.disk.mark(Mark::Cancelled(id));
    }

    /// `drydock rollback` in a set.
    pub fn roll_back(&self, running: SetName) {
        let next = self.live(|machine| live::roll_back(machine, running));
        self.disk.mark(Mark::GivenUp(next.expect("it is rolled back").other()));
    }

    /// `drydock mark-bad` in a set.
    pub fn mark_bad(&self, running: SetName) {
        let next = self.live(|machine| live::mark_bad(machine, running, running));
        self.disk.mark(Mark::GivenUp(next.expect("it is marked bad").other()));
    }

    /// Boots until a set is up and well, and no update of the recovery waits.
    pub fn run(&self) -> End {
        let mut boots = Vec::new();
        for _ in 0..BOOTS {
            match self.boot() {
                Boot::Up(set) if self.is_well(set) && !self.waits_for_recovery() => return End::Up(set),
                other => boots.push(other),
            }
        }
        End::Down(boots)
    }

    fn waits_for_recovery(&self) -> bool {
        let intent = self.record().and_then(|record| record.intent);
        // What a set that says that it is well asks for by itself.
        let by_itself = |job: &Job| match job {
            Job::UpdateRecovery { .. } => true,
            Job::Update { source, .. } => matches!(source, Source::Partition { .. }),
            _ => false,
        };
        let Some(intent) = intent.filter(|intent| by_itself(&intent.job)) else {
            return false;
        };
        self.disk.mark(Mark::Staged(intent.id));
        true
    }

    /// Whether a set that is up says that it is well; if so, it is marked good.
    pub fn is_well(&self, set: SetName) -> bool {
        let version = truth::version(self.workshop, &self.disk, set);
        if version.is_some() && version == self.sick {
            return false;
        }
        let running = RunningSet {
            set,
            root_hash: MaybeDigest::None,
            version: version.unwrap_or_default(),
            degraded: false,
        };
        match self.live(|machine| live::mark_good(machine, &running)) {
            Ok(_) => self.disk.mark(Mark::MarkedGood(set)),
            // A memory that can't be trusted is not changed, which keeps nobody from running.
            Err(Error::Untrusted(_)) => {}
            Err(error) => self.violate(format!("set {set} is up and can't be marked good: {error}")),
        }
        true
    }

    /// Switches the device on once.
    pub fn boot(&self) -> Boot {
        let mut running = None;
        let before = self.record();
        let logged = self.disk.log().len();
        let boot = match self.choose() {
            Ok(Some(_)) if self.workshop.setup.loader == Loader::None => {
                self.process_one(BootContext { purpose: Purpose::Unsaid, copy: None })
            }
            Ok(Some(Start::Recovery { copy, .. })) if self.does_hang(copy) => Boot::Hangs(copy),
            Ok(Some(Start::Recovery { copy, reason })) => {
                running = Some(copy);
                let reason = match reason {
                    Reason::Intent => recover::Reason::Asked,
                    Reason::Fallback => recover::Reason::Fallback,
                };
                self.process_one(BootContext { purpose: Purpose::Recovery(reason), copy: Some(copy) })
            }
            Ok(Some(Start::Set(set))) => {
                self.process_one(BootContext { purpose: Purpose::Set(set), copy: None })
            }
            Ok(None) => Boot::Nothing,
            Err(error) => Boot::Error(error),
        };
        if let Some(before) = &before {
            self.watch_slots(before, &self.disk.log()[logged..]);
            self.watch_recovery(before, running, &self.disk.log()[logged..]);
        }
        boot
    }

    /// Switches the device on, and off again once the bootloader has counted.
    pub fn flicker(&self) {
        self.choose().expect("the bootloader finds the disk");
    }

    /// What the bootloader would do with this disk, whatever it finds in the boot slots.
    pub fn decision(&self) -> Option<Start> {
        self.workshop.setup.loader.choose(&self.find(), &|_| true).ok()?.start
    }

    /// The bootloader: its choice, and its counting, which it does not flush.
    fn choose(&self) -> Result<Option<Start>, String> {
        // What is being written must not even be tried.
        if let Some(Start::Set(set)) = self.decision()
            && let Err(why) = truth::set_is_whole(self.workshop, &self.disk, set)
        {
            self.violate(format!("the bootloader tries set {set}, which is not whole: {why}"));
        }
        let whole = |kernel| truth::has_kernel(self.workshop, &self.disk, kernel);
        let Choice { start, writes } = self.workshop.setup.loader.choose(&self.find(), &whole)?;
        for Write { partition, offset, bytes } in writes {
            let at = self.workshop.range(partition).start + offset;
            self.disk
                .write_at(at, &bytes)
                .map_err(|error| format!("the bootloader writes to `{partition}`: {error}"))?;
        }
        Ok(start)
    }

    fn find(&self) -> impl Fn(&str) -> Option<Device> {
        |label| self.workshop.partition(&self.disk, label)
    }

    fn does_hang(&self, copy: CopyName) -> bool {
        let Slot::Holds(index) = truth::slot(self.workshop, &self.disk, RECOVERY, copy) else { return false };
        self.hangs.as_ref() == Some(&self.workshop.releases[index].version)
    }

    /// Process 1, from the first look at its state to the hand-over: drydock's own story.
    fn process_one(&self, context: BootContext) -> Boot {
        self.process_one_of(&self.machine(), context)
    }

    pub(crate) fn process_one_of(&self, machine: &SimMachine<'f>, context: BootContext) -> Boot {
        let end = story::boot(machine, context);
        if matches!(end, Ok(BootEnd::Reset(_) | BootEnd::Entered(_))) && machine.has_bases() {
            self.violate("the base of a delta is still mapped at the hand-over".into());
        }
        match end {
            Ok(BootEnd::Reset(next)) => {
                match next {
                    Next::Reboot(set) => self.disk.mark(Mark::HandsOver(set)),
                    Next::TryCopy(copy) => self.disk.mark(Mark::Proves(copy)),
                    Next::Stay(_) => {}
                }
                Boot::Recovered(next)
            }
            Ok(BootEnd::Entered(set)) => {
                let floor = self.record().map_or(0, |record| record.floors.boot);
                let release = truth::set_is_whole(self.workshop, &self.disk, set);
                if release.is_ok_and(|release| release.info.security_version < floor) {
                    self.violate(format!("set {set} was entered, which is below the boot floor {floor}"));
                }
                if self.workshop.setup.data.is_blank() {
                    match fresh::identity(self.workshop, &self.disk) {
                        Some(data) => self.disk.mark(Mark::Entered(data)),
                        None => self.violate(format!("set {set} was entered without a `data`")),
                    }
                }
                Boot::Up(set)
            }
            Ok(BootEnd::ChooseAgain) => Boot::ChoosesAgain,
            Ok(BootEnd::Rescued(why)) => Boot::Rescued(why),
            Ok(BootEnd::ResetAsked) => Boot::Error("nobody asks for a factory reset".into()),
            Ok(BootEnd::SwitchedOff(why)) => Boot::Recovered(Next::Stay(why)),
            Err(error) => match context.purpose {
                Purpose::Set(set) => Boot::NotStarted(set, error.to_string()),
                Purpose::Recovery(_) | Purpose::Unsaid => Boot::Error(error.to_string()),
            },
        }
    }

    /// Slots are written only for an intent, and never those of the last good set.
    fn watch_slots(&self, before: &Record, log: &[Op]) {
        let finished = before.intent.as_ref().is_none_or(|intent| before.outcome_of(intent.id).is_some());
        for op in log {
            let Op::Write { offset, bytes } = op else { continue };
            let end = offset + bytes.len() as u64;
            for (class, set, range) in self.workshop.slots() {
                if range.start < end && *offset < range.end {
                    let slot = set.label(class.partition());
                    if before.last_good == Some(set) {
                        self.violate(format!("{slot}, of the last good set, was written"));
                    } else if finished {
                        self.violate(format!("{slot} was written though there was nothing to do"));
                    }
                }
            }
        }
    }

    /// The recovery's copies are written only for an intent, and never the one that runs. The one that is first changes
    /// only to one that has come up.
    fn watch_recovery(&self, before: &Record, running: Option<CopyName>, log: &[Op]) {
        let in_use = running.unwrap_or(before.recovery.first);
        let asked =
            before.intent.as_ref().is_some_and(|intent| matches!(intent.job, Job::UpdateRecovery { .. }));
        for copy in CopyName::BOTH {
            let range = self.workshop.range(&copy.label(RECOVERY));
            let written = log.iter().any(|op| match op {
                Op::Write { offset, bytes } => {
                    range.start < offset + bytes.len() as u64 && *offset < range.end
                }
                _ => false,
            });
            if written && (copy == in_use || !asked) {
                self.violate(format!("copy {copy} of the recovery was written, {in_use} is in use"));
            }
        }
        let first = self.record().map(|record| record.recovery.first);
        if first.is_some_and(|first| first != before.recovery.first && Some(first) != running) {
            self.violate("a copy of the recovery is first that has not come up".into());
        }
    }

    fn violate(&self, what: String) {
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        if !violations.contains(&what) {
            violations.push(what);
        }
    }
}
