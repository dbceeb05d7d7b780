//! Factory reset: `data` becomes new, and the slots go back to the factory's bundle where the device has one.
//!
//! The order is what makes it safe to cut anywhere and to run again. What is kept is committed to the stash, under a
//! key of the new volume, before the first key slot of the old one is destroyed; from then on every start goes on from
//! the stash. The intent is over only when all is done.

pub mod archive;
mod erase;
pub mod stash;
mod steps;
pub mod unpack;
pub mod wipe;

use crate::asked::{self, Asked, Reset};
use crate::error::Error;
use crate::event::Step;
use crate::machine::{Device, Machine};
use crate::state::State;
use crate::steps::{Commit, Steps, Work};
use crate::update::{self, Look, Prepared};
use crate::volume::luks::luks;
use crate::volume::provision::{self, Content};
use crate::{keys, volume};
use drydock_block::BlockDevice;
use drydock_config::{Data, IfLocked};
use drydock_luks::{Headers, Volume};
use drydock_state::{Intent, Source};
use stash::Stash;
use steps::{ClearStash, CommitStash, Erase, MakeFilesystem, NewVolume, Unreadable, to_replace};
use zeroize::Zeroizing;

/// The partition with the bundle that the slots go back to.
const FACTORY: &str = "factory";
/// What the kept files are sealed for.
const PURPOSE: &str = "factory reset";

/// Carries a factory reset out, up to what is to be recorded. On return `data` is new, the slots are written, and all of
/// it is on stable storage. That the slots can't be restored is told in the history, and keeps nothing from being reset.
pub fn factory_reset(
    machine: &impl Machine,
    state: &mut State<'_>,
    intent: &Intent,
) -> Result<Commit, Error> {
    let events = machine.events();
    asked::before_reset(machine, state, Reset::Factory)?;
    events.started(Step::Reset, "all data on this device will be new");
    let slots = find_slots(machine, state);
    let mut told = match &machine.config().data {
        Some(data) if data.encrypted => renew_encrypted(machine, state, data, intent.id)?,
        Some(data) => {
            renew_plain(machine, state, &data.label)?;
            "data is new".into()
        }
        None => "there is no data volume".to_owned(),
    };
    #[cfg(feature = "files")]
    for volume in crate::tree::volumes(machine.config()) {
        renew_plain(machine, state, &volume.label)?;
    }
    let filled = slots.and_then(|prepared| {
        let Some(prepared) = prepared else { return Ok(None) };
        update::fill(machine, state, &prepared, Asked::Nobody).map_err(|error| error.to_string())?;
        Ok(Some((prepared.plan.target, prepared.release)))
    });
    let restored = filled.unwrap_or_else(|why| {
        events.warning(format_args!("the slots stay as they are: {why}"));
        told = format!("{told}; the slots stay: {why}");
        None
    });
    if let Some((set, release)) = &restored {
        told = format!("{told}; set {set} is back to version {}", release.version);
    }
    let set = restored.as_ref().map(|(set, _)| *set);
    for trouble in asked::after_reset(machine, state, Reset::Factory, set) {
        told = format!("{told}; {trouble}");
    }
    Ok(Commit::Reset { restored, told })
}

/// Makes a volume new that is not encrypted.
fn renew_plain(machine: &impl Machine, state: &mut State<'_>, label: &str) -> Result<(), Error> {
    let partition = &machine.partition(label)?;
    let erase = Erase { label, partition, how: Unreadable::DiscardedOrZeros };
    let steps: Steps<'_, _> = vec![Box::new(erase), Box::new(MakeFilesystem { label, new: None })];
    crate::steps::run(&mut Work { machine, state }, &steps)
}

/// Where the factory's bundle is on a device that has one.
pub fn factory_source() -> Source {
    Source::Partition { label: FACTORY.into() }
}

/// Where the factory's bundle is, if this device has one.
pub fn factory_bundle(machine: &impl Machine) -> Option<Source> {
    machine.partition(FACTORY).is_ok().then(factory_source)
}

/// The factory's bundle, checked before anything is destroyed; nothing if there is none, or if it is what runs. The
/// error says why it can't be used.
fn find_slots(machine: &impl Machine, state: &State) -> Result<Option<Prepared>, String> {
    let wanted = machine.config().factory_reset.restore_slots;
    let Some(source) = factory_bundle(machine).filter(|_| wanted) else { return Ok(None) };
    let prepared = update::prepare(machine, &state.record, &source, None, Look::Quick)
        .map_err(|error| error.to_string())?;
    let good = state.record.last_good.map(|set| state.record.sets.get(set));
    let runs = good.is_some_and(|good| good.manifest == prepared.release.manifest);
    Ok((!runs).then_some(prepared))
}

/// What becomes of the old volume.
enum Fresh {
    /// This is kept of it.
    Keep(Zeroizing<Vec<u8>>),
    /// Nothing is kept; the text says why, where something should have been.
    Nothing(String),
    /// It is gone already: an earlier start got as far as the stash.
    Gone(Stash),
}

