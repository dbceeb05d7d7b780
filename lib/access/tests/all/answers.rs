//! The two forms of an answer.

use crate::common::{key, public, request, sign, sign_with};
use base64ct::{Base64, Encoding};
use drydock_access::{Answer, Challenge, Error, Hash, MAX_ANSWER, SshSignature, Verb};
use ed25519_dalek::Signer;
use proptest::prelude::*;

fn challenge() -> Challenge {
    Challenge::new("acme-pump", "pump-7", &request(Verb::Wipe, "logs"), [9; 5])
}

fn short() -> String {
    Answer::to_text(&sign(1, &challenge())).unwrap()
}

fn holds(text: &str) -> bool {
    Answer::parse(text)
        .is_ok_and(|answer| answer.by.may_be(&public(1)) && answer.holds(&public(1), &challenge()))
}

/// The characters of the short form, without what groups them.
fn symbols() -> Vec<char> {
    short().chars().filter(|c| !c.is_whitespace()).collect()
}

fn text(symbols: &[char]) -> String {
    symbols.iter().collect()
}

#[test]
fn the_short_form_is_three_lines_of_groups_and_reads_however_it_was_broken() {
    let short = short();
    let lines: Vec<_> = short.lines().collect();
    assert_eq!((lines.len(), lines.iter().map(|line| line.split(' ').count()).max()), (3, Some(9)));
    assert!(lines.iter().all(|line| line.len() <= 54), "{short}");
    let dense = text(&symbols());
    for form in [
        short.clone(),
        short.to_lowercase(),
        dense.clone(),
        short.replace(' ', "-"),
        short.replace('\n', "\r\n\r\n"),
        dense.chars().map(|c| format!("{c} \t\n")).collect(),
        short.replace('0', "o").replace('1', "l"),
    ] {
        assert!(holds(&form), "{form}");
    }
}

#[test]
fn an_armor_reads_with_any_line_breaks_and_with_none() {
    let armor = sign(1, &challenge()).to_armor();
    let dense: String = armor.split('\n').collect();
    for form in [
        armor.clone(),
        armor.replace('\n', "\r\n"),
        dense.clone(),
        dense.chars().map(|c| format!("{c}\n")).collect(),
        format!("$ cat x.sig\n{armor}$ "),
    ] {
        assert!(holds(&form), "{form}");
    }
    assert!(Answer::wants_more(&armor[..armor.len() - 3]) && !Answer::wants_more(&armor));
    let short = short();
    assert!(
        Answer::wants_more("")
            && Answer::wants_more(&short[..short.len() - 2])
            && !Answer::wants_more(&short)
    );
    assert!(!Answer::wants_more(&"-----".repeat(MAX_ANSWER)));
}

#[test]
fn both_hashes_and_every_line_end_of_a_signing_tool_are_taken() {
    for hash in [Hash::Sha256, Hash::Sha512] {
        for (end, good) in [("", true), ("\n", true), ("\r\n", true), (" \n", false), ("\n\n", false)] {
            let signature = sign_with(1, hash, format!("{}{end}", challenge().line()).as_bytes());
            assert_eq!(holds(&Answer::to_text(&signature).unwrap()), good, "{hash:?} {end:?}");
            assert_eq!(holds(&signature.to_armor()), good, "{hash:?} {end:?}");
        }
    }
}

#[test]
fn what_is_reserved_means_nothing_and_is_signed_along() {
    let reserved = b"of a later OpenSSH".to_vec();
    let signed = Hash::Sha512.signed_bytes(&reserved, challenge().line().as_bytes());
    let signature = key(1).sign(&signed).to_bytes();
    let with = SshSignature { reserved, signature, ..sign(1, &challenge()) };
    assert!(holds(&with.to_armor()));
    assert!(!holds(&SshSignature { reserved: b"of another".to_vec(), ..with.clone() }.to_armor()));
    assert!(!holds(&SshSignature { reserved: vec![], ..with.clone() }.to_armor()));
    assert_eq!(Answer::to_text(&with), Err(Error::Reserved));
}

#[test]
fn every_mistyped_character_is_found_with_its_group() {
    let right = symbols();
    for at in 0..right.len() {
        for wrong in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars().filter(|wrong| *wrong != right[at]) {
            let mut typed = right.clone();
            typed[at] = wrong;
            assert_eq!(Answer::parse(&text(&typed)), Err(Error::Groups { groups: vec![at / 5 + 1] }));
        }
        let mut typed = right.clone();
        typed[at] = 'U';
        assert_eq!(Answer::parse(&text(&typed)), Err(Error::Character { group: at / 5 + 1, found: 'U' }));
    }
}

#[test]
fn all_swapped_characters_and_groups_are_found_where_they_are() {
    let right = symbols();
    for at in 1..right.len() {
        let mut typed = right.clone();
        typed.swap(at - 1, at);
        let mut groups = vec![(at - 1) / 5 + 1, at / 5 + 1];
        groups.dedup();
        let found = Answer::parse(&text(&typed));
        assert!(typed == right || found == Err(Error::Groups { groups }), "{at}: {found:?}");
    }
    let groups: Vec<_> = right.chunks(5).collect();
    for (one, other) in [(0, 1), (7, 8), (0, 26), (12, 19)] {
        let mut typed = groups.clone();
        typed.swap(one, other);
        let expected = Err(Error::Groups { groups: vec![one + 1, other + 1] });
        assert_eq!(Answer::parse(&text(&typed.concat())), expected);
    }
}

