//! What is really in the `data` volume of a simulated device, and in its stash.

use crate::disk::SimDisk;
use crate::volume::contents;
use crate::workshop::{DATA_KEY, Workshop};
use drydock_block::BlockDevice;
use drydock_engine::reset::stash::Stash;
use drydock_luks::{Headers, Limits, Unlocked, Volume};
use drydock_models::CryptDevice;
use std::sync::Arc;

/// What the `data` volume is.
#[derive(Debug, PartialEq, Eq)]
pub enum Data {
    /// The one that the workshop made, with all that is in it.
    Old,
    /// A new one: under another volume key, with what is kept and nothing else.
    New,
    /// Neither; but what is kept lies in the stash.
    Stashed,
    /// Something else: what is kept is lost.
    Lost(String),
}

/// Looks at `data`, and at the stash.
pub fn look(workshop: &Workshop, disk: &Arc<SimDisk>) -> Data {
    let partition = workshop.partition(disk, "data").expect("there is a data volume");
    let found = open(&partition).and_then(|unlocked| {
        let inside = CryptDevice::new(&partition, &unlocked).map_err(|error| error.to_string())?;
        let contents = contents(&inside).ok_or("it has no filesystem")?;
        let old = unlocked.volume_key().ok() == Some(workshop.old_data_key());
        Ok((old, contents))
    });
    match found {
        Ok((true, contents)) if contents == workshop.old_data() => Data::Old,
        Ok((false, contents)) if contents == workshop.kept() => Data::New,
        // Made, and not filled yet.
        Ok((false, contents)) if contents.is_empty() && stashed(workshop, disk, partition.size()) => {
            Data::Stashed
        }
        Ok((old, contents)) => Data::Lost(format!("old: {old}, {} bytes in it", contents.len())),
        Err(why) => match stashed(workshop, disk, partition.size()) {
            true => Data::Stashed,
            false => Data::Lost(why),
        },
    }
}

/// Whether anything is committed in the stash.
pub fn is_stash_committed(workshop: &Workshop, disk: &Arc<SimDisk>) -> bool {
    let stash = workshop.partition(disk, "stash").expect("there is a stash");
    Stash::read(&stash).is_ok_and(|stash| stash.is_some())
}

fn stashed(workshop: &Workshop, disk: &Arc<SimDisk>, size: u64) -> bool {
    let stash = workshop.partition(disk, "stash").expect("there is a stash");
    let Ok(Some(stash)) = Stash::read(&stash) else { return false };
    let headers = Headers::from_bytes(stash.headers, size);
    let unlocked = open(&headers);
    let opened = unlocked.ok().and_then(|unlocked| unlocked.unseal("factory reset", stash.sealed).ok());
    opened.is_some_and(|packed| *packed == workshop.kept())
}

fn open(device: &dyn BlockDevice) -> Result<Unlocked, String> {
    let volume = Volume::open(device, &Limits::new(u64::MAX)).map_err(|error| error.to_string())?;
    volume.unlock(DATA_KEY).map_err(|error| error.to_string())
}
