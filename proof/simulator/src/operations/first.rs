//! The first boot, which makes `data`, and later ones that mend what a cut has torn in it.

use super::operation::{Operation, boot, op};
use crate::contents::Contents;
use crate::device::{End, SimDevice};
use crate::machine::ext4;
use crate::volume;
use crate::workshop::Workshop;
use drydock_block::SectorSize;
use drydock_fixtures::noise;
use drydock_state::SetName;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// In a new LUKS volume all sectors of the filesystem are in flight, of another one those that are not as they were: only
/// one choice in so many is tried.
const THIN: [usize; 2] = [64, 2];
/// Where a superblock is, and what a cut leaves whole of it.
const SUPERBLOCK: usize = 1024;
const SECTOR: usize = 512;
const BLOCK: usize = 4096;
/// Begins a commit block of a journal.
const COMMIT: [u8; 8] = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 2];

/// The operations of a device whose `data` is blank when it leaves the workshop.
pub(super) fn all(workshop: &Workshop) -> Vec<Operation<'_>> {
    let flashed = SimDevice::new(workshop, workshop.flashed());
    let first = SimDevice::new(workshop, workshop.flashed());
    assert_eq!(first.run(), End::Up(SetName::A));
    let made = first.disk.view();
    let thin = if workshop.setup.data.is_encrypted() { THIN[0] } else { THIN[1] };
    let mut all = vec![Operation { seldom: 8, thin, ..op("first-boot", flashed, boot, |_| &["1"]) }];
    // A larger sector is never torn within a superblock, and what is in a LUKS volume is mended as what is not.
    if !workshop.setup.data.is_encrypted() && workshop.setup.sector == SectorSize::S512 {
        all.push(mending(workshop, "mend-superblock", &made, torn_superblock));
        all.push(mending(workshop, "mend-journal", &made, torn_journal));
    }
    all
}

/// What a cut has torn, and what it would be without that.
struct Torn {
    torn: Vec<u8>,
    whole: Vec<u8>,
}

fn mending<'f>(
    workshop: &'f Workshop,
    name: &'static str,
    made: &Contents,
    tear: fn(Vec<u8>) -> Torn,
) -> Operation<'f> {
    let range = workshop.range("data");
    let mut bytes = vec![0; (range.end - range.start) as usize];
    made.read(range.start, &mut bytes);
    let Torn { torn, whole } = tear(bytes);
    let with = |bytes: &[u8]| {
        let mut contents = made.clone();
        contents.write(range.start, bytes);
        contents
    };
    let device = SimDevice::new(workshop, with(&torn));
    let can_mount = |device: &SimDevice| volume::mount(&workshop.partition(&device.disk, "data").unwrap());
    assert!(can_mount(&device).is_err(), "{name}: the kernel notices");
    // Of the torn one's pages only those are new that were torn.
    let mut mended = device.disk.view();
    let pages = (range.start..).step_by(BLOCK).zip(torn.chunks(BLOCK).zip(whole.chunks(BLOCK)));
    pages.filter(|(_, (torn, whole))| torn != whole).for_each(|(at, (_, whole))| mended.write(at, whole));
    assert_eq!(can_mount(&SimDevice::new(workshop, mended.clone())), Ok(()), "{name}");
    Operation { mended: Some(mended), ..op(name, device, boot, |_| &["1"]) }
}

/// The first half of a newer superblock, in which times and counters differ, beside the second half of the older one.
fn torn_superblock(mut torn: Vec<u8>) -> Torn {
    let half = &mut torn[SUPERBLOCK..][..SECTOR];
    // The time of the last mount and the number of mounts; the filesystem is in use.
    half[0x2c] ^= 0x5a;
    half[0x34] += 1;
    half[0x60] |= 4;
    let mut whole = torn.clone();
    let checksum = ext4::checksum(&whole[SUPERBLOCK..][..1024]);
    whole[SUPERBLOCK + 0x3fc..][..4].copy_from_slice(&checksum);
    Torn { torn, whole }
}

/// Two transactions that are to be replayed; of the last one's commit block only the first sector was written.
fn torn_journal(bytes: Vec<u8>) -> Torn {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let [image, content, script] = ["image", "content", "script"].map(|name| folder.path().join(name));
    let write =
        |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).expect("a temporary file can be written");
    write(&image, &bytes);
    write(&content, &noise(2 * BLOCK, 17));
    let mut text = String::new();
    for block in [3000, 3004] {
        writeln!(text, "jo -c -v 3\njw -b {block} {}\njc", content.display()).expect("there is room");
    }
    write(&script, text.as_bytes());
    let mut debugfs = Command::new("/sbin/debugfs");
    let done = debugfs.arg("-w").arg("-f").arg(&script).arg(&image).output().expect("there is debugfs");
    assert!(done.status.success(), "{done:?}");
    let whole = std::fs::read(&image).expect("it was just written");
    let at = (0..whole.len()).step_by(BLOCK).rfind(|at| whole[*at..].starts_with(&COMMIT));
    let at = at.expect("there is a commit block");
    let mut torn = whole.clone();
    torn[at + SECTOR..at + BLOCK].copy_from_slice(&noise(BLOCK - SECTOR, 18));
    Torn { torn, whole }
}
