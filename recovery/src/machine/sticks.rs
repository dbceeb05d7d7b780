//! Bundles on removable media and on `data`, looked for with every limit that a medium of an enemy asks for.

use super::{Hardware, lock};
use crate::answer::{Answer, Result};
use crate::disk::abandon::{Handover, apart, within};
use crate::disk::discover::Media;
use crate::mount::{self, MountedMedium, files, open_inside};
use drydock_engine::Error;
use drydock_engine::machine::{HEAD, MOST_BUNDLES, Place, Shelf, Shelved};
use nix::fcntl::OFlag;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use sys_mount::{MountFlags, UnmountFlags};

/// How a bundle's name ends.
const SUFFIX: &str = ".drydock";
/// So many names of a folder are looked at. A huge one costs no more.
const NAMES: usize = 4096;
/// How long a medium may take for a mount, or for the beginning of a file.
const ANSWER: Duration = Duration::from_secs(10);
/// How long it may take for a file that is written.
const WRITE: Duration = Duration::from_secs(60);
/// Filesystems that a file is left on.
const WRITABLE: [&str; 3] = ["vfat", "exfat", "ext4"];

impl Hardware<'_> {
    /// The nodes of all removable media that answer, as far as is known.
    pub(super) fn media(&self) -> Result<Vec<PathBuf>> {
        let mut media = Media::new(&self.disk, Duration::ZERO);
        let mut warn = |text: String| self.warn(text);
        let mut nodes = Vec::new();
        while let Some(node) = media.next(&mut lock(&self.hotplug), &mut warn)? {
            nodes.push(node);
        }
        // What was pulled out, and comes back by the same name, is tried again.
        let mut silent = lock(&self.silent);
        silent.retain(|node| nodes.contains(node));
        nodes.retain(|node| !silent.contains(node));
        Ok(nodes)
    }

    /// A medium does not answer: it is left alone for as long as it is plugged in.
    pub(super) fn abandon(&self, node: &Path) {
        self.warn(format_args!(
            "{} does not answer; it is left alone until it is pulled out",
            node.display()
        ));
        lock(&self.silent).push(node.to_path_buf());
    }

    pub(super) fn look(&self, shelf: &Shelf, each: &mut dyn FnMut(Shelved)) -> Result<()> {
        match shelf {
            Shelf::Data(folder) => {
                let place = "the data volume";
                each_bundle_in(&self.target(Place::Data), folder, &mut |(path, size, head)| {
                    each(Shelved { place: place.into(), path, size, head });
                    true
                })?;
            }
            Shelf::Media(folder) => {
                for node in self.media()? {
                    self.look_at(&node, folder, each);
                }
            }
        }
        Ok(())
    }

    /// Shows the bundles on one medium. Its thread mounts it and reads it, and is not waited for where it takes too long.
    fn look_at(&self, node: &Path, folder: &str, each: &mut dyn FnMut(Shelved)) {
        let shown = Handover::default();
        let (show, device, folder) = (shown.clone(), node.to_path_buf(), folder.to_owned());
        let look = move || {
            let found = MountedMedium::mount(&device, &mount_point(&device));
            let found = found.and_then(|mounted| {
                each_bundle_in(mounted.path(), &folder, &mut |bundle| show.give(Ok(Some(bundle))))
            });
            show.give(found.map(|()| None));
        };
        if !apart(Box::new(look)) {
            return;
        }
        let place = node.display().to_string();
        let failed =
            |why: String| Shelved { place: place.clone(), path: String::new(), size: 0, head: Err(why) };
        loop {
            self.events.allow(2 * ANSWER);
            match shown.take(ANSWER) {
                Some(Ok(Some((path, size, head)))) => {
                    each(Shelved { place: place.clone(), path, size, head })
                }
                Some(Ok(None)) => break,
                // A drive with nothing in it, or a medium without the folder.
                Some(Err(error)) if error.is(nix::libc::ENOMEDIUM) || error.is_absence() => break,
                Some(Err(error)) => {
                    each(failed(error.to_string()));
                    break;
                }
                None => {
                    self.abandon(node);
                    each(failed("it does not answer".into()));
                    break;
                }
            }
        }
        shown.abandon();
    }

    /// Writes a file to the first medium that takes it. On return it is on stable storage.
    pub(super) fn write_to_medium(&self, name: &str, bytes: &[u8]) -> Result<String> {
        let mut reasons = Vec::new();
        for node in self.media()? {
            let (device, file, bytes) = (node.clone(), name.to_owned(), bytes.to_vec());
            self.events.allow(2 * WRITE);
            match within(WRITE, move || write_file(&device, &file, &bytes)) {
                None => self.abandon(&node),
                Some(Ok(())) => return Ok(format!("{name} on {}", node.display())),
                Some(Err(error)) => reasons.push(error.to_string()),
            }
        }
        let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
        Err(Error::Missing {
            what: format!("a removable medium that takes a file{why}"),
            advice: "connect a stick with FAT on it".into(),
        })
    }
}

