//! The real tools, and what they are given.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_repack::{Error, GzipLevel, Lz4Level, Packer, Packing, Unpacker};
use std::fs::{self, File};
use std::process::Command;

pub(crate) fn gzip(level: u8) -> Packing {
    Packing::Gzip(GzipLevel::new(level).unwrap())
}

pub(crate) fn lz4(level: u8) -> Packing {
    Packing::Lz4Legacy(Lz4Level::new(level).unwrap())
}

/// What the real tool makes of these bytes, from a file, without the header of gzip.
pub(crate) fn by_the_tool(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    fs::write(&path, bytes).unwrap();
    let mut command = match packing {
        Packing::Gzip(level) => {
            let mut command = Command::new("gzip");
            command.arg(format!("-{}nc", level.get())).arg(&path);
            command
        }
        Packing::Lz4Legacy(level) => {
            let mut command = Command::new("lz4");
            command.args(["-l", &format!("-{}", level.get()), "-q", "-c"]).stdin(File::open(&path).unwrap());
            command
        }
    };
    let output = command.output().expect("run make setup: gzip or lz4 is missing");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    match packing {
        Packing::Gzip(_) => output.stdout[10..].to_vec(),
        Packing::Lz4Legacy(_) => output.stdout,
    }
}

/// What this crate makes of them, given in pieces of this length.
pub(crate) fn packed(packing: Packing, bytes: &[u8], piece: usize) -> Vec<u8> {
    let mut packer = Packer::new(packing);
    let mut out = Vec::new();
    for piece in bytes.chunks(piece) {
        packer.push(piece, &mut out).unwrap();
    }
    packer.finish(&mut out).unwrap();
    out
}

/// What is in packed bytes, taken in pieces of this length.
pub(crate) fn unpacked(
    packing: Packing,
    packed: &[u8],
    length: usize,
    piece: usize,
) -> Result<Vec<u8>, Error> {
    let mut unpacker = Unpacker::new(packing, packed, packed.len() as u64, length as u64);
    let mut buffer = vec![0; piece];
    let mut out = Vec::new();
    loop {
        match unpacker.read(&mut buffer)? {
            0 => return Ok(out),
            count => out.extend_from_slice(&buffer[..count]),
        }
        assert!(out.len() <= length, "more than {length} bytes");
    }
}

/// Packs as the tool does, and unpacks what it made.
pub(crate) fn check(packing: Packing, bytes: &[u8], name: &str) {
    let expected = by_the_tool(packing, bytes);
    for piece in [65537, 8 << 20] {
        let same = packed(packing, bytes, piece) == expected;
        assert!(same, "{name}, {} bytes in pieces of {piece}: {packing:?} gives other bytes", bytes.len());
    }
    assert!(
        unpacked(packing, &expected, bytes.len(), 5000).unwrap() == bytes,
        "{name}: {packing:?} does not unpack"
    );
}

/// Numbers that look random and are the same each time.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end.max(1)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// Words in sentences, with a turn of phrase that comes back.
pub(crate) fn text(length: usize) -> Vec<u8> {
    let mut noise = Noise(5);
    let words: Vec<Vec<u8>> = (0..900)
        .map(|_| {
            (0..2 + noise.below(9)).map(|_| b'a' + (noise.below(26).min(noise.below(26))) as u8).collect()
        })
        .collect();
    let mut text = Vec::with_capacity(length + 64);
    while text.len() < length {
        let word = &words[noise.below(900).min(noise.below(900))];
        text.extend_from_slice(word);
        text.push(b" .\n, "[noise.below(9).min(4)]);
        if noise.below(200) == 0 && text.len() > 3000 {
            let from = noise.below(text.len() - 300);
            text.extend_from_within(from..from + 20 + noise.below(280));
        }
    }
    text.truncate(length);
    text
}

/// Programs of this machine, one after the other.
pub(crate) fn programs(length: usize) -> Vec<u8> {
    let mut paths: Vec<_> = fs::read_dir("/usr/bin").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut bytes = Vec::new();
    for path in paths {
        let Ok(program) = fs::read(&path) else { continue };
        if program.starts_with(b"\x7fELF") {
            bytes.extend_from_slice(&program);
        }
        if bytes.len() >= length {
            break;
        }
    }
    assert!(bytes.len() >= length, "the programs in /usr/bin have {} bytes", bytes.len());
    bytes.truncate(length);
    bytes
}
