//! What must hold: on every disk at every moment, and when a device has run to its end.

use super::Proof;
use super::failure::{Failure, Kind};
use crate::contents::{Contents, UNIT};
use crate::cut::Progress;
use crate::data::{self, Data};
use crate::device::{End, SimDevice};
use crate::disk::{Mark, Op};
use crate::fresh::{self, Fresh};
use crate::operations::Operation;
use crate::setup::Flashed;
use crate::truth::{self, Slot};
use crate::workshop::RECOVERY;
use drydock_engine::machine::open_bootloader;
use drydock_engine::volume::provision::{self, Content};
use drydock_models::{Kernel, Start};
use drydock_state::{CopyName, Entry, Mode, Observed, Outcome, Record, Replica, SetName};
use std::collections::BTreeMap;

impl Proof<'_, '_> {
    /// What must hold on every disk at every moment.
    pub(super) fn check_at_rest(&self, device: &SimDevice, progress: Progress) -> Result<(), Failure> {
        let (workshop, disk) = (device.workshop, &device.disk);
        let mut whole = BTreeMap::new();
        for set in SetName::BOTH {
            for class in workshop.config.set_classes() {
                if let Slot::Lies(why) = truth::slot(workshop, disk, &class.class, set) {
                    return Kind::Lie.of(why);
                }
            }
            whole.insert(set, truth::set_is_whole(workshop, disk, set));
        }
        self.check_recovery(device)?;
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
        match workshop.setup.data {
            Flashed::Made => self.check_data(device, &record)?,
            Flashed::Blank { .. } => self.check_fresh_data(device, progress)?,
        }
        self.check_promises(device, &record, progress)
    }

    /// The copy of the recovery that the bootloader tries first is whole, and the record tells what is in it.
    fn check_recovery(&self, device: &SimDevice) -> Result<(), Failure> {
        let (workshop, disk) = (device.workshop, &device.disk);
        for copy in CopyName::BOTH {
            if let Slot::Lies(why) = truth::slot(workshop, disk, RECOVERY, copy) {
                return Kind::Lie.of(why);
            }
        }
        let next = observed(device).map_or(CopyName::A, |now| now.copy);
        if !truth::has_kernel(workshop, disk, Kernel::Recovery(next)) {
            return Kind::Half.of(format!("copy {next} of the recovery is next, and is not whole"));
        }
        let Some(record) = device.record() else { return Ok(()) };
        let told = record.history.iter().rfind(|entry| entry.outcome == Outcome::RecoveryUpdated);
        let version = told.map_or("1", |entry| &entry.version);
        match truth::slot(workshop, disk, RECOVERY, record.recovery.first) {
            Slot::Holds(index) if workshop.releases[index].version == version => Ok(()),
            _ => Kind::Lie.of(format!(
                "the recovery that is first, {}, is not version {version}",
                record.recovery.first
            )),
        }
    }

    /// What became of a `data` that the first boot makes, or mends.
    fn check_fresh_data(&self, device: &SimDevice, progress: Progress) -> Result<(), Failure> {
        let (workshop, disk) = (device.workshop, &device.disk);
        if let Some(data) = progress.data
            && fresh::identity(workshop, disk) != Some(data)
        {
            return Kind::Broken.of("`data` is another one than that with which a set was entered");
        }
        if let Some(mended) = &self.operation.mended {
            return self.check_mended(device, mended);
        }
        let found = fresh::look(workshop, disk);
        let partition = workshop.partition(disk, "data").expect("there is a data partition");
        match (&found, provision::content(&partition)) {
            (Fresh::Broken(why), _) => Kind::Half.of(format!("`data` is neither blank nor whole: {why}")),
            (Fresh::Blank | Fresh::Unfinished, _) if progress.data.is_some() => {
                Kind::Broken.of("`data` is lost with which a set was entered")
            }
            (Fresh::Blank, Ok(Content::Blank))
            | (Fresh::Unfinished, Ok(Content::Unfinished))
            | (Fresh::Whole(_), Ok(Content::Used)) => Ok(()),
            (_, taken) => Kind::Lie.of(format!("`data` is {found:?} and taken for {taken:?}")),
        }
    }

