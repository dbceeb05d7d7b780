//! Frames that lie, and an image whose frames lie in more than one member.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::trust;
use drydock_bundle::keys::PrivateKey;
use drydock_fixtures::noise;
use drydock_format::frames::{Decoder, MAX_WINDOW};
use drydock_format::manifest::{Format, PART};
use drydock_format::signature::{MEMBER_SIZE, add};
use drydock_format::tar::{Header, padded};
use drydock_format::tree::{GROUP, Hasher, build};
use drydock_format::{Bundle, FrameFault, Image, Manifest, Member, Salt};
use proptest::prelude::*;
use std::os::unix::fs::FileExt;
use zstd_safe::{CCtx, CParameter};

fn compress(data: &[u8], parameters: &[CParameter]) -> Vec<u8> {
    let mut context = CCtx::create();
    for &parameter in parameters {
        context.set_parameter(parameter).unwrap();
    }
    let mut out = vec![0; zstd_safe::compress_bound(data.len())];
    let len = context.compress2(out.as_mut_slice(), data).unwrap();
    out.truncate(len);
    out
}

fn decode(frame: &[u8], len: usize) -> Result<Vec<u8>, FrameFault> {
    let mut out = vec![0; len];
    Decoder::new().decode(frame, &mut out).map(|()| out)
}

#[test]
fn what_zstd_makes_is_unpacked() {
    for data in [vec![0; 4 << 20], noise(1 << 20, 1), noise(100, 2), vec![7; 256], vec![7; 70_000]] {
        for parameters in [
            &[][..],
            &[CParameter::ChecksumFlag(true)],
            &[CParameter::ContentSizeFlag(false)],
            &[
                CParameter::WindowLog(23),
                CParameter::ContentSizeFlag(false),
                CParameter::CompressionLevel(19),
            ],
        ] {
            assert!(decode(&compress(&data, parameters), data.len()).unwrap() == data, "{parameters:?}");
        }
    }
}

