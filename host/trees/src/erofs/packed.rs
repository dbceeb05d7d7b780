//! Compressed files: their physical clusters, which mkfs.erofs writes in a row, as one extent.

use super::{Erofs, Inode, Layout};
use crate::bytes::Fields;
use crate::error::damaged;
use crate::extents::Extents;
use crate::{Error, Extent};

/// The header of a file's map, before its indexes.
const HEADER: u64 = 8;
/// Of a map: that clusters may have more than one block.
const BIG_CLUSTERS: u16 = 0x2 | 0x4;
/// Of a map: that its indexes become smaller after the first ones.
const HALVED: u16 = 0x1;
/// The kinds of logical clusters: packed or not, one begins.
const BEGINS: [u32; 3] = [0, 1, 3];

impl Erofs<'_> {
    /// The clusters of a compressed file, but for a last one that is among the inodes, or was meant to be there.
    pub(super) fn packed(&self, inode: &Inode) -> Result<Vec<Extent>, Error> {
        let mut extents = Extents::new(self.image);
        let blocks = u64::from(inode.union);
        if blocks == 0 || inode.size == 0 {
            return Ok(Vec::new());
        }
        let at = inode.tail.next_multiple_of(8);
        let first = match inode.layout {
            // The map's header, eight bytes of an older one, and the first index.
            Layout::PackedFull => Fields(&self.image.read(at + 2 * HEADER, 8, "clusters")?).word(4),
            _ => self.first_of_compact(inode, at)?,
        };
        extents.push(0, inode.size, u64::from(first) * self.block, blocks * self.block)?;
        Ok(extents.finish())
    }

    /// The block of the first physical cluster. Indexes of logical clusters come in packs, each of which ends with the
    /// block before, or where clusters may be big, of its own first physical cluster.
    fn first_of_compact(&self, inode: &Inode, at: u64) -> Result<u32, Error> {
        let header = self.image.read(at, HEADER, "clusters")?;
        let advice = Fields(&header).half(4);
        let start = at + HEADER;
        // Two indexes in eight bytes, up to where 32 bytes are aligned; from there on, if so advised, sixteen in 32.
        let before = (32 - start % 32) / 4 % 8;
        let bits = u64::from(self.block.trailing_zeros()) + u64::from(Fields(&header).byte(7) & 7);
        let halved = advice & HALVED != 0 && before == 0 && inode.size.div_ceil(1 << bits) >= 16;
        if bits > 14 {
            return damaged(format!("a compressed file has logical clusters of 2^{bits} bytes"));
        }
        let pack = self.image.read(start, if halved { 32 } else { 8 }, "clusters")?;
        let fields = Fields(&pack);
        let kind = fields.word(0) >> bits.max(12) & 3;
        if !BEGINS.contains(&kind) {
            return damaged("a compressed file does not begin with a cluster");
        }
        let base = fields.word(pack.len() - 4);
        Ok(base.wrapping_add(u32::from(advice & BIG_CLUSTERS == 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    /// An image with a compact map at byte 64 whose first pack says that clusters begin.
    fn first(advice: u16, kind: u16, at: usize) -> Result<u32, Error> {
        let mut bytes = vec![0; 8192];
        bytes[at + 4..at + 6].copy_from_slice(&advice.to_le_bytes());
        bytes[at + 8..at + 10].copy_from_slice(&(kind << 12).to_le_bytes());
        bytes[at + 12..at + 16].copy_from_slice(&100_u32.to_le_bytes());
        bytes[at + 36..at + 40].copy_from_slice(&200_u32.to_le_bytes());
        let image = Image::new(&bytes)?;
        let erofs = Erofs { image: &image, block: 4096, incompatible: 0, root: 0, inodes: 0 };
        let inode = Inode { size: 1 << 20, layout: Layout::PackedCompact, union: 1, tail: at as u64 };
        erofs.first_of_compact(&inode, at as u64)
    }

    #[test]
    fn the_first_cluster_is_told_by_the_first_pack() {
        assert_eq!(first(0, 1, 64).unwrap(), 101);
        assert_eq!(first(2, 1, 64).unwrap(), 100);
        assert_eq!(first(1, 1, 64).unwrap(), 101);
        assert_eq!(first(1, 1, 88).unwrap(), 201);
        assert!(first(1, 2, 88).is_err() && first(0, 2, 64).is_err());
    }
}
