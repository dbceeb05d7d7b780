//! Lines of public keys.

use crate::common::public;
use base64ct::{Base64, Encoding};
use drydock_access::{parse_key_line, to_key_line};
use proptest::prelude::*;

fn said(line: &str) -> String {
    parse_key_line(line).unwrap_err().to_string()
}

/// A line with this name outside, and this name and key inside.
fn line(outside: &str, inside: &str, key: &[u8]) -> String {
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let blob = [string(inside.as_bytes()), string(key)].concat();
    format!("{outside} {} who@where", Base64::encode_string(&blob))
}

#[test]
fn a_line_is_read_with_whatever_follows_the_key() {
    let bare = to_key_line(&public(1));
    assert_eq!(bare, format!("ssh-ed25519 {}", &line("", "ssh-ed25519", public(1).as_bytes())[1..69]));
    for text in
        [bare.clone(), format!("{bare} anna@acme laptop\n"), format!("  {}\r\n", bare.replace(' ', "\t "))]
    {
        assert_eq!(parse_key_line(&text).unwrap(), public(1), "{text}");
    }
}

#[test]
fn keys_of_other_kinds_are_refused_by_their_name() {
    for (kind, word) in [
        ("ssh-rsa", "RSA"),
        ("ssh-dss", "DSA"),
        ("ecdsa-sha2-nistp256", "ECDSA"),
        ("sk-ssh-ed25519@openssh.com", "token"),
        ("ssh-ed25519-cert-v01@openssh.com", "certificate"),
        ("no-pty", "no options"),
    ] {
        assert!(said(&line(kind, kind, &[1; 32])).contains(word), "{kind}");
        // Nor does another name outside help.
        assert!(said(&line("ssh-ed25519", kind, &[1; 32])).contains(word), "{kind}");
    }
}

#[test]
fn lines_that_are_damaged_or_weak_are_refused() {
    let bare = to_key_line(&public(1));
    for (text, word) in [
        (String::new(), "empty"),
        ("ssh-ed25519".into(), "nothing after"),
        (bare[..bare.len() - 4].into(), "damaged"),
        (bare[..bare.len() - 1].into(), "base64"),
        (format!("{bare}\n{bare}"), "more than one line"),
        (format!("command=\"x\" {bare}"), "no options"),
        ("-----BEGIN PUBLIC KEY-----".into(), "PEM"),
        (line("ssh-ed25519", "ssh-ed25519", &[0; 31]), "damaged"),
        (line("ssh-ed25519", "ssh-ed25519", &[0; 33]), "damaged"),
        // The point of order 4: it would accept any message.
        (line("ssh-ed25519", "ssh-ed25519", &[0; 32]), "weak"),
        ("x".repeat(5000), "far too long"),
    ] {
        assert!(said(&text).contains(word), "{text}: {}", said(&text));
    }
}

proptest! {
    #[test]
    fn any_line_is_survived(text in ".{0,200}", at in 0usize..80) {
        let _ = parse_key_line(&text);
        let mut line = to_key_line(&public(1));
        line.insert_str(at, &text);
        let _ = parse_key_line(&line);
    }
}
