//! What technicians type and paste, and the lines of their keys.

use drydock_access::{
    Answer, By, Challenge, Door, Error, Hash, MAX_ANSWER, Place, Request, Rule, SshSignature, Verb,
    parse_key_line, to_key_line,
};
use drydock_format::PublicKey;
use std::time::Duration;

/// The key of RFC 8032's first test: nobody can sign for it without having it.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

/// An answer, at a door that nobody can have the key of; and as a challenge that was typed.
pub(crate) fn answer(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let _ = Answer::wants_more(&text);
    if let Ok(challenge) = Challenge::parse(&text) {
        assert_eq!(Challenge::parse(challenge.line()).ok().as_ref(), Some(&challenge));
    }
    let Ok(key) = KEY.parse::<PublicKey>() else { return false };
    let rule = Rule { name: "nobody".into(), key, verbs: None, until: None, uses: None };
    let mut door = Door::new("acme-pump", "pump-7", vec![rule]);
    let Ok(request) = Request::new(Verb::Wipe, text.chars().take(200).collect::<String>()) else {
        return false;
    };
    let (place, now) = (Place::Console(0), Duration::ZERO);
    let Ok(challenge) = door.ask(place, request.clone(), [7; 5], now) else { return false };
    assert!(challenge.line().len() <= 160 && challenge.line().bytes().all(|byte| (32..127).contains(&byte)));
    let answered = door.answer(place, &request, &text, now);
    assert!(answered.is_err());
    let parsed = Answer::parse(&text);
    assert!(parsed.is_err() || text.len() <= MAX_ANSWER);
    // What was read was looked at, and nothing else was.
    assert_eq!(matches!(answered, Err(Error::UnknownKey | Error::Wrong { .. })), parsed.is_ok());
    parsed.is_ok()
}

/// An SSH signature, with its armor or without.
pub(crate) fn ssh_signature(data: &[u8]) -> bool {
    let armored = str::from_utf8(data).ok().and_then(|text| SshSignature::from_armor(text).ok());
    let Some(signature) = armored.or_else(|| SshSignature::from_blob(data).ok()) else { return false };
    assert_eq!(SshSignature::from_blob(&signature.to_blob()).as_ref(), Ok(&signature));
    assert_eq!(SshSignature::from_armor(&signature.to_armor()).as_ref(), Ok(&signature));
    assert!(signature.reserved.len() <= data.len());
    let signed = signature.hash.signed_bytes(&signature.reserved, b"a message");
    let digest = if signature.hash == Hash::Sha512 { 64 } else { 32 };
    assert_eq!(signed.len(), 6 + 4 + 15 + 4 + signature.reserved.len() + 4 + 6 + 4 + digest);
    let _ = signature.holds(b"a message");
    if let Ok(text) = Answer::to_text(&signature) {
        let key = PublicKey::from_bytes(&signature.key);
        let by = Answer::parse(&text).map(|answer| answer.by);
        assert!(matches!((by, key), (Ok(by @ By::Hint(_)), Ok(key)) if by.may_be(&key)));
    }
    true
}

/// The line of a public key.
pub(crate) fn key_line(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let Ok(key) = parse_key_line(text) else { return false };
    assert_eq!(parse_key_line(&to_key_line(&key)).as_ref(), Ok(&key));
    assert!(text.trim_start().starts_with("ssh-ed25519"));
    true
}
