//! Where a file of the live system will be for recovery, which mounts the `data` volume and nothing else.

use super::mountinfo::{self, MountPoint};
use crate::answer::Result;
use drydock_engine::Error;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The path within the `data` volume of a file that was opened at `path`, with no link left in it. `partition` is the
/// node of the volume's partition; the volume is it, or a mapping of it. A file on anything else that may be mounted
/// below or over the volume is refused.
pub fn on_volume(file: &File, path: &Path, partition: &Path) -> Result<PathBuf> {
    let mount = mountinfo::of(file)?;
    if is_on(&mount, partition)? {
        return within(&mount, path);
    }
    Err(Error::Unusable(format!(
        "{} is on the {} at {}, which is not the data volume, so recovery could not read it; copy it to that volume, or use --medium",
        path.display(),
        mount.filesystem,
        mount.target.display()
    )))
}

/// What is mounted may be a folder of the volume, and hide another one: recovery sees the volume as it is.
fn within(mount: &MountPoint, path: &Path) -> Result<PathBuf> {
    let inside = path.strip_prefix(&mount.target).map_err(|_| {
        Error::Unusable(format!("{} is not below {}; check the path", path.display(), mount.target.display()))
    })?;
    let root = mount.root.strip_prefix("/").unwrap_or(&mount.root);
    Ok(root.join(inside))
}

/// Whether a mount is on a partition, or on a mapping of it.
fn is_on(mount: &MountPoint, partition: &Path) -> Result<bool> {
    let number = |path: &Path| fs::metadata(path).map(|metadata| mountinfo::number(metadata.rdev()));
    let partition_number =
        number(partition).map_err(Error::doing(format_args!("look at {}", partition.display())))?;
    if mount.device == partition_number {
        return Ok(true);
    }
    let below =
        fs::read_dir(format!("/sys/dev/block/{}/slaves", mount.device)).into_iter().flatten().flatten();
    let mut numbers = below.filter_map(|device| fs::read_to_string(device.path().join("dev")).ok());
    Ok(numbers.any(|number| number.trim() == partition_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(root: &str, target: &str) -> MountPoint {
        let line = format!("30 1 253:3 {root} {target} rw - ext4 /dev/dm-1 rw\n");
        mountinfo::parse(line.as_bytes()).remove(0)
    }

    #[test]
    fn a_file_is_named_as_recovery_sees_it_whatever_part_of_the_volume_is_mounted_where() {
        let inside = |root, target, path: &str| within(&mount(root, target), Path::new(path)).unwrap();
        assert_eq!(inside("/", "/var", "/var/lib/u"), Path::new("lib/u"));
        assert_eq!(inside("/home", "/home", "/home/user/u"), Path::new("home/user/u"));
        assert_eq!(inside("/a", "/var/b", "/var/b/u"), Path::new("a/u"));
        assert!(within(&mount("/", "/var"), Path::new("/srv/u")).is_err());
    }

    #[test]
    fn a_file_in_a_memory_filesystem_is_refused_with_its_name() {
        let file = tempfile::NamedTempFile::new_in("/dev/shm").unwrap();
        let refused = on_volume(file.as_file(), file.path(), Path::new("/dev/null")).unwrap_err().to_string();
        assert!(refused.contains("on the tmpfs at /dev/shm") && refused.contains("--medium"), "{refused}");
    }
}
