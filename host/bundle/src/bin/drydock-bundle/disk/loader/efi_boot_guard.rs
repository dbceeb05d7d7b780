//! EFI Boot Guard: its program where the firmware looks for one, and two partitions with an environment each. What it starts
//! is on the slots, which are FATs that say by their file `EFILABEL` which slot they are for.

use super::super::canvas::Part;
use super::super::failed::{file, input};
use super::super::labels::{ESP, RECOVERY};
use super::super::layout::{Kind, Own};
use super::seam::{Loader, Site};
use crate::look;
use drydock_block::{SectorSize, read_vec};
use drydock_bundle::{Error, fat};
use drydock_config::{Mib, Role};
use drydock_state::efi_boot_guard::{ENV_SIZE, EfiBootGuard as Environments, Names, PARTITIONS};
use drydock_state::{Bootloader, fat as volume};
use std::fs;
use std::path::Path;

pub(super) struct EfiBootGuard;

/// The file that names a volume, and the unified kernel image, as a FAT has them.
const LABEL_FILE: &[u8; 11] = b"EFILABEL   ";
const IMAGE_FILE: &[u8; 11] = b"DRYDOCK EFI";
/// The loader reads no more of a label.
const MOST_LABEL: u32 = 63;

impl Loader for EfiBootGuard {
    fn partitions(&self) -> Vec<Own> {
        let environment = |label| Own { label, kind: Kind::Linux, size: Mib(4) };
        let [second, first] = PARTITIONS.map(environment);
        vec![Own { label: ESP, kind: Kind::Esp, size: Mib(64) }, second, first]
    }

    fn no_disk(&self, _: SectorSize) -> Option<&'static str> {
        None
    }

    fn no_image(&self, head: &[u8], size: u64) -> Option<String> {
        look::no_fat(head, size)
    }

    fn no_slot(&self, slot: &Part, label: &str) -> Option<String> {
        let make = format!("make one image for each slot, with `{label}` in UTF-16 in its file EFILABEL");
        match label_of(slot) {
            Ok(found) if found == label => {}
            Ok(found) => return Some(format!("its file EFILABEL says `{found}`; {make}")),
            Err(why) => return Some(format!("its file EFILABEL can't be read: {why}; {make}")),
        }
        let image = volume::find(slot, IMAGE_FILE).err()?;
        Some(format!("it has no {}: {image}", Names::FILE))
    }

    fn install(&self, site: &Site<'_>) -> Result<(), Error> {
        let architecture = site.config.layout.architecture;
        let path = Path::new(architecture.efi_boot_guard());
        let program = fs::read(path).map_err(file("reading (Debian's package efibootguard)", path))?;
        let id = |label| site.layout.named(label).map(|part| site.layout.volume_id(part));
        let files = [(architecture.efi_loader(), program)];
        fat::make(&site.part(ESP)?, *b"ESP        ", id(ESP)?, &files)?;
        for label in PARTITIONS {
            let files = [("BGENV.DAT", vec![0; ENV_SIZE])];
            fat::make(&site.part(label)?, *b"BOOTENV    ", id(label)?, &files)?;
        }
        Ok(())
    }

    fn open(&self, site: &Site<'_>) -> Result<Box<dyn Bootloader>, Error> {
        let [second, first] = PARTITIONS;
        let boot = site.config.class_with_role(Role::Boot).map_or("", |slot| slot.partition());
        let names = Names { boot: boot.into(), recovery: RECOVERY.into() };
        let watchdog = site.config.layout.watchdog_seconds.0.try_into().unwrap_or(u16::MAX);
        let partitions = [Ok(site.part(second)?), Ok(site.part(first)?)];
        let opened = Environments::open(partitions, names, watchdog);
        Ok(Box::new(opened.map_err(input("the disk image's boot environment"))?))
    }
}

/// What the file `EFILABEL` on a volume says.
fn label_of(slot: &Part) -> Result<String, String> {
    let text = |error: drydock_block::Error| error.to_string();
    let found = volume::find(slot, LABEL_FILE).map_err(text)?;
    if found.len > MOST_LABEL {
        return Err(format!("it has {} bytes, and the loader reads {MOST_LABEL}", found.len));
    }
    let bytes = read_vec(slot, found.offset, found.len as usize).map_err(|error| error.to_string())?;
    let units: Vec<u16> = bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16(&units).map_err(|error| error.to_string())
}
