//! What LUKS1 and LUKS2 have in common once their headers are read: key slots, a digest and a payload.

use crate::kdf::{Hash, Kdf, Limits};
use crate::{Error, af, cipher};
use drydock_block::{BlockDevice, SectorSize, read_vec};
use zeroize::Zeroizing;

/// A key slot that holds the volume key.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) id: u32,
    /// 2 is tried first, 0 only when asked for by number.
    pub(crate) priority: u32,
    /// Size of the volume key in bytes.
    pub(crate) key_size: usize,
    /// Size of the key that encrypts the key material, in bytes.
    pub(crate) area_key_size: usize,
    /// Where the key material begins, in bytes.
    pub(crate) area_offset: u64,
    pub(crate) af_hash: Hash,
    pub(crate) kdf: Kdf,
}

/// A key slot that is not understood, or that is not as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    /// Which field stands in the way, and why.
    pub(crate) why: String,
    /// As that of a [`Slot`].
    pub(crate) priority: u32,
}

impl Foreign {
    /// Why the key slot of this name was left out.
    pub(crate) fn error(&self, name: &str) -> Error {
        Error::key_slot(name, &self.why)
    }
}

impl Slot {
    /// The size of the key material in bytes.
    pub(crate) fn material_size(&self) -> usize {
        self.key_size * af::STRIPES
    }

    /// Derives this slot's key and takes what it decrypts to for the volume key. Only the volume's digest
    /// tells whether it is.
    pub(crate) fn open(&self, device: &dyn BlockDevice, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut material = Zeroizing::new(
            read_vec(device, self.area_offset, self.material_size())
                .map_err(Error::io("reading a LUKS key slot"))?,
        );
        self.area_cipher(key)?.decrypt(&mut material, SectorSize::S512, 0);
        Ok(af::merge(self.af_hash, &material, self.key_size))
    }

    /// The cipher that protects this slot's key material under a passphrase or key file.
    pub(crate) fn area_cipher(&self, key: &[u8]) -> Result<cipher::Xts, Error> {
        let mut derived = Zeroizing::new(vec![0; self.area_key_size]);
        self.kdf.derive(key, &mut derived)?;
        cipher::Xts::new(&derived)
    }
}

/// Tells the volume key from anything else.
#[derive(Clone, Debug)]
pub(crate) struct KeyDigest {
    pub(crate) hash: Hash,
    pub(crate) iterations: u32,
    pub(crate) salt: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

impl KeyDigest {
    /// The digest of a key, as many bytes as `value` has.
    pub(crate) fn of(&self, key: &[u8]) -> Vec<u8> {
        let mut out = vec![0; self.value.len()];
        self.hash.pbkdf2(key, &self.salt, self.iterations, &mut out);
        out
    }

    pub(crate) fn matches(&self, key: &[u8]) -> bool {
        // The format has 20 bytes at least; none at all would match every key.
        self.value.len() >= 20 && self.of(key) == self.value
    }

    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Error> {
        if !(20..=64).contains(&self.value.len()) {
            return Err(Error::damaged(format_args!("volume key digest of {} bytes", self.value.len())));
        }
        crate::kdf::check_iterations("volume key digest", self.iterations, limits)
    }
}

/// Where the encrypted payload lies, and how it is encrypted.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    /// Where it begins, in bytes.
    pub(crate) offset: u64,
    /// Size in bytes; without it, to the end of the device.
    pub(crate) size: Option<u64>,
    pub(crate) sector_size: SectorSize,
    /// Number of the first sector, in units of 512 bytes.
    pub(crate) iv_offset: u64,
    /// Options for dm-crypt, in its own words.
    pub(crate) options: Vec<&'static str>,
}

impl Payload {
    /// The size in bytes on a device of `device_size`, in whole sectors.
    pub(crate) fn size_on(&self, device_size: u64) -> Result<u64, Error> {
        let room = device_size.saturating_sub(self.offset);
        let size = self.size.unwrap_or(self.sector_size.round_down(room));
        if size == 0 || size > room {
            return Err(Error::damaged(format_args!(
                "a payload of {size} bytes at byte {} does not fit a device of {device_size} bytes",
                self.offset
            )));
        }
        Ok(size)
    }
}
