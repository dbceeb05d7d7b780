//! What is found in files, and what is left alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{by_the_tool, gzip, lz4, packed, programs, text, unpacked};
use drydock_repack::{Packing, recognise};
use std::fs;
use std::process::Command;

/// A kernel for x86 as Linux's build makes it, with this payload.
fn kernel(payload: &[u8]) -> Vec<u8> {
    let sectors = 39;
    let mut setup = text((sectors + 1) * 512);
    setup[0x1f1] = sectors as u8;
    setup[0x202..0x206].copy_from_slice(b"HdrS");
    setup[0x248..0x24c].copy_from_slice(&716u32.to_le_bytes());
    setup[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    [&setup, &programs(716)[..], payload, &text(40_000)].concat()
}

fn check(file: &[u8], packing: Packing, content: &[u8]) {
    let found = recognise(file).unwrap();
    // Another level may give the same bytes.
    let kind = |packing: Packing| packing.code()[0];
    assert_eq!((kind(found.packing), found.unpacked), (kind(packing), content.len() as u64));
    let part = &file[found.packed.clone()];
    assert!(unpacked(found.packing, part, content.len(), 70_000).unwrap() == content);
    let part = packed(found.packing, content, 1000);
    assert!([&file[found.before()], &part, &file[found.after(file.len())]].concat() == file);
}

#[test]
fn a_kernel_with_lz4_in_it_comes_back() {
    let content = programs(20_000_000);
    let mut payload = by_the_tool(lz4(9), &content);
    payload.extend((content.len() as u32).to_le_bytes());
    check(&kernel(&payload), lz4(9), &content);
}

#[test]
fn a_kernel_with_gzip_in_it_comes_back() {
    let content = programs(3_000_000);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3];
    check(&kernel(&[&header[..], &by_the_tool(gzip(9), &content)].concat()), gzip(9), &content);
}

#[test]
fn files_of_lz4_and_gzip_come_back_at_each_level_whatever_their_header_has() {
    let content = text(200_000);
    for level in 3..=9 {
        check(&by_the_tool(lz4(level), &content), lz4(level), &content);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changelog");
    fs::write(&path, &content).unwrap();
    for level in 1..=9 {
        for name in ["-n", "-N"] {
            let output =
                Command::new("gzip").arg(format!("-{level}c")).arg(name).arg(&path).output().unwrap();
            check(&output.stdout, gzip(level), &content);
        }
    }
    let body = by_the_tool(gzip(6), &content);
    let all = b"\x1f\x8b\x08\x1f....\x00\x03\x05\x00extraname\0comment\0##";
    check(&[&all[..], &body].concat(), gzip(6), &content);
}

#[test]
fn what_would_not_come_back_is_left_alone() {
    let content = text(100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    fs::write(&path, &content).unwrap();
    let output = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).arg(&path).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let gz = output("gzip", &["-9nc"]);
    let lz = by_the_tool(lz4(9), &content);
    let mut other_sum = gz.clone();
    let sum = gz.len() - 6;
    other_sum[sum] ^= 1;
    for (name, file) in [
        ("a text", content.clone()),
        ("nothing", Vec::new()),
        ("a frame of zstd", output("zstd", &["-c"])),
        ("a frame of lz4", output("lz4", &["-9", "-c"])),
        ("a level of lz4 that is not done here", output("lz4", &["-l", "-12", "-c"])),
        ("a fast level of lz4", output("lz4", &["-l", "-1", "-c"])),
        ("blocks that gzip cut for rsync", output("gzip", &["--rsyncable", "-9nc"])),
        ("two gzip files in one", [&gz[..], &gz].concat()),
        ("a gzip file with zeros behind it", [&gz[..], &[0; 512]].concat()),
        ("a gzip file that ends too early", gz[..gz.len() - 1].to_vec()),
        ("a gzip file with another checksum", other_sum),
        ("LZ4 with something behind it", [&lz[..], b"later"].concat()),
        ("LZ4 that ends too early", lz[..lz.len() - 1].to_vec()),
        ("a kernel of a text", kernel(&content)),
        ("a kernel whose end is missing", kernel(&gz)[..30_000].to_vec()),
    ] {
        assert_eq!(recognise(&file), None, "{name}");
    }
}
