//! A channel's file: read within its limits, replaced as a whole, and never signed again for somebody else's words.

use crate::Error;
use drydock_bundle::keys::PrivateKey;
use drydock_channel::{Channel, MAX_FILE, add, split};
use drydock_files::new_file::{NewFile, Readers};
use drydock_format::{PublicKey, Trusted};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Reads a file, as far as a channel can be long.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|source| Error::File { doing: "reading", path: path.into(), source })?;
    Ok(bytes)
}

/// Puts a file in the place of the old one. On return it is on stable storage.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = NewFile::new(path, Readers::Usual).and_then(|new| {
        new.file().write_all(bytes)?;
        new.finish()
    });
    written.map_err(|source| Error::File { doing: "writing", path: path.into(), source })
}

/// Checks that one of these keys at least has signed a file, and no signature of theirs is wrong. A file that lies on a server
/// may be anybody's: who changes and signs it would sign what somebody else has put there.
pub fn check_signed(bytes: &[u8], keys: Vec<PublicKey>) -> Result<(), Error> {
    Ok(Channel::open(bytes, &Trusted { keys, threshold: 1 }).map(drop)?)
}

/// Adds a signature by each of the keys. Returns the new file.
pub fn sign(bytes: &[u8], keys: &[PrivateKey]) -> Result<Vec<u8>, Error> {
    let mut file = bytes.to_vec();
    for key in keys {
        file = add(&file, &key.sign(split(bytes)?.document)?)?;
    }
    Ok(file)
}
