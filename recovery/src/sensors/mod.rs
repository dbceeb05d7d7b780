//! What the kernel tells of the machine and its surroundings: sysfs, GPIO lines, room on filesystems. Nothing here knows what
//! it is needed for.

use crate::sys;
use drydock_engine::Error;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The longest file that is read, in bytes: a page, which is as long as those of sysfs are.
const LONGEST: u64 = 4096;
/// What is said of a file that can't be read.
const ADVICE: &str = "check the path, and that its driver is there";

/// A tree of the kernel's files.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The running kernel's.
    pub fn of_system() -> Self {
        Self::below(Path::new("/"))
    }

    /// One that lies below another folder.
    pub fn below(root: &Path) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns the first 4096 bytes of a file, as text without white space at its ends.
    pub fn attribute(&self, path: &str) -> Result<String, Error> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(self.path(path))?.take(LONGEST).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(Error::system("reading", path, ADVICE))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// Returns the names of what is in a folder, in order.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        let read = || -> io::Result<Vec<String>> {
            let entries = fs::read_dir(self.path(folder))?;
            let name =
                |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
            entries.map(name).collect()
        };
        let mut names = read().map_err(Error::system("reading", folder, ADVICE))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Returns whether a line of a GPIO chip is high, which becomes an input for that. The chip is named by its node in `/dev`.
    pub fn is_high(&self, chip: &str, line: u32) -> Result<bool, Error> {
        let what = format!("line {line} of {chip}");
        let read = || sys::gpio_level(File::open(self.path("dev").join(chip))?, line);
        read().map_err(Error::system("reading", what, "check that it is there, and that nobody else uses it"))
    }
}

/// Returns how many bytes are free on the filesystem that is mounted there, for whoever is not root, too.
pub fn free_on(mounted: &Path) -> Result<u64, Error> {
    let failed = Error::system("asking for the room in", mounted.display(), "");
    let room = statvfs(mounted).map_err(|errno| failed(errno.into()))?;
    Ok(room.blocks_available().saturating_mul(room.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_read_below_their_root_as_far_as_they_are_long() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("sys/class/power_supply");
        for name in ["BAT1", "AC"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        fs::write(folder.join("AC/online"), "1\n").unwrap();
        fs::write(folder.join("AC/long"), "x".repeat(10_000)).unwrap();
        let tree = Tree::below(root.path());
        assert_eq!(tree.attribute("/sys/class/power_supply/AC/online").unwrap(), "1");
        assert_eq!(tree.attribute("/sys/class/power_supply/AC/long").unwrap().len(), 4096);
        assert_eq!(tree.names("/sys/class/power_supply").unwrap(), ["AC", "BAT1"]);
        let missing = tree.attribute("/sys/class/power_supply/AC/none").unwrap_err().to_string();
        assert!(missing.contains("AC/none") && missing.contains("check the path"), "{missing}");
        assert!(tree.is_high("gpiochip0", 3).unwrap_err().to_string().contains("line 3 of gpiochip0"));
    }

    #[test]
    fn the_room_on_a_filesystem_is_what_the_kernel_says() {
        let folder = Path::new("/proc");
        assert_eq!(free_on(folder).unwrap(), 0);
        assert!(free_on(Path::new("/")).unwrap() > 0);
        assert!(free_on(Path::new("/no such folder")).is_err());
    }
}
