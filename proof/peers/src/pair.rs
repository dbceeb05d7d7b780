//! Two images, and what names them whatever their files are called.

use crate::Fallible;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// An image, and the one that takes its place.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) old: PathBuf,
    pub(crate) new: PathBuf,
    /// The size of the new one in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of the new one.
    pub(crate) digest: String,
    /// What no other pair has.
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn open(name: String, old: &Path, new: &Path) -> Fallible<Self> {
        let real = |path: &Path| fs::canonicalize(path).map_err(|why| format!("{}: {why}", path.display()));
        let (old, new) = (real(old)?, real(new)?);
        let (before, digest) = (digest(&old)?, digest(&new)?);
        let key = format!("{}-{}", &before[..16], &digest[..16]);
        Ok(Self { name, size: fs::metadata(&new)?.len(), old, new, digest, key })
    }
}

/// The SHA-256 of a file, in hex.
pub(crate) fn digest(path: &Path) -> io::Result<String> {
    digest_of_first(File::open(path)?, u64::MAX)
}

/// The SHA-256 of so many bytes at most, from a file's start, in hex.
pub(crate) fn digest_of_first(file: File, len: u64) -> io::Result<String> {
    let mut file = file.take(len);
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut part)? {
            0 => break,
            len => hash.update(&part[..len]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a pair is called that has no name: its files' names up to their first dots.
pub(crate) fn name_of(old: &Path, new: &Path) -> String {
    let stem = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.split('.').next().unwrap_or_default().to_owned()
    };
    format!("{} to {}", stem(old), stem(new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_known_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, content: &str| {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let open = |old: &Path, new: &Path| Pair::open("pair".into(), old, new).unwrap();
        let (a, b, again) = (path("a", "abc"), path("b", "other"), path("c", "abc"));
        assert_eq!(digest(&a).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(open(&a, &b).key, open(&again, &b).key);
        assert_ne!(open(&a, &b).key, open(&b, &a).key);
        assert_eq!(open(&a, &b).size, 5);
        assert!(Pair::open("none".into(), &a, &dir.path().join("missing")).is_err());
    }
}
