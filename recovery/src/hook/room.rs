//! The room that a hook runs in: its root, and what little is in it.

use super::order::{BARE_PROGRAM, Entry, ROOT, Root};
use nix::mount::MsFlags;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use sys_mount::{Mount, MountFlags};

/// The devices that a hook has, and their numbers.
const DEVICES: [(&str, u64); 3] = [("null", 3), ("zero", 5), ("urandom", 9)];

/// From now on what is mounted here is seen nowhere else.
pub(super) fn make_private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(nix::mount::mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?)
}

/// Puts the hook's root together, at [`ROOT`].
pub(super) fn furnish(entry: &Entry) -> io::Result<()> {
    let root = Path::new(ROOT);
    let sealed = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    fs::create_dir_all(root)?;
    match &entry.order.root {
        Root::Device { node, filesystem } => mount(node, ROOT, filesystem, sealed, "")?,
        Root::Live { with } => {
            bind("/".as_ref(), root)?;
            for folder in with {
                let Ok(inside) = folder.strip_prefix("/") else { continue };
                if folder.is_dir() {
                    bind(folder, &root.join(inside))?;
                }
            }
        }
        Root::Bare { program } => {
            mount("none", ROOT, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, "mode=755")?;
            for folder in ["dev", "proc", "tmp"] {
                fs::create_dir(root.join(folder))?;
            }
            let copy = root.join(BARE_PROGRAM.trim_start_matches('/'));
            fs::copy(program, &copy)?;
            fs::set_permissions(copy, Permissions::from_mode(0o555))?;
            mount("none", ROOT, "", MountFlags::REMOUNT | sealed, "")?;
        }
    }
    let has = |folder: &str| root.join(folder).is_dir();
    if has("dev") {
        devices(&root.join("dev"))?;
    }
    let safe = MountFlags::NOSUID | MountFlags::NODEV;
    if has("tmp") {
        let size = format!("mode=1777,size={}m", (entry.order.memory_mib / 2).max(1));
        mount("none", root.join("tmp"), "tmpfs", safe, &size)?;
    }
    if has("proc") && entry.alone {
        // What can be written there reaches the whole system.
        let flags = safe | MountFlags::NOEXEC | MountFlags::RDONLY;
        mount("proc", root.join("proc"), "proc", flags, "")?;
    }
    Ok(())
}

fn devices(folder: &Path) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("none", folder, "tmpfs", flags, "mode=755,size=64k")?;
    for (name, minor) in DEVICES {
        let path = folder.join(name);
        let everybody = Mode::from_bits_truncate(0o666);
        mknod(&path, SFlag::S_IFCHR, everybody, makedev(1, minor))?;
        fs::set_permissions(&path, Permissions::from_mode(0o666))?;
    }
    mount("none", folder, "", MountFlags::REMOUNT | MountFlags::RDONLY | flags, "")
}

/// Shows a folder at another place, where it can't be written to.
fn bind(folder: &Path, target: &Path) -> io::Result<()> {
    mount(folder, target, "", MountFlags::BIND, "")?;
    let flags = MountFlags::REMOUNT | MountFlags::BIND | MountFlags::RDONLY;
    mount("none", target, "", flags | MountFlags::NOSUID | MountFlags::NODEV, "")
}

fn mount(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    filesystem: &str,
    flags: MountFlags,
    data: &str,
) -> io::Result<()> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let mounted = Mount::builder().fstype(filesystem).flags(flags).data(data).mount(source, target);
    mounted.map(drop).map_err(|error| {
        io::Error::other(format!("mounting {} at {}: {error}", source.display(), target.display()))
    })
}
