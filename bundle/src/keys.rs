//! Keys as PEM files, interchangeable with openssl's: PKCS#8 for private keys, SubjectPublicKeyInfo for public
//! ones.

use crate::signature::Line;
use crate::{Error, PublicKey};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// An Ed25519 private key. It is wiped when dropped and has no `Debug`.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// Makes a key from the kernel's random numbers.
    pub fn generate() -> Result<Self, Error> {
        let path = Path::new("/dev/urandom");
        let mut seed = Zeroizing::new([0; 32]);
        let read = File::open(path).and_then(|mut random| random.read_exact(&mut *seed));
        read.map_err(file("reading", path))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a PKCS#8 PEM file, as `openssl genpkey -algorithm ed25519` writes it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let pem = Zeroizing::new(fs::read_to_string(path).map_err(file("reading the key", path))?);
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| Error::KeyFile {
            path: path.into(),
            problem: "not an unencrypted Ed25519 private key in PKCS#8 PEM".into(),
        })?;
        Ok(Self(key))
    }

    /// Writes a new PKCS#8 PEM file that only its owner can read. A file that is there is not replaced. The
    /// file is on stable storage on return.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        // Without the public key inside: openssl 3.0 does not read the form that has it.
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).map_err(encoding(path))?;
        write_new(path, 0o600, pem.as_bytes())
    }

    /// The public half.
    pub fn public(&self) -> Result<PublicKey, Error> {
        PublicKey::from_bytes(self.0.verifying_key().as_bytes())
    }

    /// Signs exactly these bytes; the same bytes get the same signature.
    pub fn sign(&self, manifest: &[u8]) -> Result<Line, Error> {
        Ok(Line { key: self.public()?.id(), signature: self.0.sign(manifest).to_bytes() })
    }
}

/// Reads a public key from a SubjectPublicKeyInfo PEM file, as `openssl pkey -pubout` writes it.
pub fn read_public(path: &Path) -> Result<PublicKey, Error> {
    let pem = fs::read_to_string(path).map_err(file("reading the key", path))?;
    let key = VerifyingKey::from_public_key_pem(&pem).map_err(|_| Error::KeyFile {
        path: path.into(),
        problem: "not an Ed25519 public key in PEM; make one with openssl pkey -pubout".into(),
    })?;
    PublicKey::from_bytes(key.as_bytes())
}

/// Writes a public key to a new PEM file.
pub fn write_public(key: &PublicKey, path: &Path) -> Result<(), Error> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(encoding(path))?;
    let pem = key.to_public_key_pem(LineEnding::LF).map_err(encoding(path))?;
    write_new(path, 0o644, pem.as_bytes())
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let open = File::options().write(true).create_new(true).mode(mode).open(path);
    let written = open.and_then(|mut out| out.write_all(bytes).and_then(|()| out.sync_all()));
    written.map_err(file("writing the key", path))
}

fn encoding<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> Error {
    move |error| Error::KeyFile { path: path.into(), problem: error.to_string() }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { doing, path: path.into(), source }
}
