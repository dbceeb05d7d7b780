//! What is on a disk, found without trusting what drydock says of it.

use crate::disk::SimDisk;
pub use crate::seen::{Seen, Slot};
use crate::workshop::{RECOVERY, Release, Workshop};
use drydock_block::read_vec;
use drydock_format::trailer;
use drydock_models::Kernel;
use drydock_state::{Record, Replica, SetName, SlotName, decode_replica, replica_offsets};
use std::sync::{Arc, PoisonError};

/// The room that a replica of the record takes at most, in bytes.
const REPLICA: usize = 4096 + 256 * 1024;

/// Bytes that are compared at once.
const PIECE: usize = 64 << 10;

/// Looks into a slot.
pub fn slot(workshop: &Workshop, disk: &Arc<SimDisk>, class: &str, name: impl Into<SlotName>) -> Slot {
    let name = name.into();
    let label = name.label(class);
    let view = disk.view();
    let range = workshop.range(&label);
    let mut seen = disk.seen.lock().unwrap_or_else(PoisonError::into_inner);
    match seen.get(&label) {
        Some((contents, slot)) if contents.shares(&view, &range) => slot.clone(),
        _ => {
            let found = look(workshop, disk, class, name);
            seen.insert(label, (view, found.clone()));
            found
        }
    }
}

fn look(workshop: &Workshop, disk: &Arc<SimDisk>, class: &str, name: SlotName) -> Slot {
    let label = name.label(class);
    let device = workshop.slot(disk, class, name).expect("a slot of the configuration");
    let Ok(trailer) = trailer::read(&device) else { return Slot::Nothing };
    let index = workshop.releases.iter().position(|release| release.manifest == trailer.manifest);
    let Some(index) = index else { return Slot::Lies(format!("{label} has the trailer of no release")) };
    let release = &workshop.releases[index];
    let Some((image, _, content)) = release.contents.get(class) else {
        return Slot::Lies(format!("{label} has the trailer of version {}, which has none", release.version));
    };
    let mut pieces = (0..).step_by(PIECE).zip(content.chunks(PIECE));
    let same = pieces.all(|(at, piece)| read_vec(&device, at, piece.len()).is_ok_and(|found| found == piece));
    match same && trailer.image == *image && trailer.signatures == release.signatures {
        true => Slot::Holds(index),
        false => {
            Slot::Lies(format!("{label} has the trailer of version {} and not its contents", release.version))
        }
    }
}

/// The release that a whole set holds; why it is not whole otherwise.
pub fn set_is_whole<'f>(
    workshop: &'f Workshop,
    disk: &Arc<SimDisk>,
    set: SetName,
) -> Result<&'f Release, String> {
    let mut found: Option<&Release> = None;
    for class in workshop.config.set_classes() {
        match slot(workshop, disk, &class.class, set) {
            Slot::Holds(index) => {
                let release = &workshop.releases[index];
                if found.is_some_and(|other| other.version != release.version) {
                    return Err(format!(
                        "{} is of version {}",
                        set.label(class.partition()),
                        release.version
                    ));
                }
                found = Some(release);
            }
            Slot::Nothing => return Err(format!("{} has no trailer", set.label(class.partition()))),
            Slot::Lies(why) => return Err(why),
        }
    }
    found.ok_or_else(|| "it has no slots".into())
}

/// The version that a whole set holds.
pub fn version(workshop: &Workshop, disk: &Arc<SimDisk>, set: SetName) -> Option<String> {
    set_is_whole(workshop, disk, set).ok().map(|release| release.version.clone())
}

/// Whether the bootloader finds a whole kernel. It does not look at trailers.
pub fn has_kernel(workshop: &Workshop, disk: &Arc<SimDisk>, kernel: Kernel) -> bool {
    let (class, name): (_, SlotName) = match kernel {
        Kernel::Set(set) => ("boot", set.into()),
        Kernel::Recovery(copy) => (RECOVERY, copy.into()),
    };
    let device = workshop.slot(disk, class, name).expect("there are such slots");
    let mut all = workshop.releases.iter().filter_map(|release| release.contents.get(class));
    all.any(|(_, size, content)| read_vec(&device, 0, *size).is_ok_and(|found| found == content[..*size]))
}

/// Both replicas of the record.
pub fn replicas(workshop: &Workshop, disk: &Arc<SimDisk>) -> [Replica; 2] {
    let device = workshop.partition(disk, "state").expect("there is a state partition");
    let offsets = replica_offsets(device.size()).expect("it is large enough");
    offsets.map(|offset| match read_vec(&device, offset, REPLICA) {
        Ok(bytes) => decode_replica(&bytes),
        Err(source) => Replica::Unreadable(drydock_block::Error::Read { what: "replica", source }),
    })
}

/// The newest record.
pub fn record(workshop: &Workshop, disk: &Arc<SimDisk>) -> Option<Record> {
    let valid = replicas(workshop, disk).into_iter().filter_map(|replica| match replica {
        Replica::Valid { sequence, record } => Some((sequence, *record)),
        _ => None,
    });
    valid.max_by_key(|(sequence, _)| *sequence).map(|(_, record)| record)
}
