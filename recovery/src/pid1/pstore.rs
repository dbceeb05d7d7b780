//! The kernel's memory over resets (pstore), where the machine has one: why a boot failed, in words.
//!
//! Source: the kernel's Documentation/admin-guide/ramoops.rst. What is written to `/dev/pmsg0` is found as
//! `/sys/fs/pstore/pmsg-*` after a reset. Many kernels are built without it (Debian's are); those keep the end of the
//! kernel's log over a reset as `dmesg-*`, if `printk.always_kmsg_dump` is set and the back end takes dumps of that kind
//! (ramoops: `max_reason=4`). Both stay until they are removed.

use crate::mount;
use std::fs;
use std::io::Write;
use std::path::Path;
use sys_mount::MountFlags;

const PSTORE: &str = "/sys/fs/pstore";
/// The switch that has the kernel keep its log at every reset.
const ALWAYS: &str = "/sys/module/printk/parameters/always_kmsg_dump";
/// Begins every line of ours.
const OURS: &str = "drydock: ";
/// Begins the reason of a panic, which nobody was left to put into the history.
const PANIC: &str = "defect: ";
/// The kernel's log takes lines of less than 1 KiB.
const LONGEST: usize = 900;

/// Leaves a reason there, and in the kernel's log. Never fails: most machines have no pstore.
pub fn leave(reason: &str) {
    let line = format!("{OURS}{}\n", one_line(reason));
    for (path, text) in [(ALWAYS, "Y"), ("/dev/pmsg0", &*line), ("/dev/kmsg", &*line)] {
        // Without O_CREAT: on a machine without the device there shall be no file of that name either.
        if let Ok(mut file) = fs::File::options().write(true).open(path) {
            let _ = file.write_all(text.as_bytes());
        }
    }
}

/// Leaves the reason of a panic.
pub fn leave_panic(reason: &str) {
    leave(&format!("{PANIC}{reason}"));
}

fn one_line(reason: &str) -> String {
    let end = (0..=LONGEST.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason[..end.unwrap_or(0)].replace('\n', " ")
}

/// Takes the reasons of panics that earlier boots have left; what else they left is removed.
pub fn take_panics() -> Vec<String> {
    let folder = Path::new(PSTORE);
    if !folder.exists() {
        return vec![];
    }
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // It may be mounted already.
    let _ = mount::mount(Path::new("pstore"), folder, "pstore", flags, "");
    take_from(folder)
}

fn take_from(folder: &Path) -> Vec<String> {
    let mut panics: Vec<String> = vec![];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let (kept_log, text) = (name.to_string_lossy().starts_with("dmesg-"), fs::read(entry.path()));
        let text = text.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // A line of the kernel's log has its time before it.
        let ours = |line: &str| match kept_log {
            true => line.split_once("] ").and_then(|(_, line)| line.strip_prefix(OURS)).map(str::to_owned),
            false => line.strip_prefix(OURS).map(str::to_owned),
        };
        let lines: Vec<String> = text.lines().filter_map(ours).collect();
        let reasons = lines.iter().filter_map(|line| line.strip_prefix(PANIC));
        // A kept log without a panic is somebody else's to read.
        let is_ours = if kept_log { reasons.clone().count() > 0 } else { !lines.is_empty() };
        if is_ours {
            for reason in reasons {
                // The kernel may have kept it in both ways, and the same panic may have happened again.
                if panics.iter().all(|known| known != reason) {
                    panics.push(reason.to_owned());
                }
            }
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
        put(
            "dmesg-ramoops-0",
            "Shutdown#1 Part1\n<4>[    9.4] drydock: defect: index out of bounds\n<6>[   10.1] reboot: x\n",
        );
        put("dmesg-ramoops-1", "Oops#1 Part1\n<4>[    9.4] drydock: no key fits\n");
        put("console-ramoops-0", "told to nobody\n");
        assert_eq!(take_from(folder.path()), ["index out of bounds"]);
        assert_eq!(take_from(folder.path()), [""; 0]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let line = one_line(&"\n\u{fc}".repeat(500));
        assert!(line.len() <= LONGEST && line.ends_with('\u{fc}') && line.starts_with(' '), "{line}");
    }
}
