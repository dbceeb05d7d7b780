//! Mounting and unmounting, from the first `/proc` to the last `switch_root`.

pub mod files;
pub mod grow;
pub mod keep;
pub mod mountinfo;
pub mod place;

use crate::answer::{Answer, Result};
use crate::sys;
use drydock_engine::Error;
use mountinfo::MountPoint;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::signal::SigSet;
use nix::sys::stat::Mode;
use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use nix::unistd::{chdir, chroot, dup2_stderr, dup2_stdin, dup2_stdout, execve};
use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use sys_mount::{Mount, MountFlags, UnmountFlags};

/// Filesystems that a removable medium may have. Whatever else is on it is not tried.
pub const MEDIUM_FILESYSTEMS: [&str; 5] = ["vfat", "exfat", "ext4", "iso9660", "squashfs"];

/// Mounts `/proc`, `/sys`, `/dev` and `/run`. What is mounted already stays as it is.
pub fn mount_early() -> Result<()> {
    let safe = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    for (filesystem, target, flags, data) in [
        ("proc", "/proc", safe, ""),
        ("sysfs", "/sys", safe, ""),
        ("devtmpfs", "/dev", MountFlags::NOSUID | MountFlags::NOEXEC, "mode=755"),
        ("tmpfs", "/run", MountFlags::NOSUID | MountFlags::NODEV, "mode=755"),
    ] {
        match mount(Path::new(filesystem), Path::new(target), filesystem, flags, data) {
            Err(error) if error.is(nix::libc::EBUSY) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Mounts `source` at `target`, which is made if it is missing.
pub fn mount(source: &Path, target: &Path, filesystem: &str, flags: MountFlags, data: &str) -> Result<()> {
    // What is mounted has a name that means something to a person; where it is mounted is ours.
    let doing = match filesystem {
        "" => format!("put {} in place of {}", source.display(), target.display()),
        _ => format!("mount {} as {filesystem}", source.display()),
    };
    let _ = fs::create_dir_all(target);
    Mount::builder()
        .fstype(filesystem)
        .flags(flags)
        .data(data)
        .mount(source, target)
        .map_err(Error::doing(doing))?;
    Ok(())
}

/// Options for a medium that is written to. The superblock of an ext4 may ask for a panic where damage is found, and whoever
/// brings a medium has written that.
#[cfg(feature = "service")]
pub fn calm(filesystem: &str) -> &'static str {
    if filesystem == "ext4" { "errors=remount-ro" } else { "" }
}

/// A mounted medium; dropping it unmounts what was mounted for it.
#[derive(Debug)]
pub struct MountedMedium {
    target: PathBuf,
    is_ours: bool,
}

impl MountedMedium {
    /// Mounts a device that somebody plugged in: read-only, without devices, set-user-ID bits or programs,
    /// and only as one of [`MEDIUM_FILESYSTEMS`]. One that is mounted for writing already, as the live system's
    /// automounters do, is read where it is.
    pub fn mount(device: &Path, target: &Path) -> Result<Self> {
        let _ = fs::create_dir_all(target);
        let safe = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        // Whoever has a menu on this console is not told of each filesystem that it is not.
        let flags = safe | MountFlags::SILENT;
        let mut reasons = vec![];
        for filesystem in MEDIUM_FILESYSTEMS {
            // A journal is not replayed on a medium that is only read.
            let data = if filesystem == "ext4" { "noload,errors=continue" } else { "" };
            match mount(device, target, filesystem, flags, data) {
                Ok(()) => return Ok(Self { target: target.into(), is_ours: true }),
                Err(error) if error.is(nix::libc::EBUSY) => {
                    let target = mounted_at(device).ok_or_else(|| {
                        Error::Unusable(format!(
                            "{} is in use, and mounted nowhere that drydock can see; unmount or close it",
                            device.display()
                        ))
                    })?;
                    return Ok(Self { target, is_ours: false });
                }
                Err(error) => reasons.push(error),
            }
        }
        // "Not this filesystem" and "not in this kernel" say nothing; another reason does.
        let dull = [nix::libc::EINVAL, nix::libc::ENODEV];
        let telling = reasons.into_iter().find(|error| !dull.iter().any(|errno| error.is(*errno)));
        Err(telling.unwrap_or_else(|| {
            let known = MEDIUM_FILESYSTEMS.join(", ");
            Error::Unusable(format!("{} holds none of the filesystems {known}", device.display()))
        }))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.target
    }
}

impl Drop for MountedMedium {
    fn drop(&mut self) {
        if self.is_ours && sys_mount::unmount(&self.target, UnmountFlags::empty()).is_err() {
            let _ = sys_mount::unmount(&self.target, UnmountFlags::DETACH);
        }
    }
}

/// Where the whole filesystem of a device is mounted, and nothing over it.
fn mounted_at(device: &Path) -> Option<PathBuf> {
    let device = fs::metadata(device).ok()?.rdev();
    let whole =
        |mount: &MountPoint| mount.device == mountinfo::number(device) && mount.root == Path::new("/");
    let targets = mountinfo::read().ok()?.into_iter().filter(whole).map(|mount| mount.target);
    targets.into_iter().find(|target| fs::metadata(target).is_ok_and(|seen| seen.dev() == device))
}

/// Opens `path` below `root` with every symbolic link, also an absolute one, kept inside of `root`. An error names the path
/// only: the caller knows what `root` is to a person.
pub fn open_inside(root: &Path, path: &Path, flags: OFlag) -> Result<File> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT);
    let open = || {
        let root =
            nix::fcntl::open(root, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        openat2(&root, path, how)
    };
    let opened = open().map_err(std::io::Error::from);
    Ok(opened.map_err(Error::doing(format_args!("open {}", path.display())))?.into())
}

/// Moves what is mounted at `from`, with all that is mounted in it, to `to`.
pub fn shift(from: &Path, to: &Path) -> Result<()> {
    let moved = Mount::builder().fstype("").flags(MountFlags::MOVE).mount(from, to);
    moved.map(drop).map_err(Error::doing(format_args!("move {} to {}", from.display(), to.display())))
}

/// Unmounts a filesystem, for good once this returns.
pub fn unmount(target: &Path) -> Result<()> {
    sys_mount::unmount(target, UnmountFlags::empty())
        .map_err(Error::doing(format_args!("unmount {}", target.display())))
}

/// Unmounts everything that is backed by a device, last mounted first. What is in use is made read-only as
/// far as possible; nothing here fails, because a reset follows.
pub fn unmount_all() {
    let mounts = mountinfo::read().unwrap_or_default();
    for target in
        mounts.into_iter().rev().filter(|mount| mount.source.starts_with('/')).map(|mount| mount.target)
    {
        if sys_mount::unmount(&target, UnmountFlags::empty()).is_err() {
            let flags = MountFlags::REMOUNT | MountFlags::RDONLY;
            let _ = Mount::builder().fstype("").flags(flags).mount("none", &target);
        }
    }
}

/// Makes `root` the root of everything, frees the initramfs' memory and becomes `init`. Returns only with an
/// error, and if that is because there is no such program, then with nothing changed.
///
/// `/dev`, `/proc`, `/sys` and `/run` move along. The new program gets an environment with nothing but `TERM`,
/// `/dev/console` as its standard streams, no blocked signals, and no descriptor of ours.
pub fn switch_root(root: &Path, init: &Path) -> Result<Infallible> {
    check_program(root, init)?;
    let old = fs::symlink_metadata("/").map_err(Error::doing("look at /"))?.dev();
    for folder in ["dev", "proc", "sys", "run"] {
        shift(&Path::new("/").join(folder), &root.join(folder))?;
    }
    chdir(root).map_err(|errno| Error::doing(format_args!("enter {}", root.display()))(errno.into()))?;
    if is_memory_filesystem(Path::new("/")) {
        remove_tree(Path::new("/"), old);
    }
    shift(Path::new("."), Path::new("/"))?;
    chroot(".").and_then(|()| chdir("/")).map_err(|errno| Error::doing("change the root")(errno.into()))?;
    attach_console();
    // Signals that are held back, and SIGPIPE, which Rust ignores, would stay so in the new program.
    let held = SigSet::thread_get_mask();
    let _ = SigSet::empty().thread_set_mask();
    sys::reset_sigpipe();
    let error = exec(init);
    let _ = held.and_then(|held| held.thread_set_mask());
    Err(Error::doing(format_args!("start {}", init.display()))(error))
}

/// `std::process::Command` would do, but brings 30 KB of code along for its other uses.
fn exec(program: &Path) -> std::io::Error {
    let term = std::env::var_os("TERM").unwrap_or_else(|| "linux".into());
    let path = CString::new(program.as_os_str().as_bytes());
    match (path, CString::new([b"TERM=", term.as_bytes()].concat())) {
        (Ok(path), Ok(term)) => match execve(&path, &[&path], &[&term]) {
            Ok(never) => match never {},
            Err(errno) => errno.into(),
        },
        _ => std::io::ErrorKind::InvalidInput.into(),
    }
}

fn check_program(root: &Path, init: &Path) -> Result<()> {
    let failed = |error| Error::Unusable(format!("{error}, in the new root"));
    let file = open_inside(root, init.strip_prefix("/").unwrap_or(init), OFlag::O_PATH).map_err(failed)?;
    let metadata = file.metadata().map_err(Error::doing(format_args!("look at {}", init.display())))?;
    if metadata.is_file() && metadata.mode() & 0o111 != 0 {
        return Ok(());
    }
    Err(Error::Unusable(format!("{} in the new root is not a program", init.display())))
}

/// The standard streams of the next program. Without a console it goes without.
fn attach_console() {
    if let Ok(console) = File::options().read(true).write(true).open("/dev/console") {
        let _ = dup2_stdin(&console);
        let _ = dup2_stdout(&console);
        let _ = dup2_stderr(&console);
    }
}

fn is_memory_filesystem(path: &Path) -> bool {
    const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);
    statfs(path).is_ok_and(|info| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&info.filesystem_type()))
}

