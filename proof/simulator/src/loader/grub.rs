//! GRUB: a file on a FAT.

use super::environment::{Choice, Environment, Find, Write};
use drydock_block::{BlockDevice, read_vec};
use drydock_bundle::fat;
use drydock_config::{Bootloader as Named, Config};
use drydock_engine::machine::Device;
use drydock_models::{Kernel, grub};
use drydock_state::{Bootloader, fat::find, grub::ENV_SIZE};

/// The partition with the environment.
const PARTITION: &str = "bootenv";
const FILE: &[u8; 11] = b"GRUBENV    ";

pub(super) struct Grub;

impl Environment for Grub {
    fn configure(&self, config: &mut Config) {
        config.layout.bootloader = Named::GrubBios;
    }

    fn partitions(&self) -> &'static [(&'static str, u64)] {
        &[(PARTITION, 1 << 20)]
    }

    fn lay_out(&self, partition: &Find<'_>) {
        let files = [("grubenv", vec![b'#'; ENV_SIZE])];
        let partition = partition(PARTITION).expect("a partition of its own");
        fat::make(&partition, *b"BOOTENV    ", 0, &files).expect("it fits");
    }

    fn open(&self, find: &Find<'_>) -> Box<dyn Bootloader> {
        Box::new(
            drydock_state::grub::Grub::open(find(PARTITION).expect("a partition of its own"))
                .expect("it is laid out"),
        )
    }

    fn choose(&self, partition: &Find<'_>, whole: &dyn Fn(Kernel) -> bool) -> Result<Choice, String> {
        let found = partition(PARTITION).and_then(|partition| {
            let (offset, file) = read(&partition)?;
            Some((partition, offset, file))
        });
        let decision = grub::decide(found.as_ref().map(|(_, _, file)| &file[..]), whole);
        let mut writes = Vec::new();
        if let (Some((partition, offset, old)), Some(new)) = (found, decision.file)
            && old != new
        {
            let sector = partition.sector_size();
            let from = sector.round_down(offset);
            let within = (offset - from) as usize;
            let mut bytes = read_vec(&partition, from, sector.as_usize())
                .map_err(|error| format!("GRUB's save_env: {error}"))?;
            bytes[within..within + new.len()].copy_from_slice(&new);
            writes.push(Write { partition: PARTITION, offset: from, bytes });
        }
        Ok(Choice { start: decision.start, writes })
    }
}

/// Where `grubenv` lies on the partition, and what is in it.
fn read(partition: &Device) -> Option<(u64, Vec<u8>)> {
    let file = find(partition, FILE).ok()?;
    let bytes = read_vec(partition, file.offset, ENV_SIZE).ok()?;
    Some((file.offset, bytes))
}
