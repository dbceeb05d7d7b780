//! Writes `proof/fuzz/seeds`: small inputs that each target accepts. Needs `cryptsetup`, `gzip`, `lz4` and `bg_setenv`, so that
//! LUKS headers and packed bytes are not of our own making. Run it from the repository's root when a format has changed:
//! `cargo run -p drydock-fuzz-targets --example seeds`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bootloader;
mod delta;
mod supplement;

use drydock_bundle::create::{Input, Recipe, create, default_salt};
use drydock_fixtures::{Parts, sh};
use drydock_format::tar::Header;
use drydock_format::trailer::Trailer;
use drydock_format::tree::{BLOCK, Hasher};
use drydock_format::{Bundle, Digest, Member, Salt, sha256};
use drydock_state::grub::encode_env;
use drydock_state::{
    CopyName, Entry, Floors, Generation, Intent, Job, Later, Mode, Outcome, Record, SetInfo, SetName,
    SetStatus, Sets, Source, Starts, UnixTime, Wanted, encode_replica,
};
use std::path::Path;
use std::process::{Command, Stdio};

fn main() {
    let work = tempfile::tempdir().unwrap();
    bundle_seeds(work.path());
    state_seeds();
    bootloader::bgenv_seeds(work.path());
    bootloader::u_boot_seeds();
    gpt_seeds();
    ext4_seeds(work.path());
    fat_seeds();
    luks_seeds(work.path());
    packed_seeds(work.path());
    tree_seeds(work.path());
    delta::delta_seeds();
    transfer_seeds();
}

/// Heads of answers, and a body of several parts.
fn transfer_seeds() {
    let long = "x".repeat(1000);
    let one =
        format!("206\nContent-Range: bytes 2000-2999/100000\nContent-Length: 1000\nETag: \"1\"\n\n{long}");
    write("http_head", "one-range", one.as_bytes());
    write(
        "http_head",
        "whole",
        b"200\nContent-Length: 100000\nContent-Type: application/x-tar\n\nabc".as_slice(),
    );
    write(
        "http_head",
        "redirect",
        b"302\nLocation: //b.example:8443/x?y\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\n",
    );
    let part = |start: u64| {
        let end = start + 999;
        format!("\r\n--b\r\nContent-Type: x/y\r\nContent-Range: bytes {start}-{end}/100000\r\n\r\n{long}")
    };
    let parts = format!("{}{}\r\n--b--\r\n", part(0), part(2000));
    write("multipart", "two", &with_options(7, parts.as_bytes()));
    let head = format!("206\nContent-Type: multipart/byteranges; boundary=b\n\n{parts}");
    write("http_head", "parts", head.as_bytes());
}

fn write(target: &str, name: &str, content: &[u8]) {
    let folder = Path::new("proof/fuzz/seeds").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), content).unwrap();
}

/// Options byte and content.
fn with_options(options: u8, content: &[u8]) -> Vec<u8> {
    [&[options], content].concat()
}

