//! One line of a list: a folder, a file, a link.

use crate::escape::{escape, hex, unescape};
use drydock_format::Digest;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// The longest path, in bytes; Linux takes 4096 with all that stands above a tree.
const PATH: usize = 2048;
/// The longest name.
const NAME: usize = 255;
/// The most folders above a file.
const DEPTH: usize = 64;
/// The longest target of a symbolic link.
const TARGET: usize = 4095;
/// The longest value of an extended attribute, and the most of them.
const VALUE: usize = 65536;
const EXTRAS: usize = 64;

/// An extended attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extra {
    /// Its name, as in `security.capability`.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

impl Extra {
    /// Whether it says who may do what, or belongs to whoever made the file: a tree must have such a one exactly where its list
    /// has it. Others, as a label that the kernel gives each file, may be there without it.
    pub fn is_owned(&self) -> bool {
        let name = self.name.as_slice();
        name == b"security.capability" || name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_")
    }
}

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// The permissions, with the set-user-ID, set-group-ID and sticky bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Extended attributes, by their names.
    pub extras: Vec<Extra>,
}

impl Meta {
    /// Whether what was found is as it should be.
    pub fn is_as(&self, wanted: &Self) -> bool {
        let has = |extra: &Extra| self.extras.contains(extra);
        let none_other = |extra: &Extra| !extra.is_owned() || wanted.extras.contains(extra);
        (self.mode, self.uid, self.gid) == (wanted.mode, wanted.uid, wanted.gid)
            && wanted.extras.iter().all(has)
            && self.extras.iter().all(none_other)
    }
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Its length in bytes.
        size: u64,
        /// Where its contents lie, in bytes from the end of the list's member.
        at: u64,
        /// The digest of its contents.
        sha256: Digest,
    },
    /// A symbolic link.
    Link {
        /// Where it leads; it may be anything, for nothing follows it.
        target: PathBuf,
    },
    /// Another name of a file that comes before it.
    Same {
        /// That file's path.
        file: PathBuf,
    },
}

/// One entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the tree: names, and nothing that leads out of it.
    pub path: PathBuf,
    /// Who may do what; of another name of a file that file's is meant, and here is nothing.
    pub meta: Meta,
    /// What it is.
    pub what: What,
}

impl Entry {
    /// Adds its line.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let Meta { mode, uid, gid, extras } = &self.meta;
        let path = self.path.as_os_str().as_bytes();
        match &self.what {
            What::Folder => out.extend(format!("d {mode:04o} {uid} {gid} ").bytes()),
            What::File { size, at, sha256 } => {
                out.extend(format!("f {mode:04o} {uid} {gid} {size} {at} {sha256} ").bytes());
            }
            What::Link { .. } => out.extend(format!("l {uid} {gid} ").bytes()),
            What::Same { .. } => out.extend(b"h "),
        }
        escape(path, out);
        if let What::Link { target: other } | What::Same { file: other } = &self.what {
            out.push(b' ');
            escape(other.as_os_str().as_bytes(), out);
        }
        for Extra { name, value } in extras {
            out.push(b' ');
            escape(name, out);
            out.push(b'=');
            out.extend(value.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
        out.push(b'\n');
    }

    /// Reads a line without its end. The error says which rule it breaks.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let mut words = line.split(|byte| *byte == b' ');
        let kind = words.next().unwrap_or_default();
        let mut word = || words.next().ok_or("a word is missing");
        let owner = |word: &mut dyn FnMut() -> Result<_, _>, mode| {
            let (uid, gid) = (number(word()?)?, number(word()?)?);
            let fits = |id: u64| u32::try_from(id).ok().filter(|id| *id != u32::MAX);
            match (fits(uid), fits(gid)) {
                (Some(uid), Some(gid)) => Ok(Meta { mode, uid, gid, extras: Vec::new() }),
                _ => Err("an owner or a group can't be one"),
            }
        };
        let mut entry = match kind {
            b"d" => {
                let mode = octal(word()?)?;
                Self { meta: owner(&mut word, mode)?, what: What::Folder, path: path(word()?)? }
            }
            b"f" => {
                let mode = octal(word()?)?;
                let meta = owner(&mut word, mode)?;
                let (size, at) = (number(word()?)?, number(word()?)?);
                let sha256 = std::str::from_utf8(word()?).ok().and_then(|text| text.parse().ok());
                let sha256 = sha256.ok_or("a digest is not 64 hex digits")?;
                Self { meta, what: What::File { size, at, sha256 }, path: path(word()?)? }
            }
            b"l" => {
                let meta = owner(&mut word, 0o777)?;
                let path = path(word()?)?;
                let target = unescape(word()?).filter(|target| (1..=TARGET).contains(&target.len()));
                let target = target.filter(|target| !target.contains(&0)).ok_or("a link leads nowhere")?;
                Self { meta, what: What::Link { target: OsString::from_vec(target).into() }, path }
            }
            b"h" => {
                let named = path(word()?)?;
                Self { path: named, meta: Meta::default(), what: What::Same { file: path(word()?)? } }
            }
            _ => return Err("it is of no kind that there is"),
        };
        for word in words {
            if matches!(entry.what, What::Same { .. } | What::Link { .. })
                || entry.meta.extras.len() == EXTRAS
            {
                return Err("it has extended attributes that it can't have");
            }
            entry.meta.extras.push(extra(word).ok_or("an extended attribute is not NAME=HEX")?);
        }
        match entry.meta.extras.is_sorted_by(|one, next| one.name < next.name) {
            true => Ok(entry),
            false => Err("its extended attributes are not in order"),
        }
    }
}

