//! Bundles that must not be installed: each ends in the old system, with the reason where a person finds it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{MOMENTS, Spares, WORKSHOP, device, parts, refused, refused_from, untouched};
use drydock_config::{Role, SlotClass};
use drydock_engine::live;
use drydock_engine::recover::Next;
use drydock_engine::update::Look;
use drydock_fixtures::Parts;
use drydock_format::{MANIFEST, ReadAt, SIGNATURES, sha256};
use drydock_simulator::device::{Boot, End, SimDevice};
use drydock_simulator::workshop::COMPATIBLE;
use drydock_state::SetName;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Version 3 with another manifest, signed by who may.
fn with_manifest(change: impl Fn(String) -> String) -> Vec<u8> {
    let mut parts = parts();
    let manifest = change(parts.manifest());
    parts.sign(manifest.as_bytes(), &[&WORKSHOP.keys[0]]);
    parts.bytes()
}

/// Version 3 with one bit of a member changed.
fn with_flipped_bit(member: &str, at: usize) -> Vec<u8> {
    let mut parts = parts();
    parts.get(member)[at] ^= 1;
    parts.bytes()
}

/// Version 3 with another last frame of the root image, stated in the signed manifest.
fn with_last_frame(frame: &[u8]) -> Vec<u8> {
    let mut parts = parts();
    let table = parts.get("root.frames").clone();
    let (first, last) = table.split_at(table.len() - 4);
    let old = u32::from_le_bytes(last.try_into().unwrap()) as usize;
    *parts.get("root.frames") = [first, &(frame.len() as u32).to_le_bytes()].concat();
    let data = parts.get("root.zst");
    let before = data.len();
    data.truncate(before - old);
    data.extend(frame);
    let after = data.len();
    let member = |size| format!(r#"{{"name":"root.zst","size":{size}}}"#);
    let manifest = parts.manifest().replace(&member(before), &member(after));
    parts.sign(manifest.as_bytes(), &[&WORKSHOP.keys[0]]);
    parts.bytes()
}

/// A zstd frame (RFC 8878) that does not state its size: a window descriptor, and one block.
fn frame(window: u8, kind: u32, size: u32, bytes: &[u8]) -> Vec<u8> {
    let block = (size << 3 | kind << 1 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, window][..], &block[..3], bytes].concat()
}

/// A device on which two keys must sign, and one of them has to be key 1.
fn wants_two() -> SimDevice<'static> {
    let mut device = device();
    let hex = |key: &drydock_bundle::keys::PrivateKey| key.public().unwrap().to_string();
    device.config.signatures.keys = WORKSHOP.keys.iter().take(2).map(hex).collect();
    device.config.signatures.threshold = 2;
    device
}

#[test]
fn signatures() {
    let changed = with_flipped_bit(MANIFEST, parts().manifest().find("\"3\"").unwrap() + 1);
    refused("changed after signing", changed, &["signature of key", "wrong for this manifest"], Spares::Both);

    let mut unknown = parts();
    let manifest = unknown.manifest();
    unknown.sign(manifest.as_bytes(), &[&WORKSHOP.keys[2]]);
    refused("an unknown key", unknown.bytes(), &["unknown keys"], Spares::Both);

    let mut none = parts();
    none.sign(manifest.as_bytes(), &[]);
    refused("not signed", none.bytes(), &["there are none"], Spares::Both);

    let digest = sha256(&WORKSHOP.version("3").manifest);
    let mut one = parts();
    one.sign(manifest.as_bytes(), &[&WORKSHOP.keys[0]]);
    let one = Arc::new(one.bytes());
    refused_from(wants_two(), "too few", one, digest, &["1 of the 2 keys"], Spares::Both);

    let mut twice = parts();
    let line = twice.get(SIGNATURES).split(|&b| b == b'\n').next().unwrap().to_vec();
    let mut lines = [&line[..], b"\n", &line].concat();
    lines.resize(4096, b'\n');
    *twice.get(SIGNATURES) = lines;
    let twice = Arc::new(twice.bytes());
    refused_from(wants_two(), "one key twice", twice, digest, &["1 of the 2 keys"], Spares::Both);
}

