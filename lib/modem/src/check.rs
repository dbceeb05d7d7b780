//! Check sums of what is on the line.

use crc::{CRC_16_XMODEM, CRC_32_ISO_HDLC, Crc, Digest};

static CRC_16: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
static CRC_32: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Returns the CRC-16 of all these bytes, one part after the other (ZMODEM section 7.3, XMODEM/YMODEM section 8.2).
pub(crate) fn crc_16(parts: &[&[u8]]) -> u16 {
    let mut digest = CRC_16.digest();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize()
}

/// Returns the CRC-32 of all these bytes, one part after the other (ZMODEM section 7.3).
pub(crate) fn crc_32(parts: &[&[u8]]) -> u32 {
    let mut check = Check::default();
    parts.iter().for_each(|part| check.update(part));
    check.value()
}

/// The check sum of the beginning of a file, by which a sender and a receiver find out whether it is the same file.
#[derive(Clone)]
pub struct Check(Digest<'static, u32>);

impl Default for Check {
    fn default() -> Self {
        Self(CRC_32.digest())
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Check({:08x})", self.value())
    }
}

impl Check {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the CRC-32 of all bytes so far.
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sums_are_those_of_the_protocols() {
        assert_eq!(crc_16(&[b"1234", b"56789"]), 0x31c3);
        assert_eq!(crc_32(&[b"12345", b"6789"]), 0xcbf4_3926);
        let mut check = Check::default();
        assert_eq!(check.value(), 0);
        check.update(b"123456789");
        assert_eq!(format!("{check:?}"), "Check(cbf43926)");
    }
}
