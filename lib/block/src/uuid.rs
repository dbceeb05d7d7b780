//! Names for what lies on block devices: filesystems, LUKS volumes, machines.

/// Makes random bytes a UUID of version 4 and variant 1 (RFC 9562, section 5.4). The other 122 bits stay as they are.
pub fn version_4(mut random: [u8; 16]) -> [u8; 16] {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    random
}

#[cfg(test)]
mod tests {
    use super::version_4;

    #[test]
    fn six_bits_are_set_and_the_others_stay() {
        let of = |byte| u128::from_be_bytes(version_4([byte; 16]));
        assert_eq!(of(0x00), 0x0000_0000_0000_4000_8000_0000_0000_0000);
        assert_eq!(of(0xff), 0xffff_ffff_ffff_4fff_bfff_ffff_ffff_ffff);
    }
}
