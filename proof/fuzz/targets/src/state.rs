//! What a device remembers.

use drydock_block::{MemoryDevice, SectorSize, crc32};
use drydock_format::trailer::{FOOTER, body_size, decode_bytes};
use drydock_models::{efi_boot_guard, grub, u_boot};
use drydock_state::efi_boot_guard as bgenv;
use drydock_state::grub::{ENV_SIZE, decode_env, encode_env};
use drydock_state::u_boot::{Environment, Place, UBoot};
use drydock_state::{Bootloader, Replica, decode_replica, encode_replica};
use sha2::{Digest, Sha256};

const U_BOOT_SECTOR: usize = 512;
const NO_BOARD: u_boot::Board<'_> = u_boot::Board { built_in: &[], at_start: &[] };

/// Header (512 bytes) and payload, without the gap between them.
pub(crate) fn record(data: &[u8]) -> bool {
    let _ = decode_replica(data);
    let Some((header, payload)) = data.split_at_checked(512) else { return false };
    let mut replica = header.to_vec();
    replica[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    replica[24..56].copy_from_slice(&Sha256::digest(payload));
    seal(&mut replica);
    replica.resize(4096, 0);
    replica.extend_from_slice(payload);
    let Replica::Valid { sequence, record } = decode_replica(&replica) else { return false };
    // A record may grow a little when it is written again, beyond what fits.
    if let Ok(again) = encode_replica(sequence, &record) {
        let again = decode_replica(&again);
        let same =
            matches!(&again, Replica::Valid { sequence: s, record: r } if *s == sequence && *r == record);
        assert!(same, "what was written is read as {again:?}");
    }
    true
}

pub(crate) fn boot_env(data: &[u8]) -> bool {
    let mut block = data.to_vec();
    block.resize(ENV_SIZE, b'#');
    for file in [data, &block] {
        let decision = grub::decide(Some(file), |_| true);
        assert_eq!(
            decision.file.map(|file| file.len()),
            Some(file.len()),
            "the bootloader never resizes its file"
        );
    }
    let _ = decode_env(data);
    let Ok(told) = decode_env(&block) else { return false };
    assert_eq!(decode_env(&encode_env(&told.into())).ok(), Some(told));
    true
}

/// Two copies of U-Boot's environment, of the same size: the flag of each, then its strings. The checksums are put right.
pub(crate) fn u_boot_env(data: &[u8]) -> bool {
    let _ = Environment::decode(data, true);
    let _ = Environment::decode(data, false);
    let size = U_BOOT_SECTOR * (data.len() / 2 + 5).div_ceil(U_BOOT_SECTOR);
    let copies = [&data[..data.len() / 2], &data[data.len() / 2..]].map(|half| {
        let mut copy = [&[0; 4], half].concat();
        copy.resize(size, 0);
        let checksum = crc32(&copy[5..]).to_le_bytes();
        copy[..4].copy_from_slice(&checksum);
        copy
    });
    let device = MemoryDevice::from_bytes(copies.concat(), SectorSize::S512);
    let place = Place { offset: 0, second: Some(size as u64), size: size as u32 };
    let Ok(store) = UBoot::open(&device, place) else { return false };
    let decision = u_boot::decide(&copies.map(Some), size, &NO_BOARD, |_| true);
    assert!(decision.start.is_some(), "something is started as long as a kernel is whole");
    let Ok(told) = store.observe() else { return false };
    match store.want(&told.into()) {
        Ok(()) => assert_eq!(store.observe().ok(), Some(told), "what is wanted is observed"),
        Err(error) => assert!(error.to_string().contains("room"), "{error}"),
    }
    true
}

/// The start of the file for what comes first, whose checksum is mended; zeros follow. It meets itself, and a file that says
/// what comes second as drydock writes it.
pub(crate) fn bgenv(data: &[u8]) -> bool {
    let mut file = data[..data.len().min(bgenv::ENV_SIZE)].to_vec();
    let short = file.clone();
    file.resize(bgenv::ENV_SIZE, 0);
    let sum = crc32(&file[..bgenv::ENV_SIZE - 4]).to_le_bytes();
    file[bgenv::ENV_SIZE - 4..].copy_from_slice(&sum);
    for files in [[&short[..], &file], [&file, &file]] {
        let left = efi_boot_guard::decide(files.map(Some)).files;
        let lens = left.map(|file| file.map(|file| file.len()));
        assert!(lens[1] == Some(bgenv::ENV_SIZE), "the loader never makes a file shorter");
    }
    let Ok(read) = bgenv::Environment::decode(&file) else { return false };
    assert_eq!(bgenv::Environment::decode(&read.encode()).ok(), Some(read.clone()));
    let names = bgenv::Names { boot: "boot".into(), recovery: "recovery".into() };
    let second = bgenv::Environment { kernel: "C:boot-a:drydock.efi".into(), revision: 1, ..read };
    let _ = bgenv::observed([file, second.encode()], &names);
    true
}

/// Footer (512 bytes) and body: manifest, then signatures.
pub(crate) fn trailer(data: &[u8]) -> bool {
    let _ = decode_bytes(data);
    let Some((footer, body)) = data.split_at_checked(512) else { return false };
    let word = |at: usize| {
        u64::from(u32::from_le_bytes([footer[at], footer[at + 1], footer[at + 2], footer[at + 3]]))
    };
    let room = body_size(word(12), word(16)).min(2 << 20) as usize;
    let mut slot = body.to_vec();
    slot.resize(room, 0);
    let mut footer = footer.to_vec();
    footer[56..88].copy_from_slice(&Sha256::digest(&slot));
    seal(&mut footer);
    slot.extend_from_slice(&footer);
    slot.resize(room + FOOTER as usize, 0);
    let Ok(trailer) = decode_bytes(&slot) else { return false };
    let again = trailer.encode().ok().and_then(|bytes| decode_bytes(&bytes).ok());
    assert_eq!(again, Some(trailer));
    true
}

/// Makes the checksum of a 512-byte header fit.
fn seal(header: &mut [u8]) {
    let sum = Sha256::digest(&header[..480]);
    header[480..512].copy_from_slice(&sum);
}
