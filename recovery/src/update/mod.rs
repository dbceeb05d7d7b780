//! An update, from the intent to the commit.
//!
//! The order is what makes it safe to cut anywhere and to run again: nothing is written before the bundle is
//! proven to be whole and meant for this device; the target set is made unbootable before its first byte
//! changes; what was written is read back; then trailers, state and boot environment, in this order.

pub mod frames;
pub mod plan;
pub mod prove;
pub mod recovery;
mod workers;
pub mod write;

use crate::error::Error;
use crate::event::Step;
use crate::machine::{Device, Machine};
use crate::memory::Memory;
use crate::release;
use drydock_block::BlockDevice;
use drydock_bundle::tree::Hasher;
use drydock_bundle::{Bundle, Digest};
use drydock_state::trailer::{self, Trailer};
use drydock_state::{SetInfo, SetName, Source, transition};
use frames::{BaseFrames, BundleFrames};
use plan::{Origin, Plan, SlotPlan};
use write::{Frames, Job};

/// A bundle that is whole, signed and meant for this device, with everything ready to write it.
pub struct Prepared {
    /// The release.
    pub release: SetInfo,
    /// What is to be done.
    pub plan: Plan,
    slots: Vec<PreparedSlot>,
    /// Where a recovery came from that is to be written later.
    recovery: Option<Source>,
}

impl std::fmt::Display for Prepared {
    /// What [`install`] would do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetInfo { version, security_version, .. } = &self.release;
        writeln!(
            f,
            "version {version}, security version {security_version}, is signed, whole and for this device"
        )?;
        for PreparedSlot { plan, label, .. } in &self.slots {
            let from = match plan.from {
                Origin::Bundle => "from the bundle".to_owned(),
                Origin::Set(set) => format!("from set {set}"),
            };
            writeln!(f, "{label}: {} MiB {from}, root hash {}", plan.image.size >> 20, plan.image.root_hash)?;
        }
        if self.recovery.is_some() {
            writeln!(f, "recovery: one copy follows, once the new set is marked good")?;
        }
        writeln!(f, "the running set is left alone; the next boot after `drydock stage` would install it")
    }
}

/// One slot, and what is needed to fill it.
struct PreparedSlot {
    plan: SlotPlan,
    set: SetName,
    label: String,
    device: Device,
    trailer: Trailer,
    upper_tree: Vec<u8>,
    groups: Vec<Digest>,
    frames: Box<dyn Frames>,
}

/// Opens a bundle and checks all that can be checked without writing: signatures, every member's place and
/// length, the hash trees' upper levels, the frame tables, and whether it fits this device. Writes nothing.
///
/// `pinned` is the digest of the manifest that the intent means.
pub fn prepare(
    machine: &impl Machine,
    memory: &Memory,
    source: &Source,
    pinned: Option<&str>,
) -> Result<Prepared, Error> {
    open(machine, source, pinned, &mut |bundle| prepare_bundle(machine, memory, source, bundle))
}

fn prepare_bundle(
    machine: &impl Machine,
    memory: &Memory,
    source: &Source,
    bundle: &Bundle,
) -> Result<Prepared, Error> {
    let plan = plan::plan(machine.config(), &memory.record, bundle.manifest())?;
    let slots = plan
        .slots
        .iter()
        .map(|slot| prepare_slot(machine, bundle, plan.target, slot))
        .collect::<Result<_, _>>()?;
    let release = release::info(bundle.manifest(), bundle.manifest_digest());
    machine.events().finished(
        Step::Verify,
        format_args!("version {} is signed, whole and for this device", release.version),
    );
    let recovery = recovery::is_in(machine, bundle)?.then(|| source.clone());
    Ok(Prepared { release, plan, slots, recovery })
}

/// Opens a bundle, checks its signatures and that it is the one that is meant, and does something with it. Where that is
/// not so, or `work` can't use it, and there is another candidate for it, that one is tried.
fn open<T>(
    machine: &impl Machine,
    source: &Source,
    pinned: Option<&str>,
    work: &mut dyn FnMut(&Bundle) -> Result<T, Error>,
) -> Result<T, Error> {
    let events = machine.events();
    events.started(Step::Source, describe(source));
    machine.source(source, &mut |bytes, tail| {
        events.started(Step::Verify, "signatures and contents of the bundle");
        let bundle = Bundle::open_with(bytes, &release::trusted(machine.config())?, tail)?;
        let digest = bundle.manifest_digest().to_string();
        match pinned.filter(|pinned| *pinned != digest) {
            None => work(&bundle),
            Some(pinned) => Err(Error::Refused(format!(
                "the bundle's manifest is {digest}, the intent means {pinned}; the bundle was exchanged, stage it again"
            ))),
        }
    })
}

