//! Starting a set: from its trailer to its init.

use crate::device::files::Mounted;
use crate::device::{mapper, mounts, random};
use crate::hardware::{Hardware, MOUNT_TIME};
use drydock_config::{Config, Data, DataFailure, ROOT_MAPPING, Role, SlotClass};
use drydock_engine::Error;
use drydock_engine::event::Step;
use drydock_engine::live::RunningSet;
use drydock_engine::machine::Machine;
use drydock_engine::machine_id;
use drydock_engine::release::{Release, trusted_release};
use drydock_state::{Floors, SetName};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use sys_mount::MountFlags;

/// Where the new root is put together.
const NEW_ROOT: &str = "/sysroot";

/// Puts the set's root together and leaves word for the live system. Gives the path of the new root; what is
/// left is `switch_root`.
pub fn prepare_root(machine: &Hardware<'_>, set: SetName, floors: &Floors) -> Result<PathBuf, Error> {
    let (config, events) = (machine.config(), machine.events());
    events.started(Step::Verify, format_args!("set {set}"));
    let root_class = config.class_with_role(Role::Root).ok_or_else(|| Error::Missing {
        what: "a slot class with the role `root` in the configuration".into(),
        advice: "without one drydock can't start a system; correct the configuration".into(),
    })?;
    let release = trusted_release(machine, root_class, set)?;
    if release.info.security_version < floors.boot {
        return Err(Error::Refused(format!(
            "set {set} has security version {}, this device boots nothing below {}; install a newer release",
            release.info.security_version, floors.boot
        )));
    }
    warn_of_mixed_releases(machine, set, &release);
    let root = PathBuf::from(NEW_ROOT);
    let mapped = machine.map_verity(ROOT_MAPPING, root_class, set.into(), &release.image)?;
    mounts::mount(&mapped.node, &root, &config.boot.root_filesystem, MountFlags::RDONLY, "")?;
    for class in config.set_classes().filter(|class| class.role == Role::Other) {
        let release = trusted_release(machine, class, set)?;
        machine.map_verity(&class.class, class, set.into(), &release.image)?;
    }
    events.finished(
        Step::Verify,
        format_args!("version {}, root hash {}", release.info.version, release.image.root_hash),
    );
    let degraded = match &config.data {
        Some(data) => mount_data(machine, data, &root)?,
        None => false,
    };
    leave_word(config, set, &release, degraded)?;
    Ok(root)
}

/// Undoes what [`prepare_root`] had done before it failed, as far as there is anything to undo.
pub fn take_apart(machine: &Hardware<'_>) {
    let _ = mounts::unmount(Path::new(NEW_ROOT));
    let others = machine.config().set_classes().filter(|class| class.role == Role::Other);
    for name in others.map(|class| class.class.as_str()).chain([ROOT_MAPPING]) {
        let _ = mapper::unmap(name);
    }
}

/// A kernel that is not the release's own is the bootloader's business; here it is only worth a warning.
fn warn_of_mixed_releases(machine: &Hardware<'_>, set: SetName, root: &Release) {
    let boot = machine.config().class_with_role(Role::Boot);
    let other = |class: &SlotClass| match trusted_release(machine, class, set) {
        Ok(release) if release.info == root.info => None,
        Ok(release) => Some(format!("is of version {}", release.info.version)),
        Err(error) => Some(format!("has no whole trailer ({error})")),
    };
    if let Some(why) = boot.and_then(other) {
        machine.events().warning(format_args!("the boot slot of set {set} {why}"));
    }
}

/// Mounts `data` in the new root. Says whether it can only be read, or a temporary volume had to take its place.
fn mount_data(machine: &Hardware<'_>, config: &Data, root: &Path) -> Result<bool, Error> {
    let events = machine.events();
    let target = root.join(config.mount.trim_start_matches('/'));
    events.started(Step::Unlock, format_args!("`{}`", config.label));
    machine.close_data()?;
    let opened = machine.open_data(config, true).and_then(|volume| {
        events.allow(MOUNT_TIME);
        match volume.mount(&target, &mut |text| events.warning(text)) {
            Ok(writable) => Ok((volume, writable)),
            Err(error) => {
                let _ = volume.close();
                Err(error.into())
            }
        }
    });
    match opened {
        Ok((volume, writable)) => {
            let what = if volume.is_new { "was blank and is new now" } else { "is open" };
            events.finished(Step::Unlock, format_args!("`{}` {what}", config.label));
            keep_machine_id(machine, root, &target);
            Ok(!writable)
        }
        Err(error) if config.on_failure == DataFailure::Temporary => {
            events.warning(format_args!("`{}` can't be opened: {error}", config.label));
            events.warning("this boot is DEGRADED: what it writes is lost at the next one");
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            mounts::mount(Path::new("tmpfs"), &target, "tmpfs", flags, "mode=755")?;
            Ok(true)
        }
        Err(error) => Err(Error::NoData { label: config.label.clone(), why: error.into() }),
    }
}

/// Gives systemd the machine id that is kept on `data`, and makes one at the first boot. A device without a
/// stable id still boots, so a failure is only a warning.
fn keep_machine_id(machine: &Hardware<'_>, root: &Path, data: &Path) {
    let in_root = root.join("etc/machine-id");
    if !machine.config().boot.machine_id || !in_root.exists() {
        return;
    }
    let give = || -> Result<(), Error> {
        let warn = &mut |text: String| machine.events().warning(text);
        let random = &mut |buffer: &mut [u8]| {
            machine.events().allow(random::LIMIT);
            random::for_names(buffer)
        };
        let id = machine_id::keep(&Mounted(data.into()), random, warn)?;
        let for_this_boot = Path::new("/run/machine-id");
        let failed =
            Error::system("writing", for_this_boot.display(), "systemd makes up an id for this boot");
        fs::write(for_this_boot, id).map_err(failed)?;
        Ok(mounts::mount(for_this_boot, &in_root, "", MountFlags::BIND, "")?)
    };
    if let Err(error) = give() {
        machine.events().warning(error);
    }
}

/// Tells the live system what it is, in `/run/drydock`.
fn leave_word(config: &Config, set: SetName, release: &Release, degraded: bool) -> Result<(), Error> {
    let running = RunningSet {
        set,
        root_hash: release.image.root_hash.to_string(),
        version: release.info.version.clone(),
        degraded,
    };
    let folder = Path::new("/run/drydock");
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("config.json"), serde_json::to_vec(config)?)?;
        fs::write(folder.join("boot.json"), serde_json::to_vec(&running)?)
    };
    write().map_err(Error::system(
        "writing to",
        folder.display(),
        "the live system can't mark itself good without it",
    ))
}