/// Each medium has a place of its own, so that one that hangs is in nobody's way.
pub(super) fn mount_point(node: &Path) -> PathBuf {
    let name = node.file_name().unwrap_or_default();
    Path::new("/run/drydock").join("medium").join(name)
}

/// A bundle: its path below the folder's root, its length, and its first bytes or why they can't be had.
type Found = (String, u64, std::result::Result<Vec<u8>, String>);

/// Shows the bundles in one folder, in the order of their names, for as long as `each` takes them. Folders in it are not looked
/// into, and of all the files only one at a time is held in memory.
fn each_bundle_in(root: &Path, folder: &str, each: &mut dyn FnMut(Found) -> bool) -> Result<()> {
    let folder = folder.trim_matches('/');
    let inside = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    let listed = open_inside(root, inside, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    let at = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&listed));
    let entries = fs::read_dir(at).map_err(Error::doing(format_args!("list {}", inside.display())))?;
    // Few of them are kept, and a list takes less code than a tree.
    let mut names: Vec<OsString> = Vec::new();
    for entry in entries.take(NAMES) {
        let entry = entry.map_err(Error::doing(format_args!("list {}", inside.display())))?;
        keep_bundle(&mut names, entry.file_name());
    }
    for name in names {
        let found = match name.to_str() {
            None => {
                let why = "its name is not UTF-8; rename the file".to_owned();
                (name.to_string_lossy().into_owned(), 0, Err(why))
            }
            Some(text) => {
                let path = if folder.is_empty() { text.to_owned() } else { format!("{folder}/{text}") };
                match head(root, Path::new(&path)) {
                    Ok((size, head)) => (path, size, Ok(head)),
                    Err(error) => (path, 0, Err(error.to_string())),
                }
            }
        };
        if !each(found) {
            break;
        }
    }
    Ok(())
}

/// Keeps a name, if it is a bundle's, in its place among the others. A folder whose end leads back to its beginning shows each
/// of them again and again: it counts once.
fn keep_bundle(names: &mut Vec<OsString>, name: OsString) {
    let at = names.partition_point(|before| *before < name);
    let is_bundle = name.as_encoded_bytes().to_ascii_lowercase().ends_with(SUFFIX.as_bytes());
    if is_bundle && names.get(at) != Some(&name) {
        names.insert(at, name);
        names.truncate(MOST_BUNDLES);
    }
}

/// The length of a file, and its first bytes.
fn head(root: &Path, path: &Path) -> Result<(u64, Vec<u8>)> {
    let file = open_inside(root, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)?;
    let metadata = file.metadata().map_err(Error::doing(format_args!("look at {}", path.display())))?;
    if !metadata.is_file() {
        return Err(Error::Unusable(format!("{} is no file", path.display())));
    }
    let mut head = Vec::new();
    let read = file.take(HEAD).read_to_end(&mut head);
    read.map_err(Error::doing(format_args!("read {}", path.display())))?;
    Ok((metadata.len(), head))
}