fn prepare_slot(
    machine: &impl Machine,
    bundle: &Bundle,
    set: SetName,
    slot: &SlotPlan,
) -> Result<PreparedSlot, Error> {
    let device = machine.slot(&slot.class, set)?;
    slot.check_room(set, device.size(), bundle.manifest_bytes().len() as u64)?;
    let (upper_tree, groups, frames): (_, _, Box<dyn Frames>) = match slot.from {
        Origin::Bundle => {
            let reader = bundle.image(&slot.image.name)?;
            (reader.groups().to_vec(), reader.group_digests().to_vec(), Box::new(BundleFrames(reader)))
        }
        Origin::Set(base) => {
            let label = base.label(&slot.class.class);
            let base = machine.slot(&slot.class, base)?;
            let (upper, groups) = prove::read_groups(&base, &slot.image, &label)?;
            (upper, groups, Box::new(BaseFrames::new(base, &slot.image, label)))
        }
    };
    let trailer = Trailer {
        manifest: bundle.manifest_bytes().to_vec(),
        signatures: bundle.signature_bytes().to_vec(),
        image: slot.image.name.clone(),
    };
    let label = set.label(&slot.class.class);
    Ok(PreparedSlot { plan: slot.clone(), set, label, device, trailer, upper_tree, groups, frames })
}

impl PreparedSlot {
    /// Writes image and hash tree. On return they are on stable storage.
    fn write(&self, machine: &impl Machine) -> Result<(), Error> {
        let (events, label) = (machine.events(), &self.label);
        events.started(Step::Write, format_args!("{label} ({} MiB)", self.plan.image.size >> 20));
        let job = Job {
            image: &self.plan.image,
            upper_tree: &self.upper_tree,
            groups: &self.groups,
            hasher: Hasher::new(&self.plan.image.salt),
            frames: &*self.frames,
            slot: &self.device,
            label: label.clone(),
        };
        let in_place = job.run(machine.threads(), events)?;
        if in_place > 0 {
            events.note(format_args!("{} MiB of {label} were in place already", in_place >> 20));
        }
        events.finished(Step::Write, label);
        Ok(())
    }

    /// Reads back from the medium what was written.
    fn prove(&self, machine: &impl Machine) -> Result<(), Error> {
        machine.events().started(Step::Prove, format_args!("{} by reading it back", self.label));
        machine.prove(&self.plan.class, self.set, &self.plan.image)?;
        machine.events().finished(Step::Prove, &self.label);
        Ok(())
    }
}

/// [`prepare`]s an update and [`install`]s it.
pub fn apply(
    machine: &impl Machine,
    memory: &mut Memory,
    source: &Source,
    pinned: Option<&str>,
) -> Result<(), Error> {
    open(machine, source, pinned, &mut |bundle| {
        let prepared = prepare_bundle(machine, memory, source, bundle)?;
        install(machine, memory, &prepared)
    })
}

/// Carries a prepared update out: writes, proves, commits. On return the new set has its trial, the intent is
/// over, and all of it is on stable storage.
pub fn install(machine: &impl Machine, memory: &mut Memory, prepared: &Prepared) -> Result<(), Error> {
    fill(machine, memory, prepared)?;
    transition::offer(&mut memory.record, prepared.plan.target, prepared.recovery.clone());
    transition::installed(&mut memory.record, prepared.plan.target, prepared.release.clone(), machine.now());
    memory.save()?;
    machine.events().finished(Step::Commit, "trailers, state and boot environment");
    Ok(())
}

/// Fills the slots of the target set, proves them, and gives them their trailers. On return that is on stable storage;
/// the set is not bootable until the record says so.
pub fn fill(machine: &impl Machine, memory: &mut Memory, prepared: &Prepared) -> Result<(), Error> {
    let events = machine.events();
    let target = prepared.plan.target;
    if transition::begin_write(&mut memory.record, target) {
        memory.save()?;
    }
    for slot in &prepared.slots {
        trailer::invalidate(&slot.device)?;
    }
    for slot in &prepared.slots {
        slot.write(machine)?;
    }
    for slot in &prepared.slots {
        slot.prove(machine)?;
    }
    events.started(Step::Commit, format_args!("set {target} is version {}", prepared.release.version));
    for slot in &prepared.slots {
        trailer::write(&slot.device, &slot.trailer)?;
    }
    Ok(())
}

fn describe(source: &Source) -> String {
    match source {
        Source::Data { path } => format!("{path} on data"),
        Source::Medium(medium) => format!("{} on a removable medium", medium.path),
        Source::Partition { label } => format!("partition {label}"),
    }
}
