//! What an image says that it is, from its first bytes: enough to refuse what can't start a device, on the build host and
//! in words, instead of on the device.

mod filesystem;

use drydock_bundle::Error;
use drydock_format::{Bundle, frames::Decoder};
use drydock_tree::{HEAD as LIST_HEAD, LIST_AT};
pub(crate) use filesystem::Filesystem;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// How much of an image is looked at: btrfs has its superblock at 64 KiB.
pub(crate) const HEAD: usize = 128 << 10;

/// What is in an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A filesystem.
    Filesystem(Filesystem),
    /// A container that has to be opened to get at an image, with the words for that.
    Wrapped(&'static str, &'static str),
    /// Nothing that is known here.
    Unknown,
}

/// Magic numbers of what is not yet, or no longer, a raw image of one filesystem: where, what, its name, what to do.
const WRAPPERS: [(usize, &[u8], &str, &str); 15] = [
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd", UNPACK),
    (0, b"\x1f\x8b\x08", "compressed with gzip", UNPACK),
    (0, b"\xfd7zXZ\0", "compressed with xz", UNPACK),
    (0, b"BZh", "compressed with bzip2", UNPACK),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4", UNPACK),
    (0, b"\x89LZO\0\r\n", "compressed with lzop", UNPACK),
    (0, b"PK\x03\x04", "a zip archive", UNPACK),
    (257, b"ustar", "a tar archive", "make a filesystem of what is in it"),
    (0, b"\x3a\xff\x26\xed", "an Android sparse image", "make it raw with simg2img"),
    (0, b"QFI\xfb", "a qcow2 image", RAW),
    (0, b"KDMV", "a VMDK image", RAW),
    (0, b"vhdxfile", "a VHDX image", RAW),
    (512, b"EFI PART", "a whole disk with a partition table", PARTITION),
    (4096, b"EFI PART", "a whole disk with a partition table", PARTITION),
    (0, b"LUKS\xba\xbe", "a LUKS volume", "give the image that is inside"),
];
const UNPACK: &str = "unpack it: a device takes images as they are, and the bundle is compressed anyway";
const RAW: &str = "make it raw with qemu-img convert -O raw";
const PARTITION: &str = "give the image of the one partition";

