//! AES-XTS with 512-byte based sector numbers (`aes-xts-plain64` in dm-crypt's words), the one cipher allowed.

use crate::Error;
use aes::cipher::{Array, Key, KeyInit};
use aes::{Aes128, Aes256};
use drydock_block::SectorSize;
use xts_mode::Xts128;

/// The one cipher that volumes and key slots may use. A null cipher in particular is an attack, not a choice
/// (CVE-2025-59054).
pub(crate) const ALLOWED: &str = "aes-xts-plain64";

/// Refuses every cipher but [`ALLOWED`], and key sizes in bytes that are not XTS with AES-128 or AES-256.
pub(crate) fn check(encryption: &str, key_size: usize) -> Result<(), String> {
    if encryption != ALLOWED {
        return Err(format!("cipher {encryption:?}, only {ALLOWED} is allowed"));
    }
    match key_size {
        32 | 64 => Ok(()),
        _ => Err(format!("key of {key_size} bytes for {ALLOWED}, only 32 and 64 are possible")),
    }
}

/// AES-XTS under one key. The round keys are cleared on drop.
pub struct Xts(Cipher);

enum Cipher {
    Aes128(Box<Xts128<Aes128>>),
    Aes256(Box<Xts128<Aes256>>),
}

fn halves<C: KeyInit + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>>(
    key: &[u8],
) -> Option<Box<Xts128<C>>> {
    let (first, second) = key.split_at(key.len() / 2);
    let cipher = |half| Some(C::new(<&Key<C>>::try_from(half).ok()?));
    Some(Box::new(Xts128::new(cipher(first)?, cipher(second)?)))
}

impl Xts {
    /// AES-128 for a key of 32 bytes, AES-256 for one of 64.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let cipher = match key.len() {
            32 => halves(key).map(Cipher::Aes128),
            64 => halves(key).map(Cipher::Aes256),
            _ => None,
        };
        cipher
            .map(Self)
            .ok_or_else(|| Error::unsupported(format_args!("key of {} bytes for {ALLOWED}", key.len())))
    }

    /// Encrypts whole sectors of that size in place. `first` is the number of the first one, counted in sectors of 512
    /// bytes.
    pub fn encrypt(&self, area: &mut [u8], sector_size: SectorSize, first: u64) {
        for (sector, tweak) in sectors(area, sector_size, first) {
            match &self.0 {
                Cipher::Aes128(xts) => xts.encrypt_sector(sector, tweak.into()),
                Cipher::Aes256(xts) => xts.encrypt_sector(sector, tweak.into()),
            }
        }
    }

    /// Undoes [`encrypt`](Self::encrypt).
    pub fn decrypt(&self, area: &mut [u8], sector_size: SectorSize, first: u64) {
        for (sector, tweak) in sectors(area, sector_size, first) {
            match &self.0 {
                Cipher::Aes128(xts) => xts.decrypt_sector(sector, Array(tweak)),
                Cipher::Aes256(xts) => xts.decrypt_sector(sector, Array(tweak)),
            }
        }
    }
}

fn sectors(
    area: &mut [u8],
    sector_size: SectorSize,
    first: u64,
) -> impl Iterator<Item = (&mut [u8], [u8; 16])> {
    let step = u64::from(sector_size.bytes() / 512);
    area.chunks_exact_mut(sector_size.as_usize()).zip(0..).map(move |(sector, i)| {
        let number = first.wrapping_add(step.wrapping_mul(i));
        (sector, u128::from(number).to_le_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// IEEE 1619-2007, vector 10: AES-256, data unit 0xff, 512 bytes of 00 01 02 ..., first ciphertext bytes.
    #[test]
    fn the_standards_vector() {
        let mut key = Vec::new();
        key.extend_from_slice(&hex("2718281828459045235360287471352662497757247093699959574966967627"));
        key.extend_from_slice(&hex("3141592653589793238462643383279502884197169399375105820974944592"));
        let plain: Vec<u8> = (0..512).map(|i| i as u8).collect();
        let mut area = plain.clone();
        let xts = Xts::new(&key).unwrap();
        xts.encrypt(&mut area, SectorSize::S512, 0xff);
        assert_eq!(area[..16], hex("1c3b3a102f770386e4836c99e370cf9b")[..]);
        xts.decrypt(&mut area, SectorSize::S512, 0xff);
        assert_eq!(area, plain);
    }

    #[test]
    fn numbers_count_512_bytes_whatever_the_sector_size() {
        let xts = Xts::new(&[7; 32].map(|b: u8| b)).unwrap();
        let mut both = vec![0; 8192];
        xts.encrypt(&mut both, SectorSize::S4096, 16);
        let mut second = vec![0; 4096];
        xts.encrypt(&mut second, SectorSize::S4096, 24);
        assert_eq!(both[4096..], second);
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }
}
