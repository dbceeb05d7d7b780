//! Key slots that drydock does not know: left alone, left out, and named where they are missed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Bench, COST, LIMITS, PBKDF2, key, random};
use drydock_block::{BlockDevice, Flush, SectorSize, is_zero};
use drydock_files::FileDevice;
use drydock_luks::{Error, Volume, erase};
use serde_json::{Value, json};
use std::io;

const MIB: u64 = 1 << 20;

/// A volume whose key slot 0 opens with `key`, and which an administrator has given a key slot 1 for `rescue`.
fn with_rescue_key(how: &[&str]) -> Bench {
    let bench = Bench::new(20 * MIB);
    bench.luks_format(PBKDF2, &key(64), b"key");
    add(&bench, b"rescue", how);
    bench
}

fn add(bench: &Bench, new: &[u8], how: &[&str]) {
    let (old, new) = (bench.file("old", b"key"), bench.file("new", new));
    let args = [&["luksAddKey", "--key-file", old.to_str().unwrap()], how, PBKDF2].concat();
    bench.cryptsetup(&args, &[&new]);
}

fn slot_of(bench: &Bench, key: &[u8]) -> Result<u32, Error> {
    Volume::open(&bench.device(), &LIMITS)?.unlock(key).map(|unlocked| unlocked.slot().unwrap())
}

/// What cryptsetup makes and drydock does not know, and the word that says so.
const UNKNOWN: [(&[&str], &str); 3] = [
    (&["--hash", "sha3-512"], "sha3-512"),
    (&["--hash", "blake2b-512"], "blake2b-512"),
    (&["--keyslot-cipher", "aes-cbc-plain64", "--keyslot-key-size", "256"], "aes-cbc-plain64"),
];

#[test]
fn a_volume_opens_whatever_other_key_slots_it_has_and_they_are_named_where_no_other_fits() {
    for (how, word) in UNKNOWN {
        let bench = with_rescue_key(how);
        assert_eq!(slot_of(&bench, b"key").unwrap(), 0, "{how:?}");
        for wrong in [&b"rescue"[..], b"wrong"] {
            let error = slot_of(&bench, wrong).unwrap_err();
            assert!(matches!(error, Error::WrongKey { tried: 1, .. }), "{error}");
            assert!(error.to_string().contains("key slot 1") && error.to_string().contains(word), "{error}");
        }
        let device = bench.device();
        let only = Volume::open(&device, &LIMITS).unwrap().unlock_slot(1, b"rescue").unwrap_err();
        assert!(only.to_string().contains(word), "{only}");
        // One that is to be ignored is not missed.
        bench.cryptsetup(&["config", "--priority", "ignore", "--key-slot", "1"], &[]);
        let error = slot_of(&bench, b"wrong").unwrap_err();
        assert!(!error.to_string().contains(word), "{error}");
    }
}

