//! Sealing something under a volume's key: what has to lie outside of the volume for a while.
//!
//! AES-256-XTS as in the volume itself, then HMAC-SHA256 over all of it (encrypt, then authenticate), each under a key
//! of its own, derived from the volume key by HMAC-SHA256. One volume key must seal only one message for each
//! `purpose`.

use crate::cipher::Xts;
use crate::{Error, Unlocked};
use drydock_block::SectorSize;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What is encrypted as one sector.
const SECTOR: SectorSize = SectorSize::S4096;
const TAG: usize = 32;

impl Unlocked {
    /// Seals `secret`, in its place. The result is longer by up to 4136 bytes.
    pub fn seal(&self, purpose: &str, secret: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, Error> {
        let mut sealed = Zeroizing::new(Vec::with_capacity(secret.len() + SECTOR.as_usize() + 8 + TAG));
        sealed.extend_from_slice(&(secret.len() as u64).to_le_bytes());
        sealed.extend_from_slice(&secret);
        drop(secret);
        let padded = SECTOR.round_up(sealed.len());
        sealed.resize(padded, 0);
        let (cipher, mac) = self.keys(purpose)?;
        cipher.encrypt(&mut sealed, SECTOR, 0);
        let tag = mac.chain_update(&*sealed).finalize().into_bytes();
        sealed.extend_from_slice(&tag);
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens what [`seal`](Self::seal) sealed under the same volume key for the same purpose, after checking that not
    /// a bit of it has changed.
    pub fn unseal(&self, purpose: &str, mut sealed: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let broken = || Error::Invalid("what was sealed was changed, or sealed under another key".into());
        let (cipher, mac) = self.keys(purpose)?;
        let tag = sealed.split_off(sealed.len().checked_sub(TAG).ok_or_else(broken)?);
        mac.chain_update(&sealed).verify_slice(&tag).map_err(|_| broken())?;
        let mut secret = Zeroizing::new(sealed);
        cipher.decrypt(&mut secret, SECTOR, 0);
        let len = secret.first_chunk().map(|len| u64::from_le_bytes(*len)).ok_or_else(broken)?;
        let len = usize::try_from(len).ok().filter(|len| *len <= secret.len() - 8).ok_or_else(broken)?;
        secret.copy_within(8..8 + len, 0);
        secret.truncate(len);
        Ok(secret)
    }

    fn keys(&self, purpose: &str) -> Result<(Xts, Hmac<Sha256>), Error> {
        let invalid = |_| Error::Invalid("a volume key of this length can't seal".into());
        let derive = |number: u8| {
            let mac = Hmac::<Sha256>::new_from_slice(self.volume_key()?).map_err(invalid)?;
            let mac = mac.chain_update(b"drydock seal\0").chain_update(purpose).chain_update([0, number]);
            Ok::<_, Error>(Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes())))
        };
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(&*derive(1)?);
        key[32..].copy_from_slice(&*derive(2)?);
        Ok((Xts::new(&*key)?, Hmac::new_from_slice(&*derive(3)?).map_err(invalid)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cost, FormatOptions, new_headers};

    fn volume(seed: u8) -> Unlocked {
        let options = FormatOptions::new(Cost::Pbkdf2 { iterations: 1000 });
        new_headers(32 << 20, b"key", &options, &mut |buf| {
            buf.fill(seed);
            Ok(())
        })
        .unwrap()
        .1
    }

    #[test]
    fn what_is_sealed_opens_only_whole_and_under_the_same_key_and_purpose() {
        for len in [0, 1, 4087, 4088, 4089, 100_000] {
            let secret: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let sealed = volume(1).seal("a", Zeroizing::new(secret.clone())).unwrap();
            assert!(len < 16 || !sealed.windows(16).any(|part| part == &secret[..16]));
            assert_eq!(*volume(1).unseal("a", sealed.clone()).unwrap(), secret);
            assert!(volume(2).unseal("a", sealed.clone()).is_err());
            assert!(volume(1).unseal("b", sealed.clone()).is_err());
            for at in [0, sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(volume(1).unseal("a", changed).is_err());
            }
            assert!(volume(1).unseal("a", sealed[..sealed.len() - 1].to_vec()).is_err());
        }
        assert!(volume(1).unseal("a", vec![]).is_err());
    }
}
