//! The archive that the kernel unpacks: cpio "newc", as `Documentation/driver-api/early-userspace/buffer-format`
//! in the kernel's source describes it, and nothing of cpio that the kernel does not need.

use std::collections::BTreeMap;

const MAGIC: &[u8] = b"070701";
const HEADER: usize = 110;
/// What the kernel starts. It stands in front: as long as this, the largest file by far, stays the same, so does the beginning of
/// what the archive is compressed to, and a delta between two releases need not bring it.
const FIRST: &str = "init";
const TRAILER: &str = "TRAILER!!!";
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;

/// The files and folders of an initramfs. The same content always gives the same bytes: `init` is first, the others are sorted, all are
/// owned by root, dated 1970 and numbered from 1.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    mode: u32,
    content: Vec<u8>,
}

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The path, without a leading slash.
    pub path: String,
    /// File type and permissions, as in `stat`.
    pub mode: u32,
    /// Size in bytes; 0 for folders.
    pub size: u64,
}

impl Tree {
    /// Adds a folder, and those above it.
    pub fn folder(&mut self, path: &str) {
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let entry = Entry { mode: FOLDER | 0o755, content: Vec::new() };
            self.entries.entry(path[..end].to_owned()).or_insert(entry);
        }
    }

    /// Adds a file with the given permissions, and the folders above it. A file of that path is replaced.
    pub fn file(&mut self, path: &str, permissions: u32, content: Vec<u8>) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.folder(folder);
        }
        self.entries.insert(path.to_owned(), Entry { mode: FILE | permissions, content });
    }

    /// A copy without what is below `folder`.
    pub fn without(&self, folder: &str) -> Self {
        let below = format!("{folder}/");
        let kept = self.entries.iter().filter(|(path, _)| !path.starts_with(&below));
        Self { entries: kept.map(|(path, entry)| (path.clone(), entry.clone())).collect() }
    }

    /// The entries in the archive's order.
    fn ordered(&self) -> impl Iterator<Item = (&String, &Entry)> {
        let others = self.entries.iter().filter(|(path, _)| *path != FIRST);
        self.entries.get_key_value(FIRST).into_iter().chain(others)
    }

    /// What is inside, in the archive's order.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |(path, entry): (&String, &Entry)| Listed {
            path: path.clone(),
            mode: entry.mode,
            size: entry.content.len() as u64,
        };
        self.ordered().map(listed).collect()
    }

    /// The archive.
    pub fn to_cpio(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        for (number, (path, entry)) in (1..).zip(self.ordered()) {
            write_entry(&mut archive, number, path, entry.mode, &entry.content);
        }
        write_entry(&mut archive, 0, TRAILER, 0, &[]);
        archive
    }
}

fn write_entry(archive: &mut Vec<u8>, number: usize, path: &str, mode: u32, content: &[u8]) {
    let links = if mode & FOLDER != 0 { 2 } else { 1 };
    let fields = [number, mode as usize, 0, 0, links, 0, content.len(), 0, 0, 0, 0, path.len() + 1, 0];
    archive.extend_from_slice(MAGIC);
    for field in fields {
        archive.extend_from_slice(format!("{field:08x}").as_bytes());
    }
    archive.extend_from_slice(path.as_bytes());
    archive.push(0);
    pad(archive);
    archive.extend_from_slice(content);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// What is inside an archive, or `None` where it is none (or ends early).
pub fn list(archive: &[u8]) -> Option<Vec<Listed>> {
    let mut listed = Vec::new();
    let mut at = 0usize;
    loop {
        let header = archive.get(at..at.checked_add(HEADER)?)?;
        if !header.starts_with(MAGIC) {
            return None;
        }
        let field = |index: usize| {
            let digits = std::str::from_utf8(&header[6 + 8 * index..14 + 8 * index]).ok()?;
            u32::from_str_radix(digits, 16).ok()
        };
        let (mode, size, name_size) = (field(1)?, field(6)? as usize, field(11)? as usize);
        let name_at = at + HEADER;
        let name = archive.get(name_at..name_at.checked_add(name_size)?)?.strip_suffix(&[0])?;
        let path = std::str::from_utf8(name).ok()?.to_owned();
        if path == TRAILER {
            return Some(listed);
        }
        let content_at = (name_at + name_size).next_multiple_of(4);
        let end = content_at.checked_add(size).filter(|&end| end <= archive.len())?;
        listed.push(Listed { path, mode, size: size as u64 });
        at = end.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_lists_what_was_put_in() {
        let mut tree = Tree::default();
        tree.file("etc/drydock/key", 0o400, vec![7; 3]);
        tree.file("init", 0o755, vec![1; 5]);
        tree.folder("dev");
        let expected: Vec<_> = [
            ("init", 0o100_755, 5),
            ("dev", 0o040_755, 0),
            ("etc", 0o040_755, 0),
            ("etc/drydock", 0o040_755, 0),
            ("etc/drydock/key", 0o100_400, 3),
        ]
        .map(|(path, mode, size)| Listed { path: path.into(), mode, size })
        .into();
        assert_eq!(tree.list(), expected);
        assert_eq!(list(&tree.to_cpio()).unwrap(), expected);
        assert_eq!(list(&tree.without("etc").to_cpio()).unwrap().len(), 3);
    }

    #[test]
    fn a_damaged_archive_is_none() {
        let mut tree = Tree::default();
        tree.file("init", 0o755, vec![1; 500]);
        let good = tree.to_cpio();
        for end in 0..good.len() - 4 {
            assert_eq!(list(&good[..end]), None, "cut at {end}");
        }
        let mut bad = good.clone();
        bad[0] = b'1';
        assert_eq!(list(&bad), None);
        let mut huge = good;
        huge[6 + 8 * 11..14 + 8 * 11].copy_from_slice(b"ffffffff");
        assert_eq!(list(&huge), None);
    }
}
