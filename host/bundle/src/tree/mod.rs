//! Images of trees of files: a tar archive that people can open, whose first member is the signed list that devices read.

mod archive;
mod folder;
mod header;

pub use archive::unpack;
pub use folder::{Owner, collect};

use crate::Error;
use drydock_files::new_file::{NewFile, Readers};
use drydock_format::Summing;
use drydock_format::manifest::MIN_IMAGE;
use drydock_format::tar::{self, END, Header, padded};
use drydock_format::tree::BLOCK;
use drydock_tree::{Choice, Entry, LIST, List, Meta, What};
use header::{Type, head};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The name of the list in the archive; nothing else may be there.
pub const MEMBER: &str = ".drydock/files";

/// What is in a file.
#[derive(Clone, Debug)]
pub enum Contents {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What this file holds.
    File(PathBuf),
    /// A part of what this file holds.
    Part {
        /// The file.
        path: PathBuf,
        /// Where the part begins, in bytes.
        at: u64,
        /// How long it is, in bytes.
        size: u64,
    },
}

/// What an item is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file.
    File(Contents),
    /// A symbolic link, and where it leads.
    Link(PathBuf),
    /// Another name of a file that comes before it.
    Same(PathBuf),
}

/// Something on its way into an image.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its path in the tree.
    pub path: PathBuf,
    /// Who may do what.
    pub meta: Meta,
    /// What it is.
    pub kind: Kind,
}

/// What came of making an image.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The image's size in bytes.
    pub size: u64,
    /// How many files, folders and links it has.
    pub entries: usize,
}

impl Contents {
    fn open(&self) -> Result<Box<dyn Read + '_>, Error> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(&bytes[..])),
            Self::File(path) => Ok(Box::new(File::open(path).map_err(self.failing())?)),
            Self::Part { path, at, size } => {
                let mut file = File::open(path).map_err(self.failing())?;
                file.seek(SeekFrom::Start(*at)).map_err(self.failing())?;
                Ok(Box::new(file.take(*size)))
            }
        }
    }

    /// For `map_err`.
    fn failing(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = match self {
            Self::File(path) | Self::Part { path, .. } => path.clone(),
            Self::Bytes(_) => PathBuf::new(),
        };
        move |source| Error::File { doing: "reading", path, source }
    }
}

/// Makes an image of these items. The same items make the same bytes, in whatever order they come.
pub fn write(choice: &Choice, items: &[Item], out: &mut dyn Write) -> Result<Made, Error> {
    let mut items: Vec<&Item> = items.iter().collect();
    items.sort_by(|one, other| one.path.cmp(&other.path));
    let (mut entries, mut heads, mut at) = (Vec::new(), Vec::new(), 0);
    for item in &items {
        if item.path.starts_with(".drydock") {
            return Err(refused(&item.path, "the folder `.drydock` is the list's own"));
        }
        let (what, kind, size) = match &item.kind {
            Kind::Folder => (What::Folder, Type::Folder, 0),
            Kind::Link(target) => (What::Link { target: target.clone() }, Type::Link(target), 0),
            Kind::Same(file) => (What::Same { file: file.clone() }, Type::Same(file), 0),
            Kind::File(contents) => {
                let (size, sha256) = digest(contents)?;
                (What::File { size, at: 0, sha256 }, Type::File, size)
            }
        };
        let head = head(&item.path, &item.meta, size, kind);
        at += head.len() as u64;
        let what = match what {
            What::File { size, sha256, .. } => What::File { size, at, sha256 },
            other => other,
        };
        at += padded(size);
        heads.push(head);
        let meta = match what {
            What::Same { .. } => Meta::default(),
            What::Link { .. } => Meta { mode: 0o777, extras: Vec::new(), ..item.meta.clone() },
            _ => item.meta.clone(),
        };
        entries.push(Entry { path: item.path.clone(), meta, what });
    }
    let list = List::encode(choice, &entries);
    let image = (tar::BLOCK + padded(list.len() as u64) + at + END).next_multiple_of(BLOCK as u64);
    let image = image.max(MIN_IMAGE);
    if list.len() as u64 > LIST {
        return Err(refused(Path::new(MEMBER), "there are too many files for one image"));
    }
    // What a device would refuse is never written.
    List::parse(&list, image).map_err(|why| refused(Path::new(MEMBER), &why.to_string()))?;
    put(&list, &items, &heads, image, out)?;
    Ok(Made { size: image, entries: entries.len() })
}

/// Writes the archive.
fn put(list: &[u8], items: &[&Item], heads: &[Vec<u8>], size: u64, out: &mut dyn Write) -> Result<(), Error> {
    let mut out = Counted { out, count: 0 };
    let writing = |source| Error::File { doing: "writing", path: "the image".into(), source };
    let header = Header { name: MEMBER.into(), size: list.len() as u64 };
    out.all(&header.encode())
        .and_then(|()| out.all(list))
        .and_then(|()| out.pad(tar::BLOCK))
        .map_err(writing)?;
    for (item, head) in items.iter().zip(heads) {
        out.all(head).map_err(writing)?;
        let Kind::File(contents) = &item.kind else { continue };
        io::copy(&mut contents.open()?, &mut out).and_then(|_| out.pad(tar::BLOCK)).map_err(writing)?;
    }
    out.pad(size).map_err(writing)?;
    match out.count == size {
        true => Ok(()),
        false => Err(refused(Path::new(""), "a file was changed while it was read")),
    }
}

/// Makes an image of a folder, in a new file. On return it is on stable storage.
pub fn write_file(choice: &Choice, items: &[Item], path: &Path) -> Result<Made, Error> {
    let failed = |source| Error::File { doing: "writing", path: path.into(), source };
    let file = NewFile::new(path, Readers::Usual).map_err(failed)?;
    let mut out = BufWriter::new(file.file());
    let made = write(choice, items, &mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.finish().map_err(failed)?;
    Ok(made)
}

fn digest(contents: &Contents) -> Result<(u64, drydock_format::Digest), Error> {
    let mut sum = Sum::default();
    let size = io::copy(&mut contents.open()?, &mut sum).map_err(contents.failing())?;
    Ok((size, sum.0.digest()))
}

#[derive(Default)]
struct Sum(Summing);

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.add(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Knows how much was written.
struct Counted<'o> {
    out: &'o mut dyn Write,
    count: u64,
}

impl Counted<'_> {
    fn all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    /// Adds zeros up to the next multiple of so many bytes.
    fn pad(&mut self, unit: u64) -> io::Result<()> {
        let missing = self.count.next_multiple_of(unit) - self.count;
        io::copy(&mut io::repeat(0).take(missing), self).map(drop)
    }
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.count += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

pub(crate) fn refused(path: &Path, why: &str) -> Error {
    Error::Input { what: format!("the tree at {}", path.display()), problem: why.into() }
}