fn bundle_seeds(work: &Path) {
    let image = work.join("image");
    std::fs::write(&image, vec![7; 5 * BLOCK]).unwrap();
    let input = |name: &str| Input { name: name.into(), class: name.into(), path: image.clone() };
    let recipe = Recipe {
        hooks: Default::default(),
        compatible: "acme-pump".into(),
        version: "2.0.1+git~3".into(),
        security_version: 2,
        workers: 1,
        salt: default_salt("acme-pump"),
        frame_size: 512 << 10,
        level: 19,
        images: vec![input("boot"), input("root")],
        pins: Vec::new(),
        bases: Vec::new(),
        keys: Vec::new(),
    };
    let path = work.join("a.drydock");
    create(&recipe, &path, |_, _, _| ()).unwrap();
    let archive = std::fs::read(&path).unwrap();
    let bundle = Bundle::open_unverified(archive.clone()).unwrap();
    write("archive", "two-images", &archive);
    write("manifest", "two-images", bundle.manifest_bytes());
    write("archive", "further-members", &later(&archive));
    let (list, file) = supplement::with_list(&archive);
    write("supplement", "one-delta", &list);
    write("archive", "later-deltas", &file);
    let further = r#"{"drydock":"bundle/1","compatible":"a","version":"1","security_version":0,"patches":[{"image":"r"}],"images":[{"name":"r","class":"r","size":8192,"salt":"","root_hash":"0000000000000000000000000000000000000000000000000000000000000000","frame_size":4194304}],"members":[{"name":"r.groups","size":0},{"name":"r.frames","size":4},{"name":"r.zst","size":20},{"name":"r.delta.index","size":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","kind":"x"},{"name":"r.delta.data","size":2147483648,"sha256":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}]}"#;
    write("manifest", "further-members", further.as_bytes());
    let critical = r#"{"drydock":"bundle/1","compatible":"a","version":"1","security_version":0,"later":[{"x":null}],"images":[{"name":"r","class":"r","size":8192,"salt":"","root_hash":"0000000000000000000000000000000000000000000000000000000000000000","frame_size":4194304}],"pins":[{"class":"boot","size":8192,"salt":"00","root_hash":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}],"members":[{"name":"r.groups","size":0},{"name":"r.frames","size":4},{"name":"r.zst","size":20}],"critical":["pins"]}"#;
    write("manifest", "pins-and-unknown-fields", critical.as_bytes());
    let signature = format!("v1 ed25519 {} {}\n", "5a".repeat(32), "A".repeat(86) + "==");
    let lines = format!("{signature}v2 later thing\nv1 p256 x\n{signature}");
    write("signatures", "lines", lines.as_bytes());
    write("tar_header", "ours", &Header { name: "root.zst".into(), size: 4711 }.encode());
    write("tar_header", "no-size", &Header { name: "a".into(), size: 0 }.encode());

    // 17 groups: a tree whose top block holds their digests.
    let digest = Hasher::new(&Salt::default()).digest(&[7; BLOCK]);
    let mut top: Vec<u8> = std::iter::repeat_n(digest.0, 17).flatten().collect();
    top.resize(BLOCK, 0);
    write("groups", "one-level", &with_options(1, &top));
    let lengths: Vec<u8> = [1000u32, 146, 70_000].iter().flat_map(|length| length.to_le_bytes()).collect();
    write("frame_table", "three", &with_options(0, &lengths));
    write("frame_table", "last-short", &with_options(9, &lengths));
    for (name, content) in [("zeros", vec![0; 8 * BLOCK]), ("text", b"drydock! ".repeat(8 * BLOCK / 9 + 1))] {
        let mut frame = vec![0; zstd_safe::compress_bound(content.len())];
        let length = zstd_safe::compress(frame.as_mut_slice(), &content[..8 * BLOCK], 19).unwrap();
        write("frame", name, &with_options(8, &frame[..length]));
    }
    let stored = [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50, 0x01, 0x80, 0x00][..], &[b'x'; BLOCK]].concat();
    write("frame", "stored", &with_options(1, &stored));
}

/// The same bundle with two members that no image implies.
fn later(archive: &[u8]) -> Vec<u8> {
    let mut parts = Parts::of(archive);
    let mut manifest = Bundle::open_unverified(archive.to_vec()).unwrap().manifest().clone();
    let further = [("root.delta.index", vec![1; 40]), ("root.delta.data", vec![2; 600])];
    for (name, data) in further {
        let (size, sha256) = (data.len() as u64, Some(sha256(&data)));
        manifest.members.push(Member { name: name.into(), size, sha256 });
        parts.members.push((name.into(), data));
    }
    *parts.get("manifest.json") = manifest.to_bytes();
    let bytes = parts.bytes();
    Bundle::open_unverified(bytes.clone()).unwrap();
    bytes
}

