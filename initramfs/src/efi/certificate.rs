//! Certificates and keys for Secure Boot, as PEM files.

use super::der::{tag, take, take_tagged};
use drydock_bundle::pem;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};

/// `rsaEncryption`, 1.2.840.113549.1.1.1.
pub(crate) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// A certificate, as far as a signature names it. RFC 5280, section 4.1.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// All of it, in DER.
    pub(crate) der: Vec<u8>,
    /// The issuer's name, in DER.
    pub(crate) issuer: Vec<u8>,
    /// The serial number, in DER.
    pub(crate) serial: Vec<u8>,
    /// The RSA key, as PKCS#1 has it.
    key: Vec<u8>,
}

impl Certificate {
    /// Reads the one certificate of a PEM file.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub(crate) fn read(file: &[u8]) -> Result<Self, String> {
        let blocks = pem::blocks(file)?;
        let block = pem::one(&blocks, "CERTIFICATE")?;
        let der =
            &block.ok_or("holds no certificate in PEM (openssl x509 -inform DER makes one of DER)")?.der;
        let [issuer, serial, algorithm, key] = fields(der).ok_or("holds a certificate that is damaged")?;
        if algorithm != RSA_ENCRYPTION {
            return Err("is for another kind of key than RSA, which is what firmware knows".into());
        }
        Ok(Self { der: der.to_vec(), issuer: issuer.into(), serial: serial.into(), key: key.into() })
    }

    /// Whether this is the certificate's key's signature of these bytes: RSA with PKCS#1 version 1.5 and SHA-256.
    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.key).verify(bytes, signature).is_ok()
    }
}

/// Issuer and serial number in DER, the key's algorithm, and the key.
fn fields(der: &[u8]) -> Option<[&[u8]; 4]> {
    let mut certificate = take_tagged(&mut &der[..], tag::SEQUENCE)?.content;
    let mut signed = take_tagged(&mut certificate, tag::SEQUENCE)?.content;
    let mut first = take(&mut signed)?;
    // The version is left out where it is the first one.
    if first.tag == tag::constructed(0) {
        first = take(&mut signed)?;
    }
    let _algorithm = take_tagged(&mut signed, tag::SEQUENCE)?;
    let issuer = take_tagged(&mut signed, tag::SEQUENCE)?;
    let _validity = take_tagged(&mut signed, tag::SEQUENCE)?;
    let _subject = take_tagged(&mut signed, tag::SEQUENCE)?;
    let mut key_info = take_tagged(&mut signed, tag::SEQUENCE)?.content;
    let mut algorithm = take_tagged(&mut key_info, tag::SEQUENCE)?.content;
    let algorithm = take_tagged(&mut algorithm, tag::OID)?;
    // A string of bits begins with the number of those that its last byte does not use.
    let key = take_tagged(&mut key_info, tag::BIT_STRING)?.content.strip_prefix(&[0])?;
    (first.tag == tag::INTEGER).then_some([issuer.whole, first.whole, algorithm.content, key])
}

/// A private RSA key of 2048 to 4096 bits.
#[derive(Debug)]
pub(crate) struct Key(RsaKeyPair);

impl Key {
    /// Reads the private key of a PEM file, in PKCS#8 or PKCS#1, and finds out whether it is the certificate's.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub(crate) fn read(file: &[u8], certificate: &Certificate) -> Result<Self, String> {
        let blocks = pem::blocks(file)?;
        let (pkcs8, pkcs1) = (pem::one(&blocks, "PRIVATE KEY")?, pem::one(&blocks, "RSA PRIVATE KEY")?);
        let key = match (pkcs8, pkcs1) {
            (Some(block), None) => RsaKeyPair::from_pkcs8(&block.der),
            (None, Some(block)) => RsaKeyPair::from_der(&block.der),
            (Some(_), Some(_)) => return Err("holds two private keys".into()),
            (None, None) if pem::one(&blocks, "ENCRYPTED PRIVATE KEY")?.is_some() => {
                let advice =
                    "decrypt it (openssl pkey), or have what holds it sign what --print-bytes prints";
                return Err(format!("holds a key under a passphrase; {advice}"));
            }
            (None, None) => return Err("holds no private key in PEM".into()),
        };
        let key = key.map_err(|why| format!("holds no RSA key of 2048 to 4096 bits: {why}"))?;
        match key.public_key().as_ref() == certificate.key {
            true => Ok(Self(key)),
            false => Err("is the key of another certificate".into()),
        }
    }

    /// Signs these bytes: RSA with PKCS#1 version 1.5 and SHA-256. The same bytes get the same signature.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature);
        signed.map(|()| signature).map_err(|_| "does not sign: it is damaged".to_owned())
    }
}