#[test]
fn manifests() {
    let cases: [(&str, Vec<u8>, &[&str]); 6] = [
        ("not JSON", with_manifest(|text| text.replace("\"version\":", "\"version\"=")), &["not JSON"]),
        ("too large", with_manifest(|text| text + &" ".repeat(1 << 20)), &["too large"]),
        (
            "duplicate keys",
            with_manifest(|text| text.replace("\"version\":", "\"version\":\"9\",\"version\":")),
            &["duplicate key", "version"],
        ),
        (
            "an unknown critical field",
            with_manifest(|text| text.replace("\"critical\":[]", "\"critical\":[\"moon-phase\"]")),
            &["unknown critical field", "moon-phase", "update the recovery"],
        ),
        (
            "for another device",
            with_manifest(|text| text.replace(COMPATIBLE, "other-pump")),
            &["is for `other-pump`", COMPATIBLE],
        ),
        (
            "needs a newer recovery",
            with_manifest(|text| text.replace("\"min_recovery\":1", "\"min_recovery\":7")),
            &["recovery protocol 7"],
        ),
    ];
    for (name, bundle, words) in cases {
        refused(name, bundle, words, Spares::Both);
    }
    let older = WORKSHOP.version("1").bundle.to_vec();
    refused("an older security version", older, &["security version 1", "floor 2"], Spares::Both);
}

#[test]
fn another_bundle_than_the_one_that_was_staged() {
    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged_again.clone());
    let exchanged = with_manifest(|text| text.replace("\"version\":\"3\"", "\"version\":\"4\""));
    device.bundles.insert("3.drydock".into(), Arc::new(exchanged));
    common::fails(&device, "exchanged", &["the intent means", "was exchanged"], Spares::Both);
}

#[test]
fn members() {
    let without = |name: &str| {
        let mut parts = parts();
        let index = parts.index(name);
        parts.members.remove(index);
        parts.bytes()
    };
    for name in ["manifest.sig", "boot.frames", "root.groups", "root.frames", "root.zst"] {
        refused(&format!("without {name}"), without(name), &[name, "is missing"], Spares::Both);
    }
    let mut swapped = parts();
    let index = swapped.index("root.groups");
    swapped.members.swap(index, index + 1);
    refused("reordered", swapped.bytes(), &["root.groups", "out of order"], Spares::Both);

    let mut longer = parts();
    longer.get("root.zst").push(0);
    refused("longer than stated", longer.bytes(), &["root.zst", "longer than the stated"], Spares::Both);

    let mut shorter = parts();
    shorter.get("root.zst").pop();
    refused("shorter than stated", shorter.bytes(), &["root.zst", "truncated"], Spares::Both);

    let whole = parts().bytes();
    for len in [1000, 6000, whole.len() / 2, whole.len() - 600] {
        let digest = sha256(&WORKSHOP.version("3").manifest);
        let cut = Arc::new(whole[..len].to_vec());
        let name = format!("cut off at {len}");
        refused_from(device(), &name, cut, digest, &["truncated"], Spares::Both);
    }
    let mut trailing = whole;
    trailing.extend([7; 512]);
    refused("something behind its end", trailing, &["does not end"], Spares::Both);
}

#[test]
fn flipped_bits() {
    let known: [(&str, &str, usize, &[&str]); 5] = [
        ("the manifest", MANIFEST, 100, &["wrong for this manifest"]),
        ("a signature", SIGNATURES, 90, &["signature"]),
        ("the hash tree", "root.groups", 40, &["root.groups", "damaged"]),
        ("the padding of the hash tree", "root.groups", 4000, &["root.groups", "damaged"]),
        ("the frame table", "root.frames", 1, &["root.frames", "damaged"]),
    ];
    for (name, member, at, words) in known {
        refused(name, with_flipped_bit(member, at), words, Spares::Both);
    }
    let mut header = parts().bytes();
    let name = header.windows(12).position(|bytes| bytes == b"root.frames\0").unwrap();
    header[name + 1] ^= 1;
    refused("a tar header", header, &["no valid tar header", "root.frames"], Spares::Both);

    let size = parts().get("root.zst").len();
    for at in [0, 5, size / 2, size - 20] {
        let name = format!("byte {at} of the image");
        refused(&name, with_flipped_bit("root.zst", at), &["root"], Spares::Both);
    }
    refused("the first image", with_flipped_bit("boot.zst", 100), &["boot"], Spares::Both);
}

#[test]
fn frames() {
    let (raw, repeated) = (0, 1);
    // The last frame has a place of 16 KiB.
    let bomb = frame(0x38, repeated, 128 << 10, &[0]);
    refused("a bomb", with_last_frame(&bomb), &["root.zst", "inflates beyond the 16384"], Spares::Both);
    let window = frame(0x70, raw, 16 << 10, &[1; 16 << 10]);
    refused("a huge window", with_last_frame(&window), &["window of 16777216 bytes"], Spares::Both);
    let short = frame(0x38, repeated, 4096, &[0]);
    refused("too short", with_last_frame(&short), &["holds 4096 bytes", "16384"], Spares::Both);
    let other = frame(0x38, repeated, 16 << 10, &[0]);
    refused("of something else", with_last_frame(&other), &["not what was signed"], Spares::Both);
}

