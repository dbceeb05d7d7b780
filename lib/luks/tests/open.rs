//! Volumes that cryptsetup made, opened by drydock.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{BINARY_KEY, Bench, LIMITS, PBKDF2, key};
use drydock_block::{BlockDevice, Sectors};
use drydock_luks::{Error, Limits, Volume};
use drydock_models::CryptDevice;

const MIB: u64 = 1 << 20;

fn opens(format: &[&str], volume_key: &[u8], pass: &[u8]) -> Bench {
    let bench = Bench::new(20 * MIB);
    bench.luks_format(format, volume_key, pass);
    let device = bench.device();
    let volume = Volume::open(&device, &LIMITS).unwrap();
    assert_eq!(volume.unlock(pass).unwrap().volume_key().unwrap(), volume_key, "{format:?}");
    assert!(matches!(volume.unlock(b"wrong"), Err(Error::WrongKey { tried: 1, .. })));
    assert!(bench.cryptsetup(&["luksUUID"], &[]).contains(volume.uuid()));
    bench
}

#[test]
fn every_kdf_and_hash_and_key_size() {
    let argon = ["--pbkdf-memory", "4096", "--pbkdf-force-iterations", "4", "--pbkdf-parallel", "1"];
    let argon2id = [&["--pbkdf", "argon2id"][..], &argon].concat();
    let argon2i = [&["--pbkdf", "argon2i"][..], &argon].concat();
    let lanes = ["--pbkdf", "argon2id", "--pbkdf-memory", "4096", "--pbkdf-force-iterations", "4"];
    let lanes = [&lanes[..], &["--pbkdf-parallel", "2"]].concat();
    opens(&argon2id, &key(64), b"pass");
    opens(&argon2i, &key(64), b"pass");
    opens(&lanes, &key(32), b"pass");
    for hash in ["sha1", "sha256", "sha512"] {
        opens(&[PBKDF2, &["--hash", hash]].concat(), &key(64), b"pass");
        let luks1 =
            ["--type", "luks1", "-c", "aes-xts-plain64", "--pbkdf-force-iterations", "1000", "--hash", hash];
        opens(&luks1, &key(64), b"pass");
    }
    opens(
        &["--type", "luks1", "-c", "aes-xts-plain64", "--pbkdf-force-iterations", "1000"],
        &key(32),
        b"pass",
    );
}

#[test]
fn binary_key_files_and_long_ones() {
    opens(PBKDF2, &key(32), BINARY_KEY);
    opens(PBKDF2, &key(32), &key(4096));
    opens(&["--type", "luks1", "--pbkdf-force-iterations", "1000"], &key(32), BINARY_KEY);
}

#[test]
fn geometry_is_what_cryptsetup_says() {
    for sector_size in ["512", "4096"] {
        let bench = opens(&[PBKDF2, &["--sector-size", sector_size]].concat(), &key(64), b"pass");
        let device = bench.device();
        let unlocked = Volume::open(&device, &LIMITS).unwrap().unlock(b"pass").unwrap();
        assert_eq!((unlocked.payload_offset(), unlocked.payload_size()), (Sectors(32768), Sectors(8192)));
        assert_eq!((unlocked.cipher(), unlocked.iv_offset()), ("aes-xts-plain64", 0));
        let table = unlocked.table("/dev/vda7", "drydock:data").unwrap();
        let options = if sector_size == "512" { "" } else { " 1 sector_size:4096" };
        let expected = format!("aes-xts-plain64 :64:logon:drydock:data 0 /dev/vda7 32768{options}");
        assert_eq!((table.size, table.parameters), (Sectors(8192), expected));
        assert!(unlocked.table("/dev/vda7 0", "drydock:data").is_err());
        assert!(unlocked.table("/dev/vda7", "nocolon").is_err());
    }
}

#[test]
fn payload_that_cryptsetup_encrypted_is_decrypted() {
    let plain: Vec<u8> =
        (0..MIB as u32 / 4).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for sector_size in ["512", "4096"] {
        let bench = Bench::new(17 * MIB);
        std::fs::write(&bench.volume, [plain.clone(), vec![0; 32 << 20]].concat()).unwrap();
        let key_file = bench.file("key", b"pass");
        let mut args =
            vec!["reencrypt", "--encrypt", "--reduce-device-size", "32M", "--sector-size", sector_size];
        args.extend(["--key-file", key_file.to_str().unwrap()]);
        args.extend(PBKDF2);
        bench.cryptsetup(&args, &[]);
        let device = bench.device();
        let unlocked = Volume::open(&device, &LIMITS).unwrap().unlock(b"pass").unwrap();
        let crypt = CryptDevice::new(bench.device(), &unlocked).unwrap();
        assert_eq!(crypt.sector_size().to_string(), sector_size);
        let mut read = vec![0; plain.len()];
        crypt.read_at(0, &mut read).unwrap();
        assert!(read == plain, "sector size {sector_size}");
        let mut part = vec![0; 8192];
        crypt.read_at(40960, &mut part).unwrap();
        assert!(part == plain[40960..][..8192]);
        let before = bench.read(unlocked.payload_offset().bytes(), plain.len());
        crypt.write_at(0, &plain).unwrap();
        assert!(bench.read(unlocked.payload_offset().bytes(), plain.len()) == before);
    }
}

