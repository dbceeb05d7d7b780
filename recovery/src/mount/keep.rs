//! Packing and unpacking the files that survive a factory reset.

use crate::answer::Result;
use drydock_engine::Error;
use drydock_engine::reset::archive::{Entry, Kind};
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

/// Packs files and folders below `root`, whole folders with all that is in them, and the folders above them. The
/// result has at most `limit` bytes; what would be more is refused before it is read. A path that does not exist is
/// passed over, as are sockets, pipes and device nodes; a link on the way to a path is refused.
pub fn pack(root: &Path, paths: &[String], limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    // Measured first and then filled, so that nothing is left behind in memory by a buffer that grows.
    let mut measure = Packer { root, limit, needed: 0, seen: vec![], archive: None };
    measure.all(paths)?;
    let archive = Zeroizing::new(Vec::with_capacity(measure.needed as usize));
    let mut packer = Packer { archive: Some(archive), needed: 0, seen: vec![], ..measure };
    packer.all(paths)?;
    Ok(packer.archive.unwrap_or_default())
}

struct Packer<'a> {
    root: &'a Path,
    limit: u64,
    needed: u64,
    seen: Vec<PathBuf>,
    /// Nothing while only the size is wanted.
    archive: Option<Zeroizing<Vec<u8>>>,
}

impl Packer<'_> {
    fn all(&mut self, paths: &[String]) -> Result<()> {
        paths.iter().try_for_each(|path| self.listed(Path::new(path.trim_start_matches('/'))))
    }

    /// One path of the list, with the folders above it.
    fn listed(&mut self, path: &Path) -> Result<()> {
        let mut at = PathBuf::new();
        let count = path.components().count();
        for (index, part) in path.components().enumerate() {
            let Component::Normal(name) = part else { continue };
            at.push(name);
            let Some(metadata) = self.look(&at)? else { return Ok(()) };
            if index + 1 == count {
                return self.tree(&at, &metadata);
            }
            if !metadata.is_dir() {
                return Err(Error::Unusable(format!(
                    "keep {}: {} is not a folder; name the path without links",
                    path.display(),
                    at.display()
                )));
            }
            self.add(&at, &metadata)?;
        }
        Ok(())
    }

    fn look(&self, path: &Path) -> Result<Option<Metadata>> {
        match fs::symlink_metadata(self.root.join(path)) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(reading(path)(error)),
        }
    }

    fn tree(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        self.add(path, metadata)?;
        if !metadata.is_dir() {
            return Ok(());
        }
        let list = fs::read_dir(self.root.join(path)).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        // In order. There are few: putting each in its place takes less code than sorting.
        let mut names: Vec<OsString> = vec![];
        for name in list.map_err(reading(path))?.iter().map(fs::DirEntry::file_name) {
            let place = names.partition_point(|before| *before <= name);
            names.insert(place, name);
        }
        for name in names {
            let inner = path.join(name);
            if let Some(metadata) = self.look(&inner)? {
                self.tree(&inner, &metadata)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        if self.seen.iter().any(|seen| seen == path) {
            return Ok(());
        }
        let full = self.root.join(path);
        let mut contents = Zeroizing::new(vec![]);
        let (kind, len) = if metadata.is_dir() {
            (Kind::Folder, 0)
        } else if metadata.is_symlink() {
            let target = fs::read_link(&full).map_err(reading(path))?;
            contents.extend_from_slice(target.as_os_str().as_bytes());
            (Kind::Link, contents.len() as u64)
        } else if metadata.is_file() {
            (Kind::File, metadata.len())
        } else {
            return Ok(());
        };
        let mut entry = Entry {
            kind,
            path,
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            contents: &[],
        };
        self.needed += entry.size() + len;
        if self.needed > self.limit {
            return Err(Error::Unusable(format!(
                "what is to be kept is more than {} KiB, at {}; raise `factory_reset.keep_limit_kib` or keep less",
                self.limit >> 10,
                path.display()
            )));
        }
        self.seen.push(path.to_owned());
        let Some(archive) = &mut self.archive else { return Ok(()) };
        if kind == Kind::File {
            contents.reserve_exact(len as usize + 1);
            let file = File::open(&full).map_err(reading(path))?;
            let read = file.take(len + 1).read_to_end(&mut contents).map_err(reading(path))?;
            if read as u64 != len {
                return Err(Error::Unusable(format!("keep {}: its length changes", path.display())));
            }
        }
        entry.contents = &contents;
        match entry.append(archive) {
            true => Ok(()),
            false => Err(Error::Unusable(format!("keep {}: it is too large", path.display()))),
        }
    }
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let doing = format!("read {}, which is to be kept", path.display());
    move |source| Error::System { doing, source, advice: "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::files::Mounted;
    use drydock_engine::reset::archive;
    use drydock_engine::reset::unpack::unpack;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn sample() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("lib/net/deep")).unwrap();
        fs::write(root.path().join("lib/net/a"), "address").unwrap();
        fs::write(root.path().join("lib/net/deep/b"), vec![7; 5000]).unwrap();
        fs::set_permissions(root.path().join("lib/net/a"), Permissions::from_mode(0o4640)).unwrap();
        fs::write(root.path().join("lib/other"), "not kept").unwrap();
        symlink("lib/net", root.path().join("link")).unwrap();
        root
    }

    fn keep(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn what_is_listed_survives_with_its_permissions_and_nothing_else_does() {
        let (old, new) = (sample(), tempfile::tempdir().unwrap());
        let packed = pack(old.path(), &keep(&["/lib/net", "link", "nowhere", "lib/net/a"]), 1 << 20).unwrap();
        unpack(&Mounted(new.path().into()), &packed).unwrap();
        assert_eq!(fs::read(new.path().join("lib/net/a")).unwrap(), b"address");
        assert_eq!(fs::read(new.path().join("lib/net/deep/b")).unwrap(), [7; 5000]);
        assert_eq!(fs::read_link(new.path().join("link")).unwrap(), Path::new("lib/net"));
        assert_eq!(fs::metadata(new.path().join("lib/net/a")).unwrap().mode() & 0o7777, 0o4640);
        assert!(!new.path().join("lib/other").exists());
        assert_eq!(archive::count(&packed), 6);
    }

    #[test]
    fn too_much_is_refused_before_it_is_read_and_so_is_a_link_on_the_way() {
        let old = sample();
        let too_much = pack(old.path(), &keep(&["lib/net"]), 5000).unwrap_err();
        assert!(too_much.to_string().contains("keep_limit_kib"), "{too_much}");
        let link = pack(old.path(), &keep(&["link/a"]), 1 << 20).unwrap_err();
        assert!(link.to_string().contains("without links"), "{link}");
    }
}
