//! A control group for a hook, where the kernel has the second version of them with a limit for memory.
//!
//! Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.

use crate::mount;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use sys_mount::MountFlags;

/// Where systems have them.
const USUAL: &str = "/sys/fs/cgroup";
/// Where they are mounted if nobody has done so, in a namespace that nobody else sees.
const OURS: &str = "/run/drydock-hook-control";
/// So many processes are enough for anybody's hook.
const PROCESSES: &str = "256";

/// Makes a group with these limits. `None` where the kernel can't hold a group to a limit of memory: then each process has
/// one of its own.
pub(super) fn make(memory_mib: u64) -> Option<String> {
    let top = find()?;
    for controller in ["+memory", "+pids"] {
        // They may be handed down already.
        let _ = fs::write(top.join("cgroup.subtree_control"), controller);
    }
    let group = top.join(format!("drydock-hook-{}", std::process::id()));
    fs::create_dir(&group).ok()?;
    let limits = [("memory.max", format!("{memory_mib}M")), ("pids.max", PROCESSES.into())];
    let limited = limits.iter().try_for_each(|(file, limit)| fs::write(group.join(file), limit));
    if limited.is_err() {
        let _ = fs::remove_dir(&group);
        return None;
    }
    // A kernel without swap has no such file.
    let _ = fs::write(group.join("memory.swap.max"), "0");
    group.into_os_string().into_string().ok()
}

/// The top of the hierarchy, if its controllers are not with the first version's.
fn find() -> Option<PathBuf> {
    let has_memory = |top: &Path| {
        let all = fs::read_to_string(top.join("cgroup.controllers")).unwrap_or_default();
        all.split_whitespace().any(|controller| controller == "memory")
    };
    let usual = Path::new(USUAL);
    if has_memory(usual) {
        return Some(usual.into());
    }
    let ours = Path::new(OURS);
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount::mount(Path::new("cgroup2"), ours, "cgroup2", flags, "").ok()?;
    has_memory(ours).then(|| ours.into())
}

/// Joins a group.
pub(super) fn join(group: &Path) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), "0")
}

/// Ends whatever is left in a group, and takes it away.
pub(super) fn remove(group: &Path) {
    let _ = fs::write(group.join("cgroup.kill"), "1");
    // What was killed takes a moment to be gone.
    for _ in 0..50 {
        if fs::remove_dir(group).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
