use super::*;
use drydock_block::{MemoryDevice, SectorSize};
use gpt::partition_types;
use proptest::prelude::*;

const DISK: usize = 4 << 20;

fn disk_bytes(lb_size: LogicalBlockSize) -> Vec<u8> {
    let mut device = Cursor::new(vec![0; DISK]);
    gpt::mbr::ProtectiveMBR::new().overwrite_lba0(&mut device).unwrap();
    let config = gpt::GptConfig::default().writable(true).logical_block_size(lb_size);
    let mut disk = config.create_from_device(device, None).unwrap();
    disk.add_partition("bootenv", 65536, partition_types::LINUX_FS, 0, None).unwrap();
    disk.add_partition("root-a", 1 << 20, partition_types::LINUX_FS, 1 << 60, None).unwrap();
    disk.write().unwrap().into_inner()
}

fn read_bytes(bytes: Vec<u8>, lb_size: LogicalBlockSize) -> Result<Table, Error> {
    read(&MemoryDevice::from_bytes(bytes, SectorSize::from_bytes(lb_size.as_usize() as u32).unwrap()))
}

fn labels(table: &Table) -> Vec<(u32, &str, u64)> {
    table.partitions.iter().map(|p| (p.index, p.label.as_str(), p.len)).collect()
}

#[test]
fn either_table_is_enough_whatever_is_damaged_in_the_other() {
    for lb_size in [LogicalBlockSize::Lb512, LogicalBlockSize::Lb4096] {
        let sector = lb_size.as_usize();
        let good = disk_bytes(lb_size);
        let whole = read_bytes(good.clone(), lb_size).unwrap();
        assert_eq!(labels(&whole), [(1, "bootenv", 65536), (2, "root-a", 1 << 20)]);
        assert_eq!(whole.which, Which::Primary);

        let (first_header, first_array) = (sector + 60, 2 * sector + 130);
        let (last_header, last_array) = (DISK - sector + 60, DISK - sector - 16384 + 130);
        for place in [first_header, first_array] {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            let table = read_bytes(bytes, lb_size).unwrap();
            assert_eq!(table, Table { which: Which::Backup, ..whole.clone() });
        }
        for (one, other) in
            [(first_header, last_array), (first_array, last_header), (first_array, last_array)]
        {
            let mut bytes = good.clone();
            bytes[one] ^= 1;
            bytes[other] ^= 1;
            assert!(matches!(read_bytes(bytes, lb_size), Err(Error::Damaged { .. })));
        }
    }
}

#[test]
fn the_backup_of_an_image_on_a_larger_disk_is_found_where_the_header_says() {
    let mut bytes = disk_bytes(LogicalBlockSize::Lb512);
    bytes[1024 + 130] ^= 1;
    bytes.resize(2 * DISK, 0);
    assert_eq!(read_bytes(bytes, LogicalBlockSize::Lb512).unwrap().which, Which::Backup);
}

#[test]
fn a_disk_without_a_table_is_told_from_a_damaged_one() {
    for size in [0, 512, 4096, DISK] {
        assert!(matches!(read_bytes(vec![0; size], LogicalBlockSize::Lb512), Err(Error::None)));
    }
}

#[test]
fn a_label_cannot_drive_a_console() {
    let mut device = Cursor::new(vec![0; DISK]);
    let config = gpt::GptConfig::default().writable(true);
    gpt::mbr::ProtectiveMBR::new().overwrite_lba0(&mut device).unwrap();
    let mut disk = config.create_from_device(device, None).unwrap();
    disk.add_partition("a\x1b[2J", 65536, partition_types::LINUX_FS, 0, None).unwrap();
    let table = read_bytes(disk.write().unwrap().into_inner(), LogicalBlockSize::Lb512).unwrap();
    assert_eq!(table.partitions[0].label, "a?[2J");
}

/// Changes header fields and makes the checksum fit again, as an attacker would.
fn forge(bytes: &mut [u8], header: usize, field: usize, value: &[u8]) {
    bytes[header + field..][..value.len()].copy_from_slice(value);
    sign(bytes, header, 92);
}

/// Makes the checksum of a header of so many bytes right.
fn sign(bytes: &mut [u8], header: usize, size: usize) {
    bytes[header + 16..][..4].fill(0);
    let crc = crc32(&bytes[header..][..size]);
    bytes[header + 16..][..4].copy_from_slice(&crc.to_le_bytes());
}

#[test]
fn a_header_of_up_to_a_sector_is_read_as_linux_reads_it() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    for lb_size in [LogicalBlockSize::Lb512, LogicalBlockSize::Lb4096] {
        let sector = lb_size.as_usize();
        let good = disk_bytes(lb_size);
        let whole = read_bytes(good.clone(), lb_size).unwrap();
        let with_size = |size: usize, summed: usize| {
            let mut bytes = good.clone();
            for header in [sector, DISK - sector] {
                bytes[header + 12..][..4].copy_from_slice(&(size as u32).to_le_bytes());
                // What comes behind the fields that are known is left to later versions.
                bytes[header + 92..header + sector].fill(0xa5);
                sign(&mut bytes, header, summed);
            }
            read_bytes(bytes, lb_size)
        };
        for size in [92, 96, 128, 512, sector] {
            assert_eq!(with_size(size, size).unwrap(), whole, "{size}");
        }
        for (size, summed) in
            [(512, 92), (92, 512), (91, 91), (0, 92), (sector + 1, sector), (usize::MAX, 92)]
        {
            assert!(matches!(with_size(size, summed), Err(Error::Damaged { .. })), "{size} {summed}");
        }
    }
}

#[test]
fn entries_of_another_size_are_called_that() {
    let mut bytes = disk_bytes(LogicalBlockSize::Lb512);
    for header in [512, DISK - 512] {
        forge(&mut bytes, header, 84, &256u32.to_le_bytes());
    }
    let said = read_bytes(bytes, LogicalBlockSize::Lb512).unwrap_err().to_string();
    assert!(said.contains("its entries have 256 bytes, Linux reads only those of 128"), "{said}");
}

#[test]
fn forged_headers_neither_panic_nor_ask_for_memory() {
    let good = disk_bytes(LogicalBlockSize::Lb512);
    let fields: [(usize, &[u8]); 5] = [
        (80, &u32::MAX.to_le_bytes()),
        (80, &0u32.to_le_bytes()),
        (84, &256u32.to_le_bytes()),
        (72, &u64::MAX.to_le_bytes()),
        (24, &7u64.to_le_bytes()),
    ];
    for (field, value) in fields {
        let mut bytes = good.clone();
        forge(&mut bytes, 512, field, value);
        assert_eq!(read_bytes(bytes.clone(), LogicalBlockSize::Lb512).unwrap().which, Which::Backup);
        forge(&mut bytes, DISK - 512, field, value);
        assert!(matches!(read_bytes(bytes, LogicalBlockSize::Lb512), Err(Error::Damaged { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_in_a_header_with_a_good_checksum_are_survived(fields in prop::collection::vec(any::<u8>(), 68)) {
        let mut bytes = disk_bytes(LogicalBlockSize::Lb512);
        forge(&mut bytes, 512, 24, &fields);
        forge(&mut bytes, DISK - 512, 24, &fields);
        let _ = read_bytes(bytes, LogicalBlockSize::Lb512);
    }
}
