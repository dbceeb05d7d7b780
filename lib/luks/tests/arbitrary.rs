//! Whatever the bytes are, parsing answers and does not panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{COST, LIMITS, random};
use drydock_block::{MemoryDevice, SectorSize};
use drydock_luks::{FormatOptions, Volume, erase, format, parse};
use proptest::prelude::*;
use std::sync::LazyLock;

static VOLUME: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let device = MemoryDevice::new(1 << 20, SectorSize::S512);
    let options = FormatOptions { data_offset: 0x8000 + 258_048, ..FormatOptions::new(COST) };
    format(&device, b"pass", &options, &mut random(1)).unwrap();
    device.snapshot()
});

fn metadata() -> String {
    let end = 4096 + VOLUME[4096..].iter().position(|&b| b == 0).unwrap();
    String::from_utf8(VOLUME[4096..end].to_vec()).unwrap()
}

/// A value that could be trouble in some place of the metadata.
fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::json;
    prop_oneof![
        any::<u64>().prop_map(|n| json!(n)),
        any::<u64>().prop_map(|n| json!(n.to_string())),
        any::<u32>().prop_map(|n| json!(n)),
        ".{0,8}".prop_map(|text| json!(text)),
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!(-1)),
        Just(json!("18446744073709551615")),
        Just(json!("0")),
    ]
}

/// Replaces the `n`th value below `root`, counted in order.
fn replace(root: &mut serde_json::Value, n: &mut usize, with: &serde_json::Value) {
    use serde_json::Value;
    if *n == 0 {
        *root = with.clone();
    }
    *n = n.wrapping_sub(1);
    match root {
        Value::Object(all) => all.values_mut().for_each(|value| replace(value, n, with)),
        Value::Array(all) => all.iter_mut().for_each(|value| replace(value, n, with)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..6000), at in any::<u64>()) {
        let _ = parse::luks1_header(&bytes);
        let _ = parse::luks2_header(&bytes, at);
        let _ = parse::luks2_metadata(&bytes);
    }

    #[test]
    fn luks1_headers_with_random_numbers(
        cipher in prop_oneof![Just("aes"), Just("cipher_null")],
        numbers in proptest::collection::vec(prop_oneof![any::<u32>(), 0u32..9000], 112),
    ) {
        let mut header = vec![0; 592];
        for (place, number) in header[104..].chunks_exact_mut(4).zip(&numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        header[..8].copy_from_slice(b"LUKS\xba\xbe\0\x01");
        header[8..8 + cipher.len()].copy_from_slice(cipher.as_bytes());
        header[40..51].copy_from_slice(b"xts-plain64");
        header[72..76].copy_from_slice(b"sha1");
        header[108..112].copy_from_slice(&32u32.to_be_bytes());
        let _ = parse::luks1_header(&header);
    }

    #[test]
    fn metadata_with_one_value_replaced(mut n in 0usize..60, with in value()) {
        let mut value = serde_json::from_str(&metadata()).unwrap();
        replace(&mut value, &mut n, &with);
        let _ = parse::luks2_metadata(value.to_string().as_bytes());
    }

    #[test]
    fn metadata_with_some_bytes_replaced(edits in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4)) {
        let mut text = metadata().into_bytes();
        for (at, byte) in edits {
            let at = at % text.len();
            text[at] = byte;
        }
        let _ = parse::luks2_metadata(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// On the device: whatever is damaged in one header, the volume opens; whatever the damage, nothing panics.
    #[test]
    fn damaged_headers(
        first in proptest::collection::vec((0usize..0x4000, any::<u8>()), 0..4),
        second in proptest::collection::vec((0x4000usize..0x8000, any::<u8>()), 0..4),
        both in any::<bool>(),
    ) {
        let mut bytes = VOLUME.clone();
        for (at, byte) in first.into_iter().chain(second.into_iter().filter(|_| both)) {
            bytes[at] = byte;
        }
        let device = MemoryDevice::from_bytes(bytes, SectorSize::S512);
        let opened = Volume::open(&device, &LIMITS);
        prop_assert!(both || opened.is_ok());
        erase(&device).unwrap();
        prop_assert!(!Volume::open(&device, &LIMITS).is_ok_and(|volume| volume.unlock(b"pass").is_ok()));
    }
}

#[test]
fn too_much_metadata_is_refused_before_it_is_parsed() {
    let text = format!("[{}]", "[],".repeat(60_000));
    let message = parse::luks2_metadata(text.as_bytes()).unwrap_err().to_string();
    assert!(message.contains("180002 bytes"), "{message}");
    let deep = "[".repeat(100_000);
    assert!(parse::luks2_metadata(deep.as_bytes()).is_err());
}
