//! A device that runs a release in set b and gets another one into set a, by a delta from the one to the other where its bundle
//! has one.

use super::{SLOT, equip, install, machine};
use crate::native::machine::Zeros;
use drydock_engine::Error;
use drydock_engine::context::RunningSet;
use drydock_engine::fetch::{self, Fetched, Keep, Session};
use drydock_engine::live;
use drydock_files::FileBytes;
use drydock_format::{Bundle, slot};
use drydock_state::{MaybeDigest, SetName};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// The slot of set a: its name in the folder.
pub const SET_A: &str = "root-a";
/// What every slot has beyond what the old release and its signatures take, in bytes: a new release is mostly larger.
const ROOM: u64 = 64 << 20;

/// Makes a device in a folder that runs the release of a bundle, which is in the folder and has one image, of the class `root`:
/// set b is good, set a is empty.
pub fn settle_in(folder: &Path, bundle: &str, threads: usize) -> Result<(), Box<dyn std::error::Error>> {
    let open = Bundle::open_unverified(FileBytes(File::open(folder.join(bundle))?))?;
    let image = open.manifest().images.first().ok_or("the bundle has no image")?;
    let size = slot::min_size(image, open.manifest_bytes().len() as u64) + ROOM;
    equip(folder, &[(SET_A, size), (SLOT, size)])?;
    install(folder, bundle, threads, Zeros::Written)?;
    let version = open.manifest().version.clone();
    let running = RunningSet { set: SetName::B, root_hash: MaybeDigest::None, version, degraded: false };
    live::mark_good(&machine(folder, threads, Zeros::Written)?, &running)?;
    Ok(())
}

/// What a twin of a device has in its set b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The very slot of the other one.
    Kept,
    /// Nothing that a delta could begin with.
    Lost,
}

/// Makes the same device once more, in another folder. Both have the very same slot of set a.
pub fn twin(folder: &Path, other: &Path, base: Base) -> std::io::Result<()> {
    fs::create_dir_all(other)?;
    for name in [super::CONFIG, "state", "bootenv"] {
        fs::copy(folder.join(name), other.join(name))?;
    }
    let link = |name: &str| fs::hard_link(folder.join(name), other.join(name));
    match base {
        Base::Kept => link(SLOT)?,
        Base::Lost => File::create(other.join(SLOT))?.set_len(fs::metadata(folder.join(SLOT))?.len())?,
    }
    link(SET_A)
}

/// Fetches what the device in the folder lacks of a bundle.
pub fn fetch(
    folder: &Path,
    threads: usize,
    session: Session,
    keep: &Arc<dyn Keep>,
    from: &str,
) -> Result<Fetched, Error> {
    fetch::fetch(&machine(folder, threads, Zeros::Written)?, session, keep, from)
}
