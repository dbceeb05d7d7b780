//! What is on a disk when its power is off.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

const PAGE: usize = 4096;
/// Bytes that are read from a file at once.
const PIECE: usize = 1 << 20;
/// The unit in which contents are hashed, in bytes.
pub const UNIT: usize = 512;

/// The contents of a disk. A clone costs little: it shares every page until one of the two writes to it.
#[derive(Clone)]
pub struct Contents {
    pages: Vec<Arc<[u8; PAGE]>>,
}

impl Contents {
    /// `size` bytes of zeros; whole pages of 4096 bytes.
    pub fn new(size: u64) -> Self {
        let zeros = Arc::new([0; PAGE]);
        Self { pages: vec![zeros; size as usize / PAGE] }
    }

    /// What a disk image holds. Its size is a multiple of 4096 bytes; holes take no memory.
    pub fn load(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut contents = Self::new(file.metadata()?.len());
        let mut piece = vec![0; PIECE];
        for at in (0..contents.pages.len() * PAGE).step_by(PIECE) {
            let len = PIECE.min(contents.pages.len() * PAGE - at);
            file.read_exact_at(&mut piece[..len], at as u64)?;
            for (page, bytes) in contents.pages[at / PAGE..].iter_mut().zip(piece[..len].as_chunks().0) {
                if *bytes != [0; PAGE] {
                    *page = Arc::new(*bytes);
                }
            }
        }
        Ok(contents)
    }

    /// Writes a disk image with holes, replacing what was there.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let file = File::create(path)?;
        file.set_len(self.size())?;
        let written = (0..).zip(&self.pages).filter(|(_, page)| ***page != [0; PAGE]);
        let mut pieces = written.map(|(n, page)| (n * PAGE as u64, page));
        pieces.try_for_each(|(at, page)| file.write_all_at(&page[..], at))
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        (self.pages.len() * PAGE) as u64
    }

    /// Fills `buf` from any offset.
    pub fn read(&self, offset: u64, mut buf: &mut [u8]) {
        let mut at = offset as usize;
        while !buf.is_empty() {
            let len = buf.len().min(PAGE - at % PAGE);
            let (part, rest) = buf.split_at_mut(len);
            part.copy_from_slice(&self.pages[at / PAGE][at % PAGE..][..len]);
            (buf, at) = (rest, at + len);
        }
    }

    /// The page of 4096 bytes that begins there.
    pub fn page(&self, offset: u64) -> &[u8; PAGE] {
        &self.pages[offset as usize / PAGE]
    }

    /// The unit that begins there.
    pub fn unit(&self, offset: u64) -> &[u8] {
        &self.page(offset)[offset as usize % PAGE..][..UNIT]
    }

    /// Puts `bytes` at any offset.
    pub fn write(&mut self, offset: u64, mut bytes: &[u8]) {
        let mut at = offset as usize;
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(PAGE - at % PAGE));
            Arc::make_mut(&mut self.pages[at / PAGE])[at % PAGE..][..part.len()].copy_from_slice(part);
            (bytes, at) = (rest, at + part.len());
        }
    }

    /// Fills a range of whole pages with one byte. It takes the memory of one page.
    pub fn fill(&mut self, range: &Range<u64>, byte: u8) {
        let page = Arc::new([byte; PAGE]);
        self.pages[range.start as usize / PAGE..range.end as usize / PAGE].fill(page);
    }

    /// Where pages of a range were written since the two were one, in bytes.
    pub fn changed<'m>(&'m self, other: &'m Self, range: &Range<u64>) -> impl Iterator<Item = u64> + use<'m> {
        let pages = range.start as usize / PAGE..(range.end as usize).div_ceil(PAGE);
        let differs = move |nth: &usize| !Arc::ptr_eq(&self.pages[*nth], &other.pages[*nth]);
        pages.filter(differs).map(|nth| (nth * PAGE) as u64)
    }

    /// Whether no page of a range was written since the two were one.
    pub fn shares(&self, other: &Self, range: &Range<u64>) -> bool {
        self.changed(other, range).next().is_none()
    }

    /// A number that stands for the whole contents: the hashes of all units, added up bit by bit (xor), so that
    /// it can be kept up to date when a unit changes.
    pub fn fingerprint(&self) -> u64 {
        let units = self.pages.iter().flat_map(|page| page.chunks(UNIT));
        (0..).zip(units).fold(0, |sum, (unit, bytes)| sum ^ hash(unit, bytes))
    }
}

/// The hash of one unit at its place. Not cryptographic: it counts states, it proves nothing.
pub fn hash(unit: u64, bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    let sum = words.fold(unit.wrapping_mul(K) ^ K, |sum, word| (sum ^ word).wrapping_mul(K).rotate_left(29));
    (sum ^ (sum >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_its_own_and_the_fingerprint_follows_the_contents() {
        let mut first = Contents::new(16384);
        let second = first.clone();
        first.write(4000, &[7; 200]);
        let mut back = [0; 202];
        first.read(3999, &mut back);
        assert_eq!((back[0], back[1], back[200], back[201]), (0, 7, 7, 0));
        assert_ne!(first.fingerprint(), second.fingerprint());
        assert!(!first.shares(&second, &(4000..4001)) && first.shares(&second, &(8192..16384)));
        first.write(4000, &[0; 200]);
        assert_eq!(first.fingerprint(), second.fingerprint());
    }

    #[test]
    fn an_image_is_loaded_as_it_was_saved() {
        let mut contents = Contents::new(3 << 20);
        contents.write((1 << 20) - 100, &[7; 5000]);
        contents.write((3 << 20) - 1, &[9]);
        let file = tempfile::NamedTempFile::new().unwrap();
        contents.save(file.path()).unwrap();
        let loaded = Contents::load(file.path()).unwrap();
        assert_eq!((loaded.size(), loaded.fingerprint()), (contents.size(), contents.fingerprint()));
    }
}
