//! What no tool beats that compares file by file with bsdiff and compresses with zstd: nothing for files that are somewhere in
//! the old image, for each other one the smaller of `bsdiff` against its old self and `zstd -19`, and `zstd -19` alone for one
//! that has none. It leaves out inodes and directories, and all that a format would need.
//!
//! A file's old self has the same path; or else the same path but for the digits in it, if only one has.

use super::tool::{Job, not_installed};
use crate::Fallible;
use crate::figures::Figure;
use drydock_files::FileBytes;
use drydock_format::ReadAt;
use drydock_trees::{Stored, read};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

const LEVEL: i32 = 19;

/// The files of an image, by their paths, with their content's digests.
struct Files {
    image: FileBytes,
    files: HashMap<Vec<u8>, (drydock_trees::File, [u8; 32])>,
}

pub(crate) fn missing(_: &Path) -> Option<String> {
    not_installed("bsdiff", "bsdiff")
}

pub(crate) fn run(job: &Job) -> Fallible<Figure> {
    let (old, new) = (Files::open(&job.pair.old)?, Files::open(&job.pair.new)?);
    let had: HashSet<[u8; 32]> = old.files.values().map(|(_, digest)| *digest).collect();
    let selves = Selves::of(old.files.keys());
    let mut changed: Vec<&Vec<u8>> =
        new.files.iter().filter(|(_, (_, digest))| !had.contains(digest)).map(|(path, _)| path).collect();
    // The largest first, so that the last ones are short; each content once.
    changed.sort_by_key(|path| std::cmp::Reverse((new.files[*path].0.size, *path)));
    let mut seen = HashSet::new();
    changed.retain(|path| seen.insert(new.files[*path].1));
    let queue = Mutex::new(changed.into_iter());
    let work = &|thread: usize| -> Result<u64, String> {
        let place = job.scratch.join(thread.to_string());
        let mut sum = 0;
        loop {
            let Some(path) = queue.lock().unwrap().next() else { return Ok(sum) };
            let old = selves.find(path).map(|path| old.content(path));
            sum += cost(&place, new.content(path), old).map_err(|why| why.to_string())?;
        }
    };
    let threads = std::thread::available_parallelism()?.get();
    let bytes: Result<u64, String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    Ok(Figure { bytes: bytes?, ..Figure::default() })
}

impl Files {
    fn open(path: &Path) -> Fallible<Self> {
        let image = FileBytes(File::open(path)?);
        let tree = read(&image)?.ok_or("it needs a filesystem whose files can be read")?;
        if tree.files.iter().any(|file| file.stored == Stored::Packed) {
            return Err("it needs files that are not compressed".into());
        }
        let mut files = Self { image, files: HashMap::new() };
        for file in tree.files {
            let digest = Sha256::digest(bytes_of(&files.image, &file)?).into();
            files.files.insert(file.path.clone(), (file, digest));
        }
        Ok(files)
    }

    fn content(&self, path: &[u8]) -> Fallible<Vec<u8>> {
        bytes_of(&self.image, &self.files[path].0)
    }
}

fn bytes_of(image: &FileBytes, file: &drydock_trees::File) -> Fallible<Vec<u8>> {
    let mut content = vec![0; usize::try_from(file.size)?];
    for extent in &file.extents {
        let start = usize::try_from(extent.offset)?;
        image.read_at(extent.at, &mut content[start..start + usize::try_from(extent.len)?])?;
    }
    Ok(content)
}

/// Old files by their paths, and by their paths without digits.
struct Selves<'a> {
    exact: HashSet<&'a [u8]>,
    /// `None` where several have the same.
    alike: HashMap<Vec<u8>, Option<&'a [u8]>>,
}

impl<'a> Selves<'a> {
    fn of(paths: impl Iterator<Item = &'a Vec<u8>> + Clone) -> Self {
        let mut alike = HashMap::new();
        for path in paths.clone() {
            alike.entry(plain(path)).and_modify(|known| *known = None).or_insert(Some(&path[..]));
        }
        Self { exact: paths.map(|path| &path[..]).collect(), alike }
    }

    fn find(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        self.exact.get(path).copied().or_else(|| self.alike.get(&plain(path)).copied().flatten())
    }
}

fn plain(path: &[u8]) -> Vec<u8> {
    path.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect()
}

/// What one file costs, in bytes.
fn cost(place: &Path, new: Fallible<Vec<u8>>, old: Option<Fallible<Vec<u8>>>) -> Fallible<u64> {
    let new = new?;
    let mut packed = vec![0; zstd_safe::compress_bound(new.len())];
    let packed = zstd_safe::compress(&mut packed[..], &new, LEVEL).map_err(zstd_safe::get_error_name)? as u64;
    let Some(old) = old else { return Ok(packed) };
    let [old_path, new_path, patch] = ["old", "new", "patch"].map(|name| place.with_extension(name));
    fs::write(&old_path, old?)?;
    fs::write(&new_path, &new)?;
    if !Command::new("bsdiff").args([&old_path, &new_path, &patch]).status()?.success() {
        return Err("bsdiff has failed".into());
    }
    Ok(packed.min(fs::metadata(patch)?.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_self_has_the_same_path_or_the_only_one_like_it() {
        let paths: Vec<Vec<u8>> =
            ["boot/vmlinuz-6.1.0-42", "lib/a.so.1", "lib/a.so.2", "etc/x"].map(Into::into).into();
        let selves = Selves::of(paths.iter());
        let find = |path: &'static str| {
            selves.find(path.as_bytes()).map(|found| String::from_utf8_lossy(found).into_owned())
        };
        assert_eq!(find("boot/vmlinuz-6.1.0-50").as_deref(), Some("boot/vmlinuz-6.1.0-42"));
        assert_eq!(find("lib/a.so.2").as_deref(), Some("lib/a.so.2"));
        assert_eq!((find("lib/a.so.3"), find("etc/y")), (None, None));
    }
}