#[test]
fn no_change_of_key_slots_touches_one_that_is_not_understood() {
    for (how, _) in UNKNOWN {
        let bench = with_rescue_key(how);
        let dump = |bench: &Bench| -> Value {
            serde_json::from_str(&bench.cryptsetup(&["luksDump", "--dump-json-metadata"], &[])).unwrap()
        };
        let before = dump(&bench)["keyslots"]["1"].clone();
        let number = |name: &str| before["area"][name].as_str().unwrap().parse::<u64>().unwrap();
        let material = |bench: &Bench| bench.read(number("offset"), number("size") as usize);
        let material_before = material(&bench);
        let unchanged = |bench: &Bench, after: &str| {
            assert_eq!(dump(bench)["keyslots"]["1"], before, "{how:?} after {after}");
            assert!(material(bench) == material_before, "{how:?} after {after}");
            assert!(bench.opens(b"rescue"), "{how:?} after {after}");
        };

        let device = bench.device();
        let mut volume = Volume::open(&device, &LIMITS).unwrap();
        let unlocked = volume.unlock(b"key").unwrap();
        assert_eq!(volume.add_key(&unlocked, b"two", COST, &mut random(1)).unwrap(), 2);
        unchanged(&bench, "add_key");
        volume.change_key(b"key", b"new", COST, &mut random(2)).unwrap();
        unchanged(&bench, "change_key");
        volume.destroy_slot(2).unwrap();
        unchanged(&bench, "destroy_slot");
        bench.damage(0, 4096, 0xa5);
        Volume::open(&device, &LIMITS).unwrap().repair().unwrap();
        unchanged(&bench, "repair");
        assert!(bench.opens(b"new") && !bench.opens(b"key") && !bench.opens(b"two"));

        // By its number it can be destroyed, and an erase leaves nothing of it.
        let mut volume = Volume::open(&device, &LIMITS).unwrap();
        assert!(matches!(volume.destroy_slot(0), Err(Error::LastKeySlot(0))));
        volume.destroy_slot(1).unwrap();
        assert!(!bench.opens(b"rescue") && bench.opens(b"new") && is_zero(&material(&bench)));
        let bench = with_rescue_key(how);
        bench.edit(|metadata| metadata["digests"]["0"]["keyslots"] = json!(["1"]));
        assert!(
            !Volume::open(&bench.device(), &LIMITS).unwrap().is_erased(),
            "somebody has the key of key slot 1"
        );
        erase(&bench.device()).unwrap();
        assert!(Volume::open(&bench.device(), &LIMITS).unwrap().is_erased());
        assert!(!bench.opens(b"rescue") && is_zero(&material(&bench)));
    }
}

/// What a key slot can say that is not understood, or contradicts itself, and the field that is named.
#[test]
fn every_field_of_a_key_slot_that_is_not_understood_is_named() {
    let edits: &[(&str, Value, &str)] = &[
        ("/area/encryption", json!("cipher_null-ecb"), "area: cipher \"cipher_null-ecb\""),
        ("/area/type", json!("raw2"), "area: unknown variant `raw2`"),
        ("/area/offset", json!("16384"), "area: it is no place"),
        ("/area/offset", json!("18446744073709551615"), "area: it is no place"),
        ("/area/size", json!("4096"), "area: it is no place"),
        ("/area/key_size", json!(16), "area: key of 16 bytes"),
        ("/kdf/type", json!("scrypt"), "kdf: unknown variant `scrypt`"),
        ("/kdf/hash", json!("whirlpool"), "kdf: hash \"whirlpool\""),
        ("/kdf/hash", json!("\u{1b}[2Jmagic"), "kdf: hash"),
        ("/af/hash", json!("whirlpool"), "af: hash \"whirlpool\""),
        ("/af/stripes", json!(1), "af: 1 stripes"),
        ("/af", json!(null), "af: "),
        ("/type", json!("reencrypt"), "type: unknown variant `reencrypt`"),
        ("/key_size", json!(16), "key_size: key of 16 bytes"),
        ("/priority", json!(3), "priority: "),
        ("/wavelength", json!(3), "field \"wavelength\""),
    ];
    for (pointer, value, words) in edits {
        let bench = Bench::new(20 * MIB);
        bench.luks_format(PBKDF2, &key(64), b"key");
        add(&bench, b"rescue", &[]);
        bench.edit(|metadata| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            metadata["keyslots"]["1"].pointer_mut(parent).unwrap()[name] = value.clone();
        });
        assert_eq!(slot_of(&bench, b"key").unwrap(), 0, "{pointer}");
        let message = slot_of(&bench, b"rescue").unwrap_err().to_string();
        assert!(message.contains("key slot 1") && message.contains(words), "{pointer}: {message}");
        assert!(!message.contains('\u{1b}'), "{pointer}: {message}");
        // Without the other one there is nothing to try.
        bench.edit(|metadata| metadata["digests"]["0"]["keyslots"] = json!(["1"]));
        let message = slot_of(&bench, b"key").unwrap_err().to_string();
        assert!(message.contains("key slot 1") && message.contains(words), "{pointer}: {message}");
    }
}

