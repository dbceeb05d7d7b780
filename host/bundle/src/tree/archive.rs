//! A tar archive, as items: whose the files are and what they may do is taken from the archive, and needs no rights on the build
//! host.
//!
//! Headers are read by the crate `tar`. Its reader of pax records takes a newline for the end of one, also in the middle of a
//! binary value, so records are read here, by their lengths (POSIX.1-2017, pax, "pax Extended Header").

use super::folder::{Owner, is_for_devices, same_files};
use super::{Contents, Item, Kind, refused};
use crate::Error;
use drydock_tree::{Extra, Meta};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use tar::EntryType;

/// The most bytes of one extended header.
const RECORDS: u64 = 16 << 20;
/// Begins the key of an extended attribute.
const XATTR: &[u8] = b"SCHILY.xattr.";

/// What the headers before an entry say of it.
#[derive(Default)]
struct Told {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    uid: Option<u64>,
    gid: Option<u64>,
    size: Option<u64>,
    extras: Vec<Extra>,
    /// Why the entry can't be taken.
    problem: Option<&'static str>,
}

/// Returns all that is in an archive that is not compressed: files, folders, links, several names of one file.
///
/// # Errors
/// It is no archive. Something in it leads out of it, is there twice, or can't be in an image: a pipe, a device, a file with holes.
pub fn unpack(archive: &Path, owner: Owner) -> Result<Vec<Item>, Error> {
    let reading = |source| Error::File { doing: "reading", path: archive.to_owned(), source };
    let file = File::open(archive).map_err(reading)?;
    let mut tar = tar::Archive::new(BufReader::new(file));
    let (mut items, mut told) = (Vec::new(), Told::default());
    let mut named: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let no_tar = |source: io::Error| {
        refused(
            archive,
            &format!("it is no tar archive, or a compressed one, which must be unpacked first ({source})"),
        )
    };
    for entry in tar.entries().map_err(no_tar)?.raw(true) {
        let mut entry = entry.map_err(no_tar)?;
        let (kind, header) = (entry.header().entry_type(), entry.header().clone());
        if matches!(
            kind,
            EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
        ) {
            let mut bytes = Vec::new();
            if entry.size() > RECORDS {
                return Err(refused(archive, "an extended header is too large"));
            }
            entry.read_to_end(&mut bytes).map_err(no_tar)?;
            told.take(kind, bytes).map_err(|why| refused(archive, why))?;
            continue;
        }
        let told = std::mem::take(&mut told);
        let name = told.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let Some(path) = plain(&name).map_err(|why| refused(Path::new(OsStr::from_bytes(&name)), why))?
        else {
            continue;
        };
        let link = told.link.or_else(|| header.link_name_bytes().map(|link| link.into_owned()));
        let link = link.unwrap_or_default();
        let kind = match kind {
            _ if told.problem.is_some() => return Err(refused(&path, told.problem.unwrap_or_default())),
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Link(OsStr::from_bytes(&link).into()),
            EntryType::Link => match plain(&link) {
                Ok(Some(target)) => Kind::Same(target),
                _ => return Err(refused(&path, "it is another name of a file outside of the archive")),
            },
            EntryType::Regular | EntryType::Continuous => {
                if told.size.is_some_and(|size| size != entry.size()) {
                    return Err(refused(&path, "its header and its extended header tell different lengths"));
                }
                let (at, size) = (entry.raw_file_position(), entry.size());
                Kind::File(Contents::Part { path: archive.to_owned(), at, size })
            }
            EntryType::GNUSparse => return Err(refused(&path, HOLES)),
            _ => return Err(refused(&path, "a pipe, a socket or a device can't be in an image")),
        };
        let (uid, gid) = match owner {
            Owner::All { uid, gid } => (uid, gid),
            Owner::AsTheyAre => {
                let number = |told: Option<u64>, header: io::Result<u64>| {
                    let id = told.map_or(header, Ok).map_err(no_tar)?;
                    u32::try_from(id)
                        .map_err(|_| refused(&path, "its owner or group is no number of 32 bits"))
                };
                (number(told.uid, header.uid())?, number(told.gid, header.gid())?)
            }
        };
        let mut extras: Vec<Extra> = told.extras.into_iter().filter(is_for_devices).collect();
        extras.sort();
        let meta = Meta { mode: header.mode().map_err(no_tar)? & 0o7777, uid, gid, extras };
        if named.insert(path.clone(), items.len()).is_some() {
            return Err(refused(&path, "it is there twice"));
        }
        items.push(Item { path, meta, kind });
    }
    let mut names: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let mut file = index;
        // The name that another name is of comes before it, so this ends.
        while let Kind::Same(target) = &items[file].kind {
            file = *named.get(target).filter(|found| **found < file).ok_or_else(|| {
                refused(&item.path, "it is another name of a file that is not in the archive before it")
            })?;
        }
        if matches!(items[file].kind, Kind::File(_)) {
            names.entry(file).or_default().push(index);
        } else if file != index {
            return Err(refused(&item.path, "it is another name of something that is no file"));
        }
    }
    for (file, same) in names {
        let (meta, kind) = (items[file].meta.clone(), items[file].kind.clone());
        for index in &same {
            (items[*index].meta, items[*index].kind) = (meta.clone(), kind.clone());
        }
        same_files(&mut items, same);
    }
    Ok(items)
}

