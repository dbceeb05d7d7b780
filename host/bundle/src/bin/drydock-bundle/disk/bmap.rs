//! The block map of a disk image, for bmaptool: which blocks have to be flashed, with their checksums. Version 2.0 of the
//! format, as `bmaptool create` of Debian's bmap-tools makes it.

use super::canvas::Canvas;
use super::failed::file;
use drydock_block::BlockDevice;
use drydock_bundle::Error;
use drydock_files::new_file::{NewFile, Readers, place};
use drydock_format::sha256;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

const BLOCK: u64 = 4096;
/// Stands where the map's own checksum comes, while that is computed.
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where the map of the image `output` goes: bmaptool looks for it there.
pub(super) fn beside(output: &Path) -> Result<PathBuf, Error> {
    let path = output.with_added_extension("bmap");
    place(&path).map_err(file("writing", &path))?;
    Ok(path)
}

/// Writes the map of what was written to the image `output`.
pub(super) fn write(disk: &Canvas, output: &Path, path: &Path) -> Result<(), Error> {
    let map = map(disk).map_err(file("reading back", output))?;
    let written = NewFile::new(path, Readers::Usual).and_then(|new| {
        new.file().write_all(map.as_bytes())?;
        new.finish()
    });
    written.map_err(file("writing", path))
}

fn map(disk: &Canvas) -> io::Result<String> {
    let ranges = disk.written(BLOCK);
    let (blocks, mapped) =
        (disk.size().div_ceil(BLOCK), ranges.iter().map(|r| r.end - r.start).sum::<u64>() / BLOCK);
    let mut map = format!(
        "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n    <ImageSize> {} </ImageSize>\n    <BlockSize> {BLOCK} </BlockSize>\n    \
         <BlocksCount> {blocks} </BlocksCount>\n    <MappedBlocksCount> {mapped} </MappedBlocksCount>\n    \
         <ChecksumType> sha256 </ChecksumType>\n    <BmapFileChecksum> {NO_CHECKSUM} </BmapFileChecksum>\n    <BlockMap>\n",
        disk.size()
    );
    for range in ranges {
        let digest = digest(disk, &range)?;
        let (first, last) = (range.start / BLOCK, range.end / BLOCK - 1);
        let blocks = if first == last { first.to_string() } else { format!("{first}-{last}") };
        // Writing to a string can't fail.
        let _ = writeln!(map, "        <Range chksum=\"{digest}\"> {blocks} </Range>");
    }
    map += "    </BlockMap>\n</bmap>\n";
    Ok(map.replace(NO_CHECKSUM, &sha256(map.as_bytes()).to_string()))
}

fn digest(disk: &Canvas, range: &Range<u64>) -> io::Result<drydock_format::Digest> {
    const PIECE: u64 = 1 << 20;
    let mut hasher = Sha256::new();
    let mut at = range.start;
    while at < range.end {
        let mut piece = vec![0; PIECE.min(range.end - at) as usize];
        disk.read_at(at, &mut piece)?;
        hasher.update(&piece);
        at += piece.len() as u64;
    }
    Ok(drydock_format::Digest(hasher.finalize().into()))
}