#[test]
fn characters_that_are_missing_or_too_many_are_found_near_where_they_are() {
    let right = symbols();
    for at in [0, 3, 50, 51, 133] {
        let mut typed = right.clone();
        typed.remove(at);
        let Err(Error::Count { found: 134, group: Some(group) }) = Answer::parse(&text(&typed)) else {
            panic!()
        };
        assert!((at / 5 + 1..=at / 5 + 3).contains(&group), "{at}: {group}");
    }
    assert_eq!(Answer::parse(&text(&right[..130])), Err(Error::Count { found: 130, group: None }));
    assert_eq!(Answer::parse(&(short() + "AB")), Err(Error::Count { found: 137, group: None }));
    assert_eq!(Answer::parse(" \n-"), Err(Error::Empty));
    assert_eq!(Answer::parse(&"A".repeat(MAX_ANSWER + 1)), Err(Error::TooLong { most: MAX_ANSWER }));
    let said = Answer::parse(&text(&right[1..])).unwrap_err().to_string();
    assert!(said.contains("134 characters and not 135") && said.contains("group 1"), "{said}");
}

#[test]
fn signatures_for_another_purpose_or_of_another_kind_are_refused_in_words() {
    let blob = sign(1, &challenge()).to_blob();
    let edited = |from: &[u8], to: &[u8]| {
        let at = blob.windows(from.len()).position(|part| part == from).unwrap();
        let mut blob = blob.clone();
        blob.splice(at..at + from.len(), to.iter().copied());
        SshSignature::from_blob(&blob).unwrap_err().to_string()
    };
    for (from, to, word) in [
        (&b"SSHSIG"[..], &b"SSHGIS"[..], "does not begin"),
        (b"SSHSIG\0\0\0\x01", b"SSHSIG\0\0\0\x02", "a version that is not known"),
        (b"\0\0\0\x0fdrydock-service", b"\0\0\0\x04file", "-n drydock-service"),
        (b"\0\0\0\x0fdrydock-service", b"\0\0\0\0", "-n drydock-service"),
        (b"sha512", b"sha384", "neither sha512 nor sha256"),
        (b"\0\0\0\x06sha512", b"\0\0\0\x07ssh-md5", "neither sha512 nor sha256"),
        (b"ssh-ed25519", b"ssh-rsa\0\0\0\0", "only such keys"),
        (b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x07ssh-rsa", "too early"),
        (b"\0\0\0\x33\0\0\0\x0bssh-ed25519", b"\0\0\0\x2f\0\0\0\x07ssh-rsa", "RSA"),
        (b"\0\0\0\x40", b"\0\0\0\x41", "damaged"),
    ] {
        let said = edited(from, to);
        assert!(said.contains(word), "{to:?}: {said}");
    }
    assert!(
        SshSignature::from_blob(&[&blob[..], b"x"].concat()).unwrap_err().to_string().contains("follows")
    );
    for length in 0..blob.len() {
        assert!(SshSignature::from_blob(&blob[..length]).is_err());
    }
    let armor = format!("-----BEGIN SSH SIGNATURE-----{}", Base64::encode_string(&blob));
    assert!(Answer::parse(&armor).unwrap_err().to_string().contains("END SSH SIGNATURE is missing"));
}

proptest! {
    #[test]
    fn any_text_is_survived_and_none_is_taken_for_an_answer(text in ".{0,300}") {
        prop_assert!(!holds(&text));
        let _ = Answer::wants_more(&text);
        let armor = format!("-----BEGIN SSH SIGNATURE-----{text}-----END SSH SIGNATURE-----");
        prop_assert!(!holds(&armor));
    }

    #[test]
    fn any_blob_is_survived(blob in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..150) {
        let _ = SshSignature::from_blob(&blob);
        let mut right = sign(1, &challenge()).to_blob();
        right.splice(at..at + 2, blob);
        let _ = SshSignature::from_blob(&right);
    }

    #[test]
    fn every_signature_survives_both_forms(seed: u8, what in ".{0,40}", sha256: bool) {
        let hash = if sha256 { Hash::Sha256 } else { Hash::Sha512 };
        let challenge = Challenge::new("c", "d", &request(Verb::Install, &what), [seed; 5]);
        let signature = sign_with(seed, hash, challenge.line().as_bytes());
        for form in [signature.to_armor(), Answer::to_text(&signature).unwrap()] {
            let answer = Answer::parse(&form).unwrap();
            prop_assert!(answer.by.may_be(&public(seed)) && answer.holds(&public(seed), &challenge));
        }
        prop_assert_eq!(SshSignature::from_armor(&signature.to_armor()).unwrap(), signature);
    }
}
