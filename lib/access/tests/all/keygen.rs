//! The real `ssh-keygen`, both ways.

use crate::common::{CONSOLE, at, request};
use drydock_access::{
    Answer, Challenge, Door, Hash, NAMESPACE, Rule, SshSignature, Verb, parse_key_line, to_key_line,
};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

fn keygen(folder: &Path, words: &[&str], input: Option<&Path>) -> bool {
    let mut command = Command::new("ssh-keygen");
    command.args(words).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    match input {
        Some(file) => command.stdin(fs::File::open(file).unwrap()),
        None => command.stdin(Stdio::null()),
    };
    command.status().unwrap().success()
}

/// A folder with a new key `id`, and the rule for it.
fn workshop() -> (tempfile::TempDir, Rule) {
    let folder = tempfile::tempdir().unwrap();
    assert!(keygen(folder.path(), &["-q", "-t", "ed25519", "-N", "", "-C", "anna@acme", "-f", "id"], None));
    let line = fs::read_to_string(folder.path().join("id.pub")).unwrap();
    let key = parse_key_line(&line).unwrap();
    assert_eq!(format!("{} anna@acme\n", to_key_line(&key)), line);
    let rule = Rule { name: "anna".into(), key, verbs: None, until: None, uses: None };
    (folder, rule)
}

#[test]
fn what_ssh_keygen_signs_is_let_in_in_both_forms_with_both_hashes_and_line_ends() {
    let (folder, rule) = workshop();
    let wipe = request(Verb::Wipe, "the logs");
    let mut door = Door::new("acme-pump", "pump-7", vec![rule]);
    for (number, (hash, end)) in
        [("sha512", ""), ("sha512", "\n"), ("sha256", "\n"), ("sha256", "\r\n")].into_iter().enumerate()
    {
        let file = format!("challenge-{number}");
        let challenge = door.ask(CONSOLE, wipe.clone(), [number as u8; 5], at(0)).unwrap();
        fs::write(folder.path().join(&file), format!("{}{end}", challenge.line())).unwrap();
        let option = format!("hashalg={hash}");
        let words = ["-Y", "sign", "-f", "id", "-n", NAMESPACE, "-O", &option, &file];
        assert!(keygen(folder.path(), &words, None));
        let armor = fs::read_to_string(folder.path().join(file + ".sig")).unwrap();
        let signature = SshSignature::from_armor(&armor).unwrap();
        assert_eq!(signature.to_armor(), armor);
        assert!(challenge.is_signed_by(&signature));
        for form in [armor, Answer::to_text(&signature).unwrap()] {
            let challenge_again = door.ask(CONSOLE, wipe.clone(), [number as u8; 5], at(1)).unwrap();
            assert_eq!(challenge_again, challenge);
            door.answer(CONSOLE, &wipe, &form, at(2)).unwrap().key();
        }
    }
}

#[test]
fn what_ssh_keygen_signs_for_another_purpose_or_with_another_kind_of_key_is_not_let_in() {
    let (folder, rule) = workshop();
    let wipe = request(Verb::Wipe, "logs");
    let mut door = Door::new("acme-pump", "pump-7", vec![rule]);
    let challenge = door.ask(CONSOLE, wipe.clone(), [1; 5], at(0)).unwrap();
    for (kind, namespace, word) in
        [("ed25519", "file", "-n drydock-service"), ("rsa", NAMESPACE, "RSA"), ("ecdsa", NAMESPACE, "ECDSA")]
    {
        fs::write(folder.path().join("challenge"), challenge.line()).unwrap();
        let _ = fs::remove_file(folder.path().join("challenge.sig"));
        let key = format!("id-{kind}");
        assert!(keygen(folder.path(), &["-q", "-t", kind, "-N", "", "-f", &key], None));
        assert!(keygen(folder.path(), &["-Y", "sign", "-f", &key, "-n", namespace, "challenge"], None));
        let armor = fs::read_to_string(folder.path().join("challenge.sig")).unwrap();
        let said = door.answer(CONSOLE, &wipe, &armor, at(1)).unwrap_err().to_string();
        assert!(said.contains(word), "{kind}: {said}");
        let line = fs::read_to_string(folder.path().join(key + ".pub")).unwrap();
        assert_eq!(parse_key_line(&line).is_ok(), kind == "ed25519");
    }
}

#[test]
fn ssh_keygen_verifies_what_is_signed_here() {
    let folder = tempfile::tempdir().unwrap();
    let challenge = Challenge::new("acme-pump", "pump-7", &request(Verb::Install, "x"), [7; 5]);
    fs::write(folder.path().join("allowed"), format!("anna {}\n", to_key_line(&crate::common::public(5))))
        .unwrap();
    let verify = |message: &str| {
        let file = folder.path().join("message");
        fs::write(&file, message).unwrap();
        let words = ["-Y", "verify", "-f", "allowed", "-I", "anna", "-n", NAMESPACE, "-s", "answer.sig"];
        keygen(folder.path(), &words, Some(&file))
    };
    for hash in [Hash::Sha512, Hash::Sha256] {
        let signature = crate::common::sign_with(5, hash, challenge.line().as_bytes());
        fs::write(folder.path().join("answer.sig"), signature.to_armor()).unwrap();
        assert!(verify(challenge.line()));
        assert!(!verify(&challenge.line().replace("install", "wipe")));
    }
}
