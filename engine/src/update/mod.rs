//! An update, from the intent to the commit.
//!
//! The order is what makes it safe to cut anywhere and to run again: nothing is written before the bundle is
//! proven to be whole and meant for this device; the target set is made unbootable before its first byte
//! changes; what was written is read back; then trailers, state and boot environment, in this order.

pub mod frames;
pub mod plan;
pub mod prove;
pub mod recovery;
mod steps;
mod workers;
pub mod write;

use crate::error::Error;
use crate::event::{Event, PlannedSlot, Step};
use crate::machine::{Device, Found, Machine};
use crate::release;
use crate::sources;
use crate::state::State;
use crate::steps::{Commit, Work};
use drydock_block::BlockDevice;
use drydock_config::Config;
use drydock_format::trailer::Trailer;
use drydock_format::{Bundle, Digest, ImageReader, Manifest};
use drydock_state::{Intent, Record, SetInfo, SlotName, Source};
use frames::{BaseFrames, BundleFrames};
use plan::{Origin, Plan, SlotPlan};
use write::{Content, Frames, Job};

/// How much of a bundle is looked at before it is staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// All of it is read and proven.
    Whole,
    /// Signatures, members and tables only: damage to the contents is found when they are written.
    Quick,
}

/// A bundle that is signed and meant for this device, with everything ready to write it. Its contents have not been read
/// yet.
pub struct Prepared {
    /// The release.
    pub release: SetInfo,
    /// The digest of its manifest.
    pub digest: Digest,
    /// What is to be done.
    pub plan: Plan,
    slots: Vec<PreparedSlot>,
    /// The recovery that is to be written later.
    recovery: Option<Brought>,
    /// What tells the bundle's bytes from any others.
    pub stamp: Option<String>,
    manifest: Manifest,
}

/// A recovery that a bundle brings.
struct Brought {
    /// Where the bundle is.
    source: Source,
    reader: ImageReader,
}

impl std::fmt::Display for Prepared {
    /// What an installation would do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetInfo { version, security_version, .. } = &self.release;
        writeln!(f, "version {version}, security version {security_version}, is signed and for this device")?;
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
    name: SlotName,
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
    record: &Record,
    source: &Source,
    pinned: Option<Digest>,
    look: Look,
) -> Result<Prepared, Error> {
    open(machine, source, pinned, &mut |bundle, stamp| {
        let prepared = prepare_bundle(machine, record, source, bundle, stamp)?;
        if look == Look::Whole {
            prepared.prove_source(machine)?;
        }
        Ok(prepared)
    })
}

fn prepare_bundle(
    machine: &impl Machine,
    record: &Record,
    source: &Source,
    bundle: &Bundle,
    stamp: Option<String>,
) -> Result<Prepared, Error> {
    let plan = plan::plan(machine.config(), record, bundle.manifest())?;
    let slots = plan
        .slots
        .iter()
        .map(|slot| prepare_slot(machine, bundle, plan.target.into(), slot))
        .collect::<Result<_, _>>()?;
    let digest = bundle.manifest_digest();
    let release = release::info(bundle.manifest(), digest);
    machine
        .events()
        .finished(Step::Verify, format_args!("version {} is signed and for this device", release.version));
    let recovery = recovery::is_in(machine, bundle)?;
    let recovery = recovery.map(|reader| Brought { source: source.clone(), reader });
    let manifest = bundle.manifest().clone();
    Ok(Prepared { release, digest, plan, slots, recovery, stamp, manifest })
}

/// What is done with a bundle whose signatures hold; the text is its stamp ([`Found::stamp`]).
type Use<'w, T> = &'w mut dyn FnMut(&Bundle, Option<String>) -> Result<T, Error>;

/// Opens a bundle, checks its signatures and that it is the one that is meant, and does something with it. Where that is
/// not so, or `work` can't use it, and there is another candidate for it, that one is tried.
fn open<T>(
    machine: &impl Machine,
    source: &Source,
    pinned: Option<Digest>,
    work: Use<'_, T>,
) -> Result<T, Error> {
    let events = machine.events();
    events.started(Step::Source, describe(source));
    sources::open(machine, source, &mut |Found { bytes, tail, stamp }| {
        events.started(Step::Verify, "signatures and tables of the bundle");
        let bundle = Bundle::open_with(bytes, &release::trusted(machine.config())?, tail)?;
        let digest = bundle.manifest_digest();
        match pinned.filter(|pinned| *pinned != digest) {
            None => work(&bundle, stamp),
            Some(pinned) => Err(Error::Refused(format!(
                "the bundle's manifest is {digest}, the intent means {pinned}; the bundle was exchanged, stage it again"
            ))),
        }
    })
}

