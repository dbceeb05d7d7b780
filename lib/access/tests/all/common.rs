//! Keys from a seed, and doors that know them.

use drydock_access::{
    Answer, Challenge, Door, Facts, Hash, Place, Request, Rule, Signed, SshSignature, Verb,
};
use drydock_format::PublicKey;
use drydock_state::UnixTime;
use ed25519_dalek::{Signer, SigningKey};
use std::time::Duration;

pub(crate) const CONSOLE: Place = Place::Console(0);
/// A moment in November 2026.
pub(crate) const NOW: UnixTime = UnixTime(1_795_411_199);

pub(crate) fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn public(seed: u8) -> PublicKey {
    PublicKey::from_bytes(key(seed).verifying_key().as_bytes()).unwrap()
}

/// A rule that allows everything.
pub(crate) fn rule(seed: u8) -> Rule {
    Rule { name: format!("key-{seed}"), key: public(seed), verbs: None, until: None, uses: None }
}

pub(crate) fn door(rules: Vec<Rule>) -> Door {
    Door::new("acme-pump", "pump-7", rules)
}

pub(crate) fn request(verb: Verb, what: &str) -> Request {
    Request::new(verb, what).unwrap()
}

/// A signature of a message.
pub(crate) fn sign_with(seed: u8, hash: Hash, message: &[u8]) -> SshSignature {
    let signature = key(seed).sign(&hash.signed_bytes(b"", message)).to_bytes();
    SshSignature { key: *public(seed).as_bytes(), hash, reserved: Vec::new(), signature }
}

pub(crate) fn sign(seed: u8, challenge: &Challenge) -> SshSignature {
    sign_with(seed, Hash::Sha512, challenge.line().as_bytes())
}

/// The short form of the right answer.
pub(crate) fn answer(seed: u8, challenge: &Challenge) -> String {
    Answer::to_text(&sign(seed, challenge)).unwrap()
}

pub(crate) fn facts(used: u32) -> Facts {
    Facts { now: NOW, past: UnixTime(NOW.0 - 86_400), used }
}

/// Who has signed what is asked of this door.
pub(crate) fn signed(door: &mut Door, seed: u8, request: &Request) -> Signed {
    let challenge = door.ask(CONSOLE, request.clone(), [seed; 5], at(0)).unwrap();
    door.answer(CONSOLE, request, &answer(seed, &challenge), at(1)).unwrap()
}