#[test]
fn the_second_header_serves_when_the_first_is_damaged() {
    for (size, metadata) in [(0x4000, "16k"), (0x2_0000, "128k"), (0x40_0000, "4m")] {
        let bench = opens(&[PBKDF2, &["--luks2-metadata-size", metadata]].concat(), &key(32), b"pass");
        for (offset, len) in [(0, 6), (8, 8), (72, 6), (448, 4), (4100, 4), (0, 4096)] {
            let saved = bench.read(0, 0x4000);
            bench.damage(offset, len, 0xa5);
            let device = bench.device();
            let volume = Volume::open(&device, &LIMITS).unwrap();
            assert!(volume.one_header_stale());
            assert_eq!(volume.unlock(b"pass").unwrap().volume_key().unwrap(), key(32));
            device.write_at(0, &saved).unwrap();
        }
        bench.damage(size, 16, 0);
        let device = bench.device();
        assert!(Volume::open(&device, &LIMITS).unwrap().one_header_stale());
        bench.damage(4100, 4, 0xa5);
        assert!(matches!(Volume::open(&device, &LIMITS), Err(Error::Damaged(_))));
    }
}

#[test]
fn the_newer_header_wins_and_one_of_another_volume_is_a_conflict() {
    let bench = opens(PBKDF2, &key(32), b"old");
    let old = bench.read(0, 0x8000);
    let (old_key, new_key) = (bench.file("old", b"old"), bench.file("new", b"new"));
    let args = [&["luksAddKey", "--key-file", old_key.to_str().unwrap()], PBKDF2].concat();
    bench.cryptsetup(&args, &[&new_key]);
    let device = bench.device();
    for stale in [0, 0x4000] {
        let saved = bench.read(stale, 0x4000);
        device.write_at(stale, &old[stale as usize..][..0x4000]).unwrap();
        let volume = Volume::open(&device, &LIMITS).unwrap();
        assert!(volume.one_header_stale() && volume.slots() == [0, 1]);
        assert!(volume.unlock(b"new").is_ok());
        device.write_at(stale, &saved).unwrap();
    }
    let other = opens(PBKDF2, &key(32), b"other");
    device.write_at(0x4000, &other.read(0x4000, 0x4000)).unwrap();
    let message = Volume::open(&device, &LIMITS).unwrap_err().to_string();
    assert!(message.contains("different volumes"), "{message}");
}

#[test]
fn priorities_are_respected() {
    let bench = opens(PBKDF2, &key(32), b"zero");
    let (zero, one) = (bench.file("zero", b"zero"), bench.file("one", b"one"));
    let args = [&["luksAddKey", "--key-file", zero.to_str().unwrap()], PBKDF2].concat();
    bench.cryptsetup(&args, &[&one]);
    bench.cryptsetup(&args, &[&zero]);
    let device = bench.device();
    let slot =
        |key| Volume::open(&device, &LIMITS).unwrap().unlock(key).map(|unlocked| unlocked.slot().unwrap());
    assert_eq!(slot(b"zero").unwrap(), 0);
    bench.cryptsetup(&["config", "--priority", "prefer", "--key-slot", "2"], &[]);
    assert_eq!(slot(b"zero").unwrap(), 2);
    bench.cryptsetup(&["config", "--priority", "ignore", "--key-slot", "1"], &[]);
    assert!(matches!(slot(b"one"), Err(Error::WrongKey { tried: 2, .. })));
    let volume = Volume::open(&device, &LIMITS).unwrap();
    assert_eq!(volume.unlock_slot(1, b"one").unwrap().slot(), Some(1));
    assert!(matches!(volume.unlock_slot(7, b"one"), Err(Error::NoSuchSlot(7))));
}

