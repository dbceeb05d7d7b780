//! Keys that are in the kernel's keyring.
//!
//! Source: the kernel's Documentation/admin-guide/device-mapper/dm-crypt.rst (`:<key_size>:<key_type>:<key_description>`)
//! and Documentation/security/keys/trusted-encrypted.rst.

use std::fmt;

/// Types of keys that dm-crypt takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// One that user space has put there, and can't read back.
    Logon,
    /// One that a TPM or a TEE has sealed: its bytes are never seen outside of the kernel.
    Trusted,
    /// One that is encrypted under another one.
    Encrypted,
}

/// A key that the kernel's keyring has, by its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyringKey {
    /// Its type.
    pub kind: KeyType,
    /// Its description. Logon keys have a prefix and a colon in theirs (`drydock:data`).
    pub description: String,
    /// Its length in bytes.
    pub size: usize,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Logon => "logon",
            Self::Trusted => "trusted",
            Self::Encrypted => "encrypted",
        })
    }
}

impl fmt::Display for KeyringKey {
    /// As dm-crypt's table has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ":{}:{}:{}", self.size, self.kind, self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cost, FormatOptions, Limits, Volume, format};
    use drydock_block::{MemoryDevice, SectorSize};
    use zeroize::Zeroizing;

    #[test]
    fn a_key_of_the_keyring_is_named_in_the_table_and_gives_no_bytes_away() {
        let device = MemoryDevice::new(32 << 20, SectorSize::S512);
        let options = FormatOptions::new(Cost::Pbkdf2 { iterations: 1000 });
        let mut random = |buf: &mut [u8]| {
            buf.fill(7);
            Ok(())
        };
        format(&device, b"key", &options, &mut random).unwrap();
        let volume = Volume::open(&device, &Limits::new(1 << 20)).unwrap();
        let key = KeyringKey { kind: KeyType::Trusted, description: "drydock-data".into(), size: 64 };
        let unlocked = volume.unlock_by_keyring(&key).unwrap();
        let table = unlocked.table("8:3", "drydock:other").unwrap();
        assert!(table.parameters.starts_with("aes-xts-plain64 :64:trusted:drydock-data 0 8:3 "), "{table:?}");
        assert!(unlocked.volume_key().unwrap_err().to_string().contains("drydock-data"));
        assert!(unlocked.seal("x", Zeroizing::new(vec![1])).is_err());
        let short = KeyringKey { size: 16, ..key };
        assert!(volume.unlock_by_keyring(&short).is_err());
    }
}
