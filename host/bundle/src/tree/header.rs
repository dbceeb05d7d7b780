//! The headers of a POSIX pax archive, as tar(1) reads them.

use drydock_format::tar::BLOCK;
use drydock_tree::Meta;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a member is.
pub(super) enum Type<'p> {
    File,
    Folder,
    Link(&'p Path),
    Same(&'p Path),
}

/// The largest number that seven, and eleven, octal digits hold.
const SEVEN: u64 = 0o7_777_777;
const ELEVEN: u64 = 0o77_777_777_777;

/// Returns the blocks before a member's contents: a header, and before it one of pax for what that has no room for. Times are
/// 0, so that nothing of the moment goes in.
pub(super) fn head(path: &Path, meta: &Meta, size: u64, kind: Type<'_>) -> Vec<u8> {
    let mut name = path.as_os_str().as_bytes().to_vec();
    let (flag, link): (u8, &[u8]) = match &kind {
        Type::File => (b'0', b""),
        Type::Folder => (b'5', b""),
        Type::Link(target) => (b'2', target.as_os_str().as_bytes()),
        Type::Same(file) => (b'1', file.as_os_str().as_bytes()),
    };
    if flag == b'5' {
        name.push(b'/');
    }
    let mut pax = Vec::new();
    let fits = |bytes: &[u8]| bytes.len() <= 100 && bytes.is_ascii();
    if !fits(&name) {
        record(&mut pax, b"path", &name);
    }
    if !fits(link) {
        record(&mut pax, b"linkpath", link);
    }
    for (key, number, most) in
        [("uid", u64::from(meta.uid), SEVEN), ("gid", u64::from(meta.gid), SEVEN), ("size", size, ELEVEN)]
    {
        if number > most {
            record(&mut pax, key.as_bytes(), number.to_string().as_bytes());
        }
    }
    if matches!(kind, Type::File | Type::Folder) {
        for extra in &meta.extras {
            record(&mut pax, &[b"SCHILY.xattr.", &extra.name[..]].concat(), &extra.value);
        }
    }
    let mut blocks = Vec::new();
    if !pax.is_empty() {
        let none = Meta { mode: 0o644, ..Meta::default() };
        blocks.extend(block(b".drydock/pax", b"", &none, pax.len() as u64, b'x'));
        pax.resize(pax.len().next_multiple_of(BLOCK as usize), 0);
        blocks.extend(pax);
    }
    blocks.extend(block(&name, link, meta, size, flag));
    blocks
}

/// One header block, as POSIX.1-2001 has it; what is too long for a field is in pax's records.
fn block(name: &[u8], link: &[u8], meta: &Meta, size: u64, flag: u8) -> [u8; BLOCK as usize] {
    let mut block = [0; BLOCK as usize];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    let short = |bytes: &[u8]| bytes[..bytes.len().min(100)].to_vec();
    let number = |number: u64, most| if number > most { 0 } else { number };
    put(0, &short(name));
    put(100, format!("{:07o}\0", meta.mode).as_bytes());
    put(108, format!("{:07o}\0", number(meta.uid.into(), SEVEN)).as_bytes());
    put(116, format!("{:07o}\0", number(meta.gid.into(), SEVEN)).as_bytes());
    put(124, format!("{:011o}\0", number(size, ELEVEN)).as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[flag]);
    put(157, &short(link));
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Adds a record of pax: its length in all, which counts its own digits, the key and the value.
fn record(pax: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    pax.extend(format!("{len} ").bytes());
    pax.extend(key);
    pax.push(b'=');
    pax.extend(value);
    pax.push(b'\n');
}
