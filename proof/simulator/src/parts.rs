//! A bundle taken apart, so that a test can put it together again wrongly.

use base64ct::{Base64, Encoding};
use drydock_bundle::keys::PrivateKey;
use drydock_format::signature::{self, MEMBER_SIZE};
use drydock_format::tar::{BLOCK, END, Header, padded};
use drydock_format::{MANIFEST, SIGNATURES};
use std::path::Path;

/// The members of a bundle.
#[derive(Clone)]
pub struct Parts {
    /// All members with their names, `manifest.json` and `manifest.sig` included.
    pub members: Vec<(String, Vec<u8>)>,
}

impl Parts {
    /// Takes a whole bundle apart.
    pub fn of(bundle: &[u8]) -> Self {
        let mut members = Vec::new();
        let mut at = 0;
        let header = |at: usize| Header::decode(bundle[at..][..BLOCK as usize].try_into().unwrap());
        while let Some(Header { name, size }) = header(at) {
            let start = at + BLOCK as usize;
            members.push((name, bundle[start..][..size as usize].to_vec()));
            at = start + padded(size) as usize;
        }
        Self { members }
    }

    /// The index of a member.
    pub fn index(&self, name: &str) -> usize {
        self.members.iter().position(|(own, _)| own == name).expect("a member of that name")
    }

    /// A member's bytes.
    pub fn get(&mut self, name: &str) -> &mut Vec<u8> {
        let index = self.index(name);
        &mut self.members[index].1
    }

    /// The manifest as text.
    pub fn manifest(&mut self) -> String {
        String::from_utf8(self.get(MANIFEST).clone()).unwrap()
    }

    /// Replaces the manifest and signs it with these keys.
    pub fn sign(&mut self, manifest: &[u8], keys: &[&PrivateKey]) {
        *self.get(MANIFEST) = manifest.to_vec();
        let none = vec![b'\n'; MEMBER_SIZE];
        let add = |member: Vec<u8>, key: &&PrivateKey| {
            signature::add(&member, &key.sign(manifest).unwrap()).unwrap()
        };
        *self.get(SIGNATURES) = keys.iter().fold(none, add);
    }

    /// The bundle.
    pub fn bundle(&self) -> Vec<u8> {
        let mut bundle = Vec::new();
        for (name, bytes) in &self.members {
            bundle.extend(Header { name: name.clone(), size: bytes.len() as u64 }.encode());
            bundle.extend(bytes);
            bundle.resize(padded(bundle.len() as u64) as usize, 0);
        }
        bundle.resize(bundle.len() + END as usize, 0);
        bundle
    }
}

/// The private key of a seed; the folder is for a moment's file.
pub fn key(seed: u8, folder: &Path) -> PrivateKey {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [&head[..], &[seed; 32]].concat();
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", Base64::encode_string(&der));
    let path = folder.join(format!("{seed}.pem"));
    std::fs::write(&path, pem).expect("a temporary folder can be written");
    PrivateKey::read(&path).expect("the key is as openssl would write it")
}
