//! Volumes and the filesystems on them: opened, made so that a cut of power at any moment loses nothing, and mended where
//! one has torn something.

pub mod data;
pub mod ext4;
pub mod luks;
pub mod provision;
pub mod torn;

use crate::error::Error;
use crate::machine::{Home, Machine, Place};
use crate::reset::unpack::unpack;
use drydock_config::VOLUME_MAPPING;
use drydock_luks::Unlocked;
use zeroize::Zeroizing;

/// Packs files and folders of the filesystem in the volume on partition `label`, `limit` bytes at most. The volume is
/// closed again on return.
pub fn pack(
    machine: &impl Machine,
    label: &str,
    volume: &Unlocked,
    paths: &[String],
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let home = home_of(machine, label, Some(volume))?;
    closing(machine, &home, || mounted(machine, &home, || machine.pack(Place::Volume, paths, limit)))
}

/// Makes an empty filesystem on the partition `label`, inside of its volume where there is one, as large as it can be, and
/// unpacks what [`pack`] has returned. On return all of it is on stable storage, and the volume closed.
pub fn make_filesystem(
    machine: &impl Machine,
    label: &str,
    volume: Option<&Unlocked>,
    packed: Option<&[u8]>,
) -> Result<(), Error> {
    let home = home_of(machine, label, volume)?;
    closing(machine, &home, || {
        machine.alone(&home).and_then(|device| machine.make_filesystem(&device))?;
        // Mounting it grows it, too.
        mounted(machine, &home, || {
            packed.map_or(Ok(()), |packed| unpack(&*machine.files(Place::Volume), packed))
        })
    })
}

fn home_of(machine: &impl Machine, label: &str, volume: Option<&Unlocked>) -> Result<Home, Error> {
    let Some(unlocked) = volume else { return Ok(Home::Partition(label.into())) };
    luks::map(machine, label, VOLUME_MAPPING, unlocked)?;
    Ok(Home::Mapping(VOLUME_MAPPING.into()))
}

/// Does something with a mounted filesystem, and unmounts it whatever comes of that.
fn mounted<T>(
    machine: &impl Machine,
    home: &Home,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    data::mount(machine, home, Place::Volume)?;
    let done = work();
    let unmounted = machine.unmount(Place::Volume);
    done.and_then(|value| unmounted.map(|()| value))
}

/// Does something with an open volume, and closes it whatever comes of that.
fn closing<T>(
    machine: &impl Machine,
    home: &Home,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let done = work();
    let closed = data::close(machine, home);
    done.and_then(|value| closed.map(|()| value))
}