#[test]
fn a_frame_that_lies_is_refused() {
    let data = vec![5; 300_000];
    let anonymous = compress(&data, &[CParameter::ContentSizeFlag(false)]);
    let sized = compress(&data, &[]);
    assert_eq!(decode(&anonymous, 299_999), Err(FrameFault::Inflates { expected: 299_999 }));
    assert_eq!(decode(&anonymous, 300_001), Err(FrameFault::Short { got: 300_000, expected: 300_001 }));
    let wrong = FrameFault::WrongSize { stated: 300_000, expected: 299_999 };
    assert_eq!(decode(&sized, 299_999), Err(wrong));

    let mut huge = anonymous.clone();
    huge[5] = 14 << 3;
    assert_eq!(decode(&huge, data.len()), Err(FrameFault::HugeWindow { window: 16 << 20 }));
    huge[5] = 13 << 3 | 1;
    assert_eq!(decode(&huge, data.len()), Err(FrameFault::HugeWindow { window: MAX_WINDOW + (1 << 20) }));
    huge[5] = 0xff;
    assert!(matches!(decode(&huge, data.len()), Err(FrameFault::HugeWindow { .. })));
    huge[5] = 13 << 3;
    assert!(decode(&huge, data.len()).unwrap() == data);

    let two = [&sized[..], &sized[..]].concat();
    assert_eq!(decode(&two, data.len()), Err(FrameFault::NotOneFrame));
    assert_eq!(decode(&[&sized[..], b"x"].concat(), data.len()), Err(FrameFault::NotOneFrame));
    assert_eq!(decode(&sized[..sized.len() - 1], data.len()), Err(FrameFault::NotOneFrame));
    assert_eq!(decode(&sized[..5], data.len()), Err(FrameFault::NotOneFrame));
    assert_eq!(decode(b"", 0), Err(FrameFault::NotZstd));
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &sized].concat();
    assert_eq!(decode(&skippable, data.len()), Err(FrameFault::NotZstd));
    let dictionary = [&[0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 0x09][..], &anonymous[6..]].concat();
    assert_eq!(decode(&dictionary, data.len()), Err(FrameFault::Dictionary));
    let reserved = [&[0x28, 0xb5, 0x2f, 0xfd, 0x08][..], &anonymous[5..]].concat();
    assert!(matches!(decode(&reserved, data.len()), Err(FrameFault::Corrupt { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(mut frame in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..5000) {
        let _ = decode(&frame, len);
        frame.splice(0..0, [0x28, 0xb5, 0x2f, 0xfd]);
        let _ = decode(&frame, len);
    }

    #[test]
    fn a_damaged_frame_is_survived(at in 0usize..5000, flip in 1u8..) {
        let data = [noise(5000, 3), vec![1; 5000]].concat();
        let mut frame = compress(&data, &[]);
        frame[at] ^= flip;
        let _ = decode(&frame, data.len());
    }
}

/// 4 MiB of zeros in raw blocks: a frame longer than its data, so that few of them fill 2 GiB.
fn raw_frame() -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend((4u32 << 20).to_le_bytes());
    for last in [vec![0u32; 31], vec![1]].concat() {
        frame.extend(&((128u32 << 10) << 3 | last).to_le_bytes()[..3]);
        frame.resize(frame.len() + (128 << 10), 0);
    }
    frame
}

#[test]
fn a_frame_is_read_across_the_parts_of_a_split_member() {
    let key = PrivateKey::generate().unwrap();
    let frame = raw_frame();
    let (count, len) = (600u64, frame.len() as u64);
    let salt = Salt::default();
    let zeros = Hasher::new(&salt).group_digest(&vec![0; GROUP]);
    let (root_hash, groups) = build(&salt, &vec![zeros; 8 * count as usize]);
    let table = (len as u32).to_le_bytes().repeat(count as usize);
    let sizes = [groups.len() as u64, table.len() as u64, PART, count * len - PART];
    let member = |(name, size): (&str, u64)| Member { name: name.into(), size, sha256: None };
    let (name, size) = ("x".to_string(), count * (4 << 20));
    let mut manifest = Manifest {
        drydock: Format::V1,
        compatible: "x".into(),
        version: "1".into(),
        security_version: 0,
        min_recovery: 1,
        images: vec![Image { class: name.clone(), name, size, salt, root_hash, frame_size: 4 << 20 }],
        pins: Vec::new(),
        members: ["x.groups", "x.frames", "x.zst.0", "x.zst.1"].into_iter().zip(sizes).map(member).collect(),
        deltas: Vec::new(),
        hooks: vec![],
        critical: Vec::new(),
    };
    let bytes = manifest.to_bytes();
    let signatures = add(&[b'\n'; MEMBER_SIZE], &key.sign(&bytes).unwrap()).unwrap();

    let file = tempfile::tempfile().unwrap();
    let mut at = 0;
    let mut starts = Vec::new();
    let front = [("manifest.json", bytes.len() as u64), ("manifest.sig", MEMBER_SIZE as u64)].map(member);
    for Member { name, size, .. } in front.iter().chain(&manifest.members) {
        file.write_all_at(&Header { name: name.clone(), size: *size }.encode(), at).unwrap();
        starts.push(at + 512);
        at += 512 + padded(*size);
    }
    file.set_len(at + 1024).unwrap();
    for (start, content) in starts.iter().zip([&bytes[..], &signatures, &groups, &table]) {
        file.write_all_at(content, *start).unwrap();
    }
    let across = PART / len;
    let before = (PART - across * len) as usize;
    assert!(before > 0 && before < frame.len());
    file.write_all_at(&frame[..before], starts[4] + across * len).unwrap();
    file.write_all_at(&frame[before..], starts[5]).unwrap();

    let bundle = Bundle::open(drydock_files::FileBytes(file), &trust(&[&key], 1)).unwrap();
    let reader = bundle.image("x").unwrap();
    let (mut buf, mut out) = (Vec::new(), vec![1; 4 << 20]);
    reader.read_frame(across, &mut buf).unwrap();
    assert!(buf == frame);
    reader.unpack(&mut Decoder::new(), across, &buf, &mut out).unwrap();
    reader.prove(across, &out).unwrap();
    reader.read_frame(count - 1, &mut buf).unwrap();
    assert_eq!(buf.len(), frame.len());

    let refused = |manifest: &Manifest| assert!(manifest.check().is_err(), "{:?}", manifest.members);
    manifest.members[2].size -= 1;
    manifest.members[3].size += 1;
    refused(&manifest);
    manifest.members[2].size = PART;
    manifest.members[3].size = 0;
    refused(&manifest);
    manifest.members.pop();
    refused(&manifest);
    manifest.members[2] = Member { name: "x.zst".into(), size: PART + 1, sha256: None };
    refused(&manifest);
}
