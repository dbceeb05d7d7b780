//! The anti-forensic splitter: a key is spread over many stripes, all of which are needed to get it back.

use crate::Error;
use crate::kdf::Hash;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// The number of stripes; the format knows no other.
pub(crate) const STRIPES: usize = 4000;

fn diffuse_with<D: Digest>(block: &mut [u8]) {
    for (chunk, i) in block.chunks_mut(<D as Digest>::output_size()).zip(0u32..) {
        let digest = D::new().chain_update(i.to_be_bytes()).chain_update(&*chunk).finalize();
        let len = chunk.len();
        chunk.copy_from_slice(&digest[..len]);
    }
}

fn diffuse(hash: Hash, block: &mut [u8]) {
    match hash {
        Hash::Sha1 => diffuse_with::<Sha1>(block),
        Hash::Sha256 => diffuse_with::<Sha256>(block),
        Hash::Sha512 => diffuse_with::<Sha512>(block),
    }
}

fn xor(into: &mut [u8], from: &[u8]) {
    into.iter_mut().zip(from).for_each(|(a, b)| *a ^= b);
}

/// All stripes but the last one, run together.
fn fold(hash: Hash, stripes: &[u8], key_size: usize) -> Zeroizing<Vec<u8>> {
    let mut sum = Zeroizing::new(vec![0; key_size]);
    for stripe in stripes.chunks_exact(key_size) {
        xor(&mut sum, stripe);
        diffuse(hash, &mut sum);
    }
    sum
}

/// Puts a key of `key_size` bytes together from its stripes. `material` holds exactly [`STRIPES`] of them.
pub(crate) fn merge(hash: Hash, material: &[u8], key_size: usize) -> Zeroizing<Vec<u8>> {
    let (stripes, last) = material.split_at(material.len() - key_size);
    let mut key = fold(hash, stripes, key_size);
    xor(&mut key, last);
    key
}

/// Spreads a key over [`STRIPES`] stripes with random bytes from `random`.
pub(crate) fn split(hash: Hash, key: &[u8], random: crate::Random<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut material = Zeroizing::new(vec![0; key.len() * STRIPES]);
    let (stripes, last) = material.split_at_mut(key.len() * (STRIPES - 1));
    random(stripes).map_err(Error::Random)?;
    last.copy_from_slice(&fold(hash, stripes, key.len()));
    xor(last, key);
    Ok(material)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stripe_is_needed() {
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
            for size in [32, 64] {
                let key: Vec<u8> = (0..size as u8).collect();
                let mut count = 0u8;
                let mut random = |buf: &mut [u8]| {
                    buf.fill_with(|| {
                        count = count.wrapping_mul(5).wrapping_add(3);
                        count
                    });
                    Ok(())
                };
                let mut material = split(hash, &key, &mut random).unwrap();
                assert_eq!(*merge(hash, &material, size), key);
                material[1777 * size] ^= 1;
                assert_ne!(*merge(hash, &material, size), key);
            }
        }
    }
}