    /// A torn filesystem: each sector is as it was, or as it is when all is mended.
    fn check_mended(&self, device: &SimDevice, mended: &Contents) -> Result<(), Failure> {
        let view = device.disk.view();
        let mut pages = view.changed(&self.start, &device.workshop.range("data"));
        let is_one_of_both = |page: u64| {
            let at = (page..page + 4096).step_by(UNIT);
            at.into_iter().all(|at| {
                let [now, before, after] = [&view, &self.start, mended].map(|contents| contents.unit(at));
                now == before || now == after
            })
        };
        match pages.find(|page| !is_one_of_both(*page)) {
            None => Ok(()),
            Some(page) => {
                Kind::Half.of(format!("the mended filesystem has something else in the page at byte {page}"))
            }
        }
    }

    /// How `data` is once the device has come to rest.
    fn check_data_at_end(&self, device: &SimDevice, progress: Progress) -> Result<(), Failure> {
        let mut entered = device.disk.log().into_iter().filter_map(|op| match op {
            Op::Mark(Mark::Entered(data)) => Some(data),
            _ => None,
        });
        let Some(first) = progress.data.or_else(|| entered.next()) else {
            return Ok(());
        };
        self.check_fresh_data(device, Progress { data: Some(first), ..progress })?;
        if entered.any(|data| data != first) {
            return Kind::Broken.of("`data` was made a second time, after a set was entered");
        }
        let (range, view) = (device.workshop.range("data"), device.disk.view());
        let differs =
            |mended: &Contents| view.changed(mended, &range).any(|page| view.page(page) != mended.page(page));
        match self.operation.mended.as_ref().is_some_and(differs) {
            true => Kind::Half.of("the filesystem was not mended as it should be"),
            false => Ok(()),
        }
    }

