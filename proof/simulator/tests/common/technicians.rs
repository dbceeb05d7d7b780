//! Technicians with their keys.

use drydock_access::{Challenge, Hash, SshSignature, to_key_line};
use drydock_config::ServiceKey;
use drydock_format::PublicKey;
use ed25519_dalek::{Signer, SigningKey};

/// The private key of the technician with this number.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// The public one.
pub(crate) fn public(seed: u8) -> PublicKey {
    PublicKey::from_bytes(key(seed).verifying_key().as_bytes()).unwrap()
}

/// The same as a configuration has it.
pub(crate) fn configured(
    seed: u8,
    verbs: Option<&[&str]>,
    until: Option<&str>,
    uses: Option<u32>,
) -> ServiceKey {
    ServiceKey {
        name: format!("key-{seed}"),
        key: to_key_line(&public(seed)),
        verbs: verbs.map(|verbs| verbs.iter().map(|verb| (*verb).to_owned()).collect()),
        until: until.map(str::to_owned),
        uses,
    }
}

/// What a technician makes of a challenge.
pub(crate) fn signed(seed: u8, challenge: &Challenge) -> SshSignature {
    let signature = key(seed).sign(&Hash::Sha512.signed_bytes(b"", challenge.line().as_bytes())).to_bytes();
    SshSignature { key: *public(seed).as_bytes(), hash: Hash::Sha512, reserved: vec![], signature }
}

/// The challenges that a console has shown, the oldest first; each counts once however often it was shown.
pub(crate) fn challenges(shown: &str) -> Vec<Challenge> {
    let asked = shown.split("type or paste the answer:\n").skip(1);
    let asked = asked.filter_map(|rest| rest.split("\n(0: back)").next());
    let mut challenges: Vec<_> = asked.map(|line| Challenge::parse(line).unwrap()).collect();
    challenges.dedup();
    challenges
}