fn state_seeds() {
    let set = |status, version: &str| SetInfo {
        status,
        version: version.into(),
        security_version: 1,
        manifest: Digest([0xab; 32]).into(),
        ..SetInfo::default()
    };
    let job =
        Job::Update { source: Source::Data { path: "v2.drydock".into() }, manifest: Digest([0xcd; 32]) };
    let record = Record {
        generation: Generation(17),
        intent: Some(Intent { starts: 1, ..Intent::new(3, job, UnixTime(1_700_000_000)) }),
        last_intent_id: 3,
        sets: Sets { a: set(SetStatus::Good, "1"), b: set(SetStatus::Trial, "2"), ..Sets::default() },
        last_good: Some(SetName::A),
        trial: Some(SetName::B),
        floors: Floors { install: 1, ..Floors::default() },
        history: vec![Entry {
            intent: 2,
            time: UnixTime(1_600_000_000),
            outcome: Outcome::Failed,
            set: Some(SetName::B),
            version: "2".into(),
            reason: "the medium was pulled out".into(),
            later: Later::new(),
        }],
        ..Record::default()
    };
    for (name, record) in [("full", record), ("empty", Record::default())] {
        let replica = encode_replica(5, &record).unwrap();
        write("state_record", name, &[&replica[..512], &replica[4096..]].concat());
    }
    for (name, mode, first) in
        [("normal", Mode::Normal, SetName::A), ("recovery", Mode::Recovery, SetName::B)]
    {
        let attempts = Starts { a: 3, b: 0, recovery: 9 };
        let block =
            encode_env(&Wanted { generation: Generation(17), first, mode, attempts, copy: CopyName::B });
        let end = block.iter().rposition(|&byte| byte != b'#').unwrap();
        write("boot_env", name, &block[..=end]);
        write("boot_env", &format!("{name}-whole"), &block);
    }
    let trailer = Trailer {
        manifest: b"{\"drydock\":\"bundle/1\"}".into(),
        signatures: b"v1\n\n\n".into(),
        image: "root".into(),
    };
    let bytes = trailer.encode().unwrap();
    let (body, footer) = bytes.split_at(bytes.len() - 4096);
    let length = trailer.manifest.len() + trailer.signatures.len();
    write("trailer", "small", &[&footer[..512], &body[..length]].concat());
}

/// Header and entries as in UEFI 2.10, 5.3.2 and 5.3.3; the target puts the checksums in.
fn gpt_seeds() {
    for (name, options, sector) in
        [("sectors-of-512", 0, 512), ("sectors-of-4096", 1, 4096), ("backup-only", 2, 512)]
    {
        let mut disk = vec![0; 12 * sector];
        let (first, last) = (1u64, 11u64);
        for (at, other, array) in [(first, last, 2u64), (last, first, 10)] {
            let header = &mut disk[at as usize * sector..][..92];
            header[..16].copy_from_slice(b"EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00");
            for (place, value) in [(24, at), (32, other), (40, 3), (48, 9), (72, array)] {
                header[place..place + 8].copy_from_slice(&value.to_le_bytes());
            }
            header[56..72].copy_from_slice(&[0x5a; 16]);
            header[80..84].copy_from_slice(&4u32.to_le_bytes());
            header[84..88].copy_from_slice(&128u32.to_le_bytes());
            for (index, (label, start, end)) in
                [("bootenv", 3u64, 4u64), ("root-a", 5, 9)].into_iter().enumerate()
            {
                let entry = &mut disk[array as usize * sector + index * 128..][..128];
                // Linux filesystem data, 0fc63daf-8483-4772-8e79-3d69d8477de4
                entry[..16].copy_from_slice(&0xe47d_47d8_693d_798e_4772_8483_0fc6_3dafu128.to_le_bytes());
                entry[16..32].copy_from_slice(&[index as u8 + 1; 16]);
                entry[32..40].copy_from_slice(&start.to_le_bytes());
                entry[40..48].copy_from_slice(&end.to_le_bytes());
                for (place, unit) in entry[56..].chunks_mut(2).zip(label.encode_utf16()) {
                    place.copy_from_slice(&unit.to_le_bytes());
                }
            }
        }
        write("gpt", name, &with_options(options, &disk));
    }
}

