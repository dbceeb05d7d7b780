//! What is mounted where: `/proc/self/mountinfo`, as proc(5) has it.

use crate::answer::Result;
use drydock_engine::Error;
use nix::sys::stat::{dev_t, major, minor};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountPoint {
    /// Its number, for as long as it is mounted.
    pub id: u64,
    /// `MAJOR:MINOR` of what it is on: of the block device, for filesystems that drydock knows.
    pub device: String,
    /// The folder of the filesystem that is mounted: `/`, or another one for a bind mount.
    pub root: PathBuf,
    /// Where it is mounted.
    pub target: PathBuf,
    /// The filesystem.
    pub filesystem: String,
    /// What it was mounted from: a device's node starts with `/`.
    pub source: String,
}

/// All mounts that this program sees, in the order in which they were mounted.
pub fn read() -> Result<Vec<MountPoint>> {
    fs::read("/proc/self/mountinfo")
        .map(|text| parse(&text))
        .map_err(Error::doing("read /proc/self/mountinfo"))
}

/// The mount through which a file was opened, whatever is mounted over it.
pub fn of(file: &File) -> Result<MountPoint> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let info = info.map_err(Error::doing("ask which mount a file is on"))?;
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse::<u64>().ok());
    read()?.into_iter().find(|mount| Some(mount.id) == id).ok_or_else(|| {
        Error::Unusable("the kernel does not say which mount a file is on; copy it to another place".into())
    })
}

/// A device's number as it is written there.
pub fn number(device: dev_t) -> String {
    format!("{}:{}", major(device), minor(device))
}

/// Reads the list; a line that is none is passed over. Paths are bytes, and need not be UTF-8.
pub fn parse(text: &[u8]) -> Vec<MountPoint> {
    text.split(|byte| *byte == b'\n').filter_map(line).collect()
}

fn line(line: &[u8]) -> Option<MountPoint> {
    let mut words = line.split(|byte| *byte == b' ');
    let word = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    let id = word(words.next()?).parse().ok()?;
    let device = word(words.nth(1)?);
    let [root, target] = [words.next()?, words.next()?].map(unescape);
    // Options, then optional fields up to a hyphen.
    let mut words = words.skip_while(|word| *word != b"-").skip(1);
    Some(MountPoint {
        id,
        device,
        root,
        target,
        filesystem: word(words.next()?),
        source: word(words.next()?),
    })
}

/// Undoes the kernel's `\040` for a blank, and its like.
fn unescape(text: &[u8]) -> PathBuf {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.filter(|_| byte == b'\\').and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(escaped) => {
                plain.push(escaped);
                rest = &after[3..];
            }
            None => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    OsString::from_vec(plain).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    #[test]
    fn mounts_are_read_as_the_kernel_writes_them() {
        let text = b"22 1 0:21 / /proc rw - proc proc rw\n\
             30 1 253:3 / /data rw,noatime - ext4 /dev/dm-1 rw\n\
             \n\
             31 30 8:1 /some\\040where /media/a\\040b\\134c\xff ro shared:3 master:1 - vfat /dev/sda1 ro\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 3);
        let stick = &mounts[2];
        assert_eq!((stick.id, &*stick.device, &*stick.filesystem), (31, "8:1", "vfat"));
        assert_eq!((&*stick.source, stick.root.as_path()), ("/dev/sda1", Path::new("/some where")));
        assert_eq!(stick.target.as_os_str().as_bytes(), b"/media/a b\\c\xff");
    }

    #[test]
    fn the_mount_of_an_open_file_is_known() {
        let mount = of(&File::open("/proc/self/status").unwrap()).unwrap();
        assert_eq!((mount.target.as_path(), &*mount.filesystem), (Path::new("/proc"), "proc"));
    }
}
