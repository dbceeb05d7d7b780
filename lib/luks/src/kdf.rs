//! Hashes, key derivation, and the limits that keep a header from asking for the impossible.

use crate::Error;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// What a header may ask for. It is checked before the first derivation starts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Memory that a derivation may use, in KiB. About 2 MiB come on top.
    pub memory_kib: u64,
    /// Memory times passes of argon2, in MiB. cryptsetup's default is 4096 at most.
    pub argon2_work_mib: u64,
    /// Iterations of pbkdf2. cryptsetup's default on a fast machine is some millions.
    pub pbkdf2_iterations: u32,
}

impl Limits {
    /// Allows `memory_kib` of memory, 65,536 MiB of argon2 work (a minute on a fast machine) and 50,000,000
    /// iterations of pbkdf2 (half a minute).
    pub const fn new(memory_kib: u64) -> Self {
        Self { memory_kib, argon2_work_mib: 65_536, pbkdf2_iterations: 50_000_000 }
    }
}

/// What it shall cost to derive the key of a new key slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// argon2id with one lane.
    Argon2id {
        /// Memory in KiB, at least 8.
        memory_kib: u32,
        /// Passes over it, at least 1.
        iterations: u32,
    },
    /// PBKDF2 with HMAC-SHA-256: for tests, and for machines without memory.
    Pbkdf2 {
        /// Iterations, at least 1000 (cryptsetup opens no less).
        iterations: u32,
    },
}

impl Cost {
    pub(crate) fn with_salt(self, salt: [u8; 32]) -> Result<Kdf, Error> {
        let salt = Bytes(salt.to_vec());
        match self {
            Self::Argon2id { memory_kib, iterations } if memory_kib >= 8 && iterations >= 1 => {
                Ok(Kdf::Argon2id { time: iterations, memory: memory_kib, cpus: 1, salt })
            }
            Self::Pbkdf2 { iterations } if iterations >= 1000 => {
                Ok(Kdf::Pbkdf2 { hash: Hash::Sha256, iterations, salt })
            }
            Self::Argon2id { memory_kib, iterations } => Err(Error::Invalid(format!(
                "a LUKS key slot can't be made with argon2id's {memory_kib} KiB and {iterations} iterations; \
                 8 KiB and 1 are the least"
            ))),
            Self::Pbkdf2 { iterations } => Err(Error::Invalid(format!(
                "a LUKS key slot can't be made with pbkdf2's {iterations} iterations; 1000 are the least"
            ))),
        }
    }
}

/// The hashes that a header may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    pub(crate) fn from_name(name: &str) -> Result<Self, String> {
        match name {
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(format!("hash {name:?}, only sha1, sha256 and sha512 are allowed")),
        }
    }

    /// PBKDF2 with HMAC of this hash.
    pub(crate) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, salt, iterations, out),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, iterations, out),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, iterations, out),
        }
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name)
    }
}

/// Bytes that are base64 in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Base64::decode_vec(&text).map(Self).map_err(|_| serde::de::Error::custom("malformed base64"))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Base64::encode_string(&self.0))
    }
}

/// A key slot's key derivation, as the LUKS2 metadata has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Kdf {
    Pbkdf2 { hash: Hash, iterations: u32, salt: Bytes },
    Argon2i { time: u32, memory: u32, cpus: u32, salt: Bytes },
    Argon2id { time: u32, memory: u32, cpus: u32, salt: Bytes },
}

impl Kdf {
    /// Refuses costs beyond the limits, and parameters that the function is not defined for.
    pub(crate) fn check(&self, slot: u32, limits: &Limits) -> Result<(), Error> {
        match *self {
            Self::Pbkdf2 { iterations, .. } => {
                check_iterations(format_args!("key slot {slot}"), iterations, limits)
            }
            Self::Argon2i { time, memory, cpus, .. } | Self::Argon2id { time, memory, cpus, .. } => {
                if u64::from(memory) > limits.memory_kib {
                    let (needed_kib, available_kib) = (u64::from(memory), limits.memory_kib);
                    return Err(Error::Memory { slot, needed_kib, available_kib });
                }
                let asked = u64::from(memory) * u64::from(time) / 1024;
                if asked > limits.argon2_work_mib {
                    let (of, allowed) = (format!("key slot {slot}"), limits.argon2_work_mib);
                    return Err(Error::Time {
                        of,
                        asked,
                        allowed,
                        unit: "MiB of argon2 work (memory x passes)",
                    });
                }
                self.params(memory, time, cpus).map(|_| ())
            }
        }
    }

