//! Superblocks: which filesystem an image holds. Offsets from the kernel's headers: fs/ext4/ext4.h, fs/erofs/erofs_fs.h,
//! fs/squashfs/squashfs_fs.h, fs/xfs/libxfs/xfs_format.h, fs/btrfs, fs/f2fs.

use crate::bytes::{half, long, word};

/// A filesystem, as its superblock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Which one it is.
    pub kind: Kind,
    /// The size that it says it has, in bytes; 0 where that is not looked at.
    pub size: u64,
}

/// A kind of filesystem, with what decides whether it can be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ext2, ext3 or ext4.
    Ext {
        /// The size of its blocks in bytes.
        block: u64,
        /// Whether its journal has to be replayed first.
        unclean: bool,
    },
    /// EROFS.
    Erofs {
        /// The size of its blocks in bytes.
        block: u64,
    },
    /// squashfs, version 4.
    Squashfs {
        /// The number of its compression.
        compression: u16,
    },
    /// XFS.
    Xfs {
        /// The size of its sectors in bytes.
        sector: u64,
    },
    /// btrfs.
    Btrfs {
        /// The size of its sectors in bytes.
        sector: u64,
        /// Whether its log has to be replayed first.
        unclean: bool,
    },
    /// F2FS.
    F2fs,
    /// cramfs.
    Cramfs,
    /// FAT12, FAT16 or FAT32.
    Fat,
}

impl Superblock {
    /// Returns the filesystem that begins with these bytes, if it is one of those known here. 128 KiB are enough for all of
    /// them.
    #[must_use]
    pub fn find(head: &[u8]) -> Option<Self> {
        [ext, erofs, squashfs, xfs, btrfs, f2fs, cramfs, fat].iter().find_map(|find| find(head))
    }
}

fn ext(head: &[u8]) -> Option<Superblock> {
    const INCOMPAT_RECOVER: u32 = 0x4;
    const INCOMPAT_64BIT: u32 = 0x80;
    let at = |offset: usize| word(head, 1024 + offset);
    if half(head, 1024 + 0x38)? != 0xef53 {
        return None;
    }
    // 6 is 64 KiB, the largest that there is.
    let block = 1024 << at(0x18)?.min(6);
    let incompat = at(0x60)?;
    let high = if incompat & INCOMPAT_64BIT != 0 { at(0x150)? } else { 0 };
    let blocks = u64::from(high) << 32 | u64::from(at(4)?);
    let kind = Kind::Ext { block, unclean: incompat & INCOMPAT_RECOVER != 0 };
    Some(Superblock { kind, size: blocks.saturating_mul(block) })
}

fn erofs(head: &[u8]) -> Option<Superblock> {
    if word(head, 1024)? != 0xe0f5_e1e2 {
        return None;
    }
    let block = 1 << head.get(1024 + 12)?.min(&16);
    Some(Superblock {
        kind: Kind::Erofs { block },
        size: u64::from(word(head, 1024 + 36)?).saturating_mul(block),
    })
}

fn squashfs(head: &[u8]) -> Option<Superblock> {
    let version = half(head, 28)?;
    (head.starts_with(b"hsqs") && version == 4).then_some(())?;
    Some(Superblock { kind: Kind::Squashfs { compression: half(head, 20)? }, size: long(head, 40)? })
}

fn xfs(head: &[u8]) -> Option<Superblock> {
    head.starts_with(b"XFSB").then_some(())?;
    let sector = u64::from(half(head, 102)?.swap_bytes());
    let (block, blocks) = (word(head, 4)?.swap_bytes(), long(head, 8)?.swap_bytes());
    Some(Superblock { kind: Kind::Xfs { sector }, size: blocks.saturating_mul(block.into()) })
}

fn btrfs(head: &[u8]) -> Option<Superblock> {
    let superblock = head.get(64 << 10..)?;
    superblock.get(0x40..)?.starts_with(b"_BHRfS_M").then_some(())?;
    let (sector, unclean) = (word(superblock, 0x90)?.into(), long(superblock, 0x60)? != 0);
    Some(Superblock { kind: Kind::Btrfs { sector, unclean }, size: long(superblock, 0x70)? })
}

fn f2fs(head: &[u8]) -> Option<Superblock> {
    (word(head, 1024)? == 0xf2f5_2010).then_some(Superblock { kind: Kind::F2fs, size: 0 })
}

fn cramfs(head: &[u8]) -> Option<Superblock> {
    (word(head, 0)? == 0x28cd_3d45).then_some(Superblock { kind: Kind::Cramfs, size: 0 })
}

fn fat(head: &[u8]) -> Option<Superblock> {
    let named = |at: usize| head.get(at..).is_some_and(|rest| rest.starts_with(b"FAT"));
    (half(head, 510)? == 0xaa55 && (named(54) || named(82))).then_some(())?;
    let sectors = match half(head, 19)? {
        0 => word(head, 32)?,
        small => small.into(),
    };
    Some(Superblock { kind: Kind::Fat, size: u64::from(sectors) * u64::from(half(head, 11)?) })
}