/// Writes a file to the root of a medium. On return it is on stable storage, and the medium is unmounted.
fn write_file(node: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let target = mount_point(node);
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let mut mounted = Err(Error::Unusable(format!("{} takes no files", node.display())));
    for filesystem in WRITABLE {
        mounted = mount::mount(node, &target, filesystem, flags, mount::calm(filesystem));
        if mounted.is_ok() {
            break;
        }
    }
    mounted?;
    let path = target.join(name);
    let written =
        write_new(&path, bytes).map_err(Error::doing(format_args!("write {name} to {}", node.display())));
    let unmounted = mount::unmount(&target);
    if unmounted.is_err() {
        let _ = sys_mount::unmount(&target, UnmountFlags::DETACH);
    }
    written.and(unmounted)
}

/// Writes a file in place of what has its name. Were that a link, it could lead to a disk: it is taken away, not followed.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    files::secure(&file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    fn paths(root: &Path, folder: &str) -> Vec<(String, u64, bool)> {
        let mut found = Vec::new();
        each_bundle_in(root, folder, &mut |(path, size, head)| {
            found.push((path, size, head.is_ok()));
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn bundles_are_found_in_their_folder_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("updates/deeper")).unwrap();
        for file in ["b.drydock", "A.DRYDOCK", "updates/c.drydock", "updates/deeper/d.drydock", "e.txt"] {
            fs::write(at(file), file).unwrap();
        }
        fs::create_dir(at("folder.drydock")).unwrap();
        symlink("/etc/passwd", at("outside.drydock")).unwrap();
        symlink(".", at("updates/loop.drydock")).unwrap();
        let found = paths(root.path(), "");
        let expected = [
            ("A.DRYDOCK", 9, true),
            ("b.drydock", 9, true),
            ("folder.drydock", 0, false),
            ("outside.drydock", 0, false),
        ];
        assert_eq!(found, expected.map(|(path, size, good)| (path.to_owned(), size, good)));
        let found = paths(root.path(), "/updates/");
        assert_eq!(
            found,
            [("updates/c.drydock".to_owned(), 17, true), ("updates/loop.drydock".to_owned(), 0, false)]
        );
        let absent = |folder| each_bundle_in(root.path(), folder, &mut |_| true).unwrap_err().is_absence();
        assert!(absent("nowhere") && absent("b.drydock"));
    }

    #[test]
    fn a_folder_that_leads_back_to_its_beginning_has_each_bundle_once() {
        let mut names = Vec::new();
        for name in ["b.drydock", "a.drydock", "c.txt"].into_iter().cycle().take(NAMES) {
            keep_bundle(&mut names, name.into());
        }
        assert_eq!(names, ["a.drydock", "b.drydock"]);
    }

    #[test]
    fn what_is_left_on_a_medium_goes_where_no_link_leads() {
        let root = tempfile::tempdir().unwrap();
        let (disk, file) = (root.path().join("disk"), root.path().join("drydock-x-5.tar"));
        fs::write(&disk, "precious").unwrap();
        symlink(&disk, &file).unwrap();
        for bytes in [&b"longer"[..], b"new"] {
            write_new(&file, bytes).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        assert_eq!(fs::read(&disk).unwrap(), b"precious");
    }

    #[test]
    fn a_huge_folder_and_names_that_are_none_cost_little() {
        let root = tempfile::tempdir().unwrap();
        for n in 0..NAMES + 500 {
            fs::write(root.path().join(format!("{n}.drydock")), "").unwrap();
        }
        assert_eq!(paths(root.path(), "").len(), MOST_BUNDLES);
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(OsStr::from_bytes(b"\xff\x1b[2J.drydock")), "").unwrap();
        assert_eq!(paths(root.path(), ""), [("\u{fffd}\u{1b}[2J.drydock".to_owned(), 0, false)]);
    }
}