    fn params(&self, memory: u32, time: u32, cpus: u32) -> Result<Params, Error> {
        Params::new(memory, time, cpus, None).map_err(|e| {
            Error::unsupported(format_args!("argon2 with memory {memory}, time {time}, cpus {cpus}: {e}"))
        })
    }

    /// Derives `out.len()` bytes from a passphrase or the contents of a key file. The working memory is
    /// cleared.
    pub(crate) fn derive(&self, password: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let (algorithm, time, memory, cpus, salt) = match self {
            Self::Pbkdf2 { hash, iterations, salt } => {
                hash.pbkdf2(password, &salt.0, *iterations, out);
                return Ok(());
            }
            Self::Argon2i { time, memory, cpus, salt } => (Algorithm::Argon2i, *time, *memory, *cpus, salt),
            Self::Argon2id { time, memory, cpus, salt } => (Algorithm::Argon2id, *time, *memory, *cpus, salt),
        };
        let params = self.params(memory, time, cpus)?;
        let mut blocks = Zeroizing::new(Vec::new());
        blocks.try_reserve_exact(params.block_count()).map_err(|e| {
            Error::unsupported(format_args!("{memory} KiB of memory for argon2 can't be allocated: {e}"))
        })?;
        blocks.resize(params.block_count(), Block::new());
        Argon2::new(algorithm, Version::V0x13, params)
            .hash_password_into_with_memory(password, &salt.0, out, &mut blocks[..])
            .map_err(|e| Error::unsupported(format_args!("argon2: {e}")))
    }
}

/// Refuses iteration counts of pbkdf2 beyond the limit, and zero.
pub(crate) fn check_iterations(of: impl std::fmt::Display, asked: u32, limits: &Limits) -> Result<(), Error> {
    if asked == 0 {
        return Err(Error::damaged(format_args!("{of} has no pbkdf2 iterations")));
    }
    if asked > limits.pbkdf2_iterations {
        let (asked, allowed) = (u64::from(asked), u64::from(limits.pbkdf2_iterations));
        return Err(Error::Time { of: of.to_string(), asked, allowed, unit: "iterations of pbkdf2" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon2id(memory: u32, time: u32, cpus: u32) -> Kdf {
        Kdf::Argon2id { time, memory, cpus, salt: Bytes(vec![0; 32]) }
    }

    #[test]
    fn costs_are_refused_with_their_numbers() {
        let limits = Limits::new(65_536);
        assert!(argon2id(65_536, 4, 4).check(0, &limits).is_ok());
        let message = argon2id(65_537, 4, 4).check(3, &limits).unwrap_err().to_string();
        assert!(message.contains("slot 3 needs 65537 KiB") && message.contains("65536 KiB"), "{message}");
        let message = argon2id(65_536, 1025, 1).check(3, &limits).unwrap_err().to_string();
        assert!(message.contains("65600 MiB") && message.contains("65536"), "{message}");
        let pbkdf2 = |iterations| Kdf::Pbkdf2 { hash: Hash::Sha1, iterations, salt: Bytes(vec![]) };
        assert!(pbkdf2(50_000_000).check(0, &limits).is_ok());
        assert!(matches!(pbkdf2(50_000_001).check(0, &limits), Err(Error::Time { .. })));
        assert!(matches!(pbkdf2(0).check(0, &limits), Err(Error::Damaged(_))));
    }

    #[test]
    fn argon2_parameters_out_of_its_range_are_refused() {
        for (memory, time, cpus) in
            [(0, 4, 1), (7, 4, 1), (64, 0, 1), (64, 4, 0), (64, 4, 9), (64, 4, u32::MAX)]
        {
            let kdf = argon2id(memory, time, cpus);
            assert!(kdf.check(0, &Limits::new(1024)).is_err(), "{kdf:?}");
        }
    }
}
