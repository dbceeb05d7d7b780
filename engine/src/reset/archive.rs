//! Files and folders in memory, on their way from the old volume to the new one.
//!
//! One entry after the other: kind (1 file, 2 folder, 3 symbolic link), length of the path (u16), the path, permissions,
//! owner and group (u32 each), length of the contents (u32), the contents. Little endian. Times, extended attributes
//! and hard links are not kept.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file; the contents are its own.
    File = 1,
    /// A folder, without contents.
    Folder = 2,
    /// A symbolic link; the contents are its target.
    Link = 3,
}

/// A file, a folder or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its path within the volume.
    pub path: &'a Path,
    /// Its permissions.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its contents.
    pub contents: &'a [u8],
}

impl Entry<'_> {
    /// The bytes that it takes.
    pub fn size(&self) -> u64 {
        19 + self.path.as_os_str().len() as u64 + self.contents.len() as u64
    }

    /// Adds it to an archive. Nothing happens, and that is said, if path or contents are too long for it.
    pub fn append(&self, archive: &mut Vec<u8>) -> bool {
        let path = self.path.as_os_str().as_bytes();
        let (Ok(path_len), Ok(len)) = (u16::try_from(path.len()), u32::try_from(self.contents.len())) else {
            return false;
        };
        archive.push(self.kind as u8);
        archive.extend_from_slice(&path_len.to_le_bytes());
        archive.extend_from_slice(path);
        for number in [self.mode, self.uid, self.gid, len] {
            archive.extend_from_slice(&number.to_le_bytes());
        }
        archive.extend_from_slice(self.contents);
        true
    }
}

/// The entries of an archive, in the order in which they were added. Ends early if it is cut off.
pub fn entries(mut archive: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    std::iter::from_fn(move || {
        let (entry, rest) = split(archive)?;
        archive = rest;
        Some(entry)
    })
}

/// How many entries there are.
pub fn count(archive: &[u8]) -> usize {
    entries(archive).count()
}

fn split(archive: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (&kind, rest) = archive.split_first()?;
    let kind = match kind {
        1 => Kind::File,
        2 => Kind::Folder,
        3 => Kind::Link,
        _ => return None,
    };
    let (len, rest) = rest.split_first_chunk()?;
    let (path, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    let mut rest = rest;
    let mut number = || {
        let (number, after) = rest.split_first_chunk()?;
        rest = after;
        Some(u32::from_le_bytes(*number))
    };
    let (mode, uid, gid, len) = (number()?, number()?, number()?, number()?);
    let (contents, rest) = rest.split_at_checked(len as usize)?;
    Some((Entry { kind, path: Path::new(OsStr::from_bytes(path)), mode, uid, gid, contents }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let all = [
            Entry { kind: Kind::Folder, path: Path::new("lib"), mode: 0o755, uid: 0, gid: 0, contents: b"" },
            Entry {
                kind: Kind::File,
                path: Path::new("lib/id"),
                mode: 0o600,
                uid: 1,
                gid: 2,
                contents: b"x",
            },
            Entry {
                kind: Kind::Link,
                path: Path::new("l"),
                mode: 0o777,
                uid: 0,
                gid: 0,
                contents: b"lib/id",
            },
        ];
        let mut archive = vec![];
        assert!(all.iter().all(|entry| entry.append(&mut archive)));
        assert_eq!(entries(&archive).collect::<Vec<_>>(), all);
        assert_eq!(archive.len() as u64, all.iter().map(Entry::size).sum::<u64>());
        assert_eq!(count(&archive[..archive.len() - 1]), 2);
    }
}
