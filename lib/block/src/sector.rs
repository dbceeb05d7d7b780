use std::fmt;

/// The size of a device's logical sector, which one write changes as a whole.
///
/// Disks have 512 or 4096 bytes. The two in between are those of LUKS2 volumes that somebody formatted so, and of
/// optical media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectorSize {
    /// 512 bytes.
    S512,
    /// 1024 bytes.
    S1024,
    /// 2048 bytes.
    S2048,
    /// 4096 bytes.
    S4096,
}

impl SectorSize {
    /// The size that has so many bytes, if there is one.
    pub const fn from_bytes(bytes: u32) -> Option<Self> {
        match bytes {
            512 => Some(Self::S512),
            1024 => Some(Self::S1024),
            2048 => Some(Self::S2048),
            4096 => Some(Self::S4096),
            _ => None,
        }
    }

    /// How many bytes it has.
    pub const fn bytes(self) -> u32 {
        512 << self as u32
    }

    /// How many bytes it has, as the length of a buffer.
    pub const fn as_usize(self) -> usize {
        self.bytes() as usize
    }

    /// Whether so many bytes are whole sectors.
    pub fn divides(self, bytes: u64) -> bool {
        bytes.is_multiple_of(self.bytes().into())
    }

    /// The next lower number of bytes that is whole sectors.
    pub fn round_down(self, bytes: u64) -> u64 {
        bytes - bytes % u64::from(self.bytes())
    }

    /// The next higher number of bytes that is whole sectors, as the length of a buffer.
    pub fn round_up(self, len: usize) -> usize {
        len.next_multiple_of(self.as_usize())
    }
}

impl fmt::Display for SectorSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().fmt(f)
    }
}

/// A number of sectors of 512 bytes, in which device-mapper and LUKS1 count whatever a device's own sectors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sectors(pub u64);

impl Sectors {
    /// So many bytes, in whole sectors: a rest is dropped.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes / 512)
    }

    /// How many bytes they are.
    pub const fn bytes(self) -> u64 {
        self.0 * 512
    }
}

impl fmt::Display for Sectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_what_it_was_made_of() {
        for bytes in [512, 1024, 2048, 4096] {
            let size = SectorSize::from_bytes(bytes).unwrap();
            assert_eq!(
                (size.bytes(), size.as_usize(), size.to_string()),
                (bytes, bytes as usize, bytes.to_string())
            );
        }
        assert!([0, 1, 256, 520, 8192].iter().all(|bytes| SectorSize::from_bytes(*bytes).is_none()));
        assert!(SectorSize::S512 < SectorSize::S4096);
    }

    #[test]
    fn rounding_is_to_whole_sectors() {
        let size = SectorSize::S4096;
        assert_eq!((size.round_down(8191), size.round_up(4097), size.round_up(0)), (4096, 8192, 0));
        assert!(size.divides(8192) && !size.divides(512));
        assert_eq!((Sectors::from_bytes(1023), Sectors(3).bytes()), (Sectors(1), 1536));
    }
}
