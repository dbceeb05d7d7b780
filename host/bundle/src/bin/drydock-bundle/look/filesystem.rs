//! Superblocks, as far as they decide whether an image can be mounted through dm-verity or read by GRUB. Offsets from the
//! kernel's headers: fs/ext4/ext4.h, fs/erofs/erofs_fs.h, fs/squashfs/squashfs_fs.h, fs/xfs/libxfs/xfs_format.h,
//! fs/btrfs, fs/f2fs.

/// The logical block of the dm-verity device that a root is mounted from: no filesystem may have smaller ones.
const BLOCK: u64 = 4096;
/// The squashfs compressions that GRUB 2.06 has, gzip, lzo and xz (its squash4.c); the number is looked at even where
/// nothing is compressed.
const GRUB_SQUASHFS: [u16; 3] = [1, 3, 4];

/// A filesystem, as its superblock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filesystem {
    kind: Kind,
    /// The size that it says it has, in bytes; 0 where that is not looked at.
    size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// With its block size, and whether a journal has to be replayed first.
    Ext {
        block: u64,
        unclean: bool,
    },
    /// With its block size.
    Erofs {
        block: u64,
    },
    /// With the number of its compression.
    Squashfs {
        compression: u16,
    },
    /// With its sector size.
    Xfs {
        sector: u64,
    },
    /// With its sector size, and whether a log has to be replayed first.
    Btrfs {
        sector: u64,
        unclean: bool,
    },
    F2fs,
    Cramfs,
    Fat,
}

impl Filesystem {
    /// The filesystem that begins with these bytes, if it is one of those known here.
    pub(crate) fn find(head: &[u8]) -> Option<Self> {
        [ext, erofs, squashfs, xfs, btrfs, f2fs, cramfs, fat].iter().find_map(|find| find(head))
    }

    /// Whether a filesystem of this name would have been found.
    pub(crate) fn is_known(name: &str) -> bool {
        ["ext2", "ext3", "ext4", "erofs", "squashfs", "xfs", "btrfs", "f2fs", "cramfs", "vfat", "msdos"]
            .contains(&name)
    }

    /// Whether the kernel's filesystem of this name mounts it.
    pub(crate) fn mounts_as(&self, name: &str) -> bool {
        match self.kind {
            Kind::Ext { .. } => matches!(name, "ext2" | "ext3" | "ext4"),
            Kind::Fat => matches!(name, "vfat" | "msdos"),
            _ => self.name() == name,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Ext { .. } => "ext4",
            Kind::Erofs { .. } => "erofs",
            Kind::Squashfs { compression: 2 } => "squashfs with lzma",
            Kind::Squashfs { compression: 5 } => "squashfs with lz4",
            Kind::Squashfs { compression: 6 } => "squashfs with zstd",
            Kind::Squashfs { .. } => "squashfs",
            Kind::Xfs { .. } => "xfs",
            Kind::Btrfs { .. } => "btrfs",
            Kind::F2fs => "f2fs",
            Kind::Cramfs => "cramfs",
            Kind::Fat => "vfat",
        }
    }

    /// Why it can't be mounted from a read-only device with blocks of 4096 bytes, if it can't.
    pub(crate) fn unfit_for_verity(&self) -> Option<String> {
        let small = |what: &str, size: u64, advice: &str| {
            let text = format!("its {what} have {size} bytes, and dm-verity's {BLOCK}: {advice}");
            (size < BLOCK).then_some(text)
        };
        let unclean = |yes: bool, advice: &str| {
            yes.then(|| {
                format!("its journal has to be replayed, which a read-only device does not allow: {advice}")
            })
        };
        match self.kind {
            Kind::Ext { block, unclean: yes } => small("blocks", block, "make it with mke2fs -b 4096")
                .or_else(|| unclean(yes, "run e2fsck -p on the image")),
            Kind::Erofs { block } => small("blocks", block, "make it with mkfs.erofs -b 4096"),
            Kind::Xfs { sector } => small("sectors", sector, "make it with mkfs.xfs -s size=4096"),
            Kind::Btrfs { sector, unclean: yes } => {
                small("sectors", sector, "make it with mkfs.btrfs -s 4096")
                    .or_else(|| unclean(yes, "mount and unmount the image once"))
            }
            Kind::Squashfs { .. } | Kind::F2fs | Kind::Cramfs | Kind::Fat => None,
        }
    }

    /// Whether GRUB, with the modules that `disk` gives it, reads files from it.
    pub(crate) fn grub_reads(&self) -> bool {
        match self.kind {
            Kind::Squashfs { compression } => GRUB_SQUASHFS.contains(&compression),
            Kind::Fat => true,
            _ => false,
        }
    }

    /// That an image of `size` bytes does not hold all of it, if so.
    pub(crate) fn cut_off(&self, size: u64) -> Option<String> {
        let text = || format!("its {} has {} bytes, the image {size}: it is cut off", self.name(), self.size);
        (self.size > size).then(text)
    }
}

fn ext(head: &[u8]) -> Option<Filesystem> {
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
    Some(Filesystem { kind, size: blocks.saturating_mul(block) })
}

fn erofs(head: &[u8]) -> Option<Filesystem> {
    if word(head, 1024)? != 0xe0f5_e1e2 {
        return None;
    }
    let block = 1 << head.get(1024 + 12)?.min(&16);
    Some(Filesystem {
        kind: Kind::Erofs { block },
        size: u64::from(word(head, 1024 + 36)?).saturating_mul(block),
    })
}

fn squashfs(head: &[u8]) -> Option<Filesystem> {
    let version = half(head, 28)?;
    (head.starts_with(b"hsqs") && version == 4).then_some(())?;
    Some(Filesystem { kind: Kind::Squashfs { compression: half(head, 20)? }, size: long(head, 40)? })
}

fn xfs(head: &[u8]) -> Option<Filesystem> {
    head.starts_with(b"XFSB").then_some(())?;
    let sector = u64::from(half(head, 102)?.swap_bytes());
    let (block, blocks) = (word(head, 4)?.swap_bytes(), long(head, 8)?.swap_bytes());
    Some(Filesystem { kind: Kind::Xfs { sector }, size: blocks.saturating_mul(block.into()) })
}

fn btrfs(head: &[u8]) -> Option<Filesystem> {
    let superblock = head.get(64 << 10..)?;
    superblock.get(0x40..)?.starts_with(b"_BHRfS_M").then_some(())?;
    let (sector, unclean) = (word(superblock, 0x90)?.into(), long(superblock, 0x60)? != 0);
    Some(Filesystem { kind: Kind::Btrfs { sector, unclean }, size: long(superblock, 0x70)? })
}

fn f2fs(head: &[u8]) -> Option<Filesystem> {
    (word(head, 1024)? == 0xf2f5_2010).then_some(Filesystem { kind: Kind::F2fs, size: 0 })
}

fn cramfs(head: &[u8]) -> Option<Filesystem> {
    (word(head, 0)? == 0x28cd_3d45).then_some(Filesystem { kind: Kind::Cramfs, size: 0 })
}

fn fat(head: &[u8]) -> Option<Filesystem> {
    let named = |at: usize| head.get(at..).is_some_and(|rest| rest.starts_with(b"FAT"));
    (half(head, 510)? == 0xaa55 && (named(54) || named(82))).then_some(())?;
    let sectors = match half(head, 19)? {
        0 => word(head, 32)?,
        small => small.into(),
    };
    Some(Filesystem { kind: Kind::Fat, size: u64::from(sectors) * u64::from(half(head, 11)?) })
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}