#[test]
fn too_much_memory_is_refused_before_it_is_used() {
    let args = ["--pbkdf", "argon2id", "--pbkdf-memory", "4096", "--pbkdf-force-iterations", "4"];
    let bench = opens(&args, &key(32), b"pass");
    let device = bench.device();
    let volume = Volume::open(&device, &Limits::new(4095)).unwrap();
    let message = volume.unlock(b"pass").unwrap_err().to_string();
    assert!(message.contains("4096 KiB") && message.contains("4095 KiB"), "{message}");
    // A slot that is within the limits is tried all the same.
    let (pass, cheap) = (bench.file("pass", b"pass"), bench.file("cheap", b"cheap"));
    let args = [&["luksAddKey", "--key-file", pass.to_str().unwrap()], PBKDF2].concat();
    bench.cryptsetup(&args, &[&cheap]);
    let volume = Volume::open(&device, &Limits::new(4095)).unwrap();
    assert_eq!(volume.unlock(b"cheap").unwrap().slot(), Some(1));
    let Err(Error::WrongKey { tried: 1, left_out }) = volume.unlock(b"pass") else { panic!("no wrong key") };
    assert!(matches!(left_out[..], [Error::Memory { slot: 0, .. }]));
    // A volume key digest has a cost too.
    let limits = Limits { pbkdf2_iterations: 999, ..Limits::new(4096) };
    assert!(matches!(Volume::open(&device, &limits), Err(Error::Time { .. })));
}

/// What a header can ask for that must not be granted, one change of the metadata each.
#[test]
fn what_is_not_on_the_allow_list_is_refused() {
    use serde_json::{Value, json};
    let edits: &[(&str, Value, &str)] = &[
        ("/segments/0/encryption", json!("cipher_null-ecb"), "cipher_null-ecb"),
        ("/segments/0/encryption", json!("aes-cbc-essiv:sha256"), "aes-cbc-essiv"),
        ("/segments/0/type", json!("linear"), "linear"),
        ("/segments/0/flags", json!(["in-reencryption"]), "flags"),
        ("/segments/0/integrity", json!({"type": "hmac(sha256)"}), "integrity"),
        ("/segments/0/sector_size", json!(8192), "8192"),
        ("/segments/1", json!({"type": "linear", "offset": "0", "size": "512"}), "one segment"),
        ("/digests/0/hash", json!("\u{1b}[2Jmagic"), "digest 0"),
        ("/digests/0/digest", json!(""), "digest of 0 bytes"),
        ("/digests/0/segments", json!([]), "digest"),
        ("/config/requirements", json!({"mandatory": ["time-travel"]}), "time-travel"),
        ("/config/keyslots_size", json!("33554432"), "payload begins"),
        ("/config/json_size", json!("16384"), "16384"),
    ];
    for (pointer, value, word) in edits {
        let bench = opens(PBKDF2, &key(32), b"pass");
        bench.edit(|metadata| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            metadata.pointer_mut(parent).unwrap()[name] = value.clone();
        });
        let device = bench.device();
        let message = Volume::open(&device, &LIMITS).expect_err(pointer).to_string();
        assert!(message.contains(word) && !message.contains('\u{1b}'), "{pointer}: {message}");
    }
    let bench = opens(&["--type", "luks1", "--pbkdf-force-iterations", "1000"], &key(32), b"pass");
    bench.damage(8, 32, 0);
    bench
        .device()
        .write_at(0, &[&bench.read(0, 8), b"cipher_null".as_slice(), &bench.read(19, 493)].concat())
        .unwrap();
    let device = bench.device();
    assert!(matches!(Volume::open(&device, &LIMITS), Err(Error::Unsupported(_))));
}

#[test]
fn flags_become_options_of_dm_crypt() {
    let bench = opens(PBKDF2, &key(32), b"pass");
    bench.edit(|metadata| {
        metadata["config"]["flags"] = serde_json::json!(["allow-discards", "no-read-workqueue"])
    });
    let device = bench.device();
    let table = Volume::open(&device, &LIMITS).unwrap().unlock(b"pass").unwrap().table("8:3", "a:b").unwrap();
    assert_eq!(
        table.parameters,
        "aes-xts-plain64 :32:logon:a:b 0 8:3 32768 3 allow_discards no_read_workqueue sector_size:4096"
    );
}

#[test]
fn a_reencryption_that_was_begun_is_refused() {
    let bench = opens(PBKDF2, &key(32), b"pass");
    let key_file = bench.file("key", b"pass");
    let args = ["reencrypt", "--init-only", "--key-file", key_file.to_str().unwrap()];
    bench.cryptsetup(&[&args, PBKDF2].concat(), &[]);
    let device = bench.device();
    let error = Volume::open(&device, &LIMITS).unwrap_err();
    assert!(
        matches!(error, Error::Unsupported(_)) && error.to_string().contains("online-reencrypt"),
        "{error}"
    );
}

#[test]
fn no_luks_and_too_small() {
    for size in [0, 512, 4096, 0x4000, MIB] {
        let bench = Bench::new(size);
        let device = bench.device();
        assert!(matches!(Volume::open(&device, &LIMITS), Err(Error::NotLuks)), "{size} bytes");
    }
    let bench = opens(PBKDF2, &key(32), b"pass");
    let file = std::fs::File::options().write(true).open(&bench.volume).unwrap();
    file.set_len(16 * MIB).unwrap();
    let device = bench.device();
    let error = Volume::open(&device, &LIMITS).unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
}
