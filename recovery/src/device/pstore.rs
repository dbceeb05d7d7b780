//! The kernel's memory over resets (pstore), where the machine has one: why a boot failed, in words.
//!
//! Source: the kernel's Documentation/admin-guide/ramoops.rst; what is written to `/dev/pmsg0` is found as
//! `/sys/fs/pstore/pmsg-*` after a reset, and stays until it is removed.

use super::mounts;
use std::fs;
use std::io::Write;
use std::path::Path;
use sys_mount::MountFlags;

const PSTORE: &str = "/sys/fs/pstore";
/// Begins every line of ours.
const OURS: &str = "drydock: ";
/// Begins the reason of a panic, which nobody was left to put into the history.
const PANIC: &str = "defect: ";

/// Leaves a reason there, and in the kernel's log. Never fails: most machines have no pstore.
pub fn leave(reason: &str) {
    let line = format!("{OURS}{}\n", reason.replace('\n', " "));
    for path in ["/dev/pmsg0", "/dev/kmsg"] {
        // Without O_CREAT: on a machine without the device there shall be no file of that name either.
        if let Ok(mut file) = fs::File::options().write(true).open(path) {
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// Leaves the reason of a panic.
pub fn leave_panic(reason: &str) {
    leave(&format!("{PANIC}{reason}"));
}

/// Takes the reasons of panics that earlier boots have left; what else they left is removed.
pub fn take_panics() -> Vec<String> {
    let folder = Path::new(PSTORE);
    if !folder.exists() {
        return vec![];
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // It may be mounted already.
    let _ = mounts::mount(Path::new("pstore"), folder, "pstore", flags, "");
    take_from(folder)
}

fn take_from(folder: &Path) -> Vec<String> {
    let mut panics = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with("pmsg-") {
            continue;
        }
        let text = fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut ours = text.lines().filter_map(|line| line.strip_prefix(OURS)).peekable();
        if ours.peek().is_some() {
            panics.extend(ours.filter_map(|line| line.strip_prefix(PANIC)).map(str::to_owned));
            let _ = fs::remove_file(entry.path());
        }
    }
    panics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_taken_once_and_what_others_left_stays() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("pmsg-ramoops-0", "drydock: no key fits\ndrydock: defect: index out of bounds\nnoise\n");
        put("pmsg-ramoops-1", "somebody else's\n");
        put("dmesg-ramoops-0", "drydock: defect: not in our file\n");
        assert_eq!(take_from(folder.path()), ["index out of bounds"]);
        assert_eq!(take_from(folder.path()), [""; 0]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
