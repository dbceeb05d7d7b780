//! What is known of an image's files.

use crate::Kind;

/// The regular files of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The filesystem that they are in.
    pub kind: Kind,
    /// Those that have content outside of their inodes, by their paths in the order of bytes. An inode with several names
    /// is here once, with the first of them.
    pub files: Vec<File>,
}

/// A regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path from the root of the image, with `/` between the names and none before them. It need not be UTF-8.
    pub path: Vec<u8>,
    /// Its size in bytes.
    pub size: u64,
    /// What its extents hold.
    pub stored: Stored,
    /// Where its content lies in the image, in the order of the content. Never empty, none of them is empty, and all of them
    /// lie inside of the image. Those of several files may overlap, where files share content.
    pub extents: Vec<Extent>,
}

/// What the extents of a file hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// The file's bytes as they are. Between and after the extents the file is zeros, up to its size.
    Plain,
    /// Bytes from which the file is unpacked, some or all of them compressed. A part of the file that is packed together
    /// with others is left out.
    Packed,
}

/// A piece of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Which byte of the file it begins with.
    pub offset: u64,
    /// Where it begins in the image, in bytes.
    pub at: u64,
    /// How many bytes of the image it has.
    pub len: u64,
}

impl File {
    /// How many bytes of the image its extents have.
    #[must_use]
    pub fn len_in_image(&self) -> u64 {
        self.extents.iter().map(|extent| extent.len).sum()
    }
}
