//! The room that a hook runs in: its root, and what little is in it.

use super::order::{BARE_PROGRAM, Entry, ROOT, Root};
use nix::mount::MsFlags;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The devices that a hook has, and their numbers.
const DEVICES: [(&str, u64); 3] = [("null", 3), ("zero", 5), ("urandom", 9)];

/// From now on what is mounted here is seen nowhere else.
pub(super) fn make_private() -> io::Result<()> {
    mount("none".as_ref(), "/".as_ref(), "", MsFlags::MS_REC | MsFlags::MS_PRIVATE, "")
}

/// Puts the hook's root together, at [`ROOT`].
pub(super) fn furnish(entry: &Entry) -> io::Result<()> {
    let (root, none) = (Path::new(ROOT), Path::new("none"));
    let sealed = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    fs::create_dir_all(root)?;
    match &entry.order.root {
        Root::Device { node, filesystem } => mount(node.as_ref(), root, filesystem, sealed, "")?,
        Root::Live { with } => {
            bind("/".as_ref(), root)?;
            for folder in with {
                let folder = Path::new(folder);
                let Ok(inside) = folder.strip_prefix("/") else { continue };
                if folder.is_dir() {
                    bind(folder, &root.join(inside))?;
                }
            }
        }
        Root::Bare { program } => {
            mount(none, root, "tmpfs", MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "mode=755")?;
            for folder in ["dev", "proc", "tmp"] {
                fs::create_dir(root.join(folder))?;
            }
            let copy = root.join(BARE_PROGRAM.trim_start_matches('/'));
            fs::write(&copy, fs::read(program)?)?;
            fs::set_permissions(copy, Permissions::from_mode(0o555))?;
            mount(none, root, "", MsFlags::MS_REMOUNT | sealed, "")?;
        }
    }
    let has = |folder: &str| root.join(folder).is_dir();
    if has("dev") {
        devices(&root.join("dev"))?;
    }
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    if has("tmp") {
        let size = format!("mode=1777,size={}m", (entry.order.memory_mib / 2).max(1));
        mount(none, &root.join("tmp"), "tmpfs", safe, &size)?;
    }
    if has("proc") && entry.alone {
        // What can be written there reaches the whole system.
        let flags = safe | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
        mount("proc".as_ref(), &root.join("proc"), "proc", flags, "")?;
    }
    Ok(())
}

fn devices(folder: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount("none".as_ref(), folder, "tmpfs", flags, "mode=755,size=64k")?;
    for (name, minor) in DEVICES {
        let path = folder.join(name);
        let everybody = Mode::from_bits_truncate(0o666);
        mknod(&path, SFlag::S_IFCHR, everybody, makedev(1, minor))?;
        fs::set_permissions(&path, Permissions::from_mode(0o666))?;
    }
    mount("none".as_ref(), folder, "", MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | flags, "")
}

/// Shows a folder at another place, where it can't be written to.
fn bind(folder: &Path, target: &Path) -> io::Result<()> {
    mount(folder, target, "", MsFlags::MS_BIND, "")?;
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount("none".as_ref(), target, "", flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV, "")
}

fn mount(source: &Path, target: &Path, filesystem: &str, flags: MsFlags, data: &str) -> io::Result<()> {
    nix::mount::mount(Some(source), target, Some(filesystem), flags, Some(data)).map_err(|errno| {
        let error = io::Error::from(errno);
        io::Error::other(format!("mounting {} at {}: {error}", source.display(), target.display()))
    })
}