/// Removes what is below `folder` on filesystem `device`, and nothing on any other.
fn remove_tree(folder: &Path, device: u64) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.dev() != device {
            continue;
        }
        if metadata.is_dir() {
            remove_tree(&path, device);
            let _ = fs::remove_dir(&path);
        } else {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_up_inside_of_the_new_root() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sbin")).unwrap();
        let init = Path::new("/sbin/init");
        assert!(check_program(root.path(), init).is_err());
        // An absolute link of the new root, to something that exists only outside of it.
        std::os::unix::fs::symlink("/bin/sh", root.path().join("sbin/init")).unwrap();
        assert!(check_program(root.path(), init).is_err());
        fs::create_dir_all(root.path().join("bin")).unwrap();
        fs::write(root.path().join("bin/sh"), "").unwrap();
        assert!(check_program(root.path(), init).unwrap_err().to_string().contains("not a program"));
        fs::set_permissions(root.path().join("bin/sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        check_program(root.path(), init).unwrap();
    }

    #[test]
    fn only_the_given_filesystem_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        fs::write(folder.path().join("a/b/c"), "").unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("a/link")).unwrap();
        let device = fs::metadata(folder.path()).unwrap().dev();
        remove_tree(folder.path(), device + 1);
        assert!(folder.path().join("a/b/c").exists());
        remove_tree(folder.path(), device);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
