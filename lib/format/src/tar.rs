//! As much of POSIX ustar as a bundle needs: plain files with short names.

/// The unit of a tar: headers are one block, and members are padded to whole blocks with zeros.
pub const BLOCK: u64 = 512;

/// The zero bytes that end an archive: two blocks.
pub const END: u64 = 2 * BLOCK;

/// GNU tar pads an archive with zeros to a multiple of this.
pub const RECORD: u64 = 20 * BLOCK;

const NAME: std::ops::Range<usize> = 0..100;
const SIZE: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
const TYPE: usize = 156;
const PREFIX: usize = 345;

/// What a bundle's reader wants to know of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The member's name: at most 100 bytes of ASCII.
    pub name: String,
    /// Its length in bytes: at most 8 GiB less one, which is what eleven octal digits hold.
    pub size: u64,
}

/// A member's length rounded up to whole blocks. Sizes come from headers or a checked manifest, far from
/// where this could overflow.
pub fn padded(size: u64) -> u64 {
    size.next_multiple_of(BLOCK)
}

impl Header {
    /// The header block: ustar, a plain file of mode 0644, owner, group and time 0.
    pub fn encode(&self) -> [u8; BLOCK as usize] {
        let mut block = [0; BLOCK as usize];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(NAME.start, &self.name.as_bytes()[..self.name.len().min(NAME.len())]);
        put(100, b"0000644\x000000000\x000000000\0");
        put(SIZE.start, format!("{:011o}\0", self.size).as_bytes());
        put(136, b"00000000000\0");
        put(TYPE, b"0");
        put(257, b"ustar\x0000");
        put(329, b"0000000\x000000000\0");
        let sum = checksum(&block);
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    /// Reads name, size, type and checksum, and looks at nothing else. `None` is a block that is not the
    /// header of a plain file; that includes the zero block that ends an archive.
    pub fn decode(block: &[u8; BLOCK as usize]) -> Option<Self> {
        let plain_file = matches!(block[TYPE], b'0' | 0) && block[PREFIX] == 0;
        if !plain_file || octal(&block[CHECKSUM])? != u64::from(checksum(block)) {
            return None;
        }
        let name = block[NAME].split(|&b| b == 0).next()?;
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(Self { name: String::from_utf8_lossy(name).into_owned(), size: octal(&block[SIZE])? })
    }
}

/// The sum of all bytes, with the checksum's own field taken as spaces.
fn checksum(block: &[u8; BLOCK as usize]) -> u32 {
    let field: u32 = block[CHECKSUM].iter().map(|&b| u32::from(b)).sum();
    block.iter().map(|&b| u32::from(b)).sum::<u32>() - field + 8 * u32::from(b' ')
}

/// A number field: octal digits, maybe with spaces before, ended by a space, a NUL or the field's end.
fn octal(field: &[u8]) -> Option<u64> {
    let start = field.iter().position(|&b| b != b' ')?;
    let digits = field[start..].split(|&b| b == b' ' || b == 0).next()?;
    let value = |sum: u64, &digit: &u8| {
        matches!(digit, b'0'..=b'7')
            .then(|| sum.checked_mul(8)?.checked_add(u64::from(digit - b'0')))
            .flatten()
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[a-z0-9.-]{1,100}", size in 0u64..8 << 30) {
            let header = Header { name, size };
            prop_assert_eq!(Header::decode(&header.encode()), Some(header));
        }

        #[test]
        fn a_changed_byte_in_what_is_read_is_noticed(at in 0usize..512, flip in 1u8..) {
            let header = Header { name: "root.zst".into(), size: 4711 };
            let mut block = header.encode();
            block[at] ^= flip;
            // A trailing byte of the checksum's own field may change without meaning anything.
            prop_assert!(Header::decode(&block).is_none_or(|read| read == header && CHECKSUM.contains(&at)));
        }

        #[test]
        fn any_block_is_survived(block in prop::collection::vec(any::<u8>(), 512)) {
            let _ = Header::decode(&block.try_into().unwrap());
        }
    }

    #[test]
    fn other_kinds_and_foreign_numbers_are_refused() {
        let resum = |mut block: [u8; 512]| {
            let sum = checksum(&block);
            block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            Header::decode(&block)
        };
        let good = Header { name: "a".into(), size: 8 }.encode();
        assert!(resum(good).is_some());
        for (at, byte) in
            [(TYPE, b'2'), (TYPE, b'x'), (SIZE.start, 0x80), (SIZE.start, b'8'), (PREFIX, b'p'), (0, 0)]
        {
            let mut block = good;
            block[at] = byte;
            assert_eq!(resum(block), None, "byte {at} = {byte}");
        }
        assert_eq!(Header::decode(&[0; 512]), None);
    }
}
