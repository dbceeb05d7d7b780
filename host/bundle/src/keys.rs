//! Keys as PEM files, interchangeable with openssl's: PKCS#8 for private keys, SubjectPublicKeyInfo for public
//! ones.

use crate::Error;
use crate::pem::{self, Block, MAX_FILE};
use drydock_files::new_file::sync_folder;
use drydock_format::PublicKey;
use drydock_format::signature::Line;
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
pub struct PrivateKey(pub(crate) SigningKey);

impl PrivateKey {
    /// Makes a key from the kernel's random numbers.
    pub fn generate() -> Result<Self, Error> {
        let path = Path::new("/dev/urandom");
        let mut seed = Zeroizing::new([0; 32]);
        let read = File::open(path).and_then(|mut random| random.read_exact(&mut *seed));
        read.map_err(file("reading", path))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads the private key in a PEM file, as `openssl genpkey -algorithm ed25519` writes it (PKCS#8, not encrypted).
    /// Its public half may be in the same file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let unfit = |problem| Error::KeyFile {
            path: path.into(),
            problem: format!("not an unencrypted Ed25519 private key in PKCS#8 PEM: {problem}"),
        };
        let keys = read_file(path)?.and_then(|blocks| Keys::of(&blocks)).map_err(unfit)?;
        match keys {
            Keys { encrypted: true, .. } => Err(unfit(
                "it holds an encrypted key; decrypt that into a file of its own (openssl pkey)".into(),
            )),
            Keys { private: Some(key), .. } => Ok(Self(key)),
            Keys { public: Some(_), .. } => Err(unfit("it holds a public key only".into())),
            Keys { .. } => Err(unfit("it has no block PRIVATE KEY".into())),
        }
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
        Ok(PublicKey::from_bytes(self.0.verifying_key().as_bytes())?)
    }

    /// Signs exactly these bytes; the same bytes get the same signature.
    pub fn sign(&self, manifest: &[u8]) -> Result<Line, Error> {
        Ok(Line { key: self.public()?.id(), signature: self.0.sign(manifest).to_bytes() })
    }
}

/// Reads the public key in a PEM file, as `openssl pkey -pubout` writes it (SubjectPublicKeyInfo). Its private half may
/// be in the same file.
pub fn read_public(path: &Path) -> Result<PublicKey, Error> {
    let unfit = |problem| Error::KeyFile {
        path: path.into(),
        problem: format!("not an Ed25519 public key in PEM: {problem}"),
    };
    let keys = read_file(path)?.and_then(|blocks| Keys::of(&blocks)).map_err(unfit)?;
    match keys {
        Keys { public: Some(key), .. } => Ok(PublicKey::from_bytes(key.as_bytes())?),
        Keys { private: Some(_), .. } => {
            Err(unfit("it holds a private key only; make the public one with openssl pkey -pubout".into()))
        }
        Keys { .. } => Err(unfit("it has no block PUBLIC KEY; make one with openssl pkey -pubout".into())),
    }
}

/// What is in a key file.
struct Keys {
    private: Option<SigningKey>,
    public: Option<VerifyingKey>,
    encrypted: bool,
}

impl Keys {
    /// Certificates and whatever else is in the file are not looked at. Two keys of a kind, or two halves that are not
    /// of one pair, are refused: it would be a guess which one is meant.
    fn of(blocks: &[Block]) -> Result<Self, String> {
        let other = |kind: &str| format!("its {kind} key is of another kind than Ed25519, or damaged");
        let private = pem::one(blocks, "PRIVATE KEY")?
            .map(|block| SigningKey::from_pkcs8_der(&block.der).map_err(|_| other("private")))
            .transpose()?;
        let public = pem::one(blocks, "PUBLIC KEY")?
            .map(|block| VerifyingKey::from_public_key_der(&block.der).map_err(|_| other("public")))
            .transpose()?;
        if let (Some(private), Some(public)) = (&private, &public)
            && private.verifying_key() != *public
        {
            return Err("it holds a private and a public key that do not belong together".into());
        }
        let encrypted = pem::one(blocks, "ENCRYPTED PRIVATE KEY")?.is_some();
        Ok(Self { private, public, encrypted })
    }
}

/// The blocks of a key file, or why it has none.
fn read_file(path: &Path) -> Result<Result<Vec<Block>, String>, Error> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    read.map_err(file("reading the key", path))?;
    if bytes.len() as u64 > MAX_FILE {
        return Ok(Err("it is far too large".into()));
    }
    let blocks = pem::blocks(&bytes);
    // A DER SEQUENCE, which is what every key is.
    let der = bytes.starts_with(&[0x30]) && matches!(&blocks, Ok(blocks) if blocks.is_empty());
    Ok(if der {
        Err("it is DER; convert it (openssl pkey -inform DER, with -pubin for a public key)".into())
    } else {
        blocks
    })
}

/// Writes a public key to a new PEM file. A file that is there is not replaced. The file is on stable storage on return.
pub fn write_public(key: &PublicKey, path: &Path) -> Result<(), Error> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(encoding(path))?;
    let pem = key.to_public_key_pem(LineEnding::LF).map_err(encoding(path))?;
    write_new(path, 0o644, pem.as_bytes())
}

/// After an error there is no file that was not there before.
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), Error> {
    let open = File::options().write(true).create_new(true).mode(mode).open(path);
    let written = open.and_then(|mut out| {
        let written = out.write_all(bytes).and_then(|()| out.sync_all()).and_then(|()| sync_folder(path));
        if written.is_err() {
            // Best effort; half a key is of no use.
            let _ = fs::remove_file(path);
        }
        written
    });
    written.map_err(file("writing the key", path))
}

fn encoding<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> Error {
    move |error| Error::KeyFile { path: path.into(), problem: error.to_string() }
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { doing, path: path.into(), source }
}