fn number(word: &[u8]) -> Result<u64, &'static str> {
    let plain = word.iter().all(u8::is_ascii_digit) && (word.len() == 1 || !word.starts_with(b"0"));
    let number = std::str::from_utf8(word).ok().filter(|_| plain).and_then(|text| text.parse().ok());
    number.filter(|number| *number < 1 << 62).ok_or("a number is none")
}

fn octal(word: &[u8]) -> Result<u32, &'static str> {
    let fits = word.len() == 4 && word.iter().all(|digit| (b'0'..=b'7').contains(digit));
    let value = word.iter().fold(0, |sum, digit| sum << 3 | u32::from(digit.wrapping_sub(b'0')));
    fits.then_some(value).ok_or("the permissions are not four octal digits")
}

/// A path that leads to one place below a tree's root, and is written in one way only.
fn path(word: &[u8]) -> Result<PathBuf, &'static str> {
    let bytes = unescape(word).filter(|bytes| (1..=PATH).contains(&bytes.len()));
    let bytes = bytes.filter(|bytes| !bytes.contains(&0)).ok_or("a path can't be one")?;
    let path = PathBuf::from(OsString::from_vec(bytes));
    let good = |part: Component<'_>| match part {
        Component::Normal(name) => name.len() <= NAME,
        _ => false,
    };
    // What the parts are joined to has no slash and no dot that the parts do not show.
    let joined: PathBuf = path.components().collect();
    let same = joined.as_os_str() == path.as_os_str();
    match same && path.components().count() <= DEPTH && path.components().all(good) {
        true => Ok(path),
        false => Err("a path leads out of the tree, or is not written plainly"),
    }
}

fn extra(word: &[u8]) -> Option<Extra> {
    let at = word.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (unescape(word.get(..at)?)?, word.get(at + 1..)?);
    if name.is_empty() || name.len() > NAME || name.contains(&0) || value.len() > 2 * VALUE {
        return None;
    }
    let (pairs, rest) = value.as_chunks::<2>();
    let value = pairs.iter().map(|[high, low]| Some(hex(*high)? << 4 | hex(*low)?)).collect::<Option<_>>()?;
    rest.is_empty().then_some(Extra { name, value })
}

/// Whether `path` is directly in `folder`; the empty path is the tree's root.
pub(crate) fn is_in(path: &Path, folder: &Path) -> bool {
    path.parent() == Some(folder)
}