/// Boot sectors as in fatgen103, and a FAT32 with fewer clusters than that paper wants. Of the tables only the first sector
/// is in the seeds.
/// A superblock that differs from its checksum in a counter, and a journal with a commit block whose second half is old.
fn ext4_seeds(work: &Path) {
    let file = work.join("ext4");
    std::fs::write(&file, vec![0; 60 << 10]).unwrap();
    let options = "-q -F -t ext4 -b 1024 -N 16 -I 128 -m 0 -O metadata_csum,^has_journal,^resize_inode";
    assert!(Command::new("/sbin/mke2fs").args(options.split(' ')).arg(&file).status().unwrap().success());
    let mut image = std::fs::read(&file).unwrap();
    image[1024 + 0x34] ^= 1;
    write("ext4", "superblock", &with_options(0, &image[..4096]));

    const BLOCK: usize = 1024;
    let mut image = vec![0; 6 * BLOCK];
    let superblock = &mut image[BLOCK..2 * BLOCK];
    superblock[0x38..0x3a].copy_from_slice(&0xef53u16.to_le_bytes());
    superblock[0xfd] = 1;
    let inode = &mut superblock[0x10c..];
    inode[..4].copy_from_slice(&[0x0a, 0xf3, 1, 0]);
    inode[16] = 2;
    inode[20] = 4;
    let put = |block: &mut [u8], at: usize, number: u32| {
        block[at..at + 4].copy_from_slice(&number.to_be_bytes());
    };
    let (journal, commit) = image[4 * BLOCK..6 * BLOCK].split_at_mut(BLOCK);
    for (at, number) in [(0, 0xc03b_3998), (4, 4), (0xc, 1024), (0x18, 1), (0x1c, 1), (0x28, 0x10)] {
        put(journal, at, number);
    }
    for (at, number) in [(0, 0xc03b_3998), (4, 2), (8, 1)] {
        put(commit, at, number);
    }
    let sum = crc32c(crc32c(!0, &journal[0x30..0x40]), commit);
    put(commit, 0x10, sum);
    commit[512..].fill(0x77);
    write("ext4", "journal", &with_options(0, &image));
}

fn crc32c(begin: u32, bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    bytes.iter().fold(begin, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc)))
}

fn fat_seeds() {
    let entry = |name: &[u8; 11], attributes: u8, cluster: u16| {
        let mut entry = [0; 32];
        entry[..11].copy_from_slice(name);
        entry[11] = attributes;
        entry[26..28].copy_from_slice(&cluster.to_le_bytes());
        entry[28..32].copy_from_slice(&512u32.to_le_bytes());
        entry
    };
    let root = [entry(b"DRYDOCK    ", 8, 0), entry(b"GRUBENV    ", 0x20, 4)].concat();
    let kinds = [("fat12", 60u32, 16u16), ("fat16", 5000, 16), ("fat32", 65_600, 0), ("fat32-small", 60, 0)];
    for (name, clusters, root_entries) in kinds {
        let root_sectors = u32::from(root_entries) * 32 / 512;
        let mut start = vec![0; 512 * 3];
        start[11..13].copy_from_slice(&512u16.to_le_bytes());
        start[13..17].copy_from_slice(&[1, 1, 0, 1]);
        start[17..19].copy_from_slice(&root_entries.to_le_bytes());
        start[32..36].copy_from_slice(&(2 + root_sectors + clusters).to_le_bytes());
        if root_entries == 0 {
            start[36..40].copy_from_slice(&1u32.to_le_bytes());
            start[44..48].copy_from_slice(&2u32.to_le_bytes());
            start[512 + 8..512 + 12].copy_from_slice(&0x0fff_ffffu32.to_le_bytes());
        } else {
            start[22..24].copy_from_slice(&1u16.to_le_bytes());
        }
        start[510..512].copy_from_slice(&[0x55, 0xaa]);
        start[1024..1024 + root.len()].copy_from_slice(&root);
        write("fat", name, &start);
    }
}

