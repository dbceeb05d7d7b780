//! Becoming the live system.

use super::volumes::NEW_ROOT;
use super::{Hardware, Part, below, lock};
use crate::disk::mapper::{self, Verity};
use crate::mount;
use crate::pid1::pstore;
use drydock_config::{SlotClass, WatchdogHandover};
use drydock_engine::Error;
use drydock_engine::context::RunningSet;
use drydock_engine::machine::{Place, Start};
use drydock_format::Image;
use drydock_state::{SetName, SlotName};
#[cfg(feature = "files")]
use std::os::fd::AsRawFd;
use std::path::Path;
use std::{fs, io};
use sys_mount::MountFlags;

/// Where a root and what lies over it are put together.
#[cfg(feature = "files")]
const WHOLE_ROOT: &str = "/run/drydock/root";

impl Start for Hardware<'_> {
    fn map_verity(
        &self,
        mapping: &str,
        class: &SlotClass,
        slot: SlotName,
        image: &Image,
    ) -> Result<(), Error> {
        let node = self.slot_node(class, slot)?;
        let root_hash = image.root_hash.to_string();
        let salt = image.salt.table_form();
        let verity = Verity { device: &node, size: image.size, root_hash: &root_hash, salt: &salt };
        let mapped = mapper::map_verity(mapping, &verity)?;
        lock(&self.mapped).insert(mapping.into(), mapped);
        Ok(())
    }

    fn mount_root(&self, mapping: &str, _set: SetName) -> Result<(), Error> {
        let filesystem = &self.config.boot.root_filesystem;
        mount::mount(&self.mapping_node(mapping)?, Path::new(NEW_ROOT), filesystem, MountFlags::RDONLY, "")
    }

    fn unmount_root(&self) {
        // A layer may lie over it.
        while mount::unmount(Path::new(NEW_ROOT)).is_ok() {}
    }

    fn mount_temporary(&self) -> Result<(), Error> {
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount::mount(Path::new("tmpfs"), &self.target(Place::InNewRoot), "tmpfs", flags, "mode=755")
    }

    #[cfg(feature = "files")]
    fn show(&self, place: Place, folder: &Path, at: &str) -> Result<(), Error> {
        let (source, target) = (self.target(place).join(folder), below(NEW_ROOT, at));
        mount::mount(&source, &target, "", MountFlags::BIND, "")?;
        let read_only = MountFlags::REMOUNT | MountFlags::BIND | MountFlags::RDONLY;
        let flags = read_only | MountFlags::NOSUID | MountFlags::NODEV;
        mount::mount(&source, &target, "", flags, "")
    }

    #[cfg(feature = "files")]
    fn lay_over(&self, folder: &Path) -> Result<(), Error> {
        let data = self.target(Place::InNewRoot);
        let opened = crate::tree::Beneath::open(&data).and_then(|trees| trees.folder(folder));
        let layer = opened.map_err(Error::doing("open the folder with what is carried"))?;
        // Nothing of what is carried leads an overlay elsewhere; that nothing could is said all the same.
        let options = format!(
            "lowerdir=/proc/self/fd/{}:{NEW_ROOT},redirect_dir=nofollow,metacopy=off",
            layer.as_raw_fd()
        );
        let (root, whole) = (Path::new(NEW_ROOT), Path::new(WHOLE_ROOT));
        mount::mount(Path::new("overlay"), whole, "overlay", MountFlags::RDONLY, &options)?;
        let mount_point = data.strip_prefix(root).unwrap_or(Path::new(""));
        let moved = mount::shift(&data, &whole.join(mount_point)).and_then(|()| mount::shift(whole, root));
        if moved.is_err() {
            // `data` is mounted where everybody expects it, come what may.
            let _ = mount::shift(&whole.join(mount_point), &data);
            let _ = mount::unmount(whole);
        }
        moved
    }

    fn takes_machine_id(&self) -> bool {
        below(NEW_ROOT, "etc/machine-id").exists()
    }

    fn give_machine_id(&self, id: &[u8]) -> Result<(), Error> {
        let for_this_boot = Path::new("/run/machine-id");
        let failed =
            Error::system("writing", for_this_boot.display(), "systemd makes up an id for this boot");
        fs::write(for_this_boot, id).map_err(failed)?;
        mount::mount(for_this_boot, &below(NEW_ROOT, "etc/machine-id"), "", MountFlags::BIND, "")
    }

    fn leave_word(&self, running: &RunningSet) -> Result<(), Error> {
        let folder = Path::new("/run/drydock");
        let write = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            fs::write(folder.join("config.json"), &self.config.json)?;
            fs::write(folder.join("boot.json"), serde_json::to_vec(running)?)
        };
        write().map_err(Error::system(
            "writing to",
            folder.display(),
            "the live system can't mark itself good without it",
        ))
    }

    fn enter(&self, _set: SetName) -> Result<(), Error> {
        // The next system's network begins from nothing.
        #[cfg(all(feature = "network", feature = "service"))]
        self.take_network_down();
        #[cfg(feature = "lan")]
        drop(lock(&self.page).take());
        #[cfg(feature = "service")]
        drop(lock(&self.listener).take());
        if let Part::ProcessOne(sink) = self.part {
            if self.config.watchdog.handover == WatchdogHandover::Disarm {
                sink.disarm();
            }
            sink.drain();
        }
        match mount::switch_root(Path::new(NEW_ROOT), Path::new(&self.config.boot.init))? {}
    }

    fn take_panics(&self) -> Vec<String> {
        pstore::take_panics()
    }

    fn peak_memory(&self) -> Option<String> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(peak.trim().to_owned())
    }
}