/// What is said of a file that lacks some of its bytes.
const HOLES: &str = "a file with holes can't be read; make the archive without `--sparse`";

impl Told {
    fn take(&mut self, kind: EntryType, mut bytes: Vec<u8>) -> Result<(), &'static str> {
        match kind {
            EntryType::GNULongName | EntryType::GNULongLink => {
                bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
                match kind {
                    EntryType::GNULongName => self.path = Some(bytes),
                    _ => self.link = Some(bytes),
                }
                Ok(())
            }
            EntryType::XGlobalHeader => match records(&bytes)?.iter().all(|(key, _)| *key == b"comment") {
                true => Ok(()),
                false => Err("an extended header for the whole archive says more than a comment"),
            },
            _ => records(&bytes)?.into_iter().try_for_each(|(key, value)| self.record(key, value)),
        }
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
        let number = || {
            let text = std::str::from_utf8(value).ok();
            text.and_then(|text| text.parse().ok()).ok_or("a number in an extended header is none")
        };
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"uid" => self.uid = Some(number()?),
            b"gid" => self.gid = Some(number()?),
            b"size" => self.size = Some(number()?),
            _ if key.starts_with(b"GNU.sparse.") => self.problem = Some(HOLES),
            _ => {
                if let Some(name) = key.strip_prefix(XATTR) {
                    self.extras.push(Extra { name: name.to_vec(), value: value.to_vec() });
                }
            }
        }
        Ok(())
    }
}

/// A keyword of an extended header and its value.
type Record<'b> = (&'b [u8], &'b [u8]);

/// The records of an extended header: `LENGTH KEY=VALUE` and a newline each, where the length is that of all of it.
fn records(mut bytes: &[u8]) -> Result<Vec<Record<'_>>, &'static str> {
    const WRONG: &str = "an extended header has a record that is none";
    let mut found = Vec::new();
    // What is behind the last one is zeros, where somebody has padded it.
    while bytes.first().is_some_and(|byte| *byte != 0) {
        let space = bytes.iter().position(|byte| *byte == b' ').ok_or(WRONG)?;
        let length =
            std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok()).ok_or(WRONG)?;
        let (record, rest) = bytes.split_at_checked(length).ok_or(WRONG)?;
        let record = record.get(space + 1..).and_then(|record| record.strip_suffix(b"\n")).ok_or(WRONG)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or(WRONG)?;
        found.push((&record[..equals], &record[equals + 1..]));
        bytes = rest;
    }
    Ok(found)
}

/// A name in an archive as a path in the tree; nothing of the tree's root itself.
fn plain(name: &[u8]) -> Result<Option<PathBuf>, &'static str> {
    let mut path = PathBuf::new();
    for part in Path::new(OsStr::from_bytes(name)).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => path.push(name),
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err("it leads out of the tree");
            }
        }
    }
    Ok((path != Path::new("")).then_some(path))
}
