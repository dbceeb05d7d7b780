//! Where the files of a filesystem image lie, so that two images can be compared file by file.
//!
//! [`read`] walks the directories of an EROFS, ext2, ext3, ext4 or squashfs image, and gives for each regular file its path
//! and the [`Extent`]s of the image in which its content lies. Nothing is mounted and no content is read: what comes back
//! is a map. It is a hint and no more: who uses it must be right whatever it says, and without it, too.
//!
//! An image may be damaged, or made to do harm. Every place that it names is looked up inside of the image or not at all,
//! nothing is visited twice, and what is read, kept and followed is limited: such an image gives an [`Error`], soon and in
//! little memory.
//!
//! [`Superblock`] says which filesystem an image holds, of more kinds than are read here.

mod bytes;
mod erofs;
mod error;
mod ext;
mod extents;
mod image;
mod read;
mod squashfs;
mod superblock;
mod tree;
mod walk;

pub use error::Error;
pub use read::read;
pub use superblock::{Kind, Superblock};
pub use tree::{Extent, File, Stored, Tree};