/// Makes an encrypted `data` new. Returns what to tell.
fn renew_encrypted(
    machine: &impl Machine,
    state: &mut State<'_>,
    data: &Data,
    intent: u64,
) -> Result<String, Error> {
    let events = machine.events();
    let partition = machine.partition(&data.label)?;
    let keep = &machine.config().factory_reset.keep;
    let stash = if keep.is_empty() { None } else { Some(machine.partition("stash")?) };
    let fresh = match &stash {
        Some(stash) => look(machine, data, &partition, Stash::read(stash)?, intent)?,
        None => Fresh::Nothing(String::new()),
    };
    let mut told = "data is new".to_owned();
    let mut to_stash = None;
    let new = match fresh {
        Fresh::Gone(found) => {
            events.note("what is kept lies in the stash already; going on from there");
            open_stash(machine, data, &partition, found)?
        }
        Fresh::Keep(packed) => {
            let new = NewVolume::make(machine, &data.label, &partition, Some(packed.clone()))?;
            let sealed = new.unlocked.seal(PURPOSE, packed).map_err(|e| luks("seal what is kept", e))?;
            to_stash = Some(Stash { intent, headers: new.headers.to_bytes(), sealed });
            new
        }
        Fresh::Nothing(why) => {
            if !why.is_empty() {
                events.warning(format_args!("nothing is kept: {why}"));
                told = format!("{told}; nothing was kept: {why}");
            }
            NewVolume::make(machine, &data.label, &partition, None)?
        }
    };
    let mut steps: Steps<'_, _> = Vec::new();
    if let (Some(partition), Some(stash)) = (&stash, to_stash) {
        steps.push(Box::new(CommitStash { stash, partition }));
    }
    steps.extend(to_replace(&new));
    if let Some(stash) = &stash {
        steps.push(Box::new(ClearStash(stash)));
    }
    crate::steps::run(&mut Work { machine, state }, &steps)?;
    if let Some(packed) = &new.packed {
        told = format!("{told}; {} files and folders were kept", archive::count(packed));
    }
    Ok(told)
}

/// Decides where this start stands. Writes nothing.
fn look(
    machine: &impl Machine,
    data: &Data,
    partition: &Device,
    found: Option<Stash>,
    intent: u64,
) -> Result<Fresh, Error> {
    let reset = &machine.config().factory_reset;
    let content = provision::content(partition);
    let content = content.map_err(|error| Error::Refused(format!("`{}`: {error}", data.label)))?;
    if found.is_none() && content != Content::Used {
        return Ok(Fresh::Nothing(String::new()));
    }
    let volume = Volume::open(partition, &machine.limits()?);
    let in_place = |found: &Stash| volume.as_ref().is_ok_and(|volume| is_of(found, volume));
    let found = match found {
        Some(found) if found.intent == intent && in_place(&found) => return Ok(Fresh::Gone(found)),
        other => other,
    };
    let unlocked = match &volume {
        Ok(volume) => keys::unlock(machine, &data.label, volume),
        Err(error) => Err(Error::Refused(format!("`{}`: {error}", data.label))),
    };
    match unlocked {
        // The old volume is whole: whatever an earlier start put into the stash, this is newer.
        Ok(unlocked) => {
            let limit = reset.keep_limit_kib.bytes();
            Ok(Fresh::Keep(volume::pack(machine, &data.label, &unlocked, &reset.keep, limit)?))
        }
        Err(why) => {
            let has_slots = volume.is_ok_and(|volume| !volume.is_erased());
            match found {
                // A stash of an earlier reset counts only where no key can open the volume any more.
                Some(found) if found.intent == intent || !has_slots => Ok(Fresh::Gone(found)),
                _ if reset.if_locked == IfLocked::Erase => Ok(Fresh::Nothing(why.to_string())),
                _ => Err(why),
            }
        }
    }
}

/// Whether a volume is the one that a stash was made for.
fn is_of(found: &Stash, volume: &Volume<'_>) -> bool {
    let headers = Headers::from_bytes(found.headers.clone(), volume.device_size());
    headers.volume().is_ok_and(|new| new.uuid() == volume.uuid())
}

fn open_stash(
    machine: &impl Machine,
    data: &Data,
    partition: &Device,
    found: Stash,
) -> Result<NewVolume, Error> {
    let headers = Headers::from_bytes(found.headers, partition.size());
    let volume = headers.volume().map_err(|e| luks("read the LUKS header in the stash", e))?;
    let unlocked = keys::unlock(machine, &data.label, &volume)?;
    let packed = unlocked.unseal(PURPOSE, found.sealed).map_err(|e| luks("open the stash", e))?;
    drop(volume);
    let (label, partition) = (data.label.clone(), partition.clone());
    Ok(NewVolume { label, partition, headers, unlocked, packed: Some(packed) })
}
