//! `drydock-bundle answer`, beside the real `ssh-keygen`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use drydock_access::{Answer, Challenge, Door, NAMESPACE, Place, Request, Rule, Verb, parse_key_line};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CONSOLE: Place = Place::Console(0);
const NOW: Duration = Duration::from_secs(1);

fn tool(folder: &Path, words: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_drydock-bundle"))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who has the challenge already does not read this.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What it prints where all is well.
fn printed(folder: &Path, words: &[&str], input: &str) -> String {
    let output = tool(folder, words, input);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says where something is wrong.
fn said(folder: &Path, words: &[&str], input: &str) -> String {
    let output = tool(folder, words, input);
    assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn keygen(folder: &Path, words: &[&str]) {
    let output = Command::new("ssh-keygen").args(words).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
}

/// A folder with keys: `open`, `shut` (passphrase `pass word`), `rsa`, and `pem`.
fn workshop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    keygen(at, &["-q", "-t", "ed25519", "-N", "", "-f", "open"]);
    keygen(at, &["-q", "-t", "ed25519", "-N", "pass word", "-f", "shut"]);
    keygen(at, &["-q", "-t", "rsa", "-N", "", "-f", "rsa"]);
    fs::write(at.join("pass"), "pass word\n").unwrap();
    printed(at, &["keygen", "pem"], "");
    folder
}

fn request() -> Request {
    Request::new(Verb::Install, "acme pump 2.0").unwrap()
}

/// A door that knows this key, and what it asks.
fn asked(folder: &Path, key: &str) -> (Door, Challenge) {
    let line = fs::read_to_string(folder.join(format!("{key}.pub"))).unwrap();
    let rule =
        Rule { name: key.into(), key: parse_key_line(&line).unwrap(), verbs: None, until: None, uses: None };
    let mut door = Door::new("acme-pump", "pump-7", vec![rule]);
    let challenge = door.ask(CONSOLE, request(), [7; 5], NOW).unwrap();
    (door, challenge)
}

fn lets_in(mut door: Door, answer: &str) -> bool {
    door.answer(CONSOLE, &request(), answer, NOW).is_ok()
}

#[test]
fn an_answer_is_let_in_however_the_challenge_was_given_and_the_key_is_kept() {
    let folder = workshop();
    let at = folder.path();
    let (door, challenge) = asked(at, "open");
    let line = challenge.line();
    let words: Vec<_> = ["answer", "--key", "open"].into_iter().chain(line.split(' ')).collect();
    let answers = [
        printed(at, &["answer", line, "--key", "open"], ""),
        printed(at, &words, ""),
        printed(at, &["answer", "--key", "open"], &format!("{line}\n")),
        printed(at, &["answer", "--key", "open"], &format!("{}\n{}", &line[..40], &line[40..])),
        printed(at, &["answer", line, "--key", "open", "--armor"], ""),
    ];
    assert_eq!((answers[0].lines().count(), answers[4].starts_with("-----BEGIN SSH")), (3, true));
    for answer in &answers {
        assert!(lets_in(door.clone(), answer), "{answer}");
    }
    let json = printed(at, &["--json", "answer", line, "--key", "open"], "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["device"], &json["verb"], &json["what"]),
        (&"pump-7".into(), &"install".into(), &"acme%20pump%202.0".into())
    );
    assert_eq!(json["answer"], answers[0]);

    let (door, challenge) = asked(at, "shut");
    let words = ["answer", challenge.line(), "--key", "shut", "--passphrase-file", "pass"];
    assert!(lets_in(door, &printed(at, &words, "")));
    printed(at, &["answer", challenge.line(), "--key", "pem"], "");
}

#[test]
fn what_ssh_keygen_has_signed_becomes_the_short_form() {
    let folder = workshop();
    let at = folder.path();
    let (door, challenge) = asked(at, "open");
    fs::write(at.join("challenge"), format!("{}\n", challenge.line())).unwrap();
    keygen(at, &["-Y", "sign", "-q", "-f", "open", "-n", NAMESPACE, "challenge"]);
    let short = printed(at, &["answer", challenge.line(), "--signature", "challenge.sig"], "");
    assert!(lets_in(door, &short), "{short}");
    assert_eq!(short, printed(at, &["answer", "--signature", "challenge.sig"], challenge.line()));

    let other = Challenge::new("acme-pump", "pump-8", &request(), [7; 5]);
    let why = said(at, &["answer", other.line(), "--signature", "challenge.sig"], "");
    assert!(why.contains("not a signature of this challenge"), "{why}");
    fs::remove_file(at.join("challenge.sig")).unwrap();
    keygen(at, &["-Y", "sign", "-q", "-f", "open", "-n", "file", "challenge"]);
    let why = said(at, &["answer", challenge.line(), "--signature", "challenge.sig"], "");
    assert!(why.contains("-n drydock-service"), "{why}");
}

#[test]
fn ssh_keygen_verifies_what_is_answered() {
    let folder = workshop();
    let at = folder.path();
    let (_, challenge) = asked(at, "open");
    let armor = printed(at, &["answer", challenge.line(), "--key", "open", "--armor"], "");
    fs::write(at.join("answer.sig"), armor).unwrap();
    let key = fs::read_to_string(at.join("open.pub")).unwrap();
    fs::write(at.join("allowed"), format!("anna {key}")).unwrap();
    let verified = |message: &str| {
        fs::write(at.join("message"), message).unwrap();
        let status = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-f", "allowed", "-I", "anna", "-n", NAMESPACE, "-s", "answer.sig"])
            .current_dir(at)
            .stdin(File::open(at.join("message")).unwrap())
            .output();
        status.unwrap().status.success()
    };
    assert!(verified(challenge.line()));
    assert!(!verified(&challenge.line().replace("pump-7", "pump-8")));
}

#[test]
fn keys_and_challenges_that_can_not_be_used_are_refused_in_words() {
    let folder = workshop();
    let at = folder.path();
    let (_, challenge) = asked(at, "open");
    let line = challenge.line();
    let mistyped = line.replace("pump-7", "pump-1");
    fs::write(at.join("wrong"), "pass").unwrap();
    for (words, why) in [
        (&["answer", &mistyped, "--key", "open"][..], "a character is wrong"),
        (&["answer", "hello", "--key", "open"], "does not begin with drydock-service/1"),
        (&["answer", line, "--key", "none"], "No such file"),
        (&["answer", line, "--key", "open.pub"], "without .pub"),
        (&["answer", line, "--key", "rsa"], "ssh-ed25519"),
        (&["answer", line, "--key", "pem.pub.pem"], "public key"),
        (&["answer", line, "--key", "pass"], "PRIVATE KEY"),
        (&["answer", line, "--key", "shut"], "--passphrase-file"),
        (&["answer", line, "--key", "shut", "--passphrase-file", "wrong"], "does not open"),
        (&["answer", line, "--signature", "pass"], "no line BEGIN SSH SIGNATURE"),
    ] {
        let text = said(at, words, "");
        assert!(text.contains(why), "{words:?}: {text}");
    }
    assert!(Answer::parse(line).is_err());
}
