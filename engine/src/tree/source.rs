//! A slot with the image of a tree: its list, and the contents of its files. Nothing of it is believed that is not proven.

use super::selection::failed;
use crate::error::Error;
use crate::update::prove::read_groups;
use drydock_block::{AlignedBuffer, BlockDevice};
use drydock_format::tree::{BLOCK, GROUP, Hasher};
use drydock_format::{Digest, Image};
use drydock_tree::{HEAD, LIST_AT, List, length};
use std::path::Path;

/// Bytes in one read of contents.
const READ: usize = 1 << 20;

/// The image in a slot.
pub(super) struct Source<'s> {
    pub(super) slot: &'s dyn BlockDevice,
    pub(super) image: &'s Image,
    /// The slot's label.
    pub(super) label: &'s str,
}

impl Source<'_> {
    /// Reads the list, and proves it against the image's root hash.
    pub(super) fn list(&self) -> Result<List, Error> {
        let (_, groups) = read_groups(self.slot, self.image, self.label)?;
        let hasher = Hasher::new(&self.image.salt);
        let (mut bytes, mut end) = (Vec::new(), LIST_AT + HEAD as u64);
        while (bytes.len() as u64) < end {
            self.prove_group(&groups, &hasher, &mut bytes)?;
            if bytes.len() <= GROUP {
                let head = bytes.get(LIST_AT as usize..LIST_AT as usize + HEAD).unwrap_or_default();
                end = LIST_AT + length(head).map_err(|why| self.unusable(why))?;
            }
        }
        let list = bytes.get(LIST_AT as usize..end as usize).unwrap_or_default();
        List::parse(list, self.image.size).map_err(|why| self.unusable(why))
    }

    /// Reads the next group behind those that are there already.
    fn prove_group(&self, groups: &[Digest], hasher: &Hasher, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let at = bytes.len() as u64;
        let len = self.image.size.saturating_sub(at).min(GROUP as u64) as usize;
        if len == 0 {
            return Err(self.unusable("the image ends within its list of files"));
        }
        let mut group = AlignedBuffer::new(len);
        let read_error = Error::system("reading", self.label, "check the disk");
        self.slot.read_at(at, &mut group).map_err(read_error)?;
        if groups.get(bytes.len() / GROUP) != Some(&hasher.group_digest(&group)) {
            return Err(Error::NotProven {
                what: format!("slot {}", self.label),
                why: format!("the 512 KiB at {at} do not have their signed digest"),
                advice: "check the disk, and install a bundle that carries this image",
            });
        }
        bytes.extend_from_slice(&group);
        Ok(())
    }

    /// Hands the contents of a file over, piece by piece. They are proven by the file's digest, which is for who takes them.
    pub(super) fn read(
        &self,
        at: u64,
        size: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut next, end) = (at, at.saturating_add(size).min(self.image.size));
        let mut buffer = AlignedBuffer::new(READ);
        while next < end {
            // The slot is read in whole blocks.
            let start = next - next % BLOCK as u64;
            let len = (self.image.size - start).min(READ as u64);
            let piece = buffer.get_mut(..len as usize).unwrap_or_default();
            let read_error = Error::system("reading", self.label, "check the disk");
            self.slot.read_at(start, piece).map_err(read_error)?;
            let until = end.min(start + len);
            take(piece.get((next - start) as usize..(until - start) as usize).unwrap_or_default())?;
            next = until;
        }
        Ok(())
    }

    fn unusable(&self, why: impl std::fmt::Display) -> Error {
        Error::Refused(format!("image {} in slot {}: {why}", self.image.name, self.label))
    }

    /// Contents that are not what the list says.
    pub(super) fn not_proven(&self, path: &Path) -> Error {
        Error::NotProven {
            what: format!("{} in slot {}", path.display(), self.label),
            why: "its contents do not have their signed digest".into(),
            advice: "check the disk, and install a bundle that carries this image",
        }
    }

    /// For `map_err`, with the file's path.
    pub(super) fn failing(
        &self,
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Error + use<> {
        failed(doing, &self.image.class, path)
    }
}