/// Returns what is in an image that begins with these bytes.
pub(crate) fn content(head: &[u8]) -> Content {
    if let Some(filesystem) = Filesystem::find(head) {
        return Content::Filesystem(filesystem);
    }
    let wrapper =
        WRAPPERS.iter().find(|(at, magic, ..)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    wrapper.map_or(Content::Unknown, |(_, _, name, advice)| Content::Wrapped(name, advice))
}

/// Why the kernel can't mount an image of `size` bytes as a set's root, if it can't.
pub(crate) fn no_root(head: &[u8], size: u64, wanted: &str) -> Option<String> {
    let setting = format!("`boot.root_filesystem` is \"{wanted}\"");
    let found = match content(head) {
        Content::Filesystem(found) if found.mounts_as(wanted) => {
            return found.unfit_for_verity().or(found.cut_off(size));
        }
        Content::Filesystem(found) => found.name().to_owned(),
        Content::Wrapped(name, advice) => return Some(format!("it is {name}, and {setting}; {advice}")),
        // What nothing is known of may be a filesystem of that kind.
        Content::Unknown if !Filesystem::is_known(wanted) => return None,
        Content::Unknown => "no filesystem that is known here".into(),
    };
    Some(format!("it is {found}, and {setting}; correct the one or the other"))
}

/// Why GRUB can't read kernel and initramfs from an image of `size` bytes, if it can't.
pub(crate) fn no_grub(head: &[u8], size: u64) -> Option<String> {
    const READS: &str = "GRUB reads squashfs, uncompressed or with gzip, lzo or xz, and FAT";
    match content(head) {
        Content::Filesystem(found) if found.grub_reads() => found.cut_off(size),
        Content::Filesystem(found) => {
            Some(format!("it is {}; {READS}: make it with mksquashfs -comp gzip", found.name()))
        }
        Content::Wrapped(name, advice) => Some(format!("it is {name}; {READS}; {advice}")),
        Content::Unknown => Some(format!("it is no filesystem that is known here; {READS}")),
    }
}

/// Why EFI firmware can't read a unified kernel image from an image of `size` bytes, if it can't.
pub(crate) fn no_fat(head: &[u8], size: u64) -> Option<String> {
    const READS: &str = "EFI firmware reads FAT";
    match content(head) {
        Content::Filesystem(found) if found.firmware_reads() => found.cut_off(size),
        Content::Filesystem(found) => {
            Some(format!("it is {}; {READS}: make it with mkfs.fat and mcopy", found.name()))
        }
        Content::Wrapped(name, advice) => Some(format!("it is {name}; {READS}; {advice}")),
        Content::Unknown => Some(format!("it is no filesystem that is known here; {READS}")),
    }
}

/// Why a device can't make a tree of files of an image, if it can't.
pub(crate) fn no_tree(head: &[u8]) -> Option<String> {
    let list = head.get(LIST_AT as usize..LIST_AT as usize + LIST_HEAD).unwrap_or_default();
    let why = drydock_tree::length(list).err()?;
    Some(why.to_string())
}

/// What is doubtful about an image of which only its bytes are known: it may be meant so, for a slot of the role `other`,
/// or for another bootloader.
pub(crate) fn doubt(head: &[u8], size: u64) -> Option<String> {
    match content(head) {
        // It is for a class of files.
        _ if no_tree(head).is_none() => None,
        Content::Filesystem(found) => found.cut_off(size).or(found.unfit_for_verity()),
        Content::Wrapped(name, advice) => Some(format!("it is {name}; {advice}")),
        Content::Unknown => None,
    }
}

/// The beginning of an image in a bundle, proven.
pub(crate) fn head_in(bundle: &Bundle, image: &str) -> Result<Vec<u8>, Error> {
    let reader = bundle.image(image)?;
    let mut frame = Vec::new();
    reader.read_frame(0, &mut frame)?;
    let mut data = vec![0; reader.image().frame_len(0)];
    reader.unpack(&mut Decoder::new(), 0, &frame, &mut data)?;
    reader.prove(0, &data)?;
    data.truncate(HEAD);
    Ok(data)
}

/// The beginning of a file or a device of `size` bytes.
pub(crate) fn head_of(file: &File, size: u64) -> std::io::Result<Vec<u8>> {
    let mut head = vec![0; size.min(HEAD as u64) as usize];
    file.read_exact_at(&mut head, 0)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_not_taken_for_an_image() {
        for (at, magic, name, _) in WRAPPERS {
            let mut head = vec![0; HEAD];
            head[at..at + magic.len()].copy_from_slice(magic);
            for said in [no_root(&head, 1 << 20, "erofs"), no_grub(&head, 1 << 20), doubt(&head, 1 << 20)] {
                assert!(said.is_some_and(|said| said.contains(name)), "{name}");
            }
        }
        assert_eq!(doubt(&[7; HEAD], 1 << 20), None);
        assert_eq!(doubt(b"tiny", 4), None);
    }

    #[test]
    fn an_image_of_a_tree_is_what_it_is_and_no_other_archive_is() {
        let mut head = vec![0; HEAD];
        head[257..262].copy_from_slice(b"ustar");
        assert!(no_tree(&head).is_some() && doubt(&head, 1 << 20).is_some());
        head[512..][..25].copy_from_slice(b"drydock-files/1 00000025\n");
        assert_eq!((no_tree(&head), doubt(&head, 1 << 20)), (None, None));
    }

    #[test]
    fn a_filesystem_that_is_not_known_here_is_left_to_the_kernel() {
        assert_eq!(no_root(&[7; HEAD], 1 << 20, "bcachefs"), None);
        assert!(no_root(&[7; HEAD], 1 << 20, "ext4").is_some());
    }
}
