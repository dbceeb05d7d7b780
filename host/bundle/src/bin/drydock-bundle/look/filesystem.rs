//! What a superblock decides of how an image can be used: mounted through dm-verity, read by GRUB.

use drydock_trees::{Kind, Superblock};

/// The logical block of the dm-verity device that a root is mounted from: no filesystem may have smaller ones.
const BLOCK: u64 = 4096;
/// The squashfs compressions that GRUB 2.06 has, gzip, lzo and xz (its squash4.c); the number is looked at even where
/// nothing is compressed.
const GRUB_SQUASHFS: [u16; 3] = [1, 3, 4];

/// A filesystem, as its superblock has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filesystem(Superblock);

impl Filesystem {
    /// The filesystem that begins with these bytes, if it is one of those known here.
    pub(crate) fn find(head: &[u8]) -> Option<Self> {
        Superblock::find(head).map(Self)
    }

    /// Whether a filesystem of this name would have been found.
    pub(crate) fn is_known(name: &str) -> bool {
        ["ext2", "ext3", "ext4", "erofs", "squashfs", "xfs", "btrfs", "f2fs", "cramfs", "vfat", "msdos"]
            .contains(&name)
    }

    /// Whether the kernel's filesystem of this name mounts it.
    pub(crate) fn mounts_as(&self, name: &str) -> bool {
        match self.0.kind {
            Kind::Ext { .. } => matches!(name, "ext2" | "ext3" | "ext4"),
            Kind::Fat => matches!(name, "vfat" | "msdos"),
            _ => self.name() == name,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.0.kind {
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
        match self.0.kind {
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
        match self.0.kind {
            Kind::Squashfs { compression } => GRUB_SQUASHFS.contains(&compression),
            Kind::Fat => true,
            _ => false,
        }
    }

    /// Whether EFI firmware can read files from it.
    pub(crate) fn firmware_reads(&self) -> bool {
        matches!(self.0.kind, Kind::Fat)
    }

    /// That an image of `size` bytes does not hold all of it, if so.
    pub(crate) fn cut_off(&self, size: u64) -> Option<String> {
        let text =
            || format!("its {} has {} bytes, the image {size}: it is cut off", self.name(), self.0.size);
        (self.0.size > size).then(text)
    }
}
