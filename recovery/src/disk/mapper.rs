//! Device-mapper: dm-verity and dm-crypt targets, without udev.

use crate::answer::{Answer, Result};
use crate::sys::LogonKey;
use devicemapper::errors::Error as CoreError;
use devicemapper::{DM, DevId, DmError, DmFlags, DmName, DmOptions, DmUuid};
use drydock_engine::Error;
use drydock_luks::Unlocked;
use nix::sys::stat::{major, minor};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An image behind a dm-verity hash tree on the same device: version 1, SHA-256, blocks of 4096 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Verity<'a> {
    /// The device with image and tree.
    pub device: &'a Path,
    /// The image's size in bytes, a multiple of 4096. The tree follows it without a superblock.
    pub size: u64,
    /// The root hash, 64 hex digits.
    pub root_hash: &'a str,
    /// The salt in hex digits, or `-` for none.
    pub salt: &'a str,
}

/// A device that was mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The name that it was given; no node carries it.
    pub name: String,
    /// Its node, `/dev/dm-N`.
    pub node: PathBuf,
}

/// Maps an image read-only. That this succeeds proves nothing: only reading does, block by block. A block that
/// does not match the tree, and a tree that does not match the root hash, fail with `EIO`.
pub fn map_verity(name: &str, verity: &Verity<'_>) -> Result<Mapped> {
    let device = number(verity.device)?;
    let blocks = verity.size / 4096;
    let parameters = format!(
        "1 {device} {device} 4096 4096 {blocks} {blocks} sha256 {} {}",
        verity.root_hash, verity.salt
    );
    let uuid = format!("CRYPT-VERITY-{}-{name}", verity.root_hash.get(..32).unwrap_or_default());
    map(name, &uuid, (verity.size, "verity", parameters), DmFlags::DM_READONLY)
}

/// Maps an unlocked LUKS volume on `device`. Its key goes to the kernel through the keyring, so that it is in no
/// table; the kernel has its own copy when this returns, and the keyring has none.
pub fn map_crypt(name: &str, device: &Path, uuid: &str, volume: &Unlocked) -> Result<Mapped> {
    let description = format!("drydock:{uuid}");
    let failed =
        |source| Error::Luks { doing: format!("map the LUKS volume on {}", device.display()), source };
    let table = volume.table(&number(device)?, &description).map_err(failed)?;
    let _key = match volume.keyring_key() {
        // It has it already.
        Some(_) => None,
        None => {
            let key = LogonKey::add(&description, volume.volume_key().map_err(failed)?);
            Some(key.map_err(Error::doing("give the kernel the key of a volume"))?)
        }
    };
    // The form that cryptsetup gives, so that its tools in the live system know the device.
    let dm_uuid = format!("CRYPT-LUKS2-{}-{name}", uuid.replace('-', ""));
    let map = |flags| {
        let table = (table.size.bytes(), "crypt", table.parameters.clone());
        map(name, &dm_uuid, table, DmFlags::DM_SECURE_DATA | flags)
    };
    match map(DmFlags::empty()) {
        Err(error) if error.refuses_writes() => map(DmFlags::DM_READONLY),
        mapped => mapped,
    }
}

/// Removes a mapping that nothing uses. One that is still in use for a moment is tried again for a second.
pub fn unmap(name: &str) -> Result<()> {
    let doing = format!("remove the mapping {name}");
    let remove = || open()?.device_remove(&DevId::Name(DmName::new(name)?), DmOptions::default());
    remove().map_err(|error| dm_error(doing, &error))?;
    Ok(())
}

/// Returns whether a verity mapping has seen a block that does not match.
pub fn is_corrupted(name: &str) -> Result<bool> {
    let status = || open()?.table_status(&DevId::Name(DmName::new(name)?), DmOptions::default());
    let (_, targets) = status().map_err(|error| dm_error(format!("ask for the state of {name}"), &error))?;
    Ok(targets.iter().any(|(_, _, _, status)| status.starts_with('C')))
}

fn map(
    name: &str,
    uuid: &str,
    (size, kind, parameters): (u64, &str, String),
    flags: DmFlags,
) -> Result<Mapped> {
    let doing = format!("map {name} ({kind})");
    let create = || {
        let dm = open()?;
        let (name, options) = (DmName::new(name)?, DmOptions::default().set_flags(flags));
        let device = dm.device_create(name, Some(DmUuid::new(uuid)?), options)?.device();
        let id = DevId::Name(name);
        let loaded = dm
            .table_load(&id, &[(0, size / 512, kind.to_owned(), parameters)], options)
            .and_then(|_| dm.device_suspend(&id, DmOptions::default()));
        if let Err(error) = loaded {
            let _ = dm.device_remove(&id, DmOptions::default());
            return Err(error);
        }
        Ok(device)
    };
    let device = create().map_err(|error| dm_error(doing, &error))?;
    tell_udev(device.major, device.minor)?;
    Ok(Mapped { name: name.into(), node: format!("/dev/dm-{}", device.minor).into() })
}

/// Leaves a note for the udev of the live system. Without it, its rules take a device-mapper device that was
/// there before udev for one that is being set up, and systemd never calls it ready.
fn tell_udev(major: u32, minor: u32) -> Result<()> {
    let file = format!("/run/udev/data/b{major}:{minor}");
    fs::create_dir_all("/run/udev/data")
        .and_then(|()| fs::write(&file, "E:DM_UDEV_PRIMARY_SOURCE_FLAG=1\n"))
        .map_err(Error::doing(format_args!("write {file}")))
}

fn open() -> std::result::Result<DM, DmError> {
    DM::new()
}

/// `MAJOR:MINOR` of a device node, which means the same whatever is mounted on `/dev`.
fn number(node: &Path) -> Result<String> {
    let metadata = fs::metadata(node).map_err(Error::doing(format_args!("look at {}", node.display())))?;
    Ok(format!("{}:{}", major(metadata.rdev()), minor(metadata.rdev())))
}

fn dm_error(doing: String, error: &DmError) -> Error {
    match error {
        DmError::Core(CoreError::Ioctl(_, _, _, errno)) => {
            Error::System { doing, source: io::Error::from(**errno), advice: "" }
        }
        other => Error::Unusable(format!("{doing}: {other}; the kernel may lack device-mapper")),
    }
}
