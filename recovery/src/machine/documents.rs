//! What a machine has to show to whoever helps from afar: the kernel's log, what pstore has kept, the partition table.

use super::Hardware;
use crate::disk::discover::OurDisk;
use drydock_engine::machine::Paper;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// So much of the kernel's log is taken: the last of it.
const LOG: usize = 512 << 10;
/// So many lines of the kernel's log are read; it holds fewer, and gets new ones while it is read.
const LINES: usize = 20_000;
/// So many files of pstore are taken, and so much of each.
const KEPT: (usize, u64) = (16, 128 << 10);

impl Hardware<'_> {
    pub(super) fn documents(&self) -> Vec<Paper> {
        let paper = |name: &str, text: Result<Vec<u8>, String>| Paper { name: name.into(), text };
        let read = |path: &str| fs::read(path).map_err(|error| format!("{path}: {error}"));
        let mut papers = vec![
            paper("kernel.log", kernel_log()),
            paper("partitions.txt", Ok(partitions(&self.disk).into_bytes())),
            paper("cmdline.txt", read("/proc/cmdline")),
            paper("memory.txt", read("/proc/meminfo")),
        ];
        papers.extend(pstore(Path::new("/sys/fs/pstore")));
        papers
    }
}

/// The kernel's log as it is now, a line each with its time in microseconds.
fn kernel_log() -> Result<Vec<u8>, String> {
    let open = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open("/dev/kmsg");
    let mut log = open.map_err(|error| format!("/dev/kmsg: {error}"))?;
    let mut text = Vec::new();
    let mut record = [0; 8192];
    for _ in 0..LINES {
        match log.read(&mut record) {
            Ok(0) => break,
            Ok(len) => text.extend(record.get(..len).and_then(line).unwrap_or_default()),
            // What was overwritten while it was read.
            Err(error) if error.raw_os_error() == Some(nix::libc::EPIPE) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // There is no more.
            Err(_) => break,
        }
        if text.len() > 2 * LOG {
            text.drain(..text.len() - LOG);
        }
    }
    text.drain(..text.len().saturating_sub(LOG));
    Ok(text)
}

/// A record of `/dev/kmsg` (the kernel's Documentation/ABI/testing/dev-kmsg): `6,339,5140900,-;text`, and lines of its
/// dictionary behind it.
fn line(record: &[u8]) -> Option<Vec<u8>> {
    let (head, text) = record.split_at(record.iter().position(|byte| *byte == b';')?);
    let time = head.split(|byte| *byte == b',').nth(2)?;
    let text = text.get(1..)?.split(|byte| *byte == b'\n').next()?;
    Some([time, b" ", text, b"\n"].concat())
}

/// What is kept over resets, and was not taken yet.
fn pstore(folder: &Path) -> Vec<Paper> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let (files, bytes) = KEPT;
    let kept = entries.take(files).map(|entry| {
        let mut text = Vec::new();
        let read = File::open(entry.path()).and_then(|file| file.take(bytes).read_to_end(&mut text));
        let name = format!("pstore-{}", entry.file_name().to_string_lossy());
        Paper { name, text: read.map(|_| text).map_err(|error| error.to_string()) }
    });
    let kept: Vec<_> = kept.collect();
    match kept.is_empty() {
        true => vec![Paper { name: "pstore".into(), text: Err("nothing is kept there".into()) }],
        false => kept,
    }
}

fn partitions(disk: &OurDisk) -> String {
    let mut text = format!("{} at {}\n", disk.node.display(), disk.facts.place());
    for part in &disk.partitions {
        let entry = &part.entry;
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "{} {} start {} length {} bytes",
            entry.index, entry.label, entry.start, entry.len
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_the_kernel_is_a_line_with_its_time() {
        let record = b"6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n";
        assert_eq!(line(record).unwrap(), b"5140900 NET: Registered\n");
        for none in [&b""[..], b"6,339", b"6;text"] {
            assert_eq!(line(none), None);
        }
    }

    #[test]
    fn what_pstore_has_kept_is_read_and_stays_there() {
        let folder = tempfile::tempdir().unwrap();
        assert!(pstore(folder.path())[0].text.is_err());
        fs::write(folder.path().join("dmesg-ramoops-0"), "oops").unwrap();
        let papers = pstore(folder.path());
        assert_eq!(papers, [Paper { name: "pstore-dmesg-ramoops-0".into(), text: Ok(b"oops".to_vec()) }]);
        assert!(folder.path().join("dmesg-ramoops-0").exists());
    }
}
