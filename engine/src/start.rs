//! Starting a set: from its trailer to the root that its init is started in.

use crate::context::RunningSet;
use crate::error::Error;
use crate::event::Step;
use crate::limits::ENTROPY;
use crate::machine::{Machine, Mode, Place, Random};
use crate::machine_id;
use crate::release::{Release, trusted_release};
use crate::volume::data::{self, IfBlank};
use drydock_config::{Data, DataFailure, ROOT_MAPPING, Role, SlotClass};
use drydock_state::{Floors, SetName};

/// Assembles the set's root and leaves word for the live system; what is left is to enter it.
pub fn assemble_root(machine: &impl Machine, set: SetName, floors: &Floors) -> Result<(), Error> {
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
    machine.map_verity(ROOT_MAPPING, root_class, set.into(), &release.image)?;
    machine.mount_root(ROOT_MAPPING, set)?;
    for class in config.set_classes().filter(|class| class.role == Role::Other) {
        let release = trusted_release(machine, class, set)?;
        machine.map_verity(&class.class, class, set.into(), &release.image)?;
    }
    events.finished(
        Step::Verify,
        format_args!("version {}, root hash {}", release.info.version, release.image.root_hash),
    );
    let degraded = match &config.data {
        Some(data) => {
            mount_data(machine, data, &|| lay_over(machine, root_class, set, &release))? == Health::Degraded
        }
        None => false,
    };
    prepare_trees(machine, set)?;
    machine.leave_word(&RunningSet {
        set,
        root_hash: release.image.root_hash.into(),
        version: release.info.version,
        degraded,
    })
}

/// Sees to the trees of files that belong to the set, and shows them in the new root.
#[cfg(feature = "files")]
fn prepare_trees(machine: &impl Machine, set: SetName) -> Result<(), Error> {
    crate::tree::settle(machine, Place::InNewRoot, set)?;
    crate::tree::show(machine, set)
}

#[cfg(not(feature = "files"))]
fn prepare_trees(machine: &impl Machine, _set: SetName) -> Result<(), Error> {
    match machine.config().class_with_role(Role::Files) {
        Some(_) => Err(Error::Unusable(drydock_config::WITHOUT_FILES.into())),
        None => Ok(()),
    }
}

/// Lays what is carried for the set over its root. Returns whether it could be done.
#[cfg(feature = "files")]
fn lay_over(machine: &impl Machine, class: &SlotClass, set: SetName, release: &Release) -> bool {
    let laid = crate::tree::lay_over(machine, class, set, &release.image);
    machine.release_bases();
    if let Err(error) = &laid {
        machine.events().warning(format_args!("set {set} has nothing of what it should carry: {error}"));
        machine.events().warning("this boot is DEGRADED");
    }
    laid.is_ok()
}

#[cfg(not(feature = "files"))]
fn lay_over(_: &impl Machine, _: &SlotClass, _: SetName, _: &Release) -> bool {
    true
}

/// Undoes what [`assemble_root`] had done before it failed, as far as there is anything to undo.
pub fn take_apart(machine: &impl Machine) {
    machine.unmount_root();
    let others = machine.config().set_classes().filter(|class| class.role == Role::Other);
    for name in others.map(|class| class.class.as_str()).chain([ROOT_MAPPING]) {
        let _ = machine.unmap(name);
    }
}

/// A kernel that is not the release's own is the bootloader's business; here it is only worth a warning.
fn warn_of_mixed_releases(machine: &impl Machine, set: SetName, root: &Release) {
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

/// How well a set is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Whole,
    /// `data` can only be read, or a temporary volume takes its place, or what should be carried is not.
    Degraded,
}

/// Mounts `data` in the new root, and then lays over that what is carried on it.
fn mount_data(machine: &impl Machine, config: &Data, lay_over: &dyn Fn() -> bool) -> Result<Health, Error> {
    let events = machine.events();
    events.started(Step::Unlock, format_args!("`{}`", config.label));
    data::release(machine)?;
    let opened = data::open(machine, config, IfBlank::Provision).and_then(|volume| {
        match data::mount(machine, &volume.home, Place::InNewRoot) {
            Ok(mode) => Ok((volume, mode)),
            Err(error) => {
                let _ = data::close(machine, &volume.home);
                Err(error)
            }
        }
    });
    match opened {
        Ok((volume, mode)) => {
            let what = if volume.is_new { "was blank and is new now" } else { "is open" };
            events.finished(Step::Unlock, format_args!("`{}` {what}", config.label));
            let is_carried = lay_over();
            keep_machine_id(machine);
            Ok(if mode == Mode::Writable && is_carried { Health::Whole } else { Health::Degraded })
        }
        Err(error) if config.on_failure == DataFailure::Temporary => {
            events.warning(format_args!("`{}` can't be opened: {error}", config.label));
            events.warning("this boot is DEGRADED: what it writes is lost at the next one");
            machine.mount_temporary()?;
            Ok(Health::Degraded)
        }
        Err(error) => Err(Error::NoData { label: config.label.clone(), why: error.into() }),
    }
}

/// Gives systemd the machine id that is kept on `data`, and makes one at the first boot. A device without a
/// stable id still boots, so a failure is only a warning.
fn keep_machine_id(machine: &impl Machine) {
    if !machine.config().boot.machine_id || !machine.takes_machine_id() {
        return;
    }
    let give = || -> Result<(), Error> {
        let warn = &mut |text: String| machine.events().warning(text);
        let random = &mut |buffer: &mut [u8]| {
            machine.events().allow(ENTROPY);
            machine.random(Random::Names, buffer)
        };
        let id = machine_id::keep(&*machine.files(Place::InNewRoot), random, warn)?;
        machine.give_machine_id(&id)
    };
    if let Err(error) = give() {
        machine.events().warning(error);
    }
}