fn prepare_slot(
    machine: &impl Machine,
    bundle: &Bundle,
    name: SlotName,
    slot: &SlotPlan,
) -> Result<PreparedSlot, Error> {
    let device = machine.slot(&slot.class, name)?;
    slot.check_room(name, device.size(), bundle.manifest_bytes().len() as u64)?;
    let (upper_tree, groups, frames): (_, _, Box<dyn Frames>) = match slot.from {
        Origin::Bundle => {
            let reader = bundle.image(&slot.image.name)?;
            (reader.groups().to_vec(), reader.group_digests().to_vec(), Box::new(BundleFrames(reader)))
        }
        Origin::Set(base) => {
            let label = base.label(&slot.class.class);
            let base = machine.slot(&slot.class, base.into())?;
            let (upper, groups) = prove::read_groups(&base, &slot.image, &label)?;
            (upper, groups, Box::new(BaseFrames::new(base, &slot.image, label)))
        }
    };
    let trailer = Trailer {
        manifest: bundle.manifest_bytes().to_vec(),
        signatures: bundle.signature_bytes().to_vec(),
        image: slot.image.name.clone(),
    };
    let label = name.label(&slot.class.class);
    Ok(PreparedSlot { plan: slot.clone(), name, label, device, trailer, upper_tree, groups, frames })
}

impl Prepared {
    /// Returns what an installation would do, as an event.
    pub fn verified(&self) -> Event {
        let planned = |slot: &PreparedSlot| PlannedSlot {
            label: slot.label.clone(),
            size: slot.plan.image.size,
            root_hash: slot.plan.image.root_hash.to_string(),
            copied: slot.plan.from != Origin::Bundle,
        };
        Event::Verified {
            version: self.release.version.clone(),
            security_version: self.release.security_version,
            slots: self.slots.iter().map(planned).collect(),
            recovery: self.recovery.is_some(),
        }
    }

    /// Whether the record, which may have changed since, still lets the bundle be installed as it was planned. An error
    /// says why it can't be installed at all any more.
    pub fn still_fits(&self, config: &Config, record: &Record) -> Result<bool, Error> {
        Ok(plan::plan(config, record, &self.manifest)?.target == self.plan.target)
    }

    /// Reads all that would be written, proves it, and tells so. Writes nothing.
    pub fn prove_source(&self, machine: &impl Machine) -> Result<(), Error> {
        let events = machine.events();
        events.started(Step::Verify, "the contents of the bundle");
        self.prove_contents(machine)?;
        events.finished(Step::Verify, format_args!("version {} is whole", self.release.version));
        Ok(())
    }

    fn prove_contents(&self, machine: &impl Machine) -> Result<(), Error> {
        let events = machine.events();
        for slot in &self.slots {
            slot.content().prove(&slot.plan.image.name, machine.threads(), events)?;
        }
        if let Some(Brought { reader, .. }) = &self.recovery {
            let (image, frames) = (reader.image(), BundleFrames(reader));
            let content = Content::new(image, reader.group_digests(), &frames);
            content.prove(&image.name, machine.threads(), events)?;
        }
        Ok(())
    }

    /// Whether these very bytes were proven when the intent was recorded.
    fn was_proven(&self, intent: Option<&Intent>) -> bool {
        let proven = intent.and_then(|intent| intent.proven.as_ref());
        proven.is_some() && proven == self.stamp.as_ref()
    }
}

impl PreparedSlot {
    fn content(&self) -> Content<'_> {
        Content::new(&self.plan.image, &self.groups, &*self.frames)
    }

    /// Writes image and hash tree. On return they are on stable storage. Returns the bytes of the image that were in
    /// place already.
    fn write(&self, machine: &impl Machine) -> Result<u64, Error> {
        let label = self.label.clone();
        let job = Job { content: self.content(), upper_tree: &self.upper_tree, slot: &self.device, label };
        job.run(machine.threads(), machine.events())
    }
}

/// [`prepare`]s an update and carries it out, up to what is to be recorded. On return the target set is filled and read
/// back, and that is on stable storage; it gets its trial when the record says so ([`finish`](crate::steps::finish)).
pub fn apply(
    machine: &impl Machine,
    state: &mut State<'_>,
    source: &Source,
    pinned: Option<Digest>,
) -> Result<Commit, Error> {
    open(machine, source, pinned, &mut |bundle, stamp| {
        let prepared = prepare_bundle(machine, &state.record, source, bundle, stamp)?;
        fill(machine, state, &prepared)?;
        let brought = prepared.recovery.as_ref().map(|brought| brought.source.clone());
        Ok(Commit::Installed { set: prepared.plan.target, release: prepared.release, brought })
    })
}

/// Fills the slots of the target set, proves them, and gives them their trailers. On return that is on stable storage;
/// the set is not bootable until the record says so.
pub fn fill(machine: &impl Machine, state: &mut State<'_>, prepared: &Prepared) -> Result<(), Error> {
    let steps = steps::to_fill(&state.record, prepared);
    crate::steps::run(&mut Work { machine, state }, &steps)
}

fn describe(source: &Source) -> String {
    match source {
        Source::Data { path } => format!("{path} on data"),
        Source::Medium(medium) => format!("{} on a removable medium", medium.path),
        Source::Partition { label } => format!("partition {label}"),
        Source::Unknown(_) => "a source that only a later drydock knows".into(),
    }
}