#[test]
fn nothing_is_written_beside_a_key_slot_that_could_lie_anywhere() {
    for place in
        [json!({"type": "raw"}), json!({"type": "raw", "offset": "18446744073709551615", "size": "4096"})]
    {
        let bench = with_rescue_key(&[]);
        bench.edit(|metadata| metadata["keyslots"]["1"]["area"] = place.clone());
        let before = bench.read(0, 16 << 20);
        let device = bench.device();
        let mut volume = Volume::open(&device, &LIMITS).unwrap();
        let unlocked = volume.unlock(b"key").unwrap();
        for refused in [
            volume.add_key(&unlocked, b"two", COST, &mut random(1)),
            volume.change_key(b"key", b"new", COST, &mut random(1)),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("key slot 1") && message.contains("where it lies"), "{message}");
        }
        assert!(bench.read(0, 16 << 20) == before);
        erase(&device).unwrap();
        assert!(is_zero(&bench.read(0x8000, 15 << 20)));
    }
}

#[test]
fn what_is_about_other_keys_and_about_speed_need_not_be_understood() {
    let bench = with_rescue_key(&[]);
    bench.edit(|metadata| {
        metadata["digests"]["1"] = json!({"type": "sealed", "keyslots": [], "segments": []});
        metadata["config"]["flags"] = json!(["allow-discards", "faster-than-light"]);
        metadata["tokens"]["0"] = json!({"type": "note", "keyslots": ["1"]});
    });
    let device = bench.device();
    let unlocked = Volume::open(&device, &LIMITS).unwrap().unlock(b"key").unwrap();
    assert_eq!(unlocked.options(), ["allow_discards"]);
    // cryptsetup overlooks such a flag as well.
    bench.edit(|metadata| drop(metadata["digests"].as_object_mut().unwrap().remove("1")));
    assert!(bench.opens(b"key"));
}

#[test]
fn a_luks1_key_slot_that_is_not_as_it_should_be_is_left_out() {
    let luks1 = ["--type", "luks1", "--pbkdf-force-iterations", "1000"];
    for (field, words) in
        [(0, "unknown state 0x7070707"), (40, "between header and payload"), (44, "stripes")]
    {
        let bench = Bench::new(20 * MIB);
        bench.luks_format(&luks1, &key(64), b"key");
        let (old, new) = (bench.file("old", b"key"), bench.file("new", b"rescue"));
        let args = ["luksAddKey", "--pbkdf-force-iterations", "1000", "--key-file", old.to_str().unwrap()];
        bench.cryptsetup(&args, &[&new]);
        assert_eq!(slot_of(&bench, b"rescue").unwrap(), 1);
        bench.damage(208 + 48 + field, 4, 7);
        assert_eq!(slot_of(&bench, b"key").unwrap(), 0);
        let message = slot_of(&bench, b"rescue").unwrap_err().to_string();
        assert!(message.contains("key slot 1") && message.contains(words), "{message}");
    }
}

/// A device with a bad sector.
struct BadAt(FileDevice, u64);

impl BlockDevice for BadAt {
    fn size(&self) -> u64 {
        self.0.size()
    }
    fn sector_size(&self) -> SectorSize {
        SectorSize::S512
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match (offset..offset + buf.len() as u64).contains(&self.1) {
            true => Err(io::Error::other("medium error")),
            false => self.0.read_at(offset, buf),
        }
    }
    fn write_at(&self, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, buf)
    }
    fn flush(&self, guard: Flush) -> io::Result<()> {
        self.0.flush(guard)
    }
    fn discard(&self, offset: u64, len: u64) -> io::Result<()> {
        self.0.discard(offset, len)
    }
}

#[test]
fn a_key_slot_that_cannot_be_read_keeps_no_other_from_being_tried() {
    let bench = with_rescue_key(&[]);
    let device = BadAt(bench.device(), 0x8000 + 512);
    let volume = Volume::open(&device, &LIMITS).unwrap();
    assert_eq!(volume.unlock(b"rescue").unwrap().slot(), Some(1));
    let error = volume.unlock(b"key").unwrap_err();
    assert!(matches!(error, Error::WrongKey { tried: 1, .. }), "{error}");
    assert!(error.to_string().contains("medium error"), "{error}");
}