    /// What is to be kept is never lost, and the history tells what became of `data` and of what was wiped.
    fn check_data(&self, device: &SimDevice, record: &Record) -> Result<(), Failure> {
        let (workshop, disk) = (device.workshop, &device.disk);
        let view = disk.view();
        let told = |outcome| record.history.iter().any(|entry| entry.outcome == outcome);
        let untouched =
            ["data", "stash"].iter().all(|label| view.shares(&self.start, &workshop.range(label)));
        if !untouched || told(Outcome::Reset) {
            match data::look(workshop, disk) {
                Data::Lost(why) => return Kind::Half.of(format!("what is to be kept is lost: {why}")),
                Data::New if told(Outcome::Reset) && data::is_stash_committed(workshop, disk) => {
                    return Kind::Lie.of("the reset is told to be over, and the stash is not empty");
                }
                Data::New => {}
                found if told(Outcome::Reset) => {
                    return Kind::Lie.of(format!("a reset is told, and data is {found:?}"));
                }
                Data::Old | Data::Stashed => {}
            }
        }
        let logs = workshop.range("logs");
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
            None | Some(Mark::Cancelled(_) | Mark::Entered(_) | Mark::HookRuns(_) | Mark::HookRan(_)) => true,
            Some(Mark::Staged(_)) => matches!(next, Some(Start::Recovery { .. })),
            Some(Mark::HandsOver(set)) => next == Some(Start::Set(set)),
            Some(Mark::Proves(copy)) => {
                matches!(next, Some(Start::Recovery { copy: next, .. }) if next == copy)
            }
            Some(Mark::GivenUp(set)) => next == Some(Start::Set(set.other())),
            Some(Mark::MarkedGood(set)) => {
                let left = observed(device).map(|now| now.left.of(set));
                record.last_good == Some(set) && left == Some(attempts(device))
            }
        };
        match kept {
            true => Ok(()),
            false => Kind::Broken.of(format!("{:?} was promised, and next is {next:?}", progress.promise)),
        }
    }

    /// What must be so in the end.
    pub(super) fn check_end(&self, device: &SimDevice, end: End, progress: Progress) -> Result<(), Failure> {
        let set = match end {
            End::Up(set) => set,
            End::Down(boots) => return Kind::Bricked.of(format!("it never came up: {boots:?}")),
        };
        if let Some(violation) = device.violations().first() {
            return Kind::Broken.of(violation);
        }
        let version = match truth::set_is_whole(device.workshop, &device.disk, set) {
            Ok(release) => release.version.as_str(),
            Err(why) => return Kind::Half.of(why),
        };
        self.check_data_at_end(device, progress)?;
        let replicas = truth::replicas(device.workshop, &device.disk);
        let record = match &replicas {
            [Replica::Valid { sequence: a, record }, Replica::Valid { sequence: b, record: other }]
                if a == b && record == other =>
            {
                record
            }
            _ => return Kind::Broken.of(format!("the replicas of the record are not equal: {replicas:?}")),
        };
        let attempts = attempts(device);
        let expected = (self.operation.expect)(&progress);
        // Where everything has one try a cut takes it, and the other set runs; a torn environment takes nothing.
        let costs: &[Outcome] = match attempts {
            1 => &[Outcome::RolledBack, Outcome::FellBack, Outcome::Rearmed],
            _ => &[],
        };
        let lost_its_try = record
            .history
            .iter()
            .any(|entry| costs.contains(&entry.outcome) && expected.contains(&entry.version.as_str()));
        if !expected.contains(&version) && !lost_its_try {
            return Kind::Broken.of(format!("version {version} runs, expected was {expected:?}"));
        }
        let agrees = |now: &Observed| {
            let same = now.generation == record.generation && now.first == set;
            let same = same && now.copy == record.recovery.first;
            same && now.mode == Mode::Normal && now.left.of(set) == attempts
        };
        match observed(device) {
            Some(now) if agrees(&now) => {}
            other => return Kind::Broken.of(format!("the boot environment does not agree: {other:?}")),
        }
        if let Some(intent) = &record.intent {
            return Kind::Broken.of(format!("intent {} still waits", intent.id));
        }
        let Operation { story, unless, stages, .. } = *self.operation;
        let is_staged = record.history.iter().any(|entry| entry.outcome == Outcome::Staged);
        let story = if unless == version || stages && !is_staged { &[] } else { story };
        let tells = |outcome: &Outcome| record.history.iter().any(|entry| entry.outcome == *outcome);
        let happens = |outcome: &&Outcome| !costs.contains(*outcome) && (!lost_its_try || tells(outcome));
        let story: Vec<_> = story.iter().filter(happens).cloned().collect();
        let history: Vec<_> =
            record.history.iter().filter(|entry| !costs.contains(&entry.outcome)).cloned().collect();
        check_history(&history, &story, set, version).or_else(|why| Kind::Lie.of(why))
    }
}

/// How often a set may be started, as far as its bootloader can count.
fn attempts(device: &SimDevice) -> u8 {
    let most = open_bootloader(&device.machine()).map_or(u8::MAX, |bootloader| bootloader.most_starts());
    device.config.boot.attempts.min(most)
}

fn observed(device: &SimDevice) -> Option<Observed> {
    open_bootloader(&device.machine()).ok()?.observe().ok()
}

/// Whether the history is possible, and ends in what runs. Besides the ordinary course of an update it tells each of
/// the `allowed` outcomes exactly once, and no other; only that a set was not started it may tell more than once.
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
        match &entry.outcome {
            Outcome::Staged => open.push(entry.intent),
            Outcome::Flashed | Outcome::Installed => {
                holds.insert(entry.set, entry.version.clone());
            }
            Outcome::MarkedGood if holds.get(&entry.set) != Some(&entry.version) && !rebuilt => {
                return lie("what was marked good was never installed");
            }
            Outcome::MarkedGood | Outcome::Cancelled => {}
            other if !allowed.contains(other) => return lie("that did not happen"),
            Outcome::StateRebuilt => rebuilt = true,
            _ if entry.reason.is_empty() => return lie("no reason is given"),
            _ => {}
        }
    }
    for expected in allowed {
        let count = history.iter().filter(|entry| entry.outcome == *expected).count();
        // What the bootloader tries again fails again.
        if count == 0 || (count > 1 && *expected != Outcome::NotStarted) {
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