fn luks_seeds(work: &Path) {
    let format = |name: &str, arguments: &[&str]| {
        let path = work.join(name);
        std::fs::File::create(&path).unwrap().set_len(20 << 20).unwrap();
        let mut cryptsetup = Command::new("cryptsetup");
        cryptsetup.args(["luksFormat", "--batch-mode", "--key-file", "-", "--use-urandom"]);
        let mut child = cryptsetup.args(arguments).arg(&path).stdin(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"seed").unwrap();
        assert!(child.wait().unwrap().success());
        std::fs::read(path).unwrap()
    };
    let quick = ["--pbkdf-force-iterations", "1000"];
    let volume = format("luks1", &[&["--type", "luks1"][..], &quick].concat());
    write("luks1", "aes-xts", &volume[..592]);
    let argon = [
        "--pbkdf",
        "argon2id",
        "--pbkdf-memory",
        "32",
        "--pbkdf-force-iterations",
        "4",
        "--pbkdf-parallel",
        "1",
    ];
    let pbkdf2 = [&["--pbkdf", "pbkdf2", "--sector-size", "4096"][..], &quick].concat();
    for (name, options, arguments) in
        [("argon2id", 0, &argon[..]), ("pbkdf2", 1, &pbkdf2), ("second-header", 2, &argon)]
    {
        let volume = format(name, &[&["--type", "luks2"], arguments].concat());
        let text = volume[4096..0x4000].split(|&byte| byte == 0).next().unwrap();
        write("luks2", name, &with_options(options, &[&volume[..512], text].concat()));
        write("luks2_metadata", name, text);
    }
}

/// Packed bytes, behind how many bytes they hold in units of 16.
fn packed_seeds(work: &Path) {
    let path = work.join("content");
    let text = b"A line that comes back, and one that does not: ".repeat(30);
    let mut mixed = [&text[..800], &vec![0; 900], &text[..600]].concat();
    mixed.extend((0..900u32).map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 13) as u8));
    for (name, content) in [("text", &text[..1120]), ("mixed", &mixed[..3200])] {
        std::fs::write(&path, content).unwrap();
        let units = (content.len() / 16) as u8;
        for level in ["-1", "-9"] {
            let output = Command::new("gzip").args([level, "-nc"]).arg(&path).output().unwrap();
            write("gzip_unpack", &format!("{name}{level}"), &with_options(units, &output.stdout[10..]));
        }
        let output = Command::new("lz4").args(["-l", "-9", "-qc"]).arg(&path).output().unwrap();
        write("lz4_unpack", name, &with_options(units, &output.stdout));
        for packing in [2, 8, 15] {
            write("repack", &format!("{name}-{packing}"), &with_options(packing, content));
        }
    }
}

/// Images of a small tree, by the tools that make them.
fn tree_seeds(work: &Path) {
    sh(
        work,
        "mkdir -p tree/folder && seq 1500 > tree/folder/packs && head -c 5000 /dev/zero > tree/folder/zeros",
    );
    sh(work, "head -c 4500 /bin/sh > tree/file && ln tree/file tree/again");
    let ext = "truncate -s 60K image && mke2fs -q -F -b 1024 -N 16 -d tree -t";
    for (name, line) in [
        ("erofs", "mkfs.erofs -Enoinline_data --quiet image tree"),
        ("erofs-chunks", "mkfs.erofs --chunksize=4096 --quiet image tree"),
        ("erofs-lz4", "mkfs.erofs -zlz4 --quiet image tree"),
        ("ext2", &format!("{ext} ext2 -O ^resize_inode image")),
        ("ext4", &format!("{ext} ext4 -O ^has_journal,^resize_inode image")),
        ("squashfs", "mksquashfs tree image -noappend -quiet -no-progress -noI -noD -noF"),
        ("squashfs-zstd", "mksquashfs tree image -noappend -quiet -no-progress -no-fragments -comp zstd"),
    ] {
        sh(work, &format!("rm -f image && {line}"));
        write("trees", name, &std::fs::read(work.join("image")).unwrap());
    }
}
