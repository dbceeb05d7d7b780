//! EFI Boot Guard: two files on two FATs, and a watchdog that leaves what does not come up.

use super::environment::{Choice, Environment, Find, Write};
use drydock_block::{BlockDevice, read_vec};
use drydock_bundle::fat;
use drydock_config::{Bootloader as Named, Config};
use drydock_engine::machine::Device;
use drydock_models::efi_boot_guard::decide;
use drydock_models::{Kernel, Reason, Start};
use drydock_state::efi_boot_guard::{ENV_SIZE, EfiBootGuard as Environments, Image, Names, PARTITIONS};
use drydock_state::{Bootloader, CopyName, SetName, fat as volume};
use std::ops::Range;

const FILE: &[u8; 11] = b"BGENV   DAT";
/// So many resets are enough to get to what it starts for ever.
const RESETS: usize = 6;

pub(super) struct EfiBootGuard;

impl Environment for EfiBootGuard {
    fn configure(&self, config: &mut Config) {
        config.layout.bootloader = Named::EfiBootGuard;
    }

    fn partitions(&self) -> &'static [(&'static str, u64)] {
        const SIZE: u64 = 1 << 20;
        &[(PARTITIONS[0], SIZE), (PARTITIONS[1], SIZE)]
    }

    fn lay_out(&self, find: &Find<'_>) {
        for label in PARTITIONS {
            let partition = find(label).expect("a partition of its own");
            fat::make(&partition, *b"BOOTENV    ", 0, &[("BGENV.DAT", vec![0; ENV_SIZE])]).expect("it fits");
        }
    }

    fn open(&self, find: &Find<'_>) -> Box<dyn Bootloader> {
        let partitions = PARTITIONS.map(|label| find(label).ok_or_else(|| "it is gone".to_owned()));
        Box::new(Environments::open(partitions, names(), 0).expect("they are laid out"))
    }

    fn choose(&self, find: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        let found = PARTITIONS.map(|label| {
            let partition = find(label)?;
            let ranges = ranges(&partition)?;
            let file = read(&partition, &ranges)?;
            Some((partition, ranges, file))
        });
        let before = found.each_ref().map(|found| found.as_ref().map(|(.., file)| file.clone()));
        let mut files = before.clone();
        let mut start = None;
        for _ in 0..RESETS {
            let decision = decide([files[0].as_deref(), files[1].as_deref()]);
            files = decision.files;
            start = start_of(&decision.kernel, whole);
            if start.is_some() {
                break;
            }
        }
        let mut writes = Vec::new();
        for (n, label) in PARTITIONS.into_iter().enumerate() {
            if let (Some((partition, ranges, old)), Some(new)) = (&found[n], &files[n])
                && old != new
            {
                let written = write(partition, ranges, new).ok_or("EFI Boot Guard can't write its file")?;
                writes.extend(written.map(|(offset, bytes)| Write { partition: label, offset, bytes }));
            }
        }
        Ok(Choice { start, writes })
    }
}

fn names() -> Names {
    Names { boot: "boot".into(), recovery: "recovery".into() }
}

/// What the kernel of this name is, where it is whole. The loader says nothing of why it starts it.
fn start_of(name: &str, whole: &dyn Fn(Kernel) -> bool) -> Option<Start> {
    let names = names();
    let sets = SetName::BOTH.map(|set| (Image::Set(set), Kernel::Set(set), Start::Set(set)));
    let copies = CopyName::BOTH.map(|copy| {
        let start = Start::Recovery { copy, reason: Reason::Intent };
        (Image::Recovery(copy), Kernel::Recovery(copy), start)
    });
    let found = sets.into_iter().chain(copies).find(|(image, ..)| names.of(*image) == name);
    found.filter(|(_, kernel, _)| whole(*kernel)).map(|(.., start)| start)
}

fn ranges(partition: &Device) -> Option<Vec<Range<u64>>> {
    volume::ranges(partition, &volume::find(partition, FILE).ok()?).ok()
}

fn read(partition: &Device, ranges: &[Range<u64>]) -> Option<Vec<u8>> {
    let read = |range: &Range<u64>| read_vec(partition, range.start, (range.end - range.start) as usize).ok();
    Some(ranges.iter().map(read).collect::<Option<Vec<_>>>()?.concat())
}

/// The whole file, as the firmware writes it: in sectors, the last one with what follows the file.
fn write(
    partition: &Device,
    ranges: &[Range<u64>],
    file: &[u8],
) -> Option<impl Iterator<Item = (u64, Vec<u8>)>> {
    let (mut at, mut writes) = (0, Vec::new());
    for range in ranges {
        let len = (range.end - range.start) as usize;
        let mut bytes = read_vec(partition, range.start, partition.sector_size().round_up(len)).ok()?;
        bytes[..len].copy_from_slice(file.get(at..at + len)?);
        writes.push((range.start, bytes));
        at += len;
    }
    Some(writes.into_iter())
}
