//! Unpacking what is never larger than a block of metadata.

use crate::Error;
use crate::error::unsupported;
use std::io::Read;

/// The compressions that Debian's mksquashfs makes and that are read here.
#[derive(Clone, Copy)]
pub(super) enum Compression {
    Gzip,
    Xz,
    Lz4,
    Zstd,
}

/// What xz may have in memory, in KiB. Its dictionary is as large as a file's block at most, 1 MiB.
const XZ_MEMORY: u32 = 4 << 10;

impl Compression {
    pub(super) fn find(number: u16) -> Result<Self, Error> {
        match number {
            1 => Ok(Self::Gzip),
            4 => Ok(Self::Xz),
            5 => Ok(Self::Lz4),
            6 => Ok(Self::Zstd),
            2 => unsupported("squashfs with lzma"),
            3 => unsupported("squashfs with lzo"),
            other => unsupported(format!("squashfs compression {other}")),
        }
    }

    /// Unpacks `packed` if that gives `limit` bytes at most.
    pub(super) fn unpack(self, packed: &[u8], limit: usize) -> Option<Vec<u8>> {
        match self {
            Self::Gzip => all(flate2::read::ZlibDecoder::new(packed), limit),
            Self::Xz => all(lzma_rust2::XzReader::new_mem_limit(packed, false, XZ_MEMORY), limit),
            Self::Lz4 => into(limit, |unpacked| lz4_flex::block::decompress_into(packed, unpacked).ok()),
            Self::Zstd => into(limit, |unpacked| zstd_safe::decompress(unpacked, packed).ok()),
        }
    }
}

fn all(reader: impl Read, limit: usize) -> Option<Vec<u8>> {
    let mut unpacked = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut unpacked).ok()?;
    (unpacked.len() <= limit).then_some(unpacked)
}

fn into(limit: usize, unpack: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Vec<u8>> {
    let mut unpacked = vec![0; limit];
    let len = unpack(&mut unpacked)?;
    unpacked.truncate(len);
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn what_unpacks_to_more_than_a_block_is_refused() {
        let content = [7; 1000];
        let mut gzip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&content).unwrap();
        let mut xz =
            Command::new("xz").arg("-0").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        xz.stdin.take().unwrap().write_all(&content).unwrap();
        let xz = xz.wait_with_output().unwrap().stdout;
        let mut zstd = vec![0; 1000];
        let len = zstd_safe::compress(&mut zstd[..], &content, 1).unwrap();
        // A literal, then a match that repeats it.
        let lz4 = [0x1f, 7, 1, 0, 255, 255, 255, 215, 0x50, 7, 7, 7, 7, 7];
        for (compression, packed) in [
            (Compression::Gzip, &gzip.finish().unwrap()[..]),
            (Compression::Xz, &xz),
            (Compression::Zstd, &zstd[..len]),
            (Compression::Lz4, &lz4),
        ] {
            let number = compression as usize;
            let unpacked = compression.unpack(packed, 1005).unwrap();
            assert!(unpacked.len() >= 1000 && unpacked.iter().all(|byte| *byte == 7), "{number}");
            assert_eq!(compression.unpack(packed, unpacked.len()), Some(unpacked.clone()), "{number}");
            assert_eq!(compression.unpack(packed, unpacked.len() - 1), None, "{number}");
            assert_eq!(compression.unpack(&packed[..packed.len() / 2], 1005), None, "{number}");
        }
    }
}