#[test]
fn slots() {
    let [boot, root] = WORKSHOP.images("4");
    let large =
        WORKSHOP.bundle("4", 4, &[boot.clone(), ("root", [root.1.clone(), vec![0; 256 << 10]].concat())]);
    refused("larger than its slot", large, &["image root needs", "slot root-a has"], Spares::Both);
    let only_root = WORKSHOP.bundle("4", 4, std::slice::from_ref(&root));
    refused("a class left out", only_root, &["class `boot`", "as a whole or not at all"], Spares::Both);
    let extra = WORKSHOP.bundle("4", 4, &[boot, root, ("extra", vec![1; 8192])]);
    refused("a class that is not known", extra.clone(), &["class `extra`", "no such slots"], Spares::Both);

    let mut device = device();
    device.config.slots.push(SlotClass::new("extra", Role::Boot));
    let digest = sha256(Parts::of(&extra).get(MANIFEST));
    let words = ["partition extra-a is missing"];
    refused_from(device, "a slot that is not there", Arc::new(extra), digest, &words, Spares::Both);
}

/// A medium that is pulled out: from some place on nothing can be read, or after so many reads.
struct PulledOut {
    bytes: Vec<u8>,
    readable: usize,
}

impl ReadAt for PulledOut {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset as usize + buf.len() > self.readable {
            return Err(io::Error::from_raw_os_error(5));
        }
        ReadAt::read_at(&self.bytes, offset, buf)
    }
}

#[test]
fn a_medium_that_is_pulled_out() {
    let bytes = parts().bytes();
    let digest = sha256(&WORKSHOP.version("3").manifest);
    let places =
        [(0, Spares::Both), (800, Spares::Both), (5000, Spares::Both), (bytes.len() - 2000, Spares::Both)];
    for (readable, spares) in places {
        let source = Arc::new(PulledOut { bytes: bytes.clone(), readable });
        let name = format!("readable up to {readable}");
        refused_from(device(), &name, source, digest, &["check the medium"], spares);
    }

    // Pulled out while its frames are read. What is overwritten is a good set, so it is not touched before every frame was
    // read once.
    let mut spared = Vec::new();
    loop {
        let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged_again.clone());
        let left = AtomicUsize::new(spared.len());
        device.bundles.insert("3.drydock".into(), Arc::new(PulledOutLater { bytes: bytes.clone(), left }));
        let before = device.disk.view();
        if device.boot() == Boot::Recovered(Next::Reboot(SetName::A)) {
            break;
        }
        let reason = device.record().unwrap().history.last().unwrap().reason.clone();
        assert!(reason.contains("root.zst") && reason.contains("check the medium"), "{reason}");
        assert!(untouched(&device, &before, SetName::B));
        spared.push(untouched(&device, &before, SetName::A));
        assert_eq!(device.run(), End::Up(SetName::B));
        assert_eq!(device.violations(), Vec::<String>::new());
    }
    assert!(spared.contains(&true) && spared.contains(&false), "it is read twice: {spared:?}");
    assert!(spared.is_sorted_by(|earlier, later| earlier >= later), "{spared:?}");

    let mut device = SimDevice::new(&WORKSHOP, MOMENTS.staged_again.clone());
    device.bundles.remove("3.drydock");
    common::fails(&device, "never put in", &["3.drydock", "missing"], Spares::Both);
}

/// A medium that is pulled out after so many reads of frames: short reads still come from a cache.
struct PulledOutLater {
    bytes: Vec<u8>,
    left: AtomicUsize,
}

impl ReadAt for PulledOutLater {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let less = |left: usize| left.checked_sub(1);
        if buf.len() > 40_000 && self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err() {
            return Err(io::Error::from_raw_os_error(5));
        }
        ReadAt::read_at(&self.bytes, offset, buf)
    }
}

#[test]
fn only_the_very_bytes_that_were_proven_are_not_read_twice() {
    let contents = || Arc::new(PulledOutLater { bytes: parts().bytes(), left: AtomicUsize::new(usize::MAX) });
    let reads = |look, staged: &Arc<PulledOutLater>, then: &Arc<PulledOutLater>| {
        let mut device = device();
        device.bundles.insert(common::PATH.into(), staged.clone());
        device.live(|machine| live::stage(machine, common::source(), look)).unwrap();
        device.bundles.insert(common::PATH.into(), then.clone());
        let before = then.left.load(Ordering::Relaxed);
        assert_eq!(device.boot(), Boot::Recovered(Next::Reboot(SetName::A)));
        before - then.left.load(Ordering::Relaxed)
    };
    let staged = contents();
    let once = reads(Look::Whole, &staged, &staged);
    assert!(once > 0);
    assert_eq!(reads(Look::Quick, &staged, &staged), 2 * once, "it was never read as a whole");
    assert_eq!(reads(Look::Whole, &staged, &contents()), 2 * once, "it is another file");
}
