//! A sender that was started before anybody has asked for it.

use crate::zmodem::{Found, Hunt};

/// Watches what is typed for the beginning of ZMODEM: a person may start `sz` before choosing an upload.
#[derive(Debug, Default)]
pub struct Watch(Hunt);

impl Watch {
    /// Takes the next byte of a line. Returns whether it completes a sender's call (ZRQINIT).
    pub fn take(&mut self, byte: u8) -> bool {
        matches!(self.0.take(byte), Found::Header(header) if header.kind == crate::zmodem::Kind::RQINIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_noticed_between_whatever_is_typed() {
        let count = |bytes: &[u8]| {
            let mut watch = Watch::default();
            bytes.iter().filter(|byte| watch.take(**byte)).count()
        };
        assert_eq!(count(b"12\r**5 rz\r**\x18B00000000000000\r\x8a\x11"), 1);
        assert_eq!(count(b"**\x18B0100000023be50\r\n\x11"), 0, "another header");
        assert_eq!(count(b"**\x18B00000000000001\r\n\x11"), 0, "noise");
    }
}
