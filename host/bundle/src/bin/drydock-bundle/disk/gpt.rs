//! The partition table, by the `gpt` crate: it numbers the entries as they come, which is what is wanted here, and
//! a disk image that nobody boots from yet may be inconsistent for a moment.

use super::failed::{file, input};
use super::layout::{Kind, Layout};
use drydock_bundle::Error;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition::Partition;
use gpt::partition_types::{BIOS, EFI, LINUX_FS, Type};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Writes the protective MBR and both copies of the table.
pub(super) fn write(path: &Path, layout: &Layout) -> Result<(), Error> {
    let mut device = File::options().read(true).write(true).open(path).map_err(file("opening", path))?;
    let sector = u64::from(layout.sector_size.bytes());
    let sectors = u32::try_from(layout.disk_size / sector - 1).unwrap_or(u32::MAX);
    let problem = "the partition table";
    ProtectiveMBR::with_lb_size(sectors).overwrite_lba0(&mut device).map_err(input(problem))?;

    let size = if sector == 4096 { LogicalBlockSize::Lb4096 } else { LogicalBlockSize::Lb512 };
    let config = gpt::GptConfig::new().writable(true).logical_block_size(size);
    let guid = layout.guid.parse().map_err(input("the disk's GUID"))?;
    let mut disk = config.create_from_device(device, Some(guid)).map_err(input(problem))?;
    let mut partitions = BTreeMap::new();
    for part in &layout.partitions {
        let entry = Partition {
            part_type_guid: match part.kind {
                Kind::BiosBoot => BIOS,
                Kind::Esp => EFI,
                Kind::Linux => LINUX_FS,
                Kind::Root(architecture) => {
                    Type::from_name(architecture.root_partition_type()).map_err(input(problem))?
                }
            },
            part_guid: part.guid.parse().map_err(input(problem))?,
            first_lba: part.start / sector,
            last_lba: (part.start + part.size) / sector - 1,
            flags: part.attributes,
            name: part.label.clone(),
        };
        partitions.insert(part.index, entry);
    }
    disk.update_partitions(partitions).map_err(input(problem))?;
    disk.write().map_err(input(problem))?;
    Ok(())
}
